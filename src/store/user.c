#include "store/store_priv.h"

#include "crypto/hash.h"

/* Columns of the user statements after the names. */
enum {
    COL_DISPLAY = 2,
    COL_ENABLED,
    COL_MAX,
    COL_SHA256,
    COL_MD5,
    COL_CREATED,
    COL_PSK,
    COL_CERT,
    COL_POLICY
};

/* What a sealed HA1 is bound to. */
static struct slice seal_name(char *room, size_t cap, const char *algorithm,
                              const struct store_user *u)
{
    struct buf b = buf_over(room, cap);
    buf_printf(&b, "%s %s@%s", algorithm, u->name, u->domain);
    return buf_slice(&b);
}

#define SEAL_NAME_MAX (STORE_DOMAIN_MAX + STORE_NAME_MAX + 16)

static int read_secret(struct store *s, struct slice sealed, const char *algorithm,
                       const struct store_user *u, struct secret *ret)
{
    char room[SEAL_NAME_MAX];
    if (slice_is_empty(sealed)) {
        ret->n = 0;
        return 0;
    }
    return store_unseal(s, seal_name(room, sizeof(room), algorithm, u), sealed, ret);
}

static int read_row(struct store *s, sqlite3_stmt *st, struct store_user *ret)
{
    struct store_user *u = ret;
    struct store_policy builtin, domain, under;
    *u = (struct store_user){0};
    /* What does not fit cannot have been written by us. */
    (void)!slice_to_str(store_column_slice(st, 0), u->domain, sizeof(u->domain));
    (void)!slice_to_str(store_column_slice(st, 1), u->name, sizeof(u->name));
    (void)!slice_to_str(store_column_slice(st, COL_DISPLAY), u->display, sizeof(u->display));
    u->enabled = sqlite3_column_int(st, COL_ENABLED);
    u->max_contacts = (uint16_t)sqlite3_column_int(st, COL_MAX);
    u->created = (uint64_t)sqlite3_column_int64(st, COL_CREATED);
    u->mikey_cert = sqlite3_column_int(st, COL_CERT);
    store_policy_read(st, COL_POLICY, &u->own);
    store_policy_read(st, COL_POLICY + STORE_POLICY_COLUMNS, &domain);
    store_policy_builtin(&builtin);
    store_policy_merge(&domain, &builtin, &under);
    store_policy_merge(&u->own, &under, &u->policy);
    int r = read_secret(s, store_column_slice(st, COL_SHA256), "sha256", u, &u->ha1_sha256);
    if (r == 0)
        r = read_secret(s, store_column_slice(st, COL_MD5), "md5", u, &u->ha1_md5);
    return r ? r : read_secret(s, store_column_slice(st, COL_PSK), "mikey", u, &u->mikey_psk);
}

int store_user_find(struct store *s, struct slice domain, struct slice name, struct store_user *ret)
{
    sqlite3_stmt *st;
    char folded[STORE_DOMAIN_MAX + 1] = "";
    if (domain.n && !store_domain_fold(domain, folded))
        return STORE_NONE;
    if (name.n == 0 || name.n > STORE_NAME_MAX)
        return STORE_NONE;
    int r = store_stmt_get(s, STORE_STMT_USER_FIND, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, slice_from_str(folded));
    store_bind_slice(st, 2, name);
    r = store_stmt_step(s, st);
    if (r < 0)
        return r;
    if (r == 0) {
        (void)sqlite3_reset(st);
        return STORE_NONE;
    }
    struct store_user u;
    r = read_row(s, st, &u);
    (void)sqlite3_reset(st);
    if (r == 0)
        *ret = u;
    store_user_fini(&u);
    return r;
}

int store_user_each(struct store *s, struct slice domain,
                    int (*fn)(void *arg, const struct store_user *u), void *arg)
{
    sqlite3_stmt *st;
    char folded[STORE_DOMAIN_MAX + 1] = "";
    if (domain.n && !store_domain_fold(domain, folded))
        return 0;
    int r = store_stmt_get(s, STORE_STMT_USER_EACH, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, slice_from_str(folded));
    struct store_user u = {0};
    while ((r = store_stmt_step(s, st)) == 1) {
        r = read_row(s, st, &u);
        if (r == 0)
            r = fn(arg, &u);
        if (r)
            break;
    }
    (void)sqlite3_reset(st);
    store_user_fini(&u);
    return r;
}

static int bind_secret(struct store *s, sqlite3_stmt *st, int at, const char *algorithm,
                       const struct store_user *u, const struct secret *ha1)
{
    char room[SEAL_NAME_MAX];
    uint8_t sealed[STORE_SEALED_MAX];
    size_t n;
    if (ha1->n == 0) {
        (void)sqlite3_bind_null(st, at);
        return 0;
    }
    int r = store_seal(s, seal_name(room, sizeof(room), algorithm, u), ha1, sealed, &n);
    if (r == 0)
        (void)sqlite3_bind_blob(st, at, sealed, (int)n, SQLITE_TRANSIENT);
    return r;
}

