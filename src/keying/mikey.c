#include "keying/mikey.h"

#include "keying/mikey_wire.h"
#include "rtp/wire.h"

static const char *const verdict_why[MIKEY_VERDICT_COUNT] = {
    [MIKEY_OK] = "fine",
    [MIKEY_BAD_LENGTH] = "a MIKEY message ends in the middle of a payload",
    [MIKEY_BAD_VERSION] = "a MIKEY message is of another version than 1",
    [MIKEY_BAD_TYPE] = "a MIKEY message is of an unknown mode",
    [MIKEY_BAD_PAYLOAD] = "a MIKEY message has a payload that cannot be read",
    [MIKEY_TOO_MANY] = "a MIKEY message has too many crypto sessions, policies, identities or keys",
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

/* s.6.12 */
static const char *const error_names[] = {
    "authentication failure",
    "invalid timestamp",
    "invalid PRF",
    "invalid MAC algorithm",
    "invalid encryption",
    "invalid hash",
    "invalid Diffie-Hellman group",
    "invalid identity",
    "invalid certificate",
    "invalid security policy",
    "invalid policy parameter",
    "invalid data type",
    "unspecified error",
};

const char *mikey_error_name(uint8_t error)
{
    return error < ARRAY_LEN(error_names) ? error_names[error] : "an error of an unknown number";
}

const char *mikey_verdict_why(enum mikey_verdict v)
{
    return verdict_why[v];
}

const char *mikey_type_name(enum mikey_type t)
{
    return type_names[t];
}

bool mikey_id_is(const struct mikey_id *id, const char *name)
{
    struct slice s = id->data;

    if (id->type == MIKEY_ID_URI) {
        if (slice_starts_with_nocase(s, SLICE_LIT("sips:")))
            s = slice_skip(s, 5);
        else if (slice_starts_with_nocase(s, SLICE_LIT("sip:")))
            s = slice_skip(s, 4);
        else
            return false;
    }
    return slice_eq_nocase_str(s, name);
}

/* --- reading ------------------------------------------------------------------------------------- */

/* The rest of a message. What is asked for beyond its end is zero, and `bad` stays set. */
struct reader {
    struct slice rest, whole;
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
int mikey_keys_parse(struct slice data, struct mikey_msg *m)
{
    struct reader r = {.rest = data};
    uint8_t next = MIKEY_PL_KEY_DATA;

    m->key_count = 0;
    m->has_key_validity = false;
    while (next == MIKEY_PL_KEY_DATA && !r.bad) {
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
    if (r.bad)
        return MIKEY_BAD_LENGTH;
    return next == MIKEY_PL_LAST && r.rest.n == 0 ? MIKEY_OK : MIKEY_BAD_PAYLOAD;
}

int mikey_named_keys_parse(struct slice data, struct mikey_msg *m, struct mikey_id *ret)
{
    struct reader r = {.rest = data};
    bool has_keys = take8(&r) == MIKEY_PL_KEY_DATA;
    struct mikey_id id = {.type = take8(&r)};

    id.data = take(&r, take16(&r));
    if (r.bad)
        return MIKEY_BAD_LENGTH;
    if (!has_keys || id.type > MIKEY_ID_URI)
        return MIKEY_BAD_PAYLOAD;
    *ret = id;
    return mikey_keys_parse(r.rest, m);
}

/* A MAC of n bytes, which is made over all that stands before it. */
static void take_mac(struct reader *r, size_t n, struct mikey_msg *m)
{
    const char *start = r->whole.p;

    m->covered = slice_from(start, (size_t)(r->rest.p - start));
    m->mac = take(r, n);
}

/* Behind the number of the next payload, which the MAC of an envelope's keys is over as well. */
static int kemac_parse(struct reader *r, struct mikey_msg *m)
{
    const char *start = r->rest.p - 1;

    if (m->has_kemac)
        return MIKEY_TOO_MANY;
    m->has_kemac = true;
    m->kemac_encr = take8(r);
    m->kemac_data = take(r, take16(r));
    m->kemac_mac = take8(r);
    if (m->kemac_mac > MIKEY_MAC_HMAC_SHA1)
        return MIKEY_BAD_PAYLOAD;
    m->kemac = slice_from(start, (size_t)(r->rest.p - start));
    take_mac(r, m->kemac_mac ? MIKEY_MAC_LEN : 0, m);
    if (r->bad)
        return MIKEY_BAD_LENGTH;
    return m->kemac_encr == MIKEY_ENCR_NULL && m->type == MIKEY_PSK_INIT
               ? mikey_keys_parse(m->kemac_data, m)
               : MIKEY_OK;
}

static void policy_set(struct mikey_policy *p, uint8_t type, uint8_t value)
{
    uint8_t *const fields[] = {[MIKEY_SP_ENCR] = &p->encr,
                               [MIKEY_SP_ENCR_KEY_LEN] = &p->encr_key_len,
                               [MIKEY_SP_AUTH] = &p->auth,
                               [MIKEY_SP_SALT_LEN] = &p->salt_len,
                               [MIKEY_SP_KDR] = &p->kdr,
                               [MIKEY_SP_SRTP_ENCR] = &p->srtp_encr,
                               [MIKEY_SP_SRTCP_ENCR] = &p->srtcp_encr,
                               [MIKEY_SP_SRTP_AUTH] = &p->srtp_auth,
                               [MIKEY_SP_AUTH_TAG_LEN] = &p->auth_tag_len,
                               [MIKEY_SP_AEAD_TAG_LEN] = &p->aead_tag_len};

    if (type < ARRAY_LEN(fields) && fields[type])
        *fields[type] = value;
}

static int policy_parse(struct reader *r, struct mikey_msg *m)
{
    struct mikey_policy p;

    memset(&p, MIKEY_NOT_SAID, sizeof(p));
    p.number = take8(r);
    uint8_t protocol = take8(r);
    struct reader params = {.rest = take(r, take16(r))};
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
    if (m->policy_count == MIKEY_POLICIES_MAX)
        return MIKEY_TOO_MANY;
    m->policy[m->policy_count++] = p;
    return MIKEY_OK;
}

static int id_parse(struct reader *r, struct mikey_msg *m)
{
    struct mikey_id id = {.type = take8(r)};

    id.data = take(r, take16(r));
    if (id.type > MIKEY_ID_URI)
        return MIKEY_BAD_PAYLOAD;
    if (m->id_count == MIKEY_IDS_MAX)
        return MIKEY_TOO_MANY;
    m->id[m->id_count++] = id;
    return MIKEY_OK;
}

static int time_parse(struct reader *r, struct mikey_msg *m)
{
    uint8_t type = take8(r);

    if (type > 2)
        return MIKEY_BAD_PAYLOAD;
    m->has_time = true;
    m->time_is_counter = type == 2;
    m->time = take32(r);
    if (!m->time_is_counter)
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

/* s.6.7. The sender's own comes first; what may follow leads up to a CA, and ours signs them itself. */
static void cert_parse(struct reader *r, struct mikey_msg *m)
{
    uint8_t type = take8(r);
    struct slice cert = take(r, take16(r));

    if ((type == MIKEY_CERT_X509 || type == MIKEY_CERT_X509_SIGN) && !m->cert.n)
        m->cert = cert;
}

static int cert_hash_skip(struct reader *r)
{
    uint8_t algorithm = take8(r);

    if (algorithm > 1)
        return MIKEY_BAD_PAYLOAD;
    (void)take(r, algorithm ? 16 : 20); /* MD5, SHA-1 */
    return MIKEY_OK;
}

static int v_parse(struct reader *r, struct mikey_msg *m)
{
    m->has_v = true;
    m->v_mac = take8(r);
    if (m->v_mac > MIKEY_MAC_HMAC_SHA1)
        return MIKEY_BAD_PAYLOAD;
    take_mac(r, m->v_mac ? MIKEY_MAC_LEN : 0, m);
    return MIKEY_OK;
}

static int payload_parse(struct reader *r, uint8_t kind, struct mikey_msg *m)
{
    switch (kind) {
    case MIKEY_PL_KEMAC:
        return kemac_parse(r, m);
    case MIKEY_PL_PKE: /* before its length, whether the envelope key may be kept: we do not */
        m->pke = take(r, take16(r) & 0x3fff);
        return MIKEY_OK;
    case MIKEY_PL_DH:
        return dh_skip(r);
    case MIKEY_PL_T:
        return time_parse(r, m);
    case MIKEY_PL_ID:
        return id_parse(r, m);
    case MIKEY_PL_CERT:
        cert_parse(r, m);
        return MIKEY_OK;
    case MIKEY_PL_GENERAL_EXT:
        (void)take8(r);
        (void)take(r, take16(r));
        return MIKEY_OK;
    case MIKEY_PL_CHASH:
        return cert_hash_skip(r);
    case MIKEY_PL_V:
        return v_parse(r, m);
    case MIKEY_PL_SP:
        return policy_parse(r, m);
    case MIKEY_PL_RAND:
        return rand_parse(r, m);
    case MIKEY_PL_ERR:
        return error_parse(r, m);
    default:
        return MIKEY_BAD_PAYLOAD;
    }
}

static int header_parse(struct reader *r, struct mikey_msg *m, uint8_t *ret_next)
{
    if (take8(r) != MIKEY_VERSION)
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
        m->cs[i].policy_no = take8(r);
        m->cs[i].ssrc = take32(r);
        m->cs[i].roc = take32(r);
    }
    return MIKEY_OK;
}

int mikey_parse(struct slice data, struct mikey_msg *ret)
{
    struct mikey_msg m = {0};
    struct reader r = {.rest = data, .whole = data};
    uint8_t kind = MIKEY_PL_LAST;

    if (data.n > MIKEY_MESSAGE_MAX)
        return MIKEY_BAD_LENGTH;
    int v = header_parse(&r, &m, &kind);
    while (v == MIKEY_OK && kind != MIKEY_PL_LAST && !r.bad) {
        if (kind == MIKEY_PL_SIGN) { /* s.6.5: names no next one */
            uint16_t head = take16(&r);
            m.sign_type = (uint8_t)(head >> 12);
            m.signed_part = slice_from(data.p, (size_t)(r.rest.p - data.p));
            m.sign = take(&r, head & 0x0fff);
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
