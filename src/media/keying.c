/* Handshakes in the media path. Which keying it is, is not known here: the state says whether a
 * handshake is due, the keying's table how one is driven.
 *
 *   begins     when both descriptions are there and the endpoint is connected to something: then
 *              our answer is on its way, and the peer can make sense of what we send
 *   is heard   from media_may_handshake alone: where the peer was signalled or heard, and its host;
 *              with ICE, where its checks came from
 *   ends       with keys (the terms take them, the guard opens), or by proof that the peer is
 *              somebody else; what anybody can send ends nothing
 *
 * A packet that comes before (a callee's ClientHello overtakes its answer) is kept until then, one
 * for each component, so that the peer need not wait for its own timer.
 *
 * Of several streams of a phone the first agrees on ZRTP's keys; the others wait for it and have
 * theirs from the same secret (RFC 6189 s.4.4.3): one Diffie-Hellman, one SAS.
 *
 * After a restart of the role a handshake that was under way is begun again, and where keys are
 * there already the engine only answers. */
#include <stdlib.h>

#include "media/worker.h"

struct component {
    struct media_endpoint *e;
    enum keying_component which;
    const struct keying_ops *ops;
    struct keying_engine *engine; /* NULL: none runs */
    uint32_t number;              /* of the handshake that it is for */
    struct addr peer;             /* where what we say goes; family 0: to the signalled address */
    bool peer_is_known; /* heard there where it was signalled: nobody else takes its place */
    struct loop_timer timer;
    struct addr early_from;
    uint32_t early_n;
    uint8_t *early; /* MEDIA_PACKET_MAX; NULL: none was ever kept */
};

struct media_keying {
    struct component c[KEYING_COMPONENT_COUNT];
    uint64_t due_since; /* ms: that a handshake for RTP is due; 0: none is */
    bool told;          /* that it failed, and … */
    uint8_t fault;      /* enum keying_fault */
    char why[MEDIA_WHY_MAX];
};

/* --- where the peer is ------------------------------------------------------------------------- */

static bool is_known(const struct media_endpoint *e, bool rtcp, const struct addr *from)
{
    const struct media_brief *t = &e->s->terms;
    if (e->ice)
        return media_ice_is_valid(e, rtcp, from);
    return addr_eq(from, rtcp ? &t->remote_rtcp : &t->remote_rtp) ||
           addr_eq(from, media_remote(e, rtcp));
}

bool media_may_handshake(const struct media_endpoint *e, bool rtcp, const struct addr *from)
{
    const struct addr *signalling = &e->s->terms.signalling;
    return is_known(e, rtcp, from) ||
           (!e->ice && addr_family(signalling) != 0 && addr_host_eq(from, signalling));
}

/* --- what an engine says ----------------------------------------------------------------------- */

static void zrtp_relay(struct media_endpoint *e);
static void update_others(const struct media_endpoint *first);

static void on_send(void *arg, const void *packet, size_t n)
{
    struct component *c = arg;
    bool rtcp = c->which == KEYING_RTCP;
    const struct addr *to = media_remote(c->e, rtcp);
    if (addr_family(&c->peer) && !(c->e->ice && addr_family(to)))
        to = &c->peer;
    media_socket_put(c->e, rtcp, packet, n, to);
}

static void on_timer_wanted(void *arg, uint64_t due_ms)
{
    struct component *c = arg;
    struct loop *l = c->e->role->loop;
    uint64_t now = loop_now(l);
    if (due_ms == 0)
        loop_timer_cancel(l, &c->timer);
    else
        loop_timer_set(l, &c->timer, due_ms > now ? due_ms - now : 0);
}

