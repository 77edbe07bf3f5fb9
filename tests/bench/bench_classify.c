// The classifier beside a linear search and, where the build found it, DPDK's rte_acl.
//
//	bench-classify --rules FILE [--trace FILE | --zipf ALPHA] [--shuffle SEED] [--ipv6] [--json]
//	               [--name NAME] [--seed SEED] [--rounds N] [--verify N] [--updates N]
//	               [--peer-seconds N] [--peer-mb N] [--once MATCHER]
//	bench-classify --generate N [--style acl|fw|ipc|mixed] [--seed SEED]
//
// Looks all headers of a trace up, 32 at a time on one core, with every matcher in turns, for some
// rounds; a figure is the median of its rounds, in processor time.  --verify: so many headers are
// compared with the linear search first, and a mismatch makes it fail.  --once: one pass of one
// matcher and nothing else, to count instructions of.  --generate writes a rule set.
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/classify/clock.h"
#include "bench/classify/generate.h"
#include "bench/classify/peer.h"
#include "bench/classify/peer_acl.h"
#include "bench/classify/update.h"
#include "classify/build.h"
#include "classify/hide.h"
#include "classify/match.h"

enum {
	ROUNDS_MAX = 101,
	MATCHERS_MAX = 4,
	WARM_HEADERS = 4096,
	BUILDS = 5,
	LINEAR_WORK = 1 << 24, // rules looked at in a pass of the linear search
	LINEAR_HEADERS = 1 << 14,
};

struct seed {
	bool given;
	uint64_t value;
};

struct options {
	const char *rules, *trace, *name, *style, *once;
	double zipf;
	bool v6, json;
	struct seed shuffle, seed;
	uint32_t generate, rounds, verify, updates;
	struct peer_limits limits;
};

struct image {
	void *bytes;
	size_t size;
	double build_ms;
	struct view view;
};

struct samples {
	double ns[ROUNDS_MAX], median;
};

struct bench {
	struct options options;
	struct ruleset set;
	struct trace trace;
	struct linear_rule_v6 *linear;
	struct classify_v4 *keys_v4;
	struct classify_v6 *keys_v6;
	uint32_t *out;
	struct image image, given; // given: in the order of the file, if shuffled
	struct peer peer;
	int peer_status;
	struct samples ours[MATCHERS_MAX], in_order, straight, theirs[PEER_BEST];
	uint32_t verified, wrong, peer_wrong;
};

// --- passes

static void look_up(struct bench *bench, const struct view *view, const struct matcher *matcher,
		    uint32_t n)
{
	for (uint32_t i = 0; i < n; i += MATCH_BATCH) {
		uint32_t batch = n - i < MATCH_BATCH ? n - i : MATCH_BATCH;

		if (bench->options.v6)
			matcher->v6(view, bench->keys_v6 + i, batch, bench->out + i);
		else
			matcher->v4(view, bench->keys_v4 + i, batch, bench->out + i);
	}
}

static double timed(struct bench *bench, const struct view *view, const struct matcher *matcher)
{
	uint32_t n = bench->trace.n;

	look_up(bench, view, matcher, n < WARM_HEADERS ? n : WARM_HEADERS);
	double start = clock_ns();

	look_up(bench, view, matcher, n);
	return (clock_ns() - start) / n;
}

static uint32_t linear(const struct bench *bench, uint32_t header)
{
	if (bench->options.v6)
		return linear_v6(bench->linear, bench->set.n, &bench->keys_v6[header]);
	return linear_v4(&bench->set, &bench->trace.v[header]);
}

static double timed_linear(struct bench *bench)
{
	uint32_t n = LINEAR_WORK / bench->set.n;

	n = n < MATCH_BATCH ? MATCH_BATCH : n > LINEAR_HEADERS ? LINEAR_HEADERS : n;
	n = n > bench->trace.n ? bench->trace.n : n;
	double start = clock_ns();

	for (uint32_t i = 0; i < n; i++)
		bench->out[i] = linear(bench, (uint32_t)((uint64_t)i * bench->trace.n / n));
	return (clock_ns() - start) / n;
}

// --- preparing

static int make_image(const struct ruleset *set, bool v6, struct image *ret)
{
	struct classify_rule *rules = ruleset_for_classifier(set, v6);
	uint32_t *hider = calloc(set->n + 1, sizeof(*hider));
	double ms[BUILDS];
	int r = 0;

	if (!hider)
		abort();
	for (unsigned b = 0; r == 0 && b < BUILDS; b++) {
		free(ret->bytes);
		ret->bytes = NULL;
		double start = clock_ns();

		hide_rules(rules, set->n, hider);
		r = build_image(rules, set->n, hider, &ret->bytes, &ret->size);
		ms[b] = (clock_ns() - start) / 1e6;
	}
	free(rules);
	free(hider);
	if (r < 0)
		return r;
	ret->build_ms = samples_median(ms, BUILDS);
	view_open(&ret->view, ret->bytes, v6 ? ADDR_V6 : ADDR_V4);
	return 0;
}

