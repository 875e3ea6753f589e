/* One call, as caller or callee (RFC 3261 s.13 to 15), driven by a const table.
 *
 *   IDLE --dial--> CALLING --2xx--> UP --bye--> OVER        CALLING --cancel--> CANCELLING -> OVER
 *   IDLE --invite--> RINGING --accept--> ANSWERING --ack--> UP --hang up--> ENDING --> OVER
 *                                        ANSWERING --hang up--> LEAVING --ack--> ENDING
 *
 * re-INVITE and UPDATE happen within UP and do not move this machine: midcall.c. */
#ifndef SOTTO_PHONE_CALL_H
#define SOTTO_PHONE_CALL_H

#include "phone/keying.h"
#include "phone/media.h"
#include "phone/mikey.h"
#include "phone/request.h"
#include "phone/session.h"

#define CALL_ACK_MAX 4096
#define CALL_REASON_MAX 400
#define CALL_RESUME_MS 2000u /* --hold-after: resumed after this */
#define CALL_GLARE_MS 2100u /* RFC 3261 s.14.1: who owns the Call-ID waits 2.1 to 4 s after a 491 */

enum call_state {
    CALL_IDLE,
    CALL_CALLING,
    CALL_CANCELLING,
    CALL_RINGING,
    CALL_ANSWERING, /* our 2xx is out, its ACK has not come */
    CALL_LEAVING,   /* … and we want to hang up: BYE only after the ACK (s.15) */
    CALL_UP,
    CALL_ENDING,
    CALL_OVER,
    CALL_STATE_COUNT
};

enum call_event {
    CALL_EV_DIAL,
    CALL_EV_INVITE,
    CALL_EV_PROGRESS, /* 1xx */
    CALL_EV_ANSWERED, /* 2xx */
    CALL_EV_REFUSED,  /* 3xx to 6xx, no answer, no way to the server */
    CALL_EV_ACCEPT,   /* our user lifts … */
    CALL_EV_HANGUP,   /* … or hangs up */
    CALL_EV_ACK,
    CALL_EV_ACK_LOST, /* no ACK within 64*T1 */
    CALL_EV_CANCEL,
    CALL_EV_BYE,
    CALL_EV_BYE_DONE,
    CALL_EVENT_COUNT
};

enum call_result { CALL_FAILED, CALL_ANSWERED, CALL_BUSY, CALL_DECLINED };

struct call_input {
    struct sip_msg *msg; /* may be NULL */
    struct txn_server *st;
    const struct transport_flow *flow;
    uint16_t status;
    const char *why; /* NULL: the usual words for the status */
};

struct phone_call {
    struct phone *ph;
    enum call_state state;
    bool is_caller, offer_late;
    bool ack_answers; /* our 2xx carried the offer: the ACK brings the answer */
    bool was_answered;
    bool told; /* `answered` was reported: later changes are news */
    struct dialog dialog;
    struct transport_flow flow; /* callee: where the INVITE came from, and our requests go */
    struct phone_session session;
    struct phone_ice ice;
    struct phone_audio audio;
    bool has_audio;
    struct phone_media *media;
    struct keying_local local;
    struct phone_mikey mikey;                /* borrowed by local */
    struct phone_keying *keying;             /* with media */
    struct phone_request invite, again, bye; /* again: re-INVITE */
    struct phone_request info;               /* a digit, of --dtmf-info … */
    size_t info_at;                          /* … which one */
    struct txn_server *in;                   /* the INVITE that we have not answered finally */
    struct txn_server *answered;             /* the 2xx that waits for its ACK */
    struct loop_timer resend;
    uint32_t resend_ms;
    uint64_t resend_until;
    char ack[CALL_ACK_MAX]; /* of the last 2xx, sent again when that comes again */
    size_t ack_n;
    uint32_t acked_cseq;  /* of that 2xx's INVITE */
    uint32_t wanted_cseq; /* of the peer's INVITE whose ACK we wait for */
    struct loop_timer limit, ring, hold, reinvite;

    char peer[DIALOG_URI_MAX];     /* who is at the other end, for people */
    struct addr remote;            /* the peer's signalling address */
    struct media_protection shown; /* as reported last */
    bool compared;                 /* ZRTP's SAS */
    uint64_t answered_ms, ended_ms;
    enum call_result result;
    uint16_t status;
    char reason[CALL_REASON_MAX];
};

int call_init(struct phone_call *c, struct phone *ph) MUST_CHECK; /* -1: said on stderr */
void call_fini(struct phone_call *c);
bool call_is_on(const struct phone_call *c); /* neither idle nor over */
void call_dial(struct phone_call *c);
void call_hangup(struct phone_call *c);
/* A new INVITE; the phone is idle. */
void call_incoming(struct phone_call *c, struct txn_server *st, struct sip_msg *req,
                   const struct transport_flow *flow);
bool call_owns(const struct phone_call *c, const struct sip_msg *req); /* within our dialog */
void call_on_request(struct phone_call *c, struct txn_server *st, struct sip_msg *req);
void call_on_ack(struct phone_call *c, struct sip_msg *ack);
void call_on_cancel(struct phone_call *c, struct txn_server *invite);
void call_on_stray_2xx(struct phone_call *c, const struct sip_msg *rsp);
uint64_t call_lasted_ms(const struct phone_call *c);

/* For the test that walks the table. */
typedef void call_action_fn(struct phone_call *c, const struct call_input *in);
struct call_step {
    call_action_fn *act; /* NULL: nothing to do */
    enum call_state next;
    bool set;
};
const struct call_step *call_step_of(enum call_state s, enum call_event e);

#endif
