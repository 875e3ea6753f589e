#include "media/rig.h"
#include "media/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_open_is_idempotent(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone p;
    rig_init(&g);
    phone_init(&p, &g, 7, 0, PROTECTION_REQUIRED);
    struct media_request rq = phone_request(&p, MEDIA_OP_OPEN);
    const struct media_reply *r = rig_request(&g, &rq, SLICE_NONE);
    assert_int_equal(r->status, MEDIA_STATUS_OK);
    uint64_t id = r->endpoint;
    uint16_t port = addr_port(&r->local_rtp);
    assert_true(id != 0);
    assert_int_equal(port % 2, 0);
    assert_int_equal(addr_port(&r->local_rtcp), port + 1);
    assert_false(r->protection.established);
    r = rig_request(&g, &rq, SLICE_NONE);
    assert_true(r->endpoint == id);
    assert_int_equal(addr_port(&r->local_rtp), port);
    assert_int_equal(media_role_endpoints(g.role), 1);
    assert_int_equal(rig_held_count(&g), rig_sockets_of(&g, 1));
    rq.stream = 1;
    assert_true(rig_request(&g, &rq, SLICE_NONE)->endpoint != id);
    assert_int_equal(media_role_endpoints(g.role), 2);

    rq = (struct media_request){.ops = MEDIA_OP_CLOSE, .endpoint = id};
    assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, MEDIA_STATUS_NO_ENDPOINT);
    assert_int_equal(rig_held_count(&g), rig_sockets_of(&g, 1));
    assert_int_equal(media_role_endpoints(g.role), 1);
    rq = phone_request(&p, MEDIA_OP_OPEN);
    assert_true(rig_request(&g, &rq, SLICE_NONE)->endpoint != id); /* never the same handle again */
    phone_fini(&p);
    rig_fini(&g);
}

