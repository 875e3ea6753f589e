/* The engine against OpenSSL as the peer, all in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "crypto/tls.h"
#include "crypto/tls_testcert.h"

static struct testcert ca, ec, rsa, expired, stranger, user;

/* Our side and OpenSSL's, joined by memory. */
struct pair {
    struct crypto_tls *tls;
    struct crypto_tls_aead *aead;
    struct crypto_tls_hs *hs;
    struct crypto_tls_record rec;
    struct crypto_tls_info info;
    SSL_CTX *peer_ctx;
    SSL *peer;
    BIO *to_peer, *from_peer;
    uint8_t in[1 << 17]; /* what the peer sent, not opened yet */
    size_t in_n;
    int verdict;
    bool peer_failed;
};

static int setup(void **state)
{
    (void)state;
    ca = testcert_new(&(struct testcert_spec){.cn = "test CA", .ca = true}, NULL);
    ec = testcert_new(&(struct testcert_spec){.cn = "ec", .san = "DNS:example.org"}, &ca);
    rsa = testcert_new(&(struct testcert_spec){.cn = "rsa", .san = "DNS:example.org", .rsa = true},
                       &ca);
    expired = testcert_new(
        &(struct testcert_spec){.cn = "old", .san = "DNS:example.org", .days = -1}, &ca);
    stranger = testcert_new(&(struct testcert_spec){.cn = "x", .san = "DNS:example.org"}, NULL);
    user =
        testcert_new(&(struct testcert_spec){.cn = "1000", .san = "URI:sip:1000@example.org"}, &ca);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    testcert_free(&ca);
    testcert_free(&ec);
    testcert_free(&rsa);
    testcert_free(&expired);
    testcert_free(&stranger);
    testcert_free(&user);
    return 0;
}

static struct crypto_tls *server_tls(const struct testcert *c, enum crypto_tls_client_cert want)
{
    struct crypto_tls_cert cert = {.cert_pem = c->cert_pem, .key_pem = c->key_pem};
    struct crypto_tls_config cfg = {
        .certs = &cert, .cert_count = 1, .ca_pem = ca.cert_pem, .client_cert = want};
    struct crypto_tls_error err;
    struct crypto_tls *t = NULL;

    int r = crypto_tls_new(&cfg, &err, &t);
    if (r < 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    return t;
}

static void use_cert(SSL_CTX *ctx, const struct testcert *c)
{
    assert_int_equal(SSL_CTX_use_certificate(ctx, c->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, c->key), 1);
}

/* With OpenSSL as client (we serve) or as server. The peer's context may be changed before
 * pair_start. */
static struct pair *pair_new(struct crypto_tls *tls, bool we_serve)
{
    struct pair *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    p->tls = tls;
    assert_int_equal(crypto_tls_aead_new(&p->aead), 0);
    p->peer_ctx = SSL_CTX_new(we_serve ? TLS_client_method() : TLS_server_method());
    SSL_CTX_set_security_level(p->peer_ctx, 0);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(p->peer_ctx), ca.cert);
    return p;
}

static void pair_start(struct pair *p, bool we_serve, const char *name)
{
    p->peer = SSL_new(p->peer_ctx);
    p->to_peer = BIO_new(BIO_s_mem());
    p->from_peer = BIO_new(BIO_s_mem());
    SSL_set_bio(p->peer, p->to_peer, p->from_peer);
    if (we_serve) {
        SSL_set_connect_state(p->peer);
        if (name)
            SSL_set_tlsext_host_name(p->peer, name);
        assert_int_equal(crypto_tls_hs_accept(p->tls, &p->hs), 0);
    } else {
        SSL_set_accept_state(p->peer);
        assert_int_equal(crypto_tls_hs_connect(p->tls, slice_from_str(name), &p->hs), 0);
    }
}

static void pull(struct pair *p)
{
    int n = BIO_read(p->from_peer, p->in + p->in_n, (int)(sizeof(p->in) - p->in_n));

    if (n > 0)
        p->in_n += (size_t)n;
}

static void eat(struct pair *p, size_t n)
{
    memmove(p->in, p->in + n, p->in_n - n);
    p->in_n -= n;
}

