#include "rtp/rtcp.h"

#include <assert.h>

#define HDR 4
#define BLOCK 24
#define SENDER 20
#define BLOCKS_MAX 31
#define LOST_MAX 0x7fffff
#define SDES_CNAME 1

static const uint8_t *bytes(struct slice s)
{
    return (const uint8_t *)s.p;
}

/* With its header; 0: it does not fit. */
static size_t packet_len(struct slice rest)
{
    if (rest.n < HDR)
        return 0;
    size_t n = HDR + 4 * (size_t)wire_get16(bytes(rest) + 2);

    return n <= rest.n ? n : 0;
}

static bool is_padded(struct slice packet)
{
    return bytes(packet)[0] & 0x20;
}

/* Octets of padding; 0: the count is wrong. */
static size_t padding_len(struct slice packet)
{
    size_t n = bytes(packet)[packet.n - 1];

    return n % 4 == 0 && n <= packet.n - HDR ? n : 0;
}

enum rtcp_verdict rtcp_check(struct slice datagram, bool reduced)
{
    const uint8_t *p = bytes(datagram);
    struct slice rest = datagram;

    if (datagram.n < RTCP_HDR_LEN)
        return RTCP_TOO_SHORT;
    if (!reduced && p[1] != RTCP_SR && p[1] != RTCP_RR)
        return RTCP_BAD_FIRST;
    while (rest.n) {
        size_t n = packet_len(rest);

        if (n == 0)
            return RTCP_BAD_LENGTH;
        struct slice packet = slice_take(rest, n);

        p = bytes(packet);
        if (p[0] >> 6 != 2 || p[1] < 192 || p[1] > 223)
            return RTCP_NOT_RTCP;
        rest = slice_skip(rest, n);
        if (is_padded(packet) && (rest.n || padding_len(packet) == 0))
            return RTCP_BAD_PADDING;
    }
    return RTCP_OK;
}

bool rtcp_next(struct slice *rest, struct rtcp_packet *ret)
{
    size_t n = packet_len(*rest);

    if (n == 0)
        return false;
    struct slice packet = slice_take(*rest, n);
    size_t padding = is_padded(packet) ? padding_len(packet) : 0;

    ret->type = bytes(packet)[1];
    ret->count = bytes(packet)[0] & 0x1f;
    ret->body = slice_from(packet.p + HDR, n - HDR - padding);
    *rest = slice_skip(*rest, n);
    return true;
}

bool rtcp_block(const struct rtcp_packet *p, size_t i, struct rtcp_block *ret)
{
    size_t at = (p->type == RTCP_SR ? 4u + SENDER : 4u) + i * BLOCK;

    if ((p->type != RTCP_SR && p->type != RTCP_RR) || i >= p->count || at + BLOCK > p->body.n)
        return false;
    const uint8_t *b = bytes(p->body) + at;
    uint32_t lost = wire_get32(b + 4);

    *ret = (struct rtcp_block){.ssrc = wire_get32(b),
                               .fraction = (uint8_t)(lost >> 24),
                               .lost = (int32_t)(lost << 8) >> 8,
                               .max = wire_get32(b + 8),
                               .jitter = wire_get32(b + 12),
                               .lsr = wire_get32(b + 16),
                               .dlsr = wire_get32(b + 20)};
    return true;
}

bool rtcp_sender(const struct rtcp_packet *p, struct rtcp_sender *ret)
{
    if (p->type != RTCP_SR || p->body.n < 4 + SENDER)
        return false;
    const uint8_t *b = bytes(p->body) + 4;

    *ret = (struct rtcp_sender){.ntp = (uint64_t)wire_get32(b) << 32 | wire_get32(b + 4),
                                .rtp = wire_get32(b + 8),
                                .packets = wire_get32(b + 12),
                                .bytes = wire_get32(b + 16)};
    return true;
}

/* --- printing --------------------------------------------------------------------------------- */

static void put32(struct buf *b, uint32_t v)
{
    uint8_t p[4];

    wire_put32(p, v);
    buf_put(b, p, sizeof(p));
}

/* `n` bytes of packet in all, a multiple of four. */
static void put_header(struct buf *b, enum rtcp_type type, size_t count, size_t n, uint32_t ssrc)
{
    put32(b, 0x80000000u | (uint32_t)count << 24 | (uint32_t)type << 16 | (uint32_t)(n / 4 - 1));
    put32(b, ssrc);
}

static void put_blocks(struct buf *b, const struct rtcp_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t lost = blocks[i].lost;

        lost = lost > LOST_MAX ? LOST_MAX : lost < -LOST_MAX - 1 ? -LOST_MAX - 1 : lost;
        put32(b, blocks[i].ssrc);
        put32(b, (uint32_t)blocks[i].fraction << 24 | ((uint32_t)lost & 0xffffff));
        put32(b, blocks[i].max);
        put32(b, blocks[i].jitter);
        put32(b, blocks[i].lsr);
        put32(b, blocks[i].dlsr);
    }
}

void rtcp_put_sr(struct buf *b, uint32_t ssrc, const struct rtcp_sender *s,
                 const struct rtcp_block *blocks, size_t n)
{
    assert(n <= BLOCKS_MAX);
    put_header(b, RTCP_SR, n, RTCP_HDR_LEN + SENDER + n * BLOCK, ssrc);
    put32(b, (uint32_t)(s->ntp >> 32));
    put32(b, (uint32_t)s->ntp);
    put32(b, s->rtp);
    put32(b, s->packets);
    put32(b, s->bytes);
    put_blocks(b, blocks, n);
}

void rtcp_put_rr(struct buf *b, uint32_t ssrc, const struct rtcp_block *blocks, size_t n)
{
    assert(n <= BLOCKS_MAX);
    put_header(b, RTCP_RR, n, RTCP_HDR_LEN + n * BLOCK, ssrc);
    put_blocks(b, blocks, n);
}

void rtcp_put_sdes(struct buf *b, uint32_t ssrc, struct slice cname)
{
    struct slice name = slice_take(cname, RTCP_CNAME_MAX);
    /* At least one null octet ends the chunk (s.6.5). */
    size_t zeros = 4 - (2 + name.n) % 4;

    put_header(b, RTCP_SDES, 1, RTCP_HDR_LEN + 2 + name.n + zeros, ssrc);
    buf_put(b, (const uint8_t[]){SDES_CNAME, (uint8_t)name.n}, 2);
    buf_put_slice(b, name);
    buf_put(b, "\0\0\0", zeros);
}

void rtcp_put_bye(struct buf *b, uint32_t ssrc)
{
    put_header(b, RTCP_BYE, 1, RTCP_HDR_LEN, ssrc);
}