static void test_ports_run_out(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone p;
    rig_init(&g);
    phone_init(&p, &g, 7, 0, PROTECTION_REQUIRED);
    struct media_request rq = phone_request(&p, MEDIA_OP_OPEN);
    for (uint16_t i = 0; i < g.cfg.max_endpoints; i++) {
        rq.stream = i;
        assert_int_equal(rig_request(&g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    }
    rq.stream = 99;
    const struct media_reply *r = rig_request(&g, &rq, SLICE_NONE);
    assert_int_equal(r->status, MEDIA_STATUS_NO_PORTS);
    assert_true(r->why[0] != '\0');
    phone_fini(&p);
    rig_fini(&g);
}

static void test_advertised_address(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone p;
    struct addr outside, any;
    rig_memory(&g);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.9"), 0, &outside), 0);
    assert_int_equal(addr_parse(SLICE_LIT("0.0.0.0"), 0, &any), 0);
    g.cfg.advertise4 = outside;
    g.cfg.bind4 = any;
    assert_int_equal(loop_new_virtual(1000, &g.loop), 0);
    rig_start_role(&g);
    rig_attach(&g);
    phone_init(&p, &g, 7, 0, PROTECTION_REQUIRED);
    struct media_request rq = phone_request(&p, MEDIA_OP_OPEN);
    const struct media_reply *r = rig_request(&g, &rq, SLICE_NONE);
    assert_int_equal(r->status, MEDIA_STATUS_OK);
    assert_true(addr_host_eq(&r->local_rtp, &outside));
    assert_true(addr_port(&r->local_rtp) >= g.cfg.port_min);
    phone_fini(&p);
    rig_fini(&g);
}

static void test_clear_offer_is_refused(void **state)
{
    (void)state;
    static struct rig g;
    static struct phone p;
    struct media_policy required = policy_make(PROTECTION_REQUIRED);
    rig_init(&g);
    phone_init(&p, &g, 7, 0, PROTECTION_OFF);
    assert_int_equal(phone_offers(&p, MEDIA_OP_OPEN, &required, NULL), MEDIA_STATUS_NOT_ENCRYPTED);
    assert_true(strlen(g.reply.why) > 10);
    /* What the request opened is closed again. */
    assert_true(g.reply.endpoint == 0);
    assert_int_equal(media_role_endpoints(g.role), 0);
    phone_fini(&p);
    phone_init(&p, &g, 8, 0, PROTECTION_REQUIRED);
    struct media_policy off = policy_make(PROTECTION_OFF);
    assert_int_equal(phone_offers(&p, MEDIA_OP_OPEN, &off, NULL), MEDIA_STATUS_ENCRYPTION_REFUSED);
    p.policy.suites[0] = SRTP_AEAD_AES_256_GCM;
    assert_int_equal(phone_offers(&p, MEDIA_OP_OPEN, &required, NULL),
                     MEDIA_STATUS_NO_COMMON_SUITE);
    phone_fini(&p);
    rig_fini(&g);
}

static void held(struct media_request *rq)
{
    rq->direction = MEDIA_INACTIVE;
    memset(&rq->remote_rtp, 0, sizeof(rq->remote_rtp));
}

static void test_check_changes_nothing(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_passes(&t.a, &t.b);
    assert_int_equal(phone_offers(&t.a, MEDIA_OP_CHECK, &t.a.policy, held), MEDIA_STATUS_OK);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    struct media_policy off = policy_make(PROTECTION_OFF);
    assert_int_equal(phone_offers(&t.a, MEDIA_OP_CHECK, &off, held),
                     MEDIA_STATUS_ENCRYPTION_REFUSED);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

static void as_clear(struct media_request *rq)
{
    rq->proto = MEDIA_PROTO_AVP;
    rq->text_n = 0;
}

static void test_refused_reoffer_changes_nothing(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    struct media_request rq = phone_request(&t.a, MEDIA_OP_REMOTE);
    rq.is_offer = true;
    held(&rq);
    as_clear(&rq);
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_DOWNGRADE);
    rq.policy.protection = PROTECTION_PREFERRED; /* nor by a policy that has become softer */
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_DOWNGRADE);
    /* A REMOTE that is fine with a CONNECT that is not. */
    rq = phone_request(&t.a, MEDIA_OP_CONNECT);
    rq.mode = MEDIA_MODE_RELAY;
    rq.peer = 0x7777777700000001;
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_NO_ENDPOINT);
    rq.peer = t.a.endpoint;
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

static void test_remote_with_bad_connect_changes_nothing(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    char text[MEDIA_TEXT_MAX];
    struct keying_state next = {0};
    size_t n = phone_offer_text(&t.a, text, sizeof(text), &next);
    struct media_request rq = phone_request(&t.a, MEDIA_OP_REMOTE | MEDIA_OP_CONNECT);
    rq.is_offer = true;
    rq.mode = MEDIA_MODE_RELAY;
    rq.peer = 12345;
    held(&rq);
    assert_int_equal(rig_request(&t.g, &rq, slice_from(text, n))->status, MEDIA_STATUS_NO_ENDPOINT);
    assert_passes(&t.a, &t.b);
    assert_passes(&t.b, &t.a);
    two_fini(&t);
}

static void test_senseless_requests(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    struct media_request rqs[9];
    for (size_t i = 0; i < ARRAY_LEN(rqs); i++)
        rqs[i] = phone_request(&t.a, MEDIA_OP_REMOTE | MEDIA_OP_CONNECT);
    rqs[0].codec_count = MEDIA_CODEC_MAX + 1;
    rqs[1].proto = MEDIA_PROTO_COUNT;
    rqs[2].mode = MEDIA_MODE_CLOCK + 1;
    rqs[3].direction = MEDIA_INACTIVE + 1;
    rqs[4].policy.keying_count = KEYING_COUNT + 1;
    rqs[5].policy.protection = PROTECTION_POLICY_COUNT;
    rqs[6].remote_rtp.sa.sa_family = AF_UNIX;
    memset(&rqs[7].is_offer, 2, 1);
    rqs[8].policy.suites[0] = SRTP_SUITE_COUNT;
    for (size_t i = 0; i < ARRAY_LEN(rqs); i++)
        assert_int_equal(rig_request(&t.g, &rqs[i], SLICE_NONE)->status, MEDIA_STATUS_FAILED);
    /* Messages that are no request at all get no answer, and do no harm. */
    log_to_fd(open("/dev/null", O_WRONLY));
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_REQUEST, "short", 5, NULL, 0), 0);
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_REPLY, "", 0, NULL, 0), 0);
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_KEEP, "x", 1, NULL, 0), 0);
    struct media_request rq = {.ops = MEDIA_OP_OPEN, .size = sizeof(rq), .text_n = 4};
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_REQUEST, &rq, sizeof(rq), NULL, 0), 0);
    static const uint32_t sizes[] = {0, offsetof(struct media_request, policy) - 1, sizeof(rq) + 1};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        static const char more[1];
        rq = (struct media_request){.ops = MEDIA_OP_OPEN, .size = sizes[i]};
        assert_int_equal(ipc_send2(t.g.chan, MEDIA_MSG_REQUEST, &rq, i < 2 ? sizes[i] : sizeof(rq),
                                   more, i < 2 ? 0 : 1),
                         0);
    }
    rig_turn(&t.g);
    log_to_fd(2);
    assert_passes(&t.a, &t.b);
    two_fini(&t);
}

