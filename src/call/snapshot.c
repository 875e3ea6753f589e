#include "call/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/path.h"
#include "call/refresh.h"
#include "call/steps.h"
#include "call/tell.h"
#include "ipc/ipc.h"

#define SNAPSHOT_VERSION 5u
/* Requests that were sent since the snapshot (INFO, refreshes) are not in it. Numbers may leave
 * gaps (RFC 3261 s.12.2.1.1), but must not be used again. */
#define CSEQ_JUMP 65536u
/* One in so many slots may keep its memory while it is free, for the next calls: where calls come and
 * go, none of them gets fresh pages. */
#define SNAPSHOT_WARM_SHARE 16u

/* The slot is written as bytes without gaps: a call takes one page of it, not the room that its texts
 * and m-lines might need. Per leg: the fixed part, its streams, its texts. */
struct snapshot_stream {
    uint64_t endpoint;
    uint8_t index; /* of the m-line */
    uint8_t proto;
    uint8_t rtcp_mux;
    uint8_t bundle;
    struct addr rtp, rtcp;
    struct media_protection protection;
};

enum snapshot_text {
    TEXT_POLICY, /* the user's, as bytes */
    TEXT_NAME,
    TEXT_DOMAIN,
    TEXT_DISPLAY,
    TEXT_TARGET_URI,
    TEXT_CONTACT_USER,
    TEXT_AGENT,
    TEXT_DIALOG,
    TEXT_REMOTE_SDP,
    TEXT_LOCAL_SDP,
    TEXT_COUNT
};

struct snapshot_leg {
    uint16_t index;
    uint8_t registered_user, allows_update, takes_info, stream_count;
    uint32_t invite_cseq, answered_cseq;
    struct media_policy policy;
    struct transport_flow flow;
    uint64_t sdp_session;
    struct dialog_timer session;
    uint64_t session_due_unix;
    uint32_t text_n[TEXT_COUNT];
};

struct snapshot_slot {
    uint32_t version; /* 0: free. Written last: a slot that was being written is not used */
    uint32_t n;       /* bytes of data */
    uint64_t call, since_unix, answered_unix;
    uint8_t builtin, mask, has_b, path, path_why;
    struct sdp_leg_map map;
    uint16_t target_n;
    char data[]; /* target; legs */
};

/* Where there is no call there is no memory: a free slot is not even read, because that alone would
 * make it resident. Which ones hold something the memfd itself tells (lseek). */
struct snapshot_map {
    uint8_t *mem;
    uint32_t count;
    uint32_t fresh; /* this slot and those behind it were never used */
    uint32_t *free; /* used ones that are free: first those without memory, on top the latest */
    uint32_t free_n, cold_n;
};

static size_t data_cap(void)
{
    return CALL_SNAPSHOT_SIZE - sizeof(struct snapshot_slot);
}

/* What the legs hold at most besides their descriptions. */
static_assert(2 * (sizeof(struct snapshot_leg) + SDP_MEDIA_MAX * sizeof(struct snapshot_stream) +
                   DIALOG_SAVED_MAX + DIALOG_URI_MAX + 1024) <
                  CALL_SNAPSHOT_SIZE - 4096,
              "room for descriptions");

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
    m->free = calloc(core->cfg.max_calls, sizeof(*m->free));
    int r = m->free ? ipc_memfd_map(core->cfg.snapshot_fd, size, true, &p) : -ENOMEM;
    if (r < 0) {
        free(m->free);
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
    if (m) {
        munmap(m->mem, (size_t)m->count * CALL_SNAPSHOT_SIZE);
        free(m->free);
    }
    free(m);
    core->snapshots = NULL;
}

/* --- saving ---------------------------------------------------------------------------------- */

static bool slot_take(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    if (c->slot != SNAPSHOT_NONE)
        return true;
    if (m->free_n > 0) {
        c->slot = m->free[--m->free_n];
        if (m->cold_n > m->free_n)
            m->cold_n = m->free_n;
    } else if (m->fresh < m->count) {
        c->slot = m->fresh++;
    }
    return c->slot != SNAPSHOT_NONE;
}

/* Gives back its memory, and with it whatever it held. False: a page holds several slots. */
static bool slot_empty(struct snapshot_map *m, uint32_t at)
{
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 && CALL_SNAPSHOT_SIZE % (unsigned long)page == 0 &&
           madvise(slot_at(m, at), CALL_SNAPSHOT_SIZE, MADV_REMOVE) == 0;
}

static void slot_release(struct snapshot_map *m, uint32_t at)
{
    m->free[m->free_n++] = at;
    if (m->free_n - m->cold_n > m->count / SNAPSHOT_WARM_SHARE + 1)
        (void)slot_empty(m, m->free[m->cold_n++]); /* all are wiped: it is for the memory alone */
}

