#include "media/rig_ice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "rtp/candidate.h"

static struct addr address(const char *text)
{
    struct addr a;
    RIG_EQ(addr_parse(slice_from_str(text), 0, &a), 0);
    return a;
}

/* The n-th of our candidates' lines. */
static bool candidate_at(const struct rig *g, size_t n, struct rtp_candidate *ret)
{
    const char *at = g->text;
    for (size_t i = 0; at && i <= n; i++)
        at = strstr(at + (i > 0), "candidate:");
    if (!at)
        return false;
    RIG_EQ(rtp_candidate_parse(slice_from(at, strcspn(at, "\r\n")), ret), RTP_CANDIDATE_OK);
    return true;
}

#define OFFER(c, p)                                                      \
    do {                                                                 \
        RIG_EQ(phone_offers((p), MEDIA_OP_OPEN, &(p)->policy, NULL), 0); \
        (c)->g.text[(c)->g.reply.text_n] = '\0';                         \
        take_cred(c);                                                    \
    } while (0)

/* As call_init, and a's leg is at 127.0.0.1 and ::1. */
static void dual_init(struct call *c, bool mux)
{
    memset(c, 0, sizeof(*c));
    rig_init(&c->g);
    phone_init(&c->a, &c->g, 7, 0, PROTECTION_REQUIRED);
    phone_init(&c->b, &c->g, 7, 1, PROTECTION_OFF);
    c->a.lines = SLICE_LIT(PEER_LINES);
    c->a.rtcp_mux = mux;
    c->a.other = address("::1");
    OFFER(c, &c->a);
    RIG_EQ(phone_answers(&c->b, MEDIA_OP_OPEN, &c->b.policy, MEDIA_OP_CONNECT, MEDIA_MODE_RELAY,
                         c->a.endpoint),
           0);
}

/* Where it is and whom it speaks to from here on. */
static void go(struct call *c, const char *host)
{
    phone_go(&c->a, host);
    uint16_t port = addr_port(&c->a.server);
    c->a.server = c->a.server_rtcp = address(host);
    addr_set_port(&c->a.server, port);
    addr_set_port(&c->a.server_rtcp, (uint16_t)(port + 1));
}

static size_t held_of(const struct rig *g, size_t endpoints, size_t seconds)
{
    return rig_sockets_of(g, endpoints) + rig_sockets_of(g, seconds);
}

static void candidates_are_of_both_versions(void **state)
{
    (void)state;
    static struct call c;
    struct rtp_candidate k[5];
    dual_init(&c, false);
    struct phone p;
    phone_init(&p, &c.g, 8, 0, PROTECTION_OFF);
    p.lines = SLICE_LIT(PEER_LINES);
    p.other = address("::1");
    OFFER(&c, &p);
    for (size_t i = 0; i < 4; i++) {
        assert_true(candidate_at(&c.g, i, &k[i]));
        assert_int_equal(k[i].component, i / 2 + 1);
        assert_int_equal(addr_family(&k[i].addr), i % 2 ? AF_INET : AF_INET6);
        assert_int_equal(addr_port(&k[i].addr), addr_port(&p.server) + i / 2);
    }
    assert_false(candidate_at(&c.g, 4, &k[4]));
    assert_true(k[0].priority > k[1].priority && k[2].priority > k[3].priority);
    assert_string_not_equal(k[0].foundation, k[1].foundation);
    assert_string_equal(k[0].foundation, k[2].foundation);
    assert_int_equal(addr_family(&p.server), AF_INET); /* as without: that of m= and c= */
    assert_int_equal(rig_held_count(&c.g), held_of(&c.g, 3, 2));
    phone_fini(&p);

    phone_init(&p, &c.g, 9, 0, PROTECTION_OFF); /* no ICE: not a second place */
    p.other = address("::1");
    RIG_EQ(phone_offers(&p, MEDIA_OP_OPEN, &p.policy, NULL), 0);
    assert_int_equal(rig_held_count(&c.g), held_of(&c.g, 4, 2));
    phone_fini(&p);
    call_fini(&c);
}

