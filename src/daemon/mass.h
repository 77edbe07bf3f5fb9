// Mass mail: what inspectors say has passed is counted (mass_judge.h), what is to stop is kept
// (mass_book.h), told, and given to all inspectors, which answer it with 451.
//
//	message passes -> inspector -> INSPECT_MASS -> counted -> a limit is reached
//	    -> the book and its file -> event -> INSPECT_STOPS -> every inspector
//
// Places where tests let the daemon die: mail-stopped-stored (in the file, no event yet),
// mail-resumed-stored (not in the file any more).
#ifndef SEKISHO_DAEMON_MASS_H
#define SEKISHO_DAEMON_MASS_H

#include "control/field.h"
#include "daemon/approval.h"
#include "daemon/gate.h"
#include "daemon/inspection_wire.h"
#include "daemon/mass_book.h"

int mass_open(struct gate *gate); // 0 or -ENOMEM
void mass_close(struct gate *gate);
// Takes what the running policy says.
void mass_settle(struct gate *gate);
void mass_tend(struct gate *gate); // every few seconds: what is over, and what was learned

// Of any bytes; false: it makes no sense.
bool mass_take(struct gate *gate, const struct inspect_word_mass *word);

// By hand.  stop: kind, name and what they mean; 0, or -ENOSPC.
int mass_stop(struct gate *gate, struct mass_stop *stop, const struct control_peer *peer);
// The one that is to be resumed was copied from the book.
void mass_resume(struct gate *gate, const struct mass_stop *like, const struct control_peer *peer,
		 const char *reason);
// The first of two persons.
void mass_ask(struct gate *gate, const struct mass_stop *like, const struct control_peer *peer,
	      const char *reason);
struct mass_book *mass_book(struct gate *gate); // NULL: nothing is counted

void mass_put_lines(struct gate *gate, struct control_writer *reply); // of the status
void mass_put_rows(struct gate *gate, struct control_writer *reply);

#endif
