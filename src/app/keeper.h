/* The process that `sotto serve` starts as. It is the one to signal: SIGTERM, SIGINT and SIGHUP are passed on
 * to the supervisor. What it keeps, and why, is told in app/kept.h. It speaks to nobody else, and hears of the
 * network nothing. */
#ifndef SOTTO_APP_KEEPER_H
#define SOTTO_APP_KEEPER_H

#include "app/supervisor.h"

#define KEEPER_SHORT_MS 10000 /* a supervisor that lived for less … */
#define KEEPER_SHORT_MAX 5 /* … so many times one after the other: it makes no sense to go on */

/* Opens all that the server needs, and runs it until it leaves. The exit status. */
int keeper_run(const struct supervisor_options *o) MUST_CHECK;

#endif