static uint8_t save_streams(const struct leg *l, struct buf *data)
{
    uint8_t n = 0;
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        const struct leg_stream *m = leg_media_stream(&l->media, i);
        if (!m->endpoint)
            continue;
        const struct snapshot_stream s = {.endpoint = m->endpoint,
                                          .index = (uint8_t)i,
                                          .proto = m->proto,
                                          .rtcp_mux = m->rtcp_mux,
                                          .bundle = m->bundle,
                                          .rtp = m->rtp,
                                          .rtcp = m->rtcp,
                                          .protection = m->protection};
        buf_put(data, &s, sizeof(s));
        n++;
    }
    return n;
}

static bool save_texts(const struct leg *l, struct snapshot_leg *s, struct buf *data)
{
    char dialog[DIALOG_SAVED_MAX];
    size_t dialog_n = dialog_save(&l->dialog, dialog, sizeof(dialog));
    const struct slice texts[TEXT_COUNT] = {
        [TEXT_POLICY] = slice_from(l->user.policy, call_policy_size(l->user.policy)),
        [TEXT_NAME] = slice_from_str(l->user.name),
        [TEXT_DOMAIN] = slice_from_str(l->user.domain),
        [TEXT_DISPLAY] = slice_from_str(l->user.display),
        [TEXT_TARGET_URI] = slice_from_str(l->target_uri),
        [TEXT_CONTACT_USER] = slice_from_str(l->contact_user),
        [TEXT_AGENT] = slice_from_str(l->agent),
        [TEXT_DIALOG] = slice_from(dialog, dialog_n),
        [TEXT_REMOTE_SDP] = call_text_slice(&l->remote_sdp),
        [TEXT_LOCAL_SDP] = call_text_slice(&l->local_sdp),
    };
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        buf_put_slice(data, texts[i]);
        s->text_n[i] = (uint32_t)texts[i].n;
    }
    return dialog_n > 0;
}

static bool save_leg(const struct leg *l, struct buf *data)
{
    struct snapshot_leg s = {.index = l->index,
                             .registered_user = l->registered_user,
                             .allows_update = l->allows_update,
                             .takes_info = l->media.info,
                             .invite_cseq = l->invite_cseq,
                             .answered_cseq = l->answered_cseq,
                             .policy = l->policy,
                             .flow = l->flow,
                             .sdp_session = l->sdp_session,
                             .session = l->session,
                             .session_due_unix = l->session_due_unix};
    size_t at = data->n;
    buf_put(data, &s, sizeof(s)); /* its place */
    s.stream_count = save_streams(l, data);
    if (!save_texts(l, &s, data) || data->overflow)
        return false;
    memcpy(data->p + at, &s, sizeof(s));
    return true;
}