static void on_secure(void *arg, const struct keying_yield *y)
{
    struct component *c = arg;
    struct media_endpoint *e = c->e;
    struct media_terms now CLEANUP(media_terms_wipe);
    media_endpoint_terms(e, &now);
    struct media_terms next CLEANUP(media_terms_wipe) = now;
    if (!keying_state_take(&next.keying, c->which, c->number, y))
        return;
    media_terms_rekey(&next, &now, loop_now(e->role->loop));
    if (media_terms_take(e, &next) < 0) {
        media_role_fault(e, KEYING_FAULT_INTERNAL, "no memory for the keys");
        return;
    }
    if (c->which == KEYING_RTP && keying_keys_eq(&next.keying.tx, &now.keying.tx) &&
        keying_keys_eq(&next.keying.rx, &now.keying.rx))
        return; /* what is said of them has changed: the SAS was compared */
    media_learn_handshake(e, c->which == KEYING_RTCP, &c->peer);
    log_event(LOG_INFO, "media_keyed", LOG_ID("call", e->s->call), LOG_I("leg", e->s->leg),
              LOG_I("stream", e->s->stream),
              LOG_STR("component", c->which == KEYING_RTCP ? "rtcp" : "rtp"),
              LOG_STR("keying", keying_name((enum keying_kind)next.keying.active)),
              LOG_STR("suite", srtp_suite_name(y->tx.suite)), LOG_A("peer", &c->peer));
    if (y->zrtp.cache_mismatch)
        log_event(LOG_WARN, "zrtp_cache_mismatch", LOG_ID("call", e->s->call),
                  LOG_I("leg", e->s->leg), LOG_A("peer", &c->peer),
                  LOG_STR("why", "what was kept of earlier calls with this phone does not fit; "
                                 "compare the SAS"));
    zrtp_relay(e);
    if (next.keying.active == KEYING_ZRTP)
        update_others(e); /* which have waited for it */
}

static void tell(struct media_endpoint *e)
{
    const struct media_keying *k = e->keying;
    media_role_fault(e, (enum keying_fault)k->fault, k->why);
}

void media_keying_tell_again(struct media_endpoint *e)
{
    if (e->keying && e->keying->told)
        tell(e);
}

static void fail(struct media_endpoint *e, enum keying_fault f, const char *why)
{
    struct media_keying *k = e->keying;
    if (k->told)
        return;
    k->told = true;
    k->fault = (uint8_t)f;
    snprintf(k->why, sizeof(k->why), "%s", why);
    log_event(LOG_WARN, "media_keying_failed", LOG_ID("call", e->s->call), LOG_I("leg", e->s->leg),
              LOG_I("stream", e->s->stream), LOG_A("peer", media_remote(e, false)),
              LOG_STR("reason", keying_fault_name(f)), LOG_STR("why", why));
    tell(e);
}

static void on_failed(void *arg, enum keying_fault f, const char *why)
{
    struct component *c = arg;
    fail(c->e, f, why);
}

/* --- what is kept of ZRTP peers: signalling has the store ---------------------------------------- */

static struct media_zrtp zrtp_named(const struct media_endpoint *e, const uint8_t *zid)
{
    struct media_zrtp z = {.endpoint = e->id, .call = e->s->call};
    memcpy(z.zid, zid, sizeof(z.zid));
    return z;
}

static void zrtp_send(struct media_endpoint *e, uint32_t type, const struct media_zrtp *z)
{
    int r = e->role->chan ? ipc_send(e->role->chan, type, z, sizeof(*z), NULL, 0) : -EPIPE;
    if (r < 0)
        log_event(LOG_ERROR, "media_zrtp_not_sent", LOG_ERRNO(r), LOG_ID("call", z->call));
}

static bool on_find(void *arg, const uint8_t zid[ZRTP_ZID_LEN], struct zrtp_secrets *ret)
{
    const struct component *c = arg;
    struct media_zrtp z = zrtp_named(c->e, zid);
    (void)ret; /* media_keying_zrtp_found brings it */
    zrtp_send(c->e, MEDIA_MSG_ZRTP_FIND, &z);
    return false;
}

static const uint8_t zrtp_kept[MEDIA_ZRTP_SECRETS] = {ZRTP_RS1, ZRTP_RS2, ZRTP_PBX};

static void on_save(void *arg, const uint8_t zid[ZRTP_ZID_LEN], const struct zrtp_secrets *s)
{
    const struct component *c = arg;
    struct media_zrtp z = zrtp_named(c->e, zid);
    z.verified = s->verified;
    for (size_t i = 0; i < MEDIA_ZRTP_SECRETS; i++) {
        const struct secret *kept = &s->of[zrtp_kept[i]];
        z.has[i] = kept->n == MEDIA_ZRTP_SECRET_LEN;
        memcpy(z.secret[i], kept->b, MEDIA_ZRTP_SECRET_LEN);
    }
    zrtp_send(c->e, MEDIA_MSG_ZRTP_SAVE, &z);
    secret_wipe(&z, sizeof(z));
}

