#include "app/config_type.h"

#include <net/if.h>

#include "media/role.h"

/* Words are few; a list of them is at most all of them. */
#define WORDS_MAX 64

static int word_index(const struct config_key *k, struct slice v, uint32_t *ret)
{
    const char *name;
    for (uint32_t i = 0; i < WORDS_MAX && (name = k->value_name(i)); i++) {
        if (*name && slice_eq_nocase_str(v, name)) {
            *ret = i;
            return 0;
        }
    }
    return -EINVAL;
}

static void put_words(const struct config_key *k, struct buf *b)
{
    const char *name, *sep = "";
    for (uint32_t i = 0; i < WORDS_MAX && (name = k->value_name(i)); i++) {
        if (!*name) /* an index that nobody may choose */
            continue;
        buf_printf(b, "%s%s", sep, name);
        sep = ", ";
    }
}

/* --- number --- */

static int number_parse(const struct config_key *k, struct slice v, void *field)
{
    uint32_t n;
    if (slice_to_u32(v, &n) < 0 || n < k->min || n > k->max)
        return -EINVAL;
    memcpy(field, &n, sizeof(n));
    return 0;
}

static void number_put(const struct config_key *k, struct buf *b, const void *field)
{
    (void)k;
    buf_put_u64(b, *(const uint32_t *)field);
}

static void number_allowed(const struct config_key *k, struct buf *b)
{
    buf_printf(b, "%u to %u", k->min, k->max);
}

const struct config_type config_type_number = {number_parse, number_put, number_allowed, false};

static int auto_parse(const struct config_key *k, struct slice v, void *field)
{
    const uint32_t none = 0;
    if (!slice_eq_nocase_str(v, "auto"))
        return number_parse(k, v, field);
    memcpy(field, &none, sizeof(none));
    return 0;
}

static void auto_put(const struct config_key *k, struct buf *b, const void *field)
{
    if (*(const uint32_t *)field)
        number_put(k, b, field);
    else
        BUF_PUT_LIT(b, "auto");
}

static void auto_allowed(const struct config_key *k, struct buf *b)
{
    BUF_PUT_LIT(b, "auto, or ");
    number_allowed(k, b);
}

const struct config_type config_type_auto = {auto_parse, auto_put, auto_allowed, false};

/* --- duration --- */

static const struct {
    char unit;
    uint32_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

static int duration_parse(const struct config_key *k, struct slice v, void *field)
{
    uint32_t n = 0, unit = 1;
    if (k->min > 0 || !slice_eq_nocase_str(v, "none")) {
        for (size_t i = 0; v.n && i < ARRAY_LEN(units); i++) {
            if (v.p[v.n - 1] == units[i].unit) {
                unit = units[i].seconds;
                v.n--;
            }
        }
        if (slice_to_u32(v, &n) < 0 || n > k->max / unit || n * unit < k->min)
            return -EINVAL;
        n *= unit;
    }
    memcpy(field, &n, sizeof(n));
    return 0;
}

static void put_duration(struct buf *b, uint32_t n)
{
    size_t i = 0;
    while (units[i].seconds > 1 && (n % units[i].seconds || n == 0))
        i++;
    buf_printf(b, "%u%c", n / units[i].seconds, units[i].unit);
}

static void duration_put(const struct config_key *k, struct buf *b, const void *field)
{
    uint32_t n = *(const uint32_t *)field;
    if (n == 0 && k->min == 0)
        BUF_PUT_LIT(b, "none");
    else
        put_duration(b, n);
}

static void duration_allowed(const struct config_key *k, struct buf *b)
{
    if (k->min == 0) {
        BUF_PUT_LIT(b, "none, or up to ");
    } else {
        put_duration(b, k->min);
        BUF_PUT_LIT(b, " to ");
    }
    put_duration(b, k->max);
    BUF_PUT_LIT(b, " (seconds, or a number with s, m, h or d)");
}

const struct config_type config_type_duration = {duration_parse, duration_put, duration_allowed,
                                                 false};

/* --- words --- */

static int word_parse(const struct config_key *k, struct slice v, void *field)
{
    uint32_t i;
    if (word_index(k, v, &i) < 0)
        return -EINVAL;
    memcpy(field, &i, sizeof(i));
    return 0;
}

static void word_put(const struct config_key *k, struct buf *b, const void *field)
{
    buf_put_str(b, k->value_name(*(const uint32_t *)field));
}

static void word_allowed(const struct config_key *k, struct buf *b)
{
    BUF_PUT_LIT(b, "one of ");
    put_words(k, b);
}

const struct config_type config_type_word = {word_parse, word_put, word_allowed, false};

/* --- texts --- */

static void text_put(const struct config_key *k, struct buf *b, const void *field)
{
    (void)k;
    buf_put_str(b, field);
}

static bool is_host(struct slice v)
{
    struct addr a;
    if (addr_parse(v, 0, &a) == 0)
        return true;
    for (size_t i = 0; i < v.n; i++) {
        char c = slice_lower(v.p[i]);
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool edge = i == 0 || i + 1 == v.n;
        if (!letter && (edge || (c != '-' && c != '.') || (c == '.' && v.p[i - 1] == '.')))
            return false;
    }
    return v.n > 0;
}

static int host_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    char text[CONFIG_HOST_MAX] = "";
    if (v.n && (!is_host(v) || !slice_to_str(v, text, sizeof(text))))
        return -EINVAL;
    memcpy(field, text, sizeof(text));
    return 0;
}