/* Both sides in turn until one ends. */
static void pair_shake(struct pair *p)
{
    p->verdict = CRYPTO_TLS_HS_MORE;
    for (int i = 0; i < 10; i++) {
        size_t used = p->in_n;
        if (p->verdict == CRYPTO_TLS_HS_MORE) {
            p->verdict = crypto_tls_hs_feed(p->hs, slice_from(p->in, p->in_n), &used);
            eat(p, used);
            struct slice out = crypto_tls_hs_output(p->hs);
            if (out.n)
                BIO_write(p->to_peer, out.p, (int)out.n);
            if (p->verdict == CRYPTO_TLS_HS_DONE)
                assert_int_equal(crypto_tls_hs_export(p->hs, &p->rec, &p->info), 0);
        }
        int r = SSL_do_handshake(p->peer);
        if (r != 1 && SSL_get_error(p->peer, r) != SSL_ERROR_WANT_READ)
            p->peer_failed = true;
        pull(p);
        if (p->verdict != CRYPTO_TLS_HS_MORE)
            break;
    }
    if (p->verdict == CRYPTO_TLS_HS_DONE)
        p->hs = crypto_tls_hs_free(p->hs);
    ERR_clear_error();
}

static void pair_free(struct pair *p)
{
    crypto_tls_hs_free(p->hs);
    crypto_tls_aead_free(p->aead);
    SSL_free(p->peer);
    SSL_CTX_free(p->peer_ctx);
    free(p);
}

static void we_say(struct pair *p, const char *s)
{
    uint8_t out[70000 + 4096];
    size_t n;

    assert_true(crypto_tls_seal_room(&p->rec, strlen(s)) <= sizeof(out));
    assert_int_equal(crypto_tls_seal(p->aead, &p->rec, slice_from_str(s), out, &n), 0);
    assert_true(n <= crypto_tls_seal_room(&p->rec, strlen(s)));
    assert_int_equal(BIO_write(p->to_peer, out, (int)n), n);
}

static void peer_hears(struct pair *p, const char *s)
{
    char got[70000];
    size_t n = 0, want = strlen(s);

    while (n < want) {
        int r = SSL_read(p->peer, got + n, (int)(sizeof(got) - n));
        assert_true(r > 0);
        n += (size_t)r;
    }
    assert_int_equal(n, want);
    assert_memory_equal(got, s, want);
}

/* Opens everything that the peer has sent; data is joined into `dst`. */
static int we_hear(struct pair *p, char *dst, size_t *ret_n)
{
    struct slice data;
    size_t used, n = 0;
    int v;

    pull(p);
    while ((v = crypto_tls_open(p->aead, &p->rec, p->in, p->in_n, &used, &data)) ==
           CRYPTO_TLS_DATA) {
        if (data.n)
            memcpy(dst + n, data.p, data.n);
        n += data.n;
        eat(p, used);
    }
    *ret_n = n;
    return v;
}

static void both_talk(struct pair *p)
{
    char got[70000];
    size_t n;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_write(p->peer, "REGISTER", 8), 8);
        assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_MORE);
        assert_int_equal(n, 8);
        assert_memory_equal(got, "REGISTER", 8);
        we_say(p, "200 OK");
        peer_hears(p, "200 OK");
    }
}

static void long_talk(struct pair *p)
{
    static char big[65001], got[70000];
    size_t n;

    memset(big, 'x', sizeof(big) - 1);
    we_say(p, big);
    peer_hears(p, big);
    assert_int_equal(SSL_write(p->peer, big, sizeof(big) - 1), sizeof(big) - 1);
    assert_int_equal(we_hear(p, got, &n), CRYPTO_TLS_MORE);
    assert_int_equal(n, sizeof(big) - 1);
    assert_memory_equal(got, big, n);
}

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

/* --- faults ------------------------------------------------------------------------------------ */

static enum crypto_tls_fault fault_of(struct pair *p)
{
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_FAILED);
    enum crypto_tls_fault f = crypto_tls_hs_fault(p->hs);
    pair_free(p);
    return f;
}

