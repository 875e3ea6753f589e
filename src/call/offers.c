#include "call/offers.h"

#include "base/log.h"
#include "call/leg.h"
#include "call/steps.h"

static const uint8_t shape_of_keying[KEYING_COUNT] = {
    [KEYING_SDES] = OFFER_SAVP,
    [KEYING_DTLS] = OFFER_DTLS,
    [KEYING_ZRTP] = OFFER_ZRTP,
    [KEYING_MIKEY] = OFFER_MIKEY,
};

/* --- by the policy alone ----------------------------------------------------------------------- */

static void add(struct offers *o, uint8_t shape)
{
    if (shape != OFFER_NONE && o->count < OFFERS_MAX && !memchr(o->shapes, shape, o->count))
        o->shapes[o->count++] = shape;
}

static void put_first(struct offers *o, uint8_t shape)
{
    uint8_t *at = memchr(o->shapes, shape, o->count);
    if (!at)
        return;
    memmove(o->shapes + 1, o->shapes, (size_t)(at - o->shapes));
    o->shapes[0] = shape;
}

void offers_list(const struct media_policy *p, enum offer_shape start, struct offers *ret)
{
    struct offers o = {.count = 0};
    if (p->protection == PROTECTION_PREFERRED)
        add(&o, OFFER_OSRTP);
    if (p->protection != PROTECTION_OFF) {
        for (size_t i = 0; i < p->keying_count; i++)
            add(&o, shape_of_keying[p->keyings[i] % KEYING_COUNT]);
    }
    if (p->protection != PROTECTION_REQUIRED)
        add(&o, OFFER_CLEAR);
    if (start != OFFER_CLEAR) /* nobody is spoken to in clear because it was so once */
        put_first(&o, (uint8_t)start);
    *ret = o;
}

static enum keying_kind keying_of(enum offer_shape s)
{
    for (unsigned k = 0; k < KEYING_COUNT; k++) {
        if (shape_of_keying[k] == s)
            return (enum keying_kind)k;
    }
    return KEYING_NONE;
}

void offers_policy(const struct media_policy *p, enum offer_shape s, struct media_policy *ret)
{
    struct media_policy out = *p;
    enum keying_kind k = keying_of(s);
    if (s == OFFER_CLEAR) {
        out.protection = PROTECTION_OFF;
    } else if (s != OFFER_OSRTP && k != KEYING_NONE) {
        bool as_is = p->protection == PROTECTION_REQUIRED && p->keyings[0] == k;
        /* In RTP/AVP nothing says that encryption is a must: who would take a clear answer says so. */
        if (s != OFFER_ZRTP)
            out.protection = PROTECTION_REQUIRED;
        if (!as_is) {
            out.keying_count = 1;
            out.keyings[0] = (uint8_t)k;
        }
    }
    *ret = out;
}

/* RFC 3261 s.20.43: 300 to 399 are about session descriptions. */
static bool warns_of_description(const struct sip_msg *rsp)
{
    struct slice v = sip_msg_value(rsp, SIP_HDR_WARNING);
    uint32_t code;
    return slice_to_u32(slice_cut(&v, ' '), &code) == 0 && code >= 300 && code <= 399;
}

bool offers_is_refusal(const struct sip_msg *rsp)
{
    switch (rsp->status) {
    case 488:
    case 606:
    case 415:
        return true;
    case 403: /* of phones that mean their encryption; it may as well be a person who is barred */
    case 406:
    case 500:
        return warns_of_description(rsp);
    default:
        return false;
    }
}

/* --- of a leg ---------------------------------------------------------------------------------- */

static uint64_t key_of(const struct leg *b)
{
    char text[STORE_NAME_MAX + STORE_DOMAIN_MAX + LEG_AGENT_MAX + 3];
    struct buf t = buf_over(text, sizeof(text));
    buf_printf(&t, "%s@%s %s", b->user.name, b->user.domain, b->agent);
    uint64_t h = map_hash(buf_slice(&t));
    return h ? h : 1; /* 0: an empty place */
}

