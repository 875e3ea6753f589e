#include "call/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/refresh.h"
#include "call/steps.h"
#include "ipc/ipc.h"

#define SNAPSHOT_VERSION 2u
/* Requests that were sent since the snapshot (INFO, refreshes) are not in it. Numbers may leave
 * gaps (RFC 3261 s.12.2.1.1), but must not be used again. */
#define CSEQ_JUMP 65536u

struct snapshot_stream {
    uint64_t endpoint;
    uint8_t proto;
    uint8_t rtcp_mux;
    uint8_t bundle;
    struct addr rtp, rtcp;
    struct media_protection protection;
};

struct snapshot_leg {
    uint16_t index;
    uint8_t registered_user, allows_update;
    uint32_t invite_cseq, answered_cseq;
    char name[STORE_NAME_MAX + 1], domain[STORE_DOMAIN_MAX + 1], display[STORE_DISPLAY_MAX + 1];
    struct store_policy user_policy;
    struct media_policy policy;
    struct transport_flow flow;
    char target_uri[DIALOG_URI_MAX];
    char contact_user[STORE_NAME_MAX + 1];
    char agent[LEG_AGENT_MAX];
    uint64_t sdp_session;
    struct dialog_timer session;
    uint64_t session_due_unix;
    struct snapshot_stream streams[SDP_MEDIA_MAX];
    uint32_t dialog_n, remote_n, local_n; /* bytes in `data`, in this order, leg after leg */
};

struct snapshot_slot {
    uint32_t version; /* 0: free. Written last: a slot that was being written is not used */
    uint32_t n;       /* bytes of data */
    uint64_t call, since_unix, answered_unix;
    uint8_t builtin, mask, has_b;
    struct sdp_leg_map map;
    char target[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2];
    struct snapshot_leg legs[2];
    char data[];
};

struct snapshot_map {
    uint8_t *mem;
    uint32_t count;
    uint32_t hint; /* where the search for a free slot begins */
};

static size_t data_cap(void)
{
    return CALL_SNAPSHOT_SIZE - sizeof(struct snapshot_slot);
}

static_assert(sizeof(struct snapshot_slot) < 6144, "room for dialogs and texts");

static struct snapshot_slot *slot_at(const struct snapshot_map *m, uint32_t i)
{
    return (struct snapshot_slot *)(void *)(m->mem + (size_t)i * CALL_SNAPSHOT_SIZE);
}

int snapshot_open(struct call_core *core)
{
    if (core->cfg.snapshot_fd < 0)
        return 0;
    struct snapshot_map *m = calloc(1, sizeof(*m));
    void *p = NULL;
    if (!m)
        return -ENOMEM;
    size_t size = (size_t)core->cfg.max_calls * CALL_SNAPSHOT_SIZE;
    int r = ipc_memfd_map(core->cfg.snapshot_fd, size, true, &p);
    if (r < 0) {
        free(m);
        return r;
    }
    m->mem = p;
    m->count = core->cfg.max_calls;
    core->snapshots = m;
    return 0;
}

void snapshot_close(struct call_core *core)
{
    struct snapshot_map *m = core->snapshots;
    if (m)
        munmap(m->mem, (size_t)m->count * CALL_SNAPSHOT_SIZE);
    free(m);
    core->snapshots = NULL;
}

/* --- saving ---------------------------------------------------------------------------------- */

static bool find_slot(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    for (uint32_t i = 0; i < m->count && c->slot == SNAPSHOT_NONE; i++) {
        uint32_t at = (m->hint + i) % m->count;
        if (slot_at(m, at)->version == 0) {
            c->slot = at;
            m->hint = at + 1;
        }
    }
    return c->slot != SNAPSHOT_NONE;
}

static bool save_texts(const struct leg *l, struct snapshot_leg *s, struct buf *data)
{
    size_t at = data->n;
    s->dialog_n = (uint32_t)dialog_save(&l->dialog, data->p + at, data->cap - at);
    data->n += s->dialog_n;
    buf_put_slice(data, call_text_slice(&l->remote_sdp));
    buf_put_slice(data, call_text_slice(&l->local_sdp));
    s->remote_n = (uint32_t)l->remote_sdp.n;
    s->local_n = (uint32_t)l->local_sdp.n;
    return s->dialog_n > 0 && !data->overflow;
}

