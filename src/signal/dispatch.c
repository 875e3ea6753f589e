/* Which request is for whom, and who may send it. Everything that comes from outside a dialog and is
 * not OPTIONS needs credentials; what comes within one needs them where it arrives over another flow
 * than the leg's (someone who has learned a Call-ID and tags cannot end or move a call). */
#include "base/log.h"
#include "crypto/hash.h"
#include "sip/hdr.h"
#include "signal/internal.h"

/* --- plain answers --------------------------------------------------------------------------- */

static void put_head(struct buf *b, const struct sip_msg *req, const struct transport_flow *flow,
                     const char *tag, uint16_t status, const char *reason)
{
    char host[ADDR_STR_MAX];
    struct buf hb = buf_over(host, sizeof(host));
    addr_put_host(&hb, &flow->remote);
    struct sip_reply rp = {.status = status,
                           .reason = slice_from_str(reason),
                           .to_tag = slice_from_str(tag),
                           .received = buf_slice(&hb),
                           .rport = addr_port(&flow->remote)};
    sip_put_reply_head(b, req, &rp);
    BUF_PUT_LIT(b, "Server: " SIGNAL_SERVER_NAME "\r\n");
}

static void finish(struct txn_server *st, struct buf *b, uint16_t status)
{
    sip_put_body(b, NULL, SLICE_NONE);
    if (!b->overflow)
        txn_server_respond(st, status, buf_slice(b));
    txn_server_detach(st);
}

static void answer(struct signal_role *r, struct txn_server *st, const struct sip_msg *req,
                   uint16_t status, const char *reason, struct slice headers)
{
    struct buf b = buf_over(r->out, SIP_MSG_MAX);
    char tag[TXN_TAG_LEN + 1];
    txn_server_tag(st, tag);
    put_head(&b, req, txn_server_flow(st), tag, status, reason);
    buf_put_slice(&b, headers);
    finish(st, &b, status);
}

static void challenge(struct signal_role *r, struct txn_server *st, const struct sip_msg *req,
                      struct slice realm, bool stale)
{
    struct buf b = buf_over(r->out, SIP_MSG_MAX);
    char tag[TXN_TAG_LEN + 1];
    txn_server_tag(st, tag);
    put_head(&b, req, txn_server_flow(st), tag, 407, NULL);
    access_put_challenge(&r->access, &b, req, realm, true, stale);
    finish(st, &b, 407);
}

/* Answers what access_check says; true: let in. */
static bool let_in(struct signal_role *r, struct txn_server *st, const struct sip_msg *req,
                   const struct transport_flow *flow, const struct sip_addr *self,
                   struct access_who *who)
{
    int v = access_check(&r->access, req, flow, self, true, who);
    switch ((enum access_verdict)v) {
    case ACCESS_OK:
        return true;
    case ACCESS_CHALLENGE:
    case ACCESS_STALE:
        challenge(r, st, req, who->domain, v == ACCESS_STALE);
        return false;
    case ACCESS_MALFORMED:
        answer(r, st, req, 400, NULL, SLICE_NONE);
        return false;
    case ACCESS_NO_DOMAIN: /* not one of ours: it has no credentials that we could ask for */
    case ACCESS_NOT_SELF:
    case ACCESS_DISABLED:
    case ACCESS_TRANSPORT:
        answer(r, st, req, 403, NULL, SLICE_NONE);
        return false;
    }
    return false;
}

/* --- within a dialog ------------------------------------------------------------------------- */

/* The connection has been tied to the leg's user by a registration. */
static bool is_users_connection(struct signal_role *r, const struct leg *l,
                                const struct transport_flow *flow)
{
    const struct call_user *u = call_leg_user(l);
    const struct binding *found[LOCATION_CONTACTS_MAX];
    size_t n = location_find(r->location, slice_from_str(u->name), slice_from_str(u->domain), found,
                             ARRAY_LEN(found));
    for (size_t i = 0; i < n; i++) {
        if (flow->conn && found[i]->flow.conn == flow->conn)
            return true;
        if (!flow->conn && found[i]->flow.kind == flow->kind &&
            addr_eq(&found[i]->flow.remote, &flow->remote))
            return true;
    }
    return false;
}

