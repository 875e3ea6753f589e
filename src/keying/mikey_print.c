/* MIKEY messages of ours: which payloads each mode has, in their order, and the bytes of each. */
#include "keying/mikey_wire.h"

#define CHAIN_MAX 10
#define VERIFY_FLAG 0x80

struct printer {
    struct buf *b;
    const struct mikey_msg *m;
    const struct mikey_seal *seal;
    size_t ids; /* printed by now */
};

static void put8(struct buf *b, unsigned v)
{
    buf_put_char(b, (char)(uint8_t)v);
}

static void put16(struct buf *b, size_t v)
{
    put8(b, (unsigned)(v >> 8));
    put8(b, (unsigned)v);
}

static void put_header(struct buf *b, const struct mikey_msg *m)
{
    put8(b, MIKEY_VERSION);
    put8(b, m->type);
    put8(b, MIKEY_PL_T);
    put8(b, m->wants_verification ? VERIFY_FLAG : 0); /* PRF-MIKEY-1 */
    mikey_put32(b, m->csb_id);
    put8(b, m->cs_count);
    put8(b, 0); /* SRTP-ID */
    for (size_t i = 0; i < m->cs_count; i++) {
        put8(b, m->cs[i].policy_no);
        mikey_put32(b, m->cs[i].ssrc);
        mikey_put32(b, m->cs[i].roc);
    }
}

static void put_id(struct buf *b, const struct mikey_id *id)
{
    put8(b, id->type);
    put16(b, id->data.n);
    buf_put_slice(b, id->data);
}

/* What was not said, and no suite has a word for, is left out. */
static void put_policy(struct buf *b, const struct mikey_policy *p)
{
    const uint8_t params[][2] = {
        {MIKEY_SP_ENCR, p->encr},
        {MIKEY_SP_ENCR_KEY_LEN, p->encr_key_len},
        {MIKEY_SP_AUTH, p->auth},
        {MIKEY_SP_AUTH_KEY_LEN, p->auth == MIKEY_NOT_SAID ? MIKEY_NOT_SAID : 20},
        {MIKEY_SP_SALT_LEN, p->salt_len},
        {MIKEY_SP_SRTP_ENCR, p->srtp_encr},
        {MIKEY_SP_SRTCP_ENCR, p->srtcp_encr},
        {MIKEY_SP_SRTP_AUTH, p->srtp_auth},
        {MIKEY_SP_AUTH_TAG_LEN, p->auth_tag_len},
        {MIKEY_SP_AEAD_TAG_LEN, p->aead_tag_len},
    };
    uint8_t room[ARRAY_LEN(params) * 3];
    struct buf list = buf_over(room, sizeof(room));

    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        if (params[i][1] == MIKEY_NOT_SAID)
            continue;
        put8(&list, params[i][0]);
        put8(&list, 1);
        put8(&list, params[i][1]);
    }
    put8(b, p->number);
    put8(b, 0); /* SRTP */
    put16(b, list.n);
    buf_put_slice(b, buf_slice(&list));
}

/* Encrypted where it stands in b. Beside an envelope (s.3.2) with the sender's name, and a MAC of this
 * payload alone; else its MAC is over the whole message, which ends with it. */
static void put_kemac(struct printer *p)
{
    struct buf *b = p->b;
    const struct mikey_msg *m = p->m;
    const struct secret *key = p->seal->key;
    const bool enveloped = p->seal->peer;
    const size_t start = b->n - 1; /* where the next payload's number stands */

    put8(b, key ? MIKEY_ENCR_AES_CM_128 : MIKEY_ENCR_NULL);
    put16(b, (enveloped ? 4 + m->id[0].data.n : 0) + 4 + m->key.n);
    const size_t at = b->n;
    if (enveloped) {
        put8(b, MIKEY_PL_KEY_DATA);
        put_id(b, &m->id[0]);
    }
    put8(b, MIKEY_PL_LAST);
    put8(b, MIKEY_TGK << 4);
    put16(b, m->key.n);
    buf_put_slice(b, m->key);
    if (key && !b->overflow && mikey_crypt(m, key, (uint8_t *)b->p + at, b->n - at) < 0)
        b->overflow = true; /* nothing is sent that is not encrypted */
    put8(b, key ? MIKEY_MAC_HMAC_SHA1 : MIKEY_MAC_NULL);
    if (key)
        mikey_put_mac_from(b, enveloped ? start : 0, m, key);
}

static void put_envelope(struct printer *p)
{
    uint8_t room[CRYPTO_RSA_MAX];
    size_t n = 0;

    if (crypto_rsa_seal(p->seal->peer, p->seal->key, room, &n) < 0)
        p->b->overflow = true;
    put16(p->b, n); /* its key is not to be kept */
    buf_put(p->b, room, n);
}

