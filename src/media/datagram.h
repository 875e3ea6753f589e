/* A UDP datagram with its IP header, for raw sockets: what the kernel would have put there, with our
 * own port and checksum (RFC 768, RFC 8200 s.8.1). Pure. */
#ifndef SOTTO_MEDIA_DATAGRAM_H
#define SOTTO_MEDIA_DATAGRAM_H

#include "base/addr.h"

#define DATAGRAM_HEAD_4 28u
#define DATAGRAM_HEAD_6 48u
#define DATAGRAM_HEAD_MAX DATAGRAM_HEAD_6
#define DATAGRAM_TOS_EF 0xb8 /* expedited forwarding, RFC 4594 s.2.3: telephony */

/* Writes the headers so that they end where `payload` begins (DATAGRAM_HEAD_MAX bytes before it are
 * free); returns their length. Both addresses, with ports, are of one family. `id` tells fragments of
 * IPv4 apart: not 0, another one each time. */
uint32_t datagram_put_head(uint8_t *payload, uint32_t n, const struct addr *from,
                           const struct addr *to, uint16_t id);

#endif
