/* Confirmation (RFC 6189 s.4.5, 4.6): both prove that they have the keys, show the end of their hash
 * chain, and keep a secret for the next call. */
#include <assert.h>

#include "crypto/hash.h"
#include "keying/zrtp/machine.h"

static void sealed_mac(const struct zrtp *z, enum zrtp_role role, struct slice text,
                       uint8_t ret[CRYPTO_DIGEST_MAX])
{
    const struct secret *key = &z->keys.mac_key[role];

    crypto_hmac(zrtp_digest(z), slice_from(key->b, key->n), &text, 1, ret);
}

static bool cfb(const struct zrtp *z, enum zrtp_role role, bool encrypt, const uint8_t *iv,
                uint8_t *text, size_t n)
{
    const struct secret *key = &z->keys.cfb_key[role];

    return crypto_cfb(zrtp_cfb_of(z->choice.of[ZRTP_CIPHER]), encrypt, slice_from(key->b, key->n),
                      iv, text, n) == 0;
}

bool zrtp_seal(struct zrtp *z, struct zrtp_msg *m, uint8_t *text, size_t n)
{
    uint8_t mac[CRYPTO_DIGEST_MAX];

    crypto_random(m->sealed.iv, sizeof(m->sealed.iv));
    if (!cfb(z, (enum zrtp_role)z->role, true, m->sealed.iv, text, n))
        return false;
    m->sealed.text = slice_from(text, n);
    sealed_mac(z, (enum zrtp_role)z->role, m->sealed.text, mac);
    memcpy(m->sealed.mac, mac, ZRTP_MAC_LEN);
    return true;
}

bool zrtp_open(struct zrtp *z, const struct zrtp_sealed *s, uint8_t *ret_text)
{
    uint8_t mac[CRYPTO_DIGEST_MAX];
    enum zrtp_role role = zrtp_peer_role(z);

    sealed_mac(z, role, s->text, mac);
    if (!secret_eq(mac, s->mac, ZRTP_MAC_LEN))
        return false;
    memcpy(ret_text, s->text.p, s->text.n);
    return cfb(z, role, false, s->iv, ret_text, s->text.n);
}

static bool is_multistream(const struct zrtp *z)
{
    return z->choice.of[ZRTP_KEY_AGREEMENT] == ZRTP_MULT;
}

/* s.7.3.1. One who is enrolled is not asked again: a new secret that the phone does not take up
 * would end the enrolment. */
static bool asks_to_enroll(const struct zrtp *z)
{
    return z->cfg.ask_enroll && !is_multistream(z) && !z->matched[ZRTP_PBX];
}

void zrtp_confirm_write(struct zrtp *z, enum zrtp_kind k, struct zrtp_blob *blob)
{
    struct zrtp_msg m = {.kind = k};
    uint8_t text[ZRTP_CONFIRM_TEXT_LEN];
    struct zrtp_confirm c = {
        .enroll = asks_to_enroll(z),
        .verified = z->secrets.verified && z->matched[ZRTP_RS1],
        .allow_clear = z->cfg.allow_clear,
        .expiry = ZRTP_EXPIRY_NEVER,
    };

    memcpy(c.h0, z->h[0], ZRTP_IMAGE_LEN);
    zrtp_confirm_print(&c, text);
    bool sealed = zrtp_seal(z, &m, text, sizeof(text));
    assert(sealed); /* key lengths are the table's */
    (void)sealed;
    zrtp_write(&m, NULL, blob);
    secret_wipe(&c, sizeof(c));
}

static bool is_mismatch(const struct zrtp *z)
{
    return !z->matched[ZRTP_RS1] && z->secrets.of[ZRTP_RS1].n > 0;
}

/* --- the peer's ---------------------------------------------------------------------------------- */

/* H0 must lead to every image and open every MAC that came before (s.9). */
static bool chain_holds(struct zrtp *z, const uint8_t h0[ZRTP_IMAGE_LEN])
{
    uint8_t h[4][ZRTP_IMAGE_LEN];

    memcpy(h[0], h0, ZRTP_IMAGE_LEN);
    for (int i = 1; i < 4; i++) {
        struct slice image = slice_from(h[i - 1], ZRTP_IMAGE_LEN);
        crypto_sha256(&image, 1, h[i]);
    }
    if (memcmp(h[3], z->peer_h[3], ZRTP_IMAGE_LEN) != 0 ||
        !zrtp_mac_holds(zrtp_blob_slice(&z->peer_hello), h[2]))
        return false;
    if (zrtp_is_dh(z->choice.of[ZRTP_KEY_AGREEMENT]))
        return memcmp(h[1], z->peer_h[1], ZRTP_IMAGE_LEN) == 0 &&
               zrtp_mac_holds(zrtp_blob_slice(&z->dhpart[zrtp_peer_role(z)]), h[0]);
    return zrtp_is_initiator(z) || zrtp_mac_holds(zrtp_blob_slice(&z->commit), h[1]);
}