static void test_faults_of_clients(void **state)
{
    struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);
    struct crypto_tls_hs *h;
    size_t used;

    (void)state;
    struct pair *p = pair_new(t, true);
    SSL_CTX_set_min_proto_version(p->peer_ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(p->peer_ctx, TLS1_1_VERSION);
    pair_start(p, true, NULL);
    assert_int_equal(fault_of(p), CRYPTO_TLS_FAULT_VERSION);

    p = pair_new(t, true);
    SSL_CTX_set_max_proto_version(p->peer_ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(p->peer_ctx, "AES128-SHA:ECDHE-RSA-AES128-SHA256");
    pair_start(p, true, NULL);
    assert_int_equal(fault_of(p), CRYPTO_TLS_FAULT_CIPHER);

    p = pair_new(t, true);
    SSL_CTX_set_max_proto_version(p->peer_ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(p->peer_ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_store(p->peer_ctx, X509_STORE_new()); /* knows no CA */
    pair_start(p, true, NULL);
    assert_int_equal(fault_of(p), CRYPTO_TLS_FAULT_DISTRUSTED);

    assert_int_equal(crypto_tls_hs_accept(t, &h), 0);
    assert_int_equal(crypto_tls_hs_feed(h, SLICE_LIT("OPTIONS sip:a SIP/2.0\r\n"), &used),
                     CRYPTO_TLS_HS_FAILED);
    assert_int_equal(crypto_tls_hs_fault(h), CRYPTO_TLS_FAULT_PLAIN_TEXT);
    crypto_tls_hs_free(h);
    crypto_tls_free(t);
}

struct server_case {
    const struct testcert *cert;
    const char *name;
    enum crypto_tls_fault fault;
};

static void test_faults_of_servers(void **state)
{
    const struct server_case cases[] = {
        {&ec, "example.org", CRYPTO_TLS_FAULT_NONE},
        {&ec, "", CRYPTO_TLS_FAULT_NONE},
        {&stranger, "", CRYPTO_TLS_FAULT_NONE},
        {&ec, "example.net", CRYPTO_TLS_FAULT_CERT_NAME},
        {&expired, "example.org", CRYPTO_TLS_FAULT_CERT_EXPIRED},
        {&stranger, "example.org", CRYPTO_TLS_FAULT_CERT_UNKNOWN},
    };
    struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pair *p = pair_new(t, false);
        use_cert(p->peer_ctx, cases[i].cert);
        pair_start(p, false, cases[i].name);
        if (cases[i].fault) {
            assert_int_equal(fault_of(p), cases[i].fault);
            continue;
        }
        pair_shake(p);
        assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
        assert_int_equal(p->info.peer_verified, cases[i].name[0] != '\0');
        pair_free(p);
    }
    crypto_tls_free(t);
}

struct client_cert_case {
    enum crypto_tls_client_cert want;
    const struct testcert *cert;
    enum crypto_tls_fault fault;
    bool verified;
};

static void test_client_certificates(void **state)
{
    const struct client_cert_case cases[] = {
        {CRYPTO_TLS_CERT_OPTIONAL, NULL, CRYPTO_TLS_FAULT_NONE, false},
        {CRYPTO_TLS_CERT_OPTIONAL, &user, CRYPTO_TLS_FAULT_NONE, true},
        {CRYPTO_TLS_CERT_OPTIONAL, &stranger, CRYPTO_TLS_FAULT_NONE, false},
        {CRYPTO_TLS_CERT_REQUIRED, NULL, CRYPTO_TLS_FAULT_NO_CERT, false},
        {CRYPTO_TLS_CERT_REQUIRED, &user, CRYPTO_TLS_FAULT_NONE, true},
        {CRYPTO_TLS_CERT_REQUIRED, &stranger, CRYPTO_TLS_FAULT_CERT_UNKNOWN, false},
        {CRYPTO_TLS_CERT_REQUIRED, &expired, CRYPTO_TLS_FAULT_CERT_EXPIRED, false},
        {CRYPTO_TLS_CERT_NONE, &user, CRYPTO_TLS_FAULT_NONE, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct crypto_tls *t = server_tls(&ec, cases[i].want);
        struct pair *p = pair_new(t, true);
        if (cases[i].cert)
            use_cert(p->peer_ctx, cases[i].cert);
        pair_start(p, true, NULL);
        if (cases[i].fault) {
            assert_int_equal(fault_of(p), cases[i].fault);
        } else {
            pair_shake(p);
            assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
            assert_int_equal(p->info.peer_verified, cases[i].verified);
            if (cases[i].verified)
                assert_string_equal(p->info.subject, "1000");
            both_talk(p);
            pair_free(p);
        }
        crypto_tls_free(t);
    }
}

/* --- contexts ---------------------------------------------------------------------------------- */

static void subject_seen(struct crypto_tls *t, const char *sni, char *dst, size_t cap)
{
    struct pair *p = pair_new(t, true);

    pair_start(p, true, sni);
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
    X509 *x = SSL_get1_peer_certificate(p->peer);
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, dst, (int)cap);
    X509_free(x);
    pair_free(p);
}

static void test_certificate_by_name_and_reload(void **state)
{
    struct crypto_tls_cert certs[] = {
        {.cert_pem = ec.cert_pem, .key_pem = ec.key_pem},
        {.domain = "other.org", .cert_pem = rsa.cert_pem, .key_pem = rsa.key_pem},
        {.domain = "*.wild.org", .cert_pem = stranger.cert_pem, .key_pem = stranger.key_pem},
    };
    struct crypto_tls_config cfg = {.certs = certs, .cert_count = 3, .ca_pem = ca.cert_pem};
    struct crypto_tls_error err;
    struct crypto_tls *t;
    char cn[64];

    (void)state;
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), 0);
    subject_seen(t, NULL, cn, sizeof(cn));
    assert_string_equal(cn, "ec");
    subject_seen(t, "unknown.org", cn, sizeof(cn));
    assert_string_equal(cn, "ec");
    subject_seen(t, "OTHER.org", cn, sizeof(cn));
    assert_string_equal(cn, "rsa");
    subject_seen(t, "a.wild.org", cn, sizeof(cn));
    assert_string_equal(cn, "x");
    subject_seen(t, "a.b.wild.org", cn, sizeof(cn));
    assert_string_equal(cn, "ec");

    /* A handshake under way and a connection go on over the reload. */
    struct pair *p = pair_new(t, true);
    pair_start(p, true, "other.org");
    certs[0].cert_pem = rsa.cert_pem;
    assert_int_equal(crypto_tls_reload(t, &cfg, &err), -EINVAL); /* not its key */
    assert_true(strstr(err.text, "does not belong") != NULL && err.mend[0]);
    subject_seen(t, NULL, cn, sizeof(cn));
    assert_string_equal(cn, "ec");
    certs[0].key_pem = rsa.key_pem;
    assert_int_equal(crypto_tls_reload(t, &cfg, &err), 0);
    pair_shake(p);
    both_talk(p);
    pair_free(p);
    subject_seen(t, NULL, cn, sizeof(cn));
    assert_string_equal(cn, "rsa");
    crypto_tls_free(t);
}

