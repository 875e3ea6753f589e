/* Concealment for codecs that have none of their own (after ITU-T G.711 Appendix I): what was heard
 * last goes on, one pitch period again and again, ever softer, until it is silent after
 * CODEC_PLC_FADE_MS; where sound comes again the two are blended. Any sampling rate. */
#ifndef SOTTO_CODEC_PLC_H
#define SOTTO_CODEC_PLC_H

#include "base/slice.h"

#define CODEC_PLC_FADE_MS 60u
#define CODEC_PLC_RATE_MAX 48000u
#define CODEC_PLC_LAG_MAX (CODEC_PLC_RATE_MAX / 1000u * 15u) /* 66 Hz */
#define CODEC_PLC_HISTORY (2u * CODEC_PLC_LAG_MAX)

struct codec_plc {
    uint32_t rate;
    uint32_t gone;  /* samples made up since the last real one */
    uint32_t lag;   /* of `period`; 0: not found yet */
    uint32_t known; /* samples of history, at its end */
    int16_t history[CODEC_PLC_HISTORY];
    int16_t period[CODEC_PLC_LAG_MAX];
};

void codec_plc_init(struct codec_plc *p, uint32_t rate);
/* Samples that came; their beginning is blended where others were made up before. */
void codec_plc_take(struct codec_plc *p, int16_t *pcm, size_t n);
void codec_plc_fill(struct codec_plc *p, int16_t *out, size_t n);

#endif
