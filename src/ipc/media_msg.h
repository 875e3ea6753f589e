/* What signalling asks of the media role, and what it is told. An *endpoint* is one RTP stream of
 * one leg: our port pair, the peer's address, keys in both directions. Endpoints are connected in
 * pairs (relay) or to a built-in source (echo, tone, clock).
 *
 * One request may carry several operations, done in the order of their bits, all on one endpoint,
 * so that a call needs few messages. Requests are answered in order, by `req`. Keying text (SDP
 * attribute lines: crypto, fingerprint, setup, zrtp-hash, key-mgmt, ice-*, candidate, rtcp-mux)
 * passes through signalling unread: keying is the media role's.
 *
 * Requests may be sent again after a restart of the media role: opening with the same (call, leg,
 * stream) gives the same endpoint.
 *
 * Where the media role has several workers, each has a channel of its own; a call and all its endpoints
 * are one worker's, and no two workers have one endpoint's number. */
#ifndef SOTTO_IPC_MEDIA_MSG_H
#define SOTTO_IPC_MEDIA_MSG_H

#include "base/addr.h"
#include "base/protection.h"
#include "base/slice.h"

#define MEDIA_WHY_MAX 160
#define MEDIA_TEXT_MAX 8192 /* keying attribute lines, "a=…\r\n" each */
#define MEDIA_CODEC_MAX 24
#define MEDIA_CODEC_NAME_MAX 16
#define MEDIA_SSRC_MAX 8   /* of a bundled m-line's streams */
#define MEDIA_BUNDLE_MAX 7 /* m-lines that share the transport of another */

/* The media role's workers: processes, each with ports and endpoints of its own. */
#define MEDIA_WORKERS_MAX 16
#define MEDIA_WORKER_PORTS_MIN 256 /* ports of the range for each, where there are several */

enum media_msg_type {
    MEDIA_MSG_REQUEST = 0x100, /* struct media_request, as media_request_take reads it */
    MEDIA_MSG_REPLY,           /* struct media_reply, text_n bytes of text behind it */
    MEDIA_MSG_EVENT,           /* struct media_event */
    MEDIA_MSG_SWEEP_BEGIN,     /* signal restarted: endpoints not named by KEEP are closed … */
    MEDIA_MSG_KEEP,            /* uint64_t endpoint */
    MEDIA_MSG_SWEEP_END,       /* … now */
    MEDIA_MSG_ZRTP_ID,         /* struct media_zrtp_id; signal's first word on a channel */
    MEDIA_MSG_ZRTP_FIND,       /* struct media_zrtp: media asks what is kept of that peer … */
    MEDIA_MSG_ZRTP_FOUND,      /* the same, filled in */
    MEDIA_MSG_ZRTP_SAVE,       /* the same: media asks to keep it */
};

enum media_op {
    MEDIA_OP_OPEN = 1 << 0,    /* ports; sets ret endpoint */
    MEDIA_OP_CHECK = 1 << 1,   /* with REMOTE: judge only, change nothing */
    MEDIA_OP_REMOTE = 1 << 2,  /* the peer's description: an offer or an answer */
    MEDIA_OP_LOCAL = 1 << 3,   /* text for our offer (or a re-offer) */
    MEDIA_OP_CONNECT = 1 << 4, /* source and destination of this endpoint's media */
    MEDIA_OP_CLOSE = 1 << 5,
    MEDIA_OP_EVENT = 1 << 6,    /* send a telephone event to the peer (RFC 4733) */
    MEDIA_OP_ANNOUNCE = 1 << 7, /* a short sound to the peer that tells of protection */
    MEDIA_OP_VERIFY = 1 << 8,   /* people have compared ZRTP's SAS of this leg */
    MEDIA_OP_INFO = 1 << 9      /* its phone takes digits by SIP INFO: as with REMOTE and `info` */
};

