/* Ethernet frames with a UDP datagram, for the way that goes past the kernel's stack: whole ones are
 * read with the care that the kernel takes elsewhere, and made as it would make them. Pure. */
#ifndef SOTTO_MEDIA_FRAME_H
#define SOTTO_MEDIA_FRAME_H

#include "base/addr.h"

#define FRAME_MAC 6u
#define FRAME_ETH 14u
#define FRAME_IP4 20u
#define FRAME_IP6 40u

struct frame {
    struct addr from, to;   /* with ports; scope 0 */
    const uint8_t *mac;     /* whose frame it is: the peer's, or the router's */
    const uint8_t *payload; /* in the frame */
    uint32_t n;             /* its bytes; at least 1 */
};

/* False: no whole UDP datagram over IPv4 or IPv6 without options and fragments, or from an address that
 * nobody can have on this link. The sum of UDP is not looked at: between two ends of one machine
 * there is none, elsewhere the link has its own, and what matters is authenticated. */
bool frame_parse(const uint8_t *p, size_t n, struct frame *ret);

static inline uint32_t frame_head(const struct addr *a)
{
    return FRAME_ETH + (addr_family(a) == AF_INET6 ? FRAME_IP6 : FRAME_IP4);
}
/* Writes what stands before a UDP header of a datagram of udp_n bytes: frame_head(to) bytes. `id` tells
 * IPv4 datagrams apart that a router cuts. */
void frame_put_head(uint8_t *p, const uint8_t to_mac[FRAME_MAC], const uint8_t from_mac[FRAME_MAC],
                    const struct addr *from, const struct addr *to, uint32_t udp_n, uint16_t id);

#endif
