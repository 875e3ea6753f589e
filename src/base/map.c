#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

struct siphash_state {
    uint64_t v0, v1, v2, v3;
};

static inline void siphash_round(struct siphash_state *s)
{
    s->v0 += s->v1;
    s->v1 = ROTL(s->v1, 13) ^ s->v0;
    s->v0 = ROTL(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = ROTL(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = ROTL(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = ROTL(s->v1, 17) ^ s->v2;
    s->v2 = ROTL(s->v2, 32);
}

static inline uint64_t load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

uint64_t map_siphash13(const uint8_t key[16], struct slice in)
{
    uint64_t k0 = load64(key), k1 = load64(key + 8);
    struct siphash_state s = {k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull,
                              k0 ^ 0x6c7967656e657261ull, k1 ^ 0x7465646279746573ull};
    const char *p = in.p;
    size_t left = in.n;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t w = load64(p);
        s.v3 ^= w;
        siphash_round(&s);
        s.v0 ^= w;
    }
    uint64_t last = (uint64_t)in.n << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)(uint8_t)p[i] << (8 * i);
    s.v3 ^= last;
    siphash_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        siphash_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static uint8_t process_key[16];

__attribute__((constructor)) static void process_key_init(void)
{
    /* Early in boot getrandom may be interrupted; a map without a random key would be open to
     * chosen collisions, so there is nothing sensible to go on with. */
    if (getrandom(process_key, sizeof(process_key), 0) != (ssize_t)sizeof(process_key))
        abort();
}

uint64_t map_hash(struct slice s)
{
    return map_siphash13(process_key, s);
}

int map_init(struct map *m, size_t hint)
{
    size_t n = 16;
    while (n < hint)
        n *= 2;
    struct map_node **b = calloc(n, sizeof(*b));
    if (!b)
        return -ENOMEM;
    *m = (struct map){b, n - 1, 0};
    return 0;
}

void map_fini(struct map *m)
{
    free(m->buckets);
    *m = (struct map){0};
}

static void map_grow(struct map *m)
{
    size_t n = (m->mask + 1) * 2;
    struct map_node **b = calloc(n, sizeof(*b));
    if (!b)
        return;
    /* From the tail of each chain would keep the order of equal keys; from the head it is turned
     * round, so each chain is reversed first. */
    for (size_t i = 0; i <= m->mask; i++) {
        struct map_node *rev = NULL, *it = m->buckets[i];
        while (it) {
            struct map_node *next = it->next;
            it->next = rev;
            rev = it;
            it = next;
        }
        while (rev) {
            struct map_node *next = rev->next;
            struct map_node **at = &b[rev->hash & (n - 1)];
            rev->next = *at;
            *at = rev;
            rev = next;
        }
    }
    free(m->buckets);
    m->buckets = b;
    m->mask = n - 1;
}

void map_put(struct map *m, struct map_node *n, struct slice key)
{
    /* Two buckets for each node: most look-ups of what is not there touch no node at all, which
     * would be a cache miss each. */
    if (m->count > m->mask / 2)
        map_grow(m);
    n->key = key;
    n->hash = map_hash(key);
    struct map_node **at = &m->buckets[n->hash & m->mask];
    n->next = *at;
    *at = n;
    m->count++;
}

static struct map_node *chain_find(struct map_node *n, uint64_t hash, struct slice key)
{
    while (n && !(n->hash == hash && slice_eq(n->key, key)))
        n = n->next;
    return n;
}

struct map_node *map_find(const struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    uint64_t h = map_hash(key);
    return chain_find(m->buckets[h & m->mask], h, key);
}

struct map_node *map_find_next(const struct map_node *n)
{
    return chain_find(n->next, n->hash, n->key);
}

void map_remove(struct map *m, struct map_node *n)
{
    struct map_node **at = &m->buckets[n->hash & m->mask];
    while (*at && *at != n)
        at = &(*at)->next;
    if (*at) {
        *at = n->next;
        n->next = NULL;
        m->count--;
    }
}
