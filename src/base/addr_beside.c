#include <ifaddrs.h>
#include <net/if.h>

#include "base/addr.h"

static bool addr_of(const struct ifaddrs *i, struct addr *ret)
{
    *ret = (struct addr){0};
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
        return false;
    if (i->ifa_addr->sa_family == AF_INET)
        memcpy(&ret->in, i->ifa_addr, sizeof(ret->in));
    else if (i->ifa_addr->sa_family == AF_INET6)
        memcpy(&ret->in6, i->ifa_addr, sizeof(ret->in6));
    return addr_family(ret) != 0;
}

/* NULL: not of this machine. */
static const char *interface_of(const struct ifaddrs *all, const struct addr *a)
{
    struct addr at;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (addr_of(i, &at) && addr_host_eq(&at, a))
            return i->ifa_name;
    }
    return NULL;
}

/* IPv4 addresses can have labels of their own, "eth0:1". */
static bool is_same_interface(const char *a, const char *b)
{
    size_t n = strcspn(a, ":");
    return n == strcspn(b, ":") && memcmp(a, b, n) == 0;
}

static bool fits(const struct addr *at, const struct addr *a)
{
    if (addr_family(at) == addr_family(a) || addr_is_loopback(at) != addr_is_loopback(a))
        return false;
    return addr_family(at) == AF_INET || !IN6_IS_ADDR_LINKLOCAL(&at->in6.sin6_addr);
}

/* fc00::/7: where there is a global one, that reaches more (RFC 6724 s.2.1). */
static bool is_local_only(const struct addr *a)
{
    return addr_family(a) == AF_INET6 && (a->in6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
}

int addr_beside(const struct addr *a, struct addr *ret)
{
    struct ifaddrs *all;
    struct addr at, found = {0};
    if (getifaddrs(&all) < 0)
        return -errno;
    const char *name = interface_of(all, a);
    for (const struct ifaddrs *i = all; name && i; i = i->ifa_next) {
        if (!addr_of(i, &at) || !is_same_interface(i->ifa_name, name) || !fits(&at, a))
            continue;
        if (addr_family(&found) == 0 || (is_local_only(&found) && !is_local_only(&at)))
            found = at;
    }
    freeifaddrs(all);
    if (addr_family(&found) == 0)
        return -ENOENT;
    addr_set_port(&found, 0);
    *ret = found;
    return 0;
}
