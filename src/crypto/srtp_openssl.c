/* The portable back end: OpenSSL's EVP for AES, one cipher context per SRTP context whose IV alone
 * is set for each packet, and the low-level SHA-1, started from the precomputed HMAC states. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>

#include "crypto/srtp_priv.h"

struct openssl_engine {
    struct srtp_engine head;
    EVP_CIPHER *gcm[2];   /* AES-128, 256 */
    EVP_CIPHER_CTX *rtcp; /* gets its key with every packet */
};

static struct openssl_engine *engine_of(struct srtp_engine *e)
{
    return CONTAINER_OF(e, struct openssl_engine, head);
}

static void openssl_engine_free(struct srtp_engine *head)
{
    struct openssl_engine *e = engine_of(head);

    EVP_CIPHER_CTX_free(e->rtcp);
    EVP_CIPHER_free(e->gcm[0]);
    EVP_CIPHER_free(e->gcm[1]);
    free(e);
}

static int openssl_engine_new(struct srtp_engine **ret)
{
    struct openssl_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return -ENOMEM;
    e->gcm[0] = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    e->gcm[1] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    e->rtcp = EVP_CIPHER_CTX_new();
    if (!e->gcm[0] || !e->gcm[1] || !e->rtcp) {
        openssl_engine_free(&e->head);
        return -ENOMEM;
    }
    *ret = &e->head;
    return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static size_t openssl_key_size(const struct srtp_ctx *c)
{
    (void)c;
    return sizeof(EVP_CIPHER_CTX *);
}

static EVP_CIPHER_CTX **rtp_cipher(struct srtp_ctx *c)
{
    return (EVP_CIPHER_CTX **)(void *)c->key;
}

static const EVP_CIPHER *cipher_of(const struct openssl_engine *e, const struct srtp_ctx *c)
{
    return c->aead ? e->gcm[c->key_len / 32] : e->head.ctr[c->key_len / 8 - 2];
}

static int openssl_key_init(struct srtp_engine *e, struct srtp_ctx *c, const uint8_t *key)
{
    EVP_CIPHER_CTX *cipher = *rtp_cipher(c) = EVP_CIPHER_CTX_new();

    if (!cipher)
        return -ENOMEM;
    return EVP_EncryptInit_ex2(cipher, cipher_of(engine_of(e), c), key, NULL, NULL) == 1 ? 0 : -EIO;
}

static void openssl_key_fini(struct srtp_ctx *c)
{
    EVP_CIPHER_CTX_free(*rtp_cipher(c));
}

/* With the key in it; the IV is still to come. NULL: no memory. */
static EVP_CIPHER_CTX *cipher_for(struct openssl_engine *e, struct srtp_job *j)
{
    if (!j->rtcp)
        return *rtp_cipher(j->ctx);
    if (EVP_EncryptInit_ex2(e->rtcp, cipher_of(e, j->ctx), srtp_ctx_rtcp(j->ctx)->key, NULL,
                            NULL) != 1)
        return NULL;
    return e->rtcp;
}

/* --- AES-CM and HMAC-SHA1 --------------------------------------------------------------------- */

static bool ctr_run(struct openssl_engine *e, struct srtp_plan *p)
{
    int done = 0;

    if (p->body_n == 0)
        return true;
    EVP_CIPHER_CTX *cipher = cipher_for(e, p->job);

    return cipher && EVP_EncryptInit_ex2(cipher, NULL, NULL, p->iv, NULL) == 1 &&
           EVP_EncryptUpdate(cipher, p->body, &done, p->body, (int)p->body_n) == 1;
}

static void sha1_resume(SHA_CTX *sha, const uint32_t state[5])
{
    sha->h0 = state[0];
    sha->h1 = state[1];
    sha->h2 = state[2];
    sha->h3 = state[3];
    sha->h4 = state[4];
    sha->Nl = SHA_CBLOCK * 8; /* one block is behind us */
    sha->Nh = 0;
    sha->num = 0;
}

static void hmac_run(const struct srtp_plan *p, uint8_t tag[SHA_DIGEST_LENGTH])
{
    SHA_CTX sha;
    struct srtp_auth rtcp;
    const struct srtp_auth *auth = p->auth;

    if (p->job->rtcp) {
        srtp_auth_init(&rtcp, srtp_ctx_rtcp(p->job->ctx)->auth);
        auth = &rtcp;
    }
    sha1_resume(&sha, auth->inner);
    SHA1_Update(&sha, p->aad, p->aad_n);
    SHA1_Final(tag, &sha);
    sha1_resume(&sha, auth->outer);
    SHA1_Update(&sha, tag, SHA_DIGEST_LENGTH);
    SHA1_Final(tag, &sha);
    if (p->job->rtcp)
        secret_wipe(&rtcp, sizeof(rtcp));
}

static bool cm_protect(struct openssl_engine *e, struct srtp_plan *p)
{
    uint8_t tag[SHA_DIGEST_LENGTH];

    if (!ctr_run(e, p))
        return false;
    hmac_run(p, tag);
    srtp_plan_seal(p, tag);
    return true;
}

static bool cm_unprotect(struct openssl_engine *e, struct srtp_plan *p)
{
    uint8_t tag[SHA_DIGEST_LENGTH];

    hmac_run(p, tag);
    return !srtp_plan_open(p, tag) || ctr_run(e, p);
}

/* --- AES-GCM ---------------------------------------------------------------------------------- */

/* Encrypts, or decrypts and checks p->tag. *ret_tag is set when encrypting only. */
static bool gcm_run(EVP_CIPHER_CTX *cipher, struct srtp_plan *p, int encrypt, uint8_t *ret_tag)
{
    int done = 0;

    if (!cipher || EVP_CipherInit_ex2(cipher, NULL, NULL, p->iv, encrypt, NULL) != 1 ||
        EVP_CipherUpdate(cipher, NULL, &done, p->aad, (int)p->aad_n) != 1)
        return false;
    if (p->body_n && EVP_CipherUpdate(cipher, p->body, &done, p->body, (int)p->body_n) != 1)
        return false;
    if (!encrypt && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SRTP_GCM_TAG, p->tag) != 1)
        return false;
    if (EVP_CipherFinal_ex(cipher, p->body, &done) != 1)
        return false;
    return !encrypt ||
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SRTP_GCM_TAG, ret_tag) == 1;
}

