// Dump, ways, child: each step starts the next.
#include "daemon/judging.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "daemon/child.h"
#include "daemon/countries.h"
#include "kernel/conntrack.h"
#include "kernel/routes.h"

struct judging {
	sd_event *event;
	const struct gate_options *options;
	int snapshot_fd, countries_fd;
	struct conntrack *conntrack;
	struct routes *routes;
	sd_event_source *source; // of the step under way
	struct child *child;

	struct conntrack_entry *entries;
	size_t n_entries, cap_entries;
	VEC(struct addr) own;
	VEC(struct addr) broadcasts;
	bool asks;
	struct addr_set known;	// networks of the zones that have some
	VEC(struct addr) asked; // addresses that several zones could have
	struct judge_home *homes;
	size_t n_answered;

	struct judge_answer answer;
	judging_done *done;
	void *arg;
};

void judging_free(struct judging *judging)
{
	if (!judging)
		return;
	child_cancel(judging->child);
	sd_event_source_disable_unref(judging->source);
	conntrack_close(judging->conntrack);
	routes_close(judging->routes);
	if (judging->snapshot_fd >= 0)
		close(judging->snapshot_fd);
	if (judging->countries_fd >= 0)
		close(judging->countries_fd);
	free(judging->entries);
	vec_done(&judging->own);
	vec_done(&judging->broadcasts);
	vec_done(&judging->asked);
	free(judging->homes);
	addr_set_done(&judging->known);
	judge_answer_done(&judging->answer);
	free(judging);
}

const struct conntrack_entry *judging_entries(const struct judging *judging, size_t *ret_n)
{
	*ret_n = judging->n_entries;
	return judging->entries;
}

const struct judge_answer *judging_answer(const struct judging *judging)
{
	return &judging->answer;
}

static void fail(struct judging *judging, int error, const char *what)
{
	struct failure failure;
	failure_set(&failure, SK_LIVE_FAILED, error, "live connections were not judged: %s: %s",
		    what, strerror(-error));
	judging->done(judging->arg, judging, &failure);
}

// --- the judge

static void on_judged(void *arg, uint8_t *bytes, size_t size, const struct failure *failed)
{
	struct judging *judging = arg;
	struct failure failure;
	judging->child = NULL;
	if (failed) {
		failure_set(&failure, SK_LIVE_FAILED, 0, "live connections were not judged: %s",
			    failed->text);
		judging->done(judging->arg, judging, &failure);
		return;
	}
	int r = judge_answer_read(bytes, size, judging->n_entries, &judging->answer);
	if (r < 0) {
		free(bytes);
		fail(judging, r, "the judge's answer");
		return;
	}
	judging->done(judging->arg, judging, NULL);
}

static int start_judge(struct judging *judging)
{
	const struct gate_options *options = judging->options;
	struct judge_world world = {
		.entries = judging->entries,
		.own = judging->own.v,
		.broadcasts = judging->broadcasts.v,
		.homes = judging->homes,
		.n_entries = judging->n_entries,
		.n_own = judging->own.n,
		.n_broadcasts = judging->broadcasts.n,
		.n_homes = judging->asked.n,
		.management_prefix = options->management_prefix,
		.management_port = options->management_port,
	};
	struct child_command command = {
		.name = "the judge of connections",
		.argument = JUDGE_ARGUMENT,
		.bytes_max = JUDGE_ANSWER_MAX,
		.n_fds = 3,
	};
	int world_fd;
	memcpy(world.management_interface, options->management_interface,
	       sizeof(world.management_interface));
	int r = judge_world_write(&world, &world_fd);
	if (r < 0)
		return r;
	command.fds[0] = judging->snapshot_fd;
	command.fds[1] = world_fd;
	command.fds[2] = judging->countries_fd;
	r = child_start(judging->event, &command, on_judged, judging, &judging->child);
	close(world_fd);
	return r;
}

// --- ways

static int compare(const void *a, const void *b)
{
	return judge_compare_addr(a, b);
}

static bool is_own(const struct judging *judging, const struct addr *addr)
{
	return judging->own.n &&
	       bsearch(addr, judging->own.v, judging->own.n, sizeof(*judging->own.v), compare);
}

static void ask_about(struct judging *judging, uint8_t family, const uint8_t bytes[16])
{
	struct addr addr = conntrack_addr(family, bytes);
	size_t n = judging->asked.n;
	// Neighbours in the table are often alike.
	if (n && judge_compare_addr(&judging->asked.v[n - 1], &addr) == 0)
		return;
	if (!addr_set_contains(&judging->known, &addr) && !is_own(judging, &addr))
		vec_push(&judging->asked, addr);
}

static void collect_asked(struct judging *judging)
{
	struct addr *v;
	size_t n = 0;
	for (size_t i = 0; i < judging->n_entries; i++)
		ask_about(judging, judging->entries[i].family, judging->entries[i].original.source);
	for (size_t i = 0; i < judging->n_entries; i++)
		ask_about(judging, judging->entries[i].family, judging->entries[i].reply.source);
	v = judging->asked.v;
	if (judging->asked.n)
		qsort(v, judging->asked.n, sizeof(*v), compare);
	for (size_t i = 0; i < judging->asked.n; i++)
		if (n == 0 || judge_compare_addr(&v[n - 1], &v[i]) != 0)
			v[n++] = v[i];
	judging->asked.n = n;
}

