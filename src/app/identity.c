#include "app/identity.h"

#include <time.h>

#include "api/api.h"
#include "app/domain_certs.h"
#include "app/exit.h"
#include "cert/cert.h"
#include "store/store.h"

static int first_domain(struct store *s, const struct app_config *c)
{
    struct store_domain d;
    int r = store_domain_default(s, &d);
    if (r != STORE_NONE)
        return r;
    d = (struct store_domain){.is_default = true};
    snprintf(d.name, sizeof(d.name), "%.*s", STORE_DOMAIN_MAX, c->domain);
    r = store_domain_add(s, &d);
    return r == STORE_EXISTS ? 0 : r; /* someone was faster, on the command line */
}

int identity_store(const struct app_config *c, char why[IDENTITY_WHY_MAX])
{
    char err[STORE_ERROR_MAX] = "";
    struct store *s;
    int r = store_open_data(c->data, err, &s);
    if (r < 0) {
        snprintf(why, IDENTITY_WHY_MAX, "%s", err);
        return r == -ENOMEM ? r : EXIT_STATUS_STORE;
    }
    r = first_domain(s, c);
    if (r != 0)
        snprintf(why, IDENTITY_WHY_MAX, "the store cannot be written: %s", store_error(s));
    store_close(s);
    return r == 0 ? 0 : EXIT_STATUS_STORE;
}

static int one_is_there(void *arg, const struct store_admin *a)
{
    (void)arg;
    (void)a;
    return STORE_EXISTS;
}

int identity_admin(const struct app_config *c, char why[IDENTITY_WHY_MAX],
                   char ret_password[IDENTITY_PASSWORD_MAX])
{
    char err[STORE_ERROR_MAX] = "", made[API_PASSWORD_LEN + 1] = "";
    struct store *s;
    _Static_assert(sizeof(made) <= IDENTITY_PASSWORD_MAX, "a password fits");
    ret_password[0] = '\0';
    if (c->web.count == 0)
        return 0;
    int r = store_open_data(c->data, err, &s);
    if (r < 0) {
        snprintf(why, IDENTITY_WHY_MAX, "%s", err);
        return r == -ENOMEM ? r : EXIT_STATUS_STORE;
    }
    r = store_admin_each(s, one_is_there, NULL);
    if (r == 0)
        r = api_admin_first(s, IDENTITY_ADMIN, made);
    if (r < 0)
        snprintf(why, IDENTITY_WHY_MAX, "the first administrator cannot be added: %s",
                 store_error(s));
    store_close(s);
    if (r == 0)
        memcpy(ret_password, made, sizeof(made));
    secret_wipe(made, sizeof(made));
    return r < 0 ? EXIT_STATUS_STORE : 0;
}

static int add_domain(void *arg, const struct store_domain *d)
{
    struct cert_names *names = arg;
    if (d->is_default && names->n) { /* the first name becomes the certificate's CN */
        struct cert_names rest = *names;
        names->n = 0;
        (void)cert_names_add(names, slice_from_str(d->name));
        for (size_t i = 0; i < rest.n; i++)
            (void)cert_names_add(names, slice_from_str(rest.name[i]));
        return 0;
    }
    (void)cert_names_add(names, slice_from_str(d->name)); /* full: the others have to do */
    return 0;
}

/* A store that cannot be read now is no reason to be without certificates. */
static void names_of_store(const struct app_config *c, struct cert_names *names)
{
    char err[STORE_ERROR_MAX];
    struct store *s;
    if (store_open_data(c->data, err, &s) < 0)
        return;
    if (store_domain_each(s, add_domain, names) != 0)
        log_event(LOG_WARN, "domains_not_read", LOG_STR("why", store_error(s)));
    store_close(s);
}

int identity_certs(const struct app_config *c, char why[IDENTITY_WHY_MAX], bool *ret_new)
{
    static struct cert_names names; /* large */
    static struct cert_report report;
    struct addr a[2] = {c->media_advertise.v4, c->media_advertise.v6};
    names.n = 0;
    names_of_store(c, &names);
    (void)cert_names_add(&names, slice_from_str(c->domain));
    (void)cert_names_add(&names, slice_from_str(c->advertise));
    for (size_t i = 0; i < ARRAY_LEN(a); i++) {
        char text[ADDR_STR_MAX];
        struct buf b = buf_over(text, sizeof(text));
        if (addr_family(&a[i]))
            addr_put_host(&b, &a[i]);
        (void)cert_names_add(&names, buf_slice(&b));
    }
    report = (struct cert_report){0};
    int r = cert_ensure(c->data, &names, (int64_t)time(NULL), &report);
    for (size_t i = 0; i < report.warning_count; i++)
        log_event(LOG_WARN, "certificate", LOG_STR("says", report.warnings[i]));
    domain_certs_judge(c->data, (int64_t)time(NULL));
    if (r != 0) {
        snprintf(why, IDENTITY_WHY_MAX, "%s", report.error);
        return EXIT_STATUS_CONFIG;
    }
    if (report.made_ca || report.made_server || report.made_mikey)
        log_event(LOG_INFO, "certificate_made", LOG_STR("for", names.n ? names.name[0] : ""));
    *ret_new = report.made_server || report.made_mikey;
    return 0;
}
