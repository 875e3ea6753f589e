/* The short authentication string (RFC 6189 s.4.5.2, 5.1.6): what two people read to each other. */
#ifndef SOTTO_KEYING_ZRTP_SAS_H
#define SOTTO_KEYING_ZRTP_SAS_H

#include "base/buf.h"

#define ZRTP_SAS_HASH_LEN 32
#define ZRTP_SAS_TEXT_MAX 40 /* the longest two words are 21 letters */

/* `sas` is an enum zrtp_sas. B32: four letters; B256: "topmost:Istanbul". Nothing for an unknown
 * scheme. */
void zrtp_sas_print(unsigned sas, const uint8_t hash[ZRTP_SAS_HASH_LEN], struct buf *b);

#endif
