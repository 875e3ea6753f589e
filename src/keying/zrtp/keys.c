#include "keying/zrtp/keys.h"

#include "crypto/hash.h"
#include "rtp/wire.h"

#define CONTEXT_MAX (2 * ZRTP_ZID_LEN + CRYPTO_DIGEST_MAX)

static const char *const role_name[ZRTP_ROLE_COUNT] = {"Initiator", "Responder"};

void zrtp_keys_wipe(struct zrtp_keys *k)
{
    secret_wipe(k, sizeof(*k));
}

static enum crypto_digest_kind digest_of(const struct zrtp_keys *k)
{
    return zrtp_digest_of(k->choice.of[ZRTP_HASH]);
}

static struct slice secret_slice(const struct secret *s)
{
    return slice_from(s->b, s->n);
}

/* s.4.5.1: HMAC(key, 1 || label || 0 || context || bits), the first n bytes. The longest that is
 * asked for is one digest, so the counter never moves. */
static void kdf(enum crypto_digest_kind d, const struct secret *key, const char *label,
                struct slice context, size_t n, struct secret *ret)
{
    static const uint8_t counter[4] = {0, 0, 0, 1}, zero;
    uint8_t bits[4], out[CRYPTO_DIGEST_MAX];
    const struct slice parts[] = {
        slice_from(counter, sizeof(counter)), slice_from_str(label), slice_from(&zero, 1), context,
        slice_from(bits, sizeof(bits)),
    };

    wire_put32(bits, (uint32_t)n * 8);
    crypto_hmac(d, secret_slice(key), parts, ARRAY_LEN(parts), out);
    ret->n = n;
    memcpy(ret->b, out, n);
    secret_wipe(out, sizeof(out));
}

/* KDF_Context: ZIDi || ZIDr || total_hash (s.4.4) */
static struct slice context_of(const struct zrtp_keys *k, uint8_t buf[CONTEXT_MAX])
{
    size_t hash_len = crypto_digest_len(digest_of(k));

    memcpy(buf, k->zids, sizeof(k->zids));
    memcpy(buf + sizeof(k->zids), k->total_hash, hash_len);
    return slice_from(buf, sizeof(k->zids) + hash_len);
}

static void derive(const struct zrtp_keys *k, const struct secret *from, const char *label,
                   size_t n, struct secret *ret)
{
    uint8_t buf[CONTEXT_MAX];

    kdf(digest_of(k), from, label, context_of(k, buf), n, ret);
}

/* --- retained secrets ---------------------------------------------------------------------------- */

void zrtp_secret_id(enum crypto_digest_kind d, enum zrtp_secret_kind kind, const struct secret *s,
                    enum zrtp_role role, const uint8_t h3[ZRTP_IMAGE_LEN], uint8_t ret[ZRTP_ID_LEN])
{
    uint8_t out[CRYPTO_DIGEST_MAX];
    struct slice text =
        kind == ZRTP_AUX ? slice_from(h3, ZRTP_IMAGE_LEN) : slice_from_str(role_name[role]);

    if (s->n == 0) {
        crypto_random(ret, ZRTP_ID_LEN);
        return;
    }
    crypto_hmac(d, secret_slice(s), &text, 1, out);
    memcpy(ret, out, ZRTP_ID_LEN);
}

/* A length of four bytes and the secret itself; a missing one is a length of 0. */
static size_t put_secret(struct slice *parts, uint8_t len[4], const struct secret *s)
{
    wire_put32(len, s ? (uint32_t)s->n : 0);
    parts[0] = slice_from(len, 4);
    if (!s || s->n == 0)
        return 1;
    parts[1] = secret_slice(s);
    return 2;
}

/* --- s0 ------------------------------------------------------------------------------------------ */

void zrtp_keys_from_dh(struct zrtp_keys *k, struct slice dh_result, const struct secret *s1,
                       const struct secret *s2, const struct secret *s3)
{
    static const uint8_t counter[4] = {0, 0, 0, 1};
    const struct secret *secrets[3] = {s1, s2, s3};
    uint8_t lens[3][4];
    struct slice parts[12] = {
        slice_from(counter, sizeof(counter)),
        dh_result,
        SLICE_LIT("ZRTP-HMAC-KDF"),
        slice_from(k->zids, sizeof(k->zids)),
        slice_from(k->total_hash, crypto_digest_len(digest_of(k))),
    };
    size_t n = 5;

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        n += put_secret(&parts[n], lens[i], secrets[i]);
    crypto_digest(digest_of(k), parts, n, k->s0.b);
    k->s0.n = crypto_digest_len(digest_of(k));
    zrtp_keys_derive(k);
}

