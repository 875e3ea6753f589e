/* The back end on Intel's multi-buffer library.
 *
 * Two managers: `wide` hashes as many packets at once as its vectors have lanes (16 with AVX-512),
 * for the price of about five; `small` has SHA-NI and takes packets one by one. A burst is cut so
 * that each packet goes the cheaper way. AES-CTR and GCM are one packet at a time everywhere, and
 * fastest with the wide manager's instructions.
 *
 * The library leaves the upper halves of the vector registers dirty, and SSE code that runs then,
 * SHA-NI's or the compiler's own, costs microseconds: hence clean_vectors after the wide calls.
 *
 * The NOCHECK calls are right here: every pointer and length comes from a plan. */
#include <intel-ipsec-mb.h>

#include "crypto/srtp_priv.h"

#define BURST SRTP_BURST_MAX
#define AES_BLOCK 16
#define ROUND_KEYS_MAX (15 * AES_BLOCK)
#define SHA1_LEN 20
#define PREFETCH_AHEAD 6

struct mb_engine {
    struct srtp_engine head;
    IMB_MGR *small, *wide; /* the same without SHA-NI or without AVX2 */
    size_t lanes;          /* of `wide` */
    size_t few;            /* up to so many packets `small` is faster */
    bool has_avx;
    struct srtp_plan plans[BURST];
    struct srtp_plan *list[BURST];
    struct srtp_auth rtcp_auth; /* of the packet of RTCP that is being done */
    uint8_t digests[BURST][SHA1_LEN];
    IMB_JOB jobs[BURST]; /* cipher fields and hash fields are set apart */
};

static struct mb_engine *engine_of(struct srtp_engine *e)
{
    return CONTAINER_OF(e, struct mb_engine, head);
}

static inline void clean_vectors(const struct mb_engine *e)
{
    if (e->has_avx)
        __asm__ volatile("vzeroupper");
}

/* --- engine ----------------------------------------------------------------------------------- */

static void mb_engine_free(struct srtp_engine *head)
{
    struct mb_engine *e = engine_of(head);

    if (e->wide != e->small)
        free_mb_mgr(e->wide);
    if (e->small)
        free_mb_mgr(e->small);
    secret_wipe(e, sizeof(*e));
    free(e);
}

static IMB_MGR *manager_new(void (*init)(IMB_MGR *))
{
    IMB_MGR *m = alloc_mb_mgr(0);

    if (!m)
        return NULL;
    init(m);
    if (imb_get_errno(m) == 0)
        return m;
    free_mb_mgr(m);
    return NULL;
}

/* `few`: measured with 160 bytes of payload. */
static bool choose_managers(struct mb_engine *e, uint64_t features)
{
    bool avx512 = (features & IMB_CPUFLAGS_AVX512) == IMB_CPUFLAGS_AVX512;
    bool avx2 = (features & IMB_CPUFLAGS_AVX2) == IMB_CPUFLAGS_AVX2;
    bool shani = features & IMB_FEATURE_SHANI;

    e->has_avx = features & IMB_FEATURE_AVX;
    if (shani || !avx2)
        e->small = manager_new(init_mb_mgr_sse);
    if (avx2)
        e->wide = manager_new(avx512 ? init_mb_mgr_avx512 : init_mb_mgr_avx2);
    if (!avx2 || !shani) {
        IMB_MGR *only = e->small ? e->small : e->wide;

        e->small = e->wide = only;
    }
    e->lanes = avx512 ? 16 : 8;
    e->few = e->wide == e->small ? 0 : avx512 ? 5 : 6;
    return e->small && e->wide;
}

/* What never changes in the jobs. */
static void prepare_jobs(struct mb_engine *e)
{
    for (size_t i = 0; i < BURST; i++) {
        IMB_JOB *j = &e->jobs[i];

        j->cipher_mode = IMB_CIPHER_CNTR;
        j->cipher_direction = IMB_DIR_ENCRYPT;
        j->chain_order = IMB_ORDER_CIPHER_HASH;
        j->hash_alg = IMB_AUTH_HMAC_SHA_1;
        j->iv_len_in_bytes = AES_BLOCK;
        j->auth_tag_output = e->digests[i];
        j->auth_tag_output_len_in_bytes = SHA1_LEN;
    }
}

