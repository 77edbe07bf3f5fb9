// Two tables: what became of mail, and what was found in files.  Guards are put together in the
// first; programs get each row as it is.
#include "cli/mail_counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "cli/call.h"
#include "cli/table.h"

enum { MONTH_TEXT = 8 };

static bool read_month(const char *text, uint64_t *ret)
{
	unsigned year, month;
	int n = 0;

	if (sscanf(text, "%4u-%2u%n", &year, &month, &n) != 2 || text[n] || n != 7 || month < 1 ||
	    month > 12 || year < 1970)
		return false;
	*ret = year * 100 + month;
	return true;
}

static uint64_t this_month(void)
{
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	return ((uint64_t)local.tm_year + 1900) * 100 + (uint64_t)local.tm_mon + 1;
}

static const char *month_text(uint64_t month, char out[MONTH_TEXT])
{
	snprintf(out, MONTH_TEXT, "%04u-%02u", (unsigned)(month / 100 % 10000),
		 (unsigned)(month % 100));
	return out;
}

struct sum { // of a month, a verdict and a reason
	uint64_t month, n, recipients, bytes;
	const char *verdict, *reason, *control;
};

static bool is_finding(const struct control_row *row)
{
	return control_find(row, CTL_FOUND);
}

// Rows come by month and verdict; those of a reason lie within them.
static void add(struct sum *sums, size_t *n, const struct control_row *row)
{
	struct sum sum = {
		.month = control_u64(row, CTL_MONTH),
		.n = control_u64(row, CTL_TOTAL),
		.recipients = control_u64(row, CTL_RECIPIENTS),
		.bytes = control_u64(row, CTL_SIZE),
		.verdict = control_text(row, CTL_VERDICT),
		.reason = control_text(row, CTL_REASON),
		.control = control_text(row, CTL_CONTROL),
	};

	for (size_t i = 0; i < *n; i++) {
		if (sums[i].month != sum.month || strcmp(sums[i].verdict, sum.verdict) != 0 ||
		    strcmp(sums[i].reason, sum.reason) != 0 ||
		    strcmp(sums[i].control, sum.control) != 0)
			continue;
		sums[i].n += sum.n;
		sums[i].recipients += sum.recipients;
		sums[i].bytes += sum.bytes;
		return;
	}
	sums[(*n)++] = sum;
}

static void print_sums(const struct control_reply *reply)
{
	static const char *const heads[] = { "month",	"verdict", "reason", "control",
					     ">number", ">to",	   ">bytes" };
	size_t all = control_reply_rows(reply), n = 0;
	struct sum *sums = calloc(all, sizeof(*sums));
	struct table *table = table_new(heads, 7);
	char month[MONTH_TEXT];

	for (size_t i = 0; sums && i < all; i++)
		if (!is_finding(control_reply_row(reply, i)))
			add(sums, &n, control_reply_row(reply, i));
	for (size_t i = 0; i < n; i++) {
		table_add(table, month_text(sums[i].month, month));
		table_add(table, sums[i].verdict);
		table_add(table, sums[i].reason);
		table_add(table, sums[i].control);
		table_add_number(table, sums[i].n);
		table_add_number(table, sums[i].recipients);
		table_add_number(table, sums[i].bytes);
	}
	table_print(table);
	table_free(table);
	free(sums);
}

static void print_findings(const struct control_reply *reply)
{
	static const char *const heads[] = { "month", "found in files", "they were", "guard",
					     ">number" };
	struct table *table = table_new(heads, 5);
	bool any = false;
	char month[MONTH_TEXT];

	for (size_t i = 0; i < control_reply_rows(reply); i++) {
		const struct control_row *row = control_reply_row(reply, i);

		if (!is_finding(row))
			continue;
		any = true;
		table_add(table, month_text(control_u64(row, CTL_MONTH), month));
		table_add(table, control_text(row, CTL_FOUND));
		table_add(table, control_text(row, CTL_ACTION));
		table_add(table, control_text(row, CTL_GUARDED_BY));
		table_add_number(table, control_u64(row, CTL_TOTAL));
	}
	if (any) {
		puts("");
		table_print(table);
	}
	table_free(table);
}

static void print_counts(const struct control_reply *reply)
{
	if (!control_reply_rows(reply)) {
		puts("no mail");
		return;
	}
	print_sums(reply);
	print_findings(reply);
}

int mail_counts(const struct cli *cli)
{
	struct control_writer request;
	uint64_t months[2] = { this_month(), 0 };

	for (int i = 1; i < cli->argc; i++)
		if (!read_month(cli->argv[i], &months[i - 1])) {
			fprintf(stderr, "sekisho mail: \"%s\" is no month; write 2026-11\n",
				cli->argv[i]);
			return EXIT_USAGE;
		}
	if (cli->argc < 3)
		months[1] = months[0];
	if (months[0] > months[1]) {
		fputs("sekisho mail: the first month is later than the last\n", stderr);
		return EXIT_USAGE;
	}
	control_writer_init(&request, CTL_REQUEST_MAX);
	control_put_u64(&request, CTL_MONTH, months[0]);
	control_put_u64(&request, CTL_MONTH_LAST, months[1]);
	return cli_show(cli, CTL_MAIL_COUNTS, &request, "counts", print_counts);
}
