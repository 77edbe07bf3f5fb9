// replay as JSON.
#include <stdio.h>
#include <stdlib.h>

#include "cli/replay.h"

enum { CONNECTIONS_MAX = 200000, GROUPS_MAX = 20000 };

// A clock before 1970 is none.
static uint64_t time_of(int64_t time_us)
{
	return time_us > 0 ? (uint64_t)time_us : 0;
}

static struct json_object *capture_json(const struct replay_view *view)
{
	struct json_object *object = json_object_new_object();
	const struct replay_totals *totals = &view->replay.totals;
	const struct capture *capture = &view->capture;

	cli_json_text(object, "file", view->file);
	cli_json_text(object, "format", capture->ng ? "pcapng" : "pcap");
	cli_json_number(object, "packets", totals->packets);
	cli_json_number(object, "bytes", totals->bytes);
	cli_json_number(object, "first_us", time_of(totals->first_us));
	cli_json_number(object, "last_us", time_of(totals->last_us));
	if (capture->fault[0]) {
		cli_json_text(object, "fault", capture->fault);
		cli_json_number(object, "fault_at", capture->fault_at);
	}
	return object;
}

static struct json_object *totals_json(const struct replay_view *view)
{
	struct json_object *object = json_object_new_object();
	struct json_object *left = json_object_new_object();
	const struct replay_totals *totals = &view->replay.totals;

	for (int i = 0; i < REPLAY_VERDICTS; i++)
		cli_json_number(object, replay_verdict_word((enum replay_verdict)i),
				view->groups.connections[i]);
	for (int i = 0; i < REPLAY_LEFT; i++)
		cli_json_number(left, replay_left_word((enum replay_left)i), totals->left[i]);
	cli_json_number(object, "copies", totals->copies);
	cli_json_number(object, "errors", totals->errors);
	cli_json_number(object, "errors_refused", totals->errors_refused);
	json_object_object_add(object, "left", left);
	return object;
}

static void add_fate(struct json_object *object, const struct plan *plan, unsigned verdict,
		     unsigned reason, uint32_t flow)
{
	cli_json_text(object, "verdict", replay_verdict_word((enum replay_verdict)verdict));
	cli_json_text(object, "flow", replay_flow_id(plan, flow));
	if (flow == PLAN_NONE)
		cli_json_text(object, "reason", replay_reason_word((enum replay_reason)reason));
}

static struct json_object *group_json(const struct replay_view *view, const struct group *group)
{
	struct json_object *object = json_object_new_object();
	struct plan_packet packet = { .protocol = group->protocol, .port = group->port };
	char text[64];

	add_fate(object, view->loaded.plan, group->verdict, group->reason, group->flow);
	cli_json_text(object, "from", replay_zone_id(view->loaded.plan, group->from));
	cli_json_text(object, "to", replay_zone_id(view->loaded.plan, group->to));
	if (group->protocol)
		cli_json_text(object, "service", replay_service(&packet, text, sizeof(text)));
	cli_json_number(object, "connections", group->connections);
	cli_json_number(object, "answered", group->answered);
	cli_json_number(object, "packets", group->packets);
	cli_json_number(object, "bytes", group->bytes);
	cli_json_number(object, "first", track_at(&view->replay.tracks, group->first)->ordinal);
	return object;
}

static void add_tuple(struct json_object *object, const struct connection *entry)
{
	struct plan_packet packet = judge_packet(entry);
	char text[ADDR_TEXT_MAX], service[64];

	cli_json_text(object, "source", addr_text(&packet.source, text));
	cli_json_number(object, "source_port", packet.sport);
	cli_json_text(object, "destination", addr_text(&packet.destination, text));
	cli_json_number(object, "port", packet.port);
	cli_json_number(object, "protocol", packet.protocol);
	cli_json_text(object, "service", replay_service(&packet, service, sizeof(service)));
}

