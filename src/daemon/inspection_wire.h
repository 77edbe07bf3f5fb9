// What the gate, the ferry and the inspectors say to one another, over socket pairs of whole
// messages.  The gate believes nothing that an inspector says: it reads what strangers sent.
#ifndef SEKISHO_DAEMON_INSPECTION_WIRE_H
#define SEKISHO_DAEMON_INSPECTION_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "inspect/inspector.h"
#include "inspect/mail_stops.h"
#include "unpack/unpack.h"

enum {
	INSPECTION_SOCKET = 3, // of the ferry and of an inspector
	INSPECTION_FDS_MAX = 3,
	INSPECTION_INSPECTORS_MAX = 8,
	INSPECTION_TEXT_MAX = 160,
	INSPECTION_WORD_MAX = 32,
	INSPECTION_ID_MAX = 129,
	INSPECTION_RECORD_MAX = 96 * 1024,
	INSPECTION_WORDS_MAX = 64 * 1024, // of a policy, with the name of a file
	INSPECTION_ASK_MAX = 132,	  // descriptors of the scanner, at a time
	INSPECTION_MESSAGE_MAX = INSPECTION_RECORD_MAX + 64,
};

// --- gate to ferry

enum ferry_order_word {
	FERRY_HELLO,	// whom to become, how many inspectors there are
	FERRY_LANE,	// an inspector is there: memory, its bell, the ferry's bell
	FERRY_END_LANE, // it is not any more
};
struct ferry_order {
	uint32_t word, index;
	uint64_t serial; // of the lane
	uint32_t uid, gid, n, zero;
};

// --- ferry to gate

struct ferry_numbers { // since it began
	uint64_t packets, accepted, changed, dropped, passed;
	uint64_t moved;	       // to the queue of held packets
	uint64_t moved_lost;   // the kernel dropped them on the way
	uint64_t cut;	       // dropped: too long to be seen whole
	uint64_t no_inspector; // dropped: theirs is not there, or was ended with them
	uint64_t no_room;      // dropped: theirs has no free slot
	uint64_t forged;       // changed ones that were another connection's; dropped
	uint64_t liberal, liberal_failed;
	uint64_t overruns; // the kernel had no room in the socket
	uint64_t too_late; // verdicts of packets that were gone
	uint64_t held;	   // now
};

enum ferry_word_kind {
	FERRY_READY, // both queues are bound; or error
	FERRY_FAULT, // the inspector of this lane makes no sense or does not answer: end it
	FERRY_NUMBERS,
};
struct ferry_word {
	uint32_t word, index;
	uint64_t serial;
	int32_t error;
	uint32_t zero;
	char text[INSPECTION_TEXT_MAX];
	struct ferry_numbers numbers;
};

// --- gate to inspector

enum inspect_order_word {
	INSPECT_HELLO,	 // whom to become, and the scanner: a struct inspect_hello
	INSPECT_POLICY,	 // snapshot and countries (daemon/judge_child.h)
	INSPECT_STOPS,	 // mail that is stopped, in place of what was: stops follow the order
	INSPECT_OPENED,	 // the file of that number (generation) was: a report of n bytes, or error
	INSPECT_SCANNER, // a descriptor connected to the scanner, or error
	INSPECT_VAULT,	 // the same to the vault
	INSPECT_PORTER,	 // a descriptor: pairs of sockets come on it, in place of the one before
			 // (daemon/porter_wire.h)
	INSPECT_CERTIFICATES, // n, of the bits below: a descriptor each, in their order
};
enum { INSPECT_HAS_SIGNER = 1, INSPECT_HAS_CHAINS = 2, INSPECT_HAS_ROOTS = 4 };
struct inspect_order {
	uint32_t word, uid, gid, n; // n: of stops; of the scanner 1: its definitions are old
	uint64_t generation;
	int32_t error;
	uint32_t zero;
};

struct inspect_hello {
	struct inspect_order order;
	char icap[SCAN_SERVICE_MAX]; // the scanner's service; "": it is clamd
};

// --- inspector to gate

enum inspect_word_kind {
	INSPECT_READY, // sealed, and takes packets; it knows no policy yet
	INSPECT_HAS,   // that generation's policy counts from now on; or error and text
	INSPECT_OPENS, // a file for an extractor, with its descriptor; words follow
	INSPECT_ASKS,  // for descriptors of the scanner: generation of them; 0: it will need some
	INSPECT_ASKS_VAULT,
	INSPECT_LACKS, // the certificate of this text, which a guard names; "": roots
	INSPECT_NUMBERS,
	INSPECT_TROUBLE,
	INSPECT_MASS,	// one message, to be counted (daemon/mass.h)
	INSPECT_RECORD, // what follows the head is a mail record (event/mail_wire.h)
};
struct inspect_word {
	uint32_t word;
	int32_t error;
	uint64_t generation;
	char text[INSPECTION_TEXT_MAX];
};
struct inspect_word_numbers {
	uint32_t word, zero;
	struct inspector_numbers numbers;
	uint64_t lost; // records and troubles that the gate had no room for
};
struct inspect_word_trouble {
	uint32_t word, client_port, server_port, zero;
	struct addr client, server;
	char trouble[INSPECTION_WORD_MAX], flow[INSPECTION_ID_MAX];
};
enum { INSPECT_MASS_PASSED = 1, INSPECT_MASS_OUTWARD = 2 };
struct inspect_word_mass {
	uint32_t word, bits, n_own, n_others; // recipients
	uint64_t sender;		      // inspect/mail_stops.h
	struct addr client;
	char guard[MAIL_STOP_ZONE_MAX], zone[MAIL_STOP_ZONE_MAX];
};
struct inspect_word_opens {
	uint32_t word, size;	 // bytes follow: its name and the words, each with its NUL
	uint64_t serial;	 // for the answer
	uint32_t n_words, looks; // looks: words and numbers are looked for
	struct unpack_bounds bounds;
};
struct inspect_word_record {
	uint32_t word, size; // bytes follow
};

// Sends one message whole, with descriptors, without waiting.  0, or a negative errno (-EAGAIN: no
// room).
int inspection_send(int socket, const void *head, size_t head_size, const void *bytes, size_t size,
		    const int *fds, size_t n_fds);
// One message, without waiting.  Its size; 0: the other side is gone; or a negative errno
// (-EAGAIN: none is there; -EBADMSG: longer than there is room for).  Descriptors that come are the
// caller's: *ret_n_fds of them, at most INSPECTION_FDS_MAX.
int inspection_receive(int socket, void *bytes, size_t size, int fds[INSPECTION_FDS_MAX],
		       size_t *ret_n_fds);
// The same, after waiting for it.
int inspection_await(int socket, void *bytes, size_t size, int fds[INSPECTION_FDS_MAX],
		     size_t *ret_n_fds);

#endif