static int mb_engine_new(struct srtp_engine **ret)
{
    uint64_t features = imb_get_feature_flags();

    if ((features & IMB_CPUFLAGS_SSE) != IMB_CPUFLAGS_SSE)
        return -ENOTSUP;
    struct mb_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return -ENOMEM;
    if (!choose_managers(e, features)) {
        mb_engine_free(&e->head);
        return -ENOMEM;
    }
    prepare_jobs(e);
    *ret = &e->head;
    return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void expand_aes(struct mb_engine *e, size_t key_len, const uint8_t *key, uint8_t *ret)
{
    _Alignas(16) uint8_t unused[ROUND_KEYS_MAX]; /* for CBC's decryption */

    if (key_len == 16)
        IMB_AES_KEYEXP_128(e->wide, key, ret, unused);
    else if (key_len == 24)
        IMB_AES_KEYEXP_192(e->wide, key, ret, unused);
    else
        IMB_AES_KEYEXP_256(e->wide, key, ret, unused);
    clean_vectors(e);
    secret_wipe(unused, sizeof(unused));
}

static void expand_gcm(struct mb_engine *e, size_t key_len, const uint8_t *key,
                       struct gcm_key_data *ret)
{
    if (key_len == 16)
        IMB_AES128_GCM_PRE(e->wide, key, ret);
    else
        IMB_AES256_GCM_PRE(e->wide, key, ret);
    clean_vectors(e);
}

#define CM_KEYS(c) ((c)->key)

/* The library wants 64-byte alignment; the context has it, so the key data follows its head at the
 * next multiple. */
#define GCM_AT ((offsetof(struct srtp_ctx, key) + 63) / 64 * 64)

static struct gcm_key_data *gcm_keys(struct srtp_ctx *c)
{
    return (struct gcm_key_data *)(void *)((uint8_t *)c + GCM_AT);
}

static size_t mb_key_size(const struct srtp_ctx *c)
{
    if (c->aead)
        return GCM_AT - offsetof(struct srtp_ctx, key) + sizeof(struct gcm_key_data);
    return (size_t)(c->key_len / 4 + 7) * AES_BLOCK;
}

static int mb_key_init(struct srtp_engine *e, struct srtp_ctx *c, const uint8_t *key)
{
    if (c->aead)
        expand_gcm(engine_of(e), c->key_len, key, gcm_keys(c));
    else
        expand_aes(engine_of(e), c->key_len, key, CM_KEYS(c));
    return 0;
}

static void mb_key_fini(struct srtp_ctx *c)
{
    (void)c;
}

/* Contexts of many sessions are not in the first-level cache when their packet comes. */
static void prefetch_ctx(const struct srtp_ctx *c)
{
    const char *p = (const char *)c;

    for (size_t line = 0; line < 5; line++)
        __builtin_prefetch(p + 64 * line);
}

/* GHASH of a short packet uses the low powers of its key, which lie last. */
static void prefetch_gcm(const struct srtp_ctx *c)
{
    const char *end = (const char *)c + GCM_AT + sizeof(struct gcm_key_data);

    for (size_t line = 1; line <= 4; line++)
        __builtin_prefetch(end - 64 * line);
}

static void prefetch_jobs(const struct srtp_job *jobs, size_t i, size_t n)
{
    if (i + PREFETCH_AHEAD < n) {
        prefetch_ctx(jobs[i + PREFETCH_AHEAD].ctx);
        __builtin_prefetch(jobs[i + PREFETCH_AHEAD].pkt);
    }
    if (i + PREFETCH_AHEAD / 2 < n && jobs[i + PREFETCH_AHEAD / 2].ctx->aead)
        prefetch_gcm(jobs[i + PREFETCH_AHEAD / 2].ctx);
}

/* --- AES-CM and HMAC-SHA1 over lists of plans ---------------------------------------------------
 */

/* Ciphers the plans that have a key of key_len bytes; says how many have another. */
static size_t ctr_of_len(struct mb_engine *e, struct srtp_plan **list, size_t n, size_t key_len,
                         const uint8_t *rtcp_keys)
{
    uint32_t m = 0;
    size_t others = 0;

    for (size_t i = 0; i < n; i++) {
        const struct srtp_plan *p = list[i];
        IMB_JOB *j = &e->jobs[m];

        if (p->job->ctx->key_len != key_len) {
            others++;
            continue;
        }
        if (p->body_n == 0)
            continue;
        j->enc_keys = rtcp_keys ? rtcp_keys : CM_KEYS(p->job->ctx);
        j->key_len_in_bytes = key_len;
        j->iv = p->iv;
        j->src = p->body;
        j->dst = p->body;
        j->cipher_start_src_offset_in_bytes = 0;
        j->msg_len_to_cipher_in_bytes = p->body_n;
        m++;
    }
    if (m)
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(e->wide, e->jobs, m, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                        (IMB_KEY_SIZE_BYTES)key_len);
    clean_vectors(e);
    return others;
}

/* A burst of the library takes one key size. */
static void ctr_run(struct mb_engine *e, struct srtp_plan **list, size_t n,
                    const uint8_t *rtcp_keys)
{
    for (size_t key_len = 16, left = n; left && key_len <= 32; key_len += 8)
        left -= n - ctr_of_len(e, list, n, key_len, rtcp_keys);
}

/* The HMAC of list[i] goes to digests[i]. */
static void hmac_run(struct mb_engine *e, struct srtp_plan **list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct srtp_plan *p = list[i];
        IMB_JOB *j = &e->jobs[i];

        j->src = p->aad;
        j->hash_start_src_offset_in_bytes = 0;
        j->msg_len_to_hash_in_bytes = p->aad_n;
        j->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)p->auth->inner;
        j->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)p->auth->outer;
    }
    size_t odd = n % e->lanes, few = odd <= e->few ? odd : 0;

    if (n > few)
        IMB_SUBMIT_HASH_BURST_NOCHECK(e->wide, e->jobs, (uint32_t)(n - few), IMB_AUTH_HMAC_SHA_1);
    clean_vectors(e);
    if (few)
        IMB_SUBMIT_HASH_BURST_NOCHECK(e->small, e->jobs + (n - few), (uint32_t)few,
                                      IMB_AUTH_HMAC_SHA_1);
}

