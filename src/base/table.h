/* A hash table of pointers, for objects of which there are many: eight bytes a slot, and a slot holds 16
 * bits of the hash beside the pointer, so that an object is touched only when it is most likely the one
 * that is looked for. (base/map.h keeps 32 bytes in each object, and gives several for one key.)
 *
 * The table asks for an object's key when it grows, and when one beside it leaves. It owns neither. */
#ifndef SOTTO_BASE_TABLE_H
#define SOTTO_BASE_TABLE_H

#include "base/slice.h"

struct table {
    uint64_t *slots;
    size_t mask; /* slots - 1 */
    size_t count;
    struct slice (*key_of)(const void *object);
};

/* A key and its hash, which is made once. */
struct table_key {
    struct slice s;
    uint64_t hash;
};

int table_init(struct table *t, size_t hint,
               struct slice (*key_of)(const void *object)) MUST_CHECK; /* -ENOMEM */
void table_fini(struct table *t);
void table_clear(struct table *t); /* keeps its slots */

struct table_key table_key(struct slice s);
void *table_find(const struct table *t, const struct table_key *k); /* NULL: not there */
/* There must be none with this key. -ENOMEM: there is no room. */
int table_put(struct table *t, const struct table_key *k, void *object) MUST_CHECK;
/* `old` is in; `object` has the same key. */
void table_replace(struct table *t, const struct table_key *k, const void *old, void *object);
void table_remove(struct table *t, const struct table_key *k, const void *object); /* is in */

/* For who knows early what will be looked for: brings the slot nearer, and later, when that has come, says
 * which object it may be (NULL: none), without touching it. */
void table_prefetch(const struct table *t, uint64_t hash);
const void *table_guess(const struct table *t, uint64_t hash);

void *table_at(const struct table *t, size_t i); /* of slot `i`, or NULL */

/* Every object, in no order. The body must not put or remove; it may free, where table_clear follows. */
#define TABLE_FOR_EACH(type, it, t)                                          \
    for (size_t it##_i = 0; (t)->slots && it##_i <= (t)->mask; it##_i++)     \
        for (type *it = table_at((t), it##_i), *it##_1 = it; it##_1 != NULL; \
             it##_1 = NULL) /* once, where there is one */

#endif
