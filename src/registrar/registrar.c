#include "registrar/registrar.h"

#include "base/log.h"
#include "dialog/dialog.h"
#include "sip/hdr.h"

#define FLOW_TIMER_S 120 /* RFC 5626 s.4.4: within this time a phone shows that it is there */

struct reply {
    uint16_t status;
    struct slice headers; /* whole lines */
};

/* One REGISTER on its way through. */
struct job {
    struct registrar *r;
    struct txn_server *st;
    struct sip_msg *req;
    const struct transport_flow *flow;
    struct access_who who;
    struct table_key aor; /* "user@domain", the directory's */
    bool star;
    size_t contact_count;
    struct {
        struct sip_contact c;
        uint32_t expires;
    } contacts[LOCATION_CONTACTS_MAX];
    char path[STORE_TEXT_MAX];
    size_t path_n;
    bool outbound;
};

/* --- answers --------------------------------------------------------------------------------- */

static void put_head(struct job *j, struct buf *b, uint16_t status)
{
    char host[ADDR_STR_MAX], tag[TXN_TAG_LEN + 1];
    struct buf hb = buf_over(host, sizeof(host));
    addr_put_host(&hb, &j->flow->remote);
    txn_server_tag(j->st, tag);
    struct sip_reply r = {.status = status,
                          .to_tag = slice_from_str(tag),
                          .received = buf_slice(&hb),
                          .rport = addr_port(&j->flow->remote)};
    sip_put_reply_head(b, j->req, &r);
    BUF_PUT_LIT(b, "Server: ");
    buf_put_str(b, j->r->server_name);
    BUF_PUT_LIT(b, "\r\n");
}

static void finish(struct job *j, struct buf *b, uint16_t status)
{
    sip_put_body(b, NULL, SLICE_NONE);
    if (!b->overflow)
        txn_server_respond(j->st, status, buf_slice(b));
    txn_server_detach(j->st);
}

static void answer(struct job *j, uint16_t status, const char *headers)
{
    struct buf b = buf_over(j->r->out, SIP_MSG_MAX);
    put_head(j, &b, status);
    buf_put_str(&b, headers);
    finish(j, &b, status);
}

static void challenge(struct job *j, bool stale)
{
    struct buf b = buf_over(j->r->out, SIP_MSG_MAX);
    put_head(j, &b, 401);
    access_put_challenge(j->r->access, &b, j->req, j->who.domain, false, stale);
    finish(j, &b, 401);
}

