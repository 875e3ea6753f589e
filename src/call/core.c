/* Calls by id and by dialog; which leg a request belongs to; the life of struct call. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/exchange.h"
#include "call/fork.h"
#include "call/info.h"
#include "call/rel.h"
#include "call/refresh.h"
#include "call/setup.h"
#include "call/show.h"
#include "call/snapshot.h"
#include "call/steps.h"
#include "call/tell.h"
#include "call/workers.h"
#include "call/zrtp.h"
#include "crypto/hash.h"
#include "ipc/ipc.h"

/* --- texts ----------------------------------------------------------------------------------- */

int call_text_set(struct call_text *t, struct slice s)
{
    char *p = malloc(s.n ? s.n : 1);
    if (!p)
        return -ENOMEM;
    if (s.n)
        memcpy(p, s.p, s.n);
    call_text_clear(t);
    t->p = p;
    t->n = (uint32_t)s.n;
    return 0;
}

void call_text_clear(struct call_text *t)
{
    if (t->p && !t->lent) {
        secret_wipe(t->p, t->n); /* descriptions hold keys */
        free(t->p);
    }
    *t = (struct call_text){0};
}

/* --- the core -------------------------------------------------------------------------------- */

static void on_media_event(void *arg, const struct media_event *e);

static int map_stats(struct call_core *core)
{
    if (core->cfg.stats_fd < 0)
        return 0;
    off_t size = lseek(core->cfg.stats_fd, 0, SEEK_END);
    void *p = NULL;
    if (size < 0)
        return -errno;
    int r = ipc_memfd_map(core->cfg.stats_fd, (size_t)size, false, &p);
    if (r < 0)
        return r;
    core->stats = p;
    core->stats_count = (size_t)size / sizeof(struct media_stats);
    return 0;
}

static int core_init(struct call_core *core)
{
    int r = map_init(&core->by_id, 256);
    if (r == 0)
        r = map_init(&core->dialogs, 512);
    if (r == 0)
        r = workers_open(core, on_media_event);
    if (r == 0)
        zrtp_init(core);
    if (r == 0)
        r = map_stats(core);
    if (r == 0)
        r = snapshot_open(core);
    for (size_t i = 0; i < ARRAY_LEN(core->sdp) && r == 0; i++) {
        core->sdp[i] = malloc(sizeof(*core->sdp[i]));
        r = core->sdp[i] ? 0 : -ENOMEM;
    }
    core->plan = calloc(1, sizeof(*core->plan));
    core->out = malloc(SIP_MSG_MAX);
    core->body = malloc(CALL_BODY_MAX);
    core->copy = malloc(CALL_BODY_MAX);
    if (r == 0 && (!core->plan || !core->out || !core->body || !core->copy))
        r = -ENOMEM;
    return r;
}

int call_core_new(const struct call_config *cfg, struct call_core **ret)
{
    struct call_core *core = calloc(1, sizeof(*core));
    if (!core)
        return -ENOMEM;
    core->cfg = *cfg;
    list_init(&core->calls);
    int r = core_init(core);
    if (r < 0) {
        call_core_free(core);
        return r;
    }
    *ret = core;
    return 0;
}

static void call_free(struct call *c);

/* Its media goes on without us: whoever maps the snapshot next finds it running. */
static void leave_standing(struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        leg_media_abandon(&l->media);
    }
}

struct call_core *call_core_free(struct call_core *core)
{
    if (!core)
        return NULL;
    LIST_FOR_EACH(n, &core->calls)
    {
        struct call *c = CONTAINER_OF(n, struct call, node);
        if (c->slot != SLOT_NONE)
            leave_standing(c);
        call_free(c);
    }
    workers_close(core);
    snapshot_close(core);
    show_forget(core);
    map_fini(&core->by_id);
    map_fini(&core->dialogs);
    for (size_t i = 0; i < ARRAY_LEN(core->sdp); i++)
        free(core->sdp[i]);
    free(core->plan);
    free(core->out);
    free(core->body);
    free(core->copy);
    free(core);
    return NULL;
}

void call_core_close(struct call_core *core)
{
    core->closing = true;
}

