/* Sealing of the users' digest secrets: an HA1 is as good as the password, so the file alone must
 * not give it away. Layout of a sealed value: version 1, nonce (12), text, tag (16). Nonces are
 * random: 2^32 seals under one key stay far from the bound of NIST SP 800-38D s.8.3. */
#include "store/store_priv.h"

#include <openssl/evp.h>

#include "crypto/hash.h"

enum { SEAL_VERSION = 1, SEAL_NONCE = 12, SEAL_TAG = 16, SEAL_HEAD = 1 + SEAL_NONCE };

_Static_assert(SEAL_HEAD + SECRET_CAP + SEAL_TAG <= STORE_SEALED_MAX, "a sealed secret fits");

int store_seal(struct store *s, struct slice what, const struct secret *in,
               uint8_t ret[STORE_SEALED_MAX], size_t *ret_n)
{
    EVP_CIPHER_CTX *c = s->cipher;
    int n = 0, end = 0;
    ret[0] = SEAL_VERSION;
    crypto_random(ret + 1, SEAL_NONCE);
    bool ok = EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key.b, ret + 1) == 1 &&
              EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)what.p, (int)what.n) == 1 &&
              EVP_EncryptUpdate(c, ret + SEAL_HEAD, &n, in->b, (int)in->n) == 1 &&
              EVP_EncryptFinal_ex(c, ret + SEAL_HEAD + n, &end) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, SEAL_TAG, ret + SEAL_HEAD + in->n) == 1;
    (void)EVP_CIPHER_CTX_reset(c); /* wipes the key schedule */
    if (!ok)
        return store_fail_with(s, -EIO, "%s: cannot seal a secret", s->path);
    *ret_n = SEAL_HEAD + in->n + SEAL_TAG;
    return 0;
}

int store_unseal(struct store *s, struct slice what, struct slice sealed, struct secret *ret)
{
    const uint8_t *p = (const uint8_t *)sealed.p;
    if (sealed.n < SEAL_HEAD + SEAL_TAG || sealed.n > SEAL_HEAD + SECRET_CAP + SEAL_TAG ||
        p[0] != SEAL_VERSION)
        return store_fail_with(s, -EKEYREJECTED, "%s: a sealed secret is damaged", s->path);
    EVP_CIPHER_CTX *c = s->cipher;
    struct secret out = {.n = sealed.n - SEAL_HEAD - SEAL_TAG};
    uint8_t tag[SEAL_TAG];
    memcpy(tag, p + sealed.n - SEAL_TAG, SEAL_TAG);
    int n = 0, end = 0;
    bool ok = EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key.b, p + 1) == 1 &&
              EVP_DecryptUpdate(c, NULL, &n, (const uint8_t *)what.p, (int)what.n) == 1 &&
              EVP_DecryptUpdate(c, out.b, &n, p + SEAL_HEAD, (int)out.n) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, SEAL_TAG, tag) == 1 &&
              EVP_DecryptFinal_ex(c, out.b + n, &end) == 1;
    (void)EVP_CIPHER_CTX_reset(c);
    if (ok)
        *ret = out;
    secret_fini(&out);
    return ok ? 0
              : store_fail_with(s, -EKEYREJECTED,
                                "%s: a secret of " SLICE_FMT " does not open: it was changed, or "
                                "sealed with another key",
                                s->path, SLICE_ARG(what));
}
