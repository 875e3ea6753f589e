#include "api/api_priv.h"

#include <unistd.h>

#include "base/addr.h"

/* --- names --- */

bool api_domain_check(const char *text, char ret[STORE_DOMAIN_MAX + 1], struct api_outcome *out)
{
    struct cert_names names = {0};
    struct addr a;
    struct slice s = slice_from_str(text);
    bool is_v6 = addr_parse(s, 0, &a) == 0 && addr_family(&a) == AF_INET6;
    if (is_v6 || slice_starts_with(s, SLICE_LIT("*")) || !cert_names_add(&names, s)) {
        api_fail(out, API_USAGE, "bad_domain",
                 "%.100s cannot be a domain: a name like example.org is expected (letters, digits "
                 "and hyphens between dots, at most %d characters), or an IPv4 address",
                 *text ? text : "nothing", STORE_DOMAIN_MAX);
        return false;
    }
    memcpy(ret, names.name[0], sizeof(names.name[0]));
    return true;
}

static int gather(void *arg, const struct store_domain *d)
{
    (void)cert_names_add(arg, slice_from_str(d->name)); /* full: the certificate's limit */
    return 0;
}

int api_cert_names(struct store *s, const struct cert_names *more, struct cert_names *ret)
{
    struct store_domain d;
    struct cert_names names = {0};
    int r = store_domain_default(s, &d);
    if (r == 0)
        (void)cert_names_add(&names, slice_from_str(d.name));
    if (r >= 0)
        r = store_domain_each(s, gather, &names);
    if (r)
        return r;
    for (size_t i = 0; more && i < more->n; i++)
        (void)cert_names_add(&names, slice_from_str(more->name[i]));
    *ret = names;
    return 0;
}

static void no_such(struct api *a, const char *name, struct api_outcome *out)
{
    struct cert_names all = {0};
    const char *names[CERT_NAMES_MAX];
    char list[300];
    struct buf b = buf_over(list, sizeof(list) - 1);
    if (api_cert_names(a->cfg.store, NULL, &all) < 0) {
        api_fail_store(a, out);
        return;
    }
    for (size_t i = 0; i < all.n; i++)
        names[i] = all.name[i];
    const char *near = api_nearest(slice_from_str(name), names, all.n);
    size_t shown = all.n < 4 ? all.n : 4;
    api_join(&b, names, shown);
    list[b.n] = '\0';
    api_fail(out, API_FAILED, "no_domain", "there is no domain %.100s%s%s%s", name,
             near    ? "; did you mean "
             : shown ? "; there is "
                     : "; add it with `sotto domain add`",
             near ? near : list, near ? "?" : "");
}

bool api_domain_find(struct api *a, const char *text, struct store_domain *ret,
                     struct api_outcome *out)
{
    char name[STORE_DOMAIN_MAX + 1];
    if (!api_domain_check(text, name, out))
        return false;
    int r = store_domain_find(a->cfg.store, slice_from_str(name), ret);
    if (r < 0)
        api_fail_store(a, out);
    else if (r)
        no_such(a, name, out);
    return r == 0;
}

/* --- commands --- */

static json_t *to_json(const struct store_domain *d)
{
    return json_pack("{s:s, s:b, s:i, s:o}", "name", d->name, "default", (int)d->is_default,
                     "users", (int)d->users, "policy", api_policy_json(&d->policy, &d->own));
}

static void reply_with(struct api *a, const char *name, struct api_outcome *out)
{
    struct store_domain d;
    int r = store_domain_find(a->cfg.store, slice_from_str(name), &d);
    if (r < 0)
        api_fail_store(a, out);
    else if (r == 0)
        out->result = to_json(&d);
}

void api_domain_add(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_domain d = {.is_default = api_bool(args, "default", false)};
    if (!api_domain_check(api_string(args, "name"), d.name, out) ||
        !api_policy_take(args, &d.own, out))
        return;
    int r = store_domain_add(a->cfg.store, &d);
    if (r < 0) {
        api_fail_store(a, out);
        return;
    }
    if (r) {
        api_fail(out, API_FAILED, "exists", "the domain %s is there already", d.name);
        return;
    }
    reply_with(a, d.name, out);
    api_cert_follow(a, out);
    api_changed(a, API_CHANGED_DOMAINS);
}

static int list_one(void *arg, const struct store_domain *d)
{
    return json_array_append_new(arg, to_json(d)) ? -ENOMEM : 0;
}

void api_domain_list(struct api *a, const json_t *args, struct api_outcome *out)
{
    (void)args;
    out->result = json_array();
    if (store_domain_each(a->cfg.store, list_one, out->result) < 0)
        api_fail_store(a, out);
}

