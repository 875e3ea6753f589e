/* The four transaction machines of RFC 3261 s.17 with RFC 6026, as const tables. The layer stands
 * between transport and the transaction users: it matches, retransmits, absorbs retransmissions
 * and keeps time. One per worker.
 *
 * Ownership: a transaction belongs to the layer. Its user holds a borrowed pointer until it has
 * been told of the end (event TERMINATED, always the last one), or has let go (txn_*_detach),
 * after which no event comes any more. */
#ifndef SOTTO_TXN_TXN_H
#define SOTTO_TXN_TXN_H

#include "loop/loop.h"
#include "sip/msg.h"
#include "transport/transport.h"

struct txn_layer;
struct txn_server;
struct txn_client;

#define TXN_BRANCH_MAX 128
#define TXN_TAG_LEN 16
#define TXN_MAX 200000 /* transactions at one time; one past it is answered 503 */
/* Besides, answers to non-INVITE requests over UDP that are remembered for retransmissions (Timer J;
 * their transactions end at once). One past it the oldest is forgotten: the request would be taken
 * for a new one. */
#define TXN_LINGER_MAX 65536
#define TXN_RETRY_AFTER_S 5 /* in the layer's 503 */

/* RFC 3261 table 4; tests shorten them. Milliseconds. */
struct txn_timers {
    uint32_t t1, t2, t4; /* 500, 4000, 5000 */
    uint32_t timer_c;    /* no final answer to an INVITE: 180 s after the last provisional */
};

struct txn_cb {
    void *arg;
    /* A new request that is not ACK and not a CANCEL that matches. The user must answer (or has
     * been called for CANCEL of an unknown INVITE: the layer has answered 481 itself). */
    void (*on_request)(void *arg, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow);
    /* ACK to a 2xx: belongs to a dialog, not to a transaction. */
    void (*on_ack)(void *arg, struct sip_msg *ack, const struct transport_flow *flow);
    /* CANCEL of an INVITE that is still pending; the CANCEL has been answered 200 already. The
     * user answers the INVITE (487). */
    void (*on_cancel)(void *arg, struct txn_server *invite, struct sip_msg *cancel);
    /* A response that matches no transaction: late or forked 2xx to an INVITE (others are dropped). */
    void (*on_stray_2xx)(void *arg, struct sip_msg *rsp, const struct transport_flow *flow);
    int (*send)(void *arg, const struct transport_flow *flow,
                struct slice msg); /* transport_send */
};

enum txn_event {
    TXN_EVENT_RESPONSE,        /* client: msg is set. Several 1xx, several 2xx of forks */
    TXN_EVENT_TIMEOUT,         /* client: no final answer (act as on 408); server: no ACK came */
    TXN_EVENT_TRANSPORT_ERROR, /* client: act as on 503; server: the answer could not be sent */
    TXN_EVENT_ACKED,           /* server INVITE: ACK to a non-2xx came */
    TXN_EVENT_TERMINATED,
    TXN_EVENT_COUNT
};

int txn_layer_new(struct loop *loop, const struct txn_cb *cb, const struct txn_timers *timers,
                  struct txn_layer **ret) MUST_CHECK;
struct txn_layer *txn_layer_free(struct txn_layer *l);

/* From transport's on_msg; and its on_closed (every transaction of that connection that still
 * waits for an answer gets TRANSPORT_ERROR). */
void txn_layer_input(struct txn_layer *l, struct sip_msg *msg, const struct transport_flow *flow);
/* From transport's on_ahead. */
void txn_layer_ahead(const struct txn_layer *l, const struct sip_msg *msg,
                     const struct transport_flow *flow);
void txn_layer_conn_closed(struct txn_layer *l, uint64_t conn);
size_t txn_layer_count(const struct txn_layer *l); /* transactions and remembered answers */

