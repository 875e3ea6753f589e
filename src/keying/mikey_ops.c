#include "crypto/hash.h"
#include "keying/mikey_cert.h"
#include "keying/text.h"

static const struct slice attr = {"key-mgmt", 8};

static const struct slice session_attr = {"session-key-mgmt", 16}; /* sdp_keying_text's word */

#define OFFER_CS \
    1 /* crypto sessions of an m-line: what the offerer, what the answerer sends with */
#define ANSWER_CS 2
#define CS_COUNT 2
#define ID_MAX (MIKEY_NAME_MAX + 4)
#define OURS_MAX (512 + 3 * ID_MAX + CRYPTO_RSA_CERT_MAX + 2 * CRYPTO_RSA_MAX)
#define TEXT_MAX ((MIKEY_MESSAGE_MAX + 2) / 3 * 4)

/* --- suites -------------------------------------------------------------------------------------- */

static bool is_allowed(const struct keying_policy *p, enum srtp_suite s)
{
    return s != SRTP_SUITE_NONE && (!p->suite_count || memchr(p->suites, (int)s, p->suite_count));
}

/* The first of the policy that MIKEY can say; a message holds one. */
static enum srtp_suite best_suite(const struct keying_policy *p)
{
    struct mikey_policy unused;

    if (!p->suite_count)
        return SRTP_AES_CM_128_HMAC_SHA1_80;
    for (size_t i = 0; i < p->suite_count && i < SRTP_SUITE_COUNT; i++) {
        if (p->suites[i] < SRTP_SUITE_COUNT &&
            mikey_policy_of((enum srtp_suite)p->suites[i], &unused))
            return (enum srtp_suite)p->suites[i];
    }
    return SRTP_SUITE_NONE;
}

static bool mikey_usable(const struct keying_policy *p)
{
    return best_suite(p) != SRTP_SUITE_NONE;
}

static const struct secret *psk_of(const struct keying_policy *p)
{
    return p->mikey && p->mikey->psk.n ? &p->mikey->psk : NULL;
}

/* Do we have a certificate for MIKEY? */
static bool has_cert(const struct keying_policy *p)
{
    return p->mikey && p->local && p->local->rsa;
}

static bool needs_cert(const struct keying_policy *p)
{
    return p->mikey && p->mikey->cert_required;
}

/* What we offer, a peer could answer in words only; so better nothing is offered in vain. */
static bool mikey_offerable(const struct keying_policy *p)
{
    if (psk_of(p))
        return true;
    return needs_cert(p) ? has_cert(p) : p->mikey && p->mikey->clear_allowed;
}

/* --- text ---------------------------------------------------------------------------------------- */

static void put_message(const struct mikey_msg *m, const struct mikey_seal *seal, bool of_session,
                        struct buf *text)
{
    uint8_t bytes[OURS_MAX];
    char base64[OURS_MAX / 3 * 4 + 8];
    struct buf b = buf_over(bytes, sizeof(bytes));
    size_t n = 0;

    mikey_print(m, seal, &b);
    text->overflow = text->overflow || b.overflow;
    crypto_base64_put(buf_slice(&b), base64, sizeof(base64), &n);
    BUF_PUT_LIT(text, "a=");
    buf_put_slice(text, of_session ? session_attr : attr);
    BUF_PUT_LIT(text, ":mikey ");
    buf_put(text, base64, n);
    BUF_PUT_LIT(text, "\r\n");
    secret_wipe(bytes, sizeof(bytes));
    secret_wipe(base64, sizeof(base64));
}

/* A message of the peer's, and where it stands. Holds keys. */
struct received {
    struct mikey_msg m;
    bool of_session;
    struct crypto_rsa_peer *peer; /* who signed it; NULL: nobody */
    struct secret env;            /* of its envelope */
    uint8_t bytes[MIKEY_MESSAGE_MAX], opened[MIKEY_MESSAGE_MAX];
};

static void received_wipe(struct received *r)
{
    crypto_rsa_peer_free(r->peer);
    secret_wipe(r, sizeof(*r));
}

