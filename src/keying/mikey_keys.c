/* MIKEY's arithmetic: suites and policies, PRF, keys of crypto sessions, and what protects a message:
 * a pre-shared key or that of an envelope, and signatures. */
#include "crypto/ctr.h"
#include "crypto/digest.h"
#include "keying/mikey_wire.h"

/* --- policies ------------------------------------------------------------------------------------ */

enum { ENCR_AES_CM = 1, ENCR_AES_GCM = 6, AUTH_HMAC_SHA1 = 1 }; /* s.6.10.1, RFC 7714 s.14 */

/* What was not said is the default of s.6.10.1. */
static uint8_t said(uint8_t v, uint8_t otherwise)
{
    return v == MIKEY_NOT_SAID ? otherwise : v;
}

static const struct mikey_policy *policy_of(const struct mikey_msg *m, size_t cs)
{
    for (size_t i = 0; cs > 0 && cs <= m->cs_count && i < m->policy_count; i++) {
        if (m->policy[i].number == m->cs[cs - 1].policy_no)
            return &m->policy[i];
    }
    return NULL;
}

static bool suite_fits(const struct srtp_suite_info *i, const struct mikey_policy *p)
{
    bool is_gcm = i->salt_len == 12;

    if (said(p->encr, ENCR_AES_CM) != (is_gcm ? ENCR_AES_GCM : ENCR_AES_CM) ||
        said(p->encr_key_len, 16) != i->key_len || said(p->salt_len, i->salt_len) != i->salt_len)
        return false;
    if (is_gcm)
        return said(p->aead_tag_len, 16) == i->rtp_tag_len;
    return said(p->auth, AUTH_HMAC_SHA1) == AUTH_HMAC_SHA1 && said(p->srtp_auth, 1) == 1 &&
           said(p->auth_tag_len, 10) == i->rtp_tag_len;
}

enum srtp_suite mikey_suite_of(const struct mikey_msg *m, size_t cs)
{
    const struct mikey_policy *p = policy_of(m, cs);
    bool usual =
        p && said(p->srtp_encr, 1) == 1 && said(p->srtcp_encr, 1) == 1 && said(p->kdr, 0) == 0;

    for (int s = 1; usual && s < SRTP_SUITE_COUNT; s++) {
        if (suite_fits(srtp_suite_info((enum srtp_suite)s), p))
            return (enum srtp_suite)s;
    }
    return SRTP_SUITE_NONE;
}

bool mikey_policy_of(enum srtp_suite s, struct mikey_policy *ret)
{
    const struct srtp_suite_info *i = srtp_suite_info(s);
    struct mikey_policy p;

    if (s == SRTP_SUITE_NONE)
        return false;
    memset(&p, MIKEY_NOT_SAID, sizeof(p));
    p.number = 0;
    p.encr_key_len = i->key_len;
    p.salt_len = i->salt_len;
    p.srtp_encr = p.srtcp_encr = 1;
    if (i->salt_len == 12) {
        p.encr = ENCR_AES_GCM;
        p.aead_tag_len = i->rtp_tag_len;
    } else {
        p.encr = ENCR_AES_CM;
        p.auth = AUTH_HMAC_SHA1;
        p.srtp_auth = 1;
        p.auth_tag_len = i->rtp_tag_len;
    }
    *ret = p;
    return true;
}

/* --- the pseudo-random function ------------------------------------------------------------------ */

#define PRF_BLOCK 32 /* s.4.1.2: 256 bits of key at a time */

