/* Between crypto/cfb.c and the file that alone knows libgcrypt. */
#ifndef SOTTO_CRYPTO_CFB_PRIV_H
#define SOTTO_CRYPTO_CFB_PRIV_H

#include "crypto/cfb.h"

/* 16 or 32 bytes of key. 0 or -EIO. */
int crypto_twofish_cfb(bool encrypt, struct slice key, const uint8_t iv[CRYPTO_CFB_IV_LEN],
                       uint8_t *data, size_t n) MUST_CHECK;

#endif
