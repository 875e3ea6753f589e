/* Suites, and how their keys come from the handshake's secrets. Each derived value is at most one
 * hash long in TLS 1.3, so HKDF-Expand is a single HMAC. */
#include "crypto/tls_internal.h"

#include <openssl/evp.h>

#include "base/secret.h"

const struct tls_cipher tls_ciphers[] = {
    {0x1301, CRYPTO_TLS_13, CRYPTO_TLS_AES_128_GCM, "TLS_AES_128_GCM_SHA256", false},
    {0x1302, CRYPTO_TLS_13, CRYPTO_TLS_AES_256_GCM, "TLS_AES_256_GCM_SHA384", true},
    {0x1303, CRYPTO_TLS_13, CRYPTO_TLS_CHACHA20, "TLS_CHACHA20_POLY1305_SHA256", false},
    {0xc02b, CRYPTO_TLS_12, CRYPTO_TLS_AES_128_GCM, "ECDHE-ECDSA-AES128-GCM-SHA256", false},
    {0xc02c, CRYPTO_TLS_12, CRYPTO_TLS_AES_256_GCM, "ECDHE-ECDSA-AES256-GCM-SHA384", true},
    {0xcca9, CRYPTO_TLS_12, CRYPTO_TLS_CHACHA20, "ECDHE-ECDSA-CHACHA20-POLY1305", false},
    {0xc02f, CRYPTO_TLS_12, CRYPTO_TLS_AES_128_GCM, "ECDHE-RSA-AES128-GCM-SHA256", false},
    {0xc030, CRYPTO_TLS_12, CRYPTO_TLS_AES_256_GCM, "ECDHE-RSA-AES256-GCM-SHA384", true},
    {0xcca8, CRYPTO_TLS_12, CRYPTO_TLS_CHACHA20, "ECDHE-RSA-CHACHA20-POLY1305", false},
};
const size_t tls_cipher_count = ARRAY_LEN(tls_ciphers);

const uint8_t tls_key_len[CRYPTO_TLS_SUITE_COUNT] = {
    [CRYPTO_TLS_AES_128_GCM] = 16, [CRYPTO_TLS_AES_256_GCM] = 32, [CRYPTO_TLS_CHACHA20] = 32};

#define BLOCK_MAX 128
#define MESSAGE_MAX 256 /* of what is authenticated here: labels, randoms, hashes */

/* HMAC over one short message, by hand: OpenSSL 3.0's own looks its algorithm up by name each
 * time, which costs more than the two hashes. */
static int hmac(bool sha384, struct slice key, struct slice msg, uint8_t ret[TLS_SECRET_MAX])
{
    const EVP_MD *md = sha384 ? EVP_sha384() : EVP_sha256();
    size_t block = sha384 ? 128 : 64, hash = sha384 ? 48 : 32;
    uint8_t inner[BLOCK_MAX + MESSAGE_MAX] = {0}, outer[BLOCK_MAX + TLS_SECRET_MAX] = {0};
    int r = 0;

    if (msg.n > MESSAGE_MAX || key.n > block)
        return -EIO;
    memcpy(inner, key.p, key.n);
    memcpy(outer, key.p, key.n);
    for (size_t i = 0; i < block; i++) {
        inner[i] ^= 0x36;
        outer[i] ^= 0x5c;
    }
    memcpy(inner + block, msg.p, msg.n);
    if (EVP_Digest(inner, block + msg.n, outer + block, NULL, md, NULL) != 1 ||
        EVP_Digest(outer, block + hash, ret, NULL, md, NULL) != 1)
        r = -EIO;
    secret_wipe(inner, sizeof(inner));
    secret_wipe(outer, sizeof(outer));
    return r;
}

/* RFC 8446 s.7.1 HKDF-Expand-Label with an empty context; n is at most one hash. */
static int expand_label(bool sha384, const uint8_t *secret, const char *label, uint8_t *ret,
                        size_t n)
{
    uint8_t t[TLS_SECRET_MAX];
    char info[64];
    struct buf b = buf_over(info, sizeof(info));
    size_t hash = sha384 ? 48 : 32;

    buf_put_char(&b, 0);
    buf_put_char(&b, (char)n);
    buf_put_char(&b, (char)(6 + strlen(label)));
    BUF_PUT_LIT(&b, "tls13 ");
    buf_put_str(&b, label);
    buf_put_char(&b, 0); /* no context */
    buf_put_char(&b, 1); /* HKDF-Expand's counter, RFC 5869 s.2.3 */
    int r = hmac(sha384, slice_from(secret, hash), buf_slice(&b), t);
    if (r == 0)
        memcpy(ret, t, n);
    secret_wipe(t, sizeof(t));
    return r;
}

int tls_keys_expand(const struct crypto_tls_record *r, struct crypto_tls_keys *k)
{
    bool sha384 = tls_ciphers[r->cipher].sha384;
    int e = expand_label(sha384, k->secret, "key", k->key, tls_key_len[r->suite]);

    if (e == 0)
        e = expand_label(sha384, k->secret, "iv", k->iv, sizeof(k->iv));
    k->seq = 0;
    return e;
}

int tls_keys_update(const struct crypto_tls_record *r, struct crypto_tls_keys *k)
{
    bool sha384 = tls_ciphers[r->cipher].sha384;
    int e = expand_label(sha384, k->secret, "traffic upd", k->secret, sha384 ? 48 : 32);

    return e < 0 ? e : tls_keys_expand(r, k);
}

/* RFC 5246 s.5: P_hash(master, "key expansion" + seed). */
static int key_block(bool sha384, const uint8_t master[TLS_SECRET_MAX], const uint8_t seed[64],
                     uint8_t *ret, size_t n)
{
    static const char label[] = "key expansion";
    struct slice key = slice_from(master, TLS_SECRET_MAX);
    size_t hash = sha384 ? 48 : 32, tail_n = sizeof(label) - 1 + 64;
    uint8_t msg[TLS_SECRET_MAX + sizeof(label) - 1 + 64], *tail = msg + hash, t[TLS_SECRET_MAX];

    memcpy(tail, label, sizeof(label) - 1);
    memcpy(tail + sizeof(label) - 1, seed, 64);
    int r = hmac(sha384, key, slice_from(tail, tail_n), msg); /* A(1) */
    for (size_t done = 0; done < n && r == 0; done += hash) {
        r = hmac(sha384, key, slice_from(msg, hash + tail_n), t);
        memcpy(ret + done, t, n - done < hash ? n - done : hash);
        if (r == 0)
            r = hmac(sha384, key, slice_from(msg, hash), msg);
    }
    secret_wipe(msg, sizeof(msg));
    secret_wipe(t, sizeof(t));
    return r;
}

int tls_keys_from_master(struct crypto_tls_record *r, const uint8_t master[TLS_SECRET_MAX],
                         const uint8_t seed[64])
{
    uint8_t block[2 * (32 + TLS_NONCE_LEN)];
    size_t key = tls_key_len[r->suite], iv = r->suite == CRYPTO_TLS_CHACHA20 ? 12 : 4;
    struct crypto_tls_keys *client = r->is_client ? &r->tx : &r->rx;
    struct crypto_tls_keys *server = r->is_client ? &r->rx : &r->tx;
    int e = key_block(tls_ciphers[r->cipher].sha384, master, seed, block, 2 * (key + iv));

    if (e == 0) {
        memcpy(client->key, block, key);
        memcpy(server->key, block + key, key);
        memcpy(client->iv, block + 2 * key, iv);
        memcpy(server->iv, block + 2 * key + iv, iv);
    }
    secret_wipe(block, sizeof(block));
    return e;
}
