/* The UDP header of what leaves by a raw socket: with a port of our choice, and the checksum that the
 * kernel would have put there (RFC 768, RFC 8200 s.8.1). Pure. */
#ifndef SOTTO_MEDIA_DATAGRAM_H
#define SOTTO_MEDIA_DATAGRAM_H

#include "base/addr.h"

#define DATAGRAM_HEAD 8u
#define DATAGRAM_TOS_EF 0xb8 /* expedited forwarding, RFC 4594 s.2.3: telephony */

/* Writes the header into the DATAGRAM_HEAD bytes before `payload`. Both addresses, with ports, are of
 * one family. */
void datagram_put_head(uint8_t *payload, uint32_t n, const struct addr *from,
                       const struct addr *to);

#endif
