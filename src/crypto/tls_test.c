/* The engine against OpenSSL as the peer, all in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/tls_testpair.h"

/* --- suites ------------------------------------------------------------------------------------ */

struct suite_case {
    int version;
    const char *name;
    bool rsa;
};

static const struct suite_case suites[] = {
    {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", false},
    {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", false},
    {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", false},
    {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", true},
    {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", true},
    {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", true},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", false},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", false},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", false},
    {TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", true},
    {TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", true},
    {TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", true},
};

static void restrict_peer(struct pair *p, const struct suite_case *c)
{
    SSL_CTX_set_min_proto_version(p->peer_ctx, c->version);
    SSL_CTX_set_max_proto_version(p->peer_ctx, c->version);
    if (c->version == TLS1_3_VERSION)
        assert_int_equal(SSL_CTX_set_ciphersuites(p->peer_ctx, c->name), 1);
    else
        assert_int_equal(SSL_CTX_set_cipher_list(p->peer_ctx, c->name), 1);
}

static void run_suite(const struct suite_case *c, bool we_serve)
{
    struct crypto_tls *t = server_tls(c->rsa ? &rsa : &ec, CRYPTO_TLS_CERT_NONE);
    struct pair *p = pair_new(t, we_serve);

    restrict_peer(p, c);
    if (!we_serve)
        use_cert(p->peer_ctx, c->rsa ? &rsa : &ec);
    pair_start(p, we_serve, "example.org");
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
    assert_string_equal(crypto_tls_record_cipher(&p->rec), c->name);
    assert_string_equal(crypto_tls_record_version(&p->rec),
                        c->version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
    assert_true(crypto_tls_record_is_sound(&p->rec));
    assert_string_equal(p->info.sni, "example.org");
    assert_int_equal(p->info.peer_verified, !we_serve);
    both_talk(p);
    long_talk(p);
    pair_free(p);
    crypto_tls_free(t);
}

static void test_every_suite_serving(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        run_suite(&suites[i], true);
}

static void test_every_suite_calling(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        run_suite(&suites[i], false);
}

/* --- after the handshake ----------------------------------------------------------------------- */

/* An established pair where we serve. */
static struct pair *established(int version)
{
    struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);
    struct pair *p = pair_new(t, true);

    SSL_CTX_set_max_proto_version(p->peer_ctx, version);
    pair_start(p, true, NULL);
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
    return p;
}

static void end(struct pair *p)
{
    struct crypto_tls *t = p->tls;

    pair_free(p);
    crypto_tls_free(t);
}

static void test_key_update(void **state)
{
    struct pair *p = established(TLS1_3_VERSION);

    (void)state;
    both_talk(p);
    assert_int_equal(SSL_key_update(p->peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    both_talk(p);
    assert_false(p->rec.update_due);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(p->peer, SSL_KEY_UPDATE_REQUESTED), 1);
        both_talk(p);
        assert_int_equal(p->rec.tx.seq, 3); /* ours came before our first answer */
    }
    long_talk(p);
    end(p);
}

static void test_close_notify(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    char got[64];
    uint8_t out[CRYPTO_TLS_ALERT_ROOM];
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct pair *p = established(versions[i]);
        both_talk(p);
        assert_int_equal(SSL_write(p->peer, "bye", 3), 3);
        SSL_shutdown(p->peer);
        assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_CLOSED);
        assert_int_equal(n, 3); /* what came before it counts */
        assert_int_equal(crypto_tls_seal_alert(p->aead, &p->rec, 0, out, &n), 0);
        BIO_write(p->to_peer, out, (int)n);
        assert_int_equal(SSL_shutdown(p->peer), 1);
        end(p);
    }
}

static void test_tampered_record(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    char got[64];
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct pair *p = established(versions[i]);
        SSL_write(p->peer, "hello", 5);
        pull(p);
        p->in[p->in_n - 1] ^= 1;
        assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_FORGED);
        assert_int_equal(crypto_tls_verdict_alert(CRYPTO_TLS_FORGED), 20);
        end(p);
    }
}

static void test_replayed_record(void **state)
{
    struct pair *p = established(TLS1_3_VERSION);
    uint8_t copy[256];
    char got[64];
    size_t n, len;

    (void)state;
    SSL_write(p->peer, "hello", 5);
    pull(p);
    len = p->in_n;
    memcpy(copy, p->in, len);
    assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_MORE);
    memcpy(p->in, copy, len);
    p->in_n = len;
    assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_FORGED);
    end(p);
}

static void test_record_size_limit(void **state)
{
    struct pair *p = established(TLS1_3_VERSION);
    size_t used, max = CRYPTO_TLS_RECORD_MAX - 5;
    struct slice data;

    (void)state;
    p->in_n = 5;
    memcpy(p->in, (uint8_t[]){23, 3, 3, (uint8_t)(max >> 8), (uint8_t)max}, 5);
    assert_int_equal(crypto_tls_open(p->aead, &p->rec, p->in, 5, &used, &data), CRYPTO_TLS_MORE);
    max++;
    memcpy(p->in + 3, (uint8_t[]){(uint8_t)(max >> 8), (uint8_t)max}, 2);
    assert_int_equal(crypto_tls_open(p->aead, &p->rec, p->in, 5, &used, &data),
                     CRYPTO_TLS_OVERSIZED);
    end(p);
}

/* The peer's half of our own record state, to make what OpenSSL would not send. */
static struct crypto_tls_record mirror(const struct crypto_tls_record *r)
{
    struct crypto_tls_record m = *r;

    m.tx = r->rx;
    m.rx = r->tx;
    m.is_client = !r->is_client;
    return m;
}

/* Of our own accord, once a key has served for 2^24 records; TLS 1.2 has to end instead. */
static void test_key_is_used_up(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    uint8_t out[512], *at;
    size_t n, used;
    struct slice data;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct pair *p = established(versions[i]);
        struct crypto_tls_record m = mirror(&p->rec);
        bool is_12 = versions[i] == TLS1_2_VERSION;
        p->rec.tx.seq = m.rx.seq = is_12 ? ((uint64_t)1 << 32) - 1 : ((uint64_t)1 << 24) - 1;
        for (int k = 0; k < 3; k++) {
            int r = crypto_tls_seal(p->aead, &p->rec, SLICE_LIT("x"), out, &n);
            assert_int_equal(r, is_12 && k > 0 ? -EOVERFLOW : 0);
            at = out;
            data = SLICE_NONE;
            while (r == 0 && n) {
                assert_int_equal(crypto_tls_open(p->aead, &m, at, n, &used, &data), 0);
                at += used;
                n -= used;
            }
            assert_true(r < 0 || slice_eq_str(data, "x"));
        }
        assert_true(is_12 || p->rec.tx.seq == 2);
        end(p);
    }
}

