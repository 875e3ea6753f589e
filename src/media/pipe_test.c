#include "media/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "codec/g711.h"
#include "codec/tone.h"

static const struct media_stats *stats_of(const struct phone *p)
{
    return rig_stats(p->rig, p->endpoint);
}

static void assert_hears(struct phone *p, int want, int line)
{
    rig_line = line;
    RIG_EQ(phone_hear(p), want);
}
#define HEARS(p, want) assert_hears((p), (want), __LINE__)

/* --- clear and required --- */

static void test_sdes_to_clear(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_OFF);
    assert_non_null(t.a.rx);
    assert_null(t.b.rx);
    for (int i = 0; i < 3; i++) {
        assert_passes(&t.a, &t.b);
        assert_passes(&t.b, &t.a);
    }
    two_fini(&t);
}

static void test_clear_to_clear(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

static void test_no_clear_packet_beside_keys(void **state)
{
    (void)state;
    static struct two t;
    uint8_t pkt[256];
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    log_to_fd(open("/dev/null", O_WRONLY));
    assert_passes(&t.a, &t.b);
    struct srtp_ctx *tx = t.a.tx;
    t.a.tx = NULL;
    phone_say(&t.a, 1);
    HEARS(&t.b, 0);
    assert_int_equal(stats_of(&t.a)->rx_clear_dropped, 1);
    assert_int_equal(stats_of(&t.a)->rx_auth_failures, 0);
    struct buf b = buf_over(pkt, sizeof(pkt));
    rtcp_put_rr(&b, t.a.ssrc, NULL, 0);
    rtcp_put_sdes(&b, t.a.ssrc, SLICE_LIT("a@b"));
    assert_int_equal(sendto(t.a.rtcp, pkt, b.n, 0, &t.a.server_rtcp.sa, addr_len(&t.a.server_rtcp)),
                     b.n);
    rig_turn(&t.g);
    assert_int_equal(stats_of(&t.a)->rx_clear_rtcp, 1);
    assert_int_equal(recv(t.b.rtcp, pkt, sizeof(pkt), 0), -1);
    t.a.tx = tx;
    assert_passes(&t.a, &t.b);
    log_to_fd(2);
    two_fini(&t);
}

/* Before the peer has answered there is nothing that may pass, in either direction. */
static void test_nothing_before_keys(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone a, b;
    rig_init(&g);
    phone_init(&a, &g, 7, 0, PROTECTION_REQUIRED);
    phone_init(&b, &g, 7, 1, PROTECTION_REQUIRED);
    assert_int_equal(phone_offers(&a, MEDIA_OP_OPEN, &a.policy, NULL), 0);
    struct media_request rq = phone_request(&b, MEDIA_OP_OPEN | MEDIA_OP_LOCAL | MEDIA_OP_CONNECT);
    rq.mode = MEDIA_MODE_RELAY;
    rq.peer = a.endpoint;
    assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, 0);
    phone_take_reply(&b);
    assert_int_equal(g.reply.proto, MEDIA_PROTO_SAVP);
    phone_say(&a, 1);
    HEARS(&b, 0);
    phone_say(&b, 1); /* in clear */
    HEARS(&a, 0);
    assert_int_equal(stats_of(&b)->rx_clear_dropped, 1);
    assert_int_equal(stats_of(&b)->tx_packets, 0);
    assert_int_equal(stats_of(&a)->rx_packets, 1);
    phone_fini(&a);
    phone_fini(&b);
    rig_fini(&g);
}

/* --- where the peer is --- */

