/* Endpoints: opening and closing, and what follows from the slot for this life of the process. */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "media/announce.h"
#include "media/digits.h"
#include "media/heard.h"
#include "media/transcode.h"

static uint64_t id_of(const struct media_role *r, uint32_t slot)
{
    return (uint64_t)r->state.slots[slot].generation << 32 | (r->cfg.first_endpoint + slot);
}

struct media_endpoint *media_endpoint_find(struct media_role *r, uint64_t id)
{
    uint32_t slot = (uint32_t)id - r->cfg.first_endpoint;
    if (slot >= r->cfg.max_endpoints)
        return NULL;
    struct media_endpoint *e = &r->endpoints[slot];
    return e->role && e->id == id ? e : NULL;
}

static void key_put(uint8_t key[12], uint64_t call, uint16_t leg, uint16_t stream)
{
    memcpy(key, &call, 8);
    memcpy(key + 8, &leg, 2);
    memcpy(key + 10, &stream, 2);
}

struct media_endpoint *media_endpoint_find_key(struct media_role *r, uint64_t call, uint16_t leg,
                                               uint16_t stream)
{
    uint8_t key[12];
    key_put(key, call, leg, stream);
    struct map_node *n = map_find(&r->by_key, slice_from(key, sizeof(key)));
    return n ? CONTAINER_OF(n, struct media_endpoint, by_key) : NULL;
}

/* --- what follows from terms --- */

void media_contexts_fini(struct media_contexts *c)
{
    for (size_t i = 0; i < MEDIA_CTX_COUNT; i++)
        c->ctx[i] = srtp_ctx_free(c->ctx[i]);
    free(c->codecs);
    c->codecs = NULL;
    c->codec_count = 0;
}

static int codecs_make(const struct media_terms *t, struct media_contexts *c)
{
    if (t->codec_count == 0)
        return 0;
    c->codecs = malloc(t->codec_count * sizeof(*c->codecs));
    if (!c->codecs)
        return -ENOMEM;
    memcpy(c->codecs, t->codecs, t->codec_count * sizeof(*c->codecs));
    c->codec_count = t->codec_count;
    return 0;
}

int media_contexts_make(const struct media_endpoint *e, const struct media_terms *t,
                        struct media_contexts *ret)
{
    const struct srtp_keys *keys[MEDIA_CTX_COUNT] = {&t->keying.tx, &t->keying.rx, &t->rx_prev,
                                                     &t->keying.rtcp_tx, &t->keying.rtcp_rx};
    const uint32_t epochs[MEDIA_CTX_COUNT] = {t->tx_epoch, t->rx_epoch, t->rx_prev_epoch,
                                              t->rtcp_tx_epoch, t->rtcp_rx_epoch};
    struct media_contexts c = {0};
    int v = codecs_make(t, &c);
    if (v < 0)
        return v;
    for (size_t i = 0; i < MEDIA_CTX_COUNT; i++) {
        c.epoch[i] = epochs[i];
        bool has = keys[i]->suite != SRTP_SUITE_NONE && epochs[i] != 0;
        bool old = i == MEDIA_CTX_RX_PREV && loop_now(e->role->loop) >= t->rx_prev_until;
        if (!has || old)
            c.epoch[i] = 0;
        if (c.epoch[i] == 0 || c.epoch[i] == e->contexts.epoch[i])
            continue;
        int r = srtp_ctx_new(e->role->engine, keys[i], &c.ctx[i]);
        if (r < 0) {
            media_contexts_fini(&c);
            return r;
        }
    }
    *ret = c;
    return 0;
}

static void contexts_take(struct media_endpoint *e, struct media_contexts *c)
{
    for (size_t i = 0; i < MEDIA_CTX_COUNT; i++) {
        if (c->epoch[i] != e->contexts.epoch[i]) {
            srtp_ctx_free(e->contexts.ctx[i]);
            e->contexts.ctx[i] = c->ctx[i];
            e->contexts.epoch[i] = c->epoch[i];
        }
    }
    free(e->contexts.codecs);
    e->contexts.codecs = c->codecs;
    e->contexts.codec_count = c->codec_count;
}

/* Fail closed: what is not plainly secure, and not plainly allowed to be clear, is closed. */
static enum media_guard guard_of(const struct media_endpoint *e, const struct media_terms *t)
{
    if (t->pass.on)
        return t->has_remote ? MEDIA_GUARD_OPAQUE : MEDIA_GUARD_CLOSED;
    if (e->contexts.ctx[MEDIA_CTX_TX] && e->contexts.ctx[MEDIA_CTX_RX])
        return MEDIA_GUARD_SECURE;
    bool keys = t->encrypted || t->keying.active != KEYING_NONE;
    if (t->has_remote && t->keying.agreed && !keys && t->protection != PROTECTION_REQUIRED)
        return MEDIA_GUARD_CLEAR;
    return MEDIA_GUARD_CLOSED;
}

