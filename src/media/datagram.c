#include "media/datagram.h"

#include <string.h>

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

/* The pseudo-header's addresses. */
static uint64_t sum_addresses(const struct addr *from, const struct addr *to)
{
    if (addr_family(to) == AF_INET)
        return (uint64_t)from->in.sin_addr.s_addr + to->in.sin_addr.s_addr;
    return sum_words(from->in6.sin6_addr.s6_addr, 16, sum_words(to->in6.sin6_addr.s6_addr, 16, 0));
}

void datagram_put_head(uint8_t *payload, uint32_t n, const struct addr *from, const struct addr *to)
{
    uint8_t *udp = payload - DATAGRAM_HEAD;
    uint16_t len = htons((uint16_t)(n + DATAGRAM_HEAD));
    /* sin_port and sin6_port are at the same place */
    uint16_t words[4] = {from->in.sin_port, to->in.sin_port, len, 0};
    memcpy(udp, words, sizeof(words));
    uint64_t sum = sum_addresses(from, to) + htons(IPPROTO_UDP) + len;
    words[3] = fold(sum_words(udp, n + DATAGRAM_HEAD, sum));
    memcpy(udp + 6, &words[3], 2);
}
