/* The values of single headers, typed. Each parser takes the value or one list element (slices of
 * the message, folds allowed), looks at nothing else, and returns enum sip_parse_verdict: OK, or
 * BAD with the output untouched. Slices in the results point into the input. */
#ifndef SOTTO_SIP_HDR_H
#define SOTTO_SIP_HDR_H

#include "sip/msg.h"

/* CSeq (a number below 2^31 and a method). */
int sip_cseq_parse(struct slice in, uint32_t *ret_number, struct slice *ret_method) MUST_CHECK;

struct sip_rack { /* RFC 3262 s.7.2 */
    uint32_t rseq, cseq;
    struct slice method;
};
int sip_rack_parse(struct slice in, struct sip_rack *ret) MUST_CHECK;
int sip_rseq_parse(struct slice in, uint32_t *ret) MUST_CHECK; /* 1 .. 2^31-1 */

int sip_max_forwards_parse(struct slice in, uint32_t *ret) MUST_CHECK; /* 0 .. 255 */
/* Expires and Min-Expires: seconds, nothing else. Too large a number is BAD. */
int sip_expires_parse(struct slice in, uint32_t *ret) MUST_CHECK;

/* Session-Expires and Min-SE (RFC 4028). */
enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };
struct sip_session_expires {
    uint32_t seconds;
    enum sip_refresher refresher;
};
int sip_session_expires_parse(struct slice in, struct sip_session_expires *ret) MUST_CHECK;

struct sip_retry_after {
    uint32_t seconds;
    struct slice comment; /* without its outer parentheses */
    bool has_duration;
    uint32_t duration;
};
int sip_retry_after_parse(struct slice in, struct sip_retry_after *ret) MUST_CHECK;

struct sip_replaces { /* RFC 3891 */
    struct slice call_id, to_tag, from_tag;
    bool early_only;
};
int sip_replaces_parse(struct slice in, struct sip_replaces *ret) MUST_CHECK;

struct sip_reason { /* RFC 3326, one element */
    struct slice protocol;
    bool has_cause;
    uint32_t cause;
    struct slice text; /* quotes kept; sip_unquote */
};
int sip_reason_parse(struct slice in, struct sip_reason *ret) MUST_CHECK;

struct sip_timestamp { /* decimal numbers as they came */
    struct slice value, delay;
};
int sip_timestamp_parse(struct slice in, struct sip_timestamp *ret) MUST_CHECK;

/* "token;params": Event, Subscription-State, Content-Disposition. */
struct sip_token_params {
    struct slice token, params;
};
int sip_token_params_parse(struct slice in, struct sip_token_params *ret) MUST_CHECK;

/* A q-value in thousandths, 0 .. 1000. */
int sip_q_parse(struct slice in, uint16_t *ret) MUST_CHECK;

/* One Contact, with what a registrar looks for. */
struct sip_contact {
    struct sip_addr addr;
    uint16_t q; /* 1000 where absent */
    bool has_expires;
    uint32_t expires;
    struct slice instance; /* +sip.instance without quotes (RFC 5626); empty: absent */
    bool has_reg_id;
    uint32_t reg_id; /* 1 .. 2^31-1 */
    bool ice;        /* +sip.ice: it wants ICE in offers (RFC 5768) */
};
int sip_contact_parse(struct slice in, struct sip_contact *ret) MUST_CHECK;

/* "Warning: 399 host "text"\r\n"; `code` 300 .. 999. */
void sip_put_warning(struct buf *b, uint16_t code, const char *host, struct slice text);

/* --- bodies --- */

struct sip_media_type {
    struct slice type, subtype, params;
};
int sip_media_type_parse(struct slice in, struct sip_media_type *ret) MUST_CHECK;
/* Is this Content-Type "type/subtype", whatever its parameters? No regard to case. */
bool sip_media_type_is(struct slice in, const char *type);

#define SIP_PARTS_MAX 16     /* parts of one multipart body; what follows is not looked at */
#define SIP_BOUNDARY_MAX 70u /* RFC 2046 s.5.1.1; a longer one is BAD */

/* The first part of `body` that has this type: `body` itself where `content_type` says so, else a
 * part of multipart/... (RFC 2046 s.5.1; one level, not what a part wraps in turn). OK: *ret_part,
 * empty with p == NULL where there is none. BAD: a multipart body that cannot be split. */
int sip_body_find(struct slice content_type, struct slice body, const char *type,
                  struct slice *ret_part) MUST_CHECK;

#endif
