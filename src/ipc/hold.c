#include "ipc/hold.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "ipc/role_msg.h"

struct held {
    struct map_node node;
    struct list order;
    uint64_t tag; /* the map's key */
    int fd;
};

struct ipc_held {
    struct map by_tag;
    struct list order;
    struct list *next; /* of the walk: the next one to show, or &order */
    uint32_t limit;
};

int ipc_hold(struct ipc_chan *supervisor, uint64_t tag, int fd)
{
    return ipc_send(supervisor, ROLE_MSG_HOLD, &tag, sizeof(tag), &fd, 1);
}

int ipc_unhold(struct ipc_chan *supervisor, uint64_t tag)
{
    return ipc_send(supervisor, ROLE_MSG_UNHOLD, &tag, sizeof(tag), NULL, 0);
}

int ipc_held_new(uint32_t limit, struct ipc_held **ret)
{
    if (limit > IPC_HELD_MAX)
        return -EINVAL;
    struct ipc_held *h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    int r = map_init(&h->by_tag, 64);
    if (r < 0) {
        free(h);
        return r;
    }
    list_init(&h->order);
    h->next = &h->order;
    h->limit = limit;
    *ret = h;
    return 0;
}

static void held_remove(struct ipc_held *h, struct held *it)
{
    if (h->next == &it->order)
        h->next = it->order.next;
    map_remove(&h->by_tag, &it->node);
    list_remove(&it->order);
    close(it->fd);
    free(it);
}

struct ipc_held *ipc_held_free(struct ipc_held *h)
{
    if (!h)
        return NULL;
    LIST_FOR_EACH(l, &h->order)
    held_remove(h, CONTAINER_OF(l, struct held, order));
    map_fini(&h->by_tag);
    free(h);
    return NULL;
}

static struct held *held_find(const struct ipc_held *h, uint64_t tag)
{
    struct map_node *n = map_find(&h->by_tag, slice_from(&tag, sizeof(tag)));
    return n ? CONTAINER_OF(n, struct held, node) : NULL;
}

int ipc_held_put(struct ipc_held *h, uint64_t tag, int fd)
{
    struct held *it = held_find(h, tag);
    if (it) {
        close(it->fd);
        it->fd = fd;
        return 0;
    }
    int r = -ENOSPC;
    if (h->by_tag.count >= h->limit)
        goto fail;
    r = -ENOMEM;
    it = calloc(1, sizeof(*it));
    if (!it)
        goto fail;
    it->tag = tag;
    it->fd = fd;
    map_put(&h->by_tag, &it->node, slice_from(&it->tag, sizeof(it->tag)));
    list_push_back(&h->order, &it->order);
    if (h->next == &h->order) /* a walk that had come to the end goes on here */
        h->next = &it->order;
    return 0;
fail:
    close(fd);
    return r;
}

void ipc_held_drop(struct ipc_held *h, uint64_t tag)
{
    struct held *it = held_find(h, tag);
    if (it)
        held_remove(h, it);
}

size_t ipc_held_count(const struct ipc_held *h)
{
    return h->by_tag.count;
}

void ipc_held_rewind(struct ipc_held *h)
{
    h->next = h->order.next;
}

bool ipc_held_next(struct ipc_held *h, uint64_t *ret_tag, int *ret_fd)
{
    if (h->next == &h->order)
        return false;
    struct held *it = CONTAINER_OF(h->next, struct held, order);
    h->next = h->next->next;
    *ret_tag = it->tag;
    *ret_fd = it->fd;
    return true;
}