static void cm_protect(struct mb_engine *e, struct srtp_plan **list, size_t n,
                       const uint8_t *rtcp_keys)
{
    if (n == 0)
        return;
    ctr_run(e, list, n, rtcp_keys);
    hmac_run(e, list, n);
    for (size_t i = 0; i < n; i++)
        srtp_plan_seal(list[i], e->digests[i]);
}

static void cm_unprotect(struct mb_engine *e, struct srtp_plan **list, size_t n,
                         const uint8_t *rtcp_keys)
{
    size_t authentic = 0;

    if (n == 0)
        return;
    hmac_run(e, list, n);
    for (size_t i = 0; i < n; i++)
        if (srtp_plan_open(list[i], e->digests[i]))
            list[authentic++] = list[i];
    ctr_run(e, list, authentic, rtcp_keys);
}

static void cm_rtcp(struct mb_engine *e, struct srtp_plan *p,
                    void (*run)(struct mb_engine *, struct srtp_plan **, size_t, const uint8_t *))
{
    const struct srtp_ctx *c = p->job->ctx;
    _Alignas(16) uint8_t keys[ROUND_KEYS_MAX];

    expand_aes(e, c->key_len, srtp_ctx_rtcp(c)->key, keys);
    srtp_auth_init(&e->rtcp_auth, srtp_ctx_rtcp(c)->auth);
    p->auth = &e->rtcp_auth;
    run(e, &p, 1, keys);
    secret_wipe(keys, sizeof(keys));
    secret_wipe(&e->rtcp_auth, sizeof(e->rtcp_auth));
}

/* --- AES-GCM: one packet after the other -------------------------------------------------------
 */

static void gcm_encrypt(struct mb_engine *e, struct srtp_plan *p, const struct gcm_key_data *keys,
                        uint8_t tag[SRTP_GCM_TAG])
{
    struct gcm_context_data state;

    if (p->job->ctx->key_len == 16)
        IMB_AES128_GCM_ENC(e->wide, keys, &state, p->body, p->body, p->body_n, p->iv, p->aad,
                           p->aad_n, tag, SRTP_GCM_TAG);
    else
        IMB_AES256_GCM_ENC(e->wide, keys, &state, p->body, p->body, p->body_n, p->iv, p->aad,
                           p->aad_n, tag, SRTP_GCM_TAG);
    clean_vectors(e);
}

