#include "rtp/stun.h"

#include "base/secret.h"
#include "rtp/demux.h"

#define FINGERPRINT_XOR 0x5354554eu
#define FAMILY_V4 1
#define FAMILY_V6 2

enum attr {
    ATTR_USERNAME = 0x0006,
    ATTR_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN = 0x000a,
    ATTR_INTEGRITY_SHA256 = 0x001c,
    ATTR_XOR_MAPPED = 0x0020,
    ATTR_PRIORITY = 0x0024,
    ATTR_USE_CANDIDATE = 0x0025,
    ATTR_OPTIONAL = 0x8000, /* from here on: may be ignored (s.14) */
    ATTR_FINGERPRINT = 0x8028,
    ATTR_CONTROLLED = 0x8029,
    ATTR_CONTROLLING = 0x802a,
};

/* Of ISO 3309, four bits a step. */
static uint32_t crc32_step(uint32_t crc, uint8_t byte)
{
    static const uint32_t nibble[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                        0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

    crc = nibble[(crc ^ byte) & 15] ^ crc >> 4;
    return nibble[(crc ^ byte >> 4) & 15] ^ crc >> 4;
}

static uint32_t fingerprint_of(const uint8_t *p, size_t n)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < n; i++)
        crc = crc32_step(crc, p[i]);
    return ~crc ^ FINGERPRINT_XOR;
}

/* --- parsing ----------------------------------------------------------------------------------- */

/* XORs with the cookie and, for IPv6, the transaction id behind it (s.14.2). */
static void xor_bytes(const uint8_t *header, const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] ^ header[4 + i];
}

static bool read_mapped(struct stun_msg *m, const uint8_t *v, size_t n)
{
    const uint8_t *header = (const uint8_t *)m->raw.p;
    struct addr a = {0};

    if (n == 8 && v[1] == FAMILY_V4) {
        a.in.sin_family = AF_INET;
        xor_bytes(header, v + 4, 4, (uint8_t *)&a.in.sin_addr);
    } else if (n == 20 && v[1] == FAMILY_V6) {
        a.in6.sin6_family = AF_INET6;
        xor_bytes(header, v + 4, 16, (uint8_t *)&a.in6.sin6_addr);
    } else {
        return false;
    }
    addr_set_port(&a, (uint16_t)(wire_get16(v + 2) ^ (RTP_STUN_COOKIE >> 16)));
    m->mapped = a;
    return true;
}

static bool read_error(struct stun_msg *m, const uint8_t *v, size_t n)
{
    if (n < 4 || (v[2] & 7) < 3 || (v[2] & 7) > 6 || v[3] > 99)
        return false;
    m->error = (uint16_t)((v[2] & 7) * 100 + v[3]);
    return true;
}

static bool read_role(struct stun_msg *m, const uint8_t *v, size_t n, bool controlling)
{
    if (n != 8)
        return false;
    m->controlling = controlling;
    m->controlled = !controlling;
    m->tie = (uint64_t)wire_get32(v) << 32 | wire_get32(v + 4);
    return true;
}

static bool read_username(struct stun_msg *m, const uint8_t *v, size_t n)
{
    if (n > STUN_USERNAME_MAX)
        return false;
    m->username = slice_from(v, n);
    return true;
}

static bool read_unknown(struct stun_msg *m, uint16_t type)
{
    if (type >= ATTR_OPTIONAL)
        return true;
    if (m->unknown_count < STUN_UNKNOWN_MAX)
        m->unknown[m->unknown_count] = type;
    m->unknown_count++;
    return true;
}

/* False: a length or value that it cannot have. */
static bool read_attr(struct stun_msg *m, uint16_t type, const uint8_t *v, size_t n)
{
    switch (type) {
    case ATTR_USERNAME:
        return read_username(m, v, n);
    case ATTR_ERROR_CODE:
        return read_error(m, v, n);
    case ATTR_UNKNOWN: /* in a 420: for a person with a trace */
        return n % 2 == 0;
    case ATTR_XOR_MAPPED:
        return read_mapped(m, v, n);
    case ATTR_PRIORITY:
        m->has_priority = n == 4;
        m->priority = n == 4 ? wire_get32(v) : 0;
        return n == 4;
    case ATTR_USE_CANDIDATE:
        m->use_candidate = true;
        return n == 0;
    case ATTR_CONTROLLED:
    case ATTR_CONTROLLING:
        return read_role(m, v, n, type == ATTR_CONTROLLING);
    default:
        return read_unknown(m, type);
    }
}

