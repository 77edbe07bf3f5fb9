// The book's news become events and problems.
#include "daemon/mail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/inspection.h"

struct mail {
	struct gate *gate;
	sd_event *event;
	struct mail_book *book; // NULL: it could not be started
	uint64_t restarts;
};

static void on_changed(void *arg)
{
	struct mail *mail = arg;
	struct mail_book_numbers numbers;
	struct failure failure;
	struct event event;
	int error = mail_book_error(mail->book);
	mail_book_numbers(mail->book, &numbers);
	if (numbers.restarts != mail->restarts) {
		event_init(&event, EVENT_MAIL_BOOK_RESTARTED, journal_now_usec());
		event_number(&event, EVENT_COUNT, numbers.restarts);
		journal_write(mail->gate->journal, &event);
	}
	mail->restarts = numbers.restarts;
	if (error < 0)
		failure_set(&failure, SK_MAIL_BOOK_BLOCKED, error, "the book of mail: %s",
			    error == -EPIPE	  ? "its process does not run"
			    : error == -ETIMEDOUT ? "its process hangs"
			    : error == -EPROTO	  ? "a newer version of Sekisho made its file"
						  : strerror(-error));
	gate_set_problem(mail->gate, GATE_MAIL_BOOK, error < 0 ? &failure : NULL);
}

static void on_lost(void *arg, uint64_t records, const char *why)
{
	struct mail *mail = arg;
	struct event event;
	event_init(&event, EVENT_MAIL_LOST, journal_now_usec());
	event_number(&event, EVENT_COUNT, records);
	event_text(&event, EVENT_MESSAGE, why);
	journal_write(mail->gate->journal, &event);
}

static void on_damaged(void *arg)
{
	struct mail *mail = arg;
	struct failure failure;
	failure_set(&failure, SK_MAIL_BOOK_DAMAGED, 0,
		    "%s/" MAIL_BOOK_FILE " was damaged; it was put aside and a new one begun",
		    mail_book_folder(mail->book));
	journal_failed(mail->gate->journal, &failure);
}

// A record that an inspector made, not looked into: the book does that.
static void on_record(void *arg, const void *bytes, size_t size)
{
	struct mail *mail = arg;
	if (mail->book &&
	    send(mail_book_writer_fd(mail->book), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		mail_book_count_lost(mail->book, 1);
}

void mail_give_record(struct gate *gate, const void *bytes, size_t size)
{
	if (gate->mail)
		on_record(gate->mail, bytes, size);
}

void mail_settle(struct gate *gate)
{
	const struct control_row *row =
		gate->current.about.number ? gate->current.report.faults.v : NULL;
	struct mail_limits limits = {
		.records_max = MAIL_BOOK_RECORDS_MAX,
		.bytes_max = MAIL_BOOK_BYTES_MAX,
	};
	if (!gate->mail)
		return;
	inspection_give_records(gate, on_record, gate->mail);
	if (!row || !gate->mail->book)
		return;
	limits.keep_days = (uint32_t)control_u64(row, CTL_RECORD_MAIL_KEEP_DAYS);
	limits.hash_addresses = control_bool(row, CTL_RECORD_MAIL_HASHED);
	mail_book_set_limits(gate->mail->book, &limits);
}

static void start(struct mail *mail)
{
	struct gate *gate = mail->gate;
	struct failure failure;
	const struct mail_book_options options = {
		.log = gate->options->log,
		.uid = gate->options->mail_uid,
		.gid = gate->options->mail_gid,
		.state_fd = gate->state_fd,
		.changed = on_changed,
		.lost = on_lost,
		.damaged = on_damaged,
		.arg = mail,
	};
	int r = mail_book_start(mail->event, &options, &failure, &mail->book);
	gate_set_problem(gate, GATE_MAIL_BOOK, r < 0 ? &failure : NULL);
	mail_settle(gate);
}

int mail_open(sd_event *event, struct gate *gate)
{
	struct mail *mail = calloc(1, sizeof(*mail));
	if (!mail)
		return -ENOMEM;
	mail->gate = gate;
	mail->event = event;
	gate->mail = mail;
	start(mail);
	return 0;
}

void mail_close(struct gate *gate)
{
	if (!gate->mail)
		return;
	inspection_give_records(gate, NULL, NULL);
	mail_book_stop(gate->mail->book);
	free(gate->mail);
	gate->mail = NULL;
}

void mail_tend(struct gate *gate)
{
	if (gate->mail && !gate->mail->book)
		start(gate->mail);
}

int mail_reader(const struct gate *gate, struct mail_read_request *ret)
{
	const struct mail_book *book = gate->mail ? gate->mail->book : NULL;
	if (!book)
		return -ENOENT;
	ret->uid = gate->options->mail_uid;
	ret->gid = gate->options->mail_gid;
	ret->key = *mail_book_key(book);
	snprintf(ret->folder, sizeof(ret->folder), "%s", mail_book_folder(book));
	return 0;
}

void mail_put_status(struct control_writer *reply, const struct gate *gate)
{
	const struct mail_book *book = gate->mail ? gate->mail->book : NULL;
	struct mail_book_numbers numbers = { 0 };
	if (book)
		mail_book_numbers(book, &numbers);
	control_put_text(reply, CTL_MAIL_BOOK,
			 !book			     ? "none"
			 : mail_book_error(book) < 0 ? "blocked"
						     : "written");
	control_put_u64(reply, CTL_MAIL_RECORDS, numbers.records);
	control_put_u64(reply, CTL_MAIL_BYTES, numbers.bytes);
	control_put_u64(reply, CTL_MAIL_LOST, numbers.lost + numbers.refused);
	control_put_u64(reply, CTL_MAIL_RESTARTS, numbers.restarts);
}
