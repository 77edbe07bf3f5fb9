// Isolation as the gate has it: restored at start, kept through every apply, recorded, ended.
//
// Orders come in on the switch's own thread (daemon/switch_thread.h), which cuts first and then
// tells the main loop; everything here runs on the main loop.  An isolation is in force when the
// kernel or the file says so; it ends only by a reconnect, or when its time is over.
//
// Places where tests let the daemon die.  Isolating: isolate-cut (the kernel has it),
// isolate-stored (the file too), isolate-mirrored, isolate-told (answered), isolate-recorded (event
// and incident), isolate-numbered (the file has the incident).  Reconnecting: reconnect-asked (one
// of two persons, recorded and not yet in the file), reconnect-asked-stored, reconnect-intended
// (the file says so), reconnect-open (the kernel too), reconnect-recorded, reconnect-stored (the
// file forgot it).
#ifndef SEKISHO_DAEMON_ISOLATION_H
#define SEKISHO_DAEMON_ISOLATION_H

#include "control/server.h"
#include "daemon/gate.h"
#include "daemon/isolation_book.h"

// Part of gate_open(): what the file and the kernel say is in force in the kernel when it returns.
int isolation_open(struct gate *gate, struct failure *failure);
void isolation_close(struct gate *gate);
// Once there are a record and incidents: tells what a daemon that died had begun to reconnect.
void isolation_resume(struct gate *gate);

// The guard closed or open, with everything that is isolated; by_hand, anew as book_make_over().
int isolation_make_guard(struct gate *gate, enum kernel_guard state, bool by_hand, bool anew);
// What runs has changed: zones have other interfaces, other lifelines.  Writes the file for
// sekisho-isolate.
void isolation_follow(struct gate *gate);
// Before a policy is loaded: interfaces that it gives to an isolated zone are cut now.  On failure
// it must not be loaded.
int isolation_precede(struct gate *gate, const struct report *report, struct failure *failure);
// Takes over what others ordered, and tells what is not as it should be: 0, or -errno.
int isolation_look(struct gate *gate, struct book_seen *ret_seen);
// Ends what was limited in time.
void isolation_expire(struct gate *gate);
// state/isolation as the book is now; a failure becomes a problem.  Nothing at boot.
void isolation_write_book(struct gate *gate);
// Records the orders that the switch carried out.
void isolation_hear(struct gate *gate);

bool isolation_in_force(struct gate *gate);
// One line each as CTL_ISOLATED: for the status.
void isolation_put_lines(struct gate *gate, struct control_writer *reply);
// One row each.
void isolation_put_rows(struct isolation_book *book, struct control_writer *reply);
// RUN/motd: what everybody who logs in is told: what is isolated, an apply that waits for its
// confirm, emergency applies to be reviewed; empty when there is nothing.
void isolation_write_motd(struct gate *gate);

// "zone office", "everything"; out at least ISOLATION_WORDS_MAX bytes.
enum { ISOLATION_WORDS_MAX = ISOLATION_NAME_MAX + 16 };
const char *isolation_words(const struct isolation *cut, char *out);

// Ends one: intent, kernel, record, file.  The one of this kind and name; -ENOENT; -errno with
// failure.  by NULL: its time is over, and nothing happens unless it is.
int isolation_end(struct gate *gate, const struct isolation *like, const struct person *by,
		  const char *reason, struct failure *failure);
// The method "reconnect".
void isolation_reconnect(struct gate *gate, struct control_server *server,
			 struct control_request *request);

// The text that sekisho-isolate reads: the report's zones, lifelines and rules of isolation.
char *isolation_map_text(const struct gate_options *options, const struct report *report);

#endif