static bool take_integrity(struct stun_msg *m, uint16_t type, size_t at, size_t n)
{
    if (type == ATTR_INTEGRITY) {
        m->integrity_at = (uint16_t)at;
        return n == STUN_SHA1_LEN;
    }
    m->integrity256_at = (uint16_t)at;
    return n >= STUN_SHA256_MIN && n <= STUN_SHA256_LEN && n % 4 == 0;
}

static int take_attr(struct stun_msg *m, size_t at, uint16_t type, size_t n)
{
    const uint8_t *p = (const uint8_t *)m->raw.p;
    bool covered = !m->integrity_at && !m->integrity256_at;

    if (type == ATTR_FINGERPRINT) { /* the last one, so the length in the header is the right one */
        m->has_fingerprint = true;
        return n == 4 && at + 8 == m->raw.n && wire_get32(p + at + 4) == fingerprint_of(p, at)
                   ? STUN_OK
                   : STUN_BAD_FINGERPRINT;
    }
    if ((type == ATTR_INTEGRITY && covered) ||
        (type == ATTR_INTEGRITY_SHA256 && !m->integrity256_at))
        return take_integrity(m, type, at, n) ? STUN_OK : STUN_BAD_VALUE;
    if (!covered)
        return STUN_OK;
    return read_attr(m, type, p + at + 4, n) ? STUN_OK : STUN_BAD_VALUE;
}

static int take_attrs(struct stun_msg *m)
{
    const uint8_t *p = (const uint8_t *)m->raw.p;
    size_t at = STUN_HDR_LEN, count = 0;

    while (at < m->raw.n) { /* n is a multiple of four: a header of four bytes is there */
        uint16_t type = wire_get16(p + at);
        size_t n = wire_get16(p + at + 2), padded = (n + 3) & ~(size_t)3;
        if (padded > m->raw.n - at - 4 || ++count > STUN_ATTRS_MAX)
            return STUN_BAD_ATTR;
        int v = take_attr(m, at, type, n);
        if (v != STUN_OK)
            return v;
        at += 4 + padded;
    }
    return STUN_OK;
}

int stun_parse(struct slice datagram, struct stun_msg *ret)
{
    const uint8_t *p = (const uint8_t *)datagram.p;

    if (datagram.n < STUN_HDR_LEN)
        return STUN_TOO_SHORT;
    uint16_t type = wire_get16(p);
    if (type & 0xc000 || wire_get32(p + 4) != RTP_STUN_COOKIE)
        return STUN_NOT_STUN;
    size_t n = wire_get16(p + 2);
    if (n % 4 != 0 || n + STUN_HDR_LEN != datagram.n || datagram.n > UINT16_MAX)
        return STUN_BAD_LENGTH;
    /* s.5: the class is in bits 4 and 8, the method around them. */
    struct stun_msg m = {
        .raw = datagram,
        .class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1)),
        .method = (uint16_t)((type & 0xf) | (type >> 1 & 0x70) | (type >> 2 & 0xf80)),
    };
    int v = take_attrs(&m);
    if (v == STUN_OK)
        *ret = m;
    return v;
}

/* The message up to `at`, with the length that it has if an attribute of n bytes there is its last. */
static void hash_up_to(const uint8_t *p, size_t at, size_t n, struct slice key, stun_hmac_fn *hmac,
                       uint8_t *ret)
{
    uint8_t length[2];

    wire_put16(length, (uint16_t)(at + 4 + n - STUN_HDR_LEN));
    const struct slice parts[] = {slice_from(p, 2), slice_from(length, 2),
                                  slice_from(p + 4, at - 4)};
    hmac(key, parts, ARRAY_LEN(parts), ret);
}

static bool integrity_fits(const struct stun_msg *m, size_t at, struct slice key,
                           stun_hmac_fn *hmac)
{
    const uint8_t *p = (const uint8_t *)m->raw.p;
    uint8_t want[STUN_SHA256_LEN];
    size_t n = wire_get16(p + at + 2);

    hash_up_to(p, at, n, key, hmac, want);
    return secret_eq(want, p + at + 4, n);
}

bool stun_is_authentic(const struct stun_msg *m, struct slice key, const struct stun_hmac *hmac)
{
    if (!m->integrity_at && !m->integrity256_at)
        return false;
    return (!m->integrity_at || integrity_fits(m, m->integrity_at, key, hmac->sha1)) &&
           (!m->integrity256_at || integrity_fits(m, m->integrity256_at, key, hmac->sha256));
}

/* --- building ---------------------------------------------------------------------------------- */

static void put_attr(struct buf *b, uint16_t type, const void *v, size_t n)
{
    uint8_t head[4];

    wire_put16(head, type);
    wire_put16(head + 2, (uint16_t)n);
    buf_put(b, head, sizeof(head));
    buf_put(b, v, n);
    buf_put(b, "\0\0\0", (4 - n % 4) % 4);
}

