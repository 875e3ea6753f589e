#include "call/route.h"

#include <stdlib.h>

#include "base/log.h"
#include "transport/resolve.h"

struct route {
    struct leg *leg;
    route_fn *done;
    struct resolve_query *query;
    char name[256]; /* what the peer's certificate must prove: the URI's host, before any SRV */
    size_t count, next;
    struct resolve_target targets[RESOLVE_TARGET_MAX];
};

void route_release(struct leg *l)
{
    if (l->route_by_name)
        resolve_cancel(l->route_by_name->query);
    free(l->route_by_name);
    l->route_by_name = NULL;
}

bool route_next(struct leg *l)
{
    struct route *r = l->route_by_name;
    const struct call_config *cfg = &l->call->core->cfg;
    while (r && r->next < r->count) {
        const struct resolve_target *t = &r->targets[r->next++];
        struct transport_flow flow;
        if (!policy_transport_allowed(l->user.policy, (uint8_t)t->kind) ||
            transport_connect(cfg->transport, t->kind, &t->addr, slice_from_str(r->name), &flow) <
                0)
            continue;
        l->flow = flow;
        return true;
    }
    return false;
}

static void on_resolved(void *arg, const struct resolve_target *targets, size_t n,
                        const char *reason)
{
    struct route *r = arg;
    struct leg *l = r->leg;
    r->query = NULL;
    r->count = n < RESOLVE_TARGET_MAX ? n : RESOLVE_TARGET_MAX;
    if (r->count)
        memcpy(r->targets, targets, r->count * sizeof(*targets));
    else
        log_event(LOG_INFO, "contact_not_found", LOG_STR("call", l->call->name),
                  LOG_STR("contact", l->target_uri), LOG_STR("reason", reason));
    r->done(l, route_next(l));
}

bool route_lookup(struct leg *l, route_fn *done)
{
    struct sip_uri uri;
    struct addr numeric;
    struct resolver *resolver = l->call->core->cfg.resolver;
    if (!resolver || l->route_by_name ||
        sip_uri_parse(dialog_next_hop(&l->dialog), &uri) != SIP_URI_OK ||
        addr_parse(uri.host, 0, &numeric) == 0)
        return false; /* an address as it stands has been tried already */
    struct route *r = calloc(1, sizeof(*r));
    if (!r || !slice_to_str(uri.host, r->name, sizeof(r->name))) {
        free(r);
        return false;
    }
    r->leg = l;
    r->done = done;
    l->route_by_name = r;
    if (resolve_start(resolver, &uri, on_resolved, r, &r->query) == 0)
        return true;
    route_release(l);
    return false;
}
