/* Callee legs; see fork.c. */
#ifndef SOTTO_CALL_FORK_H
#define SOTTO_CALL_FORK_H

#include "call/leg.h"

/* Makes a leg for each contact of the user that this call may ring, and starts them. */
void fork_start(struct call *c);
/* One leg for each contact; how many there are now. */
size_t fork_add_contacts(struct call *c, const struct store_user *callee);
void fork_begin_legs(struct call *c);
/* After a restart: goes on where callees were rung, or one had answered. */
void fork_resume(struct call *c);
/* The caller has acknowledged its last provisional: the one that had to wait. */
void fork_tell_untold(struct call *c);
/* The caller's answer, from that of b, whose media is connected. */
void fork_answer_caller(struct leg *b);
/* A 3xx: rings the contacts it names, where they are ours. False: nothing came of it. */
bool fork_redirect(struct leg *b, const struct sip_msg *rsp);
/* late.c: the callee's 2xx with its offer. */
void late_on_answered(struct leg *b, struct sip_msg *msg);

struct slice call_scratch_copy(struct call_core *core, struct slice s);

#endif
