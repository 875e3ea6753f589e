/* Inside of the ZRTP machine: its object, states, events and actions, for keying/zrtp/ only. */
#ifndef SOTTO_KEYING_ZRTP_MACHINE_H
#define SOTTO_KEYING_ZRTP_MACHINE_H

#include "keying/zrtp/zrtp.h"

enum zrtp_state {
    ZRTP_IDLE,          /* not started */
    ZRTP_DISCOVER,      /* our Hello goes out */
    ZRTP_HEARD,         /* theirs is here, ours not acknowledged */
    ZRTP_ACKED,         /* ours is acknowledged, theirs not here */
    ZRTP_READY,         /* both; waits for secrets or for the peer's Commit */
    ZRTP_COMMITTED,     /* initiator: Commit goes out */
    ZRTP_WAIT_DHPART2,  /* responder: DHPart1 was sent */
    ZRTP_WAIT_CONFIRM1, /* initiator: DHPart2 goes out */
    ZRTP_WAIT_CONFIRM2, /* responder: Confirm1 was sent */
    ZRTP_WAIT_CONF2ACK, /* initiator: Confirm2 goes out; keys are in use */
    ZRTP_SECURE,
    ZRTP_RELAYING, /* secure; SASrelay goes out */
    ZRTP_CLEARING, /* GoClear goes out */
    ZRTP_CLEAR,    /* both agreed to go on in clear */
    ZRTP_FAILING,  /* Error goes out */
    ZRTP_FAILED,
    ZRTP_STATE_COUNT
};

/* The first are the messages, in the order of enum zrtp_kind. */
enum zrtp_event {
    ZRTP_EV_START = ZRTP_KIND_COUNT,
    ZRTP_EV_TIMER,
    ZRTP_EV_FOUND,  /* secrets of the peer are here */
    ZRTP_EV_COMMIT, /* we may begin: follows READY by itself */
    ZRTP_EV_MEDIA,
    ZRTP_EV_RELAY, /* our side wants it */
    ZRTP_EV_GOCLEAR,
    ZRTP_EVENT_COUNT
};

enum zrtp_action {
    ZRTP_ACT_IGNORE, /* late or repeated: nothing to say */
    ZRTP_ACT_DROP,   /* out of place: dropped with that reason */
    ZRTP_ACT_START,
    ZRTP_ACT_HEAR,   /* keep the peer's Hello, acknowledge, ask for its secrets */
    ZRTP_ACT_REHEAR, /* the same Hello again: acknowledge */
    ZRTP_ACT_ACKED,
    ZRTP_ACT_RESEND, /* T1 or T2 */
    ZRTP_ACT_EXPIRE, /* nothing came while ready */
    ZRTP_ACT_FOUND,
    ZRTP_ACT_COMMIT,
    ZRTP_ACT_ANSWER,     /* a Commit: be the responder */
    ZRTP_ACT_CONTEND,    /* a Commit crosses ours */
    ZRTP_ACT_REPEAT,     /* the peer repeats: send our last again */
    ZRTP_ACT_DHPART1,    /* as initiator */
    ZRTP_ACT_DHPART2,    /* as responder */
    ZRTP_ACT_CONFIRM1,   /* as initiator */
    ZRTP_ACT_CONFIRM1B,  /* Mult, Prsh: where DHPart1 would be */
    ZRTP_ACT_CONFIRM2,   /* as responder */
    ZRTP_ACT_DONE,       /* Conf2ACK, or media in its place */
    ZRTP_ACT_ACK2,       /* Confirm2 again: Conf2ACK again */
    ZRTP_ACT_ERROR,      /* the peer gives up */
    ZRTP_ACT_ERROR_LATE, /* not authentic, and we are secure: acknowledge only */
    ZRTP_ACT_ERROR_DONE, /* ours is acknowledged */
    ZRTP_ACT_RELAY,      /* send SASrelay */
    ZRTP_ACT_RELAYED,    /* it was taken */
    ZRTP_ACT_SAS,        /* a SASrelay */
    ZRTP_ACT_GOCLEAR,    /* send GoClear */
    ZRTP_ACT_CLEAR,      /* a GoClear */
    ZRTP_ACT_RECLEAR,    /* again */
    ZRTP_ACT_CLEARED,    /* ours was acknowledged */
    ZRTP_ACT_PING,
    ZRTP_ACT_COUNT
};

