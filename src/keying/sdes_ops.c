/* SDES as one of the keyings: which lines we offer, which one we answer, what an answer means.
 *
 * Our keys live as long as they can: a re-offer or another answer under the same suite repeats
 * them, so that rollover counters go on; a suite that was left and comes back gets a fresh key,
 * because its packet indices start again and no (key, index) pair may be used twice. */
#include "keying/keying.h"

#include "crypto/hash.h"
#include "keying/text.h"

/* Where the policy names none: the one suite that every SDES phone has (RFC 4568 s.6.2.1) and its
 * longer sister. More lines have cost real phones their audio, so the cheapest suite of all goes
 * before them only to a phone that is known to have it. */
static const uint8_t default_offer[] = {SRTP_AEAD_AES_128_GCM, SRTP_AES_CM_128_HMAC_SHA1_80,
                                        SRTP_AES_256_CM_HMAC_SHA1_80};

static const struct slice crypto_attr = {"crypto", 6};

static void keys_random(enum srtp_suite suite, struct srtp_keys *ret)
{
    const struct srtp_suite_info *info = srtp_suite_info(suite);

    ret->suite = suite;
    ret->master.n = (size_t)info->key_len + info->salt_len;
    crypto_random(ret->master.b, ret->master.n);
}

static bool is_active(const struct keying_state *s, enum srtp_suite suite)
{
    return s->active == KEYING_SDES && s->tx.suite == suite;
}

/* The peer's own spelling is repeated for the suite in use: "AES_CM_256_..." has two. */
static struct slice spelling_of(const struct keying_policy *p, const struct keying_state *s,
                                enum srtp_suite suite)
{
    if (is_active(s, suite) && s->sdes.spelling[0])
        return slice_from_str(s->sdes.spelling);
    if (p->aes_cm_256 && suite == SRTP_AES_256_CM_HMAC_SHA1_80)
        return SLICE_LIT("AES_CM_256_HMAC_SHA1_80");
    if (p->aes_cm_256 && suite == SRTP_AES_256_CM_HMAC_SHA1_32)
        return SLICE_LIT("AES_CM_256_HMAC_SHA1_32");
    return slice_from_str(srtp_suite_name(suite));
}

static bool is_barred(const struct keying_policy *p, enum srtp_suite suite)
{
    return p->no_aes256 && suite < SRTP_SUITE_COUNT && srtp_suite_info(suite)->key_len == 32;
}

static void spelling_keep(struct keying_state *s, struct slice name)
{
    if (!slice_to_str(name, s->sdes.spelling, sizeof(s->sdes.spelling)))
        s->sdes.spelling[0] = '\0';
}

/* Adds a line for `suite`, with the key in use, a key offered before that was never used, or a
 * fresh one. */
static void offer_add(const struct keying_state *s, enum srtp_suite suite, struct sdes_state *next)
{
    for (size_t i = 0; i < next->offered_count; i++) {
        if (next->offered[i].keys.suite == suite)
            return;
    }
    if (suite == SRTP_SUITE_NONE || suite >= SRTP_SUITE_COUNT)
        return;
    struct sdes_offered *line = &next->offered[next->offered_count++];
    if (is_active(s, suite)) {
        *line = (struct sdes_offered){.used = true, .keys = s->tx};
        return;
    }
    for (size_t i = 0; i < s->sdes.offered_count; i++) {
        const struct sdes_offered *old = &s->sdes.offered[i];
        if (old->keys.suite == suite && !old->used) {
            *line = *old;
            return;
        }
    }
    keys_random(suite, &line->keys);
}

static void sdes_offer(const struct keying_policy *p, struct keying_state *s, struct buf *text)
{
    struct sdes_state next = {0};
    const size_t from = p->gcm ? 0 : 1; /* of the default offer */
    const uint8_t *suites = p->suite_count ? p->suites : default_offer + from;
    size_t n = p->suite_count ? p->suite_count : ARRAY_LEN(default_offer) - from;

    if (s->active == KEYING_SDES)
        offer_add(s, s->tx.suite, &next); /* first, or phones change suite (pjproject) */
    for (size_t i = 0; i < n && i < SRTP_SUITE_COUNT; i++) {
        if (!is_barred(p, (enum srtp_suite)suites[i]) &&
            (p->crypto_max == 0 || next.offered_count < p->crypto_max))
            offer_add(s, (enum srtp_suite)suites[i], &next);
    }
    memcpy(next.spelling, s->sdes.spelling, sizeof(next.spelling));
    s->sdes = next;
    secret_wipe(&next, sizeof(next));
    for (uint32_t i = 0; i < s->sdes.offered_count; i++) {
        const struct srtp_keys *k = &s->sdes.offered[i].keys;
        sdes_line_print(text, i + 1, spelling_of(p, s, k->suite), k);
    }
}

static bool is_gcm(enum srtp_suite suite)
{
    return suite == SRTP_AEAD_AES_128_GCM || suite == SRTP_AEAD_AES_256_GCM;
}

/* How much we like a suite; lower is better; above SRTP_SUITE_COUNT: not at all. `key_len`: of the
 * suite that the peer likes best of those that may be had here; 0: this is it. */
