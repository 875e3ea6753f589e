/* Offer/answer in a standing call; see exchange.c and late.c. One at a time per call. */
#ifndef SOTTO_CALL_EXCHANGE_H
#define SOTTO_CALL_EXCHANGE_H

#include "call/leg.h"

/* A re-INVITE or UPDATE of leg x. Answers it in any case, sooner or later. */
void exchange_begin(struct leg *x, struct txn_server *st, struct sip_msg *req);
/* The ACK of x to our 2xx. */
void exchange_on_ack(struct leg *x, struct sip_msg *ack);
void exchange_cancelled(struct call *c); /* CANCEL of x's re-INVITE */
void exchange_on_ack_timeout(struct leg *x);
/* Lets go of everything (the call ends); a request that still waits is answered 487. */
void exchange_abort(struct call *c);
/* MEDIA_OP_OPEN where one of these m-lines has no endpoint yet on this leg, else 0. */
uint32_t exchange_open_if_new(const struct leg *l, uint8_t mask);
/* Adopts the exchange's m-line map as the call's. */
void exchange_adopt_map(struct call *c, const struct leg *offerer);

/* late.c */
void late_begin(struct call *c, struct slice offer); /* ex.x, ex.y are set; y has offered */
void late_on_x_answer(struct call *c, struct slice sdp);
/* Steps that differ between the first INVITE and a later one. */
void exchange_answer_x(struct call *c, struct slice offer);
void exchange_ack_y(struct call *c, struct slice answer);

#endif
