#include "registrar/location.h"

#include <stdlib.h>

#include "base/log.h"

struct location {
    struct location_config cfg;
    struct map aors;
    size_t count;
    uint64_t next_id;
    struct list dirty; /* bindings whose change is not written */
    size_t dirty_count;
    bool is_failing; /* the last write was not done: told once */
    struct loop_timer write_timer;
    struct store_binding_op *ops; /* scratch of one batch */
};

static void on_write(void *arg);

int location_new(const struct location_config *cfg, struct location **ret)
{
    struct location *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->cfg = *cfg;
    l->next_id = 1;
    list_init(&l->dirty);
    loop_timer_init(&l->write_timer, on_write, l);
    l->ops = calloc(LOCATION_BATCH_MAX, sizeof(*l->ops));
    if (!l->ops || map_init(&l->aors, 1024) < 0) {
        free(l->ops);
        free(l);
        return -ENOMEM;
    }
    *ret = l;
    return 0;
}

static void binding_free(struct location *l, struct binding *b)
{
    loop_timer_cancel(l->cfg.loop, &b->expiry);
    list_remove(&b->node);
    list_remove(&b->dirty);
    free(b);
}

struct location *location_free(struct location *l)
{
    if (!l)
        return NULL;
    int r = location_flush(l);
    if (r < 0)
        log_event(LOG_ERROR, "bindings_not_stored", LOG_ERRNO(r));
    LIST_FOR_EACH(n, &l->dirty)
    binding_free(l, CONTAINER_OF(n, struct binding, dirty));
    MAP_FOR_EACH(n, &l->aors)
    {
        struct aor *a = CONTAINER_OF(n, struct aor, node);
        LIST_FOR_EACH(it, &a->bindings)
        binding_free(l, CONTAINER_OF(it, struct binding, node));
        free(a);
    }
    map_fini(&l->aors);
    loop_timer_cancel(l->cfg.loop, &l->write_timer);
    free(l->ops);
    free(l);
    return NULL;
}

/* --- write-behind ---------------------------------------------------------------------------- */

static void binding_to_op(const struct binding *b, struct store_binding_op *op)
{
    *op = (struct store_binding_op){.del = b->removed, .b = {.id = b->id}};
    if (b->removed)
        return;
    op->b.aor = b->aor->node.key;
    op->b.contact = slice_from_str(b->contact);
    op->b.call_id = slice_from_str(b->call_id);
    op->b.path = slice_from_str(b->path);
    op->b.instance = slice_from_str(b->instance);
    op->b.user_agent = slice_from_str(b->user_agent);
    op->b.created = b->created_unix;
    op->b.expires = b->expires_unix;
    op->b.cseq = b->cseq;
    op->b.reg_id = b->reg_id;
    op->b.q = b->q;
    op->b.ice = b->ice;
    op->b.transport = (uint8_t)b->flow.kind;
    op->b.listener = b->flow.listener;
    op->b.conn = b->flow.conn;
    op->b.remote = b->flow.remote;
    op->b.local = b->flow.local;
}

static int write_batch(struct location *l)
{
    size_t n = 0;
    LIST_FOR_EACH(it, &l->dirty)
    {
        if (n == LOCATION_BATCH_MAX)
            break;
        binding_to_op(CONTAINER_OF(it, struct binding, dirty), &l->ops[n++]);
    }
    int r = store_bindings_write(l->cfg.store, l->ops, n);
    if (r < 0)
        return r;
    for (; n > 0; n--) {
        struct binding *b = CONTAINER_OF(l->dirty.next, struct binding, dirty);
        list_remove(&b->dirty);
        l->dirty_count--;
        b->stored = true;
        if (b->removed)
            binding_free(l, b);
    }
    return 0;
}

int location_flush(struct location *l)
{
    int r = 0;
    while (r == 0 && l->cfg.store && !list_is_empty(&l->dirty))
        r = write_batch(l);
    return r;
}

static void on_write(void *arg)
{
    struct location *l = arg;
    int r = location_flush(l);
    bool was_failing = l->is_failing;
    l->is_failing = r < 0;
    if (r < 0) /* nothing is lost: the table in memory stands, and the batch is tried again */
        loop_timer_set(l->cfg.loop, &l->write_timer, LOCATION_RETRY_MS);
    if (r < 0 && !was_failing)
        log_event(LOG_ERROR, "bindings_not_stored", LOG_ERRNO(r),
                  LOG_STR("reason", store_error(l->cfg.store)), LOG_I("waiting", l->dirty_count),
                  LOG_STR("hint", "phones stay registered, but a restart would forget the new "
                                  "ones; it is tried again every few seconds"));
    else if (r == 0 && was_failing)
        log_event(LOG_INFO, "bindings_stored");
}

