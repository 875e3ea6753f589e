#include "crypto/dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/time.h>
#include <cmocka.h>

#include "crypto/dtls_internal.h"

#define NOW 1700000000u

/* OpenSSL asks this one for the time of its timers: ours, so that no test waits. */
static uint64_t clock_us = (uint64_t)NOW * 1000000;

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    (void)tz;
    tv->tv_sec = (time_t)(clock_us / 1000000);
    tv->tv_usec = (suseconds_t)(clock_us % 1000000);
    return 0;
}

/* --- two ends and what is between them --------------------------------------------------------- */

#define QUEUE 32

struct end {
    struct crypto_dtls *dtls;
    struct crypto_dtls_session *s;
    struct end *peer;
    int verdict;
    bool lose; /* what it says now */
    size_t said, longest;
    size_t n; /* datagrams that have come */
    struct {
        size_t n;
        uint8_t b[2048];
    } in[QUEUE];
};

static void end_send(void *arg, const void *p, size_t n)
{
    struct end *e = arg;
    e->said++;
    e->longest = n > e->longest ? n : e->longest;
    if (e->lose)
        return;
    assert_true(e->peer->n < QUEUE && n <= sizeof(e->peer->in[0].b));
    memcpy(e->peer->in[e->peer->n].b, p, n);
    e->peer->in[e->peer->n++].n = n;
}

static void end_init(struct end *e, struct end *peer, bool is_client, const uint8_t *suites,
                     size_t count)
{
    struct crypto_dtls_identity id;
    memset(e, 0, sizeof(*e));
    e->peer = peer;
    e->verdict = CRYPTO_DTLS_MORE;
    assert_int_equal(crypto_dtls_identity_new(NOW, &id), 0);
    assert_int_equal(crypto_dtls_new(&id, &e->dtls), 0);
    struct crypto_dtls_config cfg = {
        .is_client = is_client, .suite_count = count, .send = end_send, .arg = e};
    memcpy(cfg.suites, suites, count);
    assert_int_equal(crypto_dtls_session_new(e->dtls, &cfg, &e->s), 0);
}

static void end_fini(struct end *e)
{
    crypto_dtls_free(e->dtls);
    crypto_dtls_session_free(e->s);
}

static void end_hear(struct end *e)
{
    size_t n = e->n;
    for (size_t i = 0; i < n; i++)
        e->verdict = crypto_dtls_session_feed(e->s, slice_from(e->in[i].b, e->in[i].n));
    memmove(e->in, e->in + n, (e->n - n) * sizeof(e->in[0]));
    e->n -= n;
}

static void talk(struct end *a, struct end *b)
{
    while (a->n || b->n) {
        end_hear(b);
        end_hear(a);
    }
}

static const uint8_t gcm[] = {SRTP_AEAD_AES_128_GCM};
static const uint8_t many[] = {SRTP_AEAD_AES_256_GCM, SRTP_AES_CM_128_HMAC_SHA1_80,
                               SRTP_AES_CM_128_HMAC_SHA1_32};

struct two {
    struct end c, s;
};

static void two_init(struct two *t, const uint8_t *client, size_t client_n, const uint8_t *server,
                     size_t server_n)
{
    end_init(&t->c, &t->s, true, client, client_n);
    end_init(&t->s, &t->c, false, server, server_n);
    t->c.verdict = crypto_dtls_session_start(t->c.s);
}

static void two_fini(struct two *t)
{
    end_fini(&t->c);
    end_fini(&t->s);
}

static void assert_same_keys(const struct two *t, enum srtp_suite suite)
{
    struct srtp_keys ct, cr, st, sr;
    assert_int_equal(crypto_dtls_session_keys(t->c.s, &ct, &cr), 0);
    assert_int_equal(crypto_dtls_session_keys(t->s.s, &st, &sr), 0);
    assert_int_equal(ct.suite, suite);
    assert_int_equal(ct.master.n,
                     srtp_suite_info(suite)->key_len + srtp_suite_info(suite)->salt_len);
    assert_memory_equal(ct.master.b, sr.master.b, ct.master.n);
    assert_memory_equal(cr.master.b, st.master.b, ct.master.n);
    assert_memory_not_equal(ct.master.b, cr.master.b, ct.master.n);
}

/* --- handshakes -------------------------------------------------------------------------------- */

