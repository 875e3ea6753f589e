/* A whole signal role in one process on a virtual clock, for tests: a transport that records what is
 * sent and takes what phones say (it defines all of transport.h, so that the real one is not linked),
 * and a media role at the other end of a channel (signal/testkit_media.h). Phones are in
 * signal/testphone.h.
 *
 * One kit at a time. What a test leaves behind fails it: kit_fini looks for calls, endpoints and
 * requests that nobody ended. */
#ifndef SOTTO_SIGNAL_TESTKIT_H
#define SOTTO_SIGNAL_TESTKIT_H

#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "call/leg.h"
#include "signal/internal.h"
#include "signal/testkit_media.h"
#include "transport/resolve.h"

#define KIT_CONNS 256

/* --- the transport's double ------------------------------------------------------------------ */

struct transport {
    struct transport_cb cb;
    bool dead[KIT_CONNS];
};

struct kit_sent {
    struct list node;
    struct transport_flow flow;
    size_t n;
    char text[];
};

static struct transport *kit_transport;
static struct list kit_sent;
static bool kit_count_only; /* benches: nothing is kept */
static size_t kit_sent_count;

int transport_new(struct loop *loop, const struct transport_config *cfg,
                  const struct transport_held *held, size_t held_count, struct transport **ret)
{
    struct transport *t = calloc(1, sizeof(*t));
    (void)loop, (void)held, (void)held_count;
    assert_non_null(t);
    t->cb = cfg->cb;
    kit_transport = t;
    *ret = t;
    return 0;
}

struct transport *transport_free(struct transport *t)
{
    free(t);
    kit_transport = NULL;
    return NULL;
}

static uint64_t kit_dead_conn; /* closed while no process looked; 0: none */
static bool kit_is_dead;       /* the process: what it would say at its end is not said */

int transport_send(struct transport *t, const struct transport_flow *f, struct slice msg)
{
    if (!transport_is_alive(t, f))
        return -ENOTCONN;
    kit_sent_count++;
    if (kit_count_only || kit_is_dead)
        return 0;
    struct kit_sent *s = malloc(sizeof(*s) + msg.n + 1);
    assert_non_null(s);
    s->flow = *f;
    s->n = msg.n;
    memcpy(s->text, msg.p, msg.n);
    s->text[msg.n] = '\0';
    list_push_back(&kit_sent, &s->node);
    if (getenv("KIT_TRACE"))
        fprintf(stderr, "--> %d\n%s\n", addr_port(&f->remote), s->text);
    return 0;
}

static uint64_t kit_connects_as; /* the next connection that is made; 0: none can be */

int transport_connect(struct transport *t, enum transport_kind kind, const struct addr *remote,
                      struct slice name, struct transport_flow *ret)
{
    (void)t, (void)name;
    if (kit_connects_as == 0)
        return -EHOSTUNREACH;
    *ret = (struct transport_flow){.kind = kind, .conn = kit_connects_as, .remote = *remote};
    kit_connects_as = 0;
    return addr_parse(SLICE_LIT("192.0.2.1"), 5061, &ret->local);
}

bool transport_is_alive(const struct transport *t, const struct transport_flow *f)
{
    return f->conn == 0 || (f->conn < KIT_CONNS && !t->dead[f->conn] && f->conn != kit_dead_conn);
}

void transport_close(struct transport *t, uint64_t conn, const char *reason)
{
    (void)t, (void)conn, (void)reason;
}

void transport_security(const struct transport *t, const struct transport_flow *f,
                        struct transport_security *ret)
{
    (void)t;
    *ret = (struct transport_security){.encrypted = transport_kind_is_secure(f->kind)};
    if (ret->encrypted) {
        ret->version = "TLSv1.3";
        ret->cipher = "TLS_AES_256_GCM_SHA384";
    }
}

void transport_set_user(struct transport *t, uint64_t conn, struct slice user)
{
    (void)t, (void)conn, (void)user;
}

void transport_each_conn(const struct transport *t,
                         void (*fn)(void *arg, const struct transport_conn_info *i), void *arg)
{
    (void)t, (void)fn, (void)arg;
}

void transport_put_via(struct buf *b, const struct transport *t, const struct transport_flow *f,
                       struct slice branch)
{
    (void)t;
    buf_printf(b, "Via: SIP/2.0/%s 192.0.2.1:%u;branch=" SLICE_FMT ";rport\r\n",
               transport_via_name(f->kind), addr_port(&f->local), SLICE_ARG(branch));
}