bool media_codec_is_same(const struct media_codec *a, const struct media_codec *b)
{
    return a->clock == b->clock && memcmp(a->name, b->name, sizeof(a->name)) == 0 &&
           (a->channels > 1) == (b->channels > 1);
}

const struct media_codec *media_endpoint_codec(const struct media_endpoint *e, uint8_t pt)
{
    const struct media_contexts *t = &e->contexts;
    for (size_t i = 0; i < t->codec_count; i++) {
        if (t->codecs[i].pt == pt)
            return &t->codecs[i];
    }
    return NULL;
}

static uint8_t pt_towards(const struct media_codec *c, const struct media_endpoint *to)
{
    const struct media_contexts *t = &to->contexts;
    for (size_t i = 0; i < t->codec_count; i++) {
        if (media_codec_is_same(c, &t->codecs[i]))
            return t->codecs[i].pt;
    }
    return c->pt;
}

static uint8_t *pt_map_new(void)
{
    uint8_t *map = malloc(128);
    for (unsigned i = 0; map && i < 128; i++)
        map[i] = (uint8_t)i;
    return map;
}

/* A description tells its reader which numbers to send (RFC 3264 s.6.1), and ours are made of the
 * other leg's, so numbers mostly fit as they come. Some phones send the numbers of their own
 * description all the same: those that the other leg does not know are mapped by codec. */
static void pt_map_make(struct media_endpoint *e)
{
    const struct media_contexts *t = &e->contexts;
    free(e->pt_map);
    e->pt_map = NULL;
    if (!e->peer || e->peer->contexts.codec_count == 0 || e->s->terms.pass.on)
        return;
    for (size_t i = 0; i < t->codec_count; i++) {
        uint8_t pt = t->codecs[i].pt & 0x7f;
        uint8_t to = pt_towards(&t->codecs[i], e->peer) & 0x7f;
        if (to == pt || media_endpoint_codec(e->peer, pt))
            continue;
        if (!e->pt_map)
            e->pt_map = pt_map_new();
        if (e->pt_map) /* without memory numbers stay as they come: right for most phones */
            e->pt_map[pt] = to;
    }
}

bool media_endpoint_expects(const struct media_endpoint *e)
{
    const struct media_endpoint *by = e->bundle ? e->bundle : e;
    bool bound = e->mode != MEDIA_MODE_NONE && (e->mode != MEDIA_MODE_RELAY || e->peer);
    return bound && e->hears && !by->s->terms.pass.direct && by->guard != MEDIA_GUARD_CLOSED &&
           media_has_remote(by);
}

static void settle(struct media_endpoint *e, bool expected)
{
    pt_map_make(e);
    media_heard_update(e);
    media_transcode_update(e);
    if (e->peer) {
        pt_map_make(e->peer);
        media_heard_update(e->peer);
        media_transcode_update(e->peer);
    }
    if (!expected && media_endpoint_expects(e)) {
        e->expect_since = loop_now(e->role->loop);
        e->timed_out = false;
    }
    media_source_update(e);
    media_keying_update(e);
    media_opaque_update(e);
}

void media_endpoint_apply(struct media_endpoint *e, struct media_contexts *c)
{
    struct media_terms t CLEANUP(media_terms_wipe);
    bool expected = media_endpoint_expects(e);
    media_endpoint_terms(e, &t);
    contexts_take(e, c);
    e->ice = t.ice.on;
    e->guard = guard_of(e, &t);
    e->rtcp_apart = keying_state_rtcp_apart(&t.keying, t.rtcp_mux);
    e->hears = t.direction == MEDIA_SENDRECV || t.direction == MEDIA_SENDONLY;
    e->sends = t.direction == MEDIA_SENDRECV || t.direction == MEDIA_RECVONLY;
    e->last_pt = MEDIA_PT_NONE;
    media_source_forget(e); /* the numbers may mean something else now */
    media_endpoint_protection(e, &e->stats->protection);
    settle(e, expected);
    for (size_t i = 0; i < e->member_n; i++) {
        struct media_endpoint *m = e->members[i];
        media_endpoint_protection(m, &m->stats->protection);
        settle(m, false);
    }
}

void media_endpoint_drop_old_key(struct media_endpoint *e)
{
    srtp_ctx_free(e->contexts.ctx[MEDIA_CTX_RX_PREV]);
    e->contexts.ctx[MEDIA_CTX_RX_PREV] = NULL;
    e->contexts.epoch[MEDIA_CTX_RX_PREV] = 0;
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(e, &t);
    secret_wipe(&t.rx_prev, sizeof(t.rx_prev));
    media_terms_commit(&e->role->state, media_slot_of(e), &t);
}