/* The text is made once a second. */
static void put_date(struct registrar *r, struct buf *b, uint64_t now)
{
    if (r->date_n == 0 || r->date_unix != now) {
        struct tm tm;
        time_t t = (time_t)now;
        gmtime_r(&t, &tm);
        r->date_n = strftime(r->date, sizeof(r->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        r->date_unix = now;
    }
    sip_put_hdr(b, SIP_HDR_DATE, slice_from(r->date, r->date_n));
}

static void put_contact(struct buf *b, const struct binding *bd, uint64_t now)
{
    BUF_PUT_LIT(b, "Contact: <");
    buf_put_slice(b, binding_contact(bd));
    BUF_PUT_LIT(b, ">;expires=");
    buf_put_u64(b, bd->expires_unix > now ? bd->expires_unix - now : 0);
    if (bd->q != 1000)
        buf_printf(b, ";q=0.%03u", bd->q);
    if (bd->instance_n) {
        BUF_PUT_LIT(b, ";+sip.instance=\"");
        buf_put_slice(b, binding_instance(bd));
        buf_put_char(b, '"');
    }
    if (bd->reg_id)
        buf_printf(b, ";reg-id=%u", bd->reg_id);
    if (bd->ice)
        BUF_PUT_LIT(b, ";+sip.ice");
    BUF_PUT_LIT(b, "\r\n");
}

static void answer_ok(struct job *j)
{
    struct buf b = buf_over(j->r->out, SIP_MSG_MAX);
    uint64_t now = loop_unix_now(j->r->loop);
    put_head(j, &b, 200);
    for (struct binding *it = location_first(j->r->location, &j->aor); it; it = it->next)
        put_contact(&b, it, now);
    put_date(j->r, &b, now);
    BUF_PUT_LIT(&b, "Supported: path, outbound\r\n");
    if (j->path_n)
        sip_put_hdr(&b, SIP_HDR_PATH, slice_from(j->path, j->path_n));
    if (j->outbound) { /* RFC 5626 s.6: says that the flow is kept for requests to this phone */
        BUF_PUT_LIT(&b, "Require: outbound\r\nFlow-Timer: ");
        buf_put_u64(&b, FLOW_TIMER_S);
        BUF_PUT_LIT(&b, "\r\n");
    }
    finish(j, &b, 200);
}

/* --- judging --------------------------------------------------------------------------------- */

static bool let_in(struct job *j)
{
    int v = access_check(j->r->access, j->req, j->flow, &j->req->to, false, &j->who);
    switch ((enum access_verdict)v) {
    case ACCESS_OK:
        return true;
    case ACCESS_CHALLENGE:
        challenge(j, false);
        return false;
    case ACCESS_STALE:
        challenge(j, true);
        return false;
    case ACCESS_MALFORMED:
        answer(j, 400, "");
        return false;
    case ACCESS_NO_DOMAIN:
        answer(j, 404, "");
        return false;
    case ACCESS_NOT_SELF:
    case ACCESS_DISABLED:
    case ACCESS_TRANSPORT:
        answer(j, 403, "");
        return false;
    }
    return false;
}

/* s.10.3 step 1 (Require), and the domain of the Request-URI. */
static bool judge_request(struct job *j)
{
    struct sip_list_iter it = {0};
    struct slice e;
    char mem[256];
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    while (sip_msg_list_next(j->req, SIP_HDR_REQUIRE, &it, &e)) {
        if (slice_eq_nocase_str(e, "path") || slice_eq_nocase_str(e, "outbound") ||
            slice_eq_nocase_str(e, "gruu"))
            continue;
        sip_put_hdr(&b, SIP_HDR_UNSUPPORTED, e);
    }
    if (j->req->call_id.n > STORE_TEXT_MAX) { /* no row could hold it */
        answer(j, 400, "");
        return false;
    }
    if (b.n || b.overflow) {
        mem[b.overflow ? 0 : b.n] = '\0';
        answer(j, 420, mem);
        return false;
    }
    return true;
}

/* A binding that this contact stands for: the same phone (instance and reg-id, RFC 5626 s.6), or
 * the same URI (s.10.2.4). */
static struct binding *find_old(struct binding *first, const struct sip_contact *c)
{
    bool keyed = c->instance.n && c->has_reg_id;
    struct sip_uri old;
    for (struct binding *b = first; b; b = b->next) {
        if (keyed && slice_eq(c->instance, binding_instance(b)) && b->reg_id == c->reg_id)
            return b;
        if (!keyed && slice_eq(c->addr.uri.raw, binding_contact(b)))
            return b;
        if (!keyed && sip_uri_parse(binding_contact(b), &old) == SIP_URI_OK &&
            sip_uri_eq(&old, &c->addr.uri))
            return b;
    }
    return NULL;
}

static bool take_contact(struct job *j, struct slice e, uint32_t default_s)
{
    struct sip_contact c;
    if (j->contact_count == LOCATION_CONTACTS_MAX || sip_contact_parse(e, &c) != SIP_PARSE_OK) {
        answer(j, 400, "");
        return false;
    }
    if (c.addr.is_star) {
        j->star = true;
        return true;
    }
    /* Others cannot be called over a flow (RFC 3261 s.8.1.1.8 allows them to a registrar). */
    bool is_sip = c.addr.uri.scheme == SIP_SCHEME_SIP || c.addr.uri.scheme == SIP_SCHEME_SIPS;
    if (!is_sip || c.addr.uri.raw.n >= DIALOG_URI_MAX || c.instance.n > STORE_TEXT_MAX) {
        answer(j, 400, "");
        return false;
    }
    uint32_t s = c.has_expires ? c.expires : default_s;
    if (s != 0 && s < j->r->min_s) { /* s.10.3 step 7 */
        char h[64];
        struct buf b = buf_over(h, sizeof(h));
        buf_printf(&b, "Min-Expires: %u\r\n", j->r->min_s);
        h[b.n] = '\0';
        answer(j, 423, h);
        return false;
    }
    j->contacts[j->contact_count].c = c;
    j->contacts[j->contact_count++].expires = s > j->r->max_s ? j->r->max_s : s;
    return true;
}

static bool take_contacts(struct job *j)
{
    struct sip_list_iter it = {0};
    struct slice e, value = sip_msg_value(j->req, SIP_HDR_EXPIRES);
    uint32_t default_s = j->r->default_s;
    bool has_expires = value.p && sip_expires_parse(value, &default_s) == SIP_PARSE_OK;
    size_t count = 0;
    while (sip_msg_list_next(j->req, SIP_HDR_CONTACT, &it, &e)) {
        count++;
        if (!take_contact(j, e, default_s))
            return false;
    }
    if (j->star && (count != 1 || !has_expires || default_s != 0)) { /* s.10.2.2 */
        answer(j, 400, "");
        return false;
    }
    return true;
}

static bool take_path(struct job *j)
{
    struct buf b = buf_over(j->path, sizeof(j->path));
    struct sip_list_iter it = {0};
    struct slice e;
    while (sip_msg_list_next(j->req, SIP_HDR_PATH, &it, &e)) {
        if (b.n)
            buf_put_char(&b, ',');
        buf_put_slice(&b, e);
    }
    j->path_n = b.n;
    if (b.overflow || b.n >= DIALOG_ROUTE_MAX)
        answer(j, 400, "");
    return !b.overflow && b.n < DIALOG_ROUTE_MAX;
}

/* s.10.3 step 7: a request that is older than what stands changes nothing at all. */
static bool is_in_order(const struct job *j, const struct binding *first)
{
    for (const struct binding *b = first; b; b = b->next) {
        if (slice_eq(j->req->call_id, binding_call_id(b)) && j->req->cseq <= b->cseq)
            return false;
    }
    return true;
}

/* --- applying -------------------------------------------------------------------------------- */

static bool remove_one(struct job *j, struct binding *b)
{
    log_event(LOG_INFO, "unregistered", LOG_S("user", j->aor.s), LOG_STR("contact", b->contact),
              LOG_A("peer", &j->flow->remote));
    location_remove(j->r->location, b);
    return true;
}

static int put_one(struct job *j, const struct sip_contact *c, uint32_t expires,
                   struct binding *old)
{
    struct location_put p = {
        .aor = &j->aor,
        .contact = c->addr.uri.raw,
        .call_id = j->req->call_id,
        .path = slice_from(j->path, j->path_n),
        .instance = c->instance,
        .user_agent = slice_take(sip_msg_value(j->req, SIP_HDR_USER_AGENT), 127),
        .flow = j->flow,
        .cseq = j->req->cseq,
        .reg_id = c->has_reg_id ? c->reg_id : 0,
        .q = c->q,
        .ice = c->ice,
        .expires_s = expires,
    };
    j->outbound |= c->instance.n && c->has_reg_id;
    bool fresh = !old || !transport_is_alive(j->r->transport, &old->flow);
    int r = location_put(j->r->location, &p, old);
    if (r == 0)
        log_event(fresh ? LOG_INFO : LOG_DEBUG, "registered", LOG_S("user", j->aor.s),
                  LOG_S("contact", p.contact), LOG_I("expires", expires),
                  LOG_STR("transport", transport_kind_name(j->flow->kind)),
                  LOG_A("peer", &j->flow->remote));
    return r;
}

/* By a contact of this request. */
static bool is_named(struct job *j, struct binding *first, const struct binding *b)
{
    for (size_t i = 0; i < j->contact_count; i++) {
        if (find_old(first, &j->contacts[i].c) == b)
            return true;
    }
    return false;
}

static bool fits(struct job *j, struct binding *first)
{
    size_t stays = 0;
    for (const struct binding *b = first; b; b = b->next)
        stays++;
    for (size_t i = 0; i < j->contact_count; i++) {
        bool known = find_old(first, &j->contacts[i].c) != NULL;
        if (!known && j->contacts[i].expires)
            stays++;
        else if (known && !j->contacts[i].expires)
            stays--;
    }
    return stays <= j->who.user->max_contacts;
}

/* A page that is loaded anew leaves a binding behind whose WebSocket is closed: nobody is reached by it
 * (RFC 5626 s.6), so it is no reason to turn the page away. Refreshed ones are left alone. */
static void drop_dead(struct job *j)
{
    struct binding *next = location_first(j->r->location, &j->aor);
    while (next) {
        struct binding *b = next;
        next = b->next;
        if (!transport_is_alive(j->r->transport, &b->flow) &&
            !is_named(j, location_first(j->r->location, &j->aor), b))
            remove_one(j, b);
    }
}

static void apply(struct job *j)
{
    struct location *l = j->r->location;
    int r = 0;
    for (struct binding *b; j->star && (b = location_first(l, &j->aor));)
        remove_one(j, b);
    for (size_t i = 0; i < j->contact_count && r == 0; i++) {
        const struct sip_contact *c = &j->contacts[i].c;
        struct binding *old = find_old(location_first(l, &j->aor), c);
        if (j->contacts[i].expires)
            r = put_one(j, c, j->contacts[i].expires, old);
        else if (old)
            remove_one(j, old);
    }
    if (r < 0) {
        log_event(LOG_ERROR, "register_failed", LOG_S("user", j->aor.s), LOG_ERRNO(r));
        answer(j, 503, "Retry-After: 60\r\n");
        return;
    }
    if (j->flow->conn)
        transport_set_user(j->r->transport, j->flow->conn, j->aor.s);
    answer_ok(j);
}

void registrar_on_request(struct registrar *r, struct txn_server *st, struct sip_msg *req,
                          const struct transport_flow *flow)
{
    struct job j UNINITIALIZED; /* room for 100 contacts */
    j.who = (struct access_who){0};
    j.r = r;
    j.st = st;
    j.req = req;
    j.flow = flow;
    j.star = false;
    j.contact_count = 0;
    j.path_n = 0;
    j.outbound = false;
    if (!judge_request(&j) || !let_in(&j))
        return;
    j.aor = directory_user_key(j.who.user);
    struct binding *first = location_first(r->location, &j.aor);
    if (!take_contacts(&j) || !take_path(&j))
        return;
    if ((j.star || j.contact_count) && !is_in_order(&j, first)) {
        answer(&j, 500, "Retry-After: 1\r\n");
        return;
    }
    if (!fits(&j, first)) {
        drop_dead(&j);
        first = location_first(r->location, &j.aor);
    }
    if (!fits(&j, first)) {
        log_event(LOG_WARN, "too_many_contacts", LOG_S("user", j.aor.s),
                  LOG_I("limit", j.who.user->max_contacts), LOG_A("peer", &flow->remote));
        answer(&j, 403, "");
        return;
    }
    apply(&j);
}

void registrar_ahead(const struct registrar *r, enum transport_ahead when,
                     const struct sip_msg *req, uint64_t notes[TRANSPORT_AHEAD_NOTES])
{
    const struct access *a = r->access;
    if (!sip_msg_hdr(req, SIP_HDR_AUTHORIZATION))
        return; /* it will be asked for credentials, and nothing looked up */
    if (when == TRANSPORT_AHEAD_FIRST) {
        notes[0] = directory_ahead(a->directory, req->to.uri.user, req->to.uri.host);
        location_ahead(r->location, notes[0]);
        notes[1] = dialog_auth_ahead(a->auth, req);
        return;
    }
    directory_ahead_again(a->directory, notes[0]);
    location_ahead_again(r->location, notes[0]);
    dialog_auth_ahead_again(a->auth, notes[1]);
}