void transport_put_contact_uri(struct buf *b, const struct transport *t,
                               const struct transport_flow *f, struct slice user)
{
    (void)t;
    buf_printf(b, "sip:" SLICE_FMT "%s192.0.2.1:%u;transport=%s", SLICE_ARG(user),
               user.n ? "@" : "", addr_port(&f->local), transport_kind_name(f->kind));
}

void transport_counts(const struct transport *t, struct transport_counts *ret)
{
    (void)t;
    *ret = (struct transport_counts){0};
}
void transport_set_accepting(struct transport *t, bool accepting)
{
    (void)t, (void)accepting;
}

/* --- the resolver's double: one query at a time, answered by the test ----------------------- */

struct resolver {
    char unused;
};

struct resolve_query {
    void (*fn)(void *arg, const struct resolve_target *targets, size_t n, const char *reason);
    void *arg;
};

static struct resolver kit_resolver;
static struct resolve_query kit_query;

int resolver_new(struct loop *loop, struct resolver **ret)
{
    (void)loop;
    kit_query.fn = NULL;
    *ret = &kit_resolver;
    return 0;
}

struct resolver *resolver_free(struct resolver *r)
{
    (void)r;
    return NULL;
}

int resolver_set_servers(struct resolver *r, const char *csv)
{
    (void)r, (void)csv;
    return 0;
}

int resolve_start(struct resolver *r, const struct sip_uri *uri,
                  void (*fn)(void *arg, const struct resolve_target *targets, size_t n,
                             const char *reason),
                  void *arg, struct resolve_query **ret)
{
    (void)r, (void)uri;
    assert_true(kit_query.fn == NULL);
    kit_query = (struct resolve_query){fn, arg};
    *ret = &kit_query;
    return 0;
}

void resolve_cancel(struct resolve_query *q)
{
    if (q)
        q->fn = NULL;
}

/* --- the kit --------------------------------------------------------------------------------- */

struct kit {
    struct loop *loop;
    struct store *store;
    char dir[64];
    struct signal_config cfg;
    struct signal_role *role;
    struct kit_media media;
    int log_fd;
    int snapshot_fd;
    unsigned serial; /* branches, tags, Call-IDs */
};

static inline void kit_run(struct kit *k)
{
    for (int i = 0; i < 8; i++)
        assert_int_equal(loop_once(k->loop, 0), 0);
}

static inline void kit_advance(struct kit *k, uint64_t ms)
{
    while (ms > 0) {
        uint64_t step = ms > 250 ? 250 : ms;
        loop_advance(k->loop, step);
        kit_run(k);
        ms -= step;
    }
}

/* The double as this worker of the media role. */
static inline void kit_media_start_as(struct kit *k, struct kit_media *m, uint32_t worker)
{
    int fds[2];
    assert_int_equal(ipc_pair(fds), 0);
    assert_int_equal(
        ipc_chan_new(k->loop, fds[1], kit_media_on_msg, kit_media_on_closed, m, &m->chan), 0);
    assert_int_equal(signal_role_attach_media(k->role, worker, fds[0]), 0);
    kit_run(k);
}

static inline void kit_media_start(struct kit *k)
{
    kit_media_start_as(k, &k->media, 0);
}

static inline void kit_media_forget_held(struct kit_media *m)
{
    LIST_FOR_EACH(n, &m->held)
    {
        list_remove(n);
        free(CONTAINER_OF(n, struct kit_held, node));
    }
}

/* Answers what waits. */
static inline void kit_media_release(struct kit *k)
{
    struct kit_media *m = &k->media;
    m->holds = false;
    LIST_FOR_EACH(n, &m->held)
    {
        struct kit_held *h = CONTAINER_OF(n, struct kit_held, node);
        kit_media_answer(m, &h->rq, h->text);
    }
    kit_media_forget_held(m);
    kit_run(k);
}

static inline void kit_media_kill(struct kit *k)
{
    kit_media_forget_held(&k->media);
    k->media.chan = ipc_chan_free(k->media.chan);
    kit_run(k);
}

static inline void kit_media_send(struct kit *k, uint16_t leg, struct media_event ev)
{
    struct kit_endpoint *e = kit_endpoint_of(&k->media, leg, 0);
    assert_non_null(e);
    ev.endpoint = e->id;
    ev.call = e->call;
    ev.leg = leg;
    assert_int_equal(ipc_send(k->media.chan, MEDIA_MSG_EVENT, &ev, sizeof(ev), NULL, 0), 0);
    kit_run(k);
}

