/* HTTP over connections that come as descriptors (ipc/web_msg.h), by libmicrohttpd without a thread of
 * its own: its epoll descriptor hangs in our loop.
 *
 * A request is handed up whole, its body bounded, and lives until web_reply, which may come later. A
 * client that leaves meanwhile is not noticed before. */
#ifndef SOTTO_WEB_HTTP_H
#define SOTTO_WEB_HTTP_H

#include "base/addr.h"
#include "loop/loop.h"

#define WEB_BODY_MAX 65536u /* bytes of a request's body */
#define WEB_CONNECTIONS_MAX 512u
#define WEB_IDLE_S 60u    /* of a connection */
#define WEB_MEMORY 32768u /* of a connection: its head has to fit */

struct web_http;
struct web_request;

struct web_header {
    const char *name, *value;
};

typedef void web_request_fn(void *arg, struct web_request *q);

int web_http_new(struct loop *l, web_request_fn *fn, void *arg, struct web_http **ret) MUST_CHECK;
/* Requests that are not answered yet are ended. */
struct web_http *web_http_free(struct web_http *h);
/* Takes fd. Negative: too many, and it is closed. */
int web_http_add(struct web_http *h, int fd, const struct addr *remote) MUST_CHECK;

/* Of a request; slices live as long as it does. */
struct slice web_method(const struct web_request *q);
struct slice web_path(const struct web_request *q); /* decoded, without the query */
struct slice web_field(const struct web_request *q, const char *name);
struct slice web_cookie(const struct web_request *q, const char *name);
struct slice web_body(const struct web_request *q);
const struct addr *web_remote(const struct web_request *q);
void web_each_query(const struct web_request *q,
                    void (*fn)(void *arg, const char *name, const char *value), void *arg);

/* Ends the request. The body is copied, unless it is static. `extra` ends with a NULL name. */
void web_reply(struct web_request *q, unsigned status, const char *type, struct slice body,
               bool is_static, const struct web_header *extra);

#endif
