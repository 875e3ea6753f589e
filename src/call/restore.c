/* Calls back from their slots. What lies there was written by a process that has died, perhaps because of
 * what it wrote: whatever cannot be is refused. */
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/path.h"
#include "call/refresh.h"
#include "call/rel.h"
#include "call/snapshot.h"
#include "call/snapshot_form.h"
#include "call/steps.h"
#include "call/tell.h"
#include "call/workers.h"

/* Requests that were sent since the snapshot (INFO, refreshes) are not in it. Numbers may leave
 * gaps (RFC 3261 s.12.2.1.1), but must not be used again. */
#define CSEQ_JUMP 65536u

static bool take(struct slice *rest, uint32_t n, struct slice *ret)
{
    if (n > rest->n)
        return false;
    *ret = slice_take(*rest, n);
    *rest = slice_skip(*rest, n);
    return true;
}

/* Of memory that may be damaged: a bool that is neither 0 nor 1 is no value to be read as one. */
static bool protection_is_sound(const struct media_protection *p)
{
    const void *const flags[] = {&p->established, &p->sas_verified, &p->trusted_mitm,
                                 &p->end_to_end};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (*(const uint8_t *)flags[i] > 1)
            return false;
    }
    return p->keying < KEYING_COUNT && p->suite < SRTP_SUITE_COUNT && p->path < MEDIA_PATH_COUNT;
}

static bool restore_text(struct leg_stream *m, struct slice text)
{
    if (!text.n)
        return true;
    m->text = malloc(text.n);
    if (!m->text)
        return false;
    memcpy(m->text, text.p, text.n);
    m->text_n = text.n;
    return true;
}

static bool restore_streams(struct leg *l, size_t n, struct slice *rest)
{
    for (; n > 0; n--) {
        struct snapshot_stream s;
        struct slice text;
        if (!snapshot_unpack(rest, &s, sizeof(s)) || s.index >= SDP_MEDIA_MAX ||
            !protection_is_sound(&s.protection) || !take(rest, s.text_n, &text))
            return false;
        struct leg_stream *m = leg_media_stream_make(&l->media, s.index);
        if (!m || m->text || !restore_text(m, text))
            return false;
        leg_media_restore(m, s.endpoint);
        m->proto = s.proto;
        m->rtcp_mux = s.rtcp_mux != 0;
        m->bundle = s.bundle;
        m->rtp = s.rtp;
        m->rtcp_port = s.rtcp_port;
        m->protection = s.protection;
    }
    return true;
}

static bool restore_policy(struct slice from, struct store_policy *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (from.n > sizeof(*ret) || from.n < offsetof(struct store_policy, codecs))
        return false;
    memcpy(ret, from.p, from.n);
    for (size_t i = 0; i < STORE_CODEC_MAX; i++)
        ret->codecs[i][STORE_CODEC_NAME_MAX] = '\0';
    return ret->codec_count <= STORE_CODEC_MAX && store_policy_size(ret) == from.n;
}

static bool restore_texts(struct leg *l, const struct snapshot_leg *s, struct slice *rest,
                          struct resume_leg *ret)
{
    struct slice t[TEXT_COUNT];
    struct store_policy policy;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (!take(rest, s->text_n[i], &t[i]))
            return false;
    }
    ret->request = t[TEXT_REQUEST];
    ret->response = t[TEXT_RESPONSE];
    l->target_uri = strndup(t[TEXT_TARGET_URI].p, t[TEXT_TARGET_URI].n);
    l->path = t[TEXT_PATH].n ? strndup(t[TEXT_PATH].p, t[TEXT_PATH].n) : NULL;
    return l->target_uri && (l->path || !t[TEXT_PATH].n) &&
           restore_policy(t[TEXT_POLICY], &policy) &&
           leg_set_user(l, t[TEXT_NAME], t[TEXT_DOMAIN], t[TEXT_DISPLAY], &policy) == 0 &&
           slice_to_str(t[TEXT_AGENT], l->agent, sizeof(l->agent)) &&
           dialog_load(&l->dialog, t[TEXT_DIALOG].p, t[TEXT_DIALOG].n) == 0 &&
           call_text_set(&l->remote_sdp, t[TEXT_REMOTE_SDP]) == 0 &&
           call_text_set(&l->local_sdp, t[TEXT_LOCAL_SDP]) == 0 &&
           call_text_set(&l->display, t[TEXT_FROM_NAME]) == 0 &&
           rel_restore(l, s->rel_status, t[TEXT_REL], t[TEXT_REL_ANSWER]) == 0;
}