static void test_secure_source_is_learned_from_authentic_packets_only(void **state)
{
    (void)state;
    static struct two t;
    uint8_t pkt[256], old[256];
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    log_to_fd(open("/dev/null", O_WRONLY));
    assert_passes(&t.b, &t.a);
    struct phone thief = t.b;
    thief.rtp = phone_socket(&thief.addr);
    uint32_t n = phone_make_rtp(&t.b, old, 5);
    phone_put(&t.b, old, n);
    rig_turn(&t.g);
    HEARS(&t.a, 1);
    phone_put(&thief, old, n); /* replayed from elsewhere */
    memcpy(pkt, old, n);
    pkt[2] ^= 0x01; /* forged */
    phone_put(&thief, pkt, n);
    rig_turn(&t.g);
    HEARS(&t.a, 0);
    assert_int_equal(stats_of(&t.b)->rx_replayed, 1);
    assert_int_equal(stats_of(&t.b)->rx_auth_failures, 1);
    assert_passes(&t.a, &t.b);
    HEARS(&thief, 0);

    /* Authentic and new, but held back and overtaken: it is forwarded and moves nothing. */
    n = phone_make_rtp(&t.b, old, 6);
    assert_passes(&t.b, &t.a);
    phone_put(&thief, old, n);
    rig_turn(&t.g);
    HEARS(&t.a, 1);
    assert_passes(&t.a, &t.b);
    HEARS(&thief, 0);

    phone_move(&t.b); /* a NAT's new binding: heard, and followed at once */
    assert_passes(&t.b, &t.a);
    assert_passes(&t.a, &t.b);
    close(thief.rtp);
    log_to_fd(2);
    two_fini(&t);
}

/* The same with the socket connected: after a moment of silence everyone is heard again. */
static void test_connected_socket_follows(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_passes(&t.b, &t.a);
    loop_advance(t.g.loop, 260);
    assert_passes(&t.b, &t.a);
    assert_passes(&t.a, &t.b);
    phone_move(&t.b);
    assert_stays(&t.b, &t.a); /* the kernel keeps it out */
    loop_advance(t.g.loop, 800);
    assert_passes(&t.b, &t.a);
    assert_passes(&t.a, &t.b);
    two_fini(&t);
}

static void test_clear_latch(void **state)
{
    (void)state;
    static struct two t;
    static struct phone thief;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    phone_move(&t.b); /* its description does not say where it really is */
    assert_passes(&t.b, &t.a);
    assert_passes(&t.a, &t.b);
    thief = t.b;
    thief.rtp = phone_socket(&thief.addr);
    phone_say(&thief, 1);
    HEARS(&t.a, 0);
    assert_int_equal(stats_of(&t.b)->rx_foreign, 1);
    assert_passes(&t.a, &t.b);
    /* The description's own address counts always; here nobody has it any more. After silence the
     * same host may have another port. */
    loop_advance(t.g.loop, 2100);
    assert_passes(&thief, &t.a);
    close(thief.rtp);
    two_fini(&t);
}

static void test_clear_latch_closes(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    loop_advance(t.g.loop, 10001);
    int rtp = t.b.rtp;
    struct addr addr = t.b.addr;
    t.b.rtp = phone_socket(&t.b.addr);
    phone_say(&t.b, 1);
    HEARS(&t.a, 0);
    assert_int_equal(stats_of(&t.b)->rx_foreign, 1);
    close(t.b.rtp);
    t.b.rtp = rtp;
    t.b.addr = addr;
    assert_passes(&t.b, &t.a); /* from where it said */
    two_fini(&t);
}

static void test_reinvite_moves_at_once(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_passes(&t.b, &t.a);
    loop_advance(t.g.loop, 260); /* connected */
    phone_move(&t.b);
    assert_int_equal(phone_offers(&t.b, 0, &t.b.policy, NULL), 0);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

/* --- indices --- */

static void test_replay_and_disorder(void **state)
{
    (void)state;
    static struct two t;
    uint8_t pkts[6][256];
    uint32_t n[6];
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    for (uint8_t i = 0; i < 6; i++)
        n[i] = phone_make_rtp(&t.a, pkts[i], i);
    static const uint8_t order[] = {1, 0, 3, 3, 1, 5, 4, 2, 2, 0};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) /* all in one burst */
        phone_put(&t.a, pkts[order[i]], n[order[i]]);
    for (int i = 0; i < 4; i++)
        rig_turn(&t.g);
    static const uint8_t want[] = {1, 0, 3, 5, 4, 2};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        HEARS(&t.b, 1);
        assert_int_equal(t.b.data[RTP_HDR_MIN], want[i]);
    }
    HEARS(&t.b, 0);
    assert_int_equal(stats_of(&t.a)->rx_replayed, 4);
    assert_int_equal(stats_of(&t.a)->rx_packets, 6);
    assert_int_equal(stats_of(&t.a)->rx_auth_failures, 0);
    two_fini(&t);
}