/* P(s, label, m), xored into ret. */
static void prf_part(struct slice key, struct slice label, size_t n, uint8_t *ret)
{
    uint8_t a[CRYPTO_DIGEST_MAX], out[CRYPTO_DIGEST_MAX];
    struct slice a_slice = label;

    for (size_t at = 0; at < n; at += MIKEY_MAC_LEN) {
        crypto_hmac(CRYPTO_DIGEST_SHA1, key, &a_slice, 1, a);
        a_slice = slice_from(a, MIKEY_MAC_LEN);
        const struct slice parts[] = {a_slice, label};
        crypto_hmac(CRYPTO_DIGEST_SHA1, key, parts, 2, out);
        for (size_t i = 0; i < MIKEY_MAC_LEN && at + i < n; i++)
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

void mikey_put32(struct buf *b, uint32_t v)
{
    const uint8_t bytes[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    buf_put(b, bytes, sizeof(bytes));
}

void mikey_put64(struct buf *b, uint64_t v)
{
    mikey_put32(b, (uint32_t)(v >> 32));
    mikey_put32(b, (uint32_t)v);
}

/* s.4.1.3 and 4.1.4; the second have 0xff in the place of a crypto session. */
enum {
    TGK_TEK = 0x2ad01c64u,
    TGK_SALT = 0x39a2c14b,
    PSK_ENCR = 0x150533e1,
    PSK_AUTH = 0x2d22ac75,
    PSK_SALT = 0x29b88916
};
#define NO_CS 0xff

static void derive(uint32_t constant, struct slice from, uint8_t cs_id, const struct mikey_msg *m,
                   size_t n, uint8_t *ret)
{
    char label[9 + UINT8_MAX];
    struct buf b = buf_over(label, sizeof(label));

    mikey_put32(&b, constant);
    buf_put_char(&b, (char)cs_id);
    mikey_put32(&b, m->csb_id);
    buf_put_slice(&b, m->rand);
    mikey_prf(from, buf_slice(&b), n, ret);
}

void mikey_srtp_keys(const struct mikey_msg *m, enum srtp_suite suite, uint8_t cs_id,
                     struct srtp_keys *ret)
{
    const struct srtp_suite_info *i = srtp_suite_info(suite);

    *ret = (struct srtp_keys){.suite = suite};
    uint8_t *salt = ret->master.b + i->key_len;

    ret->master.n = (size_t)i->key_len + i->salt_len;
    derive(TGK_TEK, m->key, cs_id, m, i->key_len, ret->master.b);
    if (m->salt.n == i->salt_len)
        memcpy(salt, m->salt.p, i->salt_len);
    else
        derive(TGK_SALT, m->key, cs_id, m, i->salt_len, salt);
}

/* --- under a pre-shared key ---------------------------------------------------------------------- */

static struct slice psk_slice(const struct secret *psk)
{
    return slice_from(psk->b, psk->n);
}

int mikey_crypt(const struct mikey_msg *m, const struct secret *psk, uint8_t *data, size_t n)
{
    enum { SALT_LEN = 14 };
    uint8_t key[CRYPTO_CTR_LEN], iv[CRYPTO_CTR_LEN] = {0}, block[SALT_LEN];
    struct buf b = buf_over(block, sizeof(block));

    /* s.4.2.3: IV = (S xor (0x0000 || CSB ID || T)) || 0x0000 */
    buf_put(&b, "\0\0", 2);
    mikey_put32(&b, m->csb_id);
    mikey_put64(&b, m->time);
    derive(PSK_ENCR, psk_slice(psk), NO_CS, m, sizeof(key), key);
    derive(PSK_SALT, psk_slice(psk), NO_CS, m, SALT_LEN, iv);
    for (size_t i = 0; i < SALT_LEN; i++)
        iv[i] ^= block[i];
    int r = crypto_ctr_aes128(key, iv, data, n);
    secret_wipe(key, sizeof(key));
    secret_wipe(iv, sizeof(iv));
    return r;
}

#define PARTS_MAX (2 + MIKEY_IDS_MAX)
#define TIME_LEN 8

/* s.5.2: what answers is authenticated over identities and time of the message that it answers as
 * well. parts[0] is set; returns how many there are. */
static size_t cover_init(struct slice parts[PARTS_MAX], const struct mikey_msg *init,
                         uint8_t time[TIME_LEN])
{
    struct buf b = buf_over(time, TIME_LEN);
    size_t n = 1;

    for (size_t i = 0; init && i < init->id_count; i++)
        parts[n++] = init->id[i].data;
    if (init) {
        mikey_put64(&b, init->time);
        parts[n++] = buf_slice(&b);
    }
    return n;
}

static void make_mac(struct slice covered, const struct mikey_msg *m, const struct secret *psk,
                     const struct mikey_msg *init, uint8_t ret[MIKEY_MAC_LEN])
{
    uint8_t key[MIKEY_MAC_LEN], time[TIME_LEN];
    struct slice parts[PARTS_MAX] = {covered};
    size_t n = cover_init(parts, init, time);

    derive(PSK_AUTH, psk_slice(psk), NO_CS, m, sizeof(key), key);
    crypto_hmac(CRYPTO_DIGEST_SHA1, slice_from(key, sizeof(key)), parts, n, ret);
    secret_wipe(key, sizeof(key));
}

void mikey_put_mac(struct buf *b, const struct mikey_msg *m, const struct secret *psk,
                   const struct mikey_msg *init)
{
    uint8_t mac[MIKEY_MAC_LEN];

    make_mac(buf_slice(b), m, psk, init, mac);
    buf_put(b, mac, sizeof(mac));
}

void mikey_put_mac_from(struct buf *b, size_t at, const struct mikey_msg *m,
                        const struct secret *env)
{
    uint8_t mac[MIKEY_MAC_LEN];

    make_mac(slice_skip(buf_slice(b), at), m, env, NULL, mac);
    buf_put(b, mac, sizeof(mac));
}

bool mikey_mac_fits(const struct mikey_msg *m, const struct secret *psk,
                    const struct mikey_msg *init)
{
    uint8_t mac[MIKEY_MAC_LEN];

    if (m->mac.n != sizeof(mac))
        return false;
    make_mac(m->covered, init ? init : m, psk, init, mac);
    return secret_eq(mac, m->mac.p, sizeof(mac));
}

/* Key data in clear. 0, MIKEY_BAD_PAYLOAD, -EIO. */
static int decrypt(const struct mikey_msg *m, const struct secret *key, uint8_t *room)
{
    if (m->kemac_encr != MIKEY_ENCR_AES_CM_128)
        return MIKEY_BAD_PAYLOAD;
    if (m->kemac_data.n) /* memcpy from NULL is not allowed */
        memcpy(room, m->kemac_data.p, m->kemac_data.n);
    return mikey_crypt(m, key, room, m->kemac_data.n);
}

int mikey_kemac_open(struct mikey_msg *m, const struct secret *psk, uint8_t *room)
{
    if (m->kemac_encr == MIKEY_ENCR_NULL)
        return mikey_keys_parse(m->kemac_data, m);
    int r = decrypt(m, psk, room);
    return r ? r : mikey_keys_parse(slice_from(room, m->kemac_data.n), m);
}

/* --- under certificates -------------------------------------------------------------------------- */

bool mikey_kemac_fits(const struct mikey_msg *m, const struct secret *env)
{
    uint8_t mac[MIKEY_MAC_LEN];

    if (m->mac.n != sizeof(mac))
        return false;
    make_mac(m->kemac, m, env, NULL, mac);
    return secret_eq(mac, m->mac.p, sizeof(mac));
}

int mikey_envelope_open(struct mikey_msg *m, const struct secret *env, uint8_t *room,
                        struct mikey_id *ret)
{
    int r = decrypt(m, env, room);

    return r ? r : mikey_named_keys_parse(slice_from(room, m->kemac_data.n), m, ret);
}

bool mikey_sign_fits(const struct mikey_msg *m, const struct crypto_rsa_peer *peer,
                     const struct mikey_msg *init)
{
    uint8_t time[TIME_LEN];
    struct slice parts[PARTS_MAX] = {m->signed_part};
    size_t n = cover_init(parts, init, time);

    return m->sign.n && m->sign_type == MIKEY_SIGN_PKCS1 &&
           crypto_rsa_verify(peer, parts, n, m->sign);
}

void mikey_put_sign(struct buf *b, const struct crypto_rsa *own, const struct mikey_msg *init)
{
    uint8_t sign[CRYPTO_RSA_MAX], time[TIME_LEN];
    struct slice parts[PARTS_MAX] = {buf_slice(b)};
    size_t n = cover_init(parts, init, time), len = 0;

    if (b->overflow || crypto_rsa_sign(own, parts, n, sign, &len) < 0)
        b->overflow = true; /* nothing is sent that is not signed */
    buf_put(b, sign, len);
}
