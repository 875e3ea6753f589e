/* The pure part of RFC 3263: what a URI asks for, and in which order records are tried. Nobody but
 * resolve.c includes this. */
#ifndef SOTTO_TRANSPORT_RESOLVE_PLAN_H
#define SOTTO_TRANSPORT_RESOLVE_PLAN_H

#include "transport/resolve.h"

#define RESOLVE_NAME_MAX 256 /* a domain name as text, and a NUL */

enum resolve_way {
    RESOLVE_NUMERIC, /* no lookup */
    RESOLVE_HOST,    /* A and AAAA: the URI names a port, or a transport without SRV */
    RESOLVE_SRV,     /* the URI names the transport */
    RESOLVE_NAPTR    /* the domain chooses */
};

struct resolve_plan {
    enum resolve_way way;
    enum transport_kind kind; /* the URI's, or the one to take where DNS says nothing */
    bool sips;
    uint16_t port;    /* explicit, or the transport's */
    struct addr addr; /* NUMERIC */
    char host[RESOLVE_NAME_MAX];
};

/* NULL, or why there is no way: a plain sentence. */
const char *resolve_plan_make(const struct sip_uri *uri, struct resolve_plan *ret);

struct resolve_srv {
    uint16_t priority, weight, port;
    char host[RESOLVE_NAME_MAX];
};
/* RFC 2782: by priority, and within one by weighted lots that `lot` draws from 0..max. */
void resolve_srv_order(struct resolve_srv *v, size_t n, uint32_t (*lot)(void *arg, uint32_t max),
                       void *arg);

struct resolve_naptr {
    uint16_t order, preference;
    enum transport_kind kind;
    char replacement[RESOLVE_NAME_MAX];
};
/* Whether service and flags name a transport of ours (RFC 3263 s.4.1); sips takes only TLS. */
bool resolve_naptr_kind(const char *service, const char *flags, bool sips,
                        enum transport_kind *ret);
void resolve_naptr_order(struct resolve_naptr *v, size_t n);

/* "_sips._tcp." for TLS. */
const char *resolve_srv_prefix(enum transport_kind k);

#endif
