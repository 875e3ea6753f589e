#include <assert.h>

#include "codec/codec_priv.h"
#include "codec/plc.h"

static const struct codec *const codecs[] = {&codec_pcmu, &codec_pcma, &codec_g722, &codec_opus,
                                             &codec_l16};

struct codec_encoder {
    struct codec_setup setup;
    void *state;
};

struct codec_decoder {
    struct codec_setup setup;
    void *state;
    struct codec_plc plc; /* for codecs that conceal nothing themselves */
};

bool codec_format_of(const char *name, uint32_t clock, uint8_t channels, struct codec_format *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        const struct codec *c = codecs[i];
        struct codec_format f = {.codec = c, .clock = clock, .channels = channels ? channels : 1};
        if (strcmp(c->name, name) != 0 || (c->clock && c->clock != clock) ||
            !c->takes_rate(&f, codec_own_rate(&f)))
            continue;
        *ret = f;
        return true;
    }
    return false;
}

void codec_rates(const struct codec_format *a, const struct codec_format *b, uint32_t *ret_a,
                 uint32_t *ret_b)
{
    uint32_t own_a = codec_own_rate(a), own_b = codec_own_rate(b);
    uint32_t least = own_a < own_b ? own_a : own_b;
    *ret_a = a->codec->takes_rate(a, least) ? least : own_a;
    *ret_b = b->codec->takes_rate(b, least) ? least : own_b;
}

uint32_t codec_frame_ms(const struct codec_format *f, uint32_t wanted)
{
    uint32_t ms = wanted ? wanted : CODEC_MS_DEFAULT;
    if (ms > CODEC_MS_MAX)
        ms = CODEC_MS_MAX;
    ms -= ms % 10;
    while (ms > 10 && !f->codec->takes_ms(f, ms))
        ms -= 10;
    return ms > 10 ? ms : 10;
}

int codec_encoder_new(const struct codec_setup *s, struct codec_encoder **ret)
{
    struct codec_encoder *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->setup = *s;
    int r = s->format.codec->encoder_new ? s->format.codec->encoder_new(s, &e->state) : 0;
    if (r < 0) {
        free(e);
        return r;
    }
    *ret = e;
    return 0;
}

struct codec_encoder *codec_encoder_free(struct codec_encoder *e)
{
    if (e && e->state)
        e->setup.format.codec->encoder_free(e->state);
    free(e);
    return NULL;
}

int codec_encode(struct codec_encoder *e, const int16_t *in, size_t n, uint8_t *out, size_t cap)
{
    return e->setup.format.codec->encode(e->state, &e->setup, in, n, out, cap);
}

int codec_decoder_new(const struct codec_setup *s, struct codec_decoder **ret)
{
    struct codec_decoder *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->setup = *s;
    codec_plc_init(&d->plc, s->rate);
    int r = s->format.codec->decoder_new ? s->format.codec->decoder_new(s, &d->state) : 0;
    if (r < 0) {
        free(d);
        return r;
    }
    *ret = d;
    return 0;
}

struct codec_decoder *codec_decoder_free(struct codec_decoder *d)
{
    if (d && d->state)
        d->setup.format.codec->decoder_free(d->state);
    free(d);
    return NULL;
}

int codec_decode(struct codec_decoder *d, struct slice payload, int16_t *out, size_t cap)
{
    const struct codec *c = d->setup.format.codec;
    if (payload.n == 0 || payload.n > CODEC_PAYLOAD_MAX)
        return -EBADMSG;
    int n = c->decode(d->state, &d->setup, payload, out, cap);
    if (n > 0 && !c->conceal)
        codec_plc_take(&d->plc, out, (size_t)n);
    return n;
}

void codec_conceal(struct codec_decoder *d, struct slice next, int16_t *out, size_t n)
{
    const struct codec *c = d->setup.format.codec;
    assert(n <= CODEC_SAMPLES_MAX);
    if (!c->conceal)
        codec_plc_fill(&d->plc, out, n);
    else if (c->conceal(d->state, &d->setup, next, out, n) < 0)
        memset(out, 0, n * sizeof(*out));
}
