/* Where the parts of a packet lie.
 *
 *   AES-CM  RTP    header | body* | tag            MAC over header, body, ROC (RFC 3711 s.3.1)
 *           RTCP   8 bytes | body* | E, index | tag     MAC over all before it   (s.3.4)
 *   GCM     RTP    header | body* | tag                 AAD: header         (RFC 7714 s.8, 9)
 *           RTCP   8 bytes | body* | tag | E, index     AAD: 8 bytes, then E, index
 *           RTCP with E = 0: AAD is the whole packet, then E, index; no body
 *
 * (* encrypted.) ROC, and in the last case E and index, are not where the MAC wants them: they are
 * put over the first bytes of the tag's place and the tag is put back afterwards. */
#include <endian.h>

#include "crypto/srtp_priv.h"

static void put_u32(uint8_t *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return be32toh(v);
}

typedef uint64_t iv_words __attribute__((vector_size(16)));

/* AES-CM: salt ^ SSRC << 64 ^ index << 16 (RFC 3711 s.4.1.1), 14 bytes and the block counter.
 * GCM: 12 bytes, the same without the two zero octets between (RFC 7714 s.8.1, 9.1).
 * Written at once: the cipher reads it at once, and would wait for narrower stores. */
static void make_iv(uint8_t iv[16], const uint8_t salt[16], bool aead, const uint8_t *ssrc_at,
                    uint64_t index)
{
    uint64_t w[2], ssrc = get_u32(ssrc_at);

    memcpy(w, salt, sizeof(w));
    w[0] ^= htobe64(aead ? ssrc << 16 | (index >> 32 & 0xffff) : ssrc);
    w[1] ^= htobe64(aead ? index << 32 : index << 16);
    iv_words all = {w[0], w[1]};

    memcpy(iv, &all, sizeof(all));
}

/* Tags have 4, 10 or 16 bytes; a copy of a length known when compiling is a move or two. */
static inline void copy_tag(uint8_t *to, const uint8_t *from, uint32_t n)
{
    if (n == 10)
        memcpy(to, from, 10);
    else if (n == 16)
        memcpy(to, from, 16);
    else
        memcpy(to, from, 4);
}

static bool refuse(struct srtp_job *j)
{
    j->verdict = SRTP_TOO_SHORT;
    return false;
}

static void plan_rtp(struct srtp_plan *p, struct srtp_job *j, uint32_t n)
{
    const struct srtp_ctx *c = j->ctx;

    make_iv(p->iv, c->salt, c->aead, j->pkt + 8, j->index);
    p->auth = srtp_ctx_auth(c);
    p->body = j->pkt + j->hdr_len;
    p->body_n = n - j->hdr_len;
    p->aad = j->pkt;
    p->tag_at = n;
    p->tag_n = c->rtp_tag;
    if (c->aead) {
        p->aad_n = j->hdr_len;
    } else {
        p->aad_n = n + 4;
        put_u32(j->pkt + n, (uint32_t)(j->index >> 16));
    }
}

/* `n` bytes of RTCP; the index word is the packet's or, protecting, still to be written. */
static void plan_rtcp(struct srtp_plan *p, struct srtp_job *j, uint32_t n, uint32_t word)
{
    const struct srtp_ctx *c = j->ctx;
    bool clear = !(word & SRTP_RTCP_E);

    make_iv(p->iv, srtp_ctx_rtcp(c)->salt, c->aead, j->pkt + 4, word & ~SRTP_RTCP_E);
    p->auth = NULL;
    p->body = j->pkt + SRTP_RTCP_HDR;
    p->body_n = clear ? 0 : n - SRTP_RTCP_HDR;
    p->tag_n = c->rtcp_tag;
    p->aad = j->pkt;
    p->aad_n = n + SRTP_RTCP_WORD;
    if (!c->aead) {
        p->tag_at = n + SRTP_RTCP_WORD;
        put_u32(j->pkt + n, word);
        return;
    }
    p->tag_at = n;
    if (clear) {
        put_u32(j->pkt + n, word);
        return;
    }
    memcpy(p->rtcp_aad, j->pkt, SRTP_RTCP_HDR);
    put_u32(p->rtcp_aad + SRTP_RTCP_HDR, word);
    p->aad = p->rtcp_aad;
    p->aad_n = sizeof(p->rtcp_aad);
}

bool srtp_plan_protect(struct srtp_plan *p, struct srtp_job *j)
{
    uint32_t hdr = j->rtcp ? SRTP_RTCP_HDR : j->hdr_len;

    p->job = j;
    if (j->len > SRTP_PACKET_MAX || hdr > j->len || (!j->rtcp && hdr < SRTP_RTP_HDR_MIN))
        return refuse(j);
    if (!j->rtcp) {
        plan_rtp(p, j, j->len);
        p->out_len = j->len + p->tag_n;
        return true;
    }
    uint32_t word = SRTP_RTCP_E | (uint32_t)j->index;

    plan_rtcp(p, j, j->len, word);
    if (j->ctx->aead)
        put_u32(j->pkt + j->len + SRTP_GCM_TAG, word);
    p->out_len = j->len + p->tag_n + SRTP_RTCP_WORD;
    return true;
}

bool srtp_plan_unprotect(struct srtp_plan *p, struct srtp_job *j)
{
    const struct srtp_ctx *c = j->ctx;
    uint32_t extra = j->rtcp ? c->rtcp_tag + SRTP_RTCP_WORD : c->rtp_tag;
    uint32_t hdr = j->rtcp ? SRTP_RTCP_HDR : j->hdr_len;

    p->job = j;
    if (j->len > SRTP_PACKET_MAX || j->len < extra || hdr > j->len - extra ||
        (!j->rtcp && hdr < SRTP_RTP_HDR_MIN))
        return refuse(j);

    uint32_t n = p->out_len = j->len - extra;
    if (!j->rtcp) {
        copy_tag(p->tag, j->pkt + n, c->rtp_tag);
        plan_rtp(p, j, n);
        return true;
    }
    uint32_t word = get_u32(j->pkt + n + (c->aead ? SRTP_GCM_TAG : 0));

    copy_tag(p->tag, j->pkt + n + (c->aead ? 0 : SRTP_RTCP_WORD), c->rtcp_tag);
    j->index = word & ~SRTP_RTCP_E;
    j->rtcp_clear = !(word & SRTP_RTCP_E);
    plan_rtcp(p, j, n, word);
    return true;
}

void srtp_plan_seal(struct srtp_plan *p, const uint8_t *tag)
{
    copy_tag(p->job->pkt + p->tag_at, tag, p->tag_n);
    p->job->len = p->out_len;
    p->job->verdict = SRTP_OK;
}

/* Without a branch on what the tags hold. */
static bool tag_eq(const uint8_t *a, const uint8_t *b, uint32_t n)
{
    uint64_t x[2] = {0, 0}, y[2] = {0, 0};

    copy_tag((uint8_t *)x, a, n);
    copy_tag((uint8_t *)y, b, n);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

void srtp_plan_settle(struct srtp_plan *p, bool authentic)
{
    copy_tag(p->job->pkt + p->tag_at, p->tag, p->tag_n);
    p->job->verdict = authentic ? SRTP_OK : SRTP_AUTH_FAILED;
    if (authentic)
        p->job->len = p->out_len;
}

bool srtp_plan_open(struct srtp_plan *p, const uint8_t *tag)
{
    bool authentic = tag_eq(tag, p->tag, p->tag_n);

    srtp_plan_settle(p, authentic);
    return authentic;
}