static unsigned rank_of(const struct keying_policy *p, const struct keying_state *s,
                        enum srtp_suite suite, size_t key_len)
{
    if (is_barred(p, suite))
        return SRTP_SUITE_COUNT + 1;
    /* Then the peer's order decides, but GCM, which costs half as much, goes before the other suites
     * that are no stronger. */
    if (p->suite_count == 0) {
        unsigned rank = is_gcm(suite) && srtp_suite_info(suite)->key_len >= key_len ? 1 : 2;
        return is_active(s, suite) ? 0 : rank;
    }
    for (unsigned i = 0; i < p->suite_count && i < SRTP_SUITE_COUNT; i++) {
        if (p->suites[i] == suite)
            return is_active(s, suite) ? 0 : i + 1;
    }
    return SRTP_SUITE_COUNT + 1;
}

struct choice {
    struct sdes_line line;
    unsigned rank;
    size_t key_len; /* of the first line that was not refused; 0: none was */
    int verdict;    /* what to say where nothing was chosen */
    const char *why;
};

/* One more line of the peer's offer. */
static void choose(const struct keying_policy *p, const struct keying_state *s, struct slice value,
                   struct choice *c)
{
    struct sdes_line line;
    int r = sdes_line_parse(value, &line);

    if (r == SDES_OK && is_active(s, line.keys.suite) && keying_keys_eq(&line.keys, &s->tx))
        r = SDES_BAD_KEY; /* our own key come back: both directions would share a key stream */
    if (r != SDES_OK) {
        bool unknown = r == SDES_UNKNOWN_SUITE;
        if (unknown || c->verdict == KEYING_TEXT_NONE) {
            c->verdict = unknown ? KEYING_TEXT_NO_SUITE : KEYING_TEXT_BAD;
            c->why = sdes_verdict_why((enum sdes_verdict)r);
        }
        return;
    }
    unsigned rank = rank_of(p, s, line.keys.suite, c->key_len);
    if (rank <= SRTP_SUITE_COUNT && !c->key_len)
        c->key_len = srtp_suite_info(line.keys.suite)->key_len;
    if (rank > SRTP_SUITE_COUNT) {
        c->verdict = KEYING_TEXT_NO_SUITE;
        c->why = "none of the offered suites is allowed here";
    } else if (rank < c->rank) {
        c->line = line;
        c->rank = rank;
    }
    secret_fini(&line.keys.master);
}

static int sdes_answer(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                       struct buf *text, const char **ret_why)
{
    struct choice c = {.rank = UINT32_MAX, .verdict = KEYING_TEXT_NONE, .why = "no crypto line"};
    struct slice value;

    while (keying_text_next(&remote, crypto_attr, &value))
        choose(p, s, value, &c);
    if (c.rank == UINT32_MAX) {
        *ret_why = c.why;
        return c.verdict;
    }
    if (!is_active(s, c.line.keys.suite))
        keys_random(c.line.keys.suite, &s->tx);
    s->rx = c.line.keys;
    spelling_keep(s, c.line.suite_name);
    /* Tag, suite and its spelling are the offered line's (RFC 4568 s.5.1.2). */
    sdes_line_print(text, c.line.tag, c.line.suite_name, &s->tx);
    secret_fini(&c.line.keys.master);
    return KEYING_TEXT_OK;
}

/* NULL: fine. Takes the keys where it is. */
static const char *accept_line(const struct sdes_line *line, struct keying_state *s)
{
    if (line->tag == 0 || line->tag > s->sdes.offered_count)
        return "the answer's crypto line has a tag that was not offered";
    struct sdes_offered *mine = &s->sdes.offered[line->tag - 1];
    if (mine->keys.suite != line->keys.suite)
        return "the answer's crypto line names another suite than the offer under its tag";
    if (keying_keys_eq(&mine->keys, &line->keys))
        return "the answer's crypto line repeats our own key";
    if (mine->used && !(s->active == KEYING_SDES && keying_keys_eq(&s->tx, &mine->keys)))
        return "the answer goes back to a key that was in use before";
    mine->used = true;
    s->tx = mine->keys;
    s->rx = line->keys;
    spelling_keep(s, line->suite_name);
    return NULL;
}

static int sdes_accept(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                       const char **ret_why)
{
    struct slice value;
    const char *why = NULL;

    (void)p;
    while (keying_text_next(&remote, crypto_attr, &value)) {
        struct sdes_line line;
        int r = sdes_line_parse(value, &line);
        if (r != SDES_OK) {
            why = sdes_verdict_why((enum sdes_verdict)r);
            continue;
        }
        const char *bad = accept_line(&line, s);
        secret_fini(&line.keys.master);
        if (!bad)
            return KEYING_TEXT_OK;
        why = bad;
    }
    *ret_why = why ? why : "no crypto line";
    return why ? KEYING_TEXT_BAD : KEYING_TEXT_NONE;
}

const struct keying_ops keying_sdes = {
    .kind = KEYING_SDES,
    .offer = sdes_offer,
    .answer = sdes_answer,
    .accept = sdes_accept,
};
