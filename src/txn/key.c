/* RFC 3261 17.1.3 and 17.2.3. The parts that identify a transaction are laid side by side, each
 * with its length before it, and hashed under this process's secret key. 64 bits tell TXN_MAX
 * transactions apart but for one request in 10^14, and nobody can look for two that collide. */
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

static void put_hash(struct key_text *k, struct slice s)
{
    uint64_t h = map_hash(s);
    memcpy(&k->b[k->n], &h, sizeof(h));
    k->n += sizeof(h);
}

static void put_part(struct key_text *k, struct slice s)
{
    if (s.n > PART_MAX) {
        put_byte(k, 255);
        put_hash(k, s);
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
    uint64_t h = map_hash(slice_from(k->b, k->n));
    memcpy(ret->b, &h, TXN_KEY_LEN);
}

/* The host that it came from, by its socket: two phones behind two NATs may both be
 * 192.168.1.10:5060, and a stranger who has learned a branch must not be able to cancel. Its port is
 * left out: ACK and CANCEL may come over a new connection. */
static void put_source(struct key_text *k, const struct transport_flow *f)
{
    put_byte(k, (uint8_t)f->kind);
    if (addr_family(&f->remote) == AF_INET6)
        put_part(k, slice_from(&f->remote.in6.sin6_addr, sizeof(f->remote.in6.sin6_addr)));
    else
        put_part(k, slice_from(&f->remote.in.sin_addr, sizeof(f->remote.in.sin_addr)));
}

void txn_key_server(const struct sip_msg *m, const struct transport_flow *flow, bool as_invite,
                    struct txn_key *ret)
{
    static const size_t cookie_n = sizeof("z9hG4bK") - 1;
    struct key_text k;
    k.n = 0;
    put_source(&k, flow);
    put_method(&k, as_invite ? SIP_INVITE : m->method, m->method_name);
    /* A bare cookie is no branch (RFC 4475 3.2.1). */
    if (m->via.branch.n > cookie_n && slice_starts_with(m->via.branch, SLICE_LIT("z9hG4bK"))) {
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

/* RFC 3261 8.2.2.2. Only outside of dialogs; and not for REGISTER, which the registrar orders by
 * Call-ID and CSeq itself (10.3 step 7). */
bool txn_key_merge(const struct sip_msg *m, struct txn_key *ret)
{
    if (m->to_tag.n || m->method == SIP_REGISTER)
        return false;
    struct key_text k;
    k.n = 0;
    put_method(&k, m->method, m->method_name);
    put_part(&k, m->from_tag);
    put_part(&k, m->call_id);
    put_number(&k, m->cseq);
    finish(&k, ret);
    return true;
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
