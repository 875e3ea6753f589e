/* What an administrator asks of the signal role, by the web role. */
#include <jansson.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/admin_msg.h"
#include "signal/internal.h"

static json_t *text(const char *s)
{
    json_t *j = json_string(s);
    return j ? j : json_string("?"); /* bytes of a peer that are no UTF-8 */
}

static json_t *text_n(struct slice s)
{
    json_t *j = s.n ? json_stringn(s.p, s.n) : json_null();
    return j ? j : json_string("?");
}

static json_t *when(uint64_t unix_s)
{
    char s[40];
    struct tm tm;
    time_t t = (time_t)unix_s;
    gmtime_r(&t, &tm);
    strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(s);
}

struct list_arg {
    struct signal_role *role;
    json_t *list;
};

static void add_registration(void *arg, const struct binding *b)
{
    struct list_arg *a = arg;
    char remote[ADDR_STR_MAX];
    json_array_append_new(
        a->list,
        json_pack("{s:o, s:o, s:s, s:s, s:b, s:o, s:o, s:f, s:o}", "user", text(binding_aor(b).p),
                  "contact", text(b->contact), "transport", transport_kind_name(b->flow.kind),
                  "remote", addr_str(&b->flow.remote, remote), "connected",
                  transport_is_alive(a->role->transport, &b->flow), "expires",
                  when(b->expires_unix), "since", when(b->created_unix), "q", b->q / 1000.0,
                  "user_agent", b->user_agent[0] ? text(b->user_agent) : json_null()));
}

static char *show_registrations(struct signal_role *r, const json_t *args)
{
    struct list_arg a = {r, json_array()};
    (void)args;
    location_each(r->location, add_registration, &a);
    char *s = json_dumps(a.list, JSON_COMPACT);
    json_decref(a.list);
    return s;
}

static void add_connection(void *arg, const struct transport_conn_info *i)
{
    struct list_arg *a = arg;
    char remote[ADDR_STR_MAX], local[ADDR_STR_MAX];
    const char *version = i->security.version, *cipher = i->security.cipher;
    json_array_append_new(
        a->list,
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:b, s:I, s:I}", "transport",
                  i->http ? i->security.encrypted ? "https" : "http" : transport_kind_name(i->kind),
                  "remote", addr_str(&i->remote, remote), "local", addr_str(&i->local, local),
                  "version", version ? json_string(version) : json_null(), "cipher",
                  cipher ? json_string(cipher) : json_null(), "peer_verified",
                  i->security.peer_verified, "subject", text_n(i->security.peer_subject), "user",
                  text_n(i->user), "since", when(i->since_unix), "outgoing", i->outgoing,
                  "rx_messages", (json_int_t)i->rx_msgs, "tx_messages", (json_int_t)i->tx_msgs));
}

static char *show_connections(struct signal_role *r, const json_t *args)
{
    struct list_arg a = {r, json_array()};
    (void)args;
    transport_each_conn(r->transport, add_connection, &a);
    char *s = json_dumps(a.list, JSON_COMPACT);
    json_decref(a.list);
    return s;
}

static char *show_calls(struct signal_role *r, const json_t *args)
{
    return call_core_show(r->calls, json_is_true(json_object_get(args, "all")));
}

static char *explain(struct signal_role *r, const json_t *args)
{
    const char *which = json_string_value(json_object_get(args, "call"));
    char *sentences = which ? call_core_explain(r->calls, slice_from_str(which)) : NULL;
    if (!sentences)
        return NULL;
    json_t *list = json_array();
    struct slice rest = slice_from_str(sentences);
    while (rest.n)
        json_array_append_new(list, text_n(slice_cut(&rest, '\n')));
    json_t *j = json_pack("{s:o}", "sentences", list);
    char *s = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    free(sentences);
    return s;
}