static int write_user(struct store *s, enum store_stmt which, const struct store_user *in)
{
    sqlite3_stmt *st;
    struct store_user u = *in;
    if (!store_domain_fold(slice_from_str(in->domain), u.domain)) {
        store_user_fini(&u);
        return STORE_NO_DOMAIN;
    }
    int r = store_stmt_get(s, which, &st);
    if (r == 0)
        r = bind_secret(s, st, 6, "sha256", &u, &u.ha1_sha256);
    if (r == 0)
        r = bind_secret(s, st, 7, "md5", &u, &u.ha1_md5);
    if (r == 0)
        r = bind_secret(s, st, 18, "mikey", &u, &u.mikey_psk);
    if (r == 0) {
        store_bind_slice(st, 1, slice_from_str(u.domain));
        store_bind_slice(st, 2, slice_from_str(u.name));
        store_bind_slice(st, 3, slice_from_str(u.display));
        (void)sqlite3_bind_int(st, 4, u.enabled);
        (void)sqlite3_bind_int(st, 5, u.max_contacts);
        (void)sqlite3_bind_int64(st, 8, (int64_t)time(NULL)); /* unused by set */
        store_policy_bind(st, 9, &u.own);
        (void)sqlite3_bind_int(st, 19, u.mikey_cert);
        r = store_stmt_run(s, st);
    }
    store_user_fini(&u);
    return r;
}

int store_user_add(struct store *s, const struct store_user *u)
{
    if (!u->name[0])
        return store_fail_with(s, -EINVAL, "a user needs a name");
    int r = write_user(s, STORE_STMT_USER_ADD, u);
    return r ? r : sqlite3_changes(s->db) ? 0 : STORE_NO_DOMAIN;
}

int store_user_set(struct store *s, const struct store_user *u)
{
    int r = write_user(s, STORE_STMT_USER_SET, u);
    if (r == STORE_NO_DOMAIN)
        return STORE_NONE;
    return r ? r : sqlite3_changes(s->db) ? 0 : STORE_NONE;
}

static int del_where(struct store *s, enum store_stmt which, struct slice domain, struct slice name)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, which, &st);
    if (r)
        return r;
    store_bind_slice(st, 1, domain);
    store_bind_slice(st, 2, name);
    return store_stmt_run(s, st);
}

static int del(struct store *s, struct slice domain, struct slice name)
{
    struct store_domain d;
    int r = domain.n ? store_domain_find(s, domain, &d) : store_domain_default(s, &d);
    if (r == 0)
        r = del_where(s, STORE_STMT_USER_DEL, slice_from_str(d.name), name);
    if (r)
        return r;
    if (sqlite3_changes(s->db) == 0)
        return STORE_NONE;
    return del_where(s, STORE_STMT_USER_DEL_BINDINGS, slice_from_str(d.name), name);
}

int store_user_del(struct store *s, struct slice domain, struct slice name)
{
    if (name.n == 0 || name.n > STORE_NAME_MAX)
        return STORE_NONE;
    int r = store_begin(s);
    return r ? r : store_end(s, del(s, domain, name));
}

void store_user_fini(struct store_user *u)
{
    secret_fini(&u->ha1_sha256);
    secret_fini(&u->ha1_md5);
    secret_fini(&u->mikey_psk);
}

int store_user_mikey(struct store *s, struct slice domain, struct slice name,
                     struct store_mikey *ret)
{
    struct store_user u;
    int r = store_user_find(s, domain, name, &u);

    if (r)
        return r < 0 ? r : -ENODATA;
    *ret = (struct store_mikey){.psk = u.mikey_psk, .cert = u.mikey_cert};
    store_user_fini(&u);
    return 0;
}

int store_user_set_password(struct store_user *u, struct slice password, bool md5)
{
    if (password.n > STORE_PASSWORD_MAX)
        return -EMSGSIZE;
    char realm[STORE_DOMAIN_MAX + 1];
    if (!store_domain_fold(slice_from_str(u->domain), realm))
        return -EINVAL;
    struct slice parts[] = {slice_from_str(u->name), SLICE_LIT(":"), slice_from_str(realm),
                            SLICE_LIT(":"), password};
    secret_fini(&u->ha1_md5);
    u->ha1_sha256.n = CRYPTO_SHA256_LEN;
    crypto_sha256(parts, ARRAY_LEN(parts), u->ha1_sha256.b);
    if (md5) {
        u->ha1_md5.n = CRYPTO_MD5_LEN;
        crypto_md5(parts, ARRAY_LEN(parts), u->ha1_md5.b);
    }
    return 0;
}