static void put_length(struct buf *b, size_t n)
{
    if (!b->overflow)
        wire_put16((uint8_t *)b->p + 2, (uint16_t)(n - STUN_HDR_LEN));
}

void stun_put_begin(struct buf *b, enum stun_class class, const uint8_t txid[STUN_TXID_LEN])
{
    uint8_t head[8] = {0};

    wire_put16(head, (uint16_t)((class & 2) << 7 | (class & 1) << 4 | STUN_BINDING));
    wire_put32(head + 4, RTP_STUN_COOKIE);
    buf_put(b, head, sizeof(head));
    buf_put(b, txid, STUN_TXID_LEN);
}

void stun_put_mapped(struct buf *b, const struct addr *a)
{
    uint8_t v[20] = {0};
    bool is6 = addr_family(a) == AF_INET6;

    if (b->overflow)
        return;
    v[1] = is6 ? FAMILY_V6 : FAMILY_V4;
    wire_put16(v + 2, (uint16_t)(addr_port(a) ^ (RTP_STUN_COOKIE >> 16)));
    const uint8_t *ip = is6 ? (const uint8_t *)&a->in6.sin6_addr : (const uint8_t *)&a->in.sin_addr;
    xor_bytes((const uint8_t *)b->p, ip, is6 ? 16 : 4, v + 4);
    put_attr(b, ATTR_XOR_MAPPED, v, is6 ? 20 : 8);
}

void stun_put_username(struct buf *b, struct slice local, struct slice remote)
{
    char mem[STUN_USERNAME_MAX];
    struct buf name = buf_over(mem, sizeof(mem));

    buf_put_slice(&name, local);
    buf_put_char(&name, ':');
    buf_put_slice(&name, remote);
    b->overflow = b->overflow || name.overflow;
    put_attr(b, ATTR_USERNAME, name.p, name.n);
}

void stun_put_priority(struct buf *b, uint32_t priority)
{
    uint8_t v[4];

    wire_put32(v, priority);
    put_attr(b, ATTR_PRIORITY, v, sizeof(v));
}

void stun_put_role(struct buf *b, bool controlling, uint64_t tie)
{
    uint8_t v[8];

    wire_put32(v, (uint32_t)(tie >> 32));
    wire_put32(v + 4, (uint32_t)tie);
    put_attr(b, controlling ? ATTR_CONTROLLING : ATTR_CONTROLLED, v, sizeof(v));
}

void stun_put_use_candidate(struct buf *b)
{
    put_attr(b, ATTR_USE_CANDIDATE, NULL, 0);
}

static const char *reason_of(enum stun_code code)
{
    switch (code) {
    case STUN_CODE_BAD:
        return "Bad Request";
    case STUN_CODE_UNKNOWN:
        return "Unknown Attribute";
    case STUN_CODE_ROLE_CONFLICT:
        return "Role Conflict";
    }
    return "";
}

void stun_put_error(struct buf *b, enum stun_code code)
{
    uint8_t v[40] = {0, 0, (uint8_t)((unsigned)code / 100), (uint8_t)((unsigned)code % 100)};
    struct slice reason = slice_from_str(reason_of(code));

    memcpy(v + 4, reason.p, reason.n);
    put_attr(b, ATTR_ERROR_CODE, v, 4 + reason.n);
}

void stun_put_unknown(struct buf *b, const struct stun_msg *m)
{
    uint8_t v[2 * STUN_UNKNOWN_MAX];
    size_t n = m->unknown_count < STUN_UNKNOWN_MAX ? m->unknown_count : STUN_UNKNOWN_MAX;

    for (size_t i = 0; i < n; i++)
        wire_put16(v + 2 * i, m->unknown[i]);
    put_attr(b, ATTR_UNKNOWN, v, 2 * n);
}

void stun_put_end(struct buf *b, struct slice key, stun_hmac_fn *sha1)
{
    uint8_t hash[STUN_SHA256_LEN], crc[4];

    if (sha1 && !b->overflow) {
        hash_up_to((const uint8_t *)b->p, b->n, STUN_SHA1_LEN, key, sha1, hash);
        put_attr(b, ATTR_INTEGRITY, hash, STUN_SHA1_LEN);
    }
    put_length(b, b->n + 8);
    if (b->overflow)
        return;
    wire_put32(crc, fingerprint_of((const uint8_t *)b->p, b->n));
    put_attr(b, ATTR_FINGERPRINT, crc, sizeof(crc));
}
