/* One program: the server and its roles, and the tools that speak with it. */
#include "app/exit.h"
#include "app/role.h"
#include "app/supervisor.h"

static const char usage[] = "usage: sotto VERB ...\n"
                            "\n"
                            "  serve    runs the server (sotto serve --help)\n"
                            "  version  says which sotto this is\n";

static int version_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return puts("sotto " SOTTO_VERSION) == EOF ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}

static int help_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return fputs(usage, stdout) == EOF ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}

/* Started by the supervisor, never by people. */
static int role_dispatch(int argc, char **argv)
{
    static int (*const mains[ROLE_COUNT])(void) = {[ROLE_SIGNAL] = signal_role_main,
                                                   [ROLE_MEDIA] = media_role_main,
                                                   [ROLE_WEB] = web_role_main};
    enum role_kind k;
    if (argc != 2 || role_parse(argv[1], &k) < 0 || !mains[k])
        return EXIT_STATUS_USAGE;
    return mains[k]();
}

/* argv[0] of each is the verb. */
static const struct {
    const char *verb;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"serve", serve_main},       {"role", role_dispatch}, {"version", version_main},
    {"--version", version_main}, {"help", help_main},     {"--help", help_main},
    {"-h", help_main},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(argv[1], verbs[i].verb) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    if (argc > 1)
        fprintf(stderr, "sotto: there is no verb `%s`\n", argv[1]);
    fputs(usage, stderr);
    return EXIT_STATUS_USAGE;
}
