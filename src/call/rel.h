/* Reliable provisional responses (RFC 3262), hop by hop: we acknowledge the callee's ourselves, and
 * send ours to a caller who asks for it; see rel.c. */
#ifndef SOTTO_CALL_REL_H
#define SOTTO_CALL_REL_H

#include "call/leg.h"

/* After a restart: what waited for a PRACK, if anything. -ENOMEM. */
int rel_restore(struct leg *a, uint16_t status, struct slice text, struct slice answer) MUST_CHECK;
void rel_resume(
    struct leg *a); /* after a restart: the PRACK that it waits for, it has to wait for anew */
void rel_release(struct leg *l);
/* Caller's INVITE: what it supports and requires. False: refused (420). */
bool rel_take_invite(struct leg *a, const struct sip_msg *req);
/* Callee's provisional: acknowledges a reliable one. False: seen before or out of order, ignore. */
bool rel_take_provisional(struct leg *b, const struct sip_msg *rsp);
/* Caller: Require and RSeq lines of a provisional that is about to be sent. */
void rel_put(struct leg *a, struct buf *b);
void rel_sent(struct leg *a, uint16_t status, struct slice text);
/* The 2xx waits for a PRACK; it is sent by itself when that has come. */
void rel_hold_answer(struct leg *a, struct slice sdp);
/* May one more provisional be sent? s.3: who requires 100rel gets all of them reliably, and none
 * while one is unacknowledged. */
bool rel_is_free(const struct leg *a);
void rel_on_prack(struct leg *a, struct txn_server *st, const struct sip_msg *prack);

#endif
