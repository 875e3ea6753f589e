/* The web role: administration. It runs the api table over the store, listens on DATA/control.sock,
 * and takes to the other roles what only they know: signal answers for calls, registrations and
 * connections, the supervisor for roles, reloads and log levels. Console and REST API will stand
 * here too. */
#include "app/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/server.h"
#include "app/exit.h"
#include "ipc/admin_msg.h"
#include "ipc/web_msg.h"
#include "web/site.h"

#define CHECKPOINT_MS 60000u

/* A request that another process answers. */
struct ask {
    struct list node;
    uint32_t id;   /* signal's; 0: the supervisor's */
    uint32_t type; /* supervisor: enum role_msg_type of the request */
    api_forward_reply_fn *fn;
    void *arg;
};

struct web_process {
    struct role *role;
    struct store *store;
    struct cert_names names; /* by which this server is called, besides its domains */
    struct api *api;
    struct api_server *server;
    struct site *site;       /* NULL: no console */
    struct ipc_chan *signal; /* NULL: not there now */
    struct list asks;
    uint32_t next_id;
    struct loop_timer checkpoint;
};

/* --- answers --------------------------------------------------------------------------------- */

static void ask_end(struct ask *a, struct slice reply)
{
    list_remove(&a->node);
    a->fn(a->arg, reply);
    free(a);
}

/* {"ok":true,"result":…}, takes result. */
static void ask_ok(struct ask *a, json_t *result)
{
    json_t *j = json_pack("{s:b, s:o}", "ok", 1, "result", result ? result : json_null());
    char *s = j ? json_dumps(j, JSON_COMPACT) : NULL;
    ask_end(a, slice_from_str(s));
    free(s);
    json_decref(j);
}

static void ask_fail(struct ask *a, const char *code, const char *why)
{
    json_t *j = json_pack("{s:b, s:s, s:s, s:i}", "ok", 0, "error", why, "code", code, "status",
                          (int)API_FAILED);
    char *s = j ? json_dumps(j, JSON_COMPACT) : NULL;
    ask_end(a, slice_from_str(s));
    free(s);
    json_decref(j);
}

static struct ask *ask_new(struct web_process *w, api_forward_reply_fn *fn, void *arg)
{
    struct ask *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->fn = fn;
    a->arg = arg;
    list_push_back(&w->asks, &a->node);
    return a;
}

/* --- signal ---------------------------------------------------------------------------------- */

static void on_signal_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                          size_t fd_count)
{
    struct web_process *w = arg;
    struct admin_reply rp;
    char *text = NULL;
    if (type == WEB_MSG_CONN && n == sizeof(struct web_conn) && fd_count == 1 && w->site) {
        struct web_conn c;
        memcpy(&c, payload, sizeof(c));
        site_take(w->site, fds[0], &c.remote);
        return;
    }
    if (type != ADMIN_MSG_REPLY) {
        for (size_t i = 0; i < fd_count; i++)
            close(fds[i]);
        return;
    }
    if (admin_take_reply(payload, n, fds, fd_count, &rp, &text) < 0)
        return;
    LIST_FOR_EACH(it, &w->asks)
    {
        struct ask *a = CONTAINER_OF(it, struct ask, node);
        if (a->id == 0 || a->id != rp.id)
            continue;
        if (rp.failed)
            ask_fail(a, "failed", text);
        else
            ask_ok(a, json_loads(text, JSON_DECODE_ANY, NULL));
        break;
    }
    free(text);
}

static void on_signal_closed(void *arg)
{
    struct web_process *w = arg;
    w->signal = ipc_chan_free(w->signal);
    LIST_FOR_EACH(it, &w->asks)
    {
        struct ask *a = CONTAINER_OF(it, struct ask, node);
        if (a->id)
            ask_fail(a, "restarting", "the signal process is being restarted; ask again");
    }
}

