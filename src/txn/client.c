#include <assert.h>

#include "txn/priv.h"

static void finish(struct txn_client *ct)
{
    struct txn_base *t = &ct->t;
    loop_timer_cancel(t->layer->loop, &t->retry);
    loop_timer_cancel(t->layer->loop, &t->life);
    txn_base_unmap(t);
    txn_base_due(t);
}

static void state_set(struct txn_client *ct, uint8_t next)
{
    struct txn_base *t = &ct->t;
    const struct txn_entry *e = &txn_client_entry[t->is_invite][next];
    t->state = txn_base_is_left_at_once(t, e) ? CLIENT_TERMINATED : next;
    if (t->state == CLIENT_TERMINATED)
        finish(ct);
    else
        txn_base_enter(t, e);
}

void txn_client_release(struct txn_client *ct)
{
    ct->t.layer->count--;
    free(ct->cancel);
    free(ct);
}

void txn_client_tell(struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    if (ct->fn)
        ct->fn(ct->arg, ct, ev, msg);
}

/* The request again, parsed into the layer's message: for ACK and CANCEL, which are rare. */
static const struct sip_msg *request_parse(struct txn_client *ct)
{
    struct sip_msg *m = &ct->t.layer->msg;
    int r = sip_msg_parse(slice_from(ct->req, ct->req_n), m);
    assert(r == SIP_PARSE_OK); /* it was, in txn_client_new */
    return m;
}

/* --- CANCEL --- */

/* RFC 3261 9.1: a transaction of its own, whose end interests nobody. */
static void cancel_send(struct txn_client *ct, struct slice cancel)
{
    struct txn_client *own;
    if (txn_client_new(ct->t.layer, &ct->t.flow, cancel, NULL, NULL, &own) < 0)
        return; /* Timer C ends the INVITE */
    loop_timer_set(ct->t.layer->loop, &ct->t.life, 64 * ct->t.layer->timers.t1);
}

static struct slice cancel_build(struct txn_client *ct, struct slice reason_hdr)
{
    struct txn_layer *l = ct->t.layer;
    struct buf b = buf_over(l->scratch, sizeof(l->scratch));
    txn_build_cancel(&b, request_parse(ct), reason_hdr);
    return b.overflow ? SLICE_NONE : buf_slice(&b);
}

static void cancel_put_off(struct txn_client *ct, struct slice cancel)
{
    ct->cancel = malloc(cancel.n);
    if (!ct->cancel)
        return;
    memcpy(ct->cancel, cancel.p, cancel.n);
    ct->cancel_n = cancel.n;
}

/* --- actions --- */

static void act_never(struct txn_client *ct, struct sip_msg *msg)
{
    (void)ct, (void)msg;
    assert(false); /* an input that this state cannot have */
}

static void act_ignore(struct txn_client *ct, struct sip_msg *msg)
{
    (void)ct, (void)msg;
}

static void act_resend(struct txn_client *ct, struct sip_msg *msg)
{
    (void)msg;
    /* Timer A has no bound but Timer B, Timer E has T2 (RFC 3261 17.1.1.2, 17.1.2.2). */
    txn_base_retry_again(&ct->t, ct->t.is_invite ? 0 : ct->t.layer->timers.t2);
    txn_base_send(&ct->t, slice_from(ct->req, ct->req_n));
}

static void act_pass(struct txn_client *ct, struct sip_msg *msg)
{
    struct txn_layer *l = ct->t.layer;
    ct->status = msg->status;
    if (ct->fn)
        txn_client_tell(ct, TXN_EVENT_RESPONSE, msg);
    else if (ct->t.is_invite && ct->t.state == CLIENT_ACCEPTED)
        l->cb.on_stray_2xx(l->cb.arg, msg, l->flow); /* its user has let go: ACK and BYE */
}

static void act_progress(struct txn_client *ct, struct sip_msg *msg)
{
    struct txn_layer *l = ct->t.layer;
    if (ct->cancel) {
        cancel_send(ct, slice_from(ct->cancel, ct->cancel_n));
        free(ct->cancel);
        ct->cancel = NULL;
    } else if (msg->status > 100 && !ct->is_cancelled) {
        loop_timer_set(l->loop, &ct->t.life, l->timers.timer_c); /* RFC 3261 16.7 step 2 */
    }
    act_pass(ct, msg);
}

static void act_ack(struct txn_client *ct, struct sip_msg *msg)
{
    struct txn_layer *l = ct->t.layer;
    struct buf b = buf_over(l->scratch, sizeof(l->scratch));
    txn_build_ack(&b, request_parse(ct), msg);
    if (!b.overflow)
        txn_base_send(&ct->t, buf_slice(&b));
}

static void act_ack_pass(struct txn_client *ct, struct sip_msg *msg)
{
    act_ack(ct, msg);
    act_pass(ct, msg);
}

static void act_timeout(struct txn_client *ct, struct sip_msg *msg)
{
    (void)msg;
    txn_client_tell(ct, TXN_EVENT_TIMEOUT, NULL);
}

