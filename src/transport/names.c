#include "transport/transport.h"

struct kind_row {
    const char *name, *via;
    bool reliable, secure;
};

static const struct kind_row kinds[TRANSPORT_KIND_COUNT] = {
    [TRANSPORT_UDP] = {"udp", "UDP", false, false}, [TRANSPORT_TCP] = {"tcp", "TCP", true, false},
    [TRANSPORT_TLS] = {"tls", "TLS", true, true},   [TRANSPORT_WS] = {"ws", "WS", true, false},
    [TRANSPORT_WSS] = {"wss", "WSS", true, true},
};

bool transport_kind_is_reliable(enum transport_kind k)
{
    return kinds[k].reliable;
}

bool transport_kind_is_secure(enum transport_kind k)
{
    return kinds[k].secure;
}

const char *transport_kind_name(enum transport_kind k)
{
    return kinds[k].name;
}

const char *transport_via_name(enum transport_kind k)
{
    return kinds[k].via;
}

int transport_kind_parse(struct slice s, enum transport_kind *ret)
{
    for (int k = 0; k < TRANSPORT_KIND_COUNT; k++) {
        if (slice_eq_nocase_str(s, kinds[k].name)) {
            *ret = (enum transport_kind)k;
            return 0;
        }
    }
    return -EINVAL;
}
