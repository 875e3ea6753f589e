/* The signal role: the process around signal/role.h. It reads the store's sealing key and the
 * server's certificate from descriptors, opens the store, and gives signalling its sockets, its
 * memory and its neighbours. */
#include "app/role.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/domain_certs.h"
#include "app/exit.h"
#include "app/media_way.h"
#include "crypto/hash.h"
#include "crypto/tls.h"
#include "signal/role.h"
#include "store/store.h"

#define PEM_MAX (256u << 10)

struct signal_process {
    struct role *role;
    struct store *store;
    struct crypto_tls *tls;
    struct signal_role *signal;
    char cdr_dir[CONFIG_PATH_MAX + 8];
};

/* --- what is read from descriptors --- */

struct pem {
    char *p;
    size_t n;
};

static void pem_fini(struct pem *t)
{
    if (t->p)
        secret_wipe(t->p, PEM_MAX);
    free(t->p);
}

static int pem_read(const struct role *r, enum role_fd slot, struct pem *ret)
{
    ret->p = malloc(PEM_MAX);
    return ret->p ? role_read_fd(r->fds[slot], ret->p, PEM_MAX, &ret->n) : -ENOMEM;
}

static int tls_apply(struct signal_process *p, const struct crypto_tls_config *cfg)
{
    struct crypto_tls_error err = {0};
    int s = p->tls ? crypto_tls_reload(p->tls, cfg, &err) : crypto_tls_new(cfg, &err, &p->tls);
    if (s < 0)
        log_event(LOG_ERROR, "certificate_unusable", LOG_STR("file", err.file),
                  LOG_STR("says", err.text), LOG_STR("mend", err.mend));
    return s;
}

static int tls_load(struct signal_process *p, const struct pem pems[3], struct domain_certs *d)
{
    static const enum crypto_tls_client_cert client_certs[] = {
        [CONFIG_CLIENT_CERT_NONE] = CRYPTO_TLS_CERT_NONE,
        [CONFIG_CLIENT_CERT_OPTIONAL] = CRYPTO_TLS_CERT_OPTIONAL,
        [CONFIG_CLIENT_CERT_REQUIRED] = CRYPTO_TLS_CERT_REQUIRED,
    };
    const struct app_config *c = &p->role->cfg;
    d->certs[0] = (struct crypto_tls_cert){.cert_file = "tls/server.crt",
                                           .key_file = "tls/server.key",
                                           .cert_pem = slice_from(pems[0].p, pems[0].n),
                                           .key_pem = slice_from(pems[1].p, pems[1].n)};
    struct crypto_tls_config cfg = {
        .certs = d->certs,
        .cert_count = d->count,
        .ca_pem = slice_from(pems[2].p, pems[2].n),
        .client_cert = client_certs[c->client_cert],
        .min_version = c->tls_min == CONFIG_TLS_1_3 ? CRYPTO_TLS_13 : CRYPTO_TLS_12,
        .allow_wildcards = c->allow_wildcards,
    };
    int s = tls_apply(p, &cfg);
    if (s == 0 || p->tls || cfg.cert_count == 1)
        return s;
    /* Those of domains passed the supervisor's trial. Should one fail here all the same, the
     * default one alone is better than no server. */
    cfg.cert_count = 1;
    return tls_apply(p, &cfg);
}

/* At the start and at each reload. */
static int tls_setup(struct signal_process *p)
{
    static const enum role_fd slots[] = {ROLE_FD_SERVER_CERT, ROLE_FD_SERVER_KEY, ROLE_FD_CA_CERT};
    static struct domain_certs domains; /* large */
    struct pem pems[ARRAY_LEN(slots)] = {{NULL, 0}};
    int s = domain_certs_read(p->role->fds[ROLE_FD_DOMAIN_CERTS], &domains);
    for (size_t i = 0; i < ARRAY_LEN(slots) && s == 0; i++)
        s = pem_read(p->role, slots[i], &pems[i]);
    if (s == 0)
        s = tls_load(p, pems, &domains);
    domain_certs_fini(&domains);
    for (size_t i = 0; i < ARRAY_LEN(slots); i++)
        pem_fini(&pems[i]);
    return s;
}

