#include "call/rel.h"

#include <stdlib.h>

#include "base/log.h"
#include "call/fork.h"
#include "call/snapshot.h"
#include "call/steps.h"

#define REL_T1 500u /* RFC 3262 s.3 */
#define REL_WAIT (64u * REL_T1)

static struct loop *loop_of(struct leg *l)
{
    return l->call->core->cfg.loop;
}

/* --- towards the caller ---------------------------------------------------------------------- */

static void on_timer(void *arg)
{
    struct leg *a = arg;
    struct leg_reliable *r = a->reliable;
    if (loop_now(loop_of(a)) >= r->until) { /* s.3: the caller is not there any more */
        call_end(a->call, 504, "the caller did not acknowledge a provisional answer");
        return;
    }
    if (a->invite_in)
        txn_server_respond(a->invite_in, r->status, call_text_slice(&r->text));
    uint64_t left = r->until - loop_now(loop_of(a));
    r->ms *= 2;
    loop_timer_set(loop_of(a), &r->timer, r->ms < left ? r->ms : left);
}

/* NULL: no memory. */
static struct leg_reliable *reliable_of(struct leg *a)
{
    if (a->reliable)
        return a->reliable;
    a->reliable = calloc(1, sizeof(*a->reliable));
    if (a->reliable)
        loop_timer_init(&a->reliable->timer, on_timer, a);
    return a->reliable;
}

void rel_release(struct leg *l)
{
    struct leg_reliable *r = l->reliable;
    if (!r)
        return;
    l->reliable = NULL;
    loop_timer_cancel(loop_of(l), &r->timer);
    call_text_clear(&r->text);
    call_text_clear(&r->answer);
    free(r);
}

bool rel_take_invite(struct leg *a, const struct sip_msg *req)
{
    /* Only where the caller insists: an unreliable 180 costs it nothing, a reliable one a round. */
    a->wants_100rel = sip_msg_list_has(req, SIP_HDR_REQUIRE, "100rel");
    return true;
}

bool rel_is_free(const struct leg *a)
{
    return !a->wants_100rel || !a->rel.unacked;
}

void rel_put(struct leg *a, struct buf *b)
{
    BUF_PUT_LIT(b, "Require: 100rel\r\nRSeq: ");
    buf_put_u64(b, dialog_rel_next(&a->rel));
    BUF_PUT_LIT(b, "\r\n");
}

static void wait_begin(struct leg *a)
{
    struct leg_reliable *r = a->reliable;
    r->ms = REL_T1;
    r->until = loop_now(loop_of(a)) + REL_WAIT;
    loop_timer_set(loop_of(a), &r->timer, REL_T1);
}

int rel_restore(struct leg *a, uint16_t status, struct slice text, struct slice answer)
{
    if (!text.n && !answer.n)
        return 0;
    struct leg_reliable *r = reliable_of(a);
    if (!r || call_text_set(&r->text, text) < 0 || call_text_set(&r->answer, answer) < 0)
        return -ENOMEM;
    r->status = status;
    return 0;
}

void rel_resume(struct leg *a)
{
    if (a->rel.unacked && a->reliable && a->reliable->text.n)
        wait_begin(a);
}

void rel_sent(struct leg *a, uint16_t status, struct slice text)
{
    struct leg_reliable *r = reliable_of(a);
    if (!r || call_text_set(&r->text, text) < 0)
        return; /* sent once; a lost one is then the caller's to miss */
    r->status = status;
    wait_begin(a);
}

void rel_hold_answer(struct leg *a, struct slice sdp)
{
    struct leg_reliable *r = reliable_of(a);
    if (!r || call_text_set(&r->answer, sdp) < 0)
        call_end(a->call, 500, "no memory");
}

void rel_on_prack(struct leg *a, struct txn_server *st, const struct sip_msg *prack)
{
    struct leg_answer answer = {.status = 200};
    if (dialog_rel_on_prack(&a->rel, prack, a->invite_cseq) != DIALOG_REL_OK)
        answer.status = 481;
    else if (prack->body.n) /* a new offer in it: s.5 leaves us free to refuse */
        answer.status = 488;
    leg_sip_respond(a, st, &answer);
    txn_server_detach(st);
    if (a->rel.unacked)
        return;
    struct call_text sdp = {0};
    if (a->reliable) {
        sdp = a->reliable->answer;
        a->reliable->answer = (struct call_text){0};
    }
    rel_release(a);
    snapshot_later(a->call);
    if (a->state == LEG_HELD)
        leg_answer(a, call_text_slice(&sdp));
    else
        fork_tell_untold(a->call);
    call_text_clear(&sdp);
}

/* --- towards the callee ---------------------------------------------------------------------- */

static void on_prack_done(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    (void)arg;
    (void)ct;
    (void)ev;
    (void)msg;
}

static void send_prack(struct leg *b, const struct sip_msg *rsp, uint32_t rseq)
{
    char mem[128];
    struct buf h = buf_over(mem, sizeof(mem));
    buf_printf(&h, "RAck: %u %u INVITE\r\n", rseq, rsp->cseq);
    struct leg_request rq = {
        .method = SIP_PRACK, .headers = buf_slice(&h), .fn = on_prack_done, .arg = NULL};
    struct txn_client *ct = NULL;
    if (leg_sip_request(b, &rq, &ct) == 0)
        txn_client_detach(ct);
    else
        log_event(LOG_INFO, "prack_not_sent", LOG_STR("call", b->call->name));
}

bool rel_take_provisional(struct leg *b, const struct sip_msg *rsp)
{
    uint32_t rseq = 0;
    switch ((enum dialog_rel_verdict)dialog_rel_on_provisional(&b->rel, rsp, &rseq)) {
    case DIALOG_REL_NOT:
        return true;
    case DIALOG_REL_OK:
        send_prack(b, rsp, rseq);
        return true;
    case DIALOG_REL_REPEATED:
        send_prack(b, rsp, rseq);
        return false;
    case DIALOG_REL_GAP:
    case DIALOG_REL_NO_MATCH:
        return false;
    }
    return true;
}