static void settings_say_which_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *bind4, *bind6, *advertise4, *advertise6, *other;
        const char *want[5];
    } cases[] = {
        {"127.0.0.1", NULL, NULL, NULL, "::1", {"127.0.0.1"}},
        {"127.0.0.1", "::1", NULL, NULL, NULL, {"::1", "127.0.0.1"}},
        {NULL, NULL, "192.0.2.1", NULL, "::1", {"::1", "192.0.2.1", "127.0.0.1"}},
        {NULL,
         NULL,
         "192.0.2.1",
         "2001:db8::1",
         "::1",
         {"2001:db8::1", "192.0.2.1", "::1", "127.0.0.1"}},
        {NULL, NULL, NULL, NULL, "2001:db8::9", {"127.0.0.1"}}, /* not this machine's */
        {NULL, NULL, NULL, NULL, "127.0.0.1", {"127.0.0.1"}},   /* signalling's mistake */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct call c;
        struct rtp_candidate k;
        memset(&c, 0, sizeof(c));
        rig_memory(&c.g);
        RIG_EQ(loop_new_virtual(1000000, &c.g.loop), 0);
        c.g.cfg.bind4 = cases[i].bind4 ? address(cases[i].bind4) : (struct addr){0};
        c.g.cfg.bind6 = cases[i].bind6 ? address(cases[i].bind6) : (struct addr){0};
        if (cases[i].advertise4)
            c.g.cfg.advertise4 = address(cases[i].advertise4);
        if (cases[i].advertise6)
            c.g.cfg.advertise6 = address(cases[i].advertise6);
        rig_start_role(&c.g);
        rig_attach(&c.g);
        phone_init(&c.a, &c.g, 7, 0, PROTECTION_OFF);
        phone_init(&c.b, &c.g, 7, 1, PROTECTION_OFF);
        c.a.lines = SLICE_LIT(PEER_LINES);
        c.a.rtcp_mux = true;
        c.a.other = cases[i].other ? address(cases[i].other) : (struct addr){0};
        OFFER(&c, &c.a);
        size_t n = 0;
        for (; cases[i].want[n]; n++) {
            struct addr want = address(cases[i].want[n]);
            assert_true(candidate_at(&c.g, n, &k));
            assert_true(addr_host_eq(&k.addr, &want));
        }
        assert_false(candidate_at(&c.g, n, &k));
        call_fini(&c);
    }
}

static void a_pair_of_the_other_version_is_as_good(void **state)
{
    (void)state;
    static struct call c;
    dual_init(&c, true);
    struct addr four = c.a.server;
    go(&c, "::1");
    assert_stays(&c.b, &c.a);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.b, &c.a);
    assert_passes(&c.a, &c.b);
    assert_true(addr_eq(&stats_of(&c.a)->remote, &c.a.addr));
    assert_true(addr_eq(&stats_of(&c.a)->local, &c.a.server));

    /* and away from it, in the middle of the call */
    loop_advance(c.g.loop, MEDIA_ICE_SILENT_MS + 1);
    go(&c, "127.0.0.1");
    struct check low = good(&c, true);
    low.priority = LOW;
    CHECKS(&c, STUN_SUCCESS, low);
    assert_true(addr_eq(&c.a.server, &four));
    assert_passes(&c.b, &c.a);
    assert_passes(&c.a, &c.b);
    assert_true(addr_eq(&stats_of(&c.a)->remote, &c.a.addr));
    assert_int_equal(addr_family(&stats_of(&c.a)->local), 0);
    CHECKS(&c, STUN_SUCCESS, low);

    go(&c, "::1"); /* a better one wins at once */
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.b, &c.a);
    assert_passes(&c.a, &c.b);
    /* strangers are strangers there, too */
    struct check bad = good(&c, true);
    bad.pwd = "another/password+of/24ch";
    CHECKS(&c, 0, bad);
    call_fini(&c);
}

static void rtcp_has_a_pair_of_the_other_version(void **state)
{
    (void)state;
    static struct call c;
    dual_init(&c, false);
    go(&c, "::1");
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    struct check k = good(&c, true);
    send_check(&c, c.a.rtcp, &c.a.server_rtcp, &k);
    rig_turn(&c.g);
    assert_int_equal(hear_answer(&c, c.a.rtcp, &c.a.addr_rtcp), STUN_SUCCESS);
    uint8_t pkt[256];
    struct buf b = buf_over(pkt, sizeof(pkt));
    rtcp_put_rr(&b, c.b.ssrc, NULL, 0);
    rtcp_put_sdes(&b, c.b.ssrc, SLICE_LIT("b"));
    RIG_EQ(sendto(c.b.rtcp, pkt, b.n, 0, &c.b.server_rtcp.sa, addr_len(&c.b.server_rtcp)), b.n);
    rig_turn(&c.g);
    assert_true(recv(c.a.rtcp, pkt, sizeof(pkt), 0) > 0);
    call_fini(&c);
}

