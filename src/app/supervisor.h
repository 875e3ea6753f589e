/* The supervisor: starts, watches, restarts. It parses nothing that came from the network:
 * what roles tell it are fixed structs, each of which is checked against a table of who may say
 * what.
 *
 *   STARTING  roles have been started, not all have said READY
 *   RUNNING   `ready` has been printed
 *   STOPPING  SIGTERM: no new calls; waits for shutdown_grace, or until none is left
 *   LEAVING   roles have been dismissed; waits for their ends, not for long */
#ifndef SOTTO_APP_SUPERVISOR_H
#define SOTTO_APP_SUPERVISOR_H

#include "app/config.h"

struct kept;

struct supervisor_options {
    const char *config; /* NULL: DATA/sotto.conf where there is one */
    const char *data;   /* NULL: as the configuration says */
};

/* Runs the server until it is told to leave. Its exit status. Empties `kept`; takes `keeper`, the end of the
 * channel to who keeps (app/kept.h). */
int supervisor_run(const struct supervisor_options *o, struct kept *kept, int keeper) MUST_CHECK;

/* `sotto serve`. */
int serve_main(int argc, char **argv);

/* Reads what the options name; says on stderr what is wrong, or what is not secure. The path that
 * was read, or "", goes to `path`. 0 or an exit status. */
int serve_config_load(const struct supervisor_options *o, struct app_config *ret,
                      char path[CONFIG_PATH_MAX]) MUST_CHECK;

/* What an administrator wants to know at the first start: how to add a phone, and where it is to
 * register. On stderr. */
void hello_print(const struct app_config *c);
/* Where the console is; `password` of the administrator just made, or empty. */
void hello_print_console(const struct app_config *c, const char *password);

#endif
