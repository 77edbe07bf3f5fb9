// An engine that reads SMTP, from inside: what its files share.  Not for other rooms.
//
//   engine.c         the two sides' bytes, and the orders about them
//   smtp_client.c    the client's lines
//   smtp_envelope.c  MAIL and RCPT
//   smtp_body.c      the message, and a client that was taken over
//   smtp_scan.c      the message on its way to the scanner
//   smtp_notice.c    a header line that is added
//   smtp_hold.c      the message on its way to the vault
//   smtp_apart.c     files of it that somebody else opens
//   smtp_server.c    the server's replies
//   smtp_mail.c      the transaction in hand and its record
//
// Invariants: every line that went on to the server waits in the queue for exactly one reply; the
// queue is empty while a message goes through; no byte is ordered about twice.
#ifndef SEKISHO_INSPECT_SMTP_SESSION_H
#define SEKISHO_INSPECT_SMTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/mail_record.h"
#include "inspect/apart.h"
#include "inspect/content.h"
#include "inspect/engine.h"
#include "inspect/hold.h"
#include "inspect/scan.h"
#include "inspect/smtp_reason.h"
#include "inspect/source_limits.h"
#include "proto/smtp_command.h"
#include "proto/smtp_data.h"
#include "proto/smtp_path.h"

enum {
	SMTP_QUEUE_MAX = 1024,	      // commands without a reply; more wait undecided
	SMTP_QUEUE_FIRST = 16,	      // room for a session that does not pipeline
	SMTP_REFUSED_MAX = 20,	      // commands refused in a session, but for MAIL and RCPT
	SMTP_SYNC_WAITING_MAX = 8192, // see smtp_refuse()
	SMTP_REPLY_LINES_MAX = 256,
	SMTP_SWALLOW_SECONDS_MAX = 600, // of a client that was taken over
	SMTP_RECIPIENT_NONE = UINT16_MAX,
	SMTP_LINE_NONE = UINT16_MAX,
};

enum smtp_state {      // what the client's next byte is
	SMTP_GREETING, // too early
	SMTP_COMMANDS,
	SMTP_AUTH_DIALOGUE, // a line of it
	SMTP_DATA_AHEAD,    // too early: DATA has no reply yet
	SMTP_TLS_AHEAD,	    // too early: STARTTLS has no reply yet
	SMTP_BODY,
	SMTP_SCAN_AHEAD, // too early: the message has no verdict yet
	SMTP_HOLD_AHEAD, // too late: the vault has not said yet that it keeps the message
	SMTP_TAKEN,	 // not for the server
	SMTP_CLOSED,	 // too late: 221, or 421 without a command
	SMTP_DONE,	 // nobody's: ended or released
};

// A command that went on and has no reply yet.
struct smtp_wait {
	uint8_t verb;	    // enum smtp_verb
	uint8_t reason;	    // not NONE: it was overwritten, and its reply is ours
	uint16_t rule;	    // RCPT: of sizes
	uint16_t recipient; // RCPT: index, or SMTP_RECIPIENT_NONE
	uint16_t line;	    // RCPT: of what is kept in case it is held, or SMTP_LINE_NONE
	uint8_t set;	    // RCPT: of the audience
	bool own;	    // RCPT: of an own domain
};

struct smtp_queue {
	struct smtp_wait *v;
	uint16_t head, n, cap; // n: those from head on
};

struct smtp_side {
	uint8_t *held; // bytes fed and not read: an incomplete line, or lines that have to wait
	uint32_t n_held, cap;
	uint64_t undecided;
	bool closed;
};

struct smtp_recipient {
	char *address;
	uint16_t code;
};

struct smtp_scan {
	enum { SMTP_SCAN_NONE, SMTP_SCAN_OPEN, SMTP_SCAN_ENDED, SMTP_SCAN_DONE } state;
	bool line;   // at the beginning of one
	bool behind; // the scanner is
	struct scan_result result;
};

struct smtp_notice { // where a header line would be added
	bool headed; // the blank line was seen
	bool cr;
	uint8_t n_line; // bytes of the line, as far as they count
	uint64_t at;
};

struct smtp_hold_line {
	char *text; // of MAIL (the first) or RCPT, from the address on
	bool taken; // by the server
};

