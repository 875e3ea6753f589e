#include "media/transcode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "codec/digit.h"
#include "codec/event.h"
#include "codec/resample.h"
#include "codec/tone.h"
#include "media/rig.h"

/* Two phones that speak and hear in codecs of their own, over a role. */
struct voice {
    struct phone phone;
    struct codec_format format;
    struct codec_encoder *encoder;
    struct codec_decoder *decoder;
    struct resampler *down;
    uint32_t rate, ts;
    double turn;
    struct tone_meter meter;
    size_t heard;
    uint32_t heard_ssrc;
    uint16_t heard_seq;
    char digits[16]; /* of events */
    struct codec_event_rx event;
};

struct talk {
    struct rig g;
    struct voice a, b;
};

static struct talk t;

static const struct media_codec codec_rows[] = {
    {.pt = 8, .channels = 1, .clock = 8000, .name = "PCMA", .allowed = true},
    {.pt = 0, .channels = 1, .clock = 8000, .name = "PCMU", .allowed = true},
    {.pt = 111, .channels = 2, .clock = 48000, .name = "OPUS", .allowed = true, .fec = true},
    {.pt = 9, .channels = 1, .clock = 8000, .name = "G722", .allowed = true},
    {.pt = 101, .channels = 1, .clock = 8000, .name = "TELEPHONE-EVENT", .allowed = true},
    {.pt = 110, .channels = 1, .clock = 48000, .name = "TELEPHONE-EVENT", .allowed = true},
    {.pt = 13, .channels = 1, .clock = 8000, .name = "CN", .allowed = true},
    {.pt = 97, .channels = 1, .clock = 8000, .name = "ILBC", .allowed = true},
};

/* `pts`: what the phone describes; it speaks the first. */
static void voice_open(struct voice *v, struct rig *g, uint16_t leg, const char *pts,
                       enum protection_policy protection)
{
    memset(v, 0, sizeof(*v));
    phone_init(&v->phone, g, 7, leg, protection);
    v->phone.transcode = true;
    v->phone.codec_count = 0;
    struct slice rest = slice_from_str(pts);
    while (rest.n) {
        uint32_t pt = 0;
        assert_int_equal(slice_to_u32(slice_cut(&rest, ' '), &pt), 0);
        for (size_t i = 0; i < ARRAY_LEN(codec_rows); i++) {
            if (codec_rows[i].pt == pt)
                v->phone.codecs[v->phone.codec_count++] = codec_rows[i];
        }
    }
    const struct media_codec *c = &v->phone.codecs[0];
    v->phone.pt = c->pt;
    assert_true(codec_format_of(c->name, c->clock, c->channels, &v->format));
    v->rate = codec_own_rate(&v->format);
    struct codec_setup s = {v->format, v->rate};
    assert_int_equal(codec_encoder_new(&s, &v->encoder), 0);
    assert_int_equal(codec_decoder_new(&s, &v->decoder), 0);
    assert_int_equal(resampler_new(v->rate, TONE_RATE, &v->down), 0);
    tone_meter_init(&v->meter);
}

static void voice_close(struct voice *v)
{
    codec_encoder_free(v->encoder);
    codec_decoder_free(v->decoder);
    resampler_free(v->down);
    phone_fini(&v->phone);
}

static void talk_open(const char *a, const char *b, enum protection_policy protection)
{
    rig_init(&t.g);
    voice_open(&t.a, &t.g, 0, a, protection);
    voice_open(&t.b, &t.g, 1, b, protection);
    rig_call(&t.a.phone, &t.b.phone, &t.a.phone.policy, &t.b.phone.policy);
}

static void talk_close(void)
{
    voice_close(&t.a);
    voice_close(&t.b);
    rig_fini(&t.g);
}