static void a_killed_role_knows_the_other_version(void **state)
{
    (void)state;
    static struct call c;
    dual_init(&c, true);
    go(&c, "::1");
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    assert_passes(&c.b, &c.a);
    size_t held = rig_held_count(&c.g);
    assert_int_equal(held, held_of(&c.g, 2, 1));
    for (int i = 0; i < 2; i++) {
        c.g.role = media_role_free(c.g.role);
        for (size_t k = 0; i == 1 && k < RIG_HELD_MAX; k++) { /* lost: they are opened again */
            if (c.g.held[k].fd >= 0)
                close(c.g.held[k].fd);
            c.g.held[k].fd = -1;
        }
        rig_start_role(&c.g);
        rig_attach(&c.g);
        assert_passes(&c.b, &c.a);
        CHECKS(&c, STUN_SUCCESS, good(&c, true));
        assert_passes(&c.a, &c.b);
        assert_true(addr_eq(&stats_of(&c.a)->local, &c.a.server));
        assert_int_equal(rig_held_count(&c.g), held);
    }
    struct media_request rq = {.ops = MEDIA_OP_CLOSE, .endpoint = c.a.endpoint};
    RIG_EQ(rig_request(&c.g, &rq, SLICE_NONE)->status, 0);
    assert_int_equal(rig_held_count(&c.g), rig_sockets_of(&c.g, 1));
    struct check k = good(&c, true);
    (void)connect(c.a.rtp, &c.a.server.sa, addr_len(&c.a.server));
    send_check(&c, c.a.rtp, &c.a.server, &k);
    rig_turn(&c.g);
    assert_int_equal(recv(c.a.rtp, c.a.data, sizeof(c.a.data), 0), -1);
    assert_int_equal(errno, ECONNREFUSED); /* nobody is there */
    call_fini(&c);
}

static void an_offer_that_is_refused_leaves_one_version(void **state)
{
    (void)state;
    static struct call c;
    memset(&c, 0, sizeof(c));
    rig_init(&c.g);
    phone_init(&c.a, &c.g, 7, 0, PROTECTION_OFF);
    phone_init(&c.b, &c.g, 7, 1, PROTECTION_OFF);
    c.a.wants_ice = c.a.rtcp_mux = true;
    c.a.other = address("::1");
    struct media_request rq = phone_request(&c.a, MEDIA_OP_OPEN | MEDIA_OP_LOCAL);
    RIG_EQ(rig_request(&c.g, &rq, SLICE_NONE)->status, 0);
    phone_take_reply(&c.a);
    c.g.text[c.g.reply.text_n] = '\0';
    take_cred(&c);
    assert_int_equal(rig_held_count(&c.g), held_of(&c.g, 1, 1));
    struct addr before = c.a.addr, server = c.a.server;
    go(&c, "::1");
    CHECKS(&c, STUN_SUCCESS, good(&c, true)); /* before the answer */
    c.a.addr = c.a.addr_rtcp = before;
    c.a.server = server;
    RIG_EQ(phone_answers(&c.a, 0, &c.a.policy, 0, 0, 0), 0);
    assert_int_equal(rig_held_count(&c.g), held_of(&c.g, 1, 0));
    assert_int_equal(stats_of(&c.a)->ice, MEDIA_ICE_NONE);
    call_fini(&c);
}

/* Per stream: another program has the port there. */
static void without_the_port_there_is_one_version(void **state)
{
    (void)state;
    static struct call c;
    struct rtp_candidate k;
    if (rig_is_shared)
        return;
    memset(&c, 0, sizeof(c));
    rig_memory(&c.g);
    c.g.cfg.port_max = (uint16_t)(c.g.cfg.port_min + 1);
    RIG_EQ(loop_new_virtual(1000000, &c.g.loop), 0);
    rig_start_role(&c.g);
    rig_attach(&c.g);
    int fd = rig_udp_at("::1", (uint16_t)(c.g.cfg.port_min + 1));
    assert_true(fd >= 0);
    phone_init(&c.a, &c.g, 7, 0, PROTECTION_OFF);
    phone_init(&c.b, &c.g, 7, 1, PROTECTION_OFF);
    c.a.lines = SLICE_LIT(PEER_LINES);
    c.a.rtcp_mux = true;
    c.a.other = address("::1");
    OFFER(&c, &c.a);
    assert_true(candidate_at(&c.g, 0, &k));
    assert_int_equal(addr_family(&k.addr), AF_INET);
    assert_false(candidate_at(&c.g, 1, &k));
    assert_int_equal(rig_held_count(&c.g), 2);
    CHECKS(&c, STUN_SUCCESS, good(&c, true));
    close(fd);
    call_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_are_of_both_versions),
        cmocka_unit_test(settings_say_which_addresses),
        cmocka_unit_test(a_pair_of_the_other_version_is_as_good),
        cmocka_unit_test(rtcp_has_a_pair_of_the_other_version),
        cmocka_unit_test(a_killed_role_knows_the_other_version),
        cmocka_unit_test(an_offer_that_is_refused_leaves_one_version),
        cmocka_unit_test(without_the_port_there_is_one_version),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
