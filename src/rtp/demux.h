/* What a datagram on a media port is, by its first bytes (RFC 7983; RFC 5761 for RTCP beside RTP;
 * RFC 6189 s.5 and RFC 8489 s.5 for the cookies). The kinds are claims: whatever handles a kind
 * still validates. */
#ifndef SOTTO_RTP_DEMUX_H
#define SOTTO_RTP_DEMUX_H

#include "rtp/wire.h"

enum rtp_kind {
    RTP_KIND_UNKNOWN, /* to be dropped */
    RTP_KIND_STUN,
    RTP_KIND_ZRTP,
    RTP_KIND_DTLS,
    RTP_KIND_TURN, /* channel data */
    RTP_KIND_RTP,
    RTP_KIND_RTCP,
    RTP_KIND_COUNT
};

#define RTP_STUN_COOKIE 0x2112a442u
#define RTP_ZRTP_COOKIE 0x5a525450u

static inline enum rtp_kind rtp_demux(const uint8_t *p, size_t n)
{
    if (n < 8) /* an RTCP header is the shortest of all */
        return RTP_KIND_UNKNOWN;
    uint8_t first = p[0];

    if (first >= 128 && first <= 191) {
        if (p[1] >= 192 && p[1] <= 223) /* RTP payload types 64-95 with marker are not used */
            return RTP_KIND_RTCP;
        return n >= 12 ? RTP_KIND_RTP : RTP_KIND_UNKNOWN;
    }
    if (first <= 3)
        return n >= 20 && wire_get32(p + 4) == RTP_STUN_COOKIE ? RTP_KIND_STUN : RTP_KIND_UNKNOWN;
    if (first >= 16 && first <= 19)
        return n >= 16 && wire_get32(p + 4) == RTP_ZRTP_COOKIE ? RTP_KIND_ZRTP : RTP_KIND_UNKNOWN;
    if (first >= 20 && first <= 63)
        return n >= 13 ? RTP_KIND_DTLS : RTP_KIND_UNKNOWN;
    return first >= 64 && first <= 79 ? RTP_KIND_TURN : RTP_KIND_UNKNOWN;
}

#endif