/* What is left away at the end is zero for the reader; what is said is there. */
static void test_requests_are_as_long_as_they_say(void **state)
{
    (void)state;
    struct media_request rq = {.ops = MEDIA_OP_CLOSE, .endpoint = 7, .codec_count = 2}, got;
    struct slice text;
    size_t n = media_request_size(&rq);
    assert_int_equal(n, offsetof(struct media_request, policy));
    rq.size = (uint32_t)n;
    memset(&got, 0xff, sizeof(got));
    assert_true(media_request_take(&rq, n, &got, &text));
    assert_true(got.endpoint == 7 && got.codec_count == 0 && text.n == 0);
    assert_false(media_request_take(&rq, n - 1, &got, &text));

    rq.ops = MEDIA_OP_REMOTE;
    rq.policy = policy_make(PROTECTION_REQUIRED);
    rq.codecs[1].clock = 8000;
    n = media_request_size(&rq);
    assert_int_equal(n, offsetof(struct media_request, codecs[2]));
    rq.size = (uint32_t)n;
    assert_true(media_request_take(&rq, n, &got, &text));
    assert_int_equal(got.codecs[1].clock, 8000);
    assert_int_equal(got.mikey.psk_n, 0);

    rq.policy.keyings[0] = KEYING_MIKEY;
    assert_int_equal(media_request_size(&rq), sizeof(rq));
}

static void test_sweep(void **state)
{
    (void)state;
    static struct two t;
    static struct phone lost;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    phone_init(&lost, &t.g, 9, 0, PROTECTION_REQUIRED);
    assert_int_equal(phone_offers(&lost, MEDIA_OP_OPEN, &lost.policy, NULL), 0);
    assert_int_equal(media_role_endpoints(t.g.role), 3);

    rig_attach(&t.g); /* signalling was restarted and remembers one call */
    uint64_t keep[] = {t.a.endpoint, t.b.endpoint, 0x1234};
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_SWEEP_BEGIN, NULL, 0, NULL, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(keep); i++)
        assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_KEEP, &keep[i], 8, NULL, 0), 0);
    assert_passes(&t.a, &t.b);
    /* What is opened in between is no orphan. */
    struct media_request rq = phone_request(&lost, MEDIA_OP_OPEN);
    rq.call = 10;
    uint64_t id = rig_request(&t.g, &rq, SLICE_NONE)->endpoint;
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_SWEEP_END, NULL, 0, NULL, 0), 0);
    rig_turn(&t.g);
    assert_int_equal(media_role_endpoints(t.g.role), 3);
    rq = (struct media_request){.ops = MEDIA_OP_CLOSE, .endpoint = id};
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    rq.endpoint = lost.endpoint;
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_NO_ENDPOINT);
    assert_passes(&t.a, &t.b);
    phone_fini(&lost);
    two_fini(&t);
}

static void test_an_end_without_a_beginning_sweeps_nothing(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_SWEEP_BEGIN, NULL, 0, NULL, 0), 0);
    rig_turn(&t.g);
    rig_attach(&t.g); /* signalling died while it swept */
    assert_int_equal(ipc_send(t.g.chan, MEDIA_MSG_SWEEP_END, NULL, 0, NULL, 0), 0);
    rig_turn(&t.g);
    assert_int_equal(media_role_endpoints(t.g.role), 2);
    two_fini(&t);
}

static void test_disconnect_and_other_peer(void **state)
{
    (void)state;
    static struct two t;
    static struct phone c;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_REQUIRED);
    struct media_request rq = phone_request(&t.a, MEDIA_OP_CONNECT);
    rq.mode = MEDIA_MODE_RELAY; /* peer 0 */
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    assert_stays(&t.a, &t.b);
    assert_stays(&t.b, &t.a);
    rq.peer = t.b.endpoint;
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    assert_passes(&t.a, &t.b);
    /* Another fork answers: the first is not heard any more. */
    phone_init(&c, &t.g, 7, 2, PROTECTION_REQUIRED);
    assert_int_equal(phone_answers(&c, MEDIA_OP_OPEN, &c.policy, MEDIA_OP_CONNECT, MEDIA_MODE_RELAY,
                                   t.a.endpoint),
                     0);
    assert_passes(&t.a, &c);
    assert_passes(&c, &t.a);
    assert_stays(&t.b, &t.a);
    assert_stays(&t.b, &c);
    rq = phone_request(&c, MEDIA_OP_CLOSE);
    assert_int_equal(rig_request(&t.g, &rq, SLICE_NONE)->status, MEDIA_STATUS_OK);
    assert_int_equal(phone_hear(&c), 0);
    phone_say(&t.a, 1); /* to nobody, without harm */
    phone_fini(&c);
    two_fini(&t);
}

