// Typed fields: how values cross the control socket, the compiler's pipe, and the state folder.
//
// A field is 8 bytes of head (tag 2, type 1, zero 1, length 4; native byte order, it crosses
// processes of one machine) and its value, padded with zeros to 8 bytes.  What tags there are, of
// which type and how long at most, is one table (field.c).  CTL_ROW has no value: it ends what came
// before and begins a row.  A reader takes bytes of anyone and trusts none of them.
#ifndef SEKISHO_CONTROL_FIELD_H
#define SEKISHO_CONTROL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
enum control_type {
	CTL_MARK, // no value
	CTL_U64,  // 8 bytes
	CTL_BOOL, // 8 bytes, 0 or 1
	CTL_TIME, // 8 bytes: microseconds since 1970, 0: never
	CTL_TEXT, // UTF-8 without control characters but tab and newline, no NUL
	CTL_BYTES,
};

enum { CTL_FIELD_HEAD_BYTES = 8, CTL_TEXT_MAX = 8192, CTL_ID_MAX = 64, CTL_NAME_MAX = 1024 };

enum control_tag {
	CTL_ROW = 1,
	// Of every reply
	CTL_EXIT,  // exit status of a command that got this reply
	CTL_ERROR, // what went wrong, in words; absent: nothing
	// The daemon and what it runs
	CTL_VERSION,
	CTL_PID,
	CTL_SINCE,
	CTL_STATE,	// see daemon: "running", "closed", "degraded"
	CTL_PROBLEM,	// repeats: why it is not "running"
	CTL_GUARD,	// "open", "closed", "absent"
	CTL_FORWARDING, // is the kernel forwarding
	CTL_GENERATION,
	CTL_DIGEST, // hexadecimal
	CTL_APPLIED,
	CTL_APPLIED_BY, // uid
	CTL_DIRECTORY,	// of the policy, as the client named it
	CTL_TITLE,
	CTL_FLOWS, // how many
	CTL_ZONES,
	CTL_RULES,
	CTL_SETS,
	CTL_ELEMENTS,
	CTL_DENIED,
	CTL_SPOOFED,
	CTL_INVALID,
	CTL_UNKNOWN,	// packets from interfaces of no zone
	CTL_LOG_EVENTS, // records received
	CTL_LOG_SUPPRESSED,
	CTL_RECORD,	       // the audit log: "written", "blocked", "none"
	CTL_RECORD_SEQ,	       // newest record on the disk
	CTL_RECORD_CHECKPOINT, // newest signed one
	CTL_RECORD_HASH,       // of that
	CTL_RECORD_WAITING,    // events not yet on the disk
	CTL_RECORD_LOST,       // events that had no room
	CTL_RECORD_RESTARTS,   // of the keeper
	CTL_CLIENTS,
	CTL_MEMORY, // bytes resident
	// Of an apply
	CTL_CHANGED, // false: the policy already ran
	CTL_COMPILE_US,
	CTL_COMMIT_US,
	CTL_VERIFY_US,
	CTL_STORE_US,
	CTL_ERRORS,
	CTL_WARNINGS,
	CTL_ASSERTIONS, // how many, of a policy that may be applied: all hold
	CTL_TESTS,
	// Diagnostics
	CTL_CODE,     // 204 of SK204
	CTL_SEVERITY, // "error", "warning", "note"
	CTL_FILE,
	CTL_LINE,
	CTL_COLUMN,
	CTL_COLUMN_END,
	CTL_MESSAGE,
	CTL_SECOND_FILE,
	CTL_SECOND_LINE,
	CTL_SECOND_COLUMN,
	CTL_SECOND_COLUMN_END,
	CTL_SECOND_MESSAGE,
	// Flows and zones
	CTL_ID,
	CTL_FROM,      // repeats
	CTL_TO,	       // repeats
	CTL_TREATMENT, // "plain", "log", "guard"
	CTL_OWNER,
	CTL_PACKETS, // connections that the flow let through
	CTL_LAST_HIT,
	CTL_ROLE,
	CTL_INTERFACE,	       // repeats: a name or a pattern of the policy
	CTL_INTERFACE_UP,      // repeats: interfaces of the box that belong to the zone
	CTL_INTERFACE_DOWN,    // repeats
	CTL_INTERFACE_MISSING, // repeats: named by the policy, not there
	// Features of the kernel
	CTL_NAME,
	CTL_PRESENT,
	CTL_VALUE,
	// Differences of two policies
	CTL_KIND,	  // of a difference: "opens" ...; of an incident: "isolate" ...; "zone" ...
	CTL_WEIGHT,	  // "light", "normal", "heavy"
	CTL_REASON,	  // of the weight; or a person's
	CTL_SUBJECT,	  // "flow web", "zone office", "setting log-denied"; what was cut off
	CTL_SOURCES,	  // in words
	CTL_DESTINATIONS, // likewise
	CTL_SERVICES,	  // likewise
	CTL_INEXACT,	  // at most this
	CTL_PARTS,	  // how many more parts have no row
	CTL_SAME_FILES,
	CTL_OMITTED, // how many more rows there would be
	// Live connections
	CTL_FLOW,
	CTL_TRANSPORT, // "tcp", or a number
	CTL_SOURCE,
	CTL_SOURCE_PORT,
	CTL_DESTINATION,
	CTL_PORT, // or the ICMP type
	CTL_ZONE,
	CTL_TOTAL,
	CTL_CUT, // how many would be
	// Incidents
	CTL_INCIDENT,
	CTL_SCOPE, // "zone", "link", "host", "all"
	CTL_ACTOR, // a person, in words
	CTL_WHEN,
	CTL_WHAT, // of a row: "step", "evidence", "contact"
	CTL_STEP, // of a timeline: "opened", "closed" ...
	CTL_ORDERED_BY,
	CTL_OWN_JUDGMENT,
	CTL_REPORTED_BY,
	CTL_DETAIL,
	CTL_ABOUT_ZONE, // repeats
	CTL_WORDS,
	CTL_PREVENTION, // what is done so that it does not happen again
	CTL_GATHERING,	// evidence is not complete yet
	CTL_SIZE,
	CTL_CONTACT,
	CTL_HOURS,
	CTL_SNAPLEN,
	CTL_CLASS, // of a zone: "I" to "IV"
	CTL_HOST,
	CTL_MASK,   // pseudonyms in place of inner addresses
	CTL_KEY_ID, // of the key that signed
	// Approval and changes
	CTL_PROPOSAL,
	CTL_REQUEST,
	CTL_EXPIRES,
	CTL_BASED_ON,
	CTL_APPROVAL_CODE,
	CTL_NEEDED,	 // approvals
	CTL_MISSING,	 // of them
	CTL_GROUPS,	 // whose members may give them
	CTL_APPROVED_BY, // repeats
	CTL_CHANGE,	 // "opens", "closes", "changes", "rules"
	CTL_CONFIRM,	 // seconds that an apply waits for its confirm
	CTL_AT,		 // when it is to be applied
	CTL_EMERGENCY_REASON,
	CTL_AWAITED,	  // generation that waits for its confirm
	CTL_AWAITED_BY,	  // who applied it
	CTL_SECONDS_LEFT, // until the generation before returns
	CTL_PREVIOUS,	  // that generation; 0: none
	CTL_PROPOSALS,	  // open ones
	CTL_REVIEWS,	  // emergency applies that nobody has reviewed
	CTL_SCHEDULED,	  // proposal
	CTL_CONFIRMED,
	// Only between the compiler and the gate
	CTL_APPROVERS,
	CTL_RULE_GROUP, // repeats
	CTL_RULE_ZONE,	// repeats
	CTL_RULE_WEIGHT,
	CTL_EXPIRES_SECONDS,
	CTL_CONFIRM_SECONDS,
	CTL_EMERGENCY,
	CTL_ABSENT,
	CTL_DEPUTY,
	CTL_FROM_DAY,
	CTL_UNTIL_DAY,
	CTL_ASSERTIONS_FAILED,
	CTL_RECORD_KEEP_DAYS, // 0: not said
	CTL_RECORD_ROTATE,    // bytes
	CTL_RECORD_CLOSES,
	CTL_RECORD_TO,		   // repeats: "syslog", "file:/PATH"
	CTL_RECORD_HOLD,	   // repeats: "2026-04-01..2026-06-30"
	CTL_RECORD_MAIL_KEEP_DAYS, // 0: nothing is removed
	CTL_RECORD_MAIL_HASHED,
	CTL_IMAGE_BYTES,
	// Zones and what contradicts them
	CTL_NETWORK,  // repeats: of a zone
	CTL_DRIFTS,   // how often others changed what is ours, since the daemon started
	CTL_REPAIRED, // how often that was put right
	CTL_WHO,      // a process, in words
	// Isolation
	CTL_ISOLATED, // repeats: a line for people, each
	CTL_TARGET,   // repeats: interfaces, addresses, a MAC
	CTL_QUARANTINED,
	CTL_TOTALLY, // lifelines are cut too
	CTL_LINK_DOWN,
	CTL_SECONDS,   // a limit in time
	CTL_KERNEL_NS, // from the order to the read-back
	CTL_UNTIL,
	CTL_ASKED_BY, // the first of two who want to reconnect
	CTL_STAYS,    // repeats: what is not cut
	CTL_LIFELINE, // repeats
	CTL_WARNING,  // repeats
	CTL_ADDRESS,
	CTL_MAC,
	CTL_SWITCH_LINE,      // repeats: of a report, for the switch (kernel/lifeline.h)
	CTL_SHUT,	      // repeats: why the gate is closed, a line for people, each
	CTL_COUNTRIES,	      // SHA-256 of the database of countries
	CTL_COUNTRY_RANGES_4, // that the policy's countries have
	CTL_COUNTRY_RANGES_6,
	CTL_COUNTRIES_BUILT, // the day that the database was made
	CTL_MORE_THAN,	     // the total
	// Inspection
	CTL_INSPECTORS,		 // at work
	CTL_INSPECTED,		 // packets
	CTL_INSPECT_DROPPED,	 // of them, by inspectors
	CTL_INSPECT_CONNECTIONS, // that are there
	CTL_INSPECT_MADE,	 // since the daemon began
	CTL_INSPECT_PASSED,	 // verdicts that let a connection go
	CTL_INSPECT_HELD,	 // packets
	CTL_INSPECT_QUEUED,	 // packets that wait in the kernel
	CTL_INSPECT_FULL,	 // packets that found no room there
	CTL_INSPECT_UNANSWERED,	 // packets whose inspector was not there, or full
	CTL_INSPECT_CHANGED,	 // packets
	CTL_INSPECT_MOVED,	 // packets that were held, since the daemon began
	CTL_INSPECT_MOVED_LOST,	 // of them, that the kernel dropped on the way
	CTL_INSPECT_LIBERAL,	 // times that connection tracking was told to be
	CTL_INSPECT_LIBERAL_FAILED,
	CTL_INSPECT_TROUBLES,
	CTL_INSPECT_LOST, // records and troubles that were not told
	CTL_INSPECT_RESTARTS,
	CTL_PROXY_ACCEPTED, // connections, by the porter, since the daemon began
	CTL_PROXY_GIVEN,    // of them, to inspectors
	CTL_PROXY_SESSIONS, // that are there
	CTL_PROXY_ROOM,	    // that can be there
	CTL_PROXY_FILES, // the limit of descriptors that one inspector would want, if it has less
	CTL_PROXY_STRANGERS, // refused: nobody brought them
	CTL_PROXY_FULL,	     // refused: too many at a time
	CTL_PROXY_UNSERVED,  // refused: no inspector took them
	CTL_PROXY_FAILED,    // refused: no socket could be made for them
	CTL_SCANNER,	     // "up", "stale", "down", "not asked yet"
	CTL_SCANNER_VERSION,
	CTL_SCANNER_DEFINITIONS,
	CTL_SCANNER_BUILT,     // the day of its definitions
	CTL_CERTIFICATES,      // that are in use
	CTL_CERTIFICATE_FIRST, // whose is the first to end
	CTL_CERTIFICATE_UNTIL, // the day until which it counts
	CTL_SIGNATURES,	       // since the signer began
	CTL_SIGNATURES_REFUSED,
	// Mail records
	CTL_MAIL_BOOK, // "written", "blocked", "none"
	CTL_MAIL_RECORDS,
	CTL_MAIL_BYTES,
	CTL_MAIL_LOST, // records, since the daemon began
	CTL_MAIL_RESTARTS,
	CTL_MAIL,   // number of a record
	CTL_CLIENT, // an address; in a request, a network too
	CTL_SERVER,
	CTL_SENDER,	// an address; in a request, "@domain" or "<>" too
	CTL_RECIPIENT,	// repeats; in a request, "@domain" too
	CTL_RECIPIENTS, // how many
	CTL_VERDICT,	// "passed", "refused" ... (event/mail_record.h)
	CTL_REPLY_CODE,
	CTL_HASHED, // addresses and names of files are pseudonyms
	CTL_BEGAN,
	CTL_ENDED,
	CTL_GUARDED_BY,
	CTL_CLAUSE,
	CTL_CONTROL, // "MAIL-01"
	CTL_HELO,
	CTL_DECLARED, // bytes, by SIZE=
	CTL_TLS,
	CTL_TLS_CLIENT, // version and suite, where it is inspected
	CTL_TLS_SERVER,
	CTL_OWN_SENDER,
	CTL_LIMIT,
	CTL_FILES,	// attachments, and what lies in them: how many
	CTL_ATTACHMENT, // a name; in a request, with "*" and "?", or a SHA-256 too
	CTL_FOUND,	// words; in a request, one
	CTL_PART,	// its number in the message
	CTL_DEPTH,	// 0: the part itself
	CTL_MEDIA_TYPE,
	CTL_SHA256,
	CTL_ACTION,	  // "passed", "allowed", "recorded", "refused"
	CTL_RULE,	  // of the guard's about attachments, from 1
	CTL_MAIL_STOPPED, // repeats: a line for people, each
	CTL_MASS_LINE,	  // repeats: of a report (daemon/mass_rule.h)
	CTL_MONTH,	  // 202611
	CTL_MONTH_LAST,
	CTL_HELD,	  // number of a held message; of the status: how many are held
	CTL_HELD_BYTES,	  // of all
	CTL_TRIES,	  // of delivery
	CTL_VAULT,	  // "at work", "blocked", "none"
	CTL_HEADING,	  // a line of a message's header, decoded: "Subject: a plan"
	CTL_HELD_WAITING, // for a decision
	CTL_HELD_SINCE,	  // the one that has waited for longest
	CTL_HELD_UNTIL,	  // the first of those that wait is removed
	CTL_TAG_END,
};