static void both_ends_get_the_same_keys(void **state)
{
    (void)state;
    static const enum srtp_suite suites[] = {SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM,
                                             SRTP_AES_CM_128_HMAC_SHA1_80,
                                             SRTP_AES_CM_128_HMAC_SHA1_32};
    static struct two t;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        const uint8_t one = (uint8_t)suites[i];
        assert_true(crypto_dtls_has_profile(suites[i]));
        two_init(&t, &one, 1, &one, 1);
        talk(&t.c, &t.s);
        assert_int_equal(t.c.verdict, CRYPTO_DTLS_DONE);
        assert_int_equal(t.s.verdict, CRYPTO_DTLS_DONE);
        assert_same_keys(&t, suites[i]);
        assert_true(t.c.longest <= CRYPTO_DTLS_MTU && t.s.longest <= CRYPTO_DTLS_MTU);
        two_fini(&t);
    }
    assert_false(crypto_dtls_has_profile(SRTP_AES_256_CM_HMAC_SHA1_80));
}

static void the_server_chooses_among_what_both_have(void **state)
{
    (void)state;
    static struct two t;
    static const uint8_t server[] = {SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_AEAD_AES_256_GCM};
    two_init(&t, many, sizeof(many), server, sizeof(server));
    talk(&t.c, &t.s);
    assert_same_keys(&t, SRTP_AES_CM_128_HMAC_SHA1_32);
    two_fini(&t);
}

static void without_a_profile_in_common_there_are_no_keys(void **state)
{
    (void)state;
    static struct two t;
    struct srtp_keys tx, rx;
    two_init(&t, gcm, sizeof(gcm), many, sizeof(many));
    talk(&t.c, &t.s);
    assert_int_equal(t.c.verdict, CRYPTO_DTLS_FAILED);
    assert_int_equal(t.s.verdict, CRYPTO_DTLS_FAILED);
    assert_non_null(strstr(crypto_dtls_session_why(t.s.s), "SRTP profile"));
    assert_int_equal(crypto_dtls_session_keys(t.s.s, &tx, &rx), -EPROTO);
    two_fini(&t);
}

static void a_suite_that_dtls_has_not_is_refused(void **state)
{
    (void)state;
    struct crypto_dtls_identity id;
    struct crypto_dtls *d;
    struct crypto_dtls_session *s;
    const struct crypto_dtls_config cfg = {.suite_count = 1,
                                           .suites = {SRTP_AES_256_CM_HMAC_SHA1_80}};
    assert_int_equal(crypto_dtls_identity_new(NOW, &id), 0);
    assert_int_equal(crypto_dtls_new(&id, &d), 0);
    assert_int_equal(crypto_dtls_session_new(d, &cfg, &s), -EINVAL);
    crypto_dtls_free(d);
}

/* RFC 5763 s.6.7.3: the digest is of the certificate that the peer showed, by every hash. */
static void each_end_sees_the_others_certificate(void **state)
{
    (void)state;
    static const size_t lens[] = {20, 28, 32, 48, 64};
    static struct two t;
    uint8_t digest[CRYPTO_DTLS_DIGEST_MAX];
    two_init(&t, gcm, sizeof(gcm), gcm, sizeof(gcm));
    assert_int_equal(crypto_dtls_session_peer(t.s.s, CRYPTO_DTLS_SHA256, digest), 0);
    talk(&t.c, &t.s);
    assert_int_equal(crypto_dtls_session_peer(t.s.s, CRYPTO_DTLS_SHA256, digest), 32);
    assert_memory_equal(digest, crypto_dtls_digest(t.c.dtls), 32);
    assert_int_equal(crypto_dtls_session_peer(t.c.s, CRYPTO_DTLS_SHA256, digest), 32);
    assert_memory_equal(digest, crypto_dtls_digest(t.s.dtls), 32);
    for (size_t i = 0; i < CRYPTO_DTLS_HASH_COUNT; i++) {
        assert_int_equal(crypto_dtls_session_peer(t.c.s, (enum crypto_dtls_hash)i, digest),
                         lens[i]);
        assert_int_equal(crypto_dtls_hash_len((enum crypto_dtls_hash)i), lens[i]);
    }
    two_fini(&t);
}

static void hashes_have_names(void **state)
{
    (void)state;
    enum crypto_dtls_hash h;
    assert_int_equal(crypto_dtls_hash_parse(SLICE_LIT("SHA-256"), &h), 0);
    assert_int_equal(h, CRYPTO_DTLS_SHA256);
    assert_int_equal(crypto_dtls_hash_parse(SLICE_LIT("sha-1"), &h), 0);
    assert_int_equal(h, CRYPTO_DTLS_SHA1);
    assert_int_equal(crypto_dtls_hash_parse(SLICE_LIT("md5"), &h), -EINVAL);
    assert_int_equal(crypto_dtls_hash_parse(SLICE_LIT("md2"), &h), -EINVAL);
}

