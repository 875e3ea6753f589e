/* What people see of calls: `sotto show calls --json` and the CDRs, from one printer, so that both
 * tell the same. */
#ifndef SOTTO_CALL_SHOW_H
#define SOTTO_CALL_SHOW_H

#include "call/leg.h"

/* Keeps the call as it was at its end, and writes its CDR. */
void show_remember(struct call *c, bool answered);
void show_forget(struct call_core *core);

#endif
