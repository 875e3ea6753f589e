/* The user agent: what account and call share. */
#ifndef SOTTO_PHONE_UA_H
#define SOTTO_PHONE_UA_H

#include "crypto/tls.h"
#include "loop/loop.h"
#include "phone/account.h"
#include "phone/auth.h"
#include "phone/call.h"
#include "phone/options.h"
#include "phone/server.h"
#include "phone/zrtp.h"
#include "transport/transport.h"
#include "txn/txn.h"

#define PHONE_AGENT "sotto/" SOTTO_VERSION
#define PHONE_ALLOW "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n"
#define PHONE_REASON_MAX 400

struct phone {
    const struct phone_options *opt;
    struct phone_server server;
    struct phone_auth auth;
    char user[PHONE_USER_MAX], domain[PHONE_DOMAIN_MAX];

    struct loop *loop;
    struct crypto_tls *tls; /* NULL: not needed */
    struct transport *transport;
    struct txn_layer *txn;
    struct srtp_engine *srtp;
    struct phone_zrtp zrtp;
    struct transport_flow flow; /* towards the server; kind and remote are always set */
    bool has_flow;
    char lost[PHONE_REASON_MAX]; /* why the connection to the server ended; empty: it did not */

    struct phone_account account;
    struct phone_call call;
    struct loop_fd signals;
    struct loop_timer keepalive, seconds, leave;
    struct loop_defer next; /* the call is over: makes room for another */
    int signal_fd;
    bool ending; /* told to end: by a signal, --seconds, or because the call is over */
    int exit_status;
    char out[SIP_MSG_MAX];
};

/* Takes nothing; borrows opt. Runs until the end; the exit status, or -errno. */
int phone_run(const struct phone_options *opt);

/* Makes sure that ph->flow leads to the server. -errno. */
int phone_flow(struct phone *ph) MUST_CHECK;
/* `preferred` where it is alive, else the server's. */
int phone_flow_for(struct phone *ph, const struct transport_flow *preferred,
                   struct transport_flow *ret) MUST_CHECK;
/* Why the server could not be reached: the connection's own sentence, or `other`. */
const char *phone_lost_why(const struct phone *ph, const char *other);

/* Head of a request up to and with CSeq, User-Agent, and Contact and Allow where they belong. */
void phone_put_request(struct phone *ph, struct buf *b, const struct dialog *d,
                       enum sip_method method, uint32_t cseq, const char *branch,
                       const struct transport_flow *flow);
void phone_put_contact(struct phone *ph, struct buf *b, const struct transport_flow *flow);
/* Answers `st`; `headers` are whole lines, body is SDP. to_tag is added where the request has none. */
struct phone_reply {
    uint16_t status;
    const char *to_tag;
    struct slice headers, body;
};
void phone_respond(struct phone *ph, struct txn_server *st, const struct sip_msg *req,
                   const struct phone_reply *r);

/* Told by account and call. */
void phone_on_registered(struct phone *ph);
void phone_on_register_failed(struct phone *ph, uint16_t status, const char *why, bool fatal);
void phone_on_unregistered(struct phone *ph);
void phone_on_call_over(struct phone *ph);

#endif
