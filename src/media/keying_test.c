/* Handshakes in the media path: a phone with DTLS of its own, over real sockets, against the role. */
#include "media/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "media/worker.h"

/* A phone that keys by DTLS. */
struct dtls_phone {
    struct phone p;
    struct keying_local local;
    struct dtls_side {
        struct dtls_phone *d;
        enum keying_component which;
        struct keying_engine *engine;
        bool lose; /* what it would say now */
        unsigned said;
        const char *failed;
    } side[KEYING_COMPONENT_COUNT];
};

static void side_send(void *arg, const void *packet, size_t n)
{
    struct dtls_side *s = arg;
    const struct phone *p = &s->d->p;
    bool rtcp = s->which == KEYING_RTCP;
    const struct addr *to = rtcp ? &p->server_rtcp : &p->server;
    s->said++;
    assert_true(n <= CRYPTO_DTLS_MTU);
    if (!s->lose)
        RIG_EQ(sendto(rtcp ? p->rtcp : p->rtp, packet, n, 0, &to->sa, addr_len(to)), n);
}

static void side_timer(void *arg, uint64_t due_ms)
{
    (void)arg;
    (void)due_ms;
}

static void side_secure(void *arg, const struct keying_yield *y)
{
    struct dtls_side *s = arg;
    struct keying_state next = s->d->p.keys;
    RIG(keying_state_take(&next, s->which, next.wanted, y));
    phone_take_keys(&s->d->p, &next);
}

static void side_failed(void *arg, const char *why)
{
    ((struct dtls_side *)arg)->failed = why;
}

static void dtls_init(struct dtls_phone *d, struct rig *g, uint16_t leg)
{
    struct crypto_dtls_identity id;
    memset(d, 0, sizeof(*d));
    phone_init(&d->p, g, 7, leg, PROTECTION_REQUIRED);
    d->p.policy = (struct media_policy){.keying_count = 1, .keyings = {KEYING_DTLS}};
    d->p.rtcp_mux = true;
    RIG_EQ(crypto_dtls_identity_new(loop_unix_now(g->loop), &id), 0);
    RIG_EQ(crypto_dtls_new(&id, &d->local.dtls[0]), 0);
    d->p.local = &d->local;
}

static void dtls_stop(struct dtls_phone *d)
{
    for (size_t i = 0; i < KEYING_COMPONENT_COUNT; i++) {
        if (d->side[i].engine)
            d->side[i].engine = keying_dtls.free(d->side[i].engine);
    }
}

static void dtls_fini(struct dtls_phone *d)
{
    dtls_stop(d);
    phone_fini(&d->p);
    crypto_dtls_free(d->local.dtls[0]);
}

static void side_start(struct dtls_phone *d, enum keying_component which)
{
    struct dtls_side *s = &d->side[which];
    *s = (struct dtls_side){.d = d, .which = which, .lose = s->lose};
    const struct keying_engine_env env = {.arg = s,
                                          .local = &d->local,
                                          .send = side_send,
                                          .timer = side_timer,
                                          .secure = side_secure,
                                          .failed = side_failed};
    RIG_EQ(keying_dtls.start(&env, &d->p.keys, which, loop_now(d->p.rig->loop), &s->engine), 0);
}

/* What has come to the phone goes to its engine; until nobody says anything any more. */
static void talk(struct dtls_phone *d)
{
    for (int idle = 0; idle < 2;) {
        uint8_t pkt[2048];
        rig_turn(d->p.rig);
        idle++;
        for (size_t i = 0; i < KEYING_COMPONENT_COUNT; i++) {
            ssize_t n = recv(i == KEYING_RTCP ? d->p.rtcp : d->p.rtp, pkt, sizeof(pkt), 0);
            if (n <= 0)
                continue;
            idle = 0;
            assert_true(n <= CRYPTO_DTLS_MTU);
            if (d->side[i].engine && rtp_demux(pkt, (size_t)n) == RTP_KIND_DTLS)
                keying_dtls.packet(d->side[i].engine, slice_from(pkt, (size_t)n),
                                   loop_now(d->p.rig->loop));
        }
    }
}

static void connect_echo(struct dtls_phone *d)
{
    struct media_request rq = {
        .ops = MEDIA_OP_CONNECT, .endpoint = d->p.endpoint, .mode = MEDIA_MODE_ECHO};
    RIG_EQ(rig_request(d->p.rig, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
}

/* It offers and is answered; the handshake has not begun. */
static void agree(struct dtls_phone *d)
{
    RIG_EQ(phone_offers(&d->p, MEDIA_OP_OPEN, &d->p.policy, NULL), 0);
    RIG_EQ(d->p.keys.active, KEYING_DTLS);
}

static void hears_itself(struct dtls_phone *d)
{
    phone_say(&d->p, 0x55);
    assert_int_equal(phone_hear(&d->p), 1);
    assert_int_equal(d->p.data[RTP_HDR_MIN], 0x55);
}

static void assert_secure(const struct dtls_phone *d, enum srtp_suite suite)
{
    const struct rig *g = d->p.rig;
    const struct media_protection *p = &rig_stats(g, d->p.endpoint)->protection;
    assert_true(p->established);
    assert_int_equal(p->keying, KEYING_DTLS);
    assert_int_equal(p->suite, suite);
    assert_true(g->events_n > 0);
    assert_int_equal(g->events[g->events_n - 1].kind, MEDIA_EVENT_SECURE);
}

static void the_role_speaks_first(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    agree(&d);
    assert_int_equal(d.p.keys.dtls.setup, DTLS_SETUP_PASSIVE);
    side_start(&d, KEYING_RTP);
    talk(&d);
    assert_int_equal(d.side[0].said, 0); /* our answer has not left yet: nothing was connected */
    connect_echo(&d);
    talk(&d);
    assert_secure(&d, SRTP_AEAD_AES_128_GCM);
    hears_itself(&d);
    dtls_fini(&d);
    rig_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_role_speaks_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
