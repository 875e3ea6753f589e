/* What is kept of ZRTP peers between calls (RFC 6189 s.3.1.1): by the peer's identifier, sealed like
 * the passwords, because who has these secrets can sit in the middle of the next call unseen. */
#include "store/store_priv.h"

#include "base/buf.h"
#include "crypto/hash.h"

#define OWN_ZID "zrtp.zid"

static const char *const names[STORE_ZRTP_SECRETS] = {"rs1", "rs2", "pbx"};

/* What a sealed secret is bound to: its peer and its place. */
static struct slice name_of(const uint8_t zid[STORE_ZID_LEN], size_t which, char *text, size_t cap)
{
    struct buf b = buf_over(text, cap);

    BUF_PUT_LIT(&b, "zrtp:");
    buf_put_hex(&b, zid, STORE_ZID_LEN);
    buf_put_char(&b, ':');
    buf_put_str(&b, names[which]);
    return buf_slice(&b);
}

static int read_row(struct store *s, sqlite3_stmt *st, struct store_zrtp *z)
{
    char text[64];
    int r = 0;

    for (size_t i = 0; i < STORE_ZRTP_SECRETS && r == 0; i++) {
        struct slice sealed = store_column_slice(st, (int)i);
        if (sealed.n)
            r = store_unseal(s, name_of(z->zid, i, text, sizeof(text)), sealed, &z->secret[i]);
    }
    z->verified = sqlite3_column_int(st, 3) != 0;
    z->updated = (uint64_t)sqlite3_column_int64(st, 4);
    return r;
}

int store_zrtp_find(struct store *s, const uint8_t zid[STORE_ZID_LEN], struct store_zrtp *ret)
{
    struct store_zrtp z = {0};
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_ZRTP_FIND, &st);

    if (r)
        return r;
    memcpy(z.zid, zid, sizeof(z.zid));
    (void)sqlite3_bind_blob(st, 1, zid, STORE_ZID_LEN, SQLITE_STATIC);
    r = store_stmt_step(s, st);
    if (r < 0)
        return r;
    r = r == 0 ? STORE_NONE : read_row(s, st, &z);
    (void)sqlite3_reset(st);
    if (r == 0)
        *ret = z;
    secret_wipe(&z, sizeof(z));
    return r;
}

int store_zrtp_save(struct store *s, const struct store_zrtp *z)
{
    uint8_t sealed[STORE_ZRTP_SECRETS][STORE_SEALED_MAX];
    char text[64];
    sqlite3_stmt *st;
    int r = store_stmt_get(s, STORE_STMT_ZRTP_SAVE, &st);

    if (r)
        return r;
    (void)sqlite3_bind_blob(st, 1, z->zid, STORE_ZID_LEN, SQLITE_STATIC);
    for (size_t i = 0; i < STORE_ZRTP_SECRETS; i++) {
        size_t n = 0;
        if (z->secret[i].n)
            r = store_seal(s, name_of(z->zid, i, text, sizeof(text)), &z->secret[i], sealed[i], &n);
        if (r)
            return r;
        (void)(n ? sqlite3_bind_blob(st, 2 + (int)i, sealed[i], (int)n, SQLITE_STATIC)
                 : sqlite3_bind_null(st, 2 + (int)i));
    }
    (void)sqlite3_bind_int(st, 5, z->verified);
    (void)sqlite3_bind_int64(st, 6, (sqlite3_int64)z->updated);
    return store_stmt_run(s, st);
}

int store_zrtp_own(struct store *s, uint8_t ret[STORE_ZID_LEN])
{
    char zid[STORE_ZID_LEN];
    size_t n = 0;
    int r = store_setting_get(s, SLICE_LIT(OWN_ZID), zid, sizeof(zid), &n);

    if (r == STORE_NONE || (r == 0 && n != sizeof(zid))) {
        crypto_random(zid, sizeof(zid));
        r = store_setting_set(s, SLICE_LIT(OWN_ZID), slice_from(zid, sizeof(zid)));
    }
    if (r == 0)
        memcpy(ret, zid, sizeof(zid));
    return r;
}
