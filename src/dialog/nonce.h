/* Nonces that need no memory until they have been used, and the table of those that have. Private
 * to dialog/.
 *
 * A nonce is time (4 bytes), random (8) and the first 16 bytes of an HMAC-SHA-256 over both and
 * the realm, in hex. Only a nonce that came with the right password enters the table, so that
 * strangers cannot flush it. Entries leave in the order in which they came; the latest issue time
 * of all that have left is kept, and a nonce issued no later than that which is not in the table
 * may have been there: it is stale. */
#ifndef SOTTO_DIALOG_NONCE_H
#define SOTTO_DIALOG_NONCE_H

#include "base/secret.h"
#include "base/table.h"
#include "crypto/hash.h"

#define NONCE_KEY_LEN 12
#define NONCE_MAC_LEN 16
#define NONCE_LEN (2 * (NONCE_KEY_LEN + NONCE_MAC_LEN))

struct nonce {
    uint8_t key[NONCE_KEY_LEN]; /* time and random: what is unique */
    uint32_t issued;            /* seconds since 1970; the key begins with it */
};

/* NONCE_LEN characters, no NUL. */
void nonce_make(const struct crypto_hmac_key *secret, struct slice realm, uint64_t now_unix,
                char dst[NONCE_LEN]);
/* False: not one of ours for this realm. */
bool nonce_read(const struct crypto_hmac_key *secret, struct slice realm, struct slice text,
                struct nonce *ret);

struct nonce_table;

int nonce_table_new(size_t entries, struct nonce_table **ret) MUST_CHECK;
struct nonce_table *nonce_table_free(struct nonce_table *t);
/* True once for each count of a nonce. False: used, too old to tell, or the nonce was forgotten. */
bool nonce_table_use(struct nonce_table *t, const struct nonce *n, uint32_t nc);
/* `text` will be asked for: brings its slot nearer, and by what it returned, later, its entry. */
uint64_t nonce_table_ahead(const struct nonce_table *t, struct slice text);
void nonce_table_ahead_again(const struct nonce_table *t, uint64_t hash);

#endif
