#include "app/kept.h"

static void tell(struct keep *k, uint32_t type, const void *payload, size_t n, const int *fds,
                 size_t fd_count)
{
    int r = k->chan ? ipc_send(k->chan, type, payload, n, fds, fd_count) : -EPIPE;
    bool fails = r < 0 && r != -EPIPE;
    if (fails && !k->fails) /* one that does not read: told once, not for each connection */
        log_event(LOG_WARN, "not_kept", LOG_I("type", type), LOG_ERRNO(r));
    k->fails = fails;
}

void keep_role(struct keep *k, const struct keep_role *r, int chan, int pidfd)
{
    const int fds[] = {chan, pidfd};
    tell(k, KEEP_MSG_ROLE, r, sizeof(*r), fds, ARRAY_LEN(fds));
    if (k->chan && ipc_flush(k->chan) == -EAGAIN)
        log_event(LOG_WARN, "keeper_slow");
}

void keep_role_ready(struct keep *k, uint32_t index)
{
    tell(k, KEEP_MSG_ROLE_READY, &index, sizeof(index), NULL, 0);
}

void keep_role_gone(struct keep *k, uint32_t index)
{
    tell(k, KEEP_MSG_ROLE_GONE, &index, sizeof(index), NULL, 0);
}

void keep_hold(struct keep *k, uint32_t index, uint64_t tag, int fd)
{
    struct keep_hold h = {.tag = tag, .index = index};
    tell(k, KEEP_MSG_HOLD, &h, sizeof(h), &fd, 1);
}

void keep_unhold(struct keep *k, uint32_t index, uint64_t tag)
{
    struct keep_hold h = {.tag = tag, .index = index};
    tell(k, KEEP_MSG_UNHOLD, &h, sizeof(h), NULL, 0);
}

void keep_slots(struct keep *k, const struct state *s)
{
    for (uint32_t slot = 0; slot < ROLE_FD_SINGLE_COUNT; slot++) {
        if (state_is_reloaded(slot) && s->fds[slot] >= 0)
            tell(k, KEEP_MSG_SLOT, &slot, sizeof(slot), &s->fds[slot], 1);
    }
}

void keep_announced(struct keep *k)
{
    tell(k, KEEP_MSG_ANNOUNCED, NULL, 0, NULL, 0);
}