static void act_timeout_cancel(struct txn_client *ct, struct sip_msg *msg)
{
    if (!ct->is_cancelled) {
        struct slice cancel = cancel_build(ct, SLICE_NONE);
        if (cancel.n)
            cancel_send(ct, cancel);
        loop_timer_cancel(ct->t.layer->loop, &ct->t.life);
    }
    act_timeout(ct, msg);
}

static void act_error(struct txn_client *ct, struct sip_msg *msg)
{
    (void)msg;
    txn_client_tell(ct, TXN_EVENT_TRANSPORT_ERROR, NULL);
}

void txn_client_drive(struct txn_client *ct, enum txn_client_in in, struct sip_msg *msg)
{
    static void (*const acts[CLIENT_ACT_COUNT])(struct txn_client *, struct sip_msg *) = {
        [CLIENT_ACT_HOLE] = act_never,      [CLIENT_ACT_NEVER] = act_never,
        [CLIENT_ACT_IGNORE] = act_ignore,   [CLIENT_ACT_RESEND] = act_resend,
        [CLIENT_ACT_PASS] = act_pass,       [CLIENT_ACT_PROGRESS] = act_progress,
        [CLIENT_ACT_ACK] = act_ack,         [CLIENT_ACT_ACK_PASS] = act_ack_pass,
        [CLIENT_ACT_TIMEOUT] = act_timeout, [CLIENT_ACT_TIMEOUT_CANCEL] = act_timeout_cancel,
        [CLIENT_ACT_ERROR] = act_error,
    };
    const struct txn_cell *c = &txn_client_table[ct->t.is_invite][ct->t.state][in];
    if (c->next != ct->t.state)
        state_set(ct, c->next);
    acts[c->act](ct, msg);
}

/* --- for the user --- */

/* In a state, but not entered. */
static int client_make(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                       uint8_t state, struct txn_client **ret)
{
    struct sip_msg *m = &l->msg;
    if (sip_msg_parse(req, m) != SIP_PARSE_OK || !m->is_request || m->method == SIP_ACK)
        return -EINVAL;
    if (l->count >= TXN_MAX)
        return -ENOBUFS;
    struct txn_client *ct = malloc(sizeof(*ct) + req.n);
    if (!ct)
        return -ENOMEM;
    *ct = (struct txn_client){.req_n = req.n, .head_n = m->head.n};
    memcpy(ct->req, req.p, req.n);
    txn_base_init(&ct->t, l, flow);
    ct->t.is_client = true;
    ct->t.is_invite = m->method == SIP_INVITE;
    ct->t.state = state;
    txn_key_client(m->method, m->method_name, m->via.branch, &ct->t.key);
    l->count++;
    txn_base_map(&ct->t);
    *ret = ct;
    return 0;
}

int txn_client_new(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                   txn_client_fn *fn, void *arg, struct txn_client **ret)
{
    struct txn_client *ct;
    int r = client_make(l, flow, req, CLIENT_TRYING, &ct);
    if (r < 0)
        return r;
    ct->fn = fn;
    ct->arg = arg;
    txn_base_enter(&ct->t, &txn_client_entry[ct->t.is_invite][CLIENT_TRYING]);
    txn_base_send(&ct->t, slice_from(ct->req, ct->req_n));
    *ret = ct;
    return 0;
}

void txn_client_detach(struct txn_client *ct)
{
    ct->fn = NULL;
}

void txn_client_cancel(struct txn_client *ct, struct slice reason_hdr)
{
    bool is_pending = ct->t.state == CLIENT_TRYING || ct->t.state == CLIENT_PROCEEDING;
    if (!ct->t.is_invite || ct->is_cancelled || !is_pending)
        return;
    struct slice cancel = cancel_build(ct, reason_hdr);
    if (!cancel.n)
        return;
    ct->is_cancelled = true;
    if (ct->t.state == CLIENT_PROCEEDING)
        cancel_send(ct, cancel);
    else
        cancel_put_off(ct, cancel);
}

bool txn_client_has_final(const struct txn_client *ct)
{
    return ct->status >= 200;
}

/* --- over the death of a process --- */

bool txn_client_save(struct txn_client *ct, bool whole, struct buf *b)
{
    if (whole)
        buf_put(b, ct->req, ct->head_n);
    else
        txn_build_kept(b, request_parse(ct));
    return !b->overflow;
}

bool txn_client_has_provisional(const struct txn_client *ct)
{
    return ct->t.state == CLIENT_PROCEEDING;
}

int txn_client_restore(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                       bool answered, txn_client_fn *fn, void *arg, struct txn_client **ret)
{
    uint8_t state = answered ? CLIENT_PROCEEDING : CLIENT_TRYING;
    struct txn_client *ct;
    if (!slice_starts_with(req, SLICE_LIT("INVITE ")))
        return -EINVAL;
    int r = client_make(l, flow, req, state, &ct);
    if (r < 0)
        return r;
    ct->fn = fn;
    ct->arg = arg;
    txn_base_enter(&ct->t, &txn_client_entry[true][state]);
    *ret = ct;
    return 0;
}
