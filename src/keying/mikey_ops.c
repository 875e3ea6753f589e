#include "crypto/hash.h"
#include "keying/keying.h"
#include "keying/text.h"

static const struct slice attr = {"key-mgmt", 8};

static const struct slice session_attr = {"session-key-mgmt", 16}; /* sdp_keying_text's word */

#define OFFER_CS \
    1 /* crypto sessions of an m-line: what the offerer, what the answerer sends with */
#define ANSWER_CS 2
#define CS_COUNT 2
#define ID_MAX (MIKEY_NAME_MAX + 4)
#define OURS_MAX (256 + 2 * ID_MAX)
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

/* What we offer, a peer could answer in words only; so better nothing is offered in vain. */
static bool mikey_offerable(const struct keying_policy *p)
{
    return psk_of(p) || (p->mikey && p->mikey->clear_allowed);
}

/* --- text ---------------------------------------------------------------------------------------- */

static void put_message(const struct mikey_msg *m, const struct secret *psk,
                        const struct mikey_msg *init, bool of_session, struct buf *text)
{
    uint8_t bytes[OURS_MAX];
    char base64[OURS_MAX / 3 * 4 + 8];
    struct buf b = buf_over(bytes, sizeof(bytes));
    size_t n = 0;

    mikey_print(m, psk, init, &b);
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
    uint8_t bytes[MIKEY_MESSAGE_MAX], opened[MIKEY_MESSAGE_MAX];
};

