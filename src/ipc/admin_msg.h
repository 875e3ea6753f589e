/* Administration between roles: a command by name with JSON arguments, JSON back. The reply's text
 * may be long (a list of all calls), so it travels in a memfd. */
#ifndef SOTTO_IPC_ADMIN_MSG_H
#define SOTTO_IPC_ADMIN_MSG_H

#include "base/slice.h"
#include "ipc/ipc.h"

#define ADMIN_CMD_MAX 48
#define ADMIN_REPLY_MAX (64u << 20)

enum admin_msg_type {
    ADMIN_MSG_REQUEST = 0x200, /* struct admin_request, the arguments' JSON behind it */
    ADMIN_MSG_REPLY            /* struct admin_reply and one memfd */
};

struct admin_request {
    uint32_t id;
    char cmd[ADMIN_CMD_MAX]; /* "show calls" */
};

struct admin_reply {
    uint32_t id;
    uint32_t failed; /* the text is then a plain sentence, not JSON */
    uint32_t text_n;
};

int admin_send_request(struct ipc_chan *c, uint32_t id, const char *cmd,
                       struct slice args) MUST_CHECK;
int admin_send_reply(struct ipc_chan *c, uint32_t id, bool failed, struct slice text) MUST_CHECK;
/* Of a received message: -EPROTO where it does not hold together. *ret_args points into payload. */
int admin_take_request(const void *payload, size_t n, struct admin_request *ret,
                       struct slice *ret_args) MUST_CHECK;
/* Takes fds in any case. *ret_text is malloc'ed, NUL-terminated, the caller's. */
int admin_take_reply(const void *payload, size_t n, const int *fds, size_t fd_count,
                     struct admin_reply *ret, char **ret_text) MUST_CHECK;

#endif
