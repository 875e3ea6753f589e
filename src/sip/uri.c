#include "sip/into.h"

#include "sip/lex.h"

/* After the host: [;params][?headers] up to the end, each byte one that its part allows. */
static const char *uri_tail(const char *p, const char *end, struct sip_uri *u)
{
    if (p < end && *p == ';') {
        const char *q = lex_run_escaped(p + 1, end, LEX_PARAM);
        u->params = lex_between(p + 1, q);
        p = q;
    }
    if (p < end && *p == '?') {
        const char *q = lex_run_escaped(p + 1, end, LEX_HEADER);
        u->headers = lex_between(p + 1, q);
        p = q;
    }
    return p;
}

/* What follows "sip:" or "sips:". Only a user part ends in '@', and it may hold nearly anything
 * that may follow a host, so it is tried first. */
static int parse_sip(const char *p, const char *end, struct sip_uri *u)
{
    const char *q = lex_run_escaped(p, end, LEX_USER);

    if (q < end && *q == '@') {
        struct slice user = lex_between(p, q);
        size_t colon = slice_find_char(user, ':');
        u->user = slice_take(user, colon);
        if (colon < user.n)
            u->password = slice_skip(user, colon + 1);
        if (u->user.n == 0)
            return SIP_URI_BAD;
        p = q + 1;
    }
    p = lex_hostport(p, end, false, &u->host, &u->port);
    if (!p)
        return SIP_URI_BAD;
    return uri_tail(p, end, u) == end ? SIP_URI_OK : SIP_URI_BAD;
}

/* RFC 3966: digits, hexadecimal ones and '*' '#' of local numbers, visual separators. */
static int parse_tel(const char *p, const char *end, struct sip_uri *u)
{
    const char *q = p < end && *p == '+' ? p + 1 : p;
    size_t digits = 0;

    for (; q < end && (lex_is(*q, LEX_HEX) || strchr("*#-.()", *q)) && *q != '\0'; q++)
        digits += lex_is(*q, LEX_HEX) || *q == '*' || *q == '#';
    if (digits == 0)
        return SIP_URI_BAD;
    u->user = lex_between(p, q);
    if (q < end && *q != ';')
        return SIP_URI_BAD;
    return uri_tail(q, end, u) == end && u->headers.p == NULL ? SIP_URI_OK : SIP_URI_BAD;
}

/* Any other scheme: its name, then bytes that cannot end it early inside a header. */
static int parse_other(struct slice in)
{
    size_t colon = slice_find_char(in, ':');

    if (colon == 0 || colon + 1 >= in.n || !((in.p[0] | 0x20) >= 'a' && (in.p[0] | 0x20) <= 'z'))
        return SIP_URI_BAD;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        bool scheme_char = (lex_is(c, LEX_HOST) && c != '_') || c == '+';
        if (i < colon ? !scheme_char : (unsigned char)c <= ' ' || c == '\x7f' || strchr("<>\"", c))
            return SIP_URI_BAD;
    }
    return SIP_URI_OK;
}

int sip_uri_parse_into(struct slice in, struct sip_uri *u)
{
    u->raw = in;
    u->scheme = SIP_SCHEME_OTHER;
    if (!in.p || in.n < 4)
        return SIP_URI_BAD;
    const char *p = in.p, *end = in.p + in.n;
    bool sip = (p[0] | 0x20) == 's' && (p[1] | 0x20) == 'i' && (p[2] | 0x20) == 'p';
    if (sip && p[3] == ':') {
        u->scheme = SIP_SCHEME_SIP;
        return parse_sip(p + 4, end, u);
    }
    if (sip && in.n > 4 && (p[3] | 0x20) == 's' && p[4] == ':') {
        u->scheme = SIP_SCHEME_SIPS;
        return parse_sip(p + 5, end, u);
    }
    if (slice_starts_with_nocase(in, SLICE_LIT("tel:"))) {
        u->scheme = SIP_SCHEME_TEL;
        return parse_tel(p + 4, end, u);
    }
    return parse_other(in);
}

int sip_uri_parse(struct slice in, struct sip_uri *ret)
{
    struct sip_uri u = {.scheme = SIP_SCHEME_OTHER};
    int r = sip_uri_parse_into(in, &u);

    if (r == SIP_URI_OK)
        *ret = u;
    return r;
}

/* The end of the value at p: the next ';' that no quotes hold, or end. */
static const char *value_end(const char *p, const char *end)
{
    while (p < end && *p != ';') {
        if (*p == '"') {
            p = lex_quoted(p, end);
            if (!p)
                return end;
        } else {
            p++;
        }
    }
    return p;
}

bool sip_param_find(struct slice params, const char *name, struct slice *ret_value)
{
    struct slice wanted = slice_from_str(name);
    const char *p = params.p, *end = params.p ? params.p + params.n : NULL;

    while (p < end) {
        const char *q = p;
        while (q < end && *q != '=' && *q != ';')
            q++;
        const char *stop = value_end(q, end);
        if (slice_eq_nocase(lex_trim(p, q), wanted)) {
            *ret_value = q < stop ? lex_trim(q + 1, stop) : lex_between(stop, stop);
            return true;
        }
        p = stop + (stop < end);
    }
    return false;
}
