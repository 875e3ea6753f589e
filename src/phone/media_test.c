#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <unistd.h>

#include "codec/wav.h"
#include "crypto/hash.h"
#include "phone/media.h"

/* Two phones' media on one loop, over loopback. */
struct end {
    struct phone_audio audio;
    struct phone_media *media;
    struct phone_media_terms terms;
    struct srtp_keys tx;
};

struct both {
    struct loop *loop;
    struct srtp_engine *engine;
    struct end a, b;
};

static void open_end(struct both *t, struct end *e, const char *play, uint32_t seq)
{
    struct phone_media_config cfg = {
        .loop = t->loop, .engine = t->engine, .audio = &e->audio, .first_seq = seq};
    char why[200];

    assert_int_equal(addr_parse(SLICE_LIT("127.0.0.1"), 0, &cfg.local), 0);
    assert_int_equal(phone_audio_init(&e->audio, play, false, false, NULL, why, sizeof(why)), 0);
    assert_int_equal(phone_media_new(&cfg, &e->media), 0);
    assert_int_equal(addr_port(phone_media_rtp_addr(e->media)) % 2, 0);
    e->tx = (struct srtp_keys){.suite = SRTP_AES_CM_128_HMAC_SHA1_80, .master.n = 30};
    crypto_random(e->tx.master.b, e->tx.master.n);
}

static void connect_end(struct end *e, struct end *peer, bool secure)
{
    e->terms = (struct phone_media_terms){.rtp = *phone_media_rtp_addr(peer->media),
                                          .rtcp = *phone_media_rtcp_addr(peer->media),
                                          .pt = 8,
                                          .event_pt = 101,
                                          .event_clock = 8000,
                                          .send = true,
                                          .receive = true,
                                          .secure = secure,
                                          .tx = &e->tx,
                                          .rx = &peer->tx};
    assert_true(codec_format_of("PCMA", 8000, 1, &e->terms.format));
    assert_int_equal(phone_media_apply(e->media, &e->terms), 0);
}

static int set_up(void **state)
{
    static struct both t;

    memset(&t, 0, sizeof(t));
    assert_int_equal(loop_new(&t.loop), 0);
    assert_int_equal(srtp_engine_new(SRTP_BACKEND_AUTO, &t.engine), 0);
    open_end(&t, &t.a, "tone:440", 65530);
    open_end(&t, &t.b, NULL, 0x10000);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    struct both *t = *state;

    for (int i = 0; i < 2; i++) {
        struct end *e = i ? &t->b : &t->a;
        phone_media_free(e->media);
        assert_int_equal(phone_audio_fini(&e->audio), 0);
    }
    srtp_engine_free(t->engine);
    loop_free(t->loop);
    return 0;
}

static struct phone_media_stats stats(const struct end *e)
{
    struct phone_media_stats s;

    phone_media_stats(e->media, &s);
    return s;
}

static void run_until_heard(struct both *t, struct end *e, uint64_t packets)
{
    while (stats(e).rx_packets < packets)
        assert_int_equal(loop_once(t->loop, 1000), 0);
}

static void heard(struct both *t, bool secure)
{
    struct tone_heard h;

    connect_end(&t->a, &t->b, secure);
    connect_end(&t->b, &t->a, secure);
    run_until_heard(t, &t->b, 20);
    phone_media_stop(t->a.media);
    tone_meter_result(&t->b.audio.meter, &h);
    assert_true(h.tone_hz > 438 && h.tone_hz < 442);
    struct phone_media_stats s = stats(&t->b);
    assert_int_equal(s.lost, 0);
    assert_int_equal(s.auth_failures + s.replayed + s.clear_dropped, 0);
    assert_int_equal(s.ssrcs, 1);
}

static void encrypted(void **state)
{
    heard(*state, true);
}

static void clear(void **state)
{
    heard(*state, false);
}

/* What a stranger sends there. */
static void inject(const struct end *e, const void *p, size_t n)
{
    const struct addr *to = phone_media_rtp_addr(e->media);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(sendto(fd, p, n, 0, &to->sa, addr_len(to)), n);
    close(fd);
}

