// Which of the proposed flows the policy can take: each set is planned together with the folder as
// it is, and a set that breaks an assertion, a test or anything else is halved until the flows to
// blame are found.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/replay.h"

enum { PLANS_MAX = 400, NOTE_MAX = 300, STACK_MAX = 64 };

struct trying {
	struct replay_view *view;
	unsigned plans; // made so far
};

struct part {
	size_t from, to;
};

// Plans the folder with all flows that are included; false: it does not hold, *note says why.
static bool holds(struct trying *trying, char note[NOTE_MAX])
{
	struct replay_view *view = trying->view;
	struct diag *diag = diag_new();
	const struct geo_known *countries =
		view->loaded.has_countries ? &view->loaded.countries.known : NULL;
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;
	struct policy_source more = { .name = "proposed-by-replay.yaml" };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool fine = false;

	if (!out)
		abort();
	trying->plans++;
	propose_print(view->proposal, view->include, NULL, out);
	if (fclose(out) != 0)
		abort();
	more.bytes = text;
	more.size = size;
	fine = size == 0 || (policy_read_path_with(view->dir, &more, diag, &policy) == 0 &&
			     plan_make_with(policy, countries, diag, &plan, NULL) == 0);
	for (size_t i = 0; !fine && i < diag_count(diag); i++)
		if (diag_at(diag, i)->severity == DIAG_ERROR) {
			snprintf(note, NOTE_MAX, "%.*s", NOTE_MAX - 1, diag_at(diag, i)->message);
			break;
		}
	plan_free(plan);
	policy_free(policy);
	diag_free(diag);
	free(text);
	return fine;
}

static void include(struct replay_view *view, const struct part *part, bool value)
{
	for (size_t i = part->from; i < part->to; i++)
		view->include[i] = value;
}

static void refuse(struct replay_view *view, size_t index, const char *why)
{
	char *note = view->notes + index * NOTE_MAX;

	snprintf(note, NOTE_MAX, "%s", why);
	view->note[index] = note;
}

// Takes a part as a whole, or its halves; what is taken stays taken.
static void try_parts(struct trying *trying, size_t n)
{
	struct part stack[STACK_MAX] = { { 0, n } };
	size_t depth = n ? 1 : 0;

	while (depth) {
		struct part part = stack[--depth];
		char note[NOTE_MAX] = "not tried: too many of them break the policy";
		size_t middle = part.from + (part.to - part.from) / 2;

		include(trying->view, &part, true);
		if (trying->plans < PLANS_MAX && holds(trying, note))
			continue;
		include(trying->view, &part, false);
		if (part.to - part.from == 1) {
			refuse(trying->view, part.from, note);
			continue;
		}
		stack[depth++] = (struct part){ middle, part.to };
		stack[depth++] = (struct part){ part.from, middle };
	}
}

void replay_try_proposal(struct replay_view *view)
{
	struct trying trying = { .view = view };
	size_t n = propose_flows(view->proposal);

	view->include = calloc(n + 1, sizeof(*view->include));
	view->note = calloc(n + 1, sizeof(*view->note));
	view->notes = calloc(n + 1, NOTE_MAX);
	if (!view->include || !view->note || !view->notes)
		abort();
	try_parts(&trying, n);
	for (size_t i = 0; i < n; i++)
		view->n_included += view->include[i];
}
