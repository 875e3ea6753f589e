#include "keying/keying.h"
#include "keying/text.h"
#include "keying/zrtp_engine.h"
#include "rtp/demux.h"

static const struct slice hash_attr = {"zrtp-hash", 9};

static const struct {
    uint8_t suite, cipher, auth;
} suites[] = {
    {SRTP_AES_256_CM_HMAC_SHA1_80, ZRTP_AES3, ZRTP_HS80},
    {SRTP_AES_CM_128_HMAC_SHA1_80, ZRTP_AES1, ZRTP_HS80},
    {SRTP_AES_192_CM_HMAC_SHA1_80, ZRTP_AES2, ZRTP_HS80},
    {SRTP_AES_256_CM_HMAC_SHA1_32, ZRTP_AES3, ZRTP_HS32},
    {SRTP_AES_CM_128_HMAC_SHA1_32, ZRTP_AES1, ZRTP_HS32},
    {SRTP_AES_192_CM_HMAC_SHA1_32, ZRTP_AES2, ZRTP_HS32},
};

_Static_assert(ARRAY_LEN(suites) == ZRTP_SUITES_MAX, "each suite once");

/* --- reading and printing ---------------------------------------------------------------------- */

int zrtp_hash_parse(struct slice value, uint8_t ret[CRYPTO_SHA256_LEN])
{
    struct slice version = slice_trim(slice_cut(&value, ' ')), hex = slice_trim(value);
    uint8_t hash[CRYPTO_SHA256_LEN];

    if (!slice_starts_with(version, SLICE_LIT("1.1")) || version.n != ZRTP_VERSION_LEN)
        return version.n == ZRTP_VERSION_LEN ? -ENOTSUP : -EINVAL;
    if (hex.n != ZRTP_HASH_TEXT_LEN)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(hash); i++) {
        int hi = slice_hex_digit(hex.p[2 * i]), lo = slice_hex_digit(hex.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return -EINVAL;
        hash[i] = (uint8_t)(hi << 4 | lo);
    }
    memcpy(ret, hash, sizeof(hash));
    return 0;
}

static void put_hash(const struct keying_policy *p, const struct zrtp_state *s, struct buf *text)
{
    struct zrtp_config cfg;
    char hash[ZRTP_HASH_TEXT_LEN + 1];

    zrtp_config_of(p->local->zrtp, s, &cfg);
    zrtp_hello_hash(&cfg, hash);
    secret_wipe(&cfg, sizeof(cfg));
    BUF_PUT_LIT(text, "a=zrtp-hash:1.10 ");
    buf_put_str(text, hash);
    BUF_PUT_LIT(text, "\r\n");
}

/* --- our side ---------------------------------------------------------------------------------- */

static uint8_t suites_of(const struct keying_policy *p, uint8_t ret[ZRTP_SUITES_MAX])
{
    uint8_t n = 0;

    for (size_t i = 0; !p->suite_count && i < ARRAY_LEN(suites); i++)
        ret[n++] = suites[i].suite;
    for (size_t i = 0; i < p->suite_count && i < SRTP_SUITE_COUNT; i++) {
        for (size_t k = 0; k < ARRAY_LEN(suites); k++) {
            if (suites[k].suite == p->suites[i] && n < ZRTP_SUITES_MAX)
                ret[n++] = suites[k].suite;
        }
    }
    return n;
}

void zrtp_config_of(const struct zrtp_local *l, const struct zrtp_state *s, struct zrtp_config *ret)
{
    struct zrtp_config c = {.is_mitm = l->is_mitm, .accept_enroll = l->accept_enroll};

    memcpy(c.zid, l->zid, sizeof(c.zid));
    memcpy(c.h0, s->h0, sizeof(c.h0));
    zrtp_lists_default(&c.lists);
    c.lists.of[ZRTP_CIPHER] = c.lists.of[ZRTP_AUTH] = (struct zrtp_list){.n = 0};
    for (size_t i = 0; i < s->suite_count && i < ZRTP_SUITES_MAX; i++) {
        for (size_t k = 0; k < ARRAY_LEN(suites); k++) {
            if (suites[k].suite != s->suites[i])
                continue;
            zrtp_list_add(&c.lists.of[ZRTP_CIPHER], suites[k].cipher);
            zrtp_list_add(&c.lists.of[ZRTP_AUTH], suites[k].auth);
        }
    }
    c.has_peer_hash = s->has_peer_hash;
    memcpy(c.peer_hash, s->peer_hash, sizeof(s->peer_hash));
    *ret = c;
    secret_wipe(&c, sizeof(c));
}

static bool zrtp_usable(const struct keying_policy *p)
{
    uint8_t list[ZRTP_SUITES_MAX];

    return p->local && p->local->zrtp && suites_of(p, list) > 0;
}

