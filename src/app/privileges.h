/* What a process that speaks to the network may not have: root's rights, a way to get new ones,
 * memory that others can read or that is dumped. */
#ifndef SOTTO_APP_PRIVILEGES_H
#define SOTTO_APP_PRIVILEGES_H

#include <sys/types.h>

#include "app/config.h"

struct privileges_account {
    uid_t uid;
    gid_t gid;
};

enum privileges_verdict {
    PRIVILEGES_SWITCH = 0, /* to the account */
    PRIVILEGES_STAY = 1    /* not started by root, or root owns all */
};

/* Whom roles run as: [server] user, else `sotto`, else the owner of the data folder. -ENOENT: the
 * configured user or group does not exist. */
int privileges_account(const struct app_config *c, struct privileges_account *ret) MUST_CHECK;
/* -errno: something could not be given up. The caller has one thread. */
int privileges_drop(const struct app_config *c) MUST_CHECK;
/* What the media role's descriptors took (CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW): nobody needs it once
 * they are there. */
int privileges_drop_network(void) MUST_CHECK;

#endif