static bool is_leg_of(const struct leg *l, const struct access_who *who)
{
    const struct call_user *u = call_leg_user(l);
    return slice_eq_str(slice_from_str(who->name), u->name) && slice_eq_str(who->domain, u->domain);
}

static void in_dialog(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                      const struct transport_flow *flow)
{
    struct leg *l = call_core_find_leg(r->calls, req);
    if (!l) {
        answer(r, st, req, 481, NULL, SLICE_NONE);
        return;
    }
    if (!call_leg_is_flow(l, flow)) {
        struct access_who who = {0};
        if (!is_users_connection(r, l, flow) && !let_in(r, st, req, flow, &req->from, &who))
            return;
        if (who.user && !is_leg_of(l, &who)) {
            answer(r, st, req, 403, NULL, SLICE_NONE);
            return;
        }
        call_leg_set_flow(l, flow);
    }
    call_core_request(r->calls, l, st, req);
}

/* --- a new call ------------------------------------------------------------------------------ */

static bool hops_left(const struct sip_msg *req)
{
    struct slice v = sip_msg_value(req, SIP_HDR_MAX_FORWARDS);
    uint32_t hops = 70;
    return !v.p || (sip_max_forwards_parse(v, &hops) == SIP_PARSE_OK && hops > 0);
}

static bool requires_known(struct signal_role *r, struct txn_server *st, const struct sip_msg *req)
{
    static const enum sip_hdr_id lists[] = {SIP_HDR_REQUIRE, SIP_HDR_PROXY_REQUIRE};
    char mem[512];
    struct buf b = buf_over(mem, sizeof(mem));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct sip_list_iter it = {0};
        struct slice e;
        while (sip_msg_list_next(req, lists[i], &it, &e)) {
            if (!slice_eq_nocase_str(e, "timer") && !slice_eq_nocase_str(e, "100rel"))
                sip_put_hdr(&b, SIP_HDR_UNSUPPORTED, e);
        }
    }
    if (b.n == 0 && !b.overflow)
        return true;
    answer(r, st, req, 420, NULL, buf_slice(&b));
    return false;
}

static void on_invite(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                      const struct transport_flow *flow)
{
    struct access_who who = {0};
    struct policy_target target;
    struct slice domain;
    struct store_user caller;
    if (!let_in(r, st, req, flow, &req->from, &who))
        return;
    if (req->ruri.scheme == SIP_SCHEME_TEL) {
        domain = who.domain;
    } else if (!directory_domain(r->directory, req->ruri.host, &domain)) {
        answer(r, st, req, 404, "No such domain here", SLICE_NONE);
        return;
    }
    if (directory_find(r->directory, slice_from_str(who.name), who.domain, &caller) < 0) {
        answer(r, st, req, 500, NULL, SLICE_NONE);
        return;
    }
    policy_target_of(&req->ruri, domain, &target);
    call_core_invite(r->calls, st, req, flow, &caller, &target);
    store_user_fini(&caller);
}

/* --- the table of methods -------------------------------------------------------------------- */

static void on_register(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                        const struct transport_flow *flow)
{
    registrar_on_request(&r->registrar, st, req, flow);
}

/* RFC 3261 s.11: what we can do; asked as a keep-alive by many phones, so without credentials. */
static void on_options(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow)
{
    (void)flow;
    answer(r, st, req, r->closing ? 503 : 200, NULL,
           SLICE_LIT(CALL_ALLOW "Accept: application/sdp\r\n"
                                "Supported: timer, 100rel, path, outbound\r\n"));
}

static void on_outside(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow)
{
    (void)flow;
    answer(r, st, req, 481, NULL, SLICE_NONE);
}

