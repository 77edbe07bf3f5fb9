// Both sides: starting the child, and being it.
#include "daemon/mail_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/exit.h"
#include "base/file.h"
#include "control/message.h"
#include "daemon/mail_book.h"
#include "daemon/sandbox.h"
#include "event/mail_suite.h"
#include "keep/mail_months.h"

enum { REQUEST_FD = CHILD_FD_FIRST, ANSWER_FD };

int mail_read_start(sd_event *event, const struct mail_read_request *request, child_done *done,
		    void *arg, struct child **ret_child)
{
	struct child_command command = {
		.name = "the reader of mail records",
		.argument = MAIL_READ_ARGUMENT,
		.timeout_ms = MAIL_READ_TIMEOUT_MS,
		.bytes_max = MAIL_READ_BYTES_MAX,
		.n_fds = 1,
	};
	command.fds[0] = memfd_create("sekisho-mail-read", MFD_CLOEXEC);
	if (command.fds[0] < 0)
		return -errno;
	int r = file_write_all(command.fds[0], request, sizeof(*request));
	if (r == 0)
		r = child_start(event, &command, done, arg, ret_child);
	close(command.fds[0]);
	return r;
}

// --- the child

static void put_address(struct control_writer *writer, enum control_tag tag,
			const struct addr *address)
{
	char text[ADDR_TEXT_MAX];
	control_put_text(writer, tag, addr_text(address, text));
}

// What a list shows too.
static void put_short(struct control_writer *writer, const struct mail_stored *stored)
{
	const struct mail_record *record = &stored->taken.record;
	control_put_u64(writer, CTL_MAIL, stored->id);
	control_put_time(writer, CTL_WHEN, stored->written_us);
	put_address(writer, CTL_CLIENT, &record->client);
	control_put_text(writer, CTL_FLOW, record->flow);
	// The null sender is told from one that is not known: nothing was said before MAIL FROM.
	control_put_text(writer, CTL_SENDER,
			 *record->sender	? record->sender
			 : record->n_recipients ? "<>"
						: "");
	control_put_u64(writer, CTL_RECIPIENTS, record->n_recipients);
	control_put_u64(writer, CTL_SIZE, record->size);
	control_put_text(writer, CTL_VERDICT, mail_verdict_word(record->verdict));
	control_put_u64(writer, CTL_REPLY_CODE, record->code);
	control_put_text(writer, CTL_REASON, record->reason);
	control_put_bool(writer, CTL_HASHED, stored->hashed);
	control_put_u64(writer, CTL_FILES, record->n_files);
}

static size_t kept(const struct mail_record *record)
{
	return record->n_recipients < MAIL_RECIPIENTS_KEPT ? record->n_recipients
							   : MAIL_RECIPIENTS_KEPT;
}

struct list {
	struct control_writer *writer;
	const struct mail_read_request *request;
};

static int put_row(void *arg, const struct mail_stored *stored)
{
	const struct list *list = arg;
	struct control_writer *writer = list->writer;
	const struct mail_record *record = &stored->taken.record;
	control_put_mark(writer, CTL_ROW);
	put_short(writer, stored);
	if (list->request->narrow) {
		control_put_text(writer, CTL_RECIPIENT, list->request->to);
		return writer->error;
	}
	for (size_t i = 0; i < kept(record) && i < MAIL_READ_RECIPIENTS; i++)
		control_put_text(writer, CTL_RECIPIENT, record->recipients[i].address);
	return writer->error;
}

static void put_file(struct control_writer *writer, const struct mail_file *file)
{
	char hex[2 * MAIL_SHA256_BYTES + 1] = "";
	if (file->has_sha256)
		sodium_bin2hex(hex, sizeof(hex), file->sha256, sizeof(file->sha256));
	control_put_mark(writer, CTL_ROW);
	control_put_text(writer, CTL_ATTACHMENT, file->name);
	control_put_u64(writer, CTL_PART, file->part);
	control_put_u64(writer, CTL_DEPTH, file->depth);
	control_put_text(writer, CTL_MEDIA_TYPE, file->type);
	control_put_u64(writer, CTL_SIZE, file->size);
	control_put_text(writer, CTL_SHA256, hex);
	control_put_text(writer, CTL_FOUND, file->found);
	control_put_text(writer, CTL_ACTION, mail_file_action_word(file->action));
	control_put_u64(writer, CTL_RULE, file->rule);
}

