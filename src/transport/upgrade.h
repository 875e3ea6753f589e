/* The opening handshake of a WebSocket for SIP (RFC 6455 s.4, RFC 7118 s.4), both sides of it: heads
 * in, a verdict out. Pure. */
#ifndef SOTTO_TRANSPORT_UPGRADE_H
#define SOTTO_TRANSPORT_UPGRADE_H

#include "base/buf.h"

#define UPGRADE_KEY_LEN 24    /* 16 bytes in base64 (RFC 6455 s.4.1) */
#define UPGRADE_ACCEPT_LEN 28 /* a SHA-1 in base64 */

enum upgrade_verdict {
    UPGRADE_ACCEPT = 0,     /* a WebSocket for SIP */
    UPGRADE_NOT_ASKED,      /* plain HTTP: for someone else */
    UPGRADE_BAD_REQUEST,    /* no HTTP/1.1 request that could be believed */
    UPGRADE_BAD_METHOD,     /* an upgrade is a GET */
    UPGRADE_BAD_KEY,        /* Sec-WebSocket-Key is missing, double or malformed */
    UPGRADE_BAD_VERSION,    /* not version 13 */
    UPGRADE_NO_SUBPROTOCOL, /* `sip` is not among the subprotocols */
    UPGRADE_FOREIGN_ORIGIN, /* a page of another site: decided by the caller */
    UPGRADE_ONLY_SIP,       /* plain HTTP where there is nothing but SIP: decided by the caller */
    UPGRADE_NO_WEB,         /* plain HTTP, and whom it is for is not there: likewise */
    UPGRADE_VERDICT_COUNT
};

struct upgrade_request {
    struct slice target; /* "/ws" */
    struct slice host;   /* as it came: "example.org:8443" */
    struct slice origin; /* empty: none, which is no browser */
    struct slice key;
};

/* `head` is one whole head (sip_head_size). enum upgrade_verdict; what the head says is in *ret as far
 * as it was read. */
int upgrade_read(struct slice head, struct upgrade_request *ret) MUST_CHECK;
const char *upgrade_text(enum upgrade_verdict v); /* a plain sentence */

/* 101, or the refusal with its reason as text; the connection is closed behind a refusal. */
void upgrade_put_accept(struct buf *b, struct slice key);
void upgrade_put_refusal(struct buf *b, enum upgrade_verdict v);

/* "https://example.org:8443": true, and the parts of it. False: "null", or no origin at all. */
struct upgrade_origin {
    bool secure; /* https */
    struct slice host;
};
bool upgrade_origin_parse(struct slice origin, struct upgrade_origin *ret);

/* The client's side. `host` is what stands in the Host field. */
void upgrade_put_request(struct buf *b, struct slice host, struct slice target,
                         const char key[UPGRADE_KEY_LEN]);
/* Whether the server agreed; `*ret_why` is a plain sentence where it did not. */
bool upgrade_is_accepted(struct slice head, const char key[UPGRADE_KEY_LEN], const char **ret_why);

#endif
