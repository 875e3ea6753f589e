/* From both DHParts, or from a Commit without them, to keys (RFC 6189 s.4.3, 4.4). */
#include "crypto/hash.h"
#include "keying/zrtp/machine.h"

void zrtp_keys_prepare(struct zrtp *z, bool with_dh)
{
    /* s.4.4.1.4: the responder's Hello, Commit, DHPart1, DHPart2 */
    struct slice parts[] = {
        zrtp_blob_slice(zrtp_is_initiator(z) ? &z->peer_hello : &z->hello),
        zrtp_blob_slice(&z->commit),
        zrtp_blob_slice(&z->dhpart[ZRTP_RESPONDER]),
        zrtp_blob_slice(&z->dhpart[ZRTP_INITIATOR]),
    };

    zrtp_keys_wipe(&z->keys);
    z->keys.choice = z->choice;
    memcpy(z->keys.zids[z->role], z->cfg.zid, ZRTP_ZID_LEN);
    memcpy(z->keys.zids[zrtp_peer_role(z)], z->peer.zid, ZRTP_ZID_LEN);
    crypto_digest(zrtp_digest(z), parts, with_dh ? 4 : 2, z->keys.total_hash);
}

void zrtp_keys_without_dh(struct zrtp *z)
{
    zrtp_keys_prepare(z, false);
    if (z->choice.of[ZRTP_KEY_AGREEMENT] == ZRTP_MULT)
        zrtp_keys_from_session(&z->keys, &z->cfg.session);
    else
        zrtp_keys_from_preshared(&z->keys, &z->preshared);
    z->matched[ZRTP_RS1] = z->choice.of[ZRTP_KEY_AGREEMENT] == ZRTP_PRSH;
    z->matched_rs = ZRTP_RS1;
}

/* --- which secrets both have (s.4.3) ------------------------------------------------------------- */

/* What the peer would call our secret. */
static bool id_is_ours(struct zrtp *z, enum zrtp_secret_kind kind, const uint8_t id[ZRTP_ID_LEN])
{
    uint8_t expected[ZRTP_ID_LEN];

    if (z->secrets.of[kind].n == 0)
        return false;
    zrtp_secret_id(zrtp_digest(z), kind, &z->secrets.of[kind], zrtp_peer_role(z), z->peer_h[3],
                   expected);
    return secret_eq(expected, id, ZRTP_ID_LEN);
}

/* The initiator's order decides which retained secret is s1 (s.4.3.2), so the loops change
 * places with the role. */
static bool match_retained(struct zrtp *z, const uint8_t ids[ZRTP_SECRET_KINDS][ZRTP_ID_LEN])
{
    for (int first = ZRTP_RS1; first <= ZRTP_RS2; first++) {
        for (int second = ZRTP_RS1; second <= ZRTP_RS2; second++) {
            int ours = zrtp_is_initiator(z) ? first : second;
            int theirs = zrtp_is_initiator(z) ? second : first;
            if (id_is_ours(z, (enum zrtp_secret_kind)ours, ids[theirs])) {
                z->matched_rs = (uint8_t)ours;
                return true;
            }
        }
    }
    return false;
}

static void match(struct zrtp *z, const uint8_t ids[ZRTP_SECRET_KINDS][ZRTP_ID_LEN])
{
    z->matched[ZRTP_RS1] = match_retained(z, ids);
    z->matched[ZRTP_AUX] = id_is_ours(z, ZRTP_AUX, ids[ZRTP_AUX]);
    z->matched[ZRTP_PBX] = id_is_ours(z, ZRTP_PBX, ids[ZRTP_PBX]);
}

