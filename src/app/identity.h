/* Who the server is: its store's first domain, and certificates that bear every name by which
 * phones may call it. The supervisor sees to both before any role runs, and to certificates again
 * at a reload and once a day. */
#ifndef SOTTO_APP_IDENTITY_H
#define SOTTO_APP_IDENTITY_H

#include "app/config.h"

#define IDENTITY_WHY_MAX 1024

/* Opens the store once, which makes it and its sealing key at the first start, and gives it its first
 * domain. 0; EXIT_STATUS_STORE with a sentence; -errno. */
int identity_store(const struct app_config *c, char why[IDENTITY_WHY_MAX]) MUST_CHECK;
/* Where there is a console and no administrator: adds `IDENTITY_ADMIN`; the password is good for choosing
 * another one. *ret_password is empty where one is there. As identity_store. */
#define IDENTITY_ADMIN "admin"
#define IDENTITY_PASSWORD_MAX 32
int identity_admin(const struct app_config *c, char why[IDENTITY_WHY_MAX],
                   char ret_password[IDENTITY_PASSWORD_MAX]) MUST_CHECK;
/* Makes or renews certificates in DATA/tls where that is due; warnings go to the log. *ret_new: the
 * server's is a new one. 0; EXIT_STATUS_CONFIG with a sentence; -errno. */
int identity_certs(const struct app_config *c, char why[IDENTITY_WHY_MAX],
                   bool *ret_new) MUST_CHECK;

#endif
