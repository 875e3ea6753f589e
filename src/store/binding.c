/* Registered contacts. The registrar has them in memory and writes behind: a batch is one
 * transaction, and a row is found by its number alone. */
#include "store/store_priv.h"

/* An address in the file: family 4 or 6, port, address, and the scope of an IPv6 one; numbers in
 * network order. */
enum { ADDR_V4_LEN = 1 + 2 + 4, ADDR_V6_LEN = 1 + 2 + 16 + 4 };

static size_t addr_pack(const struct addr *a, uint8_t out[ADDR_V6_LEN])
{
    if (addr_family(a) == AF_INET) {
        out[0] = 4;
        memcpy(out + 1, &a->in.sin_port, 2);
        memcpy(out + 3, &a->in.sin_addr, 4);
        return ADDR_V4_LEN;
    }
    if (addr_family(a) != AF_INET6)
        return 0;
    uint32_t scope = htonl(a->in6.sin6_scope_id);
    out[0] = 6;
    memcpy(out + 1, &a->in6.sin6_port, 2);
    memcpy(out + 3, &a->in6.sin6_addr, 16);
    memcpy(out + 19, &scope, 4);
    return ADDR_V6_LEN;
}

static struct addr addr_unpack(struct slice in)
{
    struct addr a = {0};
    if (in.n == ADDR_V4_LEN && in.p[0] == 4) {
        a.in.sin_family = AF_INET;
        memcpy(&a.in.sin_port, in.p + 1, 2);
        memcpy(&a.in.sin_addr, in.p + 3, 4);
    } else if (in.n == ADDR_V6_LEN && in.p[0] == 6) {
        uint32_t scope;
        memcpy(&scope, in.p + 19, 4);
        a.in6.sin6_family = AF_INET6;
        memcpy(&a.in6.sin6_port, in.p + 1, 2);
        memcpy(&a.in6.sin6_addr, in.p + 3, 16);
        a.in6.sin6_scope_id = ntohl(scope);
    }
    return a;
}

static void read_row(sqlite3_stmt *st, struct store_binding *ret)
{
    *ret = (struct store_binding){
        .id = (uint64_t)sqlite3_column_int64(st, 0),
        .aor = store_column_slice(st, 1),
        .contact = store_column_slice(st, 2),
        .call_id = store_column_slice(st, 3),
        .path = store_column_slice(st, 4),
        .instance = store_column_slice(st, 5),
        .user_agent = store_column_slice(st, 6),
        .created = (uint64_t)sqlite3_column_int64(st, 7),
        .expires = (uint64_t)sqlite3_column_int64(st, 8),
        .cseq = (uint32_t)sqlite3_column_int64(st, 9),
        .reg_id = (uint32_t)sqlite3_column_int64(st, 10),
        .q = (uint16_t)sqlite3_column_int(st, 11),
        .transport = (uint8_t)sqlite3_column_int(st, 12),
        .listener = (uint32_t)sqlite3_column_int64(st, 13),
        .conn = (uint64_t)sqlite3_column_int64(st, 14),
        .remote = addr_unpack(store_column_slice(st, 15)),
        .local = addr_unpack(store_column_slice(st, 16)),
        .ice = sqlite3_column_int(st, 17) != 0,
    };
}

int store_bindings_load(struct store *s, uint64_t now_unix,
                        int (*fn)(void *arg, const struct store_binding *b), void *arg)
{
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_BINDING_EXPIRE, &st);
    if (r)
        return r;
    (void)sqlite3_bind_int64(st, 1, (int64_t)now_unix);
    r = store_stmt_run(s, st);
    if (r == 0)
        r = store_stmt_get(s, STORE_STMT_BINDING_EACH, &st);
    if (r)
        return r;
    (void)sqlite3_bind_int64(st, 1, (int64_t)now_unix);
    while ((r = store_stmt_step(s, st)) == 1) {
        struct store_binding b;
        read_row(st, &b);
        r = fn(arg, &b);
        if (r)
            break;
    }
    (void)sqlite3_reset(st);
    return r;
}

static bool fits(const struct store_binding *b)
{
    return b->id && b->aor.n && b->contact.n && b->aor.n <= STORE_TEXT_MAX &&
           b->contact.n <= STORE_TEXT_MAX && b->call_id.n <= STORE_TEXT_MAX &&
           b->path.n <= STORE_TEXT_MAX && b->instance.n <= STORE_TEXT_MAX &&
           b->user_agent.n <= STORE_TEXT_MAX;
}

static int put(struct store *s, sqlite3_stmt *st, const struct store_binding *b)
{
    uint8_t remote[ADDR_V6_LEN], local[ADDR_V6_LEN];
    if (!fits(b))
        return store_fail_with(s, -EMSGSIZE,
                               "a binding has no number, no address, or a text above %d bytes",
                               STORE_TEXT_MAX);
    (void)sqlite3_bind_int64(st, 1, (int64_t)b->id);
    store_bind_slice(st, 2, b->aor);
    store_bind_slice(st, 3, b->contact);
    store_bind_slice(st, 4, b->call_id);
    store_bind_slice(st, 5, b->path);
    store_bind_slice(st, 6, b->instance);
    store_bind_slice(st, 7, b->user_agent);
    (void)sqlite3_bind_int64(st, 8, (int64_t)b->created);
    (void)sqlite3_bind_int64(st, 9, (int64_t)b->expires);
    (void)sqlite3_bind_int64(st, 10, b->cseq);
    (void)sqlite3_bind_int64(st, 11, b->reg_id);
    (void)sqlite3_bind_int(st, 12, b->q);
    (void)sqlite3_bind_int(st, 13, b->transport);
    (void)sqlite3_bind_int64(st, 14, b->listener);
    (void)sqlite3_bind_int64(st, 15, (int64_t)b->conn);
    (void)sqlite3_bind_blob(st, 16, remote, (int)addr_pack(&b->remote, remote), SQLITE_STATIC);
    (void)sqlite3_bind_blob(st, 17, local, (int)addr_pack(&b->local, local), SQLITE_STATIC);
    (void)sqlite3_bind_int(st, 18, b->ice);
    return store_stmt_run(s, st);
}

static int write_all(struct store *s, const struct store_binding_op *ops, size_t n)
{
    sqlite3_stmt *put_st, *del_st;
    int r = store_stmt_get(s, STORE_STMT_BINDING_PUT, &put_st);
    if (r == 0)
        r = store_stmt_get(s, STORE_STMT_BINDING_DEL, &del_st);
    for (size_t i = 0; i < n && r == 0; i++) {
        if (!ops[i].del) {
            r = put(s, put_st, &ops[i].b);
            continue;
        }
        (void)sqlite3_bind_int64(del_st, 1, (int64_t)ops[i].b.id);
        r = store_stmt_run(s, del_st);
    }
    return r;
}

int store_bindings_write(struct store *s, const struct store_binding_op *ops, size_t n)
{
    if (n == 0)
        return 0;
    int r = store_begin(s);
    return r ? r : store_end(s, write_all(s, ops, n));
}
