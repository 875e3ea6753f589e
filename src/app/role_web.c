/* The web role: administration. It answers on the control socket through api: what is in the store
 * it does itself, what only signalling knows it asks there, and what concerns the whole server
 * (roles, reload, log level) it asks of the supervisor.
 *
 * Every request that was passed on is one struct pending until its answer comes, or until signalling
 * ends: then it is told so. Answers of the supervisor come in the order of their requests. */
#include "app/role.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/server.h"
#include "app/exit.h"
#include "ipc/admin_msg.h"

#define PENDING_MAX 256 /* more than control connections; one past it is refused */

enum pending_to { TO_SIGNAL, TO_SUPERVISOR };

struct pending {
    struct list node;
    enum pending_to to;
    uint32_t id;   /* TO_SIGNAL: of the request */
    uint32_t type; /* TO_SUPERVISOR: ROLE_MSG_STATUS or ROLE_MSG_DONE */
    api_forward_reply_fn *reply;
    void *reply_arg;
};

struct web_process {
    struct role *role;
    struct store *store;
    struct cert_names names;
    struct api *api;
    struct api_server *server;
    struct ipc_chan *signal; /* NULL: not there now */
    struct list pending;     /* oldest first */
    uint32_t pending_count, last_id;
};

/* --- answers --- */

static void answer(api_forward_reply_fn *reply, void *arg, json_t *whole)
{
    char *text = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
    reply(arg, text ? slice_from_str(text)
                    : SLICE_LIT("{\"ok\":false,\"error\":\"no memory\",\"code\":\"failed\","
                                "\"status\":1}"));
    free(text);
    json_decref(whole);
}

/* Takes `result`. */
static void answer_ok(api_forward_reply_fn *reply, void *arg, json_t *result)
{
    answer(reply, arg, json_pack("{s:b, s:o, s:[]}", "ok", 1, "result", result, "warnings"));
}

static void answer_failed(api_forward_reply_fn *reply, void *arg, const char *why)
{
    answer(reply, arg,
           json_pack("{s:b, s:s, s:s, s:i}", "ok", 0, "error", why, "code", "failed", "status", 1));
}

/* --- requests under way --- */

static struct pending *pending_add(struct web_process *w, enum pending_to to,
                                   api_forward_reply_fn *reply, void *reply_arg)
{
    struct pending *p = w->pending_count < PENDING_MAX ? calloc(1, sizeof(*p)) : NULL;
    if (!p) {
        answer_failed(reply, reply_arg, "too many requests are under way");
        return NULL;
    }
    *p = (struct pending){.to = to, .id = ++w->last_id, .reply = reply, .reply_arg = reply_arg};
    list_push_back(&w->pending, &p->node);
    w->pending_count++;
    return p;
}

/* The caller answers. */
static void pending_remove(struct web_process *w, struct pending *p)
{
    list_remove(&p->node);
    w->pending_count--;
    free(p);
}

static void pending_fail(struct web_process *w, struct pending *p, const char *why)
{
    struct pending was = *p;
    pending_remove(w, p);
    answer_failed(was.reply, was.reply_arg, why);
}

static struct pending *pending_find(struct web_process *w, enum pending_to to, uint32_t key)
{
    LIST_FOR_EACH(l, &w->pending)
    {
        struct pending *p = CONTAINER_OF(l, struct pending, node);
        if (p->to == to && (to == TO_SIGNAL ? p->id : p->type) == key)
            return p;
    }
    return NULL;
}

/* --- signalling --- */

static void to_signal(struct web_process *w, const char *name, struct slice request,
                      api_forward_reply_fn *reply, void *reply_arg)
{
    if (!w->signal) {
        answer_failed(reply, reply_arg, "the signal process is being restarted; try again");
        return;
    }
    struct pending *p = pending_add(w, TO_SIGNAL, reply, reply_arg);
    if (!p)
        return;
    json_t *whole = json_loadb(request.p, request.n, 0, NULL);
    char *args = json_dumps(json_object_get(whole, "args"), JSON_COMPACT);
    int r = args ? admin_send_request(w->signal, p->id, name, slice_from_str(args)) : -ENOMEM;
    free(args);
    json_decref(whole);
    if (r < 0)
        pending_fail(w, p, "the signal process could not be asked");
}

