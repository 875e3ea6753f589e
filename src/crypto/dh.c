#include "crypto/dh.h"

#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/secret.h"

static const struct group {
    const char *type, *name;
    uint16_t public_len, shared_len;
    bool point; /* SEC 1 s.2.3.3: a format byte that ZRTP leaves out */
    bool modp;
} groups[CRYPTO_DH_GROUP_COUNT] = {
    [CRYPTO_DH_2048] = {"DH", "modp_2048", 256, 256, false, true},
    [CRYPTO_DH_3072] = {"DH", "modp_3072", 384, 384, false, true},
    [CRYPTO_DH_P256] = {"EC", "P-256", 64, 32, true, false},
    [CRYPTO_DH_P384] = {"EC", "P-384", 96, 48, true, false},
    [CRYPTO_DH_X25519] = {"X25519", NULL, 32, 32, false, false},
};

#define SEC1_UNCOMPRESSED 4

struct crypto_dh {
    const struct group *group;
    EVP_PKEY *key;
    uint8_t public_value[CRYPTO_DH_PUBLIC_MAX];
};

size_t crypto_dh_public_len(enum crypto_dh_group g)
{
    return groups[g].public_len;
}

size_t crypto_dh_shared_len(enum crypto_dh_group g)
{
    return groups[g].shared_len;
}

static EVP_PKEY *key_new(const struct group *g)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[2] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    char name[16];

    if (g->name) {
        (void)snprintf(name, sizeof(name), "%s", g->name);
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
    }
    if (ctx && EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_CTX_set_params(ctx, params) > 0)
        (void)EVP_PKEY_generate(ctx, &key); /* key stays NULL where it fails */
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* In full width: OpenSSL pads the DH element to the prime's length. */
static bool public_get(struct crypto_dh *d)
{
    unsigned char *bytes = NULL;
    size_t skip = d->group->point ? 1 : 0;
    size_t n = EVP_PKEY_get1_encoded_public_key(d->key, &bytes);
    bool ok = n == d->group->public_len + skip;

    if (ok)
        memcpy(d->public_value, bytes + skip, d->group->public_len);
    OPENSSL_free(bytes);
    return ok;
}

int crypto_dh_new(enum crypto_dh_group g, struct crypto_dh **ret)
{
    struct crypto_dh *d = calloc(1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    d->group = &groups[g];
    d->key = key_new(d->group);
    if (!d->key || !public_get(d)) {
        crypto_dh_free(d);
        return -EIO;
    }
    *ret = d;
    return 0;
}

struct crypto_dh *crypto_dh_free(struct crypto_dh *d)
{
    if (d) {
        EVP_PKEY_free(d->key);
        free(d);
    }
    return NULL;
}

struct slice crypto_dh_public(const struct crypto_dh *d)
{
    return slice_from(d->public_value, d->group->public_len);
}

/* 2 <= y <= p-2 (RFC 6189 s.4.4.1.1): the rest is of order 1 or 2, and what it leads to is known
 * to all. */
static bool modp_in_range(const EVP_PKEY *key, struct slice peer)
{
    BIGNUM *y = BN_bin2bn((const unsigned char *)peer.p, (int)peer.n, NULL), *p = NULL;
    bool ok = y && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p) == 1 &&
              BN_sub_word(p, 1) == 1 && BN_cmp(y, BN_value_one()) > 0 && BN_cmp(y, p) < 0;

    BN_free(y);
    BN_free(p);
    return ok;
}

/* NULL: not an element of the group. OpenSSL refuses a point that is off its curve. */
static EVP_PKEY *peer_key(const struct crypto_dh *d, struct slice peer)
{
    uint8_t bytes[1 + CRYPTO_DH_PUBLIC_MAX] = {SEC1_UNCOMPRESSED};
    const struct group *g = d->group;

    if (peer.n != g->public_len || (g->modp && !modp_in_range(d->key, peer)))
        return NULL;
    memcpy(bytes + 1, peer.p, peer.n);
    EVP_PKEY *key = EVP_PKEY_new();
    const uint8_t *from = g->point ? bytes : bytes + 1;
    if (key && EVP_PKEY_copy_parameters(key, d->key) == 1 &&
        EVP_PKEY_set1_encoded_public_key(key, from, peer.n + (g->point ? 1 : 0)) == 1)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *x25519_peer_key(struct slice peer)
{
    return peer.n == groups[CRYPTO_DH_X25519].public_len
               ? EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, (const unsigned char *)peer.p,
                                             peer.n)
               : NULL;
}

int crypto_dh_agree(const struct crypto_dh *d, struct slice peer, uint8_t *ret)
{
    bool x25519 = d->group == &groups[CRYPTO_DH_X25519];
    EVP_PKEY *key = x25519 ? x25519_peer_key(peer) : peer_key(d, peer);
    uint8_t shared[CRYPTO_DH_SHARED_MAX];
    size_t n = sizeof(shared);
    int r = CRYPTO_DH_BAD_PUBLIC;

    if (!key)
        return r;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, d->key, NULL);
    /* The order of a modp element is not checked: in a group of a safe prime one bit of the secret
     * is all that could be learned, and the check costs as much as the agreement. */
    if (!ctx || EVP_PKEY_derive_init(ctx) <= 0 ||
        (d->group->modp && EVP_PKEY_CTX_set_dh_pad(ctx, 1) <= 0) ||
        EVP_PKEY_derive_set_peer_ex(ctx, key, !d->group->modp && !x25519) <= 0) {
        r = ctx ? CRYPTO_DH_BAD_PUBLIC : -ENOMEM;
    } else if (EVP_PKEY_derive(ctx, shared, &n) > 0 && n == d->group->shared_len) {
        memcpy(ret, shared, n);
        r = CRYPTO_DH_OK; /* X25519: OpenSSL refused a zero result (RFC 7748 s.6.1) */
    }
    secret_wipe(shared, sizeof(shared));
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return r;
}
