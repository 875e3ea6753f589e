/* The signalling side of the channel to the media role, or to one of its workers: pairs requests with replies, and sends
 * again what a restarted media role has forgotten. A request is copied and kept until its reply
 * comes; media_msg.h promises that doing one twice is the same as doing it once.
 *
 * Someone who no longer waits (the leg has gone) cancels: the reply is dropped, and an endpoint
 * that it would have opened is closed. */
#ifndef SOTTO_CALL_MEDIA_CLIENT_H
#define SOTTO_CALL_MEDIA_CLIENT_H

#include "ipc/ipc.h"
#include "ipc/media_msg.h"

#define MEDIA_CLIENT_PENDING_MAX 65536
#define MEDIA_CLIENT_OTHER_MS 10000
#define MEDIA_CLIENT_OTHERS 4     /* answers that are remembered */
#define MEDIA_CLIENT_FULL_MS 1000 /* so long a worker counts as full that said it had no ports */

struct media_client;

/* `text` is valid until the call returns. */
typedef void media_reply_fn(void *arg, const struct media_reply *r, struct slice text);
typedef void media_event_fn(void *arg, const struct media_event *e);
/* MEDIA_MSG_ZRTP_FIND and _SAVE, from where the answer goes. `z` is the function's to change; it is wiped afterwards. */
typedef void media_zrtp_fn(void *arg, struct media_client *mc, uint32_t type, struct media_zrtp *z);

/* `room`: endpoints that the worker has places and ports for; 0: not known. */
int media_client_new(struct loop *l, uint32_t room, media_event_fn *on_event, void *arg,
                     struct media_client **ret) MUST_CHECK;
struct media_client *media_client_free(struct media_client *mc);

/* Our ZRTP identifier is told to each media role, and fn answers their questions. */
void media_client_zrtp(struct media_client *mc, const struct media_zrtp_id *id, media_zrtp_fn *fn);
void media_client_zrtp_found(struct media_client *mc, const struct media_zrtp *z);

/* Takes the descriptor of a channel to a (new) media role; `endpoints` are those of the n calls that
 * stand, when it is signalling that restarted: all others are closed there, before anything is asked.
 * NULL: none are closed. */
int media_client_attach(struct media_client *mc, int fd, const uint64_t *endpoints,
                        size_t n) MUST_CHECK;

/* fn is called once, from a later wake-up, never from within. -ENOBUFS, -ENOMEM. */
int media_client_request(struct media_client *mc, const struct media_request *rq, struct slice text,
                         media_reply_fn *fn, void *arg, uint32_t *ret_id) MUST_CHECK;
/* For what nobody waits for: closing. */
/* A request whose answer concerns nobody. */
int media_client_tell(struct media_client *mc, const struct media_request *rq) MUST_CHECK;
void media_client_close(struct media_client *mc, uint64_t endpoint);
void media_client_cancel(struct media_client *mc, uint32_t id); /* 0 is a no-op */
size_t media_client_pending(const struct media_client *mc);     /* requests without their reply */

/* An address of ours of the other IP version than `local`, on the same interface; family 0: none, as
 * for a `local` of family 0. The kernel is asked again after MEDIA_CLIENT_OTHER_MS. Valid until the
 * next call. */
const struct addr *media_client_other(struct media_client *mc, const struct addr *local);

/* --- what a new call's worker is chosen by --- */
bool media_client_is_up(const struct media_client *mc);
/* For the two endpoints that a call has at least. */
bool media_client_has_room(const struct media_client *mc);
/* Endpoints that there are or that have been asked for, as legs count them. */
uint32_t media_client_endpoints(const struct media_client *mc);
void media_client_count(struct media_client *mc, int more);

#endif
