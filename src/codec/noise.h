/* Comfort noise (RFC 3389): a level, and what it sounds like. The spectrum that may follow the
 * level is optional for both sides (s.4) and not used. */
#ifndef SOTTO_CODEC_NOISE_H
#define SOTTO_CODEC_NOISE_H

#include "base/slice.h"

#define CODEC_NOISE_LEVEL_MAX 127u /* -dBov; nearly nothing */
#define CODEC_NOISE_LEVEL_DEFAULT 60u

/* -dBov. False: an empty payload. The first bit is zero by s.3.1; a sender that sets it means the
 * same. */
bool codec_noise_parse(struct slice payload, uint8_t *ret_level) MUST_CHECK;

struct codec_noise {
    uint32_t seed;
};
void codec_noise_make(struct codec_noise *s, uint8_t level, int16_t *out, size_t n);

#endif
