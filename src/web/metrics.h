/* The text that Prometheus reads (its exposition format 0.0.4), from what commands of the api tell. */
#ifndef SOTTO_WEB_METRICS_H
#define SOTTO_WEB_METRICS_H

#include <jansson.h>

#include "base/buf.h"

#define METRICS_MAX 32768u

/* Results of `show metrics`, `show roles` and `cert show`; NULL: not to be had, and left out. */
void metrics_put(struct buf *b, const json_t *signal, const json_t *roles, const json_t *certs);

#endif
