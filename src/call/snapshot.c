#include "call/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/snapshot_form.h"
#include "call/steps.h"
#include "ipc/ipc.h"

/* One in so many slots may keep its memory while it is free, for the next calls: where calls come and
 * go, none of them gets fresh pages. */
#define SNAPSHOT_WARM_SHARE 16u

/* What the legs hold at most besides their descriptions. */
static_assert(2 * (sizeof(struct snapshot_leg) + SDP_MEDIA_MAX * sizeof(struct snapshot_stream) +
                   DIALOG_SAVED_MAX + DIALOG_URI_MAX + 1024) <
                  CALL_SNAPSHOT_SIZE - 4096,
              "room for descriptions");

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
           madvise(snapshot_slot_at(m, at), CALL_SNAPSHOT_SIZE, MADV_REMOVE) == 0;
}

static void slot_release(struct snapshot_map *m, uint32_t at)
{
    m->free[m->free_n++] = at;
    if (m->free_n - m->cold_n > m->count / SNAPSHOT_WARM_SHARE + 1)
        (void)slot_empty(m, m->free[m->cold_n++]); /* all are wiped: it is for the memory alone */
}

/* What of a call is written. */
enum form {
    FORM_WHOLE,
    FORM_TWO,  /* a call that stands, without the forks that are being cancelled */
    FORM_BRIEF /* what it takes to end one: it has ended, or rings in more places than fit */
};

static void save_streams(const struct leg *l, struct snapshot_leg *s, struct buf *data)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        const struct leg_stream *m = leg_media_stream(&l->media, i);
        if (!m->endpoint)
            continue;
        /* Our answer to its offer is still to be printed. */
        bool owed = l->state == LEG_INCOMING || l->state == LEG_ACK_OWED;
        size_t text_n = owed ? m->text_n : 0;
        const struct snapshot_stream stream = {.endpoint = m->endpoint,
                                               .index = (uint8_t)i,
                                               .proto = m->proto,
                                               .rtcp_mux = m->rtcp_mux,
                                               .bundle = m->bundle,
                                               .text_n = (uint32_t)text_n,
                                               .rtp = m->rtp,
                                               .rtcp = m->rtcp,
                                               .protection = m->protection};
        buf_put(data, &stream, sizeof(stream));
        buf_put(data, m->text, text_n);
        s->stream_count++;
    }
}

/* Its 2xx is sent again until the ACK comes. */
static bool repeats_answer(const struct leg *l)
{
    return l->answered_txn && !transport_kind_is_reliable(txn_server_flow(l->answered_txn)->kind);
}

/* The INVITE (or UPDATE) to this leg or from it that has no final answer, or no ACK yet. */
static bool save_request(const struct leg *l, enum form form, struct buf *data)
{
    const struct exchange *ex = &l->call->ex;
    if (l->state == LEG_CALLING || l->state == LEG_CANCELLING)
        return !l->invite_out || txn_client_save(l->invite_out, form != FORM_BRIEF, data);
    if (l->state == LEG_INCOMING || l->state == LEG_HELD)
        return !l->invite_in || txn_server_save(l->invite_in, data);
    if (repeats_answer(l))
        return txn_server_save(l->answered_txn, data);
    if (ex->in && ex->x == l && !txn_server_has_final(ex->in))
        return txn_server_save(ex->in, data);
    return true;
}

