/* REGISTER (RFC 3261 s.10.3, RFC 5626, RFC 3327): judged, applied to the location table as a whole
 * or not at all, and answered with what stands. */
#ifndef SOTTO_REGISTRAR_REGISTRAR_H
#define SOTTO_REGISTRAR_REGISTRAR_H

#include "registrar/access.h"
#include "registrar/location.h"
#include "txn/txn.h"

struct registrar {
    struct loop *loop;
    struct access *access;
    struct location *location;
    struct transport *transport;
    const char *server_name;
    uint32_t min_s, max_s, default_s;
    char *out;          /* scratch, SIP_MSG_MAX bytes */
    uint64_t date_unix; /* the second that `date` tells */
    char date[48];
    size_t date_n; /* 0: not made yet */
};

/* Answers the request in any case. */
void registrar_on_request(struct registrar *r, struct txn_server *st, struct sip_msg *req,
                          const struct transport_flow *flow);

/* A request that will come soon, as transport's on_ahead says: brings user, bindings and nonce nearer. */
void registrar_ahead(const struct registrar *r, enum transport_ahead when,
                     const struct sip_msg *req, uint64_t notes[TRANSPORT_AHEAD_NOTES]);

#endif
