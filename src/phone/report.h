/* What the phone tells: JSON for programs, one object a line and flushed at once, or lines for
 * people. `sotto call` tells all at its end; with --events, or without --json, also on the way. */
#ifndef SOTTO_PHONE_REPORT_H
#define SOTTO_PHONE_REPORT_H

#include <stdint.h>

struct phone;
struct phone_call;
struct addr;

void report_listening(const struct phone *ph, const struct addr *at);
void report_registered(const struct phone *ph);
void report_unregistered(const struct phone *ph, uint16_t status, const char *why);
void report_ringing(const struct phone_call *c, uint16_t status);
void report_answered(const struct phone_call *c);
void report_protection(const struct phone_call *c);
void report_renewed(const struct phone_call *c, uint16_t status); /* our re-INVITE was answered */
void report_ended(const struct phone_call *c);                    /* of a call: its result */

#endif
