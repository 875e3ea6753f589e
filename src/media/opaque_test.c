/* Legs whose keys are the phones' alone: what passes, from where, and from when on. */
#include "media/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "keying/zrtp_rig.h"
#include "media/worker.h"

#define SEALED (160 + 10) /* a payload with its tag behind */

struct pair {
    struct rig g;
    struct phone a, b;
    struct media_policy policy;
    struct addr signalling; /* of both; family 0: not told */
    uint8_t path;
};

/* --- what the phones say ----------------------------------------------------------------------- */

/* a=zrtp-hash of the Hello that is filled with `fill`. */
static size_t zrtp_text(char *text, size_t cap, uint8_t fill)
{
    uint8_t d[ZRTP_PACKET_MAX], hash[CRYPTO_SHA256_LEN];
    size_t n = zrtp_rig_packet(d, "Hello   ", fill);
    struct slice m = slice_from(d + ZRTP_PACKET_HEADER, n - ZRTP_PACKET_HEADER - ZRTP_PACKET_CRC);
    struct buf b = buf_over(text, cap);
    crypto_sha256(&m, 1, hash);
    BUF_PUT_LIT(&b, "a=zrtp-hash:1.10 ");
    buf_put_hex(&b, hash, sizeof(hash));
    BUF_PUT_LIT(&b, "\r\n");
    return b.n;
}

static void say(struct phone *p, const void *d, size_t n)
{
    phone_put(p, d, (uint32_t)n);
    rig_turn(p->rig);
}

static void say_zrtp(struct phone *p, const char *type, uint8_t fill)
{
    uint8_t d[ZRTP_PACKET_MAX];
    say(p, d, zrtp_rig_packet(d, type, fill));
}

static void say_rtp(struct phone *p, uint32_t payload)
{
    uint8_t d[512];
    struct rtp_hdr h = {
        .hdr_len = RTP_HDR_MIN, .pt = 8, .ssrc = p->ssrc, .seq = (uint16_t)p->index++};
    memset(d, 0x5a, sizeof(d));
    rtp_hdr_put(d, &h);
    say(p, d, RTP_HDR_MIN + payload);
}

/* Bytes of the one datagram that is there; 0: none. */
static size_t heard(struct phone *p)
{
    ssize_t n = recv(p->rtp, p->data, sizeof(p->data), 0);
    return n < 0 ? 0 : (size_t)n;
}

/* --- a call ------------------------------------------------------------------------------------ */

static int describe(struct pair *c, struct phone *p, const char *text, const struct phone *peer)
{
    struct media_request rq = phone_request(p, MEDIA_OP_OPEN | MEDIA_OP_REMOTE);
    rq.policy = c->policy;
    rq.path = c->path;
    rq.is_offer = !peer;
    rq.signalling = c->signalling;
    if (peer) {
        rq.ops |= MEDIA_OP_CONNECT;
        rq.mode = MEDIA_MODE_RELAY;
        rq.peer = peer->endpoint;
    }
    int status = rig_request(&c->g, &rq, slice_from_str(text))->status;
    phone_take_reply(p);
    return status;
}

static void pair_init(struct pair *c, enum protection_policy protection)
{
    memset(c, 0, sizeof(*c));
    c->path = MEDIA_PATH_PASS;
    rig_init(&c->g);
    phone_init(&c->a, &c->g, 7, 0, protection);
    phone_init(&c->b, &c->g, 7, 1, protection);
    c->policy =
        (struct media_policy){.protection = (uint8_t)protection,
                              .keying_count = 4,
                              .keyings = {KEYING_SDES, KEYING_DTLS, KEYING_ZRTP, KEYING_MIKEY}};
}

static void pair_fini(struct pair *c)
{
    phone_fini(&c->a);
    phone_fini(&c->b);
    rig_fini(&c->g);
}

static void call(struct pair *c, const char *a, const char *b)
{
    RIG_EQ(describe(c, &c->a, a, NULL), MEDIA_STATUS_OK);
    RIG_EQ(describe(c, &c->b, b, &c->a), MEDIA_STATUS_OK);
}