static bool timer_is_sound(const struct dialog_timer *t)
{
    return *(const uint8_t *)(const void *)&t->we_refresh <= 1;
}

static bool leg_is_sound(const struct snapshot_leg *s)
{
    const struct offers *o = &s->offers;
    bool offers = o->count <= OFFERS_MAX && o->at <= o->count;
    for (size_t i = 0; offers && i < o->count; i++)
        offers = o->shapes[i] < OFFER_SHAPE_COUNT;
    return offers && (unsigned)s->flow.kind < TRANSPORT_KIND_COUNT &&
           (s->flags & ~SNAPSHOT_LEG_FLAGS) == 0 && timer_is_sound(&s->session) &&
           timer_is_sound(&s->session_asked) &&
           memchr(s->caller_tag, '\0', sizeof(s->caller_tag)) != NULL &&
           s->state < LEG_STATE_COUNT && s->index <= CALL_LEGS_MAX;
}

static void restore_fields(struct leg *l, const struct snapshot_leg *s)
{
    l->index = s->index;
    if (l->call->leg_count <= s->index)
        l->call->leg_count = (uint16_t)(s->index + 1);
    l->state = (enum leg_state)s->state;
    l->registered_user = s->flags & SNAPSHOT_REGISTERED;
    l->allows_update = s->flags & SNAPSHOT_UPDATE;
    l->media.info = s->flags & SNAPSHOT_INFO;
    l->asks_ice = s->flags & SNAPSHOT_ICE;
    l->begun = s->flags & SNAPSHOT_BEGUN;
    l->rang = s->flags & SNAPSHOT_RANG;
    l->early_media = s->flags & SNAPSHOT_EARLY_MEDIA;
    l->asked_again = s->flags & SNAPSHOT_ASKED_AGAIN;
    l->wants_100rel = s->flags & SNAPSHOT_100REL;
    l->ack_answers = s->flags & SNAPSHOT_ACK_ANSWERS;
    l->restored = true;
    l->progress_status = s->progress_status;
    l->rel = (struct dialog_rel){
        .sent = s->rel_sent, .unacked = s->flags & SNAPSHOT_UNACKED, .received = s->rel_received};
    l->invite_cseq = s->invite_cseq;
    l->answered_cseq = s->answered_cseq;
    l->policy = s->policy;
    l->flow = s->flow;
    l->sdp_session = s->sdp_session;
    l->session = s->session;
    l->session_asked = s->session_asked;
    l->session_due_unix = s->session_due_unix;
    l->offers = s->offers;
    memcpy(l->caller_tag, s->caller_tag, sizeof(l->caller_tag));
}

static bool restore_leg(struct call *c, struct slice *rest, struct resume_leg *ret)
{
    struct snapshot_leg s;
    if (!snapshot_unpack(rest, &s, sizeof(s)))
        return false;
    struct leg *l = leg_is_sound(&s) ? leg_new(c) : NULL;
    if (!l)
        return false;
    restore_fields(l, &s);
    *ret = (struct resume_leg){.leg = l, .provisional = s.flags & SNAPSHOT_PROVISIONAL};
    if (!restore_streams(l, s.stream_count, rest) || !restore_texts(l, &s, rest, ret))
        return false;
    l->remote_sdp.packed = s.flags & SNAPSHOT_REMOTE_PACKED;
    l->local_sdp.packed = s.flags & SNAPSHOT_LOCAL_PACKED;
    if (l->state == LEG_ENDING) /* nobody waits for what becomes of its BYE */
        l->state = LEG_DOWN;
    l->dialog.local_cseq += CSEQ_JUMP;
    leg_remember_dialog(l, slice_from_str(l->dialog.call_id), slice_from_str(l->dialog.local_tag));
    refresh_resume(l);
    return true;
}

