#include "base/addr.h"

#include <arpa/inet.h>

int addr_parse(struct slice host, uint16_t port, struct addr *ret)
{
    char s[INET6_ADDRSTRLEN];
    struct addr a = {0};
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = slice_take(slice_skip(host, 1), host.n - 2);
        if (slice_find_char(host, ':') == host.n)
            return -EINVAL;
    }
    if (!slice_to_str(host, s, sizeof(s)))
        return -EINVAL;
    if (inet_pton(AF_INET, s, &a.in.sin_addr) == 1)
        a.in.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, s, &a.in6.sin6_addr) == 1)
        a.in6.sin6_family = AF_INET6;
    else
        return -EINVAL;
    addr_set_port(&a, port);
    *ret = a;
    return 0;
}

int addr_parse_hostport(struct slice s, uint16_t port, struct addr *ret)
{
    struct slice host = s;
    size_t colon = s.n;
    if (s.n && s.p[0] == '[') {
        size_t close = slice_find_char(s, ']');
        if (close == s.n)
            return -EINVAL;
        host = slice_take(s, close + 1);
        colon = close + 1;
        if (colon < s.n && s.p[colon] != ':')
            return -EINVAL;
    } else if (slice_find_char(s, ':') != s.n) {
        colon = slice_find_char(s, ':');
        host = slice_take(s, colon);
        if (slice_find_char(slice_skip(s, colon + 1), ':') != s.n - colon - 1) {
            host = s; /* more than one colon: a bare IPv6 address */
            colon = s.n;
        }
    }
    if (colon < s.n) {
        uint32_t v;
        if (slice_to_u32(slice_skip(s, colon + 1), &v) < 0 || v > 65535)
            return -EINVAL;
        port = (uint16_t)v;
    }
    return addr_parse(host, port, ret);
}

uint16_t addr_port(const struct addr *a)
{
    return ntohs(addr_family(a) == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (addr_family(a) == AF_INET6)
        a->in6.sin6_port = htons(port);
    else
        a->in.sin_port = htons(port);
}

bool addr_host_eq(const struct addr *a, const struct addr *b)
{
    if (addr_family(a) != addr_family(b))
        return false;
    if (addr_family(a) == AF_INET6)
        return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0 &&
               a->in6.sin6_scope_id == b->in6.sin6_scope_id;
    return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_host_eq(a, b) && addr_port(a) == addr_port(b);
}

bool addr_is_any(const struct addr *a)
{
    if (addr_family(a) == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
    return a->in.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool addr_is_loopback(const struct addr *a)
{
    if (addr_family(a) == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
    return (ntohl(a->in.sin_addr.s_addr) >> 24) == 127;
}

void addr_unmap(struct addr *a)
{
    if (addr_family(a) != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        return;
    struct addr v4 = {0};
    v4.in.sin_family = AF_INET;
    v4.in.sin_port = a->in6.sin6_port;
    memcpy(&v4.in.sin_addr, &a->in6.sin6_addr.s6_addr[12], 4);
    *a = v4;
}

/* inet_ntop goes by way of sprintf, and this is in every answer, more than once. */
static void put_v4(struct buf *b, const struct in_addr *a)
{
    uint32_t v = ntohl(a->s_addr);
    char s[INET_ADDRSTRLEN];
    size_t n = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        uint32_t byte = v >> shift & 255;
        if (byte >= 100)
            s[n++] = (char)('0' + byte / 100);
        if (byte >= 10)
            s[n++] = (char)('0' + byte / 10 % 10);
        s[n++] = (char)('0' + byte % 10);
        s[n++] = '.';
    }
    buf_put(b, s, n - 1);
}

void addr_put_host(struct buf *b, const struct addr *a)
{
    char s[INET6_ADDRSTRLEN] = "?";
    struct addr u = *a;
    addr_unmap(&u);
    if (addr_family(&u) != AF_INET6) {
        put_v4(b, &u.in.sin_addr);
        return;
    }
    (void)inet_ntop(AF_INET6, &u.in6.sin6_addr, s, sizeof(s)); /* the size always fits */
    buf_put_str(b, s);
}

void addr_put_uri_host(struct buf *b, const struct addr *a)
{
    struct addr u = *a;
    addr_unmap(&u);
    bool six = addr_family(&u) == AF_INET6;
    if (six)
        buf_put_char(b, '[');
    addr_put_host(b, &u);
    if (six)
        buf_put_char(b, ']');
}

void addr_put(struct buf *b, const struct addr *a)
{
    addr_put_uri_host(b, a);
    buf_put_char(b, ':');
    buf_put_u64(b, addr_port(a));
}

const char *addr_str(const struct addr *a, char dst[ADDR_STR_MAX])
{
    struct buf b = buf_over(dst, ADDR_STR_MAX - 1);
    addr_put(&b, a);
    dst[b.n] = '\0';
    return dst;
}