static void test_flood_of_empty_records(void **state)
{
    struct pair *p = established(TLS1_2_VERSION);
    struct crypto_tls_record m = mirror(&p->rec);
    uint8_t out[CRYPTO_TLS_ALERT_ROOM];
    size_t n, used;
    struct slice data;

    (void)state;
    for (int i = 0; i <= CRYPTO_TLS_CONTROL_MAX; i++) {
        assert_int_equal(crypto_tls_seal_alert(p->aead, &m, 90, out, &n), 0); /* user_canceled */
        int v = crypto_tls_open(p->aead, &p->rec, out, n, &used, &data);
        assert_int_equal(v, i < CRYPTO_TLS_CONTROL_MAX ? CRYPTO_TLS_DATA : CRYPTO_TLS_FLOODS);
    }
    end(p);
}

static void test_renegotiation_is_refused(void **state)
{
    struct pair *p = established(TLS1_2_VERSION);
    char got[64];
    size_t n;

    (void)state;
    SSL_renegotiate(p->peer);
    SSL_do_handshake(p->peer);
    assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_RENEGOTIATES);
    end(p);
}

static void test_record_state_moves_to_another_process(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct pair *p = established(versions[i]);
        uint8_t bytes[sizeof(p->rec)];
        both_talk(p);
        if (versions[i] == TLS1_3_VERSION)
            SSL_key_update(p->peer, SSL_KEY_UPDATE_REQUESTED);
        memcpy(bytes, &p->rec, sizeof(bytes));
        p->aead = crypto_tls_aead_free(p->aead);
        memset(&p->rec, 0, sizeof(p->rec));
        assert_int_equal(crypto_tls_aead_new(&p->aead), 0);
        memcpy(&p->rec, bytes, sizeof(bytes));
        both_talk(p);
        end(p);
    }
}

static void test_sequence_is_advanced_before_use(void **state)
{
    struct pair *p = established(TLS1_3_VERSION);
    uint64_t before = p->rec.tx.seq;

    (void)state;
    assert_int_equal(before, 1); /* one ticket */
    we_say(p, "x");
    assert_int_equal(p->rec.tx.seq, before + 1);
    /* A number lost in a crash: the peer refuses what follows, nothing is sent twice. */
    end(p);
}