/* --- the call ---------------------------------------------------------------------------------- */

static struct leg *leg_at(const struct call *c, uint16_t index)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l->index == index && l != c->a)
            return l;
    }
    return NULL;
}

/* Which states go with each other. */
static bool legs_are_sound(const struct call *c)
{
    static const unsigned caller[] = {
        [CALL_SETUP] = 1u << LEG_INCOMING,
        [CALL_RINGING] = 1u << LEG_INCOMING,
        [CALL_ANSWERED] = 1u << LEG_HELD | 1u << LEG_ANSWERING | 1u << LEG_UP,
        [CALL_ENDED] = 1u << LEG_DOWN | 1u << LEG_ENDING | 1u << LEG_ANSWERING_END,
    };
    static const unsigned callee[] = {
        [CALL_SETUP] = 1u << LEG_NEW | 1u << LEG_CALLING | 1u << LEG_CANCELLING,
        [CALL_RINGING] = 1u << LEG_NEW | 1u << LEG_CALLING | 1u << LEG_CANCELLING,
        [CALL_ANSWERED] = 1u << LEG_CANCELLING,
        [CALL_ENDED] = 1u << LEG_CANCELLING,
    };
    static const unsigned winner = 1u << LEG_ACK_OWED | 1u << LEG_UP;
    if (!(caller[c->phase] >> c->a->state & 1) || (c->phase == CALL_ENDED && c->b) ||
        (c->phase == CALL_ANSWERED && !c->b == (c->builtin == MEDIA_MODE_NONE)))
        return false;
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l != c->a && (!((l == c->b ? winner : callee[c->phase]) >> l->state & 1) ||
                          leg_at(c, l->index) != l)) /* each index once */
            return false;
    }
    return true;
}

static bool restore_legs(struct call *c, const struct snapshot_slot *s, struct slice rest,
                         struct resume_leg legs[CALL_LEGS_MAX + 1])
{
    struct slice target, crossing, best;
    if (!take(&rest, s->target_n, &target) || !take(&rest, s->crossing_n, &crossing) ||
        !take(&rest, s->best_n, &best) || target.n >= CALL_TARGET_MAX ||
        !(c->target = strndup(target.p, target.n)) || call_text_set(&c->crossing, crossing) < 0 ||
        s->leg_count == 0 || s->leg_count > CALL_LEGS_MAX + 1)
        return false;
    struct call_reasons *why = best.n ? call_reasons_make(c) : NULL;
    if (why && !slice_to_str(best, why->best, sizeof(why->best)))
        return false;
    for (size_t i = 0; i < s->leg_count; i++) {
        if (!restore_leg(c, &rest, &legs[i]))
            return false;
    }
    c->a = legs[0].leg;
    c->b = leg_at(c, s->b);
    c->early = leg_at(c, s->early);
    c->untold = leg_at(c, s->untold);
    return c->a->index == 0 && (s->b == SNAPSHOT_NO_LEG || c->b) && legs_are_sound(c);
}

static bool restore_head(struct call *c, const struct snapshot_slot *s)
{
    c->since_unix = s->since_unix;
    c->answered_unix = s->answered_unix;
    c->builtin = s->builtin;
    c->mask = s->mask;
    c->map = s->map;
    c->path = s->path < MEDIA_PATH_COUNT ? s->path : MEDIA_PATH_RELAY;
    c->path_why = s->path_why;
    c->late_offer = s->late_offer != 0;
    c->redirects = s->redirects;
    c->best_status = s->best_status;
    c->max_forwards = s->max_forwards;
    if (s->phase > CALL_ENDED)
        return false;
    c->phase = (enum call_phase)s->phase;
    return true;
}

