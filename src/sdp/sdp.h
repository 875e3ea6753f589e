/* Session descriptions (RFC 8866, and RFC 4566 before it), parsed without copying: every slice
 * points into the text, which must live as long as the description.
 *
 * The parser takes what real phones send: LF alone as a line end, a last line without one, s=, t=
 * or o= missing, c= at the media alone, several spaces, unknown lines. It is total: any input gives
 * OK or a verdict, for which sdp_verdict_why has a sentence. `struct sdp` is flat, about 8 KiB, and
 * not cleared by the parser: keep one as scratch (a worker's, or static in a test) on hot paths. */
#ifndef SOTTO_SDP_SDP_H
#define SOTTO_SDP_SDP_H

#include "base/addr.h"

/* Limits that a peer meets. One past each is a verdict, never a truncation. */
#define SDP_LEN_MAX 16384u /* bytes of one description */
#define SDP_MEDIA_MAX 8
#define SDP_FORMAT_MAX 64   /* formats of one m-line; browsers list about 45 for video */
#define SDP_ATTR_MAX 320    /* a= lines, all sections together */
#define SDP_BANDWIDTH_MAX 4 /* b= lines of one section */
#define SDP_CODEC_NAME_MAX 16

enum sdp_verdict {
    SDP_OK = 0,
    SDP_EMPTY,
    SDP_TOO_LONG,
    SDP_TOO_MANY_MEDIA,
    SDP_TOO_MANY_FORMATS,
    SDP_TOO_MANY_ATTRS,
    SDP_TOO_MANY_BANDWIDTHS,
    SDP_BAD_VERSION, /* does not begin with v=0 */
    SDP_BAD_LINE,    /* not letter, "=", value; or a NUL byte */
    SDP_BAD_MEDIA,   /* an m= line that cannot be read */
    SDP_BAD_CONNECTION,
    SDP_VERDICT_COUNT
};

enum sdp_kind { SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION, SDP_KIND_OTHER };

/* The first six in the order of the media role's enum media_proto. */
enum sdp_proto {
    SDP_AVP,
    SDP_AVPF,
    SDP_SAVP,
    SDP_SAVPF,
    SDP_UDP_TLS_SAVP,
    SDP_UDP_TLS_SAVPF,
    SDP_PROTO_OTHER,
    SDP_PROTO_COUNT
};

/* In the order of the media role's enum media_direction. */
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

// clang-format off
enum sdp_attr_id {
    SDP_A_OTHER = 0,
    SDP_A_RTPMAP, SDP_A_FMTP, SDP_A_PTIME, SDP_A_MAXPTIME, SDP_A_RTCP_FB, SDP_A_EXTMAP,
    SDP_A_RTCP_RSIZE,
    SDP_A_SENDRECV, SDP_A_SENDONLY, SDP_A_RECVONLY, SDP_A_INACTIVE,
    /* keying and transport of one leg: to the media role, see sdp/leg.h */
    SDP_A_CRYPTO, SDP_A_FINGERPRINT, SDP_A_SETUP, SDP_A_CONNECTION, SDP_A_TLS_ID, SDP_A_ZRTP_HASH,
    SDP_A_KEY_MGMT, SDP_A_ICE_UFRAG, SDP_A_ICE_PWD, SDP_A_ICE_OPTIONS, SDP_A_ICE_LITE,
    SDP_A_ICE_MISMATCH, SDP_A_ICE_PACING, SDP_A_CANDIDATE, SDP_A_END_OF_CANDIDATES,
    SDP_A_REMOTE_CANDIDATES, SDP_A_RTCP, SDP_A_RTCP_MUX, SDP_A_RTCP_MUX_ONLY,
    /* names and numbers that mean something on their own leg only, see sdp/leg.h */
    SDP_A_SSRC, SDP_A_SSRC_GROUP, SDP_A_MSID, SDP_A_MSID_SEMANTIC, SDP_A_MID, SDP_A_GROUP,
    SDP_A_BUNDLE_ONLY, SDP_A_EXTMAP_ALLOW_MIXED, SDP_A_ACAP, SDP_A_TCAP, SDP_A_PCFG, SDP_A_ACFG, SDP_A_CSUP, SDP_A_CREQ,
    SDP_A_ENCRYPTION,
    SDP_A_COUNT
};
// clang-format on

/* One a= line: "name" or "name:value" at `line`. */
struct sdp_attr {
    const char *line;
    uint16_t line_n;
    uint16_t name_n;
    uint16_t id; /* enum sdp_attr_id */
};

static inline struct slice sdp_attr_name(const struct sdp_attr *a)
{
    return (struct slice){a->line, a->name_n};
}

static inline struct slice sdp_attr_value(const struct sdp_attr *a)
{
    return slice_skip((struct slice){a->line, a->line_n}, (size_t)a->name_n + 1);
}

