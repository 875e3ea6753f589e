#include "api/api_priv.h"

#include <stdarg.h>

#include "base/log.h"
#include "crypto/hash.h"

/* --- outcomes --- */

void api_fail(struct api_outcome *out, enum api_status status, const char *code, const char *fmt,
              ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(out->error, sizeof(out->error), fmt, ap); /* cut, it is still of use */
    va_end(ap);
    out->status = status;
    out->code = code;
}

void api_fail_store(struct api *a, struct api_outcome *out)
{
    api_fail(out, API_STORE, "store", "%s", store_error(a->cfg.store));
}

void api_warn(struct api_outcome *out, const char *text)
{
    if (!out->warnings)
        out->warnings = json_array();
    (void)json_array_append_new(out->warnings, json_string(text));
}

void api_warn_all(struct api_outcome *out, const struct cert_report *report)
{
    for (size_t i = 0; i < report->warning_count; i++)
        api_warn(out, report->warnings[i]);
}

void api_changed(struct api *a, enum api_change what)
{
    if (a->cfg.changed)
        a->cfg.changed(a->cfg.arg, what);
}

int64_t api_now(const struct api *a)
{
    return a->cfg.now ? a->cfg.now(a->cfg.arg) : (int64_t)time(NULL);
}

const char *api_string(const json_t *args, const char *key)
{
    return json_string_value(json_object_get(args, key));
}

