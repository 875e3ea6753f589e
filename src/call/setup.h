/* Beginning of a call; see setup.c. */
#ifndef SOTTO_CALL_SETUP_H
#define SOTTO_CALL_SETUP_H

#include "call/leg.h"

/* What was dialled: a built-in target, or the contacts of a user. False: refused. */
bool setup_take_target(struct call *c, const struct policy_target *t);
/* The call has its leg A with policy and flow, and knows its target. */
void setup_begin(struct call *c, const struct sip_msg *req);
/* After a restart: the offer was still being judged. */
void setup_resume(struct call *c);
/* The call's target is echo, tone or clock. */
void builtin_answer(struct call *c);
bool builtin_choose(const struct call *c, const struct sdp *offer, struct sdp_own_choice *ret);
int builtin_print_answer(struct call *c, const struct sdp *offer, struct slice *ret) MUST_CHECK;
void builtin_reoffer(struct call *c, struct slice sdp, bool has_sdp);
void builtin_on_late_answer(struct call *c, struct slice answer);

/* SIP status for enum media_status. */
uint16_t call_status_of_media(uint8_t media_status);
/* What the media role refused about this leg, as the administrator needs it: whose phone, and how
 * to mend it. `why` (the media role's words) where there is no more to say. */
const char *call_why_of_media(const struct leg *l, uint8_t media_status, const char *why,
                              char room[CALL_WHY_MAX]);
/* leg_shape_policy said no: the same for a browser that may not do what it can. */
const char *call_why_of_browser(const struct leg *l, char room[CALL_WHY_MAX]);
/* m-lines of the offer that are relayed and go on to the other leg. */
uint8_t call_forwarded_mask(const struct sdp *offer, const struct sdp_leg_map *map);

#endif
