/* The phone as a whole: set up, what comes in, the way to the server, the end. */
#include "phone/ua.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "phone/report.h"

#define CONNECTIONS_MAX 64u
#define KEEPALIVE_MS 28000u /* RFC 5626 s.4.4.1: below 30 s for UDP's sake */
#define LEAVE_MS 8000u      /* told to end: no longer than this for BYE and REGISTER */

/* --- the way to the server -------------------------------------------------------------------- */

int phone_flow(struct phone *ph)
{
    if (ph->has_flow && transport_is_alive(ph->transport, &ph->flow))
        return 0;
    int r = transport_connect(ph->transport, ph->server.kind, &ph->server.addr,
                              slice_from_str(ph->server.name), &ph->flow);
    ph->has_flow = r == 0;
    if (r == 0)
        ph->lost[0] = '\0';
    return r;
}

int phone_flow_for(struct phone *ph, const struct transport_flow *preferred,
                   struct transport_flow *ret)
{
    if (preferred && transport_is_alive(ph->transport, preferred)) {
        *ret = *preferred;
        return 0;
    }
    int r = phone_flow(ph);
    if (r == 0)
        *ret = ph->flow;
    return r;
}

const char *phone_lost_why(const struct phone *ph, const char *other)
{
    return ph->lost[0] ? ph->lost : other;
}

/* What to do about a handshake that failed. */
static const char *mend(const char *reason)
{
    static const char *const mends[CRYPTO_TLS_FAULT_COUNT] = {
        [CRYPTO_TLS_FAULT_PLAIN_TEXT] = "the port may be one without TLS: --transport tcp",
        [CRYPTO_TLS_FAULT_CERT_UNKNOWN] =
            ("name the file of the authority that signed it: --ca FILE (a sotto server's is "
             "DATA/tls/ca.crt)"),
        [CRYPTO_TLS_FAULT_CERT_EXPIRED] = "renew it on the server: sotto cert renew",
        [CRYPTO_TLS_FAULT_CERT_NAME] =
            "call the server by a name that is in its certificate: --server or --server-name",
    };

    for (int f = 0; f < CRYPTO_TLS_FAULT_COUNT; f++) {
        if (mends[f] && strcmp(reason, crypto_tls_fault_text((enum crypto_tls_fault)f)) == 0)
            return mends[f];
    }
    return NULL;
}

static void on_closed(void *arg, uint64_t conn, const char *reason)
{
    struct phone *ph = arg;
    char at[ADDR_STR_MAX];

    if (ph->has_flow && ph->flow.conn == conn) {
        const char *help = mend(reason);
        ph->has_flow = false;
        snprintf(ph->lost, sizeof(ph->lost), "%s: %s%s%s", addr_str(&ph->server.addr, at), reason,
                 help ? "; " : "", help ? help : "");
        txn_layer_conn_closed(ph->txn, conn);
        account_on_lost(&ph->account);
        return;
    }
    txn_layer_conn_closed(ph->txn, conn);
}

static void on_keepalive(void *arg)
{
    struct phone *ph = arg;

    if (ph->has_flow && transport_is_alive(ph->transport, &ph->flow))
        err_ignore(transport_send(ph->transport, &ph->flow, SLICE_LIT("\r\n\r\n"))); /* on_closed */
    loop_timer_set(ph->loop, &ph->keepalive, KEEPALIVE_MS);
}

/* --- printing --------------------------------------------------------------------------------- */

void phone_put_contact(struct phone *ph, struct buf *b, const struct transport_flow *flow)
{
    BUF_PUT_LIT(b, "Contact: <");
    transport_put_contact_uri(b, ph->transport, flow, slice_from_str(ph->user));
    BUF_PUT_LIT(b, ">\r\n");
}