static bool save_texts(const struct leg *l, enum form form, struct snapshot_leg *s,
                       struct buf *data)
{
    char dialog[DIALOG_SAVED_MAX] UNINITIALIZED;
    size_t dialog_n = dialog_save(&l->dialog, dialog, sizeof(dialog));
    bool early = l->call->phase != CALL_ANSWERED, whole = form != FORM_BRIEF;
    const struct slice texts[TEXT_COUNT] = {
        [TEXT_POLICY] = slice_from(l->user.policy, call_policy_size(l->user.policy)),
        [TEXT_NAME] = slice_from_str(l->user.name),
        [TEXT_DOMAIN] = slice_from_str(l->user.domain),
        [TEXT_DISPLAY] = slice_from_str(l->user.display),
        [TEXT_TARGET_URI] = slice_from_str(l->target_uri),
        [TEXT_CONTACT_USER] = slice_from_str(l->contact_user),
        [TEXT_AGENT] = slice_from_str(l->agent),
        [TEXT_DIALOG] = slice_from(dialog, dialog_n),
        [TEXT_REMOTE_SDP] = whole ? call_text_slice(&l->remote_sdp) : SLICE_NONE,
        [TEXT_LOCAL_SDP] = whole ? call_text_slice(&l->local_sdp) : SLICE_NONE,
        [TEXT_PATH] = early ? slice_from_str(l->path) : SLICE_NONE,
        [TEXT_FROM_NAME] = early ? call_text_slice(&l->display) : SLICE_NONE,
        [TEXT_RESPONSE] = repeats_answer(l) ? txn_server_last(l->answered_txn) : SLICE_NONE,
        [TEXT_REL] = whole ? call_text_slice(&l->rel_text) : SLICE_NONE,
        [TEXT_REL_ANSWER] = call_text_slice(&l->rel_answer),
    };
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        size_t at = data->n;
        if (i == TEXT_REQUEST && !save_request(l, form, data))
            return false;
        buf_put_slice(data, texts[i]);
        s->text_n[i] = (uint32_t)(data->n - at);
    }
    return dialog_n > 0;
}

static uint16_t flags_of(const struct leg *l)
{
    bool provisional = l->invite_out && txn_client_has_provisional(l->invite_out);
    return (uint16_t)((l->registered_user ? SNAPSHOT_REGISTERED : 0) |
                      (l->allows_update ? SNAPSHOT_UPDATE : 0) | (l->begun ? SNAPSHOT_BEGUN : 0) |
                      (l->media.info ? SNAPSHOT_INFO : 0) | (l->asks_ice ? SNAPSHOT_ICE : 0) |
                      (l->rang ? SNAPSHOT_RANG : 0) | (l->early_media ? SNAPSHOT_EARLY_MEDIA : 0) |
                      (l->asked_again ? SNAPSHOT_ASKED_AGAIN : 0) |
                      (l->wants_100rel ? SNAPSHOT_100REL : 0) |
                      (l->rel.unacked ? SNAPSHOT_UNACKED : 0) |
                      (provisional ? SNAPSHOT_PROVISIONAL : 0) |
                      (l->ack_answers ? SNAPSHOT_ACK_ANSWERS : 0));
}

static bool save_leg(const struct leg *l, enum form form, struct buf *data)
{
    struct snapshot_leg s = {.index = l->index,
                             .flags = flags_of(l),
                             .state = (uint8_t)l->state,
                             .progress_status = l->progress_status,
                             .rel_status = l->rel_status,
                             .invite_cseq = l->invite_cseq,
                             .answered_cseq = l->answered_cseq,
                             .rel_sent = l->rel.sent,
                             .rel_received = l->rel.received,
                             .policy = l->policy,
                             .flow = l->flow,
                             .sdp_session = l->sdp_session,
                             .session = l->session,
                             .session_asked = l->session_asked,
                             .session_due_unix = l->session_due_unix,
                             .offers = l->offers};
    memcpy(s.caller_tag, l->caller_tag, sizeof(s.caller_tag));
    size_t at = data->n;
    buf_put(data, &s, sizeof(s)); /* its place */
    save_streams(l, &s, data);
    if (!save_texts(l, form, &s, data) || data->overflow)
        return false;
    memcpy(data->p + at, &s, sizeof(s));
    return true;
}

/* Legs that end are not gone on with: as on a lossy network, their BYE comes or does not. */
static bool is_kept(const struct leg *l, enum form form)
{
    const struct call *c = l->call;
    if (l == c->a || form == FORM_TWO)
        return l == c->a || l == c->b;
    return l->state != LEG_DOWN && l->state != LEG_ENDING;
}

/* Of a call that has ended: a phone that would ring on, or wait for a BYE. */
static bool has_loose_ends(const struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l->state == LEG_CANCELLING || l->state == LEG_ANSWERING_END)
            return true;
    }
    return false;
}

static uint16_t index_of(const struct leg *l, enum form form)
{
    return l && is_kept(l, form) ? l->index : SNAPSHOT_NO_LEG;
}

