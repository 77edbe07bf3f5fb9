#include "replay/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

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

static void join(struct groups *groups)
{
	size_t kept = 0;

	for (size_t i = 0; i < groups->n; i++) {
		struct group *group = &groups->v[i];

		if (!kept || !same_group(&groups->v[kept - 1], group)) {
			groups->v[kept++] = *group;
			continue;
		}
		groups->v[kept - 1].connections += group->connections;
		groups->v[kept - 1].answered += group->answered;
		groups->v[kept - 1].packets += group->packets;
		groups->v[kept - 1].bytes += group->bytes;
	}
	groups->n = kept;
}

void groups_make(const struct replay *replay, struct groups *ret)
{
	const struct tracks *tracks = &replay->tracks;

	*ret = (struct groups){ .v = calloc(tracks->n + 1, sizeof(*ret->v)) };
	if (!ret->v)
		abort();
	for (size_t i = 0; i < tracks->n; i++) {
		const struct connection *entry = track_at(tracks, i);

		if (replay_is_alias(entry))
			continue;
		ret->v[ret->n] = group_of(entry, (uint32_t)i);
		ret->connections[entry->verdict]++;
		ret->packets[entry->verdict] += ret->v[ret->n].packets;
		ret->bytes[entry->verdict] += ret->v[ret->n].bytes;
		ret->n++;
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), by_key);
	join(ret);
	qsort(ret->v, ret->n, sizeof(*ret->v), by_size);
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

static struct judge_answer answer_of(const struct connection *entry)
{
	return (struct judge_answer){ .verdict = (enum replay_verdict)entry->verdict,
				      .reason = (enum replay_reason)entry->reason,
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

void changes_make(const struct replay *replay, const struct plan *is_plan,
		  const struct judge_answer *is, struct changes *ret)
{
	const struct tracks *tracks = &replay->tracks;
	VEC(struct change) all = { 0 };
	size_t kept = 0;

	*ret = (struct changes){ 0 };
	for (size_t i = 0; i < tracks->n; i++) {
		const struct connection *entry = track_at(tracks, i);
		struct change change = { .was = answer_of(entry),
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
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_fates);
	for (size_t i = 0; i < all.n; i++) {
		if (kept && same_fates(&all.v[kept - 1], &all.v[i])) {
			all.v[kept - 1].connections++;
			all.v[kept - 1].packets += all.v[i].packets;
			continue;
		}
		all.v[kept++] = all.v[i];
	}
	if (kept)
		qsort(all.v, kept, sizeof(*all.v), by_count);
	ret->v = all.v;
	ret->n = kept;
}

void changes_done(struct changes *changes)
{
	free(changes->v);
	*changes = (struct changes){ 0 };
}
