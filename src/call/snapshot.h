/* What a restarted signal process needs to go on with the calls that stand: for each answered call
 * a slot in a memfd that the supervisor holds. Written when the call is answered and whenever its
 * dialogs or descriptions change; requests that are under way at the time of a crash are lost, as
 * on a lossy network, and repeated or timed out by the phones. */
#ifndef SOTTO_CALL_SNAPSHOT_H
#define SOTTO_CALL_SNAPSHOT_H

#include "call/leg.h"

int snapshot_open(struct call_core *core) MUST_CHECK;
void snapshot_close(struct call_core *core);
void snapshot_save(struct call *c);
void snapshot_drop(struct call *c);
/* Tells the media role which endpoints the restored calls have. */
void snapshot_sweep(struct call_core *core);

#endif