enum media_mode {
    MEDIA_MODE_NONE,
    MEDIA_MODE_RELAY,
    MEDIA_MODE_ECHO,
    MEDIA_MODE_TONE,
    MEDIA_MODE_CLOCK
};

enum media_announcement {
    MEDIA_ANNOUNCE_NONE,  /* neither leg is protected, or not the one that hears this */
    MEDIA_ANNOUNCE_YOURS, /* only the leg that hears this */
    MEDIA_ANNOUNCE_BOTH,
    MEDIA_ANNOUNCE_COUNT
};

/* SDP's direction as the peer described itself. */
enum media_direction { MEDIA_SENDRECV, MEDIA_SENDONLY, MEDIA_RECVONLY, MEDIA_INACTIVE };

/* m= line's transport. */
enum media_proto {
    MEDIA_PROTO_AVP,
    MEDIA_PROTO_AVPF,
    MEDIA_PROTO_SAVP,
    MEDIA_PROTO_SAVPF,
    MEDIA_PROTO_UDP_TLS_SAVP,
    MEDIA_PROTO_UDP_TLS_SAVPF,
    MEDIA_PROTO_COUNT
};

struct media_codec {
    uint8_t pt;
    uint8_t channels;
    uint16_t ptime; /* ms; 0: not said */
    uint32_t clock;
    char name[MEDIA_CODEC_NAME_MAX]; /* encoding name as in rtpmap, upper case */
    bool allowed;     /* by the leg's policy; with `transcode` others count as not there */
    bool fec, cbr;    /* Opus' fmtp (RFC 7587 s.6.1) … */
    uint32_t bitrate; /* … maxaveragebitrate; 0: not said */
};

struct media_policy {
    uint8_t protection; /* enum protection_policy */
    uint8_t keying_count;
    uint8_t suite_count;
    uint8_t keyings[KEYING_COUNT];    /* enum keying_kind, best first */
    uint8_t suites[SRTP_SUITE_COUNT]; /* enum srtp_suite, best first */
    /* Of this phone; struct keying_policy. */
    uint8_t crypto_max;
    bool no_aes256, aes_cm_256, gcm;
};

/* Bits 1 << enum keying_kind. */
static inline unsigned media_policy_kinds(const struct media_policy *p)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < p->keying_count; i++)
        kinds |= 1u << p->keyings[i];
    return kinds;
}

#define MEDIA_PSK_MAX 64
#define MEDIA_NAME_MAX 320 /* "user@domain", with its NUL */

/* What MIKEY asks of a leg (REMOTE and LOCAL). Holds a key: wipe it. */
struct media_mikey {
    bool clear_allowed; /* signalling is encrypted: a key may stand in the description in clear */
    bool cert_required; /* not this: it must be under certificates */
    uint8_t psk_n;      /* bytes of the user's pre-shared key; 0: none */
    uint8_t psk[MEDIA_PSK_MAX];
    char self[MEDIA_NAME_MAX], peer[MEDIA_NAME_MAX]; /* our domain; the user, "1000@example.org" */
};

/* Sent without the end that says nothing (media_request_size): what each operation needs stands first. */
struct media_request {
    uint32_t req;      /* echoed in the reply */
    uint32_t ops;      /* enum media_op */
    uint32_t size;     /* bytes of this struct that were sent; the rest is zero */
    uint32_t text_n;   /* bytes of text behind them */
    uint64_t endpoint; /* ignored with OPEN */

    /* OPEN */
    uint64_t call;
    uint16_t leg;
    uint16_t stream;   /* m-line */
    uint16_t bundle;   /* 1 + the stream of this leg whose transport it shares; 0: its own */
    struct addr local; /* address to bind; its port is ignored */
    /* With ICE also: of the other IP version, where the settings name none; family 0: none */
    struct addr other;

    /* CONNECT */
    uint8_t mode;  /* enum media_mode */
    uint64_t peer; /* RELAY: the other endpoint; it is connected back to this one too */

