#include "replay/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

// So many are sorted at once, and those alike brought together, so that what is held grows with
// what differs and not with the connections.
enum { JOIN_AT = 1 << 16 };

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static struct group group_of(const struct connection *entry, uint32_t index)
{
	struct group group = {
		.verdict = entry->verdict,
		.reason = entry->reason,
		.from = entry->from,
		.to = entry->to,
		.flow = entry->flow,
		.connections = 1,
		.answered = (entry->flags & CONNECTION_ANSWERED) != 0,
		.packets = entry->packets[0] + entry->packets[1],
		.bytes = entry->bytes[0] + entry->bytes[1],
		.first = index,
	};

	if (entry->verdict != REPLAY_ALLOWED && entry->verdict != REPLAY_INSPECTED &&
	    entry->verdict != REPLAY_INSIDE) {
		struct plan_packet packet = judge_packet(entry);

		group.protocol = packet.protocol;
		group.port = packet.port;
	}
	return group;
}

static int by_key(const void *x, const void *y)
{
	const struct group *a = x, *b = y;
	const uint64_t keys[][2] = {
		{ a->verdict, b->verdict }, { a->from, b->from },     { a->to, b->to },
		{ a->flow, b->flow },	    { a->reason, b->reason }, { a->protocol, b->protocol },
		{ a->port, b->port },	    { a->first, b->first },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i][0] != keys[i][1])
			return compare_numbers(keys[i][0], keys[i][1]);
	return 0;
}

static bool same_group(const struct group *a, const struct group *b)
{
	return a->verdict == b->verdict && a->from == b->from && a->to == b->to &&
	       a->flow == b->flow && a->reason == b->reason && a->protocol == b->protocol &&
	       a->port == b->port;
}

static int by_size(const void *x, const void *y)
{
	const struct group *a = x, *b = y;

	if (a->verdict != b->verdict)
		return compare_numbers(a->verdict, b->verdict);
	return a->connections != b->connections ? compare_numbers(b->connections, a->connections)
						: compare_numbers(a->first, b->first);
}

static size_t join_groups(struct group *v, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_key);
	for (size_t i = 0; i < n; i++) {
		if (!kept || !same_group(&v[kept - 1], &v[i])) {
			v[kept++] = v[i];
			continue;
		}
		v[kept - 1].connections += v[i].connections;
		v[kept - 1].answered += v[i].answered;
		v[kept - 1].packets += v[i].packets;
		v[kept - 1].bytes += v[i].bytes;
	}
	return kept;
}

void groups_make(const struct replay *replay, struct groups *ret)
{
	const struct tracks *tracks = &replay->tracks;
	VEC(struct group) all = { 0 };
	size_t limit = JOIN_AT;

	*ret = (struct groups){ 0 };
	for (size_t i = 0; i < tracks->n; i++) {
		const struct connection *entry = track_at(tracks, i);
		struct group group = group_of(entry, (uint32_t)i);

		if (replay_is_alias(entry))
			continue;
		ret->connections[entry->verdict]++;
		ret->packets[entry->verdict] += group.packets;
		ret->bytes[entry->verdict] += group.bytes;
		vec_push(&all, group);
		if (all.n < limit)
			continue;
		all.n = join_groups(all.v, all.n);
		limit = all.n + all.n / 2 + JOIN_AT;
	}
	ret->n = join_groups(all.v, all.n);
	if (ret->n)
		qsort(all.v, ret->n, sizeof(*all.v), by_size);
	ret->v = all.v;
}

void groups_done(struct groups *groups)
{
	free(groups->v);
	*groups = (struct groups){ 0 };
}

// --- changes

static const char *flow_id(const struct plan *plan, uint32_t flow)
{
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	return flow < n ? flows[flow].id : "";
}

static struct fate fate_of(const struct connection *entry)
{
	return (struct fate){ .verdict = entry->verdict,
			      .reason = entry->reason,
			      .from = entry->from,
			      .to = entry->to,
			      .flow = entry->flow };
}

static int by_fates(const void *x, const void *y)
{
	const struct change *a = x, *b = y;
	const uint64_t keys[][2] = {
		{ a->was.verdict, b->was.verdict },
		{ a->is.verdict, b->is.verdict },
		{ a->was.from, b->was.from },
		{ a->was.to, b->was.to },
		{ a->was.flow, b->was.flow },
		{ a->is.flow, b->is.flow },
		{ a->was.reason, b->was.reason },
		{ a->is.reason, b->is.reason },
		{ a->first, b->first },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i][0] != keys[i][1])
			return compare_numbers(keys[i][0], keys[i][1]);
	return 0;
}

static bool same_fates(const struct change *a, const struct change *b)
{
	struct change x = *a;

	x.first = b->first;
	return by_fates(&x, b) == 0;
}

static int by_count(const void *x, const void *y)
{
	const struct change *a = x, *b = y;

	return a->connections != b->connections ? compare_numbers(b->connections, a->connections)
						: compare_numbers(a->first, b->first);
}

static size_t join_changes(struct change *v, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_fates);
	for (size_t i = 0; i < n; i++) {
		if (!kept || !same_fates(&v[kept - 1], &v[i])) {
			v[kept++] = v[i];
			continue;
		}
		v[kept - 1].connections += v[i].connections;
		v[kept - 1].packets += v[i].packets;
	}
	return kept;
}

void changes_make(const struct replay *replay, const struct plan *is_plan, const struct fate *is,
		  struct changes *ret)
{
	const struct tracks *tracks = &replay->tracks;
	VEC(struct change) all = { 0 };
	size_t limit = JOIN_AT;

	*ret = (struct changes){ 0 };
	for (size_t i = 0; i < tracks->n; i++) {
		const struct connection *entry = track_at(tracks, i);
		struct change change = { .was = fate_of(entry),
					 .is = is[i],
					 .first = (uint32_t)i,
					 .connections = 1,
					 .packets = entry->packets[0] + entry->packets[1] };

		if (replay_is_alias(entry) ||
		    (change.was.verdict == change.is.verdict &&
		     strcmp(flow_id(replay->options.plan, change.was.flow),
			    flow_id(is_plan, change.is.flow)) == 0))
			continue;
		vec_push(&all, change);
		ret->connections++;
		if (all.n < limit)
			continue;
		all.n = join_changes(all.v, all.n);
		limit = all.n + all.n / 2 + JOIN_AT;
	}
	ret->n = join_changes(all.v, all.n);
	if (ret->n)
		qsort(all.v, ret->n, sizeof(*all.v), by_count);
	ret->v = all.v;
}

void changes_done(struct changes *changes)
{
	free(changes->v);
	*changes = (struct changes){ 0 };
}
