/* Built-in ends of a call: echo, tone, clock. The sounds are made once, when the role starts; a
 * packet is then a piece of a table. All tones and clocks are paced by one timer and leave in one
 * burst; each has its own SSRC, sequence numbers and timestamps, in the slot, so that a restarted
 * role goes on where the one before was killed. */
#include <stdlib.h>

#include "codec/g711.h"
#include "codec/tone.h"
#include "crypto/hash.h"
#include "media/transcode.h"
#include "rtp/wire.h"

#define FRAME_MS 20u
#define FRAME MEDIA_SOUND_FRAME
#define BEHIND_MAX_MS 200u /* a role that stood still longer does not make up for it */
#define PIP_MS 100u
#define PIP_MINUTE_MS 500u

#define TONE_HZ 1004.0
#define PIP_HZ 1000.0
#define LEVEL_DBFS (TONE_DBM0_DBFS - 10) /* -10 dBm0 */

/* Of an endpoint that speaks. */
struct media_voice {
    struct list node; /* in role->sources */
    struct media_endpoint *e;
    struct codec_encoder *encoder; /* of codecs that remember; NULL: none yet */
    uint8_t pt;
};

static void sound_make(uint8_t table[G711_LAWS][MEDIA_SOUND_PERIOD + FRAME], double hz)
{
    int16_t pcm[MEDIA_SOUND_PERIOD + FRAME];
    tone_sine(hz, LEVEL_DBFS, pcm, ARRAY_LEN(pcm));
    g711_encode(G711_ULAW, pcm, ARRAY_LEN(pcm), table[G711_ULAW]);
    g711_encode(G711_ALAW, pcm, ARRAY_LEN(pcm), table[G711_ALAW]);
}

void media_source_init(struct media_role *r)
{
    sound_make(r->sounds.tone, TONE_HZ);
    sound_make(r->sounds.pip, PIP_HZ);
    tone_sine_at(2 * TONE_RATE, TONE_HZ, LEVEL_DBFS, r->sounds.wide_tone,
                 ARRAY_LEN(r->sounds.wide_tone));
    tone_sine_at(2 * TONE_RATE, PIP_HZ, LEVEL_DBFS, r->sounds.wide_pip,
                 ARRAY_LEN(r->sounds.wide_pip));
    loop_timer_init(&r->pace, media_source_pace, r);
}

/* --- echo --- */

/* Another SSRC, so that the phone does not take its own voice for a loop (RFC 3550 s.8.2); one for
 * each of the phone's, because their sequence numbers have nothing to do with each other. */
void media_source_echo(struct media_endpoint *e, struct media_packet *p)
{
    struct media_slot *s = e->s;
    if (p->rtcp || !e->sends || !e->hears)
        return;
    while (s->source_ssrc == 0)
        crypto_random(&s->source_ssrc, sizeof(s->source_ssrc));
    p->hdr.ssrc ^= s->source_ssrc;
    wire_put32(p->data + 8, p->hdr.ssrc);
    p->out = e;
}

/* --- tone and clock --- */

/* What is to be spoken, in which codec and under which number. */
struct speech {
    struct codec_format format;
    uint8_t pt;
};

static bool is_spoken(const struct media_codec *c, struct speech *ret)
{
    if (!c || !media_codec_format(c, &ret->format))
        return false;
    ret->pt = c->pt & 0x7f;
    const struct codec *codec = ret->format.codec;
    return codec->takes_rate(&ret->format, TONE_RATE) ||
           codec->takes_rate(&ret->format, 2 * TONE_RATE);
}

/* The codec that the phone sends; before it has, the first that it described. */
static bool choose(const struct media_endpoint *e, struct speech *ret)
{
    const struct media_contexts *t = &e->contexts;
    if (is_spoken(media_endpoint_codec(e, e->last_pt), ret))
        return true;
    for (size_t i = 0; i < t->codec_count; i++) {
        if (is_spoken(&t->codecs[i], ret))
            return true;
    }
    return false;
}

static bool law_of(const struct speech *sp, enum g711_law *ret)
{
    bool is_u = strcmp(sp->format.codec->name, "PCMU") == 0;
    *ret = is_u ? G711_ULAW : G711_ALAW;
    return is_u || strcmp(sp->format.codec->name, "PCMA") == 0;
}

/* G.711 is a piece of a table. */
static void put_law(const struct media_endpoint *e, enum g711_law law, uint32_t at, uint8_t *out)
{
    const struct media_sounds *sounds = &e->role->sounds;
    if (e->mode == MEDIA_MODE_TONE)
        memcpy(out, sounds->tone[law] + at, FRAME);
    else if (e->role->pip_ms > 0)
        memcpy(out, sounds->pip[law] + at, FRAME);
    else
        memset(out, g711_from_linear(law, 0), FRAME);
}

/* Others have an encoder, made by the first packet and again where the phone changes its codec. 0:
 * nothing can be said. */
