#include "call/info.h"

#include "sip/dtmf.h"
#include "sip/hdr.h"

/* The m-line on which the phone takes events, as it described itself; -1: none. */
static int event_stream(const struct leg *l)
{
    struct sdp *d = l->call->core->sdp[0];
    struct sdp_codec codecs[SDP_FORMAT_MAX];
    if (sdp_parse(call_text_slice(&l->remote_sdp), d) != SDP_OK)
        return -1;
    for (int i = 0; i < d->media_count; i++) {
        const struct sdp_media *m = &d->media[i];
        if (m->kind != SDP_AUDIO || m->port == 0 ||
            !leg_media_stream(&l->media, (size_t)i)->endpoint)
            continue;
        size_t n = sdp_codecs(d, m, codecs, ARRAY_LEN(codecs));
        for (size_t k = 0; k < n; k++) {
            if (strcmp(codecs[k].name, "TELEPHONE-EVENT") == 0)
                return i;
        }
    }
    return -1;
}

bool info_to_event(struct leg *to, const struct sip_msg *info)
{
    struct sip_dtmf d;
    if (!to->media.transcode ||
        !sip_dtmf_parse(sip_msg_value(info, SIP_HDR_CONTENT_TYPE), info->body, &d))
        return false;
    int stream = event_stream(to);
    if (stream < 0)
        return false;
    return leg_media_digit(&to->media, (size_t)stream, d.event, d.ms) == 0;
}
