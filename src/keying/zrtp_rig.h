/* For tests only: packets that look like ZRTP's, whatever they say. */
#ifndef SOTTO_KEYING_ZRTP_RIG_H
#define SOTTO_KEYING_ZRTP_RIG_H

#include "keying/zrtp/packet.h"
#include "rtp/wire.h"

/* A message of that type (8 characters), filled with `fill`. Returns the packet's size. */
static inline size_t zrtp_rig_packet(uint8_t *dst, const char *type, uint8_t fill)
{
    uint8_t message[88];
    memset(message, fill, sizeof(message));
    wire_put16(message, 0x505a);
    wire_put16(message + 2, sizeof(message) / 4);
    memcpy(message + 4, type, 8);
    struct zrtp_packet z = {.seq = 1, .ssrc = 2, .message = slice_from(message, sizeof(message))};
    return zrtp_packet_print(&z, dst);
}

#endif
