/* Descriptors that outlive a role: the role asks the supervisor to keep a duplicate under a tag of
 * its own choice, and finds it again at its next start (ROLE_MSG_HELD). The role's side are two
 * messages; the supervisor's side is one table per role, which owns what it holds. */
#ifndef SOTTO_IPC_HOLD_H
#define SOTTO_IPC_HOLD_H

#include "ipc/ipc.h"

#define IPC_HELD_MAX (1u << 18) /* the most that a table may be made for */

/* The role's side. Borrows fd. Errors of ipc_send. */
int ipc_hold(struct ipc_chan *supervisor, uint64_t tag, int fd) MUST_CHECK;
int ipc_unhold(struct ipc_chan *supervisor, uint64_t tag) MUST_CHECK;

/* The supervisor's side. */
struct ipc_held;

/* At most `limit` descriptors. -EINVAL: limit over IPC_HELD_MAX; -ENOMEM. */
int ipc_held_new(uint32_t limit, struct ipc_held **ret) MUST_CHECK;
struct ipc_held *ipc_held_free(struct ipc_held *h); /* closes all */
/* Takes fd, also where it fails. A tag that is there already gets the new descriptor. -ENOSPC: the
 * table is full. */
int ipc_held_put(struct ipc_held *h, uint64_t tag, int fd) MUST_CHECK;
void ipc_held_drop(struct ipc_held *h, uint64_t tag); /* closes it; unknown: no-op */
size_t ipc_held_count(const struct ipc_held *h);

/* A walk over the table in the order in which descriptors came, a part at a time; one at a time per
 * table. What is put meanwhile is seen, what is dropped is not. False: there are no more. The
 * descriptor is borrowed. */
void ipc_held_rewind(struct ipc_held *h);
bool ipc_held_next(struct ipc_held *h, uint64_t *ret_tag, int *ret_fd);

#endif
