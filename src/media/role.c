#include "media/role.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "media/digits.h"
#include "media/heard.h"
#include "media/transcode.h"

#define BUFFERS (SRTP_BURST_MAX + MEDIA_MADE_MAX)

const struct media_config media_config_default = {
    .max_endpoints = 4096,
    .port_min = 20000,
    .port_max = 29999,
    .rtp_timeout_ms = 60000,
    .gather_ms = 2,
    .seen_fd = -1,
};

/* --- to signalling --- */

void media_role_reply(struct media_role *r, const struct media_reply *reply, const void *text)
{
    int v = r->chan
                ? ipc_send2(r->chan, MEDIA_MSG_REPLY, reply, sizeof(*reply), text, reply->text_n)
                : -EPIPE;
    if (v < 0) /* signalling asks again when it has a channel again */
        log_event(LOG_ERROR, "media_reply_not_sent", LOG_ERRNO(v));
}

static void send_event(struct media_endpoint *e, struct media_event *ev)
{
    ev->endpoint = e->id;
    ev->call = e->s->call;
    ev->leg = e->s->leg;
    ev->stream = e->s->stream;
    ev->protection = e->stats->protection;
    int v =
        e->role->chan ? ipc_send(e->role->chan, MEDIA_MSG_EVENT, ev, sizeof(*ev), NULL, 0) : -EPIPE;
    if (v < 0)
        log_event(LOG_WARN, "media_event_not_sent", LOG_ERRNO(v), LOG_ID("call", ev->call));
}

void media_role_event(struct media_endpoint *e, enum media_event_kind kind, const char *why)
{
    struct media_event ev = {.kind = (uint8_t)kind};
    snprintf(ev.why, sizeof(ev.why), "%s", why);
    send_event(e, &ev);
}

void media_role_fault(struct media_endpoint *e, enum keying_fault f, const char *why)
{
    struct media_event ev = {.kind = MEDIA_EVENT_FAILED, .fault = (uint8_t)f};
    snprintf(ev.why, sizeof(ev.why), "%s", why);
    send_event(e, &ev);
}

void media_role_digit(struct media_endpoint *e, uint8_t digit, uint16_t ms)
{
    struct media_event ev = {.kind = MEDIA_EVENT_DIGIT, .digit = digit, .digit_ms = ms};
    send_event(e, &ev);
}

/* --- from signalling --- */

/* What was told while signalling was away may be lost: it is told once more. */
static void tell_again(struct media_endpoint *e)
{
    e->timed_out = false; /* the next tick looks */
    media_keying_tell_again(e);
}

static void sweep_end(struct media_role *r)
{
    struct list *n = r->open.next;
    while (r->sweeping && n != &r->open) {
        struct media_endpoint *e = CONTAINER_OF(n, struct media_endpoint, node);
        n = n->next;
        if (e->swept)
            media_endpoint_close(e);
        else
            tell_again(e);
    }
    r->sweeping = false;
}

static void sweep(struct media_role *r, uint32_t type, const void *payload, size_t n)
{
    uint64_t id = 0;
    media_burst_run(r);
    if (type == MEDIA_MSG_SWEEP_BEGIN) {
        r->sweeping = true;
        LIST_FOR_EACH(it, &r->open)
        CONTAINER_OF(it, struct media_endpoint, node)->swept = true;
    } else if (type == MEDIA_MSG_KEEP && n == sizeof(id)) {
        memcpy(&id, payload, sizeof(id));
        struct media_endpoint *e = media_endpoint_find(r, id);
        if (e)
            e->swept = false;
    } else if (type == MEDIA_MSG_SWEEP_END) {
        sweep_end(r);
    }
}

void media_role_message(struct media_role *r, uint32_t type, const void *payload, size_t n)
{
    struct media_request rq UNINITIALIZED;
    struct slice text;
    if (type == MEDIA_MSG_REQUEST && media_request_take(payload, n, &rq, &text)) {
        media_request_run(r, &rq, text);
        secret_wipe(&rq.mikey, sizeof(rq.mikey));
    } else if (type == MEDIA_MSG_SWEEP_BEGIN || type == MEDIA_MSG_KEEP ||
               type == MEDIA_MSG_SWEEP_END)
        sweep(r, type, payload, n);
    else if (type == MEDIA_MSG_ZRTP_ID && n == sizeof(struct media_zrtp_id))
        media_keying_zrtp_id(r, payload);
    else if (type == MEDIA_MSG_ZRTP_FOUND && n == sizeof(struct media_zrtp))
        media_keying_zrtp_found(r, payload);
    else
        log_event(LOG_ERROR, "media_message_unreadable", LOG_I("type", type), LOG_I("bytes", n));
}

static void on_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                   size_t fd_count)
{
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]); /* none belongs here */
    media_role_message(arg, type, payload, n);
}