static void say(struct voice *v, double hz)
{
    static int16_t pcm[CODEC_SAMPLES_MAX];
    uint8_t pkt[2048];
    size_t n = v->rate / 50;
    for (size_t i = 0; i < n; i++) {
        pcm[i] = (int16_t)(8000 * tone_sine_of(v->turn));
        v->turn += hz / v->rate;
    }
    int len = codec_encode(v->encoder, pcm, n, pkt + RTP_HDR_MIN, CODEC_WRITE_MAX);
    assert_true(len > 0);
    struct rtp_hdr h = {.timestamp = v->ts, .pt = v->phone.pt};
    v->ts += v->format.clock / 50;
    phone_put(&v->phone, pkt, phone_seal_rtp(&v->phone, pkt, &h, (uint32_t)len));
    rig_turn(&t.g);
}

static void say_event(struct voice *v, uint8_t pt, uint8_t event, uint16_t duration, bool end)
{
    uint8_t pkt[64];
    struct codec_event e = {.event = event, .volume = 10, .end = end, .duration = duration};
    struct rtp_hdr h = {.timestamp = v->ts, .pt = pt};
    codec_event_put(&e, pkt + RTP_HDR_MIN);
    phone_put(&v->phone, pkt, phone_seal_rtp(&v->phone, pkt, &h, CODEC_EVENT_LEN));
    rig_turn(&t.g);
}

/* All that has come. */
static void hear(struct voice *v)
{
    static int16_t pcm[CODEC_SAMPLES_MAX], narrow[CODEC_SAMPLES_MAX];
    int got;
    while ((got = phone_hear(&v->phone)) != 0) {
        assert_int_equal(got, 1);
        struct slice payload;
        assert_int_equal(rtp_payload(v->phone.data, v->phone.len, &v->phone.hdr, &payload), 0);
        if (v->heard > 0 && v->heard_ssrc == v->phone.hdr.ssrc)
            assert_int_equal(v->phone.hdr.seq, (uint16_t)(v->heard_seq + 1));
        v->heard++;
        v->heard_ssrc = v->phone.hdr.ssrc;
        v->heard_seq = v->phone.hdr.seq;
        struct codec_event e;
        uint32_t more;
        if (v->phone.hdr.pt == 101 || v->phone.hdr.pt == 110) {
            assert_true(codec_event_parse(payload, &e));
            if (codec_event_take(&v->event, v->phone.hdr.timestamp, &e, &more) == CODEC_EVENT_NEW)
                v->digits[strlen(v->digits)] = codec_event_digit(e.event);
            continue;
        }
        assert_int_equal(v->phone.hdr.pt, v->phone.pt);
        int n = codec_decode(v->decoder, payload, pcm, ARRAY_LEN(pcm));
        assert_true(n > 0);
        tone_meter_add(&v->meter, narrow,
                       resampler_run(v->down, pcm, (size_t)n, narrow, ARRAY_LEN(narrow)));
    }
}

static void talk(double a_hz, double b_hz, int packets)
{
    for (int i = 0; i < packets; i++) {
        loop_advance(t.g.loop, 20);
        say(&t.a, a_hz);
        say(&t.b, b_hz);
        hear(&t.a);
        hear(&t.b);
    }
}

#define assert_hears(v, hz)                                                               \
    do {                                                                                  \
        struct tone_heard h_;                                                             \
        tone_meter_result(&(v)->meter, &h_);                                              \
        if (h_.tone_hz < (hz)-3 || h_.tone_hz > (hz) + 3)                                 \
            fail_msg("line %d: %.1f Hz instead of %.0f", __LINE__, h_.tone_hz, (hz)*1.0); \
    } while (0)

static void test_both_ways(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"8 101", "111 110"},
                                           {"111 110", "0 101"},
                                           {"9 101", "8 101"},
                                           {"111", "9 101"},
                                           {"0", "8"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        talk_open(pairs[i][0], pairs[i][1], i % 2 ? PROTECTION_OFF : PROTECTION_REQUIRED);
        talk(440, 1000, 50);
        assert_hears(&t.a, 1000);
        assert_hears(&t.b, 440);
        assert_in_range(t.a.heard, 49, 50);
        assert_true(t.a.heard_ssrc != t.b.phone.ssrc);
        assert_int_equal(rig_stats(&t.g, t.a.phone.endpoint)->rx_packets, 50);
        talk_close();
    }
}

