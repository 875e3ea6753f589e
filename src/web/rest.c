/* /api/v1/: log-in, and the api table. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "web/site_priv.h"

#define COMMAND_MAX 48

static uint64_t now_ms(const struct site *s)
{
    return loop_now(s->cfg.loop);
}

static json_t *body_json(const struct web_request *q)
{
    struct slice b = web_body(q);
    json_t *j = b.n ? json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL) : json_object();
    if (json_is_object(j))
        return j;
    json_decref(j);
    return NULL;
}

/* --- who asks --------------------------------------------------------------------------------- */

static bool is_read(const struct web_request *q)
{
    return slice_eq_str(web_method(q), "GET") || slice_eq_str(web_method(q), "HEAD");
}

/* A browser sends the cookie with what other sites' pages ask for, too; SameSite keeps most of that
 * back, and this the rest: JSON of another origin is not sent before it was allowed (which it never is),
 * and browsers say where a request comes from. */
static bool is_own_page(const struct web_request *q)
{
    struct slice type = web_field(q, "Content-Type"), site = web_field(q, "Sec-Fetch-Site");
    struct slice origin = web_field(q, "Origin"), host = web_field(q, "Host");
    if (site.n && !slice_eq_str(site, "same-origin") && !slice_eq_str(site, "none"))
        return false;
    if (origin.n && !(slice_starts_with_nocase(origin, SLICE_LIT("https://")) &&
                      slice_eq_nocase(slice_skip(origin, 8), host)))
        return false;
    type = slice_trim(slice_take(type, slice_find_char(type, ';')));
    return is_read(q) || slice_eq_nocase_str(type, "application/json");
}

/* NULL: answered. */
static struct session *who(struct site *s, struct web_request *q)
{
    struct slice bearer = web_field(q, "Authorization");
    bool by_bearer = slice_starts_with_nocase(bearer, SLICE_LIT("Bearer "));
    struct slice token = by_bearer ? slice_trim(slice_skip(bearer, 7)) : web_cookie(q, SITE_COOKIE);
    struct session *one = session_find(s->sessions, token, now_ms(s));
    if (!one) {
        site_fail(q, 401, "not_logged_in", "log in first: POST /api/v1/login");
        return NULL;
    }
    if (!by_bearer && !is_own_page(q)) {
        site_fail(q, 403, "foreign_request",
                  "with a cookie, requests come from this server's own pages and as JSON");
        return NULL;
    }
    return one;
}

static json_t *session_json(const struct session *one)
{
    return json_pack("{s:s, s:b}", "name", one->name, "must_change", (int)one->must_change);
}

/* Takes result. */
static void reply_ok(struct web_request *q, json_t *result, const struct web_header *extra)
{
    json_t *j = json_pack("{s:b, s:o}", "ok", 1, "result", result ? result : json_object());
    site_reply_json(q, 200, j, extra);
    json_decref(j);
}

/* --- log-in ----------------------------------------------------------------------------------- */

static void log_in(struct site *s, struct web_request *q, const char *name, bool one_time)
{
    char token[SESSION_TOKEN_LEN + 1], cookie[256];
    session_make(s->sessions, name, one_time, now_ms(s), token);
    snprintf(cookie, sizeof(cookie), SITE_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict",
             token);
    const struct web_header extra[] = {
        {"Set-Cookie", cookie}, {"Cache-Control", "no-store"}, {NULL, NULL}};
    log_event(LOG_INFO, "administrator_logged_in", LOG_STR("name", name),
              LOG_A("peer", web_remote(q)));
    /* The token is told too, for programs that keep no cookies. */
    reply_ok(
        q, json_pack("{s:s, s:b, s:s}", "name", name, "must_change", (int)one_time, "token", token),
        extra);
    secret_wipe(token, sizeof(token));
    secret_wipe(cookie, sizeof(cookie));
}

static void too_often(struct web_request *q, uint64_t wait_ms)
{
    char seconds[24];
    uint64_t wait_s = wait_ms / 1000 + 1;
    snprintf(seconds, sizeof(seconds), "%" PRIu64, wait_s);
    const struct web_header extra[] = {
        {"Retry-After", seconds}, {"Cache-Control", "no-store"}, {NULL, NULL}};
    json_t *j = json_pack("{s:b, s:s, s:s, s:I}", "ok", 0, "code", "too_often", "error",
                          "too many wrong passwords came from there; wait a while", "seconds",
                          (json_int_t)wait_s);
    site_reply_json(q, 429, j, extra);
    json_decref(j);
}

