#include "base/slice.h"

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (slice_lower(a.p[i]) != slice_lower(b.p[i]))
            return false;
    }
    return true;
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n && slice_eq(slice_take(s, prefix.n), prefix);
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n && slice_eq_nocase(slice_take(s, prefix.n), prefix);
}

bool slice_ends_with_nocase(struct slice s, struct slice suffix)
{
    return s.n >= suffix.n && slice_eq_nocase(slice_skip(s, s.n - suffix.n), suffix);
}

struct slice slice_skip(struct slice s, size_t from)
{
    if (!s.p)
        return SLICE_NONE;
    if (from > s.n)
        from = s.n;
    return (struct slice){s.p + from, s.n - from};
}

struct slice slice_take(struct slice s, size_t n)
{
    return (struct slice){s.p, n < s.n ? n : s.n};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t slice_find_char(struct slice s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t slice_find(struct slice s, struct slice needle)
{
    if (needle.n == 0)
        return 0;
    const char *hit = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

struct slice slice_cut(struct slice *s, char c)
{
    size_t i = slice_find_char(*s, c);
    struct slice head = slice_take(*s, i);
    *s = slice_skip(*s, i < s->n ? i + 1 : i);
    return head;
}

int slice_to_u64(struct slice s, uint64_t *ret_v)
{
    uint64_t v = 0;
    if (s.n == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return -ERANGE;
    }
    *ret_v = v;
    return 0;
}

int slice_to_u32(struct slice s, uint32_t *ret_v)
{
    uint64_t v;
    int r = slice_to_u64(s, &v);
    if (r < 0)
        return r;
    if (v > UINT32_MAX)
        return -ERANGE;
    *ret_v = (uint32_t)v;
    return 0;
}

bool slice_to_str(struct slice s, char *dst, size_t cap)
{
    if (s.n >= cap || (s.n && memchr(s.p, '\0', s.n))) {
        if (cap)
            dst[0] = '\0';
        return false;
    }
    if (s.n)
        memcpy(dst, s.p, s.n);
    dst[s.n] = '\0';
    return true;
}
