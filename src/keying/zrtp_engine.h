/* Joins ZRTP's machine (keying/zrtp/) to the vtable of keying/keying.h. A machine that only timed out
 * or was told to give up, which anybody may do, is begun again; one that has proof against its peer
 * fails for good. */
#ifndef SOTTO_KEYING_ZRTP_ENGINE_H
#define SOTTO_KEYING_ZRTP_ENGINE_H

#include "keying/keying.h"

#define ZRTP_AGAIN_MS 1000

int zrtp_engine_start(const struct keying_engine_env *env, const struct keying_state *s,
                      enum keying_component c, uint64_t now_ms,
                      struct keying_engine **ret) MUST_CHECK;
void zrtp_engine_packet(struct keying_engine *e, struct slice packet, uint64_t now_ms);
void zrtp_engine_expired(struct keying_engine *e, uint64_t now_ms);
const char *zrtp_engine_state(const struct keying_engine *e);
struct keying_engine *zrtp_engine_free(struct keying_engine *e);
void zrtp_engine_found(struct keying_engine *e, const struct zrtp_secrets *s, uint64_t now_ms);
void zrtp_engine_verify(struct keying_engine *e, bool verified);
void zrtp_engine_relay(struct keying_engine *e, const struct keying_state *other, uint64_t now_ms);

#endif