static void login(struct site *s, struct web_request *q)
{
    uint64_t wait = session_wait_ms(s->sessions, web_remote(q), now_ms(s));
    json_t *args = body_json(q);
    const char *name = json_string_value(json_object_get(args, "name"));
    const char *password = json_string_value(json_object_get(args, "password"));
    struct store_admin a = {0};
    if (wait) {
        too_often(q, wait);
    } else if (!is_own_page(q) || !name || !password || strlen(name) > STORE_ADMIN_NAME_MAX) {
        site_fail(q, 400, "bad_request",
                  "a log-in is JSON of {\"name\":…,\"password\":…}, as application/json");
    } else {
        int r = api_admin_verify(s->cfg.store, slice_from_str(name), slice_from_str(password), &a);
        if (r >= 0)
            session_tried(s->sessions, web_remote(q), r == 0, now_ms(s));
        if (r == 0) {
            log_in(s, q, a.name, a.one_time);
        } else if (r > 0) {
            log_event(LOG_WARN, "administrator_refused", LOG_STR("name", name),
                      LOG_A("peer", web_remote(q)));
            site_fail(q, 401, "wrong", "the name or the password is wrong");
        } else {
            site_fail(q, 503, "failed", "the log-in cannot be checked now; try again");
        }
    }
    json_decref(args);
}

