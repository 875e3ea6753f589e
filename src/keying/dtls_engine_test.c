/* The handshake: what is believed, what is not, and what brings keys. */
#include "keying/dtls_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* OpenSSL asks this one for the time of its timers: ours, so that no test waits. */
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    (void)tz;
    tv->tv_sec = RIG_UNIX + (time_t)(rig_now / 1000);
    tv->tv_usec = (suseconds_t)(rig_now % 1000 * 1000);
    return 0;
}

static struct rig_end a, b; /* a offers and is the server, b answers and is the client */

static int set_up(void **state)
{
    (void)state;
    rig_pair(&a, &b);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_end_fini(&a);
    rig_end_fini(&b);
    return 0;
}

/* The earlier of both timers. False: none. */
static bool time_passes(void)
{
    uint64_t due = a.due && (!b.due || a.due < b.due) ? a.due : b.due;
    if (due == 0)
        return false;
    rig_now = due > rig_now ? due : rig_now;
    for (int i = 0; i < 2; i++) {
        struct rig_end *e = i ? &b : &a;
        if (e->due && e->due <= rig_now)
            keying_dtls.expired(e->engine, rig_now);
    }
    return true;
}

static void assert_secure(void)
{
    assert_true(a.secure > 0 && b.secure > 0);
    assert_true(keying_keys_eq(&a.s.tx, &b.s.rx) && keying_keys_eq(&a.s.rx, &b.s.tx));
    assert_false(keying_keys_eq(&a.s.tx, &a.s.rx));
    assert_false(keying_state_wants(&a.s, KEYING_RTP, true));
}

static void both_ends_get_keys(void **state)
{
    (void)state;
    rig_talk(&a, &b);
    assert_secure();
    assert_int_equal(a.secure, 1);
    assert_int_equal(b.secure, 1);
    assert_int_equal(a.s.tx.suite, SRTP_AEAD_AES_128_GCM);
}

static void the_policys_suites_are_the_ones(void **state)
{
    (void)state;
    rig_end_fini(&a);
    rig_end_fini(&b);
    rig_end_init(&a);
    rig_end_init(&b);
    a.peer = &b;
    b.peer = &a;
    a.p.suite_count = 2;
    a.p.suites[0] = SRTP_AES_256_CM_HMAC_SHA1_80; /* none of DTLS's */
    a.p.suites[1] = SRTP_AES_CM_128_HMAC_SHA1_32;
    assert_int_equal(rig_offers(&a), KEYING_OK);
    assert_int_equal(rig_offered(&b, a.text), KEYING_OK);
    assert_int_equal(rig_answered(&a, b.text), KEYING_OK);
    rig_start(&a);
    rig_start(&b);
    rig_talk(&a, &b);
    assert_secure();
    assert_int_equal(a.s.tx.suite, SRTP_AES_CM_128_HMAC_SHA1_32);
}

/* Each datagram is lost once, whichever it is. */
static void what_is_lost_comes_again(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 10; lost++) {
        if (lost > 0)
            rig_pair(&a, &b);
        unsigned count = 0;
        for (int i = 0; i < 200 && !(a.secure && b.secure); i++) {
            while (a.n || b.n) {
                struct rig_end *e = a.n ? &a : &b;
                struct rig_datagram d = e->in[0];
                memmove(e->in, e->in + 1, --e->n * sizeof(e->in[0]));
                if (count++ != lost)
                    keying_dtls.packet(e->engine, slice_from(d.b, d.n), rig_now);
            }
            if (!(a.secure && b.secure))
                assert_true(time_passes());
        }
        assert_secure();
        if (lost < 9) {
            rig_end_fini(&a);
            rig_end_fini(&b);
        }
    }
}

