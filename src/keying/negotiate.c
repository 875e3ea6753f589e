#include "keying/negotiate.h"

#include "keying/text.h"

static const struct keying_ops *const table[KEYING_COUNT] = {
    [KEYING_SDES] = &keying_sdes,
    [KEYING_DTLS] = &keying_dtls,
    [KEYING_ZRTP] = &keying_zrtp,
    [KEYING_MIKEY] = &keying_mikey,
};

const struct keying_ops *keying_find(enum keying_kind k)
{
    return (unsigned)k < KEYING_COUNT ? table[k] : NULL;
}

// clang-format off
/* May an m-line of this transport carry that keying? AVP: RFC 8643, ZRTP by RFC 6189 s.8; SAVP:
 * RFC 4568 s.7, RFC 4567, and DTLS as media servers write it; UDP/TLS: RFC 5764 s.8. */
static const bool carries[KEYING_PROTO_COUNT][KEYING_COUNT] = {
    [KEYING_AVP]            = {[KEYING_SDES] = true, [KEYING_DTLS] = true, [KEYING_ZRTP] = true, [KEYING_MIKEY] = true},
    [KEYING_AVPF]           = {[KEYING_SDES] = true, [KEYING_DTLS] = true, [KEYING_ZRTP] = true, [KEYING_MIKEY] = true},
    [KEYING_SAVP]           = {[KEYING_SDES] = true, [KEYING_DTLS] = true, [KEYING_ZRTP] = true, [KEYING_MIKEY] = true},
    [KEYING_SAVPF]          = {[KEYING_SDES] = true, [KEYING_DTLS] = true, [KEYING_ZRTP] = true, [KEYING_MIKEY] = true},
    [KEYING_UDP_TLS_SAVP]   = {[KEYING_DTLS] = true},
    [KEYING_UDP_TLS_SAVPF]  = {[KEYING_DTLS] = true},
};

/* What an offer that requires encryption says; ZRTP has no transport of its own (RFC 6189 s.8). */
static const uint8_t native_proto[KEYING_COUNT] = {
    [KEYING_SDES] = KEYING_SAVP, [KEYING_DTLS] = KEYING_UDP_TLS_SAVPF,
    [KEYING_ZRTP] = KEYING_AVP,  [KEYING_MIKEY] = KEYING_SAVP,
};
// clang-format on

static const char *const verdict_why[KEYING_VERDICT_COUNT] = {
    [KEYING_OK] = "fine",
    [KEYING_NOT_ENCRYPTED] = "the peer does not encrypt, and encryption is required here",
    [KEYING_ENCRYPTION_REFUSED] = "the peer insists on encryption, which is switched off here",
    [KEYING_NO_COMMON_SUITE] = "no encryption suite in common",
    [KEYING_NO_COMMON_KEYING] = "no way in common to agree on keys",
    [KEYING_BAD_TEXT] = "the peer's keying lines cannot be used",
    [KEYING_DOWNGRADE] = "the call was encrypted and would not be any more",
};

const char *keying_verdict_why(enum keying_verdict v)
{
    return verdict_why[v];
}

static bool is_secure(unsigned proto)
{
    return proto >= KEYING_SAVP;
}

void keying_state_wipe(struct keying_state *s)
{
    secret_wipe(s, sizeof(*s));
}

static const char *const mikey_how[] = {[MIKEY_HOW_CLEAR] = "",
                                        [MIKEY_HOW_PSK] = "PSK",
                                        [MIKEY_HOW_PK] = "PK",
                                        [MIKEY_HOW_RSA_R] = "RSAR"};

void keying_state_protection(const struct keying_state *s, struct media_protection *ret)
{
    *ret = (struct media_protection){
        .keying = s->active,
        .suite = (uint8_t)s->tx.suite,
        .established = s->tx.suite != SRTP_SUITE_NONE && s->rx.suite != SRTP_SUITE_NONE,
        .sas_verified = s->sas_verified,
        .trusted_mitm = s->trusted_mitm,
        .cache_mismatch = s->active == KEYING_ZRTP && s->zrtp.told.cache_mismatch,
    };
    if (s->active == KEYING_ZRTP && s->zrtp.told.agreement)
        memcpy(ret->agreement, zrtp_algo_name(ZRTP_KEY_AGREEMENT, s->zrtp.told.agreement),
               sizeof(ret->agreement) - 1);
    if (s->active == KEYING_MIKEY)
        (void)snprintf(ret->agreement, sizeof(ret->agreement), "%s",
                       mikey_how[keying_mikey_how(&s->mikey)]);
    memcpy(ret->sas, s->sas, sizeof(ret->sas));
}

