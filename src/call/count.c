/* What is counted of calls, for metrics. Figures of a stream lie in the media role's rows as long as it
 * stands; at the call's end they are added up here. */
#include "call/show.h"

static uint8_t keying_of(const struct leg *l)
{
    const struct leg_stream *s = l ? show_main_stream(l) : NULL;
    const struct media_stats *st = s ? show_stats_of(l, s) : NULL;
    uint8_t k = st ? st->protection.keying : s ? s->protection.keying : (uint8_t)KEYING_NONE;
    return k < KEYING_COUNT ? k : (uint8_t)KEYING_NONE;
}

static void add_streams(const struct call *c, struct call_counts *to)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
            const struct media_stats *st = show_stats_of(l, leg_media_stream(&l->media, i));
            if (!st)
                continue;
            to->auth_failures += st->rx_auth_failures;
            to->replayed += st->rx_replayed;
            to->clear_dropped += st->rx_clear_dropped;
        }
    }
}

void count_ended(struct call *c, bool answered)
{
    struct call_counts *n = &c->core->counts;
    add_streams(c, n);
    if (answered)
        n->ended[keying_of(c->a)][keying_of(c->b)]++;
    else
        n->refused++;
}

void count_keying_failed(struct call_core *core, const struct media_event *e)
{
    uint8_t k = e->protection.keying;
    if (k < KEYING_COUNT && e->fault < KEYING_FAULT_COUNT)
        core->counts.keying_failed[k][e->fault]++;
}

void call_core_counts(const struct call_core *core, struct call_counts *ret)
{
    struct call_counts n = core->counts;
    LIST_FOR_EACH(it, &core->calls)
    {
        const struct call *c = CONTAINER_OF(it, struct call, node);
        if (c->phase != CALL_ENDED)
            add_streams(c, &n);
        if (c->phase == CALL_ANSWERED)
            n.running[keying_of(c->a)][keying_of(c->b)]++;
    }
    *ret = n;
}
