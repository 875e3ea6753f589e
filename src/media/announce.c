#include "media/announce.h"

#include <stdlib.h>

#include "codec/codec.h"
#include "codec/tone.h"
#include "media/transcode.h"

#define TONE_SHARE 0.16 /* of full scale: 16 dB below it */
#define VOICE_SHIFT 2   /* what is said meanwhile is 12 dB softer */
#define RAMP_MS 8u      /* in and out, so that it does not click */
#define WAIT_MS 10000u  /* audio that begins later is not told of any more */

struct part {
    uint16_t ms;
    uint16_t hz; /* 0: silence */
};

#define PARTS_MAX 4
/* Two rising tones are good, one low tone is half, two falling tones are bad. */
static const struct part sounds[MEDIA_ANNOUNCE_COUNT][PARTS_MAX] = {
    [MEDIA_ANNOUNCE_BOTH] = {{120, 880}, {60, 0}, {180, 1175}},
    [MEDIA_ANNOUNCE_YOURS] = {{300, 440}},
    [MEDIA_ANNOUNCE_NONE] = {{180, 440}, {60, 0}, {240, 330}},
};

struct media_announce {
    const struct part *parts;
    uint64_t until; /* ms of the loop's clock */
    uint8_t pt;     /* of encoder and decoder */
    struct codec_setup setup;
    struct codec_encoder *encoder;
    struct codec_decoder *decoder;
    size_t part;
    uint32_t at; /* samples of the part that have sounded */
};

void media_announce_free(struct media_endpoint *e)
{
    if (!e->announce)
        return;
    codec_encoder_free(e->announce->encoder);
    codec_decoder_free(e->announce->decoder);
    free(e->announce);
    e->announce = NULL;
}

int media_announce_begin(struct media_endpoint *e, enum media_announcement what)
{
    media_announce_free(e);
    e->announce = calloc(1, sizeof(*e->announce));
    if (!e->announce)
        return -ENOMEM;
    e->announce->parts = sounds[what];
    e->announce->until = loop_now(e->role->loop) + WAIT_MS;
    e->announce->pt = MEDIA_PT_NONE;
    return 0;
}

/* --- the codec that passes -------------------------------------------------------------------- */

static bool format_of(const struct media_endpoint *e, const struct media_packet *p, uint8_t pt,
                      struct codec_format *ret)
{
    const struct media_codec *c = media_endpoint_codec(e, pt);
    if (!c && p->in)
        c = media_endpoint_codec(p->in, pt);
    return c && media_codec_format(c, ret);
}

static bool codec_take(struct media_announce *a, const struct media_endpoint *e,
                       const struct media_packet *p, uint8_t pt)
{
    struct codec_setup setup = {0};
    if (a->pt == pt)
        return true;
    if (!format_of(e, p, pt, &setup.format))
        return false;
    setup.rate = codec_own_rate(&setup.format);
    a->encoder = codec_encoder_free(a->encoder);
    a->decoder = codec_decoder_free(a->decoder);
    a->pt = MEDIA_PT_NONE;
    if (codec_encoder_new(&setup, &a->encoder) < 0 || codec_decoder_new(&setup, &a->decoder) < 0)
        return false;
    a->setup = setup;
    a->pt = pt;
    return true;
}

/* --- the sound -------------------------------------------------------------------------------- */

/* 0 to 1: soft edges of a part of n samples. */
static double edge(uint32_t at, uint32_t n, uint32_t rate)
{
    double ramp = rate * RAMP_MS / 1000.0;
    double in = (double)at / ramp, out = (double)(n - at) / ramp;
    double least = in < out ? in : out;
    return least < 1 ? least : 1;
}

/* False: it has ended. */
static bool sample_mix(struct media_announce *a, int16_t *s)
{
    const struct part *part = &a->parts[a->part];
    if (a->part == PARTS_MAX || part->ms == 0)
        return false;
    uint32_t rate = a->setup.rate, n = rate / 1000 * part->ms;
    double tone = 0;
    if (part->hz)
        tone = TONE_SHARE * edge(a->at, n, rate) *
               tone_sine_of((double)a->at * part->hz / (double)rate);
    *s = (int16_t)((*s >> VOICE_SHIFT) + (int)(tone * 32767.0));
    if (++a->at == n) {
        a->at = 0;
        a->part++;
    }
    return true;
}

static bool pcm_mix(struct media_announce *a, int16_t *pcm, size_t n)
{
    bool sounds_on = true;
    for (size_t i = 0; i < n && sounds_on; i++)
        sounds_on = sample_mix(a, &pcm[i]);
    return sounds_on;
}

void media_announce_mix(struct media_endpoint *e, struct media_packet *p)
{
    struct media_announce *a = e->announce;
    static int16_t pcm[CODEC_SAMPLES_MAX]; /* of the worker's one thread */
    uint8_t out[CODEC_WRITE_MAX];
    const uint32_t head = p->hdr.hdr_len;
    if (p->rtcp || p->len <= head || (p->data[0] & 0x20)) /* padding is none of ours to count */
        return;
    if (loop_now(e->role->loop) > a->until) {
        media_announce_free(e);
        return;
    }
    if (!codec_take(a, e, p, p->data[1] & 0x7f))
        return;
    int n =
        codec_decode(a->decoder, slice_from(p->data + head, p->len - head), pcm, CODEC_SAMPLES_MAX);
    if (n <= 0)
        return;
    bool sounds_on = pcm_mix(a, pcm, (size_t)n);
    int bytes = codec_encode(a->encoder, pcm, (size_t)n, out, sizeof(out));
    if (bytes > 0 && head + (uint32_t)bytes <= MEDIA_PACKET_MAX) {
        memcpy(p->data + head, out, (size_t)bytes);
        p->len = head + (uint32_t)bytes;
    }
    if (!sounds_on)
        media_announce_free(e);
}