/* The first MIKEY message under that name. 0 or enum keying_text_verdict. */
static int read_under(struct slice name, struct slice text, struct received *ret,
                      const char **ret_why)
{
    struct slice value;
    size_t n = 0;

    while (keying_text_next(&text, name, &value)) {
        if (!slice_eq_nocase(slice_cut(&value, ' '), SLICE_LIT("mikey")))
            continue;
        value = slice_trim(value);
        if (value.n > TEXT_MAX ||
            crypto_base64_get(value, ret->bytes, sizeof(ret->bytes), &n) != 0) {
            *ret_why = "the peer's MIKEY message is not base64, or too long";
            return KEYING_TEXT_BAD;
        }
        int v = mikey_parse(slice_from(ret->bytes, n), &ret->m);
        *ret_why = mikey_verdict_why((enum mikey_verdict)v);
        return v == MIKEY_OK ? KEYING_TEXT_OK : KEYING_TEXT_BAD;
    }
    *ret_why = "no key-mgmt";
    return KEYING_TEXT_NONE;
}

/* An m-line's own goes before the session's (RFC 4567 s.3). */
static int read_message(struct slice text, struct received *ret, const char **ret_why)
{
    int v = read_under(attr, text, ret, ret_why);

    ret->of_session = v == KEYING_TEXT_NONE;
    return ret->of_session ? read_under(session_attr, text, ret, ret_why) : v;
}

/* --- the peer's offer ---------------------------------------------------------------------------- */

static enum mikey_how how_of(enum mikey_type t)
{
    if (t == MIKEY_PK_INIT)
        return MIKEY_HOW_PK;
    return t == MIKEY_RSA_R_INIT ? MIKEY_HOW_RSA_R : MIKEY_HOW_PSK;
}

static const char *decline_mode(const struct mikey_msg *m)
{
    static const char *const modes[MIKEY_TYPE_COUNT] = {
        [MIKEY_PSK_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_PK_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_DH_INIT] = "MIKEY with Diffie-Hellman is not supported here",
        [MIKEY_DH_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_ERROR] = "the offer has a MIKEY error in it",
        [MIKEY_DHHMAC_INIT] = "MIKEY with Diffie-Hellman is not supported here",
        [MIKEY_DHHMAC_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_RSA_R_RESP] = "the offer has a MIKEY answer in it",
    };

    return modes[m->type];
}

/* Without a pre-shared key: NULL where the message has none either, and may be taken. */
static const char *decline_clear(const struct mikey_msg *m, const struct keying_policy *p,
                                 const struct mikey_state *s)
{
    if (needs_cert(p))
        return "the MIKEY message is not under a certificate, which the user needs";
    if (keying_mikey_how(s) != MIKEY_HOW_CLEAR)
        return "the call's keys were protected by MIKEY itself and would not be any more";
    if (m->kemac_encr || m->kemac_mac)
        return "the MIKEY message is protected by a pre-shared key, and none is known here: give "
               "the user one with `sotto user set USER --mikey-psk-stdin`";
    if (!p->mikey || !p->mikey->clear_allowed)
        return "the MIKEY message has its key in clear, and so has the signalling: use TLS, or a "
               "pre-shared key";
    if (m->wants_verification)
        return "the MIKEY message asks for what only a pre-shared key can give";
    return NULL;
}

/* After its proof (MAC or signature) was found right: is the message of the peer's, of now, and new? */
static const char *decline_stale(const struct received *r, struct slice proof,
                                 const struct keying_policy *p, const struct mikey_state *s)
{
    const struct mikey_terms *t = p->mikey;
    const struct mikey_msg *m = &r->m;
    const struct mikey_bearer by = {
        .call = t->call, .part = (uint32_t)t->leg << 16 | (r->of_session ? 0 : t->stream + 1u)};

    if (m->id_count && !mikey_id_is(&m->id[0], t->peer))
        return "the MIKEY message is of another than the user";
    if (s->taken && secret_eq(s->taken_proof, proof.p, MIKEY_MAC_LEN))
        return NULL; /* the same offer again */
    if (!m->has_time || m->time_is_counter)
        return "the MIKEY message has no time, by which a replay could be told";
    if (!mikey_time_is_near(m->time, t->unix_s))
        return "the time of the MIKEY message is more than five minutes off: set the phone's clock";
    if (s->taken && m->time <= s->taken_time)
        return "the MIKEY message is older than the one before it";
    if (!p->local || !p->local->mikey_seen ||
        !mikey_seen_take(p->local->mikey_seen, slice_from_str(t->peer), proof, m->time, &by,
                         t->unix_s))
        return "the MIKEY message is a replay, or older than what is remembered here";
    return NULL;
}

