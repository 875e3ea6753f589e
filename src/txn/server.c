#include <assert.h>

#include "txn/priv.h"

#define RSP_KEEP_CAP 4096 /* a spare object keeps its answer's buffer up to this */

/* --- life --- */

static struct txn_server *spare_take(struct txn_layer *l)
{
    struct txn_server *st = l->spare;
    if (!st)
        return calloc(1, sizeof(*st));
    l->spare = st->next_spare;
    l->spare_count--;
    return st;
}

struct txn_server *txn_server_make(struct txn_layer *l, const struct sip_msg *req,
                                   const struct transport_flow *flow)
{
    struct txn_server *st = spare_take(l);
    if (!st)
        return NULL;
    txn_base_init(&st->t, l, flow);
    st->t.is_client = false;
    st->t.is_invite = req->method == SIP_INVITE;
    st->t.state = st->t.is_invite ? SERVER_PROCEEDING : SERVER_TRYING;
    st->fn = NULL;
    st->arg = NULL;
    st->live = req;
    st->rsp_n = 0;
    st->status = 0;
    st->method = req->method;
    st->is_merged = st->is_remembered = st->is_cancelled = false;
    l->count++;
    return st;
}

static void request_forget(struct txn_server *st)
{
    free(st->req);
    free(st->raw);
    free(st->kept);
    st->req = NULL;
    st->raw = NULL;
    st->kept = NULL;
}

void txn_server_release(struct txn_server *st)
{
    struct txn_layer *l = st->t.layer;
    l->count--;
    request_forget(st);
    if (l->spare_count == TXN_SPARE_MAX || st->rsp_cap > RSP_KEEP_CAP) {
        free(st->rsp);
        free(st);
        return;
    }
    st->next_spare = l->spare;
    l->spare = st;
    l->spare_count++;
}

/* The request must outlive the transport's buffer where an answer is still to come. */
static bool request_keep(struct txn_server *st)
{
    if (st->raw)
        return true;
    if (!st->live)
        return false;
    st->raw = malloc(st->live->raw.n);
    if (!st->raw)
        return false;
    st->raw_n = st->live->raw.n;
    memcpy(st->raw, st->live->raw.p, st->raw_n);
    return true;
}

static void merge_map(struct txn_server *st)
{
    if (!txn_key_merge(st->live, &st->merge))
        return;
    map_put(&st->t.layer->merges, &st->by_merge, slice_from(st->merge.b, TXN_KEY_LEN));
    st->is_merged = true;
}

void txn_server_settle(struct txn_server *st)
{
    struct txn_base *t = &st->t;
    if (t->state == SERVER_TERMINATED && !t->has_failed) {
        st->live = NULL;
        txn_server_tell(st, TXN_EVENT_TERMINATED);
        txn_server_release(st);
        return;
    }
    if (t->state != SERVER_TERMINATED) {
        txn_base_map(t);
        merge_map(st);
    }
    if (st->status < 200) {
        (void)request_keep(st); /* without it only the 100 and the copy are missing */
        txn_base_enter(
            t, &txn_server_entry[t->is_invite][t->is_invite ? SERVER_PROCEEDING : SERVER_TRYING]);
        if (st->status)
            loop_timer_cancel(t->layer->loop, &t->retry);
    }
    st->live = NULL;
}

/* --- answers that are remembered: Timer J --- */

/* A request without credentials is asked for them by a server without state as well as by one with:
 * RFC 3261 8.2.7 says that a flood of them must not fill the memory. */
static bool is_bare_challenge(const struct txn_server *st)
{
    return (st->status == 401 || st->status == 407) && st->live &&
           !sip_msg_hdr(st->live, SIP_HDR_AUTHORIZATION) &&
           !sip_msg_hdr(st->live, SIP_HDR_PROXY_AUTHORIZATION);
}

