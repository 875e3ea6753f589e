/* The RTP header (RFC 3550 s.5.1). What stands before the payload is in clear also in SRTP; the
 * padding is not, so it is looked at apart, once a packet is decrypted. Header extensions
 * (s.5.3.1, RFC 8285) matter only by their length. */
#ifndef SOTTO_RTP_PACKET_H
#define SOTTO_RTP_PACKET_H

#include "rtp/wire.h"

#define RTP_HDR_MIN 12
#define RTP_HDR_MAX (RTP_HDR_MIN + 15 * 4 + 4 + 65535 * 4)
#define RTP_PT_MAX 127

enum rtp_verdict {
    RTP_OK = 0,
    RTP_TOO_SHORT,  /* for its header, CSRCs and extension */
    RTP_NOT_RTP,    /* version is not 2 */
    RTP_BAD_PADDING /* count of 0, or more than the payload */
};

struct rtp_hdr {
    uint32_t ssrc, timestamp;
    uint16_t seq;
    uint8_t pt;
    bool marker, padded;
    uint32_t hdr_len; /* with CSRCs and extension */
};

/* Does not read behind the header. *ret is written only with RTP_OK. */
static inline enum rtp_verdict rtp_hdr_parse(const uint8_t *p, size_t n, struct rtp_hdr *ret)
{
    if (n < RTP_HDR_MIN)
        return RTP_TOO_SHORT;
    if (p[0] >> 6 != 2)
        return RTP_NOT_RTP;
    uint32_t len = RTP_HDR_MIN + 4 * (p[0] & 15u);

    if (p[0] & 0x10) {
        if (n < len + 4)
            return RTP_TOO_SHORT;
        len += 4 + 4u * wire_get16(p + len + 2);
    }
    if (n < len)
        return RTP_TOO_SHORT;
    ret->hdr_len = len;
    ret->padded = p[0] & 0x20;
    ret->marker = p[1] & 0x80;
    ret->pt = p[1] & 0x7f;
    ret->seq = wire_get16(p + 2);
    ret->timestamp = wire_get32(p + 4);
    ret->ssrc = wire_get32(p + 8);
    return RTP_OK;
}

/* The payload of a packet in clear, without its padding. */
static inline enum rtp_verdict rtp_payload(const uint8_t *p, size_t n, const struct rtp_hdr *h,
                                           struct slice *ret)
{
    size_t padding = 0;

    if (n < h->hdr_len)
        return RTP_TOO_SHORT;
    if (h->padded) {
        padding = n > h->hdr_len ? p[n - 1] : 0;
        if (padding == 0 || padding > n - h->hdr_len)
            return RTP_BAD_PADDING;
    }
    *ret = slice_from(p + h->hdr_len, n - h->hdr_len - padding);
    return RTP_OK;
}

/* A header of RTP_HDR_MIN bytes: no CSRC, extension or padding. */
static inline void rtp_hdr_put(uint8_t *p, const struct rtp_hdr *h)
{
    p[0] = 0x80;
    p[1] = (uint8_t)((h->marker ? 0x80 : 0) | h->pt);
    wire_put16(p + 2, h->seq);
    wire_put32(p + 4, h->timestamp);
    wire_put32(p + 8, h->ssrc);
}

#endif
