#include "api/api_priv.h"

#include "cert/domains.h"
#include "crypto/hash.h"

static bool get_names(struct api *a, struct cert_names *ret, struct api_outcome *out)
{
    *ret = (struct cert_names){0};
    if (a->cfg.store && api_cert_names(a->cfg.store, a->cfg.names, ret) < 0) {
        api_fail_store(a, out);
        return false;
    }
    return true;
}

static void fail(int r, const struct cert_report *report, struct api_outcome *out)
{
    api_fail(out, API_FAILED, r == CERT_REFUSED ? "refused" : "io", "%s",
             report->error[0] ? report->error : "no memory");
}

void api_cert_follow(struct api *a, struct api_outcome *out)
{
    struct cert_names names;
    struct cert_report report;
    char text[CERT_ERROR_MAX + 80];
    struct api_outcome unheard = {0};
    if (a->cfg.leave_certs || !get_names(a, &names, &unheard))
        return;
    if (cert_ensure(a->cfg.data, &names, api_now(a), &report)) {
        (void)snprintf(text, sizeof(text), "the server's certificate does not bear it yet: %s",
                       report.error);
        api_warn(out, text);
        return;
    }
    api_warn_all(out, &report);
    if (report.made_server || report.made_mikey)
        api_changed(a, API_CHANGED_CERTS);
}

static json_t *to_json(const struct cert_info *i)
{
    json_t *sans = json_array();
    for (size_t k = 0; k < i->sans.n; k++)
        (void)json_array_append_new(sans, json_string(i->sans.name[k]));
    return json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:I, s:s, s:s, s:s, s:i}", "file", i->file, "subject",
        i->subject, "names", sans, "issuer", i->issuer, "serial", i->serial, "not_before",
        api_time(i->not_before), "not_after", api_time(i->not_after), "days_left",
        (json_int_t)i->days_left, "key", i->key_type, "fingerprint_sha256", i->fingerprint,
        "source", i->source == CERT_SOURCE_OWN_CA ? "own CA" : "imported", "chain", (int)i->chain);
}

static void show_one(struct api *a, enum cert_which which, const char *name, json_t *into,
                     struct api_outcome *out)
{
    static struct cert_info info; /* big; one thread uses an api at a time */
    struct cert_report report;
    int r = cert_info_read(a->cfg.data, which, api_now(a), &report, &info);
    if (r == -ENOENT && which != CERT_SERVER)
        return; /* with an imported certificate there may be none */
    if (r == -ENOENT)
        api_fail(out, API_FAILED, "none",
                 "there is no certificate in %s yet; the first start makes one, and so does `sotto "
                 "cert renew`",
                 a->cfg.data);
    else if (r)
        fail(r, &report, out);
    else
        (void)json_object_set_new(into, name, to_json(&info));
}

/* One that cannot be read must not hide the others. */
static void show_domain(struct api *a, const char *domain, json_t *into, struct api_outcome *out)
{
    static struct cert_info info;
    struct cert_report report;
    int r = cert_domain_info(a->cfg.data, domain, api_now(a), &report, &info);
    if (r == 0) {
        json_t *one = to_json(&info);
        (void)json_object_set_new(one, "domain", json_string(domain));
        (void)json_array_append_new(into, one);
    } else if (r != -ENOENT) { /* gone since it was listed */
        api_warn(out, report.error);
    }
}

static void show_domains(struct api *a, json_t *into, struct api_outcome *out)
{
    static struct cert_domains all;
    struct cert_report report = {0};
    json_t *list = json_array();
    int r = cert_domains_list(a->cfg.data, &report, &all);
    if (r)
        api_warn(out, report.error);
    for (size_t i = 0; r == 0 && i < all.n; i++)
        show_domain(a, all.name[i], list, out);
    (void)json_object_set_new(into, "domains", list);
}

