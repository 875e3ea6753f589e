#include "media/ice.h"

#include <stdatomic.h>

#include "crypto/hash.h"
#include "keying/text.h"
#include "media/worker.h"
#include "rtp/candidate.h"
#include "rtp/stun.h"

static const struct stun_hmac hmac = {crypto_hmac_sha1, crypto_hmac_sha256};

/* --- descriptions ------------------------------------------------------------------------------ */

/* RFC 8839 s.5.4: ice-char is ALPHA, DIGIT, "+" or "/". */
static bool is_ice_text(struct slice s, size_t min)
{
    if (s.n < min || s.n > 256)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = slice_lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '/')
            return false;
    }
    return true;
}

bool media_ice_read(struct slice text, uint8_t ret_peer[16])
{
    struct slice rest = text, ufrag = SLICE_NONE, pwd = SLICE_NONE;
    uint8_t hash[CRYPTO_SHA256_LEN];

    if (!keying_text_next(&rest, SLICE_LIT("ice-ufrag"), &ufrag) || !is_ice_text(ufrag, 4))
        return false;
    rest = text;
    if (!keying_text_next(&rest, SLICE_LIT("ice-pwd"), &pwd) || !is_ice_text(pwd, 22))
        return false;
    /* Two lite sides have nobody who checks: addresses are as described (RFC 8445 s.6.1.1). */
    if (keying_text_has(text, SLICE_LIT("ice-lite")))
        return false;
    const struct slice parts[] = {ufrag, SLICE_LIT(":"), pwd};
    crypto_sha256(parts, ARRAY_LEN(parts), hash);
    memcpy(ret_peer, hash, 16);
    return true;
}

/* Base64's alphabet is that of ice-char; three bytes make four characters without padding. */
static void random_text(char *dst, size_t n)
{
    uint8_t bytes[MEDIA_ICE_PWD_LEN / 4 * 3];
    char text[MEDIA_ICE_PWD_LEN + 1];
    size_t text_n = 0;

    crypto_random(bytes, n / 4 * 3);
    crypto_base64_put(slice_from(bytes, n / 4 * 3), text, sizeof(text), &text_n);
    memcpy(dst, text, n);
    dst[n] = '\0';
    secret_wipe(bytes, sizeof(bytes));
    secret_wipe(text, sizeof(text));
}

void media_ice_cred_make(struct media_ice_terms *t)
{
    if (t->cred.ufrag[0])
        return;
    random_text(t->cred.ufrag, MEDIA_ICE_UFRAG_LEN);
    random_text(t->cred.pwd, MEDIA_ICE_PWD_LEN);
}

void media_ice_take_remote(struct media_ice_terms *t, struct slice text, bool offer, uint64_t now)
{
    uint8_t peer[16];
    bool does = media_ice_read(text, peer);

    t->on = does && (offer || t->offered);
    if (offer)
        t->offered = t->on; /* by our answer */
    if (!t->on)
        return;
    /* RFC 8445 s.9: only an offer begins anew, and ours is answered with new ones as well. */
    if (offer && t->peer_known && memcmp(peer, t->peer, sizeof(peer)) != 0) {
        t->old = t->cred;
        t->old_until = now + MEDIA_ICE_OLD_MS;
        memset(&t->cred, 0, sizeof(t->cred));
    }
    memcpy(t->peer, peer, sizeof(peer));
    t->peer_known = true;
    media_ice_cred_make(t);
}

static void put_candidate(struct buf *b, const struct media_endpoint *e, unsigned component,
                          unsigned number, const struct addr *at)
{
    struct rtp_candidate c = {.component = (uint8_t)component, .addr = *at};

    /* RFC 8445 s.5.1.2.1: the first of several local addresses is the best. */
    c.priority = rtp_candidate_priority(RTP_CANDIDATE_HOST, (uint16_t)(65535 - number), component);
    addr_set_port(&c.addr, (uint16_t)(e->s->port + component - 1));
    c.foundation[0] = (char)('1' + number);
    BUF_PUT_LIT(b, "a=");
    rtp_candidate_put(b, &c);
    BUF_PUT_LIT(b, "\r\n");
}

/* Of both IP versions in turn, IPv6 first (RFC 8421 s.4). Behind NAT the address within is one more
 * way, for phones that are within, too. How many. */
