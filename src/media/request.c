/* The operations of a request. What a description changes is worked out on copies (the keying
 * state, the terms) and becomes true in one commit at the end; whatever is refused before has
 * changed nothing. Signalling is another trust domain: its values are checked before use. */
#include <assert.h>
#include <stdio.h>

#include "keying/text.h"
#include "media/announce.h"
#include "media/digits.h"

static_assert((int)KEYING_UDP_TLS_SAVPF == (int)MEDIA_PROTO_UDP_TLS_SAVPF, "same order of proto");
static_assert(MEDIA_STATUS_NOT_ENCRYPTED + KEYING_DOWNGRADE - KEYING_NOT_ENCRYPTED ==
                  (int)MEDIA_STATUS_DOWNGRADE,
              "same order of verdicts");

struct work {
    struct media_role *role;
    const struct media_request *rq;
    struct slice text;
    struct media_endpoint *e, *peer;
    struct buf out; /* our lines */
    struct media_reply reply;
    struct mikey_terms mikey;
    bool opened; /* by this request: closed again where a later operation fails */
};

/* --- checks --- */

static bool is_bool(const bool *b)
{
    uint8_t v;
    memcpy(&v, b, 1);
    return v <= 1;
}

static bool is_addr(const struct addr *a)
{
    return addr_family(a) == 0 || addr_family(a) == AF_INET || addr_family(a) == AF_INET6;
}

static bool policy_is_sane(const struct media_policy *p)
{
    bool ok = p->protection < PROTECTION_POLICY_COUNT && p->keying_count <= KEYING_COUNT &&
              p->suite_count <= SRTP_SUITE_COUNT && is_bool(&p->no_aes256) &&
              is_bool(&p->aes_cm_256) && is_bool(&p->gcm);
    for (size_t i = 0; ok && i < p->keying_count; i++)
        ok = p->keyings[i] < KEYING_COUNT;
    for (size_t i = 0; ok && i < p->suite_count; i++)
        ok = p->suites[i] < SRTP_SUITE_COUNT;
    return ok;
}

static bool codecs_are_sane(const struct media_request *rq)
{
    for (size_t i = 0; i < rq->codec_count; i++) {
        const struct media_codec *c = &rq->codecs[i];
        if (!is_bool(&c->allowed) || !is_bool(&c->fec) || !is_bool(&c->cbr) ||
            !memchr(c->name, 0, sizeof(c->name)))
            return false;
    }
    return true;
}

static bool mikey_is_sane(const struct media_mikey *m)
{
    return is_bool(&m->clear_allowed) && is_bool(&m->cert_required) && m->psk_n <= sizeof(m->psk) &&
           memchr(m->self, 0, sizeof(m->self)) && memchr(m->peer, 0, sizeof(m->peer));
}

static bool is_sane(const struct media_request *rq)
{
    bool ok = is_bool(&rq->is_offer) && is_bool(&rq->rtcp_mux) && is_bool(&rq->ice) &&
              is_bool(&rq->transcode) && is_bool(&rq->info) && is_bool(&rq->verified) &&
              is_addr(&rq->local) && is_addr(&rq->other) && is_addr(&rq->remote_rtp) &&
              is_addr(&rq->remote_rtcp) && is_addr(&rq->signalling);
    ok = ok && rq->codec_count <= MEDIA_CODEC_MAX && rq->ssrc_count <= MEDIA_SSRC_MAX &&
         rq->mode <= MEDIA_MODE_CLOCK && rq->announcement < MEDIA_ANNOUNCE_COUNT &&
         rq->direction <= MEDIA_INACTIVE && rq->proto < MEDIA_PROTO_COUNT &&
         rq->path < MEDIA_PATH_COUNT;
    return ok && codecs_are_sane(rq) && policy_is_sane(&rq->policy) && mikey_is_sane(&rq->mikey);
}

static int refuse(struct work *w, enum media_status status, const char *why)
{
    snprintf(w->reply.why, sizeof(w->reply.why), "%s", why);
    return w->reply.status = (uint8_t)status;
}

/* --- OPEN, CONNECT, CLOSE --- */

