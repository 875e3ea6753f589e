/* The one loop that touches every byte of a head: where is the next CR or LF? And where does a
 * header's name end? 16 bytes a step with SSE2, which every x86-64 has. Private to sip/. */
#ifndef SOTTO_SIP_SCAN_H
#define SOTTO_SIP_SCAN_H

#include "base/slice.h"

#if defined(__SSE2__)
#include <emmintrin.h>

/* One bit for each of the 16 bytes at p that is 13 (CR) or less: one comparison where telling CR
 * and LF from the rest takes two. Tabs and the like come out again in scan_line_break. */
static inline unsigned scan_low_bytes(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8('\r')), v));
}

/* The first CR or LF in [p, end), or end. */
static inline const char *scan_line_break(const char *p, const char *end)
{
    for (; end - p >= 32; p += 32) {
        unsigned mask = scan_low_bytes(p) | scan_low_bytes(p + 16) << 16;
        for (; mask; mask &= mask - 1) {
            const char *q = p + __builtin_ctz(mask);
            if (*q == '\r' || *q == '\n')
                return q;
        }
    }
    while (p < end && *p != '\r' && *p != '\n')
        p++;
    return p;
}

/* The first ':' in the 16 bytes at p. NULL: none there, or less than 16 before `end`. */
static inline const char *scan_near_colon(const char *p, const char *end)
{
    if (end - p < 16)
        return NULL;
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(':')));
    return mask ? p + __builtin_ctz(mask) : NULL;
}

#else

static inline const char *scan_line_break(const char *p, const char *end)
{
    while (p < end && *p != '\r' && *p != '\n')
        p++;
    return p;
}

static inline const char *scan_near_colon(const char *p, const char *end)
{
    return end - p < 16 ? NULL : memchr(p, ':', 16);
}

#endif

#endif