static int complain(const char *what, int r)
{
	fprintf(stderr, "bench-classify: %s: %s\n", what, strerror(-r));
	return r;
}

static int prepare(struct bench *bench)
{
	const struct options *options = &bench->options;
	int r = ruleset_read(options->rules, &bench->set);

	if (r < 0)
		return complain(options->rules, r);
	if (options->trace) {
		r = trace_read(options->trace, &bench->trace);
		if (r < 0)
			return complain(options->trace, r);
	} else {
		bench->trace =
			trace_make(&bench->set, TRACE_HEADERS, options->seed.value, options->zipf);
	}
	bench->keys_v4 = trace_keys_v4(&bench->trace);
	bench->keys_v6 = trace_keys_v6(&bench->trace);
	bench->out = calloc(bench->trace.n + 1, sizeof(*bench->out));
	if (!bench->out)
		abort();
	if (options->shuffle.given) {
		r = make_image(&bench->set, options->v6, &bench->given);
		ruleset_shuffle(&bench->set, options->shuffle.value);
	}
	if (r == 0)
		r = make_image(&bench->set, options->v6, &bench->image);
	if (r < 0)
		return complain("building the image", r);
	bench->linear = linear_rules_v6(&bench->set);
	return 0;
}

static void done(struct bench *bench)
{
	peer_stop(&bench->peer);
	ruleset_done(&bench->set);
	trace_done(&bench->trace);
	free(bench->linear);
	free(bench->keys_v4);
	free(bench->keys_v6);
	free(bench->out);
	free(bench->image.bytes);
	free(bench->given.bytes);
}

// --- measuring

// Every matcher and the peer against the linear search.
static void verify(struct bench *bench)
{
	uint32_t n =
		bench->options.verify < bench->trace.n ? bench->options.verify : bench->trace.n;
	uint32_t *right = calloc(n + 1, sizeof(*right));

	if (!right)
		abort();
	for (uint32_t i = 0; i < n; i++)
		right[i] = linear(bench, (uint32_t)((uint64_t)i * bench->trace.n / n));
	for (const struct matcher *const *m = matchers_all(); *m; m++) {
		look_up(bench, &bench->image.view, *m, bench->trace.n);
		for (uint32_t i = 0; i < n; i++)
			bench->wrong += bench->out[(uint64_t)i * bench->trace.n / n] != right[i];
	}
	for (uint32_t i = 0; bench->peer_status == 0 && i < n; i++)
		bench->peer_wrong +=
			bench->peer.results[(uint64_t)i * bench->trace.n / n] != right[i];
	bench->verified = n;
	free(right);
}

static int measure(struct bench *bench)
{
	const struct matcher *const *all = matchers_all();
	uint32_t rounds = bench->options.rounds;

	for (uint32_t round = 0; round < rounds; round++) {
		double theirs[PEER_BEST];

		for (unsigned m = 0; all[m]; m++)
			bench->ours[m].ns[round] = timed(bench, &bench->image.view, all[m]);
		if (bench->options.shuffle.given)
			bench->in_order.ns[round] =
				timed(bench, &bench->given.view, matcher_best());
		bench->straight.ns[round] = timed_linear(bench);
		if (bench->peer_status == 0 && peer_round(&bench->peer, theirs) < 0)
			return complain("rte_acl", -EPIPE);
		for (unsigned b = 0; bench->peer_status == 0 && b < PEER_BEST; b++)
			bench->theirs[b].ns[round] = theirs[b];
	}
	for (unsigned m = 0; all[m]; m++)
		bench->ours[m].median = samples_median(bench->ours[m].ns, rounds);
	for (unsigned b = 0; b < PEER_BEST; b++)
		bench->theirs[b].median = samples_median(bench->theirs[b].ns, rounds);
	bench->in_order.median = samples_median(bench->in_order.ns, rounds);
	bench->straight.median = samples_median(bench->straight.ns, rounds);
	return 0;
}

// --- telling

