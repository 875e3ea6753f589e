/* SIP messages (RFC 3261 s.7 and s.25), parsed without copying: every slice points into the input,
 * which must live as long as the message. One pass finds the start line and the headers; the few
 * that every message needs (top Via, From, To, Call-ID, CSeq) are parsed with it, all others when
 * they are asked for.
 *
 * A message is framed by its Content-Length on streams (sip_msg_frame) and by the datagram
 * otherwise. The parser is total: any input gives OK or a verdict with a sentence in `error`. */
#ifndef SOTTO_SIP_MSG_H
#define SOTTO_SIP_MSG_H

#include "sip/uri.h"

/* Limits that a peer meets. One past each is an error, never a truncation. */
#define SIP_MSG_MAX 65535u  /* bytes of one message, head and body */
#define SIP_HEAD_MAX 32768u /* bytes up to and with the blank line */
#define SIP_HDR_MAX 128     /* header lines */
#define SIP_LINE_MAX 8192u  /* bytes of one header, folds included */

// clang-format off
enum sip_method {
    SIP_INVITE, SIP_ACK, SIP_BYE, SIP_CANCEL, SIP_REGISTER, SIP_OPTIONS, SIP_INFO, SIP_PRACK,
    SIP_UPDATE, SIP_SUBSCRIBE, SIP_NOTIFY, SIP_REFER, SIP_MESSAGE, SIP_PUBLISH,
    SIP_METHOD_OTHER
};

enum sip_hdr_id {
    SIP_HDR_OTHER = 0,
    SIP_HDR_ACCEPT, SIP_HDR_ALERT_INFO, SIP_HDR_ALLOW, SIP_HDR_ALLOW_EVENTS,
    SIP_HDR_AUTHENTICATION_INFO, SIP_HDR_AUTHORIZATION, SIP_HDR_CALL_ID, SIP_HDR_CALL_INFO,
    SIP_HDR_CONTACT, SIP_HDR_CONTENT_DISPOSITION, SIP_HDR_CONTENT_ENCODING,
    SIP_HDR_CONTENT_LENGTH, SIP_HDR_CONTENT_TYPE, SIP_HDR_CSEQ, SIP_HDR_DATE, SIP_HDR_DIVERSION,
    SIP_HDR_EVENT, SIP_HDR_EXPIRES, SIP_HDR_FROM, SIP_HDR_HISTORY_INFO, SIP_HDR_IN_REPLY_TO,
    SIP_HDR_MAX_FORWARDS, SIP_HDR_MIME_VERSION, SIP_HDR_MIN_EXPIRES, SIP_HDR_MIN_SE,
    SIP_HDR_ORGANIZATION, SIP_HDR_P_ASSERTED_IDENTITY, SIP_HDR_P_PREFERRED_IDENTITY, SIP_HDR_PATH,
    SIP_HDR_PRIORITY, SIP_HDR_PRIVACY, SIP_HDR_PROXY_AUTHENTICATE, SIP_HDR_PROXY_AUTHORIZATION,
    SIP_HDR_PROXY_REQUIRE, SIP_HDR_RACK, SIP_HDR_REASON, SIP_HDR_RECORD_ROUTE, SIP_HDR_REFER_TO,
    SIP_HDR_REFERRED_BY, SIP_HDR_REPLACES, SIP_HDR_REPLY_TO, SIP_HDR_REQUIRE, SIP_HDR_RETRY_AFTER,
    SIP_HDR_ROUTE, SIP_HDR_RSEQ, SIP_HDR_SERVER, SIP_HDR_SERVICE_ROUTE, SIP_HDR_SESSION_EXPIRES,
    SIP_HDR_SUBJECT, SIP_HDR_SUBSCRIPTION_STATE, SIP_HDR_SUPPORTED, SIP_HDR_TIMESTAMP, SIP_HDR_TO,
    SIP_HDR_UNSUPPORTED, SIP_HDR_USER_AGENT, SIP_HDR_VIA, SIP_HDR_WARNING,
    SIP_HDR_WWW_AUTHENTICATE,
    SIP_HDR_ID_COUNT
};
// clang-format on

struct sip_hdr {
    enum sip_hdr_id id;
    int16_t next;       /* index of the next header with this id, or -1 */
    struct slice name;  /* as it came */
    struct slice value; /* trimmed; may hold folds (CRLF and white space) */
};

struct sip_via {
    struct slice raw;       /* this one element */
    struct slice transport; /* "UDP", as it came */
    struct slice host;      /* IPv6 with its brackets */
    uint16_t port;          /* 0: absent */
    struct slice params;
    struct slice branch;
    struct slice received;
    bool rport;               /* present */
    struct slice rport_value; /* empty: without a value; p is where one goes */
};

struct sip_addr {         /* name-addr or addr-spec with header parameters */
    struct slice display; /* as it came, quotes included */
    struct sip_uri uri;
    struct slice params; /* header parameters, without the first ';' */
    bool is_star;        /* Contact: * */
};

struct sip_msg {
    struct slice raw;  /* head and body */
    struct slice head; /* start line to blank line, blank line included */
    struct slice body;