/* A codec in common: nothing is touched, SSRC and sequence number neither. */
static void test_shared_is_relayed(void **state)
{
    (void)state;
    talk_open("8 0 101", "8 111 110", PROTECTION_REQUIRED);
    assert_passes(&t.a.phone, &t.b.phone);
    assert_passes(&t.b.phone, &t.a.phone);
    t.a.phone.pt = 97; /* unknown to everybody */
    assert_passes(&t.a.phone, &t.b.phone);
    t.a.phone.pt = 101; /* events go where the audio goes */
    assert_passes(&t.a.phone, &t.b.phone);
    talk_close();
}

/* The callee prefers what the caller has not, and takes what it has: each packet as it is. */
static void test_one_way(void **state)
{
    (void)state;
    talk_open("8 101", "111 8 110", PROTECTION_REQUIRED);
    assert_passes(&t.a.phone, &t.b.phone); /* PCMA to one who knows it */
    for (int i = 0; i < 50; i++) {
        loop_advance(t.g.loop, 20);
        say(&t.b, 1000);
        hear(&t.a);
    }
    assert_hears(&t.a, 1000);
    talk_close();
}

static void test_only_where_both_legs_may(void **state)
{
    (void)state;
    rig_init(&t.g);
    voice_open(&t.a, &t.g, 0, "8", PROTECTION_OFF);
    voice_open(&t.b, &t.g, 1, "111", PROTECTION_OFF);
    t.b.phone.transcode = false;
    rig_call(&t.a.phone, &t.b.phone, &t.a.phone.policy, &t.b.phone.policy);
    assert_passes(&t.a.phone, &t.b.phone);
    talk_close();
}

/* What the policy of a leg forbids is not written to it. */
static void test_only_what_is_allowed(void **state)
{
    (void)state;
    rig_init(&t.g);
    voice_open(&t.a, &t.g, 0, "8", PROTECTION_OFF);
    voice_open(&t.b, &t.g, 1, "0 111", PROTECTION_OFF);
    t.b.phone.codecs[0].allowed = false;
    rig_call(&t.a.phone, &t.b.phone, &t.a.phone.policy, &t.b.phone.policy);
    say(&t.a, 440);
    assert_int_equal(phone_hear(&t.b.phone), 1);
    assert_int_equal(t.b.phone.hdr.pt, 111);
    talk_close();
}

static void test_hold_and_resume(void **state)
{
    (void)state;
    talk_open("8 101", "111 110", PROTECTION_REQUIRED);
    talk(440, 1000, 5);
    uint32_t ssrc = t.b.heard_ssrc;
    t.a.phone.direction = MEDIA_INACTIVE;
    assert_int_equal(phone_offers(&t.a.phone, 0, &t.a.phone.policy, NULL), 0);
    size_t before = t.b.heard;
    talk(440, 1000, 5);
    assert_int_equal(t.b.heard, before);
    t.a.phone.direction = MEDIA_SENDRECV;
    assert_int_equal(phone_offers(&t.a.phone, 0, &t.a.phone.policy, NULL), 0);
    talk(440, 1000, 50);
    assert_int_equal(t.b.heard_ssrc, ssrc);
    assert_hears(&t.b, 440);
    assert_hears(&t.a, 1000);
    talk_close();
}

/* Killed and started again: the stream goes on under its SSRC, no number comes twice (rig.h checks
 * every index), and time has gone by in its timestamps. */
static void test_goes_on_after_a_restart(void **state)
{
    (void)state;
    talk_open("8 101", "111 110", PROTECTION_REQUIRED);
    talk(440, 1000, 20);
    uint32_t ssrc = t.b.heard_ssrc, ts = t.b.phone.hdr.timestamp;
    t.g.role = media_role_free(t.g.role);
    loop_advance(t.g.loop, 500);
    rig_start_role(&t.g);
    rig_attach(&t.g);
    say(&t.a, 440);
    assert_int_equal(phone_hear(&t.b.phone), 1);
    t.b.heard_seq = t.b.phone.hdr.seq;
    assert_int_equal(t.b.phone.hdr.ssrc, ssrc);
    assert_int_equal(t.b.phone.hdr.timestamp - ts, 48 * 20 + 48 * 500);
    assert_true(t.b.phone.hdr.marker);
    talk(440, 1000, 50);
    assert_hears(&t.b, 440);
    talk_close();
}