static void figure(const struct bench *bench, const char *what, const char *peer, double value,
		   const char *unit, double of)
{
	const struct options *options = &bench->options;
	char ratio[32] = "null";

	if (of > 0)
		snprintf(ratio, sizeof(ratio), "%.4f", value / of);
	if (options->json)
		printf("{\"what\":\"classify %s %s%s%s %s\",\"peer\":\"%s\",\"value\":%.3f,"
		       "\"unit\":\"%s\",\"ratio\":%s}\n",
		       options->name,
		       options->trace	   ? "trace"
		       : options->zipf > 0 ? "zipf"
					   : "uniform",
		       options->shuffle.given ? "-shuffled" : "", options->v6 ? "-ipv6" : "", what,
		       peer, value, unit, ratio);
	else
		printf("%-28s %12.3f %-8s %s%s%s\n", what, value, unit, of > 0 ? ratio : "",
		       of > 0 ? " of " : "", peer);
}

static unsigned best_of_theirs(const struct bench *bench)
{
	unsigned best = 0;

	for (unsigned b = 1; b < PEER_BEST; b++)
		if (bench->theirs[b].median < bench->theirs[best].median)
			best = b;
	return best;
}

static void tell_look_ups(const struct bench *bench)
{
	const struct matcher *const *all = matchers_all();
	bool has_peer = bench->peer_status == 0;
	unsigned best = best_of_theirs(bench);
	double theirs = has_peer ? bench->theirs[best].median : 0;
	const char *name = has_peer ? bench->peer.name[best] : bench->peer.why;
	double ours = 0;

	for (unsigned m = 0; all[m]; m++) {
		char what[32];

		ours = bench->ours[m].median;
		snprintf(what, sizeof(what), "lookup-%s", all[m]->name);
		figure(bench, what, name, ours, "ns", theirs);
	}
	figure(bench, "lookup", name, ours, "ns", theirs);
	figure(bench, "lookup", "linear", ours, "ns", bench->straight.median);
	if (bench->options.shuffle.given)
		figure(bench, "order", "the order of the file", ours, "ns", bench->in_order.median);
	figure(bench, "lookup-linear", "itself", bench->straight.median, "ns", 0);
	if (has_peer)
		figure(bench, "lookup-rte_acl", name, theirs, "ns", theirs);
}

static void tell_updates(const struct bench *bench)
{
	static const char *const kind[UPDATE_KINDS] = { "insert", "delete" };
	struct update_figures update;

	update_measure(&bench->set, &bench->trace, bench->options.updates,
		       bench->options.seed.value, &update);
	for (unsigned k = 0; k < UPDATE_KINDS; k++) {
		char what[32];

		snprintf(what, sizeof(what), "%s-median", kind[k]);
		figure(bench, what, "goal", update.median_us[k], "us", 10);
		snprintf(what, sizeof(what), "%s-worst", kind[k]);
		figure(bench, what, "goal", update.worst_us[k], "us", 1000);
		snprintf(what, sizeof(what), "%s-worst-cpu", kind[k]);
		figure(bench, what, "goal", update.worst_cpu_us[k], "us", 1000);
	}
	figure(bench, "settle", "", update.settle_ms, "ms", 0);
	figure(bench, "wrong-after-updates", "linear", update.wrong, "headers", 0);
}

static void tell(const struct bench *bench)
{
	char of[64];

	tell_look_ups(bench);
	figure(bench, "build", bench->peer_status == 0 ? "rte_acl" : bench->peer.why,
	       bench->image.build_ms, "ms", bench->peer_status == 0 ? bench->peer.build_ms : 0);
	figure(bench, "bytes-a-rule", "goal", (double)bench->image.size / bench->set.n, "bytes",
	       150);
	snprintf(of, sizeof(of), "linear, %u headers", bench->verified);
	figure(bench, "mismatches", of, bench->wrong, "headers", 0);
	if (bench->peer_status == 0)
		figure(bench, "rte_acl-mismatches", of, bench->peer_wrong, "headers", 0);
	if (bench->options.updates)
		tell_updates(bench);
}

// --- beginning

static int run_once(struct bench *bench)
{
	struct peer_acl *acl;
	double build_ms;

	if (!strcmp(bench->options.once, "rte_acl")) // it looks all headers up once when it is made
		return peer_acl_new(&bench->set, &bench->trace, bench->options.v6,
				    bench->options.limits.heap_mb, bench->out, &build_ms, &acl);
	for (const struct matcher *const *m = matchers_all(); *m; m++)
		if (!strcmp((*m)->name, bench->options.once)) {
			look_up(bench, &bench->image.view, *m, bench->trace.n);
			return 0;
		}
	return complain(bench->options.once, -ENOTSUP);
}

