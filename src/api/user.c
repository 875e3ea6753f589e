#include "api/api_priv.h"

#include "crypto/hash.h"

#define PSK_MADE 32 /* bytes of a key that we make */
#define PSK_TEXT_MAX ((SECRET_CAP + 2) / 3 * 4 + 1)

/* What is shown once, to be put into the phone. */
struct made {
    char password[API_PASSWORD_LEN + 1];
    char psk[PSK_TEXT_MAX];
};

static json_t *to_json(const struct store_user *u)
{
    char aor[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2];
    (void)snprintf(aor, sizeof(aor), "%s@%s", u->name, u->domain);
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:b, s:b, s:b, s:o, s:o}", "aor", aor, "name",
                     u->name, "domain", u->domain, "display", u->display, "enabled",
                     (int)u->enabled, "max_contacts",
                     u->max_contacts ? (int)u->max_contacts : STORE_CONTACTS_DEFAULT, "md5",
                     (int)(u->ha1_md5.n > 0), "mikey_psk", (int)(u->mikey_psk.n > 0), "mikey_cert",
                     (int)u->mikey_cert, "created", api_time((int64_t)u->created), "policy",
                     api_policy_json(&u->policy, &u->own));
}

/* --- what is given --- */

static bool check_password(const char *text, const struct store_user *u, struct api_outcome *out)
{
    struct slice s = slice_from_str(text);
    bool plain = true;
    for (size_t i = 0; i < s.n; i++)
        plain = plain && (uint8_t)s.p[i] >= 0x20 && s.p[i] != 0x7f;
    if (s.n < API_PASSWORD_MIN || s.n > STORE_PASSWORD_MAX || !plain)
        api_fail(out, API_USAGE, "bad_password",
                 "a password has %d to %d characters and no control characters; leave it out, and "
                 "a strong one is made",
                 API_PASSWORD_MIN, STORE_PASSWORD_MAX);
    else if (slice_eq_nocase_str(s, u->name))
        api_fail(out, API_USAGE, "bad_password",
                 "the user's name is the first password that an attacker tries; leave it out, and "
                 "a strong one is made");
    else
        return true;
    return false;
}

/* A given password, or a new one, which is put into `made`. */
static bool take_password(const json_t *args, bool make, struct store_user *u,
                          char made[API_PASSWORD_LEN + 1], struct api_outcome *out)
{
    const char *text = api_string(args, "password");
    /* A user that could not use MD5 before keeps it so. */
    bool md5 = api_bool(args, "md5", u->created == 0 || u->ha1_md5.n > 0);
    made[0] = '\0';
    if (text && !check_password(text, u, out))
        return false;
    if (!text && !make && api_bool(args, "md5", false) && u->ha1_md5.n == 0) {
        api_fail(out, API_USAGE, "needs_password",
                 "MD5 can be switched on only together with a new password");
        return false;
    }
    if (!text && !make) {
        if (!md5)
            secret_fini(&u->ha1_md5);
        return true;
    }
    if (!text) {
        api_password_make(made);
        text = made;
    }
    if (store_user_set_password(u, slice_from_str(text), md5)) {
        api_fail(out, API_USAGE, "bad_password", "the password cannot be used");
        return false;
    }
    return true;
}

/* A given key for MIKEY, or a new one, which is put into `made`; or none any more. */
static bool take_psk(const json_t *args, struct store_user *u, char made[PSK_TEXT_MAX],
                     struct api_outcome *out)
{
    const char *text = api_string(args, "mikey_psk");
    struct secret psk = {0};
    bool make = api_bool(args, "new_mikey_psk", false);
    made[0] = '\0';
    if (text && (crypto_base64_get(slice_from_str(text), psk.b, sizeof(psk.b), &psk.n) != 0 ||
                 psk.n < STORE_PSK_MIN)) {
        api_fail(
            out, API_USAGE, "bad_psk",
            "a pre-shared key for MIKEY is %d to %d bytes in base64; --new-mikey-psk makes one",
            STORE_PSK_MIN, SECRET_CAP);
        secret_fini(&psk);
        return false;
    }
    if (!text && make) {
        size_t n;
        psk.n = PSK_MADE;
        crypto_random(psk.b, psk.n);
        crypto_base64_put(slice_from(psk.b, psk.n), made, PSK_TEXT_MAX, &n);
        made[n] = '\0';
    }
    if (psk.n || api_bool(args, "no_mikey_psk", false))
        u->mikey_psk = psk;
    secret_fini(&psk);
    u->mikey_cert = api_bool(args, "mikey_cert", u->mikey_cert);
    if (u->mikey_cert && u->mikey_psk.n) {
        api_fail(out, API_USAGE, "not_both",
                 "MIKEY is under certificates or under a pre-shared key: --no-mikey-psk or "
                 "--no-mikey-cert takes the other away");
        return false;
    }
    return true;
}

