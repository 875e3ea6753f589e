#include "ipc/wire.h"

#include <poll.h>
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

bool ipc_wire_check(const struct msghdr *m, const char *data, size_t n, struct wire *ret)
{
    struct wire w;
    if (n < sizeof(w) || (m->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return false;
    memcpy(&w, data, sizeof(w));
    if (w.n != n - sizeof(w))
        return false;
    *ret = w;
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

static int wait_readable(int fd, int ms)
{
    uint64_t until = loop_clock_ns() + (uint64_t)ms * 1000000;
    for (;;) {
        uint64_t now = loop_clock_ns();
        struct pollfd p = {fd, POLLIN, 0};
        int left = now < until ? (int)((until - now + 999999) / 1000000) : 0;
        int r = poll(&p, 1, left);
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

int ipc_recv_blocking(int fd, int ms, void *payload, size_t cap, uint32_t *ret_type, size_t *ret_n,
                      int *ret_fds, size_t *ret_fd_count)
{
    int r = wait_readable(fd, ms);
    if (r < 0)
        return r;
    static const size_t head = sizeof(struct wire);
    char data[sizeof(struct wire) + IPC_MSG_MAX];
    union ipc_control control;
    struct iovec iov = {data, sizeof(data)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n <= 0)
        return n == 0 || errno == ECONNRESET ? -EPIPE : -errno;
    int fds[IPC_FD_MAX];
    size_t fd_count = ipc_control_take(&msg, fds);
    struct wire w;
    bool ok = ipc_wire_check(&msg, data, (size_t)n, &w);
    if (!ok || w.n > cap) {
        ipc_close_fds(fds, fd_count);
        return ok ? -EMSGSIZE : -EPROTO;
    }
    memcpy(payload, data + head, w.n);
    memcpy(ret_fds, fds, fd_count * sizeof(int));
    *ret_type = w.type;
    *ret_n = w.n;
    *ret_fd_count = fd_count;
    return 0;
}