static void test_secure_event(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_REQUIRED, PROTECTION_OFF);
    rig_turn(&t.g);
    assert_int_equal(t.g.events_n, 1); /* the leg in clear has none */
    assert_int_equal(t.g.events[0].kind, MEDIA_EVENT_SECURE);
    assert_true(t.g.events[0].endpoint == t.a.endpoint);
    assert_int_equal(t.g.events[0].call, 7);
    assert_true(t.g.events[0].protection.established);
    two_fini(&t);
}

static void test_wrong_config(void **state)
{
    (void)state;
    static struct rig g;
    const struct media_role_ops ops = {.hold = rig_hold, .unhold = rig_unhold, .arg = &g};
    struct media_role *r = NULL;
    rig_memory(&g);
    assert_int_equal(loop_new_virtual(1000, &g.loop), 0);
    struct media_config c = g.cfg;
    c.port_max = c.port_min;
    assert_int_equal(media_role_new(g.loop, &c, g.state_fd, g.stats_fd, &ops, &r), -EINVAL);
    c = g.cfg;
    c.max_endpoints = 17; /* more than the memfds have room for */
    assert_int_equal(media_role_new(g.loop, &c, g.state_fd, g.stats_fd, &ops, &r), -EINVAL);
    c.max_endpoints = 0;
    assert_int_equal(media_role_new(g.loop, &c, g.state_fd, g.stats_fd, &ops, &r), -EINVAL);
    c = g.cfg;
    c.gather_ms = MEDIA_GATHER_MS_MAX + 1;
    assert_int_equal(media_role_new(g.loop, &c, g.state_fd, g.stats_fd, &ops, &r), -EINVAL);
    c = g.cfg;
    c.bind4.sa.sa_family = AF_INET6;
    assert_int_equal(media_role_new(g.loop, &c, g.state_fd, g.stats_fd, &ops, &r), -EINVAL);
    rig_fini(&g);
}

/* Whether a wake-up of the last millisecond was to be followed by a wait. */
static bool gathers_at(struct two *t, unsigned per_ms, unsigned ms)
{
    uint8_t pkt[256];
    bool gathers = false;
    for (unsigned i = 0; i < ms; i++) {
        for (unsigned j = 0; j < per_ms; j++)
            phone_put(&t->a, pkt, phone_make_rtp(&t->a, pkt, 1));
        gathers = false;
        for (unsigned j = 0; j < per_ms; j++) {
            RIG_EQ(loop_once(t->g.loop, 0), 0);
            gathers |= loop_gathers(t->g.loop);
        }
        while (phone_hear(&t->b))
            continue;
        loop_advance(t->g.loop, 1);
    }
    return gathers;
}

static void test_packets_are_gathered_under_load(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, PROTECTION_OFF, PROTECTION_OFF);
    assert_false(gathers_at(&t, 1, 3 * MEDIA_LOAD_MS));
    assert_true(gathers_at(&t, MEDIA_GATHER_MIN, 3 * MEDIA_LOAD_MS));
    assert_false(gathers_at(&t, 1, 3 * MEDIA_LOAD_MS));
    two_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_is_idempotent),
        cmocka_unit_test(test_ports_run_out),
        cmocka_unit_test(test_advertised_address),
        cmocka_unit_test(test_clear_offer_is_refused),
        cmocka_unit_test(test_check_changes_nothing),
        cmocka_unit_test(test_refused_reoffer_changes_nothing),
        cmocka_unit_test(test_remote_with_bad_connect_changes_nothing),
        cmocka_unit_test(test_senseless_requests),
        cmocka_unit_test(test_requests_are_as_long_as_they_say),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_an_end_without_a_beginning_sweeps_nothing),
        cmocka_unit_test(test_disconnect_and_other_peer),
        cmocka_unit_test(test_secure_event),
        cmocka_unit_test(test_wrong_config),
        cmocka_unit_test(test_packets_are_gathered_under_load),
    };
    return RIG_RUN_BOTH_WAYS(tests);
}