/* Nothing of the message is believed before its MAC is found right. */
static const char *decline_sealed(struct received *r, const struct keying_policy *p,
                                  const struct mikey_state *s)
{
    if (r->m.kemac_mac != MIKEY_MAC_HMAC_SHA1)
        return "the MIKEY message is not authenticated by the user's pre-shared key";
    if (r->m.kemac_encr != MIKEY_ENCR_AES_CM_128 &&
        !(r->m.kemac_encr == MIKEY_ENCR_NULL && p->mikey->clear_allowed))
        return "the key in the MIKEY message is not encrypted by AES-CM-128";
    if (r->m.rand.n < MIKEY_RAND_MIN || !mikey_mac_fits(&r->m, psk_of(p), NULL))
        return "the MIKEY message does not fit the user's pre-shared key";
    const char *why = decline_stale(r, r->m.mac, p, s);
    if (!why && mikey_kemac_open(&r->m, psk_of(p), r->opened) != 0)
        why = "the key in the MIKEY message cannot be decrypted";
    return why;
}

/* Under certificates: nothing is believed before the signature is found right. */
static const char *decline_signed(struct received *r, const struct keying_policy *p,
                                  const struct mikey_state *s)
{
    if (psk_of(p))
        return "the MIKEY message is under a certificate, and the user has a pre-shared key, under "
               "which alone it is taken";
    if (!has_cert(p))
        return "there is no certificate for MIKEY here";
    if (r->m.rand.n < MIKEY_RAND_MIN)
        return "the MIKEY message has no random value";
    const char *why = mikey_cert_authenticate(&r->m, p->local, p->mikey, NULL, &r->peer);
    if (!why)
        why = decline_stale(r, r->m.sign, p, s);
    if (!why && r->m.type == MIKEY_PK_INIT)
        why = mikey_cert_open(&r->m, p->local, p->mikey, r->opened, &r->env);
    return why;
}

static const char *decline_sessions(const struct mikey_msg *m, size_t first_cs)
{
    return m->cs_count < first_cs + ANSWER_CS
               ? "the MIKEY message has no crypto sessions for this m-line"
               : NULL;
}

/* What the key data must be, once it can be read. */
static const char *decline_keys(const struct mikey_msg *m)
{
    bool is_tgk = m->key_kind == MIKEY_TGK || m->key_kind == MIKEY_TGK_SALT;

    if (m->has_key_validity)
        return "the MIKEY key has a master key identifier or an interval, which is not supported";
    if (m->key_count != 1 || !is_tgk || m->cs_count < CS_COUNT)
        return "the MIKEY message brings one key for both directions, which would be used twice";
    if (m->rand.n < MIKEY_RAND_MIN || m->key.n == 0 || m->key.n > MIKEY_KEY_MAX)
        return "the MIKEY message has no random value, or a key of a length that is not supported";
    return NULL;
}

/* NULL: its keys can be taken; they are decrypted by then. */
static const char *decline(struct received *r, const struct keying_policy *p,
                           const struct mikey_state *s, size_t first_cs)
{
    const char *why = decline_mode(&r->m);
    enum mikey_how how = how_of((enum mikey_type)r->m.type);

    if (!why && ((!r->m.has_kemac && how != MIKEY_HOW_RSA_R) || r->m.prf != 0))
        why = "the MIKEY message has no key, or asks for another pseudo-random function";
    if (why)
        return why;
    if (how != MIKEY_HOW_PSK)
        why = decline_signed(r, p, s);
    else
        why = psk_of(p) ? decline_sealed(r, p, s) : decline_clear(&r->m, p, s);
    if (!why && how != MIKEY_HOW_RSA_R)
        why = decline_keys(&r->m);
    return why ? why : decline_sessions(&r->m, first_cs);
}

/* RSA-R: the key is ours to give, and the same as long as the bundle is the same and its keys are in
 * use: one that was given up must not come back, for packets would be counted anew under it. */
