/* Digits in SIP INFO: application/dtmf-relay ("Signal=5", "Duration=160" in lines) and
 * application/dtmf (the digit alone), as phones have sent them since before RFC 6086. */
#ifndef SOTTO_SIP_DTMF_H
#define SOTTO_SIP_DTMF_H

#include "base/buf.h"

#define SIP_DTMF_TYPE "application/dtmf-relay"
#define SIP_DTMF_MS 100u /* where nothing is said */
#define SIP_DTMF_MS_MAX 5000u
#define SIP_DTMF_LINES_MAX 16

struct sip_dtmf {
    uint8_t event; /* RFC 4733 s.3.2: 0-9, 10 *, 11 #, 12-15 A-D, 16 flash */
    uint16_t ms;
};

/* False: not a digit in either form. */
bool sip_dtmf_parse(struct slice content_type, struct slice body, struct sip_dtmf *ret);
void sip_dtmf_put(struct buf *b, const struct sip_dtmf *d); /* a body of SIP_DTMF_TYPE */

#endif