static int ask_signal(struct web_process *w, struct ask *a, const char *name, const json_t *args)
{
    if (!w->signal)
        return -EPIPE;
    char *text = args ? json_dumps(args, JSON_COMPACT) : NULL;
    if (++w->next_id == 0)
        w->next_id = 1;
    a->id = w->next_id;
    int r = admin_send_request(w->signal, a->id, name, slice_from_str(text));
    free(text);
    return r;
}

/* A reply nobody waits for. */
static void ignore(void *arg, struct slice reply)
{
    (void)arg;
    (void)reply;
}

/* --- supervisor ------------------------------------------------------------------------------ */

static int ask_supervisor(struct web_process *w, struct ask *a, uint32_t type, const json_t *args)
{
    enum log_level level = LOG_INFO;
    a->type = type;
    if (type == ROLE_MSG_GET_STATUS)
        return role_get_status(w->role);
    if (type == ROLE_MSG_DO_RELOAD)
        return role_do_reload(w->role);
    const char *name = json_string_value(json_object_get(args, "level"));
    if (!name || log_level_parse(slice_from_str(name), &level) < 0)
        return -EINVAL;
    return role_do_log_level(w->role, level);
}

static struct ask *first_of(struct web_process *w, uint32_t type)
{
    LIST_FOR_EACH(it, &w->asks)
    {
        struct ask *a = CONTAINER_OF(it, struct ask, node);
        if (a->id == 0 && a->type == type)
            return a;
    }
    return NULL;
}

static json_t *when(uint64_t unix_s)
{
    char s[40];
    struct tm tm;
    time_t t = (time_t)unix_s;
    gmtime_r(&t, &tm);
    strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(s);
}

static json_t *show_role(const struct web_process *w, const struct role_status *s)
{
    json_t *j = json_pack("{s:s, s:i, s:o, s:i, s:b}", "role", role_name((enum role_kind)s->role),
                          "pid", (int)s->pid, "since", when(s->since), "restarts", (int)s->restarts,
                          "ready", (int)s->is_ready);
    if (j && s->role == ROLE_MEDIA) {
        const char *path = s->is_xdp ? "xdp" : s->is_shared ? "shared" : "streams";
        if (w->role->workers > 1)
            json_object_set_new(j, "worker", json_integer((json_int_t)s->worker));
        json_object_set_new(j, "path", json_string(path));
        json_object_set_new(j, "overflowed", json_integer((json_int_t)s->overflowed));
        if (s->is_xdp)
            json_object_set_new(j, "xdp",
                                json_pack("{s:I, s:I}", "in", (json_int_t)s->xdp_in, "out",
                                          (json_int_t)s->xdp_out));
    }
    return j;
}

static void on_status(void *arg, const struct role_status *s, size_t n)
{
    struct web_process *w = arg;
    struct ask *a = first_of(w, ROLE_MSG_GET_STATUS);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, show_role(w, &s[i]));
    if (a)
        ask_ok(a, list);
    else
        json_decref(list);
}

static void on_done(void *arg, const struct role_done *d)
{
    struct web_process *w = arg;
    struct ask *a = first_of(w, d->type);
    if (!a)
        return;
    if (d->result < 0)
        ask_fail(a, "refused", d->why);
    else
        ask_ok(a, json_true());
}

/* --- what is answered here ------------------------------------------------------------------- */

static void add_listener(json_t *list, const char *name, const struct config_listen *l)
{
    char at[ADDR_STR_MAX];
    bool secure = transport_kind_is_secure((enum transport_kind)l->kind);
    json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "transport", name, "address",
                                          addr_str(&l->addr, at), "encrypted", secure));
}

/* A port of the console is there twice, for each of what it serves. */
static json_t *show_listeners(const struct web_process *w)
{
    const struct config_listeners *sip = &w->role->cfg.sip, *web = &w->role->cfg.web;
    json_t *list = json_array();
    for (uint32_t i = 0; i < sip->count; i++)
        add_listener(list, config_listen_kind_name(sip->at[i].kind), &sip->at[i]);
    for (uint32_t i = 0; i < web->count; i++)
        add_listener(list, config_listen_kind_name(web->at[i].kind), &web->at[i]);
    for (uint32_t i = 0; i < web->count; i++)
        add_listener(list, "https", &web->at[i]);
    return list;
}