static void test_unusable_files_are_named(void **state)
{
    struct crypto_tls_cert cert = {.cert_file = "/nonexistent/server.crt", .key_pem = ec.key_pem};
    struct crypto_tls_config cfg = {.certs = &cert, .cert_count = 1, .ca_pem = ca.cert_pem};
    struct crypto_tls_error err;
    struct crypto_tls *t;

    (void)state;
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
    assert_string_equal(err.file, "/nonexistent/server.crt");
    assert_true(strstr(err.text, "cannot be read") != NULL);
    cert.cert_pem = SLICE_LIT("no certificate");
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
    cert.cert_pem = ec.cert_pem;
    cert.key_pem = SLICE_LIT("no key");
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
    cert.key_pem = ec.key_pem;
    cfg.ca_pem = SLICE_LIT("no CA");
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
}

/* --- names (RFC 5922 s.7) ---------------------------------------------------------------------- */

struct name_case {
    const char *cn, *san, *name;
    bool strict, wild;
};

static void test_names(void **state)
{
    static const struct name_case cases[] = {
        {"x", "DNS:example.org", "example.org", true, true},
        {"x", "DNS:Example.ORG", "eXample.org.", true, true},
        {"x", "DNS:example.org", "sub.example.org", false, false},
        {"x", "DNS:example.org", "ple.org", false, false},
        {"x", "URI:sip:example.org", "example.org", true, true},
        {"x", "URI:sip:me@example.org", "example.org", false, false},
        {"x", "URI:https:example.org", "example.org", false, false},
        {"x", "DNS:*.example.org", "a.example.org", false, true},
        {"x", "DNS:*.example.org", "a.b.example.org", false, false},
        {"x", "DNS:*.example.org", "example.org", false, false},
        {"x", "DNS:a.org,DNS:b.org", "b.org", true, true},
        {"x", "IP:192.0.2.1", "192.0.2.1", true, true},
        {"x", "IP:2001:db8::1", "[2001:db8::1]", true, true},
        {"x", "IP:192.0.2.1", "192.0.2.2", false, false},
        {"example.org", NULL, "example.org", true, true},
        {"example.org", "DNS:other.org", "example.org", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct testcert c =
            testcert_new(&(struct testcert_spec){.cn = cases[i].cn, .san = cases[i].san}, &ca);
        struct slice name = slice_from_str(cases[i].name);
        assert_int_equal(crypto_tls_cert_names(c.cert, name, false), cases[i].strict);
        assert_int_equal(crypto_tls_cert_names(c.cert, name, true), cases[i].wild);
        testcert_free(&c);
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
        cmocka_unit_test(test_faults_of_clients),
        cmocka_unit_test(test_faults_of_servers),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_certificate_by_name_and_reload),
        cmocka_unit_test(test_unusable_files_are_named),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
