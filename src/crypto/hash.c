/* OpenSSL's low-level digests: their state lies on the stack and costs no look-up, which for the
 * 100-byte inputs of digest authentication is half of what EVP takes. They are deprecated, not
 * gone; the algorithms they name cannot change under us. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash.h"

#include <assert.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <sys/random.h>

#include "base/secret.h"

void crypto_md5(const struct slice *parts, size_t n, uint8_t ret[CRYPTO_MD5_LEN])
{
    MD5_CTX ctx;

    MD5_Init(&ctx);
    for (size_t i = 0; i < n; i++)
        MD5_Update(&ctx, parts[i].p, parts[i].n);
    MD5_Final(ret, &ctx); /* wipes ctx */
}

void crypto_sha1(const struct slice *parts, size_t n, uint8_t ret[CRYPTO_SHA1_LEN])
{
    SHA_CTX ctx;

    SHA1_Init(&ctx);
    for (size_t i = 0; i < n; i++)
        SHA1_Update(&ctx, parts[i].p, parts[i].n);
    SHA1_Final(ret, &ctx);
}

static void sha256_update(SHA256_CTX *ctx, const struct slice *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        SHA256_Update(ctx, parts[i].p, parts[i].n);
}

void crypto_sha256(const struct slice *parts, size_t n, uint8_t ret[CRYPTO_SHA256_LEN])
{
    SHA256_CTX ctx;

    SHA256_Init(&ctx);
    sha256_update(&ctx, parts, n);
    SHA256_Final(ret, &ctx); /* wipes ctx */
}

/* --- RFC 2104 --- */

static_assert(2 * sizeof(SHA256_CTX) == sizeof(struct crypto_hmac_key), "both states fill it");

void crypto_hmac_key_init(struct crypto_hmac_key *k, struct slice key)
{
    uint8_t block[SHA256_CBLOCK] = {0};
    SHA256_CTX ctx[2];

    if (key.n > sizeof(block))
        crypto_sha256(&key, 1, block);
    else if (key.n)
        memcpy(block, key.p, key.n);

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    SHA256_Init(&ctx[0]);
    SHA256_Update(&ctx[0], block, sizeof(block));

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&ctx[1]);
    SHA256_Update(&ctx[1], block, sizeof(block));
    memcpy(k->state, ctx, sizeof(k->state));
    secret_wipe(ctx, sizeof(ctx));
    secret_wipe(block, sizeof(block));
}

void crypto_hmac_sha256_by(const struct crypto_hmac_key *k, const struct slice *parts, size_t n,
                           uint8_t ret[CRYPTO_SHA256_LEN])
{
    SHA256_CTX ctx;

    memcpy(&ctx, k->state, sizeof(ctx));
    sha256_update(&ctx, parts, n);
    SHA256_Final(ret, &ctx);

    memcpy(&ctx, (const uint8_t *)k->state + sizeof(ctx), sizeof(ctx));
    SHA256_Update(&ctx, ret, CRYPTO_SHA256_LEN);
    SHA256_Final(ret, &ctx);
}

void crypto_hmac_sha256(struct slice key, const struct slice *parts, size_t n,
                        uint8_t ret[CRYPTO_SHA256_LEN])
{
    struct crypto_hmac_key k;

    crypto_hmac_key_init(&k, key);
    crypto_hmac_sha256_by(&k, parts, n, ret);
    secret_wipe(&k, sizeof(k));
}

