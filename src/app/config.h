/* The server's settings: sotto.conf and the files of conf.d beside it, read strictly. An unknown key or
 * section, a value out of range, a key set twice in one file: each is an error that names file,
 * line, key, the nearest known one and what is allowed; all of them are reported, not just the
 * first. What an administrator manages while the server runs (users, routes, ...) is in the store.
 *
 * One table (config_keys) drives parsing, defaults, `serve --check`, the man page sotto.conf(5) and
 * the annotated example. struct app_config has no pointers: it travels to the roles in a memfd. */
#ifndef SOTTO_APP_CONFIG_H
#define SOTTO_APP_CONFIG_H

#include "base/addr.h"
#include "base/log.h"
#include "transport/transport.h"

#define CONFIG_LISTEN_MAX 12
#define CONFIG_WEB_LISTEN_MAX 8 /* a role gets all its sockets with one message */
#define CONFIG_PATH_MAX 1024
#define CONFIG_HOST_MAX 256 /* a name of RFC 1035 and a NUL */
#define CONFIG_USER_MAX 33
#define CONFIG_ORIGINS_MAX 512
#define CONFIG_TOKEN_MAX 129
#define CONFIG_FILES_MAX 64 /* files in conf.d */
#define CONFIG_LINE_MAX 198 /* characters in one line; lists may go on in the next */
#define CONFIG_REPORT_MAX 8192
#define CONFIG_INTERFACES_MAX 80 /* four names, and what stands between */

struct config_listen {
    uint8_t kind; /* enum transport_kind; for web always TRANSPORT_WSS */
    struct addr addr;
};

struct config_listeners {
    uint32_t count;
    bool is_default; /* nobody wrote it: a family that the machine lacks is left out */
    struct config_listen at[CONFIG_LISTEN_MAX];
};

/* One address of each family; family 0: not set. */
struct config_addrs {
    struct addr v4, v6;
};

struct config_ports {
    uint32_t min, max;
};

enum config_client_cert {
    CONFIG_CLIENT_CERT_NONE,
    CONFIG_CLIENT_CERT_OPTIONAL,
    CONFIG_CLIENT_CERT_REQUIRED
};
enum config_media_path {
    CONFIG_MEDIA_AUTO,
    CONFIG_MEDIA_SHARED,
    CONFIG_MEDIA_STREAMS,
    CONFIG_MEDIA_XDP
};
enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };

struct app_config {
    /* [server] */
    char data[CONFIG_PATH_MAX];
    char domain[CONFIG_HOST_MAX];
    char user[CONFIG_USER_MAX], group[CONFIG_USER_MAX]; /* empty: see config_keys */
    uint32_t shutdown_grace_s;
    /* [sip] */
    struct config_listeners sip;
    char advertise[CONFIG_HOST_MAX]; /* empty: the address where a message arrived */
    uint32_t register_min_s, register_max_s, register_default_s;
    uint32_t session_min_s, session_default_s;
    uint32_t ring_timeout_s;
    uint32_t digest_md5; /* 0 or 1 */
    /* [media] */
    struct config_ports ports;
    struct config_addrs media_bind, media_advertise;
    uint32_t media_path;    /* enum config_media_path */
    uint32_t gather_ms;     /* 0: not at all */
    uint32_t rtp_timeout_s; /* 0: none */
    uint32_t transcode;     /* 0 or 1 */
    uint32_t media_workers; /* 0: as media_way_workers says */
    char xdp_interface[CONFIG_INTERFACES_MAX];
    /* [tls] */
    uint32_t tls_min;         /* enum config_tls_version */
    uint32_t client_cert;     /* enum config_client_cert */
    uint32_t allow_wildcards; /* 0 or 1 */
    /* [log] */
    uint32_t log_level, log_format;
    /* [limits] */
    uint32_t max_calls, max_connections, max_registrations;
    /* [web] */
    struct config_listeners web;
    char metrics_token[CONFIG_TOKEN_MAX];
    char origins[CONFIG_ORIGINS_MAX]; /* "https://a.example, https://b.example:8443" */
};

/* Text for people, one finding a line, cut where there are too many. */
struct config_report {
    uint32_t count;
    size_t n;
    char text[CONFIG_REPORT_MAX];
};

enum config_verdict { CONFIG_OK = 0, CONFIG_BAD = 1 };

/* The defaults alone. */
void config_init(struct app_config *ret);
/* Defaults, then `path`, then conf.d/NAME.conf beside it in order of their names; then what keys say
 * of each other. path NULL: defaults alone. CONFIG_BAD: *report says why, *ret is untouched.
 * -ENOMEM and the like. */
int config_load(const char *path, struct app_config *ret, struct config_report *report) MUST_CHECK;
/* One file's text, under the name that messages show; for tests. Counts findings in *report. */
void config_parse_text(struct app_config *c, const char *name, struct slice text,
                       struct config_report *report);
/* An interface is named, and the path is one that uses it. */
bool config_wants_xdp(const struct app_config *c);
/* What keys say of each other. */
void config_cross_check(const struct app_config *c, const char *name, struct config_report *report);

/* Every choice that weakens protection, a line each: shown at start and by --check. */
void config_warnings(const struct app_config *c, struct config_report *ret);

/* Keeps what only a restart can change (listeners, limits, ...) as it is in `old`, and reports the
 * names of those keys whose new value has to wait. */
void config_keep_fixed(struct app_config *c, const struct app_config *old,
                       struct config_report *report);

/* Every key with its value, in the file's grammar: what --check shows. */
void config_put(struct buf *b, const struct app_config *c);
/* The annotated example and the man page, from the table. */
void config_put_example(struct buf *b);
void config_put_man(struct buf *b);

const char *config_listen_kind_name(uint32_t kind); /* enum transport_kind: "tls"; NULL: no such */

#endif
