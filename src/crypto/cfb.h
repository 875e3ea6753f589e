/* Block ciphers in full-block cipher feedback mode (NIST SP 800-38A, CFB128), in place: what ZRTP
 * encrypts its Confirm messages with (RFC 6189 s.5.1.3). */
#ifndef SOTTO_CRYPTO_CFB_H
#define SOTTO_CRYPTO_CFB_H

#include "base/slice.h"

enum crypto_cfb_cipher {
    CRYPTO_CFB_AES128,
    CRYPTO_CFB_AES192,
    CRYPTO_CFB_AES256,
    CRYPTO_CFB_TWOFISH128, /* by libgcrypt: OpenSSL has no Twofish */
    CRYPTO_CFB_TWOFISH256,
    CRYPTO_CFB_CIPHER_COUNT
};

#define CRYPTO_CFB_IV_LEN 16

/* `key` is as long as the cipher's name says. -EINVAL: it is not; -EIO. */
int crypto_cfb(enum crypto_cfb_cipher c, bool encrypt, struct slice key,
               const uint8_t iv[CRYPTO_CFB_IV_LEN], uint8_t *data, size_t n) MUST_CHECK;

#endif
