/* The parsers that fill a zeroed part of a message in place, which saves the copies of those in
 * uri.h and msg.h. After BAD the part holds what had been read: the caller wipes it. Private to
 * sip/. */
#ifndef SOTTO_SIP_INTO_H
#define SOTTO_SIP_INTO_H

#include "sip/msg.h"

int sip_uri_parse_into(struct slice in, struct sip_uri *u) MUST_CHECK;
int sip_via_parse_into(struct slice in, struct sip_via *via) MUST_CHECK;
/* Not for "*". The tag is what From and To need, found in the same pass; empty: none. */
int sip_addr_parse_into(struct slice in, struct sip_addr *addr, struct slice *tag) MUST_CHECK;

#endif
