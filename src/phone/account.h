/* Registration (RFC 3261 s.10): made, kept, renewed when the connection was lost, undone.
 *
 *   OFF --start--> TRYING --2xx--> ON --refresh--> TRYING ...
 *                    |  ^           |
 *                    v  | backoff   v connection lost
 *                   WAITING <-------+            LEAVING --any answer--> OFF
 */
#ifndef SOTTO_PHONE_ACCOUNT_H
#define SOTTO_PHONE_ACCOUNT_H

#include "loop/loop.h"
#include "phone/request.h"

#define PHONE_EXPIRES_DEFAULT 300u
#define PHONE_BACKOFF_MIN_MS 500u
#define PHONE_BACKOFF_MAX_MS 30000u
#define PHONE_LEAVE_MS 2000u /* we do not wait longer for the answer to the last REGISTER */

enum account_state { ACCOUNT_OFF, ACCOUNT_TRYING, ACCOUNT_ON, ACCOUNT_WAITING, ACCOUNT_LEAVING };

struct phone_account {
    struct phone *ph;
    enum account_state state;
    bool was_on;          /* the server accepted us once … */
    bool up;              /* … and since then nothing went wrong */
    struct dialog dialog; /* never more than a row of CSeq numbers and a Call-ID */
    struct phone_request request;
    struct loop_timer timer; /* refresh, backoff, or the end of patience */
    uint32_t expires;        /* asked for */
    uint32_t granted;
    uint32_t backoff_ms;
};

int account_init(struct phone_account *a, struct phone *ph) MUST_CHECK;
void account_fini(struct phone_account *a);
void account_start(struct phone_account *a);
void account_on_lost(struct phone_account *a); /* the connection has ended */
/* Undoes it; phone_on_unregistered is called in any case. */
void account_leave(struct phone_account *a);

#endif
