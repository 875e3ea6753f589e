/* Our certificate, and the OpenSSL context that is made of it. */
#include "crypto/dtls_internal.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "crypto/hash.h"

#define DAY 86400L

/* ECDHE and AEAD alone: what is not here, NULL ciphers first of all, cannot be agreed on. RSA for
 * peers whose own certificate is one. */
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

static const struct {
    const char *name;
    const EVP_MD *(*md)(void);
    uint8_t len;
} hashes[CRYPTO_DTLS_HASH_COUNT] = {
    [CRYPTO_DTLS_SHA1] = {"sha-1", EVP_sha1, 20},
    [CRYPTO_DTLS_SHA224] = {"sha-224", EVP_sha224, 28},
    [CRYPTO_DTLS_SHA256] = {"sha-256", EVP_sha256, 32},
    [CRYPTO_DTLS_SHA384] = {"sha-384", EVP_sha384, 48},
    [CRYPTO_DTLS_SHA512] = {"sha-512", EVP_sha512, 64},
};

int crypto_dtls_hash_parse(struct slice name, enum crypto_dtls_hash *ret)
{
    for (size_t i = 0; i < CRYPTO_DTLS_HASH_COUNT; i++) {
        if (slice_eq_nocase_str(name, hashes[i].name)) {
            *ret = (enum crypto_dtls_hash)i;
            return 0;
        }
    }
    return -EINVAL;
}

size_t crypto_dtls_hash_len(enum crypto_dtls_hash h)
{
    return hashes[h].len;
}

const EVP_MD *dtls_md(enum crypto_dtls_hash h)
{
    return hashes[h].md();
}

/* --- making one -------------------------------------------------------------------------------- */

/* Says nothing about the server or its user: every peer gets to see it in clear (RFC 5763 s.6.3). */
static bool fill(X509 *x, EVP_PKEY *key, uint64_t unix_s)
{
    time_t now = (time_t)unix_s;
    X509_NAME *name = X509_get_subject_name(x);
    uint64_t serial;

    crypto_random(&serial, sizeof(serial));
    return X509_set_version(x, X509_VERSION_3) &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1) &&
           X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, &now) &&
           X509_time_adj_ex(X509_getm_notAfter(x), CRYPTO_DTLS_DAYS, 0, &now) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"sotto", -1, -1,
                                      0) &&
           X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

/* False: it does not fit, or the library fails. */
static bool put_cert(X509 *x, struct crypto_dtls_identity *id)
{
    uint8_t *p = id->cert;
    int n = i2d_X509(x, NULL);
    id->cert_n = n > 0 && (size_t)n <= sizeof(id->cert) ? (uint16_t)n : 0;
    return id->cert_n && i2d_X509(x, &p) == n;
}

static bool put_key(EVP_PKEY *key, struct crypto_dtls_identity *id)
{
    uint8_t *p = id->key;
    int n = i2d_PrivateKey(key, NULL);
    id->key_n = n > 0 && (size_t)n <= sizeof(id->key) ? (uint16_t)n : 0;
    return id->key_n && i2d_PrivateKey(key, &p) == n;
}

int crypto_dtls_identity_new(uint64_t unix_s, struct crypto_dtls_identity *ret)
{
    struct crypto_dtls_identity id = {.not_after = unix_s + CRYPTO_DTLS_DAYS * DAY};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    bool ok = key && x && fill(x, key, unix_s) && put_cert(x, &id) && put_key(key, &id);

    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (ok)
        *ret = id;
    secret_wipe(&id, sizeof(id));
    return ok ? 0 : -EIO;
}

/* --- the context ------------------------------------------------------------------------------- */

/* Every certificate is taken here: the owner of the session compares its digest. */
static int verify_nothing(X509_STORE_CTX *x, void *arg)
{
    (void)x;
    (void)arg;
    return 1;
}

/* The owner of the session has made the cookie exchange before there was a session. */
static int cookie_is_right(SSL *ssl, const unsigned char *cookie, unsigned int n)
{
    (void)ssl;
    (void)cookie;
    (void)n;
    return 1;
}

static int cookie_never(SSL *ssl, unsigned char *cookie, unsigned int *n)
{
    (void)ssl;
    (void)cookie;
    (void)n;
    return 0;
}

static bool set_up(SSL_CTX *c)
{
    SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                               SSL_OP_NO_COMPRESSION | SSL_OP_SINGLE_ECDH_USE);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(c, verify_nothing, NULL);
    SSL_CTX_set_cookie_verify_cb(c, cookie_is_right);
    SSL_CTX_set_cookie_generate_cb(c, cookie_never);
    return SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(c, DTLS1_2_VERSION) &&
           SSL_CTX_set_cipher_list(c, ciphers) && SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384");
}

static bool identify(struct crypto_dtls *d, const struct crypto_dtls_identity *id)
{
    const uint8_t *c = id->cert, *k = id->key;
    if (id->cert_n > sizeof(id->cert) || id->key_n > sizeof(id->key))
        return false;
    X509 *x = d2i_X509(NULL, &c, id->cert_n);
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &k, id->key_n);
    unsigned n = sizeof(d->digest);
    bool ok = x && key && SSL_CTX_use_certificate(d->ctx, x) == 1 &&
              SSL_CTX_use_PrivateKey(d->ctx, key) == 1 && SSL_CTX_check_private_key(d->ctx) == 1 &&
              X509_digest(x, EVP_sha256(), d->digest, &n);
    X509_free(x);
    EVP_PKEY_free(key);
    return ok;
}

int crypto_dtls_new(const struct crypto_dtls_identity *id, struct crypto_dtls **ret)
{
    struct crypto_dtls *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->ctx = SSL_CTX_new(DTLS_method());
    int r = d->ctx && set_up(d->ctx) ? 0 : -ENOMEM;
    if (r == 0 && !identify(d, id))
        r = -EINVAL;
    ERR_clear_error();
    if (r < 0)
        crypto_dtls_free(d);
    else
        *ret = d;
    return r;
}

struct crypto_dtls *crypto_dtls_free(struct crypto_dtls *d)
{
    if (d) {
        SSL_CTX_free(d->ctx);
        free(d);
    }
    return NULL;
}

const uint8_t *crypto_dtls_digest(const struct crypto_dtls *d)
{
    return d->digest;
}