static const struct keying_ops *engine_of(const struct keying_state *s)
{
    const struct keying_ops *ops = keying_find((enum keying_kind)s->active);
    return ops && ops->start ? ops : NULL;
}

bool keying_state_rtcp_apart(const struct keying_state *s, bool rtcp_mux)
{
    const struct keying_ops *ops = engine_of(s);
    return ops && ops->per_component && !rtcp_mux;
}

bool keying_state_wants(const struct keying_state *s, enum keying_component c, bool rtcp_mux)
{
    if (!engine_of(s) || s->held || s->wanted == 0 || s->done[c] == s->wanted)
        return false;
    return c == KEYING_RTP || keying_state_rtcp_apart(s, rtcp_mux);
}

bool keying_state_take(struct keying_state *s, enum keying_component c, uint32_t number,
                       const struct keying_yield *y)
{
    if (!engine_of(s) || number == 0 || number != s->wanted)
        return false;
    s->done[c] = number;
    if (c == KEYING_RTCP) {
        s->rtcp_tx = y->tx;
        s->rtcp_rx = y->rx;
        return true;
    }
    s->tx = y->tx;
    s->rx = y->rx;
    memcpy(s->sas, y->sas, sizeof(s->sas));
    s->sas_verified = y->sas_verified;
    s->trusted_mitm = y->trusted_mitm;
    s->zrtp.told = y->zrtp;
    return true;
}

bool keying_keys_eq(const struct srtp_keys *a, const struct srtp_keys *b)
{
    return a->suite == b->suite && a->master.n == b->master.n &&
           secret_eq(a->master.b, b->master.b, a->master.n);
}

/* A value that is none of ours, from another role's message, is taken as the strictest. */
static bool is_required(const struct keying_policy *p)
{
    return p->protection != PROTECTION_PREFERRED && p->protection != PROTECTION_OFF;
}

static void keys_clear(struct keying_state *s)
{
    secret_wipe(&s->tx, sizeof(s->tx));
    secret_wipe(&s->rx, sizeof(s->rx));
    secret_wipe(&s->rtcp_tx, sizeof(s->rtcp_tx));
    secret_wipe(&s->rtcp_rx, sizeof(s->rtcp_rx));
    memset(s->done, 0, sizeof(s->done));
    memset(s->sas, 0, sizeof(s->sas));
    s->sas_verified = s->trusted_mitm = s->held = false;
    memset(&s->zrtp.told, 0, sizeof(s->zrtp.told));
}

static bool is_usable(const struct keying_ops *ops, const struct keying_policy *p, bool to_offer)
{
    return (!ops->usable || ops->usable(p)) && (!to_offer || !ops->offerable || ops->offerable(p));
}

/* The keyings to try, each once: what is in use first, then the policy's order. */
static size_t candidates(const struct keying_state *s, const struct keying_policy *p, bool to_offer,
                         const struct keying_ops *ret[KEYING_COUNT])
{
    const struct keying_ops *active = keying_find((enum keying_kind)s->active);
    unsigned seen = 0;
    size_t n = 0;

    if (active && is_usable(active, p, to_offer)) {
        ret[n++] = active;
        seen |= 1u << active->kind;
    }
    for (size_t i = 0; i < p->keying_count && i < KEYING_COUNT; i++) {
        const struct keying_ops *ops = keying_find((enum keying_kind)p->keyings[i]);
        if (ops && !(seen & 1u << ops->kind) && is_usable(ops, p, to_offer)) {
            ret[n++] = ops;
            seen |= 1u << ops->kind;
        }
    }
    return n;
}

/* Has the peer said anything of keys, by whatever way? */
static bool has_keying(struct slice text)
{
    return keying_text_has(text, SLICE_LIT("crypto")) ||
           keying_text_has(text, SLICE_LIT("fingerprint")) ||
           keying_text_has(text, SLICE_LIT("zrtp-hash")) ||
           keying_text_has(text, SLICE_LIT("key-mgmt")) ||
           keying_text_has(text, SLICE_LIT("session-key-mgmt"));
}

static int refuse(struct keying_result *ret, enum keying_verdict v, const char *why)
{
    ret->why = why ? why : verdict_why[v];
    return (int)v;
}