static void on_not_here(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                        const struct transport_flow *flow)
{
    (void)flow;
    answer(r, st, req, 405, NULL, SLICE_LIT(CALL_ALLOW));
}

static void on_unknown(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow)
{
    (void)flow;
    answer(r, st, req, 501, NULL, SLICE_LIT(CALL_ALLOW));
}

typedef void method_fn(struct signal_role *r, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow);

/* Outside a dialog. */
static method_fn *const methods[SIP_METHOD_OTHER + 1] = {
    [SIP_INVITE] = on_invite,        [SIP_ACK] = on_outside, /* never a transaction of its own */
    [SIP_BYE] = on_outside,          [SIP_CANCEL] = on_outside,     [SIP_REGISTER] = on_register,
    [SIP_OPTIONS] = on_options,      [SIP_INFO] = on_outside,       [SIP_PRACK] = on_outside,
    [SIP_UPDATE] = on_outside,       [SIP_SUBSCRIBE] = on_not_here, [SIP_NOTIFY] = on_outside,
    [SIP_REFER] = on_not_here,       [SIP_MESSAGE] = on_not_here,   [SIP_PUBLISH] = on_not_here,
    [SIP_METHOD_OTHER] = on_unknown,
};

void dispatch_request(void *role, struct txn_server *st, struct sip_msg *req,
                      const struct transport_flow *flow)
{
    struct signal_role *r = role;
    if (!hops_left(req)) {
        answer(r, st, req, 483, NULL, SLICE_NONE);
    } else if (req->method != SIP_REGISTER && req->to_tag.n) {
        in_dialog(r, st, req, flow);
    } else if (req->ruri.scheme == SIP_SCHEME_OTHER) { /* RFC 3261 s.8.2.2.1 */
        answer(r, st, req, 416, NULL, SLICE_NONE);
    } else if (req->method == SIP_REGISTER || requires_known(r, st, req)) {
        methods[req->method](r, st, req, flow);
    }
}

void dispatch_ack(void *role, struct sip_msg *ack, const struct transport_flow *flow)
{
    struct signal_role *r = role;
    struct leg *l = call_core_find_leg(r->calls, ack);
    /* It may bring the answer to an offer of ours, and nobody can be asked for a password by it: a
     * stranger's would turn the media away. The owner's comes again with our next 2xx. */
    if (l && (call_leg_is_flow(l, flow) || is_users_connection(r, l, flow)))
        call_core_on_ack(r->calls, ack);
}

void dispatch_cancel(void *role, struct txn_server *invite, struct sip_msg *cancel)
{
    struct signal_role *r = role;
    (void)cancel;
    call_core_on_cancel(r->calls, invite);
}

void dispatch_stray_2xx(void *role, struct sip_msg *rsp, const struct transport_flow *flow)
{
    struct signal_role *r = role;
    call_core_on_stray_2xx(r->calls, rsp, flow);
}

void dispatch_bad(void *role, struct sip_msg *msg, int verdict, const struct transport_flow *flow)
{
    struct signal_role *r = role;
    log_event(LOG_INFO, "message_malformed", LOG_STR("reason", msg->error ? msg->error : "?"),
              LOG_STR("transport", transport_kind_name(flow->kind)), LOG_A("peer", &flow->remote));
    if (!msg->is_request || msg->method == SIP_ACK)
        return;
    struct buf b = buf_over(r->out, SIP_MSG_MAX);
    uint16_t status = verdict == SIP_PARSE_BAD_VERSION ? 505 : 400;
    char tag[13];
    crypto_random_hex(tag, 6);
    put_head(&b, msg, flow, tag, status, NULL);
    if (msg->error)
        sip_put_warning(&b, 399, r->cfg.host, slice_from_str(msg->error));
    sip_put_body(&b, NULL, SLICE_NONE);
    if (!b.overflow)
        err_ignore(transport_send(r->transport, flow, buf_slice(&b))); /* stateless: not repeated */
}