static void gcm_protect(struct mb_engine *e, struct srtp_plan *p, const struct gcm_key_data *keys)
{
    uint8_t tag[SRTP_GCM_TAG];

    gcm_encrypt(e, p, keys, tag);
    srtp_plan_seal(p, tag);
}

/* Decrypts while it authenticates: encrypting a forged packet again makes it what it was. */
static void gcm_unprotect(struct mb_engine *e, struct srtp_plan *p, const struct gcm_key_data *keys)
{
    struct gcm_context_data state;
    uint8_t tag[SRTP_GCM_TAG];

    if (p->job->ctx->key_len == 16)
        IMB_AES128_GCM_DEC(e->wide, keys, &state, p->body, p->body, p->body_n, p->iv, p->aad,
                           p->aad_n, tag, SRTP_GCM_TAG);
    else
        IMB_AES256_GCM_DEC(e->wide, keys, &state, p->body, p->body, p->body_n, p->iv, p->aad,
                           p->aad_n, tag, SRTP_GCM_TAG);
    clean_vectors(e);
    if (!srtp_plan_open(p, tag))
        gcm_encrypt(e, p, keys, tag);
}

static void gcm_rtcp(struct mb_engine *e, struct srtp_plan *p,
                     void (*run)(struct mb_engine *, struct srtp_plan *,
                                 const struct gcm_key_data *))
{
    const struct srtp_ctx *c = p->job->ctx;
    struct gcm_key_data keys;

    expand_gcm(e, c->key_len, srtp_ctx_rtcp(c)->key, &keys);
    run(e, p, &keys);
    secret_wipe(&keys, sizeof(keys));
}

/* --- bursts ----------------------------------------------------------------------------------- */

static void prefetch_first(const struct srtp_job *jobs, size_t n)
{
    for (size_t i = 1; i < n && i < PREFETCH_AHEAD; i++)
        prefetch_ctx(jobs[i].ctx);
}

static void mb_protect(struct srtp_engine *head, struct srtp_job *jobs, size_t n)
{
    struct mb_engine *e = engine_of(head);
    size_t cm = 0;

    prefetch_first(jobs, n);
    for (size_t i = 0; i < n; i++) {
        struct srtp_plan *p = &e->plans[cm];
        struct srtp_job *j = &jobs[i];

        prefetch_jobs(jobs, i, n);
        if (!srtp_plan_protect(p, j))
            continue;
        if (!j->ctx->aead && !j->rtcp)
            e->list[cm++] = p;
        else if (!j->ctx->aead)
            cm_rtcp(e, p, cm_protect);
        else if (j->rtcp)
            gcm_rtcp(e, p, gcm_protect);
        else
            gcm_protect(e, p, gcm_keys(j->ctx));
    }
    cm_protect(e, e->list, cm, NULL);
}

static void mb_unprotect(struct srtp_engine *head, struct srtp_job *jobs, size_t n)
{
    struct mb_engine *e = engine_of(head);
    size_t cm = 0;

    prefetch_first(jobs, n);
    for (size_t i = 0; i < n; i++) {
        struct srtp_plan *p = &e->plans[cm];
        struct srtp_job *j = &jobs[i];

        prefetch_jobs(jobs, i, n);
        if (!srtp_plan_unprotect(p, j))
            continue;
        if (!j->ctx->aead && !j->rtcp)
            e->list[cm++] = p;
        else if (!j->ctx->aead)
            cm_rtcp(e, p, cm_unprotect);
        else if (j->rtcp)
            gcm_rtcp(e, p, gcm_unprotect);
        else
            gcm_unprotect(e, p, gcm_keys(j->ctx));
    }
    cm_unprotect(e, e->list, cm, NULL);
}

const struct srtp_ops srtp_mb_ops = {
    .name = "ipsec-mb",
    .engine_new = mb_engine_new,
    .engine_free = mb_engine_free,
    .key_size = mb_key_size,
    .key_init = mb_key_init,
    .key_fini = mb_key_fini,
    .protect = mb_protect,
    .unprotect = mb_unprotect,
};
