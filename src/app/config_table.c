/* Every key of sotto.conf. What stands here is also what the man page and the example say. */
#include "app/config_type.h"
#include "ipc/media_msg.h"
#include "media/role.h"

static const char *word_at(const char *const *words, size_t n, uint32_t i)
{
    return i < n ? words[i] : NULL;
}

static const char *tls_word(uint32_t i)
{
    static const char *const words[] = {[CONFIG_TLS_1_2] = "1.2", [CONFIG_TLS_1_3] = "1.3"};
    return word_at(words, ARRAY_LEN(words), i);
}

static const char *media_path_word(uint32_t i)
{
    static const char *const words[] = {[CONFIG_MEDIA_AUTO] = "auto",
                                        [CONFIG_MEDIA_SHARED] = "shared",
                                        [CONFIG_MEDIA_STREAMS] = "streams",
                                        [CONFIG_MEDIA_XDP] = "xdp"};
    return word_at(words, ARRAY_LEN(words), i);
}

static const char *client_cert_word(uint32_t i)
{
    static const char *const words[] = {[CONFIG_CLIENT_CERT_NONE] = "none",
                                        [CONFIG_CLIENT_CERT_OPTIONAL] = "optional",
                                        [CONFIG_CLIENT_CERT_REQUIRED] = "required"};
    return word_at(words, ARRAY_LEN(words), i);
}

static const char *bool_word(uint32_t i)
{
    static const char *const words[] = {"no", "yes"};
    return word_at(words, ARRAY_LEN(words), i);
}

