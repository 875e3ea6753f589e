/* Session timers (RFC 4028) on each leg by itself; see refresh.c. */
#ifndef SOTTO_CALL_REFRESH_H
#define SOTTO_CALL_REFRESH_H

#include "call/leg.h"

void refresh_init(struct leg *l);
void refresh_resume(struct leg *l); /* after a restart */
void refresh_release(struct leg *l);
/* INVITE or UPDATE of the peer: what it asks for. False: answered 422. */
bool refresh_take_request(struct leg *l, struct txn_server *st, const struct sip_msg *req);
/* The same without an answer; false: 422 is due. What was asked for counts with our 2xx. */
bool refresh_agree(struct leg *l, const struct sip_msg *req);
/* A 422 to our INVITE: the next one asks for what it wants. False: that would not help. */
bool refresh_ask_more(struct leg *l, const struct sip_msg *rsp);
/* 2xx to our INVITE or UPDATE. */
void refresh_take_answer(struct leg *l, const struct sip_msg *rsp);
/* Header lines of our requests and 2xx; the latter starts the timer anew. */
void refresh_put_request(struct leg *l, struct buf *b);
void refresh_put_answer(struct leg *l, struct buf *b);

#endif
