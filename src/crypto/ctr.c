#include "crypto/ctr.h"

#include <limits.h>
#include <openssl/evp.h>

int crypto_ctr_aes128(const uint8_t key[CRYPTO_CTR_LEN], const uint8_t iv[CRYPTO_CTR_LEN],
                      uint8_t *data, size_t n)
{
    if (n > INT_MAX)
        return -EIO;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;
    bool ok = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
              EVP_EncryptUpdate(ctx, data, &done, data, (int)n) == 1 && (size_t)done == n;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : -EIO;
}