static int ask_some(struct judging *judging)
{
	uint32_t indexes[JUDGING_ROUTES_STEP], known = 0;
	char name[IF_NAMESIZE] = "";
	size_t first = judging->n_answered, n = judging->asked.n - first;
	n = n < JUDGING_ROUTES_STEP ? n : JUDGING_ROUTES_STEP;
	int r = routes_interfaces(judging->routes, judging->asked.v + first, n, indexes);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct judge_home *home = &judging->homes[first + i];
		if (indexes[i] != known && !if_indextoname(indexes[i], name))
			name[0] = '\0';
		known = indexes[i];
		home->addr = judging->asked.v[first + i];
		snprintf(home->interface, sizeof(home->interface), "%s", known ? name : "");
	}
	judging->n_answered += n;
	return r;
}

static int on_routes(sd_event_source *source, void *arg)
{
	struct judging *judging = arg;
	const char *what = "the ways to addresses";
	int r = 0;
	if (judging->n_answered < judging->asked.n)
		r = ask_some(judging);
	if (r == 0 && judging->n_answered < judging->asked.n)
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	if (r == 0) {
		what = "the judge";
		r = start_judge(judging);
	}
	if (r < 0)
		fail(judging, r, what);
	return 0;
}

static int start_routes(struct judging *judging)
{
	if (judging->asks)
		collect_asked(judging);
	judging->homes = calloc(judging->asked.n + 1, sizeof(*judging->homes));
	if (!judging->homes)
		return -ENOMEM;
	judging->source = sd_event_source_disable_unref(judging->source);
	return sd_event_add_defer(judging->event, &judging->source, on_routes, judging);
}

// --- the table

static int take_entry(void *arg, const struct conntrack_entry *entry)
{
	struct judging *judging = arg;
	if (judging->n_entries == JUDGING_ENTRIES_MAX)
		return -E2BIG;
	if (judging->n_entries == judging->cap_entries) {
		size_t cap = judging->cap_entries ? 2 * judging->cap_entries : 1024;
		struct conntrack_entry *v = realloc(judging->entries, cap * sizeof(*v));
		if (!v)
			return -ENOMEM;
		judging->entries = v;
		judging->cap_entries = cap;
	}
	judging->entries[judging->n_entries++] = *entry;
	return 0;
}

static int on_table(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct judging *judging = arg;
	(void)source;
	(void)fd;
	(void)events;
	int r = conntrack_dump_step(judging->conntrack, take_entry, judging);
	if (r == 0)
		r = start_routes(judging);
	if (r < 0 && r != -EAGAIN)
		fail(judging, r, "connection tracking");
	return 0;
}

static void take_address(void *arg, const struct addr *addr, bool broadcast)
{
	struct judging *judging = arg;
	if (broadcast)
		vec_push(&judging->broadcasts, *addr);
	else
		vec_push(&judging->own, *addr);
}

static bool has_networks(struct judging *judging, const struct control_row *zone)
{
	struct addr_range range;
	bool any = false;
	for (size_t i = 0; i < zone->n; i++) {
		if (zone->v[i].tag != CTL_NETWORK || addr_range_parse(zone->v[i].text, &range) < 0)
			continue;
		addr_set_append(&judging->known, range);
		any = true;
	}
	return any;
}

// Whose addresses are known, and whether any other could be of several zones.  Of another policy
// these are not the networks: then some addresses are asked about in vain, or an address of several
// zones is judged without its way.
static void take_networks(struct judging *judging, const struct control_rows *zones, bool running)
{
	size_t without = 0;
	for (size_t i = 1; i < zones->n; i++)
		without += !has_networks(judging, &zones->v[i]) &&
			   strcmp(control_text(&zones->v[i], CTL_ROLE), "gateway") != 0;
	addr_set_normalise(&judging->known);
	judging->asks = !running || without > 1;
}

static int start(struct judging *judging, const struct gate *gate, bool running)
{
	int r = routes_open(&judging->routes);
	if (r == 0)
		r = routes_addresses(judging->routes, take_address, judging);
	if (judging->own.n)
		qsort(judging->own.v, judging->own.n, sizeof(*judging->own.v), compare);
	if (judging->broadcasts.n)
		qsort(judging->broadcasts.v, judging->broadcasts.n, sizeof(*judging->broadcasts.v),
		      compare);
	judging->asks = true;
	if (gate->current.about.number)
		take_networks(judging, &gate->current.report.zones, running);
	if (r == 0)
		r = conntrack_open(&judging->conntrack);
	if (r == 0)
		r = conntrack_dump_start(judging->conntrack);
	if (r == 0)
		r = sd_event_add_io(judging->event, &judging->source,
				    conntrack_fd(judging->conntrack), EPOLLIN, on_table, judging);
	return r < 0 ? r : 0;
}

int judging_start(struct gate *gate, sd_event *event, int snapshot_fd, bool running,
		  judging_done *done, void *arg, struct failure *failure,
		  struct judging **ret_judging)
{
	struct judging *judging = calloc(1, sizeof(*judging));
	if (!judging)
		return failure_set(failure, SK_LIVE_FAILED, -ENOMEM, "no memory");
	*judging = (struct judging){
		.event = event,
		.options = gate->options,
		.snapshot_fd = fcntl(snapshot_fd, F_DUPFD_CLOEXEC, 0),
		.countries_fd = -1,
		.done = done,
		.arg = arg,
	};
	int r = judging->snapshot_fd < 0 ? -errno : countries_running(gate, &judging->countries_fd);
	if (r == 0)
		r = start(judging, gate, running);
	if (r < 0) {
		judging_free(judging);
		return failure_set(failure, SK_LIVE_FAILED, r,
				   "live connections were not judged: %s", strerror(-r));
	}
	*ret_judging = judging;
	return 0;
}