static void restored(struct call *c, struct resume_leg *legs, size_t n, bool brief)
{
    path_restored(c);
    if (c->phase == CALL_ANSWERED) {
        tell_restored(c->a);
        if (c->b)
            tell_restored(c->b);
    }
    resume_call(c, legs, n, brief);
    snapshot_save(c); /* the numbers that it jumped to are used up, too */
}

static bool is_whole(const struct call_core *core, uint32_t at)
{
    const struct slots *slots = &core->snapshots->slots;
    const struct snapshot_slot *s = snapshot_slot_at(core->snapshots, at);
    return s->version == SNAPSHOT_VERSION && s->n <= slots_cap(slots, at) - sizeof(*s) &&
           s->worker < core->workers;
}

/* Those that are whole are claimed before the first call goes on: it may want a slot of another size.
 * NULL: no memory. */
static uint32_t *slots_found(struct call_core *core, size_t *ret_n)
{
    struct slots *slots = &core->snapshots->slots;
    uint32_t *found = calloc((size_t)core->cfg.max_calls + 1, sizeof(*found));
    *ret_n = 0;
    for (uint32_t at = 0; found && (at = slots_next(slots, at)) != SLOT_NONE; at++) {
        if (*ret_n < core->cfg.max_calls && is_whole(core, at)) {
            slots_claim(slots, at);
            found[(*ret_n)++] = at;
        } else { /* free, or not written to its end by a process that was killed */
            secret_wipe(slots_at(slots, at), slots_cap(slots, at));
        }
    }
    if (found)
        slots_settle(slots);
    return found;
}

static bool restore_call(struct call_core *core, uint32_t at)
{
    const struct snapshot_slot *s = snapshot_slot_at(core->snapshots, at);
    struct resume_leg legs[CALL_LEGS_MAX + 1] = {0};
    size_t n = s->n;
    struct snapshot_slot *copy = malloc(sizeof(*s) + n); /* it is written anew while this is read */
    struct call *c = copy ? call_new(core, s->call, s->worker) : NULL;
    if (!c) {
        free(copy);
        return false;
    }
    memcpy(copy, s, sizeof(*s) + n);
    c->slot = at;
    bool ok = restore_head(c, copy) && restore_legs(c, copy, slice_from(copy->data, n), legs);
    if (ok) {
        restored(c, legs, copy->leg_count, copy->brief != 0);
    } else {
        snapshot_drop(c);
        call_discard(c);
    }
    secret_wipe(copy, sizeof(*copy) + n);
    free(copy);
    return ok;
}

size_t call_core_restore(struct call_core *core)
{
    size_t n = 0, found_n;
    uint32_t *found = core->snapshots ? slots_found(core, &found_n) : NULL;
    if (!found)
        return 0;
    for (size_t i = 0; i < found_n; i++)
        n += restore_call(core, found[i]);
    free(found);
    workers_sweep(core);
    return n;
}

uint64_t *snapshot_endpoints(const struct call_core *core, uint32_t worker, size_t *ret_n)
{
    size_t n = 0, cap = 0;
    LIST_FOR_EACH(it, &core->calls)
    cap += CONTAINER_OF(it, struct call, node)->leg_count * (size_t)SDP_MEDIA_MAX;
    uint64_t *endpoints = calloc(cap ? cap : 1, sizeof(*endpoints));
    LIST_FOR_EACH(it, &core->calls)
    {
        struct call *c = CONTAINER_OF(it, struct call, node);
        if (c->worker != worker)
            continue;
        LIST_FOR_EACH(ln, &c->legs)
        {
            const struct leg *l = CONTAINER_OF(ln, struct leg, node);
            for (size_t i = 0; endpoints && i < SDP_MEDIA_MAX && n < cap; i++) {
                if (leg_media_stream(&l->media, i)->endpoint)
                    endpoints[n++] = leg_media_stream(&l->media, i)->endpoint;
            }
        }
    }
    *ret_n = n;
    return endpoints;
}
