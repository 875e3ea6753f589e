/* The admin socket, DATA/control.sock: a stream, one JSON object a line in, one a line out, in
 * order. Whoever connects must be root or of our own user id (SO_PEERCRED); the file's mode says
 * the same. A client that is slow, silent or too many harms no other. */
#ifndef SOTTO_API_SERVER_H
#define SOTTO_API_SERVER_H

#include "api/api.h"
#include "loop/loop.h"

#define API_CLIENTS_MAX 32
#define API_BACKLOG_MAX (64u << 20)  /* bytes of replies that a client does not read */
#define API_FORWARD_TIMEOUT_MS 10000 /* a role's answer; then the client is told that none came */
#define API_IDLE_MS 600000

struct api_server;

/* Binds DATA/control.sock with mode 0600; a stale one is replaced, a living one is -EADDRINUSE.
 * -ENAMETOOLONG: the path does not fit a socket's address. */
int api_listen(const char *data, int *ret_fd) MUST_CHECK;

/* Takes listen_fd; borrows loop and api, which must outlive it. */
int api_server_new(struct loop *loop, struct api *api, int listen_fd,
                   struct api_server **ret) MUST_CHECK;
/* Forwarded requests may still be on their way: their replies are dropped when they come. */
struct api_server *api_server_free(struct api_server *s);

#endif
