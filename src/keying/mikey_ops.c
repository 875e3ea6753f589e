#include "crypto/hash.h"
#include "keying/keying.h"
#include "keying/text.h"

static const struct slice attr = {"key-mgmt", 8};

#define OFFER_CS 1 /* crypto sessions: what the offerer, what the answerer sends with */
#define ANSWER_CS 2
#define CS_COUNT 2
#define OURS_MAX 256
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

/* --- text ---------------------------------------------------------------------------------------- */

static void put_message(const struct mikey_msg *m, struct buf *text)
{
    uint8_t bytes[OURS_MAX];
    char base64[OURS_MAX / 3 * 4 + 8];
    struct buf b = buf_over(bytes, sizeof(bytes));
    size_t n = 0;

    mikey_print(m, &b);
    text->overflow = text->overflow || b.overflow;
    crypto_base64_put(buf_slice(&b), base64, sizeof(base64), &n);
    BUF_PUT_LIT(text, "a=key-mgmt:mikey ");
    buf_put(text, base64, n);
    BUF_PUT_LIT(text, "\r\n");
    secret_wipe(bytes, sizeof(bytes));
    secret_wipe(base64, sizeof(base64));
}

/* The first MIKEY message. `bytes` has room for MIKEY_MESSAGE_MAX. 0 or enum
 * keying_text_verdict. */
static int read_message(struct slice text, uint8_t *bytes, struct mikey_msg *ret,
                        const char **ret_why)
{
    struct slice value;
    size_t n = 0;

    while (keying_text_next(&text, attr, &value)) {
        if (!slice_eq_nocase(slice_cut(&value, ' '), SLICE_LIT("mikey")))
            continue;
        value = slice_trim(value);
        if (value.n > TEXT_MAX || crypto_base64_get(value, bytes, MIKEY_MESSAGE_MAX, &n) != 0) {
            *ret_why = "the peer's MIKEY message is not base64, or too long";
            return KEYING_TEXT_BAD;
        }
        int v = mikey_parse(slice_from(bytes, n), ret);
        *ret_why = mikey_verdict_why((enum mikey_verdict)v);
        return v == MIKEY_OK ? KEYING_TEXT_OK : KEYING_TEXT_BAD;
    }
    *ret_why = "no key-mgmt";
    return KEYING_TEXT_NONE;
}

/* --- the peer's offer ---------------------------------------------------------------------------- */

/* NULL: we can do it. */
static const char *decline(const struct mikey_msg *m)
{
    static const char *const modes[MIKEY_TYPE_COUNT] = {
        [MIKEY_PSK_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_PK_INIT] = "MIKEY with public keys is not supported here",
        [MIKEY_PK_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_DH_INIT] = "MIKEY with Diffie-Hellman is not supported here",
        [MIKEY_DH_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_ERROR] = "the offer has a MIKEY error in it",
        [MIKEY_DHHMAC_INIT] = "MIKEY with Diffie-Hellman is not supported here",
        [MIKEY_DHHMAC_RESP] = "the offer has a MIKEY answer in it",
        [MIKEY_RSA_R_INIT] = "MIKEY's RSA-R mode is not supported here",
        [MIKEY_RSA_R_RESP] = "the offer has a MIKEY answer in it",
    };

    if (modes[m->type])
        return modes[m->type];
    if (!m->has_kemac || m->kemac_encr || m->kemac_mac)
        return "the MIKEY message is protected by a pre-shared key, and none is known here";
    if (m->prf != 0 || m->wants_verification)
        return "the MIKEY message asks for what only a pre-shared key can give";
    if (m->has_key_validity)
        return "the MIKEY key has a master key identifier or an interval, which is not supported";
    if (m->key_count != 1 || m->key_kind != MIKEY_TGK || m->cs_count < CS_COUNT)
        return "the MIKEY message brings one key for both directions, which would be used twice";
    if (m->rand.n != MIKEY_RAND_MIN || m->key.n == 0 || m->key.n > MIKEY_KEY_MAX)
        return "the MIKEY message has no random value, or a key of a length that is not supported";
    return NULL;
}

