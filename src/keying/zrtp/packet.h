/* ZRTP's packet around a message (RFC 6189 s.5): looks like RTP of version 0, has a sequence number
 * of its own, the cookie "ZRTP", the SSRC of the stream it belongs to, and a CRC-32C, because UDP's
 * checksum is too weak for what leads to a wrong key. No message is fragmented: the longest fits
 * into any path's packet. */
#ifndef SOTTO_KEYING_ZRTP_PACKET_H
#define SOTTO_KEYING_ZRTP_PACKET_H

#include "base/slice.h"

#define ZRTP_PACKET_HEADER 12
#define ZRTP_PACKET_CRC 4
/* A Confirm with the longest signature (511 words) is the longest; we send none. */
#define ZRTP_MESSAGE_MAX ((19 + 511) * 4)
#define ZRTP_PACKET_MAX (ZRTP_PACKET_HEADER + ZRTP_MESSAGE_MAX + ZRTP_PACKET_CRC)

struct zrtp_packet {
    uint16_t seq;
    uint32_t ssrc;
    struct slice message; /* preamble and all; its length field is right */
};

enum zrtp_packet_verdict {
    ZRTP_PACKET_OK = 0,
    ZRTP_PACKET_NOT_ZRTP, /* first bits or cookie */
    ZRTP_PACKET_BAD_LENGTH,
    ZRTP_PACKET_BAD_CRC,
    ZRTP_PACKET_VERDICT_COUNT
};

/* 0 or enum zrtp_packet_verdict. ret->message borrows from `data`. */
int zrtp_packet_parse(struct slice data, struct zrtp_packet *ret) MUST_CHECK;
/* `dst` has room for header, message and CRC; returns the length of all. */
size_t zrtp_packet_print(const struct zrtp_packet *p, uint8_t *dst);
const char *zrtp_packet_why(enum zrtp_packet_verdict v);

uint32_t zrtp_crc32c(const void *p, size_t n); /* RFC 3309 */

#endif
