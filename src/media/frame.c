#include "media/frame.h"

#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "media/datagram.h"

#define TTL 64

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* RFC 1071, of a header of IPv4. */
static uint16_t sum_ip4(const uint8_t *p)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < FRAME_IP4; i += 2)
        sum += get16(p + i);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + sum);
}

/* --- in --- */

/* What the kernel calls a martian, as far as the address alone tells (RFC 1122 s.3.2.1.3, RFC 4291
 * s.2.5, 2.7): let in, it would pass for an end on this machine. */
static bool is_sender4(const uint8_t *a)
{
    return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool is_sender6(const struct in6_addr *a)
{
    return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LOOPBACK(a) && !IN6_IS_ADDR_MULTICAST(a) &&
           !IN6_IS_ADDR_V4MAPPED(a);
}

/* The bytes behind the header of IPv4; 0: none, or not such a one. */
static size_t parse_ip4(const uint8_t *ip, size_t n, struct frame *f)
{
    if (n < FRAME_IP4 || ip[0] != 0x45 || (get16(ip + 6) & 0xbfff) != 0 || ip[9] != IPPROTO_UDP ||
        sum_ip4(ip) != 0xffff || !is_sender4(ip + 12) || memcmp(ip + 12, ip + 16, 4) == 0)
        return 0;
    size_t total = get16(ip + 2);
    if (total < FRAME_IP4 || total > n)
        return 0;
    f->from.in = (struct sockaddr_in){.sin_family = AF_INET};
    f->to.in = f->from.in;
    memcpy(&f->from.in.sin_addr, ip + 12, 4);
    memcpy(&f->to.in.sin_addr, ip + 16, 4);
    return total - FRAME_IP4;
}

static size_t parse_ip6(const uint8_t *ip, size_t n, struct frame *f)
{
    if (n < FRAME_IP6 || ip[0] >> 4 != 6 || ip[6] != IPPROTO_UDP ||
        memcmp(ip + 8, ip + 24, sizeof(struct in6_addr)) == 0)
        return 0;
    size_t total = get16(ip + 4);
    f->from.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
    f->to.in6 = f->from.in6;
    memcpy(&f->from.in6.sin6_addr, ip + 8, sizeof(struct in6_addr));
    memcpy(&f->to.in6.sin6_addr, ip + 24, sizeof(struct in6_addr));
    return total > n - FRAME_IP6 || !is_sender6(&f->from.in6.sin6_addr) ? 0 : total;
}

bool frame_parse(const uint8_t *p, size_t n, struct frame *ret)
{
    struct frame f;
    if (n < FRAME_ETH || (p[FRAME_MAC] & 1)) /* a group sends nothing */
        return false;
    uint16_t type = get16(p + 2 * FRAME_MAC);
    const uint8_t *ip = p + FRAME_ETH;
    size_t rest = type == ETHERTYPE_IP     ? parse_ip4(ip, n - FRAME_ETH, &f)
                  : type == ETHERTYPE_IPV6 ? parse_ip6(ip, n - FRAME_ETH, &f)
                                           : 0;
    if (rest <= DATAGRAM_HEAD)
        return false;
    const uint8_t *udp = ip + (type == ETHERTYPE_IP ? FRAME_IP4 : FRAME_IP6);
    size_t length = get16(udp + 4);
    if (length <= DATAGRAM_HEAD || length > rest)
        return false;
    memcpy(&f.from.in.sin_port, udp, 2); /* sin_port and sin6_port are at the same place */
    memcpy(&f.to.in.sin_port, udp + 2, 2);
    f.mac = p + FRAME_MAC;
    f.payload = udp + DATAGRAM_HEAD;
    f.n = (uint32_t)(length - DATAGRAM_HEAD);
    *ret = f;
    return true;
}

/* --- out --- */

static void put_ip4(uint8_t *ip, const struct addr *from, const struct addr *to, uint32_t udp_n,
                    uint16_t id)
{
    static const uint8_t head[FRAME_IP4] = {0x45, DATAGRAM_TOS_EF, 0, 0, 0, 0, 0, 0,
                                            TTL,  IPPROTO_UDP};
    memcpy(ip, head, sizeof(head));
    put16(ip + 2, FRAME_IP4 + udp_n);
    put16(ip + 4, id);
    memcpy(ip + 12, &from->in.sin_addr, 4);
    memcpy(ip + 16, &to->in.sin_addr, 4);
    put16(ip + 10, ~(uint32_t)sum_ip4(ip));
}

static void put_ip6(uint8_t *ip, const struct addr *from, const struct addr *to, uint32_t udp_n)
{
    static const uint8_t head[8] = {
        0x60 | DATAGRAM_TOS_EF >> 4, (DATAGRAM_TOS_EF & 15) << 4, 0, 0, 0, 0, IPPROTO_UDP, TTL};
    memcpy(ip, head, sizeof(head));
    put16(ip + 4, udp_n);
    memcpy(ip + 8, &from->in6.sin6_addr, sizeof(struct in6_addr));
    memcpy(ip + 24, &to->in6.sin6_addr, sizeof(struct in6_addr));
}

void frame_put_head(uint8_t *p, const uint8_t to_mac[FRAME_MAC], const uint8_t from_mac[FRAME_MAC],
                    const struct addr *from, const struct addr *to, uint32_t udp_n, uint16_t id)
{
    bool is6 = addr_family(to) == AF_INET6;
    memcpy(p, to_mac, FRAME_MAC);
    memcpy(p + FRAME_MAC, from_mac, FRAME_MAC);
    put16(p + 2 * FRAME_MAC, is6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
    if (is6)
        put_ip6(p + FRAME_ETH, from, to, udp_n);
    else
        put_ip4(p + FRAME_ETH, from, to, udp_n, id);
}
