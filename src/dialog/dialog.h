/* Dialogs (RFC 3261 s.12): no I/O, no clock. A leg of a call holds one for as long as the call lasts, so
 * its texts lie in one block of their true length, which the dialog owns; what changes a text makes the
 * block anew. All zero is a dialog without texts, and needs no fini.
 *
 * (Prototypes fixed by the call core, which is written against them; add freely.) */
#ifndef SOTTO_DIALOG_DIALOG_H
#define SOTTO_DIALOG_DIALOG_H

#include "sip/msg.h"

/* Limits that a peer meets; one past each is DIALOG_TOO_LONG (answer 400 or 500). */
#define DIALOG_TAG_MAX 128 /* bytes, NUL included, of all char arrays here */
#define DIALOG_CALL_ID_MAX 256
#define DIALOG_URI_MAX 512
#define DIALOG_ROUTE_MAX 1024 /* the route set as "<uri>,<uri>" */
#define DIALOG_ROUTES_MAX 16  /* routes in it */

enum dialog_state { DIALOG_NONE, DIALOG_EARLY, DIALOG_CONFIRMED, DIALOG_TERMINATED };

enum dialog_verdict {
    DIALOG_OK = 0,
    DIALOG_TOO_LONG,    /* a tag, URI, Call-ID or route set over its limit */
    DIALOG_BAD_CONTACT, /* no Contact, or none that can be called */
    DIALOG_OLD_CSEQ,    /* s.12.2.2: answer 500 with Retry-After */
    DIALOG_NO_TAG,      /* an answer without To tag that makes no dialog, or no tag of ours */
    DIALOG_BAD_ROUTE,   /* Record-Route that cannot be read, or more than DIALOG_ROUTES_MAX */
    DIALOG_NO_MEMORY    /* answer 500 */
};

struct dialog {
    uint8_t state; /* enum dialog_state */
    bool is_uac;   /* we sent the request that made it */
    bool secure;
    uint32_t local_cseq;
    uint32_t remote_cseq;
    bool has_remote_cseq;
    /* NUL-terminated, in `texts`. */
    const char *call_id;
    const char *local_tag;
    const char *remote_tag;    /* empty: not known yet */
    const char *local_uri;     /* as in From of our requests: display name and <uri>, no tag */
    const char *remote_uri;    /* as in To of our requests */
    const char *remote_target; /* Request-URI of our requests */
    const char *routes;        /* route set in the order in which we send it */
    char *texts;
};

void dialog_fini(struct dialog *d); /* to all zero */
/* `dst` is what dialog_fini left, or new. DIALOG_NO_MEMORY. */
int dialog_copy(struct dialog *dst, const struct dialog *src) MUST_CHECK;

/* Whatever fails leaves the dialog as it was. Init and load want one that is all zero, or a dialog,
 * whose place they take. */

/* UAC before its first request: local side alone. `target` is the Request-URI, `routes` a list as
 * in the struct (a registration's Path) or empty. */
int dialog_init_uac(struct dialog *d, struct slice call_id, struct slice local_tag,
                    struct slice local_uri, struct slice remote_uri, struct slice target,
                    struct slice routes, uint32_t cseq) MUST_CHECK;
void dialog_fini(struct dialog *d); /* to all zero */
/* `dst` is what dialog_fini left, or new. DIALOG_NO_MEMORY. */
int dialog_copy(struct dialog *dst, const struct dialog *src) MUST_CHECK;

/* Whatever fails leaves the dialog as it was. Init and load want one that is all zero, or a dialog,
 * whose place they take. */

/* UAC before its first request: the same URI under another display name. DIALOG_TOO_LONG: as it was. */
int dialog_set_local_tag(struct dialog *d, struct slice tag) MUST_CHECK;
int dialog_set_local_name(struct dialog *d, struct slice local_uri) MUST_CHECK;
/* UAC: a 1xx with a To tag or a 2xx to the first request: remote tag, route set (Record-Route
 * reversed), target; state EARLY or CONFIRMED. A 2xx after an early dialog takes all anew. */
int dialog_uac_on_response(struct dialog *d, const struct sip_msg *rsp) MUST_CHECK;
/* UAS: from the first request and our tag; state EARLY. Contact is required in INVITE. */
int dialog_init_uas(struct dialog *d, const struct sip_msg *req, struct slice local_tag) MUST_CHECK;
void dialog_confirm(struct dialog *d);
void dialog_terminate(struct dialog *d);

/* A request within the dialog has come: CSeq order (ACK and CANCEL exempt), and a new remote target
 * where the method refreshes it (INVITE, UPDATE, SUBSCRIBE, NOTIFY, REFER). */
int dialog_on_request(struct dialog *d, const struct sip_msg *req) MUST_CHECK;
/* A response to a request of ours within the dialog: target refresh of a 2xx to INVITE or UPDATE. */
int dialog_on_response(struct dialog *d, const struct sip_msg *rsp) MUST_CHECK;

bool dialog_is_same_remote_tag(const struct dialog *d,
                               struct slice tag); /* RFC 2543: empty matches empty */
/* Number for the next request; counts up. ACK and CANCEL take the INVITE's instead. */
uint32_t dialog_next_cseq(struct dialog *d);

/* Prints the head of a request up to and with CSeq, without Content-Length and blank line:
 * request line, `via` (a whole "Via: …\r\n" line of the caller's), Max-Forwards, Route, From, To,
 * Call-ID, CSeq; strict routing as s.12.2.1.1 says. Also for the first request (no remote tag). */
void dialog_put_request(struct buf *b, const struct dialog *d, struct slice method, uint32_t cseq,
                        struct slice via, uint32_t max_forwards);
/* Where such a request goes: the first Route's URI, else the remote target. */
struct slice dialog_next_hop(const struct dialog *d);

/* Flat form for a snapshot. A role is a trust domain, so load checks lengths, that each text could
 * have come from a message (nothing that ends a header line), and that URIs parse. */
#define DIALOG_SAVED_MAX \
    (32 + DIALOG_CALL_ID_MAX + 2 * DIALOG_TAG_MAX + 3 * DIALOG_URI_MAX + DIALOG_ROUTE_MAX)
size_t dialog_save(const struct dialog *d, void *dst, size_t cap); /* bytes; 0: does not fit */
int dialog_load(struct dialog *d, const void *src, size_t n) MUST_CHECK; /* -EINVAL, -ENOMEM */

#endif
