/* A WAV file that grows: 8 kHz, mono, 16 bits. The sizes in its head are set at the end. */
#ifndef SOTTO_PHONE_RECORDER_H
#define SOTTO_PHONE_RECORDER_H

#include <stdio.h>

#include "base/slice.h"

struct recorder { /* zeroed: none */
    FILE *f;
    uint32_t samples;
    bool has_next;
    uint32_t next; /* timestamp at which it goes on */
};

/* All: -errno. */
int recorder_open(struct recorder *r, const char *path) MUST_CHECK;
/* In the order of timestamps: what was lost becomes silence, so that the file's time is the
 * call's; what comes late is left out. n <= RECORDER_MAX. */
#define RECORDER_MAX 1600u
int recorder_put(struct recorder *r, uint32_t timestamp, const int16_t *in, size_t n) MUST_CHECK;
int recorder_close(struct recorder *r) MUST_CHECK;

#endif
