/* The media role's way in and out, as the settings and this machine have it: made once, by the
 * supervisor while it still may, and kept for every life of the role. */
#ifndef SOTTO_APP_MEDIA_WAY_H
#define SOTTO_APP_MEDIA_WAY_H

#include "app/config.h"
#include "media/xdp.h"

struct media_way {
    bool is_shared;
    bool is_xdp; /* and shared */
    struct media_steer steer;
    struct media_xdp xdp;
    int claim_fd; /* -1: none */
};

struct media_config media_way_config(const struct app_config *c);

void media_way_init(struct media_way *w);
/* Logs which way it is, and why. 0; where what `[media] path` names (not auto) cannot be had: enum exit_status with
 * a sentence in `why`; -errno. */
int media_way_open(const struct app_config *c, struct media_way *ret, char *why,
                   size_t why_max) MUST_CHECK;
/* Datagrams that came when there was no room for them. */
uint64_t media_way_lost(const struct media_way *w);
void media_way_close(struct media_way *w);

#endif
