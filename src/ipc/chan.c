/* A channel is a SOCK_SEQPACKET socket: the kernel keeps the boundaries of packets, which hold as many
 * messages as fit, each its head (struct wire) and its payload.
 *
 * Sending: every message goes into one queue of bytes (a record each: head, descriptors, payload);
 * the end of the wake-up sends the queue with sendmmsg straight from where it lies. In the steady
 * state that is one copy, no allocation, and one system call for all messages of a wake-up; and few
 * packets, because each of them wakes the other role.
 * Descriptors are borrowed, so a message with descriptors is sent at once where nothing stands
 * before it, and otherwise queues duplicates.
 *
 * Receiving: a batch per system call into buffers of the channel. A callback may free the channel;
 * then the rest of the batch is dropped and its descriptors closed. */
#include "ipc/ipc.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/wire.h"

#define SEND_PACKETS 8
#define SEND_RECORDS 128 /* of all packets of a batch */
#define RECV_BATCH 8
#define PACKET_MAX (sizeof(struct wire) + IPC_MSG_MAX)
#define QUEUE_KEEP (256u << 10) /* an empty queue keeps no more memory than this */

/* What lies in the queue before each payload. A record's size is a multiple of 8. */
struct record {
    uint32_t size; /* of the whole record */
    uint32_t fd_count;
    struct wire wire; /* sent from here on; the payload follows */
};

struct queue {
    char *p;
    size_t head, tail, cap; /* records lie in [head, tail) */
    size_t fds;             /* descriptors in it: int fds[IPC_FD_MAX] behind the payload */
};

struct slot {
    char data[PACKET_MAX] __attribute__((aligned(8)));
    union ipc_control control;
};

struct ipc_chan {
    struct loop *loop;
    int fd;
    struct loop_fd io;
    struct loop_defer flush;
    ipc_msg_fn *on_msg;
    ipc_closed_fn *on_closed;
    void (*on_drained)(void *arg);
    void *arg;
    struct queue q;
    bool want_out; /* the socket was full: EPOLLOUT is asked for */
    bool broken;   /* sending failed; the end is told when what came before has been read */
    bool in_io;    /* freed only when on_io returns */
    bool freed;
    struct slot slots[RECV_BATCH];
};

static size_t align8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* --- the queue --- */

static void record_close_fds(struct record *rec)
{
    int *fds = (int *)(void *)((char *)rec + rec->size) - rec->fd_count;
    for (uint32_t i = 0; i < rec->fd_count; i++)
        close(fds[i]);
}

static struct record *queue_first(struct queue *q)
{
    return (struct record *)(void *)(q->p + q->head);
}

static void queue_pop(struct queue *q)
{
    struct record *rec = queue_first(q);
    record_close_fds(rec);
    q->fds -= rec->fd_count;
    q->head += rec->size;
    if (q->head < q->tail)
        return;
    q->head = q->tail = 0;
    if (q->cap > QUEUE_KEEP) {
        free(q->p);
        q->p = NULL;
        q->cap = 0;
    }
}

static void queue_clear(struct queue *q)
{
    while (q->head < q->tail)
        queue_pop(q);
    free(q->p);
    *q = (struct queue){0};
}

/* Room for n bytes behind the tail. */
static int queue_reserve(struct queue *q, size_t n)
{
    size_t used = q->tail - q->head;
    if (used + n > IPC_QUEUE_MAX)
        return -ENOBUFS;
    if (q->cap - q->tail >= n)
        return 0;
    if (q->head > 0 && q->head >= q->cap / 2 && q->cap - used >= n) {
        memmove(q->p, q->p + q->head, used);
    } else {
        size_t cap = q->cap ? q->cap : 4096;
        while (cap < used + n)
            cap *= 2;
        char *p = malloc(cap); /* aligned for struct record */
        if (!p)
            return -ENOMEM;
        if (used)
            memcpy(p, q->p + q->head, used);
        free(q->p);
        q->p = p;
        q->cap = cap;
    }
    q->head = 0;
    q->tail = used;
    return 0;
}

