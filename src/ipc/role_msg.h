/* What the supervisor and a role tell each other. The first message a role gets is START, with
 * its configuration and descriptors; then, one by one, what it asked the supervisor to hold in an
 * earlier life; then HELD_END. The role answers READY when it can work. */
#ifndef SOTTO_IPC_ROLE_MSG_H
#define SOTTO_IPC_ROLE_MSG_H

#include <stdint.h>

#include "base/err.h"

enum role_kind { ROLE_SUPERVISOR, ROLE_SIGNAL, ROLE_MEDIA, ROLE_WEB, ROLE_COUNT };

#define ROLE_FDS_MAX 32

enum role_msg_type {
    /* supervisor -> role */
    ROLE_MSG_START = 0x10, /* struct role_start, descriptors: see fds[] there */
    ROLE_MSG_HELD,         /* uint64_t tag, one descriptor */
    ROLE_MSG_HELD_END,
    ROLE_MSG_RELOAD,    /* struct role_start: new configuration and certificates */
    ROLE_MSG_PEER,      /* struct role_peer, one descriptor: a (new) channel to another role */
    ROLE_MSG_SHUTDOWN,  /* no new calls; answer SHUTDOWN_STATE until none is left */
    ROLE_MSG_LOG_LEVEL, /* uint32_t level */
    ROLE_MSG_STATUS,    /* struct role_status[]: answers GET_STATUS */
    ROLE_MSG_DONE,      /* struct role_done: answers DO_RELOAD and DO_LOG_LEVEL */
    /* role -> supervisor */
    ROLE_MSG_READY = 0x40,
    ROLE_MSG_HOLD,           /* uint64_t tag, one descriptor */
    ROLE_MSG_UNHOLD,         /* uint64_t tag */
    ROLE_MSG_SHUTDOWN_STATE, /* uint32_t calls left */
    ROLE_MSG_ALIVE,          /* watchdog */
    ROLE_MSG_GET_STATUS,     /* signal and web */
    ROLE_MSG_DO_RELOAD,      /* web */
    ROLE_MSG_DO_LOG_LEVEL,   /* web: uint32_t level, for every role */
    /* role -> supervisor -> role: administration */
    ROLE_MSG_ADMIN = 0x60, /* struct admin head, JSON text behind it; see ipc/admin_msg.h */
    ROLE_MSG_ADMIN_REPLY
};

struct role_peer {
    uint32_t role;     /* enum role_kind at the other end */
    uint32_t restarts; /* of that role: more than before means that it has forgotten requests */
    uint32_t worker;   /* of media: which one */
};

struct role_status {
    uint32_t role; /* enum role_kind; the supervisor itself too */
    uint32_t pid;  /* 0: not running */
    uint32_t restarts;
    uint32_t is_ready;
    uint64_t since; /* seconds since 1970 */
    /* media alone */
    uint32_t is_shared; /* one socket for all ports */
    uint32_t is_xdp;    /* … and AF_XDP over it */
    uint32_t worker;
    uint64_t overflowed;      /* datagrams for which there was no room */
    uint64_t xdp_in, xdp_out; /* packets */
};

struct role_done {
    uint32_t type;  /* of the request */
    int32_t result; /* 0, or -errno and why: the old settings are in force */
    char why[1024];
};

const char *role_name(enum role_kind k);                          /* "signal" */
int role_parse(const char *name, enum role_kind *ret) MUST_CHECK; /* -EINVAL */

#endif
