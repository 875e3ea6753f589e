#include "web/session.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/hash.h"

struct source {
    uint8_t key[8];
    uint32_t wrong;
    uint64_t last_ms, until_ms;
};

struct sessions {
    struct session all[SESSION_MAX];
    struct source sources[SESSION_SOURCES];
};

int sessions_new(struct sessions **ret)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret ? 0 : -ENOMEM;
}

struct sessions *sessions_free(struct sessions *s)
{
    if (s)
        secret_wipe(s, sizeof(*s));
    free(s);
    return NULL;
}

static bool is_over(const struct session *one, uint64_t now_ms)
{
    return !one->name[0] || now_ms - one->used_ms > SESSION_IDLE_MS ||
           now_ms - one->made_ms > SESSION_LIFE_MS;
}

static void hash_token(struct slice token, uint8_t ret[32])
{
    crypto_sha256(&token, 1, ret);
}

void session_make(struct sessions *s, const char *name, bool must_change, uint64_t now_ms,
                  char ret_token[SESSION_TOKEN_LEN + 1])
{
    struct session *at = &s->all[0];
    for (size_t i = 0; i < SESSION_MAX; i++) {
        if (is_over(&s->all[i], now_ms)) {
            at = &s->all[i];
            break;
        }
        if (s->all[i].used_ms < at->used_ms)
            at = &s->all[i];
    }
    *at = (struct session){.must_change = must_change, .made_ms = now_ms, .used_ms = now_ms};
    snprintf(at->name, sizeof(at->name), "%s", name);
    crypto_random_hex(ret_token, SESSION_TOKEN_LEN / 2);
    hash_token(slice_from(ret_token, SESSION_TOKEN_LEN), at->hash);
}

struct session *session_find(struct sessions *s, struct slice token, uint64_t now_ms)
{
    uint8_t hash[32];
    if (token.n != SESSION_TOKEN_LEN)
        return NULL;
    hash_token(token, hash);
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *one = &s->all[i];
        if (is_over(one, now_ms) || memcmp(one->hash, hash, sizeof(hash)) != 0)
            continue;
        one->used_ms = now_ms;
        return one;
    }
    return NULL;
}

void session_end(struct session *one)
{
    secret_wipe(one, sizeof(*one));
}

void session_end_all(struct sessions *s, const char *name, const struct session *keep)
{
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *one = &s->all[i];
        if (one != keep && one->name[0] && strcmp(one->name, name) == 0)
            session_end(one);
    }
}

/* --- guessing --- */

/* The source's place, or the one that was not heard of for longest. */
static struct source *source_of(struct sessions *s, const struct addr *from)
{
    uint8_t key[8] = {0};
    struct source *oldest = &s->sources[0];
    if (addr_family(from) == AF_INET6)
        memcpy(key, &from->in6.sin6_addr, 8);
    else
        memcpy(key + 4, &from->in.sin_addr, 4);
    for (size_t i = 0; i < SESSION_SOURCES; i++) {
        struct source *one = &s->sources[i];
        if (one->last_ms && memcmp(one->key, key, sizeof(key)) == 0)
            return one;
        if (one->last_ms < oldest->last_ms)
            oldest = one;
    }
    *oldest = (struct source){0};
    memcpy(oldest->key, key, sizeof(key));
    return oldest;
}

uint64_t session_wait_ms(struct sessions *s, const struct addr *from, uint64_t now_ms)
{
    const struct source *one = source_of(s, from);
    return one->until_ms > now_ms ? one->until_ms - now_ms : 0;
}

void session_tried(struct sessions *s, const struct addr *from, bool right, uint64_t now_ms)
{
    struct source *one = source_of(s, from);
    one->last_ms = now_ms + 1; /* 0 is: never */
    one->wrong = right ? 0 : one->wrong + 1;
    one->until_ms = 0;
    if (one->wrong < SESSION_TRIES)
        return;
    uint32_t more = one->wrong - SESSION_TRIES;
    uint64_t wait = (uint64_t)SESSION_WAIT_MS << (more < 8 ? more : 8);
    one->until_ms = now_ms + (wait < SESSION_WAIT_MAX_MS ? wait : SESSION_WAIT_MAX_MS);
}