struct zrtp_cell {
    uint8_t act;  /* enum zrtp_action */
    uint8_t next; /* enum zrtp_state; where the action says so */
};

extern const struct zrtp_cell zrtp_table[ZRTP_STATE_COUNT][ZRTP_EVENT_COUNT];

enum zrtp_outcome {
    ZRTP_STAY,    /* z->dropped says why, or NULL */
    ZRTP_GO,      /* the cell's next state */
    ZRTP_GO_FAST, /* WAIT_CONFIRM2: a mode without DH, so no DHPart is waited for (s.4.4.2, 4.4.3) */
    ZRTP_BREAK,   /* z->failure and z->error_code: FAILING, or FAILED where the code is 0 */
};

/* What the driver calls out with once the state has changed; at most one of them an event. */
enum zrtp_news { ZRTP_NEWS_NONE, ZRTP_NEWS_SECURE, ZRTP_NEWS_CHANGED, ZRTP_NEWS_CLEARED };

#define ZRTP_HELLO_MAX ((22 + ZRTP_CLASS_COUNT * ZRTP_LIST_MAX) * 4)
#define ZRTP_COMMIT_MAX (29 * 4)
#define ZRTP_DHPART_MAX ((21 + 96) * 4)
#define ZRTP_SMALL_MAX (19 * 4) /* Confirm, SASrelay and what is shorter */
#define ZRTP_PEER_MS 10000      /* longer than a peer's ten repetitions by T2 */
#define ZRTP_OUT_MAX 2          /* packets of one event */

/* A message as it was sent or came: the hashes are over these bytes. */
struct zrtp_blob {
    uint16_t n;
    uint8_t b[ZRTP_DHPART_MAX];
};

struct zrtp {
    struct zrtp_config cfg;
    const struct zrtp_env *env;
    uint8_t state;
    uint8_t role; /* once a Commit is agreed on */
    uint16_t seq;

    /* hash chains (s.9): ours whole, the peer's as far as it has been shown; [i] is Hi */
    uint8_t h[4][ZRTP_IMAGE_LEN];
    uint8_t peer_h[4][ZRTP_IMAGE_LEN];
    struct zrtp_hello peer;
    struct zrtp_blob hello, peer_hello, commit, dhpart[ZRTP_ROLE_COUNT];
    struct zrtp_choice choice;
    uint8_t hvi[ZRTP_HVI_LEN]; /* of the Commit in force; or its nonce */
    struct crypto_dh *dh;
    uint8_t dh_kind; /* enum zrtp_key_agreement of it */

    struct zrtp_secrets secrets;
    bool secrets_known;
    bool matched[ZRTP_SECRET_KINDS]; /* [ZRTP_RS1]: s1, whichever it was */
    uint8_t matched_rs;
    struct secret preshared;
    struct zrtp_keys keys;
    struct zrtp_confirm peer_confirm;
    struct zrtp_relay relay;
    struct zrtp_result result;
    bool hash_differs; /* a Hello came that signalling did not announce */
    bool save_later;   /* mismatch: the new secret waits for the people (s.4.6.1.1) */
    bool enrolled_now;

    /* retransmission: `last` goes out again at each expiry */
    struct zrtp_blob last;
    uint64_t due, told; /* told: what env->timer was last given */
    uint32_t interval, cap;
    uint16_t sent, count;
    const char *last_dropped; /* tells more than "nothing came" */

    /* of the event that is being handled */
    uint64_t now;
    uint32_t ssrc; /* of the packet */
    struct slice message;
    struct zrtp_msg parsed; /* its slices: until the event is over */
    const struct zrtp_msg *msg;
    uint8_t out_n;
    struct zrtp_out {
        uint16_t n;
        uint8_t b[ZRTP_DHPART_MAX];
    } out[ZRTP_OUT_MAX];
    const char *dropped, *failure;
    uint32_t error_code;
    uint8_t news;
    bool save, ask;
};

/* --- for the actions ---------------------------------------------------------------------------- */

