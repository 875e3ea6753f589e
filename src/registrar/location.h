/* The location table: which contacts an address of record has, over which flow each is reached, and
 * until when. It lies in memory; changes are written to the store in batches, and read back when
 * the process starts, so that bindings survive a restart. */
#ifndef SOTTO_REGISTRAR_LOCATION_H
#define SOTTO_REGISTRAR_LOCATION_H

#include "base/map.h"
#include "loop/loop.h"
#include "store/store.h"
#include "transport/transport.h"

#define LOCATION_CONTACTS_MAX STORE_CONTACTS_MAX
#define LOCATION_WRITE_MS 50   /* longest wait of a change for its batch */
#define LOCATION_RETRY_MS 5000 /* after a write that failed */
#define LOCATION_BATCH_MAX 512 /* changes that are written without waiting any longer */

struct location;

/* One registered contact. Texts are NUL-terminated and live as long as the binding. */
struct binding {
    struct list node; /* in its address of record, best q first */
    struct list dirty;
    struct loop_timer expiry;
    struct location *table;
    struct aor *aor;
    uint64_t id;
    uint64_t created_unix, expires_unix;
    uint64_t due_ms; /* of the loop; the timer may be set earlier */
    struct transport_flow flow;
    uint32_t cseq, reg_id;
    uint16_t q;
    bool stored;  /* the store knows this id */
    bool ice;     /* it asks for ICE in offers (RFC 5768) */
    bool removed; /* gone from the table, kept until that is written */
    const char *contact, *call_id, *path, *instance, *user_agent;
    char text[];
};

struct aor {
    struct map_node node;
    struct list bindings;
    size_t count;
    char key[]; /* "user@domain" */
};

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

struct aor *location_aor(struct location *l, struct slice key); /* NULL: no binding */
/* Contacts that can be called, best q first; returns how many. Borrowed until the loop goes on. */
size_t location_find(struct location *l, struct slice name, struct slice domain,
                     const struct binding **dst, size_t cap);

struct location_put {
    struct slice aor, contact, call_id, path, instance, user_agent;
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
