#include "api/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"

enum { READ_CHUNK = 16384 };

struct client {
    struct list node;
    struct api_server *server;
    struct loop_fd fd;
    struct loop_timer timer; /* idle, or no answer */
    struct pending *pending; /* a request on its way: no other is read until it is answered */
    char *in;
    size_t in_at, in_n, in_cap; /* handled, read, room */
    char *out;
    size_t out_at, out_n;
    bool closing; /* what is queued, then the end */
};

/* Outlives its client where the client leaves before the answer comes. */
struct pending {
    struct client *client; /* NULL: gone, or told already */
    bool late;             /* the request's own call has returned */
};

struct api_server {
    struct loop *loop;
    struct api *api;
    struct loop_fd listen;
    struct list clients;
    size_t client_count;
};

static void client_free(struct client *c)
{
    int fd = c->fd.fd;
    if (c->pending)
        c->pending->client = NULL; /* freed by its reply */
    loop_timer_cancel(c->server->loop, &c->timer);
    loop_fd_del(c->server->loop, &c->fd);
    (void)close(fd);
    list_remove(&c->node);
    c->server->client_count--;
    if (c->in)
        secret_wipe(c->in, c->in_cap); /* passwords */
    if (c->out)
        secret_wipe(c->out, c->out_n);
    free(c->in);
    free(c->out);
    free(c);
}

/* --- out --- */

/* False: the client has been freed. */
static bool client_flush(struct client *c)
{
    while (c->out_at < c->out_n) {
        ssize_t n =
            send(c->fd.fd, c->out + c->out_at, c->out_n - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0) {
            client_free(c);
            return false;
        }
        c->out_at += (size_t)n;
    }
    bool done = c->out_at == c->out_n;
    if (done && c->out) {
        secret_wipe(c->out, c->out_n);
        free(c->out);
        c->out = NULL;
        c->out_at = c->out_n = 0;
    }
    if (done && c->closing) {
        client_free(c);
        return false;
    }
    /* Reading goes on when nothing is owed: that is what bounds the replies. */
    uint32_t events = done ? (c->pending ? 0 : EPOLLIN) : EPOLLOUT;
    if (loop_fd_set(c->server->loop, &c->fd, events)) {
        client_free(c);
        return false;
    }
    return true;
}

static void client_queue(struct client *c, const json_t *reply)
{
    size_t n = json_dumpb(reply, NULL, 0, JSON_COMPACT);
    size_t left = c->out_n - c->out_at;
    char *out = n && n + 1 + left <= API_BACKLOG_MAX ? malloc(left + n + 1) : NULL;
    if (!out) {
        c->closing = true; /* rather the end than half an answer */
        return;
    }
    if (c->out && left)
        memcpy(out, c->out + c->out_at, left);
    (void)json_dumpb(reply, out + left, n, JSON_COMPACT);
    out[left + n] = '\n';
    if (c->out)
        secret_wipe(c->out, c->out_n);
    free(c->out);
    c->out = out;
    c->out_at = 0;
    c->out_n = left + n + 1;
}

static void client_error(struct client *c, const char *code, const char *text)
{
    json_t *r = json_pack("{s:b, s:s, s:s, s:i}", "ok", 0, "error", text, "code", code, "status",
                          API_USAGE);
    client_queue(c, r);
    json_decref(r);
}

/* --- in --- */

static bool client_work(struct client *c);

static void on_reply(void *arg, const json_t *reply)
{
    struct pending *p = arg;
    struct client *c = p->client;
    bool late = p->late;
    free(p);
    if (!c)
        return;
    c->pending = NULL;
    loop_timer_set(c->server->loop, &c->timer, API_IDLE_MS);
    client_queue(c, reply);
    if (late)
        (void)client_work(c); /* else it goes on by itself */
}

static void client_request(struct client *c, struct slice line)
{
    json_error_t why;
    json_t *request = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &why);
    struct pending *p = calloc(1, sizeof(*p));
    if (!request || !p) {
        client_error(c, request ? "no_memory" : "bad_request",
                     request ? "no memory" : "a request is one line with one JSON object");
        free(p);
        json_decref(request);
        return;
    }
    p->client = c;
    c->pending = p;
    loop_timer_set(c->server->loop, &c->timer, API_FORWARD_TIMEOUT_MS);
    /* The file's mode lets in the owner and root alone. */
    const struct api_caller caller = {API_CLASS_ALL, "control.sock"};
    api_call(c->server->api, &caller, request, on_reply, p);
    if (c->pending)
        c->pending->late = true;
    json_decref(request);
}

/* The next whole line; false: none is there. */
static bool next_line(struct client *c, struct slice *ret)
{
    struct slice rest = slice_from(c->in + c->in_at, c->in_n - c->in_at);
    size_t end = slice_find_char(rest, '\n');
    if (end == rest.n)
        return false;
    *ret = slice_trim(slice_take(rest, end));
    c->in_at += end + 1;
    return true;
}

