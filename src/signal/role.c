#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/web_msg.h"
#include "signal/internal.h"

/* --- transport's callbacks ------------------------------------------------------------------- */

static void on_msg(void *arg, struct sip_msg *msg, const struct transport_flow *flow)
{
    struct signal_role *r = arg;
    txn_layer_input(r->txn, msg, flow);
}

/* Of the phones that register there are more than caches hold. */
static void on_ahead(void *arg, enum transport_ahead when, const struct sip_msg *msg,
                     const struct transport_flow *flow, uint64_t notes[TRANSPORT_AHEAD_NOTES])
{
    const struct signal_role *r = arg;
    if (msg->method != SIP_REGISTER || !msg->is_request)
        return;
    if (when == TRANSPORT_AHEAD_FIRST)
        txn_layer_ahead(r->txn, msg, flow);
    registrar_ahead(&r->registrar, when, msg, notes);
}

static void on_closed(void *arg, uint64_t conn, const char *reason)
{
    struct signal_role *r = arg;
    log_event(LOG_DEBUG, "connection_closed", LOG_I("conn", conn), LOG_STR("reason", reason));
    txn_layer_conn_closed(r->txn, conn);
}

/* Pages of the domains that are served here, come encrypted, and of the sites that the settings name. */
static bool on_origin(void *arg, struct slice origin, struct slice host)
{
    struct signal_role *r = arg;
    struct slice list = slice_from_str(r->cfg.origins), domain;
    struct addr numeric;
    while (list.n) {
        if (slice_eq_nocase(slice_trim(slice_cut(&list, ',')), origin))
            return true;
    }
    if (!slice_starts_with_nocase(origin, SLICE_LIT("https://")))
        return false;
    if (r->cfg.host && slice_eq_nocase_str(host, r->cfg.host))
        return true;
    /* The directory takes any address, and localhost, for the default domain. */
    return addr_parse(host, 0, &numeric) < 0 && !slice_eq_nocase_str(host, "localhost") &&
           directory_domain(r->directory, host, &domain);
}

static int on_http(void *arg, int fd, const struct addr *remote, const struct addr *local,
                   bool secure)
{
    struct signal_role *r = arg;
    const struct web_conn c = {.remote = *remote, .local = *local, .secure = secure};
    return r->web ? ipc_send(r->web, WEB_MSG_CONN, &c, sizeof(c), &fd, 1) : -EPIPE;
}

static void on_trace(void *arg, bool out, struct slice msg, const struct transport_flow *flow)
{
    struct signal_role *r = arg;
    if (trace_is_on(r->trace))
        trace_message(r->trace, out, msg, &flow->remote, transport_kind_name(flow->kind));
}

static int on_send(void *arg, const struct transport_flow *flow, struct slice msg)
{
    struct signal_role *r = arg;
    return transport_send(r->transport, flow, msg);
}

static void on_hold(void *arg, uint64_t tag, int fd)
{
    struct signal_role *r = arg;
    r->cfg.hold(r->cfg.arg, tag, fd);
}

static void on_unhold(void *arg, uint64_t tag)
{
    struct signal_role *r = arg;
    r->cfg.unhold(r->cfg.arg, tag);
}

/* --- what calls need ------------------------------------------------------------------------- */

static int find_user(void *arg, struct slice name, struct slice domain, struct store_user *ret)
{
    struct signal_role *r = arg;
    return directory_find(r->directory, name, domain, ret);
}

static int find_uri(void *arg, const struct sip_uri *uri, struct store_user *ret)
{
    struct signal_role *r = arg;
    struct policy_target t;
    struct slice domain;
    if (uri->scheme == SIP_SCHEME_OTHER || !directory_domain(r->directory, uri->host, &domain))
        return -ENOENT;
    policy_target_of(uri, domain, &t);
    if (t.kind != POLICY_TARGET_USER)
        return -ENOENT;
    return directory_find(r->directory, slice_from_str(t.name), domain, ret);
}

static const struct quirk *find_quirk(void *arg, struct slice agent)
{
    struct signal_role *r = arg;
    return directory_quirk(r->directory, agent);
}

/* STORE_NONE is an answer: nothing is kept. */
static int zrtp_find(void *arg, struct store_zrtp *z)
{
    struct signal_role *r = arg;
    int e = store_zrtp_find(r->cfg.store, z->zid, z);
    return e == STORE_NONE ? 0 : e;
}

static int zrtp_save(void *arg, const struct store_zrtp *z)
{
    struct signal_role *r = arg;
    return store_zrtp_save(r->cfg.store, z);
}

static int mikey(void *arg, struct slice name, struct slice domain, struct store_mikey *ret)
{
    struct signal_role *r = arg;
    return store_user_mikey(r->cfg.store, domain, name, ret);
}

/* --- life ------------------------------------------------------------------------------------ */

static int make_transport(struct signal_role *r)
{
    const struct signal_config *c = &r->cfg;
    struct transport_config t = {
        .listeners = c->listeners,
        .listener_count = c->listener_count,
        .tls = c->tls,
        .slots_fd = c->slots_fd,
        .max_connections = c->max_connections,
        .cb = {.arg = r,
               .on_msg = on_msg,
               .on_ahead = on_ahead,
               .on_bad = dispatch_bad,
               .on_closed = on_closed,
               .on_trace = on_trace,
               .origin = on_origin,
               .http = on_http},
    };
    if (c->hold) {
        t.cb.hold = on_hold;
        t.cb.unhold = on_unhold;
    }
    return transport_new(c->loop, &t, c->held, c->held_count, &r->transport);
}

