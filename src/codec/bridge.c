#include "codec/bridge.h"

#include <assert.h>
#include <stdlib.h>

#include "codec/digit.h"
#include "codec/event.h"
#include "codec/noise.h"
#include "codec/resample.h"

#define EVENT_STEP_MAX_MS 400u /* of tones made for one packet: several were lost */
#define NOISE_MS 20u

/* What stands for audio of the side that has no events: the digit that is heard now. */
struct heard {
    struct codec_digit_rx *rx; /* NULL: not listened for */
    struct resampler *down;    /* to its rate */
    char digit;
    uint8_t repeats; /* end packets that are still to come */
    bool begun;
    uint32_t timestamp, duration;
};

struct codec_bridge {
    struct codec_bridge_config cfg;
    uint32_t in_rate, out_rate;
    uint32_t frame;      /* samples of one packet */
    uint32_t frame_step; /* … in timestamp units */
    struct codec_decoder *decoder;
    struct codec_encoder *encoder;
    struct resampler *resampler; /* NULL: same rate */
    struct codec_jitter jitter;

    bool running;         /* next_in and came_ms count */
    enum codec_kind last; /* kind of the packet before */
    uint32_t next_in;     /* timestamp that would follow */
    uint64_t came_ms;
    uint32_t last_samples; /* of the last audio packet */
    uint32_t out;          /* timestamp of the next packet */
    bool mark;

    struct codec_event_rx event;
    bool event_open; /* sent on, and no end yet */
    uint32_t event_out;
    struct codec_event event_last;
    struct codec_digit_tx tones;
    bool toning;

    struct heard heard;
    struct codec_noise noise;
    uint64_t bad, made;
    size_t fill; /* of pending */
    int16_t pending[2 * CODEC_SAMPLES_MAX + 16];
};

static uint32_t scale(uint32_t n, uint32_t to, uint32_t from)
{
    return (uint32_t)((uint64_t)n * to / from);
}

/* --- out -------------------------------------------------------------------------------------- */

static void put(struct codec_bridge *b, struct codec_made *m)
{
    b->made++;
    b->cfg.fn(b->cfg.arg, m);
}

static void put_event(struct codec_bridge *b, uint32_t timestamp, bool marker,
                      const struct codec_event *e)
{
    struct codec_made m = {
        .kind = CODEC_KIND_EVENT, .marker = marker, .timestamp = timestamp, .n = CODEC_EVENT_LEN};
    codec_event_put(e, m.payload);
    put(b, &m);
}

static void put_audio(struct codec_bridge *b, const int16_t *samples)
{
    struct codec_made m UNINITIALIZED;
    int n = codec_encode(b->encoder, samples, b->frame, m.payload, sizeof(m.payload));
    if (n <= 0)
        return;
    m.kind = CODEC_KIND_AUDIO;
    m.marker = b->mark;
    m.timestamp = b->out;
    m.n = (size_t)n;
    b->mark = false;
    put(b, &m);
}

/* The digit that is heard takes the place of the audio in which it sounds. True: it did. */
static bool put_heard(struct codec_bridge *b)
{
    struct heard *h = &b->heard;
    if (!h->begun)
        return false;
    if (h->repeats == 0) {
        h->begun = false;
        return false;
    }
    bool over = h->digit == '\0';
    bool first = h->duration == 0;
    if (!over)
        h->duration += scale(b->frame_step, b->cfg.out_event_clock, b->cfg.out.clock);
    else
        h->repeats--;
    struct codec_event e = {.event = b->event_last.event,
                            .volume = CODEC_EVENT_VOLUME,
                            .end = over,
                            .duration = (uint16_t)(h->duration < 0xffff ? h->duration : 0xffff)};
    put_event(b, h->timestamp, first, &e);
    b->mark = true;
    return true;
}

static void put_frame(struct codec_bridge *b, const int16_t *samples)
{
    if (!put_heard(b))
        put_audio(b, samples);
    b->out += b->frame_step;
}

static void put_frames(struct codec_bridge *b)
{
    size_t at = 0;
    for (; b->fill - at >= b->frame; at += b->frame)
        put_frame(b, b->pending + at);
    b->fill -= at;
    memmove(b->pending, b->pending + at, b->fill * sizeof(b->pending[0]));
}