static void connect_half(struct media_endpoint *e, uint8_t mode, struct media_endpoint *peer)
{
    bool expected = media_endpoint_expects(e);
    e->s->mode = e->mode = mode;
    e->s->peer = peer ? peer->id : 0;
    e->peer = peer;
    e->s->connected_since = loop_now(e->role->loop);
    settle(e, expected);
}

void media_endpoint_connect(struct media_endpoint *e, uint8_t mode, struct media_endpoint *peer)
{
    struct media_endpoint *old[2] = {e->peer, peer ? peer->peer : NULL};
    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        if (old[i] && old[i] != e && old[i] != peer)
            connect_half(old[i], MEDIA_MODE_NONE, NULL);
    }
    connect_half(e, mode, peer);
    if (peer)
        connect_half(peer, mode, e);
}

void media_endpoint_protection(const struct media_endpoint *e, struct media_protection *ret)
{
    memset(ret, 0, sizeof(*ret));
    const struct media_endpoint *by = e->bundle ? e->bundle : e;
    if (by->s->terms.pass.on) {
        media_opaque_protection(by, ret);
        return;
    }
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(by, &t);
    keying_state_protection(&t.keying, ret);
    ret->path = MEDIA_PATH_RELAY;
}

void media_endpoint_local(const struct media_endpoint *e, bool rtcp, struct addr *ret)
{
    *ret = e->s->shown;
    addr_set_port(ret, (uint16_t)(e->s->port + rtcp));
}

void media_endpoint_log(struct media_endpoint *e, const char *event)
{
    uint64_t now = loop_now(e->role->loop);
    if (now < e->log_after)
        return;
    e->log_after = now + MEDIA_LOG_MS;
    log_event(LOG_WARN, event, LOG_ID("call", e->s->call), LOG_I("leg", e->s->leg),
              LOG_I("stream", e->s->stream), LOG_A("peer", media_remote(e, false)),
              LOG_I("auth_failures", e->stats->rx_auth_failures),
              LOG_I("clear_dropped", e->stats->rx_clear_dropped));
}

/* --- open and close --- */

static void endpoint_join(struct media_role *r, struct media_endpoint *e)
{
    uint32_t slot = (uint32_t)(e - r->endpoints);
    memset(e, 0, sizeof(*e));
    e->role = r;
    e->s = &r->state.slots[slot];
    e->stats = &r->stats[slot];
    e->id = id_of(e->role, slot);
    e->shared = r->shared && !e->s->bundle && media_shared_has(r->shared, &e->s->bound, e->s->port);
    if (!e->shared)
        e->rtp.fd = e->rtcp.fd = -1;
    e->last_pt = MEDIA_PT_NONE;
    e->last_rx = loop_now(r->loop);
    e->khz = 8;
    list_push_back(&r->open, &e->node);
    key_put(e->key, e->s->call, e->s->leg, e->s->stream);
    map_put(&r->by_key, &e->by_key, slice_from(e->key, sizeof(e->key)));
    r->open_n++;
    if (r->open_n == 1)
        loop_timer_set(r->loop, &r->tick, MEDIA_TICK_MS);
}

int media_endpoint_reopen(struct media_endpoint *e)
{
    struct media_sockets s;
    media_socket_leave(e);
    int r = media_socket_retake(e->role, e->s, &s);
    return r < 0 ? r : media_socket_open(e, &s);
}

/* What descriptions say: the address outside a NAT, else the one bound, else (bound to all) the one
 * over which signalling came. */
void media_place_make(const struct media_role *r, const struct addr *local, struct media_place *ret)
{
    bool is6 = addr_family(local) == AF_INET6;
    const struct addr *fixed = is6 ? &r->cfg.bind6 : &r->cfg.bind4;
    const struct addr *advertised = is6 ? &r->cfg.advertise6 : &r->cfg.advertise4;
    ret->bound = addr_family(fixed) == 0 ? *local : *fixed;
    if (addr_family(advertised) != 0)
        ret->shown = *advertised;
    else
        ret->shown = addr_is_any(&ret->bound) ? *local : ret->bound;
}

static void slot_begin(struct media_state *state, uint32_t slot, const struct media_request *rq)
{
    struct media_slot *s = &state->slots[slot];
    uint32_t generation = (s->generation + 1) & 0x7fffffff; /* the tag needs one bit */
    media_slot_wipe(state, slot); /* a process may have been killed before it had */
    s->generation = generation ? generation : 1;
    s->call = rq->call;
    s->leg = rq->leg;
    s->stream = rq->stream;
}

