/* How many processors are ours: fewer than the machine has where the service or container that we are
 * in may use only some of them, or only a share of their time. */
#ifndef SOTTO_APP_CORES_H
#define SOTTO_APP_CORES_H

#include "base/slice.h"

/* At least 1. */
uint32_t cores_count(void);

/* The share that cpu.max of a control group (v2) grants, rounded up; 0: it sets no limit, or cannot
 * be read. */
uint32_t cores_of_quota(struct slice cpu_max);

/* The least that a process' group and those it is in grant; 0: no limit. `groups`: of its
 * /proc/PID/cgroup; `root`: the folder where groups are mounted. */
uint32_t cores_of_groups(const char *root, struct slice groups);

#endif
