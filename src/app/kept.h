/* What outlives the supervisor's process, and how it comes to do so.
 *
 * `sotto serve` is the *keeper* (keeper.c): it opens all that the server needs, forks the supervisor,
 * and from then on has one duty, to have a copy of whatever the supervisor holds: the descriptors of
 * app/state.h, those that roles asked to be held, and the supervisor's end of each role's channel. A
 * supervisor that is killed is forked anew from that copy. Roles notice nothing: their channels
 * stay open, and what they said meanwhile waits in them. */
#ifndef SOTTO_APP_KEPT_H
#define SOTTO_APP_KEPT_H

#include <sys/types.h>

#include "app/state.h"
#include "ipc/hold.h"

#define KEPT_ROLES_MAX (2 + MEDIA_WORKERS_MAX) /* signal, media's workers, web */

/* Which process it is. */
struct proc_id {
    enum role_kind kind;
    uint32_t worker, workers; /* media: which one of how many; else 0 */
};

struct kept_role {
    struct proc_id id;
    pid_t pid;       /* 0: none runs, and chan and pidfd are -1 */
    int chan, pidfd; /* the supervisor's end of its channel; the process */
    uint32_t restarts;
    uint64_t since; /* seconds since 1970 */
    bool is_ready;
    struct ipc_held *held;
};

struct kept {
    struct state shared;
    struct kept_role roles[KEPT_ROLES_MAX];
    size_t role_count;
    uint32_t lives;       /* supervisors that there were before this one */
    uint32_t watchdog_ms; /* 0: systemd does not watch */
    bool is_announced;    /* `ready` has been printed */
    bool is_stopping;     /* the keeper was told to leave */
};

enum keep_msg_type {
    /* supervisor -> keeper */
    KEEP_MSG_ROLE = 0x10, /* struct keep_role, its channel and its pidfd: it has been started */
    KEEP_MSG_ROLE_READY,  /* uint32_t index */
    KEEP_MSG_ROLE_GONE,   /* uint32_t index */
    KEEP_MSG_HOLD,        /* struct keep_hold, one descriptor */
    KEEP_MSG_UNHOLD,      /* struct keep_hold */
    KEEP_MSG_SLOT,        /* uint32_t enum role_fd, one descriptor: after a reload */
    KEEP_MSG_ANNOUNCED,
    /* keeper -> supervisor */
    KEEP_MSG_SIGNAL = 0x40 /* uint32_t: a signal that the keeper got */
};

/* `index`: of kept.roles. */
struct keep_role {
    uint32_t index;
    int32_t pid;
    uint64_t since;
    uint32_t restarts;
};

struct keep_hold {
    uint64_t tag;
    uint32_t index;
};

void kept_close(struct kept *k);

/* --- the supervisor's side (keep.c) --- */

/* A keeper that cannot be told is dead, which its channel says by itself: nothing here fails. */
struct keep {
    struct ipc_chan *chan; /* NULL: there is no keeper */
    bool fails;            /* the last message could not be sent */
};

/* Sends at once: a role gets nothing to work on before the keeper has that. Borrows both
 * descriptors. */
void keep_role(struct keep *k, const struct keep_role *r, int chan, int pidfd);
void keep_role_ready(struct keep *k, uint32_t index);
void keep_role_gone(struct keep *k, uint32_t index);
void keep_hold(struct keep *k, uint32_t index, uint64_t tag, int fd); /* borrows fd */
void keep_unhold(struct keep *k, uint32_t index, uint64_t tag);
void keep_slots(struct keep *k, const struct state *s); /* those that a reload replaces */
void keep_announced(struct keep *k);

#endif
