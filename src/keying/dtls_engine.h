/* The handshake of DTLS-SRTP, sans I/O: the engine behind keying_dtls.
 *
 *   as client  says its ClientHello at once, and again whenever a handshake has failed
 *   as server  has no memory of anybody until a ClientHello repeats a cookie (RFC 6347 s.4.2.1):
 *              so nobody who cannot hear us, whatever address he writes into his packets, makes
 *              us compute, or takes the place of the phone. A new ClientHello with the cookie
 *              begins anew, whatever state the handshake before is in; keys change only when it is
 *              complete and the certificate is the one that was signalled
 *
 * Anybody can forge what is said before there are keys. So alerts in clear are not believed, a
 * handshake that fails is begun again, and only a complete one, in which the peer has proven that
 * it has the key of its certificate, can fail for good: by the wrong certificate. */
#ifndef SOTTO_KEYING_DTLS_ENGINE_H
#define SOTTO_KEYING_DTLS_ENGINE_H

#include "keying/keying.h"

#define DTLS_LINGER_MS 30000u /* how long a Finished that comes again is still answered */

int dtls_engine_start(const struct keying_engine_env *env, const struct keying_state *s,
                      enum keying_component c, uint64_t now_ms,
                      struct keying_engine **ret) MUST_CHECK;
void dtls_engine_packet(struct keying_engine *e, struct slice packet, uint64_t now_ms);
void dtls_engine_expired(struct keying_engine *e, uint64_t now_ms);
const char *dtls_engine_state(const struct keying_engine *e);
struct keying_engine *dtls_engine_free(struct keying_engine *e);

/* Ours with that certificate; NULL: it is not in use any more. */
struct crypto_dtls *keying_dtls_local(const struct keying_local *l,
                                      const uint8_t digest[CRYPTO_DTLS_DIGEST_LEN]);

#endif
