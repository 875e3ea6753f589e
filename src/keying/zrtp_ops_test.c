/* ZRTP in descriptions, and the engines that follow from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "keying/negotiate.h"
#include "keying/zrtp_engine.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcdef"
#define LINE "a=zrtp-hash:1.10 " HASH "\r\n"

static struct zrtp_local locals[2] = {{.zid = "zid of one.."}, {.zid = "zid of two.."}};
static struct keying_local local[2];

static struct keying_policy policy(int side, enum protection_policy protection)
{
    local[side].zrtp = &locals[side];
    return (struct keying_policy){.protection = (uint8_t)protection,
                                  .keying_count = 1,
                                  .keyings = {KEYING_ZRTP},
                                  .local = &local[side]};
}

/* One end: its state, and its engine with what that says. */
struct end {
    struct keying_policy policy;
    struct keying_state s;
    struct keying_engine *engine;
    struct end *peer;
    struct {
        size_t n;
        uint8_t b[512];
    } queue[64];
    size_t head, tail;
    uint64_t due;
    int secure, failed;
    const char *why;
    struct keying_yield yield;
};

static struct end ends[2];
static uint64_t now;

static void on_send(void *arg, const void *packet, size_t n)
{
    struct end *to = ((struct end *)arg)->peer;

    assert_true(n <= sizeof(to->queue[0].b));
    memcpy(to->queue[to->tail % 64].b, packet, n);
    to->queue[to->tail++ % 64].n = n;
}

static void on_timer(void *arg, uint64_t due)
{
    ((struct end *)arg)->due = due;
}

static void on_secure(void *arg, const struct keying_yield *y)
{
    struct end *e = arg;

    e->secure++;
    e->yield = *y;
    assert_true(keying_state_take(&e->s, KEYING_RTP, e->s.wanted, y));
}

static void on_failed(void *arg, enum keying_fault f, const char *why)
{
    (void)f;
    struct end *e = arg;

    e->failed++;
    e->why = why;
}

static void begin(struct end *e)
{
    const struct keying_engine_env env = {.arg = e,
                                          .local = e->policy.local,
                                          .send = on_send,
                                          .timer = on_timer,
                                          .secure = on_secure,
                                          .failed = on_failed};

    assert_int_equal(keying_zrtp.start(&env, &e->s, KEYING_RTP, now, &e->engine), 0);
}

static void run(uint64_t ms)
{
    for (uint64_t end = now + ms; now < end; now++) {
        for (size_t i = 0; i < 2; i++) {
            struct end *e = &ends[i];
            while (e->head != e->tail) {
                size_t at = e->head++ % 64;
                if (!e->engine)
                    continue;
                keying_zrtp.packet(e->engine, slice_from(e->queue[at].b, e->queue[at].n), now);
            }
            if (e->due && now >= e->due) {
                e->due = 0;
                keying_zrtp.expired(e->engine, now);
            }
        }
    }
}