/* --- loss -------------------------------------------------------------------------------------- */

static void lost_flights_are_sent_again(void **state)
{
    (void)state;
    static struct two t;
    uint64_t ms;
    two_init(&t, gcm, sizeof(gcm), gcm, sizeof(gcm));
    t.s.n = 0; /* the ClientHello is lost */
    assert_true(crypto_dtls_session_due(t.c.s, &ms));
    assert_in_range(ms, CRYPTO_DTLS_FIRST_MS - 20, CRYPTO_DTLS_FIRST_MS + 1);
    size_t said = t.c.said;
    assert_int_equal(crypto_dtls_session_expired(t.c.s), CRYPTO_DTLS_MORE);
    assert_int_equal(t.c.said, said); /* not before its time */
    clock_us += CRYPTO_DTLS_FIRST_MS * 1000;
    assert_int_equal(crypto_dtls_session_expired(t.c.s), CRYPTO_DTLS_MORE);
    assert_true(t.c.said > said);
    t.s.lose = true; /* the server's flight */
    end_hear(&t.s);
    t.s.lose = false;
    assert_int_equal(t.c.n, 0);
    clock_us += CRYPTO_DTLS_FIRST_MS * 1000;
    assert_int_equal(crypto_dtls_session_expired(t.s.s), CRYPTO_DTLS_MORE);
    talk(&t.c, &t.s);
    assert_int_equal(t.c.verdict, CRYPTO_DTLS_DONE);
    assert_same_keys(&t, SRTP_AEAD_AES_128_GCM);
    two_fini(&t);
}

/* RFC 6347 s.4.2.4: the server's Finished is the last word, so the client's comes again. */
static void a_lost_last_flight_is_sent_again_when_asked_for(void **state)
{
    (void)state;
    static struct two t;
    two_init(&t, gcm, sizeof(gcm), gcm, sizeof(gcm));
    end_hear(&t.s);
    end_hear(&t.c);
    t.s.lose = true;
    end_hear(&t.s);
    t.s.lose = false;
    assert_int_equal(t.s.verdict, CRYPTO_DTLS_DONE);
    assert_int_equal(t.c.verdict, CRYPTO_DTLS_MORE);
    clock_us += CRYPTO_DTLS_FIRST_MS * 1000;
    assert_int_equal(crypto_dtls_session_expired(t.c.s), CRYPTO_DTLS_MORE);
    talk(&t.c, &t.s);
    assert_int_equal(t.c.verdict, CRYPTO_DTLS_DONE);
    assert_same_keys(&t, SRTP_AEAD_AES_128_GCM);
    two_fini(&t);
}

static void waiting_doubles_and_ends(void **state)
{
    (void)state;
    static struct two t;
    uint64_t ms, last = 0;
    int verdict = CRYPTO_DTLS_MORE;
    unsigned rounds = 0;
    two_init(&t, gcm, sizeof(gcm), gcm, sizeof(gcm));
    t.c.lose = true;
    while (verdict == CRYPTO_DTLS_MORE && rounds++ < 50) {
        assert_true(crypto_dtls_session_due(t.c.s, &ms));
        assert_true(ms >= last && ms <= CRYPTO_DTLS_SLOWEST_MS + 1);
        last = ms;
        clock_us += ms * 1000;
        verdict = crypto_dtls_session_expired(t.c.s);
    }
    assert_int_equal(verdict, CRYPTO_DTLS_FAILED);
    assert_in_range(last, CRYPTO_DTLS_SLOWEST_MS - 20, CRYPTO_DTLS_SLOWEST_MS + 1);
    assert_false(crypto_dtls_session_due(t.c.s, &ms));
    two_fini(&t);
}

/* --- what others try --------------------------------------------------------------------------- */

/* A client as badly set up as can be: its cipher list is what OpenSSL is told here. */
static const char *answer_to(const char *ciphers, int max_version)
{
    static struct two t;
    const char *why;
    two_init(&t, gcm, sizeof(gcm), gcm, sizeof(gcm));
    t.s.n = 0;
    SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_set_security_level(ctx, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(ctx, ciphers), 1);
    (void)SSL_CTX_set_max_proto_version(ctx, max_version);
    SSL *ssl = SSL_new(ctx);
    BIO *out = BIO_new(BIO_s_mem()), *in = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    char *p;
    long n = BIO_get_mem_data(out, &p);
    assert_true(n > 0);
    assert_int_equal(crypto_dtls_session_feed(t.s.s, slice_from(p, (size_t)n)), CRYPTO_DTLS_FAILED);
    why = crypto_dtls_session_why(t.s.s);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    two_fini(&t);
    return why;
}