size_t call_core_count(const struct call_core *core)
{
    return core->count;
}

/* --- calls ----------------------------------------------------------------------------------- */

static void call_reap(void *arg)
{
    snapshot_drop(arg);
    call_free(arg);
}

static struct call *call_find(struct call_core *core, uint64_t id)
{
    char name[24];
    snprintf(name, sizeof(name), "%016llx", (unsigned long long)id);
    struct map_node *n = map_find(&core->by_id, slice_from_str(name));
    return n ? CONTAINER_OF(n, struct call, by_id) : NULL;
}

static void on_ring_timeout(void *arg)
{
    call_end(arg, 480, "nobody answered");
}

struct call *call_new(struct call_core *core, uint64_t id, uint8_t worker)
{
    struct call *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->core = core;
    c->id = id;
    c->worker = worker;
    snprintf(c->name, sizeof(c->name), "%016llx", (unsigned long long)id);
    snapshot_init(c);
    c->since_unix = loop_unix_now(core->cfg.loop);
    list_init(&c->legs);
    list_init(&c->passages);
    loop_timer_init(&c->ring_timer, on_ring_timeout, c);
    loop_defer_init(&c->reap, call_reap, c);
    list_push_back(&core->calls, &c->node);
    map_put(&core->by_id, &c->by_id, slice_from_str(c->name));
    core->count++;
    return c;
}

/* Random, so that an id tells nothing of how many calls there are, and a restarted process needs
 * no counter. */
static uint64_t new_call_id(struct call_core *core)
{
    uint64_t id;
    do
        crypto_random(&id, sizeof(id));
    while (id == 0 || call_find(core, id));
    return id;
}

static void call_free(struct call *c)
{
    struct call_core *core = c->core;
    exchange_abort(c);
    relay_abort(c);
    loop_timer_cancel(core->cfg.loop, &c->ring_timer);
    loop_defer_cancel(&c->reap);
    loop_defer_cancel(&c->save);
    LIST_FOR_EACH(n, &c->legs)
    leg_free(CONTAINER_OF(n, struct leg, node));
    call_text_clear(&c->crossing);
    free(c->target);
    free(c->reasons);
    map_remove(&core->by_id, &c->by_id);
    list_remove(&c->node);
    core->count--;
    free(c);
}

void call_discard(struct call *c)
{
    call_free(c);
}

struct call_reasons *call_reasons_make(struct call *c)
{
    if (!c->reasons)
        c->reasons = calloc(1, sizeof(*c->reasons));
    return c->reasons;
}

static const struct store_policy no_policy; /* of a leg whose user is not known yet */

struct leg *leg_new(struct call *c)
{
    struct leg *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->call = c;
    l->index = c->leg_count++;
    leg_media_init(&l->media, l);
    l->user.policy = &no_policy;
    leg_sip_init(l);
    list_push_back(&c->legs, &l->node);
    return l;
}

static void user_fini(struct call_user *u)
{
    char *block = NULL;
    if (!u->name)
        return;
    memcpy(&block, &u->policy, sizeof(block)); /* the policy is where the block begins */
    free(block);
    u->name = u->domain = u->display = NULL;
    u->policy = &no_policy;
}

int leg_set_user(struct leg *l, struct slice name, struct slice domain, struct slice display,
                 const struct store_policy *policy)
{
    size_t policy_n = store_policy_size(policy);
    char *block = malloc(policy_n + name.n + domain.n + display.n + 3);
    if (!block)
        return -ENOMEM;
    memcpy(block, policy, policy_n);
    char *at = block + policy_n;
    struct buf b = buf_over(at, name.n + domain.n + display.n + 3);
    user_fini(&l->user);
    l->user.policy = (const struct store_policy *)(void *)block;
    l->user.name = at;
    buf_put_slice(&b, name);
    buf_put_char(&b, '\0');
    l->user.domain = at + b.n;
    buf_put_slice(&b, domain);
    buf_put_char(&b, '\0');
    l->user.display = at + b.n;
    buf_put_slice(&b, display);
    buf_put_char(&b, '\0');
    return 0;
}