static void host_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    BUF_PUT_LIT(b, "a host name or an address, or empty");
}

const struct config_type config_type_host = {host_parse, text_put, host_allowed, false};

static int path_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    char text[CONFIG_PATH_MAX];
    if (v.n == 0 || !slice_to_str(v, text, sizeof(text)))
        return -EINVAL;
    memset(field, 0, sizeof(text)); /* what lies behind the text travels too */
    memcpy(field, text, v.n);
    return 0;
}

static void path_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    BUF_PUT_LIT(b, "a path");
}

const struct config_type config_type_path = {path_parse, text_put, path_allowed, false};

static int account_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    char text[CONFIG_USER_MAX] = "";
    if (v.n && !slice_to_str(v, text, sizeof(text)))
        return -EINVAL;
    memcpy(field, text, sizeof(text));
    return 0;
}

static void account_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    buf_printf(b, "an account's name of at most %d letters, or empty", CONFIG_USER_MAX - 1);
}

const struct config_type config_type_account = {account_parse, text_put, account_allowed, false};

/* "https://phone.example.org:8443": no path, because an Origin has none. */
static bool is_origin(struct slice v)
{
    uint32_t port = 1;
    struct slice rest;
    if (slice_starts_with_nocase(v, SLICE_LIT("https://")))
        rest = slice_skip(v, 8);
    else if (slice_starts_with_nocase(v, SLICE_LIT("http://")))
        rest = slice_skip(v, 7);
    else
        return false;
    size_t colon = rest.n; /* an IPv6 address has colons of its own */
    while (colon > 0 && rest.p[colon - 1] >= '0' && rest.p[colon - 1] <= '9')
        colon--;
    if (colon > 0 && colon < rest.n && rest.p[colon - 1] == ':') {
        if (slice_to_u32(slice_skip(rest, colon), &port) < 0 || port == 0 || port > 65535)
            return false;
        rest = slice_take(rest, colon - 1);
    }
    return is_host(rest);
}

static int origins_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    char text[CONFIG_ORIGINS_MAX] = "";
    if (!slice_to_str(v, text, sizeof(text)))
        return -EINVAL;
    for (struct slice rest = v; rest.n;) {
        if (!is_origin(slice_trim(slice_cut(&rest, ','))))
            return -EINVAL;
    }
    memcpy(field, text, sizeof(text));
    return 0;
}

