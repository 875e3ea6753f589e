#include "phone/ice.h"

#include "base/secret.h"
#include "crypto/hash.h"

static const struct stun_hmac hmac = {crypto_hmac_sha1, crypto_hmac_sha256};

static void on_timer(void *arg);

/* --- life and text ----------------------------------------------------------------------------- */

void phone_ice_init(struct phone_ice *i, struct loop *l,
                    void (*send)(void *arg, bool rtcp, const struct addr *to, struct slice packet),
                    void (*selected_changed)(void *arg), void *arg)
{
    *i = (struct phone_ice){
        .loop = l, .send = send, .selected_changed = selected_changed, .arg = arg};
    loop_timer_init(&i->timer, on_timer, i);
    crypto_random(&i->tie, sizeof(i->tie));
    crypto_random_hex(i->ufrag, 4);
    crypto_random_hex(i->pwd, 12);
}

void phone_ice_stop(struct phone_ice *i)
{
    if (i->loop)
        loop_timer_cancel(i->loop, &i->timer);
    i->on = false;
}

void phone_ice_fini(struct phone_ice *i)
{
    phone_ice_stop(i);
    secret_wipe(i->pwd, sizeof(i->pwd));
    secret_wipe(i->peer_pwd, sizeof(i->peer_pwd));
    i->loop = NULL;
}

/* IPv6 is preferred (RFC 8421 s.4, RFC 6724). */
static uint16_t preference(const struct phone_ice *i, int family)
{
    return family == AF_INET6 || addr_family(&i->other[0]) == 0 ? 65535 : 65534;
}

static void put_candidate(struct buf *b, const struct phone_ice *i, unsigned component,
                          const struct addr *at)
{
    uint16_t local = preference(i, addr_family(at));
    const struct rtp_candidate k = {
        .foundation = {(char)('1' + (65535 - local))},
        .component = (uint8_t)component,
        .priority = rtp_candidate_priority(RTP_CANDIDATE_HOST, local, component),
        .addr = *at};
    if (addr_family(at) == 0)
        return;
    BUF_PUT_LIT(b, "a=");
    rtp_candidate_put(b, &k);
    BUF_PUT_LIT(b, "\r\n");
}

void phone_ice_put(struct buf *b, const struct phone_ice *i, bool mux)
{
    buf_printf(b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:ice2\r\n", i->ufrag, i->pwd);
    for (unsigned c = 1; c <= (mux ? 1u : 2u); c++) {
        put_candidate(b, i, c, &i->local[c - 1]);
        put_candidate(b, i, c, &i->other[c - 1]);
    }
    BUF_PUT_LIT(b, "a=end-of-candidates\r\n");
}

/* --- the peer's description -------------------------------------------------------------------- */

static struct phone_ice_pair *pair_find(struct phone_ice *i, uint8_t component,
                                        const struct addr *a)
{
    for (size_t k = 0; k < PHONE_ICE_PAIRS; k++) {
        struct phone_ice_pair *p = &i->pairs[k];
        if (addr_family(&p->addr) && p->component == component && addr_eq(&p->addr, a))
            return p;
    }
    return NULL;
}

static struct phone_ice_pair *pair_add(struct phone_ice *i, uint8_t component, const struct addr *a,
                                       uint32_t priority)
{
    struct phone_ice_pair *p = pair_find(i, component, a);

    for (size_t k = 0; !p && k < PHONE_ICE_PAIRS; k++) {
        if (addr_family(&i->pairs[k].addr) == 0)
            p = &i->pairs[k];
    }
    if (p && addr_family(&p->addr) == 0) {
        *p = (struct phone_ice_pair){.addr = *a, .component = component, .priority = priority};
        p->due = p->heard = loop_now(i->loop);
    }
    return p;
}

static bool is_in_reach(const struct phone_ice *i, const struct addr *a)
{
    return addr_family(a) == addr_family(&i->local[0]) ||
           addr_family(a) == addr_family(&i->other[0]);
}

static void add_candidates(struct phone_ice *i, const struct sdp *d, const struct sdp_media *m)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(d, m, &n);

    for (size_t k = 0; k < n; k++) {
        struct rtp_candidate c;
        if (a[k].id == SDP_A_CANDIDATE &&
            rtp_candidate_parse(sdp_attr_value(&a[k]), &c) == RTP_CANDIDATE_OK &&
            c.component <= (i->mux ? 1 : 2) && is_in_reach(i, &c.addr))
            (void)pair_add(i, c.component, &c.addr, c.priority);
    }
}