static int setup(void **state)
{
    (void)state;
    memset(ends, 0, sizeof(ends));
    for (int i = 0; i < 2; i++) {
        ends[i].policy = policy(i, PROTECTION_REQUIRED);
        ends[i].peer = &ends[1 - i];
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        ends[i].engine = ends[i].engine ? keying_zrtp.free(ends[i].engine) : NULL;
    return 0;
}

/* 0 offers, 1 answers. */
static void describe(void)
{
    char offer[256], answer[256];
    struct buf o = buf_over(offer, sizeof(offer)), a = buf_over(answer, sizeof(answer));
    struct keying_state next;
    struct keying_result r;

    assert_int_equal(keying_local_offer(&ends[0].s, &ends[0].policy, &o, &next, &r), 0);
    assert_int_equal(r.proto, KEYING_AVP);
    ends[0].s = next;
    assert_true(slice_starts_with(buf_slice(&o), SLICE_LIT("a=zrtp-hash:1.10 ")));
    assert_int_equal(o.n, sizeof("a=zrtp-hash:1.10 ") - 1 + 64 + 2);
    assert_int_equal(
        keying_remote_offer(&ends[1].s, &ends[1].policy, KEYING_AVP, buf_slice(&o), &a, &next, &r),
        0);
    assert_true(r.encrypted);
    ends[1].s = next;
    assert_int_equal(
        keying_remote_answer(&ends[0].s, &ends[0].policy, KEYING_AVP, buf_slice(&a), &next, &r), 0);
    ends[0].s = next;
}

static void descriptions_lead_to_keys(void **state)
{
    (void)state;
    struct media_protection p;

    describe();
    assert_true(keying_state_wants(&ends[0].s, KEYING_RTP, false));
    assert_false(keying_state_rtcp_apart(&ends[0].s, false));
    begin(&ends[0]);
    begin(&ends[1]);
    run(500);
    assert_int_equal(ends[0].secure, 1);
    assert_int_equal(ends[1].secure, 1);
    assert_true(keying_keys_eq(&ends[0].s.tx, &ends[1].s.rx));
    assert_true(keying_keys_eq(&ends[0].s.rx, &ends[1].s.tx));
    assert_string_equal(ends[0].s.sas, ends[1].s.sas);
    assert_false(keying_state_wants(&ends[0].s, KEYING_RTP, false));
    keying_state_protection(&ends[0].s, &p);
    assert_true(p.established);
    assert_int_equal(p.keying, KEYING_ZRTP);
    assert_string_equal(p.agreement, "X255");
    assert_int_equal(strlen(p.sas), 4);
}

/* A re-INVITE says the same again: nothing is asked for, and the keys stay. */
static void the_same_again_changes_nothing(void **state)
{
    (void)state;
    describe();
    begin(&ends[0]);
    begin(&ends[1]);
    run(500);
    struct srtp_keys before = ends[0].s.tx;
    describe();
    for (int i = 0; i < 2; i++)
        assert_false(keying_state_wants(&ends[i].s, KEYING_RTP, false));
    assert_true(keying_keys_eq(&before, &ends[0].s.tx));
}

static void another_hello_of_the_peer_is_another_exchange(void **state)
{
    (void)state;
    describe();
    begin(&ends[0]);
    begin(&ends[1]);
    run(500);
    teardown(NULL);
    struct srtp_keys before = ends[1].s.tx;
    char first[ZRTP_IMAGE_LEN];
    memcpy(first, ends[1].s.zrtp.h0, sizeof(first));
    ends[0].s.zrtp.has_self = false; /* as a phone that has forgotten */
    describe();
    assert_true(keying_state_wants(&ends[1].s, KEYING_RTP, false));
    assert_true(keying_keys_eq(&before, &ends[1].s.tx)); /* until the new ones are there */
    assert_memory_not_equal(first, ends[1].s.zrtp.h0, sizeof(first));
    begin(&ends[0]);
    begin(&ends[1]);
    run(500);
    assert_false(keying_keys_eq(&before, &ends[1].s.tx));
    assert_true(keying_keys_eq(&ends[0].s.tx, &ends[1].s.rx));
}

static void a_hello_that_was_not_announced_gives_no_keys(void **state)
{
    (void)state;
    describe();
    ends[1].s.zrtp.peer_hash[5] ^= 1;
    begin(&ends[0]);
    begin(&ends[1]);
    run(20000);
    assert_int_equal(ends[0].secure + ends[1].secure, 0);
    assert_non_null(strstr(keying_zrtp.state(ends[1].engine), "ZRTP Hello"));
    assert_non_null(strstr(keying_zrtp.state(ends[1].engine), "description"));
}

/* Whatever anybody may send or withhold is tried again: the peer comes late, and all is well. */
static void a_peer_that_comes_late_is_met(void **state)
{
    (void)state;
    describe();
    begin(&ends[0]);
    run(30000); /* it is not there */
    assert_string_equal(keying_zrtp.state(ends[0].engine), "the peer does not answer ZRTP");
    begin(&ends[1]);
    run(3000);
    assert_int_equal(ends[0].secure + ends[1].secure, 2);
    assert_int_equal(ends[0].failed + ends[1].failed, 0);
}

static void suites_of_the_policy_and_no_others(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ends[i].policy.suite_count = 1;
        ends[i].policy.suites[0] = SRTP_AES_CM_128_HMAC_SHA1_32;
    }
    describe();
    begin(&ends[0]);
    begin(&ends[1]);
    run(500);
    assert_int_equal(ends[0].s.tx.suite, SRTP_AES_CM_128_HMAC_SHA1_32);
    /* GCM cannot be had by ZRTP: then it is not offered */
    struct keying_policy p = ends[0].policy;
    p.suites[0] = SRTP_AEAD_AES_128_GCM;
    assert_false(keying_zrtp.usable(&p));
}

static int offer_to(const struct keying_policy *p, const char *text, struct keying_result *r)
{
    char answer[256];
    struct buf a = buf_over(answer, sizeof(answer));
    struct keying_state s = {0}, next;

    return keying_remote_offer(&s, p, KEYING_AVP, slice_from_str(text), &a, &next, r);
}

static void what_offers_may_say(void **state)
{
    (void)state;
    struct keying_policy p = policy(0, PROTECTION_REQUIRED);
    struct keying_result r;

    assert_int_equal(offer_to(&p, LINE, &r), KEYING_OK);
    assert_int_equal(offer_to(&p, "a=zrtp-hash:1.00 " HASH "\r\n" LINE, &r), KEYING_OK);
    assert_int_equal(offer_to(&p, "a=zrtp-hash:2.00 " HASH "\r\n", &r), KEYING_BAD_TEXT);
    assert_string_equal(r.why, "the peer announces another version of ZRTP");
    assert_int_equal(offer_to(&p, "a=zrtp-hash:1.10 0123\r\n", &r), KEYING_BAD_TEXT);
    assert_string_equal(r.why, "the peer's a=zrtp-hash cannot be read");
    /* nothing said: tried where nothing else can be meant, and nowhere else */
    assert_int_equal(offer_to(&p, "", &r), KEYING_OK);
    assert_true(r.encrypted);
    p.keyings[p.keying_count++] = KEYING_SDES;
    assert_int_equal(offer_to(&p, "", &r), KEYING_NOT_ENCRYPTED);
    p.protection = PROTECTION_PREFERRED;
    assert_int_equal(offer_to(&p, "", &r), KEYING_OK);
    assert_false(r.encrypted);
    /* without an identifier there is no ZRTP */
    p = policy(0, PROTECTION_REQUIRED);
    p.local = NULL;
    assert_int_equal(offer_to(&p, LINE, &r), KEYING_NO_COMMON_KEYING);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(descriptions_lead_to_keys),
        T(the_same_again_changes_nothing),
        T(another_hello_of_the_peer_is_another_exchange),
        T(a_hello_that_was_not_announced_gives_no_keys),
        T(a_peer_that_comes_late_is_met),
        T(suites_of_the_policy_and_no_others),
        T(what_offers_may_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
