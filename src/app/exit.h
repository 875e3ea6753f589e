/* What the program's exit status says; scripts rely on it. */
#ifndef SOTTO_APP_EXIT_H
#define SOTTO_APP_EXIT_H

enum exit_status {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_FAILED = 1, /* anything that has no status of its own */
    EXIT_STATUS_USAGE = 2,
    EXIT_STATUS_CONFIG = 3, /* settings are wrong */
    EXIT_STATUS_TAKEN = 4,  /* a port or file is taken */
    EXIT_STATUS_STORE = 5
};

#endif
