#include "txn/priv.h"

#define TRYING_AFTER_MS 200 /* RFC 3261 17.2.1 */

static void retry_ran(void *arg)
{
    struct txn_base *t = arg;
    if (t->is_client)
        txn_client_drive(txn_client_of(t), CLIENT_IN_RETRY, NULL);
    else
        txn_server_drive(txn_server_of(t), SERVER_IN_RETRY, NULL, SLICE_NONE);
}

static void life_ran(void *arg)
{
    struct txn_base *t = arg;
    if (t->is_client)
        txn_client_drive(txn_client_of(t), CLIENT_IN_LIFE, NULL);
    else
        txn_server_drive(txn_server_of(t), SERVER_IN_LIFE, NULL, SLICE_NONE);
}

void txn_base_init(struct txn_base *t, struct txn_layer *l, const struct transport_flow *flow)
{
    t->layer = l;
    list_init(&t->by_conn);
    list_init(&t->due);
    loop_timer_init(&t->retry, retry_ran, t);
    loop_timer_init(&t->life, life_ran, t);
    t->flow = *flow;
    t->is_reliable = flow->kind != TRANSPORT_UDP;
    t->has_failed = false;
    t->is_mapped = false;
}

void txn_base_map(struct txn_base *t)
{
    struct txn_layer *l = t->layer;
    map_put(t->is_client ? &l->clients : &l->servers, &t->by_key,
            slice_from(t->key.b, TXN_KEY_LEN));
    t->is_mapped = true;
    if (t->flow.conn)
        list_push_back(&l->conns[t->flow.conn & (TXN_CONN_BUCKETS - 1)], &t->by_conn);
}

void txn_base_unmap(struct txn_base *t)
{
    struct txn_layer *l = t->layer;
    list_remove(&t->by_conn);
    if (t->is_mapped)
        map_remove(t->is_client ? &l->clients : &l->servers, &t->by_key);
    t->is_mapped = false;
}

static void retry_enter(struct txn_base *t, enum txn_retry retry)
{
    const struct txn_timers *ms = &t->layer->timers;
    uint32_t delay = 0;
    switch (retry) {
    case TXN_RETRY_OFF:
        break;
    case TXN_RETRY_T1:
        delay = t->is_reliable ? 0 : ms->t1;
        break;
    case TXN_RETRY_T2:
        delay = t->is_reliable ? 0 : ms->t2;
        break;
    case TXN_RETRY_100:
        delay = TRYING_AFTER_MS;
        break;
    }
    t->retry_ms = delay;
    if (delay)
        loop_timer_set(t->layer->loop, &t->retry, delay);
    else
        loop_timer_cancel(t->layer->loop, &t->retry);
}

/* Timers D, I, J and K are 0 on reliable transports: nothing comes twice. */
bool txn_base_is_left_at_once(const struct txn_base *t, const struct txn_entry *e)
{
    return t->is_reliable && (e->life == TXN_LIFE_64T1_OR_0 || e->life == TXN_LIFE_T4_OR_0);
}

void txn_base_enter(struct txn_base *t, const struct txn_entry *e)
{
    const struct txn_timers *ms = &t->layer->timers;
    uint32_t delay = 0;
    retry_enter(t, e->retry);
    switch ((enum txn_life)e->life) {
    case TXN_LIFE_KEEP:
        return;
    case TXN_LIFE_OFF:
        break;
    case TXN_LIFE_64T1:
    case TXN_LIFE_64T1_OR_0:
        delay = 64 * ms->t1;
        break;
    case TXN_LIFE_C:
        delay = ms->timer_c;
        break;
    case TXN_LIFE_T4_OR_0:
        delay = ms->t4;
        break;
    }
    if (delay)
        loop_timer_set(t->layer->loop, &t->life, delay);
    else
        loop_timer_cancel(t->layer->loop, &t->life);
}

/* RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1: the interval doubles, up to a bound (0: none). */
void txn_base_retry_again(struct txn_base *t, uint32_t cap)
{
    t->retry_ms *= 2;
    if (cap && t->retry_ms > cap)
        t->retry_ms = cap;
    loop_timer_set(t->layer->loop, &t->retry, t->retry_ms);
}

void txn_base_send(struct txn_base *t, struct slice msg)
{
    struct txn_layer *l = t->layer;
    if (l->cb.send(l->cb.arg, &t->flow, msg) < 0) {
        t->has_failed = true;
        txn_base_due(t);
    }
}

void txn_base_due(struct txn_base *t)
{
    struct txn_layer *l = t->layer;
    if (!list_is_empty(&t->due))
        return;
    list_push_back(&l->due, &t->due);
    loop_defer_add(l->loop, &l->defer);
}
