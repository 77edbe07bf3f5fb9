// How long the judge takes over a table of live connections when a policy changes: median of ROUNDS
// of judge() in milliseconds, nanoseconds a connection, and how many of them are cut.
//
//   bench_revoke ROUNDS DIR CONNECTIONS
//
// Nine connections in ten are some cell's, drawn evenly over cells and within each; of the tenth
// the port is another.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netinet/in.h>

#include "daemon/judge.h"

enum { ROUNDS_MAX = 100, CONNECTIONS_MAX = 4000000 };

static uint64_t state = 0x5e415e41;

static uint64_t roll(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 8) % below;
}

static struct plan *plan_of(const char *dir)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_path(dir, diag, &policy, NULL) < 0 ||
	    plan_make(policy, diag, &plan, NULL) < 0)
		diag_print(diag, stderr);
	policy_free(policy);
	diag_free(diag);
	return plan;
}

// Evenly within a range, of its last 2^32 addresses.
static void draw_address(const struct addr_range *range, uint8_t *out)
{
	addr_bits width = range->hi - range->lo;

	addr_to_bytes(range->family,
		      range->hi - roll((width < UINT32_MAX ? width : UINT32_MAX) + 1), out);
}

static uint16_t draw_port(uint16_t lo, uint16_t hi)
{
	return (uint16_t)(lo + roll((uint64_t)hi - lo + 1));
}

static void make_entry(const struct plan_class *class, const struct plan_cell *cell,
		       struct conntrack_entry *ret)
{
	const struct plan_atom *atom = &class->atoms[roll(class->n_atoms)];

	*ret = (struct conntrack_entry){ .family = (uint8_t)cell->rect.source.family,
					 .protocol = atom->protocol_lo };
	draw_address(&cell->rect.source, ret->original.source);
	draw_address(&cell->rect.destination, ret->original.destination);
	if (ret->protocol == IPPROTO_ICMP || ret->protocol == IPPROTO_ICMPV6) {
		ret->icmp_type = (uint8_t)atom->port_lo;
	} else {
		ret->original.source_port = draw_port(atom->sport_lo, atom->sport_hi);
		ret->original.destination_port = draw_port(atom->port_lo, atom->port_hi);
	}
	if (roll(10) == 0)
		ret->original.destination_port = draw_port(1, UINT16_MAX);
	memcpy(ret->reply.source, ret->original.destination, 16);
	memcpy(ret->reply.destination, ret->original.source, 16);
	ret->reply.source_port = ret->original.destination_port;
	ret->reply.destination_port = ret->original.source_port;
}

struct place_of_cell {
	const struct plan_class *class;
	const struct plan_cell *cell;
};

static struct place_of_cell *list_cells(const struct plan *plan, size_t *ret_n)
{
	struct place_of_cell *all = calloc(PLAN_CELLS_MAX, sizeof(*all));
	size_t n_pairs, n = 0;
	const struct plan_pair *pairs = plan_pairs(plan, &n_pairs);

	for (size_t p = 0; all && p < n_pairs; p++)
		for (size_t k = 0; k < pairs[p].n_classes; k++)
			for (size_t i = 0; i < pairs[p].classes[k].n_cells; i++)
				all[n++] = (struct place_of_cell){ &pairs[p].classes[k],
								   &pairs[p].classes[k].cells[i] };
	*ret_n = n;
	return all;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc == 4 ? atoi(argv[1]) : 0;
	int n = argc == 4 ? atoi(argv[3]) : 0;
	double took[ROUNDS_MAX];
	size_t n_cells, cut = 0;

	if (rounds < 1 || rounds > ROUNDS_MAX || n < 1 || n > CONNECTIONS_MAX) {
		fprintf(stderr, "usage: bench_revoke ROUNDS DIR CONNECTIONS (1 to %d rounds)\n",
			ROUNDS_MAX);
		return 2;
	}
	struct plan *plan = plan_of(argv[2]);
	struct conntrack_entry *entries = calloc((size_t)n, sizeof(*entries));
	struct judge_verdict *verdicts = calloc((size_t)n, sizeof(*verdicts));
	struct place_of_cell *cells = plan ? list_cells(plan, &n_cells) : NULL;

	if (!entries || !verdicts || !cells || n_cells == 0)
		return 1;
	for (int i = 0; i < n; i++) {
		const struct place_of_cell *at = &cells[roll(n_cells)];

		make_entry(at->class, at->cell, &entries[i]);
	}
	struct judge_world world = { .entries = entries, .n_entries = (size_t)n };

	for (int i = 0; i < rounds; i++) {
		double start = now_ms();

		judge(plan, &world, verdicts);
		took[i] = now_ms() - start;
	}
	for (int i = 0; i < n; i++)
		cut += verdicts[i].outcome == JUDGE_CUT;
	qsort(took, (size_t)rounds, sizeof(took[0]), by_value);
	printf("%.0f %.0f %zu\n", took[rounds / 2], took[rounds / 2] * 1e6 / n, cut);
	free(cells);
	free(verdicts);
	free(entries);
	plan_free(plan);
	return 0;
}