void api_domain_set(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_domain d;
    const char *name = api_string(args, "name");
    int r = store_domain_find(a->cfg.store, slice_from_str(name), &d);
    if (r == 0) {
        if (json_is_false(json_object_get(args, "default")) && d.is_default) {
            api_fail(out, API_USAGE, "one_default",
                     "one domain must be the default: make another one that, and this one is it "
                     "no longer");
            return;
        }
        d.is_default = api_bool(args, "default", d.is_default);
        if (!api_policy_take(args, &d.own, out))
            return;
        r = store_domain_set(a->cfg.store, &d);
    }
    if (r < 0) {
        api_fail_store(a, out);
        return;
    }
    if (r) {
        no_such(a, name, out);
        return;
    }
    reply_with(a, d.name, out);
    api_changed(a, API_CHANGED_DOMAINS);
}

void api_domain_del(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_domain d;
    const char *name = api_string(args, "name");
    int r = store_domain_find(a->cfg.store, slice_from_str(name), &d);
    if (r == 0)
        r = store_domain_del(a->cfg.store, slice_from_str(d.name));
    if (r < 0)
        api_fail_store(a, out);
    else if (r == STORE_IN_USE)
        api_fail(out, API_FAILED, "in_use",
                 "the domain %s still has %u user%s; delete them first (sotto user list)", d.name,
                 d.users, d.users == 1 ? "" : "s");
    else if (r)
        no_such(a, name, out);
    else {
        out->result = json_pack("{s:s}", "name", d.name);
        api_changed(a, API_CHANGED_DOMAINS);
    }
}

int api_first_domain(struct store *s, struct slice wanted, bool *ret_made)
{
    struct store_domain d = {0};
    struct cert_names names = {0};
    char host[STORE_DOMAIN_MAX + 1] = "";
    int r = store_domain_default(s, &d);
    if (r != STORE_NONE) {
        if (r == 0)
            *ret_made = false;
        return r;
    }
    if (gethostname(host, sizeof(host) - 1))
        host[0] = '\0';
    if (!cert_names_add(&names, wanted.n ? wanted : slice_from_str(host)))
        (void)cert_names_add(&names, SLICE_LIT("localhost"));
    memcpy(d.name, names.name[0], sizeof(names.name[0]));
    r = store_domain_add(s, &d);
    if (r == STORE_EXISTS) { /* another process was first */
        *ret_made = false;
        return 0;
    }
    if (r == 0)
        *ret_made = true;
    return r;
}

/* --- user@domain --- */

static bool check_user_name(struct slice s, struct api_outcome *out)
{
    static const char *const builtin[] = {"echo", "tone", "clock"};
    bool ok = s.n > 0 && s.n <= STORE_NAME_MAX;
    for (size_t i = 0; ok && i < s.n; i++) {
        char c = slice_lower(s.p[i]);
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
             c == '+' || c == '*';
    }
    if (!ok) {
        api_fail(out, API_USAGE, "bad_name",
                 "`" SLICE_FMT "` cannot be a user: 1 to %d letters, digits and . _ - + * are "
                 "expected, like 1000 or 1000@example.org",
                 SLICE_ARG(slice_take(s, 100)), STORE_NAME_MAX);
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(builtin); i++)
        if (slice_eq_nocase_str(s, builtin[i])) {
            api_fail(out, API_FAILED, "exists",
                     "%s is a built-in target of every domain; choose another name", builtin[i]);
            return false;
        }
    return true;
}

bool api_user_split(struct api *a, const char *text, bool may_make, struct store_user *ret,
                    struct api_outcome *out)
{
    struct slice domain = slice_from_str(text);
    bool named = slice_find_char(domain, '@') < domain.n;
    struct slice name = slice_cut(&domain, '@');
    struct store_domain d;
    char folded[STORE_DOMAIN_MAX + 1] = "";
    if (!check_user_name(name, out))
        return false;
    if (named && !api_domain_check(domain.p, folded, out))
        return false;
    if (!slice_to_str(name, ret->name, sizeof(ret->name)))
        return false;
    int r = store_domain_default(a->cfg.store, &d);
    if (r == STORE_NONE && may_make) {
        memcpy(ret->domain, folded, sizeof(folded));
        return true;
    }
    if (r == 0 && named)
        r = store_domain_find(a->cfg.store, slice_from_str(folded), &d);
    if (r < 0)
        api_fail_store(a, out);
    else if (r && named)
        no_such(a, folded, out);
    else if (r)
        api_fail(out, API_FAILED, "no_domain",
                 "there is no domain yet; add one with `sotto domain add NAME`");
    else
        memcpy(ret->domain, d.name, sizeof(d.name));
    return r == 0;
}
