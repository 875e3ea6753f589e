/* systemd's notification protocol: datagrams of KEY=VALUE lines to NOTIFY_SOCKET (sd_notify(3)). */
#ifndef SOTTO_APP_NOTIFY_H
#define SOTTO_APP_NOTIFY_H

#include <stdint.h>

#include "base/err.h"

/* Nobody asked to be notified: a no-op. A message that cannot be sent is lost; systemd's own
 * time-outs then speak. */
void notify_send(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* How often WATCHDOG=1 is to be sent, in ms: half of what systemd allows. 0: no watchdog. */
uint32_t notify_watchdog_ms(void);
uint64_t notify_monotonic_us(void); /* for RELOADING=1 */

#endif