static void on_signal_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                          size_t fd_count)
{
    struct web_process *w = arg;
    struct admin_reply rp;
    char *text = NULL;
    int r = admin_take_reply(payload, n, fds, fd_count, &rp, &text);
    struct pending *p =
        r == 0 && type == ADMIN_MSG_REPLY ? pending_find(w, TO_SIGNAL, rp.id) : NULL;
    if (p) {
        struct pending was = *p;
        pending_remove(w, p);
        json_t *result = rp.failed ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
        if (result)
            answer_ok(was.reply, was.reply_arg, result);
        else
            answer_failed(was.reply, was.reply_arg, rp.failed ? text : "unreadable answer");
    }
    free(text);
}

static void signal_lost(struct web_process *w)
{
    struct pending *p;
    w->signal = ipc_chan_free(w->signal);
    for (;;) { /* an answer may bring the next request, which finds no signalling */
        p = NULL;
        LIST_FOR_EACH(l, &w->pending)
        {
            struct pending *it = CONTAINER_OF(l, struct pending, node);
            if (!p && it->to == TO_SIGNAL)
                p = it;
        }
        if (!p)
            return;
        pending_fail(w, p, "the signal process has ended; it is being restarted");
    }
}

static void on_signal_closed(void *arg)
{
    signal_lost(arg);
}

static void on_peer(void *arg, enum role_kind who, uint32_t restarts, int fd)
{
    (void)restarts;
    struct web_process *w = arg;
    if (who != ROLE_SIGNAL) {
        close(fd);
        return;
    }
    signal_lost(w);
    int r = ipc_chan_new(w->role->loop, fd, on_signal_msg, on_signal_closed, w, &w->signal);
    if (r < 0)
        log_event(LOG_ERROR, "peer_refused", LOG_STR("role", role_name(who)), LOG_ERRNO(r));
}

/* --- the supervisor --- */

static void to_supervisor(struct web_process *w, uint32_t answer_type, int sent,
                          api_forward_reply_fn *reply, void *reply_arg)
{
    if (sent < 0) {
        answer_failed(reply, reply_arg, "the supervisor could not be asked");
        return;
    }
    struct pending *p = pending_add(w, TO_SUPERVISOR, reply, reply_arg);
    if (p)
        p->type = answer_type;
}

static json_t *status_json(const struct role_status *s)
{
    char since[32];
    time_t t = (time_t)s->since;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm);
    const char *name = s->role < ROLE_COUNT ? role_name((enum role_kind)s->role) : "?";
    return json_pack("{s:s, s:i, s:s, s:i, s:b}", "role", name, "pid", (int)s->pid, "since", since,
                     "restarts", (int)s->restarts, "ready", (int)s->is_ready);
}

static void on_status(void *arg, const struct role_status *s, size_t n)
{
    struct web_process *w = arg;
    struct pending *p = pending_find(w, TO_SUPERVISOR, ROLE_MSG_STATUS);
    if (!p)
        return;
    struct pending was = *p;
    json_t *list = json_array();
    pending_remove(w, p);
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list,
                                    status_json(&s[i])); /* a shorter list, for want of memory */
    answer_ok(was.reply, was.reply_arg, list);
}

static void on_done(void *arg, const struct role_done *d)
{
    struct web_process *w = arg;
    struct pending *p = pending_find(w, TO_SUPERVISOR, ROLE_MSG_DONE);
    if (!p)
        return;
    struct pending was = *p;
    pending_remove(w, p);
    if (d->result == 0)
        answer_ok(was.reply, was.reply_arg, json_null());
    else
        answer_failed(was.reply, was.reply_arg, d->why[0] ? d->why : log_strerror(d->result));
}

static void ask_log_level(struct web_process *w, struct slice request, api_forward_reply_fn *reply,
                          void *reply_arg)
{
    enum log_level level;
    json_t *whole = json_loadb(request.p, request.n, 0, NULL);
    const char *word = json_string_value(json_object_get(json_object_get(whole, "args"), "level"));
    int r = log_level_parse(slice_from_str(word), &level);
    json_decref(whole);
    if (r < 0)
        answer_failed(reply, reply_arg, "level is one of error, warn, info, debug");
    else
        to_supervisor(w, ROLE_MSG_DONE, role_do_log_level(w->role, level), reply, reply_arg);
}

/* --- what is known here --- */

