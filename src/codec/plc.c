#include "codec/plc.h"

#include <assert.h>

#define LAG_MIN_US 2500u /* 400 Hz */
#define LAG_MAX_US 15000u
#define BLEND_US 4000u

static uint32_t samples_of(const struct codec_plc *p, uint32_t us)
{
    return (uint32_t)((uint64_t)p->rate * us / 1000000u);
}

void codec_plc_init(struct codec_plc *p, uint32_t rate)
{
    assert(rate > 0 && rate <= CODEC_PLC_RATE_MAX);
    *p = (struct codec_plc){.rate = rate};
}

/* --- pitch ------------------------------------------------------------------------------------ */

/* How alike the last `lag` samples are to those before them, -1 to 1. */
static double likeness(const int16_t *end, uint32_t lag)
{
    double cross = 0, late = 1, early = 1;
    for (uint32_t i = 1; i <= lag; i++) {
        double a = end[-(int32_t)i], b = end[-(int32_t)(i + lag)];
        cross += a * b;
        late += a * a;
        early += b * b;
    }
    return cross > 0 ? cross * cross / (late * early) : 0;
}

/* The shortest period is preferred to its multiples, which are as alike. */
static uint32_t find_lag(const struct codec_plc *p)
{
    const int16_t *end = p->history + CODEC_PLC_HISTORY;
    uint32_t max = samples_of(p, LAG_MAX_US), best = samples_of(p, LAG_MIN_US);
    double best_likeness = 0;
    for (uint32_t lag = best; lag <= max; lag++) {
        double v = likeness(end, lag);
        if (v > best_likeness * 1.05) {
            best_likeness = v;
            best = lag;
        }
    }
    return best;
}

/* One period whose end leads to its beginning: the last quarter turns into what came before it. */
static void period_make(struct codec_plc *p)
{
    const int16_t *end = p->history + CODEC_PLC_HISTORY;
    p->lag = find_lag(p);
    uint32_t quarter = p->lag / 4;
    for (uint32_t i = 0; i < p->lag; i++) {
        int32_t now = end[(int32_t)i - (int32_t)p->lag];
        if (i + quarter >= p->lag) {
            int32_t before = end[(int32_t)i - 2 * (int32_t)p->lag];
            int32_t w = (int32_t)(i + quarter - p->lag);
            now = (now * ((int32_t)quarter - w) + before * w) / (int32_t)quarter;
        }
        p->period[i] = (int16_t)now;
    }
}

/* --- in and out --------------------------------------------------------------------------------- */

static int16_t next(struct codec_plc *p)
{
    uint32_t fade = p->rate / 1000 * CODEC_PLC_FADE_MS;
    int32_t s = 0;
    assert(p->lag > 0);
    if (p->gone < fade)
        s = (int32_t)((int64_t)p->period[p->gone % p->lag] * (int32_t)(fade - p->gone) /
                      (int32_t)fade);
    if (p->gone < UINT32_MAX)
        p->gone++;
    return (int16_t)s;
}

void codec_plc_fill(struct codec_plc *p, int16_t *out, size_t n)
{
    if (p->known < CODEC_PLC_HISTORY && p->known < 2 * samples_of(p, LAG_MAX_US)) {
        memset(out, 0, n * sizeof(*out)); /* nothing to go on with */
        return;
    }
    if (p->lag == 0)
        period_make(p);
    for (size_t i = 0; i < n; i++)
        out[i] = next(p);
}

static void remember(struct codec_plc *p, const int16_t *pcm, size_t n)
{
    const size_t room = CODEC_PLC_HISTORY;
    size_t keep = n < room ? room - n : 0, use = room - keep;
    memmove(p->history, p->history + room - keep, keep * sizeof(*pcm));
    memcpy(p->history + keep, pcm + n - use, use * sizeof(*pcm));
    p->known = p->known + use < room ? p->known + (uint32_t)use : (uint32_t)room;
}

void codec_plc_take(struct codec_plc *p, int16_t *pcm, size_t n)
{
    if (p->gone && p->lag) {
        uint32_t blend = samples_of(p, BLEND_US);
        for (uint32_t i = 0; i < blend && i < n; i++) {
            int32_t made = next(p);
            pcm[i] =
                (int16_t)((made * (int32_t)(blend - i) + pcm[i] * (int32_t)i) / (int32_t)blend);
        }
    }
    p->gone = 0;
    p->lag = 0;
    remember(p, pcm, n);
}