static char *sas_mark(struct signal_role *r, const json_t *args, bool verified)
{
    const char *call = json_string_value(json_object_get(args, "call"));
    const char *leg = json_string_value(json_object_get(args, "leg"));
    if (!call || !leg ||
        call_core_verify(r->calls, slice_from_str(call), slice_from_str(leg), verified) < 0)
        return NULL;
    log_event(LOG_INFO, "sas_mark_asked", LOG_STR("call", call), LOG_STR("leg", leg),
              LOG_STR("as", verified ? "verified" : "unverified"));
    return json_dumps(json_true(), JSON_ENCODE_ANY);
}

static char *sas_verify(struct signal_role *r, const json_t *args)
{
    return sas_mark(r, args, true);
}

static char *sas_unverify(struct signal_role *r, const json_t *args)
{
    return sas_mark(r, args, false);
}

#define SAS_FAILURE                                                                             \
    "no such call goes on, or that leg (caller or callee) has no SAS with this server: `sotto " \
    "show calls` and `sotto explain CALL` tell"

static char *trace_set(struct signal_role *r, const json_t *args)
{
    const char *who = json_string_value(json_object_get(args, "user"));
    json_int_t seconds = json_integer_value(json_object_get(args, "seconds"));
    if (!who)
        who = "all";
    if (seconds < 0 || seconds > 7 * 86400)
        seconds = 7 * 86400;
    if (trace_on(r->trace, slice_from_str(who), (uint32_t)seconds) < 0)
        return NULL;
    log_event(LOG_INFO, "trace_on", LOG_STR("user", who), LOG_I("seconds", seconds));
    return json_dumps(json_true(), JSON_ENCODE_ANY);
}

static char *trace_clear(struct signal_role *r, const json_t *args)
{
    (void)args;
    trace_off(r->trace);
    log_event(LOG_INFO, "trace_off", LOG_STR("reason", "asked for"));
    return json_dumps(json_true(), JSON_ENCODE_ANY);
}

/* Domains or users have changed. */
static char *changed(struct signal_role *r, const json_t *args)
{
    (void)args;
    directory_changed(r->directory);
    return json_dumps(json_true(), JSON_ENCODE_ANY);
}

static const struct {
    const char *cmd;
    char *(*fn)(struct signal_role *r, const json_t *args); /* JSON, malloc'ed; NULL: failed */
    const char *failure;
} commands[] = {
    {"show calls", show_calls, "no memory for the list"},
    {"show registrations", show_registrations, "no memory for the list"},
    {"show connections", show_connections, "no memory for the list"},
    {"show metrics", metrics_show, "no memory"},
    {"explain", explain,
     "there is no such call: give an id of `sotto show calls`, or `last`; of ended calls the last "
     "64 "
     "are remembered"},
    {"sas verify", sas_verify, SAS_FAILURE},
    {"sas unverify", sas_unverify, SAS_FAILURE},
    {"trace on", trace_set, "that user cannot be traced: too many are, or the name is empty"},
    {"trace off", trace_clear, "no memory"},
    {"changed", changed, "no memory"},
};

static void run(struct signal_role *r, const struct admin_request *rq, const json_t *args)
{
    char *text_out = NULL;
    const char *failure = "the signal process does not know this command";
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (slice_eq_str(slice_from_str(rq->cmd), commands[i].cmd)) {
            failure = commands[i].failure;
            text_out = commands[i].fn(r, args);
        }
    }
    int e =
        admin_send_reply(r->web, rq->id, !text_out, slice_from_str(text_out ? text_out : failure));
    if (e < 0)
        log_event(LOG_ERROR, "admin_reply_not_sent", LOG_ERRNO(e), LOG_STR("command", rq->cmd));
    free(text_out);
}

void admin_on_msg(void *role, uint32_t type, const void *payload, size_t n, const int *fds,
                  size_t fd_count)
{
    struct signal_role *r = role;
    struct admin_request rq;
    struct slice args;
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    if (type != ADMIN_MSG_REQUEST || admin_take_request(payload, n, &rq, &args) < 0) {
        log_event(LOG_ERROR, "admin_message_unreadable", LOG_I("type", type), LOG_I("bytes", n));
        return;
    }
    json_t *j = args.n ? json_loadb(args.p, args.n, 0, NULL) : NULL;
    run(r, &rq, j);
    json_decref(j);
}
