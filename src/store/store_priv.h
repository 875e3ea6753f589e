/* Inside of the store: the connection, its named statements, transactions, sealing. */
#ifndef SOTTO_STORE_STORE_PRIV_H
#define SOTTO_STORE_STORE_PRIV_H

#include <limits.h>
#include <sqlite3.h>

#include "store/store.h"

/* One prepared statement each, made at its first use; the texts are in statements.c. */
enum store_stmt {
    STORE_STMT_BEGIN,
    STORE_STMT_COMMIT,
    STORE_STMT_ROLLBACK,
    STORE_STMT_DATA_VERSION,
    STORE_STMT_DOMAIN_FIND,
    STORE_STMT_DOMAIN_DEFAULT,
    STORE_STMT_DOMAIN_EACH,
    STORE_STMT_DOMAIN_COUNT,
    STORE_STMT_DOMAIN_ADD,
    STORE_STMT_DOMAIN_SET,
    STORE_STMT_DOMAIN_DEL,
    STORE_STMT_DOMAIN_NO_DEFAULT,
    STORE_STMT_DOMAIN_OLDEST_DEFAULT,
    STORE_STMT_USER_FIND,
    STORE_STMT_USER_EACH,
    STORE_STMT_USER_ADD,
    STORE_STMT_USER_SET,
    STORE_STMT_USER_DEL,
    STORE_STMT_USER_DEL_BINDINGS,
    STORE_STMT_BINDING_EACH,
    STORE_STMT_BINDING_PUT,
    STORE_STMT_BINDING_DEL,
    STORE_STMT_BINDING_EXPIRE,
    STORE_STMT_ADMIN_FIND,
    STORE_STMT_ADMIN_EACH,
    STORE_STMT_ADMIN_ADD,
    STORE_STMT_ADMIN_SET,
    STORE_STMT_ADMIN_DEL,
    STORE_STMT_ZRTP_FIND,
    STORE_STMT_ZRTP_SAVE,
    STORE_STMT_SETTING_GET,
    STORE_STMT_SETTING_SET,
    STORE_STMT_COUNT
};

extern const char *const store_stmt_sql[STORE_STMT_COUNT];

/* Migration n brings a file from version n to n + 1. A number once released never changes. */
extern const char *const store_migrations[];
extern const int store_migration_count;

#define STORE_POLICY_COLUMNS 9 /* in the order of enum store_policy_field, but media second */
#define STORE_CACHE_KIB \
    "512" /* of pages; the system has them too, and bindings are written in turn */
#define STORE_SEALED_MAX 96 /* version, nonce, text of at most SECRET_CAP, tag */
#define STORE_SEAL_CHECK \
    "store.seal" /* setting that tells the right sealing key from a wrong one */

struct store {
    sqlite3 *db;
    sqlite3_stmt *stmt[STORE_STMT_COUNT];
    struct evp_cipher_ctx_st *cipher;
    struct secret key;
    char path[PATH_MAX];
    char error[STORE_ERROR_MAX];
};

/* Turns the connection's last SQLite error into -errno and a sentence. */
int store_fail(struct store *s, const char *doing) MUST_CHECK;
/* A sentence of our own; returns r. */
int store_fail_with(struct store *s, int r, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

int store_stmt_get(struct store *s, enum store_stmt which, sqlite3_stmt **ret) MUST_CHECK;
/* 1: a row, 0: done, -errno (the statement is reset then). */
int store_stmt_step(struct store *s, sqlite3_stmt *st) MUST_CHECK;
/* Runs to the end and resets. 0, STORE_EXISTS where a name is taken, -errno. */
int store_stmt_run(struct store *s, sqlite3_stmt *st) MUST_CHECK;
/* A statement without parameters and rows. */
int store_run(struct store *s, enum store_stmt which) MUST_CHECK;
void store_bind_slice(sqlite3_stmt *st, int at, struct slice text); /* empty: NULL */
struct slice store_column_slice(sqlite3_stmt *st, int at);          /* until the next step */

int store_begin(struct store *s) MUST_CHECK;
/* Commits where r is 0, else undoes; returns r, or the commit's own failure. */
int store_end(struct store *s, int r) MUST_CHECK;

int store_migrate(struct store *s) MUST_CHECK;

/* AES-256-GCM under the store's key; `what` is authenticated with it, so that a sealed value put
 * into another user's row does not open. */
int store_seal(struct store *s, struct slice what, const struct secret *in,
               uint8_t ret[STORE_SEALED_MAX], size_t *ret_n) MUST_CHECK;
int store_unseal(struct store *s, struct slice what, struct slice sealed,
                 struct secret *ret) MUST_CHECK; /* -EKEYREJECTED */

void store_policy_bind(sqlite3_stmt *st, int at, const struct store_policy *p);
void store_policy_read(sqlite3_stmt *st, int at, struct store_policy *ret);

/* Lower case, bounded; false where it cannot be a domain of ours. */
bool store_domain_fold(struct slice name, char ret[STORE_DOMAIN_MAX + 1]) MUST_CHECK;

#endif
