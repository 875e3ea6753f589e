#include "codec/bridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "codec/digit.h"
#include "codec/event.h"
#include "codec/resample.h"
#include "codec/tone.h"

/* A speaker's packets go through a bridge; what comes out is decoded and measured. */
#define MADE_MAX 2000

struct rig {
    struct codec_bridge *bridge;
    struct codec_format in, out;
    struct codec_encoder *encoder;
    struct codec_decoder *decoder;
    struct resampler *down;
    uint32_t rate; /* of both */
    uint32_t ts;
    uint16_t seq;
    uint64_t ms;
    double turn;
    size_t made_n, audio_n;
    struct made {
        enum codec_kind kind;
        bool marker;
        uint32_t ts;
        size_t n;
        uint8_t payload[4];
    } made[MADE_MAX];
    struct tone_meter meter;
    struct codec_digit_rx *digits;
    char heard[32], now;
};

static void on_made(void *arg, const struct codec_made *m)
{
    struct rig *r = arg;
    static int16_t pcm[CODEC_SAMPLES_MAX], narrow[CODEC_SAMPLES_MAX];
    assert_true(r->made_n < MADE_MAX);
    struct made *k = &r->made[r->made_n++];
    *k = (struct made){.kind = m->kind, .marker = m->marker, .ts = m->timestamp, .n = m->n};
    memcpy(k->payload, m->payload, m->n < 4 ? m->n : 4);
    if (m->kind != CODEC_KIND_AUDIO)
        return;
    r->audio_n++;
    int n = codec_decode(r->decoder, slice_from(m->payload, m->n), pcm, ARRAY_LEN(pcm));
    assert_true(n > 0);
    size_t heard = resampler_run(r->down, pcm, (size_t)n, narrow, ARRAY_LEN(narrow));
    tone_meter_add(&r->meter, narrow, heard);
    char now = codec_digit_hear(r->digits, narrow, heard);
    if (now && now != r->now)
        r->heard[strlen(r->heard)] = now;
    r->now = now;
}

static void open_rig(struct rig *r, const char *in, const char *out, uint32_t out_ms,
                     uint32_t in_events, uint32_t out_events)
{
    memset(r, 0, sizeof(*r));
    r->rate = 16000;
    r->ms = 1000;
    assert_true(codec_format_of(in,
                                strcmp(in, "OPUS") == 0 ? 48000
                                : strcmp(in, "L16")     ? 8000
                                                        : 16000,
                                1, &r->in));
    assert_true(codec_format_of(out,
                                strcmp(out, "OPUS") == 0 ? 48000
                                : strcmp(out, "L16")     ? 8000
                                                         : 16000,
                                1, &r->out));
    struct codec_bridge_config cfg = {.in = r->in,
                                      .out = r->out,
                                      .out_ms = out_ms,
                                      .in_event_clock = in_events,
                                      .out_event_clock = out_events,
                                      .timestamp = 0xffffff00u,
                                      .fn = on_made,
                                      .arg = r};
    assert_int_equal(codec_bridge_new(&cfg, &r->bridge), 0);
    uint32_t rate = r->in.codec->takes_rate(&r->in, 16000) ? 16000 : 8000;
    struct codec_setup e = {r->in, rate};
    r->rate = rate;
    assert_int_equal(codec_encoder_new(&e, &r->encoder), 0);
    struct codec_setup d = {r->out, codec_own_rate(&r->out)};
    assert_int_equal(codec_decoder_new(&d, &r->decoder), 0);
    assert_int_equal(resampler_new(d.rate, TONE_RATE, &r->down), 0);
    assert_int_equal(codec_digit_rx_new(&r->digits), 0);
    tone_meter_init(&r->meter);
}

static void close_rig(struct rig *r)
{
    codec_bridge_free(r->bridge);
    codec_encoder_free(r->encoder);
    codec_decoder_free(r->decoder);
    resampler_free(r->down);
    codec_digit_rx_free(r->digits);
}

static void send(struct rig *r, enum codec_kind kind, uint32_t ts, const void *payload, size_t n)
{
    struct codec_packet p = {.kind = kind,
                             .ssrc = 7,
                             .timestamp = ts,
                             .seq = r->seq++,
                             .at_ms = r->ms,
                             .payload = slice_from(payload, n)};
    codec_bridge_push(r->bridge, &p);
}

