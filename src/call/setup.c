/* A new INVITE: judge its offer, open the caller's media, find out whom it is for, and hand over to
 * the fork or to a built-in target. The order matters: what the policy forbids is refused before
 * any callee's phone rings. */
#include "call/setup.h"

#include <stdio.h>

#include "base/log.h"
#include "call/content.h"
#include "call/fork.h"
#include "call/path.h"
#include "call/steps.h"
#include "call/workers.h"

/* SIP's answer to what the media role says. */
static uint16_t status_of(uint8_t media_status)
{
    switch ((enum media_status)media_status) {
    case MEDIA_STATUS_OK:
        return 200;
    case MEDIA_STATUS_NO_PORTS:
        return 503;
    case MEDIA_STATUS_NOT_ENCRYPTED:
    case MEDIA_STATUS_ENCRYPTION_REFUSED:
    case MEDIA_STATUS_NO_COMMON_SUITE:
    case MEDIA_STATUS_NO_COMMON_KEYING:
    case MEDIA_STATUS_BAD_TEXT:
    case MEDIA_STATUS_DOWNGRADE:
        return 488;
    case MEDIA_STATUS_NO_ENDPOINT:
    case MEDIA_STATUS_FAILED:
    case MEDIA_STATUS_NO_EVENTS:
        return 500;
    }
    return 500;
}

uint16_t call_status_of_media(uint8_t media_status)
{
    return status_of(media_status);
}

/* The keying that a phone is most likely to have, of those that the policy allows. */
static const char *keying_to_name(const struct media_policy *p)
{
    static const char *const names[KEYING_COUNT] = {
        [KEYING_NONE] = "SDES", [KEYING_SDES] = "SDES",   [KEYING_DTLS] = "DTLS-SRTP",
        [KEYING_ZRTP] = "ZRTP", [KEYING_MIKEY] = "MIKEY", [KEYING_PASS] = "SDES",
    };
    uint8_t first = p->keying_count ? p->keyings[0] : (uint8_t)KEYING_SDES;
    for (size_t i = 0; i < p->keying_count; i++) {
        if (p->keyings[i] == KEYING_SDES)
            return names[KEYING_SDES];
    }
    return names[first < KEYING_COUNT ? first : KEYING_SDES];
}

static int say_why(const struct leg *l, uint8_t media_status, const char *who,
                   char room[CALL_WHY_MAX])
{
    bool caller = l == l->call->a;
    const char *phone = caller ? "the caller's phone" : "the callee's phone";
    if (media_status == MEDIA_STATUS_NOT_ENCRYPTED)
        return snprintf(room, CALL_WHY_MAX,
                        "%s offers no encryption, which user %s requires: switch on SRTP (%s) in "
                        "the phone, or run `sotto user set %s --protection preferred`",
                        phone, l->user.name, keying_to_name(&l->policy), who);
    const char *suite = srtp_suite_name(l->policy.suite_count ? (enum srtp_suite)l->policy.suites[0]
                                                              : SRTP_AES_CM_128_HMAC_SHA1_80);
    return snprintf(room, CALL_WHY_MAX,
                    "%s has no encryption suite that user %s may use: switch on %s in the phone, "
                    "or allow the phone's with `sotto user set %s --suites NAMES`",
                    phone, l->user.name, suite, who);
}

const char *call_why_of_browser(const struct leg *l, char room[CALL_WHY_MAX])
{
    const char *phone = l == l->call->a ? "the caller's phone" : "the callee's phone";
    bool off = l->policy.protection == PROTECTION_OFF;
    int n = snprintf(room, CALL_WHY_MAX,
                     "%s is a browser, which encrypts with DTLS-SRTP; user %s may not: run `sotto "
                     "user set %s --%s`",
                     phone, l->user.name, l->user.name,
                     off ? "protection required" : "keying dtls,sdes");
    return n < CALL_WHY_MAX ? room : "a browser needs DTLS-SRTP, which the user may not use";
}

const char *call_why_of_media(const struct leg *l, uint8_t media_status, const char *why,
                              char room[CALL_WHY_MAX])
{
    char who[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2];
    if (leg_shape_is_websocket(l->flow.kind) && (media_status == MEDIA_STATUS_NO_COMMON_KEYING ||
                                                 media_status == MEDIA_STATUS_ENCRYPTION_REFUSED))
        return call_why_of_browser(l, room);
    if ((media_status != MEDIA_STATUS_NOT_ENCRYPTED &&
         media_status != MEDIA_STATUS_NO_COMMON_SUITE) ||
        !l->user.name || !l->user.name[0])
        return why;
    snprintf(who, sizeof(who), "%s@%s", l->user.name, l->user.domain);
    if (say_why(l, media_status, who, room) < CALL_WHY_MAX)
        return room;
    /* A sentence that is cut would lose its end, which is the cure. */
    return say_why(l, media_status, l->user.name, room) < CALL_WHY_MAX ? room : why;
}

