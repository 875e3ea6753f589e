#include "call/shape.h"

static bool all_say(const struct sdp *d, enum sdp_attr_id id)
{
    bool any = false;

    for (size_t i = 0; i < d->media_count; i++) {
        if (d->media[i].port == 0)
            continue;
        if (!sdp_attr_effective(d, &d->media[i], id))
            return false;
        any = true;
    }
    return any;
}

bool leg_shape_may_dtls(const struct media_policy *p)
{
    return p->protection == PROTECTION_OFF || memchr(p->keyings, KEYING_DTLS, p->keying_count);
}

void leg_shape_of(enum transport_kind kind, const struct media_policy *p, const struct sdp *last,
                  struct leg_shape *ret)
{
    bool ws = leg_shape_is_websocket(kind) &&
              (last ? all_say(last, SDP_A_FINGERPRINT) : leg_shape_may_dtls(p));

    *ret = (struct leg_shape){.browser = ws, .ice = ws, .mux = ws, .bundle = ws};
    if (ws || !last)
        return;
    ret->ice = all_say(last, SDP_A_ICE_UFRAG);
    ret->mux = all_say(last, SDP_A_RTCP_MUX);
}

bool leg_shape_policy(const struct leg_shape *s, struct media_policy *p)
{
    size_t at = 0;

    if (!s->browser)
        return true;
    while (at < p->keying_count && p->keyings[at] != KEYING_DTLS)
        at++;
    if (at == p->keying_count || p->protection == PROTECTION_OFF)
        return false;
    for (; at > 0; at--)
        p->keyings[at] = p->keyings[at - 1];
    p->keyings[0] = KEYING_DTLS;
    /* Optional encryption would be written as RTP/AVP, which a browser does not read. */
    p->protection = PROTECTION_REQUIRED;
    return true;
}
