/* Packet indices of SRTP (RFC 3711 s.3.3.1, 3.3.2): which rollover counter a sequence number has,
 * which packets came before, and which indices were already used for sending. Everything here is
 * plain data without pointers: it lies in shared memory and outlives the process that writes it.
 *
 * Both tables belong to one key: a new key starts with zeroed tables, the same key after a
 * re-INVITE keeps them. A zeroed table is empty, whatever the places beside it hold.
 *
 * Receiving is in two steps, because the index is needed to authenticate and must not change by a
 * packet that is not authentic: rtp_rx_estimate and rtp_rx_check before, rtp_rx_commit after. An
 * SSRC that nobody knows yet starts with ROC 0; its first authentic packet sets s_l.
 *
 * Sending is one step: an index is claimed before it is used. What was claimed is never given
 * again, nor is an SSRC forgotten while the key lives: two packets under one (key, SSRC, index)
 * would give away the XOR of their contents, and with GCM the authentication key. */
#ifndef SOTTO_RTP_INDEX_H
#define SOTTO_RTP_INDEX_H

#include "base/slice.h"

#define RTP_RX_SSRCS 8  /* the least recently heard is forgotten, by authentic packets only */
#define RTP_TX_SSRCS 16 /* one more gets RTP_TX_FULL */
/* So many lie in the table itself; nearly every stream has one. The others' places lie elsewhere, and
 * are neither read nor written before they are needed. */
#define RTP_RX_HERE 1
#define RTP_TX_HERE 1
#define RTP_RX_WINDOW 128
#define RTP_TX_WINDOW 64
#define RTP_INDEX_MAX ((UINT64_C(1) << 48) - 1)
#define RTP_RTCP_INDEX_MAX ((UINT32_C(1) << 31) - 1)
#define RTP_RX_GUESSES 3

struct rtp_replay { /* bit i of the window: top - i came */
    uint64_t top;
    uint64_t window[RTP_RX_WINDOW / 64]; /* all 0: nothing came yet */
};

struct rtp_rx_ssrc {
    uint32_t ssrc;
    uint32_t heard; /* value of the table's clock; 0: free */
    struct rtp_replay rtp, rtcp;
};

struct rtp_rx_table {
    uint32_t clock;
    uint32_t last; /* slot of the packet before */
    uint32_t n;    /* slots in use, the first ones */
    uint32_t unused;
    struct rtp_rx_ssrc slots[RTP_RX_HERE];
};

struct rtp_rx_more {
    struct rtp_rx_ssrc slots[RTP_RX_SSRCS - RTP_RX_HERE];
};

/* Where both lie. */
struct rtp_rx {
    struct rtp_rx_table *table;
    struct rtp_rx_more *more;
};

enum rtp_rx_verdict {
    RTP_RX_NEW = 0,
    RTP_RX_REPLAYED,
    RTP_RX_OLD,      /* behind the window: cannot be told from a replay */
    RTP_RX_EXHAUSTED /* above the largest index: the key is used up */
};

/* Appendix A's guess: within 2^15 of the highest authentic sequence number. */
uint64_t rtp_rx_estimate(struct rtp_rx r, uint32_t ssrc, uint16_t seq);
/* The estimate, then ROC + 1 and ROC - 1: what to try in this order where authentication fails. A
 * peer that joined late, or lost more than 2^15 packets, is found again. Only indices that
 * rtp_rx_check calls new; 0 to 3 of them. */
size_t rtp_rx_guesses(struct rtp_rx r, uint32_t ssrc, uint16_t seq, uint64_t ret[RTP_RX_GUESSES]);
enum rtp_rx_verdict rtp_rx_check(struct rtp_rx r, uint32_t ssrc, uint64_t index);
/* After authentication. Packets of one burst may have the same index: check again, and drop the
 * second. */
void rtp_rx_commit(struct rtp_rx r, uint32_t ssrc, uint64_t index);
/* The same for SRTCP, whose index comes with the packet. */
enum rtp_rx_verdict rtp_rx_check_rtcp(struct rtp_rx r, uint32_t ssrc, uint32_t index);
void rtp_rx_commit_rtcp(struct rtp_rx r, uint32_t ssrc, uint32_t index);
/* Of the SSRC of the last commit. */
const struct rtp_rx_ssrc *rtp_rx_last(struct rtp_rx r);

struct rtp_tx_ssrc {
    uint32_t ssrc;
    uint64_t top;    /* highest index claimed */
    uint64_t window; /* bit i: top - i is claimed */
};

struct rtp_tx_table {
    uint32_t rtcp_index; /* the last; one row of numbers for all SSRCs */
    uint32_t last;
    uint32_t n; /* slots in use, the first ones */
    uint32_t unused;
    struct rtp_tx_ssrc slots[RTP_TX_HERE];
};

struct rtp_tx_more {
    struct rtp_tx_ssrc slots[RTP_TX_SSRCS - RTP_TX_HERE];
};

struct rtp_tx {
    struct rtp_tx_table *table;
    struct rtp_tx_more *more;
};

enum rtp_tx_verdict {
    RTP_TX_CLAIMED = 0,
    RTP_TX_USED,     /* claimed before */
    RTP_TX_OLD,      /* behind the window: may have been claimed */
    RTP_TX_FULL,     /* too many SSRCs under this key: send under one that is known */
    RTP_TX_EXHAUSTED /* the key is used up */
};

/* The index of a packet to be sent with this sequence number. */
uint64_t rtp_tx_estimate(struct rtp_tx s, uint32_t ssrc, uint16_t seq);
enum rtp_tx_verdict rtp_tx_claim(struct rtp_tx s, uint32_t ssrc, uint64_t index);
/* RTP_TX_CLAIMED or RTP_TX_EXHAUSTED. */
enum rtp_tx_verdict rtp_tx_claim_rtcp(struct rtp_tx s, uint32_t *ret_index);

/* For those who have them in one piece. */
struct rtp_rx_whole {
    struct rtp_rx_table table;
    struct rtp_rx_more more;
};
struct rtp_tx_whole {
    struct rtp_tx_table table;
    struct rtp_tx_more more;
};
static inline struct rtp_rx rtp_rx_of(struct rtp_rx_whole *w)
{
    return (struct rtp_rx){&w->table, &w->more};
}
static inline struct rtp_tx rtp_tx_of(struct rtp_tx_whole *w)
{
    return (struct rtp_tx){&w->table, &w->more};
}

#endif
