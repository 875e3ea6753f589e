#include "keying/zrtp/msg.h"

#include "rtp/wire.h"

#define PREAMBLE 0x505a
#define TYPE_LEN 8
#define HEAD_LEN (4 + TYPE_LEN)

/* Lengths in words. A length of 0 is judged by the body. */
static const struct {
    char type[TYPE_LEN + 1];
    const char *name;
    uint8_t words;
    bool has_mac; /* keyed by the hash chain, at the end (s.9) */
} kinds[ZRTP_KIND_COUNT] = {
    [ZRTP_HELLO] = {"Hello   ", "Hello", 0, true},
    [ZRTP_HELLOACK] = {"HelloACK", "HelloACK", 3, false},
    [ZRTP_COMMIT] = {"Commit  ", "Commit", 0, true},
    [ZRTP_DHPART1] = {"DHPart1 ", "DHPart1", 0, true},
    [ZRTP_DHPART2] = {"DHPart2 ", "DHPart2", 0, true},
    [ZRTP_CONFIRM1] = {"Confirm1", "Confirm1", 0, false},
    [ZRTP_CONFIRM2] = {"Confirm2", "Confirm2", 0, false},
    [ZRTP_CONF2ACK] = {"Conf2ACK", "Conf2ACK", 3, false},
    [ZRTP_ERROR] = {"Error   ", "Error", 4, false},
    [ZRTP_ERRORACK] = {"ErrorACK", "ErrorACK", 3, false},
    [ZRTP_GOCLEAR] = {"GoClear ", "GoClear", 5, false},
    [ZRTP_CLEARACK] = {"ClearACK", "ClearACK", 3, false},
    [ZRTP_SASRELAY] = {"SASrelay", "SASrelay", 0, false},
    [ZRTP_RELAYACK] = {"RelayACK", "RelayACK", 3, false},
    [ZRTP_PING] = {"Ping    ", "Ping", 6, false},
    [ZRTP_PINGACK] = {"PingACK ", "PingACK", 9, false},
};

static const char *const verdict_why[ZRTP_MSG_VERDICT_COUNT] = {
    [ZRTP_MSG_OK] = "fine",
    [ZRTP_MSG_UNKNOWN] = "a ZRTP message of an unknown kind",
    [ZRTP_MSG_BAD_LENGTH] = "a ZRTP message is too short or too long for its kind",
    [ZRTP_MSG_BAD_FIELD] = "a field of a ZRTP message has a value that it may not have",
};

const char *zrtp_msg_why(enum zrtp_msg_verdict v)
{
    return verdict_why[v];
}

const char *zrtp_kind_name(enum zrtp_kind k)
{
    return kinds[k].name;
}

bool zrtp_msg_has_mac(enum zrtp_kind k)
{
    return kinds[k].has_mac;
}

/* --- parse ------------------------------------------------------------------------------------- */

/* Takes n bytes from the front; lengths were checked by the caller. */
static void take(struct slice *s, void *dst, size_t n)
{
    memcpy(dst, s->p, n);
    *s = slice_skip(*s, n);
}

static uint32_t take32(struct slice *s)
{
    uint8_t b[4];

    take(s, b, sizeof(b));
    return wire_get32(b);
}

#define HELLO_FIXED (ZRTP_VERSION_LEN + ZRTP_CLIENT_LEN + ZRTP_IMAGE_LEN + ZRTP_ZID_LEN + 4)
#define FLAG_S 0x40000000u
#define FLAG_M 0x20000000u
#define FLAG_P 0x10000000u
#define COUNT_SHIFT(c) (16 - 4 * (unsigned)(c)) /* of an algorithm class; hash is the highest */

static int hello_parse(struct slice s, struct zrtp_hello *h)
{
    size_t names = 0;

    if (s.n < HELLO_FIXED + ZRTP_MAC_LEN)
        return ZRTP_MSG_BAD_LENGTH;
    memset(h, 0, sizeof(*h));
    take(&s, h->version, sizeof(h->version));
    take(&s, h->client, sizeof(h->client));
    take(&s, h->h3, sizeof(h->h3));
    take(&s, h->zid, sizeof(h->zid));
    uint32_t flags = take32(&s);
    h->can_sign = flags & FLAG_S;
    h->is_mitm = flags & FLAG_M;
    h->is_passive = flags & FLAG_P;
    for (int c = 0; c < ZRTP_CLASS_COUNT; c++) {
        unsigned n = flags >> COUNT_SHIFT(c) & 15;
        if (n > ZRTP_LIST_MAX)
            return ZRTP_MSG_BAD_FIELD;
        names += n;
    }
    if (s.n != names * ZRTP_NAME_LEN + ZRTP_MAC_LEN)
        return ZRTP_MSG_BAD_LENGTH;
    for (int c = 0; c < ZRTP_CLASS_COUNT; c++) {
        for (unsigned n = flags >> COUNT_SHIFT(c) & 15; n; n--) {
            uint8_t name[ZRTP_NAME_LEN];
            take(&s, name, sizeof(name));
            zrtp_list_add(&h->lists.of[c], zrtp_algo_from_name((enum zrtp_algo_class)c, name));
        }
    }
    return ZRTP_MSG_OK;
}

