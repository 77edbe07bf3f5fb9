// flows and zones: of the daemon with their use, or of a folder as written.
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/load.h"
#include "cli/table.h"
#include "cli/verb.h"

static const char *const roles[] = {
	[PLAN_INSIDE] = "inside", [PLAN_UPLINK] = "uplink", [PLAN_EXTERNAL] = "external",
	[PLAN_PUBLIC] = "public", [PLAN_SERVER] = "server", [PLAN_GATEWAY] = "gateway",
};

// Columns of long lists, so that a row stays one line of a terminal; --json has everything.
enum { NARROW = 24, WIDE = 32 };

static void print_flow_rows(const struct control_reply *reply)
{
	static const char *const heads[] = { "flow",	 "title",	 "from", "to",
					     "handling", ">connections", "last", "owner" };
	struct table *table = table_new(heads, 8);
	char text[512];

	table_limit(table, 1, WIDE);
	table_limit(table, 2, NARROW);
	table_limit(table, 3, NARROW);

	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);
		char when[40];

		table_add(table, control_text(row, CTL_ID));
		table_add(table, control_text(row, CTL_TITLE));
		table_add(table, cli_join(row, CTL_FROM, text, sizeof(text)));
		table_add(table, cli_join(row, CTL_TO, text, sizeof(text)));
		table_add(table, control_text(row, CTL_TREATMENT));
		table_add_number(table, control_u64(row, CTL_PACKETS));
		table_add(table, cli_time_text(control_u64(row, CTL_LAST_HIT), when));
		table_add(table, control_text(row, CTL_OWNER));
	}
	table_print(table);
	table_free(table);
}

static void print_zone_rows(const struct control_reply *reply)
{
	static const char *const heads[] = { "zone", "title",	"role",	   "interfaces",
					     "up",   ">denied", ">spoofed" };
	struct table *table = table_new(heads, 7);
	char text[512];

	table_limit(table, 1, WIDE);
	table_limit(table, 3, WIDE);
	table_limit(table, 4, WIDE);

	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		table_add(table, control_text(row, CTL_ID));
		table_add(table, control_text(row, CTL_TITLE));
		table_add(table, control_text(row, CTL_ROLE));
		table_add(table, cli_join(row, CTL_INTERFACE, text, sizeof(text)));
		table_add(table, cli_join(row, CTL_INTERFACE_UP, text, sizeof(text)));
		table_add_number(table, control_u64(row, CTL_DENIED));
		table_add_number(table, control_u64(row, CTL_SPOOFED));
	}
	table_print(table);
	table_free(table);
}

static int list_running(const struct cli *cli, enum control_method method, const char *key,
			void (*print)(const struct control_reply *reply))
{
	struct control_reply reply;
	bool answered;
	int status = cli_call(cli, method, NULL, -1, &reply, &answered);

	if (!answered)
		return status;
	if (cli->json)
		cli_json_print(cli_reply_json(&reply, key));
	else if (control_reply_rows(&reply))
		print(&reply);
	control_reply_done(&reply);
	return status;
}

// Ids of the zones that a flow leads from or to, each once.
static const char *flow_zones(const struct plan *plan, const struct plan_flow *flow, bool to,
			      char *out, size_t size)
{
	bool seen[PLAN_ZONES_MAX] = { false };
	size_t n_zones;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);

	out[0] = '\0';
	for (size_t i = 0; i < flow->n_terms; i++) {
		unsigned zone = to ? flow->terms[i].to : flow->terms[i].from;
		size_t used = strlen(out);

		if (seen[zone])
			continue;
		seen[zone] = true;
		snprintf(out + used, size - used, "%s%s", used ? ", " : "", zones[zone].id);
	}
	return out;
}

static void add_json_row(struct json_object *rows, const char *const *keys, size_t n,
			 const char *const *values)
{
	struct json_object *row = json_object_new_object();

	for (size_t i = 0; i < n; i++)
		cli_json_text(row, keys[i], values[i]);
	json_object_array_add(rows, row);
}

