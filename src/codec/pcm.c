/* G.711 and L16 (RFC 3551 s.4.5.11, s.4.5.14) as codecs: a sample is a code, nothing is remembered. */
#include "codec/codec_priv.h"
#include "codec/g711.h"
#include "rtp/wire.h"

/* --- G.711 --- */

static bool g711_takes_rate(const struct codec_format *f, uint32_t rate)
{
    return f->channels == 1 && rate == 8000;
}

static bool g711_takes_ms(const struct codec_format *f, uint32_t ms)
{
    (void)f;
    return ms <= 60;
}

static enum g711_law law_of(const struct codec_setup *s)
{
    return s->format.codec == &codec_pcmu ? G711_ULAW : G711_ALAW;
}

static int encode_g711(void *state, const struct codec_setup *s, const int16_t *in, size_t n,
                       uint8_t *out, size_t cap)
{
    (void)state;
    if (n > cap)
        return -ENOSPC;
    g711_encode(law_of(s), in, n, out);
    return (int)n;
}

static int decode_g711(void *state, const struct codec_setup *s, struct slice payload, int16_t *out,
                       size_t cap)
{
    (void)state;
    if (payload.n > cap)
        return -EBADMSG;
    g711_decode(law_of(s), (const uint8_t *)payload.p, payload.n, out);
    return (int)payload.n;
}

const struct codec codec_pcmu = {
    .name = "PCMU",
    .rtpmap = "PCMU/8000",
    .static_pt = 0,
    .clock = 8000,
    .rate = 8000,
    .takes_rate = g711_takes_rate,
    .takes_ms = g711_takes_ms,
    .encode = encode_g711,
    .decode = decode_g711,
};

const struct codec codec_pcma = {
    .name = "PCMA",
    .rtpmap = "PCMA/8000",
    .static_pt = 8,
    .clock = 8000,
    .rate = 8000,
    .takes_rate = g711_takes_rate,
    .takes_ms = g711_takes_ms,
    .encode = encode_g711,
    .decode = decode_g711,
};

/* --- L16: network byte order, channels interleaved --- */

static bool l16_takes_rate(const struct codec_format *f, uint32_t rate)
{
    static const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000};
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++)
        known = known || rates[i] == rate;
    return known && rate == f->clock && (f->channels == 1 || f->channels == 2);
}

static bool l16_takes_ms(const struct codec_format *f, uint32_t ms)
{
    return (uint64_t)f->clock * ms / 1000 * 2 * f->channels <= CODEC_WRITE_MAX;
}

static int encode_l16(void *state, const struct codec_setup *s, const int16_t *in, size_t n,
                      uint8_t *out, size_t cap)
{
    size_t channels = s->format.channels;
    (void)state;
    if (n * 2 * channels > cap)
        return -ENOSPC;
    for (size_t i = 0; i < n * channels; i++)
        wire_put16(out + 2 * i, (uint16_t)in[i / channels]);
    return (int)(n * 2 * channels);
}

static int decode_l16(void *state, const struct codec_setup *s, struct slice payload, int16_t *out,
                      size_t cap)
{
    size_t channels = s->format.channels, n = payload.n / (2 * channels);
    const uint8_t *p = (const uint8_t *)payload.p;
    (void)state;
    if (n == 0 || n > cap || payload.n % (2 * channels))
        return -EBADMSG;
    for (size_t i = 0; i < n; i++) {
        int sum = 0;
        for (size_t k = 0; k < channels; k++, p += 2)
            sum += (int16_t)wire_get16(p);
        out[i] = (int16_t)(sum / (int)channels);
    }
    return (int)n;
}

const struct codec codec_l16 = {
    .name = "L16",
    .static_pt = 0xff, /* 10 and 11 are for 44,100 alone; rtpmap says it as well */
    .takes_rate = l16_takes_rate,
    .takes_ms = l16_takes_ms,
    .encode = encode_l16,
    .decode = decode_l16,
};
