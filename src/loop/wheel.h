/* The timer wheel of a loop: eight levels of 64 slots, six bits of the due time each. A timer lies
 * on the level of the highest digit in which its due time differs from the wheel's, in the slot
 * of that digit; so every entry of a level is later than all entries of the levels below it, and
 * the next thing to do is the first set bit of the first level that has one. Insert and remove are
 * O(1); a timer cascades at most seven times in its life.
 *
 * Private to loop/. */
#ifndef SOTTO_LOOP_WHEEL_H
#define SOTTO_LOOP_WHEEL_H

#include "loop/loop.h"

#define LOOP_WHEEL_BITS 6
#define LOOP_WHEEL_SLOTS (1u << LOOP_WHEEL_BITS)
#define LOOP_WHEEL_LEVELS 8
/* Due times are below this: 8,900 years. */
#define LOOP_WHEEL_END ((uint64_t)1 << (LOOP_WHEEL_BITS * LOOP_WHEEL_LEVELS))

struct loop_wheel {
    uint64_t tick; /* all timers due up to here have been handed out */
    uint64_t occupied[LOOP_WHEEL_LEVELS];
    struct list slots[LOOP_WHEEL_LEVELS * LOOP_WHEEL_SLOTS];
};

void loop_wheel_init(struct loop_wheel *w, uint64_t tick);
void loop_wheel_fini(struct loop_wheel *w); /* timers that are still in become unarmed */
/* t->due must be later than w->tick. */
void loop_wheel_insert(struct loop_wheel *w, struct loop_timer *t);
/* Whatever list the timer is on, the list of a loop_wheel_advance too. */
void loop_wheel_remove(struct loop_wheel *w, struct loop_timer *t);
/* When something is to be done next: a timer is due, or a slot cascades. UINT64_MAX: never. */
uint64_t loop_wheel_next(const struct loop_wheel *w);
/* Moves the wheel to `now` and appends to `due` what is due by then, by time; timers of one tick
 * in the order in which they were set. */
void loop_wheel_advance(struct loop_wheel *w, uint64_t now, struct list *due);

#endif
