/* Who is logged in at the console. A session is 256 random bits in a cookie; here is only their hash,
 * so that a look into this memory logs nobody in. Sessions end with the process.
 *
 * Guessing: after SESSION_TRIES wrong passwords in a row a source waits, each time twice as long. */
#ifndef SOTTO_WEB_SESSION_H
#define SOTTO_WEB_SESSION_H

#include "base/addr.h"
#include "store/store.h"

#define SESSION_MAX 256          /* one more: the one that was idle for longest goes */
#define SESSION_IDLE_MS 3600000u /* without a request */
#define SESSION_LIFE_MS 43200000u
#define SESSION_TOKEN_LEN 64 /* hex */
#define SESSION_TRIES 5
#define SESSION_WAIT_MS 30000u /* then 60 s, 120 s … */
#define SESSION_WAIT_MAX_MS 3600000u
#define SESSION_SOURCES 1024 /* remembered; an IPv6 source is its /64 */

struct session {
    uint8_t hash[32];
    char name[STORE_ADMIN_NAME_MAX + 1]; /* empty: free */
    bool must_change;                    /* came with a one-time password */
    uint64_t made_ms, used_ms;
};

struct sessions;
int sessions_new(struct sessions **ret) MUST_CHECK;
struct sessions *sessions_free(struct sessions *s);

/* A new one; its token goes to the client alone. */
void session_make(struct sessions *s, const char *name, bool must_change, uint64_t now_ms,
                  char ret_token[SESSION_TOKEN_LEN + 1]);
/* NULL: none, or it has ended. */
struct session *session_find(struct sessions *s, struct slice token, uint64_t now_ms);
void session_end(struct session *one);
/* All of an administrator but `keep`: the password was changed, or the administrator is gone. */
void session_end_all(struct sessions *s, const char *name, const struct session *keep);

/* How long the source has to wait before it may try again; 0: not at all. */
uint64_t session_wait_ms(struct sessions *s, const struct addr *from, uint64_t now_ms);
void session_tried(struct sessions *s, const struct addr *from, bool right, uint64_t now_ms);

#endif