static void remember(struct txn_server *st, struct slice rsp)
{
    struct txn_layer *l = st->t.layer;
    bool merge = st->is_merged || (st->live && txn_key_merge(st->live, &st->merge));
    uint32_t j = 64 * l->timers.t1;
    if (is_bare_challenge(st))
        return;
    if (l->answers.count == TXN_LINGER_MAX)
        txn_answers_drop(&l->answers);
    txn_answers_put(&l->answers, txn_key_number(&st->t.key), merge ? txn_key_number(&st->merge) : 0,
                    loop_now(l->loop) + j, rsp);
    if (!loop_timer_is_armed(&l->answers_timer))
        loop_timer_set(l->loop, &l->answers_timer, j);
}

bool txn_server_answer_again(struct txn_layer *l, const struct txn_key *key)
{
    struct slice rsp;
    if (l->flow->kind != TRANSPORT_UDP || !txn_answers_find(&l->answers, txn_key_number(key), &rsp))
        return false;
    (void)l->cb.send(l->cb.arg, l->flow, rsp); /* lost: as if on the way */
    return true;
}

bool txn_server_was_merged(const struct txn_layer *l, const struct txn_key *key)
{
    return txn_answers_has(&l->answers, txn_key_number(key));
}

void txn_server_answers_ran(void *layer)
{
    struct txn_layer *l = layer;
    uint64_t now = loop_now(l->loop);
    txn_answers_drop_until(&l->answers, now);
    if (l->answers.count)
        loop_timer_set(l->loop, &l->answers_timer, txn_answers_oldest(&l->answers) - now);
}

/* --- the machine --- */

static void finish(struct txn_server *st)
{
    struct txn_base *t = &st->t;
    struct txn_layer *l = t->layer;
    loop_timer_cancel(l->loop, &t->retry);
    loop_timer_cancel(l->loop, &t->life);
    txn_base_unmap(t);
    if (st->is_merged)
        map_remove(&l->merges, &st->by_merge);
    if (l->current != st) /* else txn_server_settle sees to it */
        txn_base_due(t);
}

static void state_set(struct txn_server *st, uint8_t next)
{
    struct txn_base *t = &st->t;
    const struct txn_entry *e = &txn_server_entry[t->is_invite][next];
    /* Completed without INVITE is nothing but an answer that may be wanted again. */
    st->is_remembered = !t->is_invite && next == SERVER_COMPLETED && !t->is_reliable;
    t->state = st->is_remembered || txn_base_is_left_at_once(t, e) ? SERVER_TERMINATED : next;
    if (t->state == SERVER_TERMINATED)
        finish(st);
    else
        txn_base_enter(t, e);
}

void txn_server_tell(struct txn_server *st, enum txn_event ev)
{
    if (st->fn)
        st->fn(st->arg, st, ev);
}

static void answer_keep(struct txn_server *st, struct slice rsp)
{
    if (rsp.n > st->rsp_cap) {
        char *p = realloc(st->rsp, rsp.n);
        if (!p) {
            st->rsp_n = 0; /* a retransmission will get nothing, as if this one were lost */
            return;
        }
        st->rsp = p;
        st->rsp_cap = rsp.n;
    }
    memcpy(st->rsp, rsp.p, rsp.n);
    st->rsp_n = rsp.n;
}

static void answer_again(struct txn_server *st)
{
    if (st->rsp_n)
        txn_base_send(&st->t, slice_from(st->rsp, st->rsp_n));
}

static void act_never(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)st, (void)msg, (void)rsp;
    assert(false); /* an input that this state cannot have */
}

static void act_ignore(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)st, (void)msg, (void)rsp;
}

static void act_send(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)msg;
    struct txn_base *t = &st->t;
    if (t->state == SERVER_PROCEEDING)
        loop_timer_cancel(t->layer->loop, &t->retry); /* no 100 any more */
    if (st->is_remembered)
        remember(st, rsp);
    else if (t->state != SERVER_TERMINATED)
        answer_keep(st, rsp);
    txn_base_send(t, rsp);
}