static bool save_leg(const struct leg *l, struct snapshot_leg *s, struct buf *data)
{
    s->index = l->index;
    s->registered_user = l->registered_user;
    s->allows_update = l->allows_update;
    s->invite_cseq = l->invite_cseq;
    s->answered_cseq = l->answered_cseq;
    memcpy(s->name, l->user.name, sizeof(s->name));
    memcpy(s->domain, l->user.domain, sizeof(s->domain));
    memcpy(s->display, l->user.display, sizeof(s->display));
    memcpy(s->target_uri, l->target_uri, sizeof(s->target_uri));
    memcpy(s->contact_user, l->contact_user, sizeof(s->contact_user));
    memcpy(s->agent, l->agent, sizeof(s->agent));
    s->user_policy = l->user.policy;
    s->policy = l->policy;
    s->flow = l->flow;
    s->sdp_session = l->sdp_session;
    s->session = l->session;
    s->session_due_unix = l->session_due_unix;
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        const struct leg_stream *m = &l->media.streams[i];
        s->streams[i] = (struct snapshot_stream){.endpoint = m->endpoint,
                                                 .proto = m->proto,
                                                 .rtcp_mux = m->rtcp_mux,
                                                 .bundle = m->bundle,
                                                 .rtp = m->rtp,
                                                 .rtcp = m->rtcp,
                                                 .protection = m->protection};
    }
    return save_texts(l, s, data);
}

void snapshot_save(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    if (!m || c->phase != CALL_ANSWERED || !find_slot(c))
        return;
    struct snapshot_slot *s = slot_at(m, c->slot);
    struct buf data = buf_over(s->data, data_cap());
    __atomic_store_n(&s->version, 0, __ATOMIC_SEQ_CST);
    s->call = c->id;
    s->since_unix = c->since_unix;
    s->answered_unix = c->answered_unix;
    s->builtin = c->builtin;
    s->mask = c->mask;
    s->map = c->map;
    s->has_b = c->b != NULL;
    memcpy(s->target, c->target, sizeof(s->target));
    bool ok = save_leg(c->a, &s->legs[0], &data) && (!c->b || save_leg(c->b, &s->legs[1], &data));
    s->n = (uint32_t)data.n;
    if (!ok) {
        log_event(LOG_WARN, "snapshot_too_large", LOG_STR("call", c->name));
        snapshot_drop(c);
        return;
    }
    __atomic_store_n(&s->version, SNAPSHOT_VERSION, __ATOMIC_SEQ_CST);
}

void snapshot_drop(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    if (!m || c->slot == SNAPSHOT_NONE)
        return;
    struct snapshot_slot *s = slot_at(m, c->slot);
    size_t used = sizeof(*s) + (s->n < data_cap() ? s->n : data_cap());
    __atomic_store_n(&s->version, 0, __ATOMIC_SEQ_CST);
    secret_wipe(s, used); /* descriptions hold keys */
    c->slot = SNAPSHOT_NONE;
}

/* --- restoring ------------------------------------------------------------------------------- */

static bool take(struct slice *rest, uint32_t n, struct slice *ret)
{
    if (n > rest->n)
        return false;
    *ret = slice_take(*rest, n);
    *rest = slice_skip(*rest, n);
    return true;
}

static bool restore_texts(struct leg *l, const struct snapshot_leg *s, struct slice *rest)
{
    struct slice d, remote, local;
    return take(rest, s->dialog_n, &d) && take(rest, s->remote_n, &remote) &&
           take(rest, s->local_n, &local) && dialog_load(&l->dialog, d.p, d.n) == 0 &&
           call_text_set(&l->remote_sdp, remote) == 0 && call_text_set(&l->local_sdp, local) == 0;
}

