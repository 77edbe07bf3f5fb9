// query: the findings of a question, for people and as JSON.
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cli/guards.h"
#include "cli/load.h"
#include "plan/question.h"
#include "cli/verb.h"

static const char *const reasons[] = {
	[PLAN_BY_FLOW] = "a flow permits it",
	[PLAN_SPOOFED] = "the source is not an address of the zone it comes from",
	[PLAN_MISPLACED] = "the destination is not an address of the zone it would leave by",
	[PLAN_NO_PAIR] = "no flow leads from this zone to that zone",
	[PLAN_NO_SERVICE] = "no flow between these zones has this service",
	[PLAN_NO_ADDRESS] = "no flow with this service is for these addresses",
	[PLAN_EXCEPTED] = "the nearest flow excepts it",
	[PLAN_NAT_ELSEWHERE] = "address translation sends it to another zone",
};

static const char *const reason_ids[] = {
	[PLAN_BY_FLOW] = "flow",	  [PLAN_SPOOFED] = "spoofed",
	[PLAN_MISPLACED] = "misplaced",	  [PLAN_NO_PAIR] = "no-pair",
	[PLAN_NO_SERVICE] = "no-service", [PLAN_NO_ADDRESS] = "no-address",
	[PLAN_EXCEPTED] = "excepted",	  [PLAN_NAT_ELSEWHERE] = "nat-elsewhere",
};

static const char *const nat_kinds[] = {
	[POL_NAT_MASQUERADE] = "masquerade",
	[POL_NAT_SOURCE] = "source",
	[POL_NAT_FORWARD] = "forward",
	[POL_NAT_PREFIX] = "prefix",
};

static const struct plan_zone *zone_at(const struct plan *plan, uint32_t zone)
{
	size_t n;

	return &plan_zones(plan, &n)[zone];
}

static const struct plan_flow *flow_at(const struct plan *plan, uint32_t flow)
{
	size_t n;

	return flow == PLAN_NONE ? NULL : &plan_flows(plan, &n)[flow];
}

static void print_row(const char *name, const char *value, const char *more)
{
	if ((!value || !*value) && (!more || !*more))
		return;
	printf("         %-9s %s%s%s\n", name, value ? value : "", more && *more ? "  " : "",
	       more ? more : "");
}

// "JP Japan" of one address of a question; "" when a space was asked, or nothing is known.
static const char *country_of(const struct cli_policy *loaded, const struct addr_range *range,
			      char *out, size_t size)
{
	const struct addr addr = { .family = range->family, .bits = range->lo };

	out[0] = '\0';
	return range->lo == range->hi ? cli_country_text(&loaded->countries, &addr, out, size)
				      : out;
}

static void print_packet(const struct plan *plan, const struct finding *finding)
{
	const struct plan_zone *from = zone_at(plan, finding->from);
	const struct plan_zone *to = zone_at(plan, finding->to);
	char source[ADDR_TEXT_MAX];
	char destination[ADDR_TEXT_MAX];
	char atom[64];

	printf("         %s  %s (%s%s%s) -> %s (%s%s%s)\n",
	       plan_atom_text(&finding->atom, atom, sizeof(atom)),
	       addr_range_text(&finding->rect.source, source), from->id, *from->title ? " " : "",
	       from->title, addr_range_text(&finding->rect.destination, destination), to->id,
	       *to->title ? " " : "", to->title);
}

enum {
	GUARD_INDENT = 19, // under the guard's name
	GUARD_WIDTH = 14,
};

static void print_flow(const struct plan *plan, const struct plan_flow *flow)
{
	const struct plan_guard *guard = plan_find_guard(plan, flow->guard);
	char clauses[1024] = "";
	char place[256];

	for (size_t i = 0; i < flow->n_clauses; i++)
		snprintf(clauses + strlen(clauses), sizeof(clauses) - strlen(clauses), "%s%s%s%s",
			 i ? ", " : "", flow->clauses[i], *flow->articles[i] ? " " : "",
			 flow->articles[i]);
	snprintf(place, sizeof(place), "%s:%u:%u", flow->at.file ? flow->at.file : "?",
		 flow->at.line, flow->at.column);
	print_row("owner", flow->owner, flow->owner_title);
	print_row("need", flow->need, NULL);
	print_row("request", flow->request, NULL);
	print_row("clause", clauses, NULL);
	print_row("review", flow->review, NULL);
	print_row("guard", flow->guard, flow->guard_protocol);
	if (guard)
		cli_guard_print(guard, GUARD_INDENT, GUARD_WIDTH);
	print_row("written", place, NULL);
}

