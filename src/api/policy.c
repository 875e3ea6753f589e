/* Policies, between JSON and the store. Every refusal lists what is allowed. */
#include "api/api_priv.h"

const struct api_arg api_policy_args[] = {
    {"protection", API_ARG_STRING, false, true}, {"keying", API_ARG_LIST, false, true},
    {"suites", API_ARG_LIST, false, true},       {"codecs", API_ARG_LIST, false, true},
    {"media", API_ARG_STRING, false, true},      {"transport", API_ARG_LIST, false, true},
    {"require_peer", API_ARG_BOOL, false, true}, {"tell", API_ARG_LIST, false, true},
    {"announce", API_ARG_STRING, false, true},   {0}};

static const struct {
    const char *name;
    uint8_t bit;
} transports[] = {{"tls", STORE_TLS},
                  {"wss", STORE_WSS},
                  {"tcp", STORE_TCP},
                  {"udp", STORE_UDP},
                  {"ws", STORE_WS}};

static const struct {
    const char *name;
    uint8_t bits;
} tells[] = {{"mark", STORE_TELL_MARK}, {"header", STORE_TELL_HEADER}, {"none", 0}};

/* IANA's encoding names, as they are usually spelled. */
static const char *const codecs[] = {"opus", "G722",   "PCMA", "PCMU",           "G729",
                                     "iLBC", "speex",  "GSM",  "SILK",           "G726-32",
                                     "AMR",  "AMR-WB", "L16",  "telephone-event"};

/* The kinds that a policy may name: not "none", not "pass", which are no keyings of ours. */
static const enum keying_kind keyings[] = {KEYING_SDES, KEYING_DTLS, KEYING_ZRTP, KEYING_MIKEY};

enum { NAMES_MAX = 24 };

static void refuse(struct api_outcome *out, const char *what, const char *value,
                   const char *const *names, size_t n)
{
    char list[512];
    struct buf b = buf_over(list, sizeof(list) - 1);
    api_join(&b, names, n);
    list[b.n] = '\0';
    const char *near = api_nearest(slice_from_str(value), names, n);
    api_fail(out, API_USAGE, "not_allowed_value", "%s cannot be %.60s%s%s%s; allowed: %s", what,
             *value ? value : "empty", near ? " (did you mean " : "", near ? near : "",
             near ? "?)" : "", list);
}

static bool take_protection(const char *text, struct store_policy *p, struct api_outcome *out)
{
    const char *names[PROTECTION_POLICY_COUNT];
    for (int i = 0; i < PROTECTION_POLICY_COUNT; i++) {
        names[i] = protection_policy_name((enum protection_policy)i);
        if (strcmp(names[i], text) == 0) {
            p->protection = (uint8_t)i;
            return true;
        }
    }
    refuse(out, "protection", text, names, PROTECTION_POLICY_COUNT);
    return false;
}

static bool take_media(const char *text, struct store_policy *p, struct api_outcome *out)
{
    const char *names[MEDIA_PATH_COUNT];
    for (int i = 0; i < MEDIA_PATH_COUNT; i++) {
        names[i] = media_path_name((enum media_path)i);
        if (strcmp(names[i], text) == 0) {
            p->media_path = (uint8_t)i;
            return true;
        }
    }
    refuse(out, "media", text, names, MEDIA_PATH_COUNT);
    return false;
}

/* Lists: each item is looked up among `names`; `take` gets its index, once for each. */
static bool take_list(const char *what, const json_t *list, const char *const *names, size_t n,
                      void (*take)(struct store_policy *p, size_t at), struct store_policy *p,
                      struct api_outcome *out)
{
    bool seen[NAMES_MAX] = {false};
    size_t i;
    json_t *item;
    if (json_array_size(list) == 0) {
        refuse(out, what, "", names, n);
        return false;
    }
    json_array_foreach(list, i, item)
    {
        struct slice text = slice_from_str(json_string_value(item));
        size_t at = 0;
        while (at < n && !slice_eq_nocase_str(text, names[at]))
            at++;
        if (at == n) {
            refuse(out, what, json_string_value(item), names, n);
            return false;
        }
        if (seen[at]) {
            api_fail(out, API_USAGE, "twice", "%s names %s twice", what, names[at]);
            return false;
        }
        seen[at] = true;
        take(p, at);
    }
    return true;
}

