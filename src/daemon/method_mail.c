// Check what is asked, record it, let a child read, pass on what it says.
#include "daemon/method_mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mail.h"
#include "daemon/mail_read.h"
#include "daemon/record.h"
#include "daemon/report.h"
#include "event/json.h"
#include "keep/mail_months.h"

enum { DESK_LIMIT = 20 }; // records that are told at once to who may only ask for a message

struct mail_waiting {
	struct methods *methods;
	struct control_token token;
	enum control_method method;
	struct child *child;
	struct mail_waiting *next;
};

static void take_out(struct mail_waiting *waiting)
{
	struct mail_waiting **at = &waiting->methods->mails;
	while (*at != waiting)
		at = &(*at)->next;
	*at = waiting->next;
	free(waiting);
}

static void on_read(void *arg, uint8_t *bytes, size_t size, const struct failure *failure)
{
	struct mail_waiting *waiting = arg;
	struct methods *methods = waiting->methods;
	struct control_token token = waiting->token;
	struct control_writer reply;
	struct control_rows rows;
	int r = bytes ? control_rows_read(bytes, size, CTL_REPLY_FIELDS_MAX, &rows) : -EIO;
	free(bytes);
	if (r == 0 && control_check_reply(waiting->method, &rows) < 0) {
		control_rows_done(&rows);
		r = -EBADMSG;
	}
	// Peers wrote these words: nobody's terminal is steered by them, and nothing is hidden.
	if (r == 0 && control_rows_show(&rows, TEXT_WORDS) < 0) {
		control_rows_done(&rows);
		r = -ENOMEM;
	}
	take_out(waiting);
	if (r < 0) {
		control_server_refuse(methods->server, token, EXIT_FAILED, "mail records: %s",
				      failure ? failure->text : strerror(-r));
		return;
	}
	if (control_u64(&rows.v[0], CTL_EXIT) != EXIT_FINE) {
		control_server_refuse(methods->server, token, EXIT_FAILED, "%s",
				      control_text(&rows.v[0], CTL_ERROR));
	} else {
		control_writer_init(&reply, CTL_REPLY_MAX);
		report_put_row(&reply, &rows.v[0]);
		report_put_rows(&reply, &rows);
		control_server_answer(methods->server, token, &reply);
	}
	control_rows_done(&rows);
}

// --- what is asked

// "local@domain"; not "@domain", a pseudonym, or nobody.
static bool is_whole_address(const char *text)
{
	char folded[MAIL_ADDRESS_MAX];
	mail_address_fold(text, folded);
	const char *domain = mail_address_domain(folded);
	return folded[0] != '@' && folded[0] != '#' && *domain && domain > folded + 1;
}

// "" or why it cannot be asked so.
static const char *read_filter(const struct control_row *fields, struct mail_read_request *ret)
{
	const char *client = control_text(fields, CTL_CLIENT);
	const char *verdict = control_text(fields, CTL_VERDICT);
	uint64_t limit = control_u64(fields, CTL_LIMIT);
	ret->since_us = control_u64(fields, CTL_SINCE);
	ret->until_us = control_u64(fields, CTL_UNTIL);
	snprintf(ret->from, sizeof(ret->from), "%s", control_text(fields, CTL_SENDER));
	snprintf(ret->to, sizeof(ret->to), "%s", control_text(fields, CTL_RECIPIENT));
	snprintf(ret->flow, sizeof(ret->flow), "%s", control_text(fields, CTL_FLOW));
	snprintf(ret->attachment, sizeof(ret->attachment), "%s",
		 control_text(fields, CTL_ATTACHMENT));
	snprintf(ret->found, sizeof(ret->found), "%s", control_text(fields, CTL_FOUND));
	ret->has_client = *client;
	ret->verdict = *verdict ? mail_verdict_find(verdict) : -1;
	ret->limit = limit ? (uint32_t)limit : MAIL_READ_LIMIT;
	if (*client && addr_range_parse(client, &ret->client) < 0)
		return "the client is neither an address nor a network";
	if (*verdict && ret->verdict < 0)
		return "no such verdict: passed, refused, rejected, broken-off, ended, unread, held";
	if (strlen(control_text(fields, CTL_ATTACHMENT)) >= sizeof(ret->attachment))
		return "names of files are kept with 192 bytes at most";
	if (strlen(control_text(fields, CTL_FOUND)) >= sizeof(ret->found) ||
	    strchr(ret->found, ' '))
		return "what was found is one word: executable, macro, encrypted ...";
	if (limit > MAIL_FIND_MAX)
		return "at most 10000 records can be shown at once";
	if (ret->since_us > INT64_MAX || ret->until_us > INT64_MAX)
		return "no such time";
	return "";
}

static void put_word(char *out, size_t size, const char *name, const char *value)
{
	size_t used = strlen(out);
	if (*value)
		snprintf(out + used, size - used, "%s%s %s", used ? ", " : "", name, value);
}

