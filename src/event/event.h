// Events: everything that happens, as a kind and typed fields.  What kinds and fields there are,
// how they are called in JSON and in the journal, and how loud they are, is two tables (event.c).
// An event borrows its texts; it is written while they live.
#ifndef SEKISHO_EVENT_EVENT_H
#define SEKISHO_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_PACKET_ALLOWED,
	EVENT_PACKET_DENIED,
	EVENT_PACKET_SPOOFED,
	EVENT_PACKET_INVALID,
	EVENT_LOG_SUPPRESSED, // packet records that were not written
	EVENT_LOG_LOST,	      // records the kernel had no room for
	EVENT_STARTED,
	EVENT_STOPPED,
	EVENT_ADOPTED, // a table that already ran was taken over
	EVENT_LOADED,  // the last good generation was loaded
	EVENT_APPLIED,
	EVENT_APPLY_REFUSED, // a policy with faults, or one the kernel refused
	EVENT_GATE_OPEN,
	EVENT_GATE_CLOSED,
	EVENT_PROPOSED,
	EVENT_APPROVED,
	EVENT_APPROVAL_REFUSED, // a wrong code, an own change, somebody who may not
	EVENT_REJECTED,
	EVENT_PROPOSAL_CLOSED, // expired, void, or replaced by a newer one
	EVENT_APPLY_STARTED,
	EVENT_CONFIRM_AWAITED,
	EVENT_CONFIRMED,
	EVENT_CONFIRM_REFUSED,
	EVENT_RETURNED, // not confirmed in time, or taken back by somebody
	EVENT_ROLLED_BACK,
	EVENT_EMERGENCY_APPLIED, // by one person; to be reviewed
	EVENT_REVIEW_OPEN,	 // and has not been, for a day or more
	EVENT_REVIEWED,
	EVENT_SCHEDULED,
	EVENT_SCHEDULE_MISSED,
	EVENT_ISOLATED,
	EVENT_ISOLATION_FOUND, // in the kernel, ordered without the daemon
	EVENT_ISOLATION_ENDED, // its time was over
	EVENT_RECONNECT_ASKED, // by the first of two persons
	EVENT_RECONNECTED,
	EVENT_CALL_REFUSED, // somebody called a method that is not his to call
	EVENT_INCIDENT_OPENED,
	EVENT_INCIDENT_EVIDENCE, // gathered, or not
	EVENT_INCIDENT_NOTED,
	EVENT_INCIDENT_EXPORTED,
	EVENT_INCIDENT_CLOSED,
	EVENT_DRIFT,	      // somebody else changed what is ours in the kernel
	EVENT_DRIFT_REPAIRED, // and it is as it should be again
	EVENT_DRIFT_STORM,    // it is changed again and again
	EVENT_DRIFT_GONE,     // what was found around the policy is there no more
	EVENT_FOREIGN_TABLE,  // of these six: found, or changed (daemon/findings.h)
	EVENT_UPLINK_UNDECLARED,
	EVENT_ROUTE_CONTRADICTS,
	EVENT_ADDRESS_CONTRADICTS,
	EVENT_INTERFACE,
	EVENT_SETTING,
	EVENT_FAILED,		    // anything that went wrong; the message says what
	EVENT_CLOCK_JUMPED,	    // the wall clock was set
	EVENT_CLOCK_STATE,	    // it was found synchronised, or no longer is
	EVENT_CONNECTION_CUT,	    // a live one that is no longer allowed
	EVENT_CONNECTIONS_CUT,	    // more of them, in one number
	EVENT_CONNECTIONS_REVIEWED, // all of them
	EVENT_COUNTRIES_CHANGED,    // other addresses of countries are in force
	EVENT_INSPECTION_RESTARTED, // the ferry, the porter or an inspector ended, and another
				    // began
	EVENT_INSPECTION_FULL,	    // packets found the queue of inspected packets full
	EVENT_SCANNER_CHANGED,	    // the malware scanner came, went, or has other definitions
	EVENT_CERTIFICATES_CHANGED, // others are in use, or cannot be used
	EVENT_INSPECTION_TROUBLE,   // what a peer did was stopped
	EVENT_MAIL_READ,	    // somebody looked mail records up
	EVENT_MAIL_LOST,	    // mail records that were not written
	EVENT_MAIL_BOOK_RESTARTED,
	EVENT_MAIL_MASS,	 // a limit was reached, and nothing stops
	EVENT_MAIL_STOPPED,	 // by a limit, or by somebody
	EVENT_MAIL_RESUME_ASKED, // by the first of two persons
	EVENT_MAIL_RESUMED,
	EVENT_MAIL_HELD,	  // a message is kept inside
	EVENT_MAIL_RELEASE_ASKED, // by the first of two persons
	EVENT_MAIL_RELEASED,
	EVENT_MAIL_DECIDED, // what became of one that was held
	EVENT_KEEPER_RESTARTED,
	EVENT_RECORD_RESUMED, // the audit log can be written again
	EVENT_RECORD_GAP,     // events that it had no room for
	// Made by the keeper itself, about the chain.
	EVENT_SEGMENT_OPENED,
	EVENT_SEGMENT_CLOSED,
	EVENT_CHECKPOINT,
	EVENT_RECORD_REPAIRED, // a line that was half written was cut off
	EVENT_RECORD_DAMAGED,  // something happened to the files behind the keeper's back
	EVENT_RECORD_DISPOSED, // a segment was removed, its time being over
	EVENT_KIND_COUNT,
};

