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

/* Shared memory may hold anything: no slot outside is looked at. */
static uint32_t rx_count(struct rtp_rx r)
{
    return r.table->n < RTP_RX_SSRCS ? r.table->n : RTP_RX_SSRCS;
}

static struct rtp_rx_ssrc *rx_slot(struct rtp_rx r, uint32_t i)
{
    return i < RTP_RX_HERE ? &r.table->slots[i] : &r.more->slots[i - RTP_RX_HERE];
}

static bool rx_is(const struct rtp_rx_ssrc *s, uint32_t ssrc)
{
    return s->heard && s->ssrc == ssrc;
}

#define NOT_FOUND UINT32_MAX

static uint32_t rx_find(struct rtp_rx r, uint32_t ssrc)
{
    uint32_t n = rx_count(r), last = r.table->last;

    if (last < n && rx_is(rx_slot(r, last), ssrc))
        return last;
    for (uint32_t i = 0; i < n; i++)
        if (rx_is(rx_slot(r, i), ssrc))
            return i;
    return NOT_FOUND;
}

/* The next free one, else that of the least recently heard. */
static uint32_t rx_make(struct rtp_rx r, uint32_t ssrc)
{
    uint32_t n = rx_count(r), at = n < RTP_RX_SSRCS ? n : 0;

    if (n == RTP_RX_SSRCS) {
        for (uint32_t i = 1; i < n; i++)
            if (rx_slot(r, i)->heard < rx_slot(r, at)->heard)
                at = i;
        rx_slot(r, at)->heard = 0; /* free, until all of it is written */
        KILL_POINT();
    }
    *rx_slot(r, at) = (struct rtp_rx_ssrc){.ssrc = ssrc};
    KILL_POINT();
    if (at == n)
        r.table->n = n + 1;
    KILL_POINT();
    return at;
}

static struct rtp_rx_ssrc *rx_get(struct rtp_rx r, uint32_t ssrc)
{
    struct rtp_rx_table *t = r.table;
    uint32_t known = rx_find(r, ssrc), at = known == NOT_FOUND ? rx_make(r, ssrc) : known;
    struct rtp_rx_ssrc *s = rx_slot(r, at);

    /* The clock ticks when the SSRC changes: it counts turns, and 2^32 of them do not happen. */
    if (known == NOT_FOUND || t->last != at)
        t->clock++;
    t->last = at;
    s->heard = t->clock;
    return s;
}

const struct rtp_rx_ssrc *rtp_rx_last(struct rtp_rx r)
{
    uint32_t last = r.table->last;

    return rx_slot(r, last < RTP_RX_SSRCS ? last : 0);
}

uint64_t rtp_rx_estimate(struct rtp_rx r, uint32_t ssrc, uint16_t seq)
{
    uint32_t at = rx_find(r, ssrc);
    const struct rtp_replay *p = at == NOT_FOUND ? NULL : &rx_slot(r, at)->rtp;

    return p && !replay_is_empty(p) ? estimate(p->top, seq) : seq;
}

size_t rtp_rx_guesses(struct rtp_rx r, uint32_t ssrc, uint16_t seq, uint64_t ret[RTP_RX_GUESSES])
{
    uint64_t first = rtp_rx_estimate(r, ssrc, seq);
    uint64_t guesses[RTP_RX_GUESSES] = {first, first + 0x10000, first - 0x10000};
    size_t n = 0;

    /* ROC - 1 below zero has become a very large number, which the check refuses. */
    for (size_t i = 0; i < RTP_RX_GUESSES; i++)
        if (rtp_rx_check(r, ssrc, guesses[i]) == RTP_RX_NEW)
            ret[n++] = guesses[i];
    return n;
}

enum rtp_rx_verdict rtp_rx_check(struct rtp_rx r, uint32_t ssrc, uint64_t index)
{
    uint32_t at = rx_find(r, ssrc);

    if (index > RTP_INDEX_MAX)
        return RTP_RX_EXHAUSTED;
    return at == NOT_FOUND ? RTP_RX_NEW : replay_check(&rx_slot(r, at)->rtp, index);
}

void rtp_rx_commit(struct rtp_rx r, uint32_t ssrc, uint64_t index)
{
    replay_commit(&rx_get(r, ssrc)->rtp, index);
}

enum rtp_rx_verdict rtp_rx_check_rtcp(struct rtp_rx r, uint32_t ssrc, uint32_t index)
{
    uint32_t at = rx_find(r, ssrc);

    if (index > RTP_RTCP_INDEX_MAX)
        return RTP_RX_EXHAUSTED;
    return at == NOT_FOUND ? RTP_RX_NEW : replay_check(&rx_slot(r, at)->rtcp, index);
}

void rtp_rx_commit_rtcp(struct rtp_rx r, uint32_t ssrc, uint32_t index)
{
    replay_commit(&rx_get(r, ssrc)->rtcp, index);
}

/* --- sending ---------------------------------------------------------------------------------- */

static uint32_t tx_count(struct rtp_tx s)
{
    return s.table->n < RTP_TX_SSRCS ? s.table->n : RTP_TX_SSRCS;
}

static struct rtp_tx_ssrc *tx_slot(struct rtp_tx s, uint32_t i)
{
    return i < RTP_TX_HERE ? &s.table->slots[i] : &s.more->slots[i - RTP_TX_HERE];
}

static uint32_t tx_find(struct rtp_tx s, uint32_t ssrc)
{
    uint32_t n = tx_count(s), last = s.table->last;

    if (last < n && tx_slot(s, last)->ssrc == ssrc)
        return last;
    for (uint32_t i = 0; i < n; i++)
        if (tx_slot(s, i)->ssrc == ssrc)
            return i;
    return NOT_FOUND;
}

static enum rtp_tx_verdict tx_add(struct rtp_tx s, uint32_t ssrc, uint64_t index)
{
    uint32_t at = tx_count(s);

    if (at == RTP_TX_SSRCS)
        return RTP_TX_FULL;
    *tx_slot(s, at) = (struct rtp_tx_ssrc){.ssrc = ssrc, .top = index, .window = 1};
    KILL_POINT();
    s.table->n = at + 1;
    s.table->last = at;
    return RTP_TX_CLAIMED;
}

uint64_t rtp_tx_estimate(struct rtp_tx s, uint32_t ssrc, uint16_t seq)
{
    uint32_t at = tx_find(s, ssrc);

    return at == NOT_FOUND ? seq : estimate(tx_slot(s, at)->top, seq);
}

static enum rtp_tx_verdict claim(struct rtp_tx_ssrc *s, uint64_t index)
{
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

enum rtp_tx_verdict rtp_tx_claim(struct rtp_tx s, uint32_t ssrc, uint64_t index)
{
    uint32_t at = tx_find(s, ssrc);

    if (index > RTP_INDEX_MAX)
        return RTP_TX_EXHAUSTED;
    if (at == NOT_FOUND)
        return tx_add(s, ssrc, index);
    s.table->last = at;
    return claim(tx_slot(s, at), index);
}

enum rtp_tx_verdict rtp_tx_claim_rtcp(struct rtp_tx s, uint32_t *ret_index)
{
    if (s.table->rtcp_index >= RTP_RTCP_INDEX_MAX)
        return RTP_TX_EXHAUSTED;
    *ret_index = ++s.table->rtcp_index;
    return RTP_TX_CLAIMED;
}
