/* What of the server outlives its roles: the data folder with its lock, the memory that roles share
 * or find again, the files whose descriptors they get. All of it is the supervisor's. */
#ifndef SOTTO_APP_STATE_H
#define SOTTO_APP_STATE_H

#include "app/identity.h"
#include "app/media_way.h"
#include "app/role_fds.h"

#define STATE_WHY_MAX 1536

struct state {
    int lock_fd;
    bool first_start;                           /* the folder held no certificate before */
    int fds[ROLE_FD_SINGLE_COUNT];              /* by enum role_fd; -1: absent */
    int media_state[MEDIA_WORKERS_MAX];         /* MEDIA_STATE of each worker; -1: absent */
    int stats_ro;                               /* MEDIA_STATS for those who may only read */
    char admin_password[IDENTITY_PASSWORD_MAX]; /* of the administrator just made; empty: none */
    int sip[CONFIG_LISTEN_MAX], web[CONFIG_LISTEN_MAX];
    struct media_way media;
};

void state_init(struct state *s);
/* Makes the folder (0700) where it is missing, locks it, makes certificates and store where they
 * are missing, binds every socket, makes the memory. c->data becomes absolute. 0; enum exit_status
 * with a sentence in `why`; -errno. */
int state_open(struct state *s, struct app_config *c, char why[STATE_WHY_MAX]) MUST_CHECK;
/* Certificates, made anew where that is due, and the configuration. As state_open; where it fails, all is as it
 * was. */
int state_reload(struct state *s, const struct app_config *c, char why[STATE_WHY_MAX]) MUST_CHECK;
void state_close(struct state *s);
/* Whether RELOAD brings that slot, of those that there is one of. */
bool state_is_reloaded(unsigned slot);
/* Takes fd. */
void state_replace(struct state *s, unsigned slot, int fd);

/* The descriptors of a role (of media: of that worker), borrowed, with START's payload; `reload`: only
 * what RELOAD brings. fds has room for ROLE_FDS_MAX. */
void state_fill_start(const struct state *s, enum role_kind role, uint32_t worker, bool reload,
                      struct role_start *ret, int *ret_fds);

#endif
