#include "call/snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/snapshot_form.h"
#include "call/steps.h"

/* What the legs hold at most besides their descriptions. */
static_assert(2 * (sizeof(struct snapshot_leg) + SDP_MEDIA_MAX * sizeof(struct snapshot_stream) +
                   DIALOG_SAVED_MAX + DIALOG_URI_MAX + 1024) <
                  CALL_SNAPSHOT_MAX - 4096,
              "room for descriptions");
static_assert(CALL_SNAPSHOT_MAX <= UINT16_MAX, "lengths of texts");

size_t call_snapshot_size(uint32_t max_calls)
{
    return slots_size(max_calls);
}

int snapshot_open(struct call_core *core)
{
    if (core->cfg.snapshot_fd < 0)
        return 0;
    struct snapshot_map *m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->draft = calloc(1, CALL_SNAPSHOT_MAX);
    int r = m->draft ? slots_init(&m->slots, core->cfg.snapshot_fd, core->cfg.max_calls) : -ENOMEM;
    if (r < 0) {
        free(m->draft);
        free(m);
        return r;
    }
    core->snapshots = m;
    return 0;
}

void snapshot_close(struct call_core *core)
{
    struct snapshot_map *m = core->snapshots;
    if (m) {
        slots_fini(&m->slots);
        free(m->draft);
    }
    free(m);
    core->snapshots = NULL;
}

void snapshot_pack(struct buf *b, const void *p, size_t n)
{
    uint64_t is_set = 0, words[64] UNINITIALIZED;
    size_t words_n = 0;
    for (size_t i = 0; i < n / 8; i++) {
        uint64_t word;
        memcpy(&word, (const char *)p + 8 * i, 8);
        words[words_n] = word;
        words_n += word != 0;
        is_set |= (uint64_t)(word != 0) << i;
    }
    buf_put(b, &is_set, sizeof(is_set));
    buf_put(b, words, 8 * words_n);
}

bool snapshot_unpack(struct slice *rest, void *p, size_t n)
{
    uint64_t is_set;
    if (rest->n < sizeof(is_set))
        return false;
    memcpy(&is_set, rest->p, sizeof(is_set));
    *rest = slice_skip(*rest, sizeof(is_set));
    if ((n < 512 && is_set >> n / 8) || rest->n < 8 * (size_t)__builtin_popcountll(is_set))
        return false;
    memset(p, 0, n);
    for (; is_set; is_set &= is_set - 1) {
        memcpy((char *)p + 8 * __builtin_ctzll(is_set), rest->p, 8);
        *rest = slice_skip(*rest, 8);
    }
    return true;
}

/* --- saving ---------------------------------------------------------------------------------- */

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
                                               .rtcp_port = m->rtcp_port,
                                               .protection = m->protection};
        snapshot_pack(data, &stream, sizeof(stream));
        buf_put(data, m->text, text_n);
        s->stream_count++;
    }
}

/* Its 2xx is sent again until the ACK comes. */
static bool repeats_answer(const struct leg *l)
{
    const struct txn_server *st = leg_answered_txn(l);
    return st && !transport_kind_is_reliable(txn_server_flow(st)->kind);
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
        return txn_server_save(leg_answered_txn(l), data);
    if (ex->in && ex->x == l && !txn_server_has_final(ex->in))
        return txn_server_save(ex->in, data);
    return true;
}

