/* Who exists: a cache of domains and users over the store, so that a REGISTER costs no query, nor a
 * call. What
 * another process changes is seen within DIRECTORY_CHECK_MS; directory_changed says it at once. */
#ifndef SOTTO_REGISTRAR_DIRECTORY_H
#define SOTTO_REGISTRAR_DIRECTORY_H

#include "base/table.h"
#include "loop/loop.h"
#include "policy/quirk.h"
#include "store/store.h"

#define DIRECTORY_CHECK_MS 500
#define DIRECTORY_USERS_MAX 200000  /* kept at most; about 110 bytes each */
#define DIRECTORY_ABSENT_MAX 4096   /* names that nobody has, asked for of late */
#define DIRECTORY_PROFILES_MAX 4096 /* of those who call and are called; about 110 bytes each */

struct directory;

/* What a registration and a digest need of a user: little, because all of them are kept. */
struct directory_user {
    bool enabled;
    bool has_md5, has_sha256;
    uint8_t transports;
    uint16_t max_contacts;
    uint16_t key_n;
    uint64_t hash;               /* of the key */
    uint8_t md5[16], sha256[32]; /* HA1 */
    char key[];                  /* "user@domain" */
};

static inline struct table_key directory_user_key(const struct directory_user *u)
{
    return (struct table_key){slice_from(u->key, u->key_n), u->hash};
}

/* `own_hosts`: further names and addresses that mean the default domain (NULL-terminated). */
int directory_new(struct loop *l, struct store *s, struct directory **ret) MUST_CHECK;
struct directory *directory_free(struct directory *d);
void directory_changed(struct directory *d); /* forgets all */

/* The domain that a host of a URI means: a domain by its name; an IP address, "localhost" or the
 * machine's name mean the default one. False: not ours. The name lives until directory_changed. */
bool directory_domain(struct directory *d, struct slice host, struct slice *ret_domain);
struct slice directory_default_domain(struct directory *d);
/* NULL: no such user (or the store failed). Until the loop goes on. */
const struct directory_user *directory_user(struct directory *d, struct slice name,
                                            struct slice domain);
/* A user that will be asked for soon: brings it nearer; the hash of its key is for the second time, when the
 * slot has come from memory. 0: no key. */
uint64_t directory_ahead(const struct directory *d, struct slice name, struct slice domain);
void directory_ahead_again(const struct directory *d, uint64_t hash);
/* What a call wants of a user: its names, whether it is enabled, and the policy that counts; 0 or
 * -ENOENT. Kept for DIRECTORY_PROFILES_MAX users, so that a call costs no query. */
int directory_find(struct directory *d, struct slice name, struct slice domain,
                   struct store_user *ret) MUST_CHECK;
/* What is known of phones with this User-Agent; NULL: nothing. Until the loop goes on. */
const struct quirk *directory_quirk(struct directory *d, struct slice agent);

#endif
