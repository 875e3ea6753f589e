/* Administrators of the console. A password is kept as argon2id (RFC 9106): a copy of the store gives
 * nobody a log-in. The one of a first start is printed once, and good for choosing another. */
#include "api/api_priv.h"

#include <argon2.h>

#include "base/log.h"
#include "crypto/hash.h"

/* OWASP's second choice: 19 MiB, two passes. A log-in takes about 30 ms of the web role alone. */
#define ARGON2_PASSES 2
#define ARGON2_KIB 19456
#define ARGON2_LANES 1
#define SALT_LEN 16
#define HASH_LEN 32

static int hash_password(struct slice password, char ret[STORE_ADMIN_HASH_MAX + 1])
{
    uint8_t salt[SALT_LEN];
    crypto_random(salt, sizeof(salt));
    int r = argon2id_hash_encoded(ARGON2_PASSES, ARGON2_KIB, ARGON2_LANES, password.p, password.n,
                                  salt, sizeof(salt), HASH_LEN, ret, STORE_ADMIN_HASH_MAX + 1);
    return r == ARGON2_OK ? 0 : r == ARGON2_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -EINVAL;
}

int api_admin_verify(struct store *s, struct slice name, struct slice password,
                     struct store_admin *ret)
{
    /* Of no password: a name that nobody has costs as much time as a wrong password. */
    static char nobody[STORE_ADMIN_HASH_MAX + 1];
    struct store_admin a = {0};
    if (!nobody[0]) {
        char random[API_PASSWORD_LEN + 1];
        api_password_make(random);
        if (hash_password(slice_from_str(random), nobody) < 0)
            return -ENOMEM;
    }
    if (password.n > API_PASSWORD_MAX)
        return API_ADMIN_WRONG;
    int r = store_admin_find(s, name, &a);
    if (r < 0)
        return r;
    bool known = r == 0;
    int v = argon2id_verify(known ? a.hash : nobody, password.p, password.n);
    if (v != ARGON2_OK && v != ARGON2_VERIFY_MISMATCH && v != ARGON2_DECODING_FAIL)
        return -ENOMEM;
    if (!known || v != ARGON2_OK)
        return API_ADMIN_WRONG;
    *ret = a;
    return 0;
}

int api_admin_first(struct store *s, const char *name, char ret_password[API_PASSWORD_LEN + 1])
{
    struct store_admin a = {.one_time = true};
    snprintf(a.name, sizeof(a.name), "%s", name);
    api_password_make(ret_password);
    int r = hash_password(slice_from_str(ret_password), a.hash);
    return r ? r : store_admin_add(s, &a);
}

/* --- commands --- */

static bool take_name(const json_t *args, struct store_admin *a, struct api_outcome *out)
{
    struct slice s = slice_from_str(api_string(args, "name"));
    bool good = s.n > 0 && slice_to_str(s, a->name, sizeof(a->name));
    for (size_t i = 0; i < s.n && good; i++) {
        char c = slice_lower(s.p[i]);
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._-@", c);
    }
    if (!good)
        api_fail(out, API_USAGE, "bad_name",
                 "an administrator's name has 1 to %d letters, digits or . _ - @",
                 STORE_ADMIN_NAME_MAX);
    return good;
}

/* The given one, or a new one in `made`. False: told in out. */
static bool take_password(const json_t *args, struct store_admin *a, char *made,
                          struct api_outcome *out)
{
    const char *given = api_string(args, "password");
    struct slice p = slice_from_str(given);
    made[0] = '\0';
    if (given && (p.n < API_ADMIN_PASSWORD_MIN || p.n > API_PASSWORD_MAX)) {
        api_fail(out, API_USAGE, "bad_password", "a password has %d to %d characters",
                 API_ADMIN_PASSWORD_MIN, API_PASSWORD_MAX);
        return false;
    }
    if (!given) {
        api_password_make(made);
        p = slice_from_str(made);
    }
    a->one_time = !given;
    if (hash_password(p, a->hash) == 0)
        return true;
    api_fail(out, API_FAILED, "no_memory", "no memory");
    return false;
}

static json_t *to_json(const struct store_admin *a)
{
    return json_pack("{s:s, s:b, s:o}", "name", a->name, "one_time", (int)a->one_time, "created",
                     api_time((int64_t)a->created));
}

static void reply_with(struct api *a, const struct store_admin *admin, char *made,
                       struct api_outcome *out)
{
    struct store_admin now;
    if (store_admin_find(a->cfg.store, slice_from_str(admin->name), &now) == 0)
        out->result = to_json(&now);
    if (out->result && made[0])
        (void)json_object_set_new(out->result, "password", json_string(made));
}

static void write_admin(struct api *a, const json_t *args, bool is_new, struct api_outcome *out)
{
    struct store_admin admin = {0};
    char made[API_PASSWORD_LEN + 1];
    if (!take_name(args, &admin, out) || !take_password(args, &admin, made, out))
        return;
    int r = is_new ? store_admin_add(a->cfg.store, &admin) : store_admin_set(a->cfg.store, &admin);
    if (r < 0)
        api_fail_store(a, out);
    else if (r == STORE_EXISTS)
        api_fail(out, API_FAILED, "exists", "the administrator %s is there already", admin.name);
    else if (r)
        api_fail(out, API_FAILED, "no_admin", "there is no administrator %s", admin.name);
    else
        reply_with(a, &admin, made, out);
    secret_wipe(made, sizeof(made));
}

void api_admin_add(struct api *a, const json_t *args, struct api_outcome *out)
{
    write_admin(a, args, true, out);
}

void api_admin_passwd(struct api *a, const json_t *args, struct api_outcome *out)
{
    write_admin(a, args, false, out);
}

static int list_one(void *arg, const struct store_admin *a)
{
    return json_array_append_new(arg, to_json(a)) ? -ENOMEM : 0;
}

void api_admin_list(struct api *a, const json_t *args, struct api_outcome *out)
{
    (void)args;
    out->result = json_array();
    if (store_admin_each(a->cfg.store, list_one, out->result) < 0)
        api_fail_store(a, out);
}

void api_admin_del(struct api *a, const json_t *args, struct api_outcome *out)
{
    struct store_admin admin;
    if (!take_name(args, &admin, out))
        return;
    int r = store_admin_del(a->cfg.store, slice_from_str(admin.name));
    if (r < 0)
        api_fail_store(a, out);
    else if (r)
        api_fail(out, API_FAILED, "no_admin", "there is no administrator %s", admin.name);
    else
        out->result = json_pack("{s:s}", "name", admin.name);
}
