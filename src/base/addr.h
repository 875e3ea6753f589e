/* An IP address with port, as the kernel takes it. */
#ifndef SOTTO_BASE_ADDR_H
#define SOTTO_BASE_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

#define ADDR_STR_MAX 64 /* "[v6%scope]:port" and a NUL */

static inline int addr_family(const struct addr *a)
{
    return a->sa.sa_family;
}

static inline socklen_t addr_len(const struct addr *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

/* `host` is an IPv4 address, or IPv6 with or without brackets. -EINVAL: neither. */
int addr_parse(struct slice host, uint16_t port, struct addr *ret) MUST_CHECK;
/* "192.0.2.1:5060", "[2001:db8::1]:5060", port optional with `port` as its default. -EINVAL. */
int addr_parse_hostport(struct slice s, uint16_t port, struct addr *ret) MUST_CHECK;

uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_eq(const struct addr *a, const struct addr *b);      /* address and port */
bool addr_host_eq(const struct addr *a, const struct addr *b); /* address alone */
bool addr_is_any(const struct addr *a);
bool addr_is_loopback(const struct addr *a);

/* "192.0.2.1" or "2001:db8::1" (no brackets); IPv4-mapped IPv6 prints as IPv4. */
void addr_put_host(struct buf *b, const struct addr *a);
/* As a SIP or URI host: IPv6 in brackets. */
void addr_put_uri_host(struct buf *b, const struct addr *a);
void addr_put(struct buf *b, const struct addr *a); /* host:port */
/* For log lines: into `dst` (ADDR_STR_MAX), returned. */
const char *addr_str(const struct addr *a, char dst[ADDR_STR_MAX]);
/* An address of the other IP version that this machine has on the interface of `a`, with port 0;
 * link-local ones do not count. -ENOENT: none; getifaddrs's errors. Asks the kernel. */
int addr_beside(const struct addr *a, struct addr *ret) MUST_CHECK;
/* IPv4-mapped IPv6 (as a dual-stack socket reports it) becomes plain IPv4. */
void addr_unmap(struct addr *a);

#endif