static void give_key(struct keying_state *s, struct received *r)
{
    struct mikey_given *g = &s->mikey.given;
    bool keep = g->is_set && s->active == KEYING_MIKEY && !s->mikey.in_use &&
                s->mikey.taken == MIKEY_HOW_RSA_R && g->csb_id == r->m.csb_id &&
                slice_eq(r->m.rand, slice_from(g->rand, sizeof(g->rand)));

    if (!keep) {
        crypto_random(g->tgk, sizeof(g->tgk));
        g->is_set = r->m.rand.n == sizeof(g->rand);
        g->csb_id = r->m.csb_id;
        if (g->is_set)
            memcpy(g->rand, r->m.rand.p, sizeof(g->rand));
    }
    r->m.key = slice_from(g->tgk, sizeof(g->tgk));
    r->m.salt = SLICE_NONE;
}

static void take(struct keying_state *s, const struct received *r, enum srtp_suite suite,
                 size_t first_cs, enum mikey_how how)
{
    mikey_srtp_keys(&r->m, suite, (uint8_t)(first_cs + OFFER_CS), &s->rx);
    mikey_srtp_keys(&r->m, suite, (uint8_t)(first_cs + ANSWER_CS), &s->tx);
    s->mikey.in_use = false;
    s->mikey.taken = (uint8_t)how;
    if (how != MIKEY_HOW_RSA_R)
        secret_wipe(&s->mikey.given, sizeof(s->mikey.given));
    if (how != MIKEY_HOW_CLEAR) {
        s->mikey.taken_time = r->m.time;
        memcpy(s->mikey.taken_proof, how == MIKEY_HOW_PSK ? r->m.mac.p : r->m.sign.p,
               MIKEY_MAC_LEN);
    }
}

/* Our identity, as whoever signs or is named first in a message. `room`: ID_MAX bytes. */
static struct mikey_id id_of(const char *name, char *room)
{
    struct buf w = buf_over(room, ID_MAX);

    BUF_PUT_LIT(&w, "sip:");
    buf_put_str(&w, name);
    return (struct mikey_id){MIKEY_ID_URI, buf_slice(&w)};
}

static void put_reply(const struct keying_policy *p, const struct received *r, enum mikey_how how,
                      struct buf *text)
{
    static const uint8_t types[] = {[MIKEY_HOW_CLEAR] = MIKEY_PSK_RESP,
                                    [MIKEY_HOW_PSK] = MIKEY_PSK_RESP,
                                    [MIKEY_HOW_PK] = MIKEY_PK_RESP,
                                    [MIKEY_HOW_RSA_R] = MIKEY_RSA_R_RESP};
    struct mikey_msg reply = {
        .type = types[how], .csb_id = r->m.csb_id, .cs_count = r->m.cs_count, .time = r->m.time};
    struct mikey_seal seal = {.init = &r->m};
    struct secret env = {.n = MIKEY_ENVELOPE_LEN};
    char room[ID_MAX];

    memcpy(reply.cs, r->m.cs, sizeof(reply.cs));
    if (how == MIKEY_HOW_RSA_R) {
        crypto_random(env.b, env.n);
        reply.rand = r->m.rand; /* of the keys; not said again */
        reply.key = r->m.key;
        reply.id[reply.id_count++] = id_of(p->mikey->self, room);
        reply.time = mikey_ntp_of(p->mikey->unix_s);
        seal.key = &env;
        seal.own = p->local->rsa;
        seal.peer = r->peer;
    } else if (r->m.wants_verification) {
        seal.key = how == MIKEY_HOW_PK ? &r->env : psk_of(p);
    }
    put_message(&reply, &seal, r->of_session, text);
    secret_fini(&env);
}

