#include "call/media_client.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/secret.h"

#define BUCKETS 1024u /* of pending requests; ids are handed out in order, so they spread evenly */

struct pending {
    struct list bucket;
    struct list order;  /* oldest first: the order in which they are sent again */
    media_reply_fn *fn; /* NULL: nobody waits */
    void *arg;
    bool sent;
    uint32_t id, ops;
    uint64_t call;
    size_t n;
    char bytes[]; /* the message */
};

struct media_client {
    struct loop *loop;
    struct ipc_chan *chan; /* NULL between the death of one media role and the next */
    media_event_fn *on_event;
    media_zrtp_fn *on_zrtp; /* NULL: no ZRTP */
    struct media_zrtp_id zrtp_id;
    void *arg;
    uint32_t next_id;
    size_t count;
    uint32_t endpoints, room; /* 0: not known */
    uint64_t full_until;      /* ms */
    struct list order;
    bool is_full; /* the channel's queue: what comes waits for its end, in order */
    struct list buckets[BUCKETS];
    struct {
        struct addr of, other;
        uint64_t until; /* ms */
    } others[MEDIA_CLIENT_OTHERS];
    size_t others_next;
};

int media_client_new(struct loop *l, uint32_t room, media_event_fn *on_event, void *arg,
                     struct media_client **ret)
{
    struct media_client *mc = calloc(1, sizeof(*mc));
    if (!mc)
        return -ENOMEM;
    mc->loop = l;
    mc->room = room;
    mc->on_event = on_event;
    mc->arg = arg;
    list_init(&mc->order);
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&mc->buckets[i]);
    *ret = mc;
    return 0;
}

static void pending_free(struct media_client *mc, struct pending *p)
{
    list_remove(&p->bucket);
    list_remove(&p->order);
    mc->count--;
    secret_wipe(p->bytes, p->n); /* crypto lines hold keys */
    free(p);
}

struct media_client *media_client_free(struct media_client *mc)
{
    if (mc) {
        LIST_FOR_EACH(n, &mc->order)
        pending_free(mc, CONTAINER_OF(n, struct pending, order));
        ipc_chan_free(mc->chan);
        free(mc);
    }
    return NULL;
}

static struct pending *pending_find(struct media_client *mc, uint32_t id)
{
    LIST_FOR_EACH(n, &mc->buckets[id % BUCKETS])
    {
        struct pending *p = CONTAINER_OF(n, struct pending, bucket);
        if (p->id == id)
            return p;
    }
    return NULL;
}

static void send_pending(struct media_client *mc, struct pending *p)
{
    p->sent = false;
    if (!mc->chan || mc->is_full)
        return; /* goes out with the next attach, or when the queue has run empty */
    int r = ipc_send(mc->chan, MEDIA_MSG_REQUEST, p->bytes, p->n, NULL, 0);
    p->sent = r == 0;
    mc->is_full = r == -ENOBUFS;
    if (r < 0)
        log_event(LOG_ERROR, "media_request_not_sent", LOG_ERRNO(r), LOG_ID("call", p->call));
}

static void on_drained(void *arg)
{
    struct media_client *mc = arg;
    if (!mc->is_full)
        return;
    mc->is_full = false;
    LIST_FOR_EACH(n, &mc->order)
    {
        struct pending *p = CONTAINER_OF(n, struct pending, order);
        if (!p->sent)
            send_pending(mc, p);
    }
}

static void on_reply(struct media_client *mc, const struct media_reply *r, struct slice text)
{
    struct pending *p = pending_find(mc, r->req);
    if (!p)
        return; /* answered in an earlier life of the media role */
    media_reply_fn *fn = p->fn;
    void *arg = p->arg;
    bool orphan = !fn && (p->ops & MEDIA_OP_OPEN) && r->status == MEDIA_STATUS_OK;
    pending_free(mc, p);
    if (r->status == MEDIA_STATUS_NO_PORTS)
        mc->full_until = loop_now(mc->loop) + MEDIA_CLIENT_FULL_MS;
    if (orphan)
        media_client_close(mc, r->endpoint);
    else if (fn)
        fn(arg, r, text);
}

