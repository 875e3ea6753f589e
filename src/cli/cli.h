/* The command line: verbs as one table, each a command of api. It speaks to DATA/control.sock
 * where a server runs, and otherwise runs the command itself, on the store and the certificates.
 * Exit status: enum api_status. */
#ifndef SOTTO_CLI_CLI_H
#define SOTTO_CLI_CLI_H

/* Every verb but serve, role, call and phone; also help, --help, --version and no verb at all.
 * argv[0] is the program, argv[1] the verb. */
int cli_main(int argc, char **argv);

#endif
