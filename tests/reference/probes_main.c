// Prints probes of a policy with the verdict of the reference evaluator, one a line:
//
//   probes DIR [--seed N] [--count N] [--most]
//   probes DIR --ask < LINES      judges packets given on standard input instead: lines of the
//                                 first seven fields below, the rest of a line is ignored
//
// Fields, separated by tabs, "-" for none; the first line names them and starts with '#':
//   from to source destination protocol sport port
//   verdict     allow, inspect, deny
//   reason      flow, elsewhere, spoofed, misplaced, excepted, no-flow
//   flow        the first flow that permits (or excepts) it
//   nat-to nat-destination nat-port     after a forward
//   source-nat  id of the entry that translates the source; "hairpin" for that
//   kind about  why the probe is there: flow, nat, pair, random; and of what
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "policy/policy.h"
#include "reference/probes.h"

enum { COUNT_DEFAULT = 3000, FIELDS = 7 };

static const char *text_or_dash(const char *text)
{
	return text && text[0] ? text : "-";
}

static void print_packet(const struct pol_tree *tree, const struct reference_packet *packet)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];

	printf("%s\t%s\t%s\t%s\t%u\t%u\t%u", reference_zone_name(tree, packet->from),
	       reference_zone_name(tree, packet->to), addr_text(&packet->source, source),
	       addr_text(&packet->destination, destination), packet->protocol, packet->sport,
	       packet->port);
}

static void print_probe(const struct pol_tree *tree, const struct reference_packet *packet,
			const char *kind, const char *about)
{
	static const char *const reasons[] = {
		[REFERENCE_FLOW] = "flow",	   [REFERENCE_ELSEWHERE] = "elsewhere",
		[REFERENCE_SPOOFED] = "spoofed",   [REFERENCE_MISPLACED] = "misplaced",
		[REFERENCE_EXCEPTED] = "excepted", [REFERENCE_NO_FLOW] = "no-flow",
	};
	struct reference_answer answer;
	char text[ADDR_TEXT_MAX];

	reference_ask(tree, packet, &answer);
	print_packet(tree, packet);
	printf("\t%s\t%s\t%s",
	       answer.reason != REFERENCE_FLOW ? "deny"
	       : answer.guarded		       ? "inspect"
					       : "allow",
	       reasons[answer.reason], answer.flow ? answer.flow->id.s : "-");
	if (answer.forward)
		printf("\t%s\t%s\t%u", reference_zone_name(tree, answer.translated.to),
		       addr_text(&answer.translated.destination, text), answer.translated.port);
	else
		printf("\t-\t-\t-");
	printf("\t%s\t%s\t%s\n",
	       answer.hairpin ? "hairpin"
			      : text_or_dash(answer.source_nat ? answer.source_nat->id.s : NULL),
	       kind, text_or_dash(about));
}

static int find_zone(const struct pol_tree *tree, const char *name, int *ret)
{
	for (int i = REFERENCE_SELF; i < (int)tree->n_zones; i++) {
		if (strcmp(reference_zone_name(tree, i), name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -ENOENT;
}

static int read_packet(const struct pol_tree *tree, char *line, struct reference_packet *ret)
{
	char *state = NULL;
	char *fields[FIELDS];
	size_t n = 0;

	for (char *word = strtok_r(line, " \t\n", &state); word && n < FIELDS;
	     word = strtok_r(NULL, " \t\n", &state))
		fields[n++] = word;
	if (n < FIELDS || find_zone(tree, fields[0], &ret->from) < 0 ||
	    find_zone(tree, fields[1], &ret->to) < 0 || addr_parse(fields[2], &ret->source) < 0 ||
	    addr_parse(fields[3], &ret->destination) < 0)
		return -EINVAL;
	ret->protocol = (uint8_t)atoi(fields[4]);
	ret->sport = (uint16_t)atoi(fields[5]);
	ret->port = (uint16_t)atoi(fields[6]);
	return 0;
}

static int answer_lines(const struct pol_tree *tree)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		struct reference_packet packet;

		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (read_packet(tree, line, &packet) < 0) {
			fprintf(stderr, "probes: cannot read the packet of zone %s\n", line);
			return 2;
		}
		print_probe(tree, &packet, "asked", "");
	}
	return 0;
}

static int print_probes(const struct pol_tree *tree, uint64_t seed, size_t count, bool most)
{
	struct probe *probes;
	size_t n = probes_make(tree, seed, count, most, &probes);

	fprintf(stderr, "probes: seed %llu, %zu probes\n", (unsigned long long)seed, n);
	for (size_t i = 0; i < n; i++)
		print_probe(tree, &probes[i].packet, probes[i].kind, probes[i].about);
	free(probes);
	return 0;
}

static int usage(void)
{
	fputs("usage: probes DIR [--seed N] [--count N] [--most] | probes DIR --ask\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	uint64_t seed = 1;
	size_t count = COUNT_DEFAULT;
	bool most = false, ask = false;
	int r;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
			count = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--most") == 0)
			most = true;
		else if (strcmp(argv[i], "--ask") == 0)
			ask = true;
		else
			return usage();
	}
	if (argc < 2)
		return usage();
	r = policy_read_path(argv[1], diag, &policy, NULL);
	if (r < 0) {
		diag_print(diag, stderr);
		return 3;
	}
	puts("#from\tto\tsource\tdestination\tprotocol\tsport\tport\tverdict\treason\tflow\tnat-to\t"
	     "nat-destination\tnat-port\tsource-nat\tkind\tabout");
	r = ask ? answer_lines(policy_tree(policy))
		: print_probes(policy_tree(policy), seed, count, most);
	policy_free(policy);
	diag_free(diag);
	return r;
}
