/* A slice: a run of bytes that someone else owns. Everything that came from the network is a
 * slice, never a C string. A slice is valid as long as the buffer it points into. */
#ifndef SOTTO_BASE_SLICE_H
#define SOTTO_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct slice {
    const char *p;
    size_t n;
};

#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})
#define SLICE_NONE ((struct slice){NULL, 0})

/* For printf: SLICE_FMT with SLICE_ARG(s). */
#define SLICE_FMT "%.*s"
#define SLICE_ARG(s) (int)((s).n), (s).p ? (s).p : ""

static inline struct slice slice_from(const void *p, size_t n)
{
    return (struct slice){(const char *)p, n};
}

static inline struct slice slice_from_str(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

static inline bool slice_is_empty(struct slice s)
{
    return s.n == 0;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_eq_str(struct slice a, const char *b)
{
    return slice_eq(a, slice_from_str(b));
}

static inline char slice_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* 0 .. 15; -1: it is none. */
static inline int slice_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = slice_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ASCII only; no locale. */
bool slice_eq_nocase(struct slice a, struct slice b);
static inline bool slice_eq_nocase_str(struct slice a, const char *b)
{
    return slice_eq_nocase(a, slice_from_str(b));
}
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_starts_with_nocase(struct slice s, struct slice prefix);
bool slice_ends_with_nocase(struct slice s, struct slice suffix);

/* From index `from` (clamped) to the end; the first `n` bytes (clamped). */
struct slice slice_skip(struct slice s, size_t from);
struct slice slice_take(struct slice s, size_t n);

/* Without leading and trailing space, tab, CR and LF. */
struct slice slice_trim(struct slice s);

/* Index of the first c, or s.n. */
size_t slice_find_char(struct slice s, char c);

/* Index of the first occurrence of needle, or s.n. */
size_t slice_find(struct slice s, struct slice needle);

/* Cuts `s` at the first `c`: returns what stands before it and leaves what stands after it in
 * `s`; without a `c` it returns all and leaves `s` empty. */
struct slice slice_cut(struct slice *s, char c);

/* Decimal digits only, the whole slice. 0, or -EINVAL (not a number) or -ERANGE. */
int slice_to_u32(struct slice s, uint32_t *ret_v) MUST_CHECK;
int slice_to_u64(struct slice s, uint64_t *ret_v) MUST_CHECK;

/* Copies into a C string of `cap` bytes. False (and an empty string) where it does not fit or
 * holds a NUL byte. */
bool slice_to_str(struct slice s, char *dst, size_t cap) MUST_CHECK;

#endif