static void mark_dirty(struct location *l, struct binding *b)
{
    if (!l->cfg.store || !list_is_empty(&b->dirty))
        return;
    list_push_back(&l->dirty, &b->dirty);
    l->dirty_count++;
    if (!loop_timer_is_armed(&l->write_timer))
        loop_timer_set(l->cfg.loop, &l->write_timer, LOCATION_WRITE_MS);
    else if (l->dirty_count == LOCATION_BATCH_MAX)
        loop_timer_set(l->cfg.loop, &l->write_timer, 0);
}

/* --- the table ------------------------------------------------------------------------------- */

struct aor *location_aor(struct location *l, struct slice key)
{
    struct map_node *n = map_find(&l->aors, key);
    return n ? CONTAINER_OF(n, struct aor, node) : NULL;
}

static struct aor *aor_get(struct location *l, struct slice key)
{
    struct aor *a = location_aor(l, key);
    if (a)
        return a;
    a = malloc(sizeof(*a) + key.n + 1);
    if (!a)
        return NULL;
    memcpy(a->key, key.p, key.n);
    a->key[key.n] = '\0';
    a->count = 0;
    list_init(&a->bindings);
    map_put(&l->aors, &a->node, slice_from(a->key, key.n));
    return a;
}

static void aor_drop_if_empty(struct location *l, struct aor *a)
{
    if (a->count == 0) {
        map_remove(&l->aors, &a->node);
        free(a);
    }
}

void location_remove(struct location *l, struct binding *b)
{
    struct aor *a = b->aor;
    loop_timer_cancel(l->cfg.loop, &b->expiry);
    list_remove(&b->node);
    a->count--;
    l->count--;
    b->removed = true;
    b->aor = NULL;
    if (b->stored) {
        mark_dirty(l, b);
    } else {
        if (!list_is_empty(&b->dirty))
            l->dirty_count--;
        binding_free(l, b);
    }
    aor_drop_if_empty(l, a);
}

static const char *put_text(char **at, struct slice s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *at = p + s.n + 1;
    return p;
}

static void on_expiry(void *arg);

static struct binding *binding_new(struct location *l, const struct location_put *p)
{
    size_t n = p->contact.n + p->call_id.n + p->path.n + p->instance.n + p->user_agent.n + 5;
    struct binding *b = malloc(sizeof(*b) + n);
    if (!b)
        return NULL;
    *b = (struct binding){.flow = *p->flow,
                          .cseq = p->cseq,
                          .reg_id = p->reg_id,
                          .q = p->q,
                          .ice = p->ice,
                          .id = l->next_id++,
                          .created_unix = loop_unix_now(l->cfg.loop)};
    list_init(&b->node);
    list_init(&b->dirty);
    b->table = l;
    loop_timer_init(&b->expiry, on_expiry, b);
    char *at = b->text;
    b->contact = put_text(&at, p->contact);
    b->call_id = put_text(&at, p->call_id);
    b->path = put_text(&at, p->path);
    b->instance = put_text(&at, p->instance);
    b->user_agent = put_text(&at, p->user_agent);
    return b;
}

/* A refresh does not touch the timer, which would touch its neighbours in the wheel too: it runs at
 * the old time, and goes on from there. */
static void on_expiry(void *arg)
{
    struct binding *b = arg;
    uint64_t now = loop_now(b->table->cfg.loop);
    if (b->due_ms > now) {
        loop_timer_set(b->table->cfg.loop, &b->expiry, b->due_ms - now);
        return;
    }
    log_event(LOG_INFO, "binding_expired", LOG_STR("aor", b->aor->key),
              LOG_STR("contact", b->contact));
    location_remove(b->table, b);
}

static void insert_by_q(struct aor *a, struct binding *b)
{
    LIST_FOR_EACH(n, &a->bindings)
    {
        if (CONTAINER_OF(n, struct binding, node)->q < b->q) {
            list_insert_before(n, &b->node);
            return;
        }
    }
    list_push_back(&a->bindings, &b->node);
}

static void set_due(struct location *l, struct binding *b, uint32_t expires_s)
{
    uint64_t ms = (uint64_t)expires_s * 1000, due = loop_now(l->cfg.loop) + ms;
    bool is_earlier = due < b->due_ms;
    b->due_ms = due;
    if (is_earlier || !loop_timer_is_armed(&b->expiry))
        loop_timer_set(l->cfg.loop, &b->expiry, ms);
}

