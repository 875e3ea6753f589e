/* %XX of URIs, and quoted strings. */
#include "sip/uri.h"

#include "sip/lex.h"

static int hex_digit(char c)
{
    if (lex_is_digit(c))
        return c - '0';
    return lex_is(c, LEX_HEX) ? (c | 0x20) - 'a' + 10 : -1;
}

int sip_unescape(struct slice in, char *dst, size_t cap, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            if (in.n - i < 3)
                return -EINVAL;
            int hi = hex_digit(in.p[i + 1]), lo = hex_digit(in.p[i + 2]);
            if (hi < 0 || lo < 0 || hi + lo == 0)
                return -EINVAL;
            c = (char)(hi << 4 | lo);
            i += 2;
        }
        if (n == cap)
            return -EMSGSIZE;
        dst[n++] = c;
    }
    *ret_n = n;
    return 0;
}

void sip_put_escaped_user(struct buf *b, struct slice user)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < user.n; i++) {
        unsigned char c = (unsigned char)user.p[i];
        /* ':' would start a password; '#' is only read, for the sake of phones. */
        if (lex_is((char)c, LEX_USER) && c != ':' && c != '#') {
            buf_put_char(b, (char)c);
        } else {
            buf_put_char(b, '%');
            buf_put_char(b, hex[c >> 4]);
            buf_put_char(b, hex[c & 15]);
        }
    }
}

int sip_unquote(struct slice in, char *dst, size_t cap, size_t *ret_n)
{
    size_t n = 0;

    if (in.n >= 2 && in.p[0] == '"' && in.p[in.n - 1] == '"')
        in = slice_from(in.p + 1, in.n - 2);
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] == '\\' && i + 1 < in.n)
            i++;
        if (n == cap)
            return -EMSGSIZE;
        dst[n++] = in.p[i];
    }
    *ret_n = n;
    return 0;
}

void sip_put_quoted(struct buf *b, struct slice s)
{
    buf_put_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\r' || c == '\n' || c == '\0')
            continue;
        if (c == '"' || c == '\\')
            buf_put_char(b, '\\');
        buf_put_char(b, c);
    }
    buf_put_char(b, '"');
}
