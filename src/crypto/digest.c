/* OpenSSL's low-level digests, for the reasons of hash.c. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/digest.h"

#include <openssl/sha.h>

#include "base/secret.h"

#define BLOCK_MAX SHA512_CBLOCK

union state {
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha512;
};

static void sha1_init(union state *s)
{
    SHA1_Init(&s->sha1);
}

static void sha1_add(union state *s, const void *p, size_t n)
{
    SHA1_Update(&s->sha1, p, n);
}

static void sha1_end(union state *s, uint8_t *ret)
{
    SHA1_Final(ret, &s->sha1);
}

static void sha256_init(union state *s)
{
    SHA256_Init(&s->sha256);
}

static void sha256_add(union state *s, const void *p, size_t n)
{
    SHA256_Update(&s->sha256, p, n);
}

static void sha256_end(union state *s, uint8_t *ret)
{
    SHA256_Final(ret, &s->sha256);
}

static void sha384_init(union state *s)
{
    SHA384_Init(&s->sha512);
}

static void sha384_add(union state *s, const void *p, size_t n)
{
    SHA384_Update(&s->sha512, p, n);
}

static void sha384_end(union state *s, uint8_t *ret)
{
    SHA384_Final(ret, &s->sha512);
}

static const struct digest_ops {
    size_t len, block;
    void (*init)(union state *s);
    void (*add)(union state *s, const void *p, size_t n);
    void (*end)(union state *s, uint8_t *ret); /* wipes */
} table[CRYPTO_DIGEST_COUNT] = {
    [CRYPTO_DIGEST_SHA1] = {SHA_DIGEST_LENGTH, SHA_CBLOCK, sha1_init, sha1_add, sha1_end},
    [CRYPTO_DIGEST_SHA256] = {SHA256_DIGEST_LENGTH, SHA256_CBLOCK, sha256_init, sha256_add,
                              sha256_end},
    [CRYPTO_DIGEST_SHA384] = {SHA384_DIGEST_LENGTH, SHA512_CBLOCK, sha384_init, sha384_add,
                              sha384_end},
};

size_t crypto_digest_len(enum crypto_digest_kind k)
{
    return table[k].len;
}

static void run(const struct digest_ops *ops, const uint8_t *first, const struct slice *parts,
                size_t n, uint8_t *ret)
{
    union state s;

    ops->init(&s);
    if (first)
        ops->add(&s, first, ops->block);
    for (size_t i = 0; i < n; i++)
        ops->add(&s, parts[i].p, parts[i].n);
    ops->end(&s, ret);
}

void crypto_digest(enum crypto_digest_kind k, const struct slice *parts, size_t n, uint8_t *ret)
{
    run(&table[k], NULL, parts, n, ret);
}

/* RFC 2104. */
void crypto_hmac(enum crypto_digest_kind k, struct slice key, const struct slice *parts, size_t n,
                 uint8_t *ret)
{
    const struct digest_ops *ops = &table[k];
    uint8_t block[BLOCK_MAX] = {0}, inner[CRYPTO_DIGEST_MAX];
    struct slice inner_slice = slice_from(inner, ops->len);

    if (key.n > ops->block)
        run(ops, NULL, &key, 1, block);
    else if (key.n)
        memcpy(block, key.p, key.n);
    for (size_t i = 0; i < ops->block; i++)
        block[i] ^= 0x36;
    run(ops, block, parts, n, inner);
    for (size_t i = 0; i < ops->block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    run(ops, block, &inner_slice, 1, ret);
    secret_wipe(block, sizeof(block));
    secret_wipe(inner, sizeof(inner));
}
