#include "call/path.h"

#include "call/reach.h"
#include "call/shape.h"
#include "call/steps.h"
#include "sip/uri.h"
#include "transport/transport.h"

const char *path_why_text(enum path_why w)
{
    static const char *const texts[PATH_WHY_COUNT] = {
        [PATH_WHY_USER] = "only one of the two users has `--media pass` or `--media direct`",
        [PATH_WHY_OFF] = "encryption is off for one of the two users",
        [PATH_WHY_BROWSER] = "one of the two is a browser, whose keys end at the server",
        [PATH_WHY_KEYINGS] = "the two users have no keying in common (`--keying`)",
        [PATH_WHY_NAT] = "a phone is behind a NAT, where the other cannot reach it",
        [PATH_WHY_NETWORKS] = "the phones are in networks that cannot reach each other",
    };
    return w < PATH_WHY_COUNT ? texts[w] : NULL;
}

/* --- whether ------------------------------------------------------------------------------------ */

static bool is_more_private(const struct leg *l)
{
    return l->user.policy->media_path != MEDIA_PATH_RELAY;
}

/* Why the two cannot have their keys to themselves. */
static enum path_why bar_of(const struct leg *a, const struct leg *b)
{
    bool one = is_more_private(a) || is_more_private(b);
    if (!is_more_private(a) || !is_more_private(b))
        return one ? PATH_WHY_USER : PATH_WHY_NONE;
    if (leg_shape_is_websocket(a->flow.kind) || leg_shape_is_websocket(b->flow.kind))
        return PATH_WHY_BROWSER;
    if ((a->policy.protection == PROTECTION_OFF) != (b->policy.protection == PROTECTION_OFF))
        return PATH_WHY_OFF;
    if (a->policy.protection != PROTECTION_OFF &&
        !(media_policy_kinds(&a->policy) & media_policy_kinds(&b->policy)))
        return PATH_WHY_KEYINGS;
    return PATH_WHY_NONE;
}

static bool may_pass(const struct leg *a, const struct leg *b)
{
    return is_more_private(a) && is_more_private(b) && bar_of(a, b) == PATH_WHY_NONE;
}

/* --- settling ------------------------------------------------------------------------------------ */

static void keep_keyings(struct media_policy *p, unsigned kinds)
{
    uint8_t n = 0;
    for (size_t i = 0; i < p->keying_count; i++) {
        if (kinds & 1u << p->keyings[i])
            p->keyings[n++] = p->keyings[i];
    }
    p->keying_count = n;
}

static void settle(struct media_policy *p, const struct media_policy *other)
{
    keep_keyings(p, media_policy_kinds(other));
    if (other->protection < p->protection) /* the stricter is the lower */
        p->protection = other->protection;
}

static void take_way(struct leg *l)
{
    l->media.path = l->call->path;
    if (l->call->path != MEDIA_PATH_RELAY) /* nobody here can read the audio */
        l->media.transcode = false;
}

bool path_join(struct leg *b)
{
    struct call *c = b->call;
    if (c->path == MEDIA_PATH_RELAY)
        return true;
    if (!may_pass(c->a, b) || c->path == MEDIA_PATH_DIRECT) /* who knows where that one is */
        return false;
    settle(&b->policy, &c->a->policy);
    take_way(b);
    return true;
}

/* --- direct -------------------------------------------------------------------------------------- */

static void place_of(const struct leg *l, const struct sdp *sdp, struct reach_place *ret)
{
    const char *contact = l->target_uri ? l->target_uri : l->dialog.remote_target;
    struct sip_uri u;
    *ret = (struct reach_place){.seen = l->flow.remote};
    for (size_t i = 0; sdp && i < sdp->media_count; i++) {
        if (sdp_rtp_addr(sdp, &sdp->media[i], &ret->said))
            return;
    }
    if (!contact || sip_uri_parse(slice_from_str(contact), &u) != SIP_URI_OK ||
        addr_parse(u.host, u.port, &ret->said) < 0)
        memset(&ret->said, 0, sizeof(ret->said));
}

/* Direct, where all want it and each callee's phone and the caller's can reach each other. */
static void try_direct(struct call *c, const struct sdp *offer)
{
    static const uint8_t whys[] = {[REACH_OK] = PATH_WHY_NONE,
                                   [REACH_NAT] = PATH_WHY_NAT,
                                   [REACH_NETWORKS] = PATH_WHY_NETWORKS};
    struct reach_place a, b;
    place_of(c->a, offer, &a);
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l->user.policy->media_path != MEDIA_PATH_DIRECT)
            return;
        if (l == c->a)
            continue;
        place_of(l, NULL, &b);
        c->path_why = whys[reach_of(&a, &b)];
        if (c->path_why != PATH_WHY_NONE)
            return;
    }
    c->path = MEDIA_PATH_DIRECT;
}

void path_fill_plan(const struct leg *l, const struct sdp *other, struct sdp_leg_plan *plan)
{
    plan->crossing = path_crossing(l);
    plan->direct = l->call->path == MEDIA_PATH_DIRECT;
    for (size_t i = 0; plan->direct && i < plan->media_count; i++) {
        struct sdp_leg_media *m = &plan->media[i];
        if (m->refuse || m->other < 0)
            continue;
        const struct sdp_media *from = &other->media[m->other];
        if (!sdp_rtp_addr(other, from, &m->rtp)) /* held as RFC 2543 has it */
            err_ignore(addr_parse(SLICE_LIT("0.0.0.0"), from->port, &m->rtp));
        memset(&m->rtcp, 0, sizeof(m->rtcp)); /* its own lines cross */
        m->rtcp_mux = false;
        m->keying = SLICE_NONE;
    }
}

void path_decide(struct call *c, const struct sdp *offer)
{
    struct leg *a = c->a;
    bool all = c->builtin == MEDIA_MODE_NONE;
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *b = CONTAINER_OF(n, struct leg, node);
        if (b == a)
            continue;
        if (c->path_why == PATH_WHY_NONE)
            c->path_why = (uint8_t)bar_of(a, b);
        all = all && may_pass(a, b);
    }
    if (!all)
        return;
    c->path = MEDIA_PATH_PASS;
    try_direct(c, offer);
    take_way(a);
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *b = CONTAINER_OF(n, struct leg, node);
        if (b == a)
            continue;
        settle(&a->policy, &b->policy);
        settle(&b->policy, &a->policy);
        take_way(b);
    }
}

void path_restored(struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    take_way(CONTAINER_OF(n, struct leg, node));
}

uint8_t path_crossing(const struct leg *l)
{
    return l->call->path == MEDIA_PATH_RELAY ? 0 : (uint8_t)media_policy_kinds(&l->policy);
}