static void never_clear_under_keys(void **state)
{
    struct both *t = *state;
    uint8_t pkt[RTP_HDR_MIN + 170] = {0};
    struct rtp_hdr h = {.ssrc = 9, .seq = 1, .pt = 8};

    connect_end(&t->a, &t->b, true);
    connect_end(&t->b, &t->a, true);
    run_until_heard(t, &t->b, 2);
    rtp_hdr_put(pkt, &h);
    inject(&t->b, pkt, RTP_HDR_MIN + 160); /* as long as clear speech */
    inject(&t->b, pkt, sizeof(pkt));       /* as long as encrypted */
    inject(&t->b, "junk", 4);
    run_until_heard(t, &t->b, 6);
    struct phone_media_stats s = stats(&t->b);
    assert_int_equal(s.clear_dropped, 1);
    assert_int_equal(s.auth_failures, 1);
    assert_int_equal(s.other_dropped, 1);
    assert_int_equal(s.ssrcs, 1);
}

/* The peer speaks clear although keys were agreed on: silence, and a count. */
static void a_peer_that_forgot(void **state)
{
    struct both *t = *state;

    connect_end(&t->a, &t->b, false);
    connect_end(&t->b, &t->a, true);
    while (stats(&t->b).clear_dropped < 5)
        assert_int_equal(loop_once(t->loop, 1000), 0);
    assert_int_equal(stats(&t->b).rx_packets, 0);
    assert_int_equal(t->b.audio.meter.samples, 0);
    assert_true(stats(&t->b).max_gap_ms >= 60);
}

static void held(void **state)
{
    struct both *t = *state;

    connect_end(&t->a, &t->b, true);
    connect_end(&t->b, &t->a, true);
    run_until_heard(t, &t->b, 2);
    uint64_t before = stats(&t->b).tx_packets;
    t->b.terms.send = t->b.terms.receive = false;
    assert_int_equal(phone_media_apply(t->b.media, &t->b.terms), 0);
    while (stats(&t->b).other_dropped < 5)
        assert_int_equal(loop_once(t->loop, 1000), 0);
    assert_int_equal(stats(&t->b).tx_packets, before);
    t->b.terms.send = t->b.terms.receive = true;
    assert_int_equal(phone_media_apply(t->b.media, &t->b.terms), 0);
    run_until_heard(t, &t->b, 5);
    assert_int_equal(stats(&t->b).replayed, 0);
}

/* --- what is played and recorded -------------------------------------------------------------- */

static void recording(void **state)
{
    char path[] = "/tmp/sotto-phone-XXXXXX", why[200];
    int16_t frame[PHONE_FRAME], loud[PHONE_FRAME];
    struct phone_audio a;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < PHONE_FRAME; i++)
        loud[i] = 5000;
    assert_int_equal(phone_audio_init(&a, NULL, false, false, path, why, sizeof(why)), 0);
    phone_audio_heard(&a, 0xffffff60u, loud, PHONE_FRAME); /* ends where the timestamp wraps */
    phone_audio_heard(&a, 160, loud, PHONE_FRAME);         /* one was lost */
    phone_audio_heard(&a, 0, loud, PHONE_FRAME);           /* … and comes late */
    phone_audio_heard(&a, 1u << 30, loud, PHONE_FRAME);    /* a new stream */
    assert_int_equal(phone_audio_fini(&a), 0);

    assert_int_equal(phone_audio_init(&a, path, false, false, NULL, why, sizeof(why)), 0);
    assert_int_equal(a.n, 4 * PHONE_FRAME);
    const int wanted[] = {5000, 0, 5000, 5000, 0};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) { /* then silence */
        phone_audio_next(&a, frame);
        assert_int_equal(frame[80], wanted[i]);
    }
    assert_int_equal(phone_audio_fini(&a), 0);
    unlink(path);
    assert_int_equal(phone_audio_init(&a, path, false, false, NULL, why, sizeof(why)), -1);
    assert_non_null(strstr(why, path));
    assert_int_equal(phone_audio_fini(&a), 0);
}