static void take_keying(struct store_policy *p, size_t at)
{
    p->keyings[p->keying_count++] = (uint8_t)keyings[at];
}

static void take_suite(struct store_policy *p, size_t at)
{
    p->suites[p->suite_count++] = (uint8_t)(at + 1); /* after SRTP_SUITE_NONE */
}

static void take_codec(struct store_policy *p, size_t at)
{
    _Static_assert(ARRAY_LEN(codecs) <= STORE_CODEC_MAX, "all codecs at once fit");
    (void)snprintf(p->codecs[p->codec_count++], sizeof(p->codecs[0]), "%s", codecs[at]);
}

static void take_transport(struct store_policy *p, size_t at)
{
    p->transports |= transports[at].bit;
}

static bool take_keyings(const json_t *v, struct store_policy *p, struct api_outcome *out)
{
    const char *names[ARRAY_LEN(keyings)];
    for (size_t i = 0; i < ARRAY_LEN(keyings); i++)
        names[i] = keying_name(keyings[i]);
    p->keying_count = 0;
    return take_list("keying", v, names, ARRAY_LEN(names), take_keying, p, out);
}

static bool take_suites(const json_t *v, struct store_policy *p, struct api_outcome *out)
{
    const char *names[SRTP_SUITE_COUNT - 1];
    for (int i = 1; i < SRTP_SUITE_COUNT; i++)
        names[i - 1] = srtp_suite_name((enum srtp_suite)i);
    p->suite_count = 0;
    /* The other spelling of AES-256 (see base/protection.h) becomes IANA's. */
    json_t *known = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(v, i, item)
    {
        enum srtp_suite s = srtp_suite_from_name(slice_from_str(json_string_value(item)));
        if (s == SRTP_SUITE_NONE)
            (void)json_array_append(known, item);
        else
            (void)json_array_append_new(known, json_string(srtp_suite_name(s)));
    }
    bool ok = take_list("suites", known, names, ARRAY_LEN(names), take_suite, p, out);
    json_decref(known);
    return ok;
}

static bool take_codecs(const json_t *v, struct store_policy *p, struct api_outcome *out)
{
    p->codec_count = 0;
    memset(p->codecs, 0, sizeof(p->codecs));
    return take_list("codecs", v, codecs, ARRAY_LEN(codecs), take_codec, p, out);
}

static bool take_transports(const json_t *v, struct store_policy *p, struct api_outcome *out)
{
    const char *names[ARRAY_LEN(transports)];
    for (size_t i = 0; i < ARRAY_LEN(transports); i++)
        names[i] = transports[i].name;
    p->transports = 0;
    return take_list("transport", v, names, ARRAY_LEN(names), take_transport, p, out);
}

static void take_tell_item(struct store_policy *p, size_t at)
{
    p->tell |= tells[at].bits;
}

static bool take_tell(const json_t *v, struct store_policy *p, struct api_outcome *out)
{
    const char *names[ARRAY_LEN(tells)];
    for (size_t i = 0; i < ARRAY_LEN(tells); i++)
        names[i] = tells[i].name;
    p->tell = 0;
    return take_list("tell", v, names, ARRAY_LEN(names), take_tell_item, p, out);
}

static bool take_announce(const char *text, struct store_policy *p, struct api_outcome *out)
{
    const char *names[STORE_ANNOUNCE_COUNT];
    for (int i = 0; i < STORE_ANNOUNCE_COUNT; i++) {
        names[i] = store_announce_name((enum store_announce)i);
        if (strcmp(names[i], text) == 0) {
            p->announce = (uint8_t)i;
            return true;
        }
    }
    refuse(out, "announce", text, names, STORE_ANNOUNCE_COUNT);
    return false;
}