static bool is_active(const struct keying_state *s)
{
    return s->active == KEYING_ZRTP;
}

/* Our Hello stays the one that was announced while the suites are the same. */
static void self_prepare(const struct keying_policy *p, struct keying_state *s, bool fresh)
{
    uint8_t list[ZRTP_SUITES_MAX] = {0};
    uint8_t n = suites_of(p, list);
    struct zrtp_state *z = &s->zrtp;
    bool same = z->has_self && n == z->suite_count && memcmp(list, z->suites, n) == 0;

    if (same && !fresh)
        return;
    z->has_self = true;
    crypto_random(z->h0, sizeof(z->h0));
    z->suite_count = n;
    memcpy(z->suites, list, sizeof(list));
}

/* --- the peer's -------------------------------------------------------------------------------- */

/* ZRTP needs no word in signalling; but where another keying may be meant, none is heard in silence. */
static bool may_be_silent(const struct keying_policy *p)
{
    return p->keying_count == 1 && p->keyings[0] == KEYING_ZRTP &&
           p->protection == PROTECTION_REQUIRED;
}

/* Several hashes of several versions may stand there; one must be ours. 0 or enum
 * keying_text_verdict. */
static int read_remote(const struct keying_policy *p, struct slice remote, bool *ret_has,
                       uint8_t ret_hash[CRYPTO_SHA256_LEN], const char **ret_why)
{
    struct slice value;
    bool any = false;

    while (keying_text_next(&remote, hash_attr, &value)) {
        any = true;
        int r = zrtp_hash_parse(value, ret_hash);
        if (r == 0) {
            *ret_has = true;
            return KEYING_TEXT_OK;
        }
        *ret_why = r == -ENOTSUP ? "the peer announces another version of ZRTP"
                                 : "the peer's a=zrtp-hash cannot be read";
    }
    *ret_has = false;
    if (any)
        return KEYING_TEXT_BAD;
    if (may_be_silent(p))
        return KEYING_TEXT_OK;
    *ret_why = "no zrtp-hash";
    return KEYING_TEXT_NONE;
}

static bool same_peer(const struct zrtp_state *z, bool has, const uint8_t *hash)
{
    return z->has_peer_hash == has && (!has || memcmp(z->peer_hash, hash, CRYPTO_SHA256_LEN) == 0);
}

static void agree(struct keying_state *s, bool has, const uint8_t *hash, bool same)
{
    s->zrtp.has_peer_hash = has;
    if (has)
        memcpy(s->zrtp.peer_hash, hash, sizeof(s->zrtp.peer_hash));
    s->held = false;
    if (!same)
        s->wanted++;
}

/* --- the vtable -------------------------------------------------------------------------------- */

static void zrtp_offer(const struct keying_policy *p, struct keying_state *s, struct buf *text)
{
    self_prepare(p, s, false);
    put_hash(p, &s->zrtp, text);
}

/* Another Hello of the peer's gets another of ours: a chain of hashes is for one exchange. */
static int zrtp_answer(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                       struct buf *text, const char **ret_why)
{
    uint8_t hash[CRYPTO_SHA256_LEN], before[ZRTP_IMAGE_LEN];
    bool has;
    int v = read_remote(p, remote, &has, hash, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    bool same = is_active(s) && same_peer(&s->zrtp, has, hash);
    memcpy(before, s->zrtp.h0, sizeof(before));
    self_prepare(p, s, !same);
    same = same && memcmp(before, s->zrtp.h0, sizeof(before)) == 0;
    agree(s, has, hash, same);
    put_hash(p, &s->zrtp, text);
    return KEYING_TEXT_OK;
}

static int zrtp_accept(const struct keying_policy *p, struct slice remote, struct keying_state *s,
                       const char **ret_why)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    bool has;
    int v = read_remote(p, remote, &has, hash, ret_why);

    if (v != KEYING_TEXT_OK)
        return v;
    agree(s, has, hash, is_active(s) && same_peer(&s->zrtp, has, hash));
    return KEYING_TEXT_OK;
}

const struct keying_ops keying_zrtp = {
    .kind = KEYING_ZRTP,
    .usable = zrtp_usable,
    .offer = zrtp_offer,
    .answer = zrtp_answer,
    .accept = zrtp_accept,
    .packet_kind = RTP_KIND_ZRTP,
    .start = zrtp_engine_start,
    .packet = zrtp_engine_packet,
    .expired = zrtp_engine_expired,
    .state = zrtp_engine_state,
    .free = zrtp_engine_free,
    .found = zrtp_engine_found,
    .verify = zrtp_engine_verify,
    .relay = zrtp_engine_relay,
};
