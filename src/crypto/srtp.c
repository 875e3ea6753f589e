/* Suites, key derivation, and the choice of a back end. */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_Transform: only it gives HMAC's state by itself */

#include "crypto/srtp.h"

#include <assert.h>
#include <openssl/sha.h>

#include "crypto/srtp_priv.h"

#define SALT_CM 14
#define SALT_GCM 12
#define CACHE_LINE 64

static const struct srtp_suite_info infos[SRTP_SUITE_COUNT] = {
    [SRTP_AES_CM_128_HMAC_SHA1_80] = {16, SALT_CM, 10, 10},
    [SRTP_AES_CM_128_HMAC_SHA1_32] = {16, SALT_CM, 4, 10},
    [SRTP_AES_192_CM_HMAC_SHA1_80] = {24, SALT_CM, 10, 10},
    [SRTP_AES_192_CM_HMAC_SHA1_32] = {24, SALT_CM, 4, 10},
    [SRTP_AES_256_CM_HMAC_SHA1_80] = {32, SALT_CM, 10, 10},
    [SRTP_AES_256_CM_HMAC_SHA1_32] = {32, SALT_CM, 4, 10},
    [SRTP_AEAD_AES_128_GCM] = {16, SALT_GCM, 16, 16},
    [SRTP_AEAD_AES_256_GCM] = {32, SALT_GCM, 16, 16},
};

const struct srtp_suite_info *srtp_suite_info(enum srtp_suite s)
{
    return &infos[s];
}

/* --- engines ---------------------------------------------------------------------------------- */

static int engine_start(const struct srtp_ops *ops, struct srtp_engine **ret)
{
    static const char *const names[SRTP_CTR_COUNT] = {"AES-128-CTR", "AES-192-CTR", "AES-256-CTR"};
    struct srtp_engine *e = NULL;
    int r = ops->engine_new(&e);

    if (r < 0)
        return r;
    e->ops = ops;
    bool ok = (e->kdf = EVP_CIPHER_CTX_new()) != NULL;

    for (size_t i = 0; i < SRTP_CTR_COUNT; i++)
        ok = (e->ctr[i] = EVP_CIPHER_fetch(NULL, names[i], NULL)) && ok;
    if (!ok) {
        srtp_engine_free(e);
        return -ENOMEM;
    }
    *ret = e;
    return 0;
}

int srtp_engine_new(enum srtp_backend backend, struct srtp_engine **ret)
{
    switch (backend) {
    case SRTP_BACKEND_OPENSSL:
        return engine_start(&srtp_openssl_ops, ret);
    case SRTP_BACKEND_IPSEC_MB:
        return engine_start(&srtp_mb_ops, ret);
    case SRTP_BACKEND_AUTO:
        break;
    }
    int r = engine_start(&srtp_mb_ops, ret);

    return r == -ENOTSUP ? engine_start(&srtp_openssl_ops, ret) : r;
}

struct srtp_engine *srtp_engine_free(struct srtp_engine *e)
{
    if (!e)
        return NULL;
    EVP_CIPHER_CTX_free(e->kdf);
    for (size_t i = 0; i < SRTP_CTR_COUNT; i++)
        EVP_CIPHER_free(e->ctr[i]);
    e->ops->engine_free(e);
    return NULL;
}

const char *srtp_engine_name(const struct srtp_engine *e)
{
    return e->ops->name;
}

/* --- key derivation (RFC 3711 s.4.3.1; RFC 6188 s.3; RFC 7714 s.11) ----------------------------
 */

enum kdf_label {
    LABEL_RTP_KEY,
    LABEL_RTP_AUTH,
    LABEL_RTP_SALT,
    LABEL_RTCP_KEY,
    LABEL_RTCP_AUTH,
    LABEL_RTCP_SALT
};

static int kdf_start(struct srtp_engine *e, const uint8_t *key, size_t key_len)
{
    return EVP_EncryptInit_ex2(e->kdf, e->ctr[key_len / 8 - 2], key, NULL, NULL) == 1 ? 0 : -EIO;
}

/* Keystream of AES-CM at (master salt ^ label << 48) << 16. GCM's salt of 12 bytes has zeros behind
 * it. */
static int kdf_run(struct srtp_engine *e, const uint8_t salt[16], enum kdf_label label,
                   uint8_t *out, size_t n)
{
    uint8_t iv[16];
    int done = 0;

    memcpy(iv, salt, sizeof(iv));
    iv[7] ^= (uint8_t)label;
    memset(out, 0, n);
    if (EVP_EncryptInit_ex2(e->kdf, NULL, NULL, iv, NULL) != 1 ||
        EVP_EncryptUpdate(e->kdf, out, &done, out, (int)n) != 1)
        return -EIO;
    return 0;
}

static bool keys_fit(const struct srtp_keys *k)
{
    if (k->suite <= SRTP_SUITE_NONE || k->suite >= SRTP_SUITE_COUNT)
        return false;
    return k->master.n == (size_t)infos[k->suite].key_len + infos[k->suite].salt_len;
}

int srtp_session_derive(struct srtp_engine *e, const struct srtp_keys *k,
                        struct srtp_session_keys ret[SRTP_SESSION_COUNT])
{
    static const enum kdf_label first[SRTP_SESSION_COUNT] = {LABEL_RTP_KEY, LABEL_RTCP_KEY};
    uint8_t salt[16] = {0};