void zrtp_keys_from_session(struct zrtp_keys *k, const struct secret *session)
{
    derive(k, session, "ZRTP MSK", crypto_digest_len(digest_of(k)), &k->s0);
    k->session = *session;
    zrtp_keys_derive(k);
}

void zrtp_preshared_key(enum crypto_digest_kind d, const struct zrtp_secrets *s, struct secret *ret)
{
    uint8_t lens[3][4];
    struct slice parts[6];
    size_t n = put_secret(&parts[0], lens[0], &s->of[ZRTP_RS1]);

    n += put_secret(&parts[n], lens[1], &s->of[ZRTP_AUX]);
    n += put_secret(&parts[n], lens[2], &s->of[ZRTP_PBX]);
    crypto_digest(d, parts, n, ret->b);
    ret->n = crypto_digest_len(d);
}

void zrtp_preshared_id(enum crypto_digest_kind d, const struct secret *preshared,
                       uint8_t ret[ZRTP_ID_LEN])
{
    uint8_t out[CRYPTO_DIGEST_MAX];
    struct slice text = SLICE_LIT("Prsh");

    crypto_hmac(d, secret_slice(preshared), &text, 1, out);
    memcpy(ret, out, ZRTP_ID_LEN);
}

void zrtp_keys_from_preshared(struct zrtp_keys *k, const struct secret *preshared)
{
    derive(k, preshared, "ZRTP PSK", crypto_digest_len(digest_of(k)), &k->s0);
    zrtp_keys_derive(k);
}

/* --- from s0 ------------------------------------------------------------------------------------- */

void zrtp_keys_derive(struct zrtp_keys *k)
{
    static const char *const labels[ZRTP_ROLE_COUNT][4] = {
        {"Initiator SRTP master key", "Initiator SRTP master salt", "Initiator HMAC key",
         "Initiator ZRTP key"},
        {"Responder SRTP master key", "Responder SRTP master salt", "Responder HMAC key",
         "Responder ZRTP key"},
    };
    size_t key_len = zrtp_cipher_key_len(k->choice.of[ZRTP_CIPHER]);
    size_t hash_len = crypto_digest_len(digest_of(k));
    struct secret sas;

    for (int i = 0; i < ZRTP_ROLE_COUNT; i++) {
        derive(k, &k->s0, labels[i][0], key_len, &k->srtp_key[i]);
        derive(k, &k->s0, labels[i][1], ZRTP_SALT_LEN, &k->srtp_salt[i]);
        derive(k, &k->s0, labels[i][2], hash_len, &k->mac_key[i]);
        derive(k, &k->s0, labels[i][3], key_len, &k->cfb_key[i]);
    }
    derive(k, &k->s0, "SAS", sizeof(k->sas_hash), &sas);
    memcpy(k->sas_hash, sas.b, sizeof(k->sas_hash));
    if (k->session.n == 0)
        derive(k, &k->s0, "ZRTP Session Key", hash_len, &k->session);
}

void zrtp_next_secret(const struct zrtp_keys *k, struct secret *ret)
{
    derive(k, &k->s0, "retained secret", ZRTP_SECRET_LEN, ret);
}

void zrtp_pbx_secret(const struct zrtp_keys *k, struct secret *ret)
{
    kdf(digest_of(k), &k->session, "Trusted MiTM key", slice_from(k->zids, sizeof(k->zids)),
        ZRTP_SECRET_LEN, ret);
}

void zrtp_keys_srtp(const struct zrtp_keys *k, enum zrtp_role role, struct srtp_keys *ret)
{
    const struct secret *key = &k->srtp_key[role], *salt = &k->srtp_salt[role];

    *ret = (struct srtp_keys){
        .suite = zrtp_suite_of(k->choice.of[ZRTP_CIPHER], k->choice.of[ZRTP_AUTH]),
    };
    if (ret->suite == SRTP_SUITE_NONE)
        return;
    memcpy(ret->master.b, key->b, key->n);
    memcpy(ret->master.b + key->n, salt->b, salt->n);
    ret->master.n = key->n + salt->n;
}
