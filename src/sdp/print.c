#include "sdp/print.h"

#include "sdp/attr.h"

static void put_connection(struct buf *b, const struct addr *a)
{
    if (addr_family(a) == AF_INET6)
        BUF_PUT_LIT(b, "IN IP6 ");
    else
        BUF_PUT_LIT(b, "IN IP4 ");
    if (addr_family(a) == AF_UNSPEC)
        BUF_PUT_LIT(b, "0.0.0.0");
    else
        addr_put_host(b, a);
    BUF_PUT_LIT(b, "\r\n");
}

void sdp_put_attr(struct buf *b, struct slice line)
{
    BUF_PUT_LIT(b, "a=");
    buf_put_slice(b, line);
    BUF_PUT_LIT(b, "\r\n");
}

#define SESSION_KEY_MGMT "a=session-key-mgmt:" /* sdp_keying_text's name */

/* The value of the o= line in a text of ours, or empty; *ret_at: where its line begins. */
static struct slice origin_of(struct slice text, size_t *ret_at)
{
    size_t at = slice_starts_with(text, SLICE_LIT("o=")) ? 0 : slice_find(text, SLICE_LIT("\no="));

    *ret_at = at < text.n && at ? at + 1 : at;
    struct slice line = slice_skip(text, *ret_at);
    line = slice_take(line, slice_find_char(line, '\n'));
    return slice_trim(slice_skip(line, 2));
}

static uint64_t version_of(struct slice text)
{
    size_t at;
    struct slice o = origin_of(text, &at);
    uint64_t v = 0;

    (void)sdp_token(&o); /* user */
    (void)sdp_token(&o); /* session id */
    return slice_to_u64(sdp_token(&o), &v) == 0 ? v : 0;
}

bool sdp_text_same(struct slice a, struct slice b)
{
    size_t a_at, b_at;
    struct slice a_origin = origin_of(a, &a_at), b_origin = origin_of(b, &b_at);

    if (!slice_eq(slice_take(a, a_at), slice_take(b, b_at)))
        return false;
    return slice_eq(slice_skip(a, a_at + 2 + a_origin.n), slice_skip(b, b_at + 2 + b_origin.n));
}

static void put_version(struct buf *b, const struct sdp_leg_plan *plan, uint64_t version)
{
    BUF_PUT_LIT(b, "v=0\r\no=- ");
    buf_put_u64(b, plan->session_id);
    buf_put_char(b, ' ');
    buf_put_u64(b, version);
    buf_put_char(b, ' ');
    put_connection(b, &plan->address);
}

void sdp_put_versioned(struct buf *b, const struct sdp_leg_plan *plan, sdp_body_fn *body,
                       const void *arg)
{
    const size_t start = b->n;
    uint64_t version = plan->last.n ? version_of(plan->last) : 1;

    put_version(b, plan, version);
    body(b, arg, plan);
    if (plan->last.n == 0 || b->overflow ||
        sdp_text_same(slice_skip(buf_slice(b), start), plan->last))
        return;
    b->n = start;
    put_version(b, plan, version + 1);
    body(b, arg, plan);
}

void sdp_put_session(struct buf *b, const struct sdp_leg_plan *plan, const struct sdp *bandwidth)
{
    BUF_PUT_LIT(b, "s=-\r\nc=");
    put_connection(b, &plan->address);
    for (size_t i = 0; bandwidth && i < bandwidth->bandwidth_count; i++) {
        BUF_PUT_LIT(b, "b=");
        buf_put_slice(b, bandwidth->bandwidth[i]);
        BUF_PUT_LIT(b, "\r\n");
    }
    BUF_PUT_LIT(b, "t=0 0\r\n");
}

void sdp_put_m_line(struct buf *b, struct slice kind, uint16_t port, const char *proto)
{
    BUF_PUT_LIT(b, "m=");
    buf_put_slice(b, kind);
    buf_put_char(b, ' ');
    buf_put_u64(b, port);
    buf_put_char(b, ' ');
    buf_put_str(b, proto);
}