static void route_on(struct call *c)
{
    if (c->builtin != MEDIA_MODE_NONE)
        builtin_answer(c);
    else
        fork_start(c);
}

static void on_offer_judged(void *arg, uint8_t status, const char *why)
{
    struct leg *a = arg;
    struct call *c = a->call;
    if (status == MEDIA_STATUS_NO_PORTS && workers_move(c)) {
        setup_resume(c);
        return;
    }
    if (status != MEDIA_STATUS_OK) {
        char room[CALL_WHY_MAX];
        call_end(c, status_of(status), call_why_of_media(a, status, why, room));
        return;
    }
    route_on(c);
}

/* The caller's offer goes to the media role, which opens its ports and judges its keying. */
static void judge_offer(struct call *c, const struct sdp *offer)
{
    struct leg *a = c->a;
    struct sdp_own_choice choice;
    sdp_leg_map(offer, a->policy.protection != PROTECTION_OFF, &c->map);
    if (c->builtin == MEDIA_MODE_NONE)
        c->mask = call_forwarded_mask(offer, &c->map);
    else if (builtin_choose(c, offer, &choice))
        c->mask = (uint8_t)(1u << choice.media);
    if (!c->mask) {
        call_end(c, 488, "the offer has no stream or codec that can be used");
        return;
    }
    struct leg_media_batch b = {
        .ops = MEDIA_OP_OPEN | MEDIA_OP_REMOTE,
        .policy = &a->policy,
        .local = a->flow.local,
        .mask = c->mask,
        .remote = offer,
        .is_offer = true,
    };
    if (leg_media_start(&a->media, &b, on_offer_judged, a) < 0)
        call_end(c, 500, "the media process cannot take the call now");
}

void setup_resume(struct call *c)
{
    if (c->late_offer)
        route_on(c);
    else if (sdp_parse(leg_remote_sdp(c->a), c->core->sdp[0]) == SDP_OK)
        judge_offer(c, c->core->sdp[0]);
    else
        call_end(c, 500, "the caller's description could not be read again");
}

void setup_begin(struct call *c, const struct sip_msg *req)
{
    struct leg *a = c->a;
    struct slice body = SLICE_NONE;
    switch (content_find_sdp(req, &body)) {
    case CONTENT_NONE:
        c->late_offer = true;
        path_decide(c, NULL);
        route_on(c);
        return;
    case CONTENT_OTHER:
        call_end(c, 415, "the INVITE's body is not a session description");
        return;
    case CONTENT_SDP:
        break;
    }
    int v = sdp_parse(body, c->core->sdp[0]);
    if (v != SDP_OK) {
        call_end(c, 488, sdp_verdict_why((enum sdp_verdict)v));
        return;
    }
    if (call_text_set(&a->remote_sdp, body) < 0) {
        call_end(c, 500, "no memory");
        return;
    }
    struct leg_shape shape;
    leg_shape_of(a->flow.kind, &a->policy, c->core->sdp[0], &shape);
    offers_learn_ice(a, shape.ice);
    path_decide(c, c->core->sdp[0]);
    judge_offer(c, c->core->sdp[0]);
}

uint8_t call_forwarded_mask(const struct sdp *offer, const struct sdp_leg_map *map)
{
    unsigned mask = leg_media_mask(offer);
    for (size_t i = 0; i < map->count; i++) {
        if (map->to[i] < 0)
            mask &= ~(1u << i);
    }
    return (uint8_t)mask;
}

bool setup_take_target(struct call *c, const struct policy_target *t)
{
    struct call_core *core = c->core;
    struct store_user callee;
    switch (t->kind) {
    case POLICY_TARGET_ECHO:
        c->builtin = MEDIA_MODE_ECHO;
        return true;
    case POLICY_TARGET_TONE:
        c->builtin = MEDIA_MODE_TONE;
        return true;
    case POLICY_TARGET_CLOCK:
        c->builtin = MEDIA_MODE_CLOCK;
        return true;
    case POLICY_TARGET_BAD:
        call_end(c, 404, "no such user");
        return false;
    case POLICY_TARGET_USER:
        break;
    }
    if (core->cfg.find_user(core->cfg.arg, slice_from_str(t->name), slice_from_str(t->domain),
                            &callee) < 0) {
        call_end(c, 404, "no such user");
        return false;
    }
    size_t n = callee.enabled ? fork_add_contacts(c, &callee) : 0;
    store_user_fini(&callee);
    if (n == 0 && c->best_status)
        call_end(c, c->best_status, call_best_reason(c));
    else if (n == 0)
        call_end(c, 480, "the user is not registered");
    return n > 0;
}
