#include "registrar/location.h"

#include <stdlib.h>

#include "base/log.h"

#define EXPIRY_SLOTS 1024u /* ticks; what is due later is looked at once in so many */

#define TYPICAL_SIZE 320u /* of a binding with its texts */
#define CACHE_LINE 64u

struct location {
    struct location_config cfg;
    struct table aors; /* the first binding of each */
    size_t count;
    uint64_t next_id;
    struct binding *dirty, **dirty_end; /* whose change is not written */
    size_t dirty_count;
    bool is_failing; /* the last write was not done: told once */
    struct loop_timer write_timer;
    struct store_binding_op *ops;   /* scratch of one batch */
    struct loop_timer expiry_timer; /* armed while there is any binding */
    uint32_t tick, wake;            /* the last one that was done, the one that the timer is for */
    struct list expiring[EXPIRY_SLOTS];
};

static void on_write(void *arg);
static void on_tick(void *arg);

static struct slice aor_of(const void *binding)
{
    return binding_aor(binding);
}

int location_new(const struct location_config *cfg, struct location **ret)
{
    struct location *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->cfg = *cfg;
    l->next_id = 1;
    l->dirty_end = &l->dirty;
    for (size_t i = 0; i < EXPIRY_SLOTS; i++)
        list_init(&l->expiring[i]);
    loop_timer_init(&l->write_timer, on_write, l);
    loop_timer_init(&l->expiry_timer, on_tick, l);
    l->ops = calloc(LOCATION_BATCH_MAX, sizeof(*l->ops));
    if (!l->ops || table_init(&l->aors, 1024, aor_of) < 0) {
        free(l->ops);
        free(l);
        return -ENOMEM;
    }
    *ret = l;
    return 0;
}

static void dirty_free(struct location *l)
{
    while (l->dirty) {
        struct binding *b = l->dirty;
        l->dirty = b->dirty_next;
        if (b->removed) /* else it is in the table */
            free(b);
    }
}

