/* What an m-line means: codecs, addresses, direction. */
#include "sdp/attr.h"

/* RFC 3551 s.6, tables 4 and 5. G722's clock is 8000 by an old error that stays. */
static const char *const static_rtpmap[] = {
    [0] = "PCMU/8000",    [3] = "GSM/8000",    [4] = "G723/8000",   [5] = "DVI4/8000",
    [6] = "DVI4/16000",   [7] = "LPC/8000",    [8] = "PCMA/8000",   [9] = "G722/8000",
    [10] = "L16/44100/2", [11] = "L16/44100",  [12] = "QCELP/8000", [13] = "CN/8000",
    [14] = "MPA/90000",   [15] = "G728/8000",  [16] = "DVI4/11025", [17] = "DVI4/22050",
    [18] = "G729/8000",   [25] = "CelB/90000", [26] = "JPEG/90000", [28] = "nv/90000",
    [31] = "H261/90000",  [32] = "MPV/90000",  [33] = "MP2T/90000", [34] = "H263/90000",
};

const char *sdp_static_rtpmap(uint8_t pt)
{
    return pt < ARRAY_LEN(static_rtpmap) ? static_rtpmap[pt] : NULL;
}

bool sdp_rtpmap_parse(struct slice map, struct sdp_codec *ret)
{
    map = slice_trim(map);
    struct slice name = slice_trim(slice_cut(&map, '/'));
    struct slice clock = slice_trim(slice_cut(&map, '/'));
    uint32_t channels = 1;

    if (name.n == 0 || name.n >= sizeof(ret->name) || slice_to_u32(clock, &ret->clock) != 0 ||
        ret->clock == 0)
        return false;
    /* For video the third part is not channels; a phone that writes nonsense there means 1. */
    if (slice_to_u32(slice_trim(map), &channels) != 0 || channels == 0 || channels > 255)
        channels = 1;
    ret->channels = (uint8_t)channels;
    memset(ret->name, 0, sizeof(ret->name));
    for (size_t i = 0; i < name.n; i++)
        ret->name[i] = (char)(name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] - 32 : name.p[i]);
    return true;
}

/* rtpmap: the attribute's part behind the payload type; .n 0: none. */
static bool codec_fill(uint8_t pt, struct slice rtpmap, uint16_t ptime, struct sdp_codec *ret)
{
    struct sdp_codec c = {.pt = pt, .ptime = ptime};

    if (rtpmap.n == 0)
        rtpmap = slice_from_str(sdp_static_rtpmap(pt));
    if (!sdp_rtpmap_parse(rtpmap, &c))
        return false;
    *ret = c;
    return true;
}

/* The part behind the payload type of the first such attribute; or empty. */
static struct slice pt_attr(const struct sdp *d, const struct sdp_media *m, enum sdp_attr_id id,
                            uint8_t pt)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(d, m, &n);

    for (size_t i = 0; i < n; i++) {
        if (a[i].id != id)
            continue;
        struct slice value = sdp_attr_value(&a[i]);
        if (sdp_attr_pt(&value) == pt)
            return slice_trim(value);
    }
    return SLICE_NONE;
}

bool sdp_codec_of(const struct sdp *d, const struct sdp_media *m, uint8_t pt, struct sdp_codec *ret)
{
    return codec_fill(pt, pt_attr(d, m, SDP_A_RTPMAP, pt), sdp_ptime(d, m), ret);
}

size_t sdp_codecs(const struct sdp *d, const struct sdp_media *m, struct sdp_codec *dst, size_t cap)
{
    /* By payload type, index + 1: a browser's 45 formats need one pass, not 45. */
    uint16_t maps[128] = {0};
    size_t n, count = 0;
    const struct sdp_attr *a = sdp_attrs(d, m, &n);
    uint16_t ptime = sdp_ptime(d, m);

    for (size_t i = 0; i < n; i++) {
        if (a[i].id != SDP_A_RTPMAP)
            continue;
        struct slice value = sdp_attr_value(&a[i]);
        int pt = sdp_attr_pt(&value);
        if (pt >= 0 && maps[pt] == 0)
            maps[pt] = (uint16_t)(i + 1);
    }
    for (size_t i = 0; i < m->pt_count && count < cap; i++) {
        struct slice map = SLICE_NONE;
        if (maps[m->pt[i]]) {
            map = sdp_attr_value(&a[maps[m->pt[i]] - 1]);
            (void)sdp_attr_pt(&map);
        }
        if (codec_fill(m->pt[i], map, ptime, &dst[count]))
            count++;
    }
    return count;
}

struct slice sdp_fmtp(const struct sdp *d, const struct sdp_media *m, uint8_t pt)
{
    return pt_attr(d, m, SDP_A_FMTP, pt);
}

