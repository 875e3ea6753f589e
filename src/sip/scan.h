/* The one loop that touches every byte of a head: where is the next CR or LF? And where does a
 * header's name end? 16 bytes a step with SSE2, which every x86-64 has. Private to sip/. */
#ifndef SOTTO_SIP_SCAN_H
#define SOTTO_SIP_SCAN_H

#include "base/slice.h"

#if defined(__SSE2__)
#include <emmintrin.h>

/* The first CR or LF in [p, end), or end. */
static inline const char *scan_line_break(const char *p, const char *end)
{
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');

    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);

        if (mask)
            return p + __builtin_ctz(mask);
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
