#include "crypto/cfb.h"

#include <limits.h>
#include <openssl/evp.h>

#include "crypto/cfb_priv.h"

static const uint8_t key_lens[CRYPTO_CFB_CIPHER_COUNT] = {
    [CRYPTO_CFB_AES128] = 16,     [CRYPTO_CFB_AES192] = 24,     [CRYPTO_CFB_AES256] = 32,
    [CRYPTO_CFB_TWOFISH128] = 16, [CRYPTO_CFB_TWOFISH256] = 32,
};

static const EVP_CIPHER *aes(enum crypto_cfb_cipher c)
{
    switch (c) {
    case CRYPTO_CFB_AES128:
        return EVP_aes_128_cfb128();
    case CRYPTO_CFB_AES192:
        return EVP_aes_192_cfb128();
    case CRYPTO_CFB_AES256:
        return EVP_aes_256_cfb128();
    case CRYPTO_CFB_TWOFISH128:
    case CRYPTO_CFB_TWOFISH256:
    case CRYPTO_CFB_CIPHER_COUNT:
        break;
    }
    return NULL;
}

int crypto_cfb(enum crypto_cfb_cipher c, bool encrypt, struct slice key,
               const uint8_t iv[CRYPTO_CFB_IV_LEN], uint8_t *data, size_t n)
{
    if ((unsigned)c >= CRYPTO_CFB_CIPHER_COUNT || key.n != key_lens[c] || n > INT_MAX)
        return -EINVAL;
    if (!aes(c))
        return crypto_twofish_cfb(encrypt, key, iv, data, n);

    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;
    bool ok =
        ctx &&
        EVP_CipherInit_ex(ctx, aes(c), NULL, (const unsigned char *)key.p, iv, encrypt) == 1 &&
        EVP_CipherUpdate(ctx, data, &done, data, (int)n) == 1 && (size_t)done == n;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : -EIO;
}