struct sdp_media {
    struct slice kind_text, proto_text; /* as they came */
    struct slice formats;               /* the text of the list, trimmed */
    struct slice connection;            /* c= of this section, "IN IP4 192.0.2.1"; or empty */
    struct slice title;                 /* i= */
    struct slice bandwidth[SDP_BANDWIDTH_MAX]; /* "AS:64" */
    uint16_t port;       /* 0: refused or gone; of a bundle-only one that of its bundle */
    uint16_t port_count; /* 1 where not said */
    uint16_t attr_first, attr_count; /* in struct sdp's attrs */
    uint8_t kind;                    /* enum sdp_kind */
    uint8_t proto;                   /* enum sdp_proto */
    uint8_t direction; /* enum sdp_direction as written here or, as default, at session level */
    uint8_t bandwidth_count;
    uint8_t pt_count; /* payload types, in order; 0 where a format is none (data channels) */
    uint8_t pt[SDP_FORMAT_MAX];
};

struct sdp {
    struct slice text;
    struct slice origin; /* o= value; empty where missing */
    struct slice name;   /* s= */
    struct slice timing; /* first t= */
    struct slice connection;
    struct slice bandwidth[SDP_BANDWIDTH_MAX];
    uint16_t attr_count; /* of the session: attrs[0 .. attr_count) */
    uint8_t bandwidth_count;
    uint8_t media_count;
    struct sdp_media media[SDP_MEDIA_MAX];
    struct sdp_attr attrs[SDP_ATTR_MAX];
};

/* 0 or enum sdp_verdict. *ret is defined only after 0. */
int sdp_parse(struct slice text, struct sdp *ret) MUST_CHECK;
const char *sdp_verdict_why(enum sdp_verdict v); /* a plain sentence */

/* The whole description again from its parsed form (round trips, tests). */
void sdp_print(struct buf *b, const struct sdp *d);

/* Attributes of media `m`, or of the session with m NULL. */
const struct sdp_attr *sdp_attrs(const struct sdp *d, const struct sdp_media *m, size_t *ret_n);
/* The first with this id in that section alone; NULL: none. */
const struct sdp_attr *sdp_attr_find(const struct sdp *d, const struct sdp_media *m,
                                     enum sdp_attr_id id);
/* The media's own, else the session's. */
const struct sdp_attr *sdp_attr_effective(const struct sdp *d, const struct sdp_media *m,
                                          enum sdp_attr_id id);
/* For attributes outside the enum. */
const struct sdp_attr *sdp_attr_find_name(const struct sdp *d, const struct sdp_media *m,
                                          struct slice name);

/* A payload type explained: by its rtpmap, or by RFC 3551's static table, because phones leave out the
 * rtpmap of 0, 8, 18. */
struct sdp_codec {
    uint8_t pt;
    uint8_t channels;
    uint16_t ptime; /* ms; a=ptime of the section; 0: not said */
    uint32_t clock;
    char name[SDP_CODEC_NAME_MAX]; /* encoding name, upper case */
};
/* False: unknown (dynamic without rtpmap, or a name of SDP_CODEC_NAME_MAX and more). */
bool sdp_codec_of(const struct sdp *d, const struct sdp_media *m, uint8_t pt,
                  struct sdp_codec *ret) MUST_CHECK;
/* All of the m-line in its order; unknown ones are left out. At most `cap`; returns how many. */
size_t sdp_codecs(const struct sdp *d, const struct sdp_media *m, struct sdp_codec *dst,
                  size_t cap);
struct slice sdp_fmtp(const struct sdp *d, const struct sdp_media *m, uint8_t pt); /* or empty */
uint16_t sdp_ptime(const struct sdp *d, const struct sdp_media *m);                /* 0: not said */

/* Where the peer wants RTP and RTCP (c= of media or session; a=rtcp, RFC 3605; rtcp-mux: the same
 * as RTP; else the next port). False: nowhere (port 0, 0.0.0.0 or ::, a host name, no c=). */
bool sdp_rtp_addr(const struct sdp *d, const struct sdp_media *m, struct addr *ret) MUST_CHECK;
bool sdp_rtcp_addr(const struct sdp *d, const struct sdp_media *m, struct addr *ret) MUST_CHECK;
bool sdp_rtcp_mux(const struct sdp *d, const struct sdp_media *m);
/* The direction that is meant: a zero connection address (RFC 2543's hold) turns sendrecv into
 * sendonly and recvonly into inactive. With ICE it means only that candidates are still to come
 * (RFC 8840 s.4.1.1). */
enum sdp_direction sdp_direction_of(const struct sdp *d, const struct sdp_media *m);
bool sdp_is_held(const struct sdp *d, const struct sdp_media *m); /* the peer wants no media */
enum sdp_direction sdp_direction_mirror(enum sdp_direction x);    /* sendonly <-> recvonly */

/* BUNDLE (RFC 8843): the m-line whose transport m-line i shares, of those in `mask`: the first of
 * its group, which may be i itself. -1: i is in no group, or not in the mask. */
int sdp_bundle_owner(const struct sdp *d, size_t i, unsigned mask);

const char *sdp_direction_name(enum sdp_direction x);
const char *sdp_proto_name(enum sdp_proto p); /* SDP_PROTO_OTHER: "RTP/AVP" */
static inline bool sdp_proto_is_secure(enum sdp_proto p)
{
    return p >= SDP_SAVP && p <= SDP_UDP_TLS_SAVPF;
}
static inline bool sdp_proto_is_feedback(enum sdp_proto p)
{
    return p == SDP_AVPF || p == SDP_SAVPF || p == SDP_UDP_TLS_SAVPF;
}

#endif
