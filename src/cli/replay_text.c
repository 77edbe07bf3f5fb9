// replay, for people: totals, then what was allowed, inspected and denied, and why.
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/replay.h"
#include "cli/table.h"

enum { ROWS_MAX = 40, INTERFACES_SHOWN = 8, WHY_COLUMNS = 90 };

const char *replay_zone_id(const struct plan *plan, uint16_t zone)
{
	size_t n;
	const struct plan_zone *zones = plan_zones(plan, &n);

	return zone < n ? zones[zone].id : "?";
}

const char *replay_flow_id(const struct plan *plan, uint32_t flow)
{
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	return flow < n ? flows[flow].id : NULL;
}

const char *replay_service(const struct plan_packet *packet, char *out, size_t size)
{
	struct plan_atom atom = { packet->protocol, packet->protocol, 0,
				  UINT16_MAX,	    packet->port,     packet->port };

	if (!packet->port && !packet->sport && packet->protocol != 1 && packet->protocol != 58)
		atom.port_hi = UINT16_MAX; // a protocol without ports
	return plan_atom_text(&atom, out, size);
}

static const char *size_text(uint64_t bytes, char out[24])
{
	static const char units[] = "BKMGT";
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 10000 && unit + 2 < sizeof(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, 24, unit ? "%.0f %c" : "%.0f", value, units[unit]);
	return out;
}

// --- the head

static void print_time(const struct replay_totals *totals)
{
	char first[40], last[40];

	if (totals->first_us <= 0)
		return;
	printf("time         %s to %s\n", cli_time_text((uint64_t)totals->first_us, first),
	       cli_time_text((uint64_t)totals->last_us, last));
}

static void print_zones(const struct replay_view *view)
{
	const struct spots *spots = &view->replay.spots;
	unsigned known = 0;

	for (size_t i = 1; i < spots->n; i++) {
		if (spots->zones[i] == SPOT_NO_ZONE)
			continue;
		if (known++ >= INTERFACES_SHOWN)
			continue;
		if (spots->v[i].name[0])
			printf("%s%s", known > 1 ? ", " : "interfaces   ", spots->v[i].name);
		else
			printf("%s%s%u", known > 1 ? ", " : "interfaces   ",
			       spots->v[i].numbered ? "" : "number ", spots->v[i].number);
		printf(" = %s", replay_zone_id(view->loaded.plan, spots->zones[i]));
	}
	if (known > INTERFACES_SHOWN)
		printf(" and %u more", known - INTERFACES_SHOWN);
	if (known)
		puts("");
	if (known + 1 < spots->n || !known)
		puts("             zones by address where the interface is not known: false sources "
		     "do not show (--interface NAME=ZONE)");
}

static void print_left(const struct replay_totals *totals)
{
	bool any = false;

	for (int i = 0; i < REPLAY_LEFT; i++)
		if (totals->left[i]) {
			printf("%s%llu %s", any ? "; " : "left aside   ",
			       (unsigned long long)totals->left[i],
			       replay_left_text((enum replay_left)i));
			any = true;
		}
	if (any)
		puts("");
	if (totals->copies)
		printf("copies       %llu packets seen again where they left\n",
		       (unsigned long long)totals->copies);
	if (totals->errors)
		printf("ICMP errors  %llu about connections; %llu of types that the settings refuse\n",
		       (unsigned long long)totals->errors,
		       (unsigned long long)totals->errors_refused);
}

static void print_head(const struct replay_view *view)
{
	const struct replay_totals *totals = &view->replay.totals;
	const struct capture *capture = &view->capture;
	char size[24];
	uint64_t connections = 0;

	printf("capture      %s: %llu packets, %s bytes, %s%s%s\n", view->file,
	       (unsigned long long)totals->packets, size_text(totals->bytes, size),
	       capture->ng ? "pcapng" : "pcap", capture->n_interfaces ? ", " : "",
	       capture->n_interfaces ? link_name(capture->interfaces[0].link_type) : "");
	print_time(totals);
	print_zones(view);
	print_left(totals);
	for (int i = 0; i < REPLAY_VERDICTS; i++)
		connections += view->groups.connections[i];
	printf("connections  %llu", (unsigned long long)connections);
	for (int i = 0; i < REPLAY_VERDICTS; i++)
		if (view->groups.connections[i])
			printf(", %llu %s", (unsigned long long)view->groups.connections[i],
			       replay_verdict_word((enum replay_verdict)i));
	puts("");
}

// --- groups

static const char *why(const struct replay_view *view, const struct group *group, char *out,
		       size_t size)
{
	const struct connection *entry = track_at(&view->replay.tracks, group->first);
	struct judge_answer answer;
	struct plan_answer told;

	if (group->reason < REPLAY_SPOOFED || group->reason > REPLAY_NAT_ELSEWHERE)
		return replay_reason_text((enum replay_reason)group->reason);
	judge_connection(&view->replay.judge, entry, &answer);
	plan_query(view->loaded.plan, &answer.packet, &told);
	snprintf(out, size, "%s", told.text);
	return out;
}

static void add_counts(struct table *table, const struct replay_view *view,
		       const struct group *group)
{
	char bytes[24];

	table_add_number(table, track_at(&view->replay.tracks, group->first)->ordinal);
	table_add_number(table, group->connections);
	table_add_number(table, group->packets);
	table_add(table, size_text(group->bytes, bytes));
	table_add(table, replay_zone_id(view->loaded.plan, group->from));
	table_add(table, replay_zone_id(view->loaded.plan, group->to));
}

