/* What one packet between roles looks like, and its descriptors: shared by chan.c and wire.c,
 * nobody else's business. */
#ifndef SOTTO_IPC_WIRE_H
#define SOTTO_IPC_WIRE_H

#include <sys/socket.h>

#include "ipc/ipc.h"

/* A packet is one message or several, each beginning at a multiple of 8; one with descriptors is one
 * message. */
struct wire {
    uint32_t type;
    uint32_t n; /* bytes of payload behind it */
};

union ipc_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(IPC_FD_MAX * sizeof(int))];
};

/* A message to send. */
struct ipc_out {
    struct wire wire;
    const void *head, *tail;
    size_t head_n, tail_n;
    const int *fds;
    size_t fd_count;
};

/* No descriptors: no control data. */
void ipc_control_put(struct msghdr *m, union ipc_control *c, const int *fds, size_t fd_count);
/* All descriptors that came with a packet; fds has room for IPC_FD_MAX. */
size_t ipc_control_take(const struct msghdr *m, int *fds);
void ipc_close_fds(const int *fds, size_t n);

/* The head of the message that begins at *at < n of the packet's n bytes; *at: where the next one
 * begins. False: it is not whole. */
bool ipc_wire_next(const char *data, size_t n, size_t *at, struct wire *ret) MUST_CHECK;
int ipc_wire_send(int fd, const struct ipc_out *m) MUST_CHECK; /* now, without waiting; -errno */

#endif
