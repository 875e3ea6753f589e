#include "cert/cert.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include "base/addr.h"

/* RFC 1123 s.2.1 letters, digits and hyphens in labels; "_" and a leading "*." are common too. */
static bool is_dns_name(struct slice s)
{
    if (slice_starts_with(s, SLICE_LIT("*.")))
        s = slice_skip(s, 2);
    if (s.n == 0 || s.n > CERT_NAME_MAX || s.p[s.n - 1] == '.')
        return false;
    while (s.n) {
        struct slice label = slice_cut(&s, '.');
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = slice_lower(label.p[i]);
            if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
                return false;
        }
    }
    return true;
}

bool cert_names_add(struct cert_names *names, struct slice name)
{
    char text[CERT_NAME_MAX + 1];
    struct addr a;
    if (addr_parse(name, 0, &a) == 0) {
        struct buf b = buf_over(text, sizeof(text) - 1);
        addr_put_host(&b, &a);
        text[b.n] = '\0';
    } else if (!is_dns_name(name) || !slice_to_str(name, text, sizeof(text)))
        return false;
    for (char *p = text; *p; p++)
        *p = slice_lower(*p);
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->name[i], text) == 0)
            return true;
    if (names->n == CERT_NAMES_MAX)
        return false;
    memcpy(names->name[names->n++], text, sizeof(text));
    return true;
}

static void add_interfaces(struct cert_names *names)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all))
        return; /* the names remain; a phone that uses an address will say so */
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        struct addr a = {0};
        char text[ADDR_STR_MAX];
        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
            continue;
        if (i->ifa_addr->sa_family == AF_INET)
            memcpy(&a.in, i->ifa_addr, sizeof(a.in));
        else if (i->ifa_addr->sa_family == AF_INET6)
            memcpy(&a.in6, i->ifa_addr, sizeof(a.in6));
        else
            continue;
        /* A link-local address has a scope, which a certificate cannot say. */
        if (addr_family(&a) == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a.in6.sin6_addr))
            continue;
        struct buf b = buf_over(text, sizeof(text));
        addr_put_host(&b, &a);
        (void)cert_names_add(names, buf_slice(&b)); /* left out where full: see the header */
    }
    freeifaddrs(all);
}

void cert_names_add_local(struct cert_names *names)
{
    char host[CERT_NAME_MAX + 1];
    (void)cert_names_add(names, SLICE_LIT("localhost"));
    if (gethostname(host, sizeof(host)) == 0) {
        host[sizeof(host) - 1] = '\0';
        (void)cert_names_add(names, slice_from_str(host)); /* may be no DNS name */
    }
    add_interfaces(names);
}
