/* What a peer may take from a worker's transport. One past each limit ends the connection (or is
 * not accepted); nothing is ever cut short. The size of a message is limited in sip/msg.h. */
#ifndef SOTTO_TRANSPORT_LIMITS_H
#define SOTTO_TRANSPORT_LIMITS_H

/* Connections from one source address, where the configuration names no other number. Loopback is
 * not counted then: what runs on this machine is no stranger. */
#define TRANSPORT_PER_SOURCE 1024u

#define TRANSPORT_HANDSHAKE_MS 10000u  /* from accept or connect to the end of the TLS handshake */
#define TRANSPORT_UPGRADE_MS 10000u    /* from there to the WebSocket's opening handshake */
#define TRANSPORT_HEAD_MAX 16384u      /* bytes of that handshake's head, or of another request's */
#define TRANSPORT_PIPES_MAX 512u       /* connections of plain HTTP at one time */
#define TRANSPORT_PIPE_IDLE_MS 120000u /* such a one, without a byte in either direction */
#define TRANSPORT_WS_FRAGMENTS 64      /* frames of one message */
#define TRANSPORT_WS_PING_MS 30000u    /* a silent WebSocket is pinged so often */
#define TRANSPORT_WS_UNANSWERED 2      /* pings, until the peer is taken to be gone */
#define TRANSPORT_UNFINISHED_MS 30000u /* from the first byte of a message to its last */
#define TRANSPORT_SILENT_MS 120000u    /* open without one well-formed message */
#define TRANSPORT_IDLE_MS 3600000u     /* without any byte, once a message was seen */
#define TRANSPORT_QUEUE_MAX (256u << 10) /* bytes waiting for a peer that does not read */

#define TRANSPORT_ACCEPT_BURST 64      /* accepted per listener and wake-up */
#define TRANSPORT_ACCEPT_PAUSE_MS 500u /* without descriptors left, before the next try */
#define TRANSPORT_UDP_BATCH 32         /* datagrams per recvmmsg */
#define TRANSPORT_UDP_ROUNDS 4         /* recvmmsg calls per wake-up */
#define TRANSPORT_UDP_QUEUE 64         /* datagrams per sendmmsg */
#define TRANSPORT_UDP_QUEUE_BYTES (256u << 10)
#define RESOLVE_QUERIES_MAX 1024u /* under way in one resolver */
#define RESOLVE_TIME_MS 5000u     /* of one query, all its lookups together */
#define RESOLVE_SRV_MAX 16        /* records of one kind that are looked at */

#define TRANSPORT_UDP_MAX 65507u /* what an IPv4 datagram holds */

#endif
