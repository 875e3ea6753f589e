/* What the machine's cipher and hash alone take for a packet, for benches: a burst through ipsec-mb with
 * one key, no index, no replay window, no check of what it is. One job a packet, several under way. */
#ifndef SOTTO_CRYPTO_SRTP_BARE_H
#define SOTTO_CRYPTO_SRTP_BARE_H

#include "crypto/srtp.h"

struct bare;

#if HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <stdlib.h>

struct bare {
    IMB_MGR *m;
    _Alignas(64) struct gcm_key_data gcm;
    _Alignas(16) uint8_t round_keys[15 * 16];
    _Alignas(16) uint8_t unused[15 * 16];
    uint8_t ipad[64], opad[64], iv[16], tag[SRTP_BURST_MAX][20];
};

static struct bare *bare_new(void)
{
    static const _Alignas(16) uint8_t key[32] = {1};
    struct bare *b = aligned_alloc(64, (sizeof(*b) + 63) & ~(size_t)63);
    if (!b)
        return NULL;
    memset(b, 0, sizeof(*b));
    b->m = alloc_mb_mgr(0);
    if (!b->m) {
        free(b);
        return NULL;
    }
    init_mb_mgr_auto(b->m, NULL);
    IMB_AES_KEYEXP_128(b->m, key, b->round_keys, b->unused);
    IMB_AES128_GCM_PRE(b->m, key, &b->gcm);
    for (int i = 0; i < 2; i++) { /* HMAC's two blocks (RFC 2104), hashed once for the key */
        uint8_t block[64];
        memset(block, i ? 0x5c : 0x36, sizeof(block));
        block[0] ^= key[0];
        IMB_SHA1_ONE_BLOCK(b->m, block, i ? b->opad : b->ipad);
    }
    return b;
}

static void bare_free(struct bare *b)
{
    if (b)
        free_mb_mgr(b->m);
    free(b);
}

static void bare_cm(struct bare *b, const struct srtp_job *j, uint8_t *tag, bool protect)
{
    IMB_JOB *job = IMB_GET_NEXT_JOB(b->m);
    job->cipher_mode = IMB_CIPHER_CNTR;
    job->cipher_direction = protect ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job->chain_order = protect ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->enc_keys = job->dec_keys = b->round_keys;
    job->key_len_in_bytes = 16;
    job->src = j->pkt;
    job->dst = j->pkt + j->hdr_len;
    job->iv = b->iv;
    job->iv_len_in_bytes = sizeof(b->iv);
    job->cipher_start_src_offset_in_bytes = j->hdr_len;
    job->msg_len_to_cipher_in_bytes = j->len - j->hdr_len;
    job->hash_alg = IMB_AUTH_HMAC_SHA_1;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = j->len;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = 20;
    job->u.HMAC._hashed_auth_key_xor_ipad = b->ipad;
    job->u.HMAC._hashed_auth_key_xor_opad = b->opad;
    (void)IMB_SUBMIT_JOB_NOCHECK(b->m);
}

static void bare_gcm(struct bare *b, const struct srtp_job *j, uint8_t *tag, bool protect)
{
    struct gcm_context_data ctx;
    uint8_t *at = j->pkt + j->hdr_len;
    uint64_t n = j->len - j->hdr_len;
    if (protect)
        IMB_AES128_GCM_ENC(b->m, &b->gcm, &ctx, at, at, n, b->iv, j->pkt, j->hdr_len, tag, 16);
    else
        IMB_AES128_GCM_DEC(b->m, &b->gcm, &ctx, at, at, n, b->iv, j->pkt, j->hdr_len, tag, 16);
}

static void bare_run(struct bare *b, enum srtp_suite suite, struct srtp_job *jobs, size_t n,
                     bool protect)
{
    bool cm = suite == SRTP_AES_CM_128_HMAC_SHA1_80;
    for (size_t i = 0; i < n; i++)
        (cm ? bare_cm : bare_gcm)(b, &jobs[i], b->tag[i], protect);
    while (cm && IMB_FLUSH_JOB(b->m))
        continue;
    __asm__ volatile("vzeroupper");
}
#else
static struct bare *bare_new(void)
{
    return NULL;
}

static void bare_free(struct bare *b)
{
    (void)b;
}

static void bare_run(struct bare *b, enum srtp_suite suite, struct srtp_job *jobs, size_t n,
                     bool protect)
{
    (void)b, (void)suite, (void)jobs, (void)n, (void)protect;
}
#endif
#endif
