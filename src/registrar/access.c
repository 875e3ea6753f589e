#include "registrar/access.h"

#include "base/log.h"

struct lookup {
    struct access *access;
    struct slice domain;
    const struct directory_user *user;
};

/* Some phones send "user@domain" as the user name. */
static struct slice bare_name(struct slice username, struct slice domain)
{
    size_t at = slice_find_char(username, '@');
    if (at < username.n && slice_eq_nocase(slice_skip(username, at + 1), domain))
        return slice_take(username, at);
    return username;
}

static void to_hex(const uint8_t *in, size_t n, char *out)
{
    struct buf b = buf_over(out, 2 * n);
    buf_put_hex(&b, in, n);
}

static int on_lookup(void *arg, struct slice username, struct dialog_ha1 *ret)
{
    struct lookup *l = arg;
    l->user = directory_user(l->access->directory, bare_name(username, l->domain), l->domain);
    if (!l->user)
        return -ENOENT;
    ret->has_md5 = l->user->has_md5;
    ret->has_sha256 = l->user->has_sha256;
    to_hex(l->user->md5, sizeof(l->user->md5), ret->md5);
    to_hex(l->user->sha256, sizeof(l->user->sha256), ret->sha256);
    return 0;
}

static bool is_self(struct access *a, const struct sip_addr *self, const struct access_who *who)
{
    char name[STORE_NAME_MAX + 1];
    size_t n = 0;
    struct slice domain;
    if (sip_unescape(self->uri.user, name, sizeof(name) - 1, &n) < 0)
        return false;
    if (self->uri.scheme != SIP_SCHEME_TEL &&
        (!directory_domain(a->directory, self->uri.host, &domain) ||
         !slice_eq(domain, who->domain)))
        return false;
    return slice_eq_str(slice_from(name, n), who->name);
}

static void log_wrong(const struct sip_msg *req, const struct transport_flow *flow,
                      struct slice username)
{
    log_event(LOG_WARN, "auth_failed", LOG_S("user", username), LOG_S("method", req->method_name),
              LOG_STR("transport", transport_kind_name(flow->kind)), LOG_A("peer", &flow->remote));
}

static int judge_user(struct access *a, const struct transport_flow *flow,
                      const struct sip_addr *self, const struct access_who *who)
{
    if (!who->user->enabled)
        return ACCESS_DISABLED;
    if (!(who->user->transports & (1u << flow->kind)))
        return ACCESS_TRANSPORT;
    return is_self(a, self, who) ? ACCESS_OK : ACCESS_NOT_SELF;
}

int access_check(struct access *a, const struct sip_msg *req, const struct transport_flow *flow,
                 const struct sip_addr *self, bool proxy, struct access_who *ret)
{
    struct access_who who = {0};
    struct slice username = SLICE_NONE;
    if (self->uri.scheme == SIP_SCHEME_TEL)
        who.domain = directory_default_domain(a->directory);
    else if (!directory_domain(a->directory, self->uri.host, &who.domain))
        return ACCESS_NO_DOMAIN;
    ret->domain = who.domain;
    struct lookup l = {.access = a, .domain = who.domain};
    int r = dialog_auth_check(a->auth, req, proxy, who.domain, loop_unix_now(a->loop), on_lookup,
                              &l, &username);
    switch ((enum dialog_auth_verdict)r) {
    case DIALOG_AUTH_OK:
        break;
    case DIALOG_AUTH_NONE:
        return ACCESS_CHALLENGE;
    case DIALOG_AUTH_STALE:
        return ACCESS_STALE;
    case DIALOG_AUTH_WRONG:
        log_wrong(req, flow, username);
        return ACCESS_CHALLENGE;
    case DIALOG_AUTH_MALFORMED:
        return ACCESS_MALFORMED;
    }
    who.user = l.user;
    if (!slice_to_str(slice_from(who.user->key, who.user->key_n - who.domain.n - 1), who.name,
                      sizeof(who.name)))
        return ACCESS_MALFORMED;
    r = judge_user(a, flow, self, &who);
    if (r == ACCESS_OK)
        *ret = who;
    else
        log_event(LOG_WARN, "access_refused", LOG_STR("user", who.name), LOG_S("as", self->uri.raw),
                  LOG_A("peer", &flow->remote));
    return r;
}

/* By what is known of the phone. Unknown ones get MD5 first: those that read the first challenge alone
 * can register, and those that know better choose SHA-256. */
static enum dialog_auth_order order_for(struct access *a, const struct sip_msg *req)
{
    static const enum dialog_auth_order orders[QUIRK_DIGEST_COUNT] = {
        [QUIRK_DIGEST_UNSAID] = DIALOG_AUTH_MD5_FIRST,
        [QUIRK_DIGEST_SHA256_FIRST] = DIALOG_AUTH_SHA256_FIRST,
        [QUIRK_DIGEST_MD5_FIRST] = DIALOG_AUTH_MD5_FIRST,
        [QUIRK_DIGEST_MD5_ONLY] = DIALOG_AUTH_MD5_ONLY,
    };
    const struct quirk *q = directory_quirk(a->directory, sip_msg_value(req, SIP_HDR_USER_AGENT));
    return orders[q ? q->digest : QUIRK_DIGEST_UNSAID];
}

void access_put_challenge(struct access *a, struct buf *b, const struct sip_msg *req,
                          struct slice realm, bool proxy, bool stale)
{
    const struct dialog_auth_challenge c = {.proxy = proxy,
                                            .realm = realm,
                                            .now_unix = loop_unix_now(a->loop),
                                            .stale = stale,
                                            .order = order_for(a, req)};
    dialog_auth_put_challenge(b, a->auth, &c);
}
