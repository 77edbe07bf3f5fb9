// status: what runs, since when, and how well; with the features of the kernel.
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/load.h"
#include "cli/verb.h"

static void print_line(const char *name, const char *value)
{
	if (value && *value)
		printf("%-11s %s\n", name, value);
}

static void print_running(const struct control_row *fields)
{
	char line[512];
	char when[40];

	for (size_t i = 0; i < fields->n; i++)
		if (fields->v[i].tag == CTL_ISOLATED)
			print_line("ISOLATED", fields->v[i].text);
	for (size_t i = 0; i < fields->n; i++)
		if (fields->v[i].tag == CTL_MAIL_STOPPED)
			print_line("MAIL STOPPED", fields->v[i].text);
	snprintf(line, sizeof(line), "%s  (guard %s, forwarding %s)",
		 control_text(fields, CTL_STATE), control_text(fields, CTL_GUARD),
		 control_bool(fields, CTL_FORWARDING) ? "on" : "off");
	print_line("gate", line);
	for (size_t i = 0; i < fields->n; i++)
		if (fields->v[i].tag == CTL_SHUT)
			print_line("  closed", fields->v[i].text);
	for (size_t i = 0; i < fields->n; i++)
		if (fields->v[i].tag == CTL_PROBLEM)
			print_line("  problem", fields->v[i].text);
	if (control_u64(fields, CTL_GENERATION)) {
		snprintf(line, sizeof(line), "%llu  %s",
			 (unsigned long long)control_u64(fields, CTL_GENERATION),
			 control_text(fields, CTL_TITLE));
		print_line("generation", line);
		snprintf(line, sizeof(line), "%s by %s from %s",
			 cli_time_text(control_u64(fields, CTL_APPLIED), when),
			 control_text(fields, CTL_ACTOR), control_text(fields, CTL_DIRECTORY));
		print_line("applied", line);
		print_line("digest", control_text(fields, CTL_DIGEST));
	} else {
		print_line("generation", "none: no policy was applied yet");
	}
}

static void print_waiting(const struct control_row *fields)
{
	char line[1024], when[40];

	if (control_find(fields, CTL_AWAITED)) {
		unsigned long long previous = control_u64(fields, CTL_PREVIOUS);

		snprintf(line, sizeof(line),
			 "generation %llu, applied by %s: %llu seconds left, then generation %llu "
			 "returns",
			 (unsigned long long)control_u64(fields, CTL_AWAITED),
			 control_text(fields, CTL_AWAITED_BY),
			 (unsigned long long)control_u64(fields, CTL_SECONDS_LEFT), previous);
		if (!previous)
			strcpy(strstr(line, "then "), "then the gate closes again");
		print_line("to confirm", line);
	}
	if (control_u64(fields, CTL_PROPOSALS)) {
		snprintf(line, sizeof(line), "%llu open (sekisho proposals)",
			 (unsigned long long)control_u64(fields, CTL_PROPOSALS));
		print_line("proposals", line);
	}
	if (control_find(fields, CTL_SCHEDULED)) {
		snprintf(line, sizeof(line), "proposal %llu at %s",
			 (unsigned long long)control_u64(fields, CTL_SCHEDULED),
			 cli_time_text(control_u64(fields, CTL_AT), when));
		print_line("scheduled", line);
	}
	if (control_u64(fields, CTL_REVIEWS)) {
		snprintf(line, sizeof(line),
			 "%llu emergency applies wait for their review (sekisho history)",
			 (unsigned long long)control_u64(fields, CTL_REVIEWS));
		print_line("to review", line);
	}
}

