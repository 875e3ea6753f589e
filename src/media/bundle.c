/* BUNDLE (RFC 8843): several m-lines of a leg over one transport. The first of them, the owner, has
 * the sockets, the keys with their indices, ICE and the learned address; the others, its members,
 * have what a stream is: codecs, direction, the peer that it is relayed to, counters.
 *
 * What comes in is the owner's until it is authentic. Then it is told apart (s.9.2) by the SSRC that
 * a description named, by the payload type where only one of the m-lines has it, by the SSRC that
 * was heard before, and else is the owner's. The header extension for the m-line's name is never
 * agreed on, so that it does not come. RTCP belongs to whom its sender is, or to whom it reports. */
#include <stdlib.h>

#include "media/worker.h"
#include "rtp/rtcp.h"

int media_bundle_room(struct media_endpoint *owner)
{
    if (owner->member_n == MEDIA_BUNDLE_MAX)
        return -ENOSPC;
    if (!owner->members)
        owner->members = calloc(MEDIA_BUNDLE_MAX, sizeof(struct media_endpoint *));
    return owner->members ? 0 : -ENOMEM;
}

int media_bundle_join(struct media_endpoint *e, struct media_endpoint *owner)
{
    int r = media_bundle_room(owner);
    if (r < 0)
        return r;
    owner->members[owner->member_n++] = e;
    e->bundle = owner;
    if (owner->connected) /* it listens to everyone now: not its own silence alone counts */
        media_socket_disconnect(owner);
    return 0;
}

void media_bundle_leave(struct media_endpoint *e)
{
    struct media_endpoint *owner = e->bundle;

    for (size_t i = 0; owner && i < owner->member_n; i++) {
        if (owner->members[i] == e)
            owner->members[i--] = owner->members[--owner->member_n];
    }
    e->bundle = NULL;
    while (e->member_n) /* without a transport, and so closed */
        e->members[--e->member_n]->bundle = NULL;
    free(e->members);
    e->members = NULL;
}

/* Number i of the bundle; 0 is the owner. */
static struct media_endpoint *number(struct media_endpoint *owner, size_t i)
{
    return i == 0 ? owner : owner->members[i - 1];
}

typedef bool is_its_fn(const struct media_endpoint *e, uint32_t x);

/* The one for which `is_its` holds; NULL: none, or more than one. */
static struct media_endpoint *only(struct media_endpoint *owner, is_its_fn *is_its, uint32_t x)
{
    struct media_endpoint *found = NULL;

    for (size_t i = 0; i <= owner->member_n; i++) {
        struct media_endpoint *e = number(owner, i);
        if (!is_its(e, x))
            continue;
        if (found)
            return NULL;
        found = e;
    }
    return found;
}

static bool has_described(const struct media_endpoint *e, uint32_t ssrc)
{
    const struct media_brief *t = &e->s->terms;

    for (size_t i = 0; i < t->ssrc_count; i++) {
        if (t->ssrcs[i] == ssrc)
            return true;
    }
    return false;
}

static bool has_payload(const struct media_endpoint *e, uint32_t pt)
{
    return media_endpoint_codec(e, (uint8_t)pt) != NULL;
}

static bool has_heard(const struct media_endpoint *e, uint32_t ssrc)
{
    return e->s->rx_ssrc == ssrc && e->stats->rx_packets > 0;
}

static bool has_sent(const struct media_endpoint *e, uint32_t ssrc)
{
    return e->s->tx_ssrc == ssrc && e->stats->tx_packets > 0;
}

static struct media_endpoint *find_rtp(struct media_endpoint *owner, const struct rtp_hdr *h)
{
    struct media_endpoint *e = only(owner, has_described, h->ssrc);

    if (!e)
        e = only(owner, has_payload, h->pt);
    if (!e)
        e = only(owner, has_heard, h->ssrc);
    return e ? e : owner;
}

/* Whom a report or feedback is about. */
static struct media_endpoint *find_target(struct media_endpoint *owner, struct slice compound)
{
    struct rtcp_packet p;
    struct rtcp_block block;

    while (rtcp_next(&compound, &p)) {
        struct media_endpoint *e = NULL;
        if (rtcp_block(&p, 0, &block))
            e = only(owner, has_sent, block.ssrc);
        else if ((p.type == RTCP_RTPFB || p.type == RTCP_PSFB) && p.body.n >= 8)
            e = only(owner, has_sent, wire_get32((const uint8_t *)p.body.p + 4));
        if (e)
            return e;
    }
    return NULL;
}

static struct media_endpoint *find_rtcp(struct media_endpoint *owner, const struct media_packet *p)
{
    uint32_t sender = rtcp_ssrc(p->data);
    struct media_endpoint *e = only(owner, has_described, sender);

    if (!e)
        e = only(owner, has_heard, sender);
    if (!e)
        e = find_target(owner, slice_from(p->data, p->len));
    return e ? e : owner;
}

struct media_endpoint *media_bundle_find(struct media_endpoint *owner, const struct media_packet *p)
{
    return p->rtcp ? find_rtcp(owner, p) : find_rtp(owner, &p->hdr);
}