static int do_open(struct work *w)
{
    const struct media_request *rq = w->rq;
    w->e = media_endpoint_find_key(w->role, rq->call, rq->leg, rq->stream);
    if (w->e) {
        w->e->swept = false;
        return 0;
    }
    if (addr_family(&rq->local) == 0)
        return refuse(w, MEDIA_STATUS_FAILED, "no address to open media ports at");
    int status = media_endpoint_open(w->role, rq, &w->e);
    if (status == MEDIA_STATUS_NO_PORTS)
        return refuse(w, MEDIA_STATUS_NO_PORTS, "all media ports are taken");
    if (status != 0)
        return refuse(w, MEDIA_STATUS_FAILED, "media ports cannot be opened at this address");
    w->opened = true;
    return 0;
}

/* Looked at before a description changes anything: CONNECT itself cannot fail. */
static int find_peer(struct work *w)
{
    const struct media_request *rq = w->rq;
    if (!(rq->ops & MEDIA_OP_CONNECT) || rq->mode != MEDIA_MODE_RELAY || rq->peer == 0)
        return 0;
    w->peer = media_endpoint_find(w->role, rq->peer);
    if (!w->peer)
        return refuse(w, MEDIA_STATUS_NO_ENDPOINT, "the other endpoint does not exist");
    if (w->peer == w->e)
        return refuse(w, MEDIA_STATUS_FAILED, "an endpoint cannot be its own peer");
    return 0;
}

static const char pass_why[] = "the keys are the phones' alone: nothing can be said to them here";

static int do_announce(struct work *w)
{
    if (media_transport(w->e)->s->terms.pass.on)
        return refuse(w, MEDIA_STATUS_FAILED, pass_why);
    if (media_announce_begin(w->e, (enum media_announcement)w->rq->announcement) < 0)
        return refuse(w, MEDIA_STATUS_FAILED, "no memory for the sound");
    return 0;
}

static void do_connect(struct work *w)
{
    uint8_t mode = w->rq->mode;
    if (mode == MEDIA_MODE_RELAY && !w->peer)
        mode = MEDIA_MODE_NONE;
    media_endpoint_connect(w->e, mode, w->peer);
}

static int do_event(struct work *w)
{
    if (media_transport(w->e)->s->terms.pass.on)
        return refuse(w, MEDIA_STATUS_NO_EVENTS, pass_why);
    int status = media_digits_add(w->e, w->rq->event, w->rq->event_ms);
    if (status == MEDIA_STATUS_NO_EVENTS)
        return refuse(w, MEDIA_STATUS_NO_EVENTS, "the phone takes no telephone events");
    return status ? refuse(w, MEDIA_STATUS_FAILED, "too many digits at once") : 0;
}

static int take(struct work *w, const struct media_terms *t);

static int do_info(struct work *w)
{
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(w->e, &t);
    if (t.info || media_transport(w->e)->s->terms.pass.on) /* its digits are not ours to read */
        return 0;
    t.info = true;
    return take(w, &t);
}

/* --- REMOTE, LOCAL --- */

static int refuse_keying(struct work *w, int v, const char *why)
{
    if (v < 0)
        return refuse(w, MEDIA_STATUS_FAILED, "our keying lines do not fit");
    return refuse(w, (enum media_status)(MEDIA_STATUS_NOT_ENCRYPTED + v - KEYING_NOT_ENCRYPTED),
                  why);
}

/* A phone that describes another address than its signalling comes from cannot be reached there
 * before it has spoken: it is behind a NAT. */
static bool is_behind_nat(const struct media_request *rq)
{
    return addr_family(&rq->signalling) != 0 && addr_family(&rq->remote_rtp) != 0 &&
           !addr_host_eq(&rq->signalling, &rq->remote_rtp);
}

static_assert(MEDIA_PSK_MAX == SECRET_CAP && MEDIA_NAME_MAX == MIKEY_NAME_MAX,
              "the same on the channel and in keying");

static const struct mikey_terms *mikey_of(struct work *w)
{
    const struct media_mikey *m = &w->rq->mikey;
    w->mikey = (struct mikey_terms){
        .clear_allowed = m->clear_allowed,
        .cert_required = m->cert_required,
        .unix_s = loop_unix_now(w->role->loop),
        .call = w->e->s->call,
        .leg = w->e->s->leg,
        .stream = w->e->s->stream,
        .psk.n = m->psk_n,
    };
    memcpy(w->mikey.psk.b, m->psk, sizeof(m->psk));
    memcpy(w->mikey.self, m->self, sizeof(m->self));
    memcpy(w->mikey.peer, m->peer, sizeof(m->peer));
    return &w->mikey;
}