    if (!keys_fit(k))
        return -EINVAL;
    const struct srtp_suite_info *info = srtp_suite_info(k->suite);
    int r = kdf_start(e, k->master.b, info->key_len);

    memcpy(salt, k->master.b + info->key_len, info->salt_len);
    memset(ret, 0, SRTP_SESSION_COUNT * sizeof(*ret));
    for (size_t i = 0; r == 0 && i < SRTP_SESSION_COUNT; i++) {
        r = kdf_run(e, salt, first[i], ret[i].key, info->key_len);
        if (r == 0)
            r = kdf_run(e, salt, first[i] + 1, ret[i].auth, sizeof(ret[i].auth));
        if (r == 0)
            r = kdf_run(e, salt, first[i] + 2, ret[i].salt, info->salt_len);
    }
    secret_wipe(salt, sizeof(salt));
    return r;
}

/* --- contexts --------------------------------------------------------------------------------- */

static_assert(offsetof(struct srtp_ctx, key) + 11 * 16 + sizeof(struct srtp_auth) <= 4 * CACHE_LINE,
              "RTP with AES-128 fills four cache lines");

static void sha1_state(const uint8_t block[SHA_CBLOCK], uint32_t ret[5])
{
    SHA_CTX sha;

    SHA1_Init(&sha);
    SHA1_Transform(&sha, block);
    ret[0] = sha.h0;
    ret[1] = sha.h1;
    ret[2] = sha.h2;
    ret[3] = sha.h3;
    ret[4] = sha.h4;
    secret_wipe(&sha, sizeof(sha));
}

void srtp_auth_init(struct srtp_auth *a, const uint8_t key[SRTP_AUTH_KEY_LEN])
{
    uint8_t block[SHA_CBLOCK] = {0};

    memcpy(block, key, SRTP_AUTH_KEY_LEN);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    sha1_state(block, a->inner);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha1_state(block, a->outer);
    secret_wipe(block, sizeof(block));
}

/* Bytes of the allocation. With AES-CM-128 and malloc's word before it five cache lines: one context lies
 * close to the next. */
static size_t ctx_size(const struct srtp_ctx *c)
{
    return c->rtcp_at + sizeof(struct srtp_rtcp_keys) + c->key_len;
}

int srtp_ctx_from_session(struct srtp_engine *e, enum srtp_suite suite,
                          const struct srtp_session_keys s[SRTP_SESSION_COUNT],
                          struct srtp_ctx **ret)
{
    const struct srtp_suite_info *info = srtp_suite_info(suite);
    struct srtp_ctx head = {
        .ops = e->ops,
        .key_len = info->key_len,
        .rtp_tag = info->rtp_tag_len,
        .rtcp_tag = info->rtcp_tag_len,
        .aead = info->salt_len == SALT_GCM,
    };
    size_t auth_at = sizeof(head) + e->ops->key_size(&head);

    head.rtcp_at = (uint16_t)(auth_at + sizeof(struct srtp_auth));
    void *mem = NULL;

    if (posix_memalign(&mem, CACHE_LINE, ctx_size(&head)) != 0)
        return -ENOMEM;
    struct srtp_ctx *c = mem;

    memset(c, 0, ctx_size(&head));
    *c = head;
    struct srtp_rtcp_keys *rtcp = (struct srtp_rtcp_keys *)(void *)((uint8_t *)c + c->rtcp_at);

    memcpy(c->salt, s[SRTP_SESSION_RTP].salt, sizeof(c->salt));
    srtp_auth_init((struct srtp_auth *)(void *)((uint8_t *)c + auth_at), s[SRTP_SESSION_RTP].auth);
    memcpy(rtcp->key, s[SRTP_SESSION_RTCP].key, c->key_len);
    memcpy(rtcp->salt, s[SRTP_SESSION_RTCP].salt, sizeof(rtcp->salt));
    memcpy(rtcp->auth, s[SRTP_SESSION_RTCP].auth, sizeof(rtcp->auth));
    int r = e->ops->key_init(e, c, s[SRTP_SESSION_RTP].key);

    if (r < 0) {
        srtp_ctx_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

int srtp_ctx_new(struct srtp_engine *e, const struct srtp_keys *k, struct srtp_ctx **ret)
{
    struct srtp_session_keys s[SRTP_SESSION_COUNT];
    int r = srtp_session_derive(e, k, s);

    if (r == 0)
        r = srtp_ctx_from_session(e, k->suite, s, ret);
    secret_wipe(s, sizeof(s));
    return r;
}

struct srtp_ctx *srtp_ctx_free(struct srtp_ctx *c)
{
    if (!c)
        return NULL;
    c->ops->key_fini(c);
    secret_wipe(c, ctx_size(c));
    free(c);
    return NULL;
}

/* --- packets ---------------------------------------------------------------------------------- */

void srtp_protect(struct srtp_engine *e, struct srtp_job *jobs, size_t n)
{
    assert(n <= SRTP_BURST_MAX);
    e->ops->protect(e, jobs, n);
}

void srtp_unprotect(struct srtp_engine *e, struct srtp_job *jobs, size_t n)
{
    assert(n <= SRTP_BURST_MAX);
    e->ops->unprotect(e, jobs, n);
}
