/* The media role's way in and out, as the settings and this machine have it: made once, by the
 * supervisor while it still may, and kept for every life of the role. */
#ifndef SOTTO_APP_MEDIA_WAY_H
#define SOTTO_APP_MEDIA_WAY_H

#include "app/config.h"
#include "media/xdp.h"

struct media_way {
    bool is_shared;
    uint32_t workers;
    bool is_xdp; /* and shared */
    struct media_steer steer;
    struct media_xdp xdp;
    int claim_fd; /* -1: none */
};

/* How many workers there are: what `[media] workers` says, or what the machine's cores and the ports are
 * good for. */
uint32_t media_way_workers(const struct app_config *c, uint32_t cores);
/* For all workers; media_config_of_worker has the share of one. */
struct media_config media_way_config(const struct app_config *c, uint32_t workers);
/* Rows of statistics, of all workers. */
uint32_t media_way_endpoints(const struct app_config *c, uint32_t workers);

void media_way_init(struct media_way *w);
/* Logs which way it is, and why. 0; where what `[media] path` names (not auto) cannot be had: enum exit_status with
 * a sentence in `why`; -errno. */
int media_way_open(const struct app_config *c, struct media_way *ret, char *why,
                   size_t why_max) MUST_CHECK;
/* Datagrams that came when there was no room for them. */
uint64_t media_way_lost(const struct media_way *w, uint32_t worker);
void media_way_close(struct media_way *w);

#endif