static const char *level_word(uint32_t i)
{
    static const char *const words[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
    return word_at(words, ARRAY_LEN(words), i);
}

static const char *format_word(uint32_t i)
{
    static const char *const words[] = {[LOG_FORMAT_KV] = "kv", [LOG_FORMAT_JSON] = "json"};
    return word_at(words, ARRAY_LEN(words), i);
}

const struct config_section config_sections[] = {
    {"server", "The process. Keys before the first section belong here too."},
    {"sip", "Signalling: where phones reach the server, and how long things last."},
    {"media",
     "Sound and pictures: ports and addresses. How calls are protected is a matter of domains and "
     "users, in the store; it is required unless said otherwise there."},
    {"tls", "Encrypted signalling. Certificates are in DATA/tls; `sotto cert` manages them. The "
            "cipher suites are "
            "fixed to ones without known weakness."},
    {"log", "Events, one a line, on stderr."},
    {"limits", "What the server refuses to go beyond. Memory is set aside for it at start."},
    {"web", "Console, API and phones in browsers."},
};
const size_t config_section_count = ARRAY_LEN(config_sections);

#define FIELD(member) \
    offsetof(struct app_config, member), sizeof(((struct app_config *)NULL)->member)

// clang-format off
const struct config_key config_keys[] = {
    {"server", "data", &config_type_path, FIELD(data), .fallback = "/var/lib/sotto", .fixed = true,
     .help = "Folder for the store, certificates and call records. The option -d comes first."},
    {"server", "domain", &config_type_host, FIELD(domain), .fallback = "", .fixed = true,
     .help = "The domain that users without one belong to, and a name in the server's certificate. "
             "Empty: the machine's host name."},
    {"server", "user", &config_type_account, FIELD(user), .fallback = "", .fixed = true,
     .help = "Account that the parts which speak to the network run as, where the server is started "
             "by root. Empty: `sotto` if there is such an account, else the owner of the data folder."},
    {"server", "group", &config_type_account, FIELD(group), .fallback = "", .fixed = true,
     .help = "Their group. Empty: the account's own."},
    {"server", "shutdown_grace", &config_type_duration, FIELD(shutdown_grace_s), 0, 86400,
     .fallback = "30s",
     .help = "How long the server waits for calls to end when it is asked to leave."},

    {"sip", "listen", &config_type_listeners, FIELD(sip), .fallback = "tls:[::]:5061, tls:0.0.0.0:5061",
     .fixed = true,
     .help = "Where to listen. udp, tcp and ws carry passwords' proofs and numbers in clear, and keys "
             "of SDES too: each is warned of at start."},
    {"sip", "advertise", &config_type_host, FIELD(advertise), .fallback = "", .fixed = true,
     .help = "Name or address by which phones reach the server, where it is not the one that it "
             "listens on, as behind NAT."},
    {"sip", "register_min", &config_type_duration, FIELD(register_min_s), 10, 86400, .fallback = "60s",
     .fixed = true, .help = "Shortest registration; a phone that asks for less is told so (423)."},
    {"sip", "register_max", &config_type_duration, FIELD(register_max_s), 60, 30 * 86400, .fallback = "1h",
     .fixed = true, .help = "Longest registration; a phone that asks for more gets this."},
    {"sip", "register_default", &config_type_duration, FIELD(register_default_s), 10, 30 * 86400,
     .fallback = "10m", .fixed = true, .help = "For a phone that does not ask."},
    {"sip", "session_min", &config_type_duration, FIELD(session_min_s), 90, 86400, .fallback = "90s",
     .fixed = true, .help = "Shortest session timer (Min-SE, RFC 4028)."},
    {"sip", "session_default", &config_type_duration, FIELD(session_default_s), 90, 86400,
     .fallback = "30m", .fixed = true, .help = "Session timer that the server asks for: finds calls whose phone has gone."},

    {"sip", "ring_timeout", &config_type_duration, FIELD(ring_timeout_s), 5, 600, .fallback = "2m",
     .fixed = true, .help = "How long a phone may ring before the call is given up."},
    {"sip", "digest_md5", &config_type_word, FIELD(digest_md5), .value_name = bool_word,
     .fallback = "yes", .fixed = true,
     .help = "Whether phones that know no SHA-256 (RFC 8760) may log in with MD5."},

    {"media", "ports", &config_type_ports, FIELD(ports), 1024, 65535, .fallback = "20000-29999",
     .fixed = true, .help = "UDP ports for media, two for each stream."},
    {"media", "bind", &config_type_addrs, FIELD(media_bind), .fallback = "", .fixed = true,
     .help = "Addresses to bind for media. Empty: the one at which the call's signalling came in, and "
             "for phones with ICE one of the other IP version on the same network interface as well. "
             "Where addresses are named, ICE adds none that is not."},
    {"media", "advertise", &config_type_addrs, FIELD(media_advertise), .fallback = "", .fixed = true,
     .help = "Addresses to show in descriptions instead of the bound ones, as behind NAT."},
    {"media", "path", &config_type_word, FIELD(media_path), .value_name = media_path_word,
     .fallback = "auto", .fixed = true,
     .help = "How media reaches the server. shared: one socket for all ports, to which the kernel "
             "steers them; takes root (or CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW) at start, and ports "
             "that no other program uses. streams: a socket for each port. xdp: as shared, and on the "
             "interfaces of xdp_interface past the kernel's stack. auto: the best that can be had; the "
             "log says which."},
    {"media", "gather", &config_type_number, FIELD(gather_ms), 0, MEDIA_GATHER_MS_MAX, .fallback = "2",
     .fixed = true,
     .help = "Milliseconds. When packets come fast, those of so long are taken at once, which costs far "
             "less than one by one and delays them by that at most. 0: each as it comes."},
    {"media", "xdp_interface", &config_type_interfaces, FIELD(xdp_interface), .fallback = "",
     .fixed = true,
     .help = "Network interfaces on which media goes by AF_XDP (Linux 6.4), with path = xdp or auto. "
             "What goes that way the machine's firewall does not see. Frames with VLAN tags, fragments "
             "and other interfaces are as with shared."},
    {"media", "rtp_timeout", &config_type_duration, FIELD(rtp_timeout_s), 0, 86400, .fallback = "60s",
     .fixed = true, .help = "A call is ended when nothing authentic has come from a phone for so long."},
    {"media", "transcode", &config_type_word, FIELD(transcode), .value_name = bool_word,
     .fallback = "yes", .fixed = true,
     .help = "Whether the sound of two phones that share no codec is converted, and digits that one "
             "sends by INFO and the other takes as RTP events. Who may use which "
             "codec is said with `sotto user set NUMBER --codecs`."},

    {"media", "workers", &config_type_auto, FIELD(media_workers), 1, MEDIA_WORKERS_MAX,
     .fallback = "auto", .fixed = true,
     .help = "How many processes relay media, each with its share of the ports, of which there have to "
             "be 256 for each where there are several. A call stays with one of them. auto: one for two "
             "cores that the service or container may use, and at least one."},

    {"tls", "min_version", &config_type_word, FIELD(tls_min), .value_name = tls_word, .fallback = "1.2",
     .help = "Oldest version of TLS."},
    {"tls", "client_cert", &config_type_word, FIELD(client_cert), .value_name = client_cert_word,
     .fallback = "none", .help = "Whether phones are asked for a certificate of the server's own CA."},
    {"tls", "allow_wildcards", &config_type_word, FIELD(allow_wildcards), .value_name = bool_word,
     .fallback = "no", .help = "Whether a peer may prove its name by a wildcard (not RFC 5922)."},

    {"log", "level", &config_type_word, FIELD(log_level), .value_name = level_word, .fallback = "info",
     .help = "The least important events to show."},
    {"log", "format", &config_type_word, FIELD(log_format), .value_name = format_word, .fallback = "kv",
     .fixed = true, .help = "kv: key=value. json: an object a line."},

    {"limits", "calls", &config_type_number, FIELD(max_calls), 1, 8000, .fallback = "1000",
     .fixed = true, .help = "Calls at one time; one more is answered 503."},
    {"limits", "connections", &config_type_number, FIELD(max_connections), 1, 100000,
     .fallback = "10000", .fixed = true, .help = "Connections of phones at one time."},
    {"limits", "registrations", &config_type_number, FIELD(max_registrations), 1, 1000000,
     .fallback = "100000", .fixed = true, .help = "Registered contacts."},

    {"web", "listen", &config_type_web_listeners, FIELD(web),
     .fallback = "[::]:8443, 0.0.0.0:8443", .fixed = true,
     .help = "Where console and API are to be had by HTTPS, and SIP over WebSocket (RFC 7118) for phones in "
             "browsers, all at the same port."},
    {"web", "metrics_token", &config_type_token, FIELD(metrics_token), .fallback = "", .fixed = true,
     .help = "Who sends this (Authorization: Bearer TOKEN) may read /metrics from elsewhere; this machine "
             "always may."},
    {"web", "origins", &config_type_origins, FIELD(origins), .fallback = "", .fixed = true,
     .help = "Other sites whose pages may open a WebSocket to this server, as https://HOST or "
             "https://HOST:PORT. Pages of the server itself and of its domains always may."},
};
// clang-format on
const size_t config_key_count = ARRAY_LEN(config_keys);

/* A file of few settings needs no sections: these are understood in [server] as well. */
static const struct {
    const char *name, *section, *key;
} aliases[] = {{"log_level", "log", "level"}, {"log_format", "log", "format"}};

const struct config_key *config_key_find(struct slice section, struct slice name)
{
    if (section.n == 0)
        section = SLICE_LIT("server");
    for (size_t i = 0; i < ARRAY_LEN(aliases) && slice_eq_nocase_str(section, "server"); i++) {
        if (slice_eq_nocase_str(name, aliases[i].name)) {
            section = slice_from_str(aliases[i].section);
            name = slice_from_str(aliases[i].key);
        }
    }
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (slice_eq_nocase_str(section, k->section) && slice_eq_nocase_str(name, k->name))
            return k;
    }
    return NULL;
}

const struct config_section *config_section_find(struct slice name)
{
    for (size_t i = 0; i < config_section_count; i++) {
        if (slice_eq_nocase_str(name, config_sections[i].name))
            return &config_sections[i];
    }
    return NULL;
}

#define DISTANCE_MAX 63

uint32_t config_distance(struct slice a, struct slice b)
{
    uint8_t row[DISTANCE_MAX + 1];
    a = slice_take(a, DISTANCE_MAX);
    b = slice_take(b, DISTANCE_MAX);
    for (size_t j = 0; j <= b.n; j++)
        row[j] = (uint8_t)j;
    for (size_t i = 0; i < a.n; i++) {
        uint8_t diagonal = row[0];
        row[0] = (uint8_t)(i + 1);
        for (size_t j = 0; j < b.n; j++) {
            uint8_t best = (uint8_t)(diagonal + (slice_lower(a.p[i]) != slice_lower(b.p[j])));
            if (row[j] + 1 < best)
                best = (uint8_t)(row[j] + 1);
            if (row[j + 1] + 1 < best)
                best = (uint8_t)(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[b.n];
}
