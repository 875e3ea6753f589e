/* An intrusive hash map: slice -> node. Keyed with SipHash-1-3 under a per-process random key,
 * because the keys (Call-IDs, branches, users) come from the network and must not be able to
 * choose a bucket. The map never owns nodes or keys: a node's key must live as long as it is in. */
#ifndef SOTTO_BASE_MAP_H
#define SOTTO_BASE_MAP_H

#include "base/slice.h"

struct map_node {
    struct map_node *next;
    struct slice key;
    uint64_t hash;
};

struct map {
    struct map_node **buckets;
    size_t mask; /* buckets - 1 */
    size_t count;
};

int map_init(struct map *m, size_t hint) MUST_CHECK; /* -ENOMEM */
void map_fini(struct map *m);

/* Several nodes may have one key; find gives the one put last, find_next the others. A put never
 * fails: where the table cannot grow, chains get longer. */
void map_put(struct map *m, struct map_node *n, struct slice key);
struct map_node *map_find(const struct map *m, struct slice key);
struct map_node *map_find_next(const struct map_node *n);
void map_remove(struct map *m, struct map_node *n); /* must be in m */

/* Every node, in no order; the body may remove the current one. */
#define MAP_FOR_EACH(it, m)                                                                     \
    for (size_t it##_i = 0; (m)->buckets && it##_i <= (m)->mask; it##_i++)                      \
        for (struct map_node *it = (m)->buckets[it##_i], *it##_next = it ? it->next : NULL; it; \
             it = it##_next, it##_next = it ? it->next : NULL)

uint64_t map_hash(struct slice s); /* under this process's key */
uint64_t map_siphash13(const uint8_t key[16], struct slice s);

#endif
