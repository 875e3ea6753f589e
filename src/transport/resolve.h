/* RFC 3263: from a SIP URI to the addresses to try, in order. Asynchronous over c-ares; a numeric
 * host answers without a lookup (still by callback, from a later wake-up, never from within
 * resolve_start). */
#ifndef SOTTO_TRANSPORT_RESOLVE_H
#define SOTTO_TRANSPORT_RESOLVE_H

#include "transport/transport.h"

#define RESOLVE_TARGET_MAX 16

struct resolve_target {
    enum transport_kind kind;
    struct addr addr;
};

struct resolver;
struct resolve_query;

int resolver_new(struct loop *loop, struct resolver **ret) MUST_CHECK;
struct resolver *resolver_free(struct resolver *r); /* queries under way end without a call back */
/* Other name servers than the system's: "127.0.0.1:5353,192.0.2.1". -EINVAL. */
int resolver_set_servers(struct resolver *r, const char *csv) MUST_CHECK;

/* -EAGAIN: RESOLVE_QUERIES_MAX are under way. n == 0: nothing found; `reason` is a plain sentence. The name that a certificate must match is
 * the URI's host, before any SRV (RFC 5922). */
int resolve_start(struct resolver *r, const struct sip_uri *uri,
                  void (*fn)(void *arg, const struct resolve_target *targets, size_t n,
                             const char *reason),
                  void *arg, struct resolve_query **ret) MUST_CHECK;
void resolve_cancel(struct resolve_query *q); /* only before fn was called; NULL is a no-op */

#endif