/* What does not fill a packet leaves with silence behind it; returns how much that was, in
 * timestamp units. */
static uint32_t flush(struct codec_bridge *b)
{
    if (b->fill == 0)
        return 0;
    size_t rest = b->frame - b->fill;
    memset(b->pending + b->fill, 0, rest * sizeof(b->pending[0]));
    b->fill = b->frame;
    put_frames(b);
    return scale((uint32_t)rest, b->cfg.out.clock, b->out_rate);
}

/* --- tones to events -------------------------------------------------------------------------- */

static void listen(struct codec_bridge *b, const int16_t *in, size_t n)
{
    struct heard *h = &b->heard;
    int16_t narrow[CODEC_SAMPLES_MAX + 2] UNINITIALIZED;
    if (!h->rx)
        return;
    if (h->down) {
        n = resampler_run(h->down, in, n, narrow, ARRAY_LEN(narrow));
        in = narrow;
    }
    char now = codec_digit_hear(h->rx, in, n);
    int event = codec_event_of(now);
    if (now != h->digit && event >= 0) {
        *h = (struct heard){.rx = h->rx,
                            .down = h->down,
                            .digit = now,
                            .begun = true,
                            .repeats = CODEC_EVENT_END_REPEATS,
                            .timestamp = b->out};
        b->event_last.event = (uint8_t)event;
    } else if (event < 0) {
        h->digit = '\0';
    }
}

/* --- samples ---------------------------------------------------------------------------------- */

static void feed(struct codec_bridge *b, const int16_t *in, size_t n)
{
    listen(b, in, n);
    size_t room = ARRAY_LEN(b->pending) - b->fill;
    if (b->resampler) {
        b->fill += resampler_run(b->resampler, in, n, b->pending + b->fill, room);
    } else {
        assert(n <= room);
        memcpy(b->pending + b->fill, in, n * sizeof(*in));
        b->fill += n;
    }
    put_frames(b);
}

/* Nothing was said for so long, in timestamp units of the other side. */
static void pause_out(struct codec_bridge *b, uint32_t lasted)
{
    uint32_t padded = flush(b);
    b->out += lasted > padded ? lasted - padded : 0;
    b->mark = true;
}

static void pause_in(struct codec_bridge *b, uint32_t lasted)
{
    pause_out(b, scale(lasted, b->cfg.out.clock, b->cfg.in.clock));
}

/* Where its timestamps say nothing, time itself says how long the other side heard nothing. */
static void resync(struct codec_bridge *b, const struct codec_packet *p)
{
    uint64_t ms = b->running && p->at_ms > b->came_ms ? p->at_ms - b->came_ms : 0;
    if (ms > CODEC_PAUSE_MS)
        ms = CODEC_PAUSE_MS;
    pause_out(b, (uint32_t)(ms * (b->cfg.out.clock / 1000)));
    b->event = (struct codec_event_rx){0};
    b->toning = b->event_open = false;
    b->next_in = p->timestamp;
    b->running = true;
}

static void conceal(struct codec_bridge *b, uint32_t lasted, struct slice next)
{
    int16_t pcm[CODEC_SAMPLES_MAX] UNINITIALIZED;
    uint32_t n = scale(lasted, b->in_rate, b->cfg.in.clock);
    while (n > 0) {
        uint32_t part = n < CODEC_SAMPLES_MAX ? n : CODEC_SAMPLES_MAX;
        n -= part;
        codec_conceal(b->decoder, n == 0 ? next : SLICE_NONE, pcm, part);
        feed(b, pcm, part);
    }
}

/* From what followed so far to the timestamp of p: loss, pause, or nothing. */
static void bring_up(struct codec_bridge *b, const struct codec_packet *p, uint16_t lost)
{
    int32_t ahead = (int32_t)(p->timestamp - b->next_in);
    uint32_t clock = b->cfg.in.clock;
    if (!b->running || ahead > (int64_t)clock * (CODEC_PAUSE_MS / 1000) ||
        ahead < -(int64_t)clock * 2) {
        resync(b, p);
        return;
    }
    bool heard_audio = b->last == CODEC_KIND_AUDIO && p->kind == CODEC_KIND_AUDIO;
    if (ahead > 0 && lost > 0 && heard_audio && (uint32_t)ahead <= clock / 1000 * CODEC_CONCEAL_MS)
        conceal(b, (uint32_t)ahead, p->payload);
    else if (ahead > 0)
        pause_in(b, (uint32_t)ahead);
    if (ahead > 0)
        b->next_in = p->timestamp;
}