static int make_txn(struct signal_role *r)
{
    static const struct txn_timers timers = {500, 4000, 5000, 180000};
    struct txn_cb cb = {.arg = r,
                        .on_request = dispatch_request,
                        .on_ack = dispatch_ack,
                        .on_cancel = dispatch_cancel,
                        .on_stray_2xx = dispatch_stray_2xx,
                        .send = on_send};
    return txn_layer_new(r->cfg.loop, &cb, &timers, &r->txn);
}

static int make_registrar(struct signal_role *r)
{
    struct location_config lc = {
        .loop = r->cfg.loop, .store = r->cfg.store, .max_bindings = r->cfg.max_bindings};
    int e = directory_new(r->cfg.loop, r->cfg.store, &r->directory);
    if (e == 0)
        e = location_new(&lc, &r->location);
    if (e == 0)
        e = dialog_auth_new(r->cfg.nonce_secret, r->cfg.offer_md5, &r->auth);
    if (e < 0)
        return e;
    r->access = (struct access){.directory = r->directory, .auth = r->auth, .loop = r->cfg.loop};
    r->registrar = (struct registrar){.loop = r->cfg.loop,
                                      .access = &r->access,
                                      .location = r->location,
                                      .transport = r->transport,
                                      .server_name = SIGNAL_SERVER_NAME,
                                      .min_s = r->cfg.register_min_s,
                                      .max_s = r->cfg.register_max_s,
                                      .default_s = r->cfg.register_default_s,
                                      .out = r->out};
    e = location_load(r->location);
    if (e > 0)
        log_event(LOG_INFO, "bindings_restored", LOG_I("count", e));
    return e < 0 ? e : 0;
}

static int make_calls(struct signal_role *r)
{
    struct call_config cc = {
        .loop = r->cfg.loop,
        .txn = r->txn,
        .transport = r->transport,
        .location = r->location,
        .resolver = r->resolver,
        .arg = r,
        .find_user = find_user,
        .find_uri = find_uri,
        .find_quirk = find_quirk,
        .zrtp_find = zrtp_find,
        .zrtp_save = zrtp_save,
        .mikey = mikey,
        .write_cdr = cdr_write,
        .server_name = SIGNAL_SERVER_NAME,
        .host = r->cfg.host,
        .max_calls = r->cfg.max_calls,
        .ring_timeout_ms = r->cfg.ring_timeout_ms,
        .transcode = r->cfg.transcode,
        .media_workers = r->cfg.media_workers,
        .media_room = r->cfg.media_room,
        .session_min_s = r->cfg.session_min_s,
        .session_default_s = r->cfg.session_default_s,
        .stats_fd = r->cfg.stats_fd,
        .snapshot_fd = r->cfg.snapshot_fd,
    };
    int e = store_zrtp_own(r->cfg.store, cc.zid);
    if (e == 0)
        e = call_core_new(&cc, &r->calls);
    if (e < 0)
        return e;
    size_t n = call_core_restore(r->calls);
    if (n)
        log_event(LOG_INFO, "calls_restored", LOG_I("count", n));
    return 0;
}

int signal_role_new(const struct signal_config *cfg, struct signal_role **ret)
{
    struct signal_role *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->cfg = *cfg;
    r->cdr_fd = -1;
    r->out = malloc(SIP_MSG_MAX);
    int e = r->out ? trace_new(cfg->loop, &r->trace) : -ENOMEM;
    if (e == 0)
        e = make_txn(r);
    if (e == 0)
        e = make_transport(r);
    if (e == 0)
        e = make_registrar(r);
    if (e == 0)
        e = resolver_new(cfg->loop, &r->resolver);
    if (e == 0)
        e = make_calls(r);
    if (e < 0) {
        signal_role_free(r);
        return e;
    }
    *ret = r;
    return 0;
}

struct signal_role *signal_role_free(struct signal_role *r)
{
    if (!r)
        return NULL;
    call_core_free(r->calls);
    resolver_free(r->resolver);
    location_free(r->location);
    directory_free(r->directory);
    txn_layer_free(r->txn);
    transport_free(r->transport);
    dialog_auth_free(r->auth);
    trace_free(r->trace);
    ipc_chan_free(r->web);
    if (r->cdr_fd >= 0)
        close(r->cdr_fd);
    free(r->out);
    free(r);
    return NULL;
}

int signal_role_attach_media(struct signal_role *r, uint32_t worker, int fd)
{
    return call_core_attach_media(r->calls, worker, fd);
}

static void on_web_closed(void *arg)
{
    struct signal_role *r = arg;
    r->web = ipc_chan_free(r->web);
}

int signal_role_attach_web(struct signal_role *r, int fd)
{
    struct ipc_chan *chan = NULL;
    int e = ipc_chan_new(r->cfg.loop, fd, admin_on_msg, on_web_closed, r, &chan);
    if (e < 0)
        return e;
    ipc_chan_free(r->web);
    r->web = chan;
    return 0;
}

void signal_role_shutdown(struct signal_role *r)
{
    r->closing = true;
    transport_set_accepting(r->transport, false);
    call_core_close(r->calls);
}

uint32_t signal_role_calls(const struct signal_role *r)
{
    return (uint32_t)call_core_count(r->calls);
}
