#include "txn/table.h"

#define C(act, next)                    \
    {                                   \
        CLIENT_ACT_##act, CLIENT_##next \
    }
#define S(act, next)                    \
    {                                   \
        SERVER_ACT_##act, SERVER_##next \
    }

const struct txn_cell txn_client_table[2][CLIENT_STATE_COUNT][CLIENT_IN_COUNT] =
    {
        [false] =
            {
                [CLIENT_TRYING] =
                    {
                        /* RFC 3261 17.1.2.2: Timer E, then F */
                        [CLIENT_IN_RETRY] = C(RESEND, TRYING),
                        [CLIENT_IN_LIFE] = C(TIMEOUT, TERMINATED),
                        /* RFC 3261 17.1.2.2: 1xx leads to Proceeding, a final one to Completed */
                        [CLIENT_IN_1XX] = C(PASS, PROCEEDING),
                        [CLIENT_IN_2XX] = C(PASS, COMPLETED),
                        [CLIENT_IN_FAIL] = C(PASS, COMPLETED),
                        /* RFC 3261 17.1.4 */
                        [CLIENT_IN_ERROR] = C(ERROR, TERMINATED),
                    },
                [CLIENT_PROCEEDING] =
                    {
                        /* RFC 3261 17.1.2.2: E goes on every T2; F as before */
                        [CLIENT_IN_RETRY] = C(RESEND, PROCEEDING),
                        [CLIENT_IN_LIFE] = C(TIMEOUT, TERMINATED),
                        [CLIENT_IN_1XX] = C(PASS, PROCEEDING),
                        [CLIENT_IN_2XX] = C(PASS, COMPLETED),
                        [CLIENT_IN_FAIL] = C(PASS, COMPLETED),
                        /* RFC 3261 17.1.4 */
                        [CLIENT_IN_ERROR] = C(ERROR, TERMINATED),
                    },
                [CLIENT_COMPLETED] =
                    {
                        [CLIENT_IN_RETRY] = C(NEVER, COMPLETED),
                        /* RFC 3261 17.1.2.2: Timer K; until then responses are absorbed */
                        [CLIENT_IN_LIFE] = C(IGNORE, TERMINATED),
                        [CLIENT_IN_1XX] = C(IGNORE, COMPLETED),
                        [CLIENT_IN_2XX] = C(IGNORE, COMPLETED),
                        [CLIENT_IN_FAIL] = C(IGNORE, COMPLETED),
                        /* RFC 3261 17.1.4: nothing waits for an answer any more */
                        [CLIENT_IN_ERROR] = C(IGNORE, TERMINATED),
                    },
                [CLIENT_ACCEPTED] =
                    {
                        /* RFC 6026 7.2: a state of INVITE alone */
                        [CLIENT_IN_RETRY] = C(NEVER, ACCEPTED),
                        [CLIENT_IN_LIFE] = C(NEVER, ACCEPTED),
                        [CLIENT_IN_1XX] = C(NEVER, ACCEPTED),
                        [CLIENT_IN_2XX] = C(NEVER, ACCEPTED),
                        [CLIENT_IN_FAIL] = C(NEVER, ACCEPTED),
                        [CLIENT_IN_ERROR] = C(NEVER, ACCEPTED),
                    },
                [CLIENT_TERMINATED] =
                    {
                        /* RFC 3261 17.1.2.2: destroyed; here until the end of the wake-up */
                        [CLIENT_IN_RETRY] = C(NEVER, TERMINATED),
                        [CLIENT_IN_LIFE] = C(NEVER, TERMINATED),
                        [CLIENT_IN_1XX] = C(NEVER, TERMINATED),
                        [CLIENT_IN_2XX] = C(NEVER, TERMINATED),
                        [CLIENT_IN_FAIL] = C(NEVER, TERMINATED),
                        [CLIENT_IN_ERROR] = C(IGNORE, TERMINATED),
                    },
            },
        [true] =
            {
                [CLIENT_TRYING] =
                    {
                        /* RFC 3261 17.1.1.2: "Calling"; Timer A, then B */
                        [CLIENT_IN_RETRY] = C(RESEND, TRYING),
                        [CLIENT_IN_LIFE] = C(TIMEOUT, TERMINATED),
                        /* RFC 3261 17.1.1.2; a CANCEL that waited leaves now: 9.1 */
                        [CLIENT_IN_1XX] = C(PROGRESS, PROCEEDING),
                        /* RFC 6026 7.2 */
                        [CLIENT_IN_2XX] = C(PASS, ACCEPTED),
                        /* RFC 3261 17.1.1.3 */
                        [CLIENT_IN_FAIL] = C(ACK_PASS, COMPLETED),
                        /* RFC 3261 17.1.4 */
                        [CLIENT_IN_ERROR] = C(ERROR, TERMINATED),
                    },
                [CLIENT_PROCEEDING] =
                    {
                        [CLIENT_IN_RETRY] = C(NEVER, PROCEEDING),
                        /* RFC 3261 16.8: Timer C; 9.1: 64*T1 after our CANCEL */
                        [CLIENT_IN_LIFE] = C(TIMEOUT_CANCEL, TERMINATED),
                        [CLIENT_IN_1XX] = C(PROGRESS, PROCEEDING),
                        /* RFC 6026 7.2 */
                        [CLIENT_IN_2XX] = C(PASS, ACCEPTED),
                        /* RFC 3261 17.1.1.3 */
                        [CLIENT_IN_FAIL] = C(ACK_PASS, COMPLETED),
                        /* RFC 3261 17.1.4, 18.4 */
                        [CLIENT_IN_ERROR] = C(ERROR, TERMINATED),
                    },
                [CLIENT_COMPLETED] =
                    {
                        [CLIENT_IN_RETRY] = C(NEVER, COMPLETED),
                        /* RFC 3261 17.1.1.2: Timer D; the final response again: the ACK again */
                        [CLIENT_IN_LIFE] = C(IGNORE, TERMINATED),
                        [CLIENT_IN_1XX] = C(IGNORE, COMPLETED),
                        [CLIENT_IN_2XX] = C(IGNORE, COMPLETED),
                        [CLIENT_IN_FAIL] = C(ACK, COMPLETED),
                        /* RFC 3261 17.1.1.2. The user has its answer and is not told */
                        [CLIENT_IN_ERROR] = C(IGNORE, TERMINATED),
                    },
                [CLIENT_ACCEPTED] =
                    {
                        [CLIENT_IN_RETRY] = C(NEVER, ACCEPTED),
                        /* RFC 6026 7.2: Timer M. All 2xx go up: each fork's is another dialog, and a
                     * retransmission asks for the ACK again */
                        [CLIENT_IN_LIFE] = C(IGNORE, TERMINATED),
                        [CLIENT_IN_1XX] = C(IGNORE, ACCEPTED),
                        [CLIENT_IN_2XX] = C(PASS, ACCEPTED),
                        [CLIENT_IN_FAIL] = C(IGNORE, ACCEPTED),
                        [CLIENT_IN_ERROR] = C(IGNORE, ACCEPTED),
                    },
                [CLIENT_TERMINATED] =
                    {
                        /* RFC 3261 17.1.1.2: destroyed; here until the end of the wake-up */
                        [CLIENT_IN_RETRY] = C(NEVER, TERMINATED),
                        [CLIENT_IN_LIFE] = C(NEVER, TERMINATED),
                        [CLIENT_IN_1XX] = C(NEVER, TERMINATED),
                        [CLIENT_IN_2XX] = C(NEVER, TERMINATED),
                        [CLIENT_IN_FAIL] = C(NEVER, TERMINATED),
                        [CLIENT_IN_ERROR] = C(IGNORE, TERMINATED),
                    },
            },
};