static void test_fragment_length_extension(void **state)
{
    struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);
    struct pair *p = pair_new(t, true);

    (void)state;
    SSL_CTX_set_tlsext_max_fragment_length(p->peer_ctx, TLSEXT_max_fragment_length_512);
    pair_start(p, true, NULL);
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
    assert_int_equal(p->rec.fragment, 512);
    long_talk(p);
    pair_free(p);
    crypto_tls_free(t);
}

/* Data right behind the client's Finished, in the same bytes. */
static void test_early_bytes_are_handed_over(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    char got[64];
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);
        struct pair *p = pair_new(t, true);
        SSL_CTX_set_max_proto_version(p->peer_ctx, versions[i]);
        pair_start(p, true, NULL);
        p->verdict = CRYPTO_TLS_HS_MORE;
        while (p->verdict == CRYPTO_TLS_HS_MORE) {
            if (SSL_do_handshake(p->peer) == 1)
                SSL_write(p->peer, "INVITE", 6);
            pull(p);
            size_t used = p->in_n;
            p->verdict = crypto_tls_hs_feed(p->hs, slice_from(p->in, p->in_n), &used);
            eat(p, used);
            struct slice out = crypto_tls_hs_output(p->hs);
            BIO_write(p->to_peer, out.p, (int)out.n);
        }
        assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
        assert_int_equal(crypto_tls_hs_export(p->hs, &p->rec, &p->info), 0);
        if (versions[i] == TLS1_2_VERSION) {
            assert_int_equal(SSL_do_handshake(p->peer), 1);
            SSL_write(p->peer, "INVITE", 6);
        }
        assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_MORE);
        assert_int_equal(n, 6);
        both_talk(p);
        pair_free(p);
        crypto_tls_free(t);
    }
}

/* --- resumption -------------------------------------------------------------------------------- */

static bool resumes(struct crypto_tls *t, int version, SSL_SESSION **io_session)
{
    struct pair *p = pair_new(t, true);

    SSL_CTX_set_max_proto_version(p->peer_ctx, version);
    pair_start(p, true, "example.org");
    if (*io_session)
        assert_int_equal(SSL_set_session(p->peer, *io_session), 1);
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
    both_talk(p);
    bool reused = SSL_session_reused(p->peer);
    SSL_SESSION_free(*io_session);
    *io_session = SSL_get1_session(p->peer);
    SSL_shutdown(p->peer);
    pair_free(p);
    return reused;
}

static void test_resumption_outlives_the_process(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct crypto_tls_ticket_key keys[CRYPTO_TLS_TICKET_KEYS];
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        SSL_SESSION *s = NULL;
        struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);
        crypto_tls_rotate_ticket_keys(keys, 0, &n);
        crypto_tls_set_ticket_keys(t, keys, n);
        assert_false(resumes(t, versions[i], &s));
        assert_true(resumes(t, versions[i], &s));
        assert_true(resumes(t, versions[i], &s));
        crypto_tls_free(t);
        t = server_tls(&ec, CRYPTO_TLS_CERT_NONE); /* the next process */
        crypto_tls_rotate_ticket_keys(keys, n, &n);
        crypto_tls_set_ticket_keys(t, keys, n);
        assert_int_equal(n, 2);
        assert_true(resumes(t, versions[i], &s));
        for (int k = 0; k < CRYPTO_TLS_TICKET_KEYS; k++)
            crypto_tls_rotate_ticket_keys(keys, n, &n);
        crypto_tls_set_ticket_keys(t, keys, n);
        assert_int_equal(n, CRYPTO_TLS_TICKET_KEYS);
        assert_false(resumes(t, versions[i], &s));
        SSL_SESSION_free(s);
        crypto_tls_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_suite_serving),
        cmocka_unit_test(test_every_suite_calling),
        cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_close_notify),
        cmocka_unit_test(test_tampered_record),
        cmocka_unit_test(test_replayed_record),
        cmocka_unit_test(test_record_size_limit),
        cmocka_unit_test(test_key_is_used_up),
        cmocka_unit_test(test_flood_of_empty_records),
        cmocka_unit_test(test_renegotiation_is_refused),
        cmocka_unit_test(test_record_state_moves_to_another_process),
        cmocka_unit_test(test_sequence_is_advanced_before_use),
        cmocka_unit_test(test_fragment_length_extension),
        cmocka_unit_test(test_early_bytes_are_handed_over),
        cmocka_unit_test(test_resumption_outlives_the_process),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
