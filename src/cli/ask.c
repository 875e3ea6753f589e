/* Getting a reply: from a running server by its admin socket, or by running the command here. */
#include "cli/cli_priv.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

enum { REPLY_MAX = 128 << 20, CHUNK = 65536, ANSWER_SECONDS = 30 };

/* --- a server --- */

/* A descriptor, -ENOENT where no server runs, or another -errno (told). */
static int join(const char *data)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/control.sock", data);
    if (n < 0 || (size_t)n >= sizeof(a.sun_path))
        return -ENOENT; /* no server can have bound that either */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    int r = errno == ECONNREFUSED || errno == ENOTDIR ? -ENOENT : -errno;
    (void)close(fd);
    if (r != -ENOENT)
        fprintf(stderr, "sotto: cannot speak to the server at %s: %s%s\n", a.sun_path,
                log_strerror(r), r == -EACCES ? " (try it as root)" : "");
    return r;
}

static int send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* One line, allocated. */
static int recv_line(int fd, char **ret, size_t *ret_n)
{
    char *p = NULL;
    size_t n = 0, cap = 0;
    for (;;) {
        if (cap - n < CHUNK) {
            cap = cap ? cap * 2 : (size_t)CHUNK * 2;
            char *more = cap <= REPLY_MAX ? realloc(p, cap) : NULL;
            if (!more)
                break;
            p = more;
        }
        ssize_t got = recv(fd, p + n, CHUNK, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
        if (p[n - 1] == '\n') {
            *ret = p;
            *ret_n = n;
            return 0;
        }
    }
    free(p);
    return -EPIPE;
}

/* Takes fd. */
static int ask_server(int fd, const char *name, const json_t *args, json_t **ret)
{
    char *line = NULL;
    size_t n = 0;
    json_t *request = json_pack("{s:s, s:O}", "cmd", name, "args", args);
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    int r = text ? send_all(fd, text, strlen(text)) : -ENOMEM;
    if (r == 0)
        r = send_all(fd, "\n", 1);
    if (r == 0)
        r = recv_line(fd, &line, &n);
    (void)close(fd);
    if (text)
        secret_wipe(text, strlen(text));
    free(text);
    json_t *reply = r == 0 ? json_loadb(line, n, 0, NULL) : NULL;
    if (line)
        secret_wipe(line, n);
    free(line);
    if (!reply) {
        fprintf(stderr, "sotto: the server did not answer; it may be restarting\n");
        return API_FAILED;
    }
    *ret = reply;
    return 0;
}

/* --- here --- */

struct here {
    json_t *reply;
    bool certs_changed;
};

static void keep(void *arg, const json_t *reply)
{
    ((struct here *)arg)->reply = json_deep_copy(reply);
}

static void on_changed(void *arg, enum api_change what)
{
    struct here *h = arg;
    h->certs_changed |= what == API_CHANGED_CERTS;
}

/* The server goes on with the old certificate until it is told. */
static void tell_server(const char *data)
{
    json_t *reply = NULL, *args = json_object();
    int fd = join(data);
    if (fd >= 0 && ask_server(fd, "cert reload", args, &reply) == 0 &&
        !json_is_true(json_object_get(reply, "ok")))
        fprintf(stderr, "warning: the server has not read it yet; try `sotto cert reload`\n");
    json_decref(reply);
    json_decref(args);
}

static bool has_store(const char *data)
{
    char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s/sotto.db", data);
    return access(path, F_OK) == 0 || errno != ENOENT;
}

static int run_here(const struct cli_line *line, json_t **ret)
{
    struct here h = {0};
    struct store *store = NULL;
    struct api *api = NULL;
    char err[STORE_ERROR_MAX];
    if (!line->verb->makes && !has_store(line->data)) {
        fprintf(stderr,
                "sotto: there is nothing in %s yet; `sotto user add` or the first `sotto serve` "
                "makes it, or name another folder with -d\n",
                line->data);
        return API_FAILED;
    }
    if (store_open_data(line->data, err, &store)) {
        fprintf(stderr, "sotto: %s\n", err);
        return API_STORE;
    }
    struct api_config cfg = {.data = line->data, .store = store, .arg = &h, .changed = on_changed};
    json_t *request = json_pack("{s:s, s:O}", "cmd", line->verb->words, "args", line->args);
    if (request && api_new(&cfg, &api) == 0)
        api_call(api, &(struct api_caller){API_CLASS_ALL, NULL}, request, keep, &h);
    json_decref(request);
    api_free(api);
    store_close(store);
    if (!h.reply) {
        fprintf(stderr, "sotto: no memory\n");
        return API_FAILED;
    }
    if (h.certs_changed)
        tell_server(line->data);
    *ret = h.reply;
    return 0;
}

int cli_ask(const struct cli_line *line, json_t **ret)
{
    if (line->verb->where == CLI_HERE)
        return run_here(line, ret);
    int fd = join(line->data);
    if (fd >= 0)
        return ask_server(fd, line->verb->words, line->args, ret);
    if (fd != -ENOENT)
        return API_FAILED;
    if (line->verb->where == CLI_BOTH)
        return run_here(line, ret);
    fprintf(stderr, "sotto: sotto is not running in %s\n", line->data);
    return API_FAILED;
}
