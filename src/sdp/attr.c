#include "sdp/attr.h"

/* Attribute names by their length: a name is compared with three or four others at most. Names are
 * case-sensitive (RFC 8866 s.5.13). */
struct attr_name {
    const char *name;
    uint16_t id;
};

// clang-format off
static const struct attr_name len3[] = {{"mid", SDP_A_MID}};
static const struct attr_name len4[] = {
    {"fmtp", SDP_A_FMTP}, {"rtcp", SDP_A_RTCP}, {"ssrc", SDP_A_SSRC}, {"msid", SDP_A_MSID},
    {"acap", SDP_A_ACAP}, {"tcap", SDP_A_TCAP}, {"pcfg", SDP_A_PCFG}, {"acfg", SDP_A_ACFG},
    {"csup", SDP_A_CSUP}, {"creq", SDP_A_CREQ}};
static const struct attr_name len5[] = {
    {"ptime", SDP_A_PTIME}, {"setup", SDP_A_SETUP}, {"group", SDP_A_GROUP}};
static const struct attr_name len6[] = {
    {"rtpmap", SDP_A_RTPMAP}, {"crypto", SDP_A_CRYPTO}, {"extmap", SDP_A_EXTMAP},
    {"tls-id", SDP_A_TLS_ID}};
static const struct attr_name len7[] = {
    {"rtcp-fb", SDP_A_RTCP_FB}, {"ice-pwd", SDP_A_ICE_PWD}};
static const struct attr_name len8[] = {
    {"sendrecv", SDP_A_SENDRECV}, {"sendonly", SDP_A_SENDONLY}, {"recvonly", SDP_A_RECVONLY},
    {"inactive", SDP_A_INACTIVE}, {"rtcp-mux", SDP_A_RTCP_MUX}, {"maxptime", SDP_A_MAXPTIME},
    {"ice-lite", SDP_A_ICE_LITE}, {"key-mgmt", SDP_A_KEY_MGMT}};
static const struct attr_name len9[] = {
    {"candidate", SDP_A_CANDIDATE}, {"ice-ufrag", SDP_A_ICE_UFRAG}, {"zrtp-hash", SDP_A_ZRTP_HASH}};
static const struct attr_name len10[] = {
    {"rtcp-rsize", SDP_A_RTCP_RSIZE},
    {"ssrc-group", SDP_A_SSRC_GROUP}, {"connection", SDP_A_CONNECTION},
    {"ice-pacing", SDP_A_ICE_PACING}, {"encryption", SDP_A_ENCRYPTION}};
static const struct attr_name len11[] = {
    {"fingerprint", SDP_A_FINGERPRINT}, {"ice-options", SDP_A_ICE_OPTIONS},
    {"bundle-only", SDP_A_BUNDLE_ONLY}};
static const struct attr_name len12[] = {{"ice-mismatch", SDP_A_ICE_MISMATCH}};
static const struct attr_name len13[] = {
    {"rtcp-mux-only", SDP_A_RTCP_MUX_ONLY}, {"msid-semantic", SDP_A_MSID_SEMANTIC}};
static const struct attr_name len17[] = {{"end-of-candidates", SDP_A_END_OF_CANDIDATES},
    {"remote-candidates", SDP_A_REMOTE_CANDIDATES}};
static const struct attr_name len18[] = {{"extmap-allow-mixed", SDP_A_EXTMAP_ALLOW_MIXED}};

#define ROW(t) {(t), ARRAY_LEN(t)}
static const struct {
    const struct attr_name *names;
    size_t n;
} by_length[] = {
    [3] = ROW(len3), [4] = ROW(len4), [5] = ROW(len5), [6] = ROW(len6), [7] = ROW(len7),
    [8] = ROW(len8), [9] = ROW(len9), [10] = ROW(len10), [11] = ROW(len11), [12] = ROW(len12),
    [13] = ROW(len13), [17] = ROW(len17),
    [18] = ROW(len18),
};
// clang-format on

enum sdp_attr_id sdp_attr_id_of(struct slice name)
{
    if (name.n >= ARRAY_LEN(by_length))
        return SDP_A_OTHER;
    const struct attr_name *t = by_length[name.n].names;
    for (size_t i = 0; i < by_length[name.n].n; i++) {
        if (t[i].name[0] == name.p[0] && t[i].name[name.n - 1] == name.p[name.n - 1] &&
            memcmp(t[i].name, name.p, name.n) == 0)
            return (enum sdp_attr_id)t[i].id;
    }
    return SDP_A_OTHER;
}

void sdp_attr_set(struct sdp_attr *a, struct slice line)
{
    size_t n = 0;

    while (n < line.n && line.p[n] != ':') /* names are too short for memchr to pay */
        n++;
    a->line = line.p;
    a->line_n = (uint16_t)line.n;
    a->name_n = (uint16_t)n;
    a->id = (uint16_t)sdp_attr_id_of((struct slice){line.p, n});
}

const struct sdp_attr *sdp_attrs(const struct sdp *d, const struct sdp_media *m, size_t *ret_n)
{
    *ret_n = m ? m->attr_count : d->attr_count;
    return m ? d->attrs + m->attr_first : d->attrs;
}

const struct sdp_attr *sdp_attr_find(const struct sdp *d, const struct sdp_media *m,
                                     enum sdp_attr_id id)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(d, m, &n);

    for (size_t i = 0; i < n; i++) {
        if (a[i].id == id)
            return &a[i];
    }
    return NULL;
}

const struct sdp_attr *sdp_attr_effective(const struct sdp *d, const struct sdp_media *m,
                                          enum sdp_attr_id id)
{
    const struct sdp_attr *a = m ? sdp_attr_find(d, m, id) : NULL;
    return a ? a : sdp_attr_find(d, NULL, id);
}

const struct sdp_attr *sdp_attr_find_name(const struct sdp *d, const struct sdp_media *m,
                                          struct slice name)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(d, m, &n);

    for (size_t i = 0; i < n; i++) {
        if (slice_eq(sdp_attr_name(&a[i]), name))
            return &a[i];
    }
    return NULL;
}

int sdp_attr_pt(struct slice *value)
{
    struct slice t = sdp_token(value);
    uint32_t pt = 0;

    return t.n <= 3 && slice_to_u32(t, &pt) == 0 && pt <= 127 ? (int)pt : -1;
}
