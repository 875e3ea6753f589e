/* Messages in, matching, limits, and the end of transactions. */
#include "txn/priv.h"

static const struct txn_timers default_timers = {500, 4000, 5000, 180000};

static void reap(void *arg);

int txn_layer_new(struct loop *loop, const struct txn_cb *cb, const struct txn_timers *timers,
                  struct txn_layer **ret)
{
    struct txn_layer *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->loop = loop;
    l->cb = *cb;
    l->timers = timers ? *timers : default_timers;
    list_init(&l->due);
    list_init(&l->running);
    for (size_t i = 0; i < TXN_CONN_BUCKETS; i++)
        list_init(&l->conns[i]);
    loop_defer_init(&l->defer, reap, l);
    loop_timer_init(&l->answers_timer, txn_server_answers_ran, l);
    if (map_init(&l->servers, 1024) < 0 || map_init(&l->merges, 1024) < 0 ||
        map_init(&l->clients, 1024) < 0 || txn_answers_init(&l->answers) < 0) {
        (void)txn_layer_free(l);
        return -ENOMEM;
    }
    *ret = l;
    return 0;
}

static void base_free(struct txn_base *t)
{
    struct txn_layer *l = t->layer;
    loop_timer_cancel(l->loop, &t->retry);
    loop_timer_cancel(l->loop, &t->life);
    list_remove(&t->due);
    if (t->is_client)
        txn_client_release(txn_client_of(t));
    else
        txn_server_release(txn_server_of(t));
}

static void due_free(struct list *head)
{
    while (!list_is_empty(head))
        base_free(CONTAINER_OF(head->next, struct txn_base, due));
}

static void map_free_all(struct map *m)
{
    MAP_FOR_EACH(n, m)
    {
        struct txn_base *t = CONTAINER_OF(n, struct txn_base, by_key);
        map_remove(m, n);
        base_free(t);
    }
    map_fini(m);
}

struct txn_layer *txn_layer_free(struct txn_layer *l)
{
    if (!l)
        return NULL;
    map_free_all(&l->servers);
    map_free_all(&l->clients);
    due_free(&l->due);
    due_free(&l->running);
    map_fini(&l->merges);
    while (l->spare) {
        struct txn_server *st = l->spare;
        l->spare = st->next_spare;
        free(st->rsp);
        free(st);
    }
    loop_timer_cancel(l->loop, &l->answers_timer);
    txn_answers_fini(&l->answers);
    loop_defer_cancel(&l->defer);
    free(l);
    return NULL;
}

size_t txn_layer_count(const struct txn_layer *l)
{
    return l->count + l->answers.count;
}

/* --- the end of a wake-up --- */

static void end_server(struct txn_server *st)
{
    if (st->t.has_failed) {
        st->t.has_failed = false;
        txn_server_drive(st, SERVER_IN_ERROR, NULL, SLICE_NONE);
    }
    if (st->t.state != SERVER_TERMINATED)
        return;
    list_remove(&st->t.due); /* the failure may have put it there again */
    txn_server_tell(st, TXN_EVENT_TERMINATED);
    txn_server_release(st);
}

static void end_client(struct txn_client *ct)
{
    if (ct->t.has_failed) {
        ct->t.has_failed = false;
        txn_client_drive(ct, CLIENT_IN_ERROR, NULL);
    }
    if (ct->t.state != CLIENT_TERMINATED)
        return;
    list_remove(&ct->t.due);
    txn_client_tell(ct, TXN_EVENT_TERMINATED, NULL);
    txn_client_release(ct);
}

/* What users do in these callbacks may fail in its turn: that is for the next wake-up. */
static void reap(void *arg)
{
    struct txn_layer *l = arg;
    while (!list_is_empty(&l->due)) {
        struct list *n = l->due.next;
        list_remove(n);
        list_push_back(&l->running, n);
    }
    while (!list_is_empty(&l->running)) {
        struct txn_base *t = CONTAINER_OF(l->running.next, struct txn_base, due);
        list_remove(&t->due);
        if (t->is_client)
            end_client(txn_client_of(t));
        else
            end_server(txn_server_of(t));
    }
}

/* --- in --- */

static struct txn_base *find(const struct map *m, const struct txn_key *key)
{
    struct map_node *n = map_find(m, slice_from(key->b, TXN_KEY_LEN));
    return n ? CONTAINER_OF(n, struct txn_base, by_key) : NULL;
}

/* An answer without a transaction: whoever asks again gets it again. */
static void reply(struct txn_layer *l, const struct sip_msg *req, uint16_t status,
                  struct slice to_tag, struct slice more_hdrs)
{
    struct buf b = buf_over(l->scratch, sizeof(l->scratch));
    txn_build_reply(&b, req, l->flow, status, to_tag, more_hdrs);
    if (!b.overflow)
        (void)l->cb.send(l->cb.arg, l->flow, buf_slice(&b)); /* lost: as if on the way */
}

static void reply_tagged(struct txn_layer *l, const struct sip_msg *req, const struct txn_key *key,
                         uint16_t status, struct slice more_hdrs)
{
    char tag[TXN_TAG_LEN + 1];
    txn_key_tag(key, tag);
    reply(l, req, status, slice_from_str(tag), more_hdrs);
}

static void ack_in(struct txn_layer *l, struct sip_msg *msg)
{
    struct txn_key key;
    txn_key_server(msg, l->flow, true, &key);
    struct txn_base *t = find(&l->servers, &key);
    if (t)
        txn_server_drive(txn_server_of(t), SERVER_IN_ACK, msg, SLICE_NONE);
    else
        l->cb.on_ack(l->cb.arg, msg, l->flow);
}

