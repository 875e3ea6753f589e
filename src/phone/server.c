#include "phone/server.h"

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "keying/mikey.h"
#include "store/store.h"

#define CONF_MAX 65536u
#define DATA_DEFAULT "/var/lib/sotto"

static int say(char *why, size_t cap, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int say(char *why, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, cap, fmt, ap);
    va_end(ap);
    return -1;
}

/* --- the server on this machine --------------------------------------------------------------- */

static uint16_t default_port(enum transport_kind k)
{
    static const uint16_t ports[TRANSPORT_KIND_COUNT] = {
        [TRANSPORT_UDP] = 5060, [TRANSPORT_TCP] = 5060, [TRANSPORT_TLS] = 5061,
        [TRANSPORT_WS] = 8080,  [TRANSPORT_WSS] = 8443,
    };
    return ports[k];
}

int phone_listen_parse(struct slice s, enum transport_kind *ret_kind, struct addr *ret_addr)
{
    struct slice rest = slice_trim(s), kind = slice_cut(&rest, ':');
    enum transport_kind k;

    if (transport_kind_parse(kind, &k) < 0)
        return -EINVAL;
    int r = addr_parse_hostport(rest, default_port(k), ret_addr);
    if (r == 0)
        *ret_kind = k;
    return r;
}

/* A wildcard is reached over loopback. */
static void to_loopback(struct addr *a)
{
    if (!addr_is_any(a))
        return;
    uint16_t port = addr_port(a);
    err_ignore(addr_parse(SLICE_LIT("127.0.0.1"), port, a)); /* a constant that parses */
}

/* How well a listener suits: the transport asked for, else the protected one, else any. */
static int suits(enum transport_kind k, enum transport_kind wanted)
{
    static const int ranks[TRANSPORT_KIND_COUNT] = {[TRANSPORT_TLS] = 3,
                                                    [TRANSPORT_TCP] = 2,
                                                    [TRANSPORT_UDP] = 2,
                                                    [TRANSPORT_WSS] = 1,
                                                    [TRANSPORT_WS] = 1};
    if (wanted != TRANSPORT_KIND_COUNT)
        return k == wanted ? 1 : 0;
    return ranks[k];
}

struct search {
    enum transport_kind wanted;
    int best;
    bool has_sip, has_web; /* the file says where */
    enum transport_kind kind;
    struct addr addr;
};

static void consider(struct search *s, enum transport_kind kind, const struct addr *a)
{
    if (suits(kind, s->wanted) <= s->best)
        return;
    s->best = suits(kind, s->wanted);
    s->kind = kind;
    s->addr = *a;
    to_loopback(&s->addr);
}

/* The value of a `listen`, of [sip] or of [web]. */
static void consider_list(struct search *s, bool is_web, struct slice list)
{
    while (list.n) {
        struct slice item = slice_trim(slice_cut(&list, ','));
        enum transport_kind k = TRANSPORT_WSS;
        struct addr a;
        bool none = is_web && slice_eq_nocase_str(item, "none");
        int r = is_web ? addr_parse_hostport(item, default_port(k), &a)
                       : phone_listen_parse(item, &k, &a);
        if (r == 0)
            consider(s, k, &a);
        s->has_web = s->has_web || (is_web && (r == 0 || none));
        s->has_sip = s->has_sip || (!is_web && r == 0);
    }
}

static void consider_default(struct search *s, enum transport_kind kind)
{
    struct addr a;

    if (addr_parse(SLICE_LIT("127.0.0.1"), default_port(kind), &a) == 0)
        consider(s, kind, &a);
}

bool phone_local_listener(struct slice conf, enum transport_kind wanted,
                          enum transport_kind *ret_kind, struct addr *ret_addr)
{
    struct search s = {.wanted = wanted};
    bool in_sip = false, in_web = false;

    while (conf.n) {
        struct slice line = slice_trim(slice_cut(&conf, '\n'));
        if (line.n && line.p[0] == '[') {
            in_sip = slice_starts_with(line, SLICE_LIT("[sip]"));
            in_web = slice_starts_with(line, SLICE_LIT("[web]"));
            continue;
        }
        struct slice key = slice_trim(slice_cut(&line, '='));
        if ((in_sip || in_web) && slice_eq(key, SLICE_LIT("listen")))
            consider_list(&s, in_web, line);
    }
    if (!s.has_sip)
        consider_default(&s, TRANSPORT_TLS);
    if (!s.has_web)
        consider_default(&s, TRANSPORT_WSS);
    if (s.best == 0)
        return false;
    *ret_kind = s.kind;
    *ret_addr = s.addr;
    return true;
}