static void act_resend(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)msg, (void)rsp;
    answer_again(st);
}

static void act_repeat(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)msg, (void)rsp;
    txn_base_retry_again(&st->t, st->t.layer->timers.t2);
    answer_again(st);
}

static void act_trying(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)msg, (void)rsp;
    struct txn_layer *l = st->t.layer;
    const struct sip_msg *req = txn_server_request(st);
    if (!req)
        return;
    struct buf b = buf_over(l->scratch, sizeof(l->scratch));
    txn_build_reply(&b, req, &st->t.flow, 100, SLICE_NONE, SLICE_NONE);
    if (b.overflow)
        return;
    st->status = 100;
    answer_keep(st, buf_slice(&b));
    answer_again(st);
}

static void act_acked(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)msg, (void)rsp;
    txn_server_tell(st, TXN_EVENT_ACKED);
}

static void act_ack_up(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)rsp;
    struct txn_layer *l = st->t.layer;
    l->cb.on_ack(l->cb.arg, msg, l->flow);
}

static void act_timeout(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)msg, (void)rsp;
    txn_server_tell(st, TXN_EVENT_TIMEOUT);
}

static void act_error(struct txn_server *st, struct sip_msg *msg, struct slice rsp)
{
    (void)msg, (void)rsp;
    txn_server_tell(st, TXN_EVENT_TRANSPORT_ERROR);
}

void txn_server_drive(struct txn_server *st, enum txn_server_in in, struct sip_msg *msg,
                      struct slice rsp)
{
    static void (*const acts[SERVER_ACT_COUNT])(struct txn_server *, struct sip_msg *,
                                                struct slice) = {
        [SERVER_ACT_HOLE] = act_never,    [SERVER_ACT_NEVER] = act_never,
        [SERVER_ACT_IGNORE] = act_ignore, [SERVER_ACT_SEND] = act_send,
        [SERVER_ACT_RESEND] = act_resend, [SERVER_ACT_REPEAT] = act_repeat,
        [SERVER_ACT_TRYING] = act_trying, [SERVER_ACT_ACKED] = act_acked,
        [SERVER_ACT_ACK_UP] = act_ack_up, [SERVER_ACT_TIMEOUT] = act_timeout,
        [SERVER_ACT_ERROR] = act_error,
    };
    const struct txn_cell *c = &txn_server_table[st->t.is_invite][st->t.state][in];
    if (c->next != st->t.state)
        state_set(st, c->next);
    acts[c->act](st, msg, rsp);
}

/* --- for the user --- */

void txn_server_set_user(struct txn_server *st, txn_server_fn *fn, void *arg)
{
    st->fn = fn;
    st->arg = arg;
}

void txn_server_respond(struct txn_server *st, uint16_t status, struct slice rsp)
{
    enum txn_server_in in = status < 200   ? SERVER_IN_1XX
                            : status < 300 ? SERVER_IN_2XX
                                           : SERVER_IN_FAIL;
    if (txn_server_table[st->t.is_invite][st->t.state][in].act == SERVER_ACT_SEND)
        st->status = status;
    txn_server_drive(st, in, NULL, rsp);
}

void *txn_server_user(const struct txn_server *st)
{
    return st->arg;
}

void txn_server_detach(struct txn_server *st)
{
    struct txn_layer *l = st->t.layer;
    st->fn = NULL;
    if (st->status >= 200 || st->t.state == SERVER_TERMINATED)
        return;
    /* A request that is never answered would be kept for ever. */
    const struct sip_msg *req = st->live ? st->live : txn_server_request(st);
    char tag[TXN_TAG_LEN + 1];
    struct buf b = buf_over(l->scratch, sizeof(l->scratch));
    txn_key_tag(&st->t.key, tag);
    if (req)
        txn_build_reply(&b, req, &st->t.flow, 500, slice_from_str(tag), SLICE_NONE);
    txn_server_respond(st, 500, b.overflow ? SLICE_NONE : buf_slice(&b));
}