const struct txn_cell txn_server_table[2][SERVER_STATE_COUNT][SERVER_IN_COUNT] = {
    [false] =
        {
            [SERVER_TRYING] =
                {
                    [SERVER_IN_RETRY] = S(NEVER, TRYING),
                    /* RFC 4320 4.2: the client gave up at 64*T1; an answer would only be stray */
                    [SERVER_IN_LIFE] = S(TIMEOUT, TERMINATED),
                    /* RFC 3261 17.2.2: nothing to repeat yet */
                    [SERVER_IN_REQUEST] = S(IGNORE, TRYING),
                    [SERVER_IN_ACK] = S(NEVER, TRYING),
                    [SERVER_IN_1XX] = S(SEND, PROCEEDING),
                    [SERVER_IN_2XX] = S(SEND, COMPLETED),
                    [SERVER_IN_FAIL] = S(SEND, COMPLETED),
                    /* RFC 3261 17.2.4 as RFC 6026 changes it: told, state kept */
                    [SERVER_IN_ERROR] = S(ERROR, TRYING),
                },
            [SERVER_PROCEEDING] =
                {
                    [SERVER_IN_RETRY] = S(NEVER, PROCEEDING),
                    /* RFC 4320 4.2 */
                    [SERVER_IN_LIFE] = S(TIMEOUT, TERMINATED),
                    /* RFC 3261 17.2.2 */
                    [SERVER_IN_REQUEST] = S(RESEND, PROCEEDING),
                    [SERVER_IN_ACK] = S(NEVER, PROCEEDING),
                    [SERVER_IN_1XX] = S(SEND, PROCEEDING),
                    [SERVER_IN_2XX] = S(SEND, COMPLETED),
                    [SERVER_IN_FAIL] = S(SEND, COMPLETED),
                    /* RFC 3261 17.2.4 and RFC 6026 */
                    [SERVER_IN_ERROR] = S(ERROR, PROCEEDING),
                },
            [SERVER_COMPLETED] =
                {
                    [SERVER_IN_RETRY] = S(NEVER, COMPLETED),
                    /* RFC 3261 17.2.2: Timer J; further answers of the user are discarded */
                    [SERVER_IN_LIFE] = S(IGNORE, TERMINATED),
                    [SERVER_IN_REQUEST] = S(RESEND, COMPLETED),
                    [SERVER_IN_ACK] = S(NEVER, COMPLETED),
                    [SERVER_IN_1XX] = S(IGNORE, COMPLETED),
                    [SERVER_IN_2XX] = S(IGNORE, COMPLETED),
                    [SERVER_IN_FAIL] = S(IGNORE, COMPLETED),
                    /* RFC 3261 17.2.4 and RFC 6026 */
                    [SERVER_IN_ERROR] = S(ERROR, COMPLETED),
                },
            [SERVER_CONFIRMED] =
                {
                    /* RFC 3261 17.2.1: a state of INVITE alone */
                    [SERVER_IN_RETRY] = S(NEVER, CONFIRMED),
                    [SERVER_IN_LIFE] = S(NEVER, CONFIRMED),
                    [SERVER_IN_REQUEST] = S(NEVER, CONFIRMED),
                    [SERVER_IN_ACK] = S(NEVER, CONFIRMED),
                    [SERVER_IN_1XX] = S(NEVER, CONFIRMED),
                    [SERVER_IN_2XX] = S(NEVER, CONFIRMED),
                    [SERVER_IN_FAIL] = S(NEVER, CONFIRMED),
                    [SERVER_IN_ERROR] = S(NEVER, CONFIRMED),
                },
            [SERVER_ACCEPTED] =
                {
                    /* RFC 6026 7.1: a state of INVITE alone */
                    [SERVER_IN_RETRY] = S(NEVER, ACCEPTED),
                    [SERVER_IN_LIFE] = S(NEVER, ACCEPTED),
                    [SERVER_IN_REQUEST] = S(NEVER, ACCEPTED),
                    [SERVER_IN_ACK] = S(NEVER, ACCEPTED),
                    [SERVER_IN_1XX] = S(NEVER, ACCEPTED),
                    [SERVER_IN_2XX] = S(NEVER, ACCEPTED),
                    [SERVER_IN_FAIL] = S(NEVER, ACCEPTED),
                    [SERVER_IN_ERROR] = S(NEVER, ACCEPTED),
                },
            [SERVER_TERMINATED] =
                {
                    /* RFC 3261 17.2.2: destroyed; here until the end of the wake-up, where the
                     * user may still answer, and a last answer may turn out not to be sent */
                    [SERVER_IN_RETRY] = S(NEVER, TERMINATED),
                    [SERVER_IN_LIFE] = S(NEVER, TERMINATED),
                    [SERVER_IN_REQUEST] = S(NEVER, TERMINATED),
                    [SERVER_IN_ACK] = S(NEVER, TERMINATED),
                    [SERVER_IN_1XX] = S(IGNORE, TERMINATED),
                    [SERVER_IN_2XX] = S(IGNORE, TERMINATED),
                    [SERVER_IN_FAIL] = S(IGNORE, TERMINATED),
                    [SERVER_IN_ERROR] = S(ERROR, TERMINATED),
                },
        },
    [true] =
        {
            [SERVER_TRYING] =
                {
                    /* RFC 3261 17.2.1: INVITE begins in Proceeding */
                    [SERVER_IN_RETRY] = S(NEVER, TRYING),
                    [SERVER_IN_LIFE] = S(NEVER, TRYING),
                    [SERVER_IN_REQUEST] = S(NEVER, TRYING),
                    [SERVER_IN_ACK] = S(NEVER, TRYING),
                    [SERVER_IN_1XX] = S(NEVER, TRYING),
                    [SERVER_IN_2XX] = S(NEVER, TRYING),
                    [SERVER_IN_FAIL] = S(NEVER, TRYING),
                    [SERVER_IN_ERROR] = S(NEVER, TRYING),
                },
            [SERVER_PROCEEDING] =
                {
                    /* RFC 3261 17.2.1: 100 after 200 ms */
                    [SERVER_IN_RETRY] = S(TRYING, PROCEEDING),
                    [SERVER_IN_LIFE] = S(NEVER, PROCEEDING),
                    [SERVER_IN_REQUEST] = S(RESEND, PROCEEDING),
                    /* RFC 3261 17.2.1: nothing to acknowledge */
                    [SERVER_IN_ACK] = S(IGNORE, PROCEEDING),
                    [SERVER_IN_1XX] = S(SEND, PROCEEDING),
                    /* RFC 6026 7.1 */
                    [SERVER_IN_2XX] = S(SEND, ACCEPTED),
                    [SERVER_IN_FAIL] = S(SEND, COMPLETED),
                    /* RFC 3261 17.2.4 and RFC 6026 */
                    [SERVER_IN_ERROR] = S(ERROR, PROCEEDING),
                },
            [SERVER_COMPLETED] =
                {
                    /* RFC 3261 17.2.1: Timer G, then H */
                    [SERVER_IN_RETRY] = S(REPEAT, COMPLETED),
                    [SERVER_IN_LIFE] = S(TIMEOUT, TERMINATED),
                    [SERVER_IN_REQUEST] = S(RESEND, COMPLETED),
                    [SERVER_IN_ACK] = S(ACKED, CONFIRMED),
                    [SERVER_IN_1XX] = S(IGNORE, COMPLETED),
                    [SERVER_IN_2XX] = S(IGNORE, COMPLETED),
                    [SERVER_IN_FAIL] = S(IGNORE, COMPLETED),
                    /* RFC 3261 17.2.4 and RFC 6026 */
                    [SERVER_IN_ERROR] = S(ERROR, COMPLETED),
                },
            [SERVER_CONFIRMED] =
                {
                    [SERVER_IN_RETRY] = S(NEVER, CONFIRMED),
                    /* RFC 3261 17.2.1: Timer I; until then ACKs and what crossed them vanish */
                    [SERVER_IN_LIFE] = S(IGNORE, TERMINATED),
                    [SERVER_IN_REQUEST] = S(IGNORE, CONFIRMED),
                    [SERVER_IN_ACK] = S(IGNORE, CONFIRMED),
                    [SERVER_IN_1XX] = S(IGNORE, CONFIRMED),
                    [SERVER_IN_2XX] = S(IGNORE, CONFIRMED),
                    [SERVER_IN_FAIL] = S(IGNORE, CONFIRMED),
                    [SERVER_IN_ERROR] = S(IGNORE, CONFIRMED),
                },
            [SERVER_ACCEPTED] =
                {
                    [SERVER_IN_RETRY] = S(NEVER, ACCEPTED),
                    /* RFC 6026 7.1: Timer L; INVITEs are absorbed (the user repeats the 2xx on its
                     * own clock), ACKs and the user's 2xx pass */
                    [SERVER_IN_LIFE] = S(IGNORE, TERMINATED),
                    [SERVER_IN_REQUEST] = S(IGNORE, ACCEPTED),
                    [SERVER_IN_ACK] = S(ACK_UP, ACCEPTED),
                    [SERVER_IN_1XX] = S(IGNORE, ACCEPTED),
                    [SERVER_IN_2XX] = S(SEND, ACCEPTED),
                    [SERVER_IN_FAIL] = S(IGNORE, ACCEPTED),
                    /* RFC 3261 17.2.4 and RFC 6026 */
                    [SERVER_IN_ERROR] = S(ERROR, ACCEPTED),
                },
            [SERVER_TERMINATED] =
                {
                    /* RFC 3261 17.2.1: destroyed; here until the end of the wake-up */
                    [SERVER_IN_RETRY] = S(NEVER, TERMINATED),
                    [SERVER_IN_LIFE] = S(NEVER, TERMINATED),
                    [SERVER_IN_REQUEST] = S(NEVER, TERMINATED),
                    [SERVER_IN_ACK] = S(NEVER, TERMINATED),
                    [SERVER_IN_1XX] = S(IGNORE, TERMINATED),
                    [SERVER_IN_2XX] = S(IGNORE, TERMINATED),
                    [SERVER_IN_FAIL] = S(IGNORE, TERMINATED),
                    [SERVER_IN_ERROR] = S(IGNORE, TERMINATED),
                },
        },
};

