#include "sip/into.h"

#include "sip/lex.h"

/* The '<' of a name-addr, or NULL where `in` is an addr-spec: a quoted display name may hold
 * anything, an unquoted one neither ':' nor ';'. (Unquoted commas and dots, RFC 4475 s.3.1.2.15,
 * do no harm.) *ret_display is what stands before it. False: a quote that never closes. */
static bool find_bracket(const char *p, const char *end, struct slice *ret_display,
                         const char **ret_bracket)
{
    const char *q = p;

    if (*p == '"') {
        q = lex_quoted(p, end);
        if (!q)
            return false;
        *ret_display = lex_between(p, q);
        q = lex_ws(q, end);
        if (q == end || *q != '<')
            return false;
    } else {
        while (q < end && *q != '<' && *q != ':' && *q != ';' && *q != '"')
            q++;
        if (q < end && *q == '<')
            *ret_display = lex_trim(p, q);
    }
    *ret_bracket = q < end && *q == '<' ? q : NULL;
    return true;
}

/* RFC 3261 s.20: without brackets no ',', ';' or '?' belongs to the URI. */
static const char *addr_spec_end(const char *p, const char *end)
{
    while (p < end && *p != ';' && *p != '?' && *p != ',' && !lex_is_ws(*p))
        p++;
    return p;
}

/* The parameters at p, "tag" among them. */
static bool take_params(const char *p, const char *end, struct sip_addr *addr, struct slice *tag)
{
    p = lex_ws(p, end);
    if (p == end)
        return true;
    if (*p++ != ';')
        return false;
    struct slice rest = lex_between(p, end);
    addr->params = lex_trim(p, end);
    do {
        struct lex_param param;
        if (!lex_param_next(&rest, &param))
            return false;
        if (param.name.n == 3 && slice_eq_nocase(param.name, SLICE_LIT("tag"))) {
            if (tag->p || param.value.n == 0)
                return false;
            *tag = param.value;
        }
    } while (rest.p);
    return true;
}

int sip_addr_parse_into(struct slice in, struct sip_addr *addr, struct slice *tag)
{
    struct slice uri;
    const char *p = in.p, *end = in.p ? in.p + in.n : NULL, *bracket;

    p = lex_ws(p, end);
    if (p == end || !find_bracket(p, end, &addr->display, &bracket))
        return SIP_PARSE_BAD;
    if (bracket) {
        const char *close = memchr(bracket, '>', (size_t)(end - bracket));
        if (!close)
            return SIP_PARSE_BAD;
        uri = lex_trim(bracket + 1, close); /* RFC 4475 s.3.1.2.14: spaces in the brackets */
        p = close + 1;
    } else {
        const char *stop = addr_spec_end(p, end);
        uri = lex_between(p, stop);
        p = stop;
    }
    if (sip_uri_parse_into(uri, &addr->uri) != SIP_URI_OK || !take_params(p, end, addr, tag))
        return SIP_PARSE_BAD;
    return SIP_PARSE_OK;
}

int sip_addr_parse(struct slice in, struct sip_addr *ret)
{
    struct sip_addr addr = {.is_star = false};
    struct slice tag = SLICE_NONE;

    if (slice_eq(slice_trim(in), SLICE_LIT("*")))
        addr.is_star = true;
    else if (sip_addr_parse_into(in, &addr, &tag) != SIP_PARSE_OK)
        return SIP_PARSE_BAD;
    *ret = addr;
    return SIP_PARSE_OK;
}
