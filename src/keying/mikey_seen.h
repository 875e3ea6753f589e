/* Which MIKEY messages have been taken (RFC 3830 s.5.4): a message that was seen with another call is
 * a replay. Entries are kept while their time may still be in the window; where there are too many of
 * one peer, the oldest goes, and what is not newer than that is refused from then on. Peers are spread
 * over sets by name, so that one who fills its own does not push out the others.
 *
 * What came before this memory was made is not known: messages of older time are refused. */
#ifndef SOTTO_KEYING_MIKEY_SEEN_H
#define SOTTO_KEYING_MIKEY_SEEN_H

#include "base/slice.h"

#define MIKEY_WINDOW_S 300u /* how much a clock may be ahead or behind */
#define MIKEY_SEEN_SETS 512u
#define MIKEY_SEEN_WAYS 16u /* messages of one set */

struct mikey_seen;

/* Who brings a message: the same may bring it again. */
struct mikey_bearer {
    uint64_t call;
    uint32_t part; /* leg and m-line */
};

/* -ENOMEM. */
int mikey_seen_new(uint64_t unix_s, struct mikey_seen **ret) MUST_CHECK;
/* Over memory that processes share, mikey_seen_size() bytes, zeroed before the first of them: what one
 * has taken is seen by all, and by their next lives. `fd` is the memory's file, which is locked while
 * it is looked at, and let go by the kernel where that process dies. Borrows both. -errno of fcntl. */
int mikey_seen_over(void *memory, int fd, uint64_t unix_s, struct mikey_seen **ret) MUST_CHECK;
size_t mikey_seen_size(void);
struct mikey_seen *mikey_seen_free(struct mikey_seen *s);
/* Takes an authenticated message, known by its MAC, of NTP time `time`. False: it was seen, or may
 * have been. */
bool mikey_seen_take(struct mikey_seen *s, struct slice peer, struct slice mac, uint64_t time,
                     const struct mikey_bearer *by, uint64_t unix_s);

uint64_t mikey_ntp_of(uint64_t unix_s);
/* Is that time less than MIKEY_WINDOW_S away? */
bool mikey_time_is_near(uint64_t ntp, uint64_t unix_s);

#endif
