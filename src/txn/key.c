/* RFC 3261 17.1.3 and 17.2.3. The parts that identify a transaction are laid side by side, each
 * with its length before it, and hashed under this process's key. */
#include "txn/priv.h"

#include "crypto/hash.h"

#define PART_MAX 128 /* a longer part is replaced by its hash */
#define PARTS_MAX 8

struct key_text {
    size_t n;
    char b[PARTS_MAX * (PART_MAX + 2)];
};

static void put_byte(struct key_text *k, uint8_t v)
{
    k->b[k->n++] = (char)v;
}

/* Two halves under two keys: one half alone could collide by chance among many. */
static void hash_wide(struct slice s, uint8_t ret[TXN_KEY_LEN])
{
    static const uint8_t other[16] = "sotto-txn-key-2";
    uint64_t half[2] = {map_hash(s), 0};
    uint8_t key[16];
    memcpy(key, other, sizeof(key));
    memcpy(key, &half[0], 8);
    half[1] = map_siphash13(key, s);
    memcpy(ret, half, TXN_KEY_LEN);
}

static void put_part(struct key_text *k, struct slice s)
{
    if (s.n > PART_MAX) {
        put_byte(k, 255);
        hash_wide(s, (uint8_t *)&k->b[k->n]);
        k->n += TXN_KEY_LEN;
        return;
    }
    put_byte(k, (uint8_t)s.n);
    if (s.n)
        memcpy(&k->b[k->n], s.p, s.n);
    k->n += s.n;
}

static void put_host(struct key_text *k, struct slice host)
{
    size_t at = k->n + 1;
    put_part(k, host);
    if (host.n > PART_MAX)
        return;
    for (size_t i = at; i < k->n; i++)
        k->b[i] = slice_lower(k->b[i]);
}

static void put_number(struct key_text *k, uint32_t v)
{
    memcpy(&k->b[k->n], &v, sizeof(v));
    k->n += sizeof(v);
}

static void put_method(struct key_text *k, enum sip_method method, struct slice name)
{
    put_byte(k, (uint8_t)method);
    if (method == SIP_METHOD_OTHER)
        put_part(k, name);
}

static void finish(const struct key_text *k, struct txn_key *ret)
{
    hash_wide(slice_from(k->b, k->n), ret->b);
}

void txn_key_server(const struct sip_msg *m, bool as_invite, struct txn_key *ret)
{
    struct key_text k;
    k.n = 0;
    put_method(&k, as_invite ? SIP_INVITE : m->method, m->method_name);
    if (slice_starts_with(m->via.branch, SLICE_LIT("z9hG4bK"))) {
        put_part(&k, m->via.branch);
        put_host(&k, m->via.host);
        put_number(&k, m->via.port);
    } else {
        /* RFC 2543: no branch to go by. The To tag is left out: the ACK has one, the INVITE has
         * not, and no two transactions differ in it alone. */
        put_part(&k, m->ruri_raw);
        put_part(&k, m->from_tag);
        put_part(&k, m->call_id);
        put_number(&k, m->cseq);
        put_part(&k, m->via.raw);
    }
    finish(&k, ret);
}

/* RFC 3261 8.2.2.2 */
void txn_key_merge(const struct sip_msg *m, struct txn_key *ret)
{
    struct key_text k;
    k.n = 0;
    put_method(&k, m->method, m->method_name);
    put_part(&k, m->from_tag);
    put_part(&k, m->call_id);
    put_number(&k, m->cseq);
    finish(&k, ret);
}

void txn_key_client(enum sip_method method, struct slice method_name, struct slice branch,
                    struct txn_key *ret)
{
    struct key_text k;
    k.n = 0;
    put_method(&k, method, method_name);
    put_part(&k, branch);
    finish(&k, ret);
}

void txn_key_tag(const struct txn_key *k, char dst[TXN_TAG_LEN + 1])
{
    /* Hashed once more: the map's keys stay unknown outside. */
    uint64_t h = map_hash(slice_from(k->b, TXN_KEY_LEN));
    struct buf b = buf_over(dst, TXN_TAG_LEN);
    buf_put_hex(&b, &h, sizeof(h));
    dst[TXN_TAG_LEN] = '\0';
}

void txn_branch_new(char dst[TXN_BRANCH_MAX])
{
    static const char cookie[] = "z9hG4bK";
    memcpy(dst, cookie, sizeof(cookie) - 1);
    crypto_random_hex(dst + sizeof(cookie) - 1, 16);
}
