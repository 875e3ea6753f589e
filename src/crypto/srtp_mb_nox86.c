/* ipsec-mb is for x86-64 only. */
#include "crypto/srtp_priv.h"

static int mb_engine_new(struct srtp_engine **ret)
{
    (void)ret;
    return -ENOTSUP;
}

const struct srtp_ops srtp_mb_ops = {.name = "none", .engine_new = mb_engine_new};
