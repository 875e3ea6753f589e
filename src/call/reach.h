/* Can two phones send media to each other, by what the server sees of them? Pure. */
#ifndef SOTTO_CALL_REACH_H
#define SOTTO_CALL_REACH_H

#include "base/addr.h"

struct reach_place {
    struct addr said; /* where the phone says it is; family 0: by a name, or not at all */
    struct addr seen; /* where its signalling comes from */
};

enum reach {
    REACH_OK,      /* both public, both in private networks of one block, or behind one NAT */
    REACH_NAT,     /* one of them is behind a NAT that the other is not behind */
    REACH_NETWORKS /* in different private networks, or of different IP versions */
};

enum reach reach_of(const struct reach_place *a, const struct reach_place *b);

#endif
