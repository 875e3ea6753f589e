/* What the SRTP back ends share, for crypto/srtp*.c only.
 *
 * A packet is first *planned* (srtp_plan.c): lengths checked, IV made, the authenticated and the
 * encrypted part located, the bytes that only the MAC sees (ROC, SRTCP index) put in place. A back
 * end then does nothing but cipher and MAC what plans say, in whatever order suits it. */
#ifndef SOTTO_CRYPTO_SRTP_PRIV_H
#define SOTTO_CRYPTO_SRTP_PRIV_H

#include <openssl/evp.h>

#include "crypto/srtp.h"

#define SRTP_KEY_MAX 32
#define SRTP_AUTH_KEY_LEN 20
#define SRTP_GCM_TAG 16
#define SRTP_CTR_COUNT 3 /* AES-128, 192, 256 */
#define SRTP_RTCP_HDR 8
#define SRTP_RTCP_WORD 4        /* E bit and SRTCP index */
#define SRTP_RTCP_E 0x80000000u /* the packet is encrypted */
#define SRTP_RTP_HDR_MIN 12

/* HMAC-SHA1 after its first block: SHA-1's chaining values over key ^ ipad and key ^ opad, words
 * in the processor's order. Half of a short packet's MAC is saved by not computing them again. */
struct srtp_auth {
    uint32_t inner[5], outer[5];
};

/* RTCP comes once in hundreds of packets: its keys are kept short and expanded when used. */
struct srtp_rtcp_keys {
    uint8_t auth[SRTP_AUTH_KEY_LEN];
    uint8_t salt[16];
    uint8_t key[]; /* key_len */
};

/* One allocation: this, the back end's key data at `key`, the MAC's behind it, the RTCP keys last. What
 * RTP needs of AES-CM-128 fills four cache lines, all of it five. */
struct srtp_ctx {
    const struct srtp_ops *ops;
    uint16_t rtcp_at; /* bytes from here */
    uint8_t key_len, rtp_tag, rtcp_tag;
    bool aead;
    uint8_t salt[16]; /* session salt, zeros behind it */
    _Alignas(16) uint8_t key[];
};

static inline const struct srtp_rtcp_keys *srtp_ctx_rtcp(const struct srtp_ctx *c)
{
    return (const struct srtp_rtcp_keys *)(const void *)((const uint8_t *)c + c->rtcp_at);
}
static inline const struct srtp_auth *srtp_ctx_auth(const struct srtp_ctx *c)
{
    return (const struct srtp_auth *)(const void *)srtp_ctx_rtcp(c) - 1;
}

/* The common head of a back end's engine. */
struct srtp_engine {
    const struct srtp_ops *ops;
    EVP_CIPHER_CTX *kdf;
    EVP_CIPHER *ctr[SRTP_CTR_COUNT]; /* by key_len / 8 - 2 */
};

struct srtp_ops {
    const char *name;
    int (*engine_new)(struct srtp_engine **ret); /* a zeroed head; -ENOTSUP */
    void (*engine_free)(struct srtp_engine *e);  /* of what engine_new made; also half-made */
    size_t (*key_size)(const struct srtp_ctx *c);
    int (*key_init)(struct srtp_engine *e, struct srtp_ctx *c, const uint8_t *key);
    void (*key_fini)(struct srtp_ctx *c);
    void (*protect)(struct srtp_engine *e, struct srtp_job *jobs, size_t n);
    void (*unprotect)(struct srtp_engine *e, struct srtp_job *jobs, size_t n);
};

/* Wipe it. */
void srtp_auth_init(struct srtp_auth *a, const uint8_t key[SRTP_AUTH_KEY_LEN]);

extern const struct srtp_ops srtp_openssl_ops;
extern const struct srtp_ops srtp_mb_ops; /* its engine_new says -ENOTSUP elsewhere than x86-64 */

/* Session keys (RFC 3711 s.4.3), as derived; tests start from them. */
struct srtp_session_keys {
    uint8_t key[SRTP_KEY_MAX];
    uint8_t salt[16]; /* zeros behind it */
    uint8_t auth[SRTP_AUTH_KEY_LEN];
};

enum { SRTP_SESSION_RTP, SRTP_SESSION_RTCP, SRTP_SESSION_COUNT };

int srtp_session_derive(struct srtp_engine *e, const struct srtp_keys *k,
                        struct srtp_session_keys ret[SRTP_SESSION_COUNT]) MUST_CHECK;
int srtp_ctx_from_session(struct srtp_engine *e, enum srtp_suite suite,
                          const struct srtp_session_keys s[SRTP_SESSION_COUNT],
                          struct srtp_ctx **ret) MUST_CHECK;

struct srtp_plan {
    uint8_t iv[16];            /* GCM: the first 12 */
    uint8_t tag[SRTP_GCM_TAG]; /* unprotect: the tag that came */
    uint8_t rtcp_aad[SRTP_RTCP_HDR + SRTP_RTCP_WORD];
    struct srtp_job *job;
    const struct srtp_auth *auth; /* of RTCP the back end's to set */
    uint8_t *body;                /* to be ciphered in place */
    const uint8_t *aad; /* to be authenticated; AES-CM: all of it, GCM: besides the body */
    uint32_t body_n, aad_n;
    uint32_t tag_at, tag_n;
    uint32_t out_len;
};

/* False: the verdict is in the job, the packet untouched. */
bool srtp_plan_protect(struct srtp_plan *p, struct srtp_job *j);
bool srtp_plan_unprotect(struct srtp_plan *p, struct srtp_job *j);

/* After protect: `tag` holds at least tag_n bytes. */
void srtp_plan_seal(struct srtp_plan *p, const uint8_t *tag);
/* After unprotect: puts back what planning changed. */
void srtp_plan_settle(struct srtp_plan *p, bool authentic);
/* The same by the MAC computed, compared in constant time. True: authentic. */
bool srtp_plan_open(struct srtp_plan *p, const uint8_t *tag);

#endif