enum event_field {
	EVENT_MESSAGE, // words
	EVENT_FLOW,
	EVENT_GENERATION,
	EVENT_FROM, // zone
	EVENT_TO,
	EVENT_INPUT, // interface
	EVENT_OUTPUT,
	EVENT_PROTOCOL, // "tcp", or a number
	EVENT_SOURCE,
	EVENT_SOURCE_PORT,
	EVENT_DESTINATION,
	EVENT_DESTINATION_PORT, // or the ICMP type
	EVENT_LENGTH,
	EVENT_COUNT,
	EVENT_ACTOR, // who: the person's name, as far as the login tells
	EVENT_UID,
	EVENT_LOGIN_UID, // of the login, which sudo does not change
	EVENT_PID,
	EVENT_METHOD, // of the control socket
	EVENT_ZONE,
	EVENT_NAME,	  // of what the event is about
	EVENT_REASON,	  // given by a person
	EVENT_ORDERED_BY, // on whose order, or together with whom
	EVENT_INCIDENT,
	EVENT_PROPOSAL,
	EVENT_DURATION, // microseconds
	EVENT_WEIGHT,	// "note", "warning", "alarm"
	EVENT_CAUSE,
	EVENT_CUT, // connections
	EVENT_KEPT,
	EVENT_MS,
	EVENT_DIGEST,
	EVENT_FLOWS,
	EVENT_ERRORS,
	EVENT_STATUS,
	EVENT_OF,      // the kind of event that a sum is of
	EVENT_CLOCK,   // "synced", "unsynced", "unknown"
	EVENT_SHIFT,   // seconds with a sign: "-3600.002"
	EVENT_SEGMENT, // number of a file of the audit log
	EVENT_FIRST,   // seq of a record
	EVENT_LAST,
	EVENT_PREVIOUS, // hash of a record
	EVENT_HEAD,
	EVENT_KEY,     // id of a public key
	EVENT_BEFORE,  // generation that ran before
	EVENT_SECONDS, // that something waits
	EVENT_APPROVAL_CODE,
	EVENT_REQUEST,	      // number of the request at the body
	EVENT_AT,	      // local time, as text
	EVENT_SOURCE_COUNTRY, // "JP"
	EVENT_DESTINATION_COUNTRY,
	EVENT_BUILT,  // the day that a database of countries was made
	EVENT_SHA256, // of it
	EVENT_RANGES, // that the policy's countries have
	EVENT_RANGES_BEFORE,
	EVENT_FIELD_COUNT,
};

enum { EVENT_TEXT_MAX = 1024, EVENT_LINE_MAX = 8192 };

struct event {
	enum event_kind kind;
	uint64_t time_usec; // since 1970
	uint64_t present;   // bits of enum event_field
	struct {
		const char *text;
		uint64_t number;
	} value[EVENT_FIELD_COUNT];
};

struct event_kind_info {
	const char *name;  // "packet-denied"
	int level;	   // as in syslog(3): 3 an error ... 6 for information
	const char *words; // begins the line for people
	uint64_t fields;   // bits of enum event_field: those that it may have
};
// A bit of fields: the event is about the chain of records itself, and made by its writer.
#define EVENT_KEEPERS_OWN (UINT64_C(1) << 63)
const struct event_kind_info *event_kind_info(enum event_kind kind);
int event_kind_find(const char *name, size_t length); // -1: there is none

struct event_field_info {
	const char *name;    // JSON, and key=value
	const char *journal; // SEKISHO_ is put before
	bool number;
};
const struct event_field_info *event_field_info(enum event_field field);

// The MESSAGE_ID of a kind (32 hexadecimal digits), the same for ever: made from its name.
void event_message_id(enum event_kind kind, char out[33]);

static inline bool event_has(const struct event *event, enum event_field field)
{
	return event->present & (UINT64_C(1) << field);
}

void event_init(struct event *event, enum event_kind kind, uint64_t time_usec);
void event_text(struct event *event, enum event_field field, const char *text); // NULL, "": absent
void event_number(struct event *event, enum event_field field, uint64_t number);

// One line without its newline, cut to size - 1 bytes.
void event_write_text(const struct event *event, char *out, size_t size);
// "SEKISHO_FLOW=office-mail-out", one call for each field that is there.
void event_journal(const struct event *event, void (*each)(void *arg, const char *assignment),
		   void *arg);

#endif