static int dup_fds(int *dst, const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dst[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (dst[i] < 0) {
            int r = -errno;
            while (i-- > 0)
                close(dst[i]);
            return r;
        }
    }
    return 0;
}

static int queue_put(struct queue *q, const struct ipc_out *m)
{
    if (q->fds + m->fd_count > IPC_QUEUE_FD_MAX)
        return -ENOBUFS;
    size_t payload_n = m->wire.n;
    size_t size = align8(sizeof(struct record) + payload_n + m->fd_count * sizeof(int));
    int r = queue_reserve(q, size);
    if (r < 0)
        return r;
    int fds[IPC_FD_MAX];
    r = dup_fds(fds, m->fds, m->fd_count);
    if (r < 0)
        return r;
    char *at = q->p + q->tail;
    struct record rec = {(uint32_t)size, (uint32_t)m->fd_count, m->wire};
    memcpy(at, &rec, sizeof(rec));
    at += sizeof(rec);
    if (m->head_n)
        memcpy(at, m->head, m->head_n);
    if (m->tail_n)
        memcpy(at + m->head_n, m->tail, m->tail_n);
    memset(at + payload_n, 0, size - sizeof(rec) - payload_n); /* it is sent, too */
    if (m->fd_count) {
        size_t fds_n = m->fd_count * sizeof(int);
        memcpy(q->p + q->tail + size - fds_n, fds, fds_n);
    }
    q->tail += size;
    q->fds += m->fd_count;
    return 0;
}

/* --- sending --- */

static bool is_full(int e)
{
    /* ETOOMANYREFS: too many descriptors under way; the peer has to read some first. */
    return e == EAGAIN || e == EWOULDBLOCK || e == ENOBUFS || e == ETOOMANYREFS || e == EINTR;
}

static void chan_break(struct ipc_chan *c)
{
    /* The reading side finds the end of the stream behind what the peer still said. */
    c->broken = true;
    queue_clear(&c->q);
    (void)shutdown(c->fd, SHUT_WR); /* so that a peer that broke framing ends as well */
}

/* What stands in the queue as packets. */
struct batch {
    struct mmsghdr msgs[SEND_PACKETS];
    struct iovec iov[SEND_RECORDS];
    union ipc_control control[SEND_PACKETS];
    unsigned records[SEND_PACKETS]; /* of each packet */
    unsigned n, iov_n;
};

/* The packet that begins with the record at `at`; where the next one begins. */
static size_t packet_make(const struct queue *q, size_t at, struct batch *b)
{
    struct msghdr *m = &b->msgs[b->n].msg_hdr;
    size_t bytes = 0;
    *m = (struct msghdr){.msg_iov = &b->iov[b->iov_n]};
    while (at < q->tail && b->iov_n < SEND_RECORDS) {
        struct record *rec = (struct record *)(void *)(q->p + at);
        size_t n = rec->size - offsetof(struct record, wire);
        if (rec->fd_count > 0)
            n = sizeof(rec->wire) + rec->wire.n;
        if (m->msg_iovlen > 0 && (rec->fd_count > 0 || bytes + n > PACKET_MAX))
            break;
        b->iov[b->iov_n++] = (struct iovec){&rec->wire, n};
        m->msg_iovlen++;
        bytes += n;
        at += rec->size;
        if (rec->fd_count > 0) {
            const int *fds = (const int *)(const void *)(q->p + at) - rec->fd_count;
            ipc_control_put(m, &b->control[b->n], fds, rec->fd_count);
            break;
        }
    }
    b->records[b->n++] = (unsigned)m->msg_iovlen;
    return at;
}