void sdp_put_media_connection(struct buf *b, const struct sdp_leg_plan *plan,
                              const struct sdp_leg_media *lm)
{
    if (addr_family(&lm->rtp) == AF_UNSPEC || addr_host_eq(&lm->rtp, &plan->address))
        return;
    BUF_PUT_LIT(b, "c=");
    put_connection(b, &lm->rtp);
}

/* The name of the i-th m-line in a text of ours; or empty. */
static struct slice mid_in_text(struct slice text, size_t i)
{
    for (size_t at = slice_find(text, SLICE_LIT("\nm=")); at < text.n && i-- > 0;
         at = slice_find(text, SLICE_LIT("\nm=")))
        text = slice_skip(text, at + 1);
    text = slice_skip(text, slice_find(text, SLICE_LIT("\nm=")) + 1);
    text = slice_take(text, slice_find(text, SLICE_LIT("\nm=")));
    text = slice_skip(text, slice_find(text, SLICE_LIT("\na=mid:")) + 7);
    return slice_trim(slice_take(text, slice_find_char(text, '\n')));
}

/* A stream's name on its own leg: an answer repeats the offer's (RFC 5888 s.7), an offer our last
 * description's. New streams of a bundle get one. Or empty. */
static struct slice mid_of(const struct sdp_leg_plan *plan, size_t i, char room[8])
{
    if (plan->offer) {
        const struct sdp_attr *a = sdp_attr_find(plan->offer, &plan->offer->media[i], SDP_A_MID);
        return a ? sdp_attr_value(a) : SLICE_NONE;
    }
    struct slice mid = mid_in_text(plan->last, i);
    if (mid.n || !plan->media[i].bundled)
        return mid;
    struct buf b = buf_over(room, 8);
    buf_put_char(&b, 's'); /* a browser counts: its own names are numbers */
    buf_put_u64(&b, i);
    return buf_slice(&b);
}

static void put_mid(struct buf *b, struct slice mid)
{
    if (mid.n == 0)
        return;
    BUF_PUT_LIT(b, "a=mid:");
    buf_put_slice(b, mid);
    BUF_PUT_LIT(b, "\r\n");
}

/* An answer's group may hold only what the offer's did (RFC 8843 s.7.3). */
static bool is_grouped(const struct sdp_leg_plan *plan, size_t i)
{
    return plan->media[i].bundled &&
           (!plan->offer || sdp_bundle_owner(plan->offer, i, UINT32_MAX) >= 0);
}

static bool text_has_line(struct slice text, struct slice line)
{
    while (text.n) {
        if (slice_eq(slice_trim(slice_cut(&text, '\n')), line))
            return true;
    }
    return false;
}

/* What each m-line's text says of the session's message is the same (RFC 4567 s.3.2). */
static void put_session_keying(struct buf *b, struct slice text)
{
    while (text.n) {
        struct slice line = slice_trim(slice_cut(&text, '\n'));
        if (!slice_starts_with(line, SLICE_LIT(SESSION_KEY_MGMT)))
            continue;
        BUF_PUT_LIT(b, "a=key-mgmt:");
        buf_put_slice(b, slice_skip(line, sizeof(SESSION_KEY_MGMT) - 1));
        BUF_PUT_LIT(b, "\r\n");
        return;
    }
}

void sdp_put_session_transport(struct buf *b, const struct sdp_leg_plan *plan, unsigned live)
{
    struct slice keying = SLICE_NONE;
    bool grouped = false, lite = false;
    char room[8];

    for (size_t i = 0; i < plan->media_count; i++) {
        if (!(live & 1u << i))
            continue;
        if (slice_find(keying, SLICE_LIT(SESSION_KEY_MGMT)) == keying.n)
            keying = plan->media[i].keying;
        lite = lite || text_has_line(plan->media[i].keying, SLICE_LIT("a=ice-lite"));
        if (!is_grouped(plan, i))
            continue;
        if (!grouped)
            BUF_PUT_LIT(b, "a=group:BUNDLE");
        grouped = true;
        buf_put_char(b, ' ');
        buf_put_slice(b, mid_of(plan, i, room));
    }
    if (grouped)
        BUF_PUT_LIT(b, "\r\n");
    if (lite)
        BUF_PUT_LIT(b, "a=ice-lite\r\n");
    put_session_keying(b, keying);
}