static size_t put_encoded(struct media_endpoint *e, const struct speech *sp, uint32_t at,
                          uint8_t *out)
{
    static const int16_t silence[2 * FRAME];
    const struct media_sounds *sounds = &e->role->sounds;
    const int16_t *sound = silence;
    int16_t narrow[FRAME];
    bool wide = sp->format.codec->takes_rate(&sp->format, 2 * TONE_RATE);
    struct codec_setup setup = {sp->format, wide ? 2 * TONE_RATE : TONE_RATE};
    struct media_voice *v = e->voice;
    if (v->encoder && v->pt != sp->pt)
        media_source_forget(e);
    if (!v->encoder && codec_encoder_new(&setup, &v->encoder) < 0)
        return 0;
    v->pt = sp->pt;
    if (e->mode == MEDIA_MODE_TONE)
        sound = sounds->wide_tone + 2 * at;
    else if (e->role->pip_ms > 0)
        sound = sounds->wide_pip + 2 * at;
    for (size_t i = 0; i < FRAME && !wide; i++)
        narrow[i] = sound[2 * i];
    int n = codec_encode(v->encoder, wide ? sound : narrow, wide ? 2 * FRAME : FRAME, out,
                         CODEC_WRITE_MAX);
    return n > 0 ? (size_t)n : 0;
}

static void speak(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    struct media_slot *s = e->s;
    struct speech sp;
    enum g711_law law;
    if (!e->sends || media_transport(e)->guard == MEDIA_GUARD_CLOSED ||
        addr_family(media_remote(e, false)) == 0 || !choose(e, &sp))
        return;
    struct rtp_hdr h = {.hdr_len = RTP_HDR_MIN, .pt = sp.pt, .marker = !s->source_on};
    if (h.marker)
        media_stream_begin(s);
    h.ssrc = s->source_ssrc;
    h.seq = s->source_seq++;
    h.timestamp = s->source_ts;
    uint32_t at = h.timestamp / (sp.format.clock / TONE_RATE) % MEDIA_SOUND_PERIOD;
    s->source_ts += sp.format.clock / 1000 * FRAME_MS;
    struct media_packet *p = media_burst_next(r);
    size_t n = FRAME;
    if (law_of(&sp, &law))
        put_law(e, law, at, p->data + RTP_HDR_MIN);
    else
        n = put_encoded(e, &sp, at, p->data + RTP_HDR_MIN);
    if (n == 0)
        return;
    p->in = NULL;
    p->out = e;
    p->rtcp = false;
    p->hdr = h;
    p->len = RTP_HDR_MIN + (uint32_t)n;
    rtp_hdr_put(p->data, &h);
    media_burst_add(r);
}

/* A pip at each second, a long one at the full minute. */
static void clock_frame(struct media_role *r)
{
    uint64_t second = loop_unix_now(r->loop);
    r->pip_ms = r->pip_ms > FRAME_MS ? r->pip_ms - FRAME_MS : 0;
    if (second != r->pip_second) {
        r->pip_second = second;
        r->pip_ms = second % 60 == 0 ? PIP_MINUTE_MS : PIP_MS;
    }
}

/* Timers have a grain, so the next frame is due by the clock, not 20 ms after this call. */
void media_source_pace(void *role)
{
    struct media_role *r = role;
    uint64_t now = loop_now(r->loop);
    if (now > r->pace_due + BEHIND_MAX_MS)
        r->pace_due = now;
    for (; r->pace_due <= now; r->pace_due += FRAME_MS) {
        clock_frame(r);
        LIST_FOR_EACH(n, &r->sources)
        speak(CONTAINER_OF(n, struct media_voice, node)->e);
    }
    if (!list_is_empty(&r->sources))
        loop_timer_set(r->loop, &r->pace, r->pace_due - now - 1);
}

void media_source_forget(struct media_endpoint *e)
{
    if (e->voice)
        e->voice->encoder = codec_encoder_free(e->voice->encoder);
}

void media_source_free(struct media_endpoint *e)
{
    if (!e->voice)
        return;
    media_source_forget(e);
    list_remove(&e->voice->node);
    free(e->voice);
    e->voice = NULL;
}

void media_source_update(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    bool is_source = e->mode == MEDIA_MODE_TONE || e->mode == MEDIA_MODE_CLOCK;
    if (is_source == (e->voice != NULL))
        return;
    if (!is_source) {
        media_source_free(e);
        return;
    }
    e->voice = calloc(1, sizeof(*e->voice));
    if (!e->voice)
        return; /* it stays silent */
    e->voice->e = e;
    bool first = list_is_empty(&r->sources);
    list_push_back(&r->sources, &e->voice->node);
    if (first && !loop_timer_is_armed(&r->pace)) {
        r->pace_due = loop_now(r->loop) + FRAME_MS;
        loop_timer_set(r->loop, &r->pace, FRAME_MS - 1);
    }
}