/* --- one kind each ---------------------------------------------------------------------------- */

/* An event whose end packets were all lost ends when audio comes. */
static void close_event(struct codec_bridge *b)
{
    b->toning = false;
    if (!b->event_open)
        return;
    b->event_open = false;
    b->event_last.end = true;
    for (size_t i = 0; i < CODEC_EVENT_END_REPEATS; i++)
        put_event(b, b->event_out, false, &b->event_last);
}

static void take_audio(struct codec_bridge *b, const struct codec_packet *p)
{
    int16_t pcm[CODEC_SAMPLES_MAX] UNINITIALIZED;
    close_event(b);
    int n = codec_decode(b->decoder, p->payload, pcm, ARRAY_LEN(pcm));
    if (n <= 0) {
        b->bad++;
        n = (int)b->last_samples;
        if (n == 0)
            return;
        codec_conceal(b->decoder, SLICE_NONE, pcm, (size_t)n);
    }
    b->last_samples = (uint32_t)n;
    b->next_in = p->timestamp + scale((uint32_t)n, b->cfg.in.clock, b->in_rate);
    feed(b, pcm, (size_t)n);
}

static void pass_event(struct codec_bridge *b, enum codec_event_news news,
                       const struct codec_event *e)
{
    uint32_t duration = scale(e->duration, b->cfg.out_event_clock, b->cfg.in_event_clock);
    if (news == CODEC_EVENT_NEW) {
        if (b->last == CODEC_KIND_EVENT && b->out == b->event_out)
            b->out += b->frame_step; /* no two events have one timestamp */
        b->event_out = b->out;
    }
    b->event_last = *e;
    b->event_last.duration = (uint16_t)(duration < 0xffff ? duration : 0xffff);
    b->event_open = !e->end;
    put_event(b, b->event_out, news == CODEC_EVENT_NEW, &b->event_last);
    b->mark = true;
}

static void tone_event(struct codec_bridge *b, enum codec_event_news news, uint32_t more)
{
    int16_t pcm[CODEC_SAMPLES_MAX] UNINITIALIZED;
    uint32_t most = b->in_rate / 1000 * EVENT_STEP_MAX_MS;
    uint32_t n = scale(more, b->in_rate, b->cfg.in_event_clock);
    if (news == CODEC_EVENT_NEW)
        b->toning = codec_digit_begin(&b->tones, codec_event_digit(b->event.event), b->in_rate);
    if (!b->toning)
        return;
    n = n < most ? n : most;
    b->next_in += scale(n, b->cfg.in.clock, b->in_rate);
    while (n > 0) {
        uint32_t part = n < CODEC_SAMPLES_MAX ? n : CODEC_SAMPLES_MAX;
        codec_digit_make(&b->tones, pcm, part);
        feed(b, pcm, part);
        n -= part;
    }
    if (b->event.ended)
        b->toning = false;
}

static void take_event(struct codec_bridge *b, const struct codec_packet *p, uint16_t lost)
{
    struct codec_event e;
    uint32_t more;
    if (!codec_event_parse(p->payload, &e) || b->cfg.in_event_clock == 0) {
        b->bad++;
        return;
    }
    enum codec_event_news news = codec_event_take(&b->event, p->timestamp, &e, &more);
    if (news == CODEC_EVENT_NEW) {
        struct codec_event_rx now = b->event;
        close_event(b);
        bring_up(b, p, lost);
        b->event = now; /* a new row of timestamps begins with it */
    }
    if (b->cfg.out_event_clock == 0)
        tone_event(b, news, more);
    else if (news != CODEC_EVENT_OLD || (e.end && p->timestamp == b->event.timestamp))
        pass_event(b, news, &e);
}

