/* Which header is it? For the inside of a head. Private to sip/. */
#ifndef SOTTO_SIP_HDR_ID_H
#define SOTTO_SIP_HDR_ID_H

#include "sip/msg.h"

/* As sip_hdr_id_from, for a name that is not empty and holds no CR without the LF after it, which
 * no header line does: then a match cannot be a name that merely looks alike. */
enum sip_hdr_id lex_hdr_id(struct slice name);

#endif
