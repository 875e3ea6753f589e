#include "policy/quirk.h"

static const char *const shape_names[OFFER_SHAPE_COUNT] = {
    [OFFER_NONE] = "none", [OFFER_OSRTP] = "osrtp", [OFFER_SAVP] = "savp",   [OFFER_DTLS] = "dtls",
    [OFFER_ZRTP] = "zrtp", [OFFER_MIKEY] = "mikey", [OFFER_CLEAR] = "clear",
};

const char *offer_shape_name(enum offer_shape s)
{
    return s < OFFER_SHAPE_COUNT ? shape_names[s] : shape_names[OFFER_NONE];
}
