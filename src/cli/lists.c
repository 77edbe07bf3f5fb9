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

// The zones that a flow leads from or to, each once.
static struct json_object *flow_zones(const struct plan *plan, const struct plan_flow *flow,
				      bool to)
{
	struct json_object *ids = json_object_new_array();
	bool seen[PLAN_ZONES_MAX] = { false };
	size_t n_zones;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);

	for (size_t i = 0; i < flow->n_terms; i++) {
		unsigned zone = to ? flow->terms[i].to : flow->terms[i].from;

		if (!seen[zone])
			json_object_array_add(ids, json_object_new_string(zones[zone].id));
		seen[zone] = true;
	}
	return ids;
}

static struct json_object *flow_json(const struct plan *plan, const struct plan_flow *flow)
{
	struct json_object *row = json_object_new_object();

	cli_json_text(row, "id", flow->id);
	cli_json_text(row, "title", flow->title);
	json_object_object_add(row, "from", flow_zones(plan, flow, false));
	json_object_object_add(row, "to", flow_zones(plan, flow, true));
	cli_json_text(row, "treatment",
		      flow->treatment & PLAN_GUARD ? "guard"
		      : flow->treatment & PLAN_LOG ? "log"
						   : "plain");
	cli_json_text(row, "owner", flow->owner);
	cli_json_text(row, "request", flow->request);
	cli_json_text(row, "review", flow->review);
	cli_json_text(row, "file", flow->at.file);
	cli_json_number(row, "line", flow->at.line);
	return row;
}

static struct json_object *flow_rows(const struct plan *plan)
{
	struct json_object *rows = json_object_new_array();
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	for (size_t i = 0; i < n; i++)
		json_object_array_add(rows, flow_json(plan, &flows[i]));
	return rows;
}

static struct json_object *zone_json(const struct plan_zone *zone)
{
	static const char *const classes[] = { "", "I", "II", "III", "IV" };
	struct json_object *row = json_object_new_object();
	struct json_object *interfaces = json_object_new_array();
	struct json_object *networks = json_object_new_array();
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < zone->n_interfaces; i++) {
		snprintf(text, sizeof(text), "%s%s", zone->interfaces[i].name,
			 zone->interfaces[i].pattern ? "*" : "");
		json_object_array_add(interfaces, json_object_new_string(text));
	}
	for (size_t i = 0; i < zone->n_networks; i++)
		json_object_array_add(networks, json_object_new_string(
							addr_range_text(&zone->networks[i], text)));
	cli_json_text(row, "id", zone->id);
	cli_json_text(row, "title", zone->title);
	cli_json_text(row, "role", roles[zone->role]);
	cli_json_text(row, "class", zone->role == PLAN_GATEWAY ? "" : classes[zone->class]);
	json_object_object_add(row, "interfaces", interfaces);
	json_object_object_add(row, "networks", networks);
	return row;
}

static struct json_object *zone_rows(const struct plan *plan)
{
	struct json_object *rows = json_object_new_array();
	size_t n;
	const struct plan_zone *zones = plan_zones(plan, &n);

	for (size_t i = 0; i < n; i++)
		json_object_array_add(rows, zone_json(&zones[i]));
	return rows;
}

// A column of a folder's list, and the member of a row that fills it.
struct column {
	const char *head;
	const char *key;
	size_t limit; // 0: none
};

struct folder_list {
	const char *key; // of the rows in JSON
	struct json_object *(*rows)(const struct plan *plan);
	size_t n_columns;
	struct column columns[TABLE_COLUMNS_MAX];
};

// The same keys as those of the daemon's lists.
static const struct folder_list folder_flows = {
	.key = "flows",
	.rows = flow_rows,
	.n_columns = 9,
	.columns = { { "flow", "id", 0 },
		     { "title", "title", WIDE },
		     { "from", "from", NARROW },
		     { "to", "to", NARROW },
		     { "handling", "treatment", 0 },
		     { "owner", "owner", NARROW },
		     { "request", "request", NARROW },
		     { "review", "review", 0 },
		     { "written", "file", 0 } },
};
static const struct folder_list folder_zones = {
	.key = "zones",
	.rows = zone_rows,
	.n_columns = 6,
	.columns = { { "zone", "id", 0 },
		     { "title", "title", WIDE },
		     { "role", "role", 0 },
		     { "class", "class", 0 },
		     { "interfaces", "interfaces", NARROW },
		     { "networks", "networks", 0 } },
};

static const char *cell(struct json_object *row, const char *key, char *out, size_t size)
{
	struct json_object *value = NULL;
	struct json_object *line = NULL;

	out[0] = '\0';
	if (!json_object_object_get_ex(row, key, &value))
		return out;
	if (json_object_is_type(value, json_type_string)) {
		if (strcmp(key, "file") == 0 && json_object_object_get_ex(row, "line", &line))
			snprintf(out, size, "%s:%s", json_object_get_string(value),
				 json_object_get_string(line));
		else
			snprintf(out, size, "%s", json_object_get_string(value));
		return out;
	}
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		size_t used = strlen(out);

		snprintf(out + used, size - used, "%s%s", i ? ", " : "",
			 json_object_get_string(json_object_array_get_idx(value, i)));
	}
	return out;
}

static void print_folder(const struct folder_list *list, struct json_object *rows)
{
	const char *heads[TABLE_COLUMNS_MAX];
	struct table *table;
	char text[1024];

	for (size_t i = 0; i < list->n_columns; i++)
		heads[i] = list->columns[i].head;
	table = table_new(heads, list->n_columns);
	for (size_t i = 0; i < list->n_columns; i++)
		table_limit(table, i, list->columns[i].limit);
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		for (size_t j = 0; j < list->n_columns; j++)
			table_add(table, cell(json_object_array_get_idx(rows, i),
					      list->columns[j].key, text, sizeof(text)));
	table_print(table);
	table_free(table);
}

static int list_folder(const struct cli *cli, const struct folder_list *list)
{
	__attribute__((cleanup(cli_policy_cleanup))) struct cli_policy loaded = { 0 };
	struct json_object *object;
	struct json_object *rows;

	if (!cli_policy_load_or_tell(cli->argv[0], &loaded))
		return loaded.status;
	rows = list->rows(loaded.plan);
	if (cli->json) {
		object = json_object_new_object();
		json_object_object_add(object, list->key, rows);
		cli_json_print(object);
	} else {
		print_folder(list, rows);
		json_object_put(rows);
	}
	return EXIT_FINE;
}

int verb_flows(const struct cli *cli)
{
	if (cli->argc)
		return list_folder(cli, &folder_flows);
	return cli_show(cli, CTL_FLOWS_LIST, NULL, "flows", print_flow_rows);
}

int verb_zones(const struct cli *cli)
{
	if (cli->argc)
		return list_folder(cli, &folder_zones);
	return cli_show(cli, CTL_ZONES_LIST, NULL, "zones", print_zone_rows);
}
