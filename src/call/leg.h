/* Inside the two-leg core: the structures that its files share. Nothing outside call/ includes
 * this.
 *
 *   setup.c     a new INVITE: media of leg A, route, callee legs
 *   fork.c      the callee legs until one has won: progress, answers, failures
 *   exchange.c  offer/answer in a standing call: re-INVITE, UPDATE, late offers
 *   leg.c       the SIP life of one leg, as a const table
 *   leg_sip.c   what a leg sends: requests, answers, ACK
 *   offers.c    which offers a callee's phone is sent, until it takes one
 *   leg_media.c what a leg asks of the media role
 *   rel.c       PRACK (RFC 3262) carried from leg to leg
 *   refresh.c   session timers (RFC 4028)
 *   path.c      whose keys they are: the server's on each leg, or the phones' alone
 *   demand.c    a user who wants the other end protected too
 *   tell.c      what the phones are told of protection
 *   explain.c   the same for an administrator, in sentences
 *   relay.c     INFO and the like carried from leg to leg
 *   info.c      digits by INFO for phones that know no RTP events, and from those that do
 *   end.c       teardown, CDR
 *   snapshot.c  what a restarted process needs to go on, restore.c its way back, resume.c what was
 *               under way, slots.c where it lies
 *   core.c      calls by id and by dialog, limits, dispatch of in-dialog requests
 *
 * Ownership: the core owns calls, a call owns its legs. A leg holds borrowed transactions and lets
 * go of them (detach) before it goes. A call is freed from a deferral, never from within one of its
 * own callbacks. */
#ifndef SOTTO_CALL_INTERNAL_H
#define SOTTO_CALL_INTERNAL_H

#include "base/map.h"
#include "call/call.h"
#include "call/leg_media.h"
#include "call/offers.h"
#include "call/slots.h"
#include "dialog/dialog.h"
#include "dialog/rel.h"
#include "dialog/timer.h"
#include "txn/txn.h"

#define LEG_AGENT_MAX 64
#define CALL_WHY_MAX 256 /* a sentence: why a call was refused or has ended */

enum leg_state {
    LEG_NEW,           /* callee: nothing sent yet */
    LEG_CALLING,       /* callee: INVITE sent, no final answer */
    LEG_CANCELLING,    /* callee: CANCEL sent */
    LEG_ACK_OWED,      /* callee: its 2xx has an offer, the ACK waits for the caller's answer */
    LEG_INCOMING,      /* caller: its INVITE is not answered yet */
    LEG_HELD,          /* caller: the 2xx is made, and waits for a PRACK (RFC 3262 s.3) */
    LEG_ANSWERING,     /* caller: 2xx sent, no ACK yet */
    LEG_ANSWERING_END, /* the same, and we want to hang up: RFC 3261 s.15 has us wait for the ACK */
    LEG_UP,
    LEG_ENDING, /* BYE sent */
    LEG_DOWN,
    LEG_STATE_COUNT
};

enum leg_event {
    LEG_EV_START, /* send the INVITE */
    LEG_EV_1XX,
    LEG_EV_2XX,       /* answer to our INVITE; ACK goes out at once */
    LEG_EV_2XX_OFFER, /* the same with an offer in it (late offer) */
    LEG_EV_FAIL,      /* 3xx-6xx, timeout, transport error on our INVITE */
    LEG_EV_RETRY,     /* another offer instead of the one that the phone has refused */
    LEG_EV_ANSWER,    /* we send 2xx to its INVITE */
    LEG_EV_HOLD,      /* we would, but a reliable provisional is not acknowledged yet */
    LEG_EV_REJECT,    /* we send another final answer */
    LEG_EV_CANCEL,    /* its CANCEL came */
    LEG_EV_ACK,
    LEG_EV_ACK_TIMEOUT,
    LEG_EV_ACK_SEND, /* the answer for the owed ACK is there */
    LEG_EV_BYE,      /* its BYE came */
    LEG_EV_HANGUP,   /* we want to end it, whatever it is doing */
    LEG_EV_BYE_DONE, /* our BYE has a final answer, or never will */
    LEG_EV_COUNT
};

/* A text of its own: descriptions, ACKs kept for retransmission. */
struct call_text {
    char *p;
    uint32_t n;
    bool lent;   /* it lies in the call's snapshot, and nowhere else: not ours to free */
    bool packed; /* a description, by sdp_pack */
};

/* Where a text lies in the snapshot, and how long it is there. */
struct call_saved {
    uint16_t at, n; /* at 0: not there */
};

/* A 2xx that is sent again until its ACK comes (RFC 3261 s.13.3.1.4); leg_sip.c. */
struct leg_resend {
    struct txn_server *txn; /* whose 2xx; NULL: it has ended */
    struct loop_timer timer;
    uint64_t until;
    uint32_t ms;
};

/* What waits for a PRACK of the caller; rel.c. */
struct leg_reliable {
    struct call_text text;   /* the provisional without its PRACK yet */
    struct call_text answer; /* description of the 2xx that waits for that PRACK */
    uint16_t status;
    struct loop_timer timer;
    uint32_t ms;
    uint64_t until;
};