static bool take_text(const struct sdp *d, const struct sdp_media *m, enum sdp_attr_id id,
                      char dst[PHONE_ICE_TEXT_MAX])
{
    const struct sdp_attr *a = sdp_attr_effective(d, m, id);

    return a && slice_to_str(slice_trim(sdp_attr_value(a)), dst, PHONE_ICE_TEXT_MAX) && dst[0];
}

void phone_ice_take(struct phone_ice *i, const struct sdp *d, const struct sdp_media *m,
                    bool offerer, bool mux)
{
    char ufrag[PHONE_ICE_TEXT_MAX], pwd[PHONE_ICE_TEXT_MAX];
    bool was = i->on;

    i->on = take_text(d, m, SDP_A_ICE_UFRAG, ufrag) && take_text(d, m, SDP_A_ICE_PWD, pwd);
    i->mux = mux;
    i->lite = i->on && sdp_attr_effective(d, m, SDP_A_ICE_LITE);
    if (!i->on)
        return;
    if (was && strcmp(ufrag, i->peer_ufrag) == 0 && strcmp(pwd, i->peer_pwd) == 0)
        return; /* as before */
    memcpy(i->peer_ufrag, ufrag, sizeof(ufrag));
    memcpy(i->peer_pwd, pwd, sizeof(pwd));
    secret_wipe(pwd, sizeof(pwd));
    i->controlling = offerer || i->lite;
    memset(i->pairs, 0, sizeof(i->pairs));
    add_candidates(i, d, m);
    loop_timer_set(i->loop, &i->timer, 0);
}

/* --- our checks -------------------------------------------------------------------------------- */

static void check(struct phone_ice *i, struct phone_ice_pair *p)
{
    uint8_t mem[1024];
    struct buf b = buf_over(mem, sizeof(mem));

    if (p->tries == 0)
        crypto_random(p->txid, sizeof(p->txid)); /* sent again, it is the same check */
    stun_put_begin(&b, STUN_REQUEST, p->txid);
    stun_put_username(&b, slice_from_str(i->peer_ufrag), slice_from_str(i->ufrag));
    stun_put_priority(&b,
                      rtp_candidate_priority(RTP_CANDIDATE_PRFLX,
                                             preference(i, addr_family(&p->addr)), p->component));
    stun_put_role(&b, i->controlling, i->tie);
    if (i->controlling)
        stun_put_use_candidate(&b);
    stun_put_end(&b, slice_from_str(i->peer_pwd), hmac.sha1);
    if (!b.overflow)
        i->send(i->arg, p->component == 2, &p->addr, buf_slice(&b));
    p->due = loop_now(i->loop) + ((uint64_t)PHONE_ICE_RTO_MS << p->tries);
    p->tries++;
}

static void select_pair(struct phone_ice *i, uint8_t component, const struct addr *a)
{
    if (addr_eq(&i->selected[component - 1], a))
        return;
    i->selected[component - 1] = *a;
    i->selected_changed(i->arg);
}

static bool is_selected(const struct phone_ice *i, const struct phone_ice_pair *p)
{
    return addr_eq(&p->addr, &i->selected[p->component - 1]);
}

static void give_up(struct phone_ice *i, const struct phone_ice_pair *p)
{
    memset(&i->selected[p->component - 1], 0, sizeof(i->selected[0]));
    i->selected_changed(i->arg);
}

/* The selected one may be no way any more. */
static bool is_in_doubt(struct phone_ice *i, uint8_t component)
{
    const struct phone_ice_pair *p = pair_find(i, component, &i->selected[component - 1]);

    return !p || p->tries >= PHONE_ICE_DOUBT;
}

/* A pair that has been tried in vain rests; the selected one is asked for its consent for good. */
static bool is_due(struct phone_ice *i, const struct phone_ice_pair *p)
{
    if (addr_family(&p->addr) == 0 || p->due > loop_now(i->loop))
        return false;
    if (p->answered)
        return is_selected(i, p) || (i->controlling && is_in_doubt(i, p->component));
    return p->tries < PHONE_ICE_TRIES;
}