struct location *location_free(struct location *l)
{
    if (!l)
        return NULL;
    int r = location_flush(l);
    if (r < 0)
        log_event(LOG_ERROR, "bindings_not_stored", LOG_ERRNO(r));
    dirty_free(l);
    TABLE_FOR_EACH(struct binding, first, &l->aors)
    {
        for (struct binding *b = first; b;) {
            struct binding *next = b->next;
            free(b);
            b = next;
        }
    }
    table_fini(&l->aors);
    loop_timer_cancel(l->cfg.loop, &l->write_timer);
    loop_timer_cancel(l->cfg.loop, &l->expiry_timer);
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
    op->b.aor = binding_aor(b);
    op->b.contact = binding_contact(b);
    op->b.call_id = binding_call_id(b);
    op->b.path = slice_from(b->path, b->path_n);
    op->b.instance = binding_instance(b);
    op->b.user_agent = slice_from(b->user_agent, b->user_agent_n);
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

/* What came and went without having been written leaves here. */
static size_t batch_collect(struct location *l)
{
    struct binding **at = &l->dirty;
    size_t n = 0;
    while (*at && n < LOCATION_BATCH_MAX) {
        struct binding *b = *at;
        __builtin_prefetch(b->dirty_next);
        if (b->removed && !b->stored) {
            *at = b->dirty_next;
            l->dirty_count--;
            free(b);
            continue;
        }
        binding_to_op(b, &l->ops[n++]);
        at = &b->dirty_next;
    }
    if (!*at)
        l->dirty_end = at;
    return n;
}

static int write_batch(struct location *l)
{
    size_t n = batch_collect(l);
    int r = store_bindings_write(l->cfg.store, l->ops, n);
    if (r < 0)
        return r;
    for (; n > 0; n--) {
        struct binding *b = l->dirty;
        l->dirty = b->dirty_next;
        l->dirty_count--;
        b->dirty = false;
        b->stored = true;
        if (b->removed)
            free(b);
    }
    if (!l->dirty)
        l->dirty_end = &l->dirty;
    return 0;
}

int location_flush(struct location *l)
{
    int r = 0;
    while (r == 0 && l->cfg.store && l->dirty)
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
    if (!l->cfg.store || b->dirty)
        return;
    b->dirty = true;
    b->dirty_next = NULL;
    *l->dirty_end = b;
    l->dirty_end = &b->dirty_next;
    l->dirty_count++;
    if (!loop_timer_is_armed(&l->write_timer))
        loop_timer_set(l->cfg.loop, &l->write_timer, LOCATION_WRITE_MS);
    else if (l->dirty_count == LOCATION_BATCH_MAX)
        loop_timer_set(l->cfg.loop, &l->write_timer, 0);
}

/* --- the table ------------------------------------------------------------------------------- */

struct binding *location_first(struct location *l, const struct table_key *aor)
{
    return table_find(&l->aors, aor);
}

void location_ahead(const struct location *l, uint64_t hash)
{
    table_prefetch(&l->aors, hash);
}

void location_ahead_again(const struct location *l, uint64_t hash)
{
    const struct binding *b = table_guess(&l->aors, hash);
    for (size_t i = 0; b && i < TYPICAL_SIZE; i += CACHE_LINE)
        __builtin_prefetch((const char *)b + i, 1);
}

static int aor_insert(struct location *l, const struct table_key *aor, struct binding *b)
{
    struct binding *first = table_find(&l->aors, aor), **at = &first;
    if (!first)
        return table_put(&l->aors, aor, b);
    while (*at && (*at)->q >= b->q)
        at = &(*at)->next;
    b->next = *at;
    if (at == &first)
        table_replace(&l->aors, aor, first, b);
    else
        *at = b;
    return 0;
}

static void aor_remove(struct location *l, struct binding *b)
{
    struct table_key aor = table_key(binding_aor(b));
    struct binding *it = table_find(&l->aors, &aor);
    if (it == b && b->next) {
        table_replace(&l->aors, &aor, b, b->next);
    } else if (it == b) {
        table_remove(&l->aors, &aor, b);
    } else {
        while (it->next != b)
            it = it->next;
        it->next = b->next;
    }
    b->next = NULL;
}

void location_remove(struct location *l, struct binding *b)
{
    list_remove(&b->expiry);
    aor_remove(l, b);
    l->count--;
    b->removed = true;
    if (b->stored)
        mark_dirty(l, b);
    else if (!b->dirty)
        free(b);
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

static struct binding *binding_new(struct location *l, const struct location_put *p)
{
    size_t n =
        p->contact.n + p->aor->s.n + p->call_id.n + p->instance.n + p->path.n + p->user_agent.n + 6;
    size_t size = offsetof(struct binding, contact) + n;
    struct binding *b = malloc(size < sizeof(*b) ? sizeof(*b) : size);
    if (!b)
        return NULL;
    *b = (struct binding){.flow = *p->flow,
                          .cseq = p->cseq,
                          .reg_id = p->reg_id,
                          .q = p->q,
                          .ice = p->ice,
                          .id = l->next_id++,
                          .created_unix = (uint32_t)loop_unix_now(l->cfg.loop),
                          .contact_n = (uint16_t)p->contact.n,
                          .aor_n = (uint16_t)p->aor->s.n,
                          .call_id_n = (uint16_t)p->call_id.n,
                          .instance_n = (uint16_t)p->instance.n,
                          .path_n = (uint16_t)p->path.n,
                          .user_agent_n = (uint16_t)p->user_agent.n};
    list_init(&b->expiry);
    char *at = b->contact;
    (void)put_text(&at, p->contact);
    (void)put_text(&at, p->aor->s);
    (void)put_text(&at, p->call_id);
    (void)put_text(&at, p->instance);
    b->path = put_text(&at, p->path);
    b->user_agent = put_text(&at, p->user_agent);
    return b;
}

/* --- expiry: one timer for all, and a ring of ticks ------------------------------------------- */

static uint32_t tick_now(const struct location *l)
{
    return (uint32_t)(loop_now(l->cfg.loop) / LOCATION_TICK_MS);
}

static void wake_at(struct location *l, uint32_t tick)
{
    uint64_t now = loop_now(l->cfg.loop), at = (uint64_t)tick * LOCATION_TICK_MS;
    l->wake = tick;
    loop_timer_set(l->cfg.loop, &l->expiry_timer, at > now ? at - now : 0);
}

/* Makes sure that the slot of tick `due` is looked at when it comes round. */
static void wake_for(struct location *l, uint32_t due)
{
    bool is_armed = loop_timer_is_armed(&l->expiry_timer);
    if (!is_armed)
        l->tick = tick_now(l);
    uint32_t wake = l->tick + 1 + (due - l->tick - 1) % EXPIRY_SLOTS;
    if (!is_armed || wake < l->wake)
        wake_at(l, wake);
}

/* A refresh does not touch its neighbours in the ring: it is looked at when it was to be, and goes on
 * from there. */
static void set_due(struct location *l, struct binding *b, uint32_t expires_s)
{
    uint64_t ms = loop_now(l->cfg.loop) + (uint64_t)expires_s * 1000;
    uint32_t due = (uint32_t)((ms + LOCATION_TICK_MS - 1) / LOCATION_TICK_MS);
    bool is_earlier = due < b->due;
    b->due = due;
    if (!is_earlier && !list_is_empty(&b->expiry))
        return;
    list_remove(&b->expiry);
    list_push_back(&l->expiring[due % EXPIRY_SLOTS], &b->expiry);
    wake_for(l, due);
}

static void expire_slot(struct location *l, uint32_t slot, uint32_t now)
{
    LIST_FOR_EACH(n, &l->expiring[slot])
    {
        struct binding *b = CONTAINER_OF(n, struct binding, expiry);
        if (b->due > now && b->due % EXPIRY_SLOTS != slot) {
            list_remove(n);
            list_push_back(&l->expiring[b->due % EXPIRY_SLOTS], n);
        } else if (b->due <= now) {
            log_event(LOG_INFO, "binding_expired", LOG_S("aor", binding_aor(b)),
                      LOG_STR("contact", b->contact));
            location_remove(l, b);
        }
    }
}

static void on_tick(void *arg)
{
    struct location *l = arg;
    uint32_t now = tick_now(l), behind = now - l->tick;
    for (uint32_t i = behind < EXPIRY_SLOTS ? behind : EXPIRY_SLOTS; i > 0; i--)
        expire_slot(l, (now - i + 1) % EXPIRY_SLOTS, now);
    l->tick = now;
    for (uint32_t i = 1; i <= EXPIRY_SLOTS; i++) {
        if (!list_is_empty(&l->expiring[(now + i) % EXPIRY_SLOTS])) {
            wake_at(l, now + i);
            return;
        }
    }
}

static bool is_refresh(const struct binding *b, const struct location_put *p)
{
    return b->q == p->q && b->ice == p->ice && b->reg_id == p->reg_id &&
           slice_eq(p->contact, binding_contact(b)) && slice_eq(p->call_id, binding_call_id(b)) &&
           slice_eq(p->path, slice_from(b->path, b->path_n)) &&
           slice_eq(p->instance, binding_instance(b)) &&
           slice_eq(p->user_agent, slice_from(b->user_agent, b->user_agent_n));
}

/* Most REGISTERs say nothing new: the binding stays where it is. */
static int refresh(struct location *l, struct binding *b, const struct location_put *p)
{
    b->flow = *p->flow;
    b->cseq = p->cseq;
    b->expires_unix = (uint32_t)loop_unix_now(l->cfg.loop) + p->expires_s;
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
    struct binding *b = binding_new(l, p);
    if (!b || aor_insert(l, p->aor, b) < 0) {
        free(b);
        return -ENOMEM;
    }
    b->expires_unix = b->created_unix + p->expires_s;
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
    struct table_key aor = table_key(buf_slice(&b));
    size_t n = 0;
    if (b.overflow)
        return 0;
    for (const struct binding *it = location_first(l, &aor); it && n < cap; it = it->next)
        dst[n++] = it;
    return n;
}

size_t location_count(const struct location *l)
{
    return l->count;
}

void location_each(const struct location *l, void (*fn)(void *arg, const struct binding *b),
                   void *arg)
{
    TABLE_FOR_EACH(const struct binding, first, &l->aors)
    {
        for (const struct binding *b = first; b; b = b->next)
            fn(arg, b);
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
    struct table_key aor = table_key(s->aor);
    struct location_put p = {
        .aor = &aor,
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
        for (struct binding *b = location_first(l, &aor); b; b = b->next) {
            if (b->id == s->id) {
                b->stored = true;
                b->created_unix = (uint32_t)s->created;
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
