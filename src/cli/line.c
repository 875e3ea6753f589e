/* From what was typed to a request of api. */
#include "cli/cli_priv.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const char *fmt, ...) PRINTF_LIKE(1, 2);
static int complain(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* cut, it is still of use */
    va_end(ap);
    fputs("sotto: ", stderr);
    cli_print_text(stderr, text);
    fputc('\n', stderr);
    return API_USAGE;
}

/* --- verbs --- */

static int match_words(const char *words, int argc, char **argv)
{
    int n = 0;
    struct slice rest = slice_from_str(words);
    while (rest.n) {
        if (n == argc || !slice_eq_str(slice_cut(&rest, ' '), argv[n]))
            return 0;
        n++;
    }
    return n;
}

const struct cli_verb *cli_verb_find(int argc, char **argv, int *ret_words)
{
    for (size_t i = 0; i < cli_verb_count; i++) {
        int n = match_words(cli_verbs[i].words, argc, argv);
        if (n) {
            *ret_words = n;
            return &cli_verbs[i];
        }
    }
    return NULL;
}

void cli_say_unknown_verb(int argc, char **argv)
{
    const char *names[64], *family[16];
    char typed[128], list[256];
    size_t n = 0, known = 0;
    struct buf b = buf_over(list, sizeof(list) - 1);
    for (size_t i = 0; i < cli_verb_count && i < ARRAY_LEN(names); i++) {
        size_t first = strcspn(cli_verbs[i].words, " ");
        names[n++] = cli_verbs[i].words;
        if (strlen(argv[0]) == first && strncmp(argv[0], cli_verbs[i].words, first) == 0 &&
            cli_verbs[i].words[first] && known < ARRAY_LEN(family))
            family[known++] = cli_verbs[i].words + first + 1;
    }
    for (size_t i = 0; i < known; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", family[i]);
    list[b.n] = '\0';
    if (known && (argc < 2 || argv[1][0] == '-')) {
        (void)complain("%s what? There is %s", argv[0], list);
        return;
    }
    (void)snprintf(typed, sizeof(typed), "%s%s%s", argv[0],
                   argc > 1 && argv[1][0] != '-' ? " " : "",
                   argc > 1 && argv[1][0] != '-' ? argv[1] : "");
    const char *near = api_nearest(slice_from_str(typed), names, n);
    if (!near)
        near = api_nearest(slice_from_str(argv[0]), names, n);
    if (near)
        (void)complain("there is no verb `%s`; did you mean `%s`?", typed, near);
    else if (known)
        (void)complain("there is no verb `%s`; %s has %s", typed, argv[0], list);
    else
        (void)complain("there is no verb `%s`; `sotto help` lists them", typed);
}

/* --- values --- */

static int bad_value(const struct cli_option *o, const char *what)
{
    return complain("%s wants %s", o->name, what);
}

static json_t *text_json(const char *text)
{
    return json_string(text); /* NULL: not UTF-8 */
}

static int put_list(struct cli_line *line, const struct cli_option *o, const char *value)
{
    json_t *list = json_array();
    struct slice rest = slice_from_str(value);
    while (rest.n) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (json_array_append_new(list, json_stringn(item.p, item.n)))
            break;
    }
    return json_object_set_new(line->args, o->key, list) ? bad_value(o, "a list in UTF-8") : 0;
}

static int put_number(struct cli_line *line, const struct cli_option *o, const char *value,
                      uint32_t unit)
{
    uint32_t v;
    if (slice_to_u32(slice_from_str(value), &v))
        return bad_value(o, "a whole number");
    return json_object_set_new(line->args, o->key, json_integer((json_int_t)v * unit))
               ? bad_value(o, "a whole number")
               : 0;
}

static int put_duration(struct cli_line *line, const struct cli_option *o, const char *value)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char digits[16];
    size_t n = strlen(value);
    uint32_t v, unit = 1;
    for (size_t i = 0; n && i < ARRAY_LEN(units); i++)
        if (value[n - 1] == units[i].unit) {
            unit = units[i].seconds;
            n--;
            break;
        }
    if (!slice_to_str(slice_from(value, n), digits, sizeof(digits)) ||
        slice_to_u32(slice_from_str(digits), &v))
        return bad_value(o, "a time like 90s, 10m or 2h");
    return put_number(line, o, digits, unit);
}

/* A password or key: one line, without its end. */
static int put_stdin(struct cli_line *line, const struct cli_option *o)
{
    char text[STORE_PASSWORD_MAX + 4];
    int r = 0;
    if (!fgets(text, sizeof(text), stdin))
        return complain("there is no %s on standard input",
                        strcmp(o->key, "password") == 0 ? "password" : "key");
    text[strcspn(text, "\r\n")] = '\0';
    if (json_object_set_new(line->args, o->key, text_json(text)))
        r = bad_value(o, "UTF-8");
    secret_wipe(text, sizeof(text));
    return r;
}

