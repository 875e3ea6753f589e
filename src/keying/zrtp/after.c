/* What may follow an agreement, or end one: Error (RFC 6189 s.5.9), GoClear (s.4.7.2), SASrelay
 * (s.7.3), Ping (s.5.15). */
#include "crypto/hash.h"
#include "keying/zrtp/machine.h"

/* --- Error --------------------------------------------------------------------------------------- */

static const struct {
    uint32_t code;
    const char *why;
} errors[] = {
    {0x10, "the peer could not read one of our ZRTP messages"},
    {0x20, "the peer reports an internal ZRTP error"},
    {0x30, "the peer does not support this version of ZRTP"},
    {0x40, "the peer misses a component in our ZRTP Hello"},
    {0x51, "the peer does not support the chosen ZRTP hash"},
    {0x52, "the peer does not support the chosen ZRTP cipher"},
    {0x53, "the peer does not support the chosen ZRTP key agreement"},
    {0x54, "the peer does not support the chosen SRTP authentication tag"},
    {0x55, "the peer does not support the chosen SAS"},
    {0x56, "the peer does not know the shared secret"},
    {0x61, "the peer found our public value not valid"},
    {0x62, "the peer found our key not to be the one that we committed to"},
    {0x63, "the peer does not trust us to relay a SAS"},
    {0x70, "the peer found our ZRTP confirmation not authentic: someone may be listening"},
    {0x80, "the peer saw a nonce a second time"},
    {0x90, "the peer has the same ZRTP identifier as we"},
    {0x91, "the peer reports colliding SSRCs"},
    {0xa0, "the peer's ZRTP is not available"},
    {0xb0, "the peer waited in vain for a ZRTP message"},
    {0x100, "the peer does not allow to go on in clear"},
};

enum zrtp_outcome zrtp_act_error(struct zrtp *z)
{
    const char *why = "the peer gave up ZRTP with an unknown error";

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (errors[i].code == z->msg->error)
            why = errors[i].why;
    }
    zrtp_say_kind(z, ZRTP_ERRORACK);
    return zrtp_break(z, 0, why);
}

enum zrtp_outcome zrtp_act_error_late(struct zrtp *z)
{
    zrtp_say_kind(z, ZRTP_ERRORACK);
    if (z->state == ZRTP_FAILING || z->state == ZRTP_CLEARING)
        zrtp_hush(z);
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_error_done(struct zrtp *z)
{
    zrtp_hush(z);
    return ZRTP_GO;
}

/* --- GoClear ------------------------------------------------------------------------------------- */

static void clear_mac(const struct zrtp *z, enum zrtp_role role, uint8_t ret[CRYPTO_DIGEST_MAX])
{
    const struct secret *key = &z->keys.mac_key[role];
    struct slice text = SLICE_LIT("GoClear ");

    crypto_hmac(zrtp_digest(z), slice_from(key->b, key->n), &text, 1, ret);
}

enum zrtp_outcome zrtp_act_goclear(struct zrtp *z)
{
    struct zrtp_msg m = {.kind = ZRTP_GOCLEAR};
    uint8_t mac[CRYPTO_DIGEST_MAX];
    struct zrtp_blob blob;