    /* EVENT */
    uint8_t event;     /* RFC 4733 s.3.2 */
    uint16_t event_ms; /* 0: as long as a digit usually is */

    /* ANNOUNCE */
    uint8_t announcement; /* enum media_announcement */

    /* VERIFY */
    bool verified; /* it was equal; false: taken back */

    /* REMOTE and LOCAL */
    struct media_policy policy;
    bool
        is_offer; /* REMOTE: the text is the peer's offer (answer text comes back), or its answer */
    uint8_t proto;     /* enum media_proto; LOCAL: ignored, the reply says which */
    uint8_t direction; /* enum media_direction, as the peer said */
    bool rtcp_mux;     /* REMOTE: peer offers or accepts it. LOCAL: offer it */
    bool ice;          /* LOCAL: offer it; an offer that brings it is answered with it anyway */
    uint8_t path; /* enum media_path. RELAY: keying ends here. PASS: the phones' keying text crosses
                     from leg to leg, and their packets are relayed as they are; text that comes
                     back is ICE's alone, `proto` is not said. DIRECT: the packets do not come here
                     either; the endpoint judges descriptions and keeps the record */
    struct addr remote_rtp, remote_rtcp; /* family 0: none (held with 0.0.0.0, port 0) */
    struct addr
        signalling; /* where the leg's SIP comes from: a phone behind a NAT is there, whatever
                               its description says; family 0: not known */
    bool transcode; /* REMOTE: what the other endpoint has not may be converted; both must say so */
    bool
        info; /* REMOTE: the phone takes digits by SIP INFO. Where it takes no events, and both may be
                  converted, the other's digits are told (MEDIA_EVENT_DIGIT). Not taken back */
    uint8_t codec_count, ssrc_count;
    uint32_t ssrcs[MEDIA_SSRC_MAX];             /* a=ssrc: tells the streams of a bundle apart */
    struct media_codec codecs[MEDIA_CODEC_MAX]; /* in the peer's order */
    struct media_mikey mikey;                   /* where the policy has MIKEY */
};

static inline size_t media_request_size(const struct media_request *rq)
{
    if (!(rq->ops & (MEDIA_OP_REMOTE | MEDIA_OP_LOCAL)))
        return offsetof(struct media_request, policy);
    if (media_policy_kinds(&rq->policy) & 1u << KEYING_MIKEY)
        return sizeof(*rq);
    return offsetof(struct media_request, codecs) + rq->codec_count * sizeof(rq->codecs[0]);
}

/* What came; the text stays where it is. False: it is not whole. */
static inline bool media_request_take(const void *payload, size_t n, struct media_request *ret,
                                      struct slice *ret_text)
{
    static const size_t head = offsetof(struct media_request, policy);
    if (n < head)
        return false;
    memcpy(ret, payload, head);
    if (ret->size < head || ret->size > sizeof(*ret) || ret->text_n > MEDIA_TEXT_MAX ||
        n != (size_t)ret->size + ret->text_n)
        return false;
    memcpy((char *)ret + head, (const char *)payload + head, ret->size - head);
    memset((char *)ret + ret->size, 0, sizeof(*ret) - ret->size);
    *ret_text = slice_from((const char *)payload + ret->size, ret->text_n);
    return true;
}

enum media_status {
    MEDIA_STATUS_OK = 0,
    MEDIA_STATUS_NO_PORTS,      /* 503 */
    MEDIA_STATUS_NO_ENDPOINT,   /* unknown handle */
    MEDIA_STATUS_NOT_ENCRYPTED, /* 488: the peer offers no encryption, the policy requires it */
    MEDIA_STATUS_ENCRYPTION_REFUSED, /* 488: the peer insists on encryption, the policy says off */
    MEDIA_STATUS_NO_COMMON_SUITE,    /* 488 */
    MEDIA_STATUS_NO_COMMON_KEYING,   /* 488 */
    MEDIA_STATUS_BAD_TEXT,           /* 488: keying lines that cannot be read, or a wrong answer */
    MEDIA_STATUS_DOWNGRADE,          /* 488: was encrypted, now would not be */
    MEDIA_STATUS_FAILED,             /* 500: no memory and the like */
    MEDIA_STATUS_NO_EVENTS           /* EVENT: the peer has no number for telephone events */
};