static struct keying_policy policy_of(struct work *w)
{
    const struct media_policy *p = &w->rq->policy;
    struct keying_policy k = {
        .protection = p->protection,
        .keying_count = p->keying_count,
        .suite_count = p->suite_count,
        .crypto_max = p->crypto_max,
        .no_aes256 = p->no_aes256,
        .aes_cm_256 = p->aes_cm_256,
        .gcm = p->gcm,
        /* With ICE it is the peer that knows when there is a way. */
        .peer_first = is_behind_nat(w->rq) || keying_text_has(w->text, SLICE_LIT("ice-ufrag")),
        .local = &w->role->local,
        .mikey = mikey_of(w),
    };
    memcpy(k.keyings, p->keyings, sizeof(k.keyings));
    memcpy(k.suites, p->suites, sizeof(k.suites));
    return k;
}

static void terms_describe(struct media_terms *t, const struct media_request *rq, struct slice text,
                           uint64_t ms)
{
    bool same = t->has_remote && addr_eq(&t->remote_rtp, &rq->remote_rtp);
    if (!same)
        t->remote_since = ms;
    t->has_remote = true;
    t->protection = rq->policy.protection;
    t->direction = rq->direction;
    t->remote_rtp = rq->remote_rtp;
    t->remote_rtcp = rq->remote_rtcp;
    t->signalling = rq->signalling;
    t->rtcp_mux = rq->rtcp_mux && (rq->is_offer || t->rtcp_mux_offered);
    t->transcode = rq->transcode;
    t->info |= rq->info;
    t->codec_count = rq->codec_count;
    t->ssrc_count = rq->ssrc_count;
    memcpy(t->ssrcs, rq->ssrcs, sizeof(t->ssrcs));
    media_ice_take_remote(&t->ice, text, rq->is_offer, ms);
    if (t->ice.on) { /* its checks say where it is; descriptions may say 0.0.0.0, or anything */
        memset(&t->remote_rtp, 0, sizeof(t->remote_rtp));
        memset(&t->remote_rtcp, 0, sizeof(t->remote_rtcp));
    }
    memcpy(t->codecs, rq->codecs, sizeof(t->codecs));
}

static int take(struct work *w, const struct media_terms *t)
{
    if (media_terms_take(w->e, t) < 0)
        return refuse(w, MEDIA_STATUS_FAILED, "no memory for the keys");
    return 0;
}

static bool family_fits(const struct media_endpoint *e, const struct addr *a)
{
    return addr_family(a) == 0 || addr_family(a) == addr_family(&e->s->bound);
}

/* Of a bundle all keying is its first's; what an m-line of its own is remains: codecs, direction. */
static int do_remote_bundled(struct work *w, bool check_only)
{
    const struct media_brief *by = &w->e->bundle->s->terms;
    struct media_terms next CLEANUP(media_terms_wipe);
    media_endpoint_terms(w->e, &next);
    terms_describe(&next, w->rq, SLICE_NONE, loop_now(w->role->loop));
    w->reply.proto = next.said_proto = by->said_proto;
    w->reply.rtcp_mux = next.rtcp_mux = by->rtcp_mux || by->rtcp_mux_offered;
    return check_only ? 0 : take(w, &next);
}

/* Opaque: what the phone announces decides, for what it agrees on is not ours to see. */
static int judge_announced(struct work *w, const struct media_terms *now,
                           const struct keying_pass *announces)
{
    struct keying_pass any;
    keying_pass_read(w->text, UINT8_MAX, &any);
    if (announces->announced || w->rq->policy.protection != PROTECTION_REQUIRED)
        return 0;
    if (now->pass.on && now->pass.announces.announced)
        return refuse_keying(w, KEYING_DOWNGRADE, keying_verdict_why(KEYING_DOWNGRADE));
    enum keying_verdict v = any.announced ? KEYING_NO_COMMON_KEYING : KEYING_NOT_ENCRYPTED;
    return refuse_keying(w, (int)v, keying_verdict_why(v));
}

