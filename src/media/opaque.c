/* Legs whose keys are the phones' alone. Both legs of such a call are opaque; the phones' keying text
 * crosses in signalling, their packets here, not one byte changed. We cannot authenticate them, so:
 *
 *   who is heard  learn.c: the signalled address, or where the ZRTP Hello came from whose hash was
 *                 signalled. A Hello with another hash than the phone announced goes nowhere
 *   RTP, RTCP     under `required` not before there can be keys: at once where the keys are in both
 *                 descriptions (SDES, MIKEY); with ZRTP when one phone's Confirm2 and the other's
 *                 Conf2ACK have passed; with DTLS when both have sent encrypted records. Never what is
 *                 clear by its size, once there are keys
 *   GoClear       goes nowhere under `required` (RFC 6189 s.4.7.2)
 *
 * How far the phones have come lies in the slot: the next life of this process goes on from there. */
#include <stdlib.h>

#include "media/worker.h"

enum {
    SEEN_CONFIRM = 1 << 0,
    SEEN_CONFIRMED = 1 << 1,
    SEEN_ENCRYPTED = 1 << 2 /* DTLS */
};

#define IN_MEDIA (1u << KEYING_DTLS | 1u << KEYING_ZRTP)
#define IN_SIGNALLING (1u << KEYING_SDES | 1u << KEYING_MIKEY)

/* Bits of enum keying_kind. */
static unsigned announced_by(const struct media_endpoint *e)
{
    return e->s->terms.pass.announced;
}

static unsigned seen_of(const struct media_endpoint *e)
{
    bool now = e->s->pass_seen >> 16 == e->s->terms.pass.epoch;
    return now ? e->s->pass_seen & 0xffff : 0;
}

static const struct media_endpoint *opaque_peer(const struct media_endpoint *e)
{
    const struct media_endpoint *peer = e->peer && e->peer->bundle ? e->peer->bundle : e->peer;
    return peer && peer->guard == MEDIA_GUARD_OPAQUE ? peer : NULL;
}

/* What both phones announce: bits of enum keying_kind. */
static unsigned common(const struct media_endpoint *e)
{
    const struct media_endpoint *peer = opaque_peer(e);
    return peer ? announced_by(e) & announced_by(peer) : 0;
}

/* The phones have agreed in the media path, as far as can be seen from outside: where their packets
 * do not come here, that they mean to. */
static bool have_agreed(const struct media_endpoint *e)
{
    const struct media_endpoint *peer = opaque_peer(e);
    unsigned both = common(e), mine = seen_of(e), theirs = peer ? seen_of(peer) : 0;
    if (e->s->terms.pass.direct)
        return both & IN_MEDIA && !(both & IN_SIGNALLING);
    if (both & 1u << KEYING_DTLS && mine & SEEN_ENCRYPTED && theirs & SEEN_ENCRYPTED)
        return true;
    bool ended = (mine & SEEN_CONFIRM && theirs & SEEN_CONFIRMED) ||
                 (theirs & SEEN_CONFIRM && mine & SEEN_CONFIRMED);
    return both & 1u << KEYING_ZRTP && ended;
}

static bool is_required(const struct media_endpoint *e)
{
    const struct media_endpoint *peer = opaque_peer(e);
    return e->s->terms.protection == PROTECTION_REQUIRED ||
           (peer && peer->s->terms.protection == PROTECTION_REQUIRED);
}

/* Which of those announced is in use, before that can be seen: keys that are there at once are used. */
static enum keying_kind likely(unsigned kinds)
{
    static const uint8_t order[] = {KEYING_SDES, KEYING_MIKEY, KEYING_DTLS, KEYING_ZRTP};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (kinds & 1u << order[i])
            return (enum keying_kind)order[i];
    }
    return KEYING_NONE;
}

void media_opaque_protection(const struct media_endpoint *e, struct media_protection *ret)
{
    unsigned kinds = e->peer ? common(e) : announced_by(e);
    bool agreed = have_agreed(e);
    *ret = (struct media_protection){
        .keying = kinds ? KEYING_PASS : KEYING_NONE,
        .path = e->s->terms.pass.direct ? MEDIA_PATH_DIRECT : MEDIA_PATH_PASS,
        .passes = (uint8_t)likely(agreed ? kinds & IN_MEDIA : kinds),
        .established = agreed || (e->peer && kinds & IN_SIGNALLING),
        .end_to_end = agreed,
    };
}