void leg_free(struct leg *l)
{
    leg_sip_release(l);
    leg_forget_dialog(l);
    dialog_fini(&l->dialog);
    leg_media_free(&l->media);
    free(l->target_uri);
    free(l->path);
    call_text_clear(&l->ack);
    call_text_clear(&l->display);
    call_text_clear(&l->remote_sdp);
    call_text_clear(&l->local_sdp);
    list_remove(&l->node);
    user_fini(&l->user);
    free(l);
}

struct leg *call_other(const struct leg *l)
{
    const struct call *c = l->call;
    return l == c->a ? c->b : c->a;
}

/* RFC 4568 s.7: keys in a description are as secret as the signalling that carries it. */
static void warn_of_clear_keys(const struct leg *l)
{
    if (!l || transport_kind_is_secure(l->flow.kind) ||
        strcmp(leg_keying_name(l), keying_name(KEYING_SDES)) != 0)
        return;
    log_event(LOG_WARN, "keys_sent_in_clear", LOG_STR("call", l->call->name),
              LOG_STR("user", l->user.name),
              LOG_STR("transport", transport_kind_name(l->flow.kind)),
              LOG_STR("mend", "let this phone register over tls"));
}

void call_on_answered(struct call *c)
{
    c->phase = CALL_ANSWERED;
    loop_timer_cancel(c->core->cfg.loop, &c->ring_timer);
    c->answered_unix = loop_unix_now(c->core->cfg.loop);
    log_event(LOG_INFO, "call_answered", LOG_STR("call", c->name), LOG_STR("from", c->a->user.name),
              LOG_STR("to", call_target(c)), LOG_STR("keying_a", leg_keying_name(c->a)),
              LOG_STR("keying_b", c->b ? leg_keying_name(c->b) : "none"));
    warn_of_clear_keys(c->a);
    warn_of_clear_keys(c->b);
    snapshot_save(c);
    tell_changed(c);
}

void call_changed(struct call *c)
{
    if (c->phase != CALL_ANSWERED) {
        snapshot_later(c);
        return;
    }
    snapshot_save(c);
    if (c->ex.state ==
        EXCHANGE_IDLE) /* else at its end: nothing comes between request and answer */
        tell_changed(c);
}

void call_on_confirmed(struct leg *l, struct sip_msg *ack)
{
    exchange_on_ack(l, ack);
    call_changed(l->call);
}

/* --- finding the leg ------------------------------------------------------------------------- */

/* A hash under this process's secret key, as transactions have it (txn/key.c): nobody can look for two
 * dialogs that collide, and a long Call-ID takes no room. */
static bool dialog_key(struct slice call_id, struct slice local_tag, uint64_t *ret)
{
    char text[DIALOG_CALL_ID_MAX + DIALOG_TAG_MAX + 1];
    struct buf b = buf_over(text, sizeof(text));
    buf_put_slice(&b, call_id);
    buf_put_char(&b, '\n');
    buf_put_slice(&b, local_tag);
    *ret = map_hash(buf_slice(&b));
    return !b.overflow;
}

void leg_remember_dialog(struct leg *l, struct slice call_id, struct slice local_tag)
{
    leg_forget_dialog(l);
    if (!dialog_key(call_id, local_tag, &l->dialog_key))
        return; /* dialog.h's limits keep it from happening */
    map_put(&l->call->core->dialogs, &l->by_dialog,
            slice_from(&l->dialog_key, sizeof(l->dialog_key)));
    l->in_map = true;
}

void leg_forget_dialog(struct leg *l)
{
    if (l->in_map)
        map_remove(&l->call->core->dialogs, &l->by_dialog);
    l->in_map = false;
}

static struct leg *find_leg(struct call_core *core, struct slice call_id, struct slice local_tag,
                            struct slice remote_tag)
{
    uint64_t key;
    if (!dialog_key(call_id, local_tag, &key))
        return NULL;
    struct map_node *node = map_find(&core->dialogs, slice_from(&key, sizeof(key)));
    for (; node; node = map_find_next(node)) {
        struct leg *l = CONTAINER_OF(node, struct leg, by_dialog);
        if (l->state != LEG_NEW && dialog_is_same_remote_tag(&l->dialog, remote_tag))
            return l;
    }
    return NULL;
}

