/* Where the peer is. Its description says one thing, a NAT in between makes it another.
 *
 *   secure leg  from wherever an authentic packet came that is newer than all before it
 *               (CVE-2025-53399: never from one that is not authentic; and an old one, replayed
 *               from elsewhere, moves nothing)
 *   clear leg   the address of the description, or, in the first MEDIA_LATCH_MS after it was
 *               described or connected, the first other one that is heard (RFC 4961 symmetric RTP).
 *               What was heard once stays, except that the description's own address always
 *               counts, and that after MEDIA_CLEAR_SILENCE_MS the same host may have a new port
 *               (a NAT's new binding): not another host, that would be hijacking.
 *
 *   opaque leg  the address of the description, or where a packet came from that only the phone can
 *               have sent first: a ZRTP Hello whose hash was signalled; for keyings without such a
 *               mark the host of its signalling. Moves later like a clear leg, or by such a packet
 *               after the same silence
 *   with ICE    what checks have nominated and nothing else (ice.c): in clear a packet may come only
 *               from a valid address, and an authentic one moves the peer only to a nominated one
 *
 * RTCP follows the same rules with its own port; with rtcp-mux it is where RTP is. */
#include "media/worker.h"

const struct addr *media_remote(const struct media_endpoint *e, bool rtcp)
{
    if (e->bundle)
        return media_remote(e->bundle, rtcp);
    const struct media_slot *s = e->s;
    const struct media_brief *t = &s->terms;
    if (e->ice)
        return rtcp && !t->rtcp_mux ? &s->learned_rtcp : &s->learned_rtp;
    if (addr_family(&t->remote_rtp) == 0) /* held: nowhere */
        return &t->remote_rtp;
    if (!rtcp || t->rtcp_mux)
        return addr_family(&s->learned_rtp) ? &s->learned_rtp : &t->remote_rtp;
    return addr_family(&s->learned_rtcp) ? &s->learned_rtcp : &t->remote_rtcp;
}

bool media_has_remote(const struct media_endpoint *e)
{
    return e->ice || addr_family(&e->s->terms.remote_rtp) != 0;
}

static void move(struct media_endpoint *e, const struct addr *to)
{
    if (e->connected)
        media_socket_disconnect(e);
    e->s->learned_rtp = *to;
    e->stats->remote = *to;
}

static bool latch_is_open(const struct media_endpoint *e)
{
    const struct media_slot *s = e->s;
    uint64_t since =
        s->terms.remote_since > s->connected_since ? s->terms.remote_since : s->connected_since;
    return loop_now(e->role->loop) - since <= MEDIA_LATCH_MS;
}

static bool clear_rtp_may_move(const struct media_endpoint *e, const struct addr *from)
{
    const struct media_slot *s = e->s;
    if (addr_eq(from, &s->terms.remote_rtp))
        return true;
    if (addr_family(&s->learned_rtp) == 0)
        return latch_is_open(e);
    return addr_host_eq(from, &s->learned_rtp) &&
           loop_now(e->role->loop) - e->last_rx >= MEDIA_CLEAR_SILENCE_MS;
}

static bool learn_clear_rtcp(struct media_endpoint *e, const struct addr *from)
{
    struct media_slot *s = e->s;
    if (addr_family(&s->learned_rtcp) && addr_eq(from, &s->learned_rtcp))
        return true;
    const struct addr *rtp = media_remote(e, false);
    if (!addr_eq(from, &s->terms.remote_rtcp) && !addr_host_eq(from, rtp))
        return false;
    s->learned_rtcp = *from;
    return true;
}

bool media_learn_clear(struct media_endpoint *e, const struct media_packet *p)
{
    if (e->ice)
        return media_ice_is_valid(e, p->rtcp, &p->from);
    if (addr_family(&e->s->terms.remote_rtp) == 0)
        return false;
    if (p->rtcp && !e->s->terms.rtcp_mux)
        return learn_clear_rtcp(e, &p->from);
    if (addr_family(&e->s->learned_rtp) && addr_eq(&p->from, &e->s->learned_rtp))
        return true;
    if (!clear_rtp_may_move(e, &p->from))
        return false;
    move(e, &p->from);
    return true;
}

bool media_learn_opaque(struct media_endpoint *e, const struct media_packet *p, bool proof)
{
    const struct media_slot *s = e->s;
    if (e->ice)
        return media_ice_is_valid(e, p->rtcp, &p->from);
    if (addr_family(&s->terms.remote_rtp) == 0)
        return false;
    if (p->rtcp && !s->terms.rtcp_mux)
        return learn_clear_rtcp(e, &p->from);
    if (addr_family(&s->learned_rtp) && addr_eq(&p->from, &s->learned_rtp))
        return true;
    bool silent = loop_now(e->role->loop) - e->last_rx >= MEDIA_CLEAR_SILENCE_MS;
    bool first = addr_family(&s->learned_rtp) == 0;
    if (!addr_eq(&p->from, &s->terms.remote_rtp) && !(proof && (first || silent)) &&
        !(!first && silent && addr_host_eq(&p->from, &s->learned_rtp)))
        return false;
    move(e, &p->from);
    return true;
}

void media_learn_handshake(struct media_endpoint *e, bool rtcp, const struct addr *from)
{
    if (addr_family(from) == 0)
        return;
    if (e->ice) {
        media_ice_learn(e, rtcp, from);
        return;
    }
    if (rtcp)
        e->s->learned_rtcp = *from;
    else if (!addr_eq(from, &e->s->learned_rtp))
        move(e, from);
}

void media_learn_secure(struct media_endpoint *e, const struct media_packet *p)
{
    struct media_slot *s = e->s;
    if (!p->newest)
        return;
    if (e->ice) {
        media_ice_learn(e, p->rtcp, &p->from);
        return;
    }
    if (p->rtcp && !s->terms.rtcp_mux)
        s->learned_rtcp = p->from;
    else if (!addr_eq(&p->from, &s->learned_rtp))
        move(e, &p->from);
}
