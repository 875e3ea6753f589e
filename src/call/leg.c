/* The SIP life of one leg: one const table for the caller's leg (we are its UAS) and the callees'
 * (we are their UAC). Re-INVITEs do not move a leg: exchange.c has them.
 *
 *   callee:  NEW -> CALLING -> UP            caller:  INCOMING -> ANSWERING -> UP
 *            CALLING -> CANCELLING -> DOWN            ANSWERING -> ANSWERING_END -> ENDING
 *            CALLING -> ACK_OWED -> UP                INCOMING -> HELD -> ANSWERING
 *            CALLING -> NEW, for another offer
 *   both:    UP -> ENDING -> DOWN, UP -> DOWN
 *
 * The state changes first, the call is told last; it may free nothing of us in that call (calls
 * are reaped from a deferral). */
#include "call/leg.h"

#include <assert.h>
#include <stdlib.h>

#include "call/rel.h"
#include "call/snapshot.h"
#include "call/steps.h"

typedef void leg_action(struct leg *l, const struct leg_input *in);

struct leg_cell {
    leg_action *action; /* NULL: nothing to do */
    enum leg_state next;
};

static void act_start(struct leg *l, const struct leg_input *in)
{
    leg_sip_invite(l, in->sdp);
}

static void act_progress(struct leg *l, const struct leg_input *in)
{
    fork_on_progress(l, in->msg);
}

static void act_answered(struct leg *l, const struct leg_input *in)
{
    leg_sip_ack(l, SLICE_NONE);
    fork_on_answered(l, in->msg);
}

static void act_answered_offer(struct leg *l, const struct leg_input *in)
{
    fork_on_answered(l, in->msg);
}

static void act_failed(struct leg *l, const struct leg_input *in)
{
    l->final_status = in->status;
    fork_on_failed(l, in);
}

/* RFC 3261 s.8.1.3.5: the same call to the same phone, by a new transaction. */
static void act_retry(struct leg *l, const struct leg_input *in)
{
    (void)in;
    fork_offer_again(l);
}

static void act_cancel_out(struct leg *l, const struct leg_input *in)
{
    leg_sip_cancel(l, in->reason);
}

/* RFC 3261 s.9.1: CANCEL and 2xx crossed on the way. The session exists, so it is ended as one. */
static void act_ack_and_bye(struct leg *l, const struct leg_input *in)
{
    leg_sip_ack(l, SLICE_NONE);
    leg_sip_bye(l, in->reason);
}

/* A callee that hangs up a call which it has not answered. Its INVITE is cancelled; nobody here
 * waits for the 487. */
static void act_bye_early(struct leg *l, const struct leg_input *in)
{
    struct leg_input fail = {.status = 480, .reason = in->reason};
    l->final_status = 480;
    leg_sip_cancel(l, SLICE_NONE);
    fork_on_failed(l, &fail);
}

static void act_never_sent(struct leg *l, const struct leg_input *in)
{
    (void)in;
    call_on_leg_down(l);
}

static void act_down(struct leg *l, const struct leg_input *in)
{
    (void)in;
    leg_sip_release(l);
    call_on_leg_down(l);
}

static void act_answer(struct leg *l, const struct leg_input *in)
{
    leg_sip_answer(l, in->sdp);
}

static void act_hold(struct leg *l, const struct leg_input *in)
{
    rel_hold_answer(l, in->sdp);
}

static void act_reject(struct leg *l, const struct leg_input *in)
{
    leg_sip_reject(l, in->status, in->reason);
    leg_sip_release(l);
    call_on_leg_down(l);
}

static void act_cancelled(struct leg *l, const struct leg_input *in)
{
    (void)in;
    leg_sip_reject(l, 487, SLICE_NONE);
    leg_sip_release(l);
    call_on_cancelled(l);
}

static void act_confirmed(struct leg *l, const struct leg_input *in)
{
    leg_sip_acked(l);
    call_on_confirmed(l, in->msg);
}

static void act_ack_late(struct leg *l, const struct leg_input *in)
{
    leg_sip_ack(l, in->sdp);
}

static void act_acked_bye(struct leg *l, const struct leg_input *in)
{
    leg_sip_acked(l);
    leg_sip_bye(l, in->reason);
}

static void act_no_ack(struct leg *l, const struct leg_input *in)
{
    leg_sip_acked(l);
    leg_sip_bye(l, in->reason);
    call_on_ack_timeout(l);
}

