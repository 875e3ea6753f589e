#include "phone/voice.h"

static bool is_same(const struct codec_format *a, const struct codec_format *b)
{
    return a->codec == b->codec && a->clock == b->clock && a->channels == b->channels &&
           a->fec == b->fec && a->cbr == b->cbr && a->bitrate == b->bitrate;
}

void phone_voice_fini(struct phone_voice *v)
{
    codec_encoder_free(v->encoder);
    codec_decoder_free(v->decoder);
    resampler_free(v->up);
    resampler_free(v->down);
    memset(v, 0, sizeof(*v));
}

int phone_voice_set(struct phone_voice *v, const struct codec_format *f, uint32_t ptime)
{
    uint32_t ms = codec_frame_ms(f, ptime < PHONE_PTIME_MAX ? ptime : PHONE_PTIME_MAX);
    if (v->encoder && is_same(&v->format, f) && v->ptime == ms)
        return 0;
    phone_voice_fini(v);
    v->format = *f;
    v->ptime = ms;
    v->rate = f->codec->takes_rate(f, PHONE_RATE) ? PHONE_RATE : codec_own_rate(f);
    struct codec_setup s = {*f, v->rate};
    int r = codec_encoder_new(&s, &v->encoder);
    if (r == 0)
        r = codec_decoder_new(&s, &v->decoder);
    if (r == 0 && v->rate != PHONE_RATE)
        r = resampler_new(PHONE_RATE, v->rate, &v->up);
    if (r == 0 && v->rate != PHONE_RATE)
        r = resampler_new(v->rate, PHONE_RATE, &v->down);
    if (r < 0)
        phone_voice_fini(v);
    return r;
}

size_t phone_voice_say(struct phone_voice *v, const int16_t in[PHONE_FRAME], uint8_t *out,
                       size_t cap)
{
    size_t room = ARRAY_LEN(v->pending) - v->fill, frame = v->rate * v->ptime / 1000;
    if (v->up) {
        v->fill += resampler_run(v->up, in, PHONE_FRAME, v->pending + v->fill, room);
    } else if (room >= PHONE_FRAME) {
        memcpy(v->pending + v->fill, in, PHONE_FRAME * sizeof(*in));
        v->fill += PHONE_FRAME;
    }
    if (v->fill < frame)
        return 0;
    int n = codec_encode(v->encoder, v->pending, frame, out, cap);
    v->fill -= frame;
    memmove(v->pending, v->pending + frame, v->fill * sizeof(v->pending[0]));
    return n > 0 ? (size_t)n : 0;
}

void phone_voice_skip(struct phone_voice *v)
{
    v->fill = 0;
}

size_t phone_voice_hear(struct phone_voice *v, uint32_t timestamp, struct slice payload,
                        int16_t out[PHONE_HEARD_MAX], uint32_t *ret_timestamp)
{
    int16_t pcm[CODEC_SAMPLES_MAX] UNINITIALIZED;
    int n = codec_decode(v->decoder, payload, pcm, ARRAY_LEN(pcm));
    if (n <= 0 || (!v->down && (size_t)n > PHONE_HEARD_MAX))
        return 0;
    int64_t ahead = v->heard ? (int32_t)(timestamp - v->heard_ts) : 0;
    v->heard_at += (uint32_t)(ahead * PHONE_RATE / v->format.clock);
    v->heard_ts = timestamp;
    v->heard = true;
    *ret_timestamp = v->heard_at;
    if (v->down)
        n = (int)resampler_run(v->down, pcm, (size_t)n, out, PHONE_HEARD_MAX);
    else
        memcpy(out, pcm, (size_t)n * sizeof(*out));
    v->heard_n = (uint32_t)n;
    return v->heard_n;
}

void phone_voice_follow(struct phone_voice *v, const struct phone_voice *from)
{
    v->heard = false;
    v->heard_at = from->heard_at + from->heard_n;
}
