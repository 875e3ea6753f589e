#include "keying/mikey.h"

#include "crypto/digest.h"
#include "rtp/wire.h"

#define VERSION 1
#define HEADER_LEN 10
#define CS_LEN 9 /* policy, SSRC, rollover counter */
#define MAC_LEN 20
#define NOT_SAID 0xff

enum payload {
    LAST = 0,
    KEMAC = 1,
    PKE = 2,
    DH = 3,
    SIGN = 4,
    T = 5,
    ID = 6,
    CERT = 7,
    CHASH = 8,
    V = 9,
    SP = 10,
    RAND = 11,
    ERR = 12,
    KEY_DATA = 20,
    GENERAL_EXT = 21
};

static const char *const verdict_why[MIKEY_VERDICT_COUNT] = {
    [MIKEY_OK] = "fine",
    [MIKEY_BAD_LENGTH] = "a MIKEY message ends in the middle of a payload",
    [MIKEY_BAD_VERSION] = "a MIKEY message is of another version than 1",
    [MIKEY_BAD_TYPE] = "a MIKEY message is of an unknown mode",
    [MIKEY_BAD_PAYLOAD] = "a MIKEY message has a payload that cannot be read",
    [MIKEY_TOO_MANY] = "a MIKEY message describes too many crypto sessions",
};

static const char *const type_names[MIKEY_TYPE_COUNT] = {
    [MIKEY_PSK_INIT] = "pre-shared key",
    [MIKEY_PSK_RESP] = "answer to a pre-shared key",
    [MIKEY_PK_INIT] = "public key",
    [MIKEY_PK_RESP] = "answer to a public key",
    [MIKEY_DH_INIT] = "Diffie-Hellman",
    [MIKEY_DH_RESP] = "answer to Diffie-Hellman",
    [MIKEY_ERROR] = "error",
    [MIKEY_DHHMAC_INIT] = "Diffie-Hellman with a pre-shared key",
    [MIKEY_DHHMAC_RESP] = "answer to Diffie-Hellman with a pre-shared key",
    [MIKEY_RSA_R_INIT] = "RSA-R",
    [MIKEY_RSA_R_RESP] = "answer to RSA-R",
};

const char *mikey_verdict_why(enum mikey_verdict v)
{
    return verdict_why[v];
}

const char *mikey_type_name(enum mikey_type t)
{
    return type_names[t];
}

/* --- reading ------------------------------------------------------------------------------------- */

/* The rest of a message. What is asked for beyond its end is zero, and `bad` stays set. */
struct reader {
    struct slice rest;
    bool bad;
};

static struct slice take(struct reader *r, size_t n)
{
    if (r->bad || n > r->rest.n) {
        r->bad = true;
        return SLICE_NONE;
    }
    struct slice s = slice_take(r->rest, n);
    r->rest = slice_skip(r->rest, n);
    return s;
}

static uint8_t take8(struct reader *r)
{
    struct slice s = take(r, 1);
    return s.n ? (uint8_t)s.p[0] : 0;
}

static uint16_t take16(struct reader *r)
{
    struct slice s = take(r, 2);
    return s.n ? wire_get16((const uint8_t *)s.p) : 0;
}

static uint32_t take32(struct reader *r)
{
    struct slice s = take(r, 4);
    return s.n ? wire_get32((const uint8_t *)s.p) : 0;
}

/* s.6.13: key data sub-payloads, one after the other. */
static int keys_parse(struct slice data, struct mikey_msg *m)
{
    struct reader r = {.rest = data};
    uint8_t next = KEY_DATA;

    while (next == KEY_DATA && !r.bad) {
        next = take8(&r);
        uint8_t kinds = take8(&r);
        struct slice key = take(&r, take16(&r)), salt = SLICE_NONE;
        unsigned kind = kinds >> 4, validity = kinds & 15;
        if (kind >= MIKEY_KEY_KINDS || validity > 2)
            return MIKEY_BAD_PAYLOAD;
        if (kind == MIKEY_TGK_SALT || kind == MIKEY_TEK_SALT)
            salt = take(&r, take16(&r));
        if (validity >= 1)
            (void)take(&r, take8(&r)); /* SPI, or the interval's start … */
        if (validity == 2)
            (void)take(&r, take8(&r)); /* … and its end */
        m->has_key_validity = m->has_key_validity || validity != 0;
        if (m->key_count++ == 0) {
            m->key_kind = (uint8_t)kind;
            m->key = key;
            m->salt = salt;
        }
        if (m->key_count == UINT8_MAX)
            return MIKEY_TOO_MANY;
    }
    return r.bad ? MIKEY_BAD_LENGTH : next == LAST && r.rest.n == 0 ? MIKEY_OK : MIKEY_BAD_PAYLOAD;
}

