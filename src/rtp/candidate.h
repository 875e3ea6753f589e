/* ICE candidates as descriptions write them (RFC 8839 s.5.1): "candidate:1 1 udp 2130706431
 * 192.0.2.1 20000 typ host", without "a=". Read leniently: names instead of addresses (mDNS), TCP,
 * unknown types and extensions are told apart, not refused. */
#ifndef SOTTO_RTP_CANDIDATE_H
#define SOTTO_RTP_CANDIDATE_H

#include "base/addr.h"

#define RTP_CANDIDATE_FOUNDATION_MAX 32

enum rtp_candidate_kind {
    RTP_CANDIDATE_HOST,
    RTP_CANDIDATE_SRFLX,
    RTP_CANDIDATE_PRFLX,
    RTP_CANDIDATE_RELAY,
    RTP_CANDIDATE_OTHER
};

enum rtp_candidate_verdict {
    RTP_CANDIDATE_OK = 0,
    RTP_CANDIDATE_UNUSABLE, /* well written, but no UDP address: TCP, or a name */
    RTP_CANDIDATE_BAD
};

struct rtp_candidate {
    char foundation[RTP_CANDIDATE_FOUNDATION_MAX + 1];
    uint8_t component; /* 1 RTP, 2 RTCP */
    uint8_t kind;      /* enum rtp_candidate_kind */
    uint32_t priority;
    struct addr addr;
};

/* `line` is the attribute's value, with or without "candidate:" in front. */
int rtp_candidate_parse(struct slice line, struct rtp_candidate *ret) MUST_CHECK;
void rtp_candidate_put(struct buf *b, const struct rtp_candidate *c);
/* RFC 8445 s.5.1.2.1; `local`: preference among our addresses, 65535 the best. */
uint32_t rtp_candidate_priority(enum rtp_candidate_kind kind, uint16_t local, unsigned component);

#endif
