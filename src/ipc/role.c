#include <string.h>

#include "ipc/role_msg.h"

static const char *const names[] = {
    [ROLE_SUPERVISOR] = "supervisor",
    [ROLE_SIGNAL] = "signal",
    [ROLE_MEDIA] = "media",
    [ROLE_WEB] = "web",
};

const char *role_name(enum role_kind k)
{
    return names[k];
}

int role_parse(const char *name, enum role_kind *ret)
{
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum role_kind)i;
            return 0;
        }
    }
    return -EINVAL;
}