static void test_roc_wraps_in_mid_call(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    t.a.index = 65000;
    for (int i = 0; i < 1200; i++)
        assert_passes(&t.a, &t.b);
    assert_int_equal(t.a.index >> 16, 1);
    assert_int_equal(rtp_rx_last(rtp_rx_of(&t.b.rx_table))->rtp.top >> 16, 1);
    assert_int_equal(stats_of(&t.a)->rx_lost, 0);
    /* Same key after a re-offer: the counters stay. */
    assert_int_equal(phone_offers(&t.a, 0, &t.a.policy, NULL), 0);
    assert_int_equal(t.a.index >> 16, 1);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

static void test_ssrc_changes_and_returns(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    t.a.index = 65530;
    for (int i = 0; i < 10; i++)
        assert_passes(&t.a, &t.b); /* past the wrap */
    uint64_t index = t.a.index;
    t.a.ssrc ^= 0xffff;
    t.a.index = 40000;
    for (int i = 0; i < 3; i++)
        assert_passes(&t.a, &t.b);
    t.a.ssrc ^= 0xffff;
    t.a.index = index;
    for (int i = 0; i < 3; i++)
        assert_passes(&t.a, &t.b);
    assert_int_equal(stats_of(&t.a)->rx_auth_failures, 0);
    two_fini(&t);
}

static void test_late_joining_peer_is_found(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    t.a.index = 0x10000 + 500; /* it has been sending under this key for 20 minutes */
    for (int i = 0; i < 3; i++)
        assert_passes(&t.a, &t.b);
    assert_int_equal(stats_of(&t.a)->rx_auth_failures, 0);
    two_fini(&t);
}

static void test_new_key(void **state)
{
    (void)state;
    static struct two t;
    uint8_t late[256];
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    t.a.index = 65534;
    for (int i = 0; i < 4; i++)
        assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    uint32_t n = phone_make_rtp(&t.a, late, 77); /* under the old key, still on its way */
    struct keying_state old = t.a.keys;
    memset(&t.a.keys, 0, sizeof(t.a.keys)); /* the phone starts anew: other keys */
    assert_int_equal(phone_offers(&t.a, 0, &t.a.policy, NULL), 0);
    assert_false(keying_keys_eq(&old.tx, &t.a.keys.tx));
    phone_put(&t.a, late, n);
    rig_turn(&t.g);
    HEARS(&t.b, 1);
    assert_int_equal(t.b.data[RTP_HDR_MIN], 77);
    t.a.ssrc = 0x5555;
    for (int i = 0; i < 3; i++) {
        assert_passes(&t.a, &t.b);
        assert_passes(&t.b, &t.a);
    }
    assert_int_equal(stats_of(&t.a)->rx_auth_failures, 0);
    two_fini(&t);
}

/* --- payload types, direction, RTCP --- */

static void test_payload_types_are_mapped_by_codec(void **state)
{
    (void)state;
    static const struct media_codec event_a = {
        .pt = 101, .channels = 1, .clock = 8000, .name = "TELEPHONE-EVENT"};
    static const struct media_codec event_b = {
        .pt = 96, .channels = 1, .clock = 8000, .name = "TELEPHONE-EVENT"};
    static struct rig g;
    static struct phone a, b;
    rig_init(&g);
    phone_init(&a, &g, 7, 0, PROTECTION_REQUIRED);
    phone_init(&b, &g, 7, 1, PROTECTION_REQUIRED);
    a.codecs[a.codec_count++] = event_a;
    b.codecs[b.codec_count++] = event_b;
    rig_call(&a, &b, &a.policy, &b.policy);
    static const struct {
        uint8_t from_a, at_b;
    } rows[] = {{8, 8}, {101, 96}, {96, 96}, {111, 111}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        a.pt = rows[i].from_a;
        phone_say(&a, 1);
        HEARS(&b, 1);
        assert_int_equal(b.hdr.pt, rows[i].at_b);
    }
    b.pt = 96;
    phone_say(&b, 1);
    HEARS(&a, 1);
    assert_int_equal(a.hdr.pt, 101);
    assert_string_equal(rig_stats(&g, a.endpoint)->codec, "PCMA"); /* not the event's */
    phone_fini(&a);
    phone_fini(&b);
    rig_fini(&g);
}

static void say_sendonly(struct media_request *rq)
{
    rq->direction = MEDIA_SENDONLY;
}

static void say_held(struct media_request *rq)
{
    rq->direction = MEDIA_INACTIVE;
    memset(&rq->remote_rtp, 0, sizeof(rq->remote_rtp));
}

static void test_hold_and_timeout(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    t.g.events_n = 0;
    assert_int_equal(phone_offers(&t.a, 0, &t.a.policy, say_sendonly), 0);
    assert_passes(&t.a, &t.b); /* music on hold */
    assert_stays(&t.b, &t.a);
    assert_int_equal(phone_offers(&t.a, 0, &t.a.policy, say_held), 0);
    assert_stays(&t.a, &t.b);
    assert_stays(&t.b, &t.a);
    for (int i = 0; i < 600; i++) { /* two minutes; b goes on sending */
        loop_advance(t.g.loop, 200);
        phone_say(&t.b, 1);
    }
    assert_int_equal(t.g.events_n, 0);
    assert_int_equal(phone_offers(&t.a, 0, &t.a.policy, NULL), 0);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    for (int i = 0; i < 290; i++) {
        loop_advance(t.g.loop, 200);
        phone_say(&t.b, 1);
    }
    assert_int_equal(t.g.events_n, 0);
    for (int i = 0; i < 20; i++) {
        loop_advance(t.g.loop, 200);
        phone_say(&t.b, 1);
    }
    assert_int_equal(t.g.events_n, 1); /* once */
    assert_int_equal(t.g.events[0].kind, MEDIA_EVENT_TIMEOUT);
    assert_true(t.g.events[0].endpoint == t.a.endpoint);
    two_fini(&t);
}

/* Nothing at all: four times as long, for it may be ringing still. */
static void test_timeout_of_who_never_spoke(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    rig_turn(&t.g);
    t.g.events_n = 0;
    loop_advance(t.g.loop, 239000);
    rig_turn(&t.g);
    assert_int_equal(t.g.events_n, 0);
    loop_advance(t.g.loop, 2000);
    rig_turn(&t.g);
    assert_int_equal(t.g.events_n, 2);
    two_fini(&t);
}

static uint32_t make_rtcp(struct phone *p, uint8_t *pkt)
{
    struct buf b = buf_over(pkt, 200);
    rtcp_put_rr(&b, p->ssrc, NULL, 0);
    rtcp_put_sdes(&b, p->ssrc, SLICE_LIT("x@y"));
    rtcp_put_bye(&b, p->ssrc);
    struct srtp_job j = {
        .ctx = p->tx, .pkt = pkt, .len = (uint32_t)b.n, .rtcp = true, .index = ++p->rtcp_index};
    srtp_protect(p->rig->engine, &j, 1);
    return j.len;
}

static void test_rtcp(void **state)
{
    (void)state;
    static struct two t;
    uint8_t pkt[300], got[300];
    struct addr from;
    socklen_t from_n = sizeof(from);
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    for (unsigned i = 1; i <= 3; i++) {
        uint32_t n = make_rtcp(&t.a, pkt);
        for (int twice = 0; twice < 2; twice++)
            assert_int_equal(
                sendto(t.a.rtcp, pkt, n, 0, &t.a.server_rtcp.sa, addr_len(&t.a.server_rtcp)), n);
        rig_turn(&t.g);
        ssize_t m = recvfrom(t.b.rtcp, got, sizeof(got), 0, &from.sa, &from_n);
        assert_true(m > 0);
        assert_true(addr_eq(&from, &t.b.server_rtcp));
        struct srtp_job j = {.ctx = t.b.rx, .pkt = got, .len = (uint32_t)m, .rtcp = true};
        srtp_unprotect(t.g.engine, &j, 1);
        assert_int_equal(j.verdict, SRTP_OK);
        assert_false(j.rtcp_clear);
        assert_int_equal(j.index, i);
        assert_int_equal(rtcp_check(slice_from(got, j.len), false), RTCP_OK);
        assert_int_equal(rtcp_ssrc(got), t.a.ssrc);
        assert_int_equal(recv(t.b.rtcp, got, sizeof(got), 0), -1);
    }
    assert_int_equal(stats_of(&t.a)->rx_replayed, 3);
    two_fini(&t);
}

static void with_mux(struct media_request *rq)
{
    rq->rtcp_mux = true;
}

static void test_rtcp_mux(void **state)
{
    (void)state;
    static struct two t;
    uint8_t pkt[300];
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_int_equal(phone_offers(&t.b, 0, &t.b.policy, with_mux), 0);
    assert_true(t.g.reply.rtcp_mux);
    uint32_t n = make_rtcp(&t.a, pkt);
    assert_int_equal(sendto(t.a.rtcp, pkt, n, 0, &t.a.server_rtcp.sa, addr_len(&t.a.server_rtcp)),
                     n);
    rig_turn(&t.g);
    assert_true(recv(t.b.rtp, pkt, sizeof(pkt), 0) > 0);
    n = make_rtcp(&t.b, pkt);
    phone_put(&t.b, pkt, n);
    rig_turn(&t.g);
    assert_true(recv(t.a.rtcp, pkt, sizeof(pkt), 0) > 0);
    two_fini(&t);
}

static void test_loss(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    for (int i = 0; i < 20; i++) {
        if (i == 5 || i == 6 || i == 11)
            t.a.index++;
        else
            assert_passes(&t.a, &t.b);
    }
    assert_int_equal(stats_of(&t.a)->rx_lost, 3);
    assert_int_equal(stats_of(&t.a)->rx_bytes, 17 * 182);
    assert_int_equal(stats_of(&t.b)->tx_bytes, 17 * 182);
    two_fini(&t);
}

/* Datagrams of every size up to one that is too large: nothing but drops. */
static void test_odd_datagrams(void **state)
{
    (void)state;
    static struct two t;
    static uint8_t pkt[4000];
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    log_to_fd(open("/dev/null", O_WRONLY));
    for (uint32_t n = 0; n < 64; n++) {
        memset(pkt, 0x80, sizeof(pkt));
        phone_put(&t.a, pkt, n);
        rig_turn(&t.g);
    }
    phone_put(&t.a, pkt, 1984);
    phone_put(&t.a, pkt, 1985);
    phone_put(&t.a, pkt, 4000);
    rig_turn(&t.g);
    HEARS(&t.b, 0);
    log_to_fd(2);
    assert_passes(&t.a, &t.b);
    two_fini(&t);
}

/* --- built-in ends --- */

static void one_init(struct rig *g, struct phone *p, uint8_t mode)
{
    rig_init(g);
    phone_init(p, g, 7, 0, PROTECTION_REQUIRED);
    assert_int_equal(phone_offers(p, MEDIA_OP_OPEN, &p->policy, NULL), 0);
    struct media_request rq = phone_request(p, MEDIA_OP_CONNECT);
    rq.mode = mode;
    assert_int_equal(rig_request(g, &rq, SLICE_NONE)->status, 0);
}

static void test_echo(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone p;
    one_init(&g, &p, MEDIA_MODE_ECHO);
    p.index = 65530;
    for (uint8_t i = 0; i < 20; i++) {
        phone_say(&p, i);
        HEARS(&p, 1);
        assert_int_equal(p.data[RTP_HDR_MIN], i);
        assert_true(p.hdr.ssrc != p.ssrc);
        assert_int_equal(p.hdr.seq, (uint16_t)(p.index - 1));
    }
    phone_fini(&p);
    rig_fini(&g);
}

static struct tone_heard hear_tone(struct rig *g, struct phone *p, unsigned ms)
{
    static struct tone_meter m;
    struct tone_heard heard;
    int16_t pcm[160];
    tone_meter_init(&m);
    uint32_t ts = 0;
    for (unsigned t = 0; t < ms; t += 20) {
        loop_advance(g->loop, 20);
        RIG_EQ(phone_hear(p), 1);
        RIG_EQ(p->len, RTP_HDR_MIN + 160);
        RIG(t == 0 || p->hdr.timestamp == ts + 160);
        ts = p->hdr.timestamp;
        g711_decode(p->hdr.pt == 8 ? G711_ALAW : G711_ULAW, p->data + RTP_HDR_MIN, 160, pcm);
        tone_meter_add(&m, pcm, 160);
    }
    tone_meter_result(&m, &heard);
    return heard;
}

static void test_tone(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone p;
    one_init(&g, &p, MEDIA_MODE_TONE);
    loop_advance(g.loop, 20);
    HEARS(&p, 1);
    assert_true(p.hdr.marker);
    struct tone_heard h = hear_tone(&g, &p, 1000);
    assert_false(p.hdr.marker);
    assert_true(h.tone_hz > 1003 && h.tone_hz < 1005);
    assert_true(h.rms_dbfs > -13.5 && h.rms_dbfs < -12.8);
    assert_int_equal(p.hdr.pt, 8);
    /* It follows the phone to the other law. */
    static const struct media_codec pcmu = {.pt = 0, .channels = 1, .clock = 8000, .name = "PCMU"};
    p.codecs[p.codec_count++] = pcmu;
    assert_int_equal(phone_offers(&p, 0, &p.policy, NULL), 0);
    p.pt = 0;
    phone_say(&p, 1);
    h = hear_tone(&g, &p, 1000);
    assert_int_equal(p.hdr.pt, 0);
    assert_true(h.tone_hz > 1003 && h.tone_hz < 1005);
    /* Held: silent. Closed: gone. */
    assert_int_equal(phone_offers(&p, 0, &p.policy, say_held), 0);
    loop_advance(g.loop, 100);
    HEARS(&p, 0);
    struct media_request rq = phone_request(&p, MEDIA_OP_CLOSE);
    assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, 0);
    loop_advance(g.loop, 100);
    HEARS(&p, 0);
    phone_fini(&p);
    rig_fini(&g);
}