void media_keying_zrtp_id(struct media_role *r, const struct media_zrtp_id *id)
{
    r->zrtp = (struct zrtp_local){.is_mitm = true};
    memcpy(r->zrtp.zid, id->zid, sizeof(r->zrtp.zid));
    r->local.zrtp = &r->zrtp;
    /* those of an earlier life have waited for it */
    LIST_FOR_EACH(n, &r->open)
    media_keying_update(CONTAINER_OF(n, struct media_endpoint, node));
}

void media_keying_zrtp_found(struct media_role *r, const struct media_zrtp *z)
{
    struct media_endpoint *e = media_endpoint_find(r, z->endpoint);
    struct component *c = e && e->keying ? &e->keying->c[KEYING_RTP] : NULL;
    struct zrtp_secrets s = {.verified = z->verified != 0};
    if (!c || !c->engine || !c->ops->found)
        return;
    for (size_t i = 0; i < MEDIA_ZRTP_SECRETS; i++) {
        s.of[zrtp_kept[i]].n = z->has[i] ? MEDIA_ZRTP_SECRET_LEN : 0;
        memcpy(s.of[zrtp_kept[i]].b, z->secret[i], MEDIA_ZRTP_SECRET_LEN);
    }
    c->ops->found(c->engine, &s, loop_now(r->loop));
    secret_wipe(&s, sizeof(s));
}

/* Both legs of a call have a SAS: one of them, where its phone is enrolled here, may show the
 * other's, so that the two people read the same (RFC 6189 s.7.3). */
static bool has_sas(const struct media_endpoint *e)
{
    struct media_terms t CLEANUP(media_terms_wipe);
    if (e->s->terms.keying.active != KEYING_ZRTP)
        return false;
    media_endpoint_terms(e, &t);
    return t.keying.sas[0] != '\0';
}

static bool is_enrolled(const struct media_endpoint *e)
{
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(e, &t);
    return t.keying.zrtp.told.pbx_matched;
}

static void zrtp_relay(struct media_endpoint *e)
{
    struct media_endpoint *peer = e->peer;
    if (!peer || !has_sas(e) || !has_sas(peer))
        return;
    /* Whoever asks, the same one is told: else both would swap. */
    struct media_endpoint *first = e->id < peer->id ? e : peer;
    struct media_endpoint *to = is_enrolled(first) ? first : first == e ? peer : e;
    struct component *c = to->keying ? &to->keying->c[KEYING_RTP] : NULL;
    if (!is_enrolled(to) || !c || !c->engine || !c->ops->relay)
        return;
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(to->peer, &t);
    c->ops->relay(c->engine, &t.keying, loop_now(e->role->loop));
}

bool media_keying_verify(struct media_endpoint *e, bool verified)
{
    struct media_endpoint *by = media_transport(e);
    struct component *c = by->keying ? &by->keying->c[KEYING_RTP] : NULL;
    struct media_terms t CLEANUP(media_terms_wipe);
    if (c && c->engine && c->ops->verify)
        c->ops->verify(c->engine, verified); /* on_secure brings it into the terms */
    media_endpoint_terms(by, &t);
    bool done = t.keying.sas[0] && t.keying.sas_verified == verified;
    log_event(done ? LOG_INFO : LOG_WARN, done ? "zrtp_sas_marked" : "zrtp_sas_not_marked",
              LOG_ID("call", e->s->call), LOG_I("leg", e->s->leg),
              LOG_STR("as", verified ? "verified" : "unverified"));
    return done;
}

static void on_timer(void *arg)
{
    struct component *c = arg;
    media_burst_run(c->e->role);
    if (c->engine)
        c->ops->expired(c->engine, loop_now(c->e->role->loop));
}

/* --- starting and stopping --------------------------------------------------------------------- */

static const struct keying_ops *ops_of(const struct media_endpoint *e)
{
    const struct keying_ops *ops = keying_find((enum keying_kind)e->s->terms.keying.active);
    return ops && ops->start ? ops : NULL;
}

static bool is_due(const struct media_endpoint *e, enum keying_component which)
{
    const struct media_brief *t = &e->s->terms;
    if (!ops_of(e) || !t->has_remote || !t->keying.agreed || t->keying.held ||
        t->keying.wanted == 0 || e->mode == MEDIA_MODE_NONE)
        return false;
    return which == KEYING_RTP || e->rtcp_apart;
}