static void origins_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    BUF_PUT_LIT(b, "a list of https://HOST or https://HOST:PORT, or empty");
}

const struct config_type config_type_origins = {origins_parse, text_put, origins_allowed, true};

static bool is_interface(struct slice v)
{
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] <= ' ' || v.p[i] > '~' || v.p[i] == '/' || v.p[i] == ':')
            return false;
    }
    return v.n > 0 && v.n < IF_NAMESIZE;
}

static int interfaces_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    char text[CONFIG_INTERFACES_MAX] = "";
    size_t n = 0;
    if (!slice_to_str(v, text, sizeof(text)))
        return -EINVAL;
    for (struct slice rest = v; rest.n; n++) {
        if (!is_interface(slice_trim(slice_cut(&rest, ','))))
            return -EINVAL;
    }
    if (n > MEDIA_XDP_INTERFACES_MAX)
        return -EINVAL;
    memcpy(field, text, sizeof(text));
    return 0;
}

static void interfaces_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    buf_printf(b, "names of at most %u network interfaces, or empty", MEDIA_XDP_INTERFACES_MAX);
}

const struct config_type config_type_interfaces = {interfaces_parse, text_put, interfaces_allowed,
                                                   true};

/* What fits a field of HTTP (RFC 6750 s.2.1), and cannot be guessed. */
static int token_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    char text[CONFIG_TOKEN_MAX] = "";
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] <= ' ' || v.p[i] > '~')
            return -EINVAL;
    }
    if (v.n && (v.n < 16 || !slice_to_str(v, text, sizeof(text))))
        return -EINVAL;
    memcpy(field, text, sizeof(text));
    return 0;
}

static void token_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    buf_printf(b, "16 to %d signs without blanks, or empty", CONFIG_TOKEN_MAX - 1);
}

const struct config_type config_type_token = {token_parse, text_put, token_allowed, false};

/* --- ports and addresses --- */

static int ports_parse(const struct config_key *k, struct slice v, void *field)
{
    struct config_ports p;
    struct slice low = slice_trim(slice_cut(&v, '-'));
    if (slice_to_u32(low, &p.min) < 0 || slice_to_u32(slice_trim(v), &p.max) < 0)
        return -EINVAL;
    /* An RTP port is even and has its RTCP port above it. */
    if (p.min < k->min || p.max > k->max || p.min >= p.max)
        return -EINVAL;
    memcpy(field, &p, sizeof(p));
    return 0;
}

static void ports_put(const struct config_key *k, struct buf *b, const void *field)
{
    (void)k;
    const struct config_ports *p = field;
    buf_printf(b, "%u-%u", p->min, p->max);
}

static void ports_allowed(const struct config_key *k, struct buf *b)
{
    buf_printf(b, "LOW-HIGH within %u to %u", k->min, k->max);
}

const struct config_type config_type_ports = {ports_parse, ports_put, ports_allowed, false};

static int addrs_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    struct config_addrs out = {0};
    while (v.n) {
        struct addr a;
        if (addr_parse(slice_trim(slice_cut(&v, ',')), 0, &a) < 0 || addr_is_any(&a))
            return -EINVAL;
        struct addr *at = addr_family(&a) == AF_INET ? &out.v4 : &out.v6;
        if (addr_family(at))
            return -EINVAL; /* two of one family */
        *at = a;
    }
    memcpy(field, &out, sizeof(out));
    return 0;
}

static void addrs_put(const struct config_key *k, struct buf *b, const void *field)
{
    (void)k;
    const struct config_addrs *a = field;
    if (addr_family(&a->v4))
        addr_put_host(b, &a->v4);
    if (addr_family(&a->v4) && addr_family(&a->v6))
        BUF_PUT_LIT(b, ", ");
    if (addr_family(&a->v6))
        addr_put_host(b, &a->v6);
}

static void addrs_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    BUF_PUT_LIT(b, "an IPv4 address, an IPv6 address, one of each, or empty");
}