static void print_permitted(const struct replay_view *view, enum replay_verdict verdict)
{
	static const char *const heads[] = { ">first", ">connections", ">packets", ">bytes",
					     "from",   "to",	       "flow" };
	struct table *table = table_new(heads, 7);

	for (size_t i = 0; i < view->groups.n; i++) {
		const struct group *group = &view->groups.v[i];

		if (group->verdict != verdict)
			continue;
		add_counts(table, view, group);
		table_add(table, replay_flow_id(view->loaded.plan, group->flow));
	}
	table_print(table);
	table_free(table);
}

static void print_denied(const struct replay_view *view, enum replay_verdict verdict)
{
	static const char *const heads[] = { ">first", ">connections", ">packets", ">bytes",
					     "from",   "to",	       "service",  "why" };
	struct table *table = table_new(heads, 8);
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < view->groups.n; i++) {
		const struct group *group = &view->groups.v[i];
		struct plan_packet packet = { .protocol = group->protocol, .port = group->port };
		char text[64], reason[512];

		if (group->verdict != verdict)
			continue;
		if (shown++ >= ROWS_MAX) {
			more++;
			continue;
		}
		add_counts(table, view, group);
		table_add(table, group->verdict == REPLAY_INSIDE
					 ? NULL
					 : replay_service(&packet, text, sizeof(text)));
		table_add(table, why(view, group, reason, sizeof(reason)));
	}
	table_limit(table, 7, WHY_COLUMNS);
	table_print(table);
	table_free(table);
	if (more)
		printf("(%zu more; --json has them all)\n", more);
}

static void print_changes(const struct replay_view *view)
{
	static const char *const heads[] = { ">first", ">connections", "from", "to", "was",
					     "",       "is",	       "" };
	struct table *table;
	const struct changes *changes = &view->changes;

	printf("\nWITH %s: %llu connections change\n", cli_value(view->cli, OPT_DIFF),
	       (unsigned long long)changes->connections);
	if (!changes->n)
		return;
	table = table_new(heads, 8);
	for (size_t i = 0; i < changes->n && i < ROWS_MAX; i++) {
		const struct change *change = &changes->v[i];
		const char *was = replay_flow_id(view->loaded.plan, change->was.flow);
		const char *is = replay_flow_id(view->other.plan, change->is.flow);

		table_add_number(table, track_at(&view->replay.tracks, change->first)->ordinal);
		table_add_number(table, change->connections);
		table_add(table, replay_zone_id(view->loaded.plan, change->was.from));
		table_add(table, replay_zone_id(view->loaded.plan, change->was.to));
		table_add(table, replay_verdict_word(change->was.verdict));
		table_add(table, was ? was : replay_reason_word(change->was.reason));
		table_add(table, replay_verdict_word(change->is.verdict));
		table_add(table, is ? is : replay_reason_word(change->is.reason));
	}
	table_print(table);
	table_free(table);
	if (changes->n > ROWS_MAX)
		printf("(%zu more; --json has them all)\n", changes->n - ROWS_MAX);
}

void replay_print(const struct replay_view *view)
{
	static const char *const titles[REPLAY_VERDICTS] = { "ALLOWED", "INSPECTED", "DENIED",
							     "AMBIGUOUS", "WITHIN ONE ZONE" };

	print_head(view);
	for (int i = 0; i < REPLAY_VERDICTS; i++) {
		char bytes[24];

		if (!view->groups.connections[i])
			continue;
		printf("\n%s: %llu connections, %llu packets, %s bytes\n", titles[i],
		       (unsigned long long)view->groups.connections[i],
		       (unsigned long long)view->groups.packets[i],
		       size_text(view->groups.bytes[i], bytes));
		if (i == REPLAY_ALLOWED || i == REPLAY_INSPECTED)
			print_permitted(view, (enum replay_verdict)i);
		else
			print_denied(view, (enum replay_verdict)i);
	}
	if (view->other.plan)
		print_changes(view);
	if (view->groups.connections[REPLAY_DENIED])
		puts("\n--connections lists each, --packets N shows one, --propose writes the flows "
		     "that would permit what is denied.");
}

// --- each connection

static void print_connection(const struct replay_view *view, const struct connection *entry)
{
	struct plan_packet packet = judge_packet(entry);
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX], service[64], port[8] = "";
	const char *flow = replay_flow_id(view->loaded.plan, entry->flow);

	if (packet.sport)
		snprintf(port, sizeof(port), ":%u", packet.sport);
	printf("%7u  %-9s  %s%s (%s) -> %s (%s) %s  %s  %llu+%llu packets, %llu+%llu bytes%s%s\n",
	       entry->ordinal, replay_verdict_word((enum replay_verdict)entry->verdict),
	       addr_text(&packet.source, source), port,
	       replay_zone_id(view->loaded.plan, entry->from),
	       addr_text(&packet.destination, destination),
	       replay_zone_id(view->loaded.plan, entry->to),
	       replay_service(&packet, service, sizeof(service)),
	       flow ? flow : replay_reason_word((enum replay_reason)entry->reason),
	       (unsigned long long)entry->packets[0], (unsigned long long)entry->packets[1],
	       (unsigned long long)entry->bytes[0], (unsigned long long)entry->bytes[1],
	       entry->flags & CONNECTION_MIDDLE ? ", open before the capture" : "",
	       entry->errors ? ", with ICMP errors" : "");
}

void replay_print_connections(const struct replay_view *view)
{
	const struct tracks *tracks = &view->replay.tracks;

	for (size_t i = 0; i < tracks->n; i++)
		if (!replay_is_alias(track_at(tracks, i)))
			print_connection(view, track_at(tracks, i));
}