/* Both announce; A's Hello is of 1s, B's of 2s. */
static void call_zrtp(struct pair *c)
{
    char a[128] = "", b[128] = "";
    zrtp_text(a, sizeof(a), 1);
    zrtp_text(b, sizeof(b), 2);
    call(c, a, b);
}

static void agree(struct pair *c)
{
    say_zrtp(&c->a, "Hello   ", 1);
    assert_true(heard(&c->b) > 0);
    say_zrtp(&c->b, "Hello   ", 2);
    assert_true(heard(&c->a) > 0);
    say_zrtp(&c->a, "Confirm2", 1);
    assert_true(heard(&c->b) > 0);
    say_zrtp(&c->b, "Conf2ACK", 2);
    assert_true(heard(&c->a) > 0);
}

static const struct media_protection *record(const struct pair *c, const struct phone *p)
{
    return &rig_stats(&c->g, p->endpoint)->protection;
}

/* --- tests ------------------------------------------------------------------------------------- */

static void test_offer_must_announce(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    assert_int_equal(describe(&c, &c.a, "", NULL), MEDIA_STATUS_NOT_ENCRYPTED);
    c.policy.keying_count = 1; /* SDES alone */
    assert_int_equal(describe(&c, &c.a, "a=fingerprint:sha-256 00\r\n", NULL),
                     MEDIA_STATUS_NO_COMMON_KEYING);
    assert_int_equal(describe(&c, &c.a, "a=crypto:1 X inline:Y\r\n", NULL), MEDIA_STATUS_OK);
    assert_int_equal(c.g.reply.text_n, 0); /* nothing of ours */
    assert_int_equal(describe(&c, &c.a, "", NULL), MEDIA_STATUS_DOWNGRADE);
    assert_int_equal(c.g.reply.protection.keying, KEYING_PASS);
    pair_fini(&c);
}

static void test_zrtp(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call_zrtp(&c);
    say_rtp(&c.a, 160);
    say_rtp(&c.a, SEALED);
    say_rtp(&c.b, SEALED);
    assert_int_equal(heard(&c.a) + heard(&c.b), 0);
    assert_int_equal(rig_stats(&c.g, c.a.endpoint)->rx_clear_dropped, 1);
    assert_false(record(&c, &c.a)->established);
    agree(&c);
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), RTP_HDR_MIN + SEALED);
    say_rtp(&c.b, SEALED);
    assert_int_equal(heard(&c.a), RTP_HDR_MIN + SEALED);
    assert_int_equal(c.a.data[RTP_HDR_MIN], 0x5a); /* as it came */
    for (const struct phone *p = &c.a;; p = &c.b) {
        assert_true(record(&c, p)->established && record(&c, p)->end_to_end);
        assert_int_equal(record(&c, p)->keying, KEYING_PASS);
        assert_int_equal(record(&c, p)->path, MEDIA_PATH_PASS);
        assert_int_equal(record(&c, p)->passes, KEYING_ZRTP);
        if (p == &c.b)
            break;
    }
    say_rtp(&c.a, 160); /* clear by its size: never, also now */
    say_zrtp(&c.a, "GoClear ", 1);
    assert_int_equal(heard(&c.b), 0);
    assert_int_equal(rig_stats(&c.g, c.a.endpoint)->rx_clear_dropped, 2);
    pair_fini(&c);
}

/* Confirm2 and Conf2ACK of one side alone are no agreement. */
static void test_zrtp_one_sided(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call_zrtp(&c);
    say_zrtp(&c.a, "Confirm2", 1);
    say_zrtp(&c.a, "Conf2ACK", 1);
    while (heard(&c.b) > 0)
        ;
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), 0);
    assert_false(record(&c, &c.a)->established);
    pair_fini(&c);
}