static void test_events_change_their_clock(void **state)
{
    (void)state;
    talk_open("8 101", "111 110", PROTECTION_REQUIRED);
    talk(0, 0, 5);
    for (uint16_t d = 1; d <= 5; d++)
        say_event(&t.a, 101, 7, (uint16_t)(160 * d), d == 5);
    hear(&t.b);
    assert_string_equal(t.b.digits, "7");
    assert_int_equal(t.b.phone.hdr.pt, 110);
    assert_int_equal(t.b.event.duration, 4800);
    talk_close();
}

static void takes_info(const struct voice *v)
{
    struct media_request rq = {.ops = MEDIA_OP_INFO, .endpoint = v->phone.endpoint};
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    t.g.events_n = 0;
}

static void say_digit(struct voice *v, char digit, int packets)
{
    static int16_t pcm[CODEC_SAMPLES_MAX];
    uint8_t pkt[2048];
    struct codec_digit_tx tx;
    size_t n = v->rate / 50;
    assert_true(codec_digit_begin(&tx, digit, v->rate));
    for (int i = 0; i < packets; i++) {
        loop_advance(t.g.loop, 20);
        codec_digit_make(&tx, pcm, n);
        int len = codec_encode(v->encoder, pcm, n, pkt + RTP_HDR_MIN, CODEC_WRITE_MAX);
        assert_true(len > 0);
        struct rtp_hdr h = {.timestamp = v->ts, .pt = v->phone.pt};
        v->ts += v->format.clock / 50;
        phone_put(&v->phone, pkt, phone_seal_rtp(&v->phone, pkt, &h, (uint32_t)len));
        rig_turn(&t.g);
    }
}

#define assert_told(n, code, ms)                                         \
    do {                                                                 \
        assert_int_equal(t.g.events_n, n);                               \
        const struct media_event *told_ = &t.g.events[t.g.events_n - 1]; \
        assert_int_equal(told_->kind, MEDIA_EVENT_DIGIT);                \
        assert_true(told_->endpoint == t.b.phone.endpoint);              \
        assert_int_equal(told_->digit, code);                            \
        assert_in_range(told_->digit_ms, ms, (ms) + 40);                 \
    } while (0)

/* For a phone without a number for events that takes INFO: told, once each, and not sent to it. */
static void test_digits_that_are_told(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"8 101", "8"}, {"8 101", "111"}, {"111 110", "8"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        talk_open(pairs[i][0], pairs[i][1], i == 1 ? PROTECTION_OFF : PROTECTION_REQUIRED);
        takes_info(&t.b);
        talk(0, 0, 2);
        size_t heard = t.b.heard;
        uint8_t pt = i == 2 ? 110 : 101;
        uint16_t step = i == 2 ? 960 : 160;
        for (uint16_t d = 1; d <= 7; d++)
            say_event(&t.a, pt, 7, (uint16_t)(step * (d < 5 ? d : 5)), d >= 5);
        assert_told(1, 7, 100);
        t.a.ts += 20u * step;
        for (uint16_t d = 1; d <= 3; d++)
            say_event(&t.a, pt, 11, (uint16_t)(step * d), false);
        assert_int_equal(t.g.events_n, 1); /* it goes on … */
        loop_advance(t.g.loop, 500);
        rig_turn(&t.g);
        assert_told(2, 11, 60); /* … but its end was lost */
        t.a.ts += 20u * step;
        say_event(&t.a, pt, 16, step, true); /* flash has no name in INFO */
        assert_int_equal(t.g.events_n, 2);
        hear(&t.b);
        assert_int_equal(t.b.heard, heard);
        talk_close();
    }
}

