/* A bounded output buffer over memory that the caller owns. A write that does not fit writes
 * nothing and sets `overflow`, which stays set: print everything, then test once. */
#ifndef SOTTO_BASE_BUF_H
#define SOTTO_BASE_BUF_H

#include "base/slice.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    bool overflow;
};

static inline struct buf buf_over(void *p, size_t cap)
{
    return (struct buf){(char *)p, 0, cap, false};
}

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->p, b->n};
}

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    if (b->overflow || n > b->cap - b->n) {
        b->overflow = true;
        return;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

static inline void buf_put_slice(struct buf *b, struct slice s)
{
    buf_put(b, s.p, s.n);
}

static inline void buf_put_str(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

static inline void buf_put_char(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

/* String literals only: the length is known when compiling. */
#define BUF_PUT_LIT(b, lit) buf_put((b), (lit), sizeof(lit) - 1)

void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_hex(struct buf *b, const void *p, size_t n); /* lower case */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
