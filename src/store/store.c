#include "store/store_priv.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const char seal_check[] = "sotto";

/* --- errors --- */

int store_fail_with(struct store *s, int r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(s->error, sizeof(s->error), fmt, ap); /* a cut sentence is still one */
    va_end(ap);
    return r;
}

const char *store_error(const struct store *s)
{
    return s->error;
}

static int fail_io(struct store *s, const char *doing)
{
    int err = sqlite3_system_errno(s->db);
    if (err == ENOSPC || err == EDQUOT)
        return store_fail_with(s, -ENOSPC, "%s: cannot %s: the disk or the quota is full", s->path,
                               doing);
    return store_fail_with(s, err ? -err : -EIO, "%s: cannot %s: %s", s->path, doing,
                           err ? log_strerror(err) : sqlite3_errmsg(s->db));
}

int store_fail(struct store *s, const char *doing)
{
    switch (sqlite3_errcode(s->db) & 0xff) {
    case SQLITE_FULL:
        return store_fail_with(s, -ENOSPC,
                               "%s: cannot %s: the disk or the quota is full; nothing was changed",
                               s->path, doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return store_fail_with(
            s, -EUCLEAN,
            "%s: cannot %s: the file is damaged or no database of sotto (%s); it "
            "was left as it is: put a backup in its place, or try `sqlite3 "
            "sotto.db .recover`",
            s->path, doing, sqlite3_errmsg(s->db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return store_fail_with(s, -EBUSY, "%s: cannot %s: another process has kept it for %d s",
                               s->path, doing, STORE_BUSY_MS / 1000);
    case SQLITE_READONLY:
        return store_fail_with(s, -EROFS, "%s: cannot %s: it may not be written", s->path, doing);
    case SQLITE_NOMEM:
        return store_fail_with(s, -ENOMEM, "%s: cannot %s: no memory", s->path, doing);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return fail_io(s, doing);
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return store_fail_with(s, -EACCES, "%s: cannot %s: not allowed", s->path, doing);
    }
    return store_fail_with(s, -EIO, "%s: cannot %s: %s", s->path, doing, sqlite3_errmsg(s->db));
}

/* --- statements --- */

int store_stmt_get(struct store *s, enum store_stmt which, sqlite3_stmt **ret)
{
    int r = 0;
    if (!s->stmt[which] &&
        sqlite3_prepare_v3(s->db, store_stmt_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &s->stmt[which], NULL) != SQLITE_OK)
        r = store_fail(s, "read its schema");
    *ret = s->stmt[which]; /* NULL where it cannot be prepared */
    return r;
}

int store_stmt_step(struct store *s, sqlite3_stmt *st)
{
    int r = sqlite3_step(st);
    if (r == SQLITE_ROW)
        return 1;
    if (r == SQLITE_DONE)
        return 0;
    r = store_fail(s, sqlite3_stmt_readonly(st) ? "read" : "write");
    (void)sqlite3_reset(st); /* repeats the error told above */
    return r;
}

int store_stmt_run(struct store *s, sqlite3_stmt *st)
{
    int r = sqlite3_step(st);
    if (r == SQLITE_CONSTRAINT) {
        (void)sqlite3_reset(st);
        return STORE_EXISTS;
    }
    int ret = r == SQLITE_DONE || r == SQLITE_ROW ? 0 : store_fail(s, "write");
    (void)sqlite3_reset(st);
    return ret;
}

int store_run(struct store *s, enum store_stmt which)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, which, &st);
    return r ? r : store_stmt_run(s, st);
}

void store_bind_slice(sqlite3_stmt *st, int at, struct slice text)
{
    /* Fails only for a wrong `at`, or a text of 2 GB. */
    if (slice_is_empty(text))
        (void)sqlite3_bind_null(st, at);
    else
        (void)sqlite3_bind_text(st, at, text.p, (int)text.n, SQLITE_STATIC);
}

struct slice store_column_slice(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    return slice_from(p, p ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

int store_begin(struct store *s)
{
    return store_run(s, STORE_STMT_BEGIN);
}

int store_end(struct store *s, int r)
{
    if (r == 0)
        r = store_run(s, STORE_STMT_COMMIT);
    /* Some errors have undone it already; then there is nothing to undo. The first error counts,
     * so the sentence must survive this. */
    if (r != 0 && !sqlite3_get_autocommit(s->db))
        (void)sqlite3_exec(s->db, store_stmt_sql[STORE_STMT_ROLLBACK], NULL, NULL, NULL);
    return r;
}

/* --- schema --- */

static int version_get(struct store *s, int *ret)
{
    sqlite3_stmt *st = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        r = store_fail(s, "read its version");
    else
        *ret = sqlite3_column_int(st, 0);
    (void)sqlite3_finalize(st);
    if (r == 0 && *ret > store_migration_count)
        return store_fail_with(s, -EPROTO,
                               "%s was written by a newer sotto (its version is %d, this program "
                               "knows %d); nothing was changed: run the newer program, or put back "
                               "the backup from before the update",
                               s->path, *ret, store_migration_count);
    return r;
}

static int seal_check_write(struct store *s)
{
    struct secret text = {0};
    uint8_t sealed[STORE_SEALED_MAX];
    size_t n;
    int r = secret_set(&text, seal_check, sizeof(seal_check));
    if (r == 0)
        r = store_seal(s, SLICE_LIT(STORE_SEAL_CHECK), &text, sealed, &n);
    if (r == 0)
        r = store_setting_set(s, SLICE_LIT(STORE_SEAL_CHECK), slice_from(sealed, n));
    return r;
}

static int seal_check_read(struct store *s)
{
    char sealed[STORE_SEALED_MAX];
    size_t n;
    struct secret text = {0};
    int r = store_setting_get(s, SLICE_LIT(STORE_SEAL_CHECK), sealed, sizeof(sealed), &n);
    if (r == 0)
        r = store_unseal(s, SLICE_LIT(STORE_SEAL_CHECK), slice_from(sealed, n), &text);
    if (r == STORE_NONE || r == -EKEYREJECTED || r == -EMSGSIZE)
        return store_fail_with(s, -EKEYREJECTED,
                               "%s was made with another sealing key: put its own seal.key back "
                               "(without it the users' passwords cannot be read)",
                               s->path);
    return r;
}

static int migrate_from(struct store *s, int version)
{
    char set[64];
    for (int v = version; v < store_migration_count; v++) {
        (void)snprintf(set, sizeof(set), "PRAGMA user_version = %d", v + 1);
        if (sqlite3_exec(s->db, store_migrations[v], NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(s->db, set, NULL, NULL, NULL) != SQLITE_OK)
            return store_fail(s, "bring it up to this version's schema");
    }
    return version == 0 ? seal_check_write(s) : 0;
}

int store_migrate(struct store *s)
{
    int version = 0;
    int r = version_get(s, &version);
    if (r == 0 && version < store_migration_count) {
        r = store_begin(s);
        if (r)
            return r;
        /* Another process may have done it while we waited. */
        r = version_get(s, &version);
        if (r == 0)
            r = migrate_from(s, version);
        r = store_end(s, r);
    }
    return r ? r : seal_check_read(s);
}

/* --- opening --- */

/* What root makes belongs to whom the folder belongs: the server may run as another user. */
static int give_to_owner(int fd, const char *path)
{
    struct stat st;
    char folder[PATH_MAX];
    if (geteuid() != 0 || fstat(fd, &st) || st.st_size > 0)
        return 0;
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    if (stat(slash ? folder : ".", &st))
        return -errno;
    return fchown(fd, st.st_uid, st.st_gid) ? -errno : 0;
}

static int open_file(struct store *s)
{
    /* SQLite would give it mode 0644; its log files take mode and owner of the database. */
    int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int r = fd < 0 ? -errno : give_to_owner(fd, s->path);
    if (fd >= 0)
        (void)close(fd); /* nothing was written */
    if (r)
        return store_fail_with(s, r, "cannot open %s: %s", s->path, log_strerror(r));
    if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return s->db ? store_fail(s, "open it") : -ENOMEM;
    (void)sqlite3_extended_result_codes(s->db, 0);
    (void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
    /* NORMAL: a power cut may take back the last transactions, never damage the file. */
    if (sqlite3_exec(s->db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                     "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                     "PRAGMA cache_size = -" STORE_CACHE_KIB ";",
                     NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s, "open it");
    return store_migrate(s);
}

int store_open(const char *path, const struct secret *key, char err[STORE_ERROR_MAX],
               struct store **ret)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s) {
        (void)snprintf(err, STORE_ERROR_MAX, "no memory");
        return -ENOMEM;
    }
    int r;
    s->cipher = EVP_CIPHER_CTX_new();
    if (!s->cipher)
        r = store_fail_with(s, -ENOMEM, "no memory");
    else if (key->n != STORE_SEAL_KEY_LEN)
        r = store_fail_with(s, -EINVAL, "the sealing key has %zu bytes instead of %d", key->n,
                            STORE_SEAL_KEY_LEN);
    else if (!slice_to_str(slice_from_str(path), s->path, sizeof(s->path)))
        r = store_fail_with(s, -ENAMETOOLONG, "the store's path is too long");
    else {
        s->key = *key;
        r = open_file(s);
    }
    if (r) {
        (void)snprintf(err, STORE_ERROR_MAX, "%s", s->error);
        store_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct store *store_close(struct store *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < STORE_STMT_COUNT; i++)
        (void)sqlite3_finalize(s->stmt[i]);
    /* All statements are gone, so it cannot be busy. */
    (void)sqlite3_close(s->db);
    EVP_CIPHER_CTX_free(s->cipher);
    secret_fini(&s->key);
    free(s);
    return NULL;
}

void store_leave_checkpoints(struct store *s)
{
    (void)sqlite3_wal_autocheckpoint(s->db, 0);
}

int store_checkpoint(struct store *s)
{
    int r = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return r == SQLITE_OK || r == SQLITE_BUSY ? 0 : store_fail(s, "write its log back");
}

int store_data_version(struct store *s, uint32_t *ret)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_DATA_VERSION, &st);
    if (r)
        return r;
    r = store_stmt_step(s, st);
    if (r < 0)
        return r;
    *ret = (uint32_t)sqlite3_column_int64(st, 0);
    (void)sqlite3_reset(st);
    return 0;
}

/* --- settings --- */

int store_setting_get(struct store *s, struct slice key, char *dst, size_t cap, size_t *ret_n)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_SETTING_GET, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, key);
    r = store_stmt_step(s, st);
    if (r < 0)
        return r;
    if (r == 0) {
        (void)sqlite3_reset(st);
        return STORE_NONE;
    }
    struct slice v = store_column_slice(st, 0);
    r = v.n > cap ? -EMSGSIZE : 0;
    if (r == 0) {
        if (v.n)
            memcpy(dst, v.p, v.n);
        *ret_n = v.n;
    }
    (void)sqlite3_reset(st);
    return r;
}

int store_setting_set(struct store *s, struct slice key, struct slice value)
{
    if (key.n == 0 || key.n > STORE_NAME_MAX || value.n > STORE_SETTING_MAX)
        return store_fail_with(s, -EMSGSIZE, "the setting is too long");
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_SETTING_SET, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, key);
    (void)sqlite3_bind_blob(st, 2, value.n ? value.p : "", (int)value.n, SQLITE_STATIC);
    return store_stmt_run(s, st);
}
