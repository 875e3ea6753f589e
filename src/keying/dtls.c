#include "keying/keying.h"

#include "crypto/hash.h"
#include "keying/dtls_engine.h"
#include "keying/text.h"
#include "rtp/demux.h"

static const struct slice fingerprint_attr = {"fingerprint", 11}, setup_attr = {"setup", 5},
                          id_attr = {"tls-id", 6};

static const char *const setup_names[DTLS_SETUP_COUNT] = {
    [DTLS_SETUP_NONE] = "",
    [DTLS_SETUP_ACTPASS] = "actpass",
    [DTLS_SETUP_ACTIVE] = "active",
    [DTLS_SETUP_PASSIVE] = "passive",
    [DTLS_SETUP_HOLDCONN] = "holdconn",
};

/* --- reading ----------------------------------------------------------------------------------- */

int dtls_fingerprint_parse(struct slice value, enum crypto_dtls_hash *ret_hash,
                           uint8_t ret_digest[CRYPTO_DTLS_DIGEST_MAX])
{
    struct slice name = slice_trim(slice_cut(&value, ' '));
    struct slice hex = slice_trim(value);
    uint8_t digest[CRYPTO_DTLS_DIGEST_MAX] = {0};
    enum crypto_dtls_hash h;

    if (hex.n == 0)
        return -EINVAL;
    if (crypto_dtls_hash_parse(name, &h) < 0)
        return -ENOTSUP;
    size_t n = crypto_dtls_hash_len(h);
    if (hex.n != n * 3 - 1)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        int hi = slice_hex_digit(hex.p[i * 3]), lo = slice_hex_digit(hex.p[i * 3 + 1]);
        if (hi < 0 || lo < 0 || (i + 1 < n && hex.p[i * 3 + 2] != ':'))
            return -EINVAL;
        digest[i] = (uint8_t)(hi << 4 | lo);
    }
    *ret_hash = h;
    memcpy(ret_digest, digest, sizeof(digest));
    return 0;
}

enum dtls_setup dtls_setup_parse(struct slice value)
{
    for (size_t i = DTLS_SETUP_ACTPASS; i < DTLS_SETUP_COUNT; i++) {
        if (slice_eq_nocase_str(value, setup_names[i]))
            return (enum dtls_setup)i;
    }
    return DTLS_SETUP_NONE;
}

static bool fingerprints_have(const struct dtls_fingerprints *f, const uint8_t *digest)
{
    for (size_t i = 0; i < f->count; i++) {
        if (memcmp(f->digest[i], digest, CRYPTO_DTLS_DIGEST_MAX) == 0)
            return true;
    }
    return false;
}

/* As sets: a phone may list them in another order. */
static bool fingerprints_eq(const struct dtls_fingerprints *a, const struct dtls_fingerprints *b)
{
    if (a->hash != b->hash || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!fingerprints_have(b, a->digest[i]))
            return false;
    }
    return true;
}

/* What the peer says of itself. */
struct remote {
    struct dtls_fingerprints prints;
    enum dtls_setup setup;
    bool has_id;
    uint8_t id[CRYPTO_DTLS_DIGEST_LEN];
};

static const char too_many[] = "the peer names too many certificates";

/* NULL: fine. */
static const char *add_fingerprint(struct dtls_fingerprints *f, struct slice value)
{
    enum crypto_dtls_hash h;
    uint8_t digest[CRYPTO_DTLS_DIGEST_MAX];
    int r = dtls_fingerprint_parse(value, &h, digest);

    if (r == -ENOTSUP)
        return "the peer's certificate is named by a hash that is unknown or broken";
    if (r < 0)
        return "the peer's a=fingerprint cannot be read";
    if (f->count && h < f->hash)
        return NULL; /* the best hash counts alone */
    if (f->count == 0 || h > f->hash)
        *f = (struct dtls_fingerprints){.hash = (uint8_t)h};
    if (fingerprints_have(f, digest))
        return NULL;
    if (f->count == DTLS_FINGERPRINTS_MAX)
        return too_many;
    memcpy(f->digest[f->count++], digest, sizeof(digest));
    return NULL;
}

