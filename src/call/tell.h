/* What the phones of a call are told of its protection: a header, a mark in the caller's name, and
 * (by way of the media role) a tone. All of it says what struct media_protection says, as `show
 * calls` does, and never more.
 *
 *   X-Sotto-Protection: both;you="dtls AEAD_AES_128_GCM wss";other="sdes AES_CM_128_HMAC_SHA1_80 tls"
 *   Call-Info: <urn:sotto:protection:both>;purpose=protection
 *
 * The word is `both` (media of both legs encrypted), `yours` or `other` (one of them), `none`, or
 * `end-to-end` (the phones have the keys, the server has not). */
#ifndef SOTTO_CALL_TELL_H
#define SOTTO_CALL_TELL_H

#include "call/leg.h"

/* Is this leg's media encrypted, with keys that nobody could read on their way? SDES keys that came
 * over signalling in clear protect from no one. False before anything was agreed. */
bool tell_leg_is_protected(const struct leg *l);
/* What is agreed for the stream that stands for the leg, its audio. */
const struct media_protection *tell_protection_of(const struct leg *l);

/* Header lines for a message to l; none where its user does not want them. `other` NULL: a built-in
 * target. A callee that has not answered is told of the other end alone. */
void tell_put_headers(struct buf *b, struct leg *l, const struct leg *other);
/* After the call was answered, or something has changed: who wants it by ear is told by a sound, and
 * legs whose phone is a browser, which can show it at once, are sent an
 * INFO with the headers. Other phones see them in the next answer or re-INVITE. */
void tell_changed(struct call *c);
/* A restored leg has been told of what stands. */
void tell_restored(struct leg *l);
/* The lock before the caller's name, where the caller's leg is protected and the callee's user
 * wants it. */
bool tell_wants_mark(const struct leg *callee);
#define TELL_MARK "\xf0\x9f\x94\x92" /* U+1F512 LOCK */

#endif