/* Handles the lines that are there, one at a time, as long as the replies can leave. False: the
 * client has been freed. */
static bool client_work(struct client *c)
{
    while (client_flush(c)) {
        struct slice line;
        if (c->pending || c->out)
            return true;
        if (next_line(c, &line)) {
            if (line.n)
                client_request(c, line);
        } else if (c->in_n - c->in_at > API_REQUEST_MAX) {
            client_error(c, "too_long", "a request has at most 1 MiB");
            c->closing = true;
        } else {
            return true;
        }
    }
    return false;
}

static bool grow(struct client *c)
{
    size_t left = c->in_n - c->in_at;
    if (c->in_cap - c->in_n >= READ_CHUNK)
        return true;
    size_t cap = (left + READ_CHUNK) * 2;
    char *in = malloc(cap); /* not realloc, which would leave passwords behind */
    if (!in)
        return false;
    if (left)
        memcpy(in, c->in + c->in_at, left);
    if (c->in)
        secret_wipe(c->in, c->in_cap);
    free(c->in);
    c->in = in;
    c->in_cap = cap;
    c->in_at = 0;
    c->in_n = left;
    return true;
}

static void on_client(void *arg, uint32_t events)
{
    struct client *c = arg;
    if (events & EPOLLOUT) {
        (void)client_work(c); /* then the lines that waited for that */
        return;
    }
    if (!(events & EPOLLIN) || !grow(c)) {
        client_free(c); /* hung up */
        return;
    }
    ssize_t n = recv(c->fd.fd, c->in + c->in_n, READ_CHUNK, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_free(c);
        return;
    }
    c->in_n += (size_t)n;
    if (!c->pending)
        loop_timer_set(c->server->loop, &c->timer, API_IDLE_MS);
    (void)client_work(c);
}

static void on_timer(void *arg)
{
    struct client *c = arg;
    if (!c->pending) {
        client_free(c);
        return;
    }
    c->pending->client = NULL; /* its reply, should it come, is for no one */
    c->pending = NULL;
    client_error(c, "no_answer", "the server did not answer in time");
    loop_timer_set(c->server->loop, &c->timer, API_IDLE_MS);
    (void)client_work(c);
}

/* --- the listener --- */

static bool peer_may(int fd)
{
    struct ucred cred;
    socklen_t n = sizeof(cred);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 &&
           (cred.uid == 0 || cred.uid == geteuid());
}

static void on_listen(void *arg, uint32_t events)
{
    struct api_server *s = arg;
    (void)events;
    int fd = accept4(s->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return; /* gone again, or no descriptor is left: the next wake-up tries again */
    struct client *c = NULL;
    if (s->client_count < API_CLIENTS_MAX && peer_may(fd))
        c = calloc(1, sizeof(*c));
    if (!c) {
        (void)close(fd);
        return;
    }
    c->server = s;
    loop_timer_init(&c->timer, on_timer, c);
    if (loop_fd_add(s->loop, &c->fd, fd, EPOLLIN, on_client, c)) {
        (void)close(fd);
        free(c);
        return;
    }
    list_init(&c->node);
    list_push_back(&s->clients, &c->node);
    s->client_count++;
    loop_timer_set(s->loop, &c->timer, API_IDLE_MS);
}

int api_listen(const char *data, int *ret_fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/control.sock", data);
    if (n < 0 || (size_t)n >= sizeof(a.sun_path))
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = 0;
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 || errno == EAGAIN)
        r = -EADDRINUSE;
    else if (errno == ECONNREFUSED && unlink(a.sun_path)) /* no one listens: a crash left it */
        r = -errno;
    mode_t old = umask(0177); /* never open to others, not even for a moment */
    if (r == 0 && (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16)))
        r = -errno;
    (void)umask(old);
    if (r) {
        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int api_server_new(struct loop *loop, struct api *api, int listen_fd, struct api_server **ret)
{
    struct api_server *s = calloc(1, sizeof(*s));
    if (!s) {
        (void)close(listen_fd);
        return -ENOMEM;
    }
    s->loop = loop;
    s->api = api;
    list_init(&s->clients);
    int r = loop_fd_add(loop, &s->listen, listen_fd, EPOLLIN, on_listen, s);
    if (r) {
        (void)close(listen_fd);
        free(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct api_server *api_server_free(struct api_server *s)
{
    if (!s)
        return NULL;
    LIST_FOR_EACH(it, &s->clients)
    client_free(CONTAINER_OF(it, struct client, node));
    int fd = s->listen.fd;
    loop_fd_del(s->loop, &s->listen);
    (void)close(fd);
    free(s);
    return NULL;
}
