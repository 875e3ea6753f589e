#include "store/store_priv.h"

bool store_domain_fold(struct slice name, char ret[STORE_DOMAIN_MAX + 1])
{
    if (name.n == 0 || !slice_to_str(name, ret, STORE_DOMAIN_MAX + 1))
        return false;
    for (char *p = ret; *p; p++)
        *p = slice_lower(*p);
    return true;
}

static void read_row(sqlite3_stmt *st, struct store_domain *ret)
{
    struct store_domain d = {0};
    struct store_policy builtin;
    /* What does not fit cannot have been written by us: an empty name is found by no one. */
    (void)!slice_to_str(store_column_slice(st, 0), d.name, sizeof(d.name));
    d.is_default = sqlite3_column_int(st, 1);
    d.users = (uint32_t)sqlite3_column_int64(st, 2);
    store_policy_read(st, 3, &d.own);
    store_policy_builtin(&builtin);
    store_policy_merge(&d.own, &builtin, &d.policy);
    *ret = d;
}

static int read_one(struct store *s, sqlite3_stmt *st, struct store_domain *ret)
{
    int r = store_stmt_step(s, st);
    if (r == 1)
        read_row(st, ret);
    if (r >= 0)
        (void)sqlite3_reset(st);
    return r < 0 ? r : r == 1 ? 0 : STORE_NONE;
}

int store_domain_find(struct store *s, struct slice name, struct store_domain *ret)
{
    sqlite3_stmt *st;
    char folded[STORE_DOMAIN_MAX + 1];
    if (!store_domain_fold(name, folded))
        return STORE_NONE;
    int r = store_stmt_get(s, STORE_STMT_DOMAIN_FIND, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, slice_from_str(folded));
    return read_one(s, st, ret);
}

int store_domain_default(struct store *s, struct store_domain *ret)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_DOMAIN_DEFAULT, &st);
    return r ? r : read_one(s, st, ret);
}

int store_domain_each(struct store *s, int (*fn)(void *arg, const struct store_domain *d),
                      void *arg)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_DOMAIN_EACH, &st);
    if (r)
        return r;
    while ((r = store_stmt_step(s, st)) == 1) {
        struct store_domain d;
        read_row(st, &d);
        r = fn(arg, &d);
        if (r)
            break;
    }
    (void)sqlite3_reset(st);
    return r;
}

static int write_row(struct store *s, enum store_stmt which, const char *folded, bool is_default,
                     const struct store_policy *own)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, which, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, slice_from_str(folded));
    (void)sqlite3_bind_int(st, 2, is_default);
    store_policy_bind(st, 3, own);
    r = store_stmt_run(s, st);
    return r ? r : sqlite3_changes(s->db) ? 0 : STORE_NONE;
}

static int count(struct store *s, int64_t *ret)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_DOMAIN_COUNT, &st);
    if (r)
        return r;
    r = store_stmt_step(s, st);
    if (r < 0)
        return r;
    *ret = sqlite3_column_int64(st, 0);
    (void)sqlite3_reset(st);
    return 0;
}

static int add(struct store *s, const struct store_domain *d, const char *folded)
{
    int64_t n;
    int r = count(s, &n);
    if (r == 0 && d->is_default)
        r = store_run(s, STORE_STMT_DOMAIN_NO_DEFAULT);
    return r ? r : write_row(s, STORE_STMT_DOMAIN_ADD, folded, d->is_default || n == 0, &d->own);
}

int store_domain_add(struct store *s, const struct store_domain *d)
{
    char folded[STORE_DOMAIN_MAX + 1];
    if (!store_domain_fold(slice_from_str(d->name), folded))
        return store_fail_with(s, -EINVAL, "a domain needs a name of at most %d characters",
                               STORE_DOMAIN_MAX);
    int r = store_begin(s);
    return r ? r : store_end(s, add(s, d, folded));
}

static int set(struct store *s, const struct store_domain *d, const char *folded)
{
    int r = 0;
    if (d->is_default)
        r = store_run(s, STORE_STMT_DOMAIN_NO_DEFAULT);
    return r ? r : write_row(s, STORE_STMT_DOMAIN_SET, folded, d->is_default, &d->own);
}

int store_domain_set(struct store *s, const struct store_domain *d)
{
    char folded[STORE_DOMAIN_MAX + 1];
    if (!store_domain_fold(slice_from_str(d->name), folded))
        return STORE_NONE;
    int r = store_begin(s);
    return r ? r : store_end(s, set(s, d, folded));
}

static int del(struct store *s, struct slice name)
{
    struct store_domain d;
    sqlite3_stmt *st;
    int r = store_domain_find(s, name, &d);
    if (r)
        return r;
    if (d.users)
        return STORE_IN_USE;
    r = store_stmt_get(s, STORE_STMT_DOMAIN_DEL, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, slice_from_str(d.name));
    r = store_stmt_run(s, st);
    if (r == 0 && d.is_default)
        r = store_run(s, STORE_STMT_DOMAIN_OLDEST_DEFAULT);
    return r;
}

int store_domain_del(struct store *s, struct slice name)
{
    int r = store_begin(s);
    return r ? r : store_end(s, del(s, name));
}