static void test_clock(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone p;
    one_init(&g, &p, MEDIA_MODE_CLOCK);
    struct tone_heard h = hear_tone(&g, &p, 2000);
    assert_true(h.tone_hz > 998 && h.tone_hz < 1002);
    assert_true(h.rms_dbfs < -20 && h.rms_dbfs > -26); /* a tenth of the time */
    phone_fini(&p);
    rig_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sdes_to_clear),
        cmocka_unit_test(test_clear_to_clear),
        cmocka_unit_test(test_no_clear_packet_beside_keys),
        cmocka_unit_test(test_nothing_before_keys),
        cmocka_unit_test(test_secure_source_is_learned_from_authentic_packets_only),
        cmocka_unit_test(test_connected_socket_follows),
        cmocka_unit_test(test_clear_latch),
        cmocka_unit_test(test_clear_latch_closes),
        cmocka_unit_test(test_reinvite_moves_at_once),
        cmocka_unit_test(test_replay_and_disorder),
        cmocka_unit_test(test_roc_wraps_in_mid_call),
        cmocka_unit_test(test_ssrc_changes_and_returns),
        cmocka_unit_test(test_late_joining_peer_is_found),
        cmocka_unit_test(test_new_key),
        cmocka_unit_test(test_payload_types_are_mapped_by_codec),
        cmocka_unit_test(test_hold_and_timeout),
        cmocka_unit_test(test_timeout_of_who_never_spoke),
        cmocka_unit_test(test_rtcp),
        cmocka_unit_test(test_rtcp_mux),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_odd_datagrams),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_tone),
        cmocka_unit_test(test_clock),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