static void take_noise(struct codec_bridge *b, const struct codec_packet *p)
{
    int16_t pcm[CODEC_SAMPLES_MAX] UNINITIALIZED;
    uint8_t level;
    if (!codec_noise_parse(p->payload, &level)) {
        b->bad++;
        return;
    }
    close_event(b);
    if (b->cfg.out_noise) {
        flush(b);
        struct codec_made m = {.kind = CODEC_KIND_NOISE, .timestamp = b->out, .n = 1};
        m.payload[0] = level;
        put(b, &m);
        b->mark = true;
        return;
    }
    uint32_t n = b->in_rate / 1000 * NOISE_MS;
    codec_noise_make(&b->noise, level, pcm, n);
    b->next_in = p->timestamp + scale(n, b->cfg.in.clock, b->in_rate);
    feed(b, pcm, n);
}

/* --- in --------------------------------------------------------------------------------------- */

static void take(struct codec_bridge *b, const struct codec_packet *p, uint16_t lost)
{
    if (p->kind != CODEC_KIND_EVENT)
        bring_up(b, p, lost);
    switch (p->kind) {
    case CODEC_KIND_AUDIO:
        take_audio(b, p);
        break;
    case CODEC_KIND_EVENT:
        take_event(b, p, lost);
        break;
    case CODEC_KIND_NOISE:
        take_noise(b, p);
        break;
    }
    b->last = p->kind;
    b->came_ms = p->at_ms;
}

void codec_bridge_run(struct codec_bridge *b, uint64_t now_ms)
{
    const struct codec_packet *p;
    uint16_t lost;
    while ((p = codec_jitter_pop(&b->jitter, now_ms, &lost)))
        take(b, p, lost);
}

void codec_bridge_push(struct codec_bridge *b, const struct codec_packet *p)
{
    switch (codec_jitter_push(&b->jitter, p)) {
    case CODEC_JITTER_NEW:
        resync(b, p);
        take(b, p, 0);
        break;
    case CODEC_JITTER_NEXT:
        take(b, p, 0);
        break;
    case CODEC_JITTER_HELD:
        break;
    case CODEC_JITTER_LATE:
        return;
    }
    codec_bridge_run(b, p->at_ms);
}

uint32_t codec_bridge_timestamp(const struct codec_bridge *b)
{
    return b->out;
}

void codec_bridge_counts(const struct codec_bridge *b, struct codec_bridge_counts *ret)
{
    *ret = (struct codec_bridge_counts){
        .lost = b->jitter.lost, .late = b->jitter.late, .bad = b->bad, .made = b->made};
}

/* --- life ------------------------------------------------------------------------------------- */

static int heard_init(struct codec_bridge *b)
{
    if (b->cfg.in_event_clock != 0 || b->cfg.out_event_clock == 0)
        return 0;
    int r = codec_digit_rx_new(&b->heard.rx);
    if (r == 0 && b->in_rate != CODEC_DIGIT_RATE)
        r = resampler_new(b->in_rate, CODEC_DIGIT_RATE, &b->heard.down);
    return r;
}

int codec_bridge_new(const struct codec_bridge_config *cfg, struct codec_bridge **ret)
{
    struct codec_bridge *b = calloc(1, sizeof(*b));
    if (!b)
        return -ENOMEM;
    b->cfg = *cfg;
    codec_rates(&cfg->in, &cfg->out, &b->in_rate, &b->out_rate);
    uint32_t ms = codec_frame_ms(&cfg->out, cfg->out_ms);
    b->frame = b->out_rate * ms / 1000;
    b->frame_step = cfg->out.clock * ms / 1000;
    b->out = cfg->timestamp;
    b->mark = true;
    struct codec_setup in = {cfg->in, b->in_rate}, out = {cfg->out, b->out_rate};
    int r = codec_decoder_new(&in, &b->decoder);
    if (r == 0)
        r = codec_encoder_new(&out, &b->encoder);
    if (r == 0 && b->in_rate != b->out_rate)
        r = resampler_new(b->in_rate, b->out_rate, &b->resampler);
    if (r == 0)
        r = heard_init(b);
    if (r < 0) {
        codec_bridge_free(b);
        return r;
    }
    *ret = b;
    return 0;
}

struct codec_bridge *codec_bridge_free(struct codec_bridge *b)
{
    if (!b)
        return NULL;
    codec_decoder_free(b->decoder);
    codec_encoder_free(b->encoder);
    resampler_free(b->resampler);
    codec_digit_rx_free(b->heard.rx);
    resampler_free(b->heard.down);
    free(b);
    return NULL;
}