static size_t addresses(const struct media_endpoint *e, const struct addr *ret[4])
{
    const struct media_slot *s = e->s;
    const struct addr *shown[2] = {&s->shown, NULL}, *bound[2] = {&s->bound, NULL};
    size_t n = 0, second = addr_family(&s->bound) == AF_INET ? 0 : 1;

    if (e->second) {
        const struct media_place *p = &e->role->state.second[media_slot_of(e)];
        shown[1 - second] = &s->shown;
        bound[1 - second] = &s->bound;
        shown[second] = &p->shown;
        bound[second] = &p->bound;
    }
    for (size_t i = 0; i < 2 && shown[i]; i++)
        ret[n++] = shown[i];
    for (size_t i = 0; i < 2 && bound[i]; i++) {
        if (!addr_is_any(bound[i]) && !addr_host_eq(bound[i], shown[i]))
            ret[n++] = bound[i];
    }
    return n;
}

void media_ice_put(struct buf *b, const struct media_endpoint *e, const struct media_ice_terms *t,
                   bool rtcp_mux)
{
    const struct addr *at[4];
    size_t n = addresses(e, at);

    BUF_PUT_LIT(b, "a=ice-lite\r\na=ice-ufrag:");
    buf_put_str(b, t->cred.ufrag);
    BUF_PUT_LIT(b, "\r\na=ice-pwd:");
    buf_put_str(b, t->cred.pwd);
    BUF_PUT_LIT(b, "\r\na=ice-options:ice2\r\n");
    for (unsigned component = 1; component <= (rtcp_mux ? 1u : 2u); component++) {
        for (size_t i = 0; i < n; i++)
            put_candidate(b, e, component, (unsigned)i, at[i]);
    }
    BUF_PUT_LIT(b, "a=end-of-candidates\r\n");
}

/* --- pairs ------------------------------------------------------------------------------------- */

static struct addr *selected(struct media_endpoint *e, size_t which)
{
    return which ? &e->s->learned_rtcp : &e->s->learned_rtp;
}

/* NULL: no check has shown anything yet. */
static struct media_ice_pairs *pairs_of(const struct media_endpoint *e)
{
    return e->s->ice_begun ? &e->role->state.ice[media_slot_of(e)] : NULL;
}

static struct media_ice_pairs *pairs_begin(struct media_endpoint *e)
{
    struct media_ice_pairs *ice = &e->role->state.ice[media_slot_of(e)];

    if (!e->s->ice_begun) {
        memset(ice, 0, sizeof(*ice));
        atomic_signal_fence(
            memory_order_seq_cst); /* a killed process has not begun before it is zeroed */
        e->s->ice_begun = true;
    }
    return ice;
}

static struct media_ice_peer *peer_find(const struct media_endpoint *e, size_t which,
                                        const struct addr *a)
{
    if (!e->s->ice_begun)
        return NULL;
    struct media_ice_peer *p = pairs_of(e)->peers[which];
    for (size_t i = 0; i < MEDIA_ICE_PEERS; i++) {
        if (addr_family(&p[i].addr) != 0 && addr_eq(&p[i].addr, a))
            return &p[i];
    }
    return NULL;
}

/* Free, or the one that has been silent longest and is not in use. */
static struct media_ice_peer *peer_room(struct media_endpoint *e, size_t which)
{
    struct media_ice_peer *p = pairs_begin(e)->peers[which], *oldest = NULL;

    for (size_t i = 0; i < MEDIA_ICE_PEERS; i++) {
        if (addr_family(&p[i].addr) == 0)
            return &p[i];
        if (!addr_eq(&p[i].addr, selected(e, which)) && (!oldest || p[i].heard < oldest->heard))
            oldest = &p[i];
    }
    return oldest;
}

static size_t component_of(const struct media_endpoint *e, bool rtcp_port)
{
    return rtcp_port && !e->s->terms.rtcp_mux;
}

bool media_ice_is_valid(const struct media_endpoint *e, bool rtcp_port, const struct addr *a)
{
    return peer_find(e, component_of(e, rtcp_port), a) != NULL;
}

