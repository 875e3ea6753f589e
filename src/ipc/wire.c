#include "ipc/wire.h"

#include <unistd.h>

#include "base/slice.h"

void ipc_control_put(struct msghdr *m, union ipc_control *c, const int *fds, size_t fd_count)
{
    if (fd_count == 0)
        return;
    size_t n = fd_count * sizeof(int);
    m->msg_control = c;
    m->msg_controllen = CMSG_SPACE(n);
    struct cmsghdr *h = &c->align;
    *h = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(n), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(h), fds, n);
}

size_t ipc_control_take(const struct msghdr *m, int *fds)
{
    /* The kernel writes one SCM_RIGHTS message, and no more than fits into the control data. */
    const struct cmsghdr *h = CMSG_FIRSTHDR(m);
    if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
        return 0;
    size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (n > IPC_FD_MAX)
        n = IPC_FD_MAX;
    memcpy(fds, CMSG_DATA(h), n * sizeof(int));
    return n;
}

void ipc_close_fds(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

static size_t align8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

bool ipc_wire_next(const char *data, size_t n, size_t *at, struct wire *ret)
{
    size_t left = n - *at;
    if (left < sizeof(*ret))
        return false;
    memcpy(ret, data + *at, sizeof(*ret));
    if (ret->n > left - sizeof(*ret))
        return false;
    size_t whole = sizeof(*ret) + ret->n, padded = align8(whole);
    if (whole != left && padded > left)
        return false;
    *at += whole == left ? whole : padded;
    return true;
}

int ipc_wire_send(int fd, const struct ipc_out *m)
{
    struct wire w = m->wire;
    struct iovec iov[3] = {{&w, sizeof(w)}};
    size_t n = 1;
    /* An iovec is not const, but sendmsg only reads. */
    if (m->head_n)
        iov[n++] = (struct iovec){(void *)(uintptr_t)m->head, m->head_n};
    if (m->tail_n)
        iov[n++] = (struct iovec){(void *)(uintptr_t)m->tail, m->tail_n};
    union ipc_control control;
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
    ipc_control_put(&msg, &control, m->fds, m->fd_count);
    return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}
