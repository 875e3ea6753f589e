/* The tables survive a process that is killed at any instruction, so stores that must be seen in
 * order have a KILL_POINT between them: a table left there refuses too much, never too little. */
#include "rtp/index.h"

#define KILL_POINT() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* RFC 3711 Appendix A. With ROC 0 there is no ROC - 1: such a packet is ahead, not behind. */
static uint64_t estimate(uint64_t top, uint16_t seq)
{
    uint64_t roc = top >> 16;
    uint16_t s_l = (uint16_t)top;

    if (s_l < 0x8000) {
        if (seq - s_l > 0x8000 && roc > 0)
            roc--;
    } else if (s_l - 0x8000 > seq) {
        roc++;
    }
    return roc << 16 | seq;
}

/* --- receiving -------------------------------------------------------------------------------- */

static bool replay_is_empty(const struct rtp_replay *r)
{
    return r->window[0] == 0;
}

static enum rtp_rx_verdict replay_check(const struct rtp_replay *r, uint64_t index)
{
    if (replay_is_empty(r) || index > r->top)
        return RTP_RX_NEW;
    uint64_t back = r->top - index;

    if (back >= RTP_RX_WINDOW)
        return RTP_RX_OLD;
    return r->window[back / 64] >> back % 64 & 1 ? RTP_RX_REPLAYED : RTP_RX_NEW;
}

static void replay_raise(struct rtp_replay *r, uint64_t index)
{
    uint64_t by = replay_is_empty(r) ? RTP_RX_WINDOW : index - r->top;
    uint64_t w0 = r->window[0], w1 = r->window[1];

    r->window[0] = r->window[1] = UINT64_MAX;
    KILL_POINT();
    r->top = index;
    KILL_POINT();
    if (by >= RTP_RX_WINDOW) {
        r->window[1] = 0;
        r->window[0] = 1;
    } else if (by >= 64) {
        r->window[1] = w0 << (by - 64);
        r->window[0] = 1;
    } else {
        r->window[1] = w1 << by | w0 >> (64 - by);
        r->window[0] = w0 << by | 1;
    }
}

static void replay_commit(struct rtp_replay *r, uint64_t index)
{
    if (replay_is_empty(r) || index > r->top) {
        replay_raise(r, index);
        return;
    }
    uint64_t back = r->top - index;

    if (back < RTP_RX_WINDOW)
        r->window[back / 64] |= UINT64_C(1) << back % 64;
}

static const struct rtp_rx_ssrc *rx_find(const struct rtp_rx_table *t, uint32_t ssrc)
{
    const struct rtp_rx_ssrc *s = &t->slots[t->last % RTP_RX_SSRCS];

    if (s->heard && s->ssrc == ssrc)
        return s;
    for (size_t i = 0; i < RTP_RX_SSRCS; i++)
        if (t->slots[i].heard && t->slots[i].ssrc == ssrc)
            return &t->slots[i];
    return NULL;
}

/* Found or made; the least recently heard gives way. */
static struct rtp_rx_ssrc *rx_get(struct rtp_rx_table *t, uint32_t ssrc)
{
    const struct rtp_rx_ssrc *known = rx_find(t, ssrc);
    size_t at = 0;

    if (known) {
        at = (size_t)(known - t->slots);
    } else {
        for (size_t i = 1; i < RTP_RX_SSRCS; i++)
            if (t->slots[i].heard < t->slots[at].heard)
                at = i;
        t->slots[at].heard = 0; /* free, until all of it is written */
        KILL_POINT();
        t->slots[at] = (struct rtp_rx_ssrc){.ssrc = ssrc};
        KILL_POINT();
    }
    /* The clock ticks when the SSRC changes: it counts turns, and 2^32 of them do not happen. */
    if (!known || t->last != at || t->slots[at].heard == 0)
        t->clock++;
    t->last = (uint32_t)at;
    t->slots[at].heard = t->clock;
    return &t->slots[at];
}

uint64_t rtp_rx_estimate(const struct rtp_rx_table *t, uint32_t ssrc, uint16_t seq)
{
    const struct rtp_rx_ssrc *s = rx_find(t, ssrc);

    return s && !replay_is_empty(&s->rtp) ? estimate(s->rtp.top, seq) : seq;
}