uint16_t sdp_ptime(const struct sdp *d, const struct sdp_media *m)
{
    const struct sdp_attr *a = sdp_attr_effective(d, m, SDP_A_PTIME);
    uint32_t ms = 0;

    if (!a)
        return 0;
    /* "20.0" has been seen; the whole part says it. */
    struct slice value = slice_trim(sdp_attr_value(a));
    return slice_to_u32(slice_cut(&value, '.'), &ms) == 0 && ms <= 1000 ? (uint16_t)ms : 0;
}

/* The address of "IN IP4 192.0.2.1/127"; rest: what stands behind the network type. */
static bool host_parse(struct slice rest, uint16_t port, struct addr *ret)
{
    (void)sdp_token(&rest); /* IP4 or IP6: the address itself says which */
    struct slice host = sdp_token(&rest);
    return addr_parse(slice_cut(&host, '/'), port, ret) == 0;
}

static bool connection_addr(const struct sdp *d, const struct sdp_media *m, struct addr *ret)
{
    struct slice c = m->connection.n ? m->connection : d->connection;

    (void)sdp_token(&c); /* IN */
    return host_parse(c, m->port, ret);
}

bool sdp_rtp_addr(const struct sdp *d, const struct sdp_media *m, struct addr *ret)
{
    struct addr a;

    if (m->port == 0 || !connection_addr(d, m, &a) || addr_is_any(&a))
        return false;
    *ret = a;
    return true;
}

bool sdp_rtcp_mux(const struct sdp *d, const struct sdp_media *m)
{
    return sdp_attr_find(d, m, SDP_A_RTCP_MUX) || sdp_attr_find(d, m, SDP_A_RTCP_MUX_ONLY);
}

/* a=rtcp:53020 or a=rtcp:53020 IN IP4 192.0.2.1 (RFC 3605 s.2.1). False: there is none. */
static bool rtcp_attr(const struct sdp *d, const struct sdp_media *m, struct addr *a)
{
    const struct sdp_attr *attr = sdp_attr_find(d, m, SDP_A_RTCP);
    uint32_t port = 0;

    if (!attr)
        return false;
    struct slice rest = sdp_attr_value(attr);
    if (slice_to_u32(sdp_token(&rest), &port) != 0 || port == 0 || port > UINT16_MAX)
        return false;
    addr_set_port(a, (uint16_t)port);
    struct addr own;
    if (sdp_token(&rest).n && host_parse(rest, (uint16_t)port, &own) && !addr_is_any(&own))
        *a = own;
    return true;
}

bool sdp_rtcp_addr(const struct sdp *d, const struct sdp_media *m, struct addr *ret)
{
    struct addr a;

    if (!sdp_rtp_addr(d, m, &a))
        return false;
    if (!sdp_rtcp_mux(d, m) && !rtcp_attr(d, m, &a)) {
        if (m->port == UINT16_MAX)
            return false;
        addr_set_port(&a, (uint16_t)(m->port + 1));
    }
    *ret = a;
    return true;
}

/* [with a zero address][as written] */
static const uint8_t direction_meant[2][4] = {
    {SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE},
    {SDP_SENDONLY, SDP_SENDONLY, SDP_INACTIVE, SDP_INACTIVE},
};

enum sdp_direction sdp_direction_of(const struct sdp *d, const struct sdp_media *m)
{
    struct addr a;
    bool zero =
        connection_addr(d, m, &a) && addr_is_any(&a) && !sdp_attr_effective(d, m, SDP_A_ICE_UFRAG);

    return (enum sdp_direction)direction_meant[zero][m->direction];
}

bool sdp_is_held(const struct sdp *d, const struct sdp_media *m)
{
    enum sdp_direction x = sdp_direction_of(d, m);
    return x == SDP_SENDONLY || x == SDP_INACTIVE;
}

enum sdp_direction sdp_direction_mirror(enum sdp_direction x)
{
    static const uint8_t mirror[] = {
        [SDP_SENDRECV] = SDP_SENDRECV,
        [SDP_SENDONLY] = SDP_RECVONLY,
        [SDP_RECVONLY] = SDP_SENDONLY,
        [SDP_INACTIVE] = SDP_INACTIVE,
    };
    return (enum sdp_direction)mirror[x];
}

const char *sdp_direction_name(enum sdp_direction x)
{
    static const char *const names[] = {
        [SDP_SENDRECV] = "sendrecv",
        [SDP_SENDONLY] = "sendonly",
        [SDP_RECVONLY] = "recvonly",
        [SDP_INACTIVE] = "inactive",
    };
    return names[x];
}