#define COMMIT_FIXED (ZRTP_IMAGE_LEN + ZRTP_ZID_LEN + ZRTP_CLASS_COUNT * ZRTP_NAME_LEN)

static int commit_parse(struct slice s, struct zrtp_commit *c)
{
    if (s.n < COMMIT_FIXED)
        return ZRTP_MSG_BAD_LENGTH;
    memset(c, 0, sizeof(*c));
    take(&s, c->h2, sizeof(c->h2));
    take(&s, c->zid, sizeof(c->zid));
    for (int i = 0; i < ZRTP_CLASS_COUNT; i++) {
        uint8_t name[ZRTP_NAME_LEN];
        take(&s, name, sizeof(name));
        c->choice.of[i] = (uint8_t)zrtp_algo_from_name((enum zrtp_algo_class)i, name);
    }
    unsigned mode = c->choice.of[ZRTP_KEY_AGREEMENT];
    if (mode == ZRTP_MULT || mode == ZRTP_PRSH) {
        if (s.n != ZRTP_NONCE_LEN + (mode == ZRTP_PRSH ? ZRTP_ID_LEN : 0) + ZRTP_MAC_LEN)
            return ZRTP_MSG_BAD_LENGTH;
        take(&s, c->nonce, sizeof(c->nonce));
        if (mode == ZRTP_PRSH)
            take(&s, c->key_id, sizeof(c->key_id));
        return ZRTP_MSG_OK;
    }
    if (s.n != ZRTP_HVI_LEN + ZRTP_MAC_LEN)
        return ZRTP_MSG_BAD_LENGTH;
    take(&s, c->hvi, sizeof(c->hvi));
    return ZRTP_MSG_OK;
}

#define DHPART_FIXED (ZRTP_IMAGE_LEN + ZRTP_SECRET_KINDS * ZRTP_ID_LEN)

/* The group is the Commit's, so the machine judges the public value's length. */
static int dhpart_parse(struct slice s, struct zrtp_dhpart *d)
{
    if (s.n <= DHPART_FIXED + ZRTP_MAC_LEN ||
        s.n > DHPART_FIXED + CRYPTO_DH_PUBLIC_MAX + ZRTP_MAC_LEN)
        return ZRTP_MSG_BAD_LENGTH;
    take(&s, d->h1, sizeof(d->h1));
    take(&s, d->ids, sizeof(d->ids));
    d->public_value = slice_take(s, s.n - ZRTP_MAC_LEN);
    return ZRTP_MSG_OK;
}

static int sealed_parse(struct slice s, struct zrtp_sealed *c)
{
    if (s.n < ZRTP_MAC_LEN + CRYPTO_CFB_IV_LEN + ZRTP_CONFIRM_TEXT_LEN)
        return ZRTP_MSG_BAD_LENGTH;
    take(&s, c->mac, sizeof(c->mac));
    take(&s, c->iv, sizeof(c->iv));
    c->text = s;
    return ZRTP_MSG_OK;
}

static void ping_parse(struct slice s, bool is_ack, struct zrtp_ping *p)
{
    memset(p, 0, sizeof(*p));
    take(&s, p->version, sizeof(p->version));
    take(&s, p->endpoint, sizeof(p->endpoint));
    if (is_ack) {
        take(&s, p->received, sizeof(p->received));
        p->ssrc = take32(&s);
    }
}

static int body_parse(struct slice s, struct zrtp_msg *m)
{
    switch (m->kind) {
    case ZRTP_HELLO:
        return hello_parse(s, &m->hello);
    case ZRTP_COMMIT:
        return commit_parse(s, &m->commit);
    case ZRTP_DHPART1:
    case ZRTP_DHPART2:
        return dhpart_parse(s, &m->dhpart);
    case ZRTP_CONFIRM1:
    case ZRTP_CONFIRM2:
    case ZRTP_SASRELAY:
        return sealed_parse(s, &m->sealed);
    case ZRTP_PING:
    case ZRTP_PINGACK:
        ping_parse(s, m->kind == ZRTP_PINGACK, &m->ping);
        break;
    case ZRTP_ERROR:
        m->error = take32(&s);
        break;
    case ZRTP_GOCLEAR:
        take(&s, m->clear_mac, sizeof(m->clear_mac));
        break;
    case ZRTP_HELLOACK:
    case ZRTP_CONF2ACK:
    case ZRTP_ERRORACK:
    case ZRTP_CLEARACK:
    case ZRTP_RELAYACK:
    case ZRTP_KIND_COUNT:
        break;
    }
    return ZRTP_MSG_OK;
}