static void print_inspection(const struct control_row *fields)
{
	char line[512];

	if (!control_find(fields, CTL_INSPECTORS))
		return;
	snprintf(
		line, sizeof(line),
		"%llu at work, %llu connections, %llu packets held, %llu queued; %llu found no room, "
		"%llu restarts",
		(unsigned long long)control_u64(fields, CTL_INSPECTORS),
		(unsigned long long)control_u64(fields, CTL_INSPECT_CONNECTIONS),
		(unsigned long long)control_u64(fields, CTL_INSPECT_HELD),
		(unsigned long long)control_u64(fields, CTL_INSPECT_QUEUED),
		(unsigned long long)control_u64(fields, CTL_INSPECT_FULL),
		(unsigned long long)control_u64(fields, CTL_INSPECT_RESTARTS));
	print_line("inspectors", line);
	if (!control_find(fields, CTL_PROXY_GIVEN))
		return;
	snprintf(
		line, sizeof(line),
		"%llu connections of at most %llu, %llu since the daemon began; refused: %llu too many "
		"at a time, %llu without an inspector, %llu failed",
		(unsigned long long)control_u64(fields, CTL_PROXY_SESSIONS),
		(unsigned long long)control_u64(fields, CTL_PROXY_ROOM),
		(unsigned long long)control_u64(fields, CTL_PROXY_GIVEN),
		(unsigned long long)control_u64(fields, CTL_PROXY_FULL),
		(unsigned long long)control_u64(fields, CTL_PROXY_UNSERVED),
		(unsigned long long)control_u64(fields, CTL_PROXY_FAILED));
	print_line("proxy mode", line);
	if (!control_find(fields, CTL_PROXY_FILES))
		return;
	snprintf(
		line, sizeof(line),
		"the limit of descriptors keeps it below what an inspector can hold: LimitNOFILE=%llu "
		"would not",
		(unsigned long long)control_u64(fields, CTL_PROXY_FILES));
	print_line("", line);
}

static void print_scanner(const struct control_row *fields)
{
	char line[512], definitions[96] = "";

	if (!control_find(fields, CTL_SCANNER))
		return;
	if (control_find(fields, CTL_SCANNER_BUILT))
		snprintf(definitions, sizeof(definitions), " of %s",
			 control_text(fields, CTL_SCANNER_BUILT));
	else
		snprintf(definitions, sizeof(definitions), " of an unknown day");
	if (control_find(fields, CTL_SCANNER_DEFINITIONS))
		snprintf(line, sizeof(line), "%s, %s, definitions %llu%s",
			 control_text(fields, CTL_SCANNER),
			 control_text(fields, CTL_SCANNER_VERSION),
			 (unsigned long long)control_u64(fields, CTL_SCANNER_DEFINITIONS),
			 definitions);
	else if (control_find(fields, CTL_SCANNER_VERSION))
		snprintf(line, sizeof(line), "%s, %s", control_text(fields, CTL_SCANNER),
			 control_text(fields, CTL_SCANNER_VERSION));
	else
		snprintf(line, sizeof(line), "%s", control_text(fields, CTL_SCANNER));
	print_line("scanner", line);
}

static void print_certificates(const struct control_row *fields)
{
	char line[512];

	if (!control_find(fields, CTL_CERTIFICATES))
		return;
	if (control_find(fields, CTL_CERTIFICATE_FIRST))
		snprintf(line, sizeof(line),
			 "%llu, the first (%s) until %s; %llu signatures, %llu refused",
			 (unsigned long long)control_u64(fields, CTL_CERTIFICATES),
			 control_text(fields, CTL_CERTIFICATE_FIRST),
			 control_text(fields, CTL_CERTIFICATE_UNTIL),
			 (unsigned long long)control_u64(fields, CTL_SIGNATURES),
			 (unsigned long long)control_u64(fields, CTL_SIGNATURES_REFUSED));
	else
		snprintf(line, sizeof(line), "none in use");
	print_line("certificates", line);
}

static void print_vault(const struct control_row *fields)
{
	char line[256], since[40], until[40];

	if (!control_find(fields, CTL_VAULT))
		return;
	snprintf(line, sizeof(line), "%s, %llu messages of %.1f MB are held",
		 control_text(fields, CTL_VAULT), (unsigned long long)control_u64(fields, CTL_HELD),
		 (double)control_u64(fields, CTL_HELD_BYTES) / 1e6);
	print_line("held mail", line);
	if (!control_u64(fields, CTL_HELD_WAITING))
		return;
	snprintf(line, sizeof(line),
		 "%llu wait for a decision, the oldest since %s, the first until %s",
		 (unsigned long long)control_u64(fields, CTL_HELD_WAITING),
		 cli_time_text(control_u64(fields, CTL_HELD_SINCE), since),
		 cli_time_text(control_u64(fields, CTL_HELD_UNTIL), until));
	print_line("", line);
}