void phone_put_request(struct phone *ph, struct buf *b, const struct dialog *d,
                       enum sip_method method, uint32_t cseq, const char *branch,
                       const struct transport_flow *flow)
{
    char via[512];
    struct buf vb = buf_over(via, sizeof(via));

    transport_put_via(&vb, ph->transport, flow, slice_from_str(branch));
    b->overflow = b->overflow || vb.overflow;
    dialog_put_request(b, d, slice_from_str(sip_method_name(method)), cseq, buf_slice(&vb), 70);
    BUF_PUT_LIT(b, "User-Agent: " PHONE_AGENT "\r\n");
    if (method == SIP_INVITE) {
        phone_put_contact(ph, b, flow);
        BUF_PUT_LIT(b, PHONE_ALLOW "Accept: application/sdp\r\n");
    }
}

void phone_respond(struct phone *ph, struct txn_server *st, const struct sip_msg *req,
                   const struct phone_reply *r)
{
    const struct transport_flow *flow = txn_server_flow(st);
    char host[ADDR_STR_MAX];
    struct buf hb = buf_over(host, sizeof(host)), b = buf_over(ph->out, sizeof(ph->out));
    bool makes_dialog = req->method == SIP_INVITE || req->method == SIP_UPDATE;

    addr_put_host(&hb, &flow->remote);
    struct sip_reply head = {.status = r->status,
                             .to_tag = slice_from_str(r->to_tag),
                             .received = buf_slice(&hb),
                             .rport = addr_port(&flow->remote),
                             .copy_rr = r->status > 100 && r->status < 300};
    sip_put_reply_head(&b, req, &head);
    BUF_PUT_LIT(&b, "User-Agent: " PHONE_AGENT "\r\n");
    if (makes_dialog && r->status > 100 && r->status < 300) {
        phone_put_contact(ph, &b, flow);
        BUF_PUT_LIT(&b, PHONE_ALLOW);
    }
    buf_put_slice(&b, r->headers);
    sip_put_body(&b, r->body.n ? "application/sdp" : NULL, r->body);
    if (!b.overflow)
        txn_server_respond(st, r->status, buf_slice(&b));
}

/* --- what comes in ---------------------------------------------------------------------------- */

static void answer(struct phone *ph, struct txn_server *st, const struct sip_msg *req,
                   uint16_t status, struct slice headers)
{
    char tag[17];
    struct phone_reply r = {.status = status, .to_tag = tag, .headers = headers};

    crypto_random_hex(tag, 8);
    phone_respond(ph, st, req, &r);
}

/* RFC 3261 s.8.2.2.3: what a request requires and we cannot do. */
static bool refuses_extension(struct phone *ph, struct txn_server *st, const struct sip_msg *req)
{
    struct slice wanted = sip_msg_value(req, SIP_HDR_REQUIRE);
    char line[256];
    struct buf b = buf_over(line, sizeof(line));

    if (!wanted.n)
        return false;
    sip_put_hdr(&b, SIP_HDR_UNSUPPORTED, wanted);
    answer(ph, st, req, 420, b.overflow ? SLICE_NONE : buf_slice(&b));
    return true;
}

static void on_new(struct phone *ph, struct txn_server *st, struct sip_msg *req,
                   const struct transport_flow *flow)
{
    if (req->to_tag.n) {
        answer(ph, st, req, 481, SLICE_NONE);
    } else if (req->method == SIP_OPTIONS) {
        answer(ph, st, req, 200, SLICE_LIT(PHONE_ALLOW "Accept: application/sdp\r\n"));
    } else if (req->method != SIP_INVITE) {
        answer(ph, st, req, 405, SLICE_LIT(PHONE_ALLOW));
    } else if (ph->opt->is_call || ph->ending || ph->call.state != CALL_IDLE) {
        answer(ph, st, req, 486, SLICE_NONE);
    } else {
        call_incoming(&ph->call, st, req, flow);
    }
}

static void on_request(void *arg, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow)
{
    struct phone *ph = arg;

    if (refuses_extension(ph, st, req))
        return;
    if (call_owns(&ph->call, req))
        call_on_request(&ph->call, st, req);
    else
        on_new(ph, st, req, flow);
}

