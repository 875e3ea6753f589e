/* `sotto explain CALL`: in plain sentences, how each leg of a call is protected, why not better, and
 * which setting or phone menu changes that. Made of the same facts as `show calls`. */
#ifndef SOTTO_CALL_EXPLAIN_H
#define SOTTO_CALL_EXPLAIN_H

#include "call/leg.h"

#define EXPLAIN_MAX 4096

/* Sentences, each ended by a newline. `ended`: c->end_status and its reason count. */
void explain_put(struct buf *b, const struct call *c, bool ended);

#endif
