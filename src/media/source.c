/* Built-in ends of a call: echo, tone, clock. The sounds are made once, when the role starts; a
 * packet is then a piece of a table. All tones and clocks are paced by one timer and leave in one
 * burst; each has its own SSRC, sequence numbers and timestamps, in the slot, so that a restarted
 * role goes on where the one before was killed. */
#include "codec/g711.h"
#include "codec/tone.h"
#include "crypto/hash.h"
#include "media/worker.h"
#include "rtp/wire.h"

#define FRAME_MS 20u
#define FRAME MEDIA_SOUND_FRAME
#define BEHIND_MAX_MS 200u /* a role that stood still longer does not make up for it */
#define PIP_MS 100u
#define PIP_MINUTE_MS 500u

#define TONE_HZ 1004.0
#define PIP_HZ 1000.0
#define LEVEL_DBFS (TONE_DBM0_DBFS - 10) /* -10 dBm0 */

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

static bool law_of(const struct media_codec *c, enum g711_law *ret)
{
    if (!c || c->clock != TONE_RATE || c->channels > 1)
        return false;
    bool is_u = strncmp(c->name, "PCMU", sizeof(c->name)) == 0;
    *ret = is_u ? G711_ULAW : G711_ALAW;
    return is_u || strncmp(c->name, "PCMA", sizeof(c->name)) == 0;
}

/* The law that the phone sends; before it has, the first that it described. */
static bool choose(const struct media_endpoint *e, enum g711_law *ret, uint8_t *ret_pt)
{
    const struct media_terms *t = &e->s->terms;
    const struct media_codec *heard = media_endpoint_codec(e, e->last_pt);
    if (law_of(heard, ret)) {
        *ret_pt = heard->pt & 0x7f;
        return true;
    }
    for (size_t i = 0; i < t->codec_count; i++) {
        if (law_of(&t->codecs[i], ret)) {
            *ret_pt = t->codecs[i].pt & 0x7f;
            return true;
        }
    }
    return false;
}

static void begin(struct media_slot *s)
{
    uint32_t random[3];
    crypto_random(random, sizeof(random));
    s->source_ssrc = random[0];
    s->source_ts = random[1];
    s->source_seq =
        random[2] & 0x7fff; /* half the space before the first wrap (RFC 3711 s.3.3.1) */
    s->source_on = true;
}

static void speak(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    struct media_slot *s = e->s;
    enum g711_law law;
    struct rtp_hdr h = {.hdr_len = RTP_HDR_MIN};
    if (!e->sends || media_transport(e)->guard == MEDIA_GUARD_CLOSED ||
        addr_family(media_remote(e, false)) == 0 || !choose(e, &law, &h.pt))
        return;
    h.marker = !s->source_on;
    if (h.marker)
        begin(s);
    h.ssrc = s->source_ssrc;
    h.seq = s->source_seq++;
    h.timestamp = s->source_ts;
    s->source_ts += FRAME;
    struct media_packet *p = media_burst_next(r);
    p->in = NULL;
    p->out = e;
    p->rtcp = false;
    p->hdr = h;
    p->len = RTP_HDR_MIN + FRAME;
    rtp_hdr_put(p->data, &h);
    uint32_t at = h.timestamp % MEDIA_SOUND_PERIOD;
    if (e->mode == MEDIA_MODE_TONE)
        memcpy(p->data + RTP_HDR_MIN, r->sounds.tone[law] + at, FRAME);
    else if (r->pip_ms > 0)
        memcpy(p->data + RTP_HDR_MIN, r->sounds.pip[law] + at, FRAME);
    else
        memset(p->data + RTP_HDR_MIN, g711_from_linear(law, 0), FRAME);
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
        speak(CONTAINER_OF(n, struct media_endpoint, source));
    }
    if (!list_is_empty(&r->sources))
        loop_timer_set(r->loop, &r->pace, r->pace_due - now - 1);
}

void media_source_update(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    bool is_source = e->mode == MEDIA_MODE_TONE || e->mode == MEDIA_MODE_CLOCK;
    bool is_in = !list_is_empty(&e->source);
    if (is_source == is_in)
        return;
    if (!is_source) {
        list_remove(&e->source);
        return;
    }
    bool first = list_is_empty(&r->sources);
    list_push_back(&r->sources, &e->source);
    if (first && !loop_timer_is_armed(&r->pace)) {
        r->pace_due = loop_now(r->loop) + FRAME_MS;
        loop_timer_set(r->loop, &r->pace, FRAME_MS - 1);
    }
}
