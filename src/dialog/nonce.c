#include "dialog/nonce.h"

#include "crypto/hash.h"
#include "dialog/auth.h"

#define TABLE_SLOTS 1024 /* at first */

static void mac_of(const struct crypto_hmac_key *secret, struct slice realm,
                   const uint8_t key[NONCE_KEY_LEN], uint8_t ret[CRYPTO_SHA256_LEN])
{
    const struct slice parts[] = {SLICE_LIT("sotto nonce 1"), slice_from(key, NONCE_KEY_LEN),
                                  realm};
    crypto_hmac_sha256_by(secret, parts, ARRAY_LEN(parts), ret);
}

void nonce_make(const struct crypto_hmac_key *secret, struct slice realm, uint64_t now_unix,
                char dst[NONCE_LEN])
{
    uint8_t key[NONCE_KEY_LEN], mac[CRYPTO_SHA256_LEN];
    for (int i = 0; i < 4; i++)
        key[i] = (uint8_t)(now_unix >> (24 - 8 * i));
    crypto_random(key + 4, sizeof(key) - 4);
    mac_of(secret, realm, key, mac);
    struct buf b = buf_over(dst, NONCE_LEN);
    buf_put_hex(&b, key, sizeof(key));
    buf_put_hex(&b, mac, NONCE_MAC_LEN);
}

#define NO_DIGIT 0xff

static uint8_t hex_digit(char c)
{
    uint8_t digit = (uint8_t)(c - '0'), letter = (uint8_t)(c - 'a');
    uint8_t v = digit < 10 ? digit : NO_DIGIT;
    return letter < 6 ? (uint8_t)(letter + 10) : v;
}

/* No branch that hangs on what came. */
static bool hex_read(struct slice s, uint8_t *dst)
{
    uint8_t bad = 0;
    for (size_t i = 0; i < s.n / 2; i++) {
        uint8_t high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);
        bad |= high | low;
        dst[i] = (uint8_t)(high << 4 | low);
    }
    return bad < 16;
}

static uint32_t issued_at(const uint8_t key[NONCE_KEY_LEN])
{
    return (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
}

bool nonce_read(const struct crypto_hmac_key *secret, struct slice realm, struct slice text,
                struct nonce *ret)
{
    uint8_t raw[NONCE_KEY_LEN + NONCE_MAC_LEN], mac[CRYPTO_SHA256_LEN];
    if (text.n != NONCE_LEN || !hex_read(text, raw))
        return false;
    mac_of(secret, realm, raw, mac);
    if (!secret_eq(mac, raw + NONCE_KEY_LEN, NONCE_MAC_LEN))
        return false;
    memcpy(ret->key, raw, NONCE_KEY_LEN);
    ret->issued = issued_at(raw);
    return true;
}

/* --- the table --- */

struct entry {
    uint8_t key[NONCE_KEY_LEN];
    uint32_t highest; /* 0: the entry is free */
    uint64_t window;  /* bit i: highest - i has been used */
};

struct nonce_table {
    struct table table;
    size_t next, cap;   /* a ring: entries leave in the order in which they came */
    uint32_t forgotten; /* the latest issue time of those that left */
    struct entry entries[];
};

static struct slice entry_key(const void *entry)
{
    return slice_from(((const struct entry *)entry)->key, NONCE_KEY_LEN);
}

int nonce_table_new(size_t entries, struct nonce_table **ret)
{
    struct nonce_table *t = calloc(1, sizeof(*t) + entries * sizeof(t->entries[0]));
    if (!t)
        return -ENOMEM;
    int r = table_init(&t->table, TABLE_SLOTS, entry_key);
    if (r < 0) {
        free(t);
        return r;
    }
    t->cap = entries;
    *ret = t;
    return 0;
}

struct nonce_table *nonce_table_free(struct nonce_table *t)
{
    if (t)
        table_fini(&t->table);
    free(t);
    return NULL;
}

/* RFC 7616 s.3.4 leaves it to the server. As for IPsec and SRTP, a window lets requests of
 * one client overtake each other. */
static bool count_use(struct entry *e, uint32_t nc)
{
    if (nc > e->highest) {
        uint32_t by = nc - e->highest;
        e->window = by < DIALOG_AUTH_WINDOW ? e->window << by | 1 : 1;
        e->highest = nc;
        return true;
    }
    uint32_t back = e->highest - nc;
    if (back >= DIALOG_AUTH_WINDOW || (e->window >> back & 1))
        return false;
    e->window |= (uint64_t)1 << back;
    return true;
}

static struct entry *entry_take(struct nonce_table *t)
{
    struct entry *e = &t->entries[t->next];
    t->next = (t->next + 1) % t->cap;
    if (e->highest) {
        const struct table_key k = table_key(entry_key(e));
        uint32_t issued = issued_at(e->key);
        table_remove(&t->table, &k, e);
        if (issued > t->forgotten)
            t->forgotten = issued;
        e->highest = 0;
    }
    return e;
}

bool nonce_table_use(struct nonce_table *t, const struct nonce *n, uint32_t nc)
{
    const struct table_key k = table_key(slice_from(n->key, NONCE_KEY_LEN));
    struct entry *e = table_find(&t->table, &k);
    if (e)
        return count_use(e, nc);
    if (nc == 0 || n->issued <= t->forgotten)
        return false;
    e = entry_take(t);
    *e = (struct entry){.window = 1};
    memcpy(e->key, n->key, sizeof(e->key));
    if (table_put(&t->table, &k, e) < 0)
        return false; /* there is no memory: as if it were too old */
    e->highest = nc;
    return true;
}

uint64_t nonce_table_ahead(const struct nonce_table *t, struct slice text)
{
    uint8_t key[NONCE_KEY_LEN];
    if (text.n < 2 * sizeof(key) || !hex_read(slice_take(text, 2 * sizeof(key)), key))
        return 0;
    uint64_t hash = table_key(slice_from(key, sizeof(key))).hash;
    table_prefetch(&t->table, hash);
    return hash;
}

void nonce_table_ahead_again(const struct nonce_table *t, uint64_t hash)
{
    const void *e = hash ? table_guess(&t->table, hash) : NULL;
    if (e)
        __builtin_prefetch(e, 1);
}
