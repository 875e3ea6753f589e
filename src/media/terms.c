/* New terms become true: by a description (request.c) or by a handshake (keying.c). */
#include "media/worker.h"

/* An epoch is a key's name: never used for two. */
static uint32_t next_epoch(const struct srtp_keys *k, const struct srtp_keys *now, uint32_t epoch)
{
    bool same = epoch != 0 && keying_keys_eq(k, now);
    return same || k->suite == SRTP_SUITE_NONE ? epoch : epoch + 1;
}

void media_terms_rekey(struct media_terms *t, const struct media_terms *now, uint64_t ms)
{
    const struct keying_state *k = &t->keying, *old = &now->keying;
    t->tx_epoch = next_epoch(&k->tx, &old->tx, now->tx_epoch);
    t->rtcp_tx_epoch = next_epoch(&k->rtcp_tx, &old->rtcp_tx, now->rtcp_tx_epoch);
    t->rtcp_rx_epoch = next_epoch(&k->rtcp_rx, &old->rtcp_rx, now->rtcp_rx_epoch);
    uint32_t epoch = next_epoch(&k->rx, &old->rx, now->rx_epoch);
    if (epoch == now->rx_epoch)
        return;
    t->rx_epoch = epoch;
    t->rx_prev_epoch = now->rx_epoch;
    t->rx_prev = old->rx;
    t->rx_prev_until = ms + MEDIA_OLD_KEY_MS;
}

static void unlearn(struct media_endpoint *e)
{
    struct media_slot *s = e->s;
    if (e->connected)
        media_socket_disconnect(e);
    memset(&s->learned_rtp, 0, sizeof(s->learned_rtp));
    memset(&s->learned_rtcp, 0, sizeof(s->learned_rtcp));
}

int media_terms_take(struct media_endpoint *e, const struct media_terms *t)
{
    struct media_contexts c;
    struct media_protection before = e->stats->protection;
    const struct media_ice_terms ice_before = *media_endpoint_ice(e);
    bool moved = !t->ice.on && !addr_eq(&t->remote_rtp, &e->s->terms.remote_rtp);
    int r = media_contexts_make(e, t, &c);
    if (r < 0)
        return r;
    media_terms_commit(&e->role->state, (uint32_t)(e - e->role->endpoints), t);
    if (moved)
        unlearn(e);
    media_ice_apply(e, &ice_before);
    media_endpoint_apply(e, &c);
    if (!t->pass.on && e->stats->protection.established &&
        memcmp(&before, &e->stats->protection, sizeof(before)) != 0)
        media_role_event(e, MEDIA_EVENT_SECURE, "");
    return 0;
}

void media_terms_wipe(struct media_terms *t)
{
    secret_wipe(t, sizeof(*t));
}