// only: the place of one recipient; NULL: all.
static void put_whole(struct control_writer *writer, const struct mail_stored *stored,
		      const size_t *only)
{
	const struct mail_record *record = &stored->taken.record;
	put_short(writer, stored);
	control_put_time(writer, CTL_BEGAN, record->began_us);
	control_put_time(writer, CTL_ENDED, record->ended_us);
	control_put_u64(writer, CTL_SOURCE_PORT, record->client_port);
	put_address(writer, CTL_SERVER, &record->server);
	control_put_u64(writer, CTL_PORT, record->server_port);
	control_put_text(writer, CTL_GUARDED_BY, record->guard);
	control_put_text(writer, CTL_CLAUSE, record->clause);
	control_put_text(writer, CTL_CONTROL, record->control);
	control_put_text(writer, CTL_FROM, record->from_zone);
	control_put_text(writer, CTL_TO, record->to_zone);
	control_put_text(writer, CTL_HELO, record->helo);
	control_put_u64(writer, CTL_DECLARED, record->declared);
	control_put_bool(writer, CTL_TLS, record->tls);
	if (record->client_suite)
		control_put_text(writer, CTL_TLS_CLIENT, mail_suite_text(record->client_suite));
	if (record->server_suite)
		control_put_text(writer, CTL_TLS_SERVER, mail_suite_text(record->server_suite));
	control_put_bool(writer, CTL_OWN_SENDER, record->own_sender);
	for (size_t i = 0; i < kept(record); i++) {
		if (only && i != *only)
			continue;
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_RECIPIENT, record->recipients[i].address);
		control_put_u64(writer, CTL_REPLY_CODE, record->recipients[i].code);
	}
	for (size_t i = 0; i < record->n_files && i < MAIL_FILES_KEPT; i++)
		put_file(writer, &record->files[i]);
}

static int answer_list(struct mail_store *store, const struct mail_read_request *request,
		       struct control_writer *writer)
{
	const struct mail_query query = {
		.since_us = request->since_us,
		.until_us = request->until_us,
		.from = *request->from ? request->from : NULL,
		.to = *request->to ? request->to : NULL,
		.client = request->has_client ? &request->client : NULL,
		.flow = *request->flow ? request->flow : NULL,
		.attachment = *request->attachment ? request->attachment : NULL,
		.found = *request->found ? request->found : NULL,
		.verdict = request->verdict,
		.limit = request->limit,
	};
	struct list list = { writer, request };
	return mail_store_find(store, &query, put_row, &list);
}

// An address of a record is kept as it was said or as its pseudonym.
static bool is_address(const struct mail_read_request *request, const char *kept, const char *asked)
{
	char folded[MAIL_ADDRESS_MAX], wanted[MAIL_ADDRESS_MAX], alias[MAIL_ADDRESS_MAX];
	mail_address_fold(kept, folded);
	mail_address_fold(asked, wanted);
	mail_alias(&request->key, asked, alias);
	return !strcmp(folded, wanted) || !strcmp(kept, alias);
}

// The place of the recipient asked for, if the sender is right as well.
static bool find_between(const struct mail_read_request *request, const struct mail_stored *stored,
			 size_t *ret_place)
{
	const struct mail_record *record = &stored->taken.record;
	if (!is_address(request, record->sender, request->from))
		return false;
	for (*ret_place = 0; *ret_place < kept(record); ++*ret_place)
		if (is_address(request, record->recipients[*ret_place].address, request->to))
			return true;
	return false;
}

static int answer_one(struct mail_store *store, const struct mail_read_request *request,
		      struct control_writer *writer)
{
	static struct mail_stored stored;
	size_t place;
	int r = mail_store_get(store, request->id, &stored);
	if (r == 0 && request->narrow && !find_between(request, &stored, &place))
		return -ENOENT;
	if (r == 0)
		put_whole(writer, &stored, request->narrow ? &place : NULL);
	return r;
}

