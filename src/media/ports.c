#include "media/ports.h"

#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "media/datagram.h"

/* Bursts of one wake-up wait here: some 100 packets of 20 ms. The kernel doubles the figure. */
#define SOCKET_BUFFER (128 * 1024)

void media_ports_share(uint16_t min, uint16_t max, uint32_t worker, uint32_t workers,
                       uint16_t *ret_min, uint16_t *ret_max)
{
    uint32_t first = (min + 1u) & ~1u;
    uint32_t each = max > first ? (max + 1u - first) / 2 / workers * 2 : 0;
    uint32_t from = workers == 1 ? min : first + worker * each;
    *ret_min = (uint16_t)from;
    *ret_max = worker + 1 == workers ? max : (uint16_t)(from + each - 1);
}

int media_ports_init(struct media_ports *p, uint16_t min, uint16_t max)
{
    unsigned first = (min + 1u) & ~1u;
    unsigned last = max | 1u; /* the odd port of the last pair … */
    if (last > max)
        last -= 2; /* … has to be in */
    if (min == 0 || first > 65534 || last < first + 1u || last > max)
        return -EINVAL;
    *p =
        (struct media_ports){.first = (uint16_t)first, .pairs = (uint16_t)((last - first + 1) / 2)};
    p->bitmap = calloc((p->pairs + 63u) / 64u, sizeof(*p->bitmap));
    return p->bitmap ? 0 : -ENOMEM;
}

void media_ports_fini(struct media_ports *p)
{
    free(p->bitmap);
    p->bitmap = NULL;
}

static bool is_used(const struct media_ports *p, unsigned pair)
{
    return p->bitmap[pair / 64] >> (pair % 64) & 1;
}

static bool pair_of(const struct media_ports *p, uint16_t port, unsigned *ret)
{
    if (port < p->first || (port - p->first) / 2 >= p->pairs)
        return false;
    *ret = (port - p->first) / 2u;
    return true;
}

void media_ports_mark(struct media_ports *p, uint16_t port)
{
    unsigned pair;
    if (!pair_of(p, port, &pair) || is_used(p, pair))
        return;
    p->bitmap[pair / 64] |= 1ull << (pair % 64);
    p->used++;
}

void media_ports_release(struct media_ports *p, uint16_t port)
{
    unsigned pair;
    if (!pair_of(p, port, &pair) || !is_used(p, pair))
        return;
    p->bitmap[pair / 64] &= ~(1ull << (pair % 64));
    p->used--;
}

int media_ports_bind(const struct addr *local, uint16_t port, int *ret_fd)
{
    struct addr a = *local;
    int on = 1, size = SOCKET_BUFFER, tos = DATAGRAM_TOS_EF;
    int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    addr_set_port(&a, port);
    /* Marking and larger buffers are good to have; media flows without. */
    if (addr_family(&a) == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    } else {
        (void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(fd, &a.sa, addr_len(&a)) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int media_ports_take_at(struct media_ports *p, const struct addr *local, uint16_t port,
                        struct media_sockets *ret)
{
    int rtp = -1, rtcp = -1;
    int r = media_ports_bind(local, port, &rtp);
    if (r < 0)
        return r;
    r = media_ports_bind(local, (uint16_t)(port + 1), &rtcp);
    if (r < 0) {
        close(rtp);
        return r;
    }
    media_ports_mark(p, port);
    *ret = (struct media_sockets){rtp, rtcp, port};
    return 0;
}

/* From a random place on; -1: the end. */
static int next_free(const struct media_ports *p, unsigned start, unsigned *at)
{
    for (; *at < p->pairs; ++*at) {
        unsigned pair = (start % p->pairs + *at) % p->pairs;
        if (!is_used(p, pair))
            return (int)pair;
    }
    return -1;
}

int media_ports_pick(struct media_ports *p, uint16_t *ret_port)
{
    uint32_t start;
    unsigned at = 0;
    crypto_random(&start, sizeof(start));
    int pair = next_free(p, start, &at);
    if (pair < 0)
        return -EADDRINUSE;
    *ret_port = (uint16_t)(p->first + 2 * pair);
    media_ports_mark(p, *ret_port);
    return 0;
}

int media_ports_take(struct media_ports *p, const struct addr *local, struct media_sockets *ret)
{
    uint32_t start;
    int pair;
    crypto_random(&start, sizeof(start));
    for (unsigned i = 0; (pair = next_free(p, start, &i)) >= 0; i++) {
        int r = media_ports_take_at(p, local, (uint16_t)(p->first + 2 * pair), ret);
        if (r != -EADDRINUSE)
            return r; /* another program's port is skipped; anything else would only repeat */
    }
    return -EADDRINUSE;
}