int zrtp_msg_parse(struct slice message, struct zrtp_msg *ret)
{
    struct zrtp_msg m = {.kind = ZRTP_KIND_COUNT};

    if (message.n < HEAD_LEN || message.n > ZRTP_MESSAGE_MAX || message.n % 4)
        return ZRTP_MSG_BAD_LENGTH;
    for (int k = 0; k < ZRTP_KIND_COUNT; k++) {
        if (memcmp(message.p + 4, kinds[k].type, TYPE_LEN) == 0)
            m.kind = (enum zrtp_kind)k;
    }
    if (m.kind == ZRTP_KIND_COUNT)
        return ZRTP_MSG_UNKNOWN;
    if (kinds[m.kind].words && message.n != kinds[m.kind].words * (size_t)4)
        return ZRTP_MSG_BAD_LENGTH;
    int r = body_parse(slice_skip(message, HEAD_LEN), &m);
    if (r == ZRTP_MSG_OK)
        *ret = m;
    return r;
}

/* --- print ------------------------------------------------------------------------------------- */

static void put32(struct buf *b, uint32_t v)
{
    uint8_t w[4];

    wire_put32(w, v);
    buf_put(b, w, sizeof(w));
}

static void put_name(struct buf *b, int class, unsigned v)
{
    buf_put(b, zrtp_algo_name((enum zrtp_algo_class) class, v), ZRTP_NAME_LEN);
}

static void hello_print(const struct zrtp_hello *h, struct buf *b)
{
    uint32_t flags =
        (h->can_sign ? FLAG_S : 0) | (h->is_mitm ? FLAG_M : 0) | (h->is_passive ? FLAG_P : 0);

    buf_put(b, h->version, sizeof(h->version));
    buf_put(b, h->client, sizeof(h->client));
    buf_put(b, h->h3, sizeof(h->h3));
    buf_put(b, h->zid, sizeof(h->zid));
    for (int c = 0; c < ZRTP_CLASS_COUNT; c++)
        flags |= (uint32_t)h->lists.of[c].n << COUNT_SHIFT(c);
    put32(b, flags);
    for (int c = 0; c < ZRTP_CLASS_COUNT; c++) {
        for (size_t i = 0; i < h->lists.of[c].n; i++)
            put_name(b, c, h->lists.of[c].v[i]);
    }
}

static void commit_print(const struct zrtp_commit *c, struct buf *b)
{
    unsigned mode = c->choice.of[ZRTP_KEY_AGREEMENT];

    buf_put(b, c->h2, sizeof(c->h2));
    buf_put(b, c->zid, sizeof(c->zid));
    for (int i = 0; i < ZRTP_CLASS_COUNT; i++)
        put_name(b, i, c->choice.of[i]);
    if (mode == ZRTP_MULT || mode == ZRTP_PRSH)
        buf_put(b, c->nonce, sizeof(c->nonce));
    else
        buf_put(b, c->hvi, sizeof(c->hvi));
    if (mode == ZRTP_PRSH)
        buf_put(b, c->key_id, sizeof(c->key_id));
}

static void body_print(const struct zrtp_msg *m, struct buf *b)
{
    switch (m->kind) {
    case ZRTP_HELLO:
        hello_print(&m->hello, b);
        break;
    case ZRTP_COMMIT:
        commit_print(&m->commit, b);
        break;
    case ZRTP_DHPART1:
    case ZRTP_DHPART2:
        buf_put(b, m->dhpart.h1, sizeof(m->dhpart.h1));
        buf_put(b, m->dhpart.ids, sizeof(m->dhpart.ids));
        buf_put_slice(b, m->dhpart.public_value);
        break;
    case ZRTP_CONFIRM1:
    case ZRTP_CONFIRM2:
    case ZRTP_SASRELAY:
        buf_put(b, m->sealed.mac, sizeof(m->sealed.mac));
        buf_put(b, m->sealed.iv, sizeof(m->sealed.iv));
        buf_put_slice(b, m->sealed.text);
        break;
    case ZRTP_PING:
    case ZRTP_PINGACK:
        buf_put(b, m->ping.version, sizeof(m->ping.version));
        buf_put(b, m->ping.endpoint, sizeof(m->ping.endpoint));
        if (m->kind == ZRTP_PINGACK) {
            buf_put(b, m->ping.received, sizeof(m->ping.received));
            put32(b, m->ping.ssrc);
        }
        break;
    case ZRTP_ERROR:
        put32(b, m->error);
        break;
    case ZRTP_GOCLEAR:
        buf_put(b, m->clear_mac, sizeof(m->clear_mac));
        break;
    case ZRTP_HELLOACK:
    case ZRTP_CONF2ACK:
    case ZRTP_ERRORACK:
    case ZRTP_CLEARACK:
    case ZRTP_RELAYACK:
    case ZRTP_KIND_COUNT:
        break;
    }
}