/* Media goes on; a new channel will come. */
static void on_closed(void *arg)
{
    struct media_role *r = arg;
    r->sweeping = false;
    r->chan = ipc_chan_free(r->chan);
}

int media_role_attach(struct media_role *r, int fd)
{
    struct ipc_chan *chan;
    int v = ipc_chan_new(r->loop, fd, on_msg, on_closed, r, &chan);
    if (v < 0)
        return v;
    ipc_chan_free(r->chan);
    r->chan = chan;
    r->sweeping = false;
    return 0;
}

/* --- the clock --- */

static void check_timeout(struct media_endpoint *e, uint64_t now)
{
    uint64_t limit = e->role->cfg.rtp_timeout_ms;
    uint64_t since = e->last_rx > e->expect_since ? e->last_rx : e->expect_since;
    if (limit == 0 || e->timed_out || !media_endpoint_expects(e))
        return;
    if (e->stats->rx_packets == 0)
        limit *= MEDIA_TIMEOUT_FIRST;
    if (now - since < limit)
        return;
    e->timed_out = true;
    media_role_event(e, MEDIA_EVENT_TIMEOUT, "no media came");
}

static void tick_endpoint(struct media_endpoint *e, uint64_t now)
{
    bool is_heard = now - e->last_rx < MEDIA_SILENCE_MS && e->stats->rx_packets > 0;
    /* Checks come from several addresses of the peer: with ICE everyone is heard. */
    if (!e->connected && is_heard && !e->ice && !e->member_n && media_socket_is_open(e) &&
        addr_family(&e->s->learned_rtp) != 0)
        media_socket_connect(e);
    else if (e->connected && !is_heard)
        media_socket_disconnect(e);
    if (e->contexts.ctx[MEDIA_CTX_RX_PREV] && now >= e->s->terms.rx_prev_until)
        media_endpoint_drop_old_key(e);
    if (e->ice)
        media_ice_tick(e, now);
    media_transcode_tick(e, now);
    media_heard_tick(e, now);
    check_timeout(e, now);
    media_keying_check(e, now);
}

static void on_tick(void *arg)
{
    struct media_role *r = arg;
    uint64_t now = loop_now(r->loop);
    media_identity_check(r);
    LIST_FOR_EACH(n, &r->open)
    tick_endpoint(CONTAINER_OF(n, struct media_endpoint, node), now);
    media_made_send(r);
    if (r->open_n > 0)
        loop_timer_set(r->loop, &r->tick, MEDIA_TICK_MS);
}

/* --- wake-ups --- */

/* A wake-up costs as much as several packets: where a wait would bring many, they are waited for. */
static void gather(struct media_role *r)
{
    uint64_t since = loop_now(r->loop) - r->load_since;
    if (since >= MEDIA_LOAD_MS) {
        r->loaded = r->load_n * r->cfg.gather_ms >= MEDIA_GATHER_MIN * since;
        r->load_since += since;
        r->load_n = 0;
    }
    if (r->loaded)
        loop_gather(r->loop, (uint64_t)r->cfg.gather_ms * 1000000);
}

static void on_end_of_wakeup(void *arg)
{
    struct media_role *r = arg;
    media_burst_run(r);
    if (r->cfg.gather_ms > 0)
        gather(r);
}

/* --- life --- */

static bool bind_is_sane(const struct addr *a, int family)
{
    return addr_family(a) == 0 || addr_family(a) == family;
}

static bool config_is_sane(const struct media_config *c)
{
    return c->max_endpoints >= 1 && c->max_endpoints <= MEDIA_ENDPOINTS_MAX &&
           c->gather_ms <= MEDIA_GATHER_MS_MAX &&
           c->first_endpoint <= MEDIA_WORKERS_MAX * MEDIA_ENDPOINTS_MAX &&
           bind_is_sane(&c->bind4, AF_INET) && bind_is_sane(&c->advertise4, AF_INET) &&
           bind_is_sane(&c->bind6, AF_INET6) && bind_is_sane(&c->advertise6, AF_INET6);
}

/* From the first worker's rows to the end of ours. */
static size_t stats_mapped(const struct media_role *r)
{
    return media_stats_size(r->cfg.first_endpoint + r->cfg.max_endpoints);
}

