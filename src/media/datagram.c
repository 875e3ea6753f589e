#include "media/datagram.h"

#include <string.h>

#define HOP_LIMIT 64

/* Sums of 16-bit words may be taken 32 bits at a time, in any byte order, and folded in the end (RFC
 * 1071 s.2). */
static uint64_t sum_words(const uint8_t *p, size_t n, uint64_t sum)
{
    for (; n >= 16; p += 16, n -= 16) {
        uint32_t w[4];
        memcpy(w, p, 16);
        sum += (uint64_t)w[0] + w[1] + w[2] + w[3];
    }
    for (; n >= 4; p += 4, n -= 4) {
        uint32_t w;
        memcpy(&w, p, 4);
        sum += w;
    }
    if (n > 0) { /* zeros behind the last byte */
        uint8_t last[4] = {0};
        memcpy(last, p, n);
        uint32_t w;
        memcpy(&w, last, 4);
        sum += w;
    }
    return sum;
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum >> 32) + (uint32_t)sum;
    sum = (sum >> 32) + (uint32_t)sum;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = ~sum & 0xffff;
    return (uint16_t)(sum ? sum : 0xffff); /* 0 would say that there is none */
}

static void put_udp(uint8_t *h, in_port_t from, in_port_t to, uint32_t n)
{
    uint16_t words[4] = {from, to, htons((uint16_t)n), 0};
    memcpy(h, words, sizeof(words));
}

static uint32_t put_4(uint8_t *payload, uint32_t n, const struct sockaddr_in *from,
                      const struct sockaddr_in *to, uint16_t id)
{
    uint8_t *udp = payload - 8, *ip = udp - 20;
    uint32_t udp_n = n + 8;
    /* Total length and header checksum are the kernel's to fill in (raw(7)). No "don't fragment": a
     * network with smaller packets shall not stop a call. */
    const uint8_t fixed[12] = {
        0x45,      DATAGRAM_TOS_EF, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, 0, 0,
        HOP_LIMIT, IPPROTO_UDP,     0, 0};
    memcpy(ip, fixed, sizeof(fixed));
    memcpy(ip + 12, &from->sin_addr, 4);
    memcpy(ip + 16, &to->sin_addr, 4);
    put_udp(udp, from->sin_port, to->sin_port, udp_n);
    /* Addresses and UDP are one run of words; the pseudo-header's protocol and length are added. */
    uint16_t sum = fold(sum_words(ip + 12, 8 + udp_n, htons(IPPROTO_UDP)) + htons((uint16_t)udp_n));
    memcpy(udp + 6, &sum, 2);
    return DATAGRAM_HEAD_4;
}

static uint32_t put_6(uint8_t *payload, uint32_t n, const struct sockaddr_in6 *from,
                      const struct sockaddr_in6 *to)
{
    uint8_t *udp = payload - 8, *ip = udp - 40;
    uint32_t udp_n = n + 8;
    const uint8_t fixed[8] = {0x60 | DATAGRAM_TOS_EF >> 4,
                              (DATAGRAM_TOS_EF & 15) << 4,
                              0,
                              0,
                              (uint8_t)(udp_n >> 8),
                              (uint8_t)udp_n,
                              IPPROTO_UDP,
                              HOP_LIMIT};
    memcpy(ip, fixed, sizeof(fixed));
    memcpy(ip + 8, &from->sin6_addr, 16);
    memcpy(ip + 24, &to->sin6_addr, 16);
    put_udp(udp, from->sin6_port, to->sin6_port, udp_n);
    uint16_t sum = fold(sum_words(ip + 8, 32 + udp_n, htons(IPPROTO_UDP)) + htons((uint16_t)udp_n));
    memcpy(udp + 6, &sum, 2);
    return DATAGRAM_HEAD_6;
}

uint32_t datagram_put_head(uint8_t *payload, uint32_t n, const struct addr *from,
                           const struct addr *to, uint16_t id)
{
    if (addr_family(to) == AF_INET6)
        return put_6(payload, n, &from->in6, &to->in6);
    return put_4(payload, n, &from->in, &to->in, id);
}
