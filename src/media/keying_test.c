/* Handshakes in the media path: a phone with DTLS of its own, over real sockets, against the role. */
#include "media/rig.h"

#include <sys/time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "media/worker.h"
#include "rtp/stun.h"

static struct loop *clock_of; /* NULL: it stands still */

/* OpenSSL asks this one for the time of its timers: the loop's, so that no test waits. */
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    uint64_t ms = clock_of ? loop_now(clock_of) : 0;
    (void)tz;
    tv->tv_sec = 1700000000 + (time_t)(ms / 1000);
    tv->tv_usec = (suseconds_t)(ms % 1000 * 1000);
    return 0;
}

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

static void side_failed(void *arg, enum keying_fault f, const char *why)
{
    (void)f;
    ((struct dtls_side *)arg)->failed = why;
}

static void dtls_init(struct dtls_phone *d, struct rig *g, uint16_t leg)
{
    struct crypto_dtls_identity id;
    memset(d, 0, sizeof(*d));
    phone_init(&d->p, g, 7, leg, PROTECTION_REQUIRED);
    d->p.policy = (struct media_policy){.keying_count = 1, .keyings = {KEYING_DTLS}};
    d->p.rtcp_mux = true;
    clock_of = g->loop;
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
    if (d->p.leg == 0)
        clock_of = NULL;
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

/* The keys in use go on until others are there. */
static void hears_nothing_wrong(struct dtls_phone *d)
{
    phone_say(&d->p, 0x66);
    int r = phone_hear(&d->p);
    while (r == 1 && d->p.data[0] < 64) /* a ClientHello */
        r = phone_hear(&d->p);
    while (r < 0)
        r = phone_hear(&d->p);
    assert_int_equal(r, 1);
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

static void the_phone_speaks_first(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    RIG_EQ(phone_answers(&d.p, MEDIA_OP_OPEN, &d.p.policy, 0, MEDIA_MODE_NONE, 0), 0);
    assert_int_equal(d.p.keys.dtls.setup, DTLS_SETUP_ACTIVE);
    side_start(&d, KEYING_RTP); /* nothing is connected yet: its ClientHello is kept … */
    talk(&d);
    assert_int_equal(d.side[0].said, 1);
    connect_echo(&d);
    talk(&d); /* … and answered without the phone's timer */
    assert_secure(&d, SRTP_AEAD_AES_128_GCM);
    hears_itself(&d);
    dtls_fini(&d);
    rig_fini(&g);
}

/* RFC 5763 s.6.7.1: what comes in clear before the handshake is done is nothing, both ways. */
static void nothing_passes_before_the_keys(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    static struct phone b;
    static const enum protection_policy policies[] = {PROTECTION_REQUIRED, PROTECTION_PREFERRED};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        rig_init(&g);
        dtls_init(&d, &g, 0);
        phone_init(&b, &g, 7, 1, PROTECTION_OFF);
        d.p.policy.protection = (uint8_t)policies[i];
        agree(&d);
        RIG_EQ(phone_answers(&b, MEDIA_OP_OPEN, &b.policy, MEDIA_OP_CONNECT, MEDIA_MODE_RELAY,
                             d.p.endpoint),
               0);
        phone_say(&d.p, 1);
        assert_int_equal(phone_hear(&b), 0);
        phone_say(&b, 1);
        while (phone_hear(&d.p) != 0) /* its ClientHello alone */
            assert_int_equal(d.p.data[0], 22);
        assert_int_equal(rig_stats(&g, d.p.endpoint)->tx_packets, 0);
        side_start(&d, KEYING_RTP);
        loop_advance(g.loop, CRYPTO_DTLS_FIRST_MS + 10);
        while (!d.p.tx) {
            talk(&d);
            loop_advance(g.loop, 100);
        }
        assert_passes(&d.p, &b);
        assert_passes(&b, &d.p);
        phone_fini(&b);
        dtls_fini(&d);
        rig_fini(&g);
    }
}

/* A restarted signalling names the endpoint as one that stands. */
static void resync(struct rig *g, const struct dtls_phone *d)
{
    rig_attach(g);
    assert_int_equal(ipc_send(g->chan, MEDIA_MSG_SWEEP_BEGIN, NULL, 0, NULL, 0), 0);
    assert_int_equal(ipc_send(g->chan, MEDIA_MSG_KEEP, &d->p.endpoint, 8, NULL, 0), 0);
    assert_int_equal(ipc_send(g->chan, MEDIA_MSG_SWEEP_END, NULL, 0, NULL, 0), 0);
    rig_turn(g);
}

static void the_wrong_certificate_is_told_in_words(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    struct crypto_dtls_identity id;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    agree(&d);
    crypto_dtls_free(d.local.dtls[0]); /* it shows another one than it named */
    RIG_EQ(crypto_dtls_identity_new(loop_unix_now(g.loop), &id), 0);
    RIG_EQ(crypto_dtls_new(&id, &d.local.dtls[0]), 0);
    memcpy(d.p.keys.dtls.self.digest, crypto_dtls_digest(d.local.dtls[0]), CRYPTO_DTLS_DIGEST_LEN);
    side_start(&d, KEYING_RTP);
    connect_echo(&d);
    talk(&d);
    assert_int_equal(g.events_n, 1);
    assert_int_equal(g.events[0].kind, MEDIA_EVENT_FAILED);
    assert_non_null(strstr(g.events[0].why, "certificate"));
    assert_false(g.events[0].protection.established);
    assert_int_equal(g.events[0].protection.keying, KEYING_DTLS);
    assert_int_equal(g.events[0].fault, KEYING_FAULT_PEER);
    resync(&g, &d); /* signalling was killed before it read that */
    assert_int_equal(g.events_n, 2);
    assert_int_equal(g.events[1].kind, MEDIA_EVENT_FAILED);
    assert_int_equal(g.events[1].fault, KEYING_FAULT_PEER);
    assert_string_equal(g.events[1].why, g.events[0].why);
    phone_say(&d.p, 1); /* under keys that the phone believes in */
    assert_int_equal(phone_hear(&d.p), 0);
    assert_int_equal(rig_stats(&g, d.p.endpoint)->rx_packets, 0);
    dtls_fini(&d);
    rig_fini(&g);
}

/* --- from where -------------------------------------------------------------------------------- */

static int socket_at(const char *host)
{
    struct addr a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    RIG(fd >= 0);
    RIG_EQ(addr_parse(slice_from_str(host), 0, &a), 0);
    RIG_EQ(bind(fd, &a.sa, addr_len(&a)), 0);
    return fd;
}

/* The first ClientHello of a phone, sent from elsewhere. True: it was answered. */
static bool is_heard(struct dtls_phone *d, int fd)
{
    uint8_t pkt[2048];
    uint8_t hello[2048];
    static struct dtls_phone other;
    dtls_init(&other, d->p.rig, 9);
    other.p.keys = d->p.keys;
    other.p.keys.dtls.setup = DTLS_SETUP_ACTIVE;
    memcpy(other.p.keys.dtls.self.digest, crypto_dtls_digest(other.local.dtls[0]),
           CRYPTO_DTLS_DIGEST_LEN);
    other.p.server = other.p.addr; /* to itself, to get hold of it */
    side_start(&other, KEYING_RTP);
    ssize_t n = recv(other.p.rtp, hello, sizeof(hello), 0);
    RIG(n > 0);
    RIG_EQ(sendto(fd, hello, (size_t)n, 0, &d->p.server.sa, addr_len(&d->p.server)), n);
    rig_turn(d->p.rig);
    bool heard = recv(fd, pkt, sizeof(pkt), 0) > 0;
    dtls_fini(&other);
    return heard;
}

static void answer_passively(struct media_request *rq)
{
    RIG_EQ(addr_parse(SLICE_LIT("127.0.0.3"), 5061, &rq->signalling), 0);
}

static void handshakes_come_from_where_they_were_signalled(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    int port = socket_at("127.0.0.1"), stranger = socket_at("127.0.0.2"),
        nat = socket_at("127.0.0.3");
    rig_init(&g);
    dtls_init(&d, &g, 0);
    RIG_EQ(phone_offers(&d.p, MEDIA_OP_OPEN, &d.p.policy, answer_passively), 0);
    /* It describes another address than its signalling comes from: it must speak first. */
    assert_int_equal(d.p.keys.dtls.setup, DTLS_SETUP_ACTIVE);
    connect_echo(&d);
    assert_false(is_heard(&d, port));
    assert_false(is_heard(&d, stranger));
    assert_int_equal(rig_stats(&g, d.p.endpoint)->rx_foreign, 2);
    assert_true(is_heard(&d, nat));
    assert_true(is_heard(&d, d.p.rtp));
    side_start(&d, KEYING_RTP); /* the real one */
    talk(&d);
    assert_secure(&d, SRTP_AEAD_AES_128_GCM);
    hears_itself(&d);
    close(port);
    close(stranger);
    close(nat);
    dtls_fini(&d);
    rig_fini(&g);
}

static void signal_from_here(struct media_request *rq)
{
    rq->signalling = rq->remote_rtp;
    addr_set_port(&rq->signalling, 5061);
}

/* Somebody else on the phone's host does not get what is meant for the phone. */
static void a_neighbour_diverts_nothing(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    uint8_t pkt[2048];
    int neighbour = socket_at("127.0.0.1");
    rig_init(&g);
    dtls_init(&d, &g, 0);
    RIG_EQ(phone_offers(&d.p, MEDIA_OP_OPEN, &d.p.policy, signal_from_here), 0);
    side_start(&d, KEYING_RTP);
    connect_echo(&d);
    d.side[0].lose = true;
    talk(&d); /* the phone has heard the ClientHello, but its answer is lost … */
    d.side[0].lose = false;
    static const uint8_t alert[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0};
    RIG_EQ(sendto(d.p.rtp, alert, sizeof(alert), 0, &d.p.server.sa, addr_len(&d.p.server)), 15);
    rig_turn(&g);
    RIG_EQ(sendto(neighbour, alert, sizeof(alert), 0, &d.p.server.sa, addr_len(&d.p.server)), 15);
    rig_turn(&g);
    loop_advance(g.loop, CRYPTO_DTLS_FIRST_MS + 10); /* … so it comes again */
    assert_int_equal(recv(neighbour, pkt, sizeof(pkt), 0), -1);
    talk(&d);
    assert_secure(&d, SRTP_AEAD_AES_128_GCM);
    close(neighbour);
    dtls_fini(&d);
    rig_fini(&g);
}

/* Behind a NAT: its packets come from an address that nobody described. */
static void media_goes_to_where_the_handshake_came_from(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    RIG_EQ(phone_offers(&d.p, MEDIA_OP_OPEN, &d.p.policy, answer_passively), 0);
    close(d.p.rtp);
    d.p.rtp = socket_at("127.0.0.3");
    connect_echo(&d);
    side_start(&d, KEYING_RTP);
    talk(&d);
    assert_secure(&d, SRTP_AEAD_AES_128_GCM);
    struct addr from;
    socklen_t n = sizeof(from);
    RIG_EQ(getsockname(d.p.rtp, &from.sa, &n), 0);
    assert_true(addr_eq(&rig_stats(&g, d.p.endpoint)->remote, &from));
    hears_itself(&d);
    dtls_fini(&d);
    rig_fini(&g);
}

/* A flood from the phone's own address, and then the phone. */
static void a_flood_blocks_nothing(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    uint8_t junk[200];
    rig_init(&g);
    dtls_init(&d, &g, 0);
    RIG_EQ(phone_offers(&d.p, MEDIA_OP_OPEN, &d.p.policy, answer_passively), 0);
    connect_echo(&d);
    for (int i = 0; i < 500; i++) {
        crypto_random(junk, sizeof(junk));
        junk[0] = (uint8_t)(20 + i % 4);
        junk[1] = 254;
        junk[2] = 253;
        junk[3] = junk[4] = 0;
        junk[11] = 0;
        junk[12] = sizeof(junk) - 13;
        phone_put(&d.p, junk, sizeof(junk));
        rig_turn(&g);
    }
    assert_int_equal(g.events_n, 0);
    side_start(&d, KEYING_RTP);
    talk(&d);
    assert_secure(&d, SRTP_AEAD_AES_128_GCM);
    hears_itself(&d);
    dtls_fini(&d);
    rig_fini(&g);
}

/* --- RTCP on a port of its own ----------------------------------------------------------------- */

/* An empty receiver report, as the phone's RTCP handshake keys it. */
static void say_rtcp(struct dtls_phone *d, uint32_t index)
{
    uint8_t pkt[64] = {0x80, 201, 0, 1, 0, 0, 0, 1};
    struct srtp_ctx *ctx;
    RIG_EQ(srtp_ctx_new(d->p.rig->engine, &d->p.keys.rtcp_tx, &ctx), 0);
    struct srtp_job j = {.ctx = ctx, .pkt = pkt, .len = 8, .rtcp = true, .index = index};
    srtp_protect(d->p.rig->engine, &j, 1);
    RIG_EQ(sendto(d->p.rtcp, pkt, j.len, 0, &d->p.server_rtcp.sa, addr_len(&d->p.server_rtcp)),
           j.len);
    srtp_ctx_free(ctx);
    rig_turn(d->p.rig);
}

static bool hears_rtcp(struct phone *p)
{
    uint8_t pkt[256];
    ssize_t n = recv(p->rtcp, pkt, sizeof(pkt), 0);
    if (n <= 0)
        return false;
    struct srtp_job j = {.ctx = p->rx, .pkt = pkt, .len = (uint32_t)n, .rtcp = true};
    srtp_unprotect(p->rig->engine, &j, 1);
    RIG_EQ(j.verdict, SRTP_OK);
    RIG_EQ(j.len, 8);
    return true;
}

static void rtcp_has_a_handshake_of_its_own(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    static struct phone b;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    phone_init(&b, &g, 7, 1, PROTECTION_REQUIRED);
    d.p.rtcp_mux = false;
    agree(&d);
    RIG_EQ(phone_answers(&b, MEDIA_OP_OPEN, &b.policy, MEDIA_OP_CONNECT, MEDIA_MODE_RELAY,
                         d.p.endpoint),
           0);
    side_start(&d, KEYING_RTP);
    talk(&d);
    assert_secure(&d, SRTP_AEAD_AES_128_GCM); /* RTP does not wait for RTCP */
    assert_passes(&d.p, &b);
    assert_int_equal(d.p.keys.rtcp_tx.suite, SRTP_SUITE_NONE);
    side_start(&d, KEYING_RTCP);
    loop_advance(g.loop, 0);
    for (int i = 0; i < 100 && d.p.keys.rtcp_tx.suite == SRTP_SUITE_NONE; i++) {
        talk(&d);
        loop_advance(g.loop, 100);
    }
    assert_false(keying_keys_eq(&d.p.keys.rtcp_tx, &d.p.keys.tx));
    say_rtcp(&d, 1);
    assert_true(hears_rtcp(&b));
    say_rtcp(&d, 1);
    assert_false(hears_rtcp(&b));
    assert_int_equal(rig_stats(&g, d.p.endpoint)->rx_replayed, 1);
    say_rtcp(&d, 2);
    assert_true(hears_rtcp(&b));
    assert_int_equal(rig_stats(&g, d.p.endpoint)->rx_auth_failures, 0);
    phone_fini(&b);
    dtls_fini(&d);
    rig_fini(&g);
}

/* --- life -------------------------------------------------------------------------------------- */

static void restart(struct rig *g)
{
    g->role = media_role_free(g->role);
    rig_start_role(g);
    rig_attach(g);
}

static void keys_survive_a_restart(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    agree(&d);
    side_start(&d, KEYING_RTP);
    connect_echo(&d);
    talk(&d);
    hears_itself(&d);
    unsigned said = d.side[0].said;
    restart(&g);
    hears_itself(&d);
    talk(&d);
    assert_int_equal(d.side[0].said, said); /* nobody began anything */
    agree(&d);                              /* and its certificate is the one that was named */
    assert_false(keying_state_wants(&d.p.keys, KEYING_RTP, true));
    hears_itself(&d);
    dtls_fini(&d);
    rig_fini(&g);
}

static void a_handshake_under_way_is_begun_again(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    agree(&d);
    side_start(&d, KEYING_RTP);
    connect_echo(&d); /* its ClientHello is out */
    restart(&g);
    talk(&d);
    assert_secure(&d, SRTP_AEAD_AES_128_GCM);
    hears_itself(&d);
    dtls_fini(&d);
    rig_fini(&g);
}

/* A call without sound would go on for ever. */
static void patience_ends(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    agree(&d);
    loop_advance(g.loop, 100000); /* it rings: nobody waits for a handshake yet */
    connect_echo(&d);
    loop_advance(g.loop, g.cfg.rtp_timeout_ms - 500);
    rig_turn(&g);
    assert_int_equal(g.events_n, 0);
    loop_advance(g.loop, 1000);
    rig_turn(&g);
    assert_int_equal(g.events_n, 1);
    assert_int_equal(g.events[0].kind, MEDIA_EVENT_FAILED);
    assert_non_null(strstr(g.events[0].why, "answer"));
    loop_advance(g.loop, 100000);
    rig_turn(&g);
    assert_int_equal(g.events_n, 1); /* told once */
    assert_int_equal(g.events[0].fault, KEYING_FAULT_TIMEOUT);
    resync(&g, &d);
    assert_int_equal(g.events_n, 2); /* … to each life of signalling */
    dtls_fini(&d);
    rig_fini(&g);
}

static void another_certificate_renews_the_keys(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    struct crypto_dtls_identity id;
    rig_init(&g);
    dtls_init(&d, &g, 0);
    agree(&d);
    side_start(&d, KEYING_RTP);
    connect_echo(&d);
    talk(&d);
    hears_itself(&d);
    const struct srtp_keys before = d.p.keys.tx;
    struct crypto_dtls *old = d.local.dtls[0];
    RIG_EQ(crypto_dtls_identity_new(loop_unix_now(g.loop), &id), 0);
    RIG_EQ(crypto_dtls_new(&id, &d.local.dtls[0]), 0);
    dtls_stop(&d);
    agree(&d); /* a re-INVITE that names it */
    assert_true(keying_state_wants(&d.p.keys, KEYING_RTP, true));
    hears_nothing_wrong(&d);
    side_start(&d, KEYING_RTP);
    for (int i = 0; i < 100 && keying_keys_eq(&before, &d.p.keys.tx); i++) {
        talk(&d);
        loop_advance(g.loop, 100);
    }
    assert_false(keying_keys_eq(&before, &d.p.keys.tx));
    hears_itself(&d);
    crypto_dtls_free(old);
    dtls_fini(&d);
    rig_fini(&g);
}

/* The role's own certificate: made at the first start, renewed in time, the one before kept. */
static void the_roles_certificate_is_renewed(void **state)
{
    (void)state;
    static struct rig g;
    uint8_t first[CRYPTO_DTLS_DIGEST_LEN];
    rig_init(&g);
    memcpy(first, crypto_dtls_digest(g.role->local.dtls[0]), sizeof(first));
    assert_null(g.role->local.dtls[1]);
    restart(&g);
    assert_memory_equal(first, crypto_dtls_digest(g.role->local.dtls[0]), sizeof(first));
    loop_advance(g.loop, CRYPTO_DTLS_DAYS / 2 * 86400000ull + 7200000u);
    media_identity_check(g.role);
    assert_memory_not_equal(first, crypto_dtls_digest(g.role->local.dtls[0]), sizeof(first));
    assert_memory_equal(first, crypto_dtls_digest(g.role->local.dtls[1]), sizeof(first));
    g.role->state.head->dtls[0].not_after = 0; /* killed while it was written */
    restart(&g);
    assert_non_null(g.role->local.dtls[0]);
    assert_memory_equal(first, crypto_dtls_digest(g.role->local.dtls[1]), sizeof(first));
    memset(&g.role->state.head->dtls[0].cert, 7, 100); /* and what cannot be read is replaced */
    restart(&g);
    assert_non_null(g.role->local.dtls[0]);
    rig_fini(&g);
}

static void reply_value(const struct rig *g, const char *name, char *dst, size_t cap)
{
    const char *at = strstr(g->text, name);
    RIG(at);
    at += strlen(name);
    size_t n = strcspn(at, "\r\n");
    RIG(n < cap);
    memcpy(dst, at, n);
    dst[n] = '\0';
}

/* A connectivity check that nominates, with the credentials of the role's last description. */
static struct slice check_make(const struct rig *g, uint8_t mem[256])
{
    char ufrag[32], pwd[64];
    struct buf b = buf_over(mem, 256);
    reply_value(g, "a=ice-ufrag:", ufrag, sizeof(ufrag));
    reply_value(g, "a=ice-pwd:", pwd, sizeof(pwd));
    stun_put_begin(&b, STUN_REQUEST, (const uint8_t *)"abcdefghijkl");
    stun_put_username(&b, slice_from_str(ufrag), SLICE_LIT("peer"));
    stun_put_use_candidate(&b);
    stun_put_end(&b, slice_from_str(pwd), crypto_hmac_sha1);
    RIG(!b.overflow);
    return buf_slice(&b);
}

/* RFC 8445: who has not checked is not heard; the ClientHello that came too early is, afterwards. */
static void with_ice_only_checked_addresses_shake_hands(void **state)
{
    (void)state;
    static struct rig g;
    static struct dtls_phone d;
    uint8_t mem[256];
    rig_init(&g);
    dtls_init(&d, &g, 0);
    d.p.lines = SLICE_LIT("a=ice-ufrag:peer\r\na=ice-pwd:peer/password+of/24chars\r\n");
    agree(&d);
    assert_int_equal(d.p.keys.dtls.setup, DTLS_SETUP_ACTIVE); /* it knows when there is a way */
    struct slice check = check_make(&g, mem);
    connect_echo(&d);
    side_start(&d, KEYING_RTP);
    talk(&d);
    assert_int_equal(g.events_n, 0);
    assert_false(rig_stats(&g, d.p.endpoint)->protection.established);
    RIG_EQ(sendto(d.p.rtp, check.p, check.n, 0, &d.p.server.sa, addr_len(&d.p.server)), check.n);
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
        cmocka_unit_test(with_ice_only_checked_addresses_shake_hands),
        cmocka_unit_test(the_phone_speaks_first),
        cmocka_unit_test(nothing_passes_before_the_keys),
        cmocka_unit_test(the_wrong_certificate_is_told_in_words),
        cmocka_unit_test(handshakes_come_from_where_they_were_signalled),
        cmocka_unit_test(a_neighbour_diverts_nothing),
        cmocka_unit_test(media_goes_to_where_the_handshake_came_from),
        cmocka_unit_test(a_flood_blocks_nothing),
        cmocka_unit_test(rtcp_has_a_handshake_of_its_own),
        cmocka_unit_test(keys_survive_a_restart),
        cmocka_unit_test(a_handshake_under_way_is_begun_again),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(another_certificate_renews_the_keys),
        cmocka_unit_test(the_roles_certificate_is_renewed),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
