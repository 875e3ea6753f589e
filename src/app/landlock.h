/* Landlock (Linux 5.13): a process gives up all of the file system but some paths. */
#ifndef SOTTO_APP_LANDLOCK_H
#define SOTTO_APP_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct landlock_path {
    const char *path;
    bool writable;
};

enum landlock_verdict { LANDLOCK_OK = 0, LANDLOCK_ABSENT = 1 };

/* From now on this thread and those it starts can open nothing but these paths and what is under
 * them; what is open stays so. A path that does not exist is left out. Needs no_new_privs.
 * LANDLOCK_ABSENT: the kernel cannot. */
int landlock_limit(const struct landlock_path *paths, size_t n) MUST_CHECK;

#endif