static void print_numbers(const struct control_row *fields)
{
	char line[512];
	char when[40];

	snprintf(line, sizeof(line),
		 "%llu flows in %llu zones; %llu rules, %llu sets, %llu elements",
		 (unsigned long long)control_u64(fields, CTL_FLOWS),
		 (unsigned long long)control_u64(fields, CTL_ZONES),
		 (unsigned long long)control_u64(fields, CTL_RULES),
		 (unsigned long long)control_u64(fields, CTL_SETS),
		 (unsigned long long)control_u64(fields, CTL_ELEMENTS));
	print_line("policy", line);
	snprintf(line, sizeof(line),
		 "%llu denied, %llu spoofed, %llu invalid, %llu from unknown interfaces",
		 (unsigned long long)control_u64(fields, CTL_DENIED),
		 (unsigned long long)control_u64(fields, CTL_SPOOFED),
		 (unsigned long long)control_u64(fields, CTL_INVALID),
		 (unsigned long long)control_u64(fields, CTL_UNKNOWN));
	print_line("packets", line);
	snprintf(line, sizeof(line), "%llu written, %llu suppressed",
		 (unsigned long long)control_u64(fields, CTL_LOG_EVENTS),
		 (unsigned long long)control_u64(fields, CTL_LOG_SUPPRESSED));
	print_line("log", line);
	snprintf(line, sizeof(line), "%s, record %llu, signed %llu, %llu waiting, %llu lost",
		 control_text(fields, CTL_RECORD),
		 (unsigned long long)control_u64(fields, CTL_RECORD_SEQ),
		 (unsigned long long)control_u64(fields, CTL_RECORD_CHECKPOINT),
		 (unsigned long long)control_u64(fields, CTL_RECORD_WAITING),
		 (unsigned long long)control_u64(fields, CTL_RECORD_LOST));
	print_line("audit log", line);
	print_inspection(fields);
	print_scanner(fields);
	print_certificates(fields);
	snprintf(line, sizeof(line), "%s, %llu records in %.1f MB, %llu lost",
		 control_text(fields, CTL_MAIL_BOOK),
		 (unsigned long long)control_u64(fields, CTL_MAIL_RECORDS),
		 (double)control_u64(fields, CTL_MAIL_BYTES) / 1e6,
		 (unsigned long long)control_u64(fields, CTL_MAIL_LOST));
	print_line("mail book", line);
	print_vault(fields);
	snprintf(line, sizeof(line), "database of %s, SHA-256 %.12s...",
		 control_text(fields, CTL_COUNTRIES_BUILT), control_text(fields, CTL_COUNTRIES));
	if (*control_text(fields, CTL_COUNTRIES_BUILT))
		print_line("countries", line);
	snprintf(line, sizeof(line), "sekishod %s, pid %llu, up since %s, %.1f MB",
		 control_text(fields, CTL_VERSION),
		 (unsigned long long)control_u64(fields, CTL_PID),
		 cli_time_text(control_u64(fields, CTL_SINCE), when),
		 (double)control_u64(fields, CTL_MEMORY) / 1e6);
	print_line("daemon", line);
}

static void print_features(const struct control_reply *reply)
{
	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);
		const char *value = control_text(row, CTL_VALUE);

		printf("%-11s %-10s %s\n", i == 0 ? "kernel" : "", control_text(row, CTL_NAME),
		       *value				? value
		       : control_bool(row, CTL_PRESENT) ? "yes"
							: "no");
	}
}

int verb_status(const struct cli *cli)
{
	struct control_reply status;
	struct control_reply features = { 0 };
	bool answered;
	bool more = false;
	int exit_status = cli_call(cli, CTL_STATUS, NULL, -1, &status, &answered);

	if (answered)
		cli_call(cli, CTL_FEATURES, NULL, -1, &features, &more);
	if (answered && cli->json) {
		struct json_object *object = cli_reply_json(&status, NULL);
		struct json_object *list = NULL;

		if (more) {
			struct json_object *rows = cli_reply_json(&features, "rows");

			if (json_object_object_get_ex(rows, "rows", &list))
				json_object_object_add(object, "features", json_object_get(list));
			json_object_put(rows);
		}
		cli_json_print(object);
	} else if (answered) {
		print_running(control_reply_fields(&status));
		print_waiting(control_reply_fields(&status));
		print_numbers(control_reply_fields(&status));
		if (more)
			print_features(&features);
	}
	if (more)
		control_reply_done(&features);
	if (answered)
		control_reply_done(&status);
	return exit_status;
}
