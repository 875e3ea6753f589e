/* For tests and the bench: descriptions as real phones write them, shortened. */
#ifndef SOTTO_SDP_SAMPLES_H
#define SOTTO_SDP_SAMPLES_H

/* 439 bytes, as in the measurements of other parsers. */
#define SAMPLE_DESK_PHONE                                                                   \
    "v=0\r\no=- 3724394400 3724394400 IN IP4 192.168.1.10\r\ns=pjmedia\r\n"                 \
    "b=AS:84\r\nt=0 0\r\na=X-nat:0\r\n"                                                     \
    "m=audio 4000 RTP/AVP 96 9 8 0 101\r\nc=IN IP4 192.168.1.10\r\nb=TIAS:64000\r\n"        \
    "a=rtcp:4001 IN IP4 192.168.1.10\r\na=sendrecv\r\n"                                     \
    "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:9 G722/8000\r\n"      \
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n" \
    "a=fmtp:101 0-16\r\na=ptime:20\r\na=ssrc:1234 cname:abcdef0123456789abcdef01234567\r\n"

#define SAMPLE_SIPP                                                                        \
    "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\n" \
    "t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

/* setup and fingerprint at session level; rtcp-mux off */
#define SAMPLE_BARESIP_DTLS                                                                       \
    "v=0\r\no=- 3520386218 1234 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n"         \
    "a=tool:baresip 1.0.0\r\na=setup:actpass\r\n"                                                 \
    "a=fingerprint:SHA-256 AA:BB:CC:DD:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:" \
    "33:44:55:66:77:88:99:AA:BB\r\n"                                                              \
    "m=audio 17854 UDP/TLS/RTP/SAVPF 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\n"                  \
    "a=fmtp:96 stereo=1;sprop-stereo=1\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"       \
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:17855\r\na=sendrecv\r\n"      \
    "a=label:1\r\na=rtcp-rsize\r\na=ssrc:4123 cname:sip:1000@example.org\r\na=ptime:20\r\n"

/* no rtpmap for 0, 8, 18; four crypto lines padded; feedback lines under AVP */
#define SAMPLE_LINPHONE_SDES                                                                    \
    "v=0\r\no=1001 1297 3112 IN IP4 192.168.0.7\r\ns=Talk\r\nc=IN IP4 192.168.0.7\r\nt=0 0\r\n" \
    "a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\n"              \
    "a=record:off\r\n"                                                                          \
    "m=audio 7078 RTP/SAVP 96 97 98 0 8 18 101 99 100\r\na=rtpmap:96 opus/48000/2\r\n"          \
    "a=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\n"               \
    "a=rtpmap:98 speex/8000\r\na=fmtp:98 vbr=on\r\na=fmtp:18 annexb=yes\r\n"                    \
    "a=rtpmap:101 telephone-event/48000\r\na=rtpmap:99 telephone-event/16000\r\n"               \
    "a=rtpmap:100 telephone-event/8000\r\na=rtcp:7079\r\n"                                      \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n"    \
    "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwe\r\n"    \
    "a=crypto:3 AES_256_CM_HMAC_SHA1_80 "                                                       \
    "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==\r\n"               \
    "a=rtcp-fb:* trr-int 1000\r\na=rtcp-fb:* ccm tmmbr\r\n"

#define SAMPLE_LINPHONE_ZRTP                                                                \
    "v=0\r\no=1002 55 66 IN IP4 192.168.0.8\r\ns=Talk\r\nc=IN IP4 192.168.0.8\r\nt=0 0\r\n" \
    "m=audio 7078 RTP/AVP 8 0\r\n"                                                          \
    "a=zrtp-hash:1.10 7a3b0c0000000000000000000000000000000000000000000000000000000001\r\n"

#define SAMPLE_CHROMIUM                                                                           \
    "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" \
    "a=extmap-allow-mixed\r\na=msid-semantic: WMS stream1\r\n"                                    \
    "m=audio 50609 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 10.1.0.2\r\n"            \
    "a=rtcp:9 IN IP4 0.0.0.0\r\n"                                                                 \
    "a=candidate:1 1 udp 2122260223 10.1.0.2 50609 typ host generation 0 network-id 1\r\n"        \
    "a=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8gby\r\na=ice-options:trickle\r\n"         \
    "a=fingerprint:sha-256 AA:BB:CC:DD:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:" \
    "33:44:55:66:77:88:99:AA:BC\r\na=setup:actpass\r\na=mid:0\r\n"                                \
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendrecv\r\n"                    \
    "a=msid:stream1 track1\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\n"        \
    "a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"                     \
    "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n"                    \
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n"                     \
    "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"                 \
    "a=ssrc:3735928559 cname:4TOk42mSjXCkVIa6\r\na=ssrc:3735928559 msid:stream1 track1\r\n"       \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n"         \
    "a=sctp-port:5000\r\n"

/* optional encryption as two m-lines for one stream */
#define SAMPLE_TWO_LINES                                                                     \
    "v=0\r\no=root 1 2 IN IP4 10.0.0.9\r\ns=call\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"          \
    "m=audio 50000 RTP/SAVP 8 0 101\r\n"                                                     \
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n" \
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"                                    \
    "m=audio 50002 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

#endif
