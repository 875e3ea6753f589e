/* What all roles have in common: the talk with the supervisor, configuration, held descriptors,
 * the sandbox, the watchdog. A role's own part is a struct role_ops.
 *
 * Life: role_main reads START, collects HELD, enters the sandbox, calls ops->start, seals the sandbox
 * (no more system calls than the role needs), says READY and runs the loop until the supervisor closes the channel; then ops->stop. ops->peer may come at any
 * time after start, and again with a new channel when the other role has been restarted. */
#ifndef SOTTO_APP_ROLE_H
#define SOTTO_APP_ROLE_H

#include "app/role_fds.h"
#include "ipc/hold.h"
#include "media/role.h"
#include "loop/loop.h"

struct role;

struct role_held_fd {
    uint64_t tag;
    int fd;
};

struct role_ops {
    enum role_kind kind;
    /* 0; negative: cannot work (status 1); positive: enum exit_status, which ends the server where
     * it is at its first start. Takes the descriptors of role->held. */
    int (*start)(void *arg, struct role *r);
    /* Takes fd: a channel to that role (ipc_chan_new). */
    void (*peer)(void *arg, const struct role_peer *who, int fd);
    /* role->cfg and the certificates' descriptors are the new ones. */
    void (*reload)(void *arg, const struct app_config *old);
    void (*shutdown)(void *arg);       /* take no new calls */
    uint32_t (*calls_left)(void *arg); /* asked every SHUTDOWN_TICK_MS after shutdown */
    void (*status)(void *arg, const struct role_status *s, size_t n); /* answers role_get_status */
    void (*done)(void *arg, const struct role_done *d); /* answers role_do_reload, _log_level */
    void (*stop)(void *arg);                            /* the end: let go of everything */
};

struct role {
    struct loop *loop;
    struct ipc_chan *supervisor;
    uint32_t restarts;
    uint32_t worker, workers; /* of media; other roles are told how many there are */
    char name[16];            /* in the log: "media", or "media.1" where there are several */
    struct app_config cfg;
    int fds[ROLE_FD_SINGLE_COUNT]; /* by enum role_fd; -1: absent */
    int sip_listen[CONFIG_LISTEN_MAX], web_listen[CONFIG_LISTEN_MAX]; /* -1: absent */
    struct media_shared media_shared;                                 /* -1: absent */
    struct media_xdp_fds media_xdp;                                   /* -1: absent */
    struct role_held_fd *held;                                        /* until start returns */
    size_t held_count;

    const struct role_ops *ops;
    void *arg;
    int status; /* of the process */
    bool started, shutting_down;
    struct loop_timer alive, shutdown_tick;
};

/* The process of a role, from after exec to its exit status. */
int role_main(const struct role_ops *ops, void *arg) MUST_CHECK;

/* As callbacks: `role` is the struct role. A failure is logged: the descriptor will be missing after
 * a restart of the role, no more. */
void role_hold(void *role, uint64_t tag, int fd);
void role_unhold(void *role, uint64_t tag);

/* Requests to the supervisor; answers come by ops. Errors of ipc_send. */
int role_get_status(struct role *r) MUST_CHECK;
int role_do_reload(struct role *r) MUST_CHECK;
int role_do_log_level(struct role *r, enum log_level level) MUST_CHECK;

/* The whole file from its start, whatever the offset. -EMSGSIZE: longer than cap; -EBADF: the slot is
 * empty. The caller wipes what was secret. */
int role_read_fd(int fd, void *dst, size_t cap, size_t *ret_n) MUST_CHECK;

/* The roles (role_signal.c, ...). */
int signal_role_main(void);
int media_role_main(void);
int web_role_main(void);

#endif