static void on_ack(void *arg, struct sip_msg *ack, const struct transport_flow *flow)
{
    struct phone *ph = arg;

    (void)flow;
    if (call_owns(&ph->call, ack))
        call_on_ack(&ph->call, ack);
}

static void on_cancel(void *arg, struct txn_server *invite, struct sip_msg *cancel)
{
    struct phone *ph = arg;

    (void)cancel;
    call_on_cancel(&ph->call, invite);
}

static void on_stray(void *arg, struct sip_msg *rsp, const struct transport_flow *flow)
{
    struct phone *ph = arg;

    (void)flow;
    call_on_stray_2xx(&ph->call, rsp);
}

static int send_msg(void *arg, const struct transport_flow *flow, struct slice msg)
{
    struct phone *ph = arg;

    return transport_send(ph->transport, flow, msg);
}

static void on_msg(void *arg, struct sip_msg *msg, const struct transport_flow *flow)
{
    struct phone *ph = arg;

    txn_layer_input(ph->txn, msg, flow);
}

static void on_bad(void *arg, struct sip_msg *msg, int verdict, const struct transport_flow *flow)
{
    (void)arg;
    (void)verdict;
    log_event(LOG_WARN, "message_dropped", LOG_A("peer", &flow->remote),
              LOG_STR("reason", msg->error ? msg->error : "malformed"));
}

static void on_trace(void *arg, bool out, struct slice msg, const struct transport_flow *flow)
{
    char at[ADDR_STR_MAX];

    (void)arg;
    fprintf(stderr, "--- %s %s %s\n" SLICE_FMT "\n", out ? "to" : "from",
            transport_kind_name(flow->kind), addr_str(&flow->remote, at), SLICE_ARG(msg));
}

/* --- the end ---------------------------------------------------------------------------------- */

void phone_on_unregistered(struct phone *ph)
{
    loop_stop(ph->loop);
}

static void leave(struct phone *ph)
{
    ph->ending = true;
    loop_timer_cancel(ph->loop, &ph->seconds);
    loop_timer_set(ph->loop, &ph->leave, LEAVE_MS);
    account_leave(&ph->account);
}

static void on_leave_over(void *arg)
{
    struct phone *ph = arg;

    loop_stop(ph->loop);
}

/* Told to end: first the call, then the registration. */
static void end(struct phone *ph)
{
    bool idle = !call_is_on(&ph->call);

    ph->ending = true;
    loop_timer_set(ph->loop, &ph->leave, LEAVE_MS);
    if (!idle) {
        call_hangup(&ph->call);
    } else if (ph->opt->is_call && ph->call.state == CALL_IDLE) {
        snprintf(ph->call.reason, sizeof(ph->call.reason), "ended before the call was made");
        phone_on_call_over(ph);
    } else {
        leave(ph);
    }
}

static void on_seconds(void *arg)
{
    end(arg);
}

