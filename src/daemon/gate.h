// The gate: one kernel, one running generation, one guard, and what is known to be wrong with them.
// Everything the daemon does to the kernel goes through here; it never blocks on a client.
#ifndef SEKISHO_DAEMON_GATE_H
#define SEKISHO_DAEMON_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/addr.h"
#include "daemon/confirm.h"
#include "daemon/counters.h"
#include "daemon/failure.h"
#include "daemon/generation.h"
#include "daemon/journal.h"
#include "daemon/shut.h"
#include "kernel/kernel.h"
#include "policy/box.h"

enum {
	GATE_POLL_SECONDS = 5,	 // of the kernel's counters
	GATE_WRITE_SECONDS = 30, // of the file of counters, when they changed
};

struct gate_options {
	const char *rules, *state, *run, *log; // folders
	uint32_t keeper_uid, keeper_gid;
	uint32_t mail_uid, mail_gid, vault_uid, vault_gid;
	uint32_t compiler_uid, compiler_gid;
	bool boot; // the loader at boot: it keeps no record, and leaves what is to be told to the
		   // daemon
	bool forwarding;	       // switch forwarding on when the gate opens
	char management_interface[16]; // "": none
	struct addr_range management_prefix;
	uint16_t management_port;
	uint16_t nflog_group;	     // of packet records
	const char *countries;	     // database file; NULL: none
	unsigned countries_age_days; // that it may have
	uint32_t ferry_uid, ferry_gid, porter_uid, porter_gid, inspector_uid, inspector_gid;
	unsigned inspectors;			    // how many
	struct box_scanner scanner;		    // who scans mail
	const struct box_certificate *certificates; // policy/box.h
	size_t n_certificates;
	const char *roots; // file that named servers are held to
	uint32_t signer_uid, signer_gid;
};

// What can be wrong while the daemon runs; each is named in the status until it is right again.
enum gate_problem {
	GATE_NO_POLICY,
	GATE_LOAD,
	GATE_KERNEL,
	GATE_GUARD,
	GATE_ISOLATION,		// state/isolation cannot be written
	GATE_ISOLATION_DAMAGED, // it made no sense at start; until nothing is isolated any more
	GATE_ISOLATION_RULES,	// not all that is to be isolated is
	GATE_MIRROR,
	GATE_SWITCH_MAP,  // what the policy says to the switch makes no sense to it
	GATE_SWITCH_FILE, // state/switch cannot be written
	GATE_SWITCH,	  // its thread or socket
	GATE_LOOK,	  // at the guard and what is isolated
	GATE_FORWARDING,
	GATE_STATE,
	GATE_SHUT_FILE, // state/closed cannot be written
	GATE_COUNTERS,
	GATE_PACKET_LOG,
	GATE_RECORD, // the audit log cannot be written
	GATE_DRIFT,  // others changed the rules, and that is not yet put right
	GATE_AROUND, // what is found around the policy
	GATE_WATCH,
	GATE_LIVE, // connections
	GATE_TCP_LOOSE,
	GATE_INCIDENTS,
	GATE_CAPTURE,
	GATE_COUNTRIES, // a new database of countries is not used
	GATE_INSPECTION,
	GATE_SCANNER,	   // it does not answer, or its definitions are old
	GATE_CERTIFICATES, // they cannot be used, or soon count no more
	GATE_MAIL_BOOK,	   // mail records cannot be written
	GATE_MAIL_STOPS,   // nor what mail is stopped
	GATE_VAULT,	   // held mail cannot be kept
	GATE_HELD,	   // some of it is removed soon, and nobody has decided
	GATE_PROBLEM_COUNT,
};

struct drift;	     // daemon/drift.h
struct apply;	     // daemon/apply.h
struct live;	     // daemon/live.h
struct incidents;    // daemon/incident.h
struct capture;	     // daemon/capture.h
struct packets;	     // daemon/packets.h
struct countries;    // daemon/countries.h
struct inspection;   // daemon/inspection.h
struct scanner;	     // daemon/scanner.h
struct certificates; // daemon/certificates.h

struct isolation_book; // daemon/isolation_book.h
struct record;	       // daemon/record.h
struct mail;	       // daemon/mail.h
struct mass;	       // daemon/mass.h
struct vault;	       // daemon/vault.h