static void on_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                   size_t fd_count)
{
    struct media_client *mc = arg;
    (void)fds;
    assert(fd_count == 0);
    if (type == MEDIA_MSG_REPLY && n >= sizeof(struct media_reply)) {
        const struct media_reply *r = payload;
        if (r->text_n == n - sizeof(*r)) {
            on_reply(mc, r, slice_from(r + 1, r->text_n));
            return;
        }
    } else if (type == MEDIA_MSG_EVENT && n == sizeof(struct media_event)) {
        mc->on_event(mc->arg, payload);
        return;
    } else if ((type == MEDIA_MSG_ZRTP_FIND || type == MEDIA_MSG_ZRTP_SAVE) &&
               n == sizeof(struct media_zrtp) && mc->on_zrtp) {
        struct media_zrtp z = *(const struct media_zrtp *)payload;
        mc->on_zrtp(mc->arg, mc, type, &z);
        secret_wipe(&z, sizeof(z));
        return;
    }
    log_event(LOG_ERROR, "media_message_unreadable", LOG_I("type", type), LOG_I("bytes", n));
}

static void on_closed(void *arg)
{
    struct media_client *mc = arg;
    mc->chan = ipc_chan_free(mc->chan);
}

void media_client_zrtp(struct media_client *mc, const struct media_zrtp_id *id, media_zrtp_fn *fn)
{
    mc->zrtp_id = *id;
    mc->on_zrtp = fn;
}

static void send_zrtp(struct media_client *mc, uint32_t type, const void *p, size_t n)
{
    int r = mc->chan ? ipc_send(mc->chan, type, p, n, NULL, 0) : -EPIPE;
    if (r < 0)
        log_event(LOG_ERROR, "media_zrtp_not_sent", LOG_ERRNO(r));
}

void media_client_zrtp_found(struct media_client *mc, const struct media_zrtp *z)
{
    send_zrtp(mc, MEDIA_MSG_ZRTP_FOUND, z, sizeof(*z));
}

static void sweep(struct media_client *mc, const uint64_t *endpoints, size_t n)
{
    int r = ipc_send(mc->chan, MEDIA_MSG_SWEEP_BEGIN, NULL, 0, NULL, 0);
    for (size_t i = 0; i < n && r == 0; i++)
        r = ipc_send(mc->chan, MEDIA_MSG_KEEP, &endpoints[i], sizeof(endpoints[i]), NULL, 0);
    if (r == 0)
        r = ipc_send(mc->chan, MEDIA_MSG_SWEEP_END, NULL, 0, NULL, 0);
    if (r < 0)
        log_event(LOG_ERROR, "media_sweep_not_sent", LOG_ERRNO(r));
}

int media_client_attach(struct media_client *mc, int fd, const uint64_t *endpoints, size_t n)
{
    struct ipc_chan *chan = NULL;
    int r = ipc_chan_new(mc->loop, fd, on_msg, on_closed, mc, &chan);
    if (r < 0)
        return r;
    ipc_chan_free(mc->chan);
    mc->chan = chan;
    mc->is_full = false;
    ipc_chan_on_drained(chan, on_drained);
    if (mc->on_zrtp)
        send_zrtp(mc, MEDIA_MSG_ZRTP_ID, &mc->zrtp_id, sizeof(mc->zrtp_id));
    if (endpoints)
        sweep(mc, endpoints, n);
    LIST_FOR_EACH(at, &mc->order)
    send_pending(mc, CONTAINER_OF(at, struct pending, order));
    return 0;
}