/* --- the table ------------------------------------------------------------------------------- */

enum whom { SIGNAL, SUPERVISOR, HERE };
static const struct {
    const char *name;
    enum whom whom;
    uint32_t type;
} forwarded[] = {
    {"show calls", SIGNAL, 0},
    {"show registrations", SIGNAL, 0},
    {"show connections", SIGNAL, 0},
    {"show metrics", SIGNAL, 0},
    {"explain", SIGNAL, 0},
    {"sas verify", SIGNAL, 0},
    {"sas unverify", SIGNAL, 0},
    {"trace on", SIGNAL, 0},
    {"trace off", SIGNAL, 0},
    {"show roles", SUPERVISOR, ROLE_MSG_GET_STATUS},
    {"reload", SUPERVISOR, ROLE_MSG_DO_RELOAD},
    {"cert reload", SUPERVISOR, ROLE_MSG_DO_RELOAD},
    {"log level", SUPERVISOR, ROLE_MSG_DO_LOG_LEVEL},
    {"show listeners", HERE, 0},
};

static void forward(void *arg, const char *name, struct slice request, api_forward_reply_fn *fn,
                    void *reply_arg)
{
    struct web_process *w = arg;
    struct ask *a = ask_new(w, fn, reply_arg);
    if (!a) {
        fn(reply_arg, SLICE_LIT("{\"ok\":false,\"error\":\"no memory\",\"code\":\"failed\","
                                "\"status\":1}"));
        return;
    }
    json_t *j = json_loadb(request.p, request.n, 0, NULL);
    const json_t *args = json_object_get(j, "args");
    int r = -ENOENT;
    for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
        if (strcmp(forwarded[i].name, name) != 0)
            continue;
        r = 0;
        if (forwarded[i].whom == SIGNAL)
            r = ask_signal(w, a, name, args);
        else if (forwarded[i].whom == SUPERVISOR)
            r = ask_supervisor(w, a, forwarded[i].type, args);
        else
            ask_ok(a, show_listeners(w));
        break; /* `a` may be gone */
    }
    if (r == -ENOENT)
        ask_fail(a, "unknown", "this server has nothing to tell of that yet");
    else if (r == -EINVAL)
        ask_fail(a, "usage", "a log level is one of: error, warn, info, debug");
    else if (r < 0)
        ask_fail(a, "restarting", "the process that knows is being restarted; ask again");
    json_decref(j);
}

/* For no one's benefit but the server's: nobody waits for the reply. */
static void tell(struct web_process *w, enum whom whom)
{
    struct ask *a = ask_new(w, ignore, NULL);
    if (!a)
        return;
    int r = whom == SIGNAL ? ask_signal(w, a, "changed", NULL)
                           : ask_supervisor(w, a, ROLE_MSG_DO_RELOAD, NULL);
    if (r < 0)
        ask_fail(a, "restarting", "");
}

/* Signalling looks by itself, too, but later. A new domain belongs into the certificate, which is
 * the supervisor's matter, as is handing out a new certificate. */
static void changed(void *arg, enum api_change what)
{
    if (what != API_CHANGED_CERTS)
        tell(arg, SIGNAL);
    if (what == API_CHANGED_DOMAINS || what == API_CHANGED_CERTS)
        tell(arg, SUPERVISOR);
}

/* --- the store's write-ahead log ------------------------------------------------------------- */

/* Signalling writes bindings and never waits for the disk: folding its log into the file is ours. */
static void on_checkpoint(void *arg)
{
    struct web_process *w = arg;
    int r = store_checkpoint(w->store);
    if (r < 0)
        log_event(LOG_WARN, "store_checkpoint_failed", LOG_ERRNO(r),
                  LOG_STR("reason", store_error(w->store)));
    loop_timer_set(w->role->loop, &w->checkpoint, CHECKPOINT_MS);
}