/* One packet of a tone; hz 0: silence. Not sent where `lost`. */
static void say(struct rig *r, uint32_t ms, double hz, bool lost)
{
    static int16_t pcm[CODEC_SAMPLES_MAX];
    uint8_t line[CODEC_PAYLOAD_MAX];
    size_t n = r->rate * ms / 1000;
    for (size_t i = 0; i < n; i++) {
        pcm[i] = (int16_t)(hz > 0 ? 8000 * tone_sine_of(r->turn) : 0);
        r->turn += hz / r->rate;
    }
    int len = codec_encode(r->encoder, pcm, n, line, sizeof(line));
    assert_true(len > 0);
    if (lost)
        r->seq++;
    else
        send(r, CODEC_KIND_AUDIO, r->ts, line, (size_t)len);
    r->ts += r->in.clock * ms / 1000;
    r->ms += ms;
}

static void assert_heard(struct rig *r, double hz)
{
    struct tone_heard h;
    tone_meter_result(&r->meter, &h);
    if (h.tone_hz < hz - 3 || h.tone_hz > hz + 3)
        fail_msg("%s to %s: heard %.1f Hz, not %.0f", r->in.codec->name, r->out.codec->name,
                 h.tone_hz, hz);
}

static const char *const all[] = {"PCMU", "PCMA", "G722", "OPUS", "L16"};

static struct rig r;

static void test_every_pair(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        for (size_t k = 0; k < ARRAY_LEN(all); k++) {
            open_rig(&r, all[i], all[k], 20, 8000, 8000);
            for (int n = 0; n < 100; n++)
                say(&r, 20, 440, false);
            assert_in_range(r.audio_n, 99, 100);
            assert_heard(&r, 440);
            assert_true(r.made[0].marker);
            for (size_t m = 1; m < r.made_n; m++) {
                assert_false(r.made[m].marker);
                assert_int_equal(r.made[m].ts - r.made[m - 1].ts, r.out.clock / 50);
            }
            close_rig(&r);
        }
    }
}

static void test_packet_times(void **state)
{
    (void)state;
    static const uint32_t times[][2] = {{20, 40}, {40, 20}, {10, 60}, {60, 10}, {20, 120}};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        open_rig(&r, "PCMA", "OPUS", times[i][1], 8000, 8000);
        for (uint32_t ms = 0; ms < 2400; ms += times[i][0])
            say(&r, times[i][0], 1000, false);
        assert_in_range(r.audio_n, 2400 / times[i][1] - 1, 2400 / times[i][1]);
        assert_int_equal(r.made[1].ts - r.made[0].ts, 48 * times[i][1]);
        assert_heard(&r, 1000);
        close_rig(&r);
    }
}

static void test_loss(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        open_rig(&r, all[i], i == 3 ? "PCMU" : "OPUS", 20, 8000, 8000);
        for (int n = 1; n <= 200; n++)
            say(&r, 20, 440, n % 20 == 0 && n < 200);
        assert_in_range(r.audio_n, 198, 200); /* what was lost is filled in */
        assert_heard(&r, 440);
        struct codec_bridge_counts c;
        codec_bridge_counts(r.bridge, &c);
        assert_int_equal(c.lost, 9);
        for (size_t m = 1; m < r.made_n; m++)
            assert_int_equal(r.made[m].ts - r.made[m - 1].ts, r.out.clock / 50);
        close_rig(&r);
    }
}

/* Two packets change places, one comes twice, one far too late. */
static void test_order(void **state)
{
    (void)state;
    uint8_t line[160];
    open_rig(&r, "PCMU", "OPUS", 20, 8000, 8000);
    memset(line, 0xff, sizeof(line));
    static const uint16_t order[] = {0, 1, 3, 2, 4, 4, 6, 7, 5, 8};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        r.seq = (uint16_t)(65533 + order[i]);
        send(&r, CODEC_KIND_AUDIO, 160u * order[i], line, sizeof(line));
        r.ms += 20;
    }
    struct codec_bridge_counts c;
    codec_bridge_counts(r.bridge, &c);
    assert_int_equal(r.audio_n, 9);
    assert_int_equal(c.late, 2); /* the second 4; 5, whose place was filled */
    assert_int_equal(c.lost, 1);
    close_rig(&r);
}