static int kemac_parse(struct reader *r, struct mikey_msg *m)
{
    m->has_kemac = true;
    m->kemac_encr = take8(r);
    struct slice data = take(r, take16(r));
    m->kemac_mac = take8(r);
    if (m->kemac_mac > 1)
        return MIKEY_BAD_PAYLOAD;
    (void)take(r, m->kemac_mac ? MAC_LEN : 0);
    if (r->bad)
        return MIKEY_BAD_LENGTH;
    /* encrypted key data cannot be looked into; then its mode is declined */
    return m->kemac_encr == 0 && m->type == MIKEY_PSK_INIT ? keys_parse(data, m) : MIKEY_OK;
}

static void policy_set(struct mikey_policy *p, uint8_t type, uint8_t value)
{
    uint8_t *const fields[] = {
        &p->encr, &p->encr_key_len, &p->auth,       NULL, &p->salt_len,  NULL,
        NULL,     &p->srtp_encr,    &p->srtcp_encr, NULL, &p->srtp_auth, &p->auth_tag_len};

    if (type < ARRAY_LEN(fields) && fields[type])
        *fields[type] = value;
}

static const struct mikey_policy no_policy = {false,    NOT_SAID, NOT_SAID, NOT_SAID, NOT_SAID,
                                              NOT_SAID, NOT_SAID, NOT_SAID, NOT_SAID};

static int policy_parse(struct reader *r, struct mikey_msg *m)
{
    uint8_t number = take8(r), protocol = take8(r);
    struct reader params = {.rest = take(r, take16(r))};
    struct mikey_policy p = no_policy;

    while (!r->bad && !params.bad && params.rest.n) {
        uint8_t type = take8(&params);
        struct slice value = take(&params, take8(&params));
        if (value.n == 1)
            policy_set(&p, type, (uint8_t)value.p[0]);
    }
    if (r->bad || params.bad)
        return MIKEY_BAD_LENGTH;
    if (protocol != 0) /* SRTP */
        return MIKEY_BAD_PAYLOAD;
    p.is_there = true;
    if (number == 0)
        m->policy = p;
    return MIKEY_OK;
}

static int time_parse(struct reader *r, struct mikey_msg *m)
{
    uint8_t type = take8(r);

    if (type > 2)
        return MIKEY_BAD_PAYLOAD;
    m->has_time = true;
    m->time = take32(r);
    if (type < 2) /* not a counter */
        m->time = m->time << 32 | take32(r);
    return MIKEY_OK;
}

static int rand_parse(struct reader *r, struct mikey_msg *m)
{
    m->rand = take(r, take8(r));
    return !r->bad && m->rand.n < MIKEY_RAND_MIN ? MIKEY_BAD_PAYLOAD : MIKEY_OK;
}

static int error_parse(struct reader *r, struct mikey_msg *m)
{
    m->has_error = true;
    m->error = take8(r);
    (void)take16(r);
    return MIKEY_OK;
}

/* s.6.4: the group says how long its value is. */
static int dh_skip(struct reader *r)
{
    static const uint16_t lens[] = {192, 96, 128};
    uint8_t group = take8(r);

    if (group >= ARRAY_LEN(lens))
        return MIKEY_BAD_PAYLOAD;
    (void)take(r, lens[group]);
    uint8_t validity = take8(r) & 15;
    if (validity >= 1)
        (void)take(r, take8(r));
    if (validity == 2)
        (void)take(r, take8(r));
    return MIKEY_OK;
}

static int hash_skip(struct reader *r, bool is_verification)
{
    uint8_t algorithm = take8(r);

    if (algorithm > 1)
        return MIKEY_BAD_PAYLOAD;
    if (is_verification)
        (void)take(r, algorithm ? MAC_LEN : 0);
    else
        (void)take(r, algorithm ? 16 : 20); /* MD5, SHA-1 */
    return MIKEY_OK;
}