static enum zrtp_outcome confirm_take(struct zrtp *z)
{
    uint8_t text[ZRTP_MESSAGE_MAX];
    struct zrtp_confirm c;

    if (!zrtp_open(z, &z->msg->sealed, text))
        return zrtp_break(
            z, 0x70, "the peer's ZRTP confirmation is not authentic: someone may be listening");
    if (zrtp_confirm_parse(slice_from(text, z->msg->sealed.text.n), &c) != ZRTP_MSG_OK)
        return zrtp_break(z, 0x10, "the peer's ZRTP confirmation is malformed");
    if (!chain_holds(z, c.h0))
        return zrtp_break(z, 0x70, "the peer's ZRTP messages are not all from the same hand");
    z->peer_confirm = c;
    if (!is_multistream(z) && is_mismatch(z)) {
        z->secrets.verified = false; /* s.4.6.1.1: and nothing is kept until people say so */
        z->save_later = true;
    }
    zrtp_result_fill(z);
    return ZRTP_GO;
}

/* --- results ------------------------------------------------------------------------------------- */

void zrtp_result_fill(struct zrtp *z)
{
    struct zrtp_result *r = &z->result;
    struct buf sas = buf_over(r->sas, sizeof(r->sas) - 1);

    secret_wipe(r, sizeof(*r));
    zrtp_keys_srtp(&z->keys, (enum zrtp_role)z->role, &r->tx);
    zrtp_keys_srtp(&z->keys, zrtp_peer_role(z), &r->rx);
    r->choice = z->choice;
    r->session = z->keys.session;
    memcpy(r->peer_zid, z->peer.zid, sizeof(r->peer_zid));
    r->peer_is_mitm = z->peer.is_mitm;
    r->peer_discloses = z->peer_confirm.disclosure;
    if (is_multistream(z))
        return; /* s.4.4.3: the first stream's SAS speaks for this one */
    zrtp_sas_print(z->choice.of[ZRTP_SAS], z->keys.sas_hash, &sas);
    memcpy(r->sas_hash, z->keys.sas_hash, sizeof(r->sas_hash));
    r->cache_mismatch = is_mismatch(z);
    r->sas_verified = z->matched[ZRTP_RS1] && z->secrets.verified && z->peer_confirm.verified;
    r->pbx_matched = z->matched[ZRTP_PBX];
    r->enroll_offered = z->peer_confirm.enroll;
}

/* s.4.6.1: the secret before stays beside the new one, because the peer may not have got so far. */
static void secrets_turn(struct zrtp *z)
{
    struct secret *s = z->secrets.of;

    if (is_multistream(z))
        return;
    s[ZRTP_RS2] = z->matched[ZRTP_RS1] ? s[z->matched_rs] : s[ZRTP_RS1];
    zrtp_next_secret(&z->keys, &s[ZRTP_RS1]);
    if (asks_to_enroll(z) || (z->cfg.accept_enroll && z->peer_confirm.enroll))
        zrtp_pbx_secret(&z->keys, &s[ZRTP_PBX]);
    /* s.4.9: an expiry of 0 asks that nothing is kept */
    z->save = !z->save_later && z->peer_confirm.expiry != 0;
}

enum zrtp_outcome zrtp_act_confirm1(struct zrtp *z)
{
    enum zrtp_outcome o = confirm_take(z);

    if (o != ZRTP_GO)
        return o;
    zrtp_confirm_write(z, ZRTP_CONFIRM2, &z->last);
    zrtp_insist(z, zrtp_blob_slice(&z->last));
    z->news = ZRTP_NEWS_SECURE;
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_confirm1b(struct zrtp *z)
{
    if (zrtp_is_dh(z->choice.of[ZRTP_KEY_AGREEMENT]))
        return zrtp_drop(z, "a ZRTP Confirm1 came before the key agreement");
    zrtp_keys_without_dh(z);
    return zrtp_act_confirm1(z);
}

enum zrtp_outcome zrtp_act_confirm2(struct zrtp *z)
{
    enum zrtp_outcome o = confirm_take(z);

    if (o != ZRTP_GO)
        return o;
    zrtp_hush(z);
    zrtp_say_kind(z, ZRTP_CONF2ACK);
    secrets_turn(z);
    z->news = ZRTP_NEWS_SECURE;
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_done(struct zrtp *z)
{
    zrtp_hush(z);
    secrets_turn(z);
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_ack2(struct zrtp *z)
{
    if (zrtp_is_initiator(z))
        return zrtp_drop(z, "a ZRTP Confirm2 came from the responder");
    zrtp_say_kind(z, ZRTP_CONF2ACK);
    return ZRTP_STAY;
}
