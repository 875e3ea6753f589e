/* Results for people. */
#include "cli/cli_priv.h"

enum { TEXT_MAX = 512 };

static const char *text_at(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static bool flag_at(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static long long int_at(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

/* "a, b, c" */
static const char *join(char *room, size_t cap, const json_t *list, const char *if_empty)
{
    struct buf b = buf_over(room, cap - 1);
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        buf_printf(&b, "%s%s", i ? ", " : "", json_string_value(v) ? json_string_value(v) : "?");
    }
    room[b.n] = '\0';
    return b.n ? room : if_empty;
}

static void line(const char *name, const char *value)
{
    printf("  %-13s ", name);
    cli_print_text(stdout, value);
    putchar('\n');
}

/* All five transports: whatever the server listens on. */
static const char *transports(char *room, size_t cap, const json_t *v)
{
    return json_array_size(v) == 5 ? "any" : join(room, cap, v, "none");
}

static const char *policy_text(char *room, size_t cap, const char *key, const char *if_empty,
                               const json_t *v)
{
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "yes" : "no";
    if (strcmp(key, "transport") == 0)
        return transports(room, cap, v);
    return join(room, cap, v, if_empty);
}

static void print_policy(const json_t *policy)
{
    static const struct {
        const char *key, *if_empty;
    } rows[] = {{"protection", ""},   {"keying", "none"}, {"suites", "any"},
                {"codecs", "any"},    {"media", ""},      {"transport", "none"},
                {"require_peer", ""}, {"tell", "none"},   {"announce", ""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char room[TEXT_MAX], text[TEXT_MAX + 16];
        const json_t *v = json_object_get(policy, rows[i].key);
        bool inherited = false;
        size_t k;
        json_t *name;
        const json_t *all = json_object_get(policy, "inherited");
        json_array_foreach(all, k, name)
        {
            inherited |=
                strcmp(json_string_value(name) ? json_string_value(name) : "", rows[i].key) == 0;
        }
        (void)snprintf(text, sizeof(text), "%s%s",
                       policy_text(room, sizeof(room), rows[i].key, rows[i].if_empty, v),
                       inherited ? " (inherited)" : "");
        line(rows[i].key, text);
    }
}

/* --- domains and users --- */

void cli_print_domain(const json_t *r, const struct cli_verb *v)
{
    printf("%s the domain %s%s.\n\n", strcmp(v->words, "domain add") == 0 ? "Added" : "Changed",
           text_at(r, "name"), flag_at(r, "default") ? ", the default one" : "");
    print_policy(json_object_get(r, "policy"));
}

static void put_policy_cells(struct cli_table *t, const json_t *o)
{
    char room[TEXT_MAX];
    const json_t *policy = json_object_get(o, "policy");
    cli_table_put(t, text_at(policy, "protection"));
    cli_table_put(t, join(room, sizeof(room), json_object_get(policy, "keying"), "none"));
    cli_table_put(t, text_at(policy, "media"));
    cli_table_put(t, transports(room, sizeof(room), json_object_get(policy, "transport")));
}

void cli_print_domains(const json_t *r, const struct cli_verb *v)
{
    static const char *const heads[] = {"DOMAIN", "USERS", "DEFAULT",  "PROTECTION",
                                        "KEYING", "MEDIA", "TRANSPORT"};
    struct cli_table *t = cli_table_new(heads, ARRAY_LEN(heads));
    size_t i;
    json_t *d;
    (void)v;
    json_array_foreach(r, i, d)
    {
        char users[24];
        (void)snprintf(users, sizeof(users), "%lld", int_at(d, "users"));
        cli_table_put(t, text_at(d, "name"));
        cli_table_put(t, users);
        cli_table_put(t, flag_at(d, "default") ? "yes" : "");
        put_policy_cells(t, d);
    }
    cli_table_print(t, "There is no domain yet; add one with `sotto domain add NAME`.");
}

/* "digest=md5-only crypto-lines=1" as in the table of the store. */
static const char *quirk_text(char *room, size_t cap, const json_t *o)
{
    struct buf b = buf_over(room, cap - 1);
    if (*text_at(o, "digest"))
        buf_printf(&b, "digest %s, ", text_at(o, "digest"));
    if (*text_at(o, "offer"))
        buf_printf(&b, "offer %s, ", text_at(o, "offer"));
    if (int_at(o, "crypto_lines"))
        buf_printf(&b, "crypto lines %lld, ", int_at(o, "crypto_lines"));
    if (!flag_at(o, "aes256"))
        buf_put_str(&b, "no AES-256, ");
    if (strcmp(text_at(o, "aes256_name"), "AES_CM_256") == 0)
        buf_put_str(&b, "AES-256 named AES_CM_256, ");
    if (flag_at(o, "gcm"))
        buf_put_str(&b, "GCM first, ");
    if (strcmp(text_at(o, "dtmf"), "info") == 0)
        buf_put_str(&b, "digits by INFO, ");
    size_t n = b.n > 2 ? b.n - 2 : 0;
    room[n] = '\0';
    return n ? room : "nothing special";
}

void cli_print_quirk(const json_t *r, const struct cli_verb *v)
{
    char room[TEXT_MAX];
    (void)v;
    printf("Phones with %s in their User-Agent: %s%s.\n", text_at(r, "pattern"),
           quirk_text(room, sizeof(room), r),
           flag_at(r, "overrides") ? " (in the place of what is built in)" : "");
}

void cli_print_quirks(const json_t *r, const struct cli_verb *v)
{
    static const char *const heads[] = {"USER-AGENT", "FROM", "SETTINGS"};
    struct cli_table *t = cli_table_new(heads, ARRAY_LEN(heads));
    char room[TEXT_MAX];
    size_t i;
    json_t *o;
    (void)v;
    json_array_foreach(r, i, o)
    {
        cli_table_put(t, text_at(o, "pattern"));
        cli_table_put(t, flag_at(o, "built_in") ? "built in" : "own");
        cli_table_put(t, quirk_text(room, sizeof(room), o));
    }
    cli_table_print(t, "Nothing is known of any phone.");
}

void cli_print_user(const json_t *r, const struct cli_verb *v)
{
    char number[24];
    bool added = strcmp(v->words, "user add") == 0;
    const char *password = text_at(r, "password");
    if (flag_at(r, "domain_added"))
        printf("Added the domain %s, the default one.\n", text_at(r, "domain"));
    if (added || strcmp(v->words, "user set") == 0)
        printf("%s the user %s.\n\n", added ? "Added" : "Changed", text_at(r, "aor"));
    line("user", text_at(r, "name"));
    line("domain", text_at(r, "domain"));
    if (*password) {
        line("password", password);
        line("", "(shown this once: put it into the phone now)");
    }
    if (*text_at(r, "new_mikey_psk")) {
        line("mikey key", text_at(r, "new_mikey_psk"));
        line("", "(shown this once: put it into the phone now)");
    } else if (flag_at(r, "mikey_psk")) {
        line("mikey key", "yes");
    }
    if (flag_at(r, "mikey_cert"))
        line("mikey", "only under certificates");
    if (*text_at(r, "display"))
        line("display", text_at(r, "display"));
    if (!flag_at(r, "enabled"))
        line("enabled", "no");
    (void)snprintf(number, sizeof(number), "at most %lld", int_at(r, "max_contacts"));
    line("phones", number);
    if (!flag_at(r, "md5"))
        line("log-in", "SHA-256 only");
    print_policy(json_object_get(r, "policy"));
}

void cli_print_users(const json_t *r, const struct cli_verb *v)
{
    static const char *const heads[] = {"USER",   "DISPLAY", "ENABLED",  "PROTECTION",
                                        "KEYING", "MEDIA",   "TRANSPORT"};
    struct cli_table *t = cli_table_new(heads, ARRAY_LEN(heads));
    size_t i;
    json_t *u;
    (void)v;
    json_array_foreach(r, i, u)
    {
        cli_table_put(t, text_at(u, "aor"));
        cli_table_put(t, text_at(u, "display"));
        cli_table_put(t, flag_at(u, "enabled") ? "yes" : "no");
        put_policy_cells(t, u);
    }
    cli_table_print(t, "There is no user yet; add one with `sotto user add NUMBER`.");
}

void cli_print_admin(const json_t *r, const struct cli_verb *v)
{
    const char *password = text_at(r, "password");
    bool added = strcmp(v->words, "admin add") == 0;
    printf("%s the administrator %s.\n", added ? "Added" : "Changed", text_at(r, "name"));
    if (*password) {
        line("password", password);
        line("", "(shown this once, and good for choosing another at the console)");
    }
}

void cli_print_deleted(const json_t *r, const struct cli_verb *v)
{
    (void)v;
    printf("Deleted %s%s%s.\n", text_at(r, "name"), *text_at(r, "domain") ? "@" : "",
           text_at(r, "domain"));
}

/* --- certificates --- */

static void print_cert(const char *title, const json_t *c)
{
    char room[TEXT_MAX], until[80];
    long long days = int_at(c, "days_left");
    printf("%s\n", title);
    (void)snprintf(until, sizeof(until), days < 0 ? "%.10s, %lld days ago" : "%.10s, in %lld days",
                   text_at(c, "not_after"), days < 0 ? -days : days);
    line("file", text_at(c, "file"));
    line("subject", text_at(c, "subject"));
    if (json_array_size(json_object_get(c, "names"))) /* a CA has none */
        line("names", join(room, sizeof(room), json_object_get(c, "names"), ""));
    line("issuer", text_at(c, "issuer"));
    line("source", text_at(c, "source"));
    line(days < 0 ? "ended" : "ends", until);
    line("key", text_at(c, "key"));
    line("serial", text_at(c, "serial"));
    line("sha-256", text_at(c, "fingerprint_sha256"));
}

void cli_print_certs(const json_t *r, const struct cli_verb *v)
{
    const json_t *ca = json_object_get(r, "ca"), *one;
    char title[STORE_DOMAIN_MAX + 32];
    size_t i;
    (void)v;
    print_cert("Server certificate", json_object_get(r, "server"));
    json_array_foreach(json_object_get(r, "domains"), i, one)
    {
        (void)snprintf(title, sizeof(title), "\nCertificate of %s", text_at(one, "domain"));
        print_cert(title, one);
    }
    if ((one = json_object_get(r, "mikey")))
        print_cert("\nCertificate for MIKEY", one);
    if (!ca)
        return;
    putchar('\n');
    print_cert("CA (give its certificate to every phone)", ca);
}

void cli_print_cert_deleted(const json_t *r, const struct cli_verb *v)
{
    (void)v;
    printf("Deleted the certificate of %s; its phones are given the server's default one.\n",
           text_at(r, "name"));
}

/* --- calls --- */

/* "tls1.3" of TLSv1.3; "wss tls1.3"; "udp, not encrypted" */
static void put_signalling(struct buf *b, const json_t *s)
{
    const char *transport = text_at(s, "transport"), *version = text_at(s, "version");
    if (strncmp(version, "TLSv", 4) != 0) {
        buf_printf(b, "%s, not encrypted", *transport ? transport : "?");
        return;
    }
    if (strcmp(transport, "tls") != 0)
        buf_printf(b, "%s ", transport);
    buf_printf(b, "tls%s%s", version + 4, flag_at(s, "peer_verified") ? " (phone verified)" : "");
}

static void put_media(struct buf *b, const json_t *m)
{
    const char *keying = text_at(m, "keying"), *sas = text_at(m, "sas");
    if (strcmp(keying, "none") == 0 || !*keying)
        buf_put_str(b, "media NOT ENCRYPTED");
    else if (strcmp(keying, "pass") == 0)
        buf_put_str(b, "media passed through, keys stay with the phones");
    else
        buf_printf(b, "%s %s", keying, text_at(m, "suite"));
    if (*sas)
        buf_printf(b, ", SAS %s (%s)", sas,
                   flag_at(m, "sas_verified") ? "verified" : "not compared");
    if (flag_at(m, "trusted_mitm"))
        buf_put_str(b, ", this server in the middle");
    if (flag_at(m, "end_to_end"))
        buf_put_str(b, ", end to end");
    if (strcmp(text_at(m, "path"), "direct") == 0)
        buf_put_str(b, ", direct");
}

static void put_leg(struct cli_table *t, const json_t *leg, bool had_media)
{
    char room[TEXT_MAX];
    struct buf b = buf_over(room, sizeof(room) - 1);
    struct slice user = slice_from_str(text_at(leg, "user"));
    user = slice_take(user, slice_find_char(user, '@'));
    buf_printf(&b, SLICE_FMT " ", SLICE_ARG(slice_take(user, STORE_NAME_MAX)));
    put_signalling(&b, json_object_get(leg, "signalling"));
    if (had_media) {
        buf_put_str(&b, " + ");
        put_media(&b, json_object_get(leg, "media"));
    } else {
        buf_put_str(&b, ", no media");
    }
    room[b.n] = '\0';
    cli_table_put(t, text_at(leg, "role"));
    cli_table_put(t, text_at(leg, "codec"));
    cli_table_put(t, room);
}

/* Why a call was refused or has ended: a line of its own under its legs. */
static void put_reason(struct cli_table *t, const json_t *call)
{
    char room[TEXT_MAX];
    if (!*text_at(call, "reason"))
        return;
    struct buf b = buf_over(room, sizeof(room) - 1);
    buf_printf(&b, "%lld: %s", (long long)json_integer_value(json_object_get(call, "status")),
               text_at(call, "reason"));
    room[b.n] = '\0';
    for (int i = 0; i < 3; i++)
        cli_table_put(t, "");
    cli_table_put(t, "why");
    cli_table_put(t, "");
    cli_table_put(t, room);
}

void cli_print_calls(const json_t *r, const struct cli_verb *v)
{
    static const char *const heads[] = {"CALL", "STATE", "SINCE", "LEG", "CODEC", "PROTECTION"};
    struct cli_table *t = cli_table_new(heads, ARRAY_LEN(heads));
    size_t i, k;
    json_t *call, *leg;
    (void)v;
    json_array_foreach(r, i, call)
    {
        bool first = true;
        bool had_media = strcmp(text_at(call, "state"), "ended") != 0 || *text_at(call, "answered");
        json_array_foreach(json_object_get(call, "legs"), k, leg)
        {
            cli_table_put(t, first ? text_at(call, "id") : "");
            cli_table_put(t, first ? text_at(call, "state") : "");
            cli_table_put(t, first ? text_at(call, "since") : "");
            put_leg(t, leg, had_media);
            first = false;
        }
        put_reason(t, call);
    }
    cli_table_print(t, "There are no calls.");
}

void cli_print_explained(const json_t *r, const struct cli_verb *v)
{
    size_t i;
    json_t *s;
    (void)v;
    json_array_foreach(json_object_get(r, "sentences"), i, s)
    {
        cli_print_text(stdout, json_string_value(s) ? json_string_value(s) : "");
        putchar('\n');
    }
}

/* --- whatever the roles show --- */

static void put_any(struct cli_table *t, const json_t *v)
{
    char room[TEXT_MAX];
    if (json_is_string(v)) {
        cli_table_put(t, json_string_value(v));
    } else if (json_is_boolean(v)) {
        cli_table_put(t, json_is_true(v) ? "yes" : "no");
    } else if (!v || json_is_null(v)) {
        cli_table_put(t, "");
    } else if (json_is_array(v) && json_is_string(json_array_get(v, 0))) {
        cli_table_put(t, join(room, sizeof(room), v, ""));
    } else {
        char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        cli_table_put(t, text ? text : "?");
        free(text);
    }
}

#define COLUMNS_MAX 16

/* The keys of the first object, and what tells several of one name apart. */
static size_t columns_of(const json_t *r, const char *ret[COLUMNS_MAX])
{
    static const char number[] = "worker";
    const char *key;
    size_t n = 0, i;
    json_t *o, *unused;
    json_object_foreach(json_array_get(r, 0), key, unused)
    {
        if (n < COLUMNS_MAX)
            ret[n++] = key;
    }
    json_array_foreach(r, i, o)
    {
        if (n < COLUMNS_MAX && json_object_get(o, number) &&
            !json_object_get(json_array_get(r, 0), number)) {
            ret[n++] = number;
            break;
        }
    }
    return n;
}

void cli_print_any(const json_t *r, const struct cli_verb *v)
{
    char upper[COLUMNS_MAX][32], empty[64];
    const char *keys[COLUMNS_MAX], *heads[COLUMNS_MAX];
    size_t n = columns_of(r, keys), i;
    json_t *o;
    for (size_t k = 0; k < n; k++) {
        (void)snprintf(upper[k], sizeof(upper[k]), "%s", keys[k]);
        for (char *c = upper[k]; *c; c++)
            *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        heads[k] = upper[k];
    }
    (void)snprintf(empty, sizeof(empty), "There are no %s.", strchr(v->words, ' ') + 1);
    if (n == 0) {
        puts(empty);
        return;
    }
    struct cli_table *t = cli_table_new(heads, n);
    json_array_foreach(r, i, o)
    {
        for (size_t k = 0; k < n; k++)
            put_any(t, json_object_get(o, keys[k]));
    }
    cli_table_print(t, empty);
}

void cli_print_done(const json_t *r, const struct cli_verb *v)
{
    const char *text = text_at(r, "text");
    (void)v;
    cli_print_text(stdout, *text ? text : "Done.");
    putchar('\n');
}
