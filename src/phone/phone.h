/* The headless phone: `sotto call` and `sotto phone`. A user agent for any SIP server, and the
 * test client of this project: it registers, calls or takes calls, speaks RTP or SRTP, and says
 * afterwards how the call was protected and what was heard.
 *
 *   main.c     options -> struct phone_options
 *   server.c   where the server is, whom to trust, which password: options, DATA, environment
 *   ua.c       struct phone: loop, transport, transactions; sorts what comes in
 *   request.c  one request with its digest challenges; what account and call send
 *   account.c  registration: refresh, 423, way back after a lost connection
 *   call.c     one call as a const table; call_sip.c what it sends; midcall.c re-INVITE, hold;
 *              info.c digits by INFO
 *   session.c  descriptions and keys: offer, answer, accept
 *   media.c    20 ms clock, RTP and RTCP out; media_rx.c what comes in; crypt.c SRTP; voice.c codecs
 *   audio.c    what is played and heard; recorder.c the file of it
 *   report.c   events and results, as JSON or for people
 *
 * One struct phone owns all the others, embedded; it does one call at a time. */
#ifndef SOTTO_PHONE_PHONE_H
#define SOTTO_PHONE_PHONE_H

/* argv[0] is the verb, "call" or "phone". Exit status: 0 answered and ended normally (phone: ended
 * by a signal or --seconds), 1 not, 2 usage. */
int phone_main(int argc, char **argv);

#endif