static void null_ciphers_are_refused(void **state)
{
    (void)state;
    assert_non_null(
        strstr(answer_to("ECDHE-ECDSA-NULL-SHA:NULL-SHA256", DTLS1_2_VERSION), "cipher"));
}

static void ciphers_without_aead_or_ecdhe_are_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(answer_to("ECDHE-ECDSA-AES128-SHA", DTLS1_2_VERSION), "cipher"));
    assert_non_null(strstr(answer_to("AES128-GCM-SHA256", DTLS1_2_VERSION), "cipher"));
    assert_non_null(strstr(answer_to("aNULL", DTLS1_2_VERSION), "cipher"));
}

static void dtls_1_0_is_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(answer_to("ALL:@SECLEVEL=0", DTLS1_VERSION), "older"));
}

static void junk_after_the_handshake_ends_nothing(void **state)
{
    (void)state;
    static struct two t;
    /* alert, close_notify and an application record, all in clear */
    static const uint8_t junk[][16] = {
        {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40},
        {21, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0},
        {23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 3, 1, 2, 3},
    };
    two_init(&t, gcm, sizeof(gcm), gcm, sizeof(gcm));
    talk(&t.c, &t.s);
    for (size_t i = 0; i < ARRAY_LEN(junk); i++)
        assert_int_equal(crypto_dtls_session_feed(t.s.s, slice_from(junk[i], 16)),
                         CRYPTO_DTLS_DONE);
    assert_same_keys(&t, SRTP_AEAD_AES_128_GCM);
    two_fini(&t);
}

/* --- who we are -------------------------------------------------------------------------------- */

static void an_identity_is_short_and_ends(void **state)
{
    (void)state;
    struct crypto_dtls_identity id;
    assert_int_equal(crypto_dtls_identity_new(NOW, &id), 0);
    assert_int_equal(id.not_after, NOW + CRYPTO_DTLS_DAYS * 86400ull);
    const uint8_t *p = id.cert;
    X509 *x = d2i_X509(NULL, &p, id.cert_n);
    assert_non_null(x);
    char name[64];
    X509_NAME_oneline(X509_get_subject_name(x), name, sizeof(name));
    assert_string_equal(name, "/CN=sotto");
    time_t before = NOW - 86400 - 1, within = NOW, after = NOW + CRYPTO_DTLS_DAYS * 86400 + 1;
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(x), &before), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(x), &within), -1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(x), &after), -1);
    X509_free(x);
}

static void what_is_no_identity_is_refused(void **state)
{
    (void)state;
    struct crypto_dtls_identity id, other;
    struct crypto_dtls *d;
    assert_int_equal(crypto_dtls_identity_new(NOW, &id), 0);
    assert_int_equal(crypto_dtls_identity_new(NOW, &other), 0);
    struct crypto_dtls_identity bad = id;
    bad.cert_n = CRYPTO_DTLS_CERT_MAX + 1;
    assert_int_equal(crypto_dtls_new(&bad, &d), -EINVAL);
    bad = (struct crypto_dtls_identity){.not_after = 1};
    assert_int_equal(crypto_dtls_new(&bad, &d), -EINVAL);
    bad = id;
    memcpy(bad.key, other.key, sizeof(bad.key)); /* not the certificate's */
    bad.key_n = other.key_n;
    assert_int_equal(crypto_dtls_new(&bad, &d), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_get_the_same_keys),
        cmocka_unit_test(the_server_chooses_among_what_both_have),
        cmocka_unit_test(without_a_profile_in_common_there_are_no_keys),
        cmocka_unit_test(a_suite_that_dtls_has_not_is_refused),
        cmocka_unit_test(each_end_sees_the_others_certificate),
        cmocka_unit_test(hashes_have_names),
        cmocka_unit_test(lost_flights_are_sent_again),
        cmocka_unit_test(a_lost_last_flight_is_sent_again_when_asked_for),
        cmocka_unit_test(waiting_doubles_and_ends),
        cmocka_unit_test(null_ciphers_are_refused),
        cmocka_unit_test(ciphers_without_aead_or_ecdhe_are_refused),
        cmocka_unit_test(dtls_1_0_is_refused),
        cmocka_unit_test(junk_after_the_handshake_ends_nothing),
        cmocka_unit_test(an_identity_is_short_and_ends),
        cmocka_unit_test(what_is_no_identity_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