static void put_verification(struct printer *p)
{
    put8(p->b, MIKEY_MAC_HMAC_SHA1);
    mikey_put_mac(p->b, p->seal->init, p->seal->key, p->seal->init);
}

static void put_payload(struct printer *p, uint8_t kind)
{
    const struct mikey_msg *m = p->m;

    switch ((enum mikey_payload)kind) {
    case MIKEY_PL_T:
        put8(p->b, 0); /* NTP-UTC */
        mikey_put64(p->b, m->time);
        return;
    case MIKEY_PL_RAND:
        put8(p->b, (unsigned)m->rand.n);
        buf_put_slice(p->b, m->rand);
        return;
    case MIKEY_PL_ID:
        put_id(p->b, &m->id[p->ids++]);
        return;
    case MIKEY_PL_CERT:
        put8(p->b, MIKEY_CERT_X509_SIGN);
        put16(p->b, crypto_rsa_cert(p->seal->own).n);
        buf_put_slice(p->b, crypto_rsa_cert(p->seal->own));
        return;
    case MIKEY_PL_SP:
        put_policy(p->b, &m->policy[0]);
        return;
    case MIKEY_PL_KEMAC:
        put_kemac(p);
        return;
    case MIKEY_PL_PKE:
        put_envelope(p);
        return;
    case MIKEY_PL_V:
        put_verification(p);
        return;
    case MIKEY_PL_LAST:
    case MIKEY_PL_DH:
    case MIKEY_PL_SIGN:
    case MIKEY_PL_CHASH:
    case MIKEY_PL_ERR:
    case MIKEY_PL_KEY_DATA:
    case MIKEY_PL_GENERAL_EXT:
        return; /* not in our messages, or not here */
    }
}

/* The payloads of each mode behind T, which is the first of all (s.3.1, 3.2; RFC 4738 s.3). */
static const uint8_t chains[MIKEY_TYPE_COUNT][CHAIN_MAX] = {
    [MIKEY_PSK_INIT] = {MIKEY_PL_RAND, MIKEY_PL_ID, MIKEY_PL_ID, MIKEY_PL_SP, MIKEY_PL_KEMAC},
    [MIKEY_PSK_RESP] = {MIKEY_PL_V},
    [MIKEY_PK_INIT] = {MIKEY_PL_RAND, MIKEY_PL_ID, MIKEY_PL_CERT, MIKEY_PL_ID, MIKEY_PL_SP,
                       MIKEY_PL_KEMAC, MIKEY_PL_PKE, MIKEY_PL_SIGN},
    [MIKEY_PK_RESP] = {MIKEY_PL_V},
    [MIKEY_RSA_R_INIT] = {MIKEY_PL_RAND, MIKEY_PL_ID, MIKEY_PL_CERT, MIKEY_PL_ID, MIKEY_PL_SP,
                          MIKEY_PL_SIGN},
    [MIKEY_RSA_R_RESP] = {MIKEY_PL_ID, MIKEY_PL_CERT, MIKEY_PL_KEMAC, MIKEY_PL_PKE, MIKEY_PL_SIGN},
};

/* Without the identities that m does not have, and the proof that there is no key for. */
static void chain_of(const struct mikey_msg *m, const struct mikey_seal *seal,
                     uint8_t ret[CHAIN_MAX + 1])
{
    size_t n = 0, ids = 0;

    ret[n++] = MIKEY_PL_T;
    for (const uint8_t *kind = chains[m->type]; *kind; kind++) {
        if ((*kind == MIKEY_PL_ID && ids++ >= m->id_count) || (*kind == MIKEY_PL_V && !seal->key))
            continue;
        ret[n++] = *kind;
    }
    ret[n] = MIKEY_PL_LAST;
}

void mikey_print(const struct mikey_msg *m, const struct mikey_seal *seal, struct buf *b)
{
    struct printer p = {.b = b, .m = m, .seal = seal};
    uint8_t chain[CHAIN_MAX + 1];

    chain_of(m, seal, chain);
    put_header(b, m);
    for (const uint8_t *kind = chain; *kind; kind++) {
        if (*kind == MIKEY_PL_SIGN) { /* names no next one */
            put16(b, MIKEY_SIGN_PKCS1 << 12 | crypto_rsa_sign_len(seal->own));
            mikey_put_sign(b, seal->own, seal->init);
            return;
        }
        put8(b, kind[1]);
        put_payload(&p, *kind);
    }
}