// A diagnostic as a row: what apply answers and what the compiler reports.
#define CTL_DIAGNOSTIC_TAGS                                                                        \
	CTL_CODE, CTL_SEVERITY, CTL_FILE, CTL_LINE, CTL_COLUMN, CTL_COLUMN_END, CTL_MESSAGE,       \
		CTL_SECOND_FILE, CTL_SECOND_LINE, CTL_SECOND_COLUMN, CTL_SECOND_COLUMN_END,        \
		CTL_SECOND_MESSAGE

// A difference as a row.  CTL_ID: the flow's; from and to: ids of the zones it is about;
// CTL_MESSAGE: what changes.
#define CTL_DIFFERENCE_TAGS                                                                        \
	CTL_KIND, CTL_WEIGHT, CTL_REASON, CTL_SUBJECT, CTL_ID, CTL_OWNER, CTL_FROM, CTL_TO,        \
		CTL_SOURCES, CTL_DESTINATIONS, CTL_SERVICES, CTL_MESSAGE, CTL_INEXACT, CTL_PARTS,  \
		CTL_FILE, CTL_LINE
// What stands before these rows.
#define CTL_DIFF_TAGS CTL_WEIGHT, CTL_SAME_FILES, CTL_OMITTED, CTL_ERRORS, CTL_WARNINGS

