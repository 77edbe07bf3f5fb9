// Goes round the zones of the lab with real clients and prints what got through and what was
// stopped, and by what: a table of zone against zone, IPv4 and IPv6, beside what the policy says.
//
//   lab-tour DIR [--all]      DIR: the policy that the lab's gateway runs
//
// Exit 0 if everything went as the policy says, 4 if not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/text.h"
#include "lab/tour/tour.h"
#include "policy/policy.h"

enum { NAME_COLUMNS = 34, ADDRESS_COLUMNS = 24, STOPPED_LINES = 2 };

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value && *value ? value : otherwise;
}

static void read_hosts(struct tour *tour)
{
	char path[300], line[512], what[16], name[64], a[64], b[64], c[64], d[64];
	snprintf(path, sizeof(path), "%s/%s/table",
		 from_environment("LAB_HOME", "/run/sekisho-lab"), tour->prefix);
	FILE *file = fopen(path, "re");
	if (!file) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), file)) {
		struct tour_host host = { 0 };
		if (sscanf(line, "%15s %63s %63s %63s %63s %63s", what, name, a, b, c, d) != 6 ||
		    (strcmp(what, "host") != 0 && strcmp(what, "gw") != 0) ||
		    addr_parse(d, &host.addr) < 0)
			continue;
		host.gateway = what[0] == 'g';
		host.zone = (uint16_t)plan_find_zone(tour->plan, name);
		vec_push(&tour->hosts, host);
	}
	fclose(file);
}

static const char *zone_title(const struct tour *tour, uint16_t zone)
{
	if (zone == PLAN_SELF)
		return "関所 (self)";
	return *tour->zones[zone].title ? tour->zones[zone].title : tour->zones[zone].id;
}

// --- the table ----------------------------------------------------------------------------------

// What became of a pair: a permitted attempt that got through shows its family.
static void cell(const struct tour *tour, uint16_t from, uint16_t to, char out[4])
{
	bool tried = false;
	strcpy(out, " . ");
	for (size_t i = 0; i < tour->attempts.n; i++) {
		const struct tour_attempt *attempt = &tour->attempts.v[i];
		if (attempt->from != from || attempt->to != to)
			continue;
		tried = true;
		if (attempt->through != (attempt->answer.verdict == PLAN_ALLOW)) {
			strcpy(out, "!! ");
			return;
		}
		if (!attempt->through)
			continue;
		if (out[1] == '.')
			strcpy(out, "   ");
		out[attempt->packet.source.family == ADDR_V6] =
			attempt->packet.source.family == ADDR_V6 ? '6' : '4';
	}
	if (!tried)
		strcpy(out, "   ");
}

static void print_matrix(const struct tour *tour)
{
	printf("\nWho reached whom (row: from, column: to).  4, 6: got through by IPv4, IPv6;\n"
	       ".: everything tried was stopped; !!: otherwise than the policy says.\n\n%*s",
	       NAME_COLUMNS + 4, "");
	for (uint16_t to = 0; to < tour->n_zones; to++)
		printf("%2u ", to);
	putchar('\n');
	for (uint16_t from = 0; from < tour->n_zones; from++) {
		printf("%2u  ", from);
		text_pad(stdout, zone_title(tour, from), NAME_COLUMNS);
		for (uint16_t to = 0; to < tour->n_zones; to++) {
			char text[4] = " - ";
			if (from != to)
				cell(tour, from, to, text);
			fputs(text, stdout);
		}
		putchar('\n');
	}
}

// --- the lists ----------------------------------------------------------------------------------

static void print_attempt(const struct tour *tour, const struct tour_attempt *attempt)
{
	char service[64], address[ADDR_TEXT_MAX];
	text_pad(stdout, zone_title(tour, attempt->from), NAME_COLUMNS);
	text_pad(stdout, zone_title(tour, attempt->to), NAME_COLUMNS);
	text_pad(stdout, addr_text(&attempt->packet.destination, address), ADDRESS_COLUMNS);
	text_pad(stdout, tour_service(attempt, service, sizeof(service)), 16);
}

// The same connection by the other family.
static const struct tour_attempt *partner(const struct tour *tour,
					  const struct tour_attempt *attempt)
{
	for (size_t i = 0; i < tour->attempts.n; i++) {
		const struct tour_attempt *other = &tour->attempts.v[i];
		if (other != attempt && other->through && other->from == attempt->from &&
		    other->to == attempt->to && other->client == attempt->client &&
		    other->answer.flow == attempt->answer.flow)
			return other;
	}
	return NULL;
}

