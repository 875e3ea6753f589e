/* `sotto trace on USER|all`: decrypted SIP to the log, one line of the message a log line, so that
 * no message can forge an event. Keys (a=crypto inline) and digest responses are masked. */
#ifndef SOTTO_TRACE_TRACE_H
#define SOTTO_TRACE_TRACE_H

#include "base/addr.h"
#include "loop/loop.h"
#include "sip/msg.h"

#define TRACE_USERS_MAX 16
#define TRACE_FOREVER 0

struct trace;

int trace_new(struct loop *l, struct trace **ret) MUST_CHECK;
struct trace *trace_free(struct trace *t);
/* `who`: "all", or a user name with or without "@domain". `seconds`: TRACE_FOREVER, or when it ends
 * by itself. -ENOSPC: TRACE_USERS_MAX are traced already; -EINVAL: no such name. */
int trace_on(struct trace *t, struct slice who, uint32_t seconds) MUST_CHECK;
void trace_off(struct trace *t);
bool trace_is_on(const struct trace *t);

/* One message; `peer` and `transport` as the log shows them. Cheap when off. */
void trace_message(struct trace *t, bool out, struct slice msg, const struct addr *peer,
                   const char *transport);

#endif