static void put_rtcp(struct buf *b, const struct sdp_leg_media *lm)
{
    if (lm->rtcp_mux) {
        BUF_PUT_LIT(b, "a=rtcp-mux\r\n");
        return;
    }
    if (addr_family(&lm->rtcp) == AF_UNSPEC ||
        (addr_host_eq(&lm->rtp, &lm->rtcp) && addr_port(&lm->rtcp) == addr_port(&lm->rtp) + 1))
        return;
    BUF_PUT_LIT(b, "a=rtcp:");
    buf_put_u64(b, addr_port(&lm->rtcp));
    if (!addr_host_eq(&lm->rtp, &lm->rtcp)) {
        buf_put_char(b, ' ');
        put_connection(b, &lm->rtcp);
        return;
    }
    BUF_PUT_LIT(b, "\r\n");
}

/* Line by line, so that each ends in CRLF whatever the media role wrote. What is the session's has
 * been said there. */
static void put_keying(struct buf *b, struct slice text)
{
    while (text.n) {
        struct slice line = slice_trim(slice_cut(&text, '\n'));
        if (line.n == 0 || slice_eq(line, SLICE_LIT("a=rtcp-mux")) ||
            slice_eq(line, SLICE_LIT("a=ice-lite")) ||
            slice_starts_with(line, SLICE_LIT(SESSION_KEY_MGMT)) ||
            slice_starts_with(line, SLICE_LIT("a=rtcp:")))
            continue;
        buf_put_slice(b, line);
        BUF_PUT_LIT(b, "\r\n");
    }
}

void sdp_put_transport(struct buf *b, const struct sdp_leg_plan *plan, size_t i,
                       enum sdp_direction direction)
{
    const struct sdp_leg_media *lm = &plan->media[i];
    char room[8];

    BUF_PUT_LIT(b, "a=");
    buf_put_str(b, sdp_direction_name(direction));
    BUF_PUT_LIT(b, "\r\n");
    put_mid(b, mid_of(plan, i, room));
    put_rtcp(b, lm);
    put_keying(b, lm->keying);
}

void sdp_put_refused(struct buf *b, const struct sdp *d, const struct sdp_media *like)
{
    if (!like) {
        BUF_PUT_LIT(b, "m=audio 0 RTP/AVP 0\r\n");
        return;
    }
    BUF_PUT_LIT(b, "m=");
    buf_put_slice(b, like->kind_text);
    BUF_PUT_LIT(b, " 0 ");
    buf_put_slice(b, like->proto_text);
    buf_put_char(b, ' ');
    /* RFC 3264 s.6: the list means nothing, but the grammar wants one. */
    buf_put_slice(b, like->formats.n ? like->formats : SLICE_LIT("0"));
    BUF_PUT_LIT(b, "\r\n");
    const struct sdp_attr *mid = d ? sdp_attr_find(d, like, SDP_A_MID) : NULL;
    if (mid)
        put_mid(b, sdp_attr_value(mid));
}

enum sdp_direction sdp_leg_direction(const struct sdp_leg_plan *plan, size_t i,
                                     enum sdp_direction said)
{
    /* As bits: 1 we send, 2 we receive. */
    static const uint8_t bits[] = {
        [SDP_SENDRECV] = 3,
        [SDP_SENDONLY] = 1,
        [SDP_RECVONLY] = 2,
        [SDP_INACTIVE] = 0,
    };
    static const uint8_t from_bits[] = {SDP_INACTIVE, SDP_SENDONLY, SDP_RECVONLY, SDP_SENDRECV};
    const struct sdp_leg_media *lm = &plan->media[i];

    if (lm->direction_set)
        said = (enum sdp_direction)lm->direction;
    if (!plan->offer)
        return said;
    enum sdp_direction allowed =
        sdp_direction_mirror(sdp_direction_of(plan->offer, &plan->offer->media[i]));
    return (enum sdp_direction)from_bits[bits[said] & bits[allowed]];
}