static int mikey_answer(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                        struct buf *text, const char **ret_why)
{
    uint8_t bytes[MIKEY_MESSAGE_MAX];
    struct mikey_msg m;
    int v = read_message(remote, bytes, &m, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    const char *why = decline(&m);
    enum srtp_suite suite = mikey_suite_of(&m.policy);
    if (why || !is_allowed(p, suite)) {
        secret_wipe(bytes, sizeof(bytes));
        *ret_why = why ? why : "no encryption suite in common in the MIKEY message";
        return why ? KEYING_TEXT_BAD : KEYING_TEXT_NO_SUITE;
    }
    mikey_srtp_keys(suite, m.key, OFFER_CS, m.csb_id, m.rand, &s->rx);
    mikey_srtp_keys(suite, m.key, ANSWER_CS, m.csb_id, m.rand, &s->tx);
    s->mikey.in_use = false;
    const struct mikey_msg reply = {
        .type = MIKEY_PSK_RESP, .csb_id = m.csb_id, .cs_count = m.cs_count, .time = m.time};
    put_message(&reply, text);
    secret_wipe(bytes, sizeof(bytes));
    return KEYING_TEXT_OK;
}

/* --- ours ---------------------------------------------------------------------------------------- */

/* In a re-offer of keys that the peer gave the sessions would change sides, and a key its sender: so
 * then there are new ones. */
static void mikey_offer(const struct keying_policy *p, struct keying_state *s, struct buf *text)
{
    struct mikey_bundle *b = &s->mikey.offered;
    struct mikey_msg m = {.type = MIKEY_PSK_INIT, .cs_count = CS_COUNT};
    bool keep =
        s->active == KEYING_MIKEY && s->mikey.in_use && is_allowed(p, (enum srtp_suite)b->suite);

    if (!keep) {
        crypto_random(b, sizeof(*b));
        b->suite = (uint8_t)best_suite(p);
        s->mikey.in_use = false;
    }
    m.csb_id = b->csb_id;
    m.rand = slice_from(b->rand, sizeof(b->rand));
    m.key = slice_from(b->tgk, sizeof(b->tgk));
    if (mikey_policy_of((enum srtp_suite)b->suite, &m.policy))
        put_message(&m, text);
}

static int mikey_accept(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                        const char **ret_why)
{
    const struct mikey_bundle *b = &s->mikey.offered;
    uint8_t bytes[MIKEY_MESSAGE_MAX];
    struct mikey_msg m;
    int v = read_message(remote, bytes, &m, ret_why);
    (void)p;

    if (v != KEYING_TEXT_OK)
        return v;
    if (m.type != MIKEY_PSK_RESP || m.has_error || m.csb_id != b->csb_id) {
        *ret_why = m.type == MIKEY_ERROR || m.has_error
                       ? "the peer answers our MIKEY message with an error"
                       : "the peer's MIKEY message is no answer to ours";
        return KEYING_TEXT_BAD;
    }
    const struct slice tgk = slice_from(b->tgk, sizeof(b->tgk)),
                       rand = slice_from(b->rand, sizeof(b->rand));
    mikey_srtp_keys((enum srtp_suite)b->suite, tgk, OFFER_CS, b->csb_id, rand, &s->tx);
    mikey_srtp_keys((enum srtp_suite)b->suite, tgk, ANSWER_CS, b->csb_id, rand, &s->rx);
    s->mikey.in_use = true;
    return KEYING_TEXT_OK;
}

const struct keying_ops keying_mikey = {
    .kind = KEYING_MIKEY,
    .usable = mikey_usable,
    .offer = mikey_offer,
    .answer = mikey_answer,
    .accept = mikey_accept,
};
