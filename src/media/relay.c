/* A burst's way out. Under a key every packet first claims its index in shared memory, is then
 * protected, then sent: a process that is killed in between has lost a packet, but the next one
 * will not use the index again. */
#include "media/announce.h"
#include "media/worker.h"
#include "rtp/rtcp.h"

/* False: not one packet leaves under this index, and the packet is dropped. */
static bool claim(const struct media_packet *p, uint64_t *ret_index)
{
    struct media_endpoint *e = media_transport(p->out);
    struct rtp_tx t = media_tx(e, false, e->contexts.epoch[MEDIA_CTX_TX]);
    if (p->rtcp) {
        if (e->rtcp_apart)
            t = media_tx(e, true, e->contexts.epoch[MEDIA_CTX_RTCP_TX]);
        uint32_t index;
        if (rtp_tx_claim_rtcp(t, &index) != RTP_TX_CLAIMED)
            return false;
        *ret_index = index;
        return true;
    }
    uint64_t index = rtp_tx_estimate(t, p->hdr.ssrc, p->hdr.seq);
    enum rtp_tx_verdict v = rtp_tx_claim(t, p->hdr.ssrc, index);
    if (v == RTP_TX_FULL || v == RTP_TX_EXHAUSTED)
        media_endpoint_log(e, "media_index_refused");
    if (v != RTP_TX_CLAIMED)
        return false;
    *ret_index = index;
    return true;
}

/* NULL: RTCP's handshake is not done yet. */
static struct srtp_ctx *ctx_of(const struct media_packet *p)
{
    const struct media_endpoint *e = media_transport(p->out);
    return e->contexts.ctx[p->rtcp && e->rtcp_apart ? MEDIA_CTX_RTCP_TX : MEDIA_CTX_TX];
}

void media_relay_burst(struct media_role *r, struct media_packet *ps, size_t n)
{
    struct srtp_job jobs[SRTP_BURST_MAX] UNINITIALIZED;
    struct media_packet *sealed[SRTP_BURST_MAX] UNINITIALIZED;
    size_t jobs_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct media_packet *p = &ps[i];
        uint64_t index;
        if (!p->out)
            continue;
        struct media_endpoint *e = media_transport(p->out);
        if (p->out->announce)
            media_announce_mix(p->out, p);
        switch (e->guard) {
        case MEDIA_GUARD_CLEAR:
            media_socket_send(p->out, p);
            break;
        case MEDIA_GUARD_SECURE:
            if (!ctx_of(p) || !claim(p, &index))
                break;
            sealed[jobs_n] = p;
            jobs[jobs_n++] = (struct srtp_job){.ctx = ctx_of(p),
                                               .pkt = p->data,
                                               .len = p->len,
                                               .hdr_len = p->hdr.hdr_len,
                                               .index = index,
                                               .rtcp = p->rtcp};
            break;
        case MEDIA_GUARD_OPAQUE: /* nothing of ours: nobody there could read it */
            if (p->in && media_transport(p->in)->guard == MEDIA_GUARD_OPAQUE)
                media_socket_send(p->out, p);
            break;
        case MEDIA_GUARD_CLOSED:
        case MEDIA_GUARD_COUNT:
            break;
        }
    }
    srtp_protect(r->engine, jobs, jobs_n);
    for (size_t i = 0; i < jobs_n; i++) {
        if (jobs[i].verdict != SRTP_OK)
            continue;
        sealed[i]->len = jobs[i].len;
        media_socket_send(sealed[i]->out, sealed[i]);
    }
    media_socket_flush(r);
}
