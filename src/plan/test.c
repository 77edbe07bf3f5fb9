// Tests: packets and what must become of them.  Each end with each other end and each service is
// one question, answered as `sekisho query` answers it, so a test of a whole zone holds of every
// address of it.  Nothing here changes the plan.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/plan_internal.h"
#include "plan/question.h"
#include "plan/words.h"

enum { QUESTIONS_MAX = 100000, MESSAGE_MAX = 1000 };

struct trial {
	struct build *build;
	const struct pol_test *test;
	size_t asked; // by all tests
	bool told;    // of this test: one fault a test
};

// --- words

static bool ends_known(struct trial *trial, const struct pol_list *list)
{
	struct build *b = trial->build;
	bool known = true;

	for (size_t i = 0; i < list->n; i++) {
		struct question question = { 0 };
		struct addr_range range;
		struct endpoint endpoint;
		const char *slash = strchr(list->v[i].s, '/');

		if (question_end(b->plan, list->v[i].s, &question) == 0)
			continue;
		known = false;
		if (addr_range_parse(list->v[i].s, &range) == 0 ||
		    (slash && addr_range_parse(slash + 1, &range) == 0))
			diag_add(b->diag, SK_TEST_END, list->v[i].at, "%s", question.error);
		else // a name, told of as everywhere else
			build_endpoint(b, &list->v[i], &endpoint);
	}
	return known;
}

static bool translation_known(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_nats; i++)
		if (strcmp(plan->nats[i].id, id) == 0)
			return true;
	return strcmp(id, "none") == 0;
}

static bool names_known(struct trial *trial)
{
	struct build *b = trial->build;
	const struct pol_test *test = trial->test;
	bool denies = test->expect.s && strcmp(test->expect.s, "deny") == 0;
	bool known = true;

	if (denies && (test->flow.s || test->translation.s)) {
		diag_add(b->diag, SK_TEST_END, test->flow.s ? test->flow.at : test->translation.at,
			 "what is denied has no flow and no translation; take this out");
		return false;
	}
	if (test->flow.s && plan_find_flow(b->plan, test->flow.s) == PLAN_NONE && b->sound) {
		diag_add(b->diag, SK_TEST_END, test->flow.at, "there is no flow \"%s\"%s",
			 test->flow.s, build_hint(b, &b->plan->flow_names, test->flow.s));
		known = false;
	}
	if (test->translation.s && !translation_known(b->plan, test->translation.s) && b->sound) {
		diag_add(b->diag, SK_TEST_END, test->translation.at,
			 "there is no translation \"%s\"; name an id of nat, or none",
			 test->translation.s);
		known = false;
	}
	return known;
}

// --- answers

static const char *flow_id(const struct plan *plan, uint32_t flow)
{
	return flow == PLAN_NONE ? "-" : plan->flows[flow].id;
}

static void say_packets(struct words *words, const struct plan *plan, const struct finding *finding)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX], atom[64];

	words_say(words, "%s %s (%s) -> %s (%s)",
		  plan_atom_text(&finding->atom, atom, sizeof(atom)),
		  addr_range_text(&finding->rect.source, source), plan->zones[finding->from].id,
		  addr_range_text(&finding->rect.destination, destination),
		  plan->zones[finding->to].id);
}

static void tell(struct trial *trial, enum diag_code code, const struct finding *finding,
		 const char *message)
{
	struct build *b = trial->build;
	size_t index = diag_add(b->diag, code, trial->test->id.at, "%s", message);

	b->assertions_failed = true;
	trial->told = true;
	if (finding && finding->flow != PLAN_NONE)
		diag_second(b->diag, index, b->plan->flows[finding->flow].at, "flow %s %s",
			    flow_id(b->plan, finding->flow),
			    finding->verdict == FIND_DENY ? "comes nearest" : "permits it");
}

static bool fits(const struct finding *finding, const char *expect)
{
	if (strcmp(expect, "deny") == 0)
		return finding->verdict == FIND_DENY;
	if (strcmp(expect, "inspect") == 0)
		return finding->verdict == FIND_INSPECT;
	return finding->verdict != FIND_DENY;
}