/* Nonces must be good after a restart of this role too: their secret comes from the sealing key. */
static int store_setup(struct signal_process *p, uint8_t ret_nonce_secret[32])
{
    static const char label[] = "sotto digest nonces";
    const struct slice parts[] = {slice_from(label, sizeof(label) - 1)};
    char path[CONFIG_PATH_MAX + 16], err[STORE_ERROR_MAX] = "";
    struct secret key;
    snprintf(path, sizeof(path), "%s/sotto.db", p->role->cfg.data);
    int s = role_read_fd(p->role->fds[ROLE_FD_SEAL_KEY], key.b, STORE_SEAL_KEY_LEN, &key.n);
    if (s == 0 && key.n != STORE_SEAL_KEY_LEN)
        s = -EKEYREJECTED;
    if (s == 0) {
        crypto_hmac_sha256(slice_from(key.b, key.n), parts, ARRAY_LEN(parts), ret_nonce_secret);
        s = store_open(path, &key, err, &p->store);
    }
    secret_fini(&key);
    if (s == 0) {
        store_leave_checkpoints(p->store); /* signalling must not wait for a disk: web does it */
        return 0;
    }
    log_event(LOG_ERROR, "store_unusable", LOG_STR("says", err), LOG_ERRNO(s));
    return EXIT_STATUS_STORE;
}

/* --- sockets --- */

#define LISTENERS_MAX (CONFIG_LISTEN_MAX + CONFIG_WEB_LISTEN_MAX)

/* Takes the socket. False: the machine lacks that family. */
static bool take_listener(const struct role *r, const struct config_listen *c, int *fd,
                          struct transport_listener *ret)
{
    socklen_t len = sizeof(ret->bound);
    if (*fd < 0)
        return false;
    *ret = (struct transport_listener){.kind = (enum transport_kind)c->kind,
                                       .bound = c->addr,
                                       .advertise = slice_from_str(r->cfg.advertise),
                                       .fd = *fd};
    *fd = -1;
    /* Port 0 has become a real one. */
    (void)getsockname(ret->fd, &ret->bound.sa, &len);
    return true;
}

/* Takes them out of `r`. The order is the same in every life: flows name listeners by index. */
static size_t take_listeners(struct role *r, struct transport_listener ret[LISTENERS_MAX])
{
    size_t n = 0;
    for (uint32_t i = 0; i < r->cfg.sip.count; i++)
        n += take_listener(r, &r->cfg.sip.at[i], &r->sip_listen[i], &ret[n]);
    for (uint32_t i = 0; i < r->cfg.web.count; i++) {
        if (!take_listener(r, &r->cfg.web.at[i], &r->web_listen[i], &ret[n]))
            continue;
        ret[n++].http = true;
    }
    return n;
}

/* Endpoints that each media worker has places and ports for. */
static uint32_t media_room(const struct role *r)
{
    const struct media_config all = media_way_config(&r->cfg, r->workers);
    const struct media_config of = media_config_of_worker(&all, 0);
    uint32_t pairs = (of.port_max - of.port_min + 1u) / 2;
    return pairs < of.max_endpoints ? pairs : of.max_endpoints;
}