static bool take_fields(const json_t *args, struct store_user *u, struct api_outcome *out)
{
    const char *display = api_string(args, "display");
    const json_t *max = json_object_get(args, "max_contacts");
    if (display && !slice_to_str(slice_from_str(display), u->display, sizeof(u->display))) {
        api_fail(out, API_USAGE, "too_long", "display has at most %d bytes", STORE_DISPLAY_MAX);
        return false;
    }
    for (const char *c = u->display; *c; c++)
        if ((uint8_t)*c < 0x20 || *c == 0x7f) {
            api_fail(out, API_USAGE, "bad_display", "display cannot hold control characters");
            return false;
        }
    if (max && (json_integer_value(max) < 1 || json_integer_value(max) > STORE_CONTACTS_MAX)) {
        api_fail(out, API_USAGE, "not_allowed_value", "max_contacts is 1 to %d",
                 STORE_CONTACTS_MAX);
        return false;
    }
    if (max)
        u->max_contacts = (uint16_t)json_integer_value(max);
    u->enabled = api_bool(args, "enabled", u->enabled);
    return api_policy_take(args, &u->own, out);
}

static void warn_policy(const struct store_policy *p, struct api_outcome *out)
{
    if (p->protection == PROTECTION_OFF)
        api_warn(out, "protection is off: this user's calls are not encrypted, and anyone on the "
                      "way can listen");
    else if (p->protection == PROTECTION_PREFERRED)
        api_warn(out, "protection is only preferred: calls with a phone that cannot encrypt are "
                      "in clear");
    /* Said for this user or domain; otherwise it is the listeners' matter, and their warning. */
    if (p->said & STORE_POLICY_TRANSPORTS && p->transports & (STORE_UDP | STORE_TCP | STORE_WS))
        api_warn(out, "signalling without TLS is allowed: whoever can listen learns who calls "
                      "whom, and SDES keys");
}

/* --- commands --- */

static bool find(struct api *a, const char *text, struct store_user *ret, struct api_outcome *out)
{
    struct store_user key = {0};
    if (!api_user_split(a, text, false, &key, out))
        return false;
    int r =
        store_user_find(a->cfg.store, slice_from_str(key.domain), slice_from_str(key.name), ret);
    if (r < 0)
        api_fail_store(a, out);
    else if (r)
        api_fail(out, API_FAILED, "no_user", "there is no user %s@%s", key.name, key.domain);
    return r == 0;
}

/* What is now in force, and a password that no one will see again. */
static void reply_with(struct api *a, const struct store_user *u, const struct made *made,
                       struct api_outcome *out)
{
    struct store_user now;
    int r = store_user_find(a->cfg.store, slice_from_str(u->domain), slice_from_str(u->name), &now);
    if (r < 0) {
        api_fail_store(a, out);
        return;
    }
    if (r == 0) {
        out->result = to_json(&now);
        warn_policy(&now.policy, out);
        store_user_fini(&now);
    }
    if (out->result && made->password[0])
        (void)json_object_set_new(out->result, "password", json_string(made->password));
    if (out->result && made->psk[0])
        (void)json_object_set_new(out->result, "new_mikey_psk", json_string(made->psk));
}

