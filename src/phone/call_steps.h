/* Private to the phone's call: what its files ask of each other. */
#ifndef SOTTO_PHONE_CALL_STEPS_H
#define SOTTO_PHONE_CALL_STEPS_H

#include "phone/ua.h"

void call_event(struct phone_call *c, enum call_event ev, const struct call_input *in);
/* The first reason given is the one that is told. */
void call_set_reason(struct phone_call *c, uint16_t status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Ends the call for a reason of our own. */
void call_fail(struct phone_call *c, uint16_t status, const char *why);

/* call_sip.c */
void call_sip_init(struct phone_call *c);
bool call_make_dialog(struct phone_call *c);
void call_on_invite_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why);
void call_on_bye_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why);
/* SDP body of a message; n == 0: none. */
struct slice call_body(const struct sip_msg *m);
/* A final answer in words: its phrase, and its Warning where it has one. In dst. */
const char *call_words(const struct sip_msg *rsp, char *dst, size_t cap);
/* ACK to a 2xx of ours; `body` is the answer to an offer in it. */
void call_send_ack(struct phone_call *c, uint32_t cseq, struct slice body);
void call_send_ack_again(struct phone_call *c);
void call_respond(struct phone_call *c, struct txn_server *st, const struct sip_msg *req,
                  uint16_t status, struct slice headers, struct slice body);
/* Sends the 2xx to an INVITE again until its ACK comes (s.13.3.1.4). */
void call_await_ack(struct phone_call *c, struct txn_server *st);
void call_acked(struct phone_call *c);
void call_apply_media(struct phone_call *c);
void call_release(struct phone_call *c); /* transactions and timers */

/* midcall.c */
void midcall_init(struct phone_call *c);
void midcall_start(struct phone_call *c); /* the call is up: timers of the test options */
void midcall_on_offer(struct phone_call *c, struct txn_server *st, struct sip_msg *req);

/* info.c */
void info_init(struct phone_call *c);
void info_start(struct phone_call *c); /* the call is up */
void info_on_request(struct phone_call *c, const struct sip_msg *req);

#endif
