/* The two-leg core: a call is leg A (who called) and leg B (who answered), several of B while it
 * rings. Each leg has its own dialog, session description, media endpoints, keying and policy;
 * nothing crosses from one to the other that is not meant to.
 *
 * The core gets requests that have been let in already: the caller of these functions has matched
 * credentials. It speaks SIP through the transaction layer and asks the media role by ipc. */
#ifndef SOTTO_CALL_CALL_H
#define SOTTO_CALL_CALL_H

#include "ipc/media_msg.h"
#include "policy/policy.h"
#include "policy/quirk.h"
#include "registrar/location.h"
#include "txn/txn.h"

/* What we understand; a header line. */
#define CALL_ALLOW \
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, MESSAGE, REGISTER\r\n"
#define CALL_BODY_MAX 16384u /* a session description of ours */
#define CALL_LEGS_MAX 20     /* callee legs of one call, redirections included */
#define CALL_REDIRECTS_MAX 5 /* 302 followed in one call */
#define CALL_HISTORY_MAX 64  /* ended calls that `show` remembers */
#define CALL_REFUSED_SHOWN_S 60
/* Of a call, over the death of the process. One that rings in so many places that they do not fit (about
 * ten) is ended by the next process: 503 to the caller, CANCEL to the callees. */
#define CALL_SNAPSHOT_MAX 32768u

struct call_core;

struct call_config {
    struct loop *loop;
    struct txn_layer *txn;
    struct transport *transport;
    struct location *location;
    struct resolver *resolver; /* NULL: contacts that are names cannot be called */
    void *arg;                 /* of the functions below */
    /* 0; -ENOENT: no such user. */
    int (*find_user)(void *arg, struct slice name, struct slice domain, struct store_user *ret);
    /* The user whom a URI of ours means; -ENOENT: none, or not ours. */
    int (*find_uri)(void *arg, const struct sip_uri *uri, struct store_user *ret);
    /* What is known of phones with this User-Agent; NULL: nothing. The function may be NULL. */
    const struct quirk *(*find_quirk)(void *arg, struct slice agent);
    /* ZRTP: our identifier; what is kept of a peer, and to keep it. NULL: no ZRTP. 0 or -errno. */
    uint8_t zid[STORE_ZID_LEN];
    int (*zrtp_find)(void *arg,
                     struct store_zrtp *z); /* by z->zid; 0 also where there is nothing */
    int (*zrtp_save)(void *arg, const struct store_zrtp *z);
    /* What MIKEY asks of a user; wipe *ret. -ENODATA: nothing is known. NULL: of nobody. */
    int (*mikey)(void *arg, struct slice name, struct slice domain, struct store_mikey *ret);
    /* One CDR, a JSON object on one line without its newline. */
    void (*write_cdr)(void *arg, struct slice json);
    const char *server_name; /* User-Agent and Server */
    const char *host;        /* in Warning headers */
    uint32_t max_calls;
    uint32_t ring_timeout_ms;
    uint32_t session_min_s, session_default_s;
    bool transcode;         /* legs that share no codec: their audio is converted */
    uint32_t media_workers; /* 1 .. MEDIA_WORKERS_MAX */
    uint32_t media_room;    /* endpoints that each has places and ports for; 0: not known */
    int stats_fd;           /* memfd of struct media_stats rows; -1: none */
    int snapshot_fd;        /* memfd of call_snapshot_size(max_calls) bytes; -1: none */
};

size_t call_snapshot_size(uint32_t max_calls);

int call_core_new(const struct call_config *cfg, struct call_core **ret) MUST_CHECK;
struct call_core *call_core_free(struct call_core *core); /* calls are left standing elsewhere */
/* The channel to a (new) media role's worker; takes fd. -EPROTO: there is no such worker. */
int call_core_attach_media(struct call_core *core, uint32_t worker, int fd) MUST_CHECK;
/* After a restart of signalling: calls that stand in the snapshot memfd go on. Call before the
 * media role is attached. Returns how many. */
size_t call_core_restore(struct call_core *core);

/* A first INVITE of `caller`, let in. The core answers it in any case. */
void call_core_invite(struct call_core *core, struct txn_server *st, struct sip_msg *req,
                      const struct transport_flow *flow, const struct store_user *caller,
                      const struct policy_target *target);

/* Whose leg it is: what of a user counts in a call. No passwords. */
struct call_user {
    /* All in one block, which the leg owns. Of the policy there are as many codecs as it names. */
    const struct store_policy *policy;   /* never NULL */
    const char *name, *domain, *display; /* NULL: not known yet */
};

/* The leg whose dialog a request within a dialog belongs to; NULL: none (481). */
struct leg;
struct leg *call_core_find_leg(struct call_core *core, const struct sip_msg *req);
/* Who must authenticate where such a request came over another flow than the leg's. */
const struct call_user *call_leg_user(const struct leg *l);
bool call_leg_is_flow(const struct leg *l, const struct transport_flow *flow);
void call_leg_set_flow(struct leg *l, const struct transport_flow *flow);
/* A request within the dialog, let in: re-INVITE, UPDATE, BYE, INFO, PRACK, OPTIONS … */
void call_core_request(struct call_core *core, struct leg *l, struct txn_server *st,
                       struct sip_msg *req);

/* From the transaction layer. */
void call_core_on_ack(struct call_core *core, struct sip_msg *ack);
void call_core_on_cancel(struct call_core *core, struct txn_server *invite);
void call_core_on_stray_2xx(struct call_core *core, struct sip_msg *rsp,
                            const struct transport_flow *flow);

/* Since this process began; calls that a restart carried over are counted at their end. */
struct call_counts {
    uint64_t ended[KEYING_COUNT][KEYING_COUNT];   /* answered ones, by keying of legs A and B */
    uint64_t running[KEYING_COUNT][KEYING_COUNT]; /* answered ones that go on */
    uint64_t refused;                             /* never answered */
    uint64_t auth_failures, replayed, clear_dropped;
    uint64_t keying_failed[KEYING_COUNT][KEYING_FAULT_COUNT]; /* handshakes in the media path */
};
void call_core_counts(const struct call_core *core, struct call_counts *ret);

/* No new calls from now on; how many are left. */
void call_core_close(struct call_core *core);
size_t call_core_count(const struct call_core *core);
/* `sotto show calls --json`: an array, malloc'ed; NULL: no memory. `all`: ended ones too. */
char *call_core_show(struct call_core *core, bool all);
/* Sentences, a line each, malloc'ed, about the call with this id or, with "last", the one that
 * began or ended last. NULL: there is none. */
char *call_core_explain(struct call_core *core, struct slice which);
/* People have compared the SAS of a leg ("caller", "callee") with the server, or take that back. The
 * media role is asked; the record tells. -ENOENT: no such call that stands, or a leg without a SAS. */
int call_core_verify(struct call_core *core, struct slice which, struct slice leg,
                     bool verified) MUST_CHECK;

#endif
