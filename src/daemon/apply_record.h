// What the record says of an apply: that it began, how it ended, and that this is written.
#ifndef SEKISHO_DAEMON_APPLY_RECORD_H
#define SEKISHO_DAEMON_APPLY_RECORD_H

#include "daemon/apply.h"

// about: who, why and what number.  Not of a proposal, which is an event of its own.
void apply_record_start(struct gate *gate, enum apply_what what,
			const struct generation_about *about);
void apply_record_end(struct gate *gate, enum apply_what what, const struct generation_about *about,
		      const struct apply_result *result);
// What runs now is in the record and on the disk: to be called before whoever asked is answered.
void apply_record_told(struct gate *gate);

#endif