/* Writes the result; `next` is the state to be. */
static int agree(const struct keying_state *now, struct keying_state *next,
                 struct keying_state *ret_next, struct keying_result *ret)
{
    next->agreed = true;
    next->secured = now->secured || next->active != KEYING_NONE;
    *ret = (struct keying_result){
        .proto = next->proto,
        .encrypted = next->active != KEYING_NONE,
        .tx_key_changed = !keying_keys_eq(&now->tx, &next->tx),
        .rx_key_changed = !keying_keys_eq(&now->rx, &next->rx),
        .why = verdict_why[KEYING_OK],
    };
    *ret_next = *next;
    return KEYING_OK;
}

static int agree_clear(const struct keying_state *now, struct keying_state *next, unsigned proto,
                       struct keying_state *ret_next, struct keying_result *ret)
{
    next->active = KEYING_NONE;
    next->proto = (uint8_t)proto;
    keys_clear(next);
    return agree(now, next, ret_next, ret);
}

static int agree_keys(const struct keying_state *now, struct keying_state *next,
                      enum keying_kind kind, unsigned proto, struct keying_state *ret_next,
                      struct keying_result *ret)
{
    next->active = (uint8_t)kind;
    next->proto = (uint8_t)proto;
    return agree(now, next, ret_next, ret);
}

/* What the keyings made of a text, and the most telling reason where none could use it. */
struct trial {
    enum keying_kind kind;
    int verdict; /* enum keying_text_verdict */
    const char *why;
};

/* text NULL: `remote` is an answer. */
static struct trial try_all(const struct keying_policy *p, unsigned proto, struct slice remote,
                            struct keying_state *next, struct buf *text)
{
    struct trial t = {.kind = KEYING_NONE, .verdict = KEYING_TEXT_NONE};
    const struct keying_ops *list[KEYING_COUNT];
    size_t n = candidates(next, p, false, list);

    for (size_t i = 0; i < n; i++) {
        const struct keying_ops *ops = list[i];
        const char *why = NULL;
        if (!carries[proto][ops->kind] || (!text && !(next->offered & 1u << ops->kind)))
            continue;
        if (next->active != ops->kind)
            keys_clear(next);
        int r =
            text ? ops->answer(p, remote, next, text, &why) : ops->accept(p, remote, next, &why);
        if (r == KEYING_TEXT_OK)
            return (struct trial){.kind = ops->kind, .verdict = r};
        if (t.verdict == KEYING_TEXT_NONE)
            t = (struct trial){.verdict = r, .why = why};
    }
    return t;
}

/* Why an offer that nobody could answer encrypted is refused. */
static int refuse_offer(const struct keying_state *now, unsigned proto, struct slice remote,
                        const struct trial *t, struct keying_result *ret)
{
    if (now->secured && !is_secure(proto))
        return refuse(ret, KEYING_DOWNGRADE, NULL);
    if (t->verdict == KEYING_TEXT_NO_SUITE)
        return refuse(ret, KEYING_NO_COMMON_SUITE, t->why);
    if (t->verdict == KEYING_TEXT_BAD)
        return refuse(ret, KEYING_BAD_TEXT, t->why);
    if (has_keying(remote))
        return refuse(ret, KEYING_NO_COMMON_KEYING, NULL);
    if (is_secure(proto))
        return refuse(ret, KEYING_BAD_TEXT, "the offer asks for encryption but brings no keys");
    return refuse(ret, KEYING_NOT_ENCRYPTED, NULL);
}

static int answer_offer(const struct keying_state *now, const struct keying_policy *p,
                        unsigned proto, struct slice remote, struct buf *text,
                        struct keying_state *ret_next, struct keying_result *ret)
{
    struct keying_state next CLEANUP(keying_state_wipe) = *now;

    next.offered = 0; /* an offer of ours that was not answered is void */
    if (p->protection == PROTECTION_OFF) {
        if (is_secure(proto))
            return refuse(ret, KEYING_ENCRYPTION_REFUSED, NULL);
        return agree_clear(now, &next, proto, ret_next, ret);
    }
    struct trial t = try_all(p, proto, remote, &next, text);
    if (t.verdict == KEYING_TEXT_OK)
        return agree_keys(now, &next, t.kind, proto, ret_next, ret);
    /* Opportunistic keying that is of no use is as good as none (RFC 8643 s.3.1). */
    if (p->protection == PROTECTION_PREFERRED && !is_secure(proto) && !now->secured)
        return agree_clear(now, &next, proto, ret_next, ret);
    return refuse_offer(now, proto, remote, &t, ret);
}

int keying_remote_offer(const struct keying_state *now, const struct keying_policy *p,
                        enum keying_proto proto, struct slice remote, struct buf *text,
                        struct keying_state *ret_next, struct keying_result *ret)
{
    const size_t start = text->n;
    struct keying_state next CLEANUP(keying_state_wipe) = {0};