static void tell_verdict(struct trial *trial, const struct question *question,
			 const struct finding *wrong)
{
	const struct plan *plan = trial->build->plan;
	char message[MESSAGE_MAX];
	struct words words = words_in(message, sizeof(message));

	words_say(&words, "test \"%s\" expects %s, but ", trial->test->id.s, trial->test->expect.s);
	if (!wrong) {
		words_say(&words, "only a part of it is permitted: ");
		wrong = &question->findings.v[0];
		say_packets(&words, plan, wrong);
		words_say(&words, "; narrow the test or widen flow %s", flow_id(plan, wrong->flow));
	} else if (wrong->verdict == FIND_DENY) {
		say_packets(&words, plan, wrong);
		words_say(&words, " is denied: %s", wrong->answer.text);
	} else {
		words_say(&words, "flow %s %s ", flow_id(plan, wrong->flow),
			  wrong->verdict == FIND_INSPECT ? "inspects and permits"
			  : strcmp(trial->test->expect.s, "inspect") == 0
				  ? "permits, without a guard,"
				  : "permits");
		say_packets(&words, plan, wrong);
	}
	tell(trial, SK_TEST_FAILED, wrong, message);
}

enum share { NONE_OF_IT, SOME_OF_IT, ALL_OF_IT };

// n 0: all.
static enum share share_of_ranges(const struct addr_range *ranges, size_t n,
				  const struct addr_range *range)
{
	const struct addr_set set = { (struct addr_range *)ranges, n, n };
	const struct addr_range *found = n ? addr_set_find(&set, range) : range;

	if (!found)
		return NONE_OF_IT;
	return addr_range_within(range, found) ? ALL_OF_IT : SOME_OF_IT;
}

static enum share share_of_atoms(const struct plan_atom *atoms, size_t n,
				 const struct plan_atom *atom)
{
	enum share share = n ? NONE_OF_IT : ALL_OF_IT;

	for (size_t i = 0; i < n && share != ALL_OF_IT; i++)
		share = atom_within(atom, &atoms[i])	 ? ALL_OF_IT
			: atom_overlaps(atom, &atoms[i]) ? SOME_OF_IT
							 : share;
	return share;
}

static enum share least(enum share a, enum share b)
{
	return a < b ? a : b;
}

// How much of the finding's packets an entry of source NAT fits.
static enum share share_of_nat(const struct plan_nat *nat, const struct finding *finding)
{
	const struct plan_rect *rect = &finding->rect;

	if (nat->kind == POL_NAT_FORWARD || nat->family != rect->source.family ||
	    !plan_zones_hold(nat->from, nat->n_from, finding->from) ||
	    !plan_zones_hold(nat->to, nat->n_to, finding->to))
		return NONE_OF_IT;
	if (nat->kind == POL_NAT_PREFIX)
		return share_of_ranges(&nat->inside, 1, &rect->source);
	return least(
		share_of_ranges(nat->sources, nat->n_sources, &rect->source),
		least(share_of_ranges(nat->destinations, nat->n_destinations, &rect->destination),
		      share_of_atoms(nat->atoms, nat->n_atoms, &finding->atom)));
}

// Whether the translation named applies to every packet of the finding; of those of sources the
// first that fits a packet does.
static bool translated(const struct plan *plan, const struct finding *finding, const char *id)
{
	const struct plan_nat *destination = finding->answer.destination_nat;

	if (destination && strcmp(destination->id, id) == 0)
		return true;
	for (size_t i = 0; i < plan->n_nats; i++) {
		enum share share = share_of_nat(&plan->nats[i], finding);

		if (share != NONE_OF_IT)
			return share == ALL_OF_IT && strcmp(plan->nats[i].id, id) == 0;
	}
	return !destination && strcmp(id, "none") == 0;
}

static void try_ways(struct trial *trial, const struct finding *finding)
{
	const struct plan *plan = trial->build->plan;
	const struct pol_test *test = trial->test;
	char message[MESSAGE_MAX];
	struct words words = words_in(message, sizeof(message));

	if (test->flow.s && strcmp(flow_id(plan, finding->flow), test->flow.s) != 0) {
		words_say(&words, "test \"%s\" expects flow %s, but flow %s permits ", test->id.s,
			  test->flow.s, flow_id(plan, finding->flow));
		say_packets(&words, plan, finding);
		tell(trial, SK_TEST_FLOW, finding, message);
	} else if (test->translation.s && !translated(plan, finding, test->translation.s)) {
		words_say(&words,
			  "test \"%s\" expects translation %s, and it does not apply to all of ",
			  test->id.s, test->translation.s);
		say_packets(&words, plan, finding);
		tell(trial, SK_TEST_FLOW, finding, message);
	}
}

