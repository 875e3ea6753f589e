/* The media role's questions after what is kept of ZRTP peers: it has no store, so it asks here. */
#ifndef SOTTO_CALL_ZRTP_H
#define SOTTO_CALL_ZRTP_H

struct call_core;

void zrtp_init(struct call_core *core);

#endif
