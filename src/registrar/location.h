/* The location table: which contacts an address of record has, over which flow each is reached, and
 * until when. It lies in memory; changes are written to the store in batches, and read back when
 * the process starts, so that bindings survive a restart. */
#ifndef SOTTO_REGISTRAR_LOCATION_H
#define SOTTO_REGISTRAR_LOCATION_H

#include "base/table.h"
#include "loop/loop.h"
#include "store/store.h"
#include "transport/transport.h"

#define LOCATION_CONTACTS_MAX STORE_CONTACTS_MAX
#define LOCATION_WRITE_MS 50   /* longest wait of a change for its batch */
#define LOCATION_RETRY_MS 5000 /* after a write that failed */
#define LOCATION_BATCH_MAX 512 /* changes that are written without waiting any longer */
#define LOCATION_TICK_MS 256   /* a binding goes at most so much later than it expires */

struct location;

/* One registered contact. There are as many as phones: what is in it is small, and lies in one piece. Its
 * texts follow each other, each with a NUL behind it, in the order of their lengths below. */
struct binding {
    struct binding *next; /* of the same address of record, best q first */
    struct binding *dirty_next;
    struct list expiry; /* of the tick at which it is looked at */
    uint64_t id;
    struct transport_flow flow;
    const char *path, *user_agent; /* among the texts */
    uint32_t due;                  /* tick; it may be looked at earlier */
    uint32_t created_unix, expires_unix;
    uint32_t cseq, reg_id;
    uint16_t q;
    uint16_t contact_n, aor_n, call_id_n, instance_n, path_n, user_agent_n;
    bool dirty;   /* its change is not written yet */
    bool stored;  /* the store knows this id */
    bool ice;     /* it asks for ICE in offers (RFC 5768) */
    bool removed; /* gone from the table, kept until that is written */
    char contact[];
};

static inline struct slice binding_contact(const struct binding *b)
{
    return slice_from(b->contact, b->contact_n);
}

static inline struct slice binding_aor(const struct binding *b) /* "user@domain" */
{
    return slice_from(b->contact + b->contact_n + 1, b->aor_n);
}

static inline struct slice binding_call_id(const struct binding *b)
{
    return slice_from(b->contact + b->contact_n + b->aor_n + 2, b->call_id_n);
}

static inline struct slice binding_instance(const struct binding *b)
{
    return slice_from(b->contact + b->contact_n + b->aor_n + b->call_id_n + 3, b->instance_n);
}

struct location_config {
    struct loop *loop;
    struct store *store; /* NULL: nothing is kept (tests) */
    uint32_t max_bindings;
};

int location_new(const struct location_config *cfg, struct location **ret) MUST_CHECK;
/* Writes what is not written yet. */
struct location *location_free(struct location *l);
/* From the store; flows are those of the last life. Returns how many, or -errno. */
int location_load(struct location *l) MUST_CHECK;
/* Writes now. -errno: the store refused; the changes are kept and tried again. */
int location_flush(struct location *l) MUST_CHECK;

/* The first binding of an address of record; NULL: it has none. */
struct binding *location_first(struct location *l, const struct table_key *aor);
/* As directory_ahead, by the hash of the address of record. */
void location_ahead(const struct location *l, uint64_t hash);
void location_ahead_again(const struct location *l, uint64_t hash);
/* Contacts that can be called, best q first; returns how many. Borrowed until the loop goes on. */
size_t location_find(struct location *l, struct slice name, struct slice domain,
                     const struct binding **dst, size_t cap);

struct location_put {
    const struct table_key *aor;
    struct slice contact, call_id, path, instance, user_agent; /* none above UINT16_MAX bytes */
    const struct transport_flow *flow;
    uint32_t cseq, reg_id;
    uint16_t q;
    bool ice;
    uint32_t expires_s;
};
/* New, or instead of `old`. -ENOSPC: max_bindings; -ENOMEM. */
int location_put(struct location *l, const struct location_put *p, struct binding *old) MUST_CHECK;
void location_remove(struct location *l, struct binding *b);

size_t location_count(const struct location *l);
void location_each(const struct location *l, void (*fn)(void *arg, const struct binding *b),
                   void *arg);

#endif