/* --- server side --- */
typedef void txn_server_fn(void *arg, struct txn_server *st, enum txn_event ev);
void txn_server_set_user(struct txn_server *st, txn_server_fn *fn, void *arg);
/* Without a final answer so far, the layer answers 500. */
void *txn_server_user(const struct txn_server *st); /* its arg; NULL: none, or let go */
void txn_server_detach(struct txn_server *st);
/* Sends and remembers `rsp` (copied). A final answer ends the user's part; 100 is sent by the
 * layer itself if an INVITE has no answer after 200 ms. 2xx to INVITE: the user retransmits it
 * (txn_server_resend_2xx) until the ACK comes (RFC 6026). Errors are told by event. */
void txn_server_respond(struct txn_server *st, uint16_t status, struct slice rsp);
void txn_server_resend_2xx(struct txn_server *st);
const struct transport_flow *txn_server_flow(const struct txn_server *st);
enum sip_method txn_server_method(const struct txn_server *st);
bool txn_server_has_final(const struct txn_server *st);
/* A To tag that is the same whenever the request comes again: for answers that are not remembered
 * (RFC 3261 8.2.7). */
void txn_server_tag(const struct txn_server *st, char dst[TXN_TAG_LEN + 1]);
/* The request as it came (a copy that lives as long as the transaction), parsed: so that an answer
 * can be printed long after on_request returned. Made when first asked for; within on_request, the
 * message given there is cheaper. The object ends with its last header: do not copy it by value.
 * NULL: no memory, or the request was answered finally within on_request. */
const struct sip_msg *txn_server_request(struct txn_server *st);

/* --- client side --- */
typedef void txn_client_fn(void *arg, struct txn_client *ct, enum txn_event ev,
                           struct sip_msg *msg);
/* Sends `req` (copied), whose top Via carries `branch` (txn_branch_new). Not for ACK to 2xx. A
 * failure to send comes by event from a later wake-up, never from within. -EINVAL: not a request
 * that parses; -ENOBUFS: TXN_MAX; -ENOMEM. fn may be NULL. */
int txn_client_new(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                   txn_client_fn *fn, void *arg, struct txn_client **ret) MUST_CHECK;
void txn_client_detach(struct txn_client *ct);
/* RFC 3261 s.9.1: CANCEL now, or as soon as a provisional answer comes; nothing after a final
 * one. A transaction that gets no final answer within 64*T1 of the CANCEL times out. `reason_hdr`:
 * a whole header line ("Reason: …", RFC 3326), or empty. */
void txn_client_cancel(struct txn_client *ct, struct slice reason_hdr);
bool txn_client_has_final(const struct txn_client *ct);

/* --- over the death of a process: what a later one must have to go on with a transaction. Its user keeps
 * the bytes, and the flow. --- */
/* Of the request that is answered, what its answers, and what repeats, acknowledges or cancels it, are made
 * and known by, as a request without a body. False: it does not fit, or no memory. */
bool txn_server_save(struct txn_server *st, struct buf *b) MUST_CHECK;
struct slice txn_server_last(const struct txn_server *st); /* the last answer; empty: none yet */
/* `status`: of the last answer, which is `rsp` where it is to be sent again; a final one is a 2xx to INVITE.
 * Nothing is sent now. -EINVAL: nothing that could have been saved, or there already; -ENOBUFS, -ENOMEM. */
int txn_server_restore(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                       uint16_t status, struct slice rsp, struct txn_server **ret) MUST_CHECK;
/* The head of the request that was sent, to which its body is to be added again; or, where it will not be
 * sent any more, a request without a body, of which ACK and CANCEL are made. False: it does not fit. */
bool txn_client_save(struct txn_client *ct, bool whole, struct buf *b) MUST_CHECK;
bool txn_client_has_provisional(const struct txn_client *ct);
/* An INVITE. `answered`: by a provisional, and Timer C begins anew; else it is repeated from T1 on. */
int txn_client_restore(struct txn_layer *l, const struct transport_flow *flow, struct slice req,
                       bool answered, txn_client_fn *fn, void *arg,
                       struct txn_client **ret) MUST_CHECK;

/* "z9hG4bK" and 128 random bits; NUL-terminated. */
void txn_branch_new(char dst[TXN_BRANCH_MAX]);

#endif
