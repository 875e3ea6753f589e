/* One program: the server and its roles, and the tools that speak with it. */
#include "app/exit.h"
#include "app/role.h"
#include "app/supervisor.h"
#include "cli/cli.h"
#include "phone/phone.h"

/* Started by the supervisor, never by people. */
static int role_dispatch(int argc, char **argv)
{
    static int (*const mains[ROLE_COUNT])(void) = {[ROLE_SIGNAL] = signal_role_main,
                                                   [ROLE_MEDIA] = media_role_main,
                                                   [ROLE_WEB] = web_role_main};
    enum role_kind k;
    if (argc < 2 || role_parse(argv[1], &k) < 0 || !mains[k])
        return EXIT_STATUS_USAGE;
    return mains[k]();
}

/* Verbs that are programs of their own, argv[0] being the verb; all others are the command line's. */
static const struct {
    const char *verb;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"serve", serve_main},
    {"role", role_dispatch},
    {"call", phone_main},
    {"phone", phone_main},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(argv[1], verbs[i].verb) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    return cli_main(argc, argv);
}