/* A server has no memory of anybody who has not repeated its cookie. */
static void a_hello_without_the_cookie_gets_a_short_question(void **state)
{
    (void)state;
    assert_int_equal(a.n, 1);
    struct rig_datagram hello = a.in[0];
    struct dtls_peek p;
    assert_int_equal(dtls_peek(slice_from(hello.b, hello.n), &p), DTLS_CONTENT_HELLO);
    assert_int_equal(p.cookie.n, 0);
    a.n = b.n = 0;
    for (int i = 0; i < 1000; i++) {
        hello.b[13 + 12 + 2 + i % 32] ^= (uint8_t)(i + 1); /* another random each time */
        keying_dtls.packet(a.engine, slice_from(hello.b, hello.n), rig_now);
        assert_int_equal(b.n, 1);
        assert_int_equal(b.in[0].n, DTLS_VERIFY_LEN);
        assert_true(b.in[0].n < hello.n); /* it amplifies nothing */
        b.n = 0;
    }
    assert_int_equal(a.due, 0);        /* nothing to send again */
    while (!a.secure && time_passes()) /* and the real one goes on */
        rig_talk(&a, &b);
    assert_secure();
}

static void a_wrong_cookie_is_none(void **state)
{
    (void)state;
    rig_hear(&a);
    rig_hear(&b); /* the hello with the cookie is out */
    assert_int_equal(a.n, 1);
    struct rig_datagram hello = a.in[0];
    struct dtls_peek p;
    assert_int_equal(dtls_peek(slice_from(hello.b, hello.n), &p), DTLS_CONTENT_HELLO);
    assert_int_equal(p.cookie.n, DTLS_COOKIE_LEN);
    hello.b[(const uint8_t *)p.cookie.p - (const uint8_t *)hello.b] ^= 1;
    a.n = 0;
    keying_dtls.packet(a.engine, slice_from(hello.b, hello.n), rig_now);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.in[0].n, DTLS_VERIFY_LEN);
}

static void the_wrong_certificate_fails_for_good(void **state)
{
    (void)state;
    struct rig_end *const ends[] = {&a, &b};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct rig_end *e = ends[i];
        if (i > 0) {
            rig_end_fini(&a);
            rig_end_fini(&b);
            rig_pair(&a, &b);
        }
        e->s.dtls.remote.digest[0][31] ^= 1;
        a.n = b.n = 0;
        rig_start(&a);
        rig_start(&b);
        rig_talk(&a, &b);
        assert_non_null(e->failed);
        assert_non_null(strstr(e->failed, "certificate"));
        assert_int_equal(e->secure, 0);
        assert_int_equal(e->s.tx.suite, SRTP_SUITE_NONE);
        assert_int_equal(e->due, 0);
        unsigned said = e->said;
        rig_start(e == &a ? &b : &a); /* it is not tried again */
        rig_talk(&a, &b);
        assert_int_equal(e->secure, 0);
        assert_true(e == &a ? e->said == said : true);
    }
}

static void one_of_several_fingerprints_will_do(void **state)
{
    (void)state;
    struct dtls_fingerprints *f = &a.s.dtls.remote;
    memcpy(f->digest[1], f->digest[0], sizeof(f->digest[0]));
    f->digest[0][0] ^= 1;
    f->count = 2;
    rig_start(&a);
    rig_talk(&a, &b);
    assert_secure();
}

