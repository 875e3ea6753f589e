#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_put_u64(struct buf *b, uint64_t v)
{
    char tmp[20];
    size_t i = sizeof(tmp);
    do {
        tmp[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_put(b, tmp + i, sizeof(tmp) - i);
}

void buf_put_hex(struct buf *b, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *s = p;
    char *to = b->p + b->n; /* in a local: what is written through it might be *b */
    if (b->overflow || n > (b->cap - b->n) / 2) {
        b->overflow = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = digits[s[i] >> 4];
        to[2 * i + 1] = digits[s[i] & 15];
    }
    b->n += 2 * n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    if (b->overflow)
        return;
    size_t room = b->cap - b->n;
    va_list ap;
    va_start(ap, fmt);
    /* vsnprintf ends with a NUL, which a buffer without room for it cannot hold: it overflows
     * one byte early, which is the safe side. */
    int n = vsnprintf(b->p + b->n, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room) {
        b->overflow = true;
        return;
    }
    b->n += (size_t)n;
}
