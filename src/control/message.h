// Messages of the control socket, and the one table of methods with their fields and permission.
//
// The socket is SOCK_SEQPACKET: one packet is one message, a head and fields (control/field.h).  A
// client sends one request and gets its answer: messages of the same id, all but the last with
// CTL_MORE.  The fields of the parts, put together, are the reply: first its own fields, then, each
// begun by CTL_ROW, its rows.  Anything else a client sends ends that client.
#ifndef SEKISHO_CONTROL_MESSAGE_H
#define SEKISHO_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/field.h"
#include "control/peer.h"

enum { CTL_MAGIC = 0x314b5353, CTL_PROTOCOL = 1 };

enum {
	CTL_MESSAGE_MAX = 64 * 1024, // a packet, head included
	CTL_REQUEST_MAX = 8 * 1024,  // a request
	CTL_REQUEST_FIELDS_MAX = 32,
	CTL_REPLY_MAX = 64 * 1024 * 1024, // all parts of an answer
	CTL_REPLY_FIELDS_MAX = 4 * 1024 * 1024,
};

struct control_head {
	uint32_t magic;
	uint16_t protocol;
	uint16_t method; // enum control_method
	uint32_t id;	 // the client's own, given back
	uint16_t flags;
	uint16_t zero;
	uint32_t length; // of the fields after the head
	uint32_t zero2;
};

enum { CTL_REPLY = 1, CTL_MORE = 2 };

enum control_method {
	CTL_PING = 1,
	CTL_STATUS,
	CTL_APPLY, // may carry one directory descriptor; without it, the box's own rules
	CTL_FLOWS_LIST,
	CTL_ZONES_LIST,
	CTL_RELOAD, // the same as SIGHUP
	CTL_FEATURES,
	CTL_DRIFT,
	CTL_CONNECTIONS,
	CTL_DIFF, // from a generation (else the running one) to a directory (else the running one)
	CTL_INCIDENT_LIST,
	CTL_INCIDENT_SHOW,
	CTL_INCIDENT_OPEN, // by hand: evidence without a cut
	CTL_INCIDENT_NOTE,
	CTL_INCIDENT_CLOSE,
	CTL_INCIDENT_EXPORT, // carries the file that is to be written
	CTL_PROPOSE,	     // a directory, as apply
	CTL_PROPOSALS_LIST,
	CTL_PROPOSAL_PAGE, // what an approver reads
	CTL_APPROVE,
	CTL_REJECT,
	CTL_CONFIRM_APPLY,
	CTL_ROLLBACK,
	CTL_HISTORY,
	CTL_REVIEW,
	CTL_ISOLATE,	// on switch.sock
	CTL_QUARANTINE, // on switch.sock
	CTL_ISOLATIONS, // on both
	CTL_ISOLATE_PREVIEW,
	CTL_QUARANTINE_PREVIEW,
	CTL_RECONNECT,
	CTL_MAIL_LIST,
	CTL_MAIL_SHOW,
	CTL_MAIL_COUNTS, // by month
	CTL_MAIL_STATUS, // what mail is stopped, and the limits
	CTL_MAIL_STOP,
	CTL_MAIL_RESUME,
	CTL_MAIL_HELD, // what is held; with a number, one message
	CTL_MAIL_RELEASE,
	CTL_MAIL_REJECT,
	CTL_METHOD_END,
};

enum { CTL_TAGS_MAX = 96 };

enum control_descriptor {
	CTL_CARRIES_NOTHING,
	CTL_CARRIES_FOLDER,
	CTL_CARRIES_FILE, // a regular one, open for writing
};

struct control_method_info {
	const char *name;
	uint8_t permission;		// enum control_permission that a caller needs
	uint8_t descriptor;		// enum control_descriptor that a request may carry
	uint16_t request[CTL_TAGS_MAX]; // enum control_tag, 0 ends
	uint16_t reply[CTL_TAGS_MAX];
	uint16_t row[CTL_TAGS_MAX];
};
const struct control_method_info *control_method_info(unsigned method); // NULL: no such method
unsigned control_method_find(const char *name);				// 0: none

// Checks head and size of a packet.  0 with *ret, -EBADMSG, -EPROTONOSUPPORT (another protocol).
int control_head_read(const void *bytes, size_t size, struct control_head *ret);
// Checks that rows hold only what the method's table allows.
int control_check_request(unsigned method, const struct control_rows *rows);
int control_check_reply(unsigned method, const struct control_rows *rows);

// May this peer call this method?
bool control_permitted(const struct control_peer *peer, unsigned method);

#endif
