/* The shapes of offer that a callee's phone is sent one after the other: phones that refuse one (488)
 * take another. Which may be tried follows from the policy alone, so that none is below it; which
 * comes first from the policy too, unless this phone is known to want another.
 *
 *   required    each keying that the user may use, in its native transport
 *   preferred   OSRTP; each keying that the user may use; clear
 *   off         clear */
#ifndef SOTTO_CALL_OFFERS_H
#define SOTTO_CALL_OFFERS_H

#include "ipc/media_msg.h"
#include "policy/quirk.h"

#define OFFERS_MAX (KEYING_COUNT + 1) /* to one phone in one call */
#define OFFERS_LEARNED_MAX 1024 /* phones of which it is remembered; new ones take their place */

struct leg;
struct sip_msg;

/* Of one leg. */
struct offers {
    uint8_t shapes[OFFERS_MAX]; /* enum offer_shape, in the order in which they are tried */
    uint8_t count, at;
};

/* What worked with a phone, under the hash of its user and User-Agent. */
struct offers_memory {
    struct {
        uint64_t key;
        uint8_t shape; /* enum offer_shape; NONE: nothing */
        bool ice;      /* its own last offer had ICE */
    } of[OFFERS_LEARNED_MAX];
};

/* `start` is tried first, where the policy has it at all; OFFER_NONE: no wish. */
void offers_list(const struct media_policy *p, enum offer_shape start, struct offers *ret);
/* The policy under which the media role writes that shape, and no other. */
void offers_policy(const struct media_policy *p, enum offer_shape s, struct media_policy *ret);
/* A final answer that means: not like this. */
bool offers_is_refusal(const struct sip_msg *rsp);

/* Of a callee's leg, before its first offer. `one`: there is only one way to speak to this phone. */
void offers_begin(struct leg *b, bool one);
/* Its policy for the offer that is due. */
void offers_now(const struct leg *b, struct media_policy *ret);
/* After a final answer: true where another offer goes out instead. */
bool offers_next(struct leg *b, const struct sip_msg *rsp);
/* The answer has been taken: the next call to this phone begins with this shape. */
void offers_learn(struct leg *b);
/* It has answered, but without keys that we can use, and the call has to end: the next one begins with
 * the next shape. */
void offers_learn_misunderstood(struct leg *b);

/* A caller's phone: does its offer have ICE? Then ours to it have it, too. */
void offers_learn_ice(const struct leg *a, bool has);
bool offers_knows_ice(const struct leg *b);

#endif
