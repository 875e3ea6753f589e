/* Answers to non-INVITE requests over UDP, remembered for 64*T1 in case the request comes again (RFC
 * 3261 17.2.2, Timer J). At full load this is most of what a server has in memory, so an answer keeps
 * nothing of its transaction: only its bytes, under the transaction's key. All wait equally long, so
 * they leave in the order in which they came: they lie one behind the other in chunks, which are given
 * back when all in them has left, and no other answer's memory is touched.
 *
 * A second key (0: none) finds it as one that a merged request would meet (RFC 3261 8.2.2.2). */
#ifndef SOTTO_TXN_ANSWERS_H
#define SOTTO_TXN_ANSWERS_H

#include "base/slice.h"

struct txn_answer;
struct txn_answers_chunk;

struct txn_answers_slot {
    uint64_t key;
    struct txn_answer *at; /* NULL: free */
};

struct txn_answers {
    struct txn_answers_slot *slots; /* open addressing; keys are hashes already */
    size_t mask, used;
    struct txn_answers_chunk *first, *last, *spare;
    size_t spare_count, count;
};

int txn_answers_init(struct txn_answers *a) MUST_CHECK; /* -ENOMEM */
void txn_answers_fini(struct txn_answers *a);
/* `until`: not earlier than that of the last one. Without memory nothing is remembered. */
void txn_answers_put(struct txn_answers *a, uint64_t key, uint64_t merge_key, uint64_t until,
                     struct slice text);
void txn_answers_prefetch(const struct txn_answers *a, uint64_t key); /* it will be asked for */
bool txn_answers_has(const struct txn_answers *a, uint64_t key);
/* Valid until the next put or drop. */
bool txn_answers_find(const struct txn_answers *a, uint64_t key, struct slice *ret);
uint64_t txn_answers_oldest(const struct txn_answers *a); /* its `until`; UINT64_MAX: none there */
void txn_answers_drop(struct txn_answers *a);             /* the oldest; there is one */
void txn_answers_drop_until(struct txn_answers *a, uint64_t now); /* all whose `until` has come */

#endif