    bool is_request;
    enum sip_method method; /* a response's: its CSeq's */
    struct slice method_name;
    struct slice ruri_raw;
    struct sip_uri ruri; /* requests whose URI parses; else scheme OTHER with raw alone */
    uint16_t status;     /* responses */
    struct slice reason;

    struct sip_via via; /* top one */
    struct sip_addr from, to;
    struct slice from_tag, to_tag; /* empty: absent */
    struct slice call_id;
    uint32_t cseq;
    uint32_t content_length;
    bool has_content_length;

    const char *error;               /* a sentence, set by a verdict other than OK */
    int16_t first[SIP_HDR_ID_COUNT]; /* index of the first header with this id, or -1 */
    int16_t hdr_count;
    struct sip_hdr hdrs[SIP_HDR_MAX];
};

enum sip_parse_verdict {
    SIP_PARSE_OK = 0,
    SIP_PARSE_BAD,         /* a SIP message with a fault. Where top Via, From, To, Call-ID and CSeq
                              could be read (sip_msg_can_answer), a request is answered 400 */
    SIP_PARSE_BAD_VERSION, /* answer 505 */
    SIP_PARSE_NOT_SIP      /* not SIP at all: dropped in silence */
};

/* `in` is one whole datagram or frame. enum sip_parse_verdict. */
int sip_msg_parse(struct slice in, struct sip_msg *ret) MUST_CHECK;
bool sip_msg_can_answer(const struct sip_msg *m);

/* Framing on a stream. Leading CRLFs are skipped and counted. 0: *ret_n bytes from *ret_skip are
 * one message. SIP_FRAME_MORE: read on. Others: the connection cannot be framed any more. */
enum sip_frame_verdict { SIP_FRAME_OK = 0, SIP_FRAME_MORE, SIP_FRAME_TOO_LARGE, SIP_FRAME_BAD };
int sip_msg_frame(struct slice in, size_t *ret_skip, size_t *ret_n) MUST_CHECK;

/* The first header with this id, or NULL; then the next one. */
const struct sip_hdr *sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id);
const struct sip_hdr *sip_msg_hdr_next(const struct sip_msg *m, const struct sip_hdr *h);
/* Value of the first one, or an empty slice with p == NULL. */
struct slice sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id);
const struct sip_hdr *sip_msg_hdr_named(const struct sip_msg *m, struct slice name);

/* Walks the comma-separated elements over all lines of one header (quotes and angle brackets
 * respected). Start with *it = {0}. */
struct sip_list_iter {
    int16_t hdr; /* index + 1; 0: at the start */
    struct slice rest;
};
bool sip_msg_list_next(const struct sip_msg *m, enum sip_hdr_id id, struct sip_list_iter *it,
                       struct slice *ret_element);
/* True where the list header (Supported, Require, Allow …) holds the token, no regard to case. */
bool sip_msg_list_has(const struct sip_msg *m, enum sip_hdr_id id, const char *token);

/* These return enum sip_parse_verdict (OK or BAD). */
int sip_via_parse(struct slice in, struct sip_via *ret) MUST_CHECK;
int sip_addr_parse(struct slice in, struct sip_addr *ret) MUST_CHECK;
/* A number at the start of a header's value ("Expires: 60", "Session-Expires: 1800;refresher=uac").
 * *ret_params: what follows the first ';'. */
int sip_number_parse(struct slice in, uint32_t *ret_v, struct slice *ret_params) MUST_CHECK;

/* Names. */
enum sip_method sip_method_from(struct slice s);    /* case matters (RFC 3261 s.7.1) */
const char *sip_method_name(enum sip_method m);     /* not for SIP_METHOD_OTHER */
enum sip_hdr_id sip_hdr_id_from(struct slice name); /* long or compact, any case */
const char *sip_hdr_name(enum sip_hdr_id id);
const char *sip_reason_phrase(int status);

/* Printing. All write into a bounded buffer; test b->overflow once at the end. */
void sip_put_hdr(struct buf *b, enum sip_hdr_id id, struct slice value); /* "Name: value\r\n" */
void sip_put_hdr_raw(struct buf *b, const struct sip_hdr *h);            /* as it came, unfolded */
/* A response up to but without Contact, other headers and Content-Length: status line, all Vias
 * of the request (the top one with `received` and `rport` filled in where given), From, To (with
 * `to_tag` added where the request had none and status > 100), Call-ID, CSeq, and Record-Route
 * when `copy_rr`. */
struct sip_reply {
    uint16_t status;
    struct slice reason; /* empty: the usual phrase */
    struct slice to_tag;
    struct slice received; /* host text of the source; empty: leave */
    uint16_t rport;        /* 0: leave */
    bool copy_rr;
};
void sip_put_reply_head(struct buf *b, const struct sip_msg *req, const struct sip_reply *r);
/* "Content-Length: n\r\n\r\n" and the body, with a Content-Type line before where type is not NULL. */
void sip_put_body(struct buf *b, const char *content_type, struct slice body);
/* The whole message again, from its parsed form (round trips, tests). */
void sip_msg_print(struct buf *b, const struct sip_msg *m);

#endif