static void tell_listeners(struct web_process *w, api_forward_reply_fn *reply, void *reply_arg)
{
    const struct config_listeners *l = &w->role->cfg.sip;
    json_t *list = json_array();
    for (uint32_t i = 0; i < l->count; i++) {
        char at[ADDR_STR_MAX];
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "transport",
                                                    config_listen_kind_name(l->at[i].kind),
                                                    "address", addr_str(&l->at[i].addr, at)));
    }
    answer_ok(reply, reply_arg, list);
}

static void on_forward(void *arg, const char *name, struct slice request,
                       api_forward_reply_fn *reply, void *reply_arg)
{
    struct web_process *w = arg;
    if (strcmp(name, "show roles") == 0)
        to_supervisor(w, ROLE_MSG_STATUS, role_get_status(w->role), reply, reply_arg);
    else if (strcmp(name, "reload") == 0 || strcmp(name, "cert reload") == 0)
        to_supervisor(w, ROLE_MSG_DONE, role_do_reload(w->role), reply, reply_arg);
    else if (strcmp(name, "log level") == 0)
        ask_log_level(w, request, reply, reply_arg);
    else if (strcmp(name, "show listeners") == 0)
        tell_listeners(w, reply, reply_arg);
    else
        to_signal(w, name, request, reply, reply_arg);
}

static void ignore_reply(void *arg, struct slice reply)
{
    (void)arg; /* nobody waits for it */
    (void)reply;
}

/* Signalling forgets what it has cached; a new domain or certificate is the supervisor's matter. */
static void on_changed(void *arg, enum api_change what)
{
    struct web_process *w = arg;
    if (what != API_CHANGED_CERTS)
        to_signal(w, "changed", SLICE_LIT("{\"args\":{}}"), ignore_reply, w);
    if (what != API_CHANGED_USERS)
        to_supervisor(w, ROLE_MSG_DONE, role_do_reload(w->role), ignore_reply, w);
}

/* --- the role --- */

static int store_setup(struct web_process *w)
{
    char path[CONFIG_PATH_MAX + 16], err[STORE_ERROR_MAX] = "";
    struct secret key;
    snprintf(path, sizeof(path), "%s/sotto.db", w->role->cfg.data);
    int r = role_read_fd(w->role->fds[ROLE_FD_SEAL_KEY], key.b, STORE_SEAL_KEY_LEN, &key.n);
    if (r == 0 && key.n != STORE_SEAL_KEY_LEN)
        r = -EKEYREJECTED;
    if (r == 0)
        r = store_open(path, &key, err, &w->store);
    secret_fini(&key);
    if (r == 0)
        return 0;
    log_event(LOG_ERROR, "store_unusable", LOG_STR("says", err), LOG_ERRNO(r));
    return EXIT_STATUS_STORE;
}

static int on_start(void *arg, struct role *r)
{
    struct web_process *w = arg;
    w->role = r;
    list_init(&w->pending);
    for (size_t i = 0; i < r->held_count; i++) /* this role asks for nothing to be held */
        close(r->held[i].fd);
    int s = store_setup(w);
    if (s != 0)
        return s;
    (void)cert_names_add(&w->names, slice_from_str(r->cfg.domain));
    (void)cert_names_add(&w->names, slice_from_str(r->cfg.advertise));
    const struct api_config cfg = {.data = r->cfg.data,
                                   .store = w->store,
                                   .names = &w->names,
                                   .leave_certs = true,
                                   .arg = w,
                                   .forward = on_forward,
                                   .changed = on_changed};
    s = api_new(&cfg, &w->api);
    int fd = r->fds[ROLE_FD_CONTROL];
    r->fds[ROLE_FD_CONTROL] = -1;
    return s == 0 ? api_server_new(r->loop, w->api, fd, &w->server) : s;
}

static void on_reload(void *arg, const struct app_config *old)
{
    (void)arg; /* nothing that this role heeds changes without a restart */
    (void)old;
}

static void on_stop(void *arg)
{
    struct web_process *w = arg;
    signal_lost(w);
    LIST_FOR_EACH(l, &w->pending)
    pending_fail(w, CONTAINER_OF(l, struct pending, node), "the server is leaving");
    w->server = api_server_free(w->server);
    w->api = api_free(w->api);
    w->store = store_close(w->store);
}

static const struct role_ops ops = {
    .kind = ROLE_WEB,
    .start = on_start,
    .peer = on_peer,
    .reload = on_reload,
    .status = on_status,
    .done = on_done,
    .stop = on_stop,
};

int web_role_main(void)
{
    static struct web_process w;
    return role_main(&ops, &w);
}