static int put_month(void *arg, const struct mail_month *month)
{
	struct control_writer *writer = arg;
	control_put_mark(writer, CTL_ROW);
	control_put_u64(writer, CTL_MONTH, month->month);
	control_put_text(writer, CTL_VERDICT, mail_verdict_word(month->verdict));
	control_put_text(writer, CTL_REASON, month->reason);
	control_put_text(writer, CTL_CONTROL, month->control);
	control_put_text(writer, CTL_GUARDED_BY, month->guard);
	control_put_text(writer, CTL_FLOW, month->flow);
	control_put_u64(writer, CTL_TOTAL, month->n);
	control_put_u64(writer, CTL_RECIPIENTS, month->recipients);
	control_put_u64(writer, CTL_SIZE, month->bytes);
	return writer->error;
}

static int put_month_finding(void *arg, const struct mail_month_finding *finding)
{
	struct control_writer *writer = arg;
	control_put_mark(writer, CTL_ROW);
	control_put_u64(writer, CTL_MONTH, finding->month);
	control_put_text(writer, CTL_FOUND, finding->word);
	control_put_text(writer, CTL_ACTION, mail_file_action_word(finding->action));
	control_put_text(writer, CTL_GUARDED_BY, finding->guard);
	control_put_u64(writer, CTL_TOTAL, finding->n);
	return writer->error;
}

static int answer_counts(struct mail_store *store, const struct mail_read_request *request,
			 struct control_writer *writer)
{
	const struct mail_months each = { put_month, put_month_finding, writer };
	return mail_months_read(store, request->month, request->last_month, &each);
}

static void put_failure(struct control_writer *writer, const struct mail_read_request *request,
			int error)
{
	char text[128];
	if (error == -ENOENT && request->id)
		snprintf(text, sizeof(text), "there is no mail record %llu (any more)",
			 (unsigned long long)request->id);
	else
		snprintf(text, sizeof(text), "the book of mail: %s",
			 error == -EUCLEAN  ? "its file is damaged"
			 : error == -EPROTO ? "a newer version of Sekisho made its file"
			 : error == -E2BIG  ? "more than can be shown at once; ask for less"
					    : strerror(-error));
	control_put_u64(writer, CTL_EXIT, EXIT_FAILED);
	control_put_text(writer, CTL_ERROR, text);
}

static int enter(const struct mail_read_request *request)
{
	int r = sandbox_become(request->uid, request->gid);
	if (r < 0)
		return r;
	int dir_fd = open(request->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	r = sandbox_seal_book(dir_fd);
	close(dir_fd);
	return r;
}

static int answer(const struct mail_read_request *request, struct control_writer *writer)
{
	char path[sizeof(request->folder) + sizeof(MAIL_BOOK_FILE) + 1];
	struct mail_store *store;
	snprintf(path, sizeof(path), "%s/%s", request->folder, MAIL_BOOK_FILE);
	int r = mail_store_open_read(path, &request->key, &store);
	if (r == -ENOENT && !request->id) // nothing has been written yet
		return 0;
	if (r < 0)
		return r;
	r = (request->month ? answer_counts
	     : request->id  ? answer_one
			    : answer_list)(store, request, writer);
	mail_store_close(store);
	return r;
}

int mail_read_main(void)
{
	struct mail_read_request request;
	struct control_writer writer;
	if (pread(REQUEST_FD, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
		return EXIT_USAGE;
	tzset();
	int r = enter(&request);
	if (r < 0)
		return EXIT_FAILED;
	control_writer_init(&writer, MAIL_READ_BYTES_MAX);
	r = answer(&request, &writer);
	if (r == 0)
		r = writer.error;
	if (r < 0) {
		control_writer_done(&writer);
		control_writer_init(&writer, CTL_MESSAGE_MAX);
		put_failure(&writer, &request, r);
	}
	r = writer.error ? writer.error : file_write_all(ANSWER_FD, writer.bytes, writer.size);
	control_writer_done(&writer);
	return r < 0 ? EXIT_FAILED : EXIT_FINE;
}