static const struct finding *find_wrong(const struct question *question, const char *expect)
{
	for (size_t i = 0; i < question->findings.n; i++)
		if (!fits(&question->findings.v[i], expect))
			return &question->findings.v[i];
	return NULL;
}

// A verdict is of all packets, a flow and a translation of those that a finding was kept of.
static bool verdict_suffices(const struct trial *trial, const struct question *question)
{
	struct finding all = { .verdict = question->verdict };

	return !trial->test->flow.s && !trial->test->translation.s &&
	       fits(&all, trial->test->expect.s);
}

static void tell_beyond(struct trial *trial, const struct question *question)
{
	char message[MESSAGE_MAX];
	struct words words = words_in(message, sizeof(message));

	words_say(&words,
		  "test \"%s\" has an end with %zu parts, more than the %d that are looked at; "
		  "name less of it at once",
		  trial->test->id.s, question->findings.n + question->beyond, FINDINGS_MAX);
	tell(trial, SK_TEST_FAILED, NULL, message);
}

// False: it is not as expected, and has to be asked again for the words.
static bool judge(struct trial *trial, const struct question *question)
{
	const struct finding *wrong = find_wrong(question, trial->test->expect.s);

	if (!wrong && question->beyond && !verdict_suffices(trial, question)) {
		tell_beyond(trial, question);
		return true;
	}
	if (wrong || question->verdict == FIND_PARTLY) {
		if (question->wordless)
			return false;
		tell_verdict(trial, question, wrong);
		return true;
	}
	for (size_t i = 0; i < question->findings.n && !trial->told; i++)
		if (question->findings.v[i].verdict != FIND_DENY)
			try_ways(trial, &question->findings.v[i]);
	return true;
}

// true: the two have packets of one family for the service.
static bool ask(struct trial *trial, const char *from, const char *to, const char *service)
{
	char port[24] = "";
	bool asked = false, judged = false;

	if (trial->test->source_port.set)
		snprintf(port, sizeof(port), "%llu",
			 (unsigned long long)trial->test->source_port.value);
	trial->asked++;
	for (int words = 0; words < 2 && !judged; words++) {
		struct question question = { .wordless = !words };

		asked = question_ask(trial->build->plan, from, to, service, *port ? port : NULL,
				     &question) == 0;
		judged = !asked || judge(trial, &question);
		question_done(&question);
	}
	return asked;
}

static void try_all(struct trial *trial)
{
	const struct pol_test *test = trial->test;
	bool any = false;

	for (size_t i = 0; i < test->from.n; i++)
		for (size_t j = 0; j < test->to.n; j++)
			for (size_t k = 0; k < test->services.n; k++) {
				if (trial->told || trial->asked >= QUESTIONS_MAX)
					return;
				any = ask(trial, test->from.v[i].s, test->to.v[j].s,
					  test->services.v[k].s) ||
				      any;
			}
	if (!any)
		diag_add(trial->build->diag, SK_TEST_END, test->id.at,
			 "test \"%s\" has no packet: from and to have no addresses of a family "
			 "that the services are for",
			 test->id.s);
}

static void try_one(struct trial *trial)
{
	struct build *b = trial->build;
	const struct pol_test *test = trial->test;
	const struct plan_atom *atoms;
	size_t n_atoms;
	bool known = ends_known(trial, &test->from);

	build_clauses(b, &test->clause);
	known = ends_known(trial, &test->to) && known;
	known = build_services(b, &test->services, &atoms, &n_atoms) == 0 && known;
	known = names_known(trial) && known;
	if (known && b->sound && test->expect.s)
		try_all(trial);
}

void build_tests(struct build *b)
{
	struct trial trial = { .build = b };

	for (size_t i = 0; i < b->tree->n_tests && trial.asked < QUESTIONS_MAX; i++) {
		trial.test = &b->tree->tests[i];
		trial.told = false;
		if (trial.test->id.s)
			try_one(&trial);
	}
	if (trial.asked >= QUESTIONS_MAX)
		diag_add(b->diag, SK_TESTS_MANY, trial.test->id.at,
			 "up to this test there are more than %d packets to try; name less at once",
			 QUESTIONS_MAX);
}
