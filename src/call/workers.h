/* The media role's workers, as signalling sees them: a channel to each. A call is one worker's for its
 * life, with both legs, all forks and streams: endpoints are connected to each other, and so have to be
 * in one process. A new call goes to the one that has the fewest endpoints, of those that are there and
 * have ports left; while one is restarted the others take what comes. */
#ifndef SOTTO_CALL_WORKERS_H
#define SOTTO_CALL_WORKERS_H

#include "call/leg.h"

int workers_open(struct call_core *core,
                 media_event_fn *on_event) MUST_CHECK; /* -EINVAL, -ENOMEM */
void workers_close(struct call_core *core);

/* For a new call. */
uint8_t workers_pick(const struct call_core *core);
/* Its worker had no ports for a call that has no endpoint yet. False: no other one has, either. */
bool workers_move(struct call *c);
/* Calls of earlier days stand: each worker is to be told which endpoints it keeps. */
void workers_sweep(struct call_core *core);

#endif
