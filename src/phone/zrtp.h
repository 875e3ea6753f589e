/* What the phone keeps of ZRTP peers between calls: its own identifier and a secret for each of
 * theirs, in a file of its own (--zrtp-secrets), one line each:
 *
 *   own ZID
 *   peer ZID verified|unverified RS1 RS2 PBX      hex; - where there is none
 *
 * Without a file they last as long as the program. */
#ifndef SOTTO_PHONE_ZRTP_H
#define SOTTO_PHONE_ZRTP_H

#include "keying/keying.h"

#define PHONE_ZRTP_PEERS_MAX 1000 /* the oldest goes */

struct phone_zrtp {
    bool is_open;
    struct zrtp_local local;
    const char *path; /* NULL: none */
    size_t n;
    struct phone_zrtp_peer {
        uint8_t zid[ZRTP_ZID_LEN];
        struct zrtp_secrets kept;
    } * peers;
};

/* Reads the file, or makes it. Once; borrows path. -errno: `why` has the sentence. */
int phone_zrtp_open(struct phone_zrtp *z, const char *path, char *why, size_t cap) MUST_CHECK;
void phone_zrtp_close(struct phone_zrtp *z);
/* Zero where nothing is kept. */
void phone_zrtp_find(const struct phone_zrtp *z, const uint8_t zid[ZRTP_ZID_LEN],
                     struct zrtp_secrets *ret);
/* -errno: it could not be written; it is remembered for this run. */
int phone_zrtp_save(struct phone_zrtp *z, const uint8_t zid[ZRTP_ZID_LEN],
                    const struct zrtp_secrets *s) MUST_CHECK;

#endif
