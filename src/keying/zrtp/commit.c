/* Who commits to what (RFC 6189 s.4.2, 4.4). */
#include "crypto/hash.h"
#include "keying/zrtp/machine.h"

/* --- our part of a key agreement ----------------------------------------------------------------- */

static int dh_make(struct zrtp *z)
{
    uint8_t kind = z->choice.of[ZRTP_KEY_AGREEMENT];

    if (z->dh && z->dh_kind == kind)
        return 0; /* s.4.1.2: not computed twice when the roles change */
    z->dh = crypto_dh_free(z->dh);
    z->dh_kind = kind;
    return crypto_dh_new(zrtp_group_of(kind), &z->dh);
}

/* DHPart1 or DHPart2, by z->role. */
static void dhpart_write(struct zrtp *z)
{
    enum zrtp_role role = (enum zrtp_role)z->role;
    struct zrtp_msg m = {.kind = role == ZRTP_INITIATOR ? ZRTP_DHPART2 : ZRTP_DHPART1};

    memcpy(m.dhpart.h1, z->h[1], ZRTP_IMAGE_LEN);
    for (int i = 0; i < ZRTP_SECRET_KINDS; i++)
        zrtp_secret_id(zrtp_digest(z), (enum zrtp_secret_kind)i, &z->secrets.of[i], role, z->h[3],
                       m.dhpart.ids[i]);
    m.dhpart.public_value = crypto_dh_public(z->dh);
    zrtp_write(&m, z->h[0], &z->dhpart[role]);
}

/* s.4.4.1.1: over our DHPart2 and the responder's Hello. */
static void hvi_compute(struct zrtp *z)
{
    struct slice parts[] = {zrtp_blob_slice(&z->dhpart[ZRTP_INITIATOR]),
                            zrtp_blob_slice(&z->peer_hello)};
    uint8_t hash[CRYPTO_DIGEST_MAX];

    crypto_digest(zrtp_digest(z), parts, ARRAY_LEN(parts), hash);
    memcpy(z->hvi, hash, sizeof(z->hvi));
}

/* --- initiator ----------------------------------------------------------------------------------- */

static unsigned mode_wanted(const struct zrtp *z)
{
    const struct zrtp_list *ours = &z->cfg.lists.of[ZRTP_KEY_AGREEMENT];
    const struct zrtp_list *theirs = &z->peer.lists.of[ZRTP_KEY_AGREEMENT];

    if (z->cfg.session.n && zrtp_list_has(ours, ZRTP_MULT) && zrtp_list_has(theirs, ZRTP_MULT))
        return ZRTP_MULT;
    if (z->cfg.use_preshared && z->secrets.of[ZRTP_RS1].n && zrtp_list_has(ours, ZRTP_PRSH) &&
        zrtp_list_has(theirs, ZRTP_PRSH))
        return ZRTP_PRSH;
    return 0;
}

static void commit_write(struct zrtp *z)
{
    struct zrtp_msg m = {.kind = ZRTP_COMMIT};

    memcpy(m.commit.h2, z->h[2], ZRTP_IMAGE_LEN);
    memcpy(m.commit.zid, z->cfg.zid, ZRTP_ZID_LEN);
    m.commit.choice = z->choice;
    memcpy(m.commit.hvi, z->hvi, ZRTP_HVI_LEN);
    memcpy(m.commit.nonce, z->hvi, ZRTP_NONCE_LEN);
    if (z->choice.of[ZRTP_KEY_AGREEMENT] == ZRTP_PRSH)
        zrtp_preshared_id(zrtp_digest(z), &z->preshared, m.commit.key_id);
    zrtp_write(&m, z->h[1], &z->commit);
}

enum zrtp_outcome zrtp_act_commit(struct zrtp *z)
{
    unsigned mode = mode_wanted(z);

    if (!zrtp_choose(&z->cfg.lists, &z->peer.lists, mode, &z->choice))
        return zrtp_break(z, 0x53, "no ZRTP algorithms in common");
    z->role = ZRTP_INITIATOR;
    if (mode == 0) {
        if (dh_make(z) != 0)
            return zrtp_break(z, 0xa0, "no key pair could be made");
        dhpart_write(z);
        hvi_compute(z);
    } else {
        crypto_random(z->hvi, ZRTP_NONCE_LEN);
        if (mode == ZRTP_PRSH)
            zrtp_preshared_key(zrtp_digest(z), &z->secrets, &z->preshared);
    }
    commit_write(z);
    zrtp_insist(z, zrtp_blob_slice(&z->commit));
    return ZRTP_GO;
}

/* --- responder ----------------------------------------------------------------------------------- */

/* Is what the Commit chose ours as well? An Error's code by class (s.5.9). */
static uint32_t unsupported(const struct zrtp *z, const struct zrtp_choice *c)
{
    static const uint8_t codes[ZRTP_CLASS_COUNT] = {
        [ZRTP_HASH] = 0x51, [ZRTP_CIPHER] = 0x52,        [ZRTP_AUTH] = 0x54,
        [ZRTP_SAS] = 0x55,  [ZRTP_KEY_AGREEMENT] = 0x53,
    };

    for (int i = 0; i < ZRTP_CLASS_COUNT; i++) {
        if (!zrtp_list_has(&z->cfg.lists.of[i], c->of[i]))
            return codes[i];
    }
    return 0;
}