/* The same with SHA-1; OpenSSL's digests have no common type to write both at once. */
void crypto_hmac_sha1(struct slice key, const struct slice *parts, size_t n,
                      uint8_t ret[CRYPTO_SHA1_LEN])
{
    uint8_t block[SHA_CBLOCK] = {0};
    SHA_CTX ctx;

    if (key.n > sizeof(block))
        SHA1((const uint8_t *)key.p, key.n, block);
    else if (key.n)
        memcpy(block, key.p, key.n);

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, block, sizeof(block));
    for (size_t i = 0; i < n; i++)
        SHA1_Update(&ctx, parts[i].p, parts[i].n);
    SHA1_Final(ret, &ctx);

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    SHA1_Init(&ctx);
    SHA1_Update(&ctx, block, sizeof(block));
    SHA1_Update(&ctx, ret, CRYPTO_SHA1_LEN);
    SHA1_Final(ret, &ctx);
    secret_wipe(block, sizeof(block));
}

/* --- random bytes ----------------------------------------------------------------------------- */

#define RANDOM_BUFFER 512

/* The last `left` bytes are unused; used ones are wiped at once. */
static _Thread_local struct {
    uint8_t b[RANDOM_BUFFER];
    size_t left;
} pool;

/* Runs in the only thread that a forked child has: it must not repeat its parent's bytes. */
static void forget_pool(void)
{
    secret_wipe(&pool, sizeof(pool));
}

__attribute__((constructor)) static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, forget_pool) != 0)
        abort();
}

static void kernel_random(uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

void crypto_random(void *p, size_t n)
{
    if (n > sizeof(pool.b) / 4) {
        kernel_random(p, n);
        return;
    }
    if (n > pool.left) {
        kernel_random(pool.b, sizeof(pool.b));
        pool.left = sizeof(pool.b);
    }
    if (n == 0)
        return;
    uint8_t *from = pool.b + sizeof(pool.b) - pool.left;

    memcpy(p, from, n);
    secret_wipe(from, n);
    pool.left -= n;
}

void crypto_random_hex(char *dst, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t chunk[32];

    while (n) {
        size_t now = n < sizeof(chunk) ? n : sizeof(chunk);

        crypto_random(chunk, now);
        for (size_t i = 0; i < now; i++) {
            *dst++ = digits[chunk[i] >> 4];
            *dst++ = digits[chunk[i] & 15];
        }
        n -= now;
    }
    *dst = '\0';
    secret_wipe(chunk, sizeof(chunk));
}

/* --- base64 ----------------------------------------------------------------------------------- */

void crypto_base64_put(struct slice in, char *dst, size_t cap, size_t *ret_n)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    assert((in.n + 2) / 3 <= cap / 4);
    for (size_t i = 0; i < in.n; i += 3) {
        size_t have = in.n - i < 3 ? in.n - i : 3;
        uint32_t v = (uint32_t)(uint8_t)in.p[i] << 16;

        if (have > 1)
            v |= (uint32_t)(uint8_t)in.p[i + 1] << 8;
        if (have > 2)
            v |= (uint8_t)in.p[i + 2];
        dst[n++] = alphabet[v >> 18];
        dst[n++] = alphabet[v >> 12 & 63];
        dst[n++] = have > 1 ? alphabet[v >> 6 & 63] : '=';
        dst[n++] = have > 2 ? alphabet[v & 63] : '=';
    }
    if (n < cap)
        dst[n] = '\0';
    *ret_n = n;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int crypto_base64_get(struct slice in, uint8_t *dst, size_t cap, size_t *ret_n)
{
    size_t chars = in.n, n = 0;
    uint32_t v = 0;
    unsigned bits = 0;

    /* Padding, where there is any, must fill the last four. */
    while (chars && in.n - chars < 2 && in.p[chars - 1] == '=')
        chars--;
    if ((chars != in.n && in.n % 4 != 0) || chars % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < chars; i++)
        if (base64_value(in.p[i]) < 0)
            return -EINVAL;
    if (chars / 4 * 3 + chars % 4 * 3 / 4 > cap)
        return -EMSGSIZE;
    for (size_t i = 0; i < chars; i++) {
        v = v << 6 | (uint32_t)base64_value(in.p[i]);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            dst[n++] = (uint8_t)(v >> bits);
        }
    }
    *ret_n = n;
    return 0;
}
