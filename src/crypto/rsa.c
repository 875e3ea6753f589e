#include "crypto/rsa.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/hash.h"

#define ENVELOPE_KEY_MIN 16 /* RFC 3830 s.4.1.4 asks for as many bits as the keys derived have */

struct crypto_rsa {
    EVP_PKEY *key;
    X509_STORE *ca;
    size_t cert_n;
    uint8_t cert[CRYPTO_RSA_CERT_MAX];
};

struct crypto_rsa_peer {
    X509 *x;
};

/* --- reading ------------------------------------------------------------------------------------- */

static BIO *bio_of(struct slice s)
{
    return s.n && s.n <= INT_MAX ? BIO_new_mem_buf(s.p, (int)s.n) : NULL;
}

/* A key with a password is none: nobody could be asked. */
static int no_password(char *dst, int cap, int writing, void *arg)
{
    (void)dst;
    (void)cap;
    (void)writing;
    (void)arg;
    return -1;
}

static X509 *read_cert(struct slice pem)
{
    BIO *b = bio_of(pem);
    X509 *x = b ? PEM_read_bio_X509(b, NULL, no_password, NULL) : NULL;

    BIO_free(b);
    return x;
}

static bool has_fit_key(const X509 *x)
{
    const EVP_PKEY *k = X509_get0_pubkey(x);
    int bits = k ? EVP_PKEY_get_bits(k) : 0;

    return k && EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA && bits >= CRYPTO_RSA_BITS_MIN &&
           bits <= CRYPTO_RSA_BITS_MAX;
}

static size_t to_der(X509 *x, uint8_t ret[CRYPTO_RSA_CERT_MAX])
{
    int n = i2d_X509(x, NULL);

    return n > 0 && n <= CRYPTO_RSA_CERT_MAX && i2d_X509(x, &ret) == n ? (size_t)n : 0;
}

int crypto_rsa_cert_of(struct slice pem, uint8_t ret[CRYPTO_RSA_CERT_MAX], size_t *ret_n)
{
    X509 *x = read_cert(pem);
    size_t n = x ? to_der(x, ret) : 0;

    X509_free(x);
    ERR_clear_error();
    if (n == 0)
        return -EINVAL;
    *ret_n = n;
    return 0;
}

static bool take_ca(struct crypto_rsa *r, struct slice pem)
{
    BIO *b = bio_of(pem);
    size_t count = 0;
    X509 *x;

    r->ca = X509_STORE_new();
    while (b && r->ca && (x = PEM_read_bio_X509(b, NULL, no_password, NULL))) {
        count += X509_STORE_add_cert(r->ca, x) == 1;
        X509_free(x);
    }
    BIO_free(b);
    return count > 0;
}

static bool take_pair(struct crypto_rsa *r, struct slice cert, struct slice key)
{
    X509 *x = read_cert(cert);
    BIO *b = bio_of(key);
    bool ok = x && b && has_fit_key(x);

    if (ok)
        r->key = PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
    ok = ok && r->key && X509_check_private_key(x, r->key) == 1;
    r->cert_n = ok ? to_der(x, r->cert) : 0;
    X509_free(x);
    BIO_free(b);
    return r->cert_n > 0;
}

int crypto_rsa_new(struct slice cert, struct slice key, struct slice ca, struct crypto_rsa **ret)
{
    struct crypto_rsa *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    bool ok = take_pair(r, cert, key) && take_ca(r, ca);
    ERR_clear_error();
    if (!ok) {
        crypto_rsa_free(r);
        return -EINVAL;
    }
    *ret = r;
    return 0;
}

struct crypto_rsa *crypto_rsa_free(struct crypto_rsa *r)
{
    if (r) {
        EVP_PKEY_free(r->key);
        X509_STORE_free(r->ca);
        free(r);
    }
    return NULL;
}

struct slice crypto_rsa_cert(const struct crypto_rsa *r)
{
    return slice_from(r->cert, r->cert_n);
}

/* --- whose it is --------------------------------------------------------------------------------- */

static enum crypto_rsa_verdict verdict_of(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return CRYPTO_RSA_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return CRYPTO_RSA_NOT_YET;
    case X509_V_ERR_INVALID_PURPOSE:
        return CRYPTO_RSA_UNFIT;
    default:
        return CRYPTO_RSA_FOREIGN;
    }
}

static int check_chain(const struct crypto_rsa *own, X509 *x, uint64_t unix_s)
{
    X509_STORE_CTX *c = X509_STORE_CTX_new();
    int v = -ENOMEM;

    if (c && X509_STORE_CTX_init(c, own->ca, x, NULL)) {
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(c), (time_t)unix_s);
        (void)X509_STORE_CTX_set_purpose(c, X509_PURPOSE_SMIME_SIGN);
        v = X509_verify_cert(c) == 1 ? (int)CRYPTO_RSA_OK
                                     : (int)verdict_of(X509_STORE_CTX_get_error(c));
    }
    X509_STORE_CTX_free(c);
    return v;
}

static bool has_uri(X509 *x, const char *name)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; !found && i < sk_GENERAL_NAME_num(all); i++) {
        int type;
        const ASN1_STRING *v = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);
        if (type != GEN_URI)
            continue;
        struct slice s = slice_from(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
        found = slice_starts_with_nocase(s, SLICE_LIT("sip:")) &&
                slice_eq_nocase_str(slice_skip(s, 4), name);
    }
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return found;
}

