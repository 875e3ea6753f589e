#include "codec/noise.h"

#define DB_STEP 0.8912509381 /* 10^(-1/20) */
#define ROOT_3 1.7320508076  /* peak to mean square of an even distribution */

bool codec_noise_parse(struct slice payload, uint8_t *ret_level)
{
    if (payload.n == 0)
        return false;
    *ret_level = (uint8_t)payload.p[0] & CODEC_NOISE_LEVEL_MAX;
    return true;
}

void codec_noise_make(struct codec_noise *s, uint8_t level, int16_t *out, size_t n)
{
    double peak = 32767 * ROOT_3;
    for (unsigned i = 0; i < level; i++)
        peak *= DB_STEP;
    if (peak > 32767)
        peak = 32767;
    for (size_t i = 0; i < n; i++) {
        s->seed = s->seed * 1664525u + 1013904223u; /* Numerical Recipes' generator: for the ear */
        out[i] = (int16_t)(((double)(s->seed >> 8) / (1 << 23) - 1) * peak);
    }
}
