/* Ephemeral key agreement, as bytes: the groups that ZRTP (RFC 6189 s.5.1.5) chooses between.
 *
 * A public value is the bare group element: DH in the width of the prime, a curve point as x || y
 * without a format byte, X25519 as RFC 7748 has it. The shared secret is the element in full width
 * (a curve point: its x), not hashed. */
#ifndef SOTTO_CRYPTO_DH_H
#define SOTTO_CRYPTO_DH_H

#include "base/slice.h"

enum crypto_dh_group {
    CRYPTO_DH_2048, /* RFC 3526 groups 14 and 15 */
    CRYPTO_DH_3072,
    CRYPTO_DH_P256,
    CRYPTO_DH_P384,
    CRYPTO_DH_X25519,
    CRYPTO_DH_GROUP_COUNT
};

#define CRYPTO_DH_PUBLIC_MAX 384
#define CRYPTO_DH_SHARED_MAX 384

struct crypto_dh; /* one key pair; wiped by free */

size_t crypto_dh_public_len(enum crypto_dh_group g);
size_t crypto_dh_shared_len(enum crypto_dh_group g);

int crypto_dh_new(enum crypto_dh_group g, struct crypto_dh **ret) MUST_CHECK;
struct crypto_dh *crypto_dh_free(struct crypto_dh *d);
struct slice crypto_dh_public(const struct crypto_dh *d);

enum crypto_dh_verdict {
    CRYPTO_DH_OK = 0,
    CRYPTO_DH_BAD_PUBLIC /* wrong length, 0, 1, p-1 or more, off the curve, or of low order */
};

/* `ret` has room for crypto_dh_shared_len bytes. 0, enum crypto_dh_verdict, or -errno. */
int crypto_dh_agree(const struct crypto_dh *d, struct slice peer, uint8_t *ret) MUST_CHECK;

#endif