struct control_tag_info {
	const char *name; // for JSON
	uint8_t type;	  // enum control_type
	bool repeats;	  // may be there more than once in a row
	uint32_t max;	  // bytes of a text
};
const struct control_tag_info *control_tag_info(unsigned tag); // NULL: no such tag

// A field that was read; text points into the bytes read and is NOT NUL-terminated.
struct control_raw {
	uint16_t tag;
	uint8_t type;
	uint32_t length;
	uint64_t number;
	const uint8_t *bytes;
};

struct control_reader {
	const uint8_t *at, *end;
};
void control_reader_init(struct control_reader *reader, const void *bytes, size_t size);
// 1 with *ret, 0 at the end, -EBADMSG: the bytes are no field (unknown tag, wrong type, too long,
// bad UTF-8, padding that is not zero).
int control_read(struct control_reader *reader, struct control_raw *ret);

// Writes into memory that grows up to `limit`; the first failure sticks (.error).
struct control_writer {
	uint8_t *bytes;
	size_t size, cap, limit;
	int error;
};
void control_writer_init(struct control_writer *writer, size_t limit);
void control_writer_done(struct control_writer *writer);
void control_put_mark(struct control_writer *writer, enum control_tag tag);
void control_put_u64(struct control_writer *writer, enum control_tag tag, uint64_t value);
void control_put_bool(struct control_writer *writer, enum control_tag tag, bool value);
void control_put_time(struct control_writer *writer, enum control_tag tag, uint64_t usec);
// Cut at the tag's limit; NULL or "" puts nothing; bytes that are no UTF-8 become '?'.
void control_put_text(struct control_writer *writer, enum control_tag tag, const char *text);

