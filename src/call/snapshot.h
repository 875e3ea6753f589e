/* What a restarted signal process needs to go on with the calls: for each a slot in a memfd that the
 * supervisor holds. Written when something of the call changes that the next process must know, once a
 * wake-up. Of requests under way it has INVITEs, which people answer in their own time, and what a phone
 * waits for in a re-INVITE or UPDATE; all others are lost, as on a lossy network, and repeated or timed
 * out by the phones. */
#ifndef SOTTO_CALL_SNAPSHOT_H
#define SOTTO_CALL_SNAPSHOT_H

#include "call/leg.h"

int snapshot_open(struct call_core *core) MUST_CHECK;
void snapshot_close(struct call_core *core);
void snapshot_init(struct call *c);
void snapshot_save(struct call *c);
void snapshot_later(struct call *c); /* at the end of this wake-up */
void snapshot_drop(struct call *c);
/* The endpoints that the calls of one worker have, malloc'ed; NULL: no memory. */
uint64_t *snapshot_endpoints(const struct call_core *core, uint32_t worker, size_t *ret_n);

#endif
