/* When are two URIs the same (RFC 3261 s.19.1.4, RFC 3966 s.4)? And the key under which a
 * registrar looks one up. */
#include "sip/uri.h"

#include "sip/lex.h"

/* One character of a part: "%61" is 'a', but "%3B" is not ';', because an escape of a reserved
 * character takes its meaning away. */
struct decoded {
    unsigned char c;
    bool literal; /* escaped and reserved */
};

static unsigned hex_value(char c)
{
    return lex_is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static bool is_escape(struct slice s)
{
    return s.n >= 3 && s.p[0] == '%' && lex_is(s.p[1], LEX_HEX) && lex_is(s.p[2], LEX_HEX);
}

static struct decoded next_char(struct slice *s)
{
    struct decoded d = {(unsigned char)s->p[0], false};

    if (!is_escape(*s)) {
        *s = slice_skip(*s, 1);
        return d;
    }
    d.c = (unsigned char)(hex_value(s->p[1]) << 4 | hex_value(s->p[2]));
    d.literal = d.c != '\0' && strchr(";/?:@&=+$,", d.c);
    *s = slice_skip(*s, 3);
    return d;
}

static bool part_eq(struct slice a, struct slice b, bool nocase)
{
    while (a.n && b.n) {
        struct decoded x = next_char(&a), y = next_char(&b);
        bool same = nocase ? slice_lower((char)x.c) == slice_lower((char)y.c) : x.c == y.c;
        if (!same || x.literal != y.literal)
            return false;
    }
    return a.n == 0 && b.n == 0;
}

/* name=value pairs, separated by ';' (parameters) or '&' (headers). */
struct pairs {
    struct slice text;
    char separator;
};

struct pair {
    struct slice name, value;
    bool has_value;
};

static bool pair_next(struct slice *rest, char separator, struct pair *ret)
{
    if (rest->n == 0)
        return false;
    struct slice item = slice_cut(rest, separator);
    ret->has_value = slice_find_char(item, '=') < item.n;
    ret->name = slice_cut(&item, '=');
    ret->value = item;
    return true;
}

static bool pair_find(struct pairs in, struct slice name, struct pair *ret)
{
    while (pair_next(&in.text, in.separator, ret)) {
        if (part_eq(ret->name, name, true))
            return true;
    }
    return false;
}

static bool count_ok(struct pairs in)
{
    struct pair pair;
    size_t n = 0;

    while (pair_next(&in.text, in.separator, &pair))
        n++;
    return n <= SIP_URI_EQ_PAIRS_MAX;
}

/* Parameters whose presence in one URI only makes a difference. */
static bool matters_alone(struct slice name)
{
    static const char *const names[] = {"user", "ttl", "method", "maddr", "transport"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (part_eq(name, slice_from_str(names[i]), true))
            return true;
    }
    return false;
}

/* Every pair of `a` has its like in `b`; one that `b` lacks counts as the kind of list says. */
static bool pairs_in(struct pairs a, struct pairs b, bool all_matter)
{
    struct pair x, y;

    while (pair_next(&a.text, a.separator, &x)) {
        if (x.name.n == 0)
            continue;
        if (!pair_find(b, x.name, &y)) {
            if (all_matter || matters_alone(x.name))
                return false;
        } else if (x.has_value != y.has_value || !part_eq(x.value, y.value, a.separator == ';')) {
            return false;
        }
    }
    return true;
}

static bool pairs_eq(struct slice a, struct slice b, char separator, bool all_matter)
{
    struct pairs x = {a, separator}, y = {b, separator};

    if (slice_eq(a, b))
        return true;
    return count_ok(x) && count_ok(y) && pairs_in(x, y, all_matter) && pairs_in(y, x, all_matter);
}

static bool is_visual(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

static struct slice skip_visual(struct slice s)
{
    while (s.n && is_visual(s.p[0]))
        s = slice_skip(s, 1);
    return s;
}

static bool number_eq(struct slice a, struct slice b)
{
    for (;;) {
        a = skip_visual(a);
        b = skip_visual(b);
        if (a.n == 0 || b.n == 0)
            return a.n == b.n;
        if (slice_lower(a.p[0]) != slice_lower(b.p[0]))
            return false;
        a = slice_skip(a, 1);
        b = slice_skip(b, 1);
    }
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->scheme != b->scheme)
        return false;
    if (a->scheme == SIP_SCHEME_OTHER)
        return slice_eq(a->raw, b->raw);
    if (a->scheme == SIP_SCHEME_TEL)
        return number_eq(a->user, b->user) && pairs_eq(a->params, b->params, ';', true);
    return part_eq(a->user, b->user, false) && part_eq(a->password, b->password, false) &&
           (a->password.p == NULL) == (b->password.p == NULL) &&
           slice_eq_nocase(a->host, b->host) && a->port == b->port &&
           pairs_eq(a->params, b->params, ';', false) &&
           pairs_eq(a->headers, b->headers, '&', true);
}

/* %XX of what could not stand in a key unseen or unambiguously stays an escape, in upper case. */
static void put_key_char(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";

    if (c > ' ' && c != '%' && c != 0x7f) {
        buf_put_char(b, (char)c);
        return;
    }
    buf_put_char(b, '%');
    buf_put_char(b, hex[c >> 4]);
    buf_put_char(b, hex[c & 15]);
}

void sip_put_aor(struct buf *b, const struct sip_uri *u)
{
    struct slice user = u->user;

    if (u->scheme == SIP_SCHEME_OTHER) {
        buf_put_slice(b, u->raw);
        return;
    }
    while (user.n) {
        unsigned char c = next_char(&user).c;
        if (u->scheme != SIP_SCHEME_TEL || !is_visual((char)c))
            put_key_char(b, c);
    }
    if (u->user.n && u->host.n)
        buf_put_char(b, '@');
    for (size_t i = 0; i < u->host.n; i++)
        buf_put_char(b, slice_lower(u->host.p[i]));
}
