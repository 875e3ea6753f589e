#include "codec/resample.h"

#include <speex/speex_resampler.h>
#include <stdlib.h>

#define QUALITY 3 /* speexdsp's for VoIP: aliases 60 dB down, 24 taps */

struct resampler {
    uint32_t from, to;
    SpeexResamplerState *state;
};

int resampler_new(uint32_t from, uint32_t to, struct resampler **ret)
{
    int err = 0;
    struct resampler *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->from = from;
    r->to = to;
    r->state = speex_resampler_init(1, from, to, QUALITY, &err);
    if (!r->state) {
        free(r);
        return -ENOMEM;
    }
    /* The first call would give what the filter's length holds back; leave it out. */
    speex_resampler_skip_zeros(r->state);
    *ret = r;
    return 0;
}

struct resampler *resampler_free(struct resampler *r)
{
    if (r)
        speex_resampler_destroy(r->state);
    free(r);
    return NULL;
}

size_t resampler_room(const struct resampler *r, size_t n)
{
    return (size_t)((uint64_t)n * r->to / r->from) + 2;
}

size_t resampler_run(struct resampler *r, const int16_t *in, size_t n, int16_t *out, size_t cap)
{
    size_t done = 0;
    while (n > 0 && done < cap) {
        uint32_t took = (uint32_t)n, made = (uint32_t)(cap - done);
        if (speex_resampler_process_int(r->state, 0, in, &took, out + done, &made) !=
                RESAMPLER_ERR_SUCCESS ||
            (took == 0 && made == 0))
            break;
        in += took;
        n -= took;
        done += made;
    }
    return done;
}
