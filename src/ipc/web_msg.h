/* From signal to web: a connection with plain HTTP, at a port that it shares with SIP over WebSocket.
 * TLS, where there is any, ends in signal; the descriptor beside the message is a stream socket over
 * which the plain bytes come and go, the client's first one included. */
#ifndef SOTTO_IPC_WEB_MSG_H
#define SOTTO_IPC_WEB_MSG_H

#include "base/addr.h"

enum web_msg_type { WEB_MSG_CONN = 0x300 }; /* struct web_conn and one descriptor */

struct web_conn {
    struct addr remote, local; /* the client's and ours */
    uint32_t secure;           /* 1: it came over TLS */
};

#endif