/* RFC 3261 9.2: the To tag of the answer to CANCEL is that of the answers to the INVITE. */
static void cancel_accept(struct txn_layer *l, const struct sip_msg *msg, struct txn_server *st)
{
    struct slice last = slice_from(st->rsp, st->rsp_n);
    if (last.n && sip_msg_parse(last, &l->msg) == SIP_PARSE_OK && l->msg.to_tag.n)
        reply(l, msg, 200, l->msg.to_tag, SLICE_NONE);
    else
        reply_tagged(l, msg, &st->t.key, 200, SLICE_NONE);
}

static void cancel_in(struct txn_layer *l, struct sip_msg *msg)
{
    struct txn_key key;
    txn_key_server(msg, l->flow, true, &key);
    struct txn_base *t = find(&l->servers, &key);
    if (!t) {
        reply_tagged(l, msg, &key, 481, SLICE_NONE);
        return;
    }
    struct txn_server *st = txn_server_of(t);
    cancel_accept(l, msg, st);
    if (st->status >= 200 || st->is_cancelled)
        return;
    st->is_cancelled = true;
    l->cb.on_cancel(l->cb.arg, st, msg);
}

/* RFC 3261 8.2.2.2: the same request by another path. */
static bool is_merged(const struct txn_layer *l, const struct sip_msg *msg)
{
    struct txn_key key;
    if ((l->merges.count == 0 && l->answers.count == 0) || !txn_key_merge(msg, &key))
        return false;
    return map_find(&l->merges, slice_from(key.b, TXN_KEY_LEN)) || txn_server_was_merged(l, &key);
}

static void request_in(struct txn_layer *l, struct sip_msg *msg)
{
    struct txn_key key;
    txn_key_server(msg, l->flow, false, &key);
    struct txn_base *t = find(&l->servers, &key);
    if (t) {
        txn_server_drive(txn_server_of(t), SERVER_IN_REQUEST, msg, SLICE_NONE);
        return;
    }
    if (txn_server_answer_again(l, &key))
        return;
    if (is_merged(l, msg)) {
        reply_tagged(l, msg, &key, 482, SLICE_NONE);
        return;
    }
    struct txn_server *st = l->count < TXN_MAX ? txn_server_make(l, msg, l->flow) : NULL;
    if (!st) {
        char retry[40];
        struct buf b = buf_over(retry, sizeof(retry));
        buf_printf(&b, "Retry-After: %d\r\n", TXN_RETRY_AFTER_S);
        reply_tagged(l, msg, &key, 503, buf_slice(&b));
        return;
    }
    st->t.key = key;
    l->current = st;
    l->cb.on_request(l->cb.arg, st, msg, l->flow);
    l->current = NULL;
    txn_server_settle(st);
}

/* Over connections an answer comes from where the request went. Over UDP a host with several
 * addresses may use another one; there only the branch is proof. */
static bool is_from_peer(const struct txn_base *t, const struct transport_flow *f)
{
    return !t->is_reliable ||
           (t->flow.kind == f->kind && addr_host_eq(&t->flow.remote, &f->remote));
}

static void response_in(struct txn_layer *l, struct sip_msg *msg)
{
    struct txn_key key;
    txn_key_client(msg->method, msg->method_name, msg->via.branch, &key);
    struct txn_base *t = find(&l->clients, &key);
    bool is_2xx = msg->status >= 200 && msg->status < 300;
    if (t && !is_from_peer(t, l->flow))
        return;
    if (t)
        txn_client_drive(txn_client_of(t),
                         msg->status < 200 ? CLIENT_IN_1XX
                         : is_2xx          ? CLIENT_IN_2XX
                                           : CLIENT_IN_FAIL,
                         msg);
    else if (is_2xx && msg->method == SIP_INVITE)
        l->cb.on_stray_2xx(l->cb.arg, msg, l->flow);
}

void txn_layer_input(struct txn_layer *l, struct sip_msg *msg, const struct transport_flow *flow)
{
    l->flow = flow;
    if (!msg->is_request)
        response_in(l, msg);
    else if (msg->method == SIP_ACK)
        ack_in(l, msg);
    else if (msg->method == SIP_CANCEL)
        cancel_in(l, msg);
    else
        request_in(l, msg);
    l->flow = NULL;
}

void txn_layer_ahead(const struct txn_layer *l, const struct sip_msg *msg,
                     const struct transport_flow *flow)
{
    struct txn_key key;
    if (!msg->is_request || msg->method == SIP_ACK || msg->method == SIP_CANCEL)
        return;
    txn_key_server(msg, flow, false, &key);
    txn_answers_prefetch(&l->answers, txn_key_number(&key));
}

static bool waits_for_answer(struct txn_base *t)
{
    if (t->is_client)
        return t->state == CLIENT_TRYING || t->state == CLIENT_PROCEEDING;
    return txn_server_of(t)->status < 200;
}

void txn_layer_conn_closed(struct txn_layer *l, uint64_t conn)
{
    LIST_FOR_EACH(n, &l->conns[conn & (TXN_CONN_BUCKETS - 1)])
    {
        struct txn_base *t = CONTAINER_OF(n, struct txn_base, by_conn);
        if (t->flow.conn == conn && waits_for_answer(t)) {
            t->has_failed = true;
            txn_base_due(t);
        }
    }
}