static int signal_setup(struct signal_process *p, const uint8_t nonce_secret[32])
{
    struct role *r = p->role;
    const struct app_config *c = &r->cfg;
    struct transport_listener listeners[LISTENERS_MAX];
    struct transport_held *held = calloc(r->held_count + 1, sizeof(*held));
    if (!held)
        return -ENOMEM;
    for (size_t i = 0; i < r->held_count; i++)
        held[i] = (struct transport_held){r->held[i].tag, r->held[i].fd};
    struct signal_config cfg = {
        .loop = r->loop,
        .store = p->store,
        .listeners = listeners,
        .listener_count = take_listeners(r, listeners),
        .tls = p->tls,
        .slots_fd = r->fds[ROLE_FD_CONN_SLOTS],
        .snapshot_fd = r->fds[ROLE_FD_CALL_STATE],
        .stats_fd = r->fds[ROLE_FD_MEDIA_STATS],
        .media_workers = r->workers,
        .media_room = media_room(r),
        .held = held,
        .held_count = r->held_count,
        .max_connections = c->max_connections,
        .max_calls = c->max_calls,
        .max_bindings = c->max_registrations,
        .register_min_s = c->register_min_s,
        .register_max_s = c->register_max_s,
        .register_default_s = c->register_default_s,
        .session_min_s = c->session_min_s,
        .session_default_s = c->session_default_s,
        .ring_timeout_ms = c->ring_timeout_s * 1000,
        .transcode = c->transcode,
        .offer_md5 = c->digest_md5,
        .host = c->advertise[0] ? c->advertise : c->domain,
        .origins = c->origins,
        .cdr_dir = p->cdr_dir,
        .arg = r,
        .hold = role_hold,
        .unhold = role_unhold,
    };
    memcpy(cfg.nonce_secret, nonce_secret, sizeof(cfg.nonce_secret));
    int s = signal_role_new(&cfg, &p->signal);
    secret_wipe(cfg.nonce_secret, sizeof(cfg.nonce_secret));
    free(held);
    return s;
}

/* --- the role --- */

static int on_start(void *arg, struct role *r)
{
    struct signal_process *p = arg;
    uint8_t nonce_secret[32];
    p->role = r;
    snprintf(p->cdr_dir, sizeof(p->cdr_dir), "%s/cdr", r->cfg.data);
    int s = store_setup(p, nonce_secret);
    if (s == 0)
        s = tls_setup(p);
    if (s == 0)
        s = signal_setup(p, nonce_secret);
    secret_wipe(nonce_secret, sizeof(nonce_secret));
    return s;
}

/* That a role has been restarted the new channel says. */
static void on_peer(void *arg, const struct role_peer *who, int fd)
{
    struct signal_process *p = arg;
    int s = -EPROTO;
    if (who->role == ROLE_MEDIA)
        s = signal_role_attach_media(p->signal, who->worker, fd);
    else if (who->role == ROLE_WEB)
        s = signal_role_attach_web(p->signal, fd);
    else
        close(fd);
    if (s < 0)
        log_event(LOG_ERROR, "peer_refused", LOG_STR("role", role_name((enum role_kind)who->role)),
                  LOG_ERRNO(s));
}

static void on_reload(void *arg, const struct app_config *old)
{
    (void)old; /* what else may change without a restart is not this role's */
    struct signal_process *p = arg;
    if (tls_setup(p) < 0)
        log_event(LOG_ERROR, "reload_refused",
                  LOG_STR("then", "the old certificate stays in force"));
}

static void on_shutdown(void *arg)
{
    struct signal_process *p = arg;
    signal_role_shutdown(p->signal);
}

static uint32_t on_calls_left(void *arg)
{
    struct signal_process *p = arg;
    return signal_role_calls(p->signal);
}

static void on_stop(void *arg)
{
    struct signal_process *p = arg;
    p->signal = signal_role_free(p->signal);
    p->tls = crypto_tls_free(p->tls);
    p->store = store_close(p->store);
}

static const struct role_ops ops = {
    .kind = ROLE_SIGNAL,
    .start = on_start,
    .peer = on_peer,
    .reload = on_reload,
    .shutdown = on_shutdown,
    .calls_left = on_calls_left,
    .stop = on_stop,
};

int signal_role_main(void)
{
    static struct signal_process p;
    return role_main(&ops, &p);
}