static void received_wipe(struct received *r)
{
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

static const char *decline_mode(const struct mikey_msg *m)
{
    static const char public_key[] = "MIKEY with public keys is not supported here: it needs RSA "
                                     "certificates, and sotto's are ECDSA",
                      rsa_r[] = "MIKEY's RSA-R mode is not supported here: it needs RSA "
                                "certificates, and sotto's are ECDSA";
    static const char *const modes[MIKEY_TYPE_COUNT] = {
        [MIKEY_PSK_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_PK_INIT] = public_key,
        [MIKEY_PK_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_DH_INIT] = "MIKEY with Diffie-Hellman is not supported here",
        [MIKEY_DH_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_ERROR] = "the offer has a MIKEY error in it",
        [MIKEY_DHHMAC_INIT] = "MIKEY with Diffie-Hellman is not supported here",
        [MIKEY_DHHMAC_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_RSA_R_INIT] = rsa_r,
        [MIKEY_RSA_R_RESP] = "the offer has a MIKEY answer in it",
    };

    return modes[m->type];
}

/* Without a pre-shared key: NULL where the message has none either, and may be taken. */
static const char *decline_clear(const struct mikey_msg *m, const struct keying_policy *p)
{
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

/* "1000@example.org" as NAI or as the same with "sip:" before it. */
static bool id_is(const struct mikey_id *id, const char *name)
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

/* With one, and after its MAC was found right: is the message of the peer's, of now, and new? */
static const char *decline_stale(const struct received *r, const struct keying_policy *p,
                                 const struct mikey_state *s)
{
    const struct mikey_terms *t = p->mikey;
    const struct mikey_msg *m = &r->m;
    const struct mikey_bearer by = {
        .call = t->call, .part = (uint32_t)t->leg << 16 | (r->of_session ? 0 : t->stream + 1u)};

    if (m->id_count && !id_is(&m->id[0], t->peer))
        return "the MIKEY message is of another than the user";
    if (s->has_taken && secret_eq(s->taken_mac, m->mac.p, MIKEY_MAC_LEN))
        return NULL; /* the same offer again */
    if (!m->has_time || m->time_is_counter)
        return "the MIKEY message has no time, by which a replay could be told";
    if (!mikey_time_is_near(m->time, t->unix_s))
        return "the time of the MIKEY message is more than five minutes off: set the phone's clock";
    if (s->has_taken && m->time <= s->taken_time)
        return "the MIKEY message is older than the one before it";
    if (!p->local || !p->local->mikey_seen ||
        !mikey_seen_take(p->local->mikey_seen, slice_from_str(t->peer), m->mac, m->time, &by,
                         t->unix_s))
        return "the MIKEY message is a replay, or older than what is remembered here";
    return NULL;
}

/* Nothing of the message is believed before its MAC is found right. */
static const char *decline_sealed(const struct received *r, const struct keying_policy *p,
                                  const struct mikey_state *s)
{
    if (r->m.kemac_mac != MIKEY_MAC_HMAC_SHA1)
        return "the MIKEY message is not authenticated by the user's pre-shared key";
    if (r->m.kemac_encr != MIKEY_ENCR_AES_CM_128 &&
        !(r->m.kemac_encr == MIKEY_ENCR_NULL && p->mikey->clear_allowed))
        return "the key in the MIKEY message is not encrypted by AES-CM-128";
    if (r->m.rand.n < MIKEY_RAND_MIN || !mikey_mac_fits(&r->m, psk_of(p), NULL))
        return "the MIKEY message does not fit the user's pre-shared key";
    return decline_stale(r, p, s);
}

/* What the key data must be, once it can be read. */
static const char *decline_keys(const struct mikey_msg *m, size_t first_cs)
{
    bool is_tgk = m->key_kind == MIKEY_TGK || m->key_kind == MIKEY_TGK_SALT;

    if (m->has_key_validity)
        return "the MIKEY key has a master key identifier or an interval, which is not supported";
    if (m->key_count != 1 || !is_tgk || m->cs_count < CS_COUNT)
        return "the MIKEY message brings one key for both directions, which would be used twice";
    if (m->cs_count < first_cs + ANSWER_CS)
        return "the MIKEY message has no crypto sessions for this m-line";
    if (m->rand.n < MIKEY_RAND_MIN || m->key.n == 0 || m->key.n > MIKEY_KEY_MAX)
        return "the MIKEY message has no random value, or a key of a length that is not supported";
    return NULL;
}

/* NULL: its keys can be taken; they are decrypted by then. */
static const char *decline(struct received *r, const struct keying_policy *p,
                           const struct mikey_state *s, size_t first_cs)
{
    const char *why = decline_mode(&r->m);

    if (!why && (!r->m.has_kemac || r->m.prf != 0))
        why = "the MIKEY message has no key, or asks for another pseudo-random function";
    if (!why)
        why = psk_of(p) ? decline_sealed(r, p, s) : decline_clear(&r->m, p);
    if (!why && psk_of(p) && mikey_kemac_open(&r->m, psk_of(p), r->opened) != 0)
        why = "the key in the MIKEY message cannot be decrypted";
    return why ? why : decline_keys(&r->m, first_cs);
}

static void take(struct keying_state *s, const struct received *r, enum srtp_suite suite,
                 size_t first_cs, bool sealed)
{
    mikey_srtp_keys(&r->m, suite, (uint8_t)(first_cs + OFFER_CS), &s->rx);
    mikey_srtp_keys(&r->m, suite, (uint8_t)(first_cs + ANSWER_CS), &s->tx);
    s->mikey.in_use = false;
    s->mikey.has_taken = sealed;
    if (sealed) {
        s->mikey.taken_time = r->m.time;
        memcpy(s->mikey.taken_mac, r->m.mac.p, MIKEY_MAC_LEN);
    }
}

static int mikey_answer(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                        struct buf *text, const char **ret_why)
{
    struct received r CLEANUP(received_wipe);
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
    take(s, &r, suite, first_cs, psk_of(p) != NULL);
    struct mikey_msg reply = {
        .type = MIKEY_PSK_RESP, .csb_id = r.m.csb_id, .cs_count = r.m.cs_count, .time = r.m.time};
    memcpy(reply.cs, r.m.cs, sizeof(reply.cs));
    put_message(&reply, r.m.wants_verification ? psk_of(p) : NULL, &r.m, r.of_session, text);
    return KEYING_TEXT_OK;
}

/* --- ours ---------------------------------------------------------------------------------------- */

/* What an offer of the bundle says, or said. `ids`: 2 * ID_MAX bytes, which it borrows. */
static void message_of(const struct mikey_bundle *b, const struct mikey_terms *t, char *ids,
                       struct mikey_msg *ret)
{
    const char *const names[MIKEY_IDS_MAX] = {t ? t->self : "", t ? t->peer : ""};

    *ret = (struct mikey_msg){.type = MIKEY_PSK_INIT,
                              .wants_verification = b->sealed,
                              .csb_id = b->csb_id,
                              .cs_count = CS_COUNT,
                              .time = b->time,
                              .has_time = true,
                              .policy_count = 1,
                              .rand = slice_from(b->rand, sizeof(b->rand)),
                              .key = slice_from(b->tgk, sizeof(b->tgk))};
    for (size_t i = 0; b->sealed && i < MIKEY_IDS_MAX; i++) {
        struct buf w = buf_over(ids + i * ID_MAX, ID_MAX);
        BUF_PUT_LIT(&w, "sip:");
        buf_put_str(&w, names[i]);
        ret->id[ret->id_count++] = (struct mikey_id){MIKEY_ID_URI, buf_slice(&w)};
    }
}

/* In a re-offer of keys that the peer gave the sessions would change sides, and a key its sender: so
 * then there are new ones. */
static void mikey_offer(const struct keying_policy *p, struct keying_state *s, struct buf *text)
{
    struct mikey_bundle *b = &s->mikey.offered;
    char ids[MIKEY_IDS_MAX * ID_MAX];
    struct mikey_msg m;
    bool keep = s->active == KEYING_MIKEY && s->mikey.in_use &&
                is_allowed(p, (enum srtp_suite)b->suite) && b->sealed == (psk_of(p) != NULL);
    uint64_t last = keep ? b->time : 0, now = p->mikey ? mikey_ntp_of(p->mikey->unix_s) : 0;

    if (!keep) {
        crypto_random(b, sizeof(*b));
        b->suite = (uint8_t)best_suite(p);
        b->sealed = psk_of(p) != NULL;
        s->mikey.in_use = false;
    }
    b->time = now > last ? now | (b->time & UINT32_MAX) : last + 1;
    message_of(b, p->mikey, ids, &m);
    if (mikey_policy_of((enum srtp_suite)b->suite, &m.policy[0]))
        put_message(&m, psk_of(p), NULL, false, text);
}

/* NULL: it answers `ours`. */
static const char *reject_answer(const struct mikey_msg *m, const struct mikey_bundle *b,
                                 const struct mikey_msg *ours, const struct keying_policy *p)
{
    if (m->type == MIKEY_ERROR || m->has_error)
        return "the peer answers our MIKEY message with an error";
    if (m->type != MIKEY_PSK_RESP || m->csb_id != b->csb_id)
        return "the peer's MIKEY message is no answer to ours";
    if (!b->sealed)
        return NULL;
    if (!psk_of(p) || m->v_mac != MIKEY_MAC_HMAC_SHA1 || !m->has_v ||
        !mikey_mac_fits(m, psk_of(p), ours))
        return "the peer's MIKEY answer does not prove that it has the user's pre-shared key";
    return NULL;
}

static int mikey_accept(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                        const char **ret_why)
{
    const struct mikey_bundle *b = &s->mikey.offered;
    struct received r CLEANUP(received_wipe);
    char ids[MIKEY_IDS_MAX * ID_MAX];
    struct mikey_msg ours;
    int v = read_message(remote, &r, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    message_of(b, p->mikey, ids, &ours);
    const char *why = reject_answer(&r.m, b, &ours, p);
    if (why) {
        *ret_why = why;
        return KEYING_TEXT_BAD;
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