static bool save_texts(struct leg *l, enum form form, struct snapshot_leg *s, struct buf *data)
{
    char dialog[DIALOG_SAVED_MAX] UNINITIALIZED;
    size_t dialog_n = dialog_save(&l->dialog, dialog, sizeof(dialog));
    bool early = l->call->phase != CALL_ANSWERED, whole = form != FORM_BRIEF;
    const struct leg_reliable *r = l->reliable;
    const struct slice texts[TEXT_COUNT] = {
        [TEXT_POLICY] = slice_from(l->user.policy, store_policy_size(l->user.policy)),
        [TEXT_NAME] = slice_from_str(l->user.name),
        [TEXT_DOMAIN] = slice_from_str(l->user.domain),
        [TEXT_DISPLAY] = slice_from_str(l->user.display),
        [TEXT_TARGET_URI] = slice_from_str(l->target_uri),
        [TEXT_AGENT] = slice_from_str(l->agent),
        [TEXT_DIALOG] = slice_from(dialog, dialog_n),
        [TEXT_REMOTE_SDP] = whole ? call_text_slice(&l->remote_sdp) : SLICE_NONE,
        [TEXT_LOCAL_SDP] = whole ? call_text_slice(&l->local_sdp) : SLICE_NONE,
        [TEXT_PATH] = early ? slice_from_str(l->path) : SLICE_NONE,
        [TEXT_FROM_NAME] = early ? call_text_slice(&l->display) : SLICE_NONE,
        [TEXT_RESPONSE] = repeats_answer(l) ? txn_server_last(leg_answered_txn(l)) : SLICE_NONE,
        [TEXT_REL] = whole && r ? call_text_slice(&r->text) : SLICE_NONE,
        [TEXT_REL_ANSWER] = r ? call_text_slice(&r->answer) : SLICE_NONE,
    };
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        size_t at = data->n;
        if (i == TEXT_REQUEST && !save_request(l, form, data))
            return false;
        buf_put_slice(data, texts[i]);
        s->text_n[i] = (uint16_t)(data->n - at);
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
                      (l->ack_answers ? SNAPSHOT_ACK_ANSWERS : 0) |
                      (l->remote_sdp.packed ? SNAPSHOT_REMOTE_PACKED : 0) |
                      (l->local_sdp.packed ? SNAPSHOT_LOCAL_PACKED : 0));
}

/* Where its descriptions lie behind the head of the slot. */
static void note_saved(struct leg *l, const struct snapshot_leg *s, size_t at)
{
    at += offsetof(struct snapshot_slot, data);
    for (size_t i = 0; i < TEXT_REMOTE_SDP; i++)
        at += s->text_n[i];
    static_assert(TEXT_LOCAL_SDP == TEXT_REMOTE_SDP + 1, "one behind the other");
    l->remote_saved = (struct call_saved){(uint16_t)at, s->text_n[TEXT_REMOTE_SDP]};
    at += s->text_n[TEXT_REMOTE_SDP];
    l->local_saved = (struct call_saved){(uint16_t)at, s->text_n[TEXT_LOCAL_SDP]};
}

static bool save_leg(struct leg *l, enum form form, struct buf *data)
{
    struct snapshot_leg s = {.index = l->index,
                             .flags = flags_of(l),
                             .state = (uint8_t)l->state,
                             .progress_status = l->progress_status,
                             .rel_status = l->reliable ? l->reliable->status : 0,
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
    /* Its place, of which a part is left over when all of it is known. */
    char packed[SNAPSHOT_PACKED_MAX(s)] = {0};
    size_t at = data->n;
    buf_put(data, packed, sizeof(packed));
    save_streams(l, &s, data);
    size_t texts = data->n;
    if (!save_texts(l, form, &s, data) || data->overflow)
        return false;
    struct buf head = buf_over(packed, sizeof(packed));
    snapshot_pack(&head, &s, sizeof(s));
    size_t over = sizeof(packed) - head.n;
    memmove(data->p + at + head.n, data->p + at + sizeof(packed), data->n - at - sizeof(packed));
    memcpy(data->p + at, packed, head.n);
    data->n -= over;
    note_saved(l, &s, texts - over);
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

static bool save_as(struct call *c, enum form form, struct snapshot_slot *s, struct buf *data)
{
    bool early = c->phase != CALL_ANSWERED && form == FORM_WHOLE;
    struct slice best = early ? slice_from_str(call_best_reason(c)) : SLICE_NONE;
    struct slice crossing = early ? call_text_slice(&c->crossing) : SLICE_NONE;
    *data = buf_over(s->data, CALL_SNAPSHOT_MAX - sizeof(*s));
    save_head(c, form, s);
    s->target_n = (uint16_t)strlen(call_target(c));
    s->crossing_n = (uint16_t)crossing.n;
    s->best_n = (uint16_t)best.n;
    buf_put_str(data, call_target(c));
    buf_put_slice(data, crossing);
    buf_put_slice(data, best);
    if (crossing.n > UINT16_MAX)
        return false;
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        l->remote_saved = l->local_saved = (struct call_saved){0};
        if (!is_kept(l, form))
            continue;
        if (!save_leg(l, form, data))
            return false;
        s->leg_count++;
    }
    return true;
}

/* --- descriptions that lie in the slot alone ------------------------------------------------------ */

/* In a call that stands they are read by few, and rarely: no second copy of them is kept. A text that
 * the slot will not have from now on is taken out of it; of a call that has ended nobody wants it. */
static void text_take_back(struct call_text *t, bool ended)
{
    bool packed = t->packed;
    if (!t->lent)
        return;
    if (ended || call_text_set(t, call_text_slice(t)) < 0)
        call_text_clear(t);
    else
        t->packed = packed;
}

static void texts_take_back(struct call *c, bool all)
{
    bool ended = c->phase == CALL_ENDED;
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (all || !l->remote_saved.at)
            text_take_back(&l->remote_sdp, ended);
        if (all || !l->local_saved.at)
            text_take_back(&l->local_sdp, ended);
    }
}