static void tell(struct media_endpoint *e)
{
    struct media_protection now;
    if (!e || !e->s->terms.pass.on)
        return;
    media_endpoint_protection(e, &now);
    e->stats->protection = now;
    if (!e->role->chan || (e->told && memcmp(&now, e->told, sizeof(now)) == 0))
        return;
    if (!e->told)
        e->told = malloc(sizeof(now));
    if (e->told) /* without memory it is told again, which does no harm */
        *e->told = now;
    media_role_event(e, MEDIA_EVENT_SECURE, "");
}

void media_opaque_update(struct media_endpoint *e)
{
    tell(e);
    tell(e->peer);
}

/* --- packets ------------------------------------------------------------------------------------- */

/* What does not look clear is an initiator's, who encrypts before the other phone's Conf2ACK. */
static bool refuse(struct media_packet *p)
{
    struct media_stats *st = p->in->stats;
    if (!media_looks_clear(p)) {
        st->rx_foreign++;
        return false;
    }
    if (p->rtcp)
        st->rx_clear_rtcp++;
    else
        st->rx_clear_dropped++;
    media_endpoint_log(p->in, "media_in_clear_dropped");
    return false;
}

/* The host of its signalling stands for a phone that has no mark of its own, and for one whose mark has
 * been seen before. */
static bool may_be(const struct media_endpoint *e, const struct addr *from)
{
    bool marked = announced_by(e) & 1u << KEYING_ZRTP;
    const struct addr *signalling = &e->s->terms.signalling;
    return (!marked || have_agreed(e)) && addr_family(signalling) != 0 &&
           addr_host_eq(from, signalling);
}

bool media_opaque_take(struct media_packet *p)
{
    struct media_endpoint *e = p->in;
    unsigned kinds = common(e);
    if (e->s->terms.pass.direct)
        return false;
    bool learned = kinds ? media_learn_opaque(e, p, may_be(e, &p->from)) : media_learn_clear(e, p);
    if (!opaque_peer(e) || !learned) {
        e->stats->rx_foreign++;
        return false;
    }
    bool keys = kinds & IN_SIGNALLING || have_agreed(e);
    if (keys ? media_looks_clear(p) : is_required(e))
        return refuse(p);
    return true;
}

static void see(struct media_endpoint *e, unsigned what)
{
    unsigned seen = seen_of(e);
    if (seen & what)
        return;
    e->s->pass_seen = (uint32_t)e->s->terms.pass.epoch << 16 | seen | what;
    media_opaque_update(e);
}

static void forward(const struct media_packet *p)
{
    struct media_endpoint *to = media_transport(p->in->peer);
    bool rtcp = p->rtcp && !to->s->terms.rtcp_mux;
    media_socket_put(to, rtcp, p->data, p->len, media_remote(to, rtcp));
}

static unsigned seen_in(enum keying_pass_event ev)
{
    static const uint8_t bits[KEYING_PASS_EVENT_COUNT] = {
        [KEYING_PASS_CONFIRM] = SEEN_CONFIRM,
        [KEYING_PASS_CONFIRMED] = SEEN_CONFIRMED,
        [KEYING_PASS_SECURE] = SEEN_ENCRYPTED,
    };
    return bits[ev];
}

static enum keying_pass_event hear(const struct media_packet *p, enum rtp_kind kind)
{
    struct media_terms t CLEANUP(media_terms_wipe);
    media_endpoint_terms(p->in, &t);
    return keying_pass_hear(&t.pass.announces, kind, slice_from(p->data, p->len));
}

void media_opaque_keying(struct media_packet *p, enum rtp_kind kind)
{
    struct media_endpoint *e = p->in;
    enum keying_pass_event ev = hear(p, kind);
    bool marked = announced_by(e) & 1u << KEYING_ZRTP;
    bool proof = kind == RTP_KIND_ZRTP && marked ? ev == KEYING_PASS_HELLO : may_be(e, &p->from);
    if (ev == KEYING_PASS_HELLO_FOREIGN) {
        e->stats->rx_auth_failures++;
        media_endpoint_log(e, "zrtp_hello_not_announced");
        return;
    }
    bool barred = e->s->terms.pass.direct || ev == KEYING_PASS_BAD ||
                  (ev == KEYING_PASS_GO_CLEAR && is_required(e));
    if (barred || !opaque_peer(e) || !media_learn_opaque(e, p, proof)) {
        e->stats->rx_foreign++;
        return;
    }
    forward(p);
    if (seen_in(ev))
        see(e, seen_in(ev));
}