struct smtp_hold {
	enum { SMTP_HOLD_NONE, SMTP_HOLD_OPEN, SMTP_HOLD_ENDED, SMTP_HOLD_DONE } state;
	bool behind;	      // the vault is
	enum smtp_reason why; // it is held; NONE: it is not
	struct hold_result result;
	struct smtp_hold_line *lines;
	uint32_t n_lines, room, lines_size;
};

// A transaction, from the MAIL that went on until it is recorded.
struct smtp_mail {
	bool open, utf8, own_sender, marked;
	bool inward, outward;	  // a recipient of an own domain was taken; of another
	enum smtp_reason refused; // the first reason for which a recipient was
	uint8_t domain_rule; // about habits, from 1, by which the first was for his domain; 0: none
	uint16_t code, enhanced[3];
	uint64_t began_us, declared, cap, size;
	char *sender;
	struct smtp_recipient *recipients;
	uint32_t kept_bytes; // of addresses
	uint32_t n_kept, cap_kept, n_named, n_accepted, n_waiting;
	struct audience audience; // rules about attachments and habits that its recipients have
	struct content *content;  // the message, if there are such rules
	uint32_t n_own;		  // of those accepted
	unsigned stopped;	  // directions in which it is (mail_stops.h)
	struct smtp_scan scan;
	struct smtp_notice notice;
	struct smtp_hold hold;
};

struct engine {
	struct engine_peer peer;
	struct engine_host host;
	const struct profile *profile;
	struct source_limits *limits;
	uint32_t source_slot;
	enum smtp_state state;
	enum smtp_reason ending;  // not NONE: as soon as earlier commands have their replies
	enum smtp_reason refused; // the first command that was, outside of a transaction
	bool sender;		  // may send to any domain
	bool lets_tls;
	bool tls;	   // what is read came in it
	uint8_t suites[2]; // of either side (event/mail_suite.h)
	bool tls_offered;  // by the server, in its last answer to EHLO
	bool sync;	   // no line goes on before the queue is empty
	bool sync_is_ours; // because of a command that was overwritten
	bool recorded;
	uint64_t began_us, now_us, taken_us, size_most;
	char *helo;
	uint32_t n_refused, n_invalid, n_mails;
	struct smtp_side client, server;
	size_t client_rest; // bytes of this call that no reader has come to
	struct smtp_queue queue;
	uint16_t reply_code; // of a reply of several lines that is not complete, or 0
	uint16_t reply_lines, last_code;
	bool reply_edited;	    // each of its lines is decided by itself
	uint32_t reply_size;	    // undecided bytes of its lines
	uint16_t reply_enhanced[3]; // of its first line
	struct smtp_mail mail;
	struct smtp_data data;
	uint64_t body_passed;
	bool took;		// the client: the server gets nothing more
	enum smtp_reason taken; // why
	uint8_t swallow_place;	// enum smtp_data_place, with lenient ends of lines
};

// engine.c
void smtp_order_pass(struct engine *engine, enum engine_side side, size_t size);
void smtp_order_overwrite(struct engine *engine, enum engine_side side, const uint8_t *bytes,
			  size_t size);
void smtp_order_replace(struct engine *engine, size_t size, const char *text);
void smtp_order_insert(struct engine *engine, const uint8_t *bytes, size_t n);
void smtp_order_swallow(struct engine *engine, uint64_t size);
// Ends the session now: the client is told, the server gets nothing more.
void smtp_finish(struct engine *engine, enum smtp_reason reason);
// Ends the session once commands that went on have their replies.
void smtp_end(struct engine *engine, enum smtp_reason reason);
// From here on the server gets nothing more; the message is read on.
void smtp_take(struct engine *engine);
void smtp_release(struct engine *engine, enum smtp_reason reason);
// Both sides speak TLS behind what was decided.
void smtp_begin_tls(struct engine *engine);
bool smtp_begins_with_tls(const struct engine *engine); // from the first byte
// A command goes on that will have a reply.
void smtp_expect(struct engine *engine, struct smtp_wait wait);
// Between transactions, when no reply is due: what the guard demands now counts from here on.
void smtp_renew(struct engine *engine);
// After TAKE: our last words.
void smtp_hang_up(struct engine *engine);

// smtp_client.c: bytes read of the beginning of bytes; 0: they have to wait.
size_t smtp_client_read(struct engine *engine, const uint8_t *bytes, size_t n);
// A line that is refused; true: it was overwritten, and reason's reply will answer it.
bool smtp_refuse(struct engine *engine, size_t size, enum smtp_verb verb, enum smtp_reason reason);

