/* From one sampling rate to another, by speexdsp. */
#ifndef SOTTO_CODEC_RESAMPLE_H
#define SOTTO_CODEC_RESAMPLE_H

#include "base/slice.h"

struct resampler;

int resampler_new(uint32_t from, uint32_t to, struct resampler **ret) MUST_CHECK;
struct resampler *resampler_free(struct resampler *r);
/* All of `in`; the filter keeps a few samples for the next call. Returns how many came out, never
 * more than resampler_room(r, n). */
size_t resampler_run(struct resampler *r, const int16_t *in, size_t n, int16_t *out, size_t cap);
size_t resampler_room(const struct resampler *r, size_t n);

#endif