static void message_write(struct pending *p, const struct media_request *rq, size_t size,
                          struct slice text)
{
    const uint32_t head[] = {p->id, rq->ops, (uint32_t)size, (uint32_t)text.n};
    static_assert(offsetof(struct media_request, endpoint) == sizeof(head), "these stand first");
    memcpy(p->bytes, rq, size);
    memcpy(p->bytes, head, sizeof(head));
    if (text.n)
        memcpy(p->bytes + size, text.p, text.n);
}

static int request_add(struct media_client *mc, const struct media_request *rq, struct slice text,
                       struct pending **ret)
{
    if (mc->count >= MEDIA_CLIENT_PENDING_MAX || text.n > MEDIA_TEXT_MAX)
        return -ENOBUFS;
    size_t size = media_request_size(rq);
    struct pending *p = malloc(sizeof(*p) + size + text.n);
    if (!p)
        return -ENOMEM;
    do
        mc->next_id++;
    while (mc->next_id == 0 || pending_find(mc, mc->next_id));
    p->id = mc->next_id;
    p->ops = rq->ops;
    p->call = rq->call;
    p->n = size + text.n;
    message_write(p, rq, size, text);
    list_push_back(&mc->buckets[p->id % BUCKETS], &p->bucket);
    list_push_back(&mc->order, &p->order);
    mc->count++;
    *ret = p;
    return 0;
}

int media_client_request(struct media_client *mc, const struct media_request *rq, struct slice text,
                         media_reply_fn *fn, void *arg, uint32_t *ret_id)
{
    struct pending *p = NULL;
    int r = request_add(mc, rq, text, &p);
    if (r < 0)
        return r;
    p->fn = fn;
    p->arg = arg;
    *ret_id = p->id;
    send_pending(mc, p);
    return 0;
}

int media_client_tell(struct media_client *mc, const struct media_request *rq)
{
    struct pending *p = NULL;
    int r = request_add(mc, rq, SLICE_NONE, &p);
    if (r < 0)
        return r;
    p->fn = NULL;
    p->arg = NULL;
    send_pending(mc, p);
    return 0;
}

void media_client_close(struct media_client *mc, uint64_t endpoint)
{
    struct media_request rq = {.ops = MEDIA_OP_CLOSE, .endpoint = endpoint};
    int r = media_client_tell(mc, &rq);
    if (r < 0)
        log_event(LOG_ERROR, "media_close_not_sent", LOG_ERRNO(r));
}

void media_client_cancel(struct media_client *mc, uint32_t id)
{
    struct pending *p = id ? pending_find(mc, id) : NULL;
    if (p)
        p->fn = NULL;
}

size_t media_client_pending(const struct media_client *mc)
{
    return mc->count;
}

bool media_client_is_up(const struct media_client *mc)
{
    return mc->chan != NULL;
}

bool media_client_has_room(const struct media_client *mc)
{
    return (mc->room == 0 || mc->endpoints + 2 <= mc->room) && loop_now(mc->loop) >= mc->full_until;
}

uint32_t media_client_endpoints(const struct media_client *mc)
{
    return mc->endpoints;
}

void media_client_count(struct media_client *mc, int more)
{
    mc->endpoints += (uint32_t)more;
}

/* --- addresses --- */

const struct addr *media_client_other(struct media_client *mc, const struct addr *local)
{
    static const struct addr none;
    uint64_t now = loop_now(mc->loop);
    if (addr_family(local) == 0)
        return &none;
    for (size_t i = 0; i < MEDIA_CLIENT_OTHERS; i++) {
        if (now < mc->others[i].until && addr_host_eq(local, &mc->others[i].of))
            return &mc->others[i].other;
    }
    size_t i = mc->others_next++ % MEDIA_CLIENT_OTHERS;
    mc->others[i].of = *local;
    mc->others[i].until = now + MEDIA_CLIENT_OTHER_MS;
    if (addr_beside(local, &mc->others[i].other) != 0)
        mc->others[i].other = none;
    return &mc->others[i].other;
}
