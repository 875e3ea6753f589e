/* The way to a callee whose connection has gone and whose contact is a name: RFC 3263, by DNS. */
#ifndef SOTTO_CALL_ROUTE_H
#define SOTTO_CALL_ROUTE_H

#include "call/leg.h"

/* True: a lookup is under way; `done` is called once, with the leg's flow set where `found`. False:
 * there is nothing to look up. */
typedef void route_fn(struct leg *l, bool found);
bool route_lookup(struct leg *l, route_fn *done) MUST_CHECK;
/* RFC 3263 s.4.3: the next address, where the last one could not be reached. False: no more. */
bool route_next(struct leg *l);
void route_release(struct leg *l);

#endif
