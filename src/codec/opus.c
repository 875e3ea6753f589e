/* Opus (RFC 6716, RTP: RFC 7587) by libopus. Its decoder takes whatever a phone sends (mono, stereo,
 * any bandwidth and frame size, DTX's one-byte packets) at the rate that we ask for. We send mono,
 * which every receiver must take (s.6.1), at a bit rate that fits the bandwidth of the other leg. */
#include <opus/opus.h>

#include "codec/codec_priv.h"

#define COMPLEXITY 5    /* of 10: half the work of the default, hardly heard on speech */
#define LOSS_PERCENT 10 /* for how much loss in-band FEC is made; less and libopus leaves it away */
#define BITRATE_MIN 6000 /* RFC 7587 s.6.1: maxaveragebitrate is 6,000 to 510,000 */
#define BITRATE_MAX 510000

static bool takes_rate(const struct codec_format *f, uint32_t rate)
{
    return f->channels <= 2 &&
           (rate == 8000 || rate == 12000 || rate == 16000 || rate == 24000 || rate == 48000);
}

static bool takes_ms(const struct codec_format *f, uint32_t ms)
{
    (void)f;
    return ms == 10 || ms == 20 || (ms <= CODEC_MS_MAX && ms % 20 == 0);
}

static int32_t bitrate_of(const struct codec_setup *s)
{
    int32_t rate = s->rate <= 8000 ? 20000 : s->rate <= 16000 ? 28000 : 36000;
    uint32_t most = s->format.bitrate;
    if (most >= BITRATE_MIN && most <= BITRATE_MAX && (int32_t)most < rate)
        rate = (int32_t)most;
    return rate;
}

static int encoder_new(const struct codec_setup *s, void **ret)
{
    int err = 0;
    OpusEncoder *e = opus_encoder_create((int32_t)s->rate, 1, OPUS_APPLICATION_VOIP, &err);
    if (!e)
        return -ENOMEM;
    bool ok =
        opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(COMPLEXITY)) == OPUS_OK &&
        opus_encoder_ctl(e, OPUS_SET_BITRATE(bitrate_of(s))) == OPUS_OK &&
        opus_encoder_ctl(e, OPUS_SET_VBR(s->format.cbr ? 0 : 1)) == OPUS_OK &&
        opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(s->format.fec ? 1 : 0)) == OPUS_OK &&
        opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(s->format.fec ? LOSS_PERCENT : 0)) == OPUS_OK;
    if (!ok) {
        opus_encoder_destroy(e);
        return -EINVAL;
    }
    *ret = e;
    return 0;
}

static void encoder_free(void *state)
{
    opus_encoder_destroy(state);
}

static int decoder_new(const struct codec_setup *s, void **ret)
{
    int err = 0;
    *ret = opus_decoder_create((int32_t)s->rate, 1, &err);
    return *ret ? 0 : -ENOMEM;
}

static void decoder_free(void *state)
{
    opus_decoder_destroy(state);
}

static int encode(void *state, const struct codec_setup *s, const int16_t *in, size_t n,
                  uint8_t *out, size_t cap)
{
    (void)s;
    int r = opus_encode(state, in, (int)n, out, (int32_t)cap);
    return r > 0 ? r : r == OPUS_BUFFER_TOO_SMALL ? -ENOSPC : -EINVAL;
}

static int decode(void *state, const struct codec_setup *s, struct slice payload, int16_t *out,
                  size_t cap)
{
    (void)s;
    int r = opus_decode(state, (const uint8_t *)payload.p, (int32_t)payload.n, out, (int)cap, 0);
    return r > 0 ? r : -EBADMSG;
}

/* libopus makes multiples of 2.5 ms. FEC is for exactly the frame before `next` (RFC 6716 s.2.1.7):
 * of a longer gap the first part is guessed. */
static int conceal(void *state, const struct codec_setup *s, struct slice next, int16_t *out,
                   size_t n)
{
    size_t grain = s->rate / 400, copied = 0;
    if (next.n) {
        int r =
            opus_packet_get_nb_samples((const uint8_t *)next.p, (int32_t)next.n, (int32_t)s->rate);
        copied = r > 0 && (size_t)r <= n ? (size_t)r : 0;
    }
    size_t guessed = (n - copied) / grain * grain, rest = n - copied - guessed;
    if (guessed && opus_decode(state, NULL, 0, out, (int)guessed, 0) < 0)
        return -EBADMSG;
    memset(out + guessed, 0, rest * sizeof(*out));
    if (copied && opus_decode(state, (const uint8_t *)next.p, (int32_t)next.n, out + guessed + rest,
                              (int)copied, 1) < 0)
        return -EBADMSG;
    return 0;
}

const struct codec codec_opus = {
    .name = "OPUS",
    .rtpmap = "opus/48000/2",
    .static_pt = 0xff,
    .clock = 48000,
    .rate = 48000,
    .takes_rate = takes_rate,
    .takes_ms = takes_ms,
    .encoder_new = encoder_new,
    .encoder_free = encoder_free,
    .decoder_new = decoder_new,
    .decoder_free = decoder_free,
    .encode = encode,
    .decode = decode,
    .conceal = conceal,
};
