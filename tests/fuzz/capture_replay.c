// A capture file, through a policy: blocks, frames, headers, connections, groups, proposals.
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"
#include "replay/groups.h"
#include "replay/propose.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char policy_text[] =
	"zones:\n"
	"  a: { interfaces: [lan-a], networks: [10.1.0.0/16, 'fd00:1::/64'] }\n"
	"  b: { interfaces: [lan-b], networks: [10.2.0.0/16, 'fd00:2::/64'] }\n"
	"  out: { role: external, interfaces: [wan] }\n"
	"flows:\n"
	"  - { id: web, from: a, to: b, services: [http, ping, dns] }\n"
	"  - { id: away, from: a, to: out, services: any }\n"
	"  - { id: in, from: out, to: b, services: http }\n"
	"nat:\n"
	"  - { id: seen, kind: forward, from: out, address: 203.0.113.1, services: http,\n"
	"      target: b/web }\n"
	"  - { id: hide, kind: masquerade, from: a, to: out }\n"
	"networks: { b/web: [10.2.0.80] }\n";

static struct plan *make_plan(void)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_text("p.yaml", policy_text, sizeof(policy_text) - 1, diag, &policy, NULL) <
		    0 ||
	    plan_make(policy, diag, &plan, NULL) < 0)
		abort();
	policy_free(policy);
	diag_free(diag);
	return plan;
}

// The same plan again: what was learned since may differ, and nothing else.
static void compare(const struct plan *plan, const struct replay *replay)
{
	struct fate *fates = calloc(replay->tracks.n + 1, sizeof(*fates));
	struct changes changes;

	if (!fates)
		abort();
	replay_judge_again(replay, plan, fates);
	changes_make(replay, plan, fates, &changes);
	if (changes.connections > replay->connections)
		abort();
	changes_done(&changes);
	free(fates);
}

static void look_at(struct plan *plan, const struct replay *replay)
{
	struct proposal *proposal = propose(plan, replay);
	bool *include = calloc(propose_flows(proposal) + 1, 1);
	FILE *out = fopen("/dev/null", "w");
	struct groups groups;

	if (!include || !out)
		abort();
	compare(plan, replay);
	groups_make(replay, &groups);
	memset(include, 1, propose_flows(proposal));
	propose_print(proposal, include, NULL, out);
	fclose(out);
	free(include);
	groups_done(&groups);
	propose_done(proposal);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct plan *plan;
	struct addr self = { ADDR_V4, 0xcb007107 };
	struct capture capture;
	struct replay replay;

	if (!plan)
		plan = make_plan();
	struct replay_options options = { .plan = plan, .self = &self, .n_self = 1, .max = 4096 };

	if (capture_open(&capture, bytes, size) == 0) {
		replay_init(&replay, &options);
		replay_run(&replay, &capture);
		look_at(plan, &replay);
		replay_done(&replay);
	}
	capture_done(&capture);
	return 0;
}
