#include "keying/zrtp/packet.h"

#include "rtp/demux.h"

#define FIRST_BYTE 0x10 /* version 0, X set, so that RTP drops it (s.5) */
#define PREAMBLE 0x505a

static const char *const verdict_why[ZRTP_PACKET_VERDICT_COUNT] = {
    [ZRTP_PACKET_OK] = "fine",
    [ZRTP_PACKET_NOT_ZRTP] = "not a ZRTP packet",
    [ZRTP_PACKET_BAD_LENGTH] = "the length of a ZRTP packet is wrong",
    [ZRTP_PACKET_BAD_CRC] = "the checksum of a ZRTP packet is wrong",
};

const char *zrtp_packet_why(enum zrtp_packet_verdict v)
{
    return verdict_why[v];
}

/* Four bits at a time: a handshake has a dozen packets, so sixteen words of table do. */
uint32_t zrtp_crc32c(const void *p, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *b = p;
    uint32_t crc = ~0u;

    for (size_t i = 0; i < n; i++) {
        crc = table[(crc ^ b[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)(b[i] >> 4)) & 15] ^ crc >> 4;
    }
    return ~crc;
}

int zrtp_packet_parse(struct slice data, struct zrtp_packet *ret)
{
    const uint8_t *p = (const uint8_t *)data.p;

    if (data.n < ZRTP_PACKET_HEADER + 4 || (p[0] & 0xf0) != FIRST_BYTE ||
        wire_get32(p + 4) != RTP_ZRTP_COOKIE)
        return ZRTP_PACKET_NOT_ZRTP;
    if (data.n > ZRTP_PACKET_MAX || data.n < ZRTP_PACKET_HEADER + 12 + ZRTP_PACKET_CRC)
        return ZRTP_PACKET_BAD_LENGTH;
    size_t n = data.n - ZRTP_PACKET_HEADER - ZRTP_PACKET_CRC;
    const uint8_t *message = p + ZRTP_PACKET_HEADER;
    if (wire_get16(message) != PREAMBLE || wire_get16(message + 2) * (size_t)4 != n)
        return ZRTP_PACKET_BAD_LENGTH;
    uint32_t crc = htole32(zrtp_crc32c(p, ZRTP_PACKET_HEADER + n)); /* as SCTP sends it */
    if (memcmp(message + n, &crc, sizeof(crc)) != 0)
        return ZRTP_PACKET_BAD_CRC;
    ret->seq = wire_get16(p + 2);
    ret->ssrc = wire_get32(p + 8);
    ret->message = slice_from(message, n);
    return ZRTP_PACKET_OK;
}

size_t zrtp_packet_print(const struct zrtp_packet *p, uint8_t *dst)
{
    size_t n = ZRTP_PACKET_HEADER + p->message.n;

    wire_put16(dst, FIRST_BYTE << 8);
    wire_put16(dst + 2, p->seq);
    wire_put32(dst + 4, RTP_ZRTP_COOKIE);
    wire_put32(dst + 8, p->ssrc);
    memcpy(dst + ZRTP_PACKET_HEADER, p->message.p, p->message.n);
    uint32_t crc = htole32(zrtp_crc32c(dst, n));
    memcpy(dst + n, &crc, sizeof(crc));
    return n + ZRTP_PACKET_CRC;
}
