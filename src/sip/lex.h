/* Lexing shared by the parsers of this folder: character classes, white space, parameters, and
 * the lines of a head. Private to sip/. */
#ifndef SOTTO_SIP_LEX_H
#define SOTTO_SIP_LEX_H

#include "sip/scan.h"

/* RFC 3261 s.25.1. One bit per rule, so that a run of allowed bytes is one test per byte. */
enum lex_class {
    LEX_TOKEN = 1 << 0,
    LEX_WORD = 1 << 1,
    LEX_USER = 1 << 2,   /* user and password; '#' too, which phones dial without escaping */
    LEX_HOST = 1 << 3,   /* '_' too, which DNS names in the wild hold */
    LEX_PARAM = 1 << 4,  /* all of a URI's parameters, ';' and '=' included */
    LEX_HEADER = 1 << 5, /* all of a URI's headers, '&' and '=' included */
    LEX_VALUE = 1 << 6,  /* an unquoted value of a header parameter, generously */
    LEX_HEX = 1 << 7
};
extern const uint8_t sip_lex[256];

static inline bool lex_is(char c, unsigned classes)
{
    return (sip_lex[(unsigned char)c] & classes) != 0;
}

static inline bool lex_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Linear white space; in a header's value CR and LF only occur as folds. */
static inline bool lex_is_ws(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The first byte at or after p that is none of the classes'. */
static inline const char *lex_run(const char *p, const char *end, unsigned classes)
{
    for (; end - p >= 4; p += 4) {
        if (!lex_is(p[0], classes))
            return p;
        if (!lex_is(p[1], classes))
            return p + 1;
        if (!lex_is(p[2], classes))
            return p + 2;
        if (!lex_is(p[3], classes))
            return p + 3;
    }
    while (p < end && lex_is(*p, classes))
        p++;
    return p;
}

static inline const char *lex_ws(const char *p, const char *end)
{
    while (p < end && lex_is_ws(*p))
        p++;
    return p;
}

static inline struct slice lex_between(const char *p, const char *end)
{
    return (struct slice){p, (size_t)(end - p)};
}

static inline struct slice lex_trim(const char *p, const char *end)
{
    p = lex_ws(p, end);
    while (end > p && lex_is_ws(end[-1]))
        end--;
    return lex_between(p, end);
}

/* Like lex_run, with %XX allowed too. */
const char *lex_run_escaped(const char *p, const char *end, unsigned classes);

/* p at a '"': the byte after the closing one. NULL: it never closes. */
const char *lex_quoted(const char *p, const char *end);

/* p at the start of a host: the byte after it. NULL: no host. */
const char *lex_host(const char *p, const char *end);

/* p at a digit: *ret_port and the byte after the number. NULL: no number, 0, or above 65535. */
const char *lex_port(const char *p, const char *end, uint16_t *ret_port);

/* "host" or "host:port", white space allowed around ':' where `ws` (Via). NULL: neither. */
const char *lex_hostport(const char *p, const char *end, bool ws, struct slice *ret_host,
                         uint16_t *ret_port);

/* One of the parameters after a header's value. `rest` starts after a ';' and ends up after the
 * next one; its p is NULL at the end. False: a fault (an empty name, a quote that never closes). */
struct lex_param {
    struct slice name;
    struct slice value; /* quotes kept; p == NULL without '=' */
};
bool lex_param_next(struct slice *rest, struct lex_param *ret);

/* All parameters of `params` (what stands after the first ';') are well-formed. */
bool lex_params_ok(struct slice params);

/* What follows a value: white space, then the end or ';' and parameters, which are checked.
 * False: something else, or a fault in them. *ret_params is empty where there are none. */
bool lex_params_after(const char *p, const char *end, struct slice *ret_params);

/* Cuts the first element off a comma-separated list, quotes and angle brackets respected. */
struct slice lex_list_cut(struct slice *rest);

/* A list of the same parameter form, separated by commas (Digest). As lex_param_next. */
bool lex_auth_param_next(struct slice *rest, struct lex_param *ret);

/* One header with its folds: [p, *ret_end), *ret_end at the CRLF that ends it. An empty line is
 * the end of the head: white space after it is the body's. */
enum lex_line {
    LEX_LINE_OK,
    LEX_LINE_OPEN /* no end in sight */,
    LEX_LINE_BARE /* CR or LF alone */
};

static inline enum lex_line lex_line(const char *p, const char *end, const char **ret_end)
{
    const char *start = p;

    for (;; p += 2) {
        p = scan_line_break(p, end);
        if (end - p < 2)
            return p < end && *p == '\n' ? LEX_LINE_BARE : LEX_LINE_OPEN;
        if (p[0] != '\r' || p[1] != '\n')
            return LEX_LINE_BARE;
        if (p == start || end - p == 2 || (p[2] != ' ' && p[2] != '\t'))
            break;
    }
    *ret_end = p;
    return LEX_LINE_OK;
}

#endif