bool api_bool(const json_t *args, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(args, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

void api_join(struct buf *b, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_put_str(b, i ? ", " : "");
        buf_put_str(b, names[i]);
    }
}

json_t *api_time(int64_t t)
{
    char text[32] = "";
    struct tm tm;
    time_t when = (time_t)t;
    if (gmtime_r(&when, &tm))
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

void api_password_make(char ret[API_PASSWORD_LEN + 1])
{
    /* Without i l o 0 1: 31 signs of 4.95 bits, 89 bits in all. */
    static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789";
    enum { SIGNS = sizeof(alphabet) - 1, FAIR = 256 / SIGNS * SIGNS };
    size_t n = 0;
    while (n < API_PASSWORD_LEN) {
        uint8_t byte;
        crypto_random(&byte, 1);
        if (byte < FAIR) /* else the first signs would come more often */
            ret[n++] = alphabet[byte % SIGNS];
    }
    ret[n] = '\0';
}

/* --- the table --- */

static const struct api_arg no_args[] = {{0}};
static const struct api_arg name_args[] = {{"name", API_ARG_STRING, true, false}, {0}};
static const struct api_arg domain_args[] = {
    {"name", API_ARG_STRING, true, false}, {"default", API_ARG_BOOL, false, false}, {0}};
static const struct api_arg user_args[] = {
    {"name", API_ARG_STRING, true, false},         {"password", API_ARG_STRING, false, false},
    {"new_password", API_ARG_BOOL, false, false},  {"display", API_ARG_STRING, false, false},
    {"enabled", API_ARG_BOOL, false, false},       {"max_contacts", API_ARG_INT, false, false},
    {"md5", API_ARG_BOOL, false, false},           {"mikey_psk", API_ARG_STRING, false, false},
    {"new_mikey_psk", API_ARG_BOOL, false, false}, {"no_mikey_psk", API_ARG_BOOL, false, false},
    {"mikey_cert", API_ARG_BOOL, false, false},    {0}};
static const struct api_arg user_list_args[] = {{"domain", API_ARG_STRING, false, false}, {0}};
static const struct api_arg client_args[] = {{"name", API_ARG_STRING, true, false},
                                             {"p12", API_ARG_BOOL, false, false},
                                             {"rsa", API_ARG_BOOL, false, false},
                                             {0}};
static const struct api_arg force_args[] = {{"force", API_ARG_BOOL, false, false}, {0}};
static const struct api_arg import_args[] = {{"path", API_ARG_STRING, true, false},
                                             {"force", API_ARG_BOOL, false, false},
                                             {"domain", API_ARG_STRING, false, false},
                                             {0}};
static const struct api_arg cert_del_args[] = {{"domain", API_ARG_STRING, true, false}, {0}};
static const struct api_arg trace_args[] = {
    {"user", API_ARG_STRING, true, false}, {"seconds", API_ARG_INT, false, false}, {0}};
static const struct api_arg explain_args[] = {{"call", API_ARG_STRING, true, false}, {0}};
static const struct api_arg sas_args[] = {
    {"call", API_ARG_STRING, true, false}, {"leg", API_ARG_STRING, true, false}, {0}};
static const struct api_arg admin_args[] = {
    {"name", API_ARG_STRING, true, false}, {"password", API_ARG_STRING, false, false}, {0}};
static const struct api_arg pattern_args[] = {{"pattern", API_ARG_STRING, true, false}, {0}};
static const struct api_arg level_args[] = {{"level", API_ARG_STRING, true, false}, {0}};

#define READ API_CLASS_READ
#define WRITE API_CLASS_WRITE
#define SECRET API_CLASS_SECRET

static const struct {
    struct api_command c;
    api_command_fn *fn;
} commands[] = {
    // clang-format off
    {{"domain add",         WRITE,  false, {domain_args, api_policy_args}}, api_domain_add},
    {{"domain list",        READ,   false, {no_args}},                      api_domain_list},
    {{"domain set",         WRITE,  false, {domain_args, api_policy_args}}, api_domain_set},
    {{"domain del",         WRITE,  false, {name_args}},                    api_domain_del},
    {{"user add",           WRITE,  false, {user_args, api_policy_args}},   api_user_add},
    {{"user list",          READ,   false, {user_list_args}},               api_user_list},
    {{"user show",          READ,   false, {name_args}},                    api_user_show},
    {{"user set",           WRITE,  false, {user_args, api_policy_args}},   api_user_set},
    {{"user del",           WRITE,  false, {name_args}},                    api_user_del},
    {{"quirk list",         READ,   false, {no_args}},                      api_quirk_list},
    {{"quirk set",          WRITE,  false, {api_quirk_args}},               api_quirk_set},
    {{"quirk del",          WRITE,  false, {pattern_args}},                 api_quirk_del},
    {{"admin add",          WRITE,  false, {admin_args}},                   api_admin_add},
    {{"admin list",         READ,   false, {no_args}},                      api_admin_list},
    {{"admin passwd",       WRITE,  false, {admin_args}},                   api_admin_passwd},
    {{"admin del",          WRITE,  false, {name_args}},                    api_admin_del},
    {{"cert show",         READ,   false, {no_args}},                      api_cert_show},
    {{"cert renew",         SECRET, false, {force_args}},                   api_cert_renew},
    {{"cert client",        SECRET, false, {client_args}},                  api_cert_client},
    {{"cert import",        SECRET, false, {import_args}},                  api_cert_import},
    {{"cert del",           SECRET, false, {cert_del_args}},                api_cert_del},
    {{"cert reload",        WRITE,  true,  {no_args}},                      NULL},
    {{"show calls",         READ,   true,  {no_args}},                      NULL},
    {{"show registrations", READ,   true,  {no_args}},                      NULL},
    {{"show connections",   READ,   true,  {no_args}},                      NULL},
    {{"show listeners",     READ,   true,  {no_args}},                      NULL},
    {{"show certs",         READ,   false, {no_args}},                      api_cert_show},
    {{"show bans",          READ,   true,  {no_args}},                      NULL},
    {{"show metrics",       READ,   true,  {no_args}},                      NULL},
    {{"show roles",         READ,   true,  {no_args}},                      NULL},
    {{"explain",            READ,   true,  {explain_args}},                 NULL},
    {{"sas verify",         WRITE,  true,  {sas_args}},                     NULL},
    {{"sas unverify",       WRITE,  true,  {sas_args}},                     NULL},
    {{"trace on",           WRITE,  true,  {trace_args}},                   NULL},
    {{"trace off",          WRITE,  true,  {no_args}},                      NULL},
    {{"reload",             WRITE,  true,  {no_args}},                      NULL},
    {{"log level",          WRITE,  true,  {level_args}},                   NULL},
    // clang-format on
};

const struct api_command *api_command_at(size_t i)
{
    return i < ARRAY_LEN(commands) ? &commands[i].c : NULL;
}

/* --- checking a request --- */

static const struct api_arg *find_arg(const struct api_command *c, const char *key)
{
    for (size_t l = 0; l < ARRAY_LEN(c->args); l++)
        for (const struct api_arg *a = c->args[l]; a && a->name; a++)
            if (strcmp(a->name, key) == 0)
                return a;
    return NULL;
}

static void unknown_arg(const struct api_command *c, const char *key, struct api_outcome *out)
{
    const char *names[32];
    char list[512];
    size_t n = 0;
    struct buf b = buf_over(list, sizeof(list) - 1);
    for (size_t l = 0; l < ARRAY_LEN(c->args); l++)
        for (const struct api_arg *a = c->args[l]; a && a->name && n < ARRAY_LEN(names); a++)
            names[n++] = a->name;
    const char *near = api_nearest(slice_from_str(key), names, n);
    if (near) {
        api_fail(out, API_USAGE, "unknown_argument", "%s has no argument %.60s; did you mean %s?",
                 c->name, key, near);
        return;
    }
    api_join(&b, names, n);
    list[b.n] = '\0';
    api_fail(out, API_USAGE, "unknown_argument", "%s has no argument %.60s; it takes %s", c->name,
             key, n ? list : "none");
}

static bool is_kind(const json_t *v, enum api_arg_kind kind)
{
    switch (kind) {
    case API_ARG_STRING:
        return json_is_string(v);
    case API_ARG_BOOL:
        return json_is_boolean(v);
    case API_ARG_INT:
        return json_is_integer(v);
    case API_ARG_LIST:
        break;
    }
    size_t i;
    json_t *item;
    if (!json_is_array(v))
        return false;
    json_array_foreach(v, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return true;
}

static bool check_args(const struct api_command *c, json_t *args, struct api_outcome *out)
{
    static const char *const kinds[] = {"text", "true or false", "a whole number",
                                        "a list of texts"};
    const char *key;
    json_t *v;
    json_object_foreach(args, key, v)
    {
        const struct api_arg *a = find_arg(c, key);
        if (!a) {
            unknown_arg(c, key, out);
            return false;
        }
        if (is_kind(v, a->kind) || (a->nullable && json_is_null(v)))
            continue;
        api_fail(out, API_USAGE, "wrong_type", "%s: %s must be %s%s", c->name, key, kinds[a->kind],
                 a->nullable ? ", or null to inherit it" : "");
        return false;
    }
    for (size_t l = 0; l < ARRAY_LEN(c->args); l++)
        for (const struct api_arg *a = c->args[l]; a && a->name; a++)
            if (a->required && !json_object_get(args, a->name)) {
                api_fail(out, API_USAGE, "missing_argument", "%s needs %s", c->name, a->name);
                return false;
            }
    return true;
}

static size_t find_command(const char *name, struct api_outcome *out)
{
    const char *names[ARRAY_LEN(commands)];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        names[i] = commands[i].c.name;
        if (strcmp(names[i], name) == 0)
            return i;
    }
    const char *near = api_nearest(slice_from_str(name), names, ARRAY_LEN(names));
    api_fail(out, API_USAGE, "unknown_command", "there is no command %.60s%s%s%s", name,
             near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return ARRAY_LEN(commands);
}

/* --- running it --- */

/* A sentence may quote what was given, and be cut in the middle of a letter. */
static json_t *sentence(char *text)
{
    json_t *s = json_string(text);
    if (s)
        return s;
    for (char *p = text; *p; p++)
        if ((uint8_t)*p >= 0x80)
            *p = '?';
    return json_string(text);
}

static json_t *to_reply(struct api_outcome *out)
{
    json_t *r = json_object();
    (void)json_object_set_new(r, "ok", json_boolean(out->status == API_DONE));
    if (out->status == API_DONE) {
        (void)json_object_set_new(r, "result", out->result ? out->result : json_object());
        out->result = NULL;
    } else {
        (void)json_object_set_new(r, "error", sentence(out->error));
        (void)json_object_set_new(r, "code", json_string(out->code));
        (void)json_object_set_new(r, "status", json_integer(out->status));
    }
    if (out->warnings)
        (void)json_object_set_new(r, "warnings", out->warnings);
    out->warnings = NULL;
    json_decref(out->result);
    return r;
}

static void send_outcome(struct api_outcome *out, api_reply_fn *reply, void *reply_arg)
{
    json_t *r = to_reply(out);
    reply(reply_arg, r);
    json_decref(r);
}

struct forwarded {
    api_reply_fn *reply;
    void *reply_arg;
};

static void on_forward_reply(void *arg, struct slice text)
{
    struct forwarded f = *(struct forwarded *)arg;
    json_t *r = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    free(arg);
    if (json_is_object(r) && json_is_boolean(json_object_get(r, "ok")))
        f.reply(f.reply_arg, r);
    else {
        struct api_outcome out = {0};
        api_fail(&out, API_FAILED, "no_answer", "the server did not answer; it may be restarting");
        send_outcome(&out, f.reply, f.reply_arg);
    }
    json_decref(r);
}

static void forward(struct api *a, const char *name, const json_t *args, api_reply_fn *reply,
                    void *reply_arg)
{
    struct api_outcome out = {0};
    json_t *request = json_pack("{s:s, s:O}", "cmd", name, "args", args);
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    struct forwarded *f = malloc(sizeof(*f));
    json_decref(request);
    if (!a->cfg.forward)
        api_fail(&out, API_FAILED, "not_running", "sotto is not running in %s", a->cfg.data);
    else if (!text || !f)
        api_fail(&out, API_FAILED, "no_memory", "no memory");
    if (out.status) {
        free(text);
        free(f);
        send_outcome(&out, reply, reply_arg);
        return;
    }
    *f = (struct forwarded){reply, reply_arg};
    a->cfg.forward(a->cfg.arg, name, slice_from_str(text), on_forward_reply, f);
    free(text);
}

static bool needs_store(const char *name)
{
    return strncmp(name, "cert ", 5) != 0 && strncmp(name, "show ", 5) != 0;
}

/* What was changed, by whom: values are not told, some are passwords. */
static void audit(const struct api_caller *caller, const struct api_command *c, const json_t *args,
                  const struct api_outcome *out)
{
    const char *name = api_string(args, "name");
    if (!caller->who || c->class == API_CLASS_READ)
        return;
    log_event(LOG_INFO, "administration", LOG_STR("who", caller->who), LOG_STR("did", c->name),
              LOG_STR("name", name ? name : ""),
              LOG_STR("outcome", out->status ? out->code : "ok"));
}

static bool check_request(struct api *a, unsigned granted, const json_t *request, json_t *args,
                          size_t *ret_at, struct api_outcome *out)
{
    const char *name = json_string_value(json_object_get(request, "cmd"));
    const char *key;
    json_t *v;
    if (!json_is_object(request) || !name || !json_is_object(args)) {
        api_fail(out, API_USAGE, "bad_request",
                 "a request is an object {\"cmd\":\"…\",\"args\":{…}}");
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)request, key, v)
    {
        if (strcmp(key, "cmd") == 0 || strcmp(key, "args") == 0)
            continue;
        api_fail(out, API_USAGE, "bad_request",
                 "a request has cmd and args, and nothing by the name of %.60s", key);
        return false;
    }
    size_t at = find_command(name, out);
    if (out->status || !check_args(&commands[at].c, args, out))
        return false;
    if (!(granted & (unsigned)commands[at].c.class)) {
        api_fail(out, API_FAILED, "not_allowed", "%s is not allowed for this caller", name);
        return false;
    }
    if (!commands[at].c.forwarded && !a->cfg.store && needs_store(name)) {
        api_fail(out, API_STORE, "store", "there is no store to work on");
        return false;
    }
    *ret_at = at;
    return true;
}

void api_call(struct api *a, const struct api_caller *caller, const json_t *request,
              api_reply_fn *reply, void *reply_arg)
{
    struct api_outcome out = {0};
    json_t *given = json_object_get(request, "args");
    json_t *args = given ? json_incref(given) : json_object();
    size_t at = 0;
    bool good = check_request(a, caller->granted, request, args, &at, &out);
    if (good && commands[at].c.forwarded) {
        audit(caller, &commands[at].c, args, &out);
        forward(a, commands[at].c.name, args, reply, reply_arg);
    } else {
        if (good)
            commands[at].fn(a, args, &out);
        if (good)
            audit(caller, &commands[at].c, args, &out);
        send_outcome(&out, reply, reply_arg);
    }
    json_decref(args);
}

int api_new(const struct api_config *cfg, struct api **ret)
{
    struct api *a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->cfg = *cfg;
    *ret = a;
    return 0;
}

struct api *api_free(struct api *a)
{
    free(a);
    return NULL;
}