/* s.4.4.2, 4.4.3: do we have what the mode builds on? */
static bool has_base(struct zrtp *z, const struct zrtp_commit *c)
{
    uint8_t id[ZRTP_ID_LEN];

    switch (c->choice.of[ZRTP_KEY_AGREEMENT]) {
    case ZRTP_MULT:
        return z->cfg.session.n > 0;
    case ZRTP_PRSH:
        if (!z->secrets.of[ZRTP_RS1].n)
            return false;
        zrtp_preshared_key(zrtp_digest_of(c->choice.of[ZRTP_HASH]), &z->secrets, &z->preshared);
        zrtp_preshared_id(zrtp_digest_of(c->choice.of[ZRTP_HASH]), &z->preshared, id);
        return secret_eq(id, c->key_id, sizeof(id));
    default:
        return true;
    }
}

/* H2 belongs to the Hello's H3, and the Hello is what its owner wrote (s.9). */
static bool commit_is_genuine(const struct zrtp *z, const struct zrtp_commit *c)
{
    uint8_t h3[CRYPTO_SHA256_LEN];
    struct slice h2 = slice_from(c->h2, ZRTP_IMAGE_LEN);

    crypto_sha256(&h2, 1, h3);
    return memcmp(h3, z->peer_h[3], sizeof(h3)) == 0 &&
           memcmp(c->zid, z->peer.zid, ZRTP_ZID_LEN) == 0 &&
           zrtp_mac_holds(zrtp_blob_slice(&z->peer_hello), c->h2);
}

static void respond(struct zrtp *z, const struct zrtp_commit *c, bool is_dh)
{
    z->role = ZRTP_RESPONDER;
    memcpy(z->peer_h[2], c->h2, ZRTP_IMAGE_LEN);
    memset(z->hvi, 0, sizeof(z->hvi));
    memcpy(z->hvi, is_dh ? c->hvi : c->nonce, is_dh ? ZRTP_HVI_LEN : ZRTP_NONCE_LEN);
    zrtp_keep(&z->commit, z->message);
    if (is_dh) {
        dhpart_write(z);
        zrtp_keep(&z->last, zrtp_blob_slice(&z->dhpart[ZRTP_RESPONDER]));
    } else {
        zrtp_keys_without_dh(z);
        zrtp_confirm_write(z, ZRTP_CONFIRM1, &z->last);
    }
    zrtp_say(z, zrtp_blob_slice(&z->last));
    zrtp_guard(z, ZRTP_PEER_MS);
}

enum zrtp_outcome zrtp_act_answer(struct zrtp *z)
{
    const struct zrtp_commit *c = &z->msg->commit;
    bool is_dh = zrtp_is_dh(c->choice.of[ZRTP_KEY_AGREEMENT]);

    if (!commit_is_genuine(z, c))
        return zrtp_drop(z, "a ZRTP Commit does not belong to the Hello before it");
    if (!z->secrets_known)
        return zrtp_drop(z, "a ZRTP Commit came before our retained secrets were found");
    uint32_t code = unsupported(z, &c->choice);
    if (code)
        return zrtp_break(z, code, "the peer chose a ZRTP algorithm that is not allowed here");
    if (!has_base(z, c))
        return zrtp_break(z, 0x56,
                          "the peer wants keys from a shared secret that is not known here");
    z->choice = c->choice;
    if (is_dh && dh_make(z) != 0)
        return zrtp_break(z, 0xa0, "no key pair could be made");
    respond(z, c, is_dh);
    return is_dh ? ZRTP_GO : ZRTP_GO_FAST;
}

/* --- both at once (s.4.2) ------------------------------------------------------------------------ */

/* Whose Commit is discarded? < 0: ours; > 0: theirs; 0: neither can be told from the other. */
static int contest(const struct zrtp *z, const struct zrtp_commit *c)
{
    unsigned ours = z->choice.of[ZRTP_KEY_AGREEMENT];
    unsigned theirs = c->choice.of[ZRTP_KEY_AGREEMENT];
    bool is_dh = zrtp_is_dh(ours);

    if (is_dh != zrtp_is_dh(theirs))
        return is_dh ? 1 : -1;
    if (ours == ZRTP_PRSH && theirs == ZRTP_PRSH && z->cfg.is_mitm != z->peer.is_mitm)
        return z->cfg.is_mitm ? -1 : 1;
    return memcmp(z->hvi, is_dh ? c->hvi : c->nonce, is_dh ? ZRTP_HVI_LEN : ZRTP_NONCE_LEN);
}

enum zrtp_outcome zrtp_act_contend(struct zrtp *z)
{
    int order = contest(z, &z->msg->commit);

    if (order > 0)
        return ZRTP_STAY; /* the peer comes to the same result and answers ours */
    if (order == 0)
        return zrtp_drop(z, "a ZRTP Commit repeats our own");
    return zrtp_act_answer(z);
}
