#include "web/metrics.h"

#include <time.h>

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample(struct buf *b, const char *name, const char *labels, json_int_t v)
{
    buf_printf(b, "%s%s %lld\n", name, labels, (long long)v);
}

/* A label's value: names of ours, but a domain's may hold anything that its certificate does. */
static void put_value(struct buf *b, const char *s)
{
    buf_put_char(b, '"');
    for (; s && *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_put_char(b, '\\');
        buf_put_char(b, *s == '\n' ? ' ' : *s);
    }
    buf_put_char(b, '"');
}

static json_int_t int_at(const json_t *j, const char *key)
{
    return json_integer_value(json_object_get(j, key));
}

static const char *text_at(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "";
}

/* {"tcp":1,"tls":2} by a label. */
static void put_map(struct buf *b, const char *name, const char *label, const json_t *map)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)map, key, v)
    {
        buf_printf(b, "%s{%s=", name, label);
        put_value(b, key);
        buf_printf(b, "} %lld\n", (long long)json_integer_value(v));
    }
}

static void put_pairs(struct buf *b, const char *name, const json_t *list)
{
    size_t i;
    json_t *p;
    json_array_foreach(list, i, p)
    {
        buf_printf(b, "%s{caller_keying=", name);
        put_value(b, text_at(p, "caller"));
        BUF_PUT_LIT(b, ",callee_keying=");
        put_value(b, text_at(p, "callee"));
        buf_printf(b, "} %lld\n", (long long)int_at(p, "calls"));
    }
}

static void put_calls(struct buf *b, const json_t *s)
{
    head(b, "sotto_calls", "gauge", "Calls that go on, ringing ones included.");
    sample(b, "sotto_calls", "", int_at(s, "calls"));
    head(b, "sotto_calls_answered", "gauge", "Answered calls that go on, by keying of both legs.");
    put_pairs(b, "sotto_calls_answered", json_object_get(s, "calls_running"));
    head(b, "sotto_calls_total", "counter",
         "Answered calls that have ended, by keying of both legs.");
    put_pairs(b, "sotto_calls_total", json_object_get(s, "calls_ended"));
    head(b, "sotto_calls_refused_total", "counter", "Calls that were never answered.");
    sample(b, "sotto_calls_refused_total", "", int_at(s, "calls_refused"));
    head(b, "sotto_srtp_auth_failures_total", "counter", "SRTP packets that were not authentic.");
    sample(b, "sotto_srtp_auth_failures_total", "", int_at(s, "srtp_auth_failures"));
    head(b, "sotto_srtp_replayed_total", "counter", "SRTP packets that had come before.");
    sample(b, "sotto_srtp_replayed_total", "", int_at(s, "srtp_replayed"));
    head(b, "sotto_clear_dropped_total", "counter",
         "Clear packets that were dropped where only SRTP is allowed.");
    sample(b, "sotto_clear_dropped_total", "", int_at(s, "clear_dropped"));
}

static void put_keying(struct buf *b, const json_t *list)
{
    size_t i;
    json_t *p;
    head(b, "sotto_media_keying_failures_total", "counter",
         "DTLS and ZRTP handshakes of media that failed for good, by reason.");
    json_array_foreach(list, i, p)
    {
        BUF_PUT_LIT(b, "sotto_media_keying_failures_total{keying=");
        put_value(b, text_at(p, "keying"));
        BUF_PUT_LIT(b, ",reason=");
        put_value(b, text_at(p, "reason"));
        buf_printf(b, "} %lld\n", (long long)int_at(p, "count"));
    }
}

static void put_signalling(struct buf *b, const json_t *s)
{
    head(b, "sotto_registrations", "gauge", "Registered contacts.");
    sample(b, "sotto_registrations", "", int_at(s, "registrations"));
    head(b, "sotto_connections", "gauge", "Open connections, by transport.");
    put_map(b, "sotto_connections", "transport", json_object_get(s, "connections"));
    head(b, "sotto_connections_accepted_total", "counter", "Connections accepted.");
    sample(b, "sotto_connections_accepted_total", "", int_at(s, "accepted"));
    head(b, "sotto_tls_handshake_failures_total", "counter",
         "TLS handshakes that failed, by reason.");
    put_map(b, "sotto_tls_handshake_failures_total", "reason",
            json_object_get(s, "handshakes_failed"));
}