static void logout(struct site *s, struct web_request *q)
{
    static const struct web_header extra[] = {
        {"Set-Cookie", SITE_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"},
        {"Cache-Control", "no-store"},
        {NULL, NULL}};
    struct session *one = who(s, q);
    if (!one)
        return;
    session_end(one);
    reply_ok(q, NULL, extra);
}

/* --- commands --------------------------------------------------------------------------------- */

struct command {
    struct site *site;
    struct web_request *q;
    const struct api_command *c;
    char admin[STORE_ADMIN_NAME_MAX + 1]; /* whose password or account the command is about */
};

static unsigned http_status(const json_t *reply)
{
    static const struct {
        const char *code;
        unsigned status;
    } rows[] = {
        {"unknown_command", 404}, {"no_user", 404},    {"no_domain", 404}, {"no_admin", 404},
        {"not_allowed", 403},     {"restarting", 503}, {"no_answer", 503}, {"not_running", 503},
        {"stopping", 503},        {"unknown", 501},    {"store", 500},     {"no_memory", 503},
    };
    const char *code = json_string_value(json_object_get(reply, "code"));
    if (json_is_true(json_object_get(reply, "ok")))
        return 200;
    for (size_t i = 0; code && i < ARRAY_LEN(rows); i++) {
        if (strcmp(code, rows[i].code) == 0)
            return rows[i].status;
    }
    return json_integer_value(json_object_get(reply, "status")) == API_USAGE ? 400 : 409;
}

/* A new password ends the administrator's sessions, except the one that has just chosen it. */
static void follow(const struct command *cmd)
{
    struct session *own = NULL;
    struct slice bearer = web_field(cmd->q, "Authorization");
    struct slice token = slice_starts_with_nocase(bearer, SLICE_LIT("Bearer "))
                             ? slice_trim(slice_skip(bearer, 7))
                             : web_cookie(cmd->q, SITE_COOKIE);
    if (strcmp(cmd->c->name, "admin passwd") == 0) {
        own = session_find(cmd->site->sessions, token, now_ms(cmd->site));
        if (own && strcmp(own->name, cmd->admin) == 0)
            own->must_change = false;
    }
    session_end_all(cmd->site->sessions, cmd->admin, own);
}

static void on_reply(void *arg, const json_t *reply)
{
    struct command *cmd = arg;
    bool ok = json_is_true(json_object_get(reply, "ok"));
    if (ok && cmd->admin[0])
        follow(cmd);
    site_reply_json(cmd->q, http_status(reply), reply, NULL);
    free(cmd);
}

/* "user/add" -> the command "user add". */
static const struct api_command *find_command(struct slice path)
{
    const struct api_command *c;
    char name[COMMAND_MAX];
    if (!slice_to_str(path, name, sizeof(name)))
        return NULL;
    for (char *p = name; *p; p++) {
        if (*p == '/')
            *p = ' ';
    }
    for (size_t i = 0; (c = api_command_at(i)) != NULL; i++) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

static void add_argument(void *arg, const char *name, const char *value)
{
    (void)json_object_set_new(arg, name, json_string(value)); /* not UTF-8: as if not there */
}

/* The arguments, or NULL: answered. */
static json_t *arguments(struct web_request *q, const struct api_command *c)
{
    json_t *args = body_json(q);
    if (!is_read(q) && !slice_eq_str(web_method(q), "POST")) {
        static const struct web_header allow[] = {{"Allow", "GET, POST"}, {NULL, NULL}};
        web_reply(q, 405, "text/plain", SLICE_LIT("commands take POST, or GET\n"), true, allow);
    } else if (is_read(q) && c->class != API_CLASS_READ) {
        static const struct web_header allow[] = {{"Allow", "POST"}, {NULL, NULL}};
        web_reply(q, 405, "text/plain", SLICE_LIT("this command changes something: POST\n"), true,
                  allow);
    } else if (!args) {
        site_fail(q, 400, "bad_request", "the arguments are one JSON object");
    } else {
        if (is_read(q))
            web_each_query(q, add_argument, args);
        return args;
    }
    json_decref(args);
    return NULL;
}

static void run(struct site *s, struct web_request *q, const struct api_command *c,
                const struct session *one, json_t *args)
{
    struct command *cmd = calloc(1, sizeof(*cmd));
    const char *name = json_string_value(json_object_get(args, "name"));
    bool own_password =
        strcmp(c->name, "admin passwd") == 0 && name && strcmp(name, one->name) == 0;
    json_t *request = json_pack("{s:s, s:O}", "cmd", c->name, "args", args);
    char by[STORE_ADMIN_NAME_MAX + ADDR_STR_MAX + 2], at[ADDR_STR_MAX];
    if (one->must_change && !own_password) {
        site_fail(q, 403, "must_change",
                  "this is a one-time password: choose one of your own first, with POST "
                  "/api/v1/admin/passwd {\"name\":…,\"password\":…}");
        free(cmd);
    } else if (!cmd || !request) {
        site_fail(q, 503, "no_memory", "no memory");
        free(cmd);
    } else {
        *cmd = (struct command){.site = s, .q = q, .c = c};
        if (strcmp(c->name, "admin passwd") == 0 || strcmp(c->name, "admin del") == 0)
            snprintf(cmd->admin, sizeof(cmd->admin), "%s", name ? name : "");
        snprintf(by, sizeof(by), "%s@%s", one->name, addr_str(web_remote(q), at));
        /* Private keys leave by the control socket alone. */
        const struct api_caller caller = {API_CLASS_READ | API_CLASS_WRITE, by};
        api_call(s->cfg.api, &caller, request, on_reply, cmd);
    }
    json_decref(request);
}

static void command(struct site *s, struct web_request *q, struct slice path)
{
    const struct session *one = who(s, q);
    const struct api_command *c = one ? find_command(path) : NULL;
    if (!one)
        return;
    if (!c) {
        site_fail(q, 404, "unknown_command",
                  "there is no such command; those of `sotto help` are here by /api/v1/A/B");
        return;
    }
    json_t *args = arguments(q, c);
    if (args)
        run(s, q, c, one, args);
    json_decref(args);
}

/* --- which is which --------------------------------------------------------------------------- */

static void server(struct site *s, struct web_request *q)
{
    struct store_domain d = {0};
    bool found = store_domain_default(s->cfg.store, &d) == 0;
    json_t *j = json_pack("{s:s, s:s, s:s}", "domain", found ? d.name : s->cfg.domain, "ws_path",
                          "/ws", "version", SOTTO_VERSION);
    site_reply_json(q, 200, j, NULL);
    json_decref(j);
}

static void session(struct site *s, struct web_request *q)
{
    const struct session *one = who(s, q);
    if (one)
        reply_ok(q, session_json(one), NULL);
}

void rest_request(struct site *s, struct web_request *q, struct slice path)
{
    static const struct {
        const char *path, *method;
        void (*fn)(struct site *s, struct web_request *q);
    } own[] = {{"server", "GET", server},
               {"login", "POST", login},
               {"logout", "POST", logout},
               {"session", "GET", session}};
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (!slice_eq_str(path, own[i].path))
            continue;
        const struct web_header allow[] = {{"Allow", own[i].method}, {NULL, NULL}};
        if (slice_eq_str(web_method(q), own[i].method))
            own[i].fn(s, q);
        else
            web_reply(q, 405, "text/plain", SLICE_LIT("not by this method\n"), true, allow);
        return;
    }
    command(s, q, path);
}