struct leg {
    struct call *call;
    struct list node; /* in call->legs */
    uint16_t index;   /* 0: the caller */
    enum leg_state state;

    struct call_user user; /* whose leg it is */
    struct media_policy policy;
    bool registered_user;

    struct dialog dialog;
    struct map_node by_dialog; /* key: call-id and local tag, in core->dialogs */
    uint64_t dialog_key;
    bool in_map;
    bool asks_ice; /* callee: its offers are to have ICE, over whatever it comes (RFC 5768) */
    bool begun;    /* callee: its flow, media or answer is under way */
    bool restored; /* by a process that did not see its last ACK */
    struct transport_flow flow;
    char *target_uri;            /* callee: contact that the INVITE goes to */
    char *path;                  /* … and the Path of its registration; NULL: none */
    struct offers offers;        /* callee */
    struct route *route_by_name; /* callee: addresses of a contact that is a name; see route.c */
    char caller_tag[24];         /* callee: To tag with which the caller sees this fork */
    char agent[LEG_AGENT_MAX];   /* User-Agent, of its INVITE or registration */
    uint8_t announced;           /* 1 + word that it was told by sound; 0: none; tell.c */
    uint8_t told;                /* word of X-Sotto-Protection that it was sent last; tell.c */
    struct call_text display;    /* caller: display name of its From, quotes included */

    struct txn_server *invite_in;  /* INVITE from this leg that we answer */
    struct txn_client *invite_out; /* INVITE to this leg */
    struct txn_client *bye_out;
    struct leg_digits *digits; /* INFO of ours to it; NULL: none yet; info.c */
    uint32_t invite_cseq;      /* of its last INVITE: ours to it, or the caller's first */
    uint32_t answered_cseq;    /* of the INVITE from it whose 2xx we sent last */
    bool asked_again;          /* callee: its 422 has been heeded once (RFC 4028 s.7.3) */
    uint16_t final_status;

    /* The last ACK to a 2xx goes out again when the 2xx comes again. It is kept only where it holds our
     * answer to the offer of that 2xx (ack_answers), else printed anew. */
    struct call_text ack;
    uint32_t ack_cseq;
    bool acked;
    bool ack_answers;
    struct leg_resend *resend; /* NULL: no 2xx waits for its ACK */

    struct leg_media media;
    /* Read by leg_remote_sdp and leg_local_sdp: in a call that stands they are packed. */
    struct call_text remote_sdp; /* the peer's last description */
    struct call_text local_sdp;  /* our last description towards it */
    struct call_saved remote_saved, local_saved;
    uint64_t sdp_session;
    bool early_media;         /* callee: its early description has been applied */
    bool rang;                /* callee: a 18x came */
    uint16_t progress_status; /* callee: of the last 1xx */

    /* RFC 3262 with this leg; see rel.c */
    struct dialog_rel rel;
    bool wants_100rel;             /* caller: provisionals to it are sent reliably */
    struct leg_reliable *reliable; /* caller: NULL: nothing waits for a PRACK */

    /* RFC 4028; see refresh.c */
    struct dialog_timer session;
    struct dialog_timer session_asked; /* by a request of the peer: agreed with our 2xx */
    uint64_t session_due_unix;         /* when session_timer goes off, for the snapshot */
    struct loop_timer session_timer;
    struct txn_client *refresh_out;
    bool allows_update;
};

enum exchange_state {
    EXCHANGE_IDLE,
    EXCHANGE_CHECK,   /* media role judges the offer of x */
    EXCHANGE_LOCAL,   /* media role writes our offer to y */
    EXCHANGE_OFFERED, /* request is out to y */
    EXCHANGE_APPLY_Y, /* y has answered: applied there … */
    EXCHANGE_APPLY_X, /* … and on x, which gives our answer to it */
    EXCHANGE_LATE_Y,  /* late offer: y's offer is judged */
    EXCHANGE_LATE_X,  /* … our offer to x is written */
    EXCHANGE_WAIT_ACK /* our answer (or late offer) is out to x */
};

struct exchange {
    enum exchange_state state;
    struct leg *x, *y;
    enum sip_method method; /* INVITE or UPDATE */
    bool late;
    struct txn_server *in;
    struct txn_client *out;
    struct call_text offer, answer; /* x's, y's (late: y's offer, x's answer) */
    struct sdp_leg_map map;         /* the offerer's m-lines to the other's */
    uint8_t mask;                   /* the offerer's m-lines that are relayed */
};

/* Made when the first of them is set: a call that stands has none. */
struct call_reasons {
    char bye[CALL_WHY_MAX + 32]; /* Reason of what ends the legs */
    char best[CALL_WHY_MAX];     /* of the legs that failed, with best_status */
    char end[CALL_WHY_MAX];      /* a plain sentence, for CDR, log and show */
};

enum call_phase { CALL_SETUP, CALL_RINGING, CALL_ANSWERED, CALL_ENDED };

