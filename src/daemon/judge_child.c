// The child's side: two memory files in, sandbox, text → tree → plan → verdicts, answer out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "daemon/child.h"
#include "daemon/countries_input.h"
#include "daemon/judge_child.h"
#include "daemon/judge_form.h"
#include "daemon/sandbox.h"
#include "daemon/snapshot.h"

enum { SNAPSHOT_FD = CHILD_FD_FIRST, WORLD_FD, COUNTRIES_FD, ANSWER_FD };

static bool put(FILE *out, const void *bytes, size_t size)
{
	return !size || fwrite(bytes, 1, size, out) == size;
}

static int write_answer(FILE *out, const struct plan *plan, const struct judge_verdict *verdicts,
			size_t n)
{
	struct judge_answer_head head = { .magic = JUDGE_ANSWER_MAGIC, .n_verdicts = n };
	const struct plan_zone *zones = plan_zones(plan, &head.n_zones);
	const struct plan_flow *flows = plan_flows(plan, &head.n_flows);
	memcpy(head.digest, plan_digest(plan), sizeof(head.digest));
	bool fine = put(out, &head, sizeof(head)) && put(out, verdicts, n * sizeof(*verdicts));
	for (size_t i = 0; fine && i < head.n_zones; i++)
		fine = put(out, zones[i].id, strlen(zones[i].id) + 1);
	for (size_t i = 0; fine && i < head.n_flows; i++)
		fine = put(out, flows[i].id, strlen(flows[i].id) + 1);
	return fine && fflush(out) == 0 ? 0 : -1;
}

static int answer(const struct snapshot *snapshot, const struct judge_world *world,
		  const struct geo_known *countries, FILE *out)
{
	struct diag *diag = diag_new();
	struct plan *plan = NULL;
	struct judge_verdict *verdicts = calloc(world->n_entries + 1, sizeof(*verdicts));
	int r = verdicts ? 0 : -1;
	if (r == 0)
		r = snapshot_plan(snapshot, countries, diag, &plan);
	if (r == 0) {
		judge(plan, world, verdicts);
		r = write_answer(out, plan, verdicts, world->n_entries);
	}
	free(verdicts);
	plan_free(plan);
	diag_free(diag);
	return r;
}

int judge_main(void)
{
	struct snapshot snapshot;
	struct judge_world world;
	struct countries_input countries;
	void *map;
	size_t size;
	FILE *out = fdopen(ANSWER_FD, "wb");
	if (!out || snapshot_map(SNAPSHOT_FD, &snapshot) < 0 ||
	    judge_world_map(WORLD_FD, &world, &map, &size) < 0 ||
	    countries_input_map(COUNTRIES_FD, &countries) < 0) {
		fprintf(stderr, "<3>sekishod: the judge has no descriptors to work with\n");
		return EXIT_USAGE;
	}
	tzset(); // reads a file, which is not possible later
	int r = sandbox_enter(snapshot.job.uid, snapshot.job.gid);
	if (r < 0)
		fprintf(stderr, "<3>sekishod: the judge's sandbox: %s\n", strerror(-r));
	else
		r = answer(&snapshot, &world, countries_input_known(&countries), out);
	if (fclose(out) != 0)
		r = -1;
	return r == 0 ? EXIT_FINE : EXIT_FAILED;
}
