/* Hashes and MACs over OpenSSL, and random bytes. Reusable contexts: no allocation per call. */
#ifndef SOTTO_CRYPTO_HASH_H
#define SOTTO_CRYPTO_HASH_H

#include "base/slice.h"

#define CRYPTO_MD5_LEN 16
#define CRYPTO_SHA1_LEN 20
#define CRYPTO_SHA256_LEN 32

/* Several slices as one input: saves the copy. */
void crypto_md5(const struct slice *parts, size_t n, uint8_t ret[CRYPTO_MD5_LEN]);
/* For RFC 6455 alone, which asks for no security of it. */
void crypto_sha1(const struct slice *parts, size_t n, uint8_t ret[CRYPTO_SHA1_LEN]);
void crypto_sha256(const struct slice *parts, size_t n, uint8_t ret[CRYPTO_SHA256_LEN]);
void crypto_hmac_sha256(struct slice key, const struct slice *parts, size_t n,
                        uint8_t ret[CRYPTO_SHA256_LEN]);
/* A key that is used many times: what stands for it in each HMAC is made once. Wiped by who has it. */
struct crypto_hmac_key {
    uint64_t state[2 * 14]; /* SHA256_CTX for the inner hash and the outer one */
};
void crypto_hmac_key_init(struct crypto_hmac_key *k, struct slice key);
void crypto_hmac_sha256_by(const struct crypto_hmac_key *k, const struct slice *parts, size_t n,
                           uint8_t ret[CRYPTO_SHA256_LEN]);
/* For STUN, whose integrity it is (RFC 8489 s.14.5); nothing new should use it. */
void crypto_hmac_sha1(struct slice key, const struct slice *parts, size_t n,
                      uint8_t ret[CRYPTO_SHA1_LEN]);
/* Never fails: a system without random bytes ends the program. Buffered per thread for short
 * requests; forks start with an empty buffer. */
void crypto_random(void *p, size_t n);
/* n random bytes as lower-case hex (2n characters) and a NUL. */
void crypto_random_hex(char *dst, size_t n);
/* Base64 (RFC 4648), padded. Decoding takes input with or without padding; -EINVAL, -EMSGSIZE. */
void crypto_base64_put(struct slice in, char *dst, size_t cap, size_t *ret_n);
int crypto_base64_get(struct slice in, uint8_t *dst, size_t cap, size_t *ret_n) MUST_CHECK;

#endif
