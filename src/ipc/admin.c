#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/admin_msg.h"

int admin_send_request(struct ipc_chan *c, uint32_t id, const char *cmd, struct slice args)
{
    struct admin_request rq = {.id = id};
    if ((size_t)snprintf(rq.cmd, sizeof(rq.cmd), "%s", cmd) >= sizeof(rq.cmd))
        return -EMSGSIZE;
    return ipc_send2(c, ADMIN_MSG_REQUEST, &rq, sizeof(rq), args.p, args.n);
}

int admin_send_reply(struct ipc_chan *c, uint32_t id, bool failed, struct slice text)
{
    struct admin_reply rp = {.id = id, .failed = failed, .text_n = (uint32_t)text.n};
    int fd = -1;
    void *p = NULL;
    if (text.n > ADMIN_REPLY_MAX)
        return -EMSGSIZE;
    int r = ipc_memfd_new("sotto-reply", text.n ? text.n : 1, &fd);
    if (r == 0 && text.n)
        r = ipc_memfd_map(fd, text.n, true, &p);
    if (r == 0 && text.n) {
        memcpy(p, text.p, text.n);
        munmap(p, text.n);
    }
    if (r == 0)
        r = ipc_send(c, ADMIN_MSG_REPLY, &rp, sizeof(rp), &fd, 1);
    if (fd >= 0)
        close(fd);
    return r;
}

int admin_take_request(const void *payload, size_t n, struct admin_request *ret,
                       struct slice *ret_args)
{
    if (n < sizeof(*ret))
        return -EPROTO;
    memcpy(ret, payload, sizeof(*ret));
    ret->cmd[sizeof(ret->cmd) - 1] = '\0';
    *ret_args = slice_from((const char *)payload + sizeof(*ret), n - sizeof(*ret));
    return 0;
}

static int read_text(int fd, size_t n, char **ret)
{
    void *p = NULL;
    char *text = malloc(n + 1);
    if (!text)
        return -ENOMEM;
    int r = n ? ipc_memfd_map(fd, n, false, &p) : 0;
    if (r < 0) {
        free(text);
        return r;
    }
    if (n) {
        memcpy(text, p, n);
        munmap(p, n);
    }
    text[n] = '\0';
    *ret = text;
    return 0;
}

int admin_take_reply(const void *payload, size_t n, const int *fds, size_t fd_count,
                     struct admin_reply *ret, char **ret_text)
{
    struct admin_reply rp = {0};
    int r = -EPROTO;
    if (n == sizeof(rp) && fd_count == 1) {
        memcpy(&rp, payload, sizeof(rp));
        if (rp.text_n <= ADMIN_REPLY_MAX)
            r = read_text(fds[0], rp.text_n, ret_text);
    }
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    if (r == 0)
        *ret = rp;
    return r;
}