static bool take_one(uint16_t field, const json_t *v, struct store_policy *p,
                     struct api_outcome *out)
{
    switch ((enum store_policy_field)field) {
    case STORE_POLICY_PROTECTION:
        return take_protection(json_string_value(v), p, out);
    case STORE_POLICY_MEDIA:
        return take_media(json_string_value(v), p, out);
    case STORE_POLICY_KEYINGS:
        return take_keyings(v, p, out);
    case STORE_POLICY_SUITES:
        return take_suites(v, p, out);
    case STORE_POLICY_CODECS:
        return take_codecs(v, p, out);
    case STORE_POLICY_TRANSPORTS:
        return take_transports(v, p, out);
    case STORE_POLICY_PEER:
        p->require_peer = json_is_true(v);
        return true;
    case STORE_POLICY_TELL:
        return take_tell(v, p, out);
    case STORE_POLICY_ANNOUNCE:
        return take_announce(json_string_value(v), p, out);
    case STORE_POLICY_ALL:
        break;
    }
    return false;
}

static const struct {
    const char *name;
    uint16_t field;
} fields[] = {
    {"protection", STORE_POLICY_PROTECTION}, {"keying", STORE_POLICY_KEYINGS},
    {"suites", STORE_POLICY_SUITES},         {"codecs", STORE_POLICY_CODECS},
    {"media", STORE_POLICY_MEDIA},           {"transport", STORE_POLICY_TRANSPORTS},
    {"require_peer", STORE_POLICY_PEER},     {"tell", STORE_POLICY_TELL},
    {"announce", STORE_POLICY_ANNOUNCE},
};

bool api_policy_take(const json_t *args, struct store_policy *p, struct api_outcome *out)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const json_t *v = json_object_get(args, fields[i].name);
        if (!v)
            continue;
        if (json_is_null(v)) {
            p->said &= (uint16_t)~fields[i].field;
            continue;
        }
        if (!take_one(fields[i].field, v, p, out))
            return false;
        p->said |= fields[i].field;
    }
    return true;
}

json_t *api_policy_json(const struct store_policy *p, const struct store_policy *own)
{
    json_t *o = json_object(), *inherited = json_array();
    json_t *keying = json_array(), *suites = json_array(), *names = json_array(),
           *transport = json_array(), *tell = json_array();
    for (size_t i = 0; i < p->keying_count; i++)
        (void)json_array_append_new(keying, json_string(keying_name(p->keyings[i])));
    for (size_t i = 0; i < p->suite_count; i++)
        (void)json_array_append_new(suites, json_string(srtp_suite_name(p->suites[i])));
    for (size_t i = 0; i < p->codec_count; i++)
        (void)json_array_append_new(names, json_string(p->codecs[i]));
    for (size_t i = 0; i < ARRAY_LEN(transports); i++)
        if (p->transports & transports[i].bit)
            (void)json_array_append_new(transport, json_string(transports[i].name));
    for (size_t i = 0; i < ARRAY_LEN(tells); i++)
        if (p->tell & tells[i].bits)
            (void)json_array_append_new(tell, json_string(tells[i].name));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!(own->said & fields[i].field))
            (void)json_array_append_new(inherited, json_string(fields[i].name));
    (void)json_object_set_new(o, "protection", json_string(protection_policy_name(p->protection)));
    (void)json_object_set_new(o, "keying", keying);
    (void)json_object_set_new(o, "suites", suites);
    (void)json_object_set_new(o, "codecs", names);
    (void)json_object_set_new(o, "media", json_string(media_path_name(p->media_path)));
    (void)json_object_set_new(o, "transport", transport);
    (void)json_object_set_new(o, "require_peer", json_boolean(p->require_peer));
    (void)json_object_set_new(o, "tell", tell);
    (void)json_object_set_new(o, "announce",
                              json_string(store_announce_name((enum store_announce)p->announce)));
    (void)json_object_set_new(o, "inherited", inherited);
    return o;
}