static void put_roles(struct buf *b, const json_t *roles)
{
    size_t i;
    json_t *r;
    head(b, "sotto_role_restarts_total", "counter", "How often a process was started again.");
    json_array_foreach(roles, i, r)
    {
        BUF_PUT_LIT(b, "sotto_role_restarts_total{role=");
        put_value(b, text_at(r, "role"));
        if (json_object_get(r, "worker")) /* one of several */
            buf_printf(b, ",worker=\"%lld\"", (long long)int_at(r, "worker"));
        buf_printf(b, "} %lld\n", (long long)int_at(r, "restarts"));
    }
}

/* The media role's way in and out: that of all its workers. */
static void put_media_way(struct buf *b, const json_t *roles)
{
    const char *path = NULL;
    const json_t *xdp = NULL;
    json_int_t overflowed = 0;
    size_t i;
    json_t *r;
    json_array_foreach(roles, i, r)
    {
        if (!json_object_get(r, "path"))
            continue;
        path = text_at(r, "path");
        overflowed += int_at(r, "overflowed");
        if (json_object_get(r, "xdp"))
            xdp = json_object_get(r, "xdp");
    }
    if (!path)
        return;
    head(b, "sotto_media_path", "gauge", "By which way media comes and leaves.");
    BUF_PUT_LIT(b, "sotto_media_path{path=");
    put_value(b, path);
    BUF_PUT_LIT(b, "} 1\n");
    head(b, "sotto_media_overflowed_total", "counter",
         "Datagrams of media for which there was no room.");
    sample(b, "sotto_media_overflowed_total", "", overflowed);
    if (!xdp)
        return;
    head(b, "sotto_media_xdp_packets_total", "counter",
         "Packets that went past the kernel's stack.");
    sample(b, "sotto_media_xdp_packets_total", "{direction=\"in\"}", int_at(xdp, "in"));
    sample(b, "sotto_media_xdp_packets_total", "{direction=\"out\"}", int_at(xdp, "out"));
}

static void put_cert(struct buf *b, const char *name, const json_t *cert)
{
    struct tm tm = {0};
    if (!cert || !strptime(text_at(cert, "not_after"), "%Y-%m-%dT%H:%M:%SZ", &tm))
        return;
    BUF_PUT_LIT(b, "sotto_certificate_expiry_timestamp_seconds{certificate=");
    put_value(b, name);
    buf_printf(b, "} %lld\n", (long long)timegm(&tm));
}

static void put_certs(struct buf *b, const json_t *certs)
{
    size_t i;
    json_t *domains = json_object_get(certs, "domains");
    head(b, "sotto_certificate_expiry_timestamp_seconds", "gauge",
         "When a certificate ends, in seconds since 1970.");
    put_cert(b, "server", json_object_get(certs, "server"));
    put_cert(b, "ca", json_object_get(certs, "ca"));
    for (i = 0; i < json_array_size(domains); i++) {
        json_t *c = json_array_get(domains, i);
        put_cert(b, text_at(c, "domain"), c);
    }
}

void metrics_put(struct buf *b, const json_t *signal, const json_t *roles, const json_t *certs)
{
    head(b, "sotto_info", "gauge", "Always 1.");
    buf_printf(b, "sotto_info{version=\"%s\"} 1\n", SOTTO_VERSION);
    head(b, "sotto_up", "gauge", "Whether signalling answers.");
    sample(b, "sotto_up", "", signal != NULL);
    if (signal) {
        put_calls(b, signal);
        put_keying(b, json_object_get(signal, "keying_failed"));
        put_signalling(b, signal);
    }
    if (roles)
        put_roles(b, roles);
    if (roles)
        put_media_way(b, roles);
    if (certs)
        put_certs(b, certs);
}
