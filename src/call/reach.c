#include "call/reach.h"

#define PUBLIC 0

/* RFC 1918, 6598, 3927, 4193, 4291: networks whose addresses mean something only within. */
static const struct {
    uint8_t family6, bits;
    uint8_t prefix[2];
} blocks[] = {
    {0, 8, {10, 0}},     {0, 12, {172, 16}}, {0, 16, {192, 168}}, {0, 10, {100, 64}},
    {0, 16, {169, 254}}, {0, 8, {127, 0}},   {1, 7, {0xfc, 0}},   {1, 10, {0xfe, 0x80}},
};

static bool has_prefix(const uint8_t *p, const uint8_t *prefix, unsigned bits)
{
    for (unsigned i = 0; i < 2 && bits > 8 * i; i++) {
        unsigned n = bits - 8 * i < 8 ? bits - 8 * i : 8, mask = 0xff00u >> n & 0xff;
        if ((p[i] ^ prefix[i]) & mask)
            return false;
    }
    return true;
}

/* 1 + the block; PUBLIC: none. */
static size_t block_of(const struct addr *a)
{
    bool is6 = addr_family(a) == AF_INET6;
    const uint8_t *p = is6 ? a->in6.sin6_addr.s6_addr : (const uint8_t *)&a->in.sin_addr;
    if (addr_is_loopback(a))
        return ARRAY_LEN(blocks) + 1;
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        if (blocks[i].family6 == is6 && has_prefix(p, blocks[i].prefix, blocks[i].bits))
            return i + 1;
    }
    return PUBLIC;
}

static bool is_seen_as_said(const struct reach_place *p)
{
    return addr_family(&p->said) != 0 && addr_host_eq(&p->said, &p->seen);
}

enum reach reach_of(const struct reach_place *a, const struct reach_place *b)
{
    bool a_open = is_seen_as_said(a), b_open = is_seen_as_said(b);
    bool one_nat = !a_open && !b_open && addr_family(&a->said) != 0 && addr_family(&b->said) != 0 &&
                   addr_host_eq(&a->seen, &b->seen);
    if (!(a_open && b_open) && !one_nat)
        return REACH_NAT;
    if (addr_family(&a->said) != addr_family(&b->said) || block_of(&a->said) != block_of(&b->said))
        return REACH_NETWORKS;
    return REACH_OK;
}