// Fields in memory, texts NUL-terminated, in rows: row 0 is what stands before the first CTL_ROW.
struct control_field {
	uint16_t tag;
	uint8_t type;
	uint64_t number;
	const char *text;
};
struct control_row {
	const struct control_field *v;
	size_t n;
};
struct control_rows {
	struct control_row *v; // at least one
	size_t n;
	void *storage, *shown;
};
// Reads all; 0, -EBADMSG (also when a tag that does not repeat does, in one row), -E2BIG past
// max_fields.
int control_rows_read(const void *bytes, size_t size, size_t max_fields, struct control_rows *ret);
// What a person wrote is shown on one line, to others: what would end it, steer a terminal or turn
// letters around becomes spaces.
void control_rows_on_one_line(struct control_rows *rows);
// What strangers wrote, so that all of it is seen (text_show()).  0 or -ENOMEM.
int control_rows_show(struct control_rows *rows, enum text_form form);
void control_rows_done(struct control_rows *rows);

const struct control_field *control_find(const struct control_row *row, enum control_tag tag);
const char *control_text(const struct control_row *row, enum control_tag tag); // "" if absent
uint64_t control_u64(const struct control_row *row, enum control_tag tag);     // 0 if absent
bool control_bool(const struct control_row *row, enum control_tag tag);

#endif