static bool is_of(X509 *x, const char *name)
{
    const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;

    if (strchr(name, '@'))
        return has_uri(x, name);
    return X509_check_host(x, name, 0, flags, NULL) == 1 || X509_check_ip_asc(x, name, 0) == 1;
}

static int judge(const struct crypto_rsa *own, X509 *x, const char *name, uint64_t unix_s)
{
    int v = check_chain(own, x, unix_s);

    if (v != CRYPTO_RSA_OK)
        return v;
    if (!has_fit_key(x) || X509_check_purpose(x, X509_PURPOSE_SMIME_ENCRYPT, 0) != 1)
        return CRYPTO_RSA_UNFIT;
    return is_of(x, name) ? CRYPTO_RSA_OK : CRYPTO_RSA_OTHER;
}

int crypto_rsa_peer_new(const struct crypto_rsa *own, struct slice der, const char *name,
                        uint64_t unix_s, struct crypto_rsa_peer **ret)
{
    const uint8_t *p = (const uint8_t *)der.p;
    X509 *x = der.n && der.n <= CRYPTO_RSA_CERT_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
    bool whole = x && p == (const uint8_t *)der.p + der.n;
    int v = whole ? judge(own, x, name, unix_s) : CRYPTO_RSA_UNREADABLE;
    struct crypto_rsa_peer *peer = v == CRYPTO_RSA_OK ? malloc(sizeof(*peer)) : NULL;

    ERR_clear_error();
    if (!peer) {
        X509_free(x);
        return v == CRYPTO_RSA_OK ? -ENOMEM : v;
    }
    peer->x = x;
    *ret = peer;
    return CRYPTO_RSA_OK;
}

struct crypto_rsa_peer *crypto_rsa_peer_free(struct crypto_rsa_peer *p)
{
    if (p) {
        X509_free(p->x);
        free(p);
    }
    return NULL;
}

/* --- signatures ---------------------------------------------------------------------------------- */

size_t crypto_rsa_sign_len(const struct crypto_rsa *own)
{
    return (size_t)EVP_PKEY_get_size(own->key);
}

int crypto_rsa_sign(const struct crypto_rsa *own, const struct slice *parts, size_t n,
                    uint8_t ret[CRYPTO_RSA_MAX], size_t *ret_n)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t len = CRYPTO_RSA_MAX;
    bool ok = c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, own->key) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = EVP_DigestSignUpdate(c, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_DigestSignFinal(c, ret, &len) == 1;
    EVP_MD_CTX_free(c);
    ERR_clear_error();
    if (ok)
        *ret_n = len;
    return ok ? 0 : -EIO;
}

static bool verify_with(const struct crypto_rsa_peer *p, const EVP_MD *md,
                        const struct slice *parts, size_t n, struct slice signature)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = c && EVP_DigestVerifyInit(c, NULL, md, NULL, X509_get0_pubkey(p->x)) == 1;

    for (size_t i = 0; ok && i < n; i++)
        ok = EVP_DigestVerifyUpdate(c, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_DigestVerifyFinal(c, (const uint8_t *)signature.p, signature.n) == 1;
    EVP_MD_CTX_free(c);
    ERR_clear_error();
    return ok;
}

bool crypto_rsa_verify(const struct crypto_rsa_peer *p, const struct slice *parts, size_t n,
                       struct slice signature)
{
    return verify_with(p, EVP_sha256(), parts, n, signature) ||
           verify_with(p, EVP_sha1(), parts, n, signature);
}

/* --- envelopes ----------------------------------------------------------------------------------- */

static EVP_PKEY_CTX *pkcs1(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);

    if (c && (init(c) != 1 || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) != 1)) {
        EVP_PKEY_CTX_free(c);
        c = NULL;
    }
    return c;
}

int crypto_rsa_seal(const struct crypto_rsa_peer *p, const struct secret *key,
                    uint8_t ret[CRYPTO_RSA_MAX], size_t *ret_n)
{
    EVP_PKEY_CTX *c = pkcs1(X509_get0_pubkey(p->x), EVP_PKEY_encrypt_init);
    size_t len = CRYPTO_RSA_MAX;
    bool ok = c && EVP_PKEY_encrypt(c, ret, &len, key->b, key->n) == 1;

    EVP_PKEY_CTX_free(c);
    ERR_clear_error();
    if (ok)
        *ret_n = len;
    return ok ? 0 : -EIO;
}

void crypto_rsa_open(const struct crypto_rsa *own, struct slice envelope, struct secret *ret)
{
    EVP_PKEY_CTX *c = pkcs1(own->key, EVP_PKEY_decrypt_init);
    uint8_t room[CRYPTO_RSA_MAX];
    size_t len = sizeof(room);

    ret->n = SECRET_CAP;
    crypto_random(ret->b, ret->n);
    if (c && EVP_PKEY_decrypt(c, room, &len, (const uint8_t *)envelope.p, envelope.n) == 1 &&
        len >= ENVELOPE_KEY_MIN && len <= SECRET_CAP) {
        memcpy(ret->b, room, len);
        ret->n = len;
    }
    EVP_PKEY_CTX_free(c);
    ERR_clear_error();
    secret_wipe(room, sizeof(room));
}
