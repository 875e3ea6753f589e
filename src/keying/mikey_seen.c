#include "keying/mikey_seen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"

#define NTP_OF_UNIX 2208988800u /* 1900 to 1970 */
#define MAC_KEPT 16u

struct entry {
    uint64_t time; /* NTP; 0: free */
    struct mikey_bearer by;
    uint8_t mac[MAC_KEPT];
};

struct set {
    uint64_t floor; /* NTP: what is older may have been seen; at least `since` */
    struct entry way[MIKEY_SEEN_WAYS];
};

struct memory {
    uint64_t since; /* NTP: what came before it was made is not known; 0: not yet used */
    struct set set[MIKEY_SEEN_SETS];
};

struct mikey_seen {
    struct memory *memory;
    struct memory *own; /* NULL: shared */
    int fd;             /* -1: nothing to lock */
};

uint64_t mikey_ntp_of(uint64_t unix_s)
{
    return (unix_s + NTP_OF_UNIX) << 32;
}

bool mikey_time_is_near(uint64_t ntp, uint64_t unix_s)
{
    uint64_t now = mikey_ntp_of(unix_s), away = ntp > now ? ntp - now : now - ntp;
    return away >> 32 < MIKEY_WINDOW_S;
}

int mikey_seen_new(uint64_t unix_s, struct mikey_seen **ret)
{
    struct mikey_seen *s = calloc(1, sizeof(*s));
    struct memory *m = calloc(1, sizeof(*m));

    if (!s || !m) {
        free(s);
        free(m);
        return -ENOMEM;
    }
    m->since = mikey_ntp_of(unix_s);
    *s = (struct mikey_seen){.memory = m, .own = m, .fd = -1};
    *ret = s;
    return 0;
}

/* The lock is the process's, not the descriptor's: processes have got theirs from one another. */
static int lock(const struct mikey_seen *s, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET};
    int r = 0;

    if (s->fd < 0)
        return 0;
    do
        r = fcntl(s->fd, F_SETLKW, &l);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static void unlock(const struct mikey_seen *s)
{
    (void)lock(s, F_UNLCK); /* of what is locked: it cannot fail */
}

int mikey_seen_over(void *memory, int fd, uint64_t unix_s, struct mikey_seen **ret)
{
    struct mikey_seen *s = calloc(1, sizeof(*s));
    int r = s ? 0 : -ENOMEM;

    if (r == 0) {
        *s = (struct mikey_seen){.memory = memory, .fd = fd};
        r = lock(s, F_WRLCK);
    }
    if (r < 0) {
        free(s);
        return r;
    }
    if (!s->memory->since)
        s->memory->since = mikey_ntp_of(unix_s);
    unlock(s);
    *ret = s;
    return 0;
}

size_t mikey_seen_size(void)
{
    return sizeof(struct memory);
}

struct mikey_seen *mikey_seen_free(struct mikey_seen *s)
{
    if (s)
        free(s->own);
    free(s);
    return NULL;
}

/* The same in all processes. Names are the administrator's: nobody can choose some that collide. */
static struct set *set_of(const struct mikey_seen *s, struct slice peer)
{
    uint8_t hash[CRYPTO_SHA256_LEN];

    crypto_sha256(&peer, 1, hash);
    return &s->memory->set[((size_t)hash[0] << 8 | hash[1]) % MIKEY_SEEN_SETS];
}

static bool is_same(const struct mikey_bearer *a, const struct mikey_bearer *b)
{
    return a->call == b->call && a->part == b->part;
}

/* A free place: one whose time has left the window, else that of the oldest, which the floor then
 * stands for. */
static struct entry *make_room(struct set *s, uint64_t unix_s)
{
    struct entry *oldest = &s->way[0];

    for (size_t i = 0; i < MIKEY_SEEN_WAYS; i++) {
        if (s->way[i].time < oldest->time)
            oldest = &s->way[i];
    }
    if (oldest->time && mikey_time_is_near(oldest->time, unix_s) && oldest->time >= s->floor)
        s->floor = oldest->time + 1;
    return oldest;
}

/* A process that is killed leaves an entry without a time: a free one. */
static void entry_put(struct entry *e, struct slice mac, uint64_t time,
                      const struct mikey_bearer *by)
{
    __atomic_store_n(&e->time, 0, __ATOMIC_RELEASE);
    e->by = *by;
    memcpy(e->mac, mac.p, MAC_KEPT);
    __atomic_store_n(&e->time, time, __ATOMIC_RELEASE);
}

static bool set_take(struct set *set, struct slice mac, uint64_t time,
                     const struct mikey_bearer *by, uint64_t unix_s)
{
    for (size_t i = 0; i < MIKEY_SEEN_WAYS; i++) {
        const struct entry *e = &set->way[i];
        if (e->time == time && memcmp(e->mac, mac.p, MAC_KEPT) == 0)
            return is_same(&e->by, by);
    }
    if (time < set->floor)
        return false;
    struct entry *e = make_room(set, unix_s);
    if (time < set->floor) /* the oldest of all would be this one */
        return false;
    entry_put(e, mac, time, by);
    return true;
}

bool mikey_seen_take(struct mikey_seen *s, struct slice peer, struct slice mac, uint64_t time,
                     const struct mikey_bearer *by, uint64_t unix_s)
{
    struct set *set = set_of(s, peer);

    if (mac.n < MAC_KEPT || lock(s, F_WRLCK) < 0)
        return false;
    if (set->floor < s->memory->since)
        set->floor = s->memory->since;
    bool taken = set_take(set, mac, time, by, unix_s);
    unlock(s);
    return taken;
}
