#include "keying/mikey_seen.h"

#include <stdlib.h>

#include "base/map.h"

#define NTP_OF_UNIX 2208988800u /* 1900 to 1970 */
#define MAC_KEPT 16u

struct entry {
    uint64_t time; /* NTP; 0: free */
    struct mikey_bearer by;
    uint8_t mac[MAC_KEPT];
};

struct set {
    uint64_t floor; /* NTP: what is older may have been seen */
    struct entry way[MIKEY_SEEN_WAYS];
};

struct mikey_seen {
    struct set set[MIKEY_SEEN_SETS];
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

    if (!s)
        return -ENOMEM;
    for (size_t i = 0; i < MIKEY_SEEN_SETS; i++)
        s->set[i].floor = mikey_ntp_of(unix_s);
    *ret = s;
    return 0;
}

struct mikey_seen *mikey_seen_free(struct mikey_seen *s)
{
    free(s);
    return NULL;
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

bool mikey_seen_take(struct mikey_seen *s, struct slice peer, struct slice mac, uint64_t time,
                     const struct mikey_bearer *by, uint64_t unix_s)
{
    struct set *set = &s->set[map_hash(peer) % MIKEY_SEEN_SETS];

    if (mac.n < MAC_KEPT)
        return false;
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
    *e = (struct entry){.time = time, .by = *by};
    memcpy(e->mac, mac.p, MAC_KEPT);
    return true;
}
