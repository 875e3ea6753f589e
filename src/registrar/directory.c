#include "registrar/directory.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"

struct domain_node {
    struct map_node node;
    char name[STORE_DOMAIN_MAX + 1];
};

/* What a call wants of a user, in its own length. */
struct profile {
    bool enabled;
    uint16_t key_n, policy_n;
    char data[]; /* key: "user@domain"; domain, name, display, each with its NUL; the policy */
};

/* A name that the store does not know. Without these a refusal would take longer for it than for a
 * user with a wrong password, by the time of a query: enough to tell, with some patience. */
struct absent {
    struct map_node node;
    char key[];
};

struct directory {
    struct loop *loop;
    struct store *store;
    struct table users;
    struct table profiles;
    struct map absent;
    struct map domains;
    char default_domain[STORE_DOMAIN_MAX + 1];
    char host[256]; /* this machine's name */
    uint32_t version;
    bool loaded;
    bool quirks_loaded;
    struct quirk_table quirks;
    struct loop_timer timer;
};

static void on_check(void *arg);

static struct slice key_of(const void *user)
{
    return directory_user_key(user).s;
}

static struct slice profile_key(const void *profile)
{
    const struct profile *p = profile;
    return slice_from(p->data, p->key_n);
}

int directory_new(struct loop *l, struct store *s, struct directory **ret)
{
    struct directory *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->loop = l;
    d->store = s;
    loop_timer_init(&d->timer, on_check, d);
    if (table_init(&d->users, 1024, key_of) < 0 || table_init(&d->profiles, 256, profile_key) < 0 ||
        map_init(&d->absent, 256) < 0 || map_init(&d->domains, 16) < 0) {
        directory_free(d);
        return -ENOMEM;
    }
    if (gethostname(d->host, sizeof(d->host) - 1) < 0)
        d->host[0] = '\0';
    loop_timer_set(l, &d->timer, DIRECTORY_CHECK_MS);
    *ret = d;
    return 0;
}

static void users_forget(struct directory *d)
{
    TABLE_FOR_EACH(struct directory_user, u, &d->users)
    {
        secret_wipe(u, sizeof(*u) + u->key_n);
        free(u);
    }
    table_clear(&d->users);
}

static void profiles_forget(struct directory *d)
{
    TABLE_FOR_EACH(struct profile, p, &d->profiles)
    {
        free(p);
    }
    table_clear(&d->profiles);
}

static void absent_forget(struct directory *d)
{
    MAP_FOR_EACH(n, &d->absent)
    {
        map_remove(&d->absent, n);
        free(CONTAINER_OF(n, struct absent, node));
    }
}

static void domains_forget(struct directory *d)
{
    MAP_FOR_EACH(n, &d->domains)
    {
        map_remove(&d->domains, n);
        free(CONTAINER_OF(n, struct domain_node, node));
    }
    d->loaded = false;
}

void directory_changed(struct directory *d)
{
    users_forget(d);
    profiles_forget(d);
    absent_forget(d);
    domains_forget(d);
    d->quirks_loaded = false;
}

const struct quirk *directory_quirk(struct directory *d, struct slice agent)
{
    if (!d->quirks_loaded) {
        int r = quirk_table_load(&d->quirks, d->store);
        d->quirks_loaded = r == 0;
        if (r < 0)
            log_event(LOG_WARN, "quirks_not_read", LOG_STR("reason", store_error(d->store)));
    }
    return quirk_find(&d->quirks, agent);
}

struct directory *directory_free(struct directory *d)
{
    if (d) {
        directory_changed(d);
        loop_timer_cancel(d->loop, &d->timer);
        table_fini(&d->users);
        table_fini(&d->profiles);
        map_fini(&d->absent);
        map_fini(&d->domains);
        free(d);
    }
    return NULL;
}

static void on_check(void *arg)
{
    struct directory *d = arg;
    uint32_t version = 0;
    if (store_data_version(d->store, &version) == 0 && version != d->version) {
        d->version = version;
        directory_changed(d);
    }
    loop_timer_set(d->loop, &d->timer, DIRECTORY_CHECK_MS);
}