static int payload_parse(struct reader *r, uint8_t kind, struct mikey_msg *m)
{
    switch (kind) {
    case KEMAC:
        return kemac_parse(r, m);
    case PKE:
        (void)take(r, take16(r) & 0x3fff);
        return MIKEY_OK;
    case DH:
        return dh_skip(r);
    case T:
        return time_parse(r, m);
    case ID:
    case CERT:
    case GENERAL_EXT:
        (void)take8(r);
        (void)take(r, take16(r));
        return MIKEY_OK;
    case CHASH:
    case V:
        return hash_skip(r, kind == V);
    case SP:
        return policy_parse(r, m);
    case RAND:
        return rand_parse(r, m);
    case ERR:
        return error_parse(r, m);
    default:
        return MIKEY_BAD_PAYLOAD;
    }
}

static int header_parse(struct reader *r, struct mikey_msg *m, uint8_t *ret_next)
{
    if (take8(r) != VERSION)
        return r->bad ? MIKEY_BAD_LENGTH : MIKEY_BAD_VERSION;
    m->type = take8(r);
    if (m->type >= MIKEY_TYPE_COUNT)
        return MIKEY_BAD_TYPE;
    *ret_next = take8(r);
    uint8_t flags = take8(r);
    m->wants_verification = flags & 0x80;
    m->prf = flags & 0x7f;
    m->csb_id = take32(r);
    m->cs_count = take8(r);
    uint8_t map_type = take8(r);
    if (map_type != 0 && m->cs_count > 0)
        return MIKEY_BAD_PAYLOAD;
    if (m->cs_count > MIKEY_CS_MAX)
        return MIKEY_TOO_MANY;
    for (size_t i = 0; i < m->cs_count; i++) {
        m->policy_no[i] = take8(r);
        (void)take(r, CS_LEN - 1);
    }
    return MIKEY_OK;
}

int mikey_parse(struct slice data, struct mikey_msg *ret)
{
    struct mikey_msg m = {.policy = no_policy};
    struct reader r = {.rest = data};
    uint8_t kind = LAST;

    if (data.n > MIKEY_MESSAGE_MAX)
        return MIKEY_BAD_LENGTH;
    int v = header_parse(&r, &m, &kind);
    while (v == MIKEY_OK && kind != LAST && !r.bad) {
        if (kind == SIGN) { /* s.6.5: names no next one */
            (void)take(&r, take16(&r) & 0x0fff);
            break;
        }
        uint8_t next = take8(&r);
        v = payload_parse(&r, kind, &m);
        kind = next;
    }
    if (v == MIKEY_OK && (r.bad || r.rest.n))
        v = MIKEY_BAD_LENGTH;
    if (v == MIKEY_OK)
        *ret = m;
    return v;
}

/* --- printing ------------------------------------------------------------------------------------ */

static void put8(struct buf *b, unsigned v)
{
    buf_put_char(b, (char)(uint8_t)v);
}

static void put16(struct buf *b, size_t v)
{
    put8(b, (unsigned)(v >> 8));
    put8(b, (unsigned)v);
}

static void put32(struct buf *b, uint32_t v)
{
    put16(b, v >> 16);
    put16(b, v & 0xffff);
}

static void put_policy(struct buf *b, const struct mikey_policy *p)
{
    const uint8_t params[][2] = {
        {0, p->encr}, {1, p->encr_key_len}, {2, p->auth}, {3, 20}, {4, p->salt_len}, {7, 1}, {8, 1},
        {10, 1},      {11, p->auth_tag_len}};

    put8(b, RAND);
    put8(b, 0);
    put8(b, 0);
    put16(b, ARRAY_LEN(params) * 3);
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        put8(b, params[i][0]);
        put8(b, 1);
        put8(b, params[i][1]);
    }
}

static void put_kemac(struct buf *b, const struct mikey_msg *m)
{
    put8(b, LAST);
    put8(b, 0);
    put16(b, 4 + m->key.n);
    put8(b, LAST);
    put8(b, MIKEY_TGK << 4);
    put16(b, m->key.n);
    buf_put_slice(b, m->key);
    put8(b, 0); /* no MAC */
}

void mikey_print(const struct mikey_msg *m, struct buf *b)
{
    bool is_init = m->type == MIKEY_PSK_INIT;

    put8(b, VERSION);
    put8(b, m->type);
    put8(b, T);
    put8(b, 0); /* no verification asked for; PRF-MIKEY-1 */
    put32(b, m->csb_id);
    put8(b, m->cs_count);
    put8(b, 0);
    for (size_t i = 0; i < m->cs_count; i++) {
        put8(b, 0);
        put32(b, 0); /* any SSRC: both sides take what comes (s.6.1.1) */
        put32(b, 0);
    }
    put8(b, is_init ? SP : LAST);
    put8(b, 0);
    put32(b, (uint32_t)(m->time >> 32));
    put32(b, (uint32_t)m->time);
    if (!is_init)
        return;
    put_policy(b, &m->policy);
    put8(b, KEMAC);
    put8(b, (unsigned)m->rand.n);
    buf_put_slice(b, m->rand);
    put_kemac(b, m);
}

