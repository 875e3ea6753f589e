#include "cli/cli_priv.h"

static void print_warnings(const json_t *reply)
{
    size_t i;
    json_t *w;
    json_array_foreach(json_object_get(reply, "warnings"), i, w)
    {
        fputs("warning: ", stderr);
        cli_print_text(stderr, json_string_value(w) ? json_string_value(w) : "?");
        fputc('\n', stderr);
    }
}

static int print_failure(const json_t *reply, bool json)
{
    const char *error = json_string_value(json_object_get(reply, "error"));
    json_int_t status = json_integer_value(json_object_get(reply, "status"));
    fputs("sotto: ", stderr);
    cli_print_text(stderr, error ? error : "the server's answer makes no sense");
    fputc('\n', stderr);
    if (json) {
        (void)json_dumpf(reply, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    return status > 0 && status < 128 ? (int)status : API_FAILED;
}

static int print_reply(const struct cli_line *line, const json_t *reply)
{
    const json_t *result = json_object_get(reply, "result");
    print_warnings(reply);
    if (!json_is_true(json_object_get(reply, "ok")))
        return print_failure(reply, line->json);
    if (line->json) {
        bool ok = json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0 &&
                  putchar('\n') != EOF;
        return ok ? API_DONE : API_FAILED;
    }
    if (!line->verb->print)
        return cli_write_client(result, line);
    line->verb->print(result, line->verb);
    return API_DONE;
}

static int run(int argc, char **argv)
{
    struct cli_line line;
    json_t *reply = NULL;
    int status = cli_line_parse(argc, argv, &line);
    if (status)
        return status;
    if (line.help || line.verb->where == CLI_ELSE) {
        cli_verb_usage(stdout, line.verb);
        json_decref(line.args);
        return API_DONE;
    }
    status = cli_ask(&line, &reply);
    if (status == 0)
        status = print_reply(&line, reply);
    json_decref(reply);
    json_decref(line.args);
    if (fflush(stdout) && status == API_DONE) /* a full disk must not look like success */
        status = API_FAILED;
    return status;
}

int cli_main(int argc, char **argv)
{
    if (argc < 2) {
        cli_usage(stderr);
        return API_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)
        return puts("sotto " SOTTO_VERSION) == EOF ? API_FAILED : API_DONE;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cli_help(0, NULL);
    if (strcmp(argv[1], "help") == 0)
        return cli_help(argc - 2, argv + 2);
    return run(argc - 1, argv + 1);
}