static void data_find(const struct phone_options *opt, char *dst)
{
    const char *env = getenv("SOTTO_DATA");
    const char *data = opt->data ? opt->data : env && *env ? env : NULL;

    if (!data)
        data = access("data/sotto.db", F_OK) == 0 ? "data" : DATA_DEFAULT;
    snprintf(dst, PHONE_PATH_MAX, "%s", data);
}

static int local_find(struct phone_server *s, enum transport_kind wanted, char *why, size_t cap)
{
    static char conf[CONF_MAX];
    char path[PHONE_PATH_MAX + 16], ca[PHONE_PATH_MAX + 16];

    if (access(s->data, F_OK) < 0)
        return say(why, cap,
                   "there is no server's data folder at %s; name it with -d DATA, or a server with "
                   "--server HOST",
                   s->data);
    snprintf(path, sizeof(path), "%s/sotto.conf", s->data);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(conf, 1, sizeof(conf), f) : 0;
    if (f)
        (void)fclose(f); /* only read from */
    if (!phone_local_listener(slice_from(conf, n), wanted, &s->kind, &s->addr))
        return say(why, cap, "%s has no listener for the transport %s", path,
                   transport_kind_name(wanted));
    struct buf b = buf_over(s->name, sizeof(s->name) - 1);
    addr_put_host(&b, &s->addr);
    s->name[b.n] = '\0';
    snprintf(ca, sizeof(ca), "%s/tls/ca.crt", s->data);
    if (access(ca, R_OK) == 0 && !slice_to_str(slice_from_str(ca), s->ca, sizeof(s->ca)))
        return say(why, cap, "the name of the data folder is too long: %s", s->data);
    return 0;
}

/* --- a named server --------------------------------------------------------------------------- */

static int resolve(const char *host, uint16_t port, struct addr *ret, char *why, size_t cap)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    int e = getaddrinfo(host, NULL, &hints, &found);

    if (e != 0 || !found || found->ai_addrlen > sizeof(*ret))
        return say(why, cap, "no address was found for %s (%s)", host, gai_strerror(e));
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    addr_set_port(ret, port);
    return 0;
}

static int named_find(const char *server, struct phone_server *s, char *why, size_t cap)
{
    uint16_t port = default_port(s->kind);
    struct slice text = slice_from_str(server);
    uint32_t given = 0;

    if (addr_parse_hostport(text, port, &s->addr) == 0) {
        struct buf b = buf_over(s->name, sizeof(s->name) - 1);
        addr_put_host(&b, &s->addr);
        s->name[b.n] = '\0';
        return 0;
    }
    struct slice rest = text;
    struct slice host = slice_cut(&rest, ':');
    if (rest.n && (slice_to_u32(rest, &given) < 0 || given == 0 || given > 65535))
        return say(why, cap, "--server is HOST[:PORT], not %s", server);
    if (!host.n || !slice_to_str(host, s->name, sizeof(s->name)))
        return say(why, cap, "--server is HOST[:PORT], not %s", server);
    return resolve(s->name, given ? (uint16_t)given : port, &s->addr, why, cap);
}

int phone_server_find(const struct phone_options *opt, struct phone_server *ret, char *why,
                      size_t cap)
{
    struct phone_server s = {.kind = TRANSPORT_TLS};
    int r;

    if (opt->transport && transport_kind_parse(slice_from_str(opt->transport), &s.kind) < 0)
        return say(why, cap, "--transport is udp, tcp, tls, ws or wss, not %s", opt->transport);
    enum transport_kind wanted = opt->transport ? s.kind : TRANSPORT_KIND_COUNT;
    if (opt->server) {
        r = named_find(opt->server, &s, why, cap);
    } else {
        data_find(opt, s.data);
        r = local_find(&s, wanted, why, cap);
    }
    if (r < 0)
        return r;
    if (opt->ca)
        snprintf(s.ca, sizeof(s.ca), "%s", opt->ca);
    if (opt->server_name)
        snprintf(s.name, sizeof(s.name), "%s", opt->server_name);
    if (opt->insecure)
        s.name[0] = '\0';
    if (opt->data && !s.data[0])
        snprintf(s.data, sizeof(s.data), "%s", opt->data);
    *ret = s;
    return 0;
}

/* --- who we are ------------------------------------------------------------------------------- */

