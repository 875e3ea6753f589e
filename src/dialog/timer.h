/* Session timers (RFC 4028) as arithmetic: who refreshes, how often, when it is too late. Pure.
 *
 * (Prototypes fixed by the call core, which is written against them; add freely.) */
#ifndef SOTTO_DIALOG_TIMER_H
#define SOTTO_DIALOG_TIMER_H

#include "sip/msg.h"

#define DIALOG_TIMER_MIN_S 90u /* RFC 4028 s.4: nothing below is ever asked for or agreed to */

struct dialog_timer_config {
    uint32_t min_s;     /* 90 at least */
    uint32_t default_s; /* what we ask for; 0: no session timers of our own */
};

struct dialog_timer {
    uint32_t interval_s; /* 0: off */
    uint32_t min_s;      /* largest Min-SE seen */
    bool we_refresh;
};

enum dialog_timer_verdict {
    DIALOG_TIMER_OK = 0,
    DIALOG_TIMER_TOO_SMALL /* answer 422 with our Min-SE */
};

/* We are UAS of an INVITE or UPDATE. Result is what the 2xx says (dialog_timer_put_answer). */
int dialog_timer_from_request(const struct dialog_timer_config *cfg, const struct sip_msg *req,
                              struct dialog_timer *ret) MUST_CHECK;
/* We are UAC: from the 2xx to our request that carried dialog_timer_put_request. */
void dialog_timer_from_answer(const struct dialog_timer_config *cfg, const struct sip_msg *rsp,
                              struct dialog_timer *ret);
/* From a 422 to such a request: what to ask for instead (RFC 4028 s.7.3). False: the peer's Min-SE
 * is no larger than what was asked for, so asking again would end the same way. */
bool dialog_timer_from_422(const struct dialog_timer_config *cfg, const struct sip_msg *rsp,
                           struct dialog_timer *t) MUST_CHECK;
/* "Session-Expires: 1800;refresher=…\r\nMin-SE: 90\r\n"; request: `t` of an earlier agreement or
 * NULL. `we_refresh` maps to uac in requests of ours and uas in answers of ours. */
void dialog_timer_put_request(struct buf *b, const struct dialog_timer_config *cfg,
                              const struct dialog_timer *t);
void dialog_timer_put_answer(struct buf *b,
                             const struct dialog_timer *t); /* and Require: timer where due */
/* Milliseconds from the last refresh: when to refresh (half the interval), when to hang up
 * (interval - min(32 s, interval / 3)). 0: never. */
uint64_t dialog_timer_refresh_ms(const struct dialog_timer *t);
uint64_t dialog_timer_end_ms(const struct dialog_timer *t);

#endif