/* --- life ------------------------------------------------------------------------------------ */

static int open_store(struct web_process *w)
{
    char path[CONFIG_PATH_MAX + 16], err[STORE_ERROR_MAX];
    uint8_t raw[STORE_SEAL_KEY_LEN];
    struct secret key = {0};
    size_t n = 0;
    int r = role_read_fd(w->role->fds[ROLE_FD_SEAL_KEY], raw, sizeof(raw), &n);
    if (r == 0)
        r = n == sizeof(raw) ? secret_set(&key, raw, n) : -EKEYREJECTED;
    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "%s/sotto.db", w->role->cfg.data);
    r = store_open(path, &key, err, &w->store);
    secret_fini(&key);
    secret_wipe(raw, sizeof(raw));
    if (r < 0)
        log_event(LOG_ERROR, "store_refused", LOG_ERRNO(r), LOG_STR("reason", err));
    return r < 0 ? EXIT_STATUS_STORE : 0;
}

static void drop_held(struct role *r)
{
    for (size_t i = 0; i < r->held_count; i++) {
        role_unhold(r, r->held[i].tag);
        close(r->held[i].fd);
    }
}

static bool is_healthy(void *arg)
{
    const struct web_process *w = arg;
    return w->signal != NULL;
}

static int open_site(struct web_process *w)
{
    const struct app_config *c = &w->role->cfg;
    struct site_config cfg = {.loop = w->role->loop,
                              .api = w->api,
                              .store = w->store,
                              .domain = c->domain,
                              .metrics_token = c->metrics_token,
                              .arg = w,
                              .healthy = is_healthy};
    return c->web.count ? site_new(&cfg, &w->site) : 0;
}

static int on_start(void *arg, struct role *r)
{
    struct web_process *w = arg;
    w->role = r;
    list_init(&w->asks);
    drop_held(r);
    int e = open_store(w);
    if (e != 0)
        return e;
    loop_timer_init(&w->checkpoint, on_checkpoint, w);
    loop_timer_set(r->loop, &w->checkpoint, CHECKPOINT_MS);
    (void)cert_names_add(&w->names, slice_from_str(r->cfg.domain));
    (void)cert_names_add(&w->names, slice_from_str(r->cfg.advertise));
    struct api_config cfg = {.data = r->cfg.data,
                             .store = w->store,
                             .names = &w->names,
                             .leave_certs = true,
                             .arg = w,
                             .forward = forward,
                             .changed = changed};
    e = api_new(&cfg, &w->api);
    if (e == 0) {
        e = api_server_new(r->loop, w->api, r->fds[ROLE_FD_CONTROL], &w->server);
        r->fds[ROLE_FD_CONTROL] = -1; /* the server's now */
    }
    return e == 0 ? open_site(w) : e;
}

static void on_peer(void *arg, const struct role_peer *who, int fd)
{
    struct web_process *w = arg;
    if (who->role != ROLE_SIGNAL) {
        close(fd);
        return;
    }
    if (w->signal)
        on_signal_closed(w);
    int r = ipc_chan_new(w->role->loop, fd, on_signal_msg, on_signal_closed, w, &w->signal);
    if (r < 0)
        log_event(LOG_ERROR, "peer_refused", LOG_STR("role", role_name(ROLE_SIGNAL)), LOG_ERRNO(r));
}

static void on_reload(void *arg, const struct app_config *old)
{
    (void)arg; /* nothing of what is used here changes without a restart */
    (void)old;
}

static void on_stop(void *arg)
{
    struct web_process *w = arg;
    loop_timer_cancel(w->role->loop, &w->checkpoint);
    w->signal = ipc_chan_free(w->signal);
    w->server = api_server_free(w->server);
    LIST_FOR_EACH(it, &w->asks)
    ask_fail(CONTAINER_OF(it, struct ask, node), "stopping", "the server is stopping");
    w->site = site_free(w->site);
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
