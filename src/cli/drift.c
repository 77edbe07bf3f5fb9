// drift: does the kernel have what it should, what contradicts the policy around it, and what
// others changed since the daemon started.
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/load.h"
#include "cli/verb.h"

static bool is_present(const struct control_row *row)
{
	return strcmp(control_text(row, CTL_STATE), "present") == 0;
}

static void print_rules(const struct control_row *fields)
{
	unsigned long long generation = control_u64(fields, CTL_GENERATION);

	if (!generation)
		printf("rules       no policy was applied yet\n");
	else if (strcmp(control_text(fields, CTL_STATE), "same") == 0)
		printf("rules       generation %llu, as it should be (read in %.1f ms)\n",
		       generation, (double)control_u64(fields, CTL_VERIFY_US) / 1e3);
	else
		printf("rules       NOT those of generation %llu\n", generation);
	for (size_t i = 0; i < fields->n; i++)
		if (fields->v[i].tag == CTL_PROBLEM)
			printf("  problem   %s\n", fields->v[i].text);
	printf("guard       %s\n", control_text(fields, CTL_GUARD));
	printf("changes     %llu by others since the daemon started, %llu put right\n",
	       (unsigned long long)control_u64(fields, CTL_DRIFTS),
	       (unsigned long long)control_u64(fields, CTL_REPAIRED));
}

static void print_rows(const struct control_reply *reply, bool present, const char *head)
{
	bool any = false;

	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);
		const char *by = control_text(row, CTL_WHO);
		char when[40];

		if (is_present(row) != present)
			continue;
		if (!any)
			printf("\n%s\n", head);
		any = true;
		printf("  %s  %-7s  SK%llu %s: %s%s%s\n",
		       cli_time_text(control_u64(row, CTL_SINCE), when),
		       control_text(row, CTL_SEVERITY),
		       (unsigned long long)control_u64(row, CTL_CODE), control_text(row, CTL_NAME),
		       control_text(row, CTL_MESSAGE), *by ? ", by " : "", by);
	}
}

int verb_drift(const struct cli *cli)
{
	struct control_reply reply;
	bool answered;
	int status = cli_call(cli, CTL_DRIFT, NULL, -1, &reply, &answered);

	if (!answered)
		return status;
	if (cli->json) {
		cli_json_print(cli_reply_json(&reply, "rows"));
	} else {
		print_rules(control_reply_fields(&reply));
		print_rows(&reply, true, "around the policy, now");
		print_rows(&reply, false, "what happened, the newest first");
	}
	control_reply_done(&reply);
	return status;
}