// Rows of texts, as a table or as JSON with the same names.
struct listing {
	const char *const *keys;
	size_t n;
	struct table *table;
	struct json_object *rows;
};

static void list_row(struct listing *listing, const char *const *values)
{
	if (listing->rows)
		add_json_row(listing->rows, listing->keys, listing->n, values);
	for (size_t i = 0; !listing->rows && i < listing->n; i++)
		table_add(listing->table, values[i]);
}

static void list_flows(const struct plan *plan, struct listing *listing)
{
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	for (size_t i = 0; i < n; i++) {
		char from[512];
		char to[512];
		char place[512];
		const char *handling = flows[i].treatment & PLAN_GUARD ? "guard"
				       : flows[i].treatment & PLAN_LOG ? "log"
								       : "plain";
		const char *values[] = { flows[i].id,
					 flows[i].title,
					 flow_zones(plan, &flows[i], false, from, sizeof(from)),
					 flow_zones(plan, &flows[i], true, to, sizeof(to)),
					 handling,
					 flows[i].owner,
					 flows[i].request,
					 flows[i].review,
					 place };

		snprintf(place, sizeof(place), "%s:%u", flows[i].at.file ? flows[i].at.file : "",
			 flows[i].at.line);
		list_row(listing, values);
	}
}

static void list_zones(const struct plan *plan, struct listing *listing)
{
	static const char *const classes[] = { "", "I", "II", "III", "IV" };
	size_t n;
	const struct plan_zone *zones = plan_zones(plan, &n);

	for (size_t i = 0; i < n; i++) {
		char interfaces[512] = "";
		char networks[1024] = "";
		const char *values[] = {
			zones[i].id,	      zones[i].title,
			roles[zones[i].role], i == PLAN_SELF ? "" : classes[zones[i].class],
			interfaces,	      networks
		};

		for (size_t j = 0; j < zones[i].n_interfaces; j++)
			snprintf(interfaces + strlen(interfaces),
				 sizeof(interfaces) - strlen(interfaces), "%s%s%s", j ? ", " : "",
				 zones[i].interfaces[j].name,
				 zones[i].interfaces[j].pattern ? "*" : "");
		for (size_t j = 0; j < zones[i].n_networks; j++) {
			char text[ADDR_TEXT_MAX];

			snprintf(networks + strlen(networks), sizeof(networks) - strlen(networks),
				 "%s%s", j ? ", " : "",
				 addr_range_text(&zones[i].networks[j], text));
		}
		list_row(listing, values);
	}
}

static int list_folder(const struct cli *cli, const char *key, const char *const *keys, size_t n,
		       void (*list)(const struct plan *plan, struct listing *listing))
{
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy loaded = { 0 };
	struct listing listing = { .keys = keys, .n = n };

	if (!cli_policy_load_or_tell(cli->argv[0], &loaded))
		return loaded.status;
	if (cli->json)
		listing.rows = json_object_new_array();
	else
		listing.table = table_new(keys, n);
	for (size_t i = 1; listing.table && i < n; i++)
		table_limit(listing.table, i, i == 1 ? WIDE : i == n - 1 ? 0 : NARROW);
	list(loaded.plan, &listing);
	if (cli->json) {
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, key, listing.rows);
		cli_json_print(object);
	} else {
		table_print(listing.table);
		table_free(listing.table);
	}
	return EXIT_FINE;
}

int verb_flows(const struct cli *cli)
{
	static const char *const keys[] = { "flow",  "title",	"from",	  "to",	    "handling",
					    "owner", "request", "review", "written" };

	if (cli->argc)
		return list_folder(cli, "flows", keys, 9, list_flows);
	return list_running(cli, CTL_FLOWS_LIST, "flows", print_flow_rows);
}

int verb_zones(const struct cli *cli)
{
	static const char *const keys[] = { "zone",  "title",	   "role",
					    "class", "interfaces", "networks" };

	if (cli->argc)
		return list_folder(cli, "zones", keys, 6, list_zones);
	return list_running(cli, CTL_ZONES_LIST, "zones", print_zone_rows);
}