static int run(struct bench *bench)
{
	int r = prepare(bench);

	if (r < 0)
		return r;
	if (bench->options.once)
		return run_once(bench);
	bench->peer_status = peer_start(&bench->set, &bench->trace, bench->options.v6,
					&bench->options.limits, &bench->peer);
	verify(bench);
	if (bench->peer_status == 0 && peer_choose(&bench->peer) < 0)
		return complain("rte_acl", -EPIPE);
	r = measure(bench);
	if (r == 0)
		tell(bench);
	return r < 0 ? r : bench->wrong ? -EIO : 0;
}

static int generate(const struct options *options)
{
	struct ruleset set;
	int r = generate_rules(options->style, options->generate, options->seed.value, &set);

	if (r < 0)
		return complain("--generate", r);
	ruleset_print(&set, stdout);
	ruleset_done(&set);
	return fflush(stdout) ? -errno : 0;
}

static void stay_on_this_core(void)
{
	cpu_set_t core;

	CPU_ZERO(&core);
	CPU_SET((unsigned)sched_getcpu(), &core);
	sched_setaffinity(0, sizeof(core), &core);
}

// What an option sets: a member of struct options.
enum kind { FLAG, TEXT, REAL, COUNT, SEED };

static const struct row {
	const char *name;
	enum kind kind;
	size_t at;
	uint32_t most; // of a count
} rows[] = {
	{ "rules", TEXT, offsetof(struct options, rules), 0 },
	{ "trace", TEXT, offsetof(struct options, trace), 0 },
	{ "zipf", REAL, offsetof(struct options, zipf), 0 },
	{ "shuffle", SEED, offsetof(struct options, shuffle), 0 },
	{ "ipv6", FLAG, offsetof(struct options, v6), 0 },
	{ "json", FLAG, offsetof(struct options, json), 0 },
	{ "name", TEXT, offsetof(struct options, name), 0 },
	{ "seed", SEED, offsetof(struct options, seed), 0 },
	{ "rounds", COUNT, offsetof(struct options, rounds), ROUNDS_MAX },
	{ "verify", COUNT, offsetof(struct options, verify), TRACE_HEADERS },
	{ "updates", COUNT, offsetof(struct options, updates), 1 << 20 },
	{ "peer-seconds", COUNT, offsetof(struct options, limits.build_s), 86400 },
	{ "peer-mb", COUNT, offsetof(struct options, limits.build_mb), 1 << 20 },
	{ "once", TEXT, offsetof(struct options, once), 0 },
	{ "generate", COUNT, offsetof(struct options, generate), SET_RULES_MAX },
	{ "style", TEXT, offsetof(struct options, style), 0 },
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

static void take_option(struct options *options, const struct row *row, const char *text)
{
	void *at = (char *)options + row->at;
	unsigned long long n = text ? strtoull(text, NULL, 10) : 0;

	switch (row->kind) {
	case FLAG:
		*(bool *)at = true;
		break;
	case TEXT:
		*(const char **)at = text;
		break;
	case REAL:
		*(double *)at = strtod(text, NULL);
		break;
	case COUNT:
		*(uint32_t *)at = n > row->most ? row->most : (uint32_t)n;
		break;
	case SEED:
		*(struct seed *)at = (struct seed){ true, n };
		break;
	}
}

static bool take_options(struct options *options, int argc, char **argv)
{
	struct option given[ROWS + 1] = { 0 };
	int option;

	for (int i = 0; i < ROWS; i++)
		given[i] = (struct option){ rows[i].name,
					    rows[i].kind == FLAG ? no_argument : required_argument,
					    NULL, i };
	while ((option = getopt_long(argc, argv, "", given, NULL)) != -1) {
		if (option < 0 || option >= ROWS)
			return false;
		take_option(options, &rows[option], optarg);
	}
	return optind == argc;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	struct bench bench = {
		.options = { .style = "mixed",
			     .seed = { true, 7 },
			     .rounds = 11,
			     .verify = 1 << 16,
			     .limits = { .build_s = 120, .build_mb = 8192, .heap_mb = 4096 } },
	};
	bool known = take_options(&bench.options, argc, argv);
	int r;

	if (known && bench.options.generate)
		return generate(&bench.options) < 0;
	if (!known || !bench.options.rules || !bench.options.rounds ||
	    (bench.options.trace && bench.options.zipf > 0)) {
		fputs("usage: bench-classify --rules FILE [--trace FILE | --zipf ALPHA] "
		      "[--shuffle SEED] [--ipv6] [--json], or --generate N\n",
		      stderr);
		return 2;
	}
	if (!bench.options.name)
		bench.options.name = base_name(bench.options.rules);
	stay_on_this_core();
	r = run(&bench);
	done(&bench);
	return r < 0;
}
