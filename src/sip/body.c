/* Which part of a body is the session description? */
#include "sip/hdr.h"

#include "sip/lex.h"

int sip_media_type_parse(struct slice in, struct sip_media_type *ret)
{
    struct sip_media_type t;
    const char *end = in.p ? in.p + in.n : NULL, *p = lex_ws(in.p, end);
    const char *q = lex_run(p, end, LEX_TOKEN);

    if (q == p)
        return SIP_PARSE_BAD;
    t.type = lex_between(p, q);
    p = lex_ws(q, end);
    if (p == end || *p != '/')
        return SIP_PARSE_BAD;
    p = lex_ws(p + 1, end);
    q = lex_run(p, end, LEX_TOKEN);
    if (q == p || !lex_params_after(q, end, &t.params))
        return SIP_PARSE_BAD;
    t.subtype = lex_between(p, q);
    *ret = t;
    return SIP_PARSE_OK;
}

static bool type_is(const struct sip_media_type *t, const char *type)
{
    struct slice subtype = slice_from_str(type);
    struct slice major = slice_cut(&subtype, '/');

    return slice_eq_nocase(t->type, major) && slice_eq_nocase(t->subtype, subtype);
}

bool sip_media_type_is(struct slice in, const char *type)
{
    struct sip_media_type t;

    return sip_media_type_parse(in, &t) == SIP_PARSE_OK && type_is(&t, type);
}

/* The next "--boundary" that stands at the start of a line and alone on it; *ret_part is what came
 * before it, *ret_last whether it is the closing one. `rest` goes on behind its line. */
static bool next_delimiter(struct slice *rest, struct slice dash_boundary, struct slice *ret_part,
                           bool *ret_last)
{
    struct slice all = *rest;

    for (size_t at = 0;; at += dash_boundary.n) {
        at += slice_find(slice_skip(all, at), dash_boundary);
        if (at >= all.n)
            return false;
        if (at != 0 && (at < 2 || memcmp(all.p + at - 2, "\r\n", 2) != 0))
            continue;
        struct slice tail = slice_skip(all, at + dash_boundary.n);
        bool last = slice_starts_with(tail, SLICE_LIT("--"));
        size_t eol = last ? 0 : slice_find(tail, SLICE_LIT("\r\n"));
        if (!last && (eol == tail.n || slice_trim(slice_take(tail, eol)).n != 0))
            continue;
        *ret_part = slice_take(all, at >= 2 ? at - 2 : 0);
        *ret_last = last;
        *rest = slice_skip(tail, last ? tail.n : eol + 2);
        return true;
    }
}

/* One part: headers, a blank line, content (RFC 2046 s.5.1). *ret_content has p == NULL where the
 * part is of another type. */
static void look_into(struct slice part, const char *type, struct slice *ret_content)
{
    const char *p = part.p, *end = part.p + part.n, *stop;
    bool found = false;

    *ret_content = SLICE_NONE;
    while (lex_line(p, end, &stop) == LEX_LINE_OK && stop != p) {
        struct slice value = lex_between(p, stop);
        struct slice name = slice_trim(slice_cut(&value, ':'));
        if (sip_hdr_id_from(name) == SIP_HDR_CONTENT_TYPE)
            found = sip_media_type_is(value, type);
        p = stop + 2;
    }
    if (found && end - p >= 2 && p[0] == '\r' && p[1] == '\n')
        *ret_content = lex_between(p + 2, end);
}

/* The boundary parameter, as "--boundary" in dst. */
static bool dash_boundary(struct slice params, char *dst, size_t cap, struct slice *ret)
{
    struct slice value;
    size_t n;

    if (!sip_param_find(params, "boundary", &value) ||
        sip_unquote(value, dst + 2, cap - 2, &n) < 0 || n == 0)
        return false;
    memcpy(dst, "--", 2);
    *ret = slice_from(dst, n + 2);
    return true;
}

int sip_body_find(struct slice content_type, struct slice body, const char *type,
                  struct slice *ret_part)
{
    struct sip_media_type t;
    char boundary[SIP_BOUNDARY_MAX + 2];
    struct slice delimiter, part, content = SLICE_NONE;
    bool last = false;

    if (sip_media_type_parse(content_type, &t) != SIP_PARSE_OK)
        return SIP_PARSE_BAD;
    if (!slice_eq_nocase(t.type, SLICE_LIT("multipart")) || type_is(&t, type)) {
        *ret_part = type_is(&t, type) ? body : SLICE_NONE;
        return SIP_PARSE_OK;
    }
    if (!dash_boundary(t.params, boundary, sizeof(boundary), &delimiter) ||
        !next_delimiter(&body, delimiter, &part, &last)) /* what precedes it is the preamble */
        return SIP_PARSE_BAD;
    for (int i = 0; i < SIP_PARTS_MAX && !last && !content.p; i++) {
        if (!next_delimiter(&body, delimiter, &part, &last))
            return SIP_PARSE_BAD;
        look_into(part, type, &content);
    }
    *ret_part = content;
    return SIP_PARSE_OK;
}