/* It is in the slot: those that were lent have moved with it. */
static void text_lend(struct call_text *t, char *slot, struct call_saved s, bool is_new)
{
    if (!t->lent &&
        (!is_new || !s.at || t->n == 0 || t->n != s.n || memcmp(t->p, slot + s.at, s.n) != 0))
        return;
    bool packed = t->packed;
    call_text_clear(t);
    *t = (struct call_text){.p = slot + s.at, .n = s.n, .lent = true, .packed = packed};
}

/* `is_new`: also those that were not; nobody may hold a slice of them. */
static void texts_lend(struct call *c, bool is_new)
{
    char *slot = (char *)slots_at(&c->core->snapshots->slots, c->slot);
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        text_lend(&l->remote_sdp, slot, l->remote_saved, is_new);
        text_lend(&l->local_sdp, slot, l->local_saved, is_new);
    }
}

/* --- into the slot -------------------------------------------------------------------------------- */

static void slot_give_up(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    struct snapshot_slot *s = snapshot_slot_at(m, c->slot);
    size_t used = sizeof(*s) + s->n, cap = slots_cap(&m->slots, c->slot);
    __atomic_store_n(&s->version, 0, __ATOMIC_SEQ_CST);
    secret_wipe(s, used < cap ? used : cap); /* descriptions hold keys */
    slots_release(&m->slots, c->slot);
    c->slot = SLOT_NONE;
}

/* Over what is there. No key stays behind the end, where the wipe would not find it. */
static void write_here(struct snapshot_slot *s, size_t cap, const struct snapshot_slot *draft)
{
    size_t before = sizeof(*s) + s->n, n = sizeof(*s) + draft->n;
    if (before > cap)
        before = cap;
    __atomic_store_n(&s->version, 0, __ATOMIC_SEQ_CST);
    memcpy((char *)s + sizeof(s->version), (const char *)draft + sizeof(s->version),
           n - sizeof(s->version));
    if (before > n)
        secret_wipe((char *)s + n, before - n);
    __atomic_store_n(&s->version, SNAPSHOT_VERSION, __ATOMIC_SEQ_CST);
}

/* Before it is answered a call grows, and its slot with it. */
static bool slot_fits(const struct call *c, size_t n)
{
    const struct slots *slots = &c->core->snapshots->slots;
    if (c->slot == SLOT_NONE)
        return false;
    return c->phase == CALL_SETUP || c->phase == CALL_RINGING ? n <= slots_cap(slots, c->slot)
                                                              : slots_is_best(slots, c->slot, n);
}