/* Nobody has keys yet: an alert in clear is anybody's. */
static void alerts_in_clear_end_nothing(void **state)
{
    (void)state;
    static const uint8_t fatal[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
    for (int i = 0; i < 4; i++) {
        keying_dtls.packet(a.engine, slice_from(fatal, sizeof(fatal)), rig_now);
        keying_dtls.packet(b.engine, slice_from(fatal, sizeof(fatal)), rig_now);
        assert_non_null(strstr(keying_dtls.state(a.engine), "in common"));
        if (i == 0)
            rig_hear(&a);
        if (i == 1)
            rig_hear(&b);
    }
    rig_talk(&a, &b);
    assert_secure();
}

static void junk_ends_nothing(void **state)
{
    (void)state;
    static const uint8_t junk[][32] = {
        {22},
        {22, 254, 253},
        {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 200, 1}, /* longer than it is */
        {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0},      /* empty */
        {22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 19, 2},      /* TLS */
        {63, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 19},
        {20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 19, 1},
        {23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 19, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
        keying_dtls.packet(a.engine, slice_from(junk[i], sizeof(junk[i])), rig_now);
        keying_dtls.packet(b.engine, slice_from(junk[i], sizeof(junk[i])), rig_now);
        keying_dtls.packet(a.engine, slice_from(junk[i], 13), rig_now);
    }
    for (int i = 0; i < 100 && !(a.secure && b.secure); i++) {
        rig_talk(&a, &b);
        if (!(a.secure && b.secure))
            assert_true(time_passes());
    }
    assert_secure();
}

/* A forged message that breaks a handshake costs time, not the call. */
static void a_broken_handshake_is_begun_again(void **state)
{
    (void)state;
    /* a ServerHello that makes no sense */
    static const uint8_t forged[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 16, 2, 0,
                                     0,  4,   0,   0, 0, 0, 0, 0, 0, 4, 1, 2, 3,  4};
    for (int i = 0; i < 5; i++)
        keying_dtls.packet(b.engine, slice_from(forged, sizeof(forged)), rig_now);
    assert_null(b.failed);
    for (int i = 0; i < 100 && !(a.secure && b.secure); i++) {
        rig_talk(&a, &b);
        if (!(a.secure && b.secure))
            assert_true(time_passes());
    }
    assert_secure();
}

/* A phone that has lost everything, but is the same one by its certificate. */
static void a_new_handshake_from_the_same_peer_brings_new_keys(void **state)
{
    (void)state;
    rig_talk(&a, &b);
    assert_secure();
    const struct srtp_keys before = a.s.tx;
    b.s.done[KEYING_RTP] = 0;
    rig_start(&b);
    rig_talk(&a, &b);
    assert_int_equal(a.secure, 2);
    assert_secure();
    assert_false(keying_keys_eq(&before, &a.s.tx));
}

static void a_client_with_keys_says_nothing(void **state)
{
    (void)state;
    rig_talk(&a, &b);
    unsigned said = b.said;
    rig_start(&b); /* as after a restart of the process */
    rig_talk(&a, &b);
    assert_int_equal(b.said, said);
    assert_int_equal(a.secure, 1);
}

static void a_session_that_is_done_goes_after_a_while(void **state)
{
    (void)state;
    rig_talk(&a, &b);
    assert_int_equal(a.due, rig_now + DTLS_LINGER_MS);
    assert_int_equal(b.due, 0);
    assert_true(time_passes());
    assert_int_equal(a.due, 0);
    assert_secure();
}

static void who_never_answers_is_asked_again_and_again(void **state)
{
    (void)state;
    b.lose = true;
    uint64_t since = rig_now;
    while (rig_now - since < 600000)
        assert_true(time_passes());
    assert_null(b.failed);
    assert_in_range(b.said, 100, 200); /* every 4 s, in the end */
    b.lose = false;
    while (!(a.secure && b.secure) && time_passes())
        rig_talk(&a, &b);
    assert_secure();
}

static void a_certificate_that_is_gone_is_told(void **state)
{
    (void)state;
    struct keying_engine *e;
    const struct keying_engine_env env = {.local = &b.local};
    assert_int_equal(keying_dtls.start(&env, &a.s, KEYING_RTP, rig_now, &e), -ESTALE);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(both_ends_get_keys),
        CASE(the_policys_suites_are_the_ones),
        CASE(what_is_lost_comes_again),
        CASE(a_hello_without_the_cookie_gets_a_short_question),
        CASE(a_wrong_cookie_is_none),
        CASE(the_wrong_certificate_fails_for_good),
        CASE(one_of_several_fingerprints_will_do),
        CASE(alerts_in_clear_end_nothing),
        CASE(junk_ends_nothing),
        CASE(a_broken_handshake_is_begun_again),
        CASE(a_new_handshake_from_the_same_peer_brings_new_keys),
        CASE(a_client_with_keys_says_nothing),
        CASE(a_session_that_is_done_goes_after_a_while),
        CASE(who_never_answers_is_asked_again_and_again),
        CASE(a_certificate_that_is_gone_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
