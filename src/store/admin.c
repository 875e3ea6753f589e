/* Administrators: who may log in at the console. Their passwords are argon2id hashes, which need no
 * sealing. */
#include "store/store_priv.h"

static void read_row(sqlite3_stmt *st, struct store_admin *ret)
{
    struct store_admin a = {0};
    /* What does not fit cannot have been written by us: an empty hash fits no password. */
    (void)!slice_to_str(store_column_slice(st, 0), a.name, sizeof(a.name));
    (void)!slice_to_str(store_column_slice(st, 1), a.hash, sizeof(a.hash));
    a.one_time = sqlite3_column_int(st, 2);
    a.created = (uint64_t)sqlite3_column_int64(st, 3);
    *ret = a;
}

int store_admin_find(struct store *s, struct slice name, struct store_admin *ret)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_ADMIN_FIND, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, name);
    r = store_stmt_step(s, st);
    if (r == 1)
        read_row(st, ret);
    if (r >= 0)
        (void)sqlite3_reset(st);
    return r < 0 ? r : r == 1 ? 0 : STORE_NONE;
}

static int write_row(struct store *s, enum store_stmt which, const struct store_admin *a)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, which, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, slice_from_str(a->name));
    store_bind_slice(st, 2, slice_from_str(a->hash));
    (void)sqlite3_bind_int(st, 3, a->one_time);
    (void)sqlite3_bind_int64(st, 4, (int64_t)time(NULL));
    r = store_stmt_run(s, st);
    return r ? r : sqlite3_changes(s->db) ? 0 : STORE_NONE;
}

int store_admin_add(struct store *s, const struct store_admin *a)
{
    return write_row(s, STORE_STMT_ADMIN_ADD, a);
}

int store_admin_set(struct store *s, const struct store_admin *a)
{
    return write_row(s, STORE_STMT_ADMIN_SET, a);
}

int store_admin_del(struct store *s, struct slice name)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_ADMIN_DEL, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, name);
    r = store_stmt_run(s, st);
    return r ? r : sqlite3_changes(s->db) ? 0 : STORE_NONE;
}

int store_admin_each(struct store *s, int (*fn)(void *arg, const struct store_admin *a), void *arg)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_ADMIN_EACH, &st);
    if (r)
        return r;
    while ((r = store_stmt_step(s, st)) == 1) {
        struct store_admin a;
        read_row(st, &a);
        r = fn(arg, &a);
        if (r)
            break;
    }
    (void)sqlite3_reset(st);
    return r;
}
