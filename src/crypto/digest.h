/* The hashes that a keying protocol chooses between by name (ZRTP: S256, S384; MIKEY: SHA-1), as one
 * table; crypto/hash.h has the fixed ones of the hot paths. */
#ifndef SOTTO_CRYPTO_DIGEST_H
#define SOTTO_CRYPTO_DIGEST_H

#include "base/slice.h"

enum crypto_digest_kind {
    CRYPTO_DIGEST_SHA1,
    CRYPTO_DIGEST_SHA256,
    CRYPTO_DIGEST_SHA384,
    CRYPTO_DIGEST_COUNT
};

#define CRYPTO_DIGEST_MAX 48

size_t crypto_digest_len(enum crypto_digest_kind k); /* 20, 32, 48 */
/* `ret` has room for crypto_digest_len(k) bytes. */
void crypto_digest(enum crypto_digest_kind k, const struct slice *parts, size_t n, uint8_t *ret);
void crypto_hmac(enum crypto_digest_kind k, struct slice key, const struct slice *parts, size_t n,
                 uint8_t *ret);

#endif