static int read_password(const struct phone_options *opt, struct phone_auth *a, char *why,
                         size_t cap)
{
    const char *env = getenv("SOTTO_PASSWORD");
    char line[PHONE_PASSWORD_MAX + 2];

    if (!opt->password_stdin) {
        if (!env)
            return 0;
        a->has_password = slice_to_str(slice_from_str(env), a->password, sizeof(a->password));
        return a->has_password ? 0 : say(why, cap, "SOTTO_PASSWORD is too long");
    }
    if (!fgets(line, sizeof(line), stdin))
        return say(why, cap, "--password-stdin: standard input holds no password");
    struct slice s = slice_from_str(line);
    s = slice_take(s, slice_find_char(s, '\n'));
    a->has_password = slice_to_str(s, a->password, sizeof(a->password));
    secret_wipe(line, sizeof(line));
    return a->has_password ? 0 : say(why, cap, "--password-stdin: the password is too long");
}

static int take_psk(FILE *f, const char *option, struct phone_auth *a, char *why, size_t cap)
{
    char line[SECRET_CAP * 2];
    struct secret k = {0};
    bool ok = fgets(line, sizeof(line), f) &&
              crypto_base64_get(slice_trim(slice_from_str(line)), k.b, sizeof(k.b), &k.n) == 0 &&
              k.n >= MIKEY_PSK_MIN;

    if (ok)
        a->mikey_psk = k;
    secret_wipe(line, sizeof(line));
    secret_fini(&k);
    return ok ? 0
              : say(why, cap, "%s: no key of %d to %d bytes in base64 there", option, MIKEY_PSK_MIN,
                    SECRET_CAP);
}

static int read_psk(const struct phone_options *opt, struct phone_auth *a, char *why, size_t cap)
{
    if (opt->mikey_psk_stdin)
        return take_psk(stdin, "--mikey-psk-stdin", a, why, cap);
    if (!opt->mikey_psk_file)
        return 0;
    FILE *f = fopen(opt->mikey_psk_file, "re");
    if (!f)
        return say(why, cap, "--mikey-psk-file: %s cannot be read: %s", opt->mikey_psk_file,
                   strerror(errno));
    int r = take_psk(f, "--mikey-psk-file", a, why, cap);
    (void)fclose(f); /* nothing was written */
    return r;
}

/* What the store of a server on this machine knows: the domain of a user named without one, and
 * the HA1 where there is no password. Only the owner of the folder can read it; for others this
 * is no error, the server will say what it misses. */
static void ask_store(const struct phone_server *server, const char *user, char *domain,
                      struct phone_auth *auth)
{
    char path[PHONE_PATH_MAX + 16], err[STORE_ERROR_MAX];
    struct store *st = NULL;
    struct store_user u;

    snprintf(path, sizeof(path), "%s/sotto.db", server->data);
    if (!server->data[0] || access(path, R_OK | W_OK) < 0 ||
        store_open_data(server->data, err, &st) != 0)
        return;
    if (store_user_find(st, slice_from_str(domain), slice_from_str(user), &u) == STORE_OK) {
        if (!domain[0])
            snprintf(domain, PHONE_DOMAIN_MAX, "%s", u.domain);
        if (!auth->has_password)
            err_ignore(phone_auth_set_ha1(auth, &u.ha1_sha256, &u.ha1_md5)); /* as if not there */
        if (!auth->mikey_psk.n)
            auth->mikey_psk = u.mikey_psk;
        store_user_fini(&u);
    } else if (!domain[0]) {
        struct store_domain d;
        if (store_domain_default(st, &d) == STORE_OK)
            snprintf(domain, PHONE_DOMAIN_MAX, "%s", d.name);
    }
    store_close(st);
}

int phone_identity_find(const struct phone_options *opt, const struct phone_server *server,
                        char *user, char *domain, struct phone_auth *auth, char *why, size_t cap)
{
    struct slice rest = slice_from_str(opt->as);

    if (slice_starts_with_nocase(rest, SLICE_LIT("sip:")))
        rest = slice_skip(rest, 4);
    struct slice name = slice_cut(&rest, '@');
    if (!name.n || !slice_to_str(name, user, PHONE_USER_MAX) ||
        !slice_to_str(rest, domain, PHONE_DOMAIN_MAX) || strpbrk(domain, "<>@ \r\n\""))
        return say(why, cap, "--as is NUMBER[@DOMAIN], not %s", opt->as);
    snprintf(auth->username, sizeof(auth->username), "%s", opt->auth_user ? opt->auth_user : user);
    if (read_password(opt, auth, why, cap) < 0 || read_psk(opt, auth, why, cap) < 0)
        return -1;
    ask_store(server, user, domain, auth);
    if (!domain[0] && server->name[0] && !strchr(server->name, ':'))
        snprintf(domain, PHONE_DOMAIN_MAX, "%s", server->name);
    if (!domain[0]) {
        struct buf b = buf_over(domain, PHONE_DOMAIN_MAX - 1);
        addr_put_uri_host(&b, &server->addr);
        domain[b.n] = '\0';
    }
    return 0;
}