// What is asked, in words.
static void filter_text(const struct mail_read_request *request, const struct control_row *fields,
			char *out, size_t size)
{
	char since[40] = "", until[40] = "", number[24] = "";
	out[0] = '\0';
	if (request->since_us)
		event_local_time(request->since_us, since);
	if (request->until_us)
		event_local_time(request->until_us, until);
	snprintf(number, sizeof(number), "%u", request->limit);
	if (request->id) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)request->id);
		put_word(out, size, "record", number);
	}
	put_word(out, size, "from", request->from);
	put_word(out, size, "to", request->to);
	if (request->id)
		return;
	put_word(out, size, "client", control_text(fields, CTL_CLIENT));
	put_word(out, size, "flow", request->flow);
	put_word(out, size, "verdict", control_text(fields, CTL_VERDICT));
	put_word(out, size, "attachment", request->attachment);
	put_word(out, size, "found", request->found);
	put_word(out, size, "since", since);
	put_word(out, size, "until", until);
	put_word(out, size, "at most", number);
}

// Who reads what is kept of persons is on the disk before he does.
static int record_look_up(struct gate *gate, const struct control_request *request,
			  const struct mail_read_request *read)
{
	char name[CONTROL_PEER_NAME_MAX], filter[EVENT_TEXT_MAX];
	struct record_state state;
	struct event event;
	event_init(&event, EVENT_MAIL_READ, journal_now_usec());
	control_event_actor(&event, &request->peer, name);
	event_text(&event, EVENT_METHOD, control_method_info(request->method)->name);
	filter_text(read, request->fields, filter, sizeof(filter));
	event_text(&event, EVENT_MESSAGE, filter);
	event_text(&event, EVENT_REASON, control_text(request->fields, CTL_REASON));
	journal_write(gate->journal, &event);
	int r = journal_flush(gate->journal, GATE_FLUSH_MS);
	record_state(gate, &state);
	return r < 0 || strcmp(state.word, "written") != 0 ? -EIO : 0;
}

static size_t count(const struct mail_waiting *waiting)
{
	size_t n = 0;
	for (; waiting; waiting = waiting->next)
		n++;
	return n;
}

// Whoever may ask for a message, but not read the records, names both of its ends and says why: so
// he learns of no other's mail.  "" or why it cannot be asked so.
static const char *narrow(const struct control_request *request, struct mail_read_request *read)
{
	const char *from = control_text(request->fields, CTL_SENDER);
	const char *to = control_text(request->fields, CTL_RECIPIENT);
	if (control_peer_may(&request->peer, CTL_MAY_AUDIT))
		return "";
	snprintf(read->from, sizeof(read->from), "%s", from);
	snprintf(read->to, sizeof(read->to), "%s", to);
	read->narrow = true;
	read->limit = read->limit < DESK_LIMIT ? read->limit : DESK_LIMIT;
	if (!is_whole_address(from) || !is_whole_address(to))
		return "name the message by both of its ends, --from and --to, each a whole "
		       "address; without them sekisho-audit may look up";
	if (read->has_client || *read->attachment || *read->found)
		return "--client, --attachment and --found are for sekisho-audit";
	if (!*control_text(request->fields, CTL_REASON))
		return "say why with --reason: it is recorded";
	return "";
}

static void start(struct methods *methods, struct control_request *request,
		  struct mail_read_request *read)
{
	int r = mail_reader(methods->gate, read);
	if (r < 0) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "there is no book of mail; \"sekisho status\" says why");
		return;
	}
	if (count(methods->mails) >= MAIL_READS_MAX) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "mail records are being read already; try again");
		return;
	}
	if (!read->month && record_look_up(methods->gate, request, read) < 0) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "SK720 the audit log cannot be written, and nobody reads "
				      "mail records without being recorded");
		return;
	}
	struct mail_waiting *waiting = calloc(1, sizeof(*waiting));
	r = waiting ? 0 : -ENOMEM;
	if (r == 0) {
		*waiting = (struct mail_waiting){ methods, request->token, request->method, NULL,
						  methods->mails };
		methods->mails = waiting;
		r = mail_read_start(methods->event, read, on_read, waiting, &waiting->child);
	}
	if (r == 0)
		return;
	if (waiting)
		take_out(waiting);
	control_server_refuse(methods->server, request->token, EXIT_FAILED, "mail records: %s",
			      strerror(-r));
}

void method_mail_list(struct methods *methods, struct control_request *request)
{
	struct mail_read_request read = { .id = 0 };
	const char *why = read_filter(request->fields, &read);
	if (!*why)
		why = narrow(request, &read);
	if (*why)
		control_server_refuse(methods->server, request->token, EXIT_USAGE, "%s", why);
	else
		start(methods, request, &read);
}

void method_mail_show(struct methods *methods, struct control_request *request)
{
	struct mail_read_request read = { .id = control_u64(request->fields, CTL_MAIL),
					  .verdict = -1 };
	const char *why = narrow(request, &read);
	if (!read.id || read.id > INT64_MAX)
		why = "records are numbered from 1";
	if (*why)
		control_server_refuse(methods->server, request->token, EXIT_USAGE, "%s", why);
	else
		start(methods, request, &read);
}

void method_mail_counts(struct methods *methods, struct control_request *request)
{
	uint64_t first = control_u64(request->fields, CTL_MONTH);
	uint64_t last = control_u64(request->fields, CTL_MONTH_LAST);
	if (!mail_month_valid(first) || !mail_month_valid(last) || first > last) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "no such months");
		return;
	}
	start(methods, request,
	      &(struct mail_read_request){
		      .month = (uint32_t)first, .last_month = (uint32_t)last, .verdict = -1 });
}

void method_mail_cancel(struct methods *methods)
{
	while (methods->mails) {
		child_cancel(methods->mails->child);
		take_out(methods->mails);
	}
}
