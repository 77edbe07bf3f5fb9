// The child's side: snapshot in, sandbox, text → tree → plan → ruleset, report out.  It opens
// nothing: what it needs was opened for it.
#include "daemon/compiler.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "compile/compile.h"
#include "daemon/countries_input.h"
#include "daemon/report.h"
#include "daemon/sandbox.h"
#include "daemon/snapshot.h"

enum { SNAPSHOT_FD = 3, COUNTRIES_FD, REPORT_FD };

static int make_report(const struct snapshot *snapshot, const struct geo_known *countries,
		       FILE *out)
{
	const struct snapshot_job *job = &snapshot->job;
	const struct compile_options options = {
		.generation = job->generation,
		.management_interface =
			job->management_interface[0] ? job->management_interface : NULL,
		.management_prefix = job->management_prefix,
		.management_port = job->management_port,
		.nflog_group = job->nflog_group,
	};
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL, *partial = NULL;
	struct plan *plan = NULL;
	struct ruleset *ruleset = NULL;
	bool assertions_failed = false;
	// A tree with faults is planned too: one run tells all of them.
	if (policy_read_sources(snapshot->files, snapshot->n_files, job->directory, diag, &policy,
				&partial) < 0) {
		if (partial)
			plan_make_with(partial, countries, diag, &plan, NULL);
	} else if (plan_make_with(policy, countries, diag, &plan, &assertions_failed) == 0) {
		compile(plan, &options, diag, &ruleset);
	}
	diag_sort(diag);
	int r = report_write(out, diag, assertions_failed, plan, ruleset,
			     countries ? &countries->table : NULL);
	ruleset_free(ruleset);
	plan_free(plan);
	policy_free(policy);
	policy_free(partial);
	diag_free(diag);
	return r;
}

int compiler_main(void)
{
	struct snapshot snapshot;
	struct countries_input countries;
	FILE *out = fdopen(REPORT_FD, "wb");
	int r = snapshot_map(SNAPSHOT_FD, &snapshot);
	if (r == 0)
		r = countries_input_map(COUNTRIES_FD, &countries);
	if (!out || r < 0) {
		fprintf(stderr, "<3>sekishod: the compiler has no descriptors to work with\n");
		return EXIT_USAGE;
	}
	tzset(); // reads a file, which is not possible later
	r = sandbox_enter(snapshot.job.uid, snapshot.job.gid);
	if (r < 0)
		fprintf(stderr, "<3>sekishod: the compiler's sandbox: %s\n", strerror(-r));
	else
		r = make_report(&snapshot, countries_input_known(&countries), out);
	snapshot_done(&snapshot);
	if (fclose(out) != 0)
		r = -1;
	return r == 0 ? EXIT_FINE : EXIT_FAILED;
}