void api_cert_show(struct api *a, const json_t *args, struct api_outcome *out)
{
    (void)args;
    out->result = json_object();
    show_one(a, CERT_SERVER, "server", out->result, out);
    if (out->status == API_DONE)
        show_one(a, CERT_CA, "ca", out->result, out);
    if (out->status == API_DONE)
        show_one(a, CERT_MIKEY, "mikey", out->result, out);
    if (out->status == API_DONE)
        show_domains(a, out->result, out);
}

/* After a change: what is now in force, and whoever serves with it is told. */
static void finish(struct api *a, const struct cert_report *report, struct api_outcome *out)
{
    api_warn_all(out, report);
    api_cert_show(a, NULL, out);
    api_changed(a, API_CHANGED_CERTS);
}

void api_cert_renew(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct cert_names names;
    struct cert_report report;
    if (!get_names(a, &names, out))
        return;
    int r = cert_renew(a->cfg.data, &names, api_bool(args, "force", false), api_now(a), &report);
    if (r)
        fail(r, &report, out);
    else
        finish(a, &report, out);
}

static void import_domain(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_domain d;
    struct cert_report report;
    if (!a->cfg.store) {
        api_fail(out, API_STORE, "store", "there is no store to work on");
        return;
    }
    if (!api_domain_find(a, api_string(args, "domain"), &d, out))
        return;
    int r = cert_domain_import(a->cfg.data, api_string(args, "path"), d.name,
                               api_bool(args, "force", false), api_now(a), &report);
    if (r)
        fail(r, &report, out);
    else
        finish(a, &report, out);
}

/* The domain may have been deleted before its certificate. */
void api_cert_del(struct api *a, const json_t *args, struct api_outcome *out)
{
    char name[STORE_DOMAIN_MAX + 1];
    struct cert_report report;
    if (!api_domain_check(api_string(args, "domain"), name, out))
        return;
    int r = cert_domain_delete(a->cfg.data, name, &report);
    if (r) {
        fail(r, &report, out);
        return;
    }
    out->result = json_pack("{s:s}", "name", name);
    api_changed(a, API_CHANGED_CERTS);
}

void api_cert_import(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct cert_names names;
    struct cert_report report;
    if (api_string(args, "domain")) {
        import_domain(a, args, out);
        return;
    }
    if (!get_names(a, &names, out))
        return;
    int r = cert_import(a->cfg.data, api_string(args, "path"), &names,
                        api_bool(args, "force", false), api_now(a), &report);
    if (r)
        fail(r, &report, out);
    else
        finish(a, &report, out);
}

static json_t *base64(const uint8_t *p, size_t n)
{
    static char text[CERT_P12_MAX * 4 / 3 + 8];
    size_t text_n;
    crypto_base64_put(slice_from(p, n), text, sizeof(text), &text_n);
    json_t *s = json_stringn(text, text_n);
    secret_wipe(text, sizeof(text));
    return s;
}

void api_cert_client(struct api *a, const json_t *args, struct api_outcome *out)
{
    static struct cert_client made;
    struct store_user u = {0};
    struct cert_report report;
    char aor[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2], password[API_PASSWORD_LEN + 1];
    bool p12 = api_bool(args, "p12", false);
    if (!a->cfg.store) {
        api_fail(out, API_STORE, "store", "there is no store to work on");
        return;
    }
    if (!api_user_split(a, api_string(args, "name"), false, &u, out))
        return;
    (void)snprintf(aor, sizeof(aor), "%s@%s", u.name, u.domain);
    api_password_make(password);
    int r = cert_client_make(a->cfg.data, aor, api_bool(args, "rsa", false), p12 ? password : NULL,
                             api_now(a), &report, &made);
    if (r) {
        fail(r, &report, out);
    } else {
        api_warn_all(out, &report);
        out->result = json_pack("{s:s, s:s, s:s, s:s}", "aor", aor, "key", made.key, "cert",
                                made.cert, "ca", made.ca);
        if (p12) {
            (void)json_object_set_new(out->result, "p12", base64(made.p12, made.p12_n));
            (void)json_object_set_new(out->result, "p12_password", json_string(password));
        }
    }
    cert_client_fini(&made);
    secret_wipe(password, sizeof(password));
}