void zrtp_msg_print(const struct zrtp_msg *m, struct buf *b)
{
    static const uint8_t no_mac[ZRTP_MAC_LEN];
    size_t start = b->n;

    put32(b, (uint32_t)PREAMBLE << 16);
    buf_put(b, kinds[m->kind].type, TYPE_LEN);
    body_print(m, b);
    if (kinds[m->kind].has_mac)
        buf_put(b, no_mac, sizeof(no_mac));
    if (!b->overflow)
        wire_put16((uint8_t *)b->p + start + 2, (uint16_t)((b->n - start) / 4));
}

/* --- what is encrypted ------------------------------------------------------------------------- */

#define FLAG_E 8u
#define FLAG_V 4u
#define FLAG_A 2u
#define FLAG_D 1u
#define SIG_LEN(flags) ((flags) >> 8 & 0x1ff) /* words, with the type block */

static bool signature_fits(uint32_t flags, struct slice rest)
{
    return rest.n == SIG_LEN(flags) * (size_t)4;
}

int zrtp_confirm_parse(struct slice text, struct zrtp_confirm *ret)
{
    struct zrtp_confirm c;

    if (text.n < ZRTP_CONFIRM_TEXT_LEN)
        return ZRTP_MSG_BAD_LENGTH;
    take(&text, c.h0, sizeof(c.h0));
    uint32_t flags = take32(&text);
    c.enroll = flags & FLAG_E;
    c.verified = flags & FLAG_V;
    c.allow_clear = flags & FLAG_A;
    c.disclosure = flags & FLAG_D;
    c.expiry = take32(&text);
    if (!signature_fits(flags, text))
        return ZRTP_MSG_BAD_LENGTH;
    *ret = c;
    return ZRTP_MSG_OK;
}

void zrtp_confirm_print(const struct zrtp_confirm *c, uint8_t ret[ZRTP_CONFIRM_TEXT_LEN])
{
    memcpy(ret, c->h0, sizeof(c->h0));
    wire_put32(ret + ZRTP_IMAGE_LEN, (c->enroll ? FLAG_E : 0) | (c->verified ? FLAG_V : 0) |
                                         (c->allow_clear ? FLAG_A : 0) |
                                         (c->disclosure ? FLAG_D : 0));
    wire_put32(ret + ZRTP_IMAGE_LEN + 4, c->expiry);
}

int zrtp_relay_parse(struct slice text, struct zrtp_relay *ret)
{
    struct zrtp_relay r;
    uint8_t name[ZRTP_NAME_LEN];

    if (text.n < ZRTP_RELAY_TEXT_LEN)
        return ZRTP_MSG_BAD_LENGTH;
    uint32_t flags = take32(&text);
    r.verified = flags & FLAG_V;
    r.allow_clear = flags & FLAG_A;
    r.disclosure = flags & FLAG_D;
    take(&text, name, sizeof(name));
    r.sas = (uint8_t)zrtp_algo_from_name(ZRTP_SAS, name);
    take(&text, r.sas_hash, sizeof(r.sas_hash));
    if (!signature_fits(flags, text))
        return ZRTP_MSG_BAD_LENGTH;
    *ret = r;
    return ZRTP_MSG_OK;
}

void zrtp_relay_print(const struct zrtp_relay *r, uint8_t ret[ZRTP_RELAY_TEXT_LEN])
{
    wire_put32(ret, (r->verified ? FLAG_V : 0) | (r->allow_clear ? FLAG_A : 0) |
                        (r->disclosure ? FLAG_D : 0));
    memset(ret + 4, 0, ZRTP_NAME_LEN);
    if (r->sas)
        memcpy(ret + 4, zrtp_algo_name(ZRTP_SAS, r->sas), ZRTP_NAME_LEN);
    memcpy(ret + 8, r->sas_hash, sizeof(r->sas_hash));
}
