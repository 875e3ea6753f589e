#include "media/state.h"

#include <assert.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "ipc/ipc.h"
#include "media/role.h"

#define MAGIC 0x33616964656d7473ull /* "stmedia3" */
#define ALIGN 64u
#define TABLES 4 /* two generations, RTCP's own beside them */
#define SLOT_SIZE                                                                 \
    (sizeof(struct media_slot) + TABLES * sizeof(struct media_tables) +           \
     TABLES * sizeof(struct media_tables_more) + sizeof(struct media_ice_pairs) + \
     sizeof(struct media_ice_terms) + sizeof(struct media_place) +                \
     sizeof(struct media_packed_more) + sizeof(struct media_packed_rest))

static size_t head_size(void)
{
    return (sizeof(struct media_state_head) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

size_t media_state_size(uint32_t max_endpoints)
{
    return head_size() + max_endpoints * SLOT_SIZE;
}

size_t media_stats_size(uint32_t max_endpoints)
{
    return max_endpoints * sizeof(struct media_stats);
}

/* The order in which a killed process left the memory must be the order of the source. */
static void in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* --- packed terms --- */

static_assert(sizeof(struct media_terms) % 8 == 0, "terms are whole words");
static_assert(MEDIA_TERMS_WORDS > MEDIA_PACKED_HERE + MEDIA_PACKED_MORE, "two rows behind");

static uint64_t *word_at(const struct media_state *s, uint32_t slot, size_t i)
{
    if (i < MEDIA_PACKED_HERE)
        return &s->slots[slot].packed.words[i];
    i -= MEDIA_PACKED_HERE;
    return i < MEDIA_PACKED_MORE ? &s->more[slot].words[i]
                                 : &s->rest[slot].words[i - MEDIA_PACKED_MORE];
}

static uint8_t reach_of(size_t words)
{
    if (words <= MEDIA_PACKED_HERE)
        return MEDIA_IN_SLOT;
    return words <= MEDIA_PACKED_HERE + MEDIA_PACKED_MORE ? MEDIA_IN_MORE : MEDIA_IN_REST;
}

static size_t words_within(uint8_t reach)
{
    if (reach == MEDIA_IN_SLOT)
        return MEDIA_PACKED_HERE;
    return reach == MEDIA_IN_MORE ? MEDIA_PACKED_HERE + MEDIA_PACKED_MORE : MEDIA_TERMS_WORDS;
}

/* Old words behind the new end are wiped: they may be keys. */
static void terms_pack(struct media_state *s, uint32_t slot, const struct media_terms *t)
{
    struct media_slot *m = &s->slots[slot];
    const char *from = (const char *)t;
    size_t n = 0, had = words_within(m->packed_at);
    memset(m->packed.is_set, 0, sizeof(m->packed.is_set));
    for (size_t i = 0; i < MEDIA_TERMS_WORDS; i++) {
        uint64_t word;
        memcpy(&word, from + 8 * i, 8);
        if (word == 0)
            continue;
        m->packed.is_set[i / 64] |= UINT64_C(1) << i % 64;
        if (n == words_within(m->packed_at))
            m->packed_at++; /* before there is anything: it must be found to be wiped */
        *word_at(s, slot, n++) = word;
    }
    for (size_t i = n; i < had; i++)
        *word_at(s, slot, i) = 0;
    in_order();
    m->packed_at = reach_of(n);
}

static void terms_unpack(const struct media_state *s, uint32_t slot, struct media_terms *ret)
{
    const struct media_packed *p = &s->slots[slot].packed;
    size_t n = 0;
    memset(ret, 0, sizeof(*ret));
    for (size_t w = 0; w < ARRAY_LEN(p->is_set); w++) {
        for (uint64_t bits = p->is_set[w]; bits; bits &= bits - 1) {
            size_t i = 64 * w + (size_t)__builtin_ctzll(bits);
            if (i < MEDIA_TERMS_WORDS)
                memcpy((char *)ret + 8 * i, word_at(s, slot, n++), 8);
        }
    }
}

static struct media_brief brief_of(const struct media_terms *t)
{
    struct media_brief b = {
        .rx_prev_until = t->rx_prev_until,
        .remote_since = t->remote_since,
        .tx_epoch = t->tx_epoch,
        .rx_epoch = t->rx_epoch,
        .rtcp_tx_epoch = t->rtcp_tx_epoch,
        .rtcp_rx_epoch = t->rtcp_rx_epoch,
        .remote_rtp = t->remote_rtp,
        .remote_rtcp = t->remote_rtcp,
        .signalling = t->signalling,
        .keying = {.active = t->keying.active,
                   .offered = t->keying.offered,
                   .agreed = t->keying.agreed,
                   .held = t->keying.held,
                   .wanted = t->keying.wanted},
        .pass = {.on = t->pass.on,
                 .direct = t->pass.direct,
                 .epoch = t->pass.epoch,
                 .announced = t->pass.announces.announced},
        .has_remote = t->has_remote,
        .rtcp_mux = t->rtcp_mux,
        .rtcp_mux_offered = t->rtcp_mux_offered,
        .transcode = t->transcode,
        .info = t->info,
        .protection = t->protection,
        .said_proto = t->said_proto,
        .ssrc_count = t->ssrc_count,
    };
    memcpy(b.ssrcs, t->ssrcs, sizeof(b.ssrcs));
    return b;
}

/* What the brief has is not packed a second time. */
static void brief_take_out(struct media_terms *t)
{
    static const struct media_terms none;
    t->rx_prev_until = t->remote_since = 0;
    t->tx_epoch = t->rx_epoch = t->rtcp_tx_epoch = t->rtcp_rx_epoch = 0;
    t->remote_rtp = t->remote_rtcp = t->signalling = none.signalling;
    memset(t->ssrcs, 0, sizeof(t->ssrcs));
}

static void brief_put_back(const struct media_brief *b, struct media_terms *t)
{
    t->rx_prev_until = b->rx_prev_until;
    t->remote_since = b->remote_since;
    t->tx_epoch = b->tx_epoch;
    t->rx_epoch = b->rx_epoch;
    t->rtcp_tx_epoch = b->rtcp_tx_epoch;
    t->rtcp_rx_epoch = b->rtcp_rx_epoch;
    t->remote_rtp = b->remote_rtp;
    t->remote_rtcp = b->remote_rtcp;
    t->signalling = b->signalling;
    memcpy(t->ssrcs, b->ssrcs, sizeof(t->ssrcs));
}

void media_terms_read(const struct media_state *s, uint32_t slot, struct media_terms *ret)
{
    terms_unpack(s, slot, ret);
    brief_put_back(&s->slots[slot].terms, ret);
}

/* Where they were never spoken of, the row is not touched. */
static void ice_put(struct media_state *s, uint32_t slot, const struct media_ice_terms *t)
{
    struct media_slot *m = &s->slots[slot];
    if (!m->has_ice && !t->offered && !t->on && !t->peer_known && !t->cred.ufrag[0])
        return;
    m->has_ice = true;
    in_order();
    s->ice_terms[slot] = *t;
}

const struct media_ice_terms *media_terms_ice(const struct media_state *s, uint32_t slot)
{
    static const struct media_ice_terms none;
    return s->slots[slot].has_ice ? &s->ice_terms[slot] : &none;
}

void media_slot_wipe(struct media_state *s, uint32_t slot)
{
    struct media_slot *m = &s->slots[slot];
    uint32_t generation = m->generation;
    if (m->has_ice)
        secret_wipe(&s->ice_terms[slot], sizeof(s->ice_terms[slot]));
    if (m->packed_at >= MEDIA_IN_MORE)
        secret_wipe(&s->more[slot], sizeof(s->more[slot]));
    if (m->packed_at >= MEDIA_IN_REST)
        secret_wipe(&s->rest[slot], sizeof(s->rest[slot]));
    secret_wipe(m, sizeof(*m));
    m->generation = generation;
}

static void journal_apply(struct media_state *s)
{
    struct media_state_head *h = s->head;
    if (h->journal_slot != 0 && h->journal_slot <= h->slot_count) {
        uint32_t slot = h->journal_slot - 1;
        s->slots[slot].terms = brief_of(&h->journal);
        ice_put(s, slot, &h->journal.ice);
        struct media_terms rest = h->journal;
        brief_take_out(&rest);
        terms_pack(s, slot, &rest);
        secret_wipe(&rest, sizeof(rest));
    }
    in_order();
    h->journal_slot = 0;
    in_order();
    secret_wipe(&h->journal, sizeof(h->journal));
}

static void rx_begin(struct rtp_rx_table *t)
{
    memset(t, 0, sizeof(*t));
}

static void tx_begin(struct rtp_tx_table *t)
{
    memset(t, 0, sizeof(*t));
}

void media_terms_commit(struct media_state *s, uint32_t slot, const struct media_terms *t)
{
    struct media_slot *m = &s->slots[slot];
    if (t->tx_epoch != m->terms.tx_epoch)
        tx_begin(&s->tables[media_table(t->tx_epoch)][slot].tx);
    if (t->rx_epoch != m->terms.rx_epoch)
        rx_begin(&s->tables[media_table(t->rx_epoch)][slot].rx);
    if (t->rtcp_tx_epoch != m->terms.rtcp_tx_epoch)
        tx_begin(&s->rtcp[media_table(t->rtcp_tx_epoch)][slot].tx);
    if (t->rtcp_rx_epoch != m->terms.rtcp_rx_epoch)
        rx_begin(&s->rtcp[media_table(t->rtcp_rx_epoch)][slot].rx);
    s->head->journal = *t;
    in_order();
    s->head->journal_slot = slot + 1;
    in_order();
    journal_apply(s);
}

/* One that was not written to its end has no date. */
static void identity_put(struct crypto_dtls_identity *to, const struct crypto_dtls_identity *id)
{
    struct crypto_dtls_identity undated = *id;
    undated.not_after = 0;
    to->not_after = 0;
    in_order();
    *to = undated;
    in_order();
    to->not_after = id->not_after;
    in_order();
    secret_wipe(&undated, sizeof(undated));
}

void media_state_identify(struct media_state *s, const struct crypto_dtls_identity *id)
{
    if (s->head->dtls[0].not_after != 0)
        identity_put(&s->head->dtls[1], &s->head->dtls[0]);
    identity_put(&s->head->dtls[0], id);
}

int media_state_map(int fd, uint32_t max_endpoints, struct media_state *ret)
{
    size_t size = media_state_size(max_endpoints);
    void *p;
    int r = ipc_memfd_map(fd, size, true, &p);
    if (r < 0)
        return r;
    struct media_state s = {
        .head = p,
        .slots = (struct media_slot *)(void *)((char *)p + head_size()),
        .size = size,
    };
    s.tables[0] = (struct media_tables *)(void *)(s.slots + max_endpoints);
    s.tables[1] = s.tables[0] + max_endpoints;
    s.rtcp[0] = s.tables[1] + max_endpoints;
    s.rtcp[1] = s.rtcp[0] + max_endpoints;
    s.tables_more[0] = (struct media_tables_more *)(void *)(s.rtcp[1] + max_endpoints);
    s.tables_more[1] = s.tables_more[0] + max_endpoints;
    s.rtcp_more[0] = s.tables_more[1] + max_endpoints;
    s.rtcp_more[1] = s.rtcp_more[0] + max_endpoints;
    s.ice = (struct media_ice_pairs *)(void *)(s.rtcp_more[1] + max_endpoints);
    s.ice_terms = (struct media_ice_terms *)(void *)(s.ice + max_endpoints);
    s.more = (struct media_packed_more *)(void *)(s.ice_terms + max_endpoints);
    s.rest = (struct media_packed_rest *)(void *)(s.more + max_endpoints);
    s.second = (struct media_place *)(void *)(s.rest + max_endpoints);
    struct media_state_head *h = s.head;
    bool same = h->magic == MAGIC && h->slot_size == SLOT_SIZE && h->slot_count == max_endpoints &&
                h->slots_touched <= max_endpoints;
    if (!same) {
        s.replaced = h->magic != 0;
        if (s.replaced) /* a new memfd is zeroed: touching it would only make it resident */
            memset(p, 0, size);
        h->slot_size = SLOT_SIZE;
        h->slot_count = max_endpoints;
        in_order();
        h->magic = MAGIC;
    }
    journal_apply(&s);
    *ret = s;
    return 0;
}

void media_state_unmap(struct media_state *s)
{
    if (s->head)
        munmap(s->head, s->size);
    s->head = NULL;
}