static void on_timer(void *arg)
{
    struct phone_ice *i = arg;
    uint64_t now = loop_now(i->loop);

    if (!i->on)
        return;
    for (size_t k = 0; k < PHONE_ICE_PAIRS; k++) {
        struct phone_ice_pair *p = &i->pairs[k];
        if (addr_family(&p->addr) && p->answered && is_selected(i, p) &&
            now - p->heard >= PHONE_ICE_LOST_MS)
            give_up(i, p);
        if (!is_due(i, p))
            continue;
        if (p->tries >= PHONE_ICE_TRIES)
            p->tries = 0;
        check(i, p);
        break; /* one at a time: s.14 */
    }
    loop_timer_set(i->loop, &i->timer, PHONE_ICE_PACE_MS);
}

static struct phone_ice_pair *pair_of_answer(struct phone_ice *i, const struct stun_msg *m)
{
    for (size_t k = 0; k < PHONE_ICE_PAIRS; k++) {
        struct phone_ice_pair *p = &i->pairs[k];
        if (addr_family(&p->addr) && p->tries > 0 &&
            memcmp(p->txid, stun_txid(m), sizeof(p->txid)) == 0)
            return p;
    }
    return NULL;
}

static void on_answer(struct phone_ice *i, const struct stun_msg *m, const struct addr *from)
{
    struct phone_ice_pair *p = pair_of_answer(i, m);

    /* s.7.2.5.2.1: it must come from where the check went. */
    if (!p || !addr_eq(from, &p->addr) || !stun_is_authentic(m, slice_from_str(i->peer_pwd), &hmac))
        return;
    p->tries = 0;
    if (m->class == STUN_ERROR) {
        p->due = loop_now(i->loop) + PHONE_ICE_PACE_MS;
        if (m->error == STUN_CODE_ROLE_CONFLICT) /* s.7.2.5.1 */
            i->controlling = !i->controlling;
        else
            p->tries = PHONE_ICE_TRIES;
        return;
    }
    p->answered = true;
    p->heard = loop_now(i->loop);
    p->due = p->heard + PHONE_ICE_CONSENT_MS;
    const struct phone_ice_pair *now = pair_find(i, p->component, &i->selected[p->component - 1]);
    if (i->controlling && (!now || p->priority > now->priority || is_in_doubt(i, p->component)))
        select_pair(i, p->component, &p->addr);
}

/* --- the peer's checks ------------------------------------------------------------------------- */

static void on_request(struct phone_ice *i, bool rtcp, const struct stun_msg *m,
                       const struct addr *from)
{
    uint8_t mem[256];
    struct buf b = buf_over(mem, sizeof(mem));
    struct slice rest = m->username;
    uint8_t component = rtcp ? 2 : 1;

    if (!m->has_fingerprint || !slice_eq_str(slice_cut(&rest, ':'), i->ufrag) ||
        !stun_is_authentic(m, slice_from_str(i->pwd), &hmac))
        return;
    /* s.7.3.1.1: of two that want the same role, the larger tie-breaker has it. */
    bool conflict = i->controlling ? m->controlling : m->controlled;
    if (conflict && (i->controlling == (i->tie >= m->tie))) {
        stun_put_begin(&b, STUN_ERROR, stun_txid(m));
        stun_put_error(&b, STUN_CODE_ROLE_CONFLICT);
    } else {
        if (conflict)
            i->controlling = !i->controlling;
        stun_put_begin(&b, STUN_SUCCESS, stun_txid(m));
        stun_put_mapped(&b, from);
        struct phone_ice_pair *p = i->on ? pair_add(i, component, from, m->priority) : NULL;
        if (p && m->use_candidate && !i->controlling)
            select_pair(i, component, from);
    }
    stun_put_end(&b, slice_from_str(i->pwd), hmac.sha1);
    if (!b.overflow)
        i->send(i->arg, rtcp, from, buf_slice(&b));
}

void phone_ice_packet(struct phone_ice *i, bool rtcp, struct slice packet, const struct addr *from)
{
    struct stun_msg m;

    if (stun_parse(packet, &m) != STUN_OK || m.method != STUN_BINDING)
        return;
    switch (m.class) {
    case STUN_REQUEST:
        on_request(i, rtcp, &m, from);
        return;
    case STUN_SUCCESS:
    case STUN_ERROR:
        if (i->on)
            on_answer(i, &m, from);
        return;
    case STUN_INDICATION:
        return;
    }
}