static struct json_object *connection_json(const struct replay_view *view,
					   const struct connection *entry)
{
	struct json_object *object = json_object_new_object();

	cli_json_number(object, "connection", entry->ordinal);
	add_fate(object, view->loaded.plan, entry->verdict, entry->reason, entry->flow);
	cli_json_text(object, "from", replay_zone_id(view->loaded.plan, entry->from));
	cli_json_text(object, "to", replay_zone_id(view->loaded.plan, entry->to));
	add_tuple(object, entry);
	cli_json_number(object, "packets", entry->packets[0]);
	cli_json_number(object, "reply_packets", entry->packets[1]);
	cli_json_number(object, "bytes", entry->bytes[0]);
	cli_json_number(object, "reply_bytes", entry->bytes[1]);
	cli_json_number(object, "copies", entry->copies);
	cli_json_number(object, "errors", entry->errors);
	cli_json_number(object, "first_us", time_of(entry->first_us));
	cli_json_number(object, "last_us", time_of(entry->last_us));
	cli_json_number(object, "packet", entry->number);
	json_object_object_add(object, "middle",
			       json_object_new_boolean(entry->flags & CONNECTION_MIDDLE));
	return object;
}

static void add_connections(struct json_object *object, const struct replay_view *view)
{
	const struct tracks *tracks = &view->replay.tracks;
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < tracks->n; i++) {
		const struct connection *entry = track_at(tracks, i);

		if (!replay_is_alias(entry) && entry->ordinal <= CONNECTIONS_MAX)
			json_object_array_add(all, connection_json(view, entry));
	}
	json_object_object_add(object, "connections", all);
	if (view->replay.connections > CONNECTIONS_MAX)
		cli_json_number(object, "connections_omitted",
				view->replay.connections - CONNECTIONS_MAX);
}

static struct json_object *change_json(const struct replay_view *view, const struct change *change)
{
	struct json_object *object = json_object_new_object();
	struct json_object *was = json_object_new_object(), *is = json_object_new_object();

	add_fate(was, view->loaded.plan, change->was.verdict, change->was.reason, change->was.flow);
	add_fate(is, view->other.plan, change->is.verdict, change->is.reason, change->is.flow);
	json_object_object_add(object, "was", was);
	json_object_object_add(object, "is", is);
	cli_json_text(object, "from", replay_zone_id(view->loaded.plan, change->was.from));
	cli_json_text(object, "to", replay_zone_id(view->loaded.plan, change->was.to));
	cli_json_number(object, "connections", change->connections);
	cli_json_number(object, "packets", change->packets);
	cli_json_number(object, "first", track_at(&view->replay.tracks, change->first)->ordinal);
	add_tuple(object, track_at(&view->replay.tracks, change->first));
	return object;
}

static void add_proposal(struct json_object *object, const struct replay_view *view)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	propose_print(view->proposal, view->include, view->note, out);
	if (fclose(out) == 0)
		cli_json_text(object, "proposal", text);
	free(text);
}

void replay_print_json(const struct replay_view *view)
{
	struct json_object *object = json_object_new_object();
	struct json_object *groups = json_object_new_array();
	struct json_object *changes = json_object_new_array();

	json_object_object_add(object, "capture", capture_json(view));
	json_object_object_add(object, "totals", totals_json(view));
	for (size_t i = 0; i < view->groups.n && i < GROUPS_MAX; i++)
		json_object_array_add(groups, group_json(view, &view->groups.v[i]));
	json_object_object_add(object, "groups", groups);
	if (view->groups.n > GROUPS_MAX)
		cli_json_number(object, "groups_omitted", view->groups.n - GROUPS_MAX);
	if (cli_has(view->cli, OPT_CONNECTIONS))
		add_connections(object, view);
	for (size_t i = 0; i < view->changes.n && i < GROUPS_MAX; i++)
		json_object_array_add(changes, change_json(view, &view->changes.v[i]));
	if (view->other.plan)
		json_object_object_add(object, "changes", changes);
	else
		json_object_put(changes);
	add_proposal(object, view);
	cli_json_print(object);
}