/* One sendmmsg from the front of the queue. 1: something was sent; 0: the socket is full. */
static int send_batch(struct ipc_chan *c)
{
    struct batch b UNINITIALIZED;
    b.n = b.iov_n = 0;
    for (size_t at = c->q.head; at < c->q.tail && b.n < SEND_PACKETS && b.iov_n < SEND_RECORDS;)
        at = packet_make(&c->q, at, &b);
    int sent = sendmmsg(c->fd, b.msgs, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return is_full(errno) ? 0 : -EPIPE;
    for (int i = 0; i < sent; i++) {
        for (unsigned j = 0; j < b.records[i]; j++)
            queue_pop(&c->q);
    }
    return sent > 0;
}

static int chan_want_out(struct ipc_chan *c, bool want)
{
    if (c->want_out == want)
        return 0;
    c->want_out = want;
    return loop_fd_set(c->loop, &c->io, want ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int ipc_flush(struct ipc_chan *c)
{
    if (c->broken)
        return -EPIPE;
    int r = 1;
    while (r > 0 && c->q.head < c->q.tail)
        r = send_batch(c);
    bool full = r == 0;
    if (r < 0 || chan_want_out(c, full) < 0) {
        chan_break(c);
        return -EPIPE;
    }
    return full ? -EAGAIN : 0;
}

static void on_flush(void *arg)
{
    struct ipc_chan *c = arg;
    bool had = c->q.head < c->q.tail || c->want_out;
    /* -EAGAIN goes on with EPOLLOUT; a broken channel is told of by its reading side. */
    int r = ipc_flush(c);
    if (r == 0 && had && c->on_drained)
        c->on_drained(c->arg);
}

/* With descriptors and nothing before it. 1: sent; 0: queue it. */
static int send_now(struct ipc_chan *c, const struct ipc_out *m)
{
    int r = ipc_wire_send(c->fd, m);
    if (r == 0)
        return 1;
    if (is_full(-r))
        return 0;
    if (r == -EBADF) /* the caller's descriptor, not ours */
        return r;
    chan_break(c);
    return -EPIPE;
}

static int chan_send(struct ipc_chan *c, const struct ipc_out *m)
{
    if (m->head_n + m->tail_n > IPC_MSG_MAX || m->fd_count > IPC_FD_MAX)
        return -EMSGSIZE;
    if (c->broken || c->freed)
        return -EPIPE;
    int r = 0;
    if (m->fd_count > 0) {
        if (c->q.head < c->q.tail && !c->want_out && ipc_flush(c) == -EPIPE)
            return -EPIPE;
        if (c->q.head == c->q.tail)
            r = send_now(c, m);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    r = queue_put(&c->q, m);
    if (r == 0 && !c->want_out)
        loop_defer_add(c->loop, &c->flush);
    return r;
}

int ipc_send(struct ipc_chan *c, uint32_t type, const void *payload, size_t n, const int *fds,
             size_t fd_count)
{
    struct ipc_out m = {.wire = {type, (uint32_t)n},
                        .head = payload,
                        .head_n = n,
                        .fds = fds,
                        .fd_count = fd_count};
    return chan_send(c, &m);
}

int ipc_send2(struct ipc_chan *c, uint32_t type, const void *head, size_t head_n, const void *tail,
              size_t tail_n)
{
    struct ipc_out m = {.wire = {type, (uint32_t)(head_n + tail_n)},
                        .head = head,
                        .head_n = head_n,
                        .tail = tail,
                        .tail_n = tail_n};
    return chan_send(c, &m);
}

size_t ipc_chan_queued(const struct ipc_chan *c)
{
    return c->q.tail - c->q.head;
}

void ipc_chan_on_drained(struct ipc_chan *c, void (*fn)(void *arg))
{
    c->on_drained = fn;
}

/* --- receiving --- */

static void chan_end(struct ipc_chan *c)
{
    c->broken = true;
    queue_clear(&c->q);
    loop_defer_cancel(&c->flush);
    loop_fd_del(c->loop, &c->io);
    c->on_closed(c->arg);
}

/* The messages of a packet. 0, or -EPIPE: the end of the stream, or framing broken. */
static int deliver(struct ipc_chan *c, struct slot *s, const struct mmsghdr *m)
{
    int fds[IPC_FD_MAX];
    size_t fd_count = ipc_control_take(&m->msg_hdr, fds), at = 0;
    bool ok = m->msg_len > 0 && !(m->msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    while (ok && !c->freed && at < m->msg_len) {
        struct wire w;
        const char *payload = s->data + at + sizeof(w);
        ok = ipc_wire_next(s->data, m->msg_len, &at, &w) && (fd_count == 0 || at == m->msg_len);
        if (!ok)
            break;
        c->on_msg(c->arg, w.type, payload, w.n, fds, fd_count);
        fd_count = 0;
    }
    ipc_close_fds(fds, fd_count);
    return ok && !c->freed ? 0 : -EPIPE;
}

/* 1: there may be more; 0: nothing more; -EPIPE: the end. Every message of the batch is looked at,
 * also after the end: descriptors must not leak. */
static int recv_batch(struct ipc_chan *c)
{
    struct mmsghdr msgs[RECV_BATCH];
    struct iovec iov[RECV_BATCH];
    for (int i = 0; i < RECV_BATCH; i++) {
        struct slot *s = &c->slots[i];
        iov[i] = (struct iovec){s->data, sizeof(s->data)};
        msgs[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i],
                                               .msg_iovlen = 1,
                                               .msg_control = &s->control,
                                               .msg_controllen = sizeof(s->control)}};
    }
    int n = recvmmsg(c->fd, msgs, RECV_BATCH, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0) /* ECONNRESET is told once, before what the dead peer had still said */
        return errno == EINTR || errno == ECONNRESET ? 1 : -EPIPE;
    int r = 0;
    for (int i = 0; i < n; i++) {
        if (r == 0) {
            r = deliver(c, &c->slots[i], &msgs[i]);
        } else {
            int fds[IPC_FD_MAX];
            ipc_close_fds(fds, ipc_control_take(&msgs[i].msg_hdr, fds));
        }
    }
    return r < 0 ? r : n > 0;
}

static void io_end(struct ipc_chan *c, int r)
{
    if (!c->freed && r < 0)
        chan_end(c);
    c->in_io = false;
    if (c->freed)
        free(c);
}

static void on_io(void *arg, uint32_t events)
{
    struct ipc_chan *c = arg;
    int r = 0;
    c->in_io = true;
    if (events & EPOLLOUT)
        on_flush(c);
    if (!c->freed && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        r = recv_batch(c);
    io_end(c, r);
}

void ipc_drain(struct ipc_chan *c)
{
    int r = 1;
    c->in_io = true;
    while (r > 0 && !c->freed)
        r = recv_batch(c);
    io_end(c, r);
}

/* --- life --- */

int ipc_pair(int ret_fds[2])
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return -errno;
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}

int ipc_chan_new(struct loop *l, int fd, ipc_msg_fn *on_msg, ipc_closed_fn *on_closed, void *arg,
                 struct ipc_chan **ret)
{
    int r = -ENOMEM;
    struct ipc_chan *c = calloc(1, sizeof(*c));
    if (!c)
        goto fail;
    c->loop = l;
    c->fd = fd;
    c->on_msg = on_msg;
    c->on_closed = on_closed;
    c->arg = arg;
    c->io.fd = -1;
    loop_defer_init(&c->flush, on_flush, c);
    r = loop_fd_add(l, &c->io, fd, EPOLLIN, on_io, c);
    if (r == 0)
        r = loop_fd_urge(l, &c->io); /* what roles say to each other is not for later */
    if (r < 0)
        goto fail;
    *ret = c;
    return 0;
fail:
    if (c)
        loop_fd_del(l, &c->io);
    free(c);
    close(fd);
    return r;
}

struct ipc_chan *ipc_chan_free(struct ipc_chan *c)
{
    if (!c || c->freed)
        return NULL;
    c->freed = true;
    queue_clear(&c->q);
    loop_defer_cancel(&c->flush);
    loop_fd_del(c->loop, &c->io);
    (void)shutdown(c->fd, SHUT_RDWR); /* the end for the peer, whoever else has the descriptor */
    close(c->fd);
    if (!c->in_io)
        free(c);
    return NULL;
}