static bool gcm_protect(struct openssl_engine *e, struct srtp_plan *p)
{
    uint8_t tag[SRTP_GCM_TAG];

    if (!gcm_run(cipher_for(e, p->job), p, 1, tag))
        return false;
    srtp_plan_seal(p, tag);
    return true;
}

/* EVP decrypts while it authenticates: encrypting a forged packet again makes it what it was. */
static bool gcm_unprotect(struct openssl_engine *e, struct srtp_plan *p)
{
    uint8_t tag[SRTP_GCM_TAG];
    EVP_CIPHER_CTX *cipher = cipher_for(e, p->job);

    bool authentic = gcm_run(cipher, p, 0, NULL);
    bool ok = authentic || gcm_run(cipher, p, 1, tag);

    srtp_plan_settle(p, authentic);
    return ok;
}

/* --- bursts: one by one ----------------------------------------------------------------------- */

/* OpenSSL fails only without memory; such a packet must not leave half done. */
static void give_up(struct srtp_job *j)
{
    j->verdict = SRTP_AUTH_FAILED;
}

static void openssl_protect(struct srtp_engine *e, struct srtp_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct srtp_plan p;

        if (!srtp_plan_protect(&p, &jobs[i]))
            continue;
        if (!(jobs[i].ctx->aead ? gcm_protect : cm_protect)(engine_of(e), &p))
            give_up(&jobs[i]);
    }
}

static void openssl_unprotect(struct srtp_engine *e, struct srtp_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct srtp_plan p;

        if (!srtp_plan_unprotect(&p, &jobs[i]))
            continue;
        if (!(jobs[i].ctx->aead ? gcm_unprotect : cm_unprotect)(engine_of(e), &p))
            give_up(&jobs[i]);
    }
}

const struct srtp_ops srtp_openssl_ops = {
    .name = "openssl",
    .engine_new = openssl_engine_new,
    .engine_free = openssl_engine_free,
    .key_size = openssl_key_size,
    .key_init = openssl_key_init,
    .key_fini = openssl_key_fini,
    .protect = openssl_protect,
    .unprotect = openssl_unprotect,
};