static void test_tones_that_are_told(void **state)
{
    (void)state;
    talk_open("8", "111", PROTECTION_REQUIRED);
    takes_info(&t.b);
    talk(0, 0, 5);
    say_digit(&t.a, '5', 6);
    talk(0, 0, 10);
    assert_told(1, 5, 100);
    talk_close();
}

/* What may not be converted passes as it is; so does what the other phone can read itself; and a
 * process that was killed still knows who takes INFO. */
static void test_digits_that_are_not_told(void **state)
{
    (void)state;
    talk_open("8 101", "8 101", PROTECTION_REQUIRED);
    takes_info(&t.b);
    say_event(&t.a, 101, 7, 160, true);
    assert_int_equal(phone_hear(&t.b.phone), 1);
    assert_int_equal(t.g.events_n, 0);
    talk_close();

    rig_init(&t.g);
    voice_open(&t.a, &t.g, 0, "8 101", PROTECTION_OFF);
    voice_open(&t.b, &t.g, 1, "8", PROTECTION_OFF);
    t.b.phone.transcode = false;
    rig_call(&t.a.phone, &t.b.phone, &t.a.phone.policy, &t.b.phone.policy);
    takes_info(&t.b);
    say_event(&t.a, 101, 7, 160, true);
    assert_int_equal(phone_hear(&t.b.phone), 1);
    assert_int_equal(t.g.events_n, 0);
    talk_close();
}

static void test_told_after_a_restart(void **state)
{
    (void)state;
    talk_open("8 101", "8", PROTECTION_REQUIRED);
    takes_info(&t.b);
    t.g.role = media_role_free(t.g.role);
    rig_start_role(&t.g);
    rig_attach(&t.g);
    say_event(&t.a, 101, 7, 800, true);
    assert_told(1, 7, 100);
    talk_close();
}

/* Signalling asks for a digit, in a call that is converted and in one that is not. */
static void test_digits_that_are_asked_for(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"8 101", "111 110"}, {"8", "8 101"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        talk_open(pairs[i][0], pairs[i][1], PROTECTION_REQUIRED);
        struct media_request rq = {
            .ops = MEDIA_OP_EVENT, .endpoint = t.b.phone.endpoint, .event = 5, .event_ms = 100};
        assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
        rq.event = 11;
        assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
        for (int k = 0; k < 40; k++) {
            loop_advance(t.g.loop, 20);
            rig_turn(&t.g);
            hear(&t.b);
        }
        assert_string_equal(t.b.digits, "5#");
        assert_int_equal(t.b.heard, 2 * 7);
        rq.endpoint = t.a.phone.endpoint;
        if (i == 1)
            assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_NO_EVENTS);
        talk_close();
    }
}

/* A sound that tells of protection is mixed in, in any codec, and leaves what comes after alone. */
static void test_announcement(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"8", "8"}, {"111", "111"}, {"9", "9"}, {"8", "111"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        talk_open(pairs[i][0], pairs[i][1], PROTECTION_REQUIRED);
        talk(600, 700, 15);
        struct media_request rq = {.ops = MEDIA_OP_ANNOUNCE,
                                   .endpoint = t.b.phone.endpoint,
                                   .announcement = MEDIA_ANNOUNCE_YOURS};
        assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
        tone_meter_init(&t.a.meter);
        tone_meter_init(&t.b.meter);
        talk(600, 700, 12);
        struct tone_heard h;
        tone_meter_result(&t.b.meter, &h);
        assert_true(h.tone_hz > 430 && h.tone_hz < 450); /* a short time has no fine pitch */
        assert_hears(&t.a, 700);                         /* who is not told hears nothing of it */
        talk(600, 700, 10);
        tone_meter_init(&t.b.meter);
        talk(600, 700, 20);
        assert_hears(&t.b, 600);
        talk_close();
    }
}

static void test_announcement_of_what_is_none(void **state)
{
    (void)state;
    talk_open("8", "8", PROTECTION_REQUIRED);
    struct media_request rq = {.ops = MEDIA_OP_ANNOUNCE,
                               .endpoint = t.b.phone.endpoint,
                               .announcement = MEDIA_ANNOUNCE_COUNT};
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    /* One that nobody comes to hear ends by itself, and one more takes its place. */
    rq.announcement = MEDIA_ANNOUNCE_BOTH;
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    loop_advance(t.g.loop, 11000);
    talk(600, 700, 20);
    assert_hears(&t.b, 600);
    talk_close();
}