enum zrtp_outcome zrtp_drop(struct zrtp *z, const char *why);
enum zrtp_outcome zrtp_break(struct zrtp *z, uint32_t code, const char *why);
/* To be sent when the state has changed. */
void zrtp_say(struct zrtp *z, struct slice message);
void zrtp_say_kind(struct zrtp *z, enum zrtp_kind k); /* one without a body */
/* The same, and again by T2 until zrtp_hush. */
void zrtp_insist(struct zrtp *z, struct slice message);
void zrtp_hush(struct zrtp *z);
void zrtp_guard(struct zrtp *z, uint32_t ms); /* nothing is sent again; the wait has an end */
void zrtp_keep(struct zrtp_blob *blob, struct slice message);
static inline struct slice zrtp_blob_slice(const struct zrtp_blob *b)
{
    return slice_from(b->b, b->n);
}
/* Prints m into blob, with its MAC under key (an image of our chain) where it has one. */
void zrtp_write(const struct zrtp_msg *m, const uint8_t key[ZRTP_IMAGE_LEN],
                struct zrtp_blob *blob);
bool zrtp_mac_holds(struct slice message, const uint8_t key[ZRTP_IMAGE_LEN]);
void zrtp_hello_write(const struct zrtp_config *cfg, uint8_t h[4][ZRTP_IMAGE_LEN],
                      struct zrtp_blob *blob);
enum crypto_digest_kind zrtp_digest(const struct zrtp *z);
bool zrtp_is_initiator(const struct zrtp *z);
enum zrtp_role zrtp_peer_role(const struct zrtp *z);
/* total_hash, ZIDs and choice into z->keys; `with_dh`: the DHParts too (s.4.4.1.4, 4.4.3.2). */
void zrtp_keys_prepare(struct zrtp *z, bool with_dh);
/* Mult and Prsh: keys from the Commit alone. */
void zrtp_keys_without_dh(struct zrtp *z);
void zrtp_confirm_write(struct zrtp *z, enum zrtp_kind k, struct zrtp_blob *blob);
/* Encrypts text into m->sealed with our keys; opens with the peer's. False: not authentic. */
bool zrtp_seal(struct zrtp *z, struct zrtp_msg *m, uint8_t *text, size_t n);
bool zrtp_open(struct zrtp *z, const struct zrtp_sealed *s, uint8_t *ret_text);
void zrtp_result_fill(struct zrtp *z);

typedef enum zrtp_outcome (*zrtp_act_fn)(struct zrtp *z);

enum zrtp_outcome zrtp_act_ignore(struct zrtp *z);
enum zrtp_outcome zrtp_act_drop(struct zrtp *z);
enum zrtp_outcome zrtp_act_resend(struct zrtp *z);
enum zrtp_outcome zrtp_act_start(struct zrtp *z);
enum zrtp_outcome zrtp_act_hear(struct zrtp *z);
enum zrtp_outcome zrtp_act_rehear(struct zrtp *z);
enum zrtp_outcome zrtp_act_acked(struct zrtp *z);
enum zrtp_outcome zrtp_act_expire(struct zrtp *z);
enum zrtp_outcome zrtp_act_found(struct zrtp *z);
enum zrtp_outcome zrtp_act_commit(struct zrtp *z);
enum zrtp_outcome zrtp_act_answer(struct zrtp *z);
enum zrtp_outcome zrtp_act_contend(struct zrtp *z);
enum zrtp_outcome zrtp_act_repeat(struct zrtp *z);
enum zrtp_outcome zrtp_act_dhpart1(struct zrtp *z);
enum zrtp_outcome zrtp_act_dhpart2(struct zrtp *z);
enum zrtp_outcome zrtp_act_confirm1(struct zrtp *z);
enum zrtp_outcome zrtp_act_confirm1b(struct zrtp *z);
enum zrtp_outcome zrtp_act_confirm2(struct zrtp *z);
enum zrtp_outcome zrtp_act_done(struct zrtp *z);
enum zrtp_outcome zrtp_act_ack2(struct zrtp *z);
enum zrtp_outcome zrtp_act_error(struct zrtp *z);
enum zrtp_outcome zrtp_act_error_late(struct zrtp *z);
enum zrtp_outcome zrtp_act_error_done(struct zrtp *z);
enum zrtp_outcome zrtp_act_relay(struct zrtp *z);
enum zrtp_outcome zrtp_act_relayed(struct zrtp *z);
enum zrtp_outcome zrtp_act_sas(struct zrtp *z);
enum zrtp_outcome zrtp_act_goclear(struct zrtp *z);
enum zrtp_outcome zrtp_act_clear(struct zrtp *z);
enum zrtp_outcome zrtp_act_reclear(struct zrtp *z);
enum zrtp_outcome zrtp_act_cleared(struct zrtp *z);
enum zrtp_outcome zrtp_act_ping(struct zrtp *z);

#endif
