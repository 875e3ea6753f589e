/* Ciphers of one worker. Expanding a key costs about as much as a short record, so the contexts
 * used last stay expanded in a small direct-mapped cache; the key itself finds its place there,
 * which makes the cache invisible: nothing has to be invalidated. */
#include "crypto/tls_internal.h"

#include <openssl/evp.h>

#include "base/secret.h"

#define CACHE_LINES 64

struct line {
    EVP_CIPHER_CTX *ctx;
    bool filled;
    uint8_t suite;
    uint8_t key[32];
};

struct crypto_tls_aead {
    EVP_CIPHER *ciphers[CRYPTO_TLS_SUITE_COUNT];
    struct line lines[2][CACHE_LINES]; /* opening, sealing */
};

int crypto_tls_aead_new(struct crypto_tls_aead **ret)
{
    static const char *const names[CRYPTO_TLS_SUITE_COUNT] = {
        [CRYPTO_TLS_AES_128_GCM] = "AES-128-GCM",
        [CRYPTO_TLS_AES_256_GCM] = "AES-256-GCM",
        [CRYPTO_TLS_CHACHA20] = "ChaCha20-Poly1305"};
    struct crypto_tls_aead *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    for (int s = 0; s < CRYPTO_TLS_SUITE_COUNT; s++) {
        a->ciphers[s] = EVP_CIPHER_fetch(NULL, names[s], NULL);
        if (!a->ciphers[s]) {
            crypto_tls_aead_free(a);
            return -ENOTSUP;
        }
    }
    *ret = a;
    return 0;
}

struct crypto_tls_aead *crypto_tls_aead_free(struct crypto_tls_aead *a)
{
    if (!a)
        return NULL;
    for (int s = 0; s < CRYPTO_TLS_SUITE_COUNT; s++)
        EVP_CIPHER_free(a->ciphers[s]);
    for (int i = 0; i < CACHE_LINES; i++) {
        EVP_CIPHER_CTX_free(a->lines[0][i].ctx);
        EVP_CIPHER_CTX_free(a->lines[1][i].ctx);
    }
    secret_wipe(a, sizeof(*a));
    free(a);
    return NULL;
}

/* The context for the job's key, with its nonce set. NULL: the library failed. */
static EVP_CIPHER_CTX *context(struct crypto_tls_aead *a, const struct tls_job *j, bool seal)
{
    struct line *l = &a->lines[seal][j->key[0] % CACHE_LINES];
    size_t n = tls_key_len[j->suite];

    if (l->filled && l->suite == j->suite && memcmp(l->key, j->key, n) == 0)
        return EVP_CipherInit_ex(l->ctx, NULL, NULL, NULL, j->nonce, -1) == 1 ? l->ctx : NULL;
    const EVP_CIPHER *cipher = l->filled && l->suite == j->suite ? NULL : a->ciphers[j->suite];
    if (!l->ctx)
        l->ctx = EVP_CIPHER_CTX_new();
    l->filled = false;
    if (!l->ctx || EVP_CipherInit_ex(l->ctx, cipher, NULL, j->key, j->nonce, seal) != 1)
        return NULL;
    l->filled = true;
    l->suite = j->suite;
    memcpy(l->key, j->key, n);
    return l->ctx;
}

static const uint8_t *bytes(struct slice s)
{
    return (const uint8_t *)s.p;
}

int tls_aead_seal(struct crypto_tls_aead *a, const struct tls_job *j)
{
    EVP_CIPHER_CTX *x = context(a, j, true);
    uint8_t tail = (uint8_t)j->tail;
    int n;

    if (!x || EVP_EncryptUpdate(x, NULL, &n, bytes(j->aad), (int)j->aad.n) != 1 ||
        (j->in.n && EVP_EncryptUpdate(x, j->out, &n, bytes(j->in), (int)j->in.n) != 1) ||
        (j->tail >= 0 && EVP_EncryptUpdate(x, j->out + j->in.n, &n, &tail, 1) != 1) ||
        EVP_EncryptFinal_ex(x, j->tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, TLS_TAG_LEN, j->tag) != 1)
        return -EIO;
    return 0;
}

int tls_aead_open(struct crypto_tls_aead *a, const struct tls_job *j)
{
    EVP_CIPHER_CTX *x = context(a, j, false);
    uint8_t none[16];
    int n;

    if (!x || EVP_DecryptUpdate(x, NULL, &n, bytes(j->aad), (int)j->aad.n) != 1 ||
        (j->in.n && EVP_DecryptUpdate(x, j->out, &n, bytes(j->in), (int)j->in.n) != 1) ||
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, TLS_TAG_LEN, j->tag) != 1)
        return -EIO;
    return EVP_DecryptFinal_ex(x, none, &n) == 1 ? TLS_AEAD_OK : TLS_AEAD_FORGED;
}
