/* The memfd of connection state: a head, then fixed-size slots. The supervisor holds it together
 * with the sockets, so both outlive the process. What a slot says is believed only as far as it
 * goes: a head of another layout, a generation that does not match, a dirty or unfinished
 * connection each end what they concern, and the peer connects anew. */
#include "transport/internal.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

#define SLOTS_MAGIC 0x736c6f74u
#define SLOTS_LAYOUT 1u /* raised whenever struct conn_slot changes its meaning */
#define SLOTS_HEAD 64u

struct slots_head {
    uint32_t magic, layout, slot_size, count;
    uint32_t used; /* slots from here on were never taken: their pages need not
                    exist */
};

_Static_assert(sizeof(struct slots_head) <= SLOTS_HEAD, "the head has its own cache line");

size_t transport_slots_size(uint32_t max_connections)
{
    return SLOTS_HEAD + (size_t)max_connections * sizeof(struct conn_slot);
}

static uint32_t index_of(uint64_t id)
{
    return (uint32_t)id - 1;
}

static uint64_t id_of(const struct transport *t, const struct conn_slot *s)
{
    return (uint64_t)s->gen << 32 | (uint64_t)(s - t->slots + 1);
}

static struct slots_head *head_of(const struct transport *t)
{
    return (struct slots_head *)t->map;
}

static void head_check(struct transport *t)
{
    struct slots_head *h = head_of(t);

    if (h->magic == SLOTS_MAGIC && h->layout == SLOTS_LAYOUT &&
        h->slot_size == sizeof(struct conn_slot) && h->count == t->slot_count &&
        h->used <= h->count)
        return;
    /* Not ours, or another version's. A fresh memfd is zero already. */
    if (h->magic != 0)
        memset(t->map, 0, t->map_n);
    *h = (struct slots_head){SLOTS_MAGIC, SLOTS_LAYOUT, sizeof(struct conn_slot), t->slot_count, 0};
}

int slots_open(struct transport *t, int fd, uint32_t count)
{
    struct stat st;
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

    if (count == 0 || count > UINT32_MAX / 2)
        return -EINVAL;
    t->map_n = transport_slots_size(count);
    if (fd >= 0 && (fstat(fd, &st) < 0 || (size_t)st.st_size < t->map_n))
        return -EINVAL;
    t->map = mmap(NULL, t->map_n, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (t->map == MAP_FAILED) {
        t->map = NULL;
        return -errno;
    }
    /* Keys lie here: no core dump takes them along. */
    (void)madvise(t->map, t->map_n, MADV_DONTDUMP);
    t->slots = (struct conn_slot *)(void *)((char *)t->map + SLOTS_HEAD);
    t->conns = calloc(count, sizeof(*t->conns));
    t->free_slots = calloc(count, sizeof(*t->free_slots));
    if (!t->conns || !t->free_slots)
        return -ENOMEM;
    t->slot_count = count;
    head_check(t);
    return 0;
}

void slots_close(struct transport *t)
{
    if (t->map)
        (void)munmap(t->map, t->map_n);
    free(t->conns);
    free(t->free_slots);
}

struct conn_slot *slot_take(struct transport *t, uint64_t *ret_id)
{
    if (t->free_count == 0)
        return NULL;
    uint32_t i = t->free_slots[--t->free_count];
    struct conn_slot *s = &t->slots[i];
    uint32_t gen = s->gen + 1;

    if (head_of(t)->used <= i)
        head_of(t)->used = i + 1;

    memset(s, 0, sizeof(*s));
    s->gen = gen;
    s->state = SLOT_MAKING;
    *ret_id = id_of(t, s);
    return s;
}

void slot_give(struct transport *t, uint64_t id)
{
    struct conn_slot *s = &t->slots[index_of(id)];

    s->state = SLOT_FREE;
    secret_wipe(&s->tls, sizeof(s->tls));
    t->free_slots[t->free_count++] = index_of(id);
}

/* --- after a restart -------------------------------------------------------------------------- */

static bool text_ends(const char *s)
{
    return memchr(s, '\0', SLOT_TEXT_MAX) != NULL;
}

static bool slot_is_sound(const struct transport *t, const struct conn_slot *s)
{
    if (s->state != SLOT_OPEN || s->dirty || !text_ends(s->user) || !text_ends(s->name) ||
        !text_ends(s->subject))
        return false;
    if (s->kind == TRANSPORT_UDP || s->kind >= TRANSPORT_KIND_COUNT)
        return false;
    return !transport_kind_is_secure((enum transport_kind)s->kind) ||
           (t->aead && crypto_tls_record_is_sound(&s->tls));
}

/* Listeners may have changed with the configuration; the connection then belongs to one of its
 * kind, for what Via and Contact say. */
static void find_listener(struct transport *t, struct conn_slot *s)
{
    if (s->listener < t->listener_count && (uint8_t)t->listeners[s->listener].kind == s->kind)
        return;
    const struct listener *l = transport_listener_for(t, (enum transport_kind)s->kind, &s->local);
    s->listener = l ? l->index : UINT32_MAX;
}

static bool restore_one(struct transport *t, const struct transport_held *h)
{
    uint32_t i = index_of(h->tag);

    if (i >= t->slot_count || t->conns[i])
        return false;
    struct conn_slot *s = &t->slots[i];
    if (id_of(t, s) != h->tag || !slot_is_sound(t, s))
        return false;
    struct conn *c = calloc(1, sizeof(*c));
    if (!c)
        return false;
    *c = (struct conn){
        .t = t, .slot = s, .id = h->tag, .state = CONN_OPEN, .held = true, .sock = -1, .fd.fd = -1};
    find_listener(t, s);
    t->conns[i] = c;
    conn_adopt(c, h->fd);
    return true;
}

static void drop_held(struct transport *t, const struct transport_held *h)
{
    /* The supervisor's duplicate keeps a mere close from reaching the peer. */
    (void)shutdown(h->fd, SHUT_RDWR);
    close(h->fd);
    if (t->cb.unhold)
        t->cb.unhold(t->cb.arg, h->tag);
}

void slots_restore(struct transport *t, const struct transport_held *held, size_t n)
{
    size_t restored = 0;

    for (size_t i = 0; i < n; i++) {
        if (restore_one(t, &held[i]))
            restored++;
        else
            drop_held(t, &held[i]);
    }
    /* Lowest on top of the stack: few connections touch few pages. */
    for (uint32_t i = t->slot_count; i-- > 0;) {
        if (i >= head_of(t)->used)
            t->free_slots[t->free_count++] = i;
        else if (!t->conns[i])
            slot_give(t, i + 1u);
    }
    if (n)
        log_event(LOG_INFO, "connections_restored", LOG_I("restored", restored),
                  LOG_I("ended", n - restored));
}
