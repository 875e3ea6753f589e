/* `show metrics`: what signalling counts, as one JSON object. The web role makes Prometheus' text of it
 * (web/metrics.c). Counters begin anew with this process. */
#include <jansson.h>

#include "signal/internal.h"

struct tally {
    uint64_t by_kind[TRANSPORT_KIND_COUNT];
    uint64_t http;
};

static void add_connection(void *arg, const struct transport_conn_info *i)
{
    struct tally *t = arg;
    if (i->http)
        t->http++;
    else
        t->by_kind[i->kind]++;
}

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

static json_t *connections(const struct signal_role *r)
{
    struct tally t = {0};
    json_t *j = json_object();
    transport_each_conn(r->transport, add_connection, &t);
    for (int k = TRANSPORT_TCP; k < TRANSPORT_KIND_COUNT; k++)
        (void)json_object_set_new(j, transport_kind_name((enum transport_kind)k),
                                  number(t.by_kind[k]));
    (void)json_object_set_new(j, "http", number(t.http));
    return j;
}

static json_t *handshakes(const struct transport_counts *c)
{
    json_t *j = json_object();
    for (int f = CRYPTO_TLS_FAULT_NONE + 1; f < CRYPTO_TLS_FAULT_COUNT; f++)
        (void)json_object_set_new(j, crypto_tls_fault_name((enum crypto_tls_fault)f),
                                  number(c->handshakes_failed[f]));
    return j;
}

/* [{"caller":"sdes","callee":"dtls","calls":3}, …]: pairs that occurred. */
static json_t *pairs(uint64_t n[KEYING_COUNT][KEYING_COUNT])
{
    json_t *list = json_array();
    for (int a = 0; a < KEYING_COUNT; a++) {
        for (int b = 0; b < KEYING_COUNT; b++) {
            if (n[a][b])
                (void)json_array_append_new(
                    list, json_pack("{s:s, s:s, s:I}", "caller", keying_name((enum keying_kind)a),
                                    "callee", keying_name((enum keying_kind)b), "calls",
                                    (json_int_t)n[a][b]));
        }
    }
    return list;
}

/* [{"keying":"dtls","reason":"peer","count":0}, …]: those that shake hands. */
static json_t *keyings(uint64_t n[KEYING_COUNT][KEYING_FAULT_COUNT])
{
    static const uint8_t kinds[] = {KEYING_DTLS, KEYING_ZRTP};
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        for (int f = 0; f < KEYING_FAULT_COUNT; f++)
            (void)json_array_append_new(list,
                                        json_pack("{s:s, s:s, s:I}", "keying",
                                                  keying_name((enum keying_kind)kinds[i]), "reason",
                                                  keying_fault_name((enum keying_fault)f), "count",
                                                  (json_int_t)n[kinds[i]][f]));
    }
    return list;
}

char *metrics_show(struct signal_role *r, const json_t *args)
{
    struct call_counts c;
    struct transport_counts t;
    (void)args;
    call_core_counts(r->calls, &c);
    transport_counts(r->transport, &t);
    json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "calls",
                          number(call_core_count(r->calls)), "calls_running", pairs(c.running),
                          "calls_ended", pairs(c.ended), "calls_refused", number(c.refused),
                          "registrations", number(location_count(r->location)), "connections",
                          connections(r), "accepted", number(t.accepted), "handshakes_failed",
                          handshakes(&t), "srtp_auth_failures", number(c.auth_failures),
                          "srtp_replayed", number(c.replayed), "clear_dropped",
                          number(c.clear_dropped), "keying_failed", keyings(c.keying_failed));
    char *s = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return s;
}