static int on_domain(void *arg, const struct store_domain *s)
{
    struct directory *d = arg;
    struct domain_node *n = malloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    memcpy(n->name, s->name, sizeof(n->name));
    map_put(&d->domains, &n->node, slice_from_str(n->name));
    if (s->is_default)
        memcpy(d->default_domain, s->name, sizeof(d->default_domain));
    return 0;
}

static void load_domains(struct directory *d)
{
    if (d->loaded)
        return;
    d->default_domain[0] = '\0';
    int r = store_domain_each(d->store, on_domain, d);
    if (r < 0) {
        log_event(LOG_ERROR, "store_failed", LOG_ERRNO(r),
                  LOG_STR("reason", store_error(d->store)));
        return;
    }
    d->loaded = true;
}

struct slice directory_default_domain(struct directory *d)
{
    load_domains(d);
    return slice_from_str(d->default_domain);
}

bool directory_domain(struct directory *d, struct slice host, struct slice *ret_domain)
{
    char lower[STORE_DOMAIN_MAX + 1];
    struct addr a;
    load_domains(d);
    if (host.n == 0 || host.n > STORE_DOMAIN_MAX)
        return false;
    if (host.p[host.n - 1] == '.') /* an absolute name */
        host.n--;
    for (size_t i = 0; i < host.n; i++)
        lower[i] = slice_lower(host.p[i]);
    struct map_node *n = map_find(&d->domains, slice_from(lower, host.n));
    if (n) {
        *ret_domain = n->key;
        return true;
    }
    bool own = addr_parse(host, 0, &a) == 0 || slice_eq_nocase_str(host, "localhost") ||
               slice_eq_nocase_str(host, d->host);
    if (own)
        *ret_domain = slice_from_str(d->default_domain);
    return own && d->default_domain[0];
}

static void absent_keep(struct directory *d, struct slice key)
{
    struct absent *a = malloc(sizeof(*a) + key.n);
    if (!a)
        return; /* asked for again, then */
    if (d->absent.count >= DIRECTORY_ABSENT_MAX)
        absent_forget(d);
    memcpy(a->key, key.p, key.n);
    map_put(&d->absent, &a->node, slice_from(a->key, key.n));
}

static int user_fetch(struct directory *d, struct slice key, struct slice name, struct slice domain,
                      struct store_user *ret)
{
    if (map_find(&d->absent, key))
        return -ENOENT;
    int r = store_user_find(d->store, domain, name, ret);
    if (r == STORE_OK)
        return 0;
    if (r == STORE_NONE)
        absent_keep(d, key);
    if (r < 0)
        log_event(LOG_ERROR, "store_failed", LOG_ERRNO(r),
                  LOG_STR("reason", store_error(d->store)));
    return -ENOENT;
}

static struct directory_user *user_make(const struct store_user *s, const struct table_key *key)
{
    struct directory_user *u = calloc(1, sizeof(*u) + key->s.n);
    if (!u)
        return NULL;
    u->enabled = s->enabled;
    u->transports = s->policy.transports;
    u->max_contacts = s->max_contacts ? s->max_contacts : STORE_CONTACTS_DEFAULT;
    u->has_md5 = s->ha1_md5.n == sizeof(u->md5);
    u->has_sha256 = s->ha1_sha256.n == sizeof(u->sha256);
    memcpy(u->md5, s->ha1_md5.b, sizeof(u->md5));
    memcpy(u->sha256, s->ha1_sha256.b, sizeof(u->sha256));
    u->hash = key->hash;
    u->key_n = (uint16_t)key->s.n;
    memcpy(u->key, key->s.p, key->s.n);
    return u;
}

static struct directory_user *user_load(struct directory *d, const struct table_key *key,
                                        struct slice name, struct slice domain)
{
    struct store_user s;
    if (user_fetch(d, key->s, name, domain, &s) < 0)
        return NULL;
    if (d->users.count >= DIRECTORY_USERS_MAX)
        users_forget(d); /* simple, rare, and right: those in use come back one by one */
    struct directory_user *u = user_make(&s, key);
    if (u && table_put(&d->users, key, u) < 0) {
        secret_wipe(u, sizeof(*u));
        free(u);
        u = NULL;
    }
    store_user_fini(&s);
    return u;
}