struct leg *call_core_find_leg(struct call_core *core, const struct sip_msg *req)
{
    return find_leg(core, req->call_id, req->to_tag, req->from_tag);
}

const struct call_user *call_leg_user(const struct leg *l)
{
    return &l->user;
}

bool call_leg_is_flow(const struct leg *l, const struct transport_flow *flow)
{
    if (l->flow.kind != flow->kind)
        return false;
    if (flow->kind == TRANSPORT_UDP)
        return l->flow.listener == flow->listener && addr_eq(&l->flow.remote, &flow->remote);
    return l->flow.conn == flow->conn;
}

void call_leg_set_flow(struct leg *l, const struct transport_flow *flow)
{
    l->flow = *flow;
    call_changed(l->call);
}

/* --- media ----------------------------------------------------------------------------------- */

static void end_by_media(struct leg *l, const struct media_event *e)
{
    struct call *c = l->call;
    bool is_main = e->stream == 0 || l->media.first.endpoint == 0;
    char why[sizeof(e->why) + 1];
    switch ((enum media_event_kind)e->kind) {
    case MEDIA_EVENT_SECURE:
        leg_media_stream_make(&l->media, e->stream)->protection = e->protection; /* it is there */
        snapshot_save(c);
        tell_changed(c);
        return;
    case MEDIA_EVENT_TIMEOUT:
        if (is_main)
            call_end(c, 408,
                     l == c->a ? "no media came from the caller" : "no media came from the callee");
        return;
    case MEDIA_EVENT_FAILED: /* of a further stream: it stays closed, and the call goes on */
        count_keying_failed(c->core, e);
        if (!is_main)
            return;
        snprintf(why, sizeof(why), "%.*s", (int)sizeof(e->why), e->why);
        call_end(c, 488, why);
        return;
    case MEDIA_EVENT_DIGIT:
        info_from_event(l, e);
        return;
    }
}

static void on_media_event(void *arg, const struct media_event *e)
{
    struct call_core *core = arg;
    struct call *c = call_find(core, e->call);
    if (!c || e->stream >= SDP_MEDIA_MAX)
        return;
    LIST_FOR_EACH(it, &c->legs)
    {
        struct leg *l = CONTAINER_OF(it, struct leg, node);
        if (l->index != e->leg)
            continue;
        if (e->endpoint && leg_media_stream(&l->media, e->stream)->endpoint ==
                               e->endpoint) /* not one that was closed */
            end_by_media(l, e);
        return;
    }
}

int call_core_verify(struct call_core *core, struct slice which, struct slice leg, bool verified)
{
    LIST_FOR_EACH(n, &core->calls)
    {
        struct call *c = CONTAINER_OF(n, struct call, node);
        if (c->phase == CALL_ENDED || !slice_eq_str(which, c->name))
            continue;
        struct leg *l = slice_eq(leg, SLICE_LIT("caller"))   ? c->a
                        : slice_eq(leg, SLICE_LIT("callee")) ? c->b
                                                             : NULL;
        return l ? leg_media_verify(&l->media, verified) : -ENOENT;
    }
    return -ENOENT;
}

/* --- a new call ------------------------------------------------------------------------------ */

static void refuse(struct call_core *core, struct txn_server *st, uint16_t status,
                   const char *headers)
{
    char tag[17];
    crypto_random_hex(tag, 8);
    struct sip_reply r = {.status = status, .to_tag = slice_from_str(tag)};
    const struct transport_flow *flow = txn_server_flow(st);
    char host[ADDR_STR_MAX];
    struct buf hb = buf_over(host, sizeof(host));
    addr_put_host(&hb, &flow->remote);
    r.received = buf_slice(&hb);
    r.rport = addr_port(&flow->remote);
    struct buf b = buf_over(core->out, SIP_MSG_MAX);
    sip_put_reply_head(&b, txn_server_request(st), &r);
    buf_put_str(&b, headers);
    sip_put_body(&b, NULL, SLICE_NONE);
    if (!b.overflow)
        txn_server_respond(st, status, buf_slice(&b));
    txn_server_detach(st);
}

