/* What is known of phones, between JSON and the table of policy/quirk.h. */
#include "api/api_priv.h"
#include "policy/quirk.h"

const struct api_arg api_quirk_args[] = {{"pattern", API_ARG_STRING, true, false},
                                         {"digest", API_ARG_STRING, false, true},
                                         {"offer", API_ARG_STRING, false, true},
                                         {"crypto_lines", API_ARG_INT, false, true},
                                         {"aes256", API_ARG_BOOL, false, true},
                                         {"aes256_name", API_ARG_STRING, false, true},
                                         {"gcm", API_ARG_BOOL, false, true},
                                         {"dtmf", API_ARG_STRING, false, true},
                                         {0}};

static json_t *text_or_null(const char *s)
{
    return s && *s ? json_string(s) : json_null();
}

static json_t *to_json(const struct quirk *q)
{
    return json_pack(
        "{s:s, s:b, s:b, s:o, s:o, s:o, s:b, s:s, s:b, s:s}", "pattern", q->pattern, "built_in",
        (int)q->built_in, "overrides", (int)q->overrides, "digest",
        text_or_null(quirk_digest_name((enum quirk_digest)q->digest)), "offer",
        q->offer ? json_string(offer_shape_name((enum offer_shape)q->offer)) : json_null(),
        "crypto_lines", q->crypto_lines ? json_integer(q->crypto_lines) : json_null(), "aes256",
        (int)!q->no_aes256, "aes256_name", q->aes_cm_256 ? "AES_CM_256" : "AES_256_CM", "gcm",
        (int)q->gcm, "dtmf", q->dtmf_info ? "info" : "auto");
}

static bool load(struct api *a, struct quirk_table *t, struct api_outcome *out)
{
    if (quirk_table_load(t, a->cfg.store) == 0)
        return true;
    api_fail_store(a, out);
    return false;
}

static bool save(struct api *a, const struct quirk_table *t, struct api_outcome *out)
{
    if (quirk_table_save(t, a->cfg.store) != 0) {
        api_fail_store(a, out);
        return false;
    }
    api_changed(a, API_CHANGED_QUIRKS);
    return true;
}

static const struct quirk *line_of(const struct quirk_table *t, const char *pattern)
{
    for (size_t i = 0; i < t->count; i++) {
        if (slice_eq_nocase_str(slice_from_str(pattern), t->of[i].pattern))
            return &t->of[i];
    }
    return NULL;
}

/* An own line hides the one built in that it stands for. */
static bool is_hidden(const struct quirk_table *t, const struct quirk *q)
{
    return q->built_in && line_of(t, q->pattern) != q;
}

void api_quirk_list(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct quirk_table t;
    (void)args;
    if (!load(a, &t, out))
        return;
    out->result = json_array();
    for (size_t i = 0; i < t.count; i++) {
        if (!is_hidden(&t, &t.of[i]))
            (void)json_array_append_new(out->result, to_json(&t.of[i]));
    }
}

static const struct {
    const char *arg, *key, *allowed;
} settings[] = {
    {"digest", "digest", "sha256-first, md5-first, md5-only"},
    {"offer", "offer", "osrtp, savp, dtls, zrtp, mikey"},
    {"crypto_lines", "crypto-lines", "1 to 8"},
    {"aes256_name", "aes256-name", "AES_CM_256, AES_256_CM"},
    {"dtmf", "dtmf", "info, auto"},
};

/* False: told in out. */
static bool take(const json_t *args, struct quirk *q, struct api_outcome *out)
{
    const char *pattern = api_string(args, "pattern");
    if (!quirk_is_pattern(slice_from_str(pattern))) {
        api_fail(out, API_USAGE, "bad_pattern",
                 "a pattern is a part of the phone's User-Agent, 1 to %d printable characters",
                 QUIRK_PATTERN_MAX);
        return false;
    }
    snprintf(q->pattern, sizeof(q->pattern), "%s", pattern);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const json_t *v = json_object_get(args, settings[i].arg);
        char number[24];
        if (!v || json_is_null(v))
            continue;
        snprintf(number, sizeof(number), "%lld", json_integer_value(v));
        const char *text = json_is_integer(v) ? number : json_string_value(v);
        if (!quirk_take(q, slice_from_str(settings[i].key), slice_from_str(text))) {
            api_fail(out, API_USAGE, "not_allowed_value", "%s cannot be %.60s; allowed: %s",
                     settings[i].key, *text ? text : "empty", settings[i].allowed);
            return false;
        }
    }
    q->no_aes256 = !api_bool(args, "aes256", true);
    q->gcm = api_bool(args, "gcm", false);
    return true;
}

void api_quirk_set(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct quirk_table t;
    struct quirk q = {.digest = 0};
    if (!take(args, &q, out) || !load(a, &t, out))
        return;
    if (quirk_table_put(&t, &q) < 0) {
        api_fail(out, API_FAILED, "full", "there are %d own lines already; delete one first",
                 QUIRKS_OWN_MAX);
        return;
    }
    if (save(a, &t, out))
        out->result = to_json(line_of(&t, q.pattern));
}

void api_quirk_del(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct quirk_table t;
    const char *pattern = api_string(args, "pattern");
    if (!load(a, &t, out))
        return;
    bool known = line_of(&t, pattern) != NULL;
    if (quirk_table_remove(&t, slice_from_str(pattern))) {
        if (save(a, &t, out)) /* what is built in comes back */
            out->result = json_pack("{s:s, s:b}", "name", pattern, "built_in",
                                    (int)(line_of(&t, pattern) != NULL));
    } else if (known) {
        api_fail(out, API_FAILED, "built_in",
                 "%.60s is built in; `sotto quirk set '%.60s'` with other settings, or with none, "
                 "takes its place",
                 pattern, pattern);
    } else {
        api_fail(out, API_FAILED, "no_quirk", "there is no line for %.60s (sotto quirk list)",
                 pattern);
    }
}
