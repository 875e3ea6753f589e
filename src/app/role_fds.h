/* Which descriptors each role gets with ROLE_MSG_START (and, marked R, again with ROLE_MSG_RELOAD).
 * Memfds are the supervisor's: what a role writes there is there for its next life.
 *
 *   slot          what it is                                                  signal media web
 *   CONFIG        memfd, read-only: struct app_config                            R     R    R
 *   CONN_SLOTS    memfd of transport_slots_size(limits.connections)              x
 *   CALL_STATE    memfd of call_snapshot_size(limits.calls)                    x
 *   MEDIA_STATE   memfd of media_state_size(a worker's endpoints), for each its own    x
 *   MEDIA_STATS   memfd of media_stats_size(endpoints of all workers)         r/only   x  r/only
 *   MEDIA_SEEN    memfd of mikey_seen_size(), for all workers                          x
 *   CA_CERT       file DATA/tls/ca.crt (PEM)                                     R      R   R
 *   SERVER_CERT   file DATA/tls/server.crt (PEM, chain)                          R
 *   SERVER_KEY    file DATA/tls/server.key (PEM)                                 R
 *   MIKEY_CERT    file DATA/tls/mikey.crt (PEM)                                         R
 *   MIKEY_KEY     file DATA/tls/mikey.key (PEM)                                         R
 *   DOMAIN_CERTS  memfd, read-only: the domains' certificates and keys (domain_certs.h)  R
 *   SEAL_KEY      file: the store's sealing key, 32 bytes                        x          x
 *   MEDIA_SHARED  the worker's shared way in and out; index: MEDIA_SHARED_PORTS ..     x
 *   MEDIA_XDP     the AF_XDP way: memory (index 0), sockets (index from 1)                    x
 *   CONTROL       listening Unix stream socket DATA/control.sock                            x
 *   SIP_LISTEN    bound (and listening) socket; index into config.sip.at         x
 *   WEB_LISTEN    listening TCP socket; index into config.web.at                 x
 *
 * Files are read with role_read_fd: descriptors share their offset with other lives. A slot may be
 * absent (-1): a listener of a family that the machine lacks.
 * The ports of the console are signal's, because TLS and WebSockets are: what is plain HTTP there goes
 * on to web, connection by connection (ipc/web_msg.h).
 * Channels come one by one with ROLE_MSG_PEER: signal <-> each media worker, signal <-> web. */
#ifndef SOTTO_APP_ROLE_FDS_H
#define SOTTO_APP_ROLE_FDS_H

#include "app/config.h"
#include "ipc/role_msg.h"

enum role_fd {
    ROLE_FD_CONFIG,
    ROLE_FD_CONN_SLOTS,
    ROLE_FD_CALL_STATE,
    ROLE_FD_MEDIA_STATE,
    ROLE_FD_MEDIA_STATS,
    ROLE_FD_MEDIA_SEEN,
    ROLE_FD_CA_CERT,
    ROLE_FD_SERVER_CERT,
    ROLE_FD_SERVER_KEY,
    ROLE_FD_MIKEY_CERT,
    ROLE_FD_MIKEY_KEY,
    ROLE_FD_DOMAIN_CERTS,
    ROLE_FD_SEAL_KEY,
    ROLE_FD_CONTROL,
    ROLE_FD_SINGLE_COUNT, /* those before are there at most once */
    ROLE_FD_SIP_LISTEN = ROLE_FD_SINGLE_COUNT,
    ROLE_FD_WEB_LISTEN,
    ROLE_FD_MEDIA_SHARED,
    ROLE_FD_MEDIA_XDP,
    ROLE_FD_COUNT
};

/* The payload of START and RELOAD: fds[i] says what the i-th descriptor is. */
struct role_start {
    uint32_t role;     /* enum role_kind */
    uint32_t restarts; /* of this role; 0: its first life */
    uint32_t worker;   /* media: which one … */
    uint32_t workers;  /* … of how many; all roles are told */
    uint32_t fd_count;
    struct {
        uint8_t slot; /* enum role_fd */
        uint8_t index;
    } fds[ROLE_FDS_MAX];
};

/* RTP streams at one time: two legs of two streams a call. */
static inline uint32_t role_endpoints(const struct app_config *c)
{
    return 4 * c->max_calls;
}

#endif