static void print_nat(const char *name, const struct plan_nat *nat)
{
	char text[ADDR_TEXT_MAX + 40] = "";

	if (!nat)
		return;
	if (nat->kind == POL_NAT_MASQUERADE) {
		snprintf(text, sizeof(text), "masquerade: the address of the outgoing interface");
	} else {
		char target[ADDR_TEXT_MAX];

		snprintf(text, sizeof(text), "%s: %s", nat_kinds[nat->kind],
			 addr_range_text(&nat->target, target));
		if (nat->port)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " port %u",
				 nat->port);
	}
	print_row(name, text, nat->id);
}

static void print_countries(const struct cli_policy *loaded, const struct finding *finding)
{
	char text[80];

	print_row("from", country_of(loaded, &finding->rect.source, text, sizeof(text)), NULL);
	print_row("to", country_of(loaded, &finding->rect.destination, text, sizeof(text)), NULL);
}

static void print_finding(const struct cli_policy *loaded, const struct finding *finding)
{
	const struct plan *plan = loaded->plan;
	const struct plan_flow *flow = flow_at(plan, finding->flow);

	if (finding->verdict == FIND_DENY)
		printf("%-8s %s\n", finding_verdict_text(finding->verdict),
		       reasons[finding->answer.reason]);
	else
		printf("%-8s %s%s%s\n", finding_verdict_text(finding->verdict), flow->id,
		       *flow->title ? "  " : "", flow->title);
	print_packet(plan, finding);
	print_countries(loaded, finding);
	print_nat("dest NAT", finding->answer.destination_nat);
	print_nat("hairpin", finding->answer.hairpin_nat);
	print_nat("src NAT", finding->answer.source_nat);
	if (finding->verdict != FIND_DENY) {
		print_flow(plan, flow);
		return;
	}
	if (flow) {
		char place[256];

		snprintf(place, sizeof(place), "%s:%u:%u", flow->at.file ? flow->at.file : "?",
			 flow->at.line, flow->at.column);
		print_row("nearest", flow->id, flow->title);
		print_row("written", place, NULL);
	}
	print_row("missing", finding->answer.text, NULL);
	print_row("it gets",
		  finding->answer.denied_action == PLAN_REJECT ? "a rejection" : "no answer (drop)",
		  NULL);
}

static void add_nat_json(struct json_object *object, const char *key, const struct plan_nat *nat)
{
	struct json_object *nat_object;
	char text[ADDR_TEXT_MAX];

	if (!nat)
		return;
	nat_object = json_object_new_object();
	cli_json_text(nat_object, "id", nat->id);
	cli_json_text(nat_object, "kind", nat_kinds[nat->kind]);
	if (nat->kind != POL_NAT_MASQUERADE)
		cli_json_text(nat_object, "target", addr_range_text(&nat->target, text));
	if (nat->port)
		cli_json_number(nat_object, "port", nat->port);
	json_object_object_add(object, key, nat_object);
}

static struct json_object *flow_json(const struct plan *plan, const struct plan_flow *flow)
{
	const struct plan_guard *guard = plan_find_guard(plan, flow->guard);
	struct json_object *object = json_object_new_object();
	struct json_object *clauses = json_object_new_array(), *articles = json_object_new_array();

	cli_json_text(object, "id", flow->id);
	cli_json_text(object, "title", flow->title);
	cli_json_text(object, "owner", flow->owner);
	cli_json_text(object, "owner_title", flow->owner_title);
	cli_json_text(object, "need", flow->need);
	cli_json_text(object, "request", flow->request);
	for (size_t i = 0; i < flow->n_clauses; i++) {
		json_object_array_add(clauses, json_object_new_string(flow->clauses[i]));
		json_object_array_add(articles, json_object_new_string(flow->articles[i]));
	}
	json_object_object_add(object, "clauses", clauses);
	json_object_object_add(object, "articles", articles);
	cli_json_text(object, "review", flow->review);
	cli_json_text(object, "guard", flow->guard);
	if (guard && guard->mail)
		json_object_object_add(object, "guard_rules", cli_guard_json(guard));
	cli_json_text(object, "file", flow->at.file);
	cli_json_number(object, "line", flow->at.line);
	cli_json_number(object, "column", flow->at.column);
	return object;
}

// "JP" of "JP Japan".
static void add_country_json(struct json_object *object, const char *key,
			     const struct cli_policy *loaded, const struct addr_range *range)
{
	char text[80];

	country_of(loaded, range, text, sizeof(text));
	text[strcspn(text, " ")] = '\0';
	cli_json_text(object, key, text);
}