/* What our answer says beside keying; then the terms are the endpoint's. */
static int finish_remote(struct work *w, const struct media_terms *next, bool check_only)
{
    w->reply.rtcp_mux = next->rtcp_mux;
    if (!check_only && w->rq->is_offer && next->ice.on)
        media_second_open(w->e, &w->rq->other);
    if (w->rq->is_offer && next->ice.on)
        media_ice_put(&w->out, w->e, &next->ice, next->rtcp_mux);
    if (w->out.overflow)
        return refuse(w, MEDIA_STATUS_FAILED, "our lines do not fit");
    if (check_only)
        return 0;
    int r = take(w, next);
    if (r == 0 && !next->ice.on) /* our offer's, refused; or not spoken any more */
        media_second_close(w->e);
    return r;
}

static void terms_pass(struct media_terms *t, const struct media_terms *now)
{
    keying_state_wipe(&t->keying);
    t->encrypted = t->transcode = false;
    t->pass.on = true;
    if (!now->pass.on || !keying_pass_eq(&t->pass.announces, &now->pass.announces))
        t->pass.epoch++;
}

static int do_remote_pass(struct work *w, bool check_only)
{
    const struct media_request *rq = w->rq;
    struct media_terms now CLEANUP(media_terms_wipe);
    media_endpoint_terms(w->e, &now);
    struct media_terms next CLEANUP(media_terms_wipe) = now;
    uint64_t ms = loop_now(w->role->loop);
    if (now.keying.active != KEYING_NONE)
        return refuse(w, MEDIA_STATUS_DOWNGRADE, "the keys of this leg are the server's already");
    next.pass.direct = rq->path == MEDIA_PATH_DIRECT;
    terms_describe(&next, rq, next.pass.direct ? SLICE_NONE : w->text,
                   ms); /* its ICE is not ours */
    if (!family_fits(w->e, &next.remote_rtp) || !family_fits(w->e, &next.remote_rtcp))
        return refuse(w, MEDIA_STATUS_FAILED, "the peer's media address is of another IP version");
    keying_pass_read(w->text, media_policy_kinds(&rq->policy), &next.pass.announces);
    int v = judge_announced(w, &now, &next.pass.announces);
    if (v != 0)
        return v;
    terms_pass(&next, &now);
    media_terms_rekey(&next, &now, ms);
    return finish_remote(w, &next, check_only);
}

static int do_remote(struct work *w, bool check_only)
{
    if (w->e->bundle)
        return do_remote_bundled(w, check_only);
    if (w->rq->path != MEDIA_PATH_RELAY)
        return do_remote_pass(w, check_only);
    if (w->e->s->terms.pass.on)
        return refuse(w, MEDIA_STATUS_DOWNGRADE, "the keys of this leg are the phones' alone");
    const struct media_request *rq = w->rq;
    struct media_terms now CLEANUP(media_terms_wipe);
    media_endpoint_terms(w->e, &now);
    struct media_terms next CLEANUP(media_terms_wipe) = now;
    struct keying_policy policy = policy_of(w);
    struct keying_result kr = {0};
    int v;
    terms_describe(&next, rq, w->text, loop_now(w->role->loop));
    if (!family_fits(w->e, &next.remote_rtp) || !family_fits(w->e, &next.remote_rtcp))
        return refuse(w, MEDIA_STATUS_FAILED, "the peer's media address is of another IP version");
    if (rq->is_offer)
        v = keying_remote_offer(&now.keying, &policy, rq->proto, w->text, &w->out, &next.keying,
                                &kr);
    else
        v = keying_remote_answer(&now.keying, &policy, rq->proto, w->text, &next.keying, &kr);
    if (v != KEYING_OK)
        return refuse_keying(w, v, kr.why);
    next.encrypted = kr.encrypted;
    media_terms_rekey(&next, &now, loop_now(w->role->loop));
    w->reply.proto = next.said_proto = kr.proto;
    return finish_remote(w, &next, check_only);
}

