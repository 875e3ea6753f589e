/* One role's process, as the supervisor sees it:
 *
 *   DOWN      no process; at first, and in the pause after it has died too often
 *   STARTING  runs, has been given what it needs, has not said READY
 *   READY     works
 *   DYING     has been killed, because it hung, broke the protocol or closed its channel; not yet
 *             reaped
 *
 * A role that ends is started again at once; one that ends PROC_DEATHS_MAX times in
 * PROC_DEATHS_MS waits PROC_PAUSE_MS each time, for ever. What it asked us to hold, the table
 * `held`, outlives its process. One that an earlier supervisor started is adopted: it goes on. */
#ifndef SOTTO_APP_PROC_H
#define SOTTO_APP_PROC_H

#include "app/kept.h"

#define PROC_DEATHS_MAX 5
#define PROC_DEATHS_MS 10000
#define PROC_PAUSE_MS 1000
#define PROC_HANG_MS 5000        /* without ALIVE */
#define PROC_STATUS_UNKNOWN (-1) /* another process, which is its parent, knows */
#define PROC_START_MS 30000 /* from the start to READY: 100,000 bindings may have to be loaded */

enum proc_state { PROC_DOWN, PROC_STARTING, PROC_READY, PROC_DYING, PROC_STATE_COUNT };

enum proc_event {
    PROC_EVENT_DUE,    /* time to start it */
    PROC_EVENT_READY,  /* it said so */
    PROC_EVENT_LOST,   /* channel closed, or the protocol broken */
    PROC_EVENT_HUNG,   /* no ALIVE */
    PROC_EVENT_EXITED, /* reaped */
    PROC_EVENT_COUNT
};

enum proc_action { PROC_ACT_NONE, PROC_ACT_SPAWN, PROC_ACT_WORK, PROC_ACT_KILL, PROC_ACT_BURY };

struct proc_step {
    enum proc_action action;
    enum proc_state next;
};
extern const struct proc_step proc_steps[PROC_STATE_COUNT][PROC_EVENT_COUNT];

struct proc;

struct proc_cb {
    void *arg;
    /* What START brings. */
    void (*fill_start)(void *arg, struct proc *p, struct role_start *ret, int *ret_fds);
    /* HELD_END has been sent: time for PEER. */
    void (*on_up)(void *arg, struct proc *p);
    void (*on_ready)(void *arg, struct proc *p);
    /* Everything that proc does not handle itself; descriptors are the callee's. */
    void (*on_msg)(void *arg, struct proc *p, uint32_t type, const void *payload, size_t n,
                   const int *fds, size_t fd_count);
    /* It has ended with this status of waitpid, or PROC_STATUS_UNKNOWN. False: do not start it again. */
    bool (*on_exit)(void *arg, struct proc *p, int status);
};

struct proc {
    enum role_kind kind;
    uint32_t worker; /* of media */
    char number[4];  /* of the worker as text, where there are several, else empty */
    char name[16];   /* "media", "media.1" */
    enum proc_state state;
    struct loop *loop;
    struct proc_cb cb;
    struct keep *keep;
    uint32_t index;          /* of kept.roles */
    pid_t pid;               /* 0: none */
    int pidfd;               /* -1: none */
    bool is_adopted;         /* its parent is another process */
    struct kept_role *found; /* what there was before; borrowed */
    struct loop_fd end;
    struct ipc_chan *chan;
    struct ipc_held *held;
    bool up;        /* START, HELD and HELD_END have been sent */
    bool was_ready; /* in any of its lives */
    uint32_t restarts;
    uint64_t since;                   /* seconds since 1970 */
    uint64_t deaths[PROC_DEATHS_MAX]; /* ms; a ring */
    uint32_t death_count;
    struct loop_timer due, hang;
};

/* Of kept->roles[index]; takes what it has there: the table of held descriptors, and the process where one
 * runs. `keep` is told of all that changes. */
void proc_init(struct proc *p, struct kept *kept, uint32_t index, struct loop *l, struct keep *keep,
               const struct proc_cb *cb);
void proc_fini(struct proc *p); /* kills what still runs */
/* Adopts the process that runs already, or starts one. */
void proc_start(struct proc *p);
void proc_kill(struct proc *p); /* no-op where none runs */
/* Closes the channel: the order to leave at once. */
void proc_dismiss(struct proc *p);
void proc_event(struct proc *p, enum proc_event ev);

/* How long to wait before the next start, after one more death now. */
uint32_t proc_pause_ms(struct proc *p, uint64_t now_ms);

#endif