size_t rtp_rx_guesses(const struct rtp_rx_table *t, uint32_t ssrc, uint16_t seq,
                      uint64_t ret[RTP_RX_GUESSES])
{
    uint64_t first = rtp_rx_estimate(t, ssrc, seq);
    uint64_t guesses[RTP_RX_GUESSES] = {first, first + 0x10000, first - 0x10000};
    size_t n = 0;

    /* ROC - 1 below zero has become a very large number, which the check refuses. */
    for (size_t i = 0; i < RTP_RX_GUESSES; i++)
        if (rtp_rx_check(t, ssrc, guesses[i]) == RTP_RX_NEW)
            ret[n++] = guesses[i];
    return n;
}

enum rtp_rx_verdict rtp_rx_check(const struct rtp_rx_table *t, uint32_t ssrc, uint64_t index)
{
    const struct rtp_rx_ssrc *s = rx_find(t, ssrc);

    if (index > RTP_INDEX_MAX)
        return RTP_RX_EXHAUSTED;
    return s ? replay_check(&s->rtp, index) : RTP_RX_NEW;
}

void rtp_rx_commit(struct rtp_rx_table *t, uint32_t ssrc, uint64_t index)
{
    replay_commit(&rx_get(t, ssrc)->rtp, index);
}

enum rtp_rx_verdict rtp_rx_check_rtcp(const struct rtp_rx_table *t, uint32_t ssrc, uint32_t index)
{
    const struct rtp_rx_ssrc *s = rx_find(t, ssrc);

    if (index > RTP_RTCP_INDEX_MAX)
        return RTP_RX_EXHAUSTED;
    return s ? replay_check(&s->rtcp, index) : RTP_RX_NEW;
}

void rtp_rx_commit_rtcp(struct rtp_rx_table *t, uint32_t ssrc, uint32_t index)
{
    replay_commit(&rx_get(t, ssrc)->rtcp, index);
}

/* --- sending ---------------------------------------------------------------------------------- */

static const struct rtp_tx_ssrc *tx_find(const struct rtp_tx_table *t, uint32_t ssrc)
{
    const struct rtp_tx_ssrc *s = &t->slots[t->last % RTP_TX_SSRCS];

    if (s->used && s->ssrc == ssrc)
        return s;
    for (size_t i = 0; i < RTP_TX_SSRCS && t->slots[i].used; i++)
        if (t->slots[i].ssrc == ssrc)
            return &t->slots[i];
    return NULL;
}

static enum rtp_tx_verdict tx_add(struct rtp_tx_table *t, uint32_t ssrc, uint64_t index)
{
    for (uint32_t i = 0; i < RTP_TX_SSRCS; i++) {
        if (t->slots[i].used)
            continue;
        t->slots[i] = (struct rtp_tx_ssrc){.ssrc = ssrc, .top = index, .window = 1};
        KILL_POINT();
        t->slots[i].used = 1;
        t->last = i;
        return RTP_TX_CLAIMED;
    }
    return RTP_TX_FULL;
}

uint64_t rtp_tx_estimate(const struct rtp_tx_table *t, uint32_t ssrc, uint16_t seq)
{
    const struct rtp_tx_ssrc *s = tx_find(t, ssrc);

    return s ? estimate(s->top, seq) : seq;
}

enum rtp_tx_verdict rtp_tx_claim(struct rtp_tx_table *t, uint32_t ssrc, uint64_t index)
{
    const struct rtp_tx_ssrc *known = tx_find(t, ssrc);

    if (index > RTP_INDEX_MAX)
        return RTP_TX_EXHAUSTED;
    if (!known)
        return tx_add(t, ssrc, index);
    t->last = (uint32_t)(known - t->slots);
    struct rtp_tx_ssrc *s = &t->slots[t->last];

    if (index > s->top) {
        uint64_t by = index - s->top, window = s->window;

        s->window = UINT64_MAX;
        KILL_POINT();
        s->top = index;
        KILL_POINT();
        s->window = by < RTP_TX_WINDOW ? window << by | 1 : 1;
        return RTP_TX_CLAIMED;
    }
    uint64_t back = s->top - index;

    if (back >= RTP_TX_WINDOW)
        return RTP_TX_OLD;
    if (s->window >> back & 1)
        return RTP_TX_USED;
    s->window |= UINT64_C(1) << back;
    return RTP_TX_CLAIMED;
}

enum rtp_tx_verdict rtp_tx_claim_rtcp(struct rtp_tx_table *t, uint32_t *ret_index)
{
    if (t->rtcp_index >= RTP_RTCP_INDEX_MAX)
        return RTP_TX_EXHAUSTED;
    *ret_index = ++t->rtcp_index;
    return RTP_TX_CLAIMED;
}