static int mikey_answer(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                        struct buf *text, const char **ret_why)
{
    struct received r CLEANUP(received_wipe);
    r.peer = NULL;
    int v = read_message(remote, &r, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    /* Of a session's message each m-line has two in turn (RFC 4567 s.4.1.1). */
    size_t first_cs = r.of_session && p->mikey ? (size_t)p->mikey->stream * CS_COUNT : 0;
    const char *why = decline(&r, p, &s->mikey, first_cs);
    if (why) {
        *ret_why = why;
        return KEYING_TEXT_BAD;
    }
    enum srtp_suite suite = mikey_suite_of(&r.m, first_cs + OFFER_CS);
    if (!is_allowed(p, suite) || suite != mikey_suite_of(&r.m, first_cs + ANSWER_CS)) {
        *ret_why = "no encryption suite in common in the MIKEY message";
        return KEYING_TEXT_NO_SUITE;
    }
    enum mikey_how how = how_of((enum mikey_type)r.m.type);
    if (how == MIKEY_HOW_PSK && !psk_of(p))
        how = MIKEY_HOW_CLEAR;
    if (how == MIKEY_HOW_RSA_R)
        give_key(s, &r);
    take(s, &r, suite, first_cs, how);
    put_reply(p, &r, how, text);
    return KEYING_TEXT_OK;
}

/* --- ours ---------------------------------------------------------------------------------------- */

/* What an offer of the bundle says, or said. `ids`: 2 * ID_MAX bytes, which it borrows. */
static void message_of(const struct mikey_bundle *b, const struct mikey_terms *t, char *ids,
                       struct mikey_msg *ret)
{
    static const uint8_t types[] = {[MIKEY_HOW_CLEAR] = MIKEY_PSK_INIT,
                                    [MIKEY_HOW_PSK] = MIKEY_PSK_INIT,
                                    [MIKEY_HOW_PK] = MIKEY_PK_INIT,
                                    [MIKEY_HOW_RSA_R] = MIKEY_RSA_R_INIT};
    const char *const names[MIKEY_IDS_MAX] = {t ? t->self : "", t ? t->peer : ""};

    *ret = (struct mikey_msg){.type = types[b->how],
                              .wants_verification = b->how != MIKEY_HOW_CLEAR,
                              .csb_id = b->csb_id,
                              .cs_count = CS_COUNT,
                              .time = b->time,
                              .has_time = true,
                              .policy_count = 1,
                              .rand = slice_from(b->rand, sizeof(b->rand)),
                              .key = slice_from(b->tgk, sizeof(b->tgk))};
    for (size_t i = 0; b->how != MIKEY_HOW_CLEAR && i < MIKEY_IDS_MAX; i++)
        ret->id[ret->id_count++] = id_of(names[i], ids + i * ID_MAX);
}

/* A call that began under certificates goes on so. */
static bool offers_cert(const struct keying_policy *p, const struct keying_state *s)
{
    bool began = s->active == KEYING_MIKEY && keying_mikey_how(&s->mikey) >= MIKEY_HOW_PK;

    return !psk_of(p) && (needs_cert(p) || began);
}

static void put_offer(const struct keying_policy *p, const struct mikey_bundle *b,
                      const struct crypto_rsa_peer *peer, struct buf *text)
{
    const bool is_signed = b->how == MIKEY_HOW_PK || b->how == MIKEY_HOW_RSA_R;
    struct secret env = {.n = sizeof(b->env)};
    struct mikey_seal seal = {.key = psk_of(p)};
    char ids[MIKEY_IDS_MAX * ID_MAX];
    struct mikey_msg m;

    message_of(b, p->mikey, ids, &m);
    if (is_signed) {
        memcpy(env.b, b->env, env.n);
        seal = (struct mikey_seal){.key = &env, .own = p->local->rsa, .peer = peer};
    }
    if (mikey_policy_of((enum srtp_suite)b->suite, &m.policy[0]))
        put_message(&m, &seal, false, text);
    secret_fini(&env);
}

/* In a re-offer of keys that the peer gave the sessions would change sides, and a key its sender: so
 * then there are new ones. */
static void mikey_offer(const struct keying_policy *p, struct keying_state *s, struct buf *text)
{
    struct mikey_bundle *b = &s->mikey.offered;
    bool by_cert = offers_cert(p, s);
    if (by_cert && !has_cert(p))
        return; /* never less than it was */
    struct crypto_rsa_peer *peer = by_cert ? mikey_cert_peer(p->local, p->mikey) : NULL;
    enum mikey_how how = psk_of(p) ? MIKEY_HOW_PSK : MIKEY_HOW_CLEAR;
    if (by_cert)
        how = peer ? MIKEY_HOW_PK : MIKEY_HOW_RSA_R;
    bool keep = s->active == KEYING_MIKEY && s->mikey.in_use &&
                is_allowed(p, (enum srtp_suite)b->suite) && b->how == how;
    /* A peer takes what is newer alone, also where the keys are others. */
    uint64_t last = b->time, now = p->mikey ? mikey_ntp_of(p->mikey->unix_s) : 0;

    if (!keep) {
        crypto_random(b, sizeof(*b));
        b->suite = (uint8_t)best_suite(p);
        b->how = (uint8_t)how;
        s->mikey.in_use = false;
    }
    b->time = now > last ? now | (b->time & UINT32_MAX) : last + 1;
    put_offer(p, b, peer, text);
    crypto_rsa_peer_free(peer);
}

/* RSA-R: the answer brings the key. NULL: it is in r->m.key. */
static const char *reject_key(struct received *r, const struct mikey_msg *ours,
                              const struct keying_policy *p)
{
    if (!has_cert(p))
        return "there is no certificate for MIKEY here";
    if (!r->m.has_time || r->m.time_is_counter || r->m.prf != 0)
        return "the peer's MIKEY answer has no time, or another pseudo-random function";
    const char *why = mikey_cert_authenticate(&r->m, p->local, p->mikey, ours, &r->peer);
    if (!why && !mikey_time_is_near(r->m.time, p->mikey->unix_s))
        why = "the time of the MIKEY answer is more than five minutes off: set the phone's clock";
    r->m.rand = ours->rand;
    if (!why)
        why = mikey_cert_open(&r->m, p->local, p->mikey, r->opened, &r->env);
    r->m.cs_count = ours->cs_count;
    return why ? why : decline_keys(&r->m);
}

/* NULL: it answers `ours`. */
static const char *reject_answer(struct received *r, const struct mikey_bundle *b,
                                 const struct mikey_msg *ours, const struct keying_policy *p)
{
    static const uint8_t types[] = {[MIKEY_HOW_CLEAR] = MIKEY_PSK_RESP,
                                    [MIKEY_HOW_PSK] = MIKEY_PSK_RESP,
                                    [MIKEY_HOW_PK] = MIKEY_PK_RESP,
                                    [MIKEY_HOW_RSA_R] = MIKEY_RSA_R_RESP};
    const struct mikey_msg *m = &r->m;
    struct secret env = {.n = sizeof(b->env)};

    if (m->type == MIKEY_ERROR || m->has_error)
        return "the peer answers our MIKEY message with an error";
    if (m->type != types[b->how] || m->csb_id != b->csb_id)
        return "the peer's MIKEY message is no answer to ours";
    if (b->how == MIKEY_HOW_CLEAR)
        return NULL;
    if (b->how == MIKEY_HOW_RSA_R)
        return reject_key(r, ours, p);
    memcpy(env.b, b->env, env.n);
    const struct secret *key = b->how == MIKEY_HOW_PK ? &env : psk_of(p);
    bool proven =
        key && m->v_mac == MIKEY_MAC_HMAC_SHA1 && m->has_v && mikey_mac_fits(m, key, ours);
    secret_fini(&env);
    if (proven)
        return NULL;
    return b->how == MIKEY_HOW_PK
               ? "the peer's MIKEY answer does not prove that it could open our envelope"
               : "the peer's MIKEY answer does not prove that it has the user's pre-shared key";
}

static int mikey_accept(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                        const char **ret_why)
{
    const struct mikey_bundle *b = &s->mikey.offered;
    struct received r CLEANUP(received_wipe);
    char ids[MIKEY_IDS_MAX * ID_MAX];
    struct mikey_msg ours;
    r.peer = NULL;
    int v = read_message(remote, &r, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    message_of(b, p->mikey, ids, &ours);
    const char *why = reject_answer(&r, b, &ours, p);
    if (why) {
        *ret_why = why;
        return KEYING_TEXT_BAD;
    }
    if (b->how == MIKEY_HOW_RSA_R) {
        ours.key = r.m.key;
        ours.salt = r.m.salt;
    }
    mikey_srtp_keys(&ours, (enum srtp_suite)b->suite, OFFER_CS, &s->tx);
    mikey_srtp_keys(&ours, (enum srtp_suite)b->suite, ANSWER_CS, &s->rx);
    s->mikey.in_use = true;
    return KEYING_TEXT_OK;
}

const struct keying_ops keying_mikey = {
    .kind = KEYING_MIKEY,
    .usable = mikey_usable,
    .offerable = mikey_offerable,
    .offer = mikey_offer,
    .answer = mikey_answer,
    .accept = mikey_accept,
};