struct call {
    struct call_core *core;
    struct list node; /* in core->calls */
    struct map_node by_id;
    uint64_t id;
    uint8_t worker; /* of the media role */
    char name[24];
    enum call_phase phase;
    uint64_t since_unix, answered_unix;
    struct list legs;
    uint16_t leg_count;
    struct leg *a;
    struct leg *b;      /* the callee's leg that answered; NULL before, and with built-in targets */
    struct leg *early;  /* whose early media the caller hears */
    struct leg *untold; /* whose progress waits, for want of a PRACK (rel.c) */
    uint8_t path;       /* enum media_path; path.c */
    uint8_t path_why;   /* enum path_why: what kept it from a more private one */
    uint8_t builtin;    /* enum media_mode; MEDIA_MODE_NONE: a call between two */
    bool late_offer;    /* the caller's INVITE had none */
    struct sdp_leg_map map;    /* a's m-lines to those of the callee legs */
    uint8_t mask;              /* a's m-lines that are relayed */
    uint32_t max_forwards;     /* for the callees' INVITEs */
    struct call_text crossing; /* header lines of the INVITE that go on to the callees */
    char *target; /* what was dialled, for CDR and show; NULL: not known yet, see call_target */
    struct exchange ex;
    struct list passages; /* requests on their way from leg to leg; relay.c */
    uint16_t best_status; /* of the legs that failed, RFC 3261 s.16.7 */
    uint8_t redirects;
    struct loop_timer ring_timer;
    struct loop_defer reap;
    uint16_t end_status;
    struct call_reasons *reasons; /* NULL: nothing has failed or ended yet */
    uint32_t slot;                /* snapshot slot; SLOT_NONE: none */
    bool save_due;
    struct loop_defer save; /* into it, at the end of this wake-up */
};

struct call_history {
    char *json; /* the call as `show` prints it */
    char *explained;
    char name[24];
    uint64_t ended_unix;
    bool refused;
};

struct call_core {
    struct call_config cfg;
    struct list calls;
    struct map by_id;
    struct map dialogs;
    size_t count;
    uint64_t next_id;
    bool closing;                                  /* no new calls */
    struct media_client *media[MEDIA_WORKERS_MAX]; /* workers.c */
    uint32_t workers;
    const struct media_stats *stats; /* mapped read-only; NULL in tests */
    size_t stats_count;
    struct call_history history[CALL_HISTORY_MAX];
    size_t history_next;
    struct call_counts counts;
    struct sdp *sdp[3]; /* scratch: parsed descriptions of one callback */
    struct sdp_leg_plan *plan;
    struct offers_memory learned;
    char *out;  /* scratch: messages in the making, SIP_MSG_MAX */
    char *body; /* … descriptions, CALL_BODY_MAX */
    char *copy; /* … a description that is about to be replaced, CALL_BODY_MAX */
    struct snapshot_map *snapshots; /* NULL: none kept */
    /* Restored calls: this worker is to be told which endpoints stand. */
    bool sweep_due[MEDIA_WORKERS_MAX];
};

#define CALL_TARGET_MAX (STORE_NAME_MAX + STORE_DOMAIN_MAX + 2)
static inline const char *call_target(const struct call *c)
{
    return c->target ? c->target : "";
}
/* NULL: no memory; the call ends without words. */
struct call_reasons *call_reasons_make(struct call *c);
static inline const char *call_end_reason(const struct call *c)
{
    return c->reasons ? c->reasons->end : "";
}
static inline const char *call_best_reason(const struct call *c)
{
    return c->reasons ? c->reasons->best : "";
}

/* leg.c */
struct leg_input {
    struct sip_msg *msg;
    uint16_t status;
    struct slice reason;
    struct slice sdp;
};
void leg_event(struct leg *l, enum leg_event ev, const struct leg_input *in);
/* 2xx to the caller's first INVITE, now or as soon as it may go out. */
void leg_answer(struct leg *l, struct slice sdp);
struct leg *leg_new(struct call *c);
int leg_set_user(struct leg *l, struct slice name, struct slice domain, struct slice display,
                 const struct store_policy *policy) MUST_CHECK; /* -ENOMEM */
static inline int leg_set_store_user(struct leg *l, const struct store_user *u)
{
    return leg_set_user(l, slice_from_str(u->name), slice_from_str(u->domain),
                        slice_from_str(u->display), &u->policy);
}
void leg_free(struct leg *l);
const char *leg_state_name(enum leg_state s);

/* describe.c: its last descriptions, for as long as nothing else is waited for. Empty: none, or there is no
 * memory for one that was packed. */
struct slice leg_remote_sdp(struct leg *l);
struct slice leg_local_sdp(struct leg *l);
/* False: nothing has changed. Nobody may hold a slice of them. */
bool leg_pack_sdp(struct leg *l);

/* Whose 2xx waits for its ACK; NULL: none. */
static inline struct txn_server *leg_answered_txn(const struct leg *l)
{
    return l->resend ? l->resend->txn : NULL;
}

/* text */
int call_text_set(struct call_text *t, struct slice s) MUST_CHECK;
void call_text_clear(struct call_text *t);
static inline struct slice call_text_slice(const struct call_text *t)
{
    return slice_from(t->p, t->n);
}

#endif
