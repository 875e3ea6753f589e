/* An arena: memory that dies together (a message, a transaction). Blocks are kept by a reset, so
 * that a worker's arena allocates nothing in its steady state. */
#ifndef SOTTO_BASE_ARENA_H
#define SOTTO_BASE_ARENA_H

#include "base/slice.h"

struct arena;

/* `block` bytes per block. NULL: no memory. */
struct arena *arena_new(size_t block);
struct arena *arena_free(struct arena *a); /* NULL is a no-op; returns NULL */

/* Aligned to 16 bytes, zeroed. NULL: no memory, or past ARENA_LIMIT in one arena. */
void *arena_alloc(struct arena *a, size_t n);
struct slice arena_dup(struct arena *a, struct slice s); /* .p NULL where there is no memory */
void arena_reset(struct arena *a);

#define ARENA_LIMIT (16u << 20)

#endif