/* 0, or an Error's code. */
static uint32_t agree(struct zrtp *z, const struct zrtp_dhpart *d)
{
    const struct secret *s = z->secrets.of;
    uint8_t shared[CRYPTO_DH_SHARED_MAX];

    if (crypto_dh_agree(z->dh, d->public_value, shared) != CRYPTO_DH_OK)
        return 0x61;
    match(z, d->ids);
    zrtp_keys_prepare(z, true);
    zrtp_keys_from_dh(&z->keys, slice_from(shared, crypto_dh_shared_len(zrtp_group_of(z->dh_kind))),
                      z->matched[ZRTP_RS1] ? &s[z->matched_rs] : NULL,
                      z->matched[ZRTP_AUX] ? &s[ZRTP_AUX] : NULL,
                      z->matched[ZRTP_PBX] ? &s[ZRTP_PBX] : NULL);
    secret_wipe(shared, sizeof(shared));
    z->dh = crypto_dh_free(z->dh);
    return 0;
}

static const char bad_public[] = "the peer's public value in the ZRTP key agreement is not valid";

/* --- initiator ----------------------------------------------------------------------------------- */

enum zrtp_outcome zrtp_act_dhpart1(struct zrtp *z)
{
    const struct zrtp_dhpart *d = &z->msg->dhpart;
    uint8_t h2[CRYPTO_SHA256_LEN], h3[CRYPTO_SHA256_LEN];
    struct slice image = slice_from(d->h1, ZRTP_IMAGE_LEN);

    if (!zrtp_is_dh(z->choice.of[ZRTP_KEY_AGREEMENT]))
        return zrtp_drop(z, "a DHPart1 came in a mode that has none");
    crypto_sha256(&image, 1, h2);
    image = slice_from(h2, sizeof(h2));
    crypto_sha256(&image, 1, h3);
    if (memcmp(h3, z->peer_h[3], sizeof(h3)) != 0 ||
        !zrtp_mac_holds(zrtp_blob_slice(&z->peer_hello), h2))
        return zrtp_drop(z, "a ZRTP DHPart1 does not belong to the Hello before it");
    zrtp_keep(&z->dhpart[ZRTP_RESPONDER], z->message);
    uint32_t code = agree(z, d);
    if (code)
        return zrtp_break(z, code, bad_public);
    memcpy(z->peer_h[1], d->h1, ZRTP_IMAGE_LEN);
    memcpy(z->peer_h[2], h2, ZRTP_IMAGE_LEN);
    zrtp_insist(z, zrtp_blob_slice(&z->dhpart[ZRTP_INITIATOR]));
    return ZRTP_GO;
}

/* --- responder ----------------------------------------------------------------------------------- */

/* s.4.4.1.1: the initiator may not choose its value after it has seen ours. */
static bool commitment_holds(const struct zrtp *z)
{
    struct slice parts[] = {z->message, zrtp_blob_slice(&z->hello)};
    uint8_t hash[CRYPTO_DIGEST_MAX];

    crypto_digest(zrtp_digest(z), parts, ARRAY_LEN(parts), hash);
    return memcmp(hash, z->hvi, ZRTP_HVI_LEN) == 0;
}

enum zrtp_outcome zrtp_act_dhpart2(struct zrtp *z)
{
    const struct zrtp_dhpart *d = &z->msg->dhpart;
    uint8_t h2[CRYPTO_SHA256_LEN];
    struct slice image = slice_from(d->h1, ZRTP_IMAGE_LEN);

    crypto_sha256(&image, 1, h2);
    if (memcmp(h2, z->peer_h[2], sizeof(h2)) != 0 ||
        !zrtp_mac_holds(zrtp_blob_slice(&z->commit), d->h1))
        return zrtp_drop(z, "a ZRTP DHPart2 does not belong to the Commit before it");
    if (!commitment_holds(z))
        return zrtp_break(z, 0x62, "the peer's ZRTP key is not the one that it committed to");
    zrtp_keep(&z->dhpart[ZRTP_INITIATOR], z->message);
    uint32_t code = agree(z, d);
    if (code)
        return zrtp_break(z, code, bad_public);
    memcpy(z->peer_h[1], d->h1, ZRTP_IMAGE_LEN);
    zrtp_confirm_write(z, ZRTP_CONFIRM1, &z->last);
    zrtp_say(z, zrtp_blob_slice(&z->last));
    zrtp_guard(z, ZRTP_PEER_MS);
    return ZRTP_GO;
}