static bool is_keyed(const struct media_endpoint *e)
{
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(e, &t);
    return !keying_state_wants(&t.keying, KEYING_RTP, t.rtcp_mux);
}

/* The stream of the same phone that comes before this one and speaks ZRTP; NULL: this is the first. */
static struct media_endpoint *first_stream(const struct media_endpoint *e)
{
    struct media_endpoint *first = NULL;
    if (e->s->stream == 0 || e->s->terms.keying.active != KEYING_ZRTP)
        return NULL;
    LIST_FOR_EACH(n, &e->role->open)
    {
        struct media_endpoint *o = CONTAINER_OF(n, struct media_endpoint, node);
        if (o->s->call == e->s->call && o->s->leg == e->s->leg && o->s->stream < e->s->stream &&
            o->s->terms.keying.active == KEYING_ZRTP && is_due(o, KEYING_RTP) &&
            (!first || o->s->stream < first->s->stream))
            first = o;
    }
    return first;
}

static void update_others(const struct media_endpoint *first)
{
    LIST_FOR_EACH(n, &first->role->open)
    {
        struct media_endpoint *o = CONTAINER_OF(n, struct media_endpoint, node);
        if (o != first && o->s->call == first->s->call && o->s->leg == first->s->leg)
            media_keying_update(o);
    }
}

/* With ICE there may be no way to the peer yet. */
static bool has_place(const struct media_endpoint *e, enum keying_component which)
{
    const struct media_endpoint *first = first_stream(e);
    if (first && !is_keyed(first) && !is_keyed(e))
        return false;
    return is_due(e, which) && (!e->ice || addr_family(media_remote(e, which == KEYING_RTCP)) != 0);
}

static bool memory(struct media_endpoint *e)
{
    if (e->keying)
        return true;
    e->keying = calloc(1, sizeof(*e->keying));
    for (size_t i = 0; e->keying && i < KEYING_COMPONENT_COUNT; i++) {
        struct component *c = &e->keying->c[i];
        c->e = e;
        c->which = (enum keying_component)i;
        loop_timer_init(&c->timer, on_timer, c);
    }
    return e->keying != NULL;
}

static void stop(struct component *c)
{
    if (c->ops && c->engine)
        c->engine = c->ops->free(c->engine);
    loop_timer_cancel(c->e->role->loop, &c->timer);
    memset(&c->peer, 0, sizeof(c->peer));
    c->peer_is_known = false;
}

static void hear(struct component *c, const void *packet, size_t n, const struct addr *from)
{
    bool known = is_known(c->e, c->which == KEYING_RTCP, from);
    if (known || !c->peer_is_known)
        c->peer = *from;
    c->peer_is_known = c->peer_is_known || known;
    c->ops->packet(c->engine, slice_from(packet, n), loop_now(c->e->role->loop));
}

static void hear_early(struct component *c)
{
    uint32_t n = c->early_n;
    c->early_n = 0;
    if (n > 0 && media_may_handshake(c->e, c->which == KEYING_RTCP, &c->early_from))
        hear(c, c->early, n, &c->early_from);
}

static void start(struct component *c)
{
    struct media_endpoint *e = c->e;
    struct keying_engine_env env = {
        .arg = c,
        .local = &e->role->local,
        .send = on_send,
        .timer = on_timer_wanted,
        .secure = on_secure,
        .failed = on_failed,
        .find = on_find,
        .save = on_save,
        /* nobody else is on the line then: the echo is the number that a phone enrols at */
        .ask_enroll = e->mode == MEDIA_MODE_ECHO,
    };
    const struct media_endpoint *first = first_stream(e);
    struct media_terms t CLEANUP(media_terms_wipe), of_first CLEANUP(media_terms_wipe);
    media_endpoint_terms(e, &t);
    if (first) {
        media_endpoint_terms(first, &of_first);
        env.first = &of_first.keying;
    }
    c->ops = ops_of(e);
    c->number = e->s->terms.keying.wanted;
    int r = c->ops->start(&env, &t.keying, c->which, loop_now(e->role->loop), &c->engine);
    if (r < 0) {
        c->engine = NULL;
        if (r == -EAGAIN) /* what it needs is still to come (media_keying_zrtp_id) */
            return;
        log_event(LOG_ERROR, "media_handshake_not_begun", LOG_ERRNO(r), LOG_ID("call", e->s->call));
        return;
    }
    hear_early(c);
}

