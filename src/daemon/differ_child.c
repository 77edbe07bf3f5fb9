// The child's side: snapshots in, sandbox, two plans, their difference as rows out.
#include "daemon/differ.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "daemon/countries_input.h"
#include "daemon/report.h"
#include "daemon/sandbox.h"
#include "daemon/snapshot.h"
#include "plan/diff.h"

static int plan_of_nothing(struct diag *diag, struct plan **ret)
{
	static const char nothing[] = "version: 1\n";
	struct pol_policy *policy = NULL;
	int r = policy_read_text("", nothing, sizeof(nothing) - 1, diag, &policy, NULL);
	if (r == 0)
		r = plan_make(policy, diag, ret, NULL);
	policy_free(policy);
	return r;
}

static void put_row(struct control_writer *rows, const struct diff_row *row)
{
	control_put_mark(rows, CTL_ROW);
	control_put_text(rows, CTL_KIND, diff_kind_word(row->kind));
	control_put_text(rows, CTL_WEIGHT, diff_weight_word(row->weight));
	control_put_text(rows, CTL_REASON, row->reason);
	control_put_text(rows, CTL_SUBJECT, row->subject);
	control_put_text(rows, CTL_ID, row->flow);
	control_put_text(rows, CTL_OWNER, row->owner);
	control_put_text(rows, CTL_FROM, row->from);
	control_put_text(rows, CTL_TO, row->to);
	for (size_t i = 0; i < row->n_zones; i++)
		control_put_text(rows, CTL_FROM, row->zones[i]);
	control_put_text(rows, CTL_SOURCES, row->from_text);
	control_put_text(rows, CTL_DESTINATIONS, row->to_text);
	control_put_text(rows, CTL_SERVICES, row->services_text);
	control_put_text(rows, CTL_MESSAGE, row->what);
	if (row->inexact)
		control_put_bool(rows, CTL_INEXACT, true);
	if (row->more)
		control_put_u64(rows, CTL_PARTS, row->more);
	if (row->at.file) {
		control_put_text(rows, CTL_FILE, row->at.file);
		control_put_u64(rows, CTL_LINE, row->at.line);
	}
}

static void put_diff(const struct plan_diff *diff, struct control_writer *head,
		     struct control_writer *rows)
{
	enum { ROW_BYTES_MAX = 65536 };
	size_t n = 0;
	while (n < diff->n && rows->size < DIFFER_BYTES_MAX - ROW_BYTES_MAX)
		put_row(rows, &diff->rows[n++]);
	size_t omitted = diff->omitted + diff->n - n;
	control_put_text(head, CTL_WEIGHT, diff_weight_word(omitted ? DIFF_HEAVY : diff->weight));
	control_put_bool(head, CTL_SAME_FILES, diff->same_text);
	control_put_u64(head, CTL_OMITTED, omitted);
}

static void put_faults(const struct diag *diag, struct control_writer *head,
		       struct control_writer *rows)
{
	control_put_u64(head, CTL_ERRORS, diag_errors(diag));
	control_put_u64(head, CTL_WARNINGS, diag_count(diag) - diag_errors(diag));
	for (size_t i = 0; i < diag_count(diag); i++)
		report_put_diagnostic(rows, diag_at(diag, i));
}

// before NULL: nothing ran before.
static int compare(const struct snapshot *before, const struct snapshot *after,
		   const struct geo_known *countries, FILE *out)
{
	struct diag *diag = diag_new();
	struct plan *was = NULL, *is = NULL;
	struct control_writer head, rows;
	control_writer_init(&head, 4096);
	control_writer_init(&rows, DIFFER_BYTES_MAX);
	int r = before ? snapshot_plan(before, countries, diag, &was) : plan_of_nothing(diag, &was);
	if (r == 0)
		r = snapshot_plan(after, countries, diag, &is);
	if (r < 0) {
		diag_sort(diag);
		put_faults(diag, &head, &rows);
	} else {
		struct plan_diff diff;
		plan_diff(was, is, &diff);
		put_diff(&diff, &head, &rows);
		plan_diff_done(&diff);
	}
	bool fine = !head.error && !rows.error && fwrite(head.bytes, head.size, 1, out) == 1 &&
		    (!rows.size || fwrite(rows.bytes, rows.size, 1, out) == 1);
	control_writer_done(&head);
	control_writer_done(&rows);
	plan_free(was);
	plan_free(is);
	diag_free(diag);
	return fine ? 0 : -1;
}

int differ_main(bool first)
{
	struct snapshot snapshots[2] = { 0 };
	size_t n = first ? 1 : 2;
	struct countries_input countries;
	FILE *out = fdopen(CHILD_FD_FIRST + (int)n + 1, "wb");
	int r = out ? 0 : -1;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = snapshot_map(CHILD_FD_FIRST + (int)i, &snapshots[i]);
	if (r == 0)
		r = countries_input_map(CHILD_FD_FIRST + (int)n, &countries);
	if (r < 0) {
		fprintf(stderr, "<3>sekishod: the comparison has no descriptors to work with\n");
		return EXIT_USAGE;
	}
	r = sandbox_enter(snapshots[0].job.uid, snapshots[0].job.gid);
	if (r < 0)
		fprintf(stderr, "<3>sekishod: the comparison's sandbox: %s\n", strerror(-r));
	else
		r = compare(first ? NULL : &snapshots[0], &snapshots[n - 1],
			    countries_input_known(&countries), out);
	for (size_t i = 0; i < n; i++)
		snapshot_done(&snapshots[i]);
	if (fclose(out) != 0)
		r = -1;
	return r == 0 ? EXIT_FINE : EXIT_FAILED;
}
