// What the compiler child found out, as it crosses the pipe and as it is stored with a generation:
// diagnostics, flows and zones as fields (control/field.h), and the ruleset's image.
//
// It is read as if an enemy had written it: sizes, fields and the ruleset are checked before any
// of it is believed.
#ifndef SEKISHO_DAEMON_REPORT_H
#define SEKISHO_DAEMON_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "compile/ruleset.h"
#include "control/field.h"
#include "plan/plan.h"

enum {
	REPORT_BYTES_MAX = 256 * 1024 * 1024,
	REPORT_FIELDS_MAX = 4 * 1024 * 1024,
};

struct report {
	// Row 0: errors, warnings, assertions_failed, title, digest, and the settings of the
	// record; for a policy that names countries, the SHA-256 of the database and how many
	// ranges the countries have; the others: one diagnostic each.
	struct control_rows faults;
	struct control_rows flows; // row 0 is empty; the others as the method "flows" answers
	struct control_rows zones;
	struct control_rows approval; // row 0: the section; others: its rules and deputies
	// Row 0: size (bytes), snaplen and interfaces of the capture, no interface: none; the
	// others: one contact each.
	struct control_rows evidence;
	struct ruleset *ruleset; // NULL when there are errors
};

void report_done(struct report *report);

// The child's side.  plan and ruleset NULL: there are errors.
// countries: the table that the policy was planned with, or NULL.
int report_write(FILE *out, const struct diag *diag, bool assertions_failed,
		 const struct plan *plan, const struct ruleset *ruleset,
		 const struct geo_table *countries);
// The gate's side.  0, -EBADMSG, -ENOMEM.
int report_read(const void *bytes, size_t size, struct report *ret);

// One diagnostic as a row of fields (CTL_ROW first).
void report_put_diagnostic(struct control_writer *writer, const struct diag_item *item);
// Copies a row's fields; row 1 and on of rows, each begun by CTL_ROW.
void report_put_row(struct control_writer *writer, const struct control_row *row);
void report_put_rows(struct control_writer *writer, const struct control_rows *rows);

#endif