static void save_head(const struct call *c, enum form form, struct snapshot_slot *s)
{
    /* Until it is agreed on, the map of a late offer is the exchange's. */
    bool late = c->late_offer && c->ex.late && c->ex.state != EXCHANGE_IDLE && c->b &&
                c->b->state == LEG_ACK_OWED;
    s->call = c->id;
    s->worker = c->worker;
    s->since_unix = c->since_unix;
    s->answered_unix = c->answered_unix;
    s->builtin = c->builtin;
    s->mask = late ? c->ex.mask : c->mask;
    s->map = late ? c->ex.map : c->map;
    s->path = c->path;
    s->path_why = c->path_why;
    s->phase = (uint8_t)c->phase;
    s->late_offer = c->late_offer;
    s->redirects = c->redirects;
    s->brief = form == FORM_BRIEF;
    s->b = index_of(c->b, form);
    s->early = index_of(c->early, form);
    s->untold = index_of(c->untold, form);
    s->best_status = c->best_status;
    s->max_forwards = c->max_forwards;
    s->leg_count = 0;
}

static bool save_as(const struct call *c, enum form form, struct snapshot_slot *s, struct buf *data)
{
    bool early = c->phase != CALL_ANSWERED && form == FORM_WHOLE;
    struct slice best = early ? slice_from_str(call_best_reason(c)) : SLICE_NONE;
    struct slice crossing = early ? call_text_slice(&c->crossing) : SLICE_NONE;
    *data = buf_over(s->data, snapshot_cap());
    save_head(c, form, s);
    s->target_n = (uint16_t)strlen(c->target);
    s->crossing_n = (uint16_t)crossing.n;
    s->best_n = (uint16_t)best.n;
    buf_put_str(data, c->target);
    buf_put_slice(data, crossing);
    buf_put_slice(data, best);
    if (crossing.n > UINT16_MAX)
        return false;
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (!is_kept(l, form))
            continue;
        if (!save_leg(l, form, data))
            return false;
        s->leg_count++;
    }
    return true;
}

void snapshot_save(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    bool ended = c->phase == CALL_ENDED;
    loop_defer_cancel(&c->save);
    if (ended && !has_loose_ends(c)) {
        snapshot_drop(c);
        return;
    }
    if (!m || !slot_take(c))
        return;
    struct snapshot_slot *s = snapshot_slot_at(m, c->slot);
    struct buf data;
    size_t before = s->n < snapshot_cap() ? s->n : snapshot_cap();
    __atomic_store_n(&s->version, 0, __ATOMIC_SEQ_CST);
    bool ok = save_as(c, ended ? FORM_BRIEF : FORM_WHOLE, s, &data);
    if (!ok) {
        before = snapshot_cap(); /* all that may have been written */
        ok = save_as(c, c->phase == CALL_ANSWERED ? FORM_TWO : FORM_BRIEF, s, &data);
    }
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

static void save_now(void *arg)
{
    snapshot_save(arg);
}

void snapshot_init(struct call *c)
{
    c->slot = SNAPSHOT_NONE;
    loop_defer_init(&c->save, save_now, c);
}

void snapshot_later(struct call *c)
{
    if (c->core->snapshots)
        loop_defer_add(c->core->cfg.loop, &c->save);
}

void snapshot_drop(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    loop_defer_cancel(&c->save);
    if (!m || c->slot == SNAPSHOT_NONE)
        return;
    struct snapshot_slot *s = snapshot_slot_at(m, c->slot);
    size_t used = sizeof(*s) + (s->n < snapshot_cap() ? s->n : snapshot_cap());
    __atomic_store_n(&s->version, 0, __ATOMIC_SEQ_CST);
    secret_wipe(s, used); /* descriptions hold keys */
    slot_release(m, c->slot);
    c->slot = SNAPSHOT_NONE;
}

void snapshot_discard(struct snapshot_map *m, uint32_t i)
{
    if (!slot_empty(m, i))
        secret_wipe(snapshot_slot_at(m, i), CALL_SNAPSHOT_SIZE);
    m->free[m->free_n++] = i;
}