static void on_signal(void *arg, uint32_t events)
{
    struct phone *ph = arg;
    struct signalfd_siginfo info;

    (void)events;
    if (read(ph->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (ph->ending)
        loop_stop(ph->loop); /* the second time: at once */
    else
        end(ph);
}

static void on_next(void *arg)
{
    struct phone *ph = arg;

    call_fini(&ph->call);
    if (ph->ending)
        leave(ph);
    else if (call_init(&ph->call, ph) < 0)
        loop_stop(ph->loop);
}

void phone_on_call_over(struct phone *ph)
{
    report_ended(&ph->call);
    if (!ph->opt->is_call) {
        loop_defer_add(ph->loop, &ph->next); /* we are within its callbacks */
        return;
    }
    ph->exit_status = ph->call.result == CALL_ANSWERED ? 0 : 1;
    leave(ph);
}

void phone_on_registered(struct phone *ph)
{
    report_registered(ph);
    if (ph->opt->is_call && ph->call.state == CALL_IDLE && !ph->ending)
        call_dial(&ph->call);
}

void phone_on_register_failed(struct phone *ph, uint16_t status, const char *why, bool fatal)
{
    report_unregistered(ph, status, why);
    if (!fatal)
        return;
    ph->exit_status = 1;
    if (!ph->opt->is_call) {
        if (ph->opt->json)
            fprintf(stderr, "sotto: %s\n", why);
        loop_stop(ph->loop);
        return;
    }
    if (ph->call.state == CALL_IDLE) {
        ph->call.status = status;
        snprintf(ph->call.reason, sizeof(ph->call.reason), "%s", why);
        phone_on_call_over(ph);
    }
}

/* --- set up ----------------------------------------------------------------------------------- */

static int complain(const char *what, int r)
{
    fprintf(stderr, "sotto: %s: %s\n", what, strerror(-r));
    return r;
}

static int start_tls(struct phone *ph)
{
    struct crypto_tls_config cfg = {.ca_file = ph->server.ca[0] ? ph->server.ca : NULL};
    struct crypto_tls_error e;

    if (!transport_kind_is_secure(ph->server.kind))
        return 0;
    if (!ph->server.name[0])
        fprintf(stderr, "sotto: warning: the server's certificate is not checked\n");
    int r = crypto_tls_new(&cfg, &e, &ph->tls);
    if (r < 0)
        fprintf(stderr, "sotto: %s%s%s; %s\n", e.file, e.file[0] ? ": " : "", e.text, e.mend);
    return r;
}

static int bind_listener(struct transport_listener *l)
{
    socklen_t n = sizeof(l->bound);
    int type = l->kind == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;

    l->fd = socket(addr_family(&l->bound), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return -errno;
    if (bind(l->fd, &l->bound.sa, addr_len(&l->bound)) == 0 &&
        (type == SOCK_DGRAM || listen(l->fd, 16) == 0) && getsockname(l->fd, &l->bound.sa, &n) == 0)
        return 0;
    int r = -errno;
    close(l->fd);
    return r;
}

/* As --listen says; else, over UDP, any port. */
static int choose_listener(const struct phone *ph, struct transport_listener *l)
{
    const char *any = addr_family(&ph->server.addr) == AF_INET6 ? "::" : "0.0.0.0";

    if (ph->opt->listen) {
        int r = phone_listen_parse(slice_from_str(ph->opt->listen), &l->kind, &l->bound);
        if (r < 0 || (l->kind != TRANSPORT_UDP && l->kind != TRANSPORT_TCP)) {
            fprintf(stderr, "sotto: --listen is udp:HOST:PORT or tcp:HOST:PORT, not %s\n",
                    ph->opt->listen);
            return -EINVAL;
        }
        return 1;
    }
    if (ph->server.kind != TRANSPORT_UDP)
        return 0;
    l->kind = TRANSPORT_UDP;
    int r = addr_parse(slice_from_str(any), 0, &l->bound);
    return r < 0 ? r : 1;
}

static int start_transport(struct phone *ph)
{
    struct transport_listener l = {0};
    struct transport_config cfg = {.listeners = &l,
                                   .tls = ph->tls,
                                   .slots_fd = -1,
                                   .max_connections = CONNECTIONS_MAX,
                                   .cb = {.arg = ph,
                                          .on_msg = on_msg,
                                          .on_bad = on_bad,
                                          .on_closed = on_closed,
                                          .on_trace = ph->opt->verbose ? on_trace : NULL}};
    int n = choose_listener(ph, &l);

    if (n < 0)
        return n;
    int r = n ? bind_listener(&l) : 0;
    if (r < 0)
        return complain(ph->opt->listen ? ph->opt->listen : "no UDP port", r);
    cfg.listener_count = (size_t)n;
    r = transport_new(ph->loop, &cfg, NULL, 0, &ph->transport);
    if (r < 0)
        return complain("transport", r);
    if (ph->opt->listen)
        report_listening(ph, &l.bound);
    return 0;
}

static int start_signals(struct phone *ph)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    ph->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (ph->signal_fd < 0)
        return -errno;
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for a valid signal */
    return loop_fd_add(ph->loop, &ph->signals, ph->signal_fd, EPOLLIN, on_signal, ph);
}

static int set_up(struct phone *ph)
{
    static const struct txn_timers timers = {.t1 = 500, .t2 = 4000, .t4 = 5000, .timer_c = 180000};
    struct txn_cb cb = {.arg = ph,
                        .on_request = on_request,
                        .on_ack = on_ack,
                        .on_cancel = on_cancel,
                        .on_stray_2xx = on_stray,
                        .send = send_msg};
    int r = loop_new(&ph->loop);

    loop_timer_init(&ph->keepalive, on_keepalive, ph);
    loop_timer_init(&ph->seconds, on_seconds, ph);
    loop_timer_init(&ph->leave, on_leave_over, ph);
    loop_defer_init(&ph->next, on_next, ph);
    if (r == 0)
        r = start_signals(ph);
    if (r == 0)
        r = start_tls(ph);
    if (r == 0)
        r = srtp_engine_new(SRTP_BACKEND_AUTO, &ph->srtp);
    if (r == 0)
        r = txn_layer_new(ph->loop, &cb, &timers, &ph->txn);
    if (r == 0)
        r = start_transport(ph);
    if (r == 0)
        r = account_init(&ph->account, ph);
    if (r == 0)
        r = call_init(&ph->call, ph);
    return r;
}

static void tear_down(struct phone *ph)
{
    if (ph->loop) {
        call_fini(&ph->call);
        account_fini(&ph->account);
        loop_defer_cancel(&ph->next);
        loop_fd_del(ph->loop, &ph->signals);
        loop_timer_cancel(ph->loop, &ph->keepalive);
        loop_timer_cancel(ph->loop, &ph->seconds);
        loop_timer_cancel(ph->loop, &ph->leave);
    }
    txn_layer_free(ph->txn);
    transport_free(ph->transport);
    srtp_engine_free(ph->srtp);
    phone_zrtp_close(&ph->zrtp);
    crypto_tls_free(ph->tls);
    loop_free(ph->loop);
    if (ph->signal_fd >= 0)
        close(ph->signal_fd);
    phone_auth_fini(&ph->auth);
}

static void begin(struct phone *ph)
{
    loop_timer_set(ph->loop, &ph->keepalive, KEEPALIVE_MS);
    if (!ph->opt->is_call && ph->opt->seconds)
        loop_timer_set(ph->loop, &ph->seconds, ph->opt->seconds * 1000ull);
    if (!ph->opt->no_register)
        account_start(&ph->account);
    else if (ph->opt->is_call)
        call_dial(&ph->call);
}

/* A phone that only listens needs no server. */
static int find_server(struct phone *ph, char *why, size_t cap)
{
    const struct phone_options *o = ph->opt;

    if (o->server || !o->listen || !o->no_register || o->is_call)
        return phone_server_find(o, &ph->server, why, cap);
    if (phone_listen_parse(slice_from_str(o->listen), &ph->server.kind, &ph->server.addr) == 0)
        return 0;
    snprintf(why, cap, "--listen is udp:HOST:PORT or tcp:HOST:PORT, not %s", o->listen);
    return -1;
}

int phone_run(const struct phone_options *opt)
{
    char why[PHONE_REASON_MAX] = "";
    struct phone *ph = calloc(1, sizeof(*ph));

    if (!ph)
        return -ENOMEM;
    ph->opt = opt;
    ph->signal_fd = ph->signals.fd = -1;
    if (find_server(ph, why, sizeof(why)) < 0 ||
        phone_identity_find(opt, &ph->server, ph->user, ph->domain, &ph->auth, why, sizeof(why)) <
            0) {
        fprintf(stderr, "sotto: %s\n", why);
        phone_auth_fini(&ph->auth);
        free(ph);
        return 2;
    }
    int r = set_up(ph);
    if (r == 0) {
        begin(ph);
        r = loop_run(ph->loop);
    }
    int status = r < 0 ? 1 : ph->exit_status;
    tear_down(ph);
    free(ph);
    return status;
}