static int do_local(struct work *w)
{
    if (w->e->bundle) {
        const struct media_brief *by = &w->e->bundle->s->terms;
        w->reply.proto = by->said_proto;
        w->reply.rtcp_mux = by->rtcp_mux_offered;
        return 0;
    }
    const struct media_request *rq = w->rq;
    struct media_terms now CLEANUP(media_terms_wipe);
    media_endpoint_terms(w->e, &now);
    struct media_terms next CLEANUP(media_terms_wipe) = now;
    struct keying_policy policy = policy_of(w);
    struct keying_result kr = {0};
    if (rq->path != MEDIA_PATH_RELAY) {
        next.pass.on = true;
    } else if (now.pass.on) {
        return refuse(w, MEDIA_STATUS_DOWNGRADE, "the keys of this leg are the phones' alone");
    } else {
        int v = keying_local_offer(&now.keying, &policy, &w->out, &next.keying, &kr);
        if (v != KEYING_OK)
            return refuse_keying(w, v, kr.why);
    }
    next.protection = rq->policy.protection;
    next.rtcp_mux_offered = rq->rtcp_mux;
    /* Once done, ICE goes on: an offer without it would ask the peer to begin without. */
    next.ice.offered = rq->ice || now.ice.on;
    if (next.ice.offered) {
        media_ice_cred_make(&next.ice);
        media_second_open(w->e, &rq->other);
        media_ice_put(&w->out, w->e, &next.ice, rq->rtcp_mux);
    }
    if (w->out.overflow)
        return refuse(w, MEDIA_STATUS_FAILED, "our lines do not fit");
    w->reply.proto = next.said_proto = kr.proto;
    w->reply.rtcp_mux = rq->rtcp_mux;
    return take(w, &next);
}

/* --- the request --- */

static int find(struct work *w)
{
    w->e = media_endpoint_find(w->role, w->rq->endpoint);
    return w->e ? 0 : refuse(w, MEDIA_STATUS_NO_ENDPOINT, "no such endpoint");
}

static int run(struct work *w)
{
    uint32_t ops = w->rq->ops;
    int r = 0;
    if (!is_sane(w->rq))
        return refuse(w, MEDIA_STATUS_FAILED, "the request makes no sense");
    r = ops & MEDIA_OP_OPEN ? do_open(w) : find(w);
    if (r == 0)
        r = find_peer(w);
    if (r == 0 && (ops & MEDIA_OP_REMOTE))
        r = do_remote(w, ops & MEDIA_OP_CHECK);
    /* CHECK changes nothing, whatever else is asked for. */
    if (ops & MEDIA_OP_CHECK)
        return r;
    if (r == 0 && (ops & MEDIA_OP_LOCAL))
        r = do_local(w);
    if (r == 0 && (ops & MEDIA_OP_CONNECT))
        do_connect(w);
    if (r == 0 && (ops & MEDIA_OP_INFO))
        r = do_info(w);
    if (r == 0 && (ops & MEDIA_OP_EVENT))
        r = do_event(w);
    if (r == 0 && (ops & MEDIA_OP_ANNOUNCE))
        r = do_announce(w);
    if (r == 0 && (ops & MEDIA_OP_VERIFY) && !media_keying_verify(w->e, w->rq->verified))
        r = refuse(w, MEDIA_STATUS_FAILED,
                   "this leg has no SAS, or an earlier process agreed on it: in the next call");
    return r;
}

static void describe(struct work *w)
{
    const struct media_endpoint *e = w->e;
    w->reply.endpoint = e->id;
    media_endpoint_local(e, false, &w->reply.local_rtp);
    media_endpoint_local(e, true, &w->reply.local_rtcp);
    media_endpoint_protection(e, &w->reply.protection);
}

void media_request_run(struct media_role *r, const struct media_request *rq, struct slice text)
{
    struct work w = {
        .role = r,
        .rq = rq,
        .text = text,
        .out = buf_over(r->text, sizeof(r->text)),
        .reply = {.req = rq->req},
    };
    media_burst_run(r); /* endpoints change between bursts only */
    int v = run(&w);
    bool close = w.e && ((v == 0 && (rq->ops & MEDIA_OP_CLOSE)) || (v != 0 && w.opened));
    if (w.e && !(v != 0 && w.opened))
        describe(&w);
    if (close)
        media_endpoint_close(w.e);
    w.reply.text_n = v == 0 ? (uint32_t)w.out.n : 0;
    media_role_reply(r, &w.reply, r->text);
    secret_wipe(r->text, w.out.n);
    secret_wipe(&w.mikey, sizeof(w.mikey));
}