/* RFC 3261 table 4, RFC 6026 7 */
const struct txn_entry txn_client_entry[2][CLIENT_STATE_COUNT] = {
    [false] =
        {
            [CLIENT_TRYING] = {TXN_RETRY_T1, TXN_LIFE_64T1},        /* E, F */
            [CLIENT_PROCEEDING] = {TXN_RETRY_T2, TXN_LIFE_KEEP},    /* E, F */
            [CLIENT_COMPLETED] = {TXN_RETRY_OFF, TXN_LIFE_T4_OR_0}, /* K */
            [CLIENT_ACCEPTED] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
            [CLIENT_TERMINATED] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
        },
    [true] =
        {
            [CLIENT_TRYING] = {TXN_RETRY_T1, TXN_LIFE_64T1},          /* A, B */
            [CLIENT_PROCEEDING] = {TXN_RETRY_OFF, TXN_LIFE_C},        /* C */
            [CLIENT_COMPLETED] = {TXN_RETRY_OFF, TXN_LIFE_64T1_OR_0}, /* D */
            [CLIENT_ACCEPTED] = {TXN_RETRY_OFF, TXN_LIFE_64T1},       /* M */
            [CLIENT_TERMINATED] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
        },
};

const struct txn_entry txn_server_entry[2][SERVER_STATE_COUNT] = {
    [false] =
        {
            [SERVER_TRYING] = {TXN_RETRY_OFF, TXN_LIFE_64T1},
            [SERVER_PROCEEDING] = {TXN_RETRY_OFF, TXN_LIFE_KEEP},
            [SERVER_COMPLETED] = {TXN_RETRY_OFF, TXN_LIFE_64T1_OR_0}, /* J */
            [SERVER_CONFIRMED] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
            [SERVER_ACCEPTED] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
            [SERVER_TERMINATED] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
        },
    [true] =
        {
            [SERVER_TRYING] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
            [SERVER_PROCEEDING] = {TXN_RETRY_100, TXN_LIFE_OFF},
            [SERVER_COMPLETED] = {TXN_RETRY_T1, TXN_LIFE_64T1},     /* G, H */
            [SERVER_CONFIRMED] = {TXN_RETRY_OFF, TXN_LIFE_T4_OR_0}, /* I */
            [SERVER_ACCEPTED] = {TXN_RETRY_OFF, TXN_LIFE_64T1},     /* L */
            [SERVER_TERMINATED] = {TXN_RETRY_OFF, TXN_LIFE_OFF},
        },
};
