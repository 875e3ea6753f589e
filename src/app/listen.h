/* The sockets that the server listens on. The supervisor binds them, so that they outlive roles and
 * so that no role needs a right to bind. */
#ifndef SOTTO_APP_LISTEN_H
#define SOTTO_APP_LISTEN_H

#include "app/config.h"

#define LISTEN_WHY_MAX 512

/* ret_fds[i] is for l->at[i]; -1: a default listener whose family the machine lacks. UDP sockets are
 * bound, others listen. 0; enum exit_status with a sentence in `why`; -errno. */
int listen_open(const struct config_listeners *l, char why[LISTEN_WHY_MAX],
                int ret_fds[CONFIG_LISTEN_MAX]) MUST_CHECK;
/* DATA/control.sock, for the owner alone. As listen_open. */
int listen_control(const char *data, char why[LISTEN_WHY_MAX], int *ret_fd) MUST_CHECK;
void listen_close(int fds[CONFIG_LISTEN_MAX]);

#endif