struct media_reply {
    uint32_t req;
    uint8_t status; /* enum media_status */
    uint8_t proto;  /* enum media_proto for our description */
    bool rtcp_mux;  /* our description says rtcp-mux */
    uint64_t endpoint;
    struct addr local_rtp, local_rtcp;
    struct media_protection protection;
    char why[160];   /* a plain sentence where status is not OK */
    uint32_t text_n; /* attribute lines for our answer (REMOTE with offer) or offer (LOCAL) */
};

enum media_event_kind {
    MEDIA_EVENT_SECURE,  /* protection changed: keys are in use */
    MEDIA_EVENT_TIMEOUT, /* nothing authentic came for rtp_timeout */
    MEDIA_EVENT_FAILED,  /* keying failed; `fault`, `why` */
    MEDIA_EVENT_DIGIT    /* for the endpoint's phone, by SIP INFO: `digit`, `digit_ms` */
};

struct media_event {
    uint64_t endpoint, call;
    uint16_t leg, stream;
    uint8_t kind;  /* enum media_event_kind */
    uint8_t fault; /* enum keying_fault */
    uint8_t digit; /* RFC 4733 s.3.2 */
    uint16_t digit_ms;
    struct media_protection protection;
    char why[MEDIA_WHY_MAX];
};

enum media_ice_state {
    MEDIA_ICE_NONE,      /* not spoken here */
    MEDIA_ICE_CHECKING,  /* the peer has nominated no way to it yet: nothing is sent */
    MEDIA_ICE_CONNECTED, /* `remote` is the way it chose */
    MEDIA_ICE_LOST,      /* its checks have ceased */
    MEDIA_ICE_STATE_COUNT
};

#define MEDIA_ZID_LEN 12
#define MEDIA_ZRTP_SECRETS 3
#define MEDIA_ZRTP_SECRET_LEN 32

struct media_zrtp_id {
    uint8_t zid[MEDIA_ZID_LEN];
};

/* What is kept of a ZRTP peer between calls (RFC 6189 s.3.1.1). Holds keys: wipe it. */
struct media_zrtp {
    uint64_t endpoint, call;
    uint8_t zid[MEDIA_ZID_LEN];
    uint8_t verified;
    uint8_t has[MEDIA_ZRTP_SECRETS]; /* rs1, rs2, pbxsecret: 1 where there is one */
    uint8_t secret[MEDIA_ZRTP_SECRETS][MEDIA_ZRTP_SECRET_LEN];
};

/* Counters of one endpoint: a memfd that the media role writes and others map read-only; the
 * index is the endpoint's low 32 bits, whichever worker it is of. A row is of the endpoint that it names. */
struct media_stats {
    uint64_t endpoint; /* 0: free */
    uint64_t rx_packets, rx_bytes, rx_lost, rx_auth_failures, rx_replayed, rx_clear_dropped;
    uint64_t rx_clear_rtcp;   /* clear RTCP beside SRTP: counted, dropped */
    uint64_t rx_foreign;      /* from an address that may not send here, or before the answer */
    uint64_t rx_stun_refused; /* checks without our credentials: no answer */
    uint64_t tx_packets, tx_bytes;
    uint64_t last_rx_ms; /* CLOCK_MONOTONIC */
    struct addr remote;  /* as learned */
    struct addr
        local; /* ours of the pair, where it is not the one that descriptions say; else family 0 */
    struct media_protection protection;
    char codec[MEDIA_CODEC_NAME_MAX]; /* of the last packet received */
    uint8_t ice;                      /* enum media_ice_state */
};

#endif