static void select_pair(struct media_endpoint *e, size_t which, const struct addr *a)
{
    struct media_ice_pairs *ice = pairs_begin(e);

    ice->stale[which] = false;
    if (addr_eq(selected(e, which), a))
        return;
    *selected(e, which) = *a;
    if (which == 0) {
        ice->selected_at = loop_now(e->role->loop);
        ice->consents = false;
        e->stats->remote = *a;
        media_ice_tell(e);
    }
    media_keying_update(e); /* a handshake waits for a way to the peer */
}

static bool is_silent(struct media_endpoint *e, const struct media_ice_peer *p)
{
    uint64_t now = loop_now(e->role->loop);

    return now - p->heard > MEDIA_ICE_SILENT_MS && now - e->last_rx > MEDIA_ICE_SILENT_MS;
}

static void nominate(struct media_endpoint *e, size_t which, struct media_ice_peer *p)
{
    const struct media_ice_peer *now = peer_find(e, which, selected(e, which));

    p->nominated = true;
    if (!now || now == p || pairs_of(e)->stale[which] || p->priority > now->priority ||
        is_silent(e, now))
        select_pair(e, which, &p->addr);
}

void media_ice_learn(struct media_endpoint *e, bool rtcp, const struct addr *from)
{
    size_t which = component_of(e, rtcp);
    const struct media_ice_peer *p;

    if (addr_eq(selected(e, which), from))
        return;
    p = peer_find(e, which, from);
    if (p && p->nominated)
        select_pair(e, which, from);
}

/* The addresses that count were proved with other credentials. Media goes on to the selected one
 * until another is nominated (RFC 8445 s.9). */
static void restart(struct media_endpoint *e)
{
    struct media_ice_pairs *ice = pairs_begin(e);

    memset(ice->peers, 0, sizeof(ice->peers));
    for (size_t which = 0; which < 2; which++)
        ice->stale[which] = addr_family(selected(e, which)) != 0;
}

static void forget(struct media_endpoint *e, size_t which)
{
    struct media_ice_pairs *ice = pairs_of(e);

    if (ice)
        memset(ice->peers[which], 0, sizeof(ice->peers[which]));
    memset(selected(e, which), 0, sizeof(struct addr));
}

/* Checks may have come before the peer's answer: what they have shown counts. What was learned in
 * any other way does not. */
static void begin(struct media_endpoint *e)
{
    if (e->connected)
        media_socket_disconnect(e);
    for (size_t which = 0; which < 2; which++) {
        if (!peer_find(e, which, selected(e, which)))
            forget(e, which);
    }
}

void media_ice_apply(struct media_endpoint *e, const struct media_ice_terms *before)
{
    const struct media_ice_terms *t = media_endpoint_ice(e);

    e->ice = t->on;
    if (before->on && !t->on) {
        forget(e, 0);
        forget(e, 1);
    } else if (!before->on && t->on) {
        begin(e);
    } else if (t->on && memcmp(&before->cred, &t->cred, sizeof(t->cred)) != 0) {
        restart(e);
    }
    media_ice_tell(e);
}

void media_ice_tell(struct media_endpoint *e)
{
    const struct media_ice_pairs *ice = pairs_of(e);
    const struct addr *to = &e->s->learned_rtp;
    const struct media_place *at = addr_family(to) ? media_second_for(e, to) : NULL;

    e->stats->local = at ? at->shown : (struct addr){0};
    if (at)
        addr_set_port(&e->stats->local, e->s->port);
    if (!e->ice)
        e->stats->ice = MEDIA_ICE_NONE;
    else if (addr_family(&e->s->learned_rtp) != 0)
        e->stats->ice = MEDIA_ICE_CONNECTED;
    else
        e->stats->ice = ice && ice->consents ? MEDIA_ICE_LOST : MEDIA_ICE_CHECKING;
}

void media_ice_tick(struct media_endpoint *e, uint64_t now)
{
    const struct media_ice_pairs *ice = pairs_of(e);
    const struct media_ice_peer *p = peer_find(e, 0, &e->s->learned_rtp);

    if (!ice || !ice->consents || !p || now - p->heard < MEDIA_CONSENT_MS ||
        now - e->last_rx < MEDIA_CONSENT_MS)
        return;
    forget(e, 0);
    forget(e, 1);
    media_ice_tell(e);
    media_role_event(e, MEDIA_EVENT_TIMEOUT, "the peer's connectivity checks have ceased");
}