/* Room for "user@domain". */
struct key_text {
    char p[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2];
};

/* Empty: too long, or no name. */
static struct slice make_key(struct key_text *mem, struct slice name, struct slice domain)
{
    struct buf key = buf_over(mem->p, sizeof(mem->p));
    buf_put_slice(&key, name);
    buf_put_char(&key, '@');
    buf_put_slice(&key, domain);
    return key.overflow || name.n == 0 ? SLICE_NONE : buf_slice(&key);
}

const struct directory_user *directory_user(struct directory *d, struct slice name,
                                            struct slice domain)
{
    struct key_text mem;
    struct slice key = make_key(&mem, name, domain);
    if (!key.n)
        return NULL;
    struct table_key k = table_key(key);
    struct directory_user *u = table_find(&d->users, &k);
    return u ? u : user_load(d, &k, name, domain);
}

uint64_t directory_ahead(const struct directory *d, struct slice name, struct slice domain)
{
    struct key_text mem;
    struct slice key = make_key(&mem, name, domain);
    if (!key.n)
        return 0;
    uint64_t hash = table_key(key).hash;
    table_prefetch(&d->users, hash);
    return hash;
}

void directory_ahead_again(const struct directory *d, uint64_t hash)
{
    const struct directory_user *u = table_guess(&d->users, hash);
    if (!u)
        return;
    __builtin_prefetch(u);
    __builtin_prefetch(u->key);
}

static struct profile *profile_make(struct slice key, const struct store_user *u)
{
    size_t policy_n = store_policy_size(&u->policy);
    size_t n = key.n + strlen(u->domain) + strlen(u->name) + strlen(u->display) + 3 + policy_n;
    struct profile *p = malloc(sizeof(*p) + n);
    if (!p)
        return NULL;
    *p = (struct profile){
        .enabled = u->enabled, .key_n = (uint16_t)key.n, .policy_n = (uint16_t)policy_n};
    struct buf b = buf_over(p->data, n);
    buf_put_slice(&b, key);
    buf_put(&b, u->domain, strlen(u->domain) + 1);
    buf_put(&b, u->name, strlen(u->name) + 1);
    buf_put(&b, u->display, strlen(u->display) + 1);
    buf_put(&b, &u->policy, policy_n);
    return p;
}

static void profile_read(const struct profile *p, struct store_user *ret)
{
    const char *domain = p->data + p->key_n, *name = domain + strlen(domain) + 1;
    const char *display = name + strlen(name) + 1, *policy = display + strlen(display) + 1;
    *ret = (struct store_user){.enabled = p->enabled};
    memcpy(ret->domain, domain, (size_t)(name - domain));
    memcpy(ret->name, name, (size_t)(display - name));
    memcpy(ret->display, display, (size_t)(policy - display));
    memcpy(&ret->policy, policy, p->policy_n);
}

static void profile_keep(struct directory *d, const struct table_key *key,
                         const struct store_user *u)
{
    if (d->profiles.count >= DIRECTORY_PROFILES_MAX)
        profiles_forget(d);
    struct profile *p = profile_make(key->s, u);
    if (p && table_put(&d->profiles, key, p) < 0)
        free(p); /* asked for again, then */
}

int directory_find(struct directory *d, struct slice name, struct slice domain,
                   struct store_user *ret)
{
    struct key_text mem;
    struct slice key = make_key(&mem, name, domain);
    if (!key.n)
        return -ENOENT;
    struct table_key k = table_key(key);
    const struct profile *p = table_find(&d->profiles, &k);
    if (p) {
        profile_read(p, ret);
        return 0;
    }
    int r = user_fetch(d, key, name, domain, ret);
    if (r < 0)
        return r;
    store_user_fini(ret); /* wipes the secrets, and only them */
    profile_keep(d, &k, ret);
    return 0;
}