static void restore_streams(struct leg *l, const struct snapshot_leg *s)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        struct leg_stream *m = &l->media.streams[i];
        m->endpoint = s->streams[i].endpoint;
        m->proto = s->streams[i].proto;
        m->rtcp_mux = s->streams[i].rtcp_mux;
        m->bundle = s->streams[i].bundle;
        m->rtp = s->streams[i].rtp;
        m->rtcp = s->streams[i].rtcp;
        m->protection = s->streams[i].protection;
    }
}

static struct leg *restore_leg(struct call *c, const struct snapshot_leg *s, struct slice *rest)
{
    struct leg *l = leg_new(c);
    if (!l)
        return NULL;
    l->index = s->index;
    l->media.leg = s->index;
    if (c->leg_count <= s->index)
        c->leg_count = (uint16_t)(s->index + 1);
    l->registered_user = s->registered_user;
    l->allows_update = s->allows_update;
    l->invite_cseq = s->invite_cseq;
    l->answered_cseq = s->answered_cseq;
    memcpy(l->user.name, s->name, sizeof(s->name));
    memcpy(l->user.domain, s->domain, sizeof(s->domain));
    memcpy(l->user.display, s->display, sizeof(s->display));
    memcpy(l->target_uri, s->target_uri, sizeof(s->target_uri));
    memcpy(l->contact_user, s->contact_user, sizeof(s->contact_user));
    memcpy(l->agent, s->agent, sizeof(l->agent));
    l->agent[sizeof(l->agent) - 1] = '\0';
    l->user.policy = s->user_policy;
    l->policy = s->policy;
    l->flow = s->flow;
    l->sdp_session = s->sdp_session;
    l->session = s->session;
    l->session_due_unix = s->session_due_unix;
    restore_streams(l, s);
    if (!restore_texts(l, s, rest))
        return NULL;
    l->dialog.local_cseq += CSEQ_JUMP;
    l->state = LEG_UP;
    leg_remember_dialog(l, slice_from_str(l->dialog.call_id), slice_from_str(l->dialog.local_tag));
    refresh_resume(l);
    return l;
}

static bool restore_call(struct call_core *core, uint32_t i)
{
    struct snapshot_slot *s = slot_at(core->snapshots, i);
    if (s->version != SNAPSHOT_VERSION || s->n > data_cap())
        return false;
    struct call *c = call_new(core, s->call);
    if (!c)
        return false;
    struct slice rest = slice_from(s->data, s->n);
    c->slot = i;
    c->phase = CALL_ANSWERED;
    c->since_unix = s->since_unix;
    c->answered_unix = s->answered_unix;
    c->builtin = s->builtin;
    c->mask = s->mask;
    c->map = s->map;
    memcpy(c->target, s->target, sizeof(c->target));
    c->a = restore_leg(c, &s->legs[0], &rest);
    if (c->a && s->has_b)
        c->b = restore_leg(c, &s->legs[1], &rest);
    if (c->a && (!s->has_b || c->b)) {
        snapshot_save(c); /* the numbers that it jumped to are used up, too */
        return true;
    }
    snapshot_drop(c);
    call_discard(c);
    return false;
}

size_t call_core_restore(struct call_core *core)
{
    size_t n = 0;
    if (!core->snapshots)
        return 0;
    for (uint32_t i = 0; i < core->snapshots->count; i++)
        n += restore_call(core, i);
    core->sweep_due = true;
    return n;
}

void snapshot_sweep(struct call_core *core)
{
    size_t n = 0, cap = core->count * 2 * SDP_MEDIA_MAX;
    uint64_t *endpoints = calloc(cap ? cap : 1, sizeof(*endpoints));
    if (!endpoints)
        return; /* streams of lost calls end by their own timeout */
    LIST_FOR_EACH(it, &core->calls)
    {
        struct call *c = CONTAINER_OF(it, struct call, node);
        LIST_FOR_EACH(ln, &c->legs)
        {
            const struct leg *l = CONTAINER_OF(ln, struct leg, node);
            for (size_t i = 0; i < SDP_MEDIA_MAX && n < cap; i++) {
                if (l->media.streams[i].endpoint)
                    endpoints[n++] = l->media.streams[i].endpoint;
            }
        }
    }
    media_client_sweep(core->media, endpoints, n);
    free(endpoints);
}