void offers_begin(struct leg *b, bool one)
{
    const struct offers_memory *m = &b->call->core->learned;
    uint64_t key = key_of(b);
    const struct quirk *q = call_quirk(b);
    uint8_t start = q ? q->offer : OFFER_NONE;
    if (m->of[key % OFFERS_LEARNED_MAX].key == key && m->of[key % OFFERS_LEARNED_MAX].shape)
        start = m->of[key % OFFERS_LEARNED_MAX].shape;
    b->offers = (struct offers){.count = 0};
    if (!one)
        offers_list(&b->policy, (enum offer_shape)start, &b->offers);
}

static enum offer_shape current(const struct leg *b)
{
    return b->offers.at < b->offers.count ? (enum offer_shape)b->offers.shapes[b->offers.at]
                                          : OFFER_NONE;
}

void offers_now(const struct leg *b, struct media_policy *ret)
{
    offers_policy(&b->policy, current(b), ret);
}

bool offers_next(struct leg *b, const struct sip_msg *rsp)
{
    struct offers *o = &b->offers;
    /* Early media has agreed on something already; a reliable 18x is a dialog that the caller has
     * its part in (RFC 3262). */
    if (b->state != LEG_CALLING || b->call->late_offer || b->early_media || b->rel.received ||
        leg_media_is_busy(&b->media) || o->at + 1 >= o->count || !offers_is_refusal(rsp))
        return false;
    enum offer_shape refused = current(b);
    o->at++;
    log_event(LOG_INFO, "offer_refused", LOG_STR("call", b->call->name),
              LOG_STR("user", b->user.name), LOG_STR("agent", b->agent),
              LOG_I("status", rsp->status), LOG_STR("shape", offer_shape_name(refused)),
              LOG_STR("next", offer_shape_name(current(b))));
    return true;
}

static void remember(const struct leg *b, enum offer_shape s)
{
    struct offers_memory *m = &b->call->core->learned;
    uint64_t key = key_of(b);
    if (m->of[key % OFFERS_LEARNED_MAX].key != key)
        m->of[key % OFFERS_LEARNED_MAX].ice = false;
    m->of[key % OFFERS_LEARNED_MAX].key = key;
    m->of[key % OFFERS_LEARNED_MAX].shape = (uint8_t)s;
}

void offers_learn_ice(const struct leg *a, bool has)
{
    struct offers_memory *m = &a->call->core->learned;
    uint64_t key = key_of(a);
    if (!a->registered_user) /* whoever else calls is not called by us */
        return;
    if (m->of[key % OFFERS_LEARNED_MAX].key == key) {
        m->of[key % OFFERS_LEARNED_MAX].ice = has;
    } else if (has) {
        remember(a, OFFER_NONE);
        m->of[key % OFFERS_LEARNED_MAX].ice = true;
    }
}

bool offers_knows_ice(const struct leg *b)
{
    const struct offers_memory *m = &b->call->core->learned;
    uint64_t key = key_of(b);
    return m->of[key % OFFERS_LEARNED_MAX].key == key && m->of[key % OFFERS_LEARNED_MAX].ice;
}

void offers_learn(struct leg *b)
{
    const struct offers_memory *m = &b->call->core->learned;
    uint64_t key = key_of(b);
    enum offer_shape now = current(b);
    bool known = m->of[key % OFFERS_LEARNED_MAX].key == key &&
                 m->of[key % OFFERS_LEARNED_MAX].shape != OFFER_NONE;
    /* The first choice was right: nothing to remember. Clear is not remembered at all. */
    if (now != OFFER_NONE && now != OFFER_CLEAR && (b->offers.at > 0 || known))
        remember(b, now);
}

void offers_learn_misunderstood(struct leg *b)
{
    const struct offers *o = &b->offers;
    if (o->count == 0)
        return;
    uint8_t next = o->shapes[o->at + 1 < o->count ? o->at + 1 : 0];
    remember(b, next == OFFER_CLEAR ? OFFER_NONE : (enum offer_shape)next);
}