/* Reports of one side never reach the other; both get ours, about our stream and theirs. */
static void test_reports(void **state)
{
    (void)state;
    uint8_t pkt[512];
    struct rtcp_sender s;
    struct rtcp_block block;
    struct rtcp_packet p;
    talk_open("8 101", "111 110", PROTECTION_OFF);
    struct buf b = buf_over(pkt, sizeof(pkt));
    rtcp_put_sr(&b, t.a.phone.ssrc, &(struct rtcp_sender){.ntp = 0x123456789aull}, NULL, 0);
    assert_true(sendto(t.a.phone.rtcp, pkt, b.n, 0, &t.a.phone.server_rtcp.sa,
                       addr_len(&t.a.phone.server_rtcp)) > 0);
    talk(440, 1000, 10);
    assert_int_equal(recv(t.b.phone.rtcp, pkt, sizeof(pkt), 0), -1);
    for (int i = 0; i < 6; i++)
        talk(440, 1000, 50);
    ssize_t n = recv(t.a.phone.rtcp, pkt, sizeof(pkt), 0);
    assert_true(n > 0);
    struct slice rest = slice_from(pkt, (size_t)n);
    assert_int_equal(rtcp_check(rest, false), RTCP_OK);
    assert_true(rtcp_next(&rest, &p));
    assert_true(rtcp_sender(&p, &s));
    assert_int_equal(rtcp_ssrc(pkt), t.a.heard_ssrc);
    assert_true(s.packets > 100 && s.packets <= t.a.heard);
    assert_true(rtcp_block(&p, 0, &block));
    assert_int_equal(block.ssrc, t.a.phone.ssrc);
    assert_int_equal(block.lost, 0);
    assert_int_equal(block.lsr, 0x12345678 >> 8 << 8 >> 8 ? (uint32_t)(0x123456789aull >> 16) : 0);
    assert_true(recv(t.b.phone.rtcp, pkt, sizeof(pkt), 0) > 0);
    assert_int_equal(pkt[1], RTCP_SR);
    talk_close();
}

/* The built-in tone, in codecs that are not a table. */
static void test_tone_source(void **state)
{
    (void)state;
    static const char *const codecs[] = {"111 110", "9 101", "8 101", "0"};
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        rig_init(&t.g);
        voice_open(&t.a, &t.g, 0, codecs[i], PROTECTION_REQUIRED);
        assert_int_equal(phone_offers(&t.a.phone, MEDIA_OP_OPEN, &t.a.phone.policy, NULL), 0);
        struct media_request rq = {
            .ops = MEDIA_OP_CONNECT, .endpoint = t.a.phone.endpoint, .mode = MEDIA_MODE_TONE};
        assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
        for (int k = 0; k < 100; k++) {
            loop_advance(t.g.loop, 20);
            rig_turn(&t.g);
            hear(&t.a);
        }
        assert_in_range(t.a.heard, 98, 101);
        assert_hears(&t.a, 1004);
        voice_close(&t.a);
        rig_fini(&t.g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_shared_is_relayed),
        cmocka_unit_test(test_one_way),
        cmocka_unit_test(test_only_where_both_legs_may),
        cmocka_unit_test(test_only_what_is_allowed),
        cmocka_unit_test(test_hold_and_resume),
        cmocka_unit_test(test_goes_on_after_a_restart),
        cmocka_unit_test(test_events_change_their_clock),
        cmocka_unit_test(test_digits_that_are_asked_for),
        cmocka_unit_test(test_digits_that_are_told),
        cmocka_unit_test(test_tones_that_are_told),
        cmocka_unit_test(test_digits_that_are_not_told),
        cmocka_unit_test(test_told_after_a_restart),
        cmocka_unit_test(test_announcement),
        cmocka_unit_test(test_announcement_of_what_is_none),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_tone_source),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