/* --- checks ------------------------------------------------------------------------------------ */

static void answer(struct media_endpoint *e, const struct media_packet *p, struct buf *b,
                   const struct media_ice_cred *cred)
{
    stun_put_end(b, slice_from_str(cred->pwd), hmac.sha1);
    if (!b->overflow)
        media_socket_put(e, p->rtcp, b->p, b->n, &p->from);
}

static void refuse(struct media_endpoint *e, const struct media_packet *p, const struct stun_msg *m,
                   const struct media_ice_cred *cred, enum stun_code code)
{
    uint8_t mem[256];
    struct buf b = buf_over(mem, sizeof(mem));

    stun_put_begin(&b, STUN_ERROR, stun_txid(m));
    stun_put_error(&b, code);
    if (code == STUN_CODE_UNKNOWN)
        stun_put_unknown(&b, m);
    answer(e, p, &b, cred);
}

static bool cred_fits(const struct media_ice_cred *cred, const struct stun_msg *m)
{
    struct slice rest = m->username, ours = slice_cut(&rest, ':');

    return cred->ufrag[0] && slice_eq(ours, slice_from_str(cred->ufrag)) &&
           stun_is_authentic(m, slice_from_str(cred->pwd), &hmac);
}

/* Whose check it is: NULL: nobody's that we know. */
static const struct media_ice_cred *authenticate(const struct media_endpoint *e,
                                                 const struct stun_msg *m)
{
    const struct media_ice_terms *t = media_endpoint_ice(e);

    if (!m->has_fingerprint || !m->integrity_at)
        return NULL;
    if (cred_fits(&t->cred, m))
        return &t->cred;
    if (loop_now(e->role->loop) < t->old_until && cred_fits(&t->old, m))
        return &t->old;
    return NULL;
}

static void note_check(struct media_endpoint *e, size_t which, const struct media_packet *p,
                       const struct stun_msg *m)
{
    uint64_t now = loop_now(e->role->loop);
    struct media_ice_pairs *ice = pairs_begin(e);
    struct media_ice_peer *peer = peer_find(e, which, &p->from);

    if (!peer) {
        peer = peer_room(e, which);
        *peer = (struct media_ice_peer){.addr = p->from};
    }
    peer->heard = now;
    if (m->priority > peer->priority)
        peer->priority = m->priority;
    if (m->use_candidate)
        nominate(e, which, peer);
    if (which == 0 && addr_eq(&p->from, &e->s->learned_rtp) &&
        now - ice->selected_at > MEDIA_CONSENT_SHOWN_MS)
        ice->consents = true;
}

static void on_request(struct media_endpoint *e, const struct media_packet *p,
                       const struct stun_msg *m)
{
    const struct media_ice_cred *cred = authenticate(e, m);
    uint8_t mem[256];
    struct buf b = buf_over(mem, sizeof(mem));

    if (!cred) {
        e->stats->rx_stun_refused++;
        return;
    }
    if (m->unknown_count) { /* RFC 8489 s.6.3.1 */
        refuse(e, p, m, cred, STUN_CODE_UNKNOWN);
        return;
    }
    /* RFC 8445 s.7.3.1.1: a lite side never is the controlling one; the peer has to be. */
    if (m->controlled) {
        refuse(e, p, m, cred, STUN_CODE_ROLE_CONFLICT);
        return;
    }
    stun_put_begin(&b, STUN_SUCCESS, stun_txid(m));
    stun_put_mapped(&b, &p->from);
    answer(e, p, &b, cred);
    if (cred == &media_endpoint_ice(e)->cred) /* an old check proves an old address */
        note_check(e, component_of(e, p->rtcp), p, m);
}

void media_ice_packet(struct media_packet *p)
{
    struct media_endpoint *e = p->in;
    struct stun_msg m;

    /* Indications keep a NAT's binding and want no answer; we ask nothing, so answers are none. */
    if (!media_endpoint_ice(e)->offered || stun_parse(slice_from(p->data, p->len), &m) != STUN_OK ||
        m.class != STUN_REQUEST || m.method != STUN_BINDING)
        return;
    on_request(e, p, &m);
}
