/* Where a phone's own menu has media encryption: what an administrator is told beside "switch it
 * on". */
#ifndef SOTTO_POLICY_MENU_H
#define SOTTO_POLICY_MENU_H

#include "base/slice.h"

/* By User-Agent, no regard to case; NULL: a phone that we know nothing of. */
const char *policy_menu_srtp(struct slice user_agent);

#endif
