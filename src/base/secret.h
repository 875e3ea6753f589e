/* Key material. Fixed size, never logged, wiped in fini, compared in constant time. */
#ifndef SOTTO_BASE_SECRET_H
#define SOTTO_BASE_SECRET_H

#include "base/slice.h"

#define SECRET_CAP 64

struct secret {
    size_t n;
    uint8_t b[SECRET_CAP];
};

/* -EMSGSIZE: longer than SECRET_CAP. */
int secret_set(struct secret *s, const void *p, size_t n) MUST_CHECK;
void secret_fini(struct secret *s);
void secret_wipe(void *p, size_t n); /* not removed by the optimizer */
bool secret_eq(const void *a, const void *b, size_t n);

#endif