static void act_bye_out(struct leg *l, const struct leg_input *in)
{
    (void)in;
    leg_sip_bye(l, in->reason);
}

static void act_bye_in(struct leg *l, const struct leg_input *in)
{
    leg_sip_acked(l);
    leg_sip_release(l);
    call_on_bye(l, in->msg);
}

/* A callee's 2xx with an offer whose ACK is still owed: the ACK must go out before the BYE. */
static void act_owed_bye(struct leg *l, const struct leg_input *in)
{
    leg_sip_ack(l, SLICE_NONE);
    leg_sip_bye(l, in->reason);
}

static void act_ack_again(struct leg *l, const struct leg_input *in)
{
    (void)in;
    leg_sip_ack_again(l);
}

/* Every cell is written down; a cell without an action is an event that this state has no use for:
 * late, repeated, or crossed on the way. */
#define CELL(act, nxt) \
    {                  \
        (act), (nxt)   \
    }
#define STAY(st)   \
    {              \
        NULL, (st) \
    }
static const struct leg_cell table[LEG_STATE_COUNT][LEG_EV_COUNT] = {
    [LEG_NEW] =
        {
            [LEG_EV_START] = CELL(act_start, LEG_CALLING), /* RFC 3261 s.13.2.1 */
            [LEG_EV_1XX] = STAY(LEG_NEW),
            [LEG_EV_2XX] = STAY(LEG_NEW),
            [LEG_EV_2XX_OFFER] = STAY(LEG_NEW),
            [LEG_EV_FAIL] = CELL(act_failed, LEG_DOWN), /* no flow, no media: before the INVITE */
            [LEG_EV_RETRY] = STAY(LEG_NEW),
            [LEG_EV_ANSWER] = STAY(LEG_NEW),
            [LEG_EV_HOLD] = STAY(LEG_NEW),
            [LEG_EV_REJECT] = STAY(LEG_NEW),
            [LEG_EV_CANCEL] = STAY(LEG_NEW),
            [LEG_EV_ACK] = STAY(LEG_NEW),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_NEW),
            [LEG_EV_ACK_SEND] = STAY(LEG_NEW),
            [LEG_EV_BYE] = STAY(LEG_NEW),
            [LEG_EV_HANGUP] = CELL(act_never_sent, LEG_DOWN),
            [LEG_EV_BYE_DONE] = STAY(LEG_NEW),
        },
    [LEG_CALLING] =
        {
            [LEG_EV_START] = STAY(LEG_CALLING),
            [LEG_EV_1XX] = CELL(act_progress, LEG_CALLING),              /* s.13.2.2.1 */
            [LEG_EV_2XX] = CELL(act_answered, LEG_UP),                   /* s.13.2.2.4 */
            [LEG_EV_2XX_OFFER] = CELL(act_answered_offer, LEG_ACK_OWED), /* RFC 3264 s.4 */
            [LEG_EV_FAIL] = CELL(act_failed, LEG_DOWN),                  /* s.13.2.2.2, .3 */
            [LEG_EV_RETRY] = CELL(act_retry, LEG_NEW),                   /* s.8.1.3.5 */
            [LEG_EV_ANSWER] = STAY(LEG_CALLING),
            [LEG_EV_HOLD] = STAY(LEG_CALLING),
            [LEG_EV_REJECT] = STAY(LEG_CALLING),
            [LEG_EV_CANCEL] = STAY(LEG_CALLING),
            [LEG_EV_ACK] = STAY(LEG_CALLING),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_CALLING),
            [LEG_EV_ACK_SEND] = STAY(LEG_CALLING),
            [LEG_EV_BYE] = CELL(act_bye_early, LEG_DOWN), /* s.15: not allowed, but seen */
            [LEG_EV_HANGUP] = CELL(act_cancel_out, LEG_CANCELLING), /* s.9.1 */
            [LEG_EV_BYE_DONE] = STAY(LEG_CALLING),
        },
    [LEG_CANCELLING] =
        {
            [LEG_EV_START] = STAY(LEG_CANCELLING),
            [LEG_EV_1XX] = STAY(LEG_CANCELLING),
            [LEG_EV_2XX] = CELL(act_ack_and_bye, LEG_ENDING), /* s.9.1: crossed */
            [LEG_EV_2XX_OFFER] = CELL(act_ack_and_bye, LEG_ENDING),
            [LEG_EV_FAIL] = CELL(act_down, LEG_DOWN), /* 487, or timeout 64*T1 after the CANCEL */
            [LEG_EV_RETRY] = STAY(LEG_CANCELLING),
            [LEG_EV_ANSWER] = STAY(LEG_CANCELLING),
            [LEG_EV_HOLD] = STAY(LEG_CANCELLING),
            [LEG_EV_REJECT] = STAY(LEG_CANCELLING),
            [LEG_EV_CANCEL] = STAY(LEG_CANCELLING),
            [LEG_EV_ACK] = STAY(LEG_CANCELLING),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_CANCELLING),
            [LEG_EV_ACK_SEND] = STAY(LEG_CANCELLING),
            [LEG_EV_BYE] = STAY(LEG_CANCELLING),
            [LEG_EV_HANGUP] = STAY(LEG_CANCELLING),
            [LEG_EV_BYE_DONE] = STAY(LEG_CANCELLING),
        },
    [LEG_ACK_OWED] =
        {
            [LEG_EV_START] = STAY(LEG_ACK_OWED),
            [LEG_EV_1XX] = STAY(LEG_ACK_OWED),
            [LEG_EV_2XX] = STAY(LEG_ACK_OWED), /* repeated: our ACK is on its way */
            [LEG_EV_2XX_OFFER] = STAY(LEG_ACK_OWED),
            [LEG_EV_FAIL] = STAY(LEG_ACK_OWED),
            [LEG_EV_RETRY] = STAY(LEG_ACK_OWED),
            [LEG_EV_ANSWER] = STAY(LEG_ACK_OWED),
            [LEG_EV_HOLD] = STAY(LEG_ACK_OWED),
            [LEG_EV_REJECT] = STAY(LEG_ACK_OWED),
            [LEG_EV_CANCEL] = STAY(LEG_ACK_OWED),
            [LEG_EV_ACK] = STAY(LEG_ACK_OWED),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_ACK_OWED),
            [LEG_EV_ACK_SEND] = CELL(act_ack_late, LEG_UP), /* s.13.2.2.4, answer in the ACK */
            [LEG_EV_BYE] = CELL(act_bye_in, LEG_DOWN),
            [LEG_EV_HANGUP] = CELL(act_owed_bye, LEG_ENDING),
            [LEG_EV_BYE_DONE] = STAY(LEG_ACK_OWED),
        },
    [LEG_INCOMING] =
        {
            [LEG_EV_START] = STAY(LEG_INCOMING),
            [LEG_EV_1XX] = STAY(LEG_INCOMING),
            [LEG_EV_2XX] = STAY(LEG_INCOMING),
            [LEG_EV_2XX_OFFER] = STAY(LEG_INCOMING),
            [LEG_EV_FAIL] = STAY(LEG_INCOMING),
            [LEG_EV_RETRY] = STAY(LEG_INCOMING),
            [LEG_EV_ANSWER] = CELL(act_answer, LEG_ANSWERING), /* s.13.3.1.4 */
            [LEG_EV_HOLD] = CELL(act_hold, LEG_HELD),          /* RFC 3262 s.3 */
            [LEG_EV_REJECT] = CELL(act_reject, LEG_DOWN),      /* s.13.3.1.3 */
            [LEG_EV_CANCEL] = CELL(act_cancelled, LEG_DOWN),   /* s.9.2 */
            [LEG_EV_ACK] = STAY(LEG_INCOMING),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_INCOMING),
            [LEG_EV_ACK_SEND] = STAY(LEG_INCOMING),
            [LEG_EV_BYE] = CELL(act_cancelled, LEG_DOWN), /* s.15.1.2: pending INVITE gets 487 */
            [LEG_EV_HANGUP] = CELL(act_reject, LEG_DOWN),
            [LEG_EV_BYE_DONE] = STAY(LEG_INCOMING),
        },
    [LEG_HELD] =
        {
            [LEG_EV_START] = STAY(LEG_HELD),
            [LEG_EV_1XX] = STAY(LEG_HELD),
            [LEG_EV_2XX] = STAY(LEG_HELD),
            [LEG_EV_2XX_OFFER] = STAY(LEG_HELD),
            [LEG_EV_FAIL] = STAY(LEG_HELD),
            [LEG_EV_RETRY] = STAY(LEG_HELD),
            [LEG_EV_ANSWER] = CELL(act_answer, LEG_ANSWERING), /* the PRACK has come */
            [LEG_EV_HOLD] = STAY(LEG_HELD),
            [LEG_EV_REJECT] = CELL(act_reject, LEG_DOWN),
            [LEG_EV_CANCEL] = CELL(act_cancelled, LEG_DOWN), /* s.9.2: no final answer went out */
            [LEG_EV_ACK] = STAY(LEG_HELD),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_HELD),
            [LEG_EV_ACK_SEND] = STAY(LEG_HELD),
            [LEG_EV_BYE] = CELL(act_cancelled, LEG_DOWN),
            [LEG_EV_HANGUP] = CELL(act_reject, LEG_DOWN),
            [LEG_EV_BYE_DONE] = STAY(LEG_HELD),
        },
    [LEG_ANSWERING] =
        {
            [LEG_EV_START] = STAY(LEG_ANSWERING),
            [LEG_EV_1XX] = STAY(LEG_ANSWERING),
            [LEG_EV_2XX] = STAY(LEG_ANSWERING),
            [LEG_EV_2XX_OFFER] = STAY(LEG_ANSWERING),
            [LEG_EV_FAIL] = STAY(LEG_ANSWERING),
            [LEG_EV_RETRY] = STAY(LEG_ANSWERING),
            [LEG_EV_ANSWER] = STAY(LEG_ANSWERING),
            [LEG_EV_HOLD] = STAY(LEG_ANSWERING),
            [LEG_EV_REJECT] = STAY(LEG_ANSWERING),
            [LEG_EV_CANCEL] = STAY(LEG_ANSWERING), /* s.9.2: no effect after a final answer */
            [LEG_EV_ACK] = CELL(act_confirmed, LEG_UP),
            [LEG_EV_ACK_TIMEOUT] = CELL(act_no_ack, LEG_ENDING), /* s.13.3.1.4, last sentence */
            [LEG_EV_ACK_SEND] = STAY(LEG_ANSWERING),
            [LEG_EV_BYE] = CELL(act_bye_in, LEG_DOWN), /* the ACK was lost or overtaken */
            [LEG_EV_HANGUP] = STAY(LEG_ANSWERING_END), /* s.15: not before the ACK */
            [LEG_EV_BYE_DONE] = STAY(LEG_ANSWERING),
        },
    [LEG_ANSWERING_END] =
        {
            [LEG_EV_START] = STAY(LEG_ANSWERING_END),
            [LEG_EV_1XX] = STAY(LEG_ANSWERING_END),
            [LEG_EV_2XX] = STAY(LEG_ANSWERING_END),
            [LEG_EV_2XX_OFFER] = STAY(LEG_ANSWERING_END),
            [LEG_EV_FAIL] = STAY(LEG_ANSWERING_END),
            [LEG_EV_RETRY] = STAY(LEG_ANSWERING_END),
            [LEG_EV_ANSWER] = STAY(LEG_ANSWERING_END),
            [LEG_EV_HOLD] = STAY(LEG_ANSWERING_END),
            [LEG_EV_REJECT] = STAY(LEG_ANSWERING_END),
            [LEG_EV_CANCEL] = STAY(LEG_ANSWERING_END),
            [LEG_EV_ACK] = CELL(act_acked_bye, LEG_ENDING),
            [LEG_EV_ACK_TIMEOUT] = CELL(act_acked_bye, LEG_ENDING),
            [LEG_EV_ACK_SEND] = STAY(LEG_ANSWERING_END),
            [LEG_EV_BYE] = CELL(act_bye_in, LEG_DOWN),
            [LEG_EV_HANGUP] = STAY(LEG_ANSWERING_END),
            [LEG_EV_BYE_DONE] = STAY(LEG_ANSWERING_END),
        },
    [LEG_UP] =
        {
            [LEG_EV_START] = STAY(LEG_UP),
            [LEG_EV_1XX] = STAY(LEG_UP),
            [LEG_EV_2XX] = CELL(act_ack_again, LEG_UP), /* s.13.2.2.4: the ACK was lost */
            [LEG_EV_2XX_OFFER] = CELL(act_ack_again, LEG_UP),
            [LEG_EV_FAIL] = STAY(LEG_UP),
            [LEG_EV_RETRY] = STAY(LEG_UP),
            [LEG_EV_ANSWER] = STAY(LEG_UP),
            [LEG_EV_HOLD] = STAY(LEG_UP),
            [LEG_EV_REJECT] = STAY(LEG_UP),
            [LEG_EV_CANCEL] = STAY(LEG_UP),
            [LEG_EV_ACK] = STAY(LEG_UP), /* repeated */
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_UP),
            [LEG_EV_ACK_SEND] = STAY(LEG_UP),
            [LEG_EV_BYE] = CELL(act_bye_in, LEG_DOWN),       /* s.15.1.2 */
            [LEG_EV_HANGUP] = CELL(act_bye_out, LEG_ENDING), /* s.15.1.1 */
            [LEG_EV_BYE_DONE] = STAY(LEG_UP),
        },
    [LEG_ENDING] =
        {
            [LEG_EV_START] = STAY(LEG_ENDING),
            [LEG_EV_1XX] = STAY(LEG_ENDING),
            [LEG_EV_2XX] = CELL(act_ack_again, LEG_ENDING),
            [LEG_EV_2XX_OFFER] = CELL(act_ack_again, LEG_ENDING),
            [LEG_EV_FAIL] = STAY(LEG_ENDING),
            [LEG_EV_RETRY] = STAY(LEG_ENDING),
            [LEG_EV_ANSWER] = STAY(LEG_ENDING),
            [LEG_EV_HOLD] = STAY(LEG_ENDING),
            [LEG_EV_REJECT] = STAY(LEG_ENDING),
            [LEG_EV_CANCEL] = STAY(LEG_ENDING),
            [LEG_EV_ACK] = STAY(LEG_ENDING),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_ENDING),
            [LEG_EV_ACK_SEND] = STAY(LEG_ENDING),
            [LEG_EV_BYE] = STAY(LEG_ENDING), /* crossed: it is answered, ours still waits */
            [LEG_EV_HANGUP] = STAY(LEG_ENDING),
            [LEG_EV_BYE_DONE] = CELL(act_down, LEG_DOWN),
        },
    [LEG_DOWN] =
        {
            [LEG_EV_START] = STAY(LEG_DOWN),
            [LEG_EV_1XX] = STAY(LEG_DOWN),
            [LEG_EV_2XX] = STAY(LEG_DOWN),
            [LEG_EV_2XX_OFFER] = STAY(LEG_DOWN),
            [LEG_EV_FAIL] = STAY(LEG_DOWN),
            [LEG_EV_RETRY] = STAY(LEG_DOWN),
            [LEG_EV_ANSWER] = STAY(LEG_DOWN),
            [LEG_EV_HOLD] = STAY(LEG_DOWN),
            [LEG_EV_REJECT] = STAY(LEG_DOWN),
            [LEG_EV_CANCEL] = STAY(LEG_DOWN),
            [LEG_EV_ACK] = STAY(LEG_DOWN),
            [LEG_EV_ACK_TIMEOUT] = STAY(LEG_DOWN),
            [LEG_EV_ACK_SEND] = STAY(LEG_DOWN),
            [LEG_EV_BYE] = STAY(LEG_DOWN),
            [LEG_EV_HANGUP] = STAY(LEG_DOWN),
            [LEG_EV_BYE_DONE] = STAY(LEG_DOWN),
        },
};

static const char *const state_names[LEG_STATE_COUNT] = {
    [LEG_NEW] = "new",
    [LEG_CALLING] = "calling",
    [LEG_CANCELLING] = "cancelling",
    [LEG_ACK_OWED] = "ack_owed",
    [LEG_INCOMING] = "incoming",
    [LEG_HELD] = "held",
    [LEG_ANSWERING] = "answering",
    [LEG_ANSWERING_END] = "answering_end",
    [LEG_UP] = "up",
    [LEG_ENDING] = "ending",
    [LEG_DOWN] = "down",
};

const char *leg_state_name(enum leg_state s)
{
    return state_names[s];
}

void leg_answer(struct leg *l, struct slice sdp)
{
    struct leg_input in = {.sdp = sdp};
    leg_event(l, l->rel.unacked ? LEG_EV_HOLD : LEG_EV_ANSWER, &in);
}

void leg_event(struct leg *l, enum leg_event ev, const struct leg_input *in)
{
    static const struct leg_input nothing;
    const struct leg_cell *cell = &table[l->state][ev];
    if (cell->next != l->state)
        snapshot_later(l->call);
    l->state = cell->next;
    if (cell->action)
        cell->action(l, in ? in : &nothing);
}
