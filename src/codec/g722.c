/* G.722 at 64 kbit/s by spandsp: 16 kHz, or its lower band alone at 8 kHz. One byte stands for two
 * samples of 16 kHz. */
// clang-format off: each needs those before it
#include <stdint.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
// clang-format on

#include "codec/codec_priv.h"

#define BIT_RATE 64000

static bool takes_rate(const struct codec_format *f, uint32_t rate)
{
    return f->channels == 1 && (rate == 8000 || rate == 16000);
}

static bool takes_ms(const struct codec_format *f, uint32_t ms)
{
    (void)f;
    return ms <= 60;
}

static int options_of(const struct codec_setup *s)
{
    return s->rate == 8000 ? G722_SAMPLE_RATE_8000 : 0;
}

static int encoder_new(const struct codec_setup *s, void **ret)
{
    *ret = g722_encode_init(NULL, BIT_RATE, options_of(s));
    return *ret ? 0 : -ENOMEM;
}

static void encoder_free(void *state)
{
    g722_encode_free(state);
}

static int decoder_new(const struct codec_setup *s, void **ret)
{
    *ret = g722_decode_init(NULL, BIT_RATE, options_of(s));
    return *ret ? 0 : -ENOMEM;
}

static void decoder_free(void *state)
{
    g722_decode_free(state);
}

static int encode(void *state, const struct codec_setup *s, const int16_t *in, size_t n,
                  uint8_t *out, size_t cap)
{
    size_t bytes = s->rate == 8000 ? n : n / 2;
    if (s->rate != 8000 && n % 2)
        return -EINVAL;
    if (bytes > cap)
        return -ENOSPC;
    return g722_encode(state, out, in, (int)n);
}

static int decode(void *state, const struct codec_setup *s, struct slice payload, int16_t *out,
                  size_t cap)
{
    if (payload.n * (s->rate == 8000 ? 1 : 2) > cap)
        return -EBADMSG;
    return g722_decode(state, out, (const uint8_t *)payload.p, (int)payload.n);
}

const struct codec codec_g722 = {
    .name = "G722",
    .rtpmap = "G722/8000",
    .static_pt = 9,
    .clock = 8000,
    .rate = 16000,
    .takes_rate = takes_rate,
    .takes_ms = takes_ms,
    .encoder_new = encoder_new,
    .encoder_free = encoder_free,
    .decoder_new = decoder_new,
    .decoder_free = decoder_free,
    .encode = encode,
    .decode = decode,
};