static bool make_domain(struct api *a, struct store_user *u, bool *ret_made,
                        struct api_outcome *out)
{
    struct store_domain d;
    int r = api_first_domain(a->cfg.store, slice_from_str(u->domain), ret_made);
    if (r == 0 && !u->domain[0]) {
        r = store_domain_default(a->cfg.store, &d);
        if (r == 0)
            memcpy(u->domain, d.name, sizeof(d.name));
    }
    if (r)
        api_fail_store(a, out);
    return r == 0;
}

void api_user_add(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_user u = {.enabled = true};
    struct made made = {0};
    bool new_domain = false;
    /* The first user of a new server may come before its first domain. */
    if (!api_user_split(a, api_string(args, "name"), true, &u, out) || !take_fields(args, &u, out))
        return;
    if (api_string(args, "password") && !check_password(api_string(args, "password"), &u, out))
        return;
    if (!take_psk(args, &u, made.psk, out) || !make_domain(a, &u, &new_domain, out) ||
        !take_password(args, true, &u, made.password, out)) {
        store_user_fini(&u);
        return;
    }
    int r = store_user_add(a->cfg.store, &u);
    if (r < 0)
        api_fail_store(a, out);
    else if (r == STORE_EXISTS)
        api_fail(out, API_FAILED, "exists", "the user %s@%s is there already", u.name, u.domain);
    else if (r)
        api_fail(out, API_FAILED, "no_domain", "there is no domain %s", u.domain);
    else {
        reply_with(a, &u, &made, out);
        if (new_domain && out->result) {
            (void)json_object_set_new(out->result, "domain_added", json_true());
            api_cert_follow(a, out);
            api_changed(a, API_CHANGED_DOMAINS);
        }
        api_changed(a, API_CHANGED_USERS);
    }
    store_user_fini(&u);
    secret_wipe(&made, sizeof(made));
}

static int list_one(void *arg, const struct store_user *u)
{
    return json_array_append_new(arg, to_json(u)) ? -ENOMEM : 0;
}

void api_user_list(struct api *a, const json_t *args, struct api_outcome *out)
{
    char domain[STORE_DOMAIN_MAX + 1] = "";
    const char *text = api_string(args, "domain");
    struct store_domain d;
    if (text && !api_domain_check(text, domain, out))
        return;
    if (text && store_domain_find(a->cfg.store, slice_from_str(domain), &d) == STORE_NONE) {
        api_fail(out, API_FAILED, "no_domain", "there is no domain %s", domain);
        return;
    }
    out->result = json_array();
    if (store_user_each(a->cfg.store, slice_from_str(domain), list_one, out->result) < 0)
        api_fail_store(a, out);
}

void api_user_show(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_user u;
    if (!find(a, api_string(args, "name"), &u, out))
        return;
    out->result = to_json(&u);
    warn_policy(&u.policy, out);
    store_user_fini(&u);
}

void api_user_set(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_user u;
    struct made made = {0};
    if (!find(a, api_string(args, "name"), &u, out))
        return;
    if (take_fields(args, &u, out) && take_psk(args, &u, made.psk, out) &&
        take_password(args, api_bool(args, "new_password", false), &u, made.password, out)) {
        int r = store_user_set(a->cfg.store, &u);
        if (r < 0)
            api_fail_store(a, out);
        else if (r)
            api_fail(out, API_FAILED, "no_user", "the user %s was deleted meanwhile", u.name);
        else {
            reply_with(a, &u, &made, out);
            api_changed(a, API_CHANGED_USERS);
        }
    }
    secret_wipe(&made, sizeof(made));
    store_user_fini(&u);
}

void api_user_del(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_user u;
    if (!find(a, api_string(args, "name"), &u, out))
        return;
    int r = store_user_del(a->cfg.store, slice_from_str(u.domain), slice_from_str(u.name));
    if (r < 0)
        api_fail_store(a, out);
    else if (r)
        api_fail(out, API_FAILED, "no_user", "the user %s was deleted meanwhile", u.name);
    else {
        out->result = json_pack("{s:s, s:s}", "name", u.name, "domain", u.domain);
        api_changed(a, API_CHANGED_USERS);
    }
    store_user_fini(&u);
}
