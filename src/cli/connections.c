// connections: what lives, and the flow that permits each.
#include <stdio.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/load.h"
#include "cli/table.h"
#include "cli/verb.h"

static const char *end_text(const struct control_row *row, enum control_tag address,
			    enum control_tag port, char *out, size_t size)
{
	if (control_u64(row, port))
		snprintf(out, size, "%s %llu", control_text(row, address),
			 (unsigned long long)control_u64(row, port));
	else
		snprintf(out, size, "%s", control_text(row, address));
	return out;
}

static void print_rows(const struct control_reply *reply)
{
	static const char *const heads[] = { "protocol", "from",	"source",
					     "to",	 "destination", "flow" };
	struct table *table = table_new(heads, 6);
	char text[128], flow[128];

	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);
		const char *state = control_text(row, CTL_STATE);

		table_add(table, control_text(row, CTL_TRANSPORT));
		table_add(table, control_text(row, CTL_FROM));
		table_add(table, end_text(row, CTL_SOURCE, CTL_SOURCE_PORT, text, sizeof(text)));
		table_add(table, control_text(row, CTL_TO));
		table_add(table, end_text(row, CTL_DESTINATION, CTL_PORT, text, sizeof(text)));
		if (*control_text(row, CTL_REASON))
			snprintf(flow, sizeof(flow), "(%s: %s)", state,
				 control_text(row, CTL_REASON));
		else if (!*control_text(row, CTL_FLOW))
			snprintf(flow, sizeof(flow), "(%s)", state);
		else
			snprintf(flow, sizeof(flow), "%s", control_text(row, CTL_FLOW));
		table_add(table, flow);
	}
	table_print(table);
	table_free(table);
}

static void print_total(const struct control_reply *reply)
{
	uint64_t total = control_u64(control_reply_fields(reply), CTL_TOTAL);
	uint64_t cut = control_u64(control_reply_fields(reply), CTL_CUT);

	printf("%llu connections", (unsigned long long)total);
	if (control_reply_rows(reply) < total)
		printf(", the first %zu shown", control_reply_rows(reply));
	if (cut)
		printf(", %llu of them not allowed", (unsigned long long)cut);
	printf("\n");
}

static void print_connections(const struct control_reply *reply)
{
	if (control_reply_rows(reply))
		print_rows(reply);
	print_total(reply);
}

int verb_connections(const struct cli *cli)
{
	struct control_writer request;

	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_text(&request, CTL_ZONE, cli_value(cli, OPT_ZONE));
	return cli_show(cli, CTL_CONNECTIONS, &request, "connections", print_connections);
}