/* A loss at the end of a burst: nothing more comes, but time goes by. */
static void test_waiting_ends(void **state)
{
    (void)state;
    open_rig(&r, "PCMU", "OPUS", 20, 8000, 8000);
    say(&r, 20, 440, false);
    say(&r, 20, 440, true);
    say(&r, 20, 440, false);
    assert_int_equal(r.audio_n, 1);
    codec_bridge_run(r.bridge, r.ms + CODEC_JITTER_WAIT_MS - 21);
    assert_int_equal(r.audio_n, 1);
    codec_bridge_run(r.bridge, r.ms + CODEC_JITTER_WAIT_MS - 20);
    assert_int_equal(r.audio_n, 3);
    close_rig(&r);
}

/* Silence suppression: the timestamps jump, the numbers do not. */
static void test_pause(void **state)
{
    (void)state;
    open_rig(&r, "PCMA", "OPUS", 20, 8000, 8000);
    say(&r, 20, 440, false);
    r.ts += 8000;
    r.ms += 1000;
    say(&r, 20, 440, false);
    assert_int_equal(r.audio_n, 2);
    assert_true(r.made[1].marker);
    assert_int_equal(r.made[1].ts - r.made[0].ts, 960 + 48000);
    close_rig(&r);
}

/* Another stream of another clock: time says how long the pause was. */
static void test_new_stream(void **state)
{
    (void)state;
    open_rig(&r, "PCMA", "OPUS", 20, 8000, 8000);
    say(&r, 20, 440, false);
    r.ts = 0x12345678;
    r.seq = 40000;
    r.ms += 480;
    say(&r, 20, 440, false);
    assert_int_equal(r.audio_n, 2);
    assert_true(r.made[1].marker);
    assert_int_equal(r.made[1].ts - r.made[0].ts, 960 + 500 * 48);
    close_rig(&r);
}

/* --- digits ----------------------------------------------------------------------------------- */

static void send_event(uint32_t ts, uint8_t event, uint16_t duration, bool end)
{
    uint8_t p[CODEC_EVENT_LEN];
    struct codec_event e = {.event = event, .volume = 10, .end = end, .duration = duration};
    codec_event_put(&e, p);
    send(&r, CODEC_KIND_EVENT, ts, p, sizeof(p));
    r.ms += 20;
}

static void send_digit(uint8_t event, unsigned ends)
{
    uint32_t ts = r.ts;
    for (uint16_t d = 1; d < 5; d++)
        send_event(ts, event, (uint16_t)(d * 160), false);
    for (unsigned i = 0; i < ends; i++)
        send_event(ts, event, 800, true);
    r.ts += 800;
}

static void test_events_pass(void **state)
{
    (void)state;
    open_rig(&r, "PCMA", "OPUS", 20, 8000, 48000);
    for (int i = 0; i < 5; i++)
        say(&r, 20, 0, false);
    uint32_t begins = r.made[4].ts + 960;
    send_digit(5, 3);
    send_digit(5, 0); /* its end is lost: audio ends it */
    say(&r, 20, 0, false);
    struct codec_event_rx rx = {0};
    unsigned digits = 0, ends = 0, more;
    for (size_t i = 0; i < r.made_n; i++) {
        struct codec_event e;
        if (r.made[i].kind != CODEC_KIND_EVENT)
            continue;
        assert_true(codec_event_parse(slice_from(r.made[i].payload, 4), &e));
        bool first = codec_event_take(&rx, r.made[i].ts, &e, &more) == CODEC_EVENT_NEW;
        digits += first;
        ends += e.end;
        assert_int_equal(r.made[i].marker, first);
        assert_int_equal(e.event, 5);
        if (e.end)
            assert_int_equal(e.duration, digits == 1 ? 4800 : 3840);
    }
    assert_int_equal(digits, 2);
    assert_int_equal(ends, 6);
    assert_int_equal(r.made[5].ts, begins);
    assert_true(r.made[r.made_n - 1].marker);
    assert_int_equal(r.made[r.made_n - 1].ts, begins + 2 * 4800); /* no time was lost */
    close_rig(&r);
}