static void test_foreign_hello(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call_zrtp(&c);
    say_zrtp(&c.a, "Hello   ", 9);
    assert_int_equal(heard(&c.b), 0);
    assert_int_equal(rig_stats(&c.g, c.a.endpoint)->rx_auth_failures, 1);
    say_zrtp(&c.a, "Hello   ", 1);
    assert_true(heard(&c.b) > 0);
    pair_fini(&c);
}

/* The phone is not where its description says. */
static void test_learns_by_hello(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call_zrtp(&c);
    phone_move(&c.a);
    say_zrtp(&c.a, "Commit  ", 1); /* anybody could have */
    say_zrtp(&c.a, "Hello   ", 9);
    assert_int_equal(heard(&c.b), 0);
    agree(&c); /* its own Hello: and answers find it */
    struct phone thief = c.a;
    thief.rtp = phone_socket(&thief.addr);
    say_zrtp(&thief, "Hello   ", 1); /* the same, repeated from elsewhere, moves nobody */
    assert_int_equal(heard(&c.b), 0);
    say_rtp(&c.b, SEALED);
    assert_int_equal(heard(&c.a), RTP_HDR_MIN + SEALED);
    assert_int_equal(heard(&thief), 0);
    say_rtp(&thief, SEALED);
    assert_int_equal(heard(&c.b), 0);
    close(thief.rtp);
    pair_fini(&c);
}

static void test_moves_after_silence(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call_zrtp(&c);
    phone_move(&c.a);
    agree(&c);
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), RTP_HDR_MIN + SEALED);
    phone_move(&c.a); /* a NAT's new binding */
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), 0);
    loop_advance(c.g.loop, MEDIA_CLEAR_SILENCE_MS);
    rig_turn(&c.g);
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), RTP_HDR_MIN + SEALED);
    pair_fini(&c);
}

static void test_sdes(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call(&c, "a=crypto:1 X inline:A\r\n", "a=crypto:1 X inline:B\r\n");
    assert_true(record(&c, &c.a)->established && !record(&c, &c.a)->end_to_end);
    assert_int_equal(record(&c, &c.b)->passes, KEYING_SDES);
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), RTP_HDR_MIN + SEALED);
    say_rtp(&c.a, 160);
    assert_int_equal(heard(&c.b), 0);
    pair_fini(&c);
}

/* What only one announces is no way to agree: nothing passes. */
static void test_nothing_in_common(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call(&c, "a=crypto:1 X inline:A\r\n", "a=fingerprint:sha-256 00\r\n");
    assert_int_equal(record(&c, &c.a)->keying, KEYING_NONE);
    say_rtp(&c.a, SEALED);
    say_rtp(&c.b, SEALED);
    assert_int_equal(heard(&c.a) + heard(&c.b), 0);
    pair_fini(&c);
}

static void test_dtls(void **state)
{
    uint8_t hello[20] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call(&c, "a=fingerprint:sha-256 00\r\n", "a=fingerprint:sha-256 11\r\n");
    say(&c.a, hello, sizeof(hello));
    assert_int_equal(heard(&c.b), sizeof(hello));
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), 0);
    hello[4] = 1; /* epoch */
    say(&c.a, hello, sizeof(hello));
    assert_int_equal(heard(&c.b), sizeof(hello));
    say_rtp(&c.a, SEALED); /* one of them alone */
    assert_int_equal(heard(&c.b), 0);
    say(&c.b, hello, sizeof(hello));
    assert_int_equal(heard(&c.a), sizeof(hello));
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), RTP_HDR_MIN + SEALED);
    assert_true(record(&c, &c.a)->end_to_end);
    pair_fini(&c);
}

static void test_preferred(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_PREFERRED);
    call(&c, "", "");
    say_rtp(&c.a, 160);
    assert_int_equal(heard(&c.b), RTP_HDR_MIN + 160);
    assert_int_equal(record(&c, &c.a)->keying, KEYING_NONE);
    assert_int_equal(record(&c, &c.a)->path, MEDIA_PATH_PASS);
    pair_fini(&c);
}