/* 0 or enum keying_text_verdict. */
static int read_remote(struct slice text, struct remote *ret, const char **ret_why)
{
    struct remote r = {0};
    struct slice rest = text, value;
    const char *why = NULL;
    bool whole = true; /* those that there is no room for might be the ones in use */

    while (keying_text_next(&rest, fingerprint_attr, &value)) {
        const char *bad = add_fingerprint(&r.prints, value);
        why = bad ? bad : why;
        whole = whole && bad != too_many;
    }
    if (r.prints.count == 0 || !whole) {
        *ret_why = !whole ? too_many : why ? why : "no fingerprint";
        return why ? KEYING_TEXT_BAD : KEYING_TEXT_NONE;
    }
    rest = text;
    if (keying_text_next(&rest, setup_attr, &value))
        r.setup = dtls_setup_parse(value);
    rest = text;
    r.has_id = keying_text_next(&rest, id_attr, &value);
    if (r.has_id)
        crypto_sha256(&value, 1, r.id);
    *ret = r;
    return KEYING_TEXT_OK;
}

/* --- our side ---------------------------------------------------------------------------------- */

static const uint8_t all_suites[CRYPTO_DTLS_PROFILES] = {
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES_CM_128_HMAC_SHA1_80,
    SRTP_AES_CM_128_HMAC_SHA1_32,
};

/* Those of the policy that DTLS has. */
static size_t suites_of(const struct keying_policy *p, uint8_t ret[CRYPTO_DTLS_PROFILES])
{
    const uint8_t *list = p->suite_count ? p->suites : all_suites;
    size_t count = p->suite_count ? p->suite_count : ARRAY_LEN(all_suites), n = 0;

    for (size_t i = 0; i < count && i < SRTP_SUITE_COUNT && n < CRYPTO_DTLS_PROFILES; i++) {
        if (crypto_dtls_has_profile((enum srtp_suite)list[i]))
            ret[n++] = list[i];
    }
    return n;
}

static bool dtls_usable(const struct keying_policy *p)
{
    return p->local && p->local->dtls[0];
}

static bool is_known(const struct keying_policy *p, const struct dtls_self *self)
{
    return keying_dtls_local(p->local, self->digest) != NULL;
}

static struct dtls_self self_new(const struct keying_policy *p)
{
    struct dtls_self self;
    memcpy(self.digest, crypto_dtls_digest(p->local->dtls[0]), sizeof(self.digest));
    crypto_random(self.id, sizeof(self.id));
    return self;
}

static bool is_active(const struct keying_state *s)
{
    return s->active == KEYING_DTLS;
}

static void put_self(struct buf *b, const struct dtls_self *self, enum dtls_setup setup,
                     bool with_id)
{
    static const char hex[] = "0123456789ABCDEF";

    BUF_PUT_LIT(b, "a=fingerprint:sha-256 ");
    for (size_t i = 0; i < sizeof(self->digest); i++) {
        if (i)
            buf_put_char(b, ':');
        buf_put_char(b, hex[self->digest[i] >> 4]);
        buf_put_char(b, hex[self->digest[i] & 15]);
    }
    BUF_PUT_LIT(b, "\r\na=setup:");
    buf_put_str(b, setup_names[setup]);
    BUF_PUT_LIT(b, "\r\n");
    if (!with_id)
        return;
    BUF_PUT_LIT(b, "a=tls-id:");
    buf_put_hex(b, self->id, sizeof(self->id));
    BUF_PUT_LIT(b, "\r\n");
}

/* --- agreeing ---------------------------------------------------------------------------------- */

static bool is_same(const struct keying_state *s, const struct remote *r, enum dtls_setup setup,
                    const struct dtls_self *self)
{
    const struct dtls_state *d = &s->dtls;
    return is_active(s) && d->setup == setup && d->remote_has_id == r->has_id &&
           memcmp(d->remote_id, r->id, sizeof(r->id)) == 0 &&
           fingerprints_eq(&d->remote, &r->prints) && memcmp(&d->self, self, sizeof(*self)) == 0;
}

/* What was agreed; asks for a handshake where it is another association than the one in force. */
static void agree(const struct keying_policy *p, struct keying_state *s, const struct remote *r,
                  enum dtls_setup setup, const struct dtls_self *self)
{
    struct dtls_state *d = &s->dtls;
    bool same = is_same(s, r, setup, self);

