/* G.711 (ITU-T G.711, 11/88): A-law and µ-law against 16-bit linear samples. The linear scale is
 * that of G.191: A-law's 13 and µ-law's 14 significant bits stand at the top of the 16. */
#ifndef SOTTO_CODEC_G711_H
#define SOTTO_CODEC_G711_H

#include <stddef.h>
#include <stdint.h>

enum g711_law { G711_ULAW, G711_ALAW, G711_LAWS }; /* PCMU, PCMA */

uint8_t g711_from_linear(enum g711_law law, int16_t sample);
int16_t g711_to_linear(enum g711_law law, uint8_t code);
void g711_encode(enum g711_law law, const int16_t *in, size_t n, uint8_t *out);
void g711_decode(enum g711_law law, const uint8_t *in, size_t n, int16_t *out);

#endif
