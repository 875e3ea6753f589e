/* Within codec: the table's rows. */
#ifndef SOTTO_CODEC_CODEC_PRIV_H
#define SOTTO_CODEC_CODEC_PRIV_H

#include "codec/codec.h"

extern const struct codec codec_pcmu, codec_pcma, codec_g722, codec_opus, codec_l16;

#endif