/* Into a slot of another size: one of the two is valid, but for an instant. */
static bool write_elsewhere(struct call *c, const struct snapshot_slot *draft)
{
    struct snapshot_map *m = c->core->snapshots;
    size_t n = sizeof(*draft) + draft->n;
    uint32_t to = slots_take(&m->slots, n);
    if (to == SLOT_NONE)
        return false;
    struct snapshot_slot *s = snapshot_slot_at(m, to);
    memcpy((char *)s + sizeof(s->version), (const char *)draft + sizeof(s->version),
           n - sizeof(s->version));
    if (c->slot != SLOT_NONE)
        __atomic_store_n(&snapshot_slot_at(m, c->slot)->version, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&s->version, SNAPSHOT_VERSION, __ATOMIC_SEQ_CST);
    if (c->slot != SLOT_NONE) /* its wipe takes longer than an instant */
        slot_give_up(c);
    c->slot = to;
    return true;
}

static bool slot_write(struct call *c, const struct snapshot_slot *draft)
{
    struct snapshot_map *m = c->core->snapshots;
    texts_take_back(c, false);
    if (!slot_fits(c, sizeof(*draft) + draft->n))
        return write_elsewhere(c, draft);
    write_here(snapshot_slot_at(m, c->slot), slots_cap(&m->slots, c->slot), draft);
    return true;
}

void snapshot_save(struct call *c)
{
    struct snapshot_map *m = c->core->snapshots;
    bool ended = c->phase == CALL_ENDED;
    loop_defer_cancel(&c->save);
    c->save_due = false;
    if (ended && !has_loose_ends(c)) {
        snapshot_drop(c);
        return;
    }
    if (!m)
        return;
    struct snapshot_slot *s = m->draft;
    struct buf data;
    size_t used = 0;
    bool ok = save_as(c, ended ? FORM_BRIEF : FORM_WHOLE, s, &data);
    if (!ok) {
        used = CALL_SNAPSHOT_MAX; /* all that may have been written */
        ok = save_as(c, c->phase == CALL_ANSWERED ? FORM_TWO : FORM_BRIEF, s, &data);
    }
    s->n = (uint32_t)data.n;
    if (used == 0)
        used = sizeof(*s) + data.n + SNAPSHOT_PACKED_MAX(struct snapshot_leg);
    if (ok && slot_write(c, s)) {
        texts_lend(c, false);
        if (c->phase == CALL_ANSWERED) /* the others when nobody reads them */
            loop_defer_add(c->core->cfg.loop, &c->save);
    } else {
        log_event(LOG_WARN, "snapshot_too_large", LOG_STR("call", c->name));
        snapshot_drop(c);
    }
    secret_wipe(s, used < CALL_SNAPSHOT_MAX ? used : CALL_SNAPSHOT_MAX);
}

/* Of legs that stand: the next description has keying lines of its own, and this one is rarely read. */
static void legs_settle(struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l->state != LEG_UP || c->ex.state != EXCHANGE_IDLE || leg_media_is_busy(&l->media))
            continue;
        leg_media_forget_texts(&l->media);
        if (c->a->state == LEG_UP && leg_pack_sdp(l)) /* the caller's ACK has come: saved anyway */
            c->save_due = true;
    }
}

static void save_now(void *arg)
{
    struct call *c = arg;
    if (c->phase == CALL_ANSWERED)
        legs_settle(c);
    if (c->save_due)
        snapshot_save(c);
    loop_defer_cancel(&c->save);
    if (c->slot != SLOT_NONE && c->phase == CALL_ANSWERED)
        texts_lend(c, true);
}

void snapshot_init(struct call *c)
{
    c->slot = SLOT_NONE;
    loop_defer_init(&c->save, save_now, c);
}

void snapshot_later(struct call *c)
{
    if (!c->core->snapshots)
        return;
    c->save_due = true;
    loop_defer_add(c->core->cfg.loop, &c->save);
}

void snapshot_drop(struct call *c)
{
    loop_defer_cancel(&c->save);
    c->save_due = false;
    if (!c->core->snapshots || c->slot == SLOT_NONE)
        return;
    texts_take_back(c, true);
    slot_give_up(c);
}
