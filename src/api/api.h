/* What an administrator can do, as one table: name, class, arguments, function. The command line,
 * the console and scripts all come through here, so that there is one place that checks and one
 * that tells what was done.
 *
 *   request  {"cmd":"user add","args":{"name":"1000"}}
 *   reply    {"ok":true,"result":…,"warnings":["…"]}
 *            {"ok":false,"error":"a sentence","code":"exists","status":1}
 *
 * `status` is the command line's exit status. Commands over the store and the certificates run
 * here; what only running roles know (calls, connections) is forwarded to them. */
#ifndef SOTTO_API_API_H
#define SOTTO_API_API_H

#include <jansson.h>

#include "cert/cert.h"
#include "store/store.h"

#define API_REQUEST_MAX (1u << 20) /* bytes of one request */
#define API_ERROR_MAX 1024

enum api_status {
    API_DONE = 0,
    API_FAILED = 1, /* not there, taken already, not running … */
    API_USAGE = 2,  /* unknown command or argument, value not allowed */
    API_CONFIG = 3,
    API_STORE = 5
};

/* Who may: a set of these bits is what a caller was granted. */
enum api_class {
    API_CLASS_READ = 1 << 0,
    API_CLASS_WRITE = 1 << 1,  /* users, domains, run-time settings */
    API_CLASS_SECRET = 1 << 2, /* keys and certificates */
    API_CLASS_ALL = (1 << 3) - 1
};

enum api_change { API_CHANGED_USERS, API_CHANGED_DOMAINS, API_CHANGED_CERTS, API_CHANGED_QUIRKS };

/* `reply` is borrowed: until it returns. */
typedef void api_reply_fn(void *arg, const json_t *reply);
/* A role's answer as text: a whole reply as above. */
typedef void api_forward_reply_fn(void *arg, struct slice reply);

struct api_config {
    const char *data;               /* borrowed, as all below */
    struct store *store;            /* NULL: store commands say that there is none */
    const struct cert_names *names; /* other names of this server, for its certificate; or NULL */
    bool leave_certs; /* another process makes the certificate for a new domain (on changed) */
    void *arg;
    /* Takes {"cmd":…,"args":…} as text to the roles and calls reply once, now or later, also where
     * a role dies. NULL: no server runs. */
    void (*forward)(void *arg, const char *name, struct slice request, api_forward_reply_fn *reply,
                    void *reply_arg);
    void (*changed)(void *arg, enum api_change what); /* or NULL */
    int64_t (*now)(void *arg);                        /* unix time; NULL: the system's */
};

struct api;
int api_new(const struct api_config *cfg, struct api **ret) MUST_CHECK;
struct api *api_free(struct api *a);

/* Who asks, and what that one was granted. */
struct api_caller {
    unsigned granted; /* enum api_class */
    const char *who;  /* for the log, which tells of all but reading; NULL: no log */
};

/* Calls reply once: before it returns, or later where the command is forwarded. */
void api_call(struct api *a, const struct api_caller *caller, const json_t *request,
              api_reply_fn *reply, void *reply_arg);

/* The first domain, where there is none yet: the host's name, or `wanted` if not empty. 0 or as
 * store_domain_add. Writes *ret_made whether it was needed. */
int api_first_domain(struct store *s, struct slice wanted, bool *ret_made) MUST_CHECK;
/* Every domain of the store, then `more` (or NULL): what a server certificate should bear. */
int api_cert_names(struct store *s, const struct cert_names *more,
                   struct cert_names *ret) MUST_CHECK;

/* At least 80 bits, without letters that look alike. */
#define API_PASSWORD_LEN 18
#define API_PASSWORD_MIN 8 /* of one that an administrator chooses */
void api_password_make(char ret[API_PASSWORD_LEN + 1]);

/* Administrators of the console. 0 and *ret; API_ADMIN_WRONG: the name or the password, which takes as
 * long in both cases; -errno. */
#define API_ADMIN_PASSWORD_MIN 10 /* of one that is chosen */
#define API_PASSWORD_MAX 256
enum { API_ADMIN_WRONG = 1 };
int api_admin_verify(struct store *s, struct slice name, struct slice password,
                     struct store_admin *ret) MUST_CHECK;
/* The one of a first start, with a password that is good for choosing another alone. 0 or as
 * store_admin_add. */
int api_admin_first(struct store *s, const char *name,
                    char ret_password[API_PASSWORD_LEN + 1]) MUST_CHECK;

/* The one of `names` that was probably meant; NULL: none is near. */
const char *api_nearest(struct slice word, const char *const *names, size_t n);

/* --- the table, for help and tests --- */
enum api_arg_kind { API_ARG_STRING, API_ARG_BOOL, API_ARG_INT, API_ARG_LIST };
struct api_arg {
    const char *name;
    enum api_arg_kind kind;
    bool required;
    bool nullable; /* null: inherit */
};
struct api_command {
    const char *name;
    enum api_class class;
    bool forwarded;
    const struct api_arg *args[2]; /* lists that end with a NULL name */
};
const struct api_command *api_command_at(size_t i); /* NULL: past the last */

#endif