void txn_server_resend_2xx(struct txn_server *st)
{
    if (st->t.state == SERVER_ACCEPTED)
        answer_again(st);
}

const struct transport_flow *txn_server_flow(const struct txn_server *st)
{
    return &st->t.flow;
}

enum sip_method txn_server_method(const struct txn_server *st)
{
    return st->method;
}

bool txn_server_has_final(const struct txn_server *st)
{
    return st->status >= 200;
}

void txn_server_tag(const struct txn_server *st, char dst[TXN_TAG_LEN + 1])
{
    txn_key_tag(&st->t.key, dst);
}

/* A struct sip_msg is mostly room for headers: the copy ends with the last one used. */
static struct sip_msg *msg_shrink(const struct sip_msg *m)
{
    size_t n = offsetof(struct sip_msg, hdrs) + (size_t)m->hdr_count * sizeof(m->hdrs[0]);
    struct sip_msg *copy = malloc(n);
    if (copy)
        memcpy(copy, m, n);
    return copy;
}

const struct sip_msg *txn_server_request(struct txn_server *st)
{
    struct txn_layer *l = st->t.layer;
    if (st->req || !request_keep(st))
        return st->req;
    int r = sip_msg_parse(slice_from(st->raw, st->raw_n), &l->msg);
    assert(r == SIP_PARSE_OK); /* it was, when it came in */
    st->req = msg_shrink(&l->msg);
    return st->req;
}

/* --- over the death of a process --- */

static bool kept_make(struct txn_server *st)
{
    struct txn_layer *l = st->t.layer;
    const struct sip_msg *req = txn_server_request(st);
    struct buf b = buf_over(l->scratch, sizeof(l->scratch));
    if (!req)
        return false;
    txn_build_kept(&b, req);
    st->kept = b.overflow ? NULL : malloc(b.n);
    if (!st->kept)
        return false;
    memcpy(st->kept, b.p, b.n);
    st->kept_n = b.n;
    return true;
}

bool txn_server_save(struct txn_server *st, struct buf *b)
{
    if (!st->kept && !kept_make(st))
        return false;
    buf_put(b, st->kept, st->kept_n);
    return !b->overflow;
}

struct slice txn_server_last(const struct txn_server *st)
{
    return slice_from(st->rsp, st->rsp_n);
}

static int restore_parse(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                         uint16_t status, struct txn_key *ret)
{
    struct sip_msg *m = &l->msg;
    if (sip_msg_parse(req, m) != SIP_PARSE_OK || !m->is_request || m->method == SIP_ACK ||
        m->method == SIP_CANCEL || (status >= 200 && (m->method != SIP_INVITE || status >= 300)))
        return -EINVAL;
    txn_key_server(m, flow, false, ret);
    if (map_find(&l->servers, slice_from(ret->b, TXN_KEY_LEN)))
        return -EINVAL;
    return l->count < TXN_MAX ? 0 : -ENOBUFS;
}

int txn_server_restore(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                       uint16_t status, struct slice rsp, struct txn_server **ret)
{
    struct txn_key key;
    int r = restore_parse(l, flow, req, status, &key);
    struct txn_server *st = r == 0 ? txn_server_make(l, &l->msg, flow) : NULL;
    if (!st)
        return r < 0 ? r : -ENOMEM;
    struct txn_base *t = &st->t;
    if (!request_keep(st)) {
        txn_server_release(st);
        return -ENOMEM;
    }
    t->key = key;
    st->status = status;
    if (rsp.n)
        answer_keep(st, rsp);
    if (status >= 200)
        t->state = SERVER_ACCEPTED;
    txn_base_map(t);
    merge_map(st);
    st->live = NULL;
    txn_base_enter(t, &txn_server_entry[t->is_invite][t->state]);
    if (status)
        loop_timer_cancel(l->loop, &t->retry); /* no 100 after it */
    *ret = st;
    return 0;
}