    clear_mac(z, (enum zrtp_role)z->role, mac);
    memcpy(m.clear_mac, mac, ZRTP_MAC_LEN);
    zrtp_write(&m, NULL, &blob);
    zrtp_insist(z, zrtp_blob_slice(&blob));
    return ZRTP_GO;
}

static enum zrtp_outcome now_clear(struct zrtp *z)
{
    zrtp_hush(z);
    zrtp_keys_wipe(&z->keys);
    secret_wipe(&z->result, sizeof(z->result));
    z->news = ZRTP_NEWS_CLEARED;
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_clear(struct zrtp *z)
{
    struct zrtp_msg refusal = {.kind = ZRTP_ERROR, .error = 0x100};
    uint8_t mac[CRYPTO_DIGEST_MAX];
    struct zrtp_blob blob;

    clear_mac(z, zrtp_peer_role(z), mac);
    if (!secret_eq(mac, z->msg->clear_mac, ZRTP_MAC_LEN))
        return zrtp_drop(z, "a GoClear is not authentic");
    if (!z->cfg.allow_clear) {
        zrtp_write(&refusal, NULL, &blob);
        zrtp_say(z, zrtp_blob_slice(&blob));
        return zrtp_drop(z, "the peer asked to go on in clear, which is not allowed here");
    }
    zrtp_say_kind(z, ZRTP_CLEARACK);
    return now_clear(z);
}

enum zrtp_outcome zrtp_act_reclear(struct zrtp *z)
{
    zrtp_say_kind(z, ZRTP_CLEARACK);
    return ZRTP_STAY;
}

enum zrtp_outcome zrtp_act_cleared(struct zrtp *z)
{
    return now_clear(z);
}

/* --- SASrelay ------------------------------------------------------------------------------------ */

enum zrtp_outcome zrtp_act_relay(struct zrtp *z)
{
    struct zrtp_msg m = {.kind = ZRTP_SASRELAY};
    uint8_t text[ZRTP_RELAY_TEXT_LEN];
    struct zrtp_blob blob;

    zrtp_relay_print(&z->relay, text);
    if (!zrtp_seal(z, &m, text, sizeof(text)))
        return zrtp_drop(z, "a SASrelay could not be encrypted");
    zrtp_write(&m, NULL, &blob);
    zrtp_insist(z, zrtp_blob_slice(&blob));
    return ZRTP_GO;
}

enum zrtp_outcome zrtp_act_relayed(struct zrtp *z)
{
    zrtp_hush(z);
    return ZRTP_GO;
}

/* s.7.3: only from one that says it relays and that we are enrolled at; a SAS from anyone else would
 * be a man in the middle's way to make two different keys look the same. */
enum zrtp_outcome zrtp_act_sas(struct zrtp *z)
{
    uint8_t text[ZRTP_MESSAGE_MAX];
    struct zrtp_relay r;
    struct buf sas = buf_over(z->result.sas, sizeof(z->result.sas) - 1);

    if (!z->peer.is_mitm || !z->matched[ZRTP_PBX])
        return zrtp_drop(z, "a SAS was relayed by a peer that is not trusted to do so");
    if (!zrtp_open(z, &z->msg->sealed, text) ||
        zrtp_relay_parse(slice_from(text, z->msg->sealed.text.n), &r) != ZRTP_MSG_OK || !r.sas)
        return zrtp_drop(z, "a SASrelay is not authentic or not readable");
    zrtp_say_kind(z, ZRTP_RELAYACK);
    if (z->result.sas_relayed && memcmp(z->result.sas_hash, r.sas_hash, sizeof(r.sas_hash)) == 0)
        return ZRTP_STAY; /* again */
    memset(z->result.sas, 0, sizeof(z->result.sas));
    zrtp_sas_print(r.sas, r.sas_hash, &sas);
    memcpy(z->result.sas_hash, r.sas_hash, sizeof(r.sas_hash));
    z->result.sas_relayed = true;
    z->result.sas_verified = z->result.sas_verified && r.verified;
    z->news = ZRTP_NEWS_CHANGED;
    return ZRTP_STAY;
}

/* --- Ping ---------------------------------------------------------------------------------------- */

enum zrtp_outcome zrtp_act_ping(struct zrtp *z)
{
    struct zrtp_msg m = {.kind = ZRTP_PINGACK};
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct slice zid = slice_from(z->cfg.zid, ZRTP_ZID_LEN);
    struct zrtp_blob blob;

    crypto_sha256(&zid, 1, hash);
    memcpy(m.ping.version, "1.10", ZRTP_VERSION_LEN);
    memcpy(m.ping.endpoint, hash, ZRTP_ID_LEN);
    memcpy(m.ping.received, z->msg->ping.endpoint, ZRTP_ID_LEN);
    m.ping.ssrc = z->ssrc;
    zrtp_write(&m, NULL, &blob);
    zrtp_say(z, zrtp_blob_slice(&blob));
    return ZRTP_STAY;
}