static void on_invite_in(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct leg *l = arg;
    (void)st;
    if (ev == TXN_EVENT_TERMINATED)
        l->invite_in = NULL;
    else if (ev == TXN_EVENT_TRANSPORT_ERROR && l->state == LEG_INCOMING)
        call_end(l->call, 500, "the caller's connection is gone");
}

void leg_own_invite(struct leg *a, struct txn_server *st)
{
    a->invite_in = st;
    txn_server_set_user(st, on_invite_in, a);
}

/* 0, or the status with which the INVITE is refused. */
static uint16_t take_caller(struct call *c, struct txn_server *st, const struct sip_msg *req,
                            const struct transport_flow *flow, const struct store_user *caller)
{
    struct leg *a = leg_new(c);
    if (!a)
        return 500;
    c->a = a;
    a->state = LEG_INCOMING;
    if (leg_set_store_user(a, caller) < 0)
        return 500;
    a->registered_user = true;
    a->flow = *flow;
    uint16_t status = leg_sip_take_invite(a, st, req);
    if (status == 0)
        call_media_policy(a, &caller->policy); /* now its phone is known */
    return status;
}

void call_core_invite(struct call_core *core, struct txn_server *st, struct sip_msg *req,
                      const struct transport_flow *flow, const struct store_user *caller,
                      const struct policy_target *target)
{
    if (core->closing || core->count >= core->cfg.max_calls) {
        log_event(LOG_WARN, "call_limit", LOG_I("calls", core->count),
                  LOG_A("peer", &flow->remote));
        refuse(core, st, 503, "Retry-After: 30\r\n");
        return;
    }
    struct call *c = call_new(core, new_call_id(core), workers_pick(core));
    uint16_t status = c ? take_caller(c, st, req, flow, caller) : 500;
    if (status) {
        char min[40] = "";
        if (status == 422)
            snprintf(min, sizeof(min), "Min-SE: %u\r\n", core->cfg.session_min_s);
        refuse(core, st, status, min);
        if (c)
            call_free(c);
        return;
    }
    char dialled[CALL_TARGET_MAX];
    policy_target_str(target, dialled, sizeof(dialled));
    c->target = strdup(dialled);
    leg_own_invite(c->a, st);
    log_event(LOG_INFO, "call_started", LOG_STR("call", c->name), LOG_STR("from", caller->name),
              LOG_STR("to", dialled), LOG_A("peer", &flow->remote));
    loop_timer_set(core->cfg.loop, &c->ring_timer, core->cfg.ring_timeout_ms);
    if (rel_take_invite(c->a, req) && setup_take_target(c, target))
        setup_begin(c, req);
    snapshot_later(c);
}

/* --- from the transaction layer -------------------------------------------------------------- */

void call_core_on_ack(struct call_core *core, struct sip_msg *ack)
{
    struct leg *l = find_leg(core, ack->call_id, ack->to_tag, ack->from_tag);
    if (!l)
        return;
    if (ack->cseq != l->answered_cseq)
        return; /* repeated, of an INVITE before the last */
    if (l->state == LEG_UP)
        exchange_on_ack(l, ack);
    else
        leg_event(l, LEG_EV_ACK, &(struct leg_input){.msg = ack});
}

void call_core_on_cancel(struct call_core *core, struct txn_server *invite)
{
    (void)core;
    struct leg *l = txn_server_user(invite);
    if (!l)
        return;
    if (l->invite_in == invite)
        leg_event(l, LEG_EV_CANCEL, NULL);
    else if (l->call->ex.in == invite)
        exchange_cancelled(l->call);
}

/* A 2xx whose transaction has gone: one more fork, or a repetition because our ACK was lost. */
void call_core_on_stray_2xx(struct call_core *core, struct sip_msg *rsp,
                            const struct transport_flow *flow)
{
    (void)flow;
    struct leg *l = find_leg(core, rsp->call_id, rsp->from_tag, rsp->to_tag);
    if (l)
        leg_sip_ack_stray(l, rsp);
}