static int put_value(struct cli_line *line, const struct cli_option *o, const char *value)
{
    bool inherit = value && strcmp(value, "inherit") == 0;
    if (!value) /* the kinds that take none do not look at it */
        value = "";
    switch (o->kind) {
    case CLI_TRUE:
        return json_object_set_new(line->args, o->key, json_true()) ? API_FAILED : 0;
    case CLI_FALSE:
        return json_object_set_new(line->args, o->key, json_false()) ? API_FAILED : 0;
    case CLI_TEXT:
        return json_object_set_new(line->args, o->key, text_json(value)) ? bad_value(o, "UTF-8")
                                                                         : 0;
    case CLI_WORD:
        return json_object_set_new(line->args, o->key, inherit ? json_null() : text_json(value))
                   ? bad_value(o, "UTF-8")
                   : 0;
    case CLI_LIST:
        if (inherit)
            return json_object_set_new(line->args, o->key, json_null()) ? API_FAILED : 0;
        return put_list(line, o, value);
    case CLI_INT:
        return put_number(line, o, value, 1);
    case CLI_DURATION:
        return put_duration(line, o, value);
    case CLI_STDIN:
        return put_stdin(line, o);
    case CLI_FOLDER:
        line->folder = value;
        return 0;
    }
    return API_USAGE;
}

/* --- options --- */

static const struct cli_option *find_option(const struct cli_verb *v, struct slice name)
{
    for (size_t l = 0; l < ARRAY_LEN(v->options); l++)
        for (const struct cli_option *o = v->options[l]; o && o->name; o++)
            if (slice_eq_str(name, o->name))
                return o;
    return NULL;
}

static int unknown_option(const struct cli_verb *v, struct slice name)
{
    const char *names[32] = {"--json", "--help", "-d"};
    size_t n = 3;
    for (size_t l = 0; l < ARRAY_LEN(v->options); l++)
        for (const struct cli_option *o = v->options[l]; o && o->name && n < ARRAY_LEN(names); o++)
            names[n++] = o->name;
    const char *near = api_nearest(name, names, n);
    return near ? complain("%s has no option " SLICE_FMT "; did you mean %s?", v->words,
                           SLICE_ARG(name), near)
                : complain("%s has no option " SLICE_FMT "; `sotto help %s` lists them", v->words,
                           SLICE_ARG(name), v->words);
}

static int set_data(struct cli_line *line, const char *value)
{
    if (!*value || !slice_to_str(slice_from_str(value), line->data, sizeof(line->data)))
        return complain("-d wants the path of a data folder");
    return 0;
}

/* One option, with its value behind `=` or as the next word. */
static int take_option(int argc, char **argv, int *at, struct cli_line *line)
{
    static const struct cli_option data = {.name = "-d", .value = "DATA"};
    struct slice name = slice_from_str(argv[*at]);
    const char *value = NULL;
    size_t equals = slice_find_char(name, '=');
    if (slice_starts_with(name, SLICE_LIT("--")) && equals < name.n) {
        value = name.p + equals + 1;
        name.n = equals;
    }
    if (slice_eq_str(name, "--json") || slice_eq_str(name, "--help") || slice_eq_str(name, "-h")) {
        line->json |= slice_eq_str(name, "--json");
        line->help |= !slice_eq_str(name, "--json");
        return value ? complain(SLICE_FMT " takes no value", SLICE_ARG(name)) : 0;
    }
    bool is_data = slice_eq_str(name, "-d") || slice_eq_str(name, "--data");
    const struct cli_option *o = is_data ? &data : find_option(line->verb, name);
    if (!o)
        return unknown_option(line->verb, name);
    if (!o->value && value)
        return complain("%s takes no value", o->name);
    if (o->value && !value) {
        if (*at + 1 >= argc)
            return complain("%s wants a value: %s", o->name, o->value);
        value = argv[++*at];
    }
    return is_data ? set_data(line, value) : put_value(line, o, value);
}

static int take_operand(struct cli_line *line, const char *word)
{
    char path[PATH_MAX];
    const struct cli_verb *v = line->verb;
    if (!v->operand)
        return complain("%s takes no `%s`", v->words, word);
    if (json_object_get(line->args, v->key))
        return complain("%s takes one %s; `%s` is too much", v->words, v->operand, word);
    if (strcmp(v->key, "path") == 0 && realpath(word, path))
        word = path; /* elsewhere it may be read from another folder */
    if (json_object_set_new(line->args, v->key, text_json(word)))
        return complain("%s must be UTF-8", v->operand);
    return 0;
}

static void default_data(char ret[PATH_MAX])
{
    struct stat st;
    bool installed = stat("data", &st) != 0 && stat("/var/lib/sotto", &st) == 0;
    (void)snprintf(ret, PATH_MAX, "%s", installed ? "/var/lib/sotto" : "./data");
}

int cli_line_parse(int argc, char **argv, struct cli_line *ret)
{
    int words = 0, r = 0;
    bool options = true;
    struct cli_line line = {.verb = cli_verb_find(argc, argv, &words)};
    if (!line.verb) {
        cli_say_unknown_verb(argc, argv);
        return API_USAGE;
    }
    line.args = json_object();
    default_data(line.data);
    for (int at = words; at < argc && r == 0; at++) {
        if (options && strcmp(argv[at], "--") == 0)
            options = false;
        else if (options && argv[at][0] == '-' && argv[at][1])
            r = take_option(argc, argv, &at, &line);
        else
            r = take_operand(&line, argv[at]);
    }
    if (r == 0 && !line.help && line.verb->operand && line.verb->key &&
        !json_object_get(line.args, line.verb->key))
        r = complain("%s wants %s; `sotto help %s` tells more", line.verb->words,
                     line.verb->operand, line.verb->words);
    if (r) {
        json_decref(line.args);
        return r;
    }
    *ret = line;
    return 0;
}