static void bad_tones(void **state)
{
    static const char *const bad[] = {"tone:", "tone:29", "tone:3901", "tone:4x", "tone:-5"};
    struct phone_audio a;
    char why[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(phone_audio_init(&a, bad[i], false, false, NULL, why, sizeof(why)), -1);
    assert_int_equal(phone_audio_init(&a, "tone:3900", false, false, NULL, why, sizeof(why)), 0);
    assert_int_equal(phone_audio_fini(&a), 0);
}

/* A flood of packets: the echo stays as short as it may be. */
static void echo_is_bounded(void **state)
{
    int16_t frame[PHONE_FRAME] = {0};
    struct phone_audio a;
    char why[200];

    (void)state;
    assert_int_equal(phone_audio_init(&a, NULL, false, true, NULL, why, sizeof(why)), 0);
    for (int16_t i = 0; i < 3 * PHONE_ECHO_FRAMES; i++) {
        frame[0] = i;
        phone_audio_heard(&a, 0, frame, PHONE_FRAME);
    }
    phone_audio_next(&a, frame);
    assert_int_equal(frame[0], 2 * PHONE_ECHO_FRAMES);
    for (int i = 1; i < PHONE_ECHO_FRAMES; i++)
        phone_audio_next(&a, frame);
    assert_int_equal(frame[0], 3 * PHONE_ECHO_FRAMES - 1);
    phone_audio_next(&a, frame);
    assert_int_equal(frame[0], 0);
    assert_int_equal(phone_audio_fini(&a), 0);
}

static void speaks(struct end *e, uint8_t pt, const char *name, uint32_t clock, uint8_t channels)
{
    e->terms.pt = pt;
    assert_true(codec_format_of(name, clock, channels, &e->terms.format));
    assert_int_equal(phone_media_apply(e->media, &e->terms), 0);
}

/* What was offered may come at any time; what was not is not heard. */
static void every_offered_codec(void **state)
{
    struct both *t = *state;
    struct tone_heard h;
    static const struct {
        uint8_t pt;
        const char *name;
        uint32_t clock;
        uint8_t channels;
        bool offered;
    } rows[] = {{8, "PCMA", 8000, 1, true},    {0, "PCMU", 8000, 1, true},
                {111, "OPUS", 48000, 2, true}, {9, "G722", 8000, 1, true},
                {8, "PCMA", 8000, 1, true},    {96, "PCMU", 8000, 1, false}};

    connect_end(&t->a, &t->b, true);
    connect_end(&t->b, &t->a, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct phone_payload *p = &t->b.terms.hears[t->b.terms.hear_count];
        p->pt = rows[i].pt;
        if (rows[i].offered &&
            codec_format_of(rows[i].name, rows[i].clock, rows[i].channels, &p->format))
            t->b.terms.hear_count++;
    }
    assert_int_equal(phone_media_apply(t->b.media, &t->b.terms), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t before = stats(&t->b).rx_packets;
        uint32_t other = stats(&t->b).other_codecs;
        tone_meter_init(&t->b.audio.meter);
        speaks(&t->a, rows[i].pt, rows[i].name, rows[i].clock, rows[i].channels);
        run_until_heard(t, &t->b, before + 15);
        tone_meter_result(&t->b.audio.meter, &h);
        if (rows[i].offered)
            assert_true(h.tone_hz > 430 && h.tone_hz < 450);
        else
            assert_true(h.tone_hz == 0);
        bool is_other = rows[i].offered && rows[i].pt != 8;
        assert_in_range(stats(&t->b).other_codecs - other, is_other ? 13 : 0, is_other ? 40 : 1);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(encrypted),
        T(clear),
        T(never_clear_under_keys),
        T(a_peer_that_forgot),
        T(held),
        T(every_offered_codec),
        cmocka_unit_test(recording),
        cmocka_unit_test(bad_tones),
        cmocka_unit_test(echo_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