    d->suite_count = (uint8_t)suites_of(p, d->suites);
    d->self = *self;
    d->setup = (uint8_t)setup;
    d->remote = r->prints;
    d->remote_has_id = r->has_id;
    memcpy(d->remote_id, r->id, sizeof(r->id));
    s->held = setup == DTLS_SETUP_HOLDCONN;
    if (!same && !s->held)
        s->wanted++;
}

/* Our offer keeps the association, where there is one (RFC 8842 s.5.2 … s.5.5). */
static void dtls_offer(const struct keying_policy *p, struct keying_state *s, struct buf *text)
{
    bool keep = is_active(s) && is_known(p, &s->dtls.self);

    s->dtls.offered = keep ? s->dtls.self : self_new(p);
    put_self(text, &s->dtls.offered, DTLS_SETUP_ACTPASS, true);
}

/* Our role; RFC 4145 s.4: an offer without a=setup means active. */
static enum dtls_setup role_for_offer(const struct keying_policy *p, const struct keying_state *s,
                                      enum dtls_setup theirs)
{
    switch (theirs) {
    case DTLS_SETUP_HOLDCONN:
        return DTLS_SETUP_HOLDCONN;
    case DTLS_SETUP_PASSIVE:
        return DTLS_SETUP_ACTIVE;
    case DTLS_SETUP_ACTPASS:
        if (is_active(s) && s->dtls.setup != DTLS_SETUP_HOLDCONN)
            return (enum dtls_setup)s->dtls.setup;
        return p->peer_first ? DTLS_SETUP_PASSIVE : DTLS_SETUP_ACTIVE;
    case DTLS_SETUP_NONE:
    case DTLS_SETUP_ACTIVE:
    case DTLS_SETUP_COUNT:
        break;
    }
    return DTLS_SETUP_PASSIVE;
}

static int check(const struct keying_policy *p, struct slice remote, struct remote *ret,
                 const char **ret_why)
{
    uint8_t suites[CRYPTO_DTLS_PROFILES];
    int r = read_remote(remote, ret, ret_why);

    if (r == KEYING_TEXT_OK && suites_of(p, suites) == 0) {
        *ret_why = "none of the encryption suites that are allowed here can be agreed on by DTLS";
        return KEYING_TEXT_NO_SUITE;
    }
    return r;
}

static int dtls_answer(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                       struct buf *text, const char **ret_why)
{
    struct remote r;
    int v = check(p, remote, &r, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    enum dtls_setup setup = role_for_offer(p, s, r.setup);
    struct dtls_self self = s->dtls.self;
    if (!is_known(p, &self) || !is_same(s, &r, setup, &self))
        self = self_new(p);
    agree(p, s, &r, setup, &self);
    /* RFC 8842 s.5.3: no tls-id where the offer has none. */
    put_self(text, &self, setup, r.has_id);
    return KEYING_TEXT_OK;
}

/* Our role; RFC 4145 s.4: an answer without a=setup means passive. One that says actpass decides
 * nothing, which it must: then we speak. */
static enum dtls_setup role_for_answer(enum dtls_setup theirs)
{
    if (theirs == DTLS_SETUP_HOLDCONN)
        return DTLS_SETUP_HOLDCONN;
    return theirs == DTLS_SETUP_ACTIVE ? DTLS_SETUP_PASSIVE : DTLS_SETUP_ACTIVE;
}

static int dtls_accept(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                       const char **ret_why)
{
    struct remote r;
    int v = check(p, remote, &r, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    const struct dtls_self self = s->dtls.offered;
    agree(p, s, &r, role_for_answer(r.setup), &self);
    return KEYING_TEXT_OK;
}

const struct keying_ops keying_dtls = {
    .kind = KEYING_DTLS,
    .usable = dtls_usable,
    .offer = dtls_offer,
    .answer = dtls_answer,
    .accept = dtls_accept,
    .packet_kind = RTP_KIND_DTLS,
    .per_component = true,
    .start = dtls_engine_start,
    .packet = dtls_engine_packet,
    .expired = dtls_engine_expired,
    .state = dtls_engine_state,
    .free = dtls_engine_free,
};