static void update_one(struct media_endpoint *e, enum keying_component which)
{
    bool wanted = has_place(e, which);
    if (!is_due(e, which) && !e->keying)
        return;
    if (!memory(e)) {
        log_event(LOG_ERROR, "media_handshake_not_begun", LOG_ERRNO(-ENOMEM),
                  LOG_ID("call", e->s->call));
        return;
    }
    struct component *c = &e->keying->c[which];
    bool fits = c->engine && c->ops == ops_of(e) && c->number == e->s->terms.keying.wanted;
    if (wanted && fits)
        return;
    stop(c);
    if (which == KEYING_RTP) { /* another handshake has a patience of its own */
        e->keying->told = false;
        e->keying->due_since = 0;
    }
    if (wanted)
        start(c);
}

static void update_patience(struct media_endpoint *e)
{
    struct media_keying *k = e->keying;
    if (!k)
        return;
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(e, &t);
    bool due = is_due(e, KEYING_RTP) && keying_state_wants(&t.keying, KEYING_RTP, t.rtcp_mux);
    if (!due)
        k->due_since = 0;
    else if (k->due_since == 0)
        k->due_since = loop_now(e->role->loop);
    if (!due)
        k->told = false;
}

void media_keying_update(struct media_endpoint *e)
{
    update_one(e, KEYING_RTP);
    update_one(e, KEYING_RTCP);
    update_patience(e);
}

void media_keying_free(struct media_endpoint *e)
{
    struct media_keying *k = e->keying;
    if (!k)
        return;
    for (size_t i = 0; i < KEYING_COMPONENT_COUNT; i++) {
        stop(&k->c[i]);
        free(k->c[i].early);
    }
    free(k);
    e->keying = NULL;
}

/* Old keys go on where there are some: then nobody is worse off for waiting. */
void media_keying_check(struct media_endpoint *e, uint64_t now)
{
    const struct media_keying *k = e->keying;
    uint64_t limit = e->role->cfg.rtp_timeout_ms;
    if (k)
        zrtp_relay(e);
    if (!k || k->due_since == 0 || limit == 0 || e->guard == MEDIA_GUARD_SECURE ||
        now - k->due_since < limit)
        return;
    const struct component *c = &k->c[KEYING_RTP];
    const char *why = "the handshake for keys could not be begun";
    if (e->ice && !c->engine)
        why = "no connectivity check of the peer has found a way to us";
    fail(e, KEYING_FAULT_TIMEOUT, c->engine ? c->ops->state(c->engine) : why);
}

/* --- what comes -------------------------------------------------------------------------------- */

/* Could our offer's answer make it a handshake's first packet? */
static bool is_expected(const struct media_endpoint *e, enum rtp_kind kind)
{
    const struct media_brief *t = &e->s->terms;
    for (size_t i = 0; i < KEYING_COUNT; i++) {
        const struct keying_ops *ops = keying_find((enum keying_kind)i);
        bool may_be = t->keying.offered & 1u << i || t->keying.active == i;
        if (may_be && ops && ops->start && ops->packet_kind == kind)
            return true;
    }
    return false;
}

static void keep_early(const struct media_packet *p, enum rtp_kind kind)
{
    struct media_endpoint *e = p->in;
    if (!is_expected(e, kind) || !memory(e))
        return;
    struct component *c = &e->keying->c[p->rtcp ? KEYING_RTCP : KEYING_RTP];
    if (!c->early)
        c->early = malloc(MEDIA_PACKET_MAX);
    if (!c->early)
        return;
    memcpy(c->early, p->data, p->len);
    c->early_n = p->len;
    c->early_from = p->from;
}

void media_keying_packet(struct media_packet *p, enum rtp_kind kind)
{
    struct media_endpoint *e = p->in;
    struct component *c = e->keying ? &e->keying->c[p->rtcp ? KEYING_RTCP : KEYING_RTP] : NULL;
    if (!c || !c->engine) {
        keep_early(p, kind);
        return;
    }
    if (c->ops->packet_kind != kind || !media_may_handshake(e, p->rtcp, &p->from)) {
        e->stats->rx_foreign++;
        return;
    }
    hear(c, p->data, p->len, &p->from);
}
