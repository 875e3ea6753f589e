#include "sip/lex.h"

#define ALNUM (LEX_TOKEN | LEX_WORD | LEX_USER | LEX_HOST | LEX_PARAM | LEX_HEADER | LEX_VALUE)
#define MARK (LEX_USER | LEX_PARAM | LEX_HEADER | LEX_VALUE)
#define TOK (LEX_TOKEN | LEX_WORD)

/* '%' is in no URI class: lex_run_escaped wants two digits after it. */
const uint8_t sip_lex[256] = {
    ['0' ... '9'] = ALNUM | LEX_HEX,
    ['A' ... 'F'] = ALNUM | LEX_HEX,
    ['G' ... 'Z'] = ALNUM,
    ['a' ... 'f'] = ALNUM | LEX_HEX,
    ['g' ... 'z'] = ALNUM,
    ['-'] = TOK | MARK | LEX_HOST,
    ['.'] = TOK | MARK | LEX_HOST,
    ['_'] = TOK | MARK | LEX_HOST,
    ['!'] = TOK | MARK,
    ['~'] = TOK | MARK,
    ['*'] = TOK | MARK,
    ['\''] = TOK | MARK,
    ['%'] = TOK | LEX_VALUE,
    ['`'] = TOK | LEX_VALUE,
    ['+'] = TOK | MARK,
    ['('] = LEX_WORD | MARK,
    [')'] = LEX_WORD | MARK,
    ['<'] = LEX_WORD,
    ['>'] = LEX_WORD,
    [':'] = LEX_WORD | MARK,
    ['\\'] = LEX_WORD | LEX_VALUE,
    ['"'] = LEX_WORD,
    ['/'] = LEX_WORD | MARK,
    ['['] = LEX_WORD | LEX_PARAM | LEX_HEADER | LEX_VALUE,
    [']'] = LEX_WORD | LEX_PARAM | LEX_HEADER | LEX_VALUE,
    ['?'] = LEX_WORD | LEX_USER | LEX_HEADER | LEX_VALUE,
    ['{'] = LEX_WORD | LEX_VALUE,
    ['}'] = LEX_WORD | LEX_VALUE,
    ['&'] = MARK,
    ['='] = MARK,
    ['$'] = MARK,
    [','] = LEX_USER,
    [';'] = LEX_USER | LEX_PARAM,
    ['#'] = LEX_USER | LEX_VALUE,
    ['@'] = LEX_WORD | LEX_VALUE, /* between the two words of a Call-ID */
    ['|'] = LEX_VALUE,
    ['^'] = LEX_VALUE,
    [0x80 ... 0xff] = LEX_VALUE,
};

const char *lex_run_escaped(const char *p, const char *end, unsigned classes)
{
    for (;;) {
        p = lex_run(p, end, classes);
        if (end - p < 3 || p[0] != '%' || !lex_is(p[1], LEX_HEX) || !lex_is(p[2], LEX_HEX))
            return p;
        p += 3;
    }
}

const char *lex_quoted(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\' && ++p == end)
            break;
    }
    return NULL;
}

/* RFC 5118 s.4.10: three colons in a row come from the grammar of RFC 3261 and are accepted. So
 * the text of an address is checked for its alphabet only; whoever sends there converts it. */
static const char *ipv6_reference(const char *p, const char *end)
{
    int colons = 0;

    for (p++; p < end && (lex_is(*p, LEX_HEX) || *p == ':' || *p == '.'); p++)
        colons += *p == ':';
    return p < end && *p == ']' && colons >= 2 ? p + 1 : NULL;
}

const char *lex_host(const char *p, const char *end)
{
    if (p < end && *p == '[')
        return ipv6_reference(p, end);
    const char *q = lex_run(p, end, LEX_HOST);
    return q > p ? q : NULL;
}

const char *lex_port(const char *p, const char *end, uint16_t *ret_port)
{
    const char *start = p;
    uint32_t v = 0;

    for (; p < end && lex_is_digit(*p); p++) {
        v = v * 10 + (uint32_t)(*p - '0');
        if (v > UINT16_MAX)
            return NULL;
    }
    if (p == start || v == 0)
        return NULL;
    *ret_port = (uint16_t)v;
    return p;
}

const char *lex_hostport(const char *p, const char *end, bool ws, struct slice *ret_host,
                         uint16_t *ret_port)
{
    const char *q = lex_host(p, end);
    if (!q)
        return NULL;
    *ret_host = lex_between(p, q);
    *ret_port = 0;
    const char *colon = ws ? lex_ws(q, end) : q;
    if (colon >= end || *colon != ':')
        return q;
    colon++;
    return lex_port(ws ? lex_ws(colon, end) : colon, end, ret_port);
}

/* name [= value] at p, where `end` ends the list. NULL: a fault. */
static const char *one_param(const char *p, const char *end, struct lex_param *ret)
{
    p = lex_ws(p, end);
    const char *q = lex_run(p, end, LEX_TOKEN);
    if (q == p)
        return NULL;
    ret->name = lex_between(p, q);
    ret->value = SLICE_NONE;
    if (q == end || *q == ';')
        return q;
    p = lex_ws(q, end);
    if (p == end || *p != '=')
        return p;
    p = lex_ws(p + 1, end);
    if (p < end && *p == '"')
        q = lex_quoted(p, end);
    else
        q = lex_run(p, end, LEX_VALUE);
    if (!q || q == p)
        return NULL;
    ret->value = lex_between(p, q);
    return lex_ws(q, end);
}

static bool list_next(struct slice *rest, char separator, struct lex_param *ret)
{
    if (!rest->p)
        return false;
    const char *end = rest->p + rest->n;
    const char *p = one_param(rest->p, end, ret);

    if (!p || (p < end && *p != separator))
        return false;
    *rest = p < end ? lex_between(p + 1, end) : SLICE_NONE;
    return true;
}

bool lex_param_next(struct slice *rest, struct lex_param *ret)
{
    return list_next(rest, ';', ret);
}

bool lex_auth_param_next(struct slice *rest, struct lex_param *ret)
{
    return list_next(rest, ',', ret);
}

bool lex_params_ok(struct slice params)
{
    struct lex_param param;

    if (params.n == 0)
        return true;
    while (params.p) {
        if (!lex_param_next(&params, &param))
            return false;
    }
    return true;
}

bool lex_params_after(const char *p, const char *end, struct slice *ret_params)
{
    p = lex_ws(p, end);
    if (p == end) {
        *ret_params = SLICE_NONE;
        return true;
    }
    if (*p != ';')
        return false;
    struct slice params = lex_trim(p + 1, end);
    if (params.n == 0 || !lex_params_ok(params))
        return false;
    *ret_params = params;
    return true;
}

/* The comma that ends the first element, or end. A quote or bracket that never closes takes all. */
static const char *list_comma(const char *p, const char *end)
{
    while (p < end && *p != ',') {
        if (*p == '"')
            p = lex_quoted(p, end);
        else if (*p == '<')
            p = memchr(p, '>', (size_t)(end - p));
        else
            p++;
        if (!p)
            return end;
    }
    return p;
}

struct slice lex_list_cut(struct slice *rest)
{
    if (rest->n == 0) {
        *rest = SLICE_NONE;
        return SLICE_NONE;
    }
    const char *end = rest->p + rest->n;
    const char *comma = memchr(rest->p, ',', rest->n);

    comma = comma ? list_comma(rest->p, end) : end; /* most have no comma at all */
    struct slice element = lex_trim(rest->p, comma);

    *rest = comma < end ? lex_between(comma + 1, end) : SLICE_NONE;
    return element;
}