const struct config_type config_type_addrs = {addrs_parse, addrs_put, addrs_allowed, true};

/* --- listeners --- */

static const char *const kind_names[] = {
    [TRANSPORT_UDP] = "udp", [TRANSPORT_TCP] = "tcp", [TRANSPORT_TLS] = "tls",
    [TRANSPORT_WS] = "ws",   [TRANSPORT_WSS] = "wss",
};
static const uint16_t kind_ports[] = {
    [TRANSPORT_UDP] = 5060, [TRANSPORT_TCP] = 5060, [TRANSPORT_TLS] = 5061,
    [TRANSPORT_WS] = 8080,  [TRANSPORT_WSS] = 8443,
};

const char *config_listen_kind_name(uint32_t i)
{
    return i < ARRAY_LEN(kind_names) ? kind_names[i] : NULL;
}

/* "tls:[::]:5061"; where `with_kind` is false, "[::]:8443". */
static int listen_parse(struct slice v, bool with_kind, struct config_listen *ret)
{
    uint32_t kind = TRANSPORT_WSS;
    if (with_kind) {
        struct slice word = slice_trim(slice_cut(&v, ':'));
        for (kind = 0; kind < ARRAY_LEN(kind_names); kind++) {
            if (slice_eq_nocase_str(word, kind_names[kind]))
                break;
        }
        if (kind == ARRAY_LEN(kind_names))
            return -EINVAL;
    }
    struct config_listen l = {.kind = (uint8_t)kind};
    int r = addr_parse_hostport(slice_trim(v), kind_ports[kind], &l.addr);
    if (r == 0)
        *ret = l;
    return r;
}

static int listeners_read(struct slice v, bool with_kind, void *field)
{
    struct config_listeners out = {0};
    uint32_t max = with_kind ? CONFIG_LISTEN_MAX : CONFIG_WEB_LISTEN_MAX;
    do {
        if (out.count == max ||
            listen_parse(slice_trim(slice_cut(&v, ',')), with_kind, &out.at[out.count]) < 0)
            return -EINVAL;
        out.count++;
    } while (v.n);
    memcpy(field, &out, sizeof(out));
    return 0;
}

static int listeners_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    return listeners_read(v, true, field);
}

static int web_listeners_parse(const struct config_key *k, struct slice v, void *field)
{
    (void)k;
    if (!slice_eq_nocase_str(v, "none"))
        return listeners_read(v, false, field);
    memset(field, 0, sizeof(struct config_listeners));
    return 0;
}

static void listeners_write(struct buf *b, const struct config_listeners *l, bool with_kind)
{
    if (l->count == 0)
        BUF_PUT_LIT(b, "none");
    for (uint32_t i = 0; i < l->count; i++) {
        if (i)
            BUF_PUT_LIT(b, ", ");
        if (with_kind)
            buf_printf(b, "%s:", kind_names[l->at[i].kind]);
        addr_put(b, &l->at[i].addr);
    }
}

static void listeners_put(const struct config_key *k, struct buf *b, const void *field)
{
    (void)k;
    listeners_write(b, field, true);
}

static void web_listeners_put(const struct config_key *k, struct buf *b, const void *field)
{
    (void)k;
    listeners_write(b, field, false);
}

static void listeners_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    buf_printf(b,
               "at most %d of KIND:ADDRESS:PORT; KIND is udp, tcp, tls, ws or wss; 0.0.0.0 and "
               "[::] are every address",
               CONFIG_LISTEN_MAX);
}

static void web_listeners_allowed(const struct config_key *k, struct buf *b)
{
    (void)k;
    buf_printf(b, "none, or at most %d of ADDRESS:PORT", CONFIG_WEB_LISTEN_MAX);
}

const struct config_type config_type_listeners = {listeners_parse, listeners_put, listeners_allowed,
                                                  true};
const struct config_type config_type_web_listeners = {web_listeners_parse, web_listeners_put,
                                                      web_listeners_allowed, true};
