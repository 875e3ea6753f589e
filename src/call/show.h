/* What people see of calls: `sotto show calls --json` and the CDRs, from one printer, so that both
 * tell the same. */
#ifndef SOTTO_CALL_SHOW_H
#define SOTTO_CALL_SHOW_H

#include "call/leg.h"

/* Keeps the call as it was at its end, and writes its CDR. */
void show_remember(struct call *c, bool answered);
void show_forget(struct call_core *core);

/* The media role's figures of a stream; NULL: it has none. */
const struct media_stats *show_stats_of(const struct leg *l, const struct leg_stream *s);
/* The stream that stands for the leg: its first, which is its audio. */
const struct leg_stream *show_main_stream(const struct leg *l);

/* count.c: before the media of an ended call is let go. */
void count_ended(struct call *c, bool answered);
void count_keying_failed(struct call_core *core, const struct media_event *e);

#endif