/* --- policies and keys --------------------------------------------------------------------------- */

/* What was not said is the default of s.6.10.1. */
static uint8_t said(uint8_t v, uint8_t otherwise)
{
    return v == NOT_SAID ? otherwise : v;
}

enum srtp_suite mikey_suite_of(const struct mikey_policy *p)
{
    uint8_t key_len = said(p->encr_key_len, 16), tag = said(p->auth_tag_len, 10);
    bool usual = said(p->encr, 1) == 1 && said(p->auth, 1) == 1 && said(p->salt_len, 14) == 14 &&
                 said(p->srtp_encr, 1) == 1 && said(p->srtcp_encr, 1) == 1 &&
                 said(p->srtp_auth, 1) == 1;

    for (int s = 1; usual && s < SRTP_SUITE_COUNT; s++) {
        const struct srtp_suite_info *i = srtp_suite_info((enum srtp_suite)s);
        if (i->salt_len == 14 && i->key_len == key_len && i->rtp_tag_len == tag)
            return (enum srtp_suite)s;
    }
    return SRTP_SUITE_NONE;
}

bool mikey_policy_of(enum srtp_suite s, struct mikey_policy *ret)
{
    const struct srtp_suite_info *i = srtp_suite_info(s);

    if (s == SRTP_SUITE_NONE || i->salt_len != 14)
        return false;
    *ret = (struct mikey_policy){true, 1, i->key_len, 1, 14, i->rtp_tag_len, 1, 1, 1};
    return true;
}

#define PRF_BLOCK 32 /* s.4.1.2: 256 bits of key at a time */

/* P(s, label, m), xored into ret. */
static void prf_part(struct slice key, struct slice label, size_t n, uint8_t *ret)
{
    uint8_t a[CRYPTO_DIGEST_MAX], out[CRYPTO_DIGEST_MAX];
    struct slice a_slice = label;

    for (size_t at = 0; at < n; at += MAC_LEN) {
        crypto_hmac(CRYPTO_DIGEST_SHA1, key, &a_slice, 1, a);
        a_slice = slice_from(a, MAC_LEN);
        const struct slice parts[] = {a_slice, label};
        crypto_hmac(CRYPTO_DIGEST_SHA1, key, parts, 2, out);
        for (size_t i = 0; i < MAC_LEN && at + i < n; i++)
            ret[at + i] ^= out[i];
    }
    secret_wipe(a, sizeof(a));
    secret_wipe(out, sizeof(out));
}

void mikey_prf(struct slice key, struct slice label, size_t n, uint8_t *ret)
{
    memset(ret, 0, n);
    for (size_t at = 0; at < key.n; at += PRF_BLOCK)
        prf_part(slice_take(slice_skip(key, at), PRF_BLOCK), label, n, ret);
}

#define TEK_CONSTANT 0x2ad01c64u
#define SALT_CONSTANT 0x39a2c14bu

static void derive(uint32_t constant, struct slice tgk, uint8_t cs_id, uint32_t csb_id,
                   struct slice rand, size_t n, uint8_t *ret)
{
    char label[9 + UINT8_MAX];
    struct buf b = buf_over(label, sizeof(label));

    put32(&b, constant);
    put8(&b, cs_id);
    put32(&b, csb_id);
    buf_put_slice(&b, rand);
    mikey_prf(tgk, buf_slice(&b), n, ret);
}

void mikey_srtp_keys(enum srtp_suite suite, struct slice tgk, uint8_t cs_id, uint32_t csb_id,
                     struct slice rand, struct srtp_keys *ret)
{
    const struct srtp_suite_info *i = srtp_suite_info(suite);

    *ret = (struct srtp_keys){.suite = suite};
    ret->master.n = (size_t)i->key_len + i->salt_len;
    derive(TEK_CONSTANT, tgk, cs_id, csb_id, rand, i->key_len, ret->master.b);
    derive(SALT_CONSTANT, tgk, cs_id, csb_id, rand, i->salt_len, ret->master.b + i->key_len);
}
