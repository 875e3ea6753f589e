/* One request of ours and the digest challenges on its way: the user sees only the last word. Used
 * by the account (REGISTER) and the call (all else). Embedded in its owner; request_drop ends it. */
#ifndef SOTTO_PHONE_REQUEST_H
#define SOTTO_PHONE_REQUEST_H

#include "dialog/dialog.h"
#include "txn/txn.h"

#define PHONE_BODY_MAX 4096
#define PHONE_HEADERS_MAX 1024
#define PHONE_TRIES_MAX 4

struct phone;
struct phone_request;

/* RESPONSE: provisional and final ones, but for challenges that were answered. TIMEOUT and
 * TRANSPORT_ERROR: msg NULL. `why`: for a 401 or 407 why no answer was sent; else NULL. */
typedef void phone_request_fn(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why);

struct phone_request {
    struct phone *ph;
    struct dialog *dialog; /* whose CSeq, route and tags it has; borrowed */
    enum sip_method method;
    uint32_t cseq; /* of the last try */
    struct txn_client *ct;
    const struct transport_flow
        *flow; /* preferred while it is alive; NULL: the phone's; borrowed */
    unsigned tries;
    phone_request_fn *fn;
    void *arg;
    const char *type;                /* of the body; NULL: application/sdp */
    char headers[PHONE_HEADERS_MAX]; /* whole lines */
    size_t headers_n;
    char body[PHONE_BODY_MAX];
    size_t body_n;
};

void phone_request_init(struct phone_request *r, struct phone *ph, struct dialog *d,
                        enum sip_method method, phone_request_fn *fn, void *arg);
/* Sends it anew with these headers and this body (SDP), over the phone's flow. -EMSGSIZE, or why
 * the server cannot be reached (-errno). */
int phone_request_send(struct phone_request *r, struct slice headers, struct slice body) MUST_CHECK;
bool phone_request_is_pending(const struct phone_request *r); /* no final answer yet */
void phone_request_cancel(struct phone_request *r);           /* INVITE */
void phone_request_drop(struct phone_request *r);             /* no event comes any more */

#endif
