/* Our descriptions: the plan that sdp/leg.h prints from, and small facts about legs and policies
 * that several files of the core need. */
#include <stdio.h>

#include "call/fork.h"
#include "call/path.h"
#include "call/snapshot.h"
#include "call/steps.h"
#include "sdp/pack.h"
#include "sip/hdr.h"

/* --- descriptions as they are kept ----------------------------------------------------------------- */

static struct slice sdp_unpacked(struct leg *l, struct call_text *t)
{
    char mem[CALL_BODY_MAX] UNINITIALIZED;
    struct buf b = buf_over(mem, sizeof(mem));
    if (!t->packed)
        return call_text_slice(t);
    bool ok = sdp_unpack(&b, call_text_slice(t)) && call_text_set(t, buf_slice(&b)) == 0;
    secret_wipe(mem, b.n);
    snapshot_later(l->call);
    return ok ? call_text_slice(t) : SLICE_NONE;
}

struct slice leg_remote_sdp(struct leg *l)
{
    return sdp_unpacked(l, &l->remote_sdp);
}

struct slice leg_local_sdp(struct leg *l)
{
    return sdp_unpacked(l, &l->local_sdp);
}

static bool sdp_pack_text(struct call_text *t)
{
    char mem[CALL_BODY_MAX] UNINITIALIZED;
    struct buf b = buf_over(mem, t->n < sizeof(mem) ? t->n : sizeof(mem));
    if (t->packed || t->n == 0)
        return false;
    sdp_pack(&b, call_text_slice(t));
    bool ok = !b.overflow && call_text_set(t, buf_slice(&b)) == 0;
    secret_wipe(mem, b.n);
    t->packed = ok;
    return ok;
}

bool leg_pack_sdp(struct leg *l)
{
    bool remote = sdp_pack_text(&l->remote_sdp);
    return sdp_pack_text(&l->local_sdp) || remote;
}

void call_plan_identity(struct leg *l, struct sdp_leg_plan *plan)
{
    plan->session_id = l->sdp_session;
    plan->last = leg_local_sdp(l);
    plan->address = l->flow.local;
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        if (leg_media_stream(&l->media, i)->endpoint) {
            plan->address = leg_media_stream(&l->media, i)->rtp;
            break;
        }
    }
}

int call_take_sdp(struct leg *l, const struct buf *printed, struct slice *ret)
{
    if (printed->overflow)
        return -EMSGSIZE;
    int r = call_text_set(&l->local_sdp, buf_slice(printed));
    if (r == 0)
        *ret = leg_local_sdp(l);
    return r;
}

int call_print_sdp(struct leg *l, const struct sdp *other, struct sdp_leg_plan *plan,
                   struct slice *ret)
{
    struct slice codecs[STORE_CODEC_MAX];
    plan->codec_count = leg_media_codecs(l->user.policy, codecs);
    plan->codecs = codecs;
    plan->transcode = l->media.transcode;
    call_plan_identity(l, plan);
    leg_media_fill_plan(&l->media, plan);
    path_fill_plan(l, other, plan);
    struct buf b = buf_over(l->call->core->body, CALL_BODY_MAX);
    sdp_leg_print(&b, other, plan);
    return call_take_sdp(l, &b, ret);
}

void call_shape(struct leg *l, struct leg_shape *ret)
{
    struct sdp *d = l->call->core->sdp[2];
    bool has = l->remote_sdp.n && sdp_parse(leg_remote_sdp(l), d) == SDP_OK;
    leg_shape_of(l->flow.kind, &l->policy, has ? d : NULL, ret);
}

uint8_t call_media_count(struct slice sdp, struct sdp *scratch)
{
    return sdp.n && sdp_parse(sdp, scratch) == SDP_OK ? scratch->media_count : 0;
}

void call_map_invert(const struct sdp_leg_map *map, struct sdp_leg_map *ret)
{
    struct sdp_leg_map out = {.count = map->forwarded, .forwarded = map->count};
    memset(out.to, -1, sizeof(out.to));
    for (size_t i = 0; i < map->count; i++) {
        if (map->to[i] >= 0)
            out.to[map->to[i]] = (int8_t)i;
    }
    *ret = out;
}

void call_put_warning(struct buf *b, const struct call *c, const char *why)
{
    if (why[0])
        sip_put_warning(b, 399, c->core->cfg.host, slice_from_str(why));
}

const struct quirk *call_quirk(const struct leg *l)
{
    const struct call_config *cfg = &l->call->core->cfg;
    return cfg->find_quirk && l->agent[0] ? cfg->find_quirk(cfg->arg, slice_from_str(l->agent))
                                          : NULL;
}

/* A user who may use AES-256 alone goes on to: the policy is above what is known of phones. */
static bool may_without_aes256(const struct media_policy *p)
{
    for (size_t i = 0; i < p->suite_count; i++) {
        if (p->suites[i] != SRTP_AES_256_CM_HMAC_SHA1_80 &&
            p->suites[i] != SRTP_AES_256_CM_HMAC_SHA1_32 && p->suites[i] != SRTP_AEAD_AES_256_GCM)
            return true;
    }
    return p->suite_count == 0;
}

void call_media_policy(struct leg *l, const struct store_policy *policy)
{
    struct media_policy p = {
        .protection = policy->protection,
        .keying_count = policy->keying_count,
        .suite_count = policy->suite_count,
    };
    memcpy(p.keyings, policy->keyings, sizeof(p.keyings));
    memcpy(p.suites, policy->suites, sizeof(p.suites));
    const struct quirk *q = call_quirk(l);
    if (q) {
        p.crypto_max = q->crypto_lines;
        p.no_aes256 = q->no_aes256 && may_without_aes256(&p);
        p.aes_cm_256 = q->aes_cm_256;
        p.gcm = q->gcm;
        l->media.info |= q->dtmf_info;
    }
    l->policy = p;
}

const char *leg_keying_name(const struct leg *l)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        const struct leg_stream *s = leg_media_stream(&l->media, i);
        if (s->endpoint)
            return keying_name((enum keying_kind)s->protection.keying);
    }
    return keying_name(KEYING_NONE);
}

struct slice call_scratch_copy(struct call_core *core, struct slice s)
{
    size_t n = s.n < CALL_BODY_MAX ? s.n : 0;
    if (n)
        memcpy(core->copy, s.p, n);
    return slice_from(core->copy, n);
}