static bool is_refresh(const struct binding *b, const struct location_put *p)
{
    return b->q == p->q && b->ice == p->ice && b->reg_id == p->reg_id &&
           slice_eq_str(p->contact, b->contact) && slice_eq_str(p->call_id, b->call_id) &&
           slice_eq_str(p->path, b->path) && slice_eq_str(p->instance, b->instance) &&
           slice_eq_str(p->user_agent, b->user_agent);
}

/* Most REGISTERs say nothing new: the binding stays where it is. */
static int refresh(struct location *l, struct binding *b, const struct location_put *p)
{
    b->flow = *p->flow;
    b->cseq = p->cseq;
    b->expires_unix = loop_unix_now(l->cfg.loop) + p->expires_s;
    set_due(l, b, p->expires_s);
    mark_dirty(l, b);
    return 0;
}

int location_put(struct location *l, const struct location_put *p, struct binding *old)
{
    if (old && is_refresh(old, p))
        return refresh(l, old, p);
    if (!old && l->count >= l->cfg.max_bindings)
        return -ENOSPC;
    struct aor *a = aor_get(l, p->aor);
    if (!a)
        return -ENOMEM;
    struct binding *b = binding_new(l, p);
    if (!b) {
        aor_drop_if_empty(l, a);
        return -ENOMEM;
    }
    b->aor = a;
    b->expires_unix = b->created_unix + p->expires_s;
    insert_by_q(a, b);
    a->count++;
    l->count++;
    if (old) { /* the row of the old one is overwritten: same id */
        b->id = old->id;
        b->created_unix = old->created_unix;
        b->stored = old->stored;
        old->stored = false;
        location_remove(l, old);
    }
    set_due(l, b, p->expires_s);
    mark_dirty(l, b);
    return 0;
}

size_t location_find(struct location *l, struct slice name, struct slice domain,
                     const struct binding **dst, size_t cap)
{
    char key[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2];
    struct buf b = buf_over(key, sizeof(key));
    buf_put_slice(&b, name);
    buf_put_char(&b, '@');
    buf_put_slice(&b, domain);
    struct aor *a = b.overflow ? NULL : location_aor(l, buf_slice(&b));
    size_t n = 0;
    if (!a)
        return 0;
    LIST_FOR_EACH(it, &a->bindings)
    {
        if (n == cap)
            break;
        dst[n++] = CONTAINER_OF(it, struct binding, node);
    }
    return n;
}

size_t location_count(const struct location *l)
{
    return l->count;
}

void location_each(const struct location *l, void (*fn)(void *arg, const struct binding *b),
                   void *arg)
{
    MAP_FOR_EACH(n, &l->aors)
    {
        const struct aor *a = CONTAINER_OF(n, struct aor, node);
        LIST_FOR_EACH(it, &a->bindings)
        fn(arg, CONTAINER_OF(it, struct binding, node));
    }
}

/* --- from the store -------------------------------------------------------------------------- */

static int on_loaded(void *arg, const struct store_binding *s)
{
    struct location *l = arg;
    uint64_t now = loop_unix_now(l->cfg.loop);
    struct transport_flow flow = {.kind = (enum transport_kind)s->transport,
                                  .listener = s->listener,
                                  .conn = s->conn,
                                  .remote = s->remote,
                                  .local = s->local};
    struct location_put p = {
        .aor = s->aor,
        .contact = s->contact,
        .call_id = s->call_id,
        .path = s->path,
        .instance = s->instance,
        .user_agent = s->user_agent,
        .flow = &flow,
        .cseq = s->cseq,
        .reg_id = s->reg_id,
        .q = s->q,
        .ice = s->ice,
        .expires_s = s->expires > now ? (uint32_t)(s->expires - now) : 1,
    };
    struct store *store = l->cfg.store;
    l->cfg.store = NULL; /* what comes from there need not be written there */
    l->next_id = s->id;
    int r = location_put(l, &p, NULL);
    l->cfg.store = store;
    if (r == 0) {
        struct aor *a = location_aor(l, s->aor);
        LIST_FOR_EACH(n, &a->bindings)
        {
            struct binding *b = CONTAINER_OF(n, struct binding, node);
            if (b->id == s->id) {
                b->stored = true;
                b->created_unix = s->created;
            }
        }
    }
    l->next_id = s->id + 1; /* also where it found no room */
    return r == -ENOSPC ? 0 : r;
}

int location_load(struct location *l)
{
    int r = store_bindings_load(l->cfg.store, loop_unix_now(l->cfg.loop), on_loaded, l);
    if (r < 0)
        return r;
    return (int)l->count;
}
