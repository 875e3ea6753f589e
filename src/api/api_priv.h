/* Inside of api: a command's outcome, policies as JSON. */
#ifndef SOTTO_API_API_PRIV_H
#define SOTTO_API_API_PRIV_H

#include "api/api.h"

struct api {
    struct api_config cfg;
};

struct api_outcome {
    json_t *result;   /* owned; NULL: nothing to tell */
    json_t *warnings; /* owned; NULL: none */
    enum api_status status;
    const char *code;
    char error[API_ERROR_MAX];
};

typedef void api_command_fn(struct api *a, const json_t *args, struct api_outcome *out);

void api_fail(struct api_outcome *out, enum api_status status, const char *code, const char *fmt,
              ...) PRINTF_LIKE(4, 5);
void api_fail_store(struct api *a, struct api_outcome *out); /* with store_error's sentence */
void api_warn(struct api_outcome *out, const char *text);
void api_warn_all(struct api_outcome *out, const struct cert_report *report);
void api_changed(struct api *a, enum api_change what);
int64_t api_now(const struct api *a);
const char *api_string(const json_t *args, const char *key); /* NULL: absent */
bool api_bool(const json_t *args, const char *key, bool otherwise);
/* "sdes, dtls, zrtp" */
void api_join(struct buf *b, const char *const *names, size_t n);
/* RFC 3339, in UTC. */
json_t *api_time(int64_t t);

/* The arguments of a policy; every one may be null: inherit. */
extern const struct api_arg api_policy_args[];
/* Takes into *p what args say. False: told in out. */
bool api_policy_take(const json_t *args, struct store_policy *p, struct api_outcome *out);
/* The policy that counts, with "inherited": what is not own. */
json_t *api_policy_json(const struct store_policy *counts, const struct store_policy *own);

/* "1000", "1000@example.org" -> the user part and the domain's name, which exists unless
 * `may_make`: then a missing one is left as named (or empty). False: told in out. */
bool api_user_split(struct api *a, const char *text, bool may_make, struct store_user *ret,
                    struct api_outcome *out);
/* The domain of that name, which exists. False: told in out. */
bool api_domain_find(struct api *a, const char *text, struct store_domain *ret,
                     struct api_outcome *out);
bool api_domain_check(const char *text, char ret[STORE_DOMAIN_MAX + 1], struct api_outcome *out);

api_command_fn api_domain_add, api_domain_list, api_domain_set, api_domain_del;
api_command_fn api_user_add, api_user_list, api_user_show, api_user_set, api_user_del;
api_command_fn api_cert_show, api_cert_renew, api_cert_client, api_cert_import, api_cert_del;

api_command_fn api_admin_add, api_admin_list, api_admin_passwd, api_admin_del;

extern const struct api_arg api_quirk_args[];
api_command_fn api_quirk_list, api_quirk_set, api_quirk_del;

/* After domains have changed: the server's certificate should bear them. */
void api_cert_follow(struct api *a, struct api_outcome *out);

#endif
