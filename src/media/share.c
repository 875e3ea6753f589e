#include "media/ports.h"
#include "media/role.h"

struct media_config media_config_of_worker(const struct media_config *all, uint32_t worker)
{
    struct media_config c = *all;
    uint32_t workers = all->workers ? all->workers : 1;
    media_ports_share(all->port_min, all->port_max, worker, workers, &c.port_min, &c.port_max);
    c.steered_min = all->port_min;
    c.max_endpoints = (all->max_endpoints + workers - 1) / workers;
    c.first_endpoint = worker * c.max_endpoints;
    c.worker = worker;
    return c;
}