static inline void kit_media_event(struct kit *k, uint16_t leg, enum media_event_kind kind,
                                   const char *why)
{
    struct media_event ev = {.kind = (uint8_t)kind};
    ev.protection.keying = KEYING_SDES;
    ev.protection.established = true;
    snprintf(ev.why, sizeof(ev.why), "%s", why);
    kit_media_send(k, leg, ev);
}

static inline void kit_role_start(struct kit *k)
{
    assert_int_equal(signal_role_new(&k->cfg, &k->role), 0);
    kit_media_start(k);
}

/* Signalling dies; its memfds, the store and the media role stay. */
static inline void kit_role_restart(struct kit *k)
{
    k->media.chan = ipc_chan_free(k->media.chan);
    kit_is_dead = true;
    k->role = signal_role_free(k->role);
    kit_is_dead = false;
    kit_role_start(k);
}

static inline void kit_user(struct kit *k, const char *name, const char *domain,
                            enum protection_policy protection, uint8_t transports)
{
    struct store_user u = {.enabled = true};
    char password[80];
    snprintf(u.name, sizeof(u.name), "%s", name);
    snprintf(u.domain, sizeof(u.domain), "%s", domain);
    snprintf(password, sizeof(password), "secret-%s", name);
    u.own.said = STORE_POLICY_PROTECTION | STORE_POLICY_TRANSPORTS;
    u.own.protection = (uint8_t)protection;
    u.own.transports = transports;
    if (strncmp(name, "both", 4) == 0) { /* wants the other end protected too */
        u.own.said |= STORE_POLICY_PEER;
        u.own.require_peer = true;
    }
    if (strcmp(name, "once") == 0 || strcmp(name, "always") == 0) {
        u.own.said |= STORE_POLICY_ANNOUNCE;
        u.own.announce = name[0] == 'o' ? STORE_ANNOUNCE_ONCE : STORE_ANNOUNCE_ALWAYS;
    }
    assert_int_equal(store_user_set_password(&u, slice_from_str(password), true), 0);
    assert_int_equal(store_user_add(k->store, &u), 0);
    store_user_fini(&u);
}

static inline void kit_domain(struct kit *k, const char *name)
{
    struct store_domain d = {0};
    snprintf(d.name, sizeof(d.name), "%s", name);
    assert_int_equal(store_domain_add(k->store, &d), 0);
}