static int memory_take(struct media_role *r, int state_fd, int stats_fd)
{
    uint32_t max = r->cfg.max_endpoints;
    void *p;
    int v = media_state_map(state_fd, max, &r->state);
    if (v < 0)
        return v;
    v = ipc_memfd_map(stats_fd, stats_mapped(r), true, &p);
    if (v < 0)
        return v;
    r->stats = (struct media_stats *)p + r->cfg.first_endpoint;
    if (r->state.replaced)
        memset(r->stats, 0, media_stats_size(max));
    r->endpoints = calloc(max, sizeof(*r->endpoints));
    r->free_slots = calloc(max, sizeof(*r->free_slots));
    r->buffers = malloc(BUFFERS * sizeof(*r->buffers));
    if (!r->endpoints || !r->free_slots || !r->buffers)
        return -ENOMEM;
    for (size_t i = 0; i < SRTP_BURST_MAX; i++)
        r->burst[i].data = r->buffers[i] + MEDIA_PACKET_HEAD;
    for (size_t i = 0; i < MEDIA_MADE_MAX; i++)
        r->made[i].data = r->buffers[SRTP_BURST_MAX + i] + MEDIA_PACKET_HEAD;
    return 0;
}

static void slots_adopt(struct media_role *r)
{
    uint32_t touched = r->state.head->slots_touched;
    for (uint32_t i = r->cfg.max_endpoints; i-- > 0;) {
        if (i < touched && r->state.slots[i].open)
            media_endpoint_adopt(r, i);
        else
            r->free_slots[r->free_n++] = i;
    }
}

int media_role_new(struct loop *l, const struct media_config *cfg, int state_fd, int stats_fd,
                   const struct media_role_ops *ops, struct media_role **ret)
{
    if (!config_is_sane(cfg))
        return -EINVAL;
    struct media_role *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->loop = l;
    r->cfg = *cfg;
    r->ops = *ops;
    list_init(&r->open);
    list_init(&r->sources);
    loop_timer_init(&r->tick, on_tick, r);
    loop_defer_init(&r->end_of_wakeup, on_end_of_wakeup, r);
    media_source_init(r);
    media_digits_init(r);
    crypto_random_hex(r->cname, 8);
    int v = media_ports_init(&r->ports, cfg->port_min, cfg->port_max);
    if (v == 0)
        v = map_init(&r->by_key, 256);
    if (v == 0)
        v = srtp_engine_new(SRTP_BACKEND_AUTO, &r->engine);
    if (v == 0)
        v = memory_take(r, state_fd, stats_fd);
    if (v == 0 && cfg->shared)
        v = media_shared_new(r, &r->shared);
    if (v == 0 && cfg->shared && cfg->xdp)
        v = media_xdp_new(r, &r->xdp);
    if (v < 0) {
        media_role_free(r);
        return v;
    }
    v = media_identity_init(r);
    if (v < 0) {
        media_role_free(r);
        return v;
    }
    slots_adopt(r);
    *ret = r;
    return 0;
}

void media_role_held(struct media_role *r, uint64_t tag, int fd)
{
    bool second = tag & MEDIA_TAG_SECOND;
    struct media_endpoint *e = media_endpoint_find(r, (tag & ~MEDIA_TAG_SECOND) >> 1);
    if (e) {
        (second ? media_second_held : media_socket_held)(e, tag & 1, fd);
        return;
    }
    close(fd);
    r->ops.unhold(r->ops.arg, tag);
}

int media_role_start(struct media_role *r)
{
    struct list *n = r->open.next;
    while (n != &r->open) {
        struct media_endpoint *e = CONTAINER_OF(n, struct media_endpoint, node);
        n = n->next;
        int v = media_socket_is_open(e) ? 0 : media_endpoint_reopen(e);
        if (v == 0)
            v = media_endpoint_resume(e);
        if (v == 0)
            media_second_start(e);
        if (v < 0) {
            log_event(LOG_ERROR, "media_endpoint_lost", LOG_ERRNO(v), LOG_ID("call", e->s->call));
            media_endpoint_close(e);
        }
    }
    if (r->shared)
        media_shared_settle(r->shared);
    return 0;
}

uint32_t media_role_endpoints(const struct media_role *r)
{
    return r->open_n;
}

struct media_role *media_role_free(struct media_role *r)
{
    if (!r)
        return NULL;
    while (r->endpoints && !list_is_empty(&r->open))
        media_endpoint_leave(CONTAINER_OF(r->open.next, struct media_endpoint, node));
    ipc_chan_free(r->chan);
    media_xdp_free(r->xdp);
    media_shared_free(r->shared);
    loop_timer_cancel(r->loop, &r->tick);
    loop_timer_cancel(r->loop, &r->pace);
    loop_timer_cancel(r->loop, &r->digit_pace);
    loop_defer_cancel(&r->end_of_wakeup);
    media_identity_fini(r);
    srtp_engine_free(r->engine);
    media_state_unmap(&r->state);
    if (r->stats)
        munmap(r->stats - r->cfg.first_endpoint, stats_mapped(r));
    map_fini(&r->by_key);
    media_ports_fini(&r->ports);
    free(r->endpoints);
    free(r->free_slots);
    if (r->buffers)
        secret_wipe(r->buffers, BUFFERS * sizeof(*r->buffers));
    free(r->buffers);
    free(r);
    return NULL;
}
