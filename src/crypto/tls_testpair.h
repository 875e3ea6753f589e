/* What the tests of the TLS engine share: our side and OpenSSL's, joined by memory. The including
 * test has cmocka's assertions. */
#ifndef SOTTO_CRYPTO_TLS_TESTPAIR_H
#define SOTTO_CRYPTO_TLS_TESTPAIR_H

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

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline struct crypto_tls *server_tls(const struct testcert *c,
                                            enum crypto_tls_client_cert want)
{
    struct crypto_tls_cert cert = {.cert_pem = c->cert_pem, .key_pem = c->key_pem};
    struct crypto_tls_config cfg = {
        .certs = &cert, .cert_count = 1, .ca_pem = ca.cert_pem, .client_cert = want};
    struct crypto_tls_error err;
    struct crypto_tls *t = NULL;

    int r = crypto_tls_new(&cfg, &err, &t);
    if (r < 0)
        fprintf(stderr, "%s\n", err.text);
    assert((size_t)(r) == (size_t)(0));
    return t;
}

static inline void use_cert(SSL_CTX *ctx, const struct testcert *c)
{
    assert((size_t)(SSL_CTX_use_certificate(ctx, c->cert)) == (size_t)(1));
    assert((size_t)(SSL_CTX_use_PrivateKey(ctx, c->key)) == (size_t)(1));
}

/* With OpenSSL as client (we serve) or as server. The peer's context may be changed before
 * pair_start. */
static inline struct pair *pair_new(struct crypto_tls *tls, bool we_serve)
{
    struct pair *p = calloc(1, sizeof(*p));

    assert(p);
    p->tls = tls;
    assert((size_t)(crypto_tls_aead_new(&p->aead)) == (size_t)(0));
    p->peer_ctx = SSL_CTX_new(we_serve ? TLS_client_method() : TLS_server_method());
    SSL_CTX_set_security_level(p->peer_ctx, 0);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(p->peer_ctx), ca.cert);
    return p;
}

static inline void pair_start(struct pair *p, bool we_serve, const char *name)
{
    p->peer = SSL_new(p->peer_ctx);
    p->to_peer = BIO_new(BIO_s_mem());
    p->from_peer = BIO_new(BIO_s_mem());
    SSL_set_bio(p->peer, p->to_peer, p->from_peer);
    if (we_serve) {
        SSL_set_connect_state(p->peer);
        if (name) {
            char sni[64];
            (void)snprintf(sni, sizeof(sni), "%s", name);
            SSL_set_tlsext_host_name(p->peer, sni);
        }
        assert((size_t)(crypto_tls_hs_accept(p->tls, &p->hs)) == (size_t)(0));
    } else {
        SSL_set_accept_state(p->peer);
        assert((size_t)(crypto_tls_hs_connect(p->tls, slice_from_str(name), &p->hs)) ==
               (size_t)(0));
    }
}

static inline void pull(struct pair *p)
{
    int n = BIO_read(p->from_peer, p->in + p->in_n, (int)(sizeof(p->in) - p->in_n));

    if (n > 0)
        p->in_n += (size_t)n;
}

static inline void eat(struct pair *p, size_t n)
{
    memmove(p->in, p->in + n, p->in_n - n);
    p->in_n -= n;
}

/* Both sides in turn until one ends. */
static inline void pair_shake(struct pair *p)
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
                assert((size_t)(crypto_tls_hs_export(p->hs, &p->rec, &p->info)) == (size_t)(0));
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

static inline void pair_free(struct pair *p)
{
    crypto_tls_hs_free(p->hs);
    crypto_tls_aead_free(p->aead);
    SSL_free(p->peer);
    SSL_CTX_free(p->peer_ctx);
    free(p);
}

static inline void we_say(struct pair *p, const char *s)
{
    uint8_t out[70000 + 4096];
    size_t n;

    assert(crypto_tls_seal_room(&p->rec, strlen(s)) <= sizeof(out));
    assert((size_t)(crypto_tls_seal(p->aead, &p->rec, slice_from_str(s), out, &n)) == (size_t)(0));
    assert(n <= crypto_tls_seal_room(&p->rec, strlen(s)));
    assert((size_t)(BIO_write(p->to_peer, out, (int)n)) == (size_t)(n));
}

static inline void peer_hears(struct pair *p, const char *s)
{
    char got[70000] = {0};
    size_t n = 0, want = strlen(s);

    while (n < want) {
        int r = SSL_read(p->peer, got + n, (int)(sizeof(got) - n));
        assert(r > 0);
        n += (size_t)r;
    }
    assert((size_t)(n) == (size_t)(want));
    assert(memcmp(got, s, want) == 0);
}

/* Opens everything that the peer has sent; data is joined into `dst`. */
static inline int we_hear(struct pair *p, char *dst, size_t *ret_n)
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

static inline void both_talk(struct pair *p)
{
    char got[70000];
    size_t n;

    for (int i = 0; i < 3; i++) {
        assert((size_t)(SSL_write(p->peer, "REGISTER", 8)) == (size_t)(8));
        int v = we_hear(p, got, &n);
        assert(v == CRYPTO_TLS_MORE);
        assert((size_t)(n) == (size_t)(8));
        assert(memcmp(got, "REGISTER", 8) == 0);
        we_say(p, "200 OK");
        peer_hears(p, "200 OK");
    }
}

static inline void long_talk(struct pair *p)
{
    static char big[65001], got[70000];
    size_t n;

    memset(big, 'x', sizeof(big) - 1);
    we_say(p, big);
    peer_hears(p, big);
    assert((size_t)(SSL_write(p->peer, big, sizeof(big) - 1)) == (size_t)(sizeof(big) - 1));
    int v = we_hear(p, got, &n);
    assert(v == CRYPTO_TLS_MORE);
    assert((size_t)(n) == (size_t)(sizeof(big) - 1));
    assert(memcmp(got, big, n) == 0);
}

#endif
