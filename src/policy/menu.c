#include "policy/menu.h"

/* From the makers' manuals. The word is looked for anywhere: makers put models and versions around
 * it. */
static const struct {
    const char *word, *menu;
} menus[] = {
    {"yealink", "Account > Advanced > RTP Encryption (SRTP): Compulsory"},
    {"grandstream", "Accounts > Audio Settings > SRTP Mode: Enabled and Forced"},
    {"snom", "Identity > RTP > RTP Encryption: on, RTP/SAVP: mandatory"},
    {"fanvil", "Line > SIP > Advanced Settings > RTP Encryption (SRTP): Required"},
    {"polycom", "sec.srtp.offer=\"1\" and sec.srtp.require=\"1\" in its configuration"},
    {"polyedge", "sec.srtp.offer=\"1\" and sec.srtp.require=\"1\" in its configuration"},
    {"aastra", "Global SIP > RTP Settings > RTP Encryption: SRTP Only"},
    {"mitel", "Global SIP > RTP Settings > RTP Encryption: SRTP Only"},
    {"spa", "User > Secure Call Setting: yes, with a mini certificate"},
    {"linphone", "Preferences > Calls > Encryption: SRTP, DTLS or ZRTP, and make it mandatory"},
    {"zoiper", "Settings > Account > Encryption > Use SRTP: SDES"},
    {"microsip", "Edit account > Media Encryption: Mandatory SRTP (RTP/SAVP)"},
    {"bria", "Account > Security > Encrypt audio and video: Always"},
    {"twinkle", "Edit > User profile > Security > Enable ZRTP/SRTP encryption"},
    {"jitsi", "Account > Edit > Encryption > Enable support to encrypt calls"},
    {"baresip", "mediaenc=srtp-mand (or dtls_srtp) in its line of ~/.baresip/accounts"},
    {"pjsua", "--use-srtp=2"},
    {"asterisk", "media_encryption=sdes (or dtls) of its endpoint in pjsip.conf"},
    {"freeswitch", "rtp_secure_media=mandatory in its gateway or dial string"},
    {"sotto", "--keying sdes"},
};

static bool has_word(struct slice text, struct slice word)
{
    for (size_t i = 0; i + word.n <= text.n; i++) {
        if (slice_eq_nocase(slice_from(text.p + i, word.n), word))
            return true;
    }
    return false;
}

const char *policy_menu_srtp(struct slice user_agent)
{
    for (size_t i = 0; i < ARRAY_LEN(menus); i++) {
        if (has_word(user_agent, slice_from_str(menus[i].word)))
            return menus[i].menu;
    }
    return NULL;
}