// smtp_envelope.c; size: of the line with its CRLF.
void smtp_envelope_mail(struct engine *engine, const struct smtp_command *command, size_t size);
void smtp_envelope_rcpt(struct engine *engine, const struct smtp_command *command, size_t size);

// smtp_body.c
void smtp_body_begin(struct engine *engine);
size_t smtp_body_read(struct engine *engine, const uint8_t *bytes, size_t n);
// What of the message may go on; its end.
void smtp_body_pass(struct engine *engine);
void smtp_body_end(struct engine *engine);
size_t smtp_body_swallow(struct engine *engine, const uint8_t *bytes, size_t n);

// smtp_notice.c
void smtp_notice_read(struct engine *engine, uint64_t size, const uint8_t *bytes, uint64_t n);
// The message's bytes up to there go on, with the line where its place is among them.
void smtp_notice_pass(struct engine *engine, uint64_t to);
// All of it has gone on: a message without a body.
void smtp_notice_end(struct engine *engine);

// smtp_scan.c
void smtp_scan_begin(struct engine *engine);
void smtp_scan_bytes(struct engine *engine, const uint8_t *bytes, size_t n);
void smtp_scan_end(struct engine *engine);
void smtp_scan_drop(struct engine *engine);
// Its verdict, and room for more of it.
void smtp_scan_take(struct engine *engine, const struct scan_result *result);
void smtp_scan_room(struct engine *engine);
// What waited for the scanner, or for what is found in files, goes on if it can.
void smtp_scan_go_on(struct engine *engine);

// --- smtp_apart.c

void smtp_apart_begin(struct engine *engine);
bool smtp_apart_waits(struct engine *engine);
void smtp_apart_take(struct engine *engine, const struct apart_answer *answer);
enum smtp_reason smtp_scan_refusal(const struct engine *engine); // or NONE
enum smtp_reason smtp_scan_passed(const struct engine *engine);	 // why it is told of, or NONE
enum smtp_reason smtp_scan_holds(const struct engine *engine);	 // why it is held, or NONE

// smtp_hold.c; lines of the envelope: SMTP_LINE_NONE: no room.
uint16_t smtp_hold_line(struct engine *engine, const struct smtp_text *line);
void smtp_hold_taken(struct engine *engine, uint16_t line);
void smtp_hold_begin(struct engine *engine);
void smtp_hold_bytes(struct engine *engine, const uint8_t *bytes, size_t n);
void smtp_hold_want(struct engine *engine, enum smtp_reason why);
void smtp_hold_end(struct engine *engine);
void smtp_hold_drop(struct engine *engine);
void smtp_hold_take(struct engine *engine, const struct hold_result *result);
void smtp_hold_room(struct engine *engine);
void smtp_hold_free(struct smtp_hold *hold);
size_t smtp_hold_memory(const struct smtp_hold *hold);

// smtp_server.c
size_t smtp_server_read(struct engine *engine, const uint8_t *bytes, size_t n);

// smtp_mail.c: reasons as far as the table has them; code: what the client saw.
struct smtp_mail_draft {
	struct smtp_text sender;
	struct smtp_text line; // from the address on
	uint64_t declared;
	bool utf8, own_sender;
	unsigned stopped;
};
void smtp_mail_open(struct engine *engine, const struct smtp_mail_draft *draft);
// A MAIL that did not go on.
void smtp_mail_refused(struct engine *engine, const struct smtp_mail_draft *draft,
		       enum smtp_reason reason);
// Its index, or SMTP_RECIPIENT_NONE.
uint16_t smtp_mail_recipient(struct engine *engine, const struct smtp_text *address, uint16_t code);
// Its record as it will be, packed (event/mail_wire.h); the size.
size_t smtp_mail_pack(struct engine *engine, enum smtp_reason reason, uint8_t *out);
void smtp_mail_done(struct engine *engine, enum smtp_reason reason, uint16_t code);
// The transaction in hand ends without a message: by a RSET, a new greeting, or a side's going.
void smtp_mail_abandon(struct engine *engine);
// The zone of the flow that the client is in, or "".
const char *smtp_mail_zone(const struct engine *engine);
void smtp_mail_session(struct engine *engine, enum smtp_reason reason, uint16_t code);
void smtp_mail_free(struct smtp_mail *mail);
// Text as records have it: UTF-8 stays, control characters and other bytes become \xHH.
void smtp_mail_escape(const uint8_t *bytes, size_t n, char *out, size_t room);

#endif
