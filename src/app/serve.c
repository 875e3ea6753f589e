#include "app/supervisor.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/exit.h"
#include "app/keeper.h"

static const char usage[] =
    "usage: sotto serve [-c FILE] [-d DATA] [--check]\n"
    "\n"
    "Runs the server in the foreground; prints `ready` when calls can be taken.\n"
    "\n"
    "  -c FILE   settings; without it DATA/sotto.conf, where there is one (sotto.conf(5))\n"
    "  -d DATA   folder for the store, certificates and call records\n"
    "  --check   says what is wrong with the settings, or shows them, and ends\n"
    "\n"
    "SIGHUP reads the settings again. SIGTERM: no new calls, leaves when none is left.\n";

/* Findings are for people at a terminal and for the journal alike: plain lines. */
static void print_lines(const char *prefix, const struct config_report *r)
{
    struct slice rest = slice_from(r->text, r->n);
    while (rest.n) {
        struct slice line = slice_cut(&rest, '\n');
        fprintf(stderr, "sotto: %s" SLICE_FMT "\n", prefix, SLICE_ARG(line));
    }
}

static void host_name(char domain[CONFIG_HOST_MAX])
{
    char name[CONFIG_HOST_MAX] = "";
    if (gethostname(name, sizeof(name) - 1) < 0 || !name[0] || name[0] == '(')
        snprintf(name, sizeof(name), "localhost");
    memset(domain, 0, CONFIG_HOST_MAX);
    for (size_t i = 0; name[i]; i++)
        domain[i] = slice_lower(name[i]);
}

/* Without -c: where systemd's ConfigurationDirectory= points, else in the data folder. */
static void path_choose(const struct supervisor_options *o, char path[CONFIG_PATH_MAX])
{
    struct app_config defaults;
    config_init(&defaults);
    const char *folders[] = {getenv("CONFIGURATION_DIRECTORY"), o->data ? o->data : defaults.data};
    if (o->config) {
        snprintf(path, CONFIG_PATH_MAX, "%s", o->config);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        int n = folders[i] ? snprintf(path, CONFIG_PATH_MAX, "%s/sotto.conf", folders[i]) : -1;
        if (n > 0 && n < CONFIG_PATH_MAX && access(path, F_OK) == 0)
            return;
    }
    path[0] = '\0';
}

int serve_config_load(const struct supervisor_options *o, struct app_config *ret,
                      char path[CONFIG_PATH_MAX])
{
    struct app_config c;
    struct config_report report;
    path_choose(o, path);
    int r = config_load(path[0] ? path : NULL, &c, &report);
    if (r < 0) {
        fprintf(stderr, "sotto: %s\n", log_strerror(r));
        return EXIT_STATUS_FAILED;
    }
    if (r == CONFIG_BAD) {
        print_lines("", &report);
        return EXIT_STATUS_CONFIG;
    }
    if (o->data) {
        memset(c.data, 0, sizeof(c.data));
        if (!slice_to_str(slice_from_str(o->data), c.data, sizeof(c.data)) || !c.data[0]) {
            fprintf(stderr, "sotto: -d: a path of 1 to %d characters\n", CONFIG_PATH_MAX - 1);
            return EXIT_STATUS_CONFIG;
        }
    }
    if (!c.domain[0])
        host_name(c.domain);
    config_warnings(&c, &report);
    print_lines("warning: ", &report);
    *ret = c;
    return 0;
}

static int check(const struct supervisor_options *o)
{
    static char text[16384];
    struct app_config c;
    char path[CONFIG_PATH_MAX];
    int r = serve_config_load(o, &c, path);
    if (r != 0)
        return r;
    struct buf b = buf_over(text, sizeof(text));
    config_put(&b, &c);
    printf("# %s: no mistakes\n\n" SLICE_FMT, path[0] ? path : "no file, defaults alone",
           SLICE_ARG(buf_slice(&b)));
    return fflush(stdout) == EOF ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}

int serve_main(int argc, char **argv)
{
    static const struct option longs[] = {{"check", no_argument, NULL, 'C'},
                                          {"config", required_argument, NULL, 'c'},
                                          {"data", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct supervisor_options o = {0};
    bool only_check = false;
    int opt;
    optind = 1;
    while ((opt = getopt_long(argc, argv, "c:d:h", longs, NULL)) != -1) {
        switch (opt) {
        case 'c':
            o.config = optarg;
            break;
        case 'd':
            o.data = optarg;
            break;
        case 'C':
            only_check = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_STATUS_OK;
        default:
            fputs(usage, stderr);
            return EXIT_STATUS_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "sotto: serve takes no `%s`\n%s", argv[optind], usage);
        return EXIT_STATUS_USAGE;
    }
    return only_check ? check(&o) : keeper_run(&o);
}