struct gate {
	const struct gate_options *options;
	struct kernel *kernel;
	struct journal *journal;
	int state_fd;
	uint64_t started_usec;
	struct generation current; // .about.number 0: none
	enum kernel_guard guard;
	struct shut shut; // why it is kept closed
	struct counters *counters;
	bool counters_dirty;
	uint64_t counters_written_usec;
	char problems[GATE_PROBLEM_COUNT][700];	 // "": fine
	struct apply *apply;			 // the one under way
	struct capture *capture;		 // NULL: none runs
	struct incidents *incidents;		 // NULL at boot, where none is opened
	struct confirm confirm;			 // the apply that waits for its confirm
	bool schedule_known;			 // the two below
	uint64_t schedule_usec, schedule_number; // next scheduled proposal; 0: none
	uint64_t schedule_taken;		 // the one being applied; 0: none
	uint64_t nagged_usec;			 // of open reviews, since the boot; 0: not yet
	struct drift *drift;			 // NULL: nobody looks
	struct live *live;			 // NULL: connections are not reviewed
	struct packets *packets;		 // who reads packet records; NULL: nobody
	struct isolation_book *book;		 // what is isolated
	struct record *record;			 // NULL: nothing is kept
	struct countries *countries;		 // NULL: nothing is known of them
	struct inspection *inspection;		 // NULL: nobody inspects
	struct scanner *scanner;		 // NULL: nobody looks after one
	struct certificates *certificates;	 // NULL: nobody looks after any
	struct mail *mail;			 // NULL: there are no mail records
	struct mass *mass;			 // NULL: mass mail is not counted
	struct vault *vault;			 // NULL: no mail is held
};

// netlink_fd: a socket to go on with, or -1.  Reads counters and finds the guard's state; closes
// the guard when there is none yet.  -EBUSY when another daemon is at work, with nothing changed.
int gate_open(struct gate *gate, const struct gate_options *options, struct journal *journal,
	      int netlink_fd, struct failure *failure);
void gate_close(struct gate *gate); // the kernel keeps what it has

// Takes over what the kernel runs if it is the last good generation, else loads that; opens the
// guard after the rules were read back.  On failure the kernel keeps what it has, and a closed
// guard stays closed.
int gate_load(struct gate *gate, struct failure *failure);

// Makes the kernel run a generation, unless it does, and lets traffic through.  The generation is
// the gate's, or done with on failure; what ran before is done with on success.
int gate_run(struct gate *gate, struct generation *generation, struct failure *failure);

// Makes the kernel run `next` and reads it back; on a difference the running generation is put
// back.  Times it took in microseconds.
struct gate_times {
	uint64_t commit_us, verify_us;
};
int gate_commit(struct gate *gate, const struct ruleset *next, struct failure *failure,
		struct gate_times *ret_times);

// Reads back the running generation: 0, or -EUCLEAN with the first difference.
int gate_verify(struct gate *gate, struct failure *failure);
// Makes the kernel run the running generation whatever is there, and reads it back.
int gate_repair(struct gate *gate, struct failure *failure);

// Looks at the guard, which is unowned so that a hand can work it: closed by hand it stays closed,
// over every start and boot; gone, or with rules that are not the gate's, it is made again; and
// nobody opens it without a policy, or while there is another reason to be closed than a hand.
// who: did it, in words.
//
// Places where tests let the daemon die: hand-noticed (the kernel is as the hand left it),
// hand-made (it says so by the gate's own rules), hand-stored (the file too); hand-forgotten (the
// file does not say so any more), hand-over (nor the kernel).
void gate_look_at_guard(struct gate *gate, const char *who);
int gate_set_guard(struct gate *gate, enum kernel_guard state, struct failure *failure);
// Guard closed, for one more reason; a failure becomes a problem.
void gate_shut(struct gate *gate, enum gate_shut why);
// Reasons (bits) are over.  If none is left: guard open, then forwarding; failures become problems.
void gate_let_through(struct gate *gate, unsigned over);
// A person's order ends what a hand closed: the file first, then the kernel, so that whoever dies
// in between leaves it closed.  It opens by gate_let_through().
void gate_hand_over(struct gate *gate);

// Looks at the kernel: counters, and whether it still runs what it should behind the daemon's back.
void gate_look(struct gate *gate);
void gate_write_counters(struct gate *gate); // if they changed

// NULL: that is right again.  A new problem is an event, a lasting one is not repeated.
void gate_set_problem(struct gate *gate, enum gate_problem problem, const struct failure *failure);
// The same without an event: what it is about was told already.  text "": that is right again.
void gate_show_problem(struct gate *gate, enum gate_problem problem, enum diag_code code,
		       const char *text);
bool gate_has_problems(const struct gate *gate);
// "running", "degraded" (running with problems), "closed"
const char *gate_state(const struct gate *gate);

void gate_event(struct gate *gate, enum event_kind kind); // with the running generation
// What a person did is on the disk of the audit log before that person is told; waited for this
// long at most, since an audit log that hangs must not keep anybody from making the box safe.
enum { GATE_FLUSH_MS = 500 };
// A killed daemon's threads end one by one and hold its folders and its table until the last has
// gone; a successor waits that long before it believes in a second daemon.
enum { GATE_PATIENCE_MS = 2000 };
void gate_flush(struct gate *gate);

#endif
