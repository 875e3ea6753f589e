/* RTCP (RFC 3550 s.6): compound packets are checked as a whole and walked one by one; the phone's
 * own reports are printed. Everything is bounded by the datagram. */
#ifndef SOTTO_RTP_RTCP_H
#define SOTTO_RTP_RTCP_H

#include "base/buf.h"
#include "rtp/wire.h"

#define RTCP_HDR_LEN 8 /* with the sender's SSRC: all that SRTCP leaves in clear */
#define RTCP_CNAME_MAX 255

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205, /* RFC 4585 */
    RTCP_PSFB = 206,
    RTCP_XR = 207 /* RFC 3611 */
};

enum rtcp_verdict {
    RTCP_OK = 0,
    RTCP_TOO_SHORT,
    RTCP_NOT_RTCP,    /* version or packet type */
    RTCP_BAD_LENGTH,  /* the packets do not end where the datagram does */
    RTCP_BAD_PADDING, /* on another than the last packet, or larger than it */
    RTCP_BAD_FIRST    /* neither SR nor RR first, where `reduced` is not allowed */
};

/* SRTCP and RTCP alike; n >= RTCP_HDR_LEN. */
static inline uint32_t rtcp_ssrc(const uint8_t *p)
{
    return wire_get32(p + 4);
}

/* A whole datagram in clear. `reduced`: RFC 5506 was agreed on, any type may stand first. */
enum rtcp_verdict rtcp_check(struct slice datagram, bool reduced);

struct rtcp_packet {
    uint8_t type;      /* enum rtcp_type, or another of 192..223 */
    uint8_t count;     /* reports, chunks, sources; feedback's format */
    struct slice body; /* behind the four bytes of header, without padding */
};

/* Takes the next packet off `rest`, a datagram that rtcp_check found good. False: no more. Also
 * total on any other input: it then ends early. */
bool rtcp_next(struct slice *rest, struct rtcp_packet *ret);

struct rtcp_block { /* of one source, in a report; s.6.4.1 */
    uint32_t ssrc;
    uint8_t fraction; /* lost, 1/256 */
    int32_t lost;     /* 24 bits on the wire; printed ones are clamped */
    uint32_t max;     /* extended sequence number */
    uint32_t jitter;
    uint32_t lsr, dlsr;
};

struct rtcp_sender {
    uint64_t ntp;
    uint32_t rtp, packets, bytes;
};

/* Block i of an SR or RR. False: there is none. */
bool rtcp_block(const struct rtcp_packet *p, size_t i, struct rtcp_block *ret);
/* False: no SR, or cut short. */
bool rtcp_sender(const struct rtcp_packet *p, struct rtcp_sender *ret);

/* Each appends one packet; overflow as struct buf has it. `n` blocks, at most 31. */
void rtcp_put_sr(struct buf *b, uint32_t ssrc, const struct rtcp_sender *s,
                 const struct rtcp_block *blocks, size_t n);
void rtcp_put_rr(struct buf *b, uint32_t ssrc, const struct rtcp_block *blocks, size_t n);
void rtcp_put_sdes(struct buf *b, uint32_t ssrc, struct slice cname); /* cut to RTCP_CNAME_MAX */
void rtcp_put_bye(struct buf *b, uint32_t ssrc);

#endif