/* One store for all tests of a program: making one costs more than most tests. */
static inline void kit_store(struct kit *k)
{
    char err[STORE_ERROR_MAX];
    static const char *const names[] = {"1000", "1001", "1002", "1003", "1004"};
    snprintf(k->dir, sizeof(k->dir), "/tmp/sotto-signal-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    assert_int_equal(store_open_data(k->dir, err, &k->store), 0);
    kit_domain(k, "example.org");
    kit_domain(k, "other.net");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        kit_user(k, names[i], "example.org", PROTECTION_REQUIRED, 0x1f);
    kit_user(k, "1000", "other.net", PROTECTION_REQUIRED, 0x1f);
    kit_user(k, "clear", "example.org", PROTECTION_OFF, 0x1f);
    kit_user(k, "maybe", "example.org", PROTECTION_PREFERRED, 0x1f);
    kit_user(k, "both", "example.org", PROTECTION_REQUIRED, 0x1f);
    kit_user(k, "once", "example.org", PROTECTION_REQUIRED, 0x1f);
    kit_user(k, "always", "example.org", PROTECTION_REQUIRED, 0x1f);
    kit_user(k, "tlsonly", "example.org", PROTECTION_REQUIRED, STORE_TLS);
}

static inline int kit_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline void kit_config(struct kit *k)
{
    k->cfg = (struct signal_config){
        .loop = k->loop,
        .store = k->store,
        .slots_fd = -1,
        .snapshot_fd = k->snapshot_fd,
        .stats_fd = -1,
        .max_connections = KIT_CONNS,
        .max_calls = KIT_CALLS,
        .max_bindings = 1000,
        .media_workers = 1,
        .register_min_s = 60,
        .register_max_s = 3600,
        .register_default_s = 600,
        .session_min_s = 90,
        .session_default_s = 1800,
        .ring_timeout_ms = 60000,
        .offer_md5 = true,
        .host = "sip.example.org",
        .cdr_dir = k->dir,
    };
    memset(k->cfg.nonce_secret, 7, sizeof(k->cfg.nonce_secret));
}

static inline struct kit *kit_new(void)
{
    struct kit *k = calloc(1, sizeof(*k));
    assert_non_null(k);
    list_init(&kit_sent);
    list_init(&k->media.held);
    k->log_fd = memfd_create("log", MFD_CLOEXEC);
    if (!getenv("KIT_TRACE"))
        log_to_fd(k->log_fd);
    assert_int_equal(loop_new_virtual(1000, &k->loop), 0);
    kit_store(k);
    assert_int_equal(ipc_memfd_new("calls", call_snapshot_size(KIT_CALLS), &k->snapshot_fd), 0);
    kit_config(k);
    kit_role_start(k);
    return k;
}

/* The first message to this peer that has not been looked at; NULL: none. */
static inline struct kit_sent *kit_sent_to(const struct addr *remote, const char *start)
{
    LIST_FOR_EACH(n, &kit_sent)
    {
        struct kit_sent *s = CONTAINER_OF(n, struct kit_sent, node);
        if (addr_eq(&s->flow.remote, remote) &&
            (!start || slice_starts_with(slice_from(s->text, s->n), slice_from_str(start))))
            return s;
    }
    return NULL;
}

static inline void kit_forget_sent(void)
{
    LIST_FOR_EACH(n, &kit_sent)
    {
        list_remove(n);
        free(CONTAINER_OF(n, struct kit_sent, node));
    }
}

static inline char *kit_file(int fd)
{
    off_t n = lseek(fd, 0, SEEK_END);
    char *s = calloc(1, (size_t)n + 1);
    assert_non_null(s);
    assert_int_equal(pread(fd, s, (size_t)n, 0), n);
    return s;
}

static inline bool kit_log_has(struct kit *k, const char *text)
{
    char *s = kit_file(k->log_fd);
    bool has = strstr(s, text) != NULL;
    free(s);
    return has;
}

/* `sotto explain`; to be freed. */
static inline char *kit_explain(struct kit *k, const char *which)
{
    char *s = call_core_explain(k->role->calls, slice_from_str(which));
    assert_non_null(s);
    return s;
}

static inline void kit_assert_says(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("\"%s\" is not in:\n%s", what, text);
}

static inline void kit_assert_explains(struct kit *k, const char *what)
{
    char *s = kit_explain(k, "last");
    kit_assert_says(s, what);
    free(s);
}

static inline bool kit_cdr_has(struct kit *k, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/2023-11-14.jsonl", k->dir); /* the virtual clock's day */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char *s = kit_file(fd);
    bool has = strstr(s, text) != NULL;
    free(s);
    close(fd);
    return has;
}

static inline bool kit_show_has(struct kit *k, bool all, const char *text)
{
    char *s = call_core_show(k->role->calls, all);
    assert_non_null(s);
    json_t *j = json_loads(s, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_array(j));
    json_decref(j);
    bool has = strstr(s, text) != NULL;
    free(s);
    return has;
}

static inline void kit_resolved(struct kit *k, const struct addr *a, size_t n)
{
    struct resolve_target t = {.kind = TRANSPORT_TLS};
    struct resolve_query q = kit_query;
    if (n)
        t.addr = *a;
    assert_true(q.fn != NULL);
    kit_query.fn = NULL;
    q.fn(q.arg, &t, n, n ? "" : "no such name");
    kit_run(k);
}

/* The end of a test: everything that ends by itself has ended. */
static inline void kit_fini(struct kit *k)
{
    kit_advance(k, 40000); /* 64*T1 and the lingering of INVITE transactions */
    assert_int_equal(signal_role_calls(k->role), 0);
    assert_int_equal(media_client_pending(k->role->calls->media[0]), 0);
    assert_int_equal(kit_endpoints(&k->media), 0);
    assert_int_equal(media_client_endpoints(k->role->calls->media[0]), 0);
    assert_int_equal(txn_layer_count(k->role->txn), 0);
    assert_int_equal(k->role->calls->dialogs.count, 0);
    k->media.chan = ipc_chan_free(k->media.chan);
    k->role = signal_role_free(k->role);
    kit_media_forget_held(&k->media);
    kit_forget_sent();
    store_close(k->store);
    k->loop = loop_free(k->loop);
    close(k->snapshot_fd);
    log_to_fd(2);
    close(k->log_fd);
    (void)nftw(k->dir, kit_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(k);
}

static inline int kit_setup(void **state)
{
    *state = kit_new();
    return 0;
}

static inline int kit_teardown(void **state)
{
    kit_fini(*state);
    return 0;
}

#define KIT_TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

#endif
