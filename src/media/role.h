/* The media role: RTP ports, keys, the relay. It speaks ipc/media_msg.h with signalling; the
 * process around it (src/app/role_media.c) gives it a loop, memory and descriptors that outlive
 * it, and says where descriptors are to be kept.
 *
 * Life: media_role_new, media_role_held for each socket of an earlier life, media_role_start,
 * then media_role_attach for each (new) channel to signalling. Media flows from start on, with
 * or without signalling. After kill -9 the next role does the same with the same two memfds.
 *
 * One role object is one worker: one process, one loop. Several share no more than the memfd of the
 * statistics and the array of ports, of which each writes what is its own, and the memory of MIKEY's
 * messages. */
#ifndef SOTTO_MEDIA_ROLE_H
#define SOTTO_MEDIA_ROLE_H

#include "ipc/media_msg.h"
#include "loop/loop.h"

#define MEDIA_ENDPOINTS_MAX 32768u
#define MEDIA_GATHER_MS_MAX 4u

struct media_role;

/* The descriptors of the shared way (steer.h); -1: not there. */
enum {
    MEDIA_SHARED_PORTS, /* which ports are open: an array that the kernel steers by */
    MEDIA_SHARED_OUT4,
    MEDIA_SHARED_OUT6,
    MEDIA_SHARED_IN4,
    MEDIA_SHARED_IN6,
    MEDIA_SHARED_COUNT
};
struct media_shared {
    int fd[MEDIA_SHARED_COUNT];
};

/* The descriptors of the AF_XDP way (xdp.h); -1: not there. */
#define MEDIA_XDP_INTERFACES_MAX 4u
#define MEDIA_XDP_SOCKETS_MAX 16u /* receive queues of all of them */
struct media_xdp_fds {
    int memory;
    int socket[MEDIA_XDP_SOCKETS_MAX];
};

struct media_config {
    uint32_t max_endpoints;  /* 1 .. MEDIA_ENDPOINTS_MAX; the memfds are made for as many */
    uint16_t port_min;       /* default 20000; RTP takes even ports, RTCP the odd one above */
    uint16_t port_max;       /* default 29999, inclusive */
    uint32_t rtp_timeout_ms; /* default 60,000; 0: no TIMEOUT events */
    /* Under load packets are taken so often, all that have come at once; 0: each as it comes. Default 2;
     * at most MEDIA_GATHER_MS_MAX. */
    uint32_t gather_ms;
    /* Where to bind, by family; family 0: the address that the request names. */
    struct addr bind4, bind6;
    /* What descriptions say instead (behind NAT); family 0: the address bound. */
    struct addr advertise4, advertise6;
    /* One socket for all ports, borrowed as long as the role lives, made for the same ports and
     * addresses. NULL: one for each port. */
    const struct media_shared *shared;
    /* Of several workers (0: as 1) this one; the number of its first endpoint, which is that of its
     * first row of statistics, too; the first port that MEDIA_SHARED_PORTS has (0: port_min). */
    uint32_t workers, worker;
    uint32_t first_endpoint;
    uint16_t steered_min;
    /* Memory of mikey_seen_size() that tells all workers which messages one has taken; borrowed as long
     * as the role lives. -1: its own. */
    int seen_fd;
    /* Over `shared`: past the kernel's stack where that can be. NULL: not. */
    const struct media_xdp_fds *xdp;
};
extern const struct media_config media_config_default; /* 4,096 endpoints */

/* One worker's share of what is said for all `workers` of them: ports and endpoints. */
struct media_config media_config_of_worker(const struct media_config *all, uint32_t worker);

/* Sizes of the two memfds for ipc_memfd_new; new ones are zeroed. Statistics are of all workers. */
size_t media_state_size(uint32_t max_endpoints);
size_t media_stats_size(uint32_t max_endpoints);

/* What the process does for the role. Called only from within the loop or media_role_* calls. */
struct media_role_ops {
    /* Keep a duplicate of fd under tag for the next life; borrows fd. A failure is logged by the
     * callee: the call then does not survive a restart of the role, no more. */
    void (*hold)(void *arg, uint64_t tag, int fd);
    void (*unhold)(void *arg, uint64_t tag);
    void *arg;
};

/* Borrows the memfds (maps them; they may be closed afterwards), copies config and ops.
 * -EINVAL: config out of range, or a memfd that is too small. A state memfd written by another
 * build or for another max_endpoints is wiped: its calls cannot be taken over. */
int media_role_new(struct loop *l, const struct media_config *cfg, int state_fd, int stats_fd,
                   const struct media_role_ops *ops, struct media_role **ret) MUST_CHECK;
/* MIKEY's certificate, its key, and the CA of the users': PEM, not kept. At any time; where they cannot
 * be used those before stay. crypto_rsa_new's errors. */
int media_role_identify(struct media_role *r, struct slice cert, struct slice key,
                        struct slice ca) MUST_CHECK;
/* A socket held since an earlier life; takes fd. Tags that belong to nothing are unheld. */
void media_role_held(struct media_role *r, uint64_t tag, int fd);
/* No more held sockets will come: endpoints whose socket is gone open their port again. */
int media_role_start(struct media_role *r) MUST_CHECK;
/* A channel to signalling (ipc_pair); takes fd, also on failure. Replaces the one before. */
int media_role_attach(struct media_role *r, int fd) MUST_CHECK;
uint32_t media_role_endpoints(const struct media_role *r); /* open now */
/* Closes descriptors and memory of this life; calls stay in the memfd. */
struct media_role *media_role_free(struct media_role *r);

#endif