static int ask(struct pair *c, uint32_t op, uint8_t path, uint8_t mode)
{
    struct media_request rq = phone_request(&c->a, op);
    rq.policy = c->policy;
    rq.path = path;
    rq.mode = mode;
    rq.announcement = MEDIA_ANNOUNCE_BOTH;
    return rig_request(&c->g, &rq, SLICE_NONE)->status;
}

/* What needs keys of ours is refused, or says nothing. */
static void test_nothing_of_ours(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call_zrtp(&c);
    agree(&c);
    assert_int_equal(ask(&c, MEDIA_OP_ANNOUNCE, 0, 0), MEDIA_STATUS_FAILED);
    assert_non_null(strstr(c.g.reply.why, "phones' alone"));
    assert_int_equal(ask(&c, MEDIA_OP_EVENT, 0, 0), MEDIA_STATUS_NO_EVENTS);
    assert_int_equal(ask(&c, MEDIA_OP_LOCAL, MEDIA_PATH_RELAY, 0), MEDIA_STATUS_DOWNGRADE);
    assert_int_equal(ask(&c, MEDIA_OP_REMOTE, MEDIA_PATH_COUNT, 0), MEDIA_STATUS_FAILED);
    assert_int_equal(ask(&c, MEDIA_OP_CONNECT, 0, MEDIA_MODE_TONE), MEDIA_STATUS_OK);
    loop_advance(c.g.loop, 100);
    rig_turn(&c.g);
    assert_int_equal(heard(&c.a), 0);
    pair_fini(&c);
}

/* From phone to phone: the record is kept here, and nothing else; nobody is missed. */
static void test_direct(void **state)
{
    struct pair c;
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    c.path = MEDIA_PATH_DIRECT;
    call_zrtp(&c);
    assert_int_equal(record(&c, &c.a)->path, MEDIA_PATH_DIRECT);
    assert_true(record(&c, &c.a)->end_to_end && record(&c, &c.b)->end_to_end);
    say_zrtp(&c.a, "Hello   ", 1);
    say_rtp(&c.a, SEALED);
    assert_int_equal(heard(&c.b), 0);
    c.g.events_n = 0;
    loop_advance(c.g.loop, 10u * c.g.cfg.rtp_timeout_ms);
    rig_turn(&c.g);
    assert_int_equal(c.g.events_n, 0);
    pair_fini(&c);
}

/* The next life of the process goes on where this one was; another announcement begins anew. */
static void test_goes_on(void **state)
{
    struct pair c;
    char text[128] = "";
    (void)state;
    pair_init(&c, PROTECTION_REQUIRED);
    call_zrtp(&c);
    phone_move(&c.a);
    agree(&c);
    c.g.role = media_role_free(c.g.role);
    rig_start_role(&c.g);
    rig_attach(&c.g);
    assert_true(record(&c, &c.a)->end_to_end);
    say_rtp(&c.b, SEALED);
    assert_int_equal(heard(&c.a), RTP_HDR_MIN + SEALED);
    zrtp_text(text, sizeof(text), 3);
    assert_int_equal(describe(&c, &c.a, text, &c.b), MEDIA_STATUS_OK);
    assert_false(record(&c, &c.a)->end_to_end || record(&c, &c.b)->end_to_end);
    say_rtp(&c.b, SEALED);
    assert_int_equal(heard(&c.a), 0);
    pair_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offer_must_announce),
        cmocka_unit_test(test_zrtp),
        cmocka_unit_test(test_zrtp_one_sided),
        cmocka_unit_test(test_foreign_hello),
        cmocka_unit_test(test_learns_by_hello),
        cmocka_unit_test(test_moves_after_silence),
        cmocka_unit_test(test_sdes),
        cmocka_unit_test(test_nothing_in_common),
        cmocka_unit_test(test_dtls),
        cmocka_unit_test(test_preferred),
        cmocka_unit_test(test_nothing_of_ours),
        cmocka_unit_test(test_direct),
        cmocka_unit_test(test_goes_on),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
