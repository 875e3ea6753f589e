#include "phone/crypt.h"

#include "keying/keying.h"
#include "rtp/rtcp.h"

static void rx_fini(struct phone_rx_key *k)
{
    srtp_ctx_free(k->ctx);
    secret_fini(&k->keys.master);
    *k = (struct phone_rx_key){0};
}

void phone_crypt_init(struct phone_crypt *c, struct srtp_engine *e)
{
    *c = (struct phone_crypt){.engine = e};
}

void phone_crypt_fini(struct phone_crypt *c)
{
    srtp_ctx_free(c->tx);
    secret_fini(&c->tx_keys.master);
    rx_fini(&c->rx[0]);
    rx_fini(&c->rx[1]);
    *c = (struct phone_crypt){.engine = c->engine};
}

static int set_tx(struct phone_crypt *c, const struct srtp_keys *k)
{
    struct srtp_ctx *ctx = NULL;

    if (c->tx && keying_keys_eq(k, &c->tx_keys))
        return 0;
    int r = srtp_ctx_new(c->engine, k, &ctx);
    if (r < 0)
        return r;
    srtp_ctx_free(c->tx);
    c->tx = ctx;
    c->tx_keys = *k;
    c->tx_table = (struct rtp_tx_whole){0};
    return 0;
}

static int set_rx(struct phone_crypt *c, const struct srtp_keys *k)
{
    struct phone_rx_key fresh = {.keys = *k};

    if (c->rx[0].ctx && keying_keys_eq(k, &c->rx[0].keys))
        return 0;
    int r = srtp_ctx_new(c->engine, k, &fresh.ctx);
    if (r < 0)
        return r;
    rx_fini(&c->rx[1]);
    c->rx[1] = c->rx[0];
    c->rx[0] = fresh;
    return 0;
}

int phone_crypt_set(struct phone_crypt *c, const struct srtp_keys *tx, const struct srtp_keys *rx)
{
    int r = 0;

    if (tx->suite != SRTP_SUITE_NONE)
        r = set_tx(c, tx);
    if (r == 0 && rx->suite != SRTP_SUITE_NONE)
        r = set_rx(c, rx);
    return r;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Claims the index that the packet is sent under. */
static bool claim(struct phone_crypt *c, const uint8_t *pkt, bool rtcp, struct srtp_job *job)
{
    struct rtp_hdr h;
    uint32_t index = 0;

    if (rtcp) {
        if (rtp_tx_claim_rtcp(rtp_tx_of(&c->tx_table), &index) != RTP_TX_CLAIMED)
            return false;
        job->index = index;
        return true;
    }
    if (rtp_hdr_parse(pkt, job->len, &h) != RTP_OK)
        return false;
    job->hdr_len = h.hdr_len;
    job->index = rtp_tx_estimate(rtp_tx_of(&c->tx_table), h.ssrc, h.seq);
    return rtp_tx_claim(rtp_tx_of(&c->tx_table), h.ssrc, job->index) == RTP_TX_CLAIMED;
}

int phone_crypt_seal(struct phone_crypt *c, uint8_t *pkt, uint32_t len, bool rtcp,
                     uint32_t *ret_len)
{
    struct srtp_job job = {.ctx = c->tx, .pkt = pkt, .len = len, .rtcp = rtcp};

    if (!c->tx)
        return PHONE_CRYPT_NO_KEY;
    if (!claim(c, pkt, rtcp, &job))
        return PHONE_CRYPT_EXHAUSTED;
    srtp_protect(c->engine, &job, 1);
    *ret_len = job.len;
    return PHONE_CRYPT_OK;
}

/* --- receiving -------------------------------------------------------------------------------- */

static int open_rtcp(struct phone_crypt *c, struct phone_rx_key *k, uint8_t *pkt, uint32_t *len)
{
    struct srtp_job job = {.ctx = k->ctx, .pkt = pkt, .len = *len, .rtcp = true};
    uint32_t ssrc = rtcp_ssrc(pkt);

    srtp_unprotect(c->engine, &job, 1);
    if (job.verdict != SRTP_OK)
        return PHONE_CRYPT_FORGED;
    if (rtp_rx_check_rtcp(rtp_rx_of(&k->table), ssrc, (uint32_t)job.index) != RTP_RX_NEW)
        return PHONE_CRYPT_REPLAYED;
    rtp_rx_commit_rtcp(rtp_rx_of(&k->table), ssrc, (uint32_t)job.index);
    *len = job.len;
    return PHONE_CRYPT_OK;
}

static int open_rtp(struct phone_crypt *c, struct phone_rx_key *k, uint8_t *pkt, uint32_t *len)
{
    uint64_t guesses[RTP_RX_GUESSES];
    struct rtp_hdr h;

    if (rtp_hdr_parse(pkt, *len, &h) != RTP_OK)
        return PHONE_CRYPT_FORGED;
    size_t n = rtp_rx_guesses(rtp_rx_of(&k->table), h.ssrc, h.seq, guesses);
    for (size_t i = 0; i < n; i++) {
        struct srtp_job job = {
            .ctx = k->ctx, .pkt = pkt, .len = *len, .hdr_len = h.hdr_len, .index = guesses[i]};
        srtp_unprotect(c->engine, &job, 1);
        if (job.verdict == SRTP_OK) {
            rtp_rx_commit(rtp_rx_of(&k->table), h.ssrc, guesses[i]);
            *len = job.len;
            return PHONE_CRYPT_OK;
        }
    }
    bool seen = rtp_rx_check(rtp_rx_of(&k->table), h.ssrc,
                             rtp_rx_estimate(rtp_rx_of(&k->table), h.ssrc, h.seq)) != RTP_RX_NEW;
    return seen ? PHONE_CRYPT_REPLAYED : PHONE_CRYPT_FORGED;
}

int phone_crypt_open(struct phone_crypt *c, uint8_t *pkt, uint32_t len, bool rtcp,
                     uint32_t *ret_len)
{
    int verdict = PHONE_CRYPT_NO_KEY;

    for (size_t i = 0; i < ARRAY_LEN(c->rx) && c->rx[i].ctx; i++) {
        uint32_t n = len;
        int r = rtcp ? open_rtcp(c, &c->rx[i], pkt, &n) : open_rtp(c, &c->rx[i], pkt, &n);
        if (r == PHONE_CRYPT_OK) {
            *ret_len = n;
            return r;
        }
        /* What one key calls a replay, no other can call forged. */
        if (verdict != PHONE_CRYPT_REPLAYED)
            verdict = r;
    }
    return verdict;
}
