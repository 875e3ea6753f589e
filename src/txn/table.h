/* The four machines as data. Every cell is written out; a zero action means a hole, which a test
 * looks for. Private to txn/. */
#ifndef SOTTO_TXN_TABLE_H
#define SOTTO_TXN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* --- client: INVITE and non-INVITE have one set of states; "Calling" is TRYING --- */
enum txn_client_state {
    CLIENT_TRYING,
    CLIENT_PROCEEDING,
    CLIENT_COMPLETED,
    CLIENT_ACCEPTED, /* INVITE only (RFC 6026) */
    CLIENT_TERMINATED,
    CLIENT_STATE_COUNT
};

enum txn_client_in {
    CLIENT_IN_RETRY, /* Timer A, E */
    CLIENT_IN_LIFE,  /* Timer B, C, D, F, K, M: each state has one that ends it */
    CLIENT_IN_1XX,
    CLIENT_IN_2XX,
    CLIENT_IN_FAIL,  /* 300-699 */
    CLIENT_IN_ERROR, /* not sent, or the connection has gone */
    CLIENT_IN_COUNT
};

enum txn_client_act {
    CLIENT_ACT_HOLE,
    CLIENT_ACT_NEVER, /* cannot happen: a bug of this layer */
    CLIENT_ACT_IGNORE,
    CLIENT_ACT_RESEND,
    CLIENT_ACT_PASS,     /* the response goes up */
    CLIENT_ACT_PROGRESS, /* the same, and a CANCEL that waited for it leaves */
    CLIENT_ACT_ACK,
    CLIENT_ACT_ACK_PASS,
    CLIENT_ACT_TIMEOUT,
    CLIENT_ACT_TIMEOUT_CANCEL,
    CLIENT_ACT_ERROR,
    CLIENT_ACT_COUNT
};

/* --- server --- */
enum txn_server_state {
    SERVER_TRYING, /* non-INVITE only */
    SERVER_PROCEEDING,
    SERVER_COMPLETED,
    SERVER_CONFIRMED, /* INVITE only */
    SERVER_ACCEPTED,  /* INVITE only (RFC 6026) */
    SERVER_TERMINATED,
    SERVER_STATE_COUNT
};

enum txn_server_in {
    SERVER_IN_RETRY,   /* Timer G; in Proceeding: 200 ms have passed without an answer */
    SERVER_IN_LIFE,    /* Timer H, I, J, L */
    SERVER_IN_REQUEST, /* again */
    SERVER_IN_ACK,
    SERVER_IN_1XX, /* from the user */
    SERVER_IN_2XX,
    SERVER_IN_FAIL,
    SERVER_IN_ERROR,
    SERVER_IN_COUNT
};

enum txn_server_act {
    SERVER_ACT_HOLE,
    SERVER_ACT_NEVER,
    SERVER_ACT_IGNORE,
    SERVER_ACT_SEND,   /* the user's answer: remember and send */
    SERVER_ACT_RESEND, /* the last answer, because the request came again */
    SERVER_ACT_REPEAT, /* the last answer, because no ACK came; the interval doubles */
    SERVER_ACT_TRYING, /* 100 */
    SERVER_ACT_ACKED,
    SERVER_ACT_ACK_UP, /* ACK to a 2xx */
    SERVER_ACT_TIMEOUT,
    SERVER_ACT_ERROR,
    SERVER_ACT_COUNT
};

struct txn_cell {
    uint8_t act;
    uint8_t next;
};

/* What runs while a state lasts. */
enum txn_retry {
    TXN_RETRY_OFF,
    TXN_RETRY_T1, /* unreliable transports; doubles */
    TXN_RETRY_T2, /* unreliable transports */
    TXN_RETRY_100 /* 200 ms on all transports */
};

enum txn_life {
    TXN_LIFE_OFF,
    TXN_LIFE_KEEP, /* goes on from the state before */
    TXN_LIFE_64T1,
    TXN_LIFE_C,
    TXN_LIFE_64T1_OR_0, /* 0 on reliable transports: the state is left at once */
    TXN_LIFE_T4_OR_0
};

struct txn_entry {
    uint8_t retry;
    uint8_t life;
};

/* First index: is it INVITE? */
extern const struct txn_cell txn_client_table[2][CLIENT_STATE_COUNT][CLIENT_IN_COUNT];
extern const struct txn_cell txn_server_table[2][SERVER_STATE_COUNT][SERVER_IN_COUNT];
extern const struct txn_entry txn_client_entry[2][CLIENT_STATE_COUNT];
extern const struct txn_entry txn_server_entry[2][SERVER_STATE_COUNT];

#endif
