/* AES-128 in counter mode (NIST SP 800-38A), in place: what MIKEY encrypts keys with (RFC 3830
 * s.4.2.3). Packets are crypto/srtp.h's. */
#ifndef SOTTO_CRYPTO_CTR_H
#define SOTTO_CRYPTO_CTR_H

#include "base/slice.h"

#define CRYPTO_CTR_LEN 16 /* of key and counter block */

/* Encrypts and decrypts alike. -EIO: the library fails. */
int crypto_ctr_aes128(const uint8_t key[CRYPTO_CTR_LEN], const uint8_t iv[CRYPTO_CTR_LEN],
                      uint8_t *data, size_t n) MUST_CHECK;

#endif