/* A free slot, begun; not open yet. */
static struct media_endpoint *endpoint_begin(struct media_role *r, const struct media_request *rq)
{
    uint32_t slot = r->free_slots[--r->free_n];
    struct media_endpoint *e = &r->endpoints[slot];
    if (slot >= r->state.head->slots_touched)
        r->state.head->slots_touched = slot + 1;
    e->s = &r->state.slots[slot];
    slot_begin(&r->state, slot, rq);
    return e;
}

/* In a bundle: no ports of its own. */
static int open_bundled(struct media_role *r, const struct media_request *rq,
                        struct media_endpoint **ret)
{
    struct media_endpoint *owner =
        media_endpoint_find_key(r, rq->call, rq->leg, (uint16_t)(rq->bundle - 1));
    if (!owner || owner->bundle || media_bundle_room(owner) < 0)
        return MEDIA_STATUS_FAILED;
    struct media_endpoint *e = endpoint_begin(r, rq);
    e->s->bound = owner->s->bound;
    e->s->shown = owner->s->shown;
    e->s->port = owner->s->port;
    e->s->bundle = owner->id;
    endpoint_join(r, e);
    memset(e->stats, 0, sizeof(*e->stats));
    e->stats->endpoint = e->id;
    err_ignore(media_bundle_join(e, owner)); /* there is room: looked above */
    e->s->open = true;
    *ret = e;
    return 0;
}

int media_endpoint_open(struct media_role *r, const struct media_request *rq,
                        struct media_endpoint **ret)
{
    struct media_sockets socks;
    struct media_place at;
    if (r->free_n == 0)
        return MEDIA_STATUS_NO_PORTS;
    if (rq->bundle != 0)
        return open_bundled(r, rq, ret);
    media_place_make(r, &rq->local, &at);
    int v = media_socket_take(r, &at.bound, &socks);
    if (v < 0) {
        log_event(LOG_ERROR, "media_port_failed", LOG_ERRNO(v), LOG_A("address", &at.bound));
        return v == -EADDRINUSE ? MEDIA_STATUS_NO_PORTS : MEDIA_STATUS_FAILED;
    }
    struct media_endpoint *e = endpoint_begin(r, rq);
    struct media_slot *s = e->s;
    s->bound = at.bound;
    s->shown = at.shown;
    s->port = socks.port;
    endpoint_join(r, e);
    memset(e->stats, 0, sizeof(*e->stats));
    e->stats->endpoint = e->id;
    s->open = true;
    if (media_socket_open(e, &socks) < 0) {
        media_endpoint_close(e);
        return MEDIA_STATUS_FAILED;
    }
    *ret = e;
    return 0;
}

void media_endpoint_leave(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    media_bundle_leave(e);
    media_socket_leave(e);
    media_keying_free(e);
    media_contexts_fini(&e->contexts);
    media_transcode_free(e);
    media_heard_free(e);
    media_digits_free(e);
    media_announce_free(e);
    media_source_free(e);
    free(e->pt_map);
    free(e->told);
    list_remove(&e->node);
    map_remove(&r->by_key, &e->by_key);
    r->open_n--;
    e->role = NULL;
}

void media_endpoint_close(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    uint32_t slot = media_slot_of(e);
    struct media_slot *s = e->s;
    if (e->peer)
        connect_half(e->peer, MEDIA_MODE_NONE, NULL);
    e->peer = NULL;
    s->open = false;
    e->stats->endpoint = 0;
    media_socket_release(e);
    media_endpoint_leave(e);
    media_slot_wipe(&r->state, slot);
    r->free_slots[r->free_n++] = slot;
}

void media_endpoint_adopt(struct media_role *r, uint32_t slot)
{
    struct media_endpoint *e = &r->endpoints[slot];
    endpoint_join(r, e);
    media_ports_mark(&r->ports, e->s->port);
    if (e->shared)
        media_shared_join(e);
    media_second_adopt(e);
    if (e->stats->endpoint != e->id) { /* killed while opening */
        memset(e->stats, 0, sizeof(*e->stats));
        e->stats->endpoint = e->id;
    }
}

int media_endpoint_resume(struct media_endpoint *e)
{
    struct media_contexts c;
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(e, &t);
    int v = media_contexts_make(e, &t, &c);
    if (v < 0)
        return v;
    struct media_endpoint *owner = media_endpoint_find(e->role, e->s->bundle);
    if (e->s->bundle && (!owner || media_bundle_join(e, owner) < 0))
        return -ENOENT;
    struct media_endpoint *peer = media_endpoint_find(e->role, e->s->peer);
    /* A pair of which only one half was written is no pair; signalling sends its request again. */
    if (e->s->mode == MEDIA_MODE_RELAY && (!peer || peer->s->peer != e->id))
        peer = NULL;
    e->mode = e->s->mode;
    e->peer = peer;
    media_endpoint_apply(e, &c);
    return 0;
}