static void print_through(const struct tour *tour)
{
	printf("\nGot through, and by which flow:\n\n");
	for (size_t i = 0; i < tour->attempts.n; i++) {
		const struct tour_attempt *attempt = &tour->attempts.v[i];
		const struct tour_attempt *other = attempt->through ? partner(tour, attempt) : NULL;
		if (!attempt->through || (other && other < attempt))
			continue;
		print_attempt(tour, attempt);
		printf("%s  %s\n",
		       other					  ? "v4 v6"
		       : attempt->packet.source.family == ADDR_V4 ? "v4   "
								  : "   v6",
		       attempt->answer.flow < tour->n_flows ? tour->flows[attempt->answer.flow].id
							    : "");
	}
}

static const char *why(const struct plan_answer *answer)
{
	static const char *const words[] = {
		[PLAN_SPOOFED] = "no source address of its zone",
		[PLAN_MISPLACED] = "no address of that zone",
		[PLAN_NO_PAIR] = "no flow from this zone to that",
		[PLAN_NO_SERVICE] = "no flow with this service",
		[PLAN_NO_ADDRESS] = "no flow between these addresses",
		[PLAN_EXCEPTED] = "excepted from the flow",
		[PLAN_NAT_ELSEWHERE] = "translated to another zone",
	};
	size_t n = sizeof(words) / sizeof(words[0]);
	return answer->reason < n && words[answer->reason] ? words[answer->reason] : "denied";
}

// One line a pair; without `all`, a few pairs of each zone.
static void print_stopped(const struct tour *tour, bool all)
{
	uint16_t from = UINT16_MAX, to = UINT16_MAX;
	size_t lines = 0;
	printf("\nStopped, and why (`sekisho query` tells what is missing)%s:\n\n",
	       all ? "" : ", some of each zone's");
	for (size_t i = 0; i < tour->attempts.n; i++) {
		const struct tour_attempt *attempt = &tour->attempts.v[i];
		const struct plan_answer *answer = &attempt->answer;
		if (attempt->through || (attempt->from == from && attempt->to == to))
			continue;
		lines = attempt->from == from ? lines + 1 : 1;
		from = attempt->from;
		to = attempt->to;
		if (!all && lines > STOPPED_LINES)
			continue;
		print_attempt(tour, attempt);
		printf("%s: %s\n", answer->denied_action == PLAN_REJECT ? "refused" : "dropped",
		       why(answer));
	}
}

static size_t print_totals(const struct tour *tour)
{
	size_t through = 0, wrong = 0;
	for (size_t i = 0; i < tour->attempts.n; i++) {
		const struct tour_attempt *attempt = &tour->attempts.v[i];
		through += attempt->through;
		wrong += attempt->through != (attempt->answer.verdict == PLAN_ALLOW);
	}
	printf("\n%zu connections tried with ping, curl and nc: %zu got through, %zu were stopped, "
	       "%zu otherwise than the policy says.\n",
	       tour->attempts.n, through, tour->attempts.n - through, wrong);
	return wrong;
}

int main(int argc, char **argv)
{
	static struct tour tour;
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	bool all = argc == 3 && strcmp(argv[2], "--all") == 0;
	if (argc != 2 && !all) {
		fprintf(stderr, "usage: lab-tour DIR [--all]\n");
		return 2;
	}
	if (policy_read_path(argv[1], diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &tour.plan, NULL) < 0) {
		diag_print(diag, stderr);
		return 3;
	}
	tour.prefix = from_environment("LAB_PREFIX", "sk-");
	tour.zones = plan_zones(tour.plan, &tour.n_zones);
	tour.flows = plan_flows(tour.plan, &tour.n_flows);
	read_hosts(&tour);
	tour_choose(&tour);
	tour_run(&tour);
	print_through(&tour);
	print_stopped(&tour, all);
	print_matrix(&tour);
	size_t wrong = print_totals(&tour);
	vec_done(&tour.hosts);
	vec_done(&tour.attempts);
	plan_free(tour.plan);
	policy_free(policy);
	diag_free(diag);
	return wrong ? 4 : 0;
}
