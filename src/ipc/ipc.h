/* How roles speak: messages of fixed binary structs over SOCK_SEQPACKET socketpairs, with
 * descriptors beside them, and memory shared by memfds. Both ends are the same binary of the same
 * build, so structs travel as they lie in memory; every length is checked all the same, because a
 * role is a trust domain.
 *
 * A channel is open until its peer closes, dies or breaks the framing (a message too long, too
 * many descriptors, a wrong length); then on_closed is called once, after every whole message that
 * came before. Nothing that arrives is lost to a descriptor leak: what cannot be handed to on_msg
 * is closed. */
#ifndef SOTTO_IPC_IPC_H
#define SOTTO_IPC_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loop/loop.h"

#define IPC_MSG_MAX 16384u       /* payload bytes */
#define IPC_FD_MAX 32            /* descriptors beside one message */
#define IPC_QUEUE_MAX (4u << 20) /* bytes queued to a peer that does not read */
#define IPC_QUEUE_FD_MAX 1024u   /* descriptors queued likewise */

struct ipc_chan;

/* payload is aligned to 8 and valid until the call returns; descriptors are the callee's. The
 * callee may free the channel. */
typedef void ipc_msg_fn(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                        size_t fd_count);
typedef void ipc_closed_fn(void *arg); /* the peer has gone; the channel is freed by its owner */

int ipc_pair(int ret_fds[2]) MUST_CHECK; /* close-on-exec, non-blocking */

/* Takes fd, also where it fails. */
int ipc_chan_new(struct loop *l, int fd, ipc_msg_fn *on_msg, ipc_closed_fn *on_closed, void *arg,
                 struct ipc_chan **ret) MUST_CHECK;
struct ipc_chan *ipc_chan_free(struct ipc_chan *c);

/* Borrows descriptors. Queues where the socket is full. -EMSGSIZE, -ENOBUFS, -EPIPE, and with
 * descriptors dup's -EMFILE and the like. Messages of one wake-up are sent at its end, in order. */
int ipc_send(struct ipc_chan *c, uint32_t type, const void *payload, size_t n, const int *fds,
             size_t fd_count) MUST_CHECK;
/* A payload in two parts: a fixed head and its variable tail. */
int ipc_send2(struct ipc_chan *c, uint32_t type, const void *head, size_t head_n, const void *tail,
              size_t tail_n) MUST_CHECK;
/* Tries to send now what is queued: before a process ends. 0: all is sent; -EAGAIN: the socket is
 * full; -EPIPE. */
int ipc_flush(struct ipc_chan *c) MUST_CHECK;
/* Calls back for everything that has come, also for the end: when a process is known to be dead and
 * its last words count. Not from within a callback of this channel. */
void ipc_drain(struct ipc_chan *c);
size_t ipc_chan_queued(const struct ipc_chan *c); /* bytes not yet given to the socket */
/* fn (NULL: none) is called from a later wake-up each time the queue has run empty: for a sender
 * of much, who would otherwise meet IPC_QUEUE_MAX. */
void ipc_chan_on_drained(struct ipc_chan *c, void (*fn)(void *arg));
/* Memory that outlives a role. Its size is sealed, it is zeroed. */
int ipc_memfd_new(const char *name, size_t size, int *ret_fd) MUST_CHECK;
/* -EINVAL: smaller than `size`, or not sealed against shrinking (its owner could have us killed
 * by SIGBUS). */
int ipc_memfd_map(int fd, size_t size, bool writable, void **ret) MUST_CHECK;
/* A memfd that holds these bytes, read-only for everyone. */
int ipc_memfd_of(const char *name, const void *p, size_t n, int *ret_fd) MUST_CHECK;

#endif