    if ((unsigned)proto >= KEYING_PROTO_COUNT)
        return refuse(ret, KEYING_BAD_TEXT, "the transport of the m= line is not known");
    int r = answer_offer(now, p, proto, remote, text, &next, ret);
    if (text->overflow)
        return -EMSGSIZE;
    if (r == KEYING_OK)
        *ret_next = next;
    else
        text->n = start;
    return r;
}

/* The transport of our offer: what was agreed goes on; else by the policy. */
static unsigned offer_proto(const struct keying_state *now, const struct keying_policy *p,
                            enum keying_kind first)
{
    if (now->agreed && now->active != KEYING_NONE && first == now->active)
        return now->proto;
    if (is_required(p) && first != KEYING_NONE)
        return native_proto[first];
    return now->agreed && !is_secure(now->proto) ? now->proto : KEYING_AVP;
}

/* Long offers have cost phones their audio, and few phones know what to do with two keyings at once:
 * all but SDES are offered only where they come first. */
static bool belongs_into_offer(const struct keying_ops *ops, size_t rank)
{
    return rank == 0 || ops->kind == KEYING_SDES;
}

int keying_local_offer(const struct keying_state *now, const struct keying_policy *p,
                       struct buf *text, struct keying_state *ret_next, struct keying_result *ret)
{
    struct keying_state next CLEANUP(keying_state_wipe) = *now;
    const struct keying_ops *list[KEYING_COUNT];
    size_t n = p->protection == PROTECTION_OFF ? 0 : candidates(now, p, true, list);

    if (n == 0 && is_required(p))
        return refuse(ret, KEYING_NO_COMMON_KEYING, NULL);
    if (n == 0 && p->protection == PROTECTION_PREFERRED && now->secured)
        return refuse(ret, KEYING_DOWNGRADE, NULL);
    unsigned proto = offer_proto(now, p, n ? list[0]->kind : KEYING_NONE);
    /* A re-offer of an encrypted stream names what is in use and nothing else. */
    if (n && now->active == list[0]->kind)
        n = 1;
    next.offered = 0;
    for (size_t i = 0; i < n; i++) {
        if (!carries[proto][list[i]->kind] || !belongs_into_offer(list[i], i))
            continue;
        list[i]->offer(p, &next, text);
        next.offered |= (uint8_t)(1u << list[i]->kind);
    }
    /* Only this bit lets a clear answer pass. */
    if (!is_required(p) && !is_secure(proto))
        next.offered |= 1u << KEYING_NONE;
    if (!now->agreed)
        next.proto = (uint8_t)proto;
    if (text->overflow)
        return -EMSGSIZE;
    *ret = (struct keying_result){
        .proto = (uint8_t)proto,
        .encrypted = now->active != KEYING_NONE,
        .why = verdict_why[KEYING_OK],
    };
    *ret_next = next;
    return KEYING_OK;
}

/* An answer without usable keys: may the stream be clear? */
static int accept_clear(const struct keying_state *now, const struct keying_policy *p,
                        unsigned proto, struct keying_state *next, struct keying_state *ret_next,
                        struct keying_result *ret)
{
    if (is_secure(proto))
        return refuse(ret, KEYING_BAD_TEXT, "the answer says encrypted but brings no usable keys");
    if (now->secured && p->protection != PROTECTION_OFF)
        return refuse(ret, KEYING_DOWNGRADE, NULL);
    if (is_required(p) || !(now->offered & 1u << KEYING_NONE))
        return refuse(ret, KEYING_NOT_ENCRYPTED, NULL);
    return agree_clear(now, next, proto, ret_next, ret);
}

int keying_remote_answer(const struct keying_state *now, const struct keying_policy *p,
                         enum keying_proto proto, struct slice remote,
                         struct keying_state *ret_next, struct keying_result *ret)
{
    struct keying_state next CLEANUP(keying_state_wipe) = *now;

    if ((unsigned)proto >= KEYING_PROTO_COUNT)
        return refuse(ret, KEYING_BAD_TEXT, "the transport of the m= line is not known");
    if (now->offered == 0)
        return refuse(ret, KEYING_BAD_TEXT, "an answer came without an offer");
    struct trial t = try_all(p, proto, remote, &next, NULL);
    if (t.verdict == KEYING_TEXT_OK)
        return agree_keys(now, &next, t.kind, proto, ret_next, ret);
    if (t.verdict != KEYING_TEXT_NONE)
        return refuse(ret, KEYING_BAD_TEXT, t.why);
    return accept_clear(now, p, proto, &next, ret_next, ret);
}
