/* What the files of the two-leg core call in each other. See leg.h for which file does what. */
#ifndef SOTTO_CALL_STEPS_H
#define SOTTO_CALL_STEPS_H

#include "call/leg.h"

/* leg_sip.c: what a leg sends */
void leg_sip_invite(struct leg *l, struct slice sdp);
void leg_sip_ack(struct leg *l, struct slice sdp);
void leg_sip_ack_again(struct leg *l);
void leg_sip_ack_stray(struct leg *l, const struct sip_msg *rsp);
void leg_sip_cancel(struct leg *l, struct slice reason);
void leg_sip_bye(struct leg *l, struct slice reason);
void leg_sip_progress(struct leg *l, uint16_t status, struct slice reason, const struct leg *from,
                      struct slice sdp, bool reliable);
void leg_sip_init(struct leg *l);
/* Callee: identities, Call-ID, tags. */
bool leg_sip_make_dialog(struct leg *l);
/* Callee: the lock before the caller's name, where that is true and wanted. */
void leg_sip_mark(struct leg *l);
/* Callee: as it was before any answer; for another INVITE. */
bool leg_sip_restart_dialog(struct leg *l);
bool leg_sip_take_dialog(struct leg *l, const struct sip_msg *rsp);
/* 0, or the status with which it is refused. */
uint16_t leg_sip_take_invite(struct leg *l, struct txn_server *st, const struct sip_msg *req);
void leg_sip_set_tag(struct leg *l, const char *tag); /* caller: the dialog it is to have */
void leg_sip_ack_fork(struct leg *l, struct sip_msg *msg);
void leg_sip_answer(struct leg *l, struct slice sdp); /* 2xx to its INVITE, kept until the ACK */
void leg_sip_reject(struct leg *l, uint16_t status, struct slice reason);
void leg_sip_acked(struct leg *l); /* stops sending the 2xx again */
/* After a restart: the ACK to its 2xx is still to come. NULL: it need not be sent again. */
void leg_sip_await_ack(struct leg *l, struct txn_server *st);
void leg_sip_release(struct leg *l); /* lets go of all transactions and timers */

/* An answer to a request on this leg other than its first INVITE. */
struct leg_answer {
    uint16_t status;
    struct slice reason;
    struct slice body;
    const char *content_type; /* NULL: application/sdp */
    struct slice headers;     /* whole lines */
    bool keep;                /* 2xx to INVITE: sent again until its ACK */
};
void leg_sip_respond(struct leg *l, struct txn_server *st, const struct leg_answer *a);
/* A request within the dialog. */
struct leg_request {
    enum sip_method method;
    struct slice method_name; /* for methods without a number; else empty */
    struct slice body;
    struct slice content_type; /* empty with a body: application/sdp */
    struct slice headers;      /* whole lines */
    txn_client_fn *fn;
    void *arg;
};
int leg_sip_request(struct leg *l, const struct leg_request *r, struct txn_client **ret) MUST_CHECK;
/* Finds a way to the peer: its flow, a newer one of its registration, or a connection made anew.
 * False: none. */
bool leg_sip_find_flow(struct leg *l);

/* fork.c: events of callee legs */
void fork_on_progress(struct leg *l, struct sip_msg *msg);
void fork_on_answered(struct leg *l, struct sip_msg *msg);
/* The phone has refused our offer, and has let go of the INVITE: the next one. */
void fork_offer_again(struct leg *l);
void fork_on_failed(struct leg *l, const struct leg_input *in);
/* Response to a callee's INVITE, from the transaction layer. */
void fork_on_invite_event(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg);

/* core.c and end.c */
struct call *call_new(struct call_core *core, uint64_t id, uint8_t worker);
void call_discard(struct call *c);           /* one that has not begun: nobody is told */
struct leg *call_other(const struct leg *l); /* NULL: none, or a built-in target */
void call_on_answered(struct call *c);       /* the caller has its 2xx */
void call_changed(struct call *c);           /* what a restart must know has changed */
void leg_own_invite(struct leg *a, struct txn_server *st); /* caller: the INVITE that it waits in */
void leg_remember_dialog(struct leg *l, struct slice call_id, struct slice local_tag);
void leg_forget_dialog(struct leg *l);
void call_on_leg_down(struct leg *l);
void call_on_cancelled(struct leg *l);
void call_on_confirmed(struct leg *l, struct sip_msg *ack);
void call_on_ack_timeout(struct leg *l);
void call_on_bye(struct leg *l, struct sip_msg *bye);
/* Refuses or ends the call: `status` goes to a caller who has no answer yet; `why` is the sentence
 * that log, CDR and show tell, and the Warning of a 488. */
void call_end(struct call *c, uint16_t status, const char *why);

/* relay.c */
void relay_abort(struct call *c);

/* describe.c: our descriptions */
/* Identity, last text and address of l's next description into a plan. */
void call_plan_identity(struct leg *l, struct sdp_leg_plan *plan);
/* Prints our description towards l, made of `other`, into the core's scratch body, and keeps it as
 * l's. The plan's m-lines are filled here. -EMSGSIZE, -ENOMEM. */
int call_print_sdp(struct leg *l, const struct sdp *other, struct sdp_leg_plan *plan,
                   struct slice *ret) MUST_CHECK;
int call_take_sdp(struct leg *l, const struct buf *printed, struct slice *ret) MUST_CHECK;
uint8_t call_media_count(struct slice sdp, struct sdp *scratch);
void call_map_invert(const struct sdp_leg_map *map, struct sdp_leg_map *ret);
void call_put_warning(struct buf *b, const struct call *c, const char *why);
/* l's policy: its user's, and what is known of its phone (l->agent). */
void call_media_policy(struct leg *l, const struct store_policy *policy);
/* NULL: nothing is known of its phone. */
const struct quirk *call_quirk(const struct leg *l);
/* What our next offer to this leg is to look like. Uses scratch core->sdp[2]. */
void call_shape(struct leg *l, struct leg_shape *ret);
const char *leg_keying_name(const struct leg *l);

#endif