static struct json_object *finding_json(const struct cli_policy *loaded,
					const struct finding *finding)
{
	const struct plan *plan = loaded->plan;
	struct json_object *object = json_object_new_object();
	const struct plan_flow *flow = flow_at(plan, finding->flow);
	char text[ADDR_TEXT_MAX];
	char atom[64];

	cli_json_text(object, "verdict", finding_verdict_text(finding->verdict));
	cli_json_text(object, "from", zone_at(plan, finding->from)->id);
	cli_json_text(object, "to", zone_at(plan, finding->to)->id);
	cli_json_text(object, "source", addr_range_text(&finding->rect.source, text));
	cli_json_text(object, "destination", addr_range_text(&finding->rect.destination, text));
	add_country_json(object, "source_country", loaded, &finding->rect.source);
	add_country_json(object, "destination_country", loaded, &finding->rect.destination);
	cli_json_text(object, "service", plan_atom_text(&finding->atom, atom, sizeof(atom)));
	add_nat_json(object, "destination_nat", finding->answer.destination_nat);
	add_nat_json(object, "hairpin_nat", finding->answer.hairpin_nat);
	add_nat_json(object, "source_nat", finding->answer.source_nat);
	if (flow)
		json_object_object_add(object, finding->verdict == FIND_DENY ? "nearest" : "flow",
				       flow_json(plan, flow));
	if (finding->verdict != FIND_DENY)
		return object;
	cli_json_text(object, "reason", reason_ids[finding->answer.reason]);
	cli_json_text(object, "missing", finding->answer.text);
	cli_json_text(object, "denied_action",
		      finding->answer.denied_action == PLAN_REJECT ? "reject" : "drop");
	return object;
}

static void print_question(const struct cli *cli, const struct cli_policy *loaded,
			   const struct question *question)
{
	struct json_object *object;
	struct json_object *findings;

	if (!cli->json) {
		if (question->verdict == FIND_PARTLY || question->findings.n > 1)
			printf("%s\n\n", question->verdict == FIND_PARTLY
						 ? "PARTLY   not everything asked has one answer"
						 : finding_verdict_text(question->verdict));
		for (size_t i = 0; i < question->findings.n; i++)
			print_finding(loaded, &question->findings.v[i]);
		if (question->beyond)
			puts("(more was left out; ask for less at once)");
		return;
	}
	object = json_object_new_object();
	findings = json_object_new_array();
	cli_json_text(object, "verdict", finding_verdict_text(question->verdict));
	for (size_t i = 0; i < question->findings.n; i++)
		json_object_array_add(findings, finding_json(loaded, &question->findings.v[i]));
	json_object_object_add(object, "findings", findings);
	cli_json_print(object);
}

// 0 fine, 4 not as expected.
static int expectation(const char *expect, enum finding_verdict verdict)
{
	bool as_expected;

	if (!expect)
		return EXIT_FINE;
	as_expected = strcmp(expect, "deny") == 0 ? verdict == FIND_DENY : verdict >= FIND_INSPECT;
	if (!as_expected)
		fprintf(stderr, "sekisho query: expected %s, but the answer is %s\n", expect,
			finding_verdict_text(verdict));
	return as_expected ? EXIT_FINE : EXIT_ASSERTION;
}

int verb_query(const struct cli *cli)
{
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy loaded = { 0 };
	struct question question = { 0 };
	const char *expect = cli_value(cli, OPT_EXPECT);
	int status;

	if (expect && strcmp(expect, "allow") != 0 && strcmp(expect, "deny") != 0) {
		fprintf(stderr, "sekisho query: --expect takes allow or deny, not \"%s\"\n",
			expect);
		return EXIT_USAGE;
	}
	if (!cli_policy_load_or_tell(cli->argc > 3 ? cli->argv[3] : CLI_DIR, &loaded))
		return loaded.status;
	if (question_ask(loaded.plan, cli->argv[0], cli->argv[1], cli->argv[2],
			 cli_value(cli, OPT_SOURCE_PORT), &question) < 0) {
		fprintf(stderr, "sekisho query: %s\n", question.error);
		status = EXIT_USAGE;
	} else {
		if (!loaded.has_countries)
			cli_countries_load(&loaded.countries); // there may be none
		print_question(cli, &loaded, &question);
		status = expectation(expect, question.verdict);
	}
	question_done(&question);
	return status;
}