void snapshot_save(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    if (!m || c->phase != CALL_ANSWERED || !slot_take(c))
        return;
    struct snapshot_slot *s = slot_at(m, c->slot);
    struct buf data = buf_over(s->data, data_cap());
    size_t before = s->n < data_cap() ? s->n : data_cap();
    __atomic_store_n(&s->version, 0, __ATOMIC_SEQ_CST);
    s->call = c->id;
    s->since_unix = c->since_unix;
    s->answered_unix = c->answered_unix;
    s->builtin = c->builtin;
    s->mask = c->mask;
    s->map = c->map;
    s->has_b = c->b != NULL;
    s->path = c->path;
    s->path_why = c->path_why;
    s->target_n = (uint16_t)strlen(c->target);
    buf_put_str(&data, c->target);
    bool ok = save_leg(c->a, &data) && (!c->b || save_leg(c->b, &data));
    s->n = (uint32_t)data.n;
    if (before > data.n) /* no key stays behind the end, where the wipe would not find it */
        secret_wipe(s->data + data.n, before - data.n);
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
    slot_release(m, c->slot);
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

static bool restore_streams(struct leg *l, size_t n, struct slice *rest)
{
    for (; n > 0; n--) {
        struct snapshot_stream s;
        struct slice raw;
        if (!take(rest, sizeof(s), &raw))
            return false;
        memcpy(&s, raw.p, sizeof(s));
        if (s.index >= SDP_MEDIA_MAX || !protection_is_sound(&s.protection))
            return false;
        struct leg_stream *m = leg_media_stream_make(&l->media, s.index);
        if (!m)
            return false;
        m->endpoint = s.endpoint;
        m->proto = s.proto;
        m->rtcp_mux = s.rtcp_mux;
        m->bundle = s.bundle;
        m->rtp = s.rtp;
        m->rtcp = s.rtcp;
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
    return ret->codec_count <= STORE_CODEC_MAX && call_policy_size(ret) == from.n;
}

static bool restore_texts(struct leg *l, const struct snapshot_leg *s, struct slice *rest)
{
    struct slice t[TEXT_COUNT];
    struct store_policy policy;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (!take(rest, s->text_n[i], &t[i]))
            return false;
    }
    l->target_uri = strndup(t[TEXT_TARGET_URI].p, t[TEXT_TARGET_URI].n);
    return l->target_uri && restore_policy(t[TEXT_POLICY], &policy) &&
           leg_set_user(l, t[TEXT_NAME], t[TEXT_DOMAIN], t[TEXT_DISPLAY], &policy) == 0 &&
           slice_to_str(t[TEXT_CONTACT_USER], l->contact_user, sizeof(l->contact_user)) &&
           slice_to_str(t[TEXT_AGENT], l->agent, sizeof(l->agent)) &&
           dialog_load(&l->dialog, t[TEXT_DIALOG].p, t[TEXT_DIALOG].n) == 0 &&
           call_text_set(&l->remote_sdp, t[TEXT_REMOTE_SDP]) == 0 &&
           call_text_set(&l->local_sdp, t[TEXT_LOCAL_SDP]) == 0;
}

static struct leg *restore_leg(struct call *c, struct slice *rest)
{
    struct snapshot_leg s;
    struct slice raw;
    struct leg *l = take(rest, sizeof(s), &raw) ? leg_new(c) : NULL;
    if (!l)
        return NULL;
    memcpy(&s, raw.p, sizeof(s));
    l->index = s.index;
    l->media.leg = s.index;
    if (c->leg_count <= s.index)
        c->leg_count = (uint16_t)(s.index + 1);
    l->registered_user = s.registered_user;
    l->allows_update = s.allows_update;
    l->media.info = s.takes_info;
    l->invite_cseq = s.invite_cseq;
    l->answered_cseq = s.answered_cseq;
    l->policy = s.policy;
    l->flow = s.flow;
    l->sdp_session = s.sdp_session;
    l->session = s.session;
    l->session_due_unix = s.session_due_unix;
    if ((unsigned)s.flow.kind >= TRANSPORT_KIND_COUNT ||
        !restore_streams(l, s.stream_count, rest) || !restore_texts(l, &s, rest))
        return NULL;
    l->dialog.local_cseq += CSEQ_JUMP;
    l->state = LEG_UP;
    leg_remember_dialog(l, slice_from_str(l->dialog.call_id), slice_from_str(l->dialog.local_tag));
    refresh_resume(l);
    return l;
}

/* Free, or not written to its end by a process that was killed. */
static void slot_discard(struct snapshot_map *m, uint32_t i)
{
    if (!slot_empty(m, i))
        secret_wipe(slot_at(m, i), CALL_SNAPSHOT_SIZE);
    m->free[m->free_n++] = i;
}

static bool restore_call(struct call_core *core, uint32_t i)
{
    struct snapshot_slot *s = slot_at(core->snapshots, i);
    if (s->version != SNAPSHOT_VERSION || s->n > data_cap()) {
        slot_discard(core->snapshots, i);
        return false;
    }
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
    c->path = s->path < MEDIA_PATH_COUNT ? s->path : MEDIA_PATH_RELAY;
    c->path_why = s->path_why;
    struct slice target;
    if (take(&rest, s->target_n, &target) && slice_to_str(target, c->target, sizeof(c->target)))
        c->a = restore_leg(c, &rest);
    if (c->a && s->has_b)
        c->b = restore_leg(c, &rest);
    path_restored(c);
    if (c->a && (!s->has_b || c->b)) {
        tell_restored(c->a);
        if (c->b)
            tell_restored(c->b);
        snapshot_save(c); /* the numbers that it jumped to are used up, too */
        return true;
    }
    snapshot_drop(c);
    call_discard(c);
    return false;
}

/* The first slot from `from` on that has memory; count: none. */
static uint32_t slot_next(const struct call_core *core, uint32_t from)
{
    uint32_t count = core->snapshots->count;
    off_t at = from < count
                   ? lseek(core->cfg.snapshot_fd, (off_t)from * CALL_SNAPSHOT_SIZE, SEEK_DATA)
                   : -1;
    if (at < 0) /* ENXIO: no data behind; where the kernel cannot tell, look at each */
        return from < count && errno != ENXIO ? from : count;
    uint32_t slot = (uint32_t)(at / CALL_SNAPSHOT_SIZE);
    return slot < count ? slot : count;
}

size_t call_core_restore(struct call_core *core)
{
    struct snapshot_map *m = core->snapshots;
    size_t n = 0;
    if (!m)
        return 0;
    for (uint32_t i = 0; (i = slot_next(core, i)) < m->count; i++) {
        for (; m->fresh < i; m->fresh++) /* those in between are free */
            m->free[m->free_n++] = m->fresh;
        m->fresh = i + 1;
        n += restore_call(core, i);
    }
    m->cold_n = m->free_n;
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
                if (leg_media_stream(&l->media, i)->endpoint)
                    endpoints[n++] = leg_media_stream(&l->media, i)->endpoint;
            }
        }
    }
    media_client_sweep(core->media, endpoints, n);
    free(endpoints);
}
