/* Attributes that work only where both ends of the call want them. The relay carries header
 * extensions and feedback as they are, so they may cross, but only between feedback profiles, and
 * to an offerer only what it has offered itself. */
#include "sdp/attr.h"
#include "sdp/print.h"

/* Header extensions (RFC 8285) that mean the same on both legs. Not among them: mid and stream ids,
 * which name a leg's own streams, and transport-wide sequence numbers, which count a leg's own
 * packets. */
static bool extension_crosses(struct slice uri)
{
    static const char *const known[] = {
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "urn:ietf:params:rtp-hdrext:toffset",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "urn:3gpp:video-orientation",
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
        "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
        "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (slice_eq_str(uri, known[i]))
            return true;
    }
    return false;
}

/* "1/sendonly URI attributes": number and URI. */
static struct slice extmap_parse(const struct sdp_attr *a, struct slice *ret_number)
{
    struct slice value = sdp_attr_value(a), number = sdp_token(&value);

    *ret_number = slice_cut(&number, '/');
    return sdp_token(&value);
}

static bool extmap_eq(const struct sdp_attr *a, const struct sdp_attr *b)
{
    struct slice na, nb, ua = extmap_parse(a, &na), ub = extmap_parse(b, &nb);

    return slice_eq(na, nb) && slice_eq(ua, ub);
}

/* "96 nack pli" against "96 nack pli" or "* nack pli". */
static bool feedback_eq(const struct sdp_attr *answer, const struct sdp_attr *offer)
{
    struct slice a = sdp_attr_value(answer), b = sdp_attr_value(offer);
    int pa = sdp_attr_pt(&a), pb = sdp_attr_pt(&b);

    return (pa == pb || pa < 0 || pb < 0) && slice_eq(slice_trim(a), slice_trim(b));
}

static bool is_offered(const struct sdp_attr *a, const struct sdp_leg_plan *plan, size_t i)
{
    size_t n;

    if (!plan->offer)
        return true;
    const struct sdp_attr *o = sdp_attrs(plan->offer, &plan->offer->media[i], &n);
    for (size_t k = 0; k < n; k++) {
        if (o[k].id != a->id)
            continue;
        if (a->id == SDP_A_RTCP_RSIZE || (a->id == SDP_A_EXTMAP && extmap_eq(a, &o[k])) ||
            (a->id == SDP_A_RTCP_FB && feedback_eq(a, &o[k])))
            return true;
    }
    return false;
}

bool sdp_mutual_crosses(const struct sdp_attr *a, const struct sdp_media *from,
                        const struct sdp_leg_plan *plan, size_t i)
{
    bool theirs = sdp_proto_is_feedback((enum sdp_proto)from->proto);
    bool ours = sdp_proto_is_feedback((enum sdp_proto)plan->media[i].proto);
    struct slice value = sdp_attr_value(a), number;

    switch (a->id) {
    case SDP_A_RTCP_RSIZE:
        return is_offered(a, plan, i);
    case SDP_A_EXTMAP:
        return theirs && ours && extension_crosses(extmap_parse(a, &number)) &&
               is_offered(a, plan, i);
    case SDP_A_RTCP_FB: /* RFC 4585 s.4.2: for the feedback profiles; some phones say it under AVP */
        if (theirs != ours)
            return false;
        (void)sdp_attr_pt(&value);
        return !slice_eq(slice_trim(value), SLICE_LIT("transport-cc")) &&
               (!ours || is_offered(a, plan, i));
    default:
        return true;
    }
}