static void test_events_become_tones(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        open_rig(&r, "OPUS", all[i], 20, 48000, 0);
        const char *digits = "159D*0";
        for (size_t k = 0; digits[k]; k++) {
            for (int n = 0; n < 5; n++)
                say(&r, 20, 0, false);
            uint32_t ts = r.ts;
            uint8_t event = (uint8_t)codec_event_of(digits[k]);
            for (uint16_t d = 1; d < 5; d++)
                send_event(ts, event, (uint16_t)(d * 960), false);
            for (int n = 0; n < 3; n++)
                send_event(ts, event, 4800, true);
            r.ts += 4800;
        }
        for (int n = 0; n < 10; n++)
            say(&r, 20, 0, false);
        assert_string_equal(r.heard, digits);
        for (size_t m = 1; m < r.made_n; m++)
            assert_int_equal(r.made[m].ts - r.made[m - 1].ts, r.out.clock / 50);
        close_rig(&r);
    }
}

static void test_tones_become_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        static int16_t pcm[320];
        uint8_t line[CODEC_PAYLOAD_MAX];
        open_rig(&r, all[i], "OPUS", 20, 0, 48000);
        const char *digits = "1470#A";
        for (size_t k = 0; digits[k]; k++) {
            struct codec_digit_tx tx;
            assert_true(codec_digit_begin(&tx, digits[k], r.rate));
            for (int n = 0; n < 5; n++) {
                codec_digit_make(&tx, pcm, r.rate / 50);
                int len = codec_encode(r.encoder, pcm, r.rate / 50, line, sizeof(line));
                send(&r, CODEC_KIND_AUDIO, r.ts, line, (size_t)len);
                r.ts += r.in.clock / 50;
                r.ms += 20;
            }
            for (int n = 0; n < 5; n++)
                say(&r, 20, 0, false);
        }
        char got[16] = "";
        unsigned ends = 0;
        struct codec_event_rx rx = {0};
        for (size_t m = 0; m < r.made_n; m++) {
            struct codec_event e;
            uint32_t more;
            if (r.made[m].kind != CODEC_KIND_EVENT)
                continue;
            assert_true(codec_event_parse(slice_from(r.made[m].payload, 4), &e));
            if (codec_event_take(&rx, r.made[m].ts, &e, &more) == CODEC_EVENT_NEW)
                got[strlen(got)] = codec_event_digit(e.event);
            ends += e.end;
        }
        assert_string_equal(got, digits);
        assert_int_equal(ends, 3 * strlen(digits));
        close_rig(&r);
    }
}

/* --- noise ------------------------------------------------------------------------------------ */

static void test_noise(void **state)
{
    (void)state;
    open_rig(&r, "PCMA", "OPUS", 20, 8000, 48000);
    say(&r, 20, 440, false);
    send(&r, CODEC_KIND_NOISE, r.ts, "\x28", 1);
    r.ts += 4000;
    say(&r, 20, 440, false);
    send(&r, CODEC_KIND_NOISE, r.ts, "", 0);
    assert_int_equal(r.audio_n, 3); /* a piece of noise in between */
    assert_int_equal(r.made_n, 3);
    assert_int_equal(r.made[2].ts - r.made[0].ts, 960 + 24000);
    struct codec_bridge_counts c;
    codec_bridge_counts(r.bridge, &c);
    assert_int_equal(c.bad, 1);
    close_rig(&r);
}

static void test_bad_packets(void **state)
{
    (void)state;
    open_rig(&r, "OPUS", "PCMA", 20, 48000, 8000);
    send(&r, CODEC_KIND_AUDIO, 0, "", 0);
    send(&r, CODEC_KIND_EVENT, 960, "abc", 3);
    send(&r, CODEC_KIND_AUDIO, 960, "\xff\xff\xff", 3);
    assert_int_equal(r.made_n, 0);
    for (int i = 0; i < 5; i++)
        say(&r, 20, 440, false);
    send(&r, CODEC_KIND_AUDIO, r.ts, "\xff\xff\xff", 3); /* sounds like what came before */
    assert_int_equal(r.audio_n, 6);
    struct codec_bridge_counts c;
    codec_bridge_counts(r.bridge, &c);
    assert_int_equal(c.bad, 4);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_packet_times),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_waiting_ends),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_new_stream),
        cmocka_unit_test(test_events_pass),
        cmocka_unit_test(test_events_become_tones),
        cmocka_unit_test(test_tones_become_events),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_bad_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
