// The gate's side of the book of mail: start it, look after it, count what was lost, start it
// again.
#include "daemon/mail_book.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/file.h"
#include "daemon/mail_book_wire.h"
#include "daemon/reap.h"
#include "daemon/reborn.h"

enum {
	TICK_USEC = 250 * 1000,
	RESTART_USEC = 100 * 1000, // between two that end at once
	GONE_USEC = 2 * 1000000,   // that long without a book is a fault
	TELL_USEC = 10 * 1000000,  // between two tellings of what was lost
};

struct mail_book {
	sd_event *event;
	struct mail_book_options options;
	char folder[MAIL_BOOK_PATH_MAX];
	struct mail_key key;
	struct mail_limits limits;
	struct mail_board *board;
	int board_fd;
	int records[2]; // [0]: the book's end, [1]: the inspectors'
	// The process
	pid_t pid; // 0: none
	int control;
	sd_event_source *readable, *timer;
	bool was_up;
	uint64_t started_usec, ended_usec, down_usec; // since the boot; down 0: one lives
	uint64_t restarts, damaged;
	int error;
	// Lost, and not told yet; by the book's end, before the book, and what made no sense.
	uint64_t lost_before, lost_told, refused_told, told_usec;
};

// --- the process

static int say(struct mail_book *book, enum mail_book_word word)
{
	struct mail_book_message message = { .word = word, .limits = book->limits };
	ssize_t n;
	if (book->control < 0)
		return -EPIPE;
	if (word == MAIL_BOOK_HELLO) {
		message.uid = book->options.uid;
		message.gid = book->options.gid;
		message.key = book->key;
		memcpy(message.folder, book->folder, sizeof(message.folder));
	}
	do
		n = send(book->control, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	explicit_bzero(&message.key, sizeof(message.key));
	return n < 0 ? -errno : 0;
}

static void set_error(struct mail_book *book, int error)
{
	if (book->error == error)
		return;
	book->error = error;
	if (book->options.changed)
		book->options.changed(book->options.arg);
}

// What it had taken out of the socket and not written is lost.
static void count_in_hand(struct mail_book *book)
{
	struct mail_board *board = book->board;
	uint64_t done = board->written + board->refused + board->lost;
	if (board->heard > done)
		board->lost += board->heard - done;
}

static void become_gone(struct mail_book *book)
{
	book->readable = sd_event_source_disable_unref(book->readable);
	if (book->control >= 0)
		close(book->control);
	book->control = -1;
	if (book->pid > 0) {
		reap(book->pid);
		count_in_hand(book);
	}
	book->pid = 0;
	book->ended_usec = boot_now_usec();
	if (!book->down_usec)
		book->down_usec = book->ended_usec;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg);

// The socket of the records: made again if somebody has ended it.
static int open_records(struct mail_book *book)
{
	struct pollfd ours = { .fd = book->records[0], .events = POLLRDHUP };
	int bytes = MAIL_BOOK_SOCKET_BYTES;
	if (book->records[0] >= 0) {
		if (poll(&ours, 1, 0) == 0 || !(ours.revents & (POLLRDHUP | POLLHUP)))
			return 0;
		close(book->records[0]);
		close(book->records[1]);
		book->records[0] = book->records[1] = -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, book->records) < 0)
		return -errno;
	if (setsockopt(book->records[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(book->records[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

static int spawn(struct mail_book *book)
{
	int r = open_records(book);
	if (r < 0)
		return r;
	const int fds[] = { book->records[0], book->board_fd }; // after MAIL_BOOK_CONTROL
	const struct reborn_command command = { .argument = MAIL_BOOK_ARGUMENT,
						.fds = fds,
						.n_fds = 2 };
	book->board->error = 0;
	book->board->alive_usec = 0;
	r = reborn_start(&command, &book->pid, &book->control);
	if (r < 0)
		return r;
	book->started_usec = boot_now_usec();
	r = say(book, MAIL_BOOK_HELLO);
	if (r == 0 && book->event)
		r = sd_event_add_io(book->event, &book->readable, book->control, EPOLLIN,
				    on_readable, book);
	if (r < 0)
		become_gone(book);
	return r < 0 ? r : 0;
}

// It says nothing: what can be read is its end.
static bool has_ended(const struct mail_book *book)
{
	struct pollfd control = { .fd = book->control, .events = POLLIN };
	return book->control >= 0 && poll(&control, 1, 0) > 0;
}

// --- looking after it

static void tell_lost(struct mail_book *book, bool now)
{
	uint64_t lost = book->lost_before + book->board->lost, refused = book->board->refused;
	uint64_t usec = boot_now_usec();
	if (lost <= book->lost_told && refused <= book->refused_told)
		return;
	if (!now && book->told_usec && usec - book->told_usec < TELL_USEC)
		return;
	book->told_usec = usec;
	if (lost > book->lost_told && book->options.lost)
		book->options.lost(book->options.arg, lost - book->lost_told,
				   book->lost_before ? "the book did not take them in time, or "
						       "was ended with them"
						     : "the book was ended with them");
	if (refused > book->refused_told && book->options.lost)
		book->options.lost(book->options.arg, refused - book->refused_told,
				   "they made no sense");
	book->lost_told = lost;
	book->refused_told = refused;
}

static void look_at_life(struct mail_book *book)
{
	uint64_t now = boot_now_usec(), alive = book->board->alive_usec;
	if (alive < book->started_usec) // it has not begun yet
		alive = 0;
	if (alive && book->down_usec) {
		book->down_usec = 0;
		book->restarts += book->was_up;
		if (book->was_up && book->options.changed)
			book->options.changed(book->options.arg);
		book->was_up = true;
	}
	uint64_t since = alive ? alive : book->started_usec;
	if (now > since && now - since > MAIL_BOOK_HANG_USEC) {
		set_error(book, -ETIMEDOUT);
		become_gone(book);
	}
}

void mail_book_tend(struct mail_book *book)
{
	uint64_t now = boot_now_usec();
	if (book->pid && has_ended(book))
		become_gone(book);
	if (book->pid)
		look_at_life(book);
	if (!book->pid && now - book->ended_usec >= RESTART_USEC && spawn(book) < 0)
		become_gone(book);
	if (book->board->damaged > book->damaged && book->options.damaged)
		book->options.damaged(book->options.arg);
	book->damaged = book->board->damaged;
	// What one that is gone said last does not count until another one is there.
	if (!book->down_usec)
		set_error(book, (int)book->board->error);
	else if (!book->error && now - book->down_usec > GONE_USEC)
		set_error(book, book->board->error ? (int)book->board->error : -EPIPE);
	tell_lost(book, false);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct mail_book *book = arg;
	(void)source;
	(void)fd;
	(void)events;
	become_gone(book);
	return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)usec;
	mail_book_tend(arg);
	sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// --- the whole

static int open_board(struct mail_book *book)
{
	book->board_fd = memfd_create("sekisho-mail-book", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (book->board_fd < 0 || ftruncate(book->board_fd, MAIL_BOOK_BOARD_BYTES) < 0)
		return -errno;
	// Nobody can cut it under the gate's feet.
	if (fcntl(book->board_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	void *page = mmap(NULL, MAIL_BOOK_BOARD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			  book->board_fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	book->board = page;
	return 0;
}

static int start(struct mail_book *book)
{
	int r = open_board(book);
	if (r == 0)
		r = spawn(book);
	if (r == 0 && book->event)
		r = sd_event_add_time_relative(book->event, &book->timer, CLOCK_MONOTONIC,
					       TICK_USEC, 0, on_tick, book);
	return r < 0 ? r : 0;
}

int mail_book_start(sd_event *event, const struct mail_book_options *options,
		    struct failure *failure, struct mail_book **ret_book)
{
	struct mail_book *book = calloc(1, sizeof(*book));
	if (!book)
		return failure_set(failure, SK_MAIL_BOOK_BLOCKED, -ENOMEM, "no memory");
	*book = (struct mail_book){
		.event = event,
		.options = *options,
		.limits = { .records_max = MAIL_BOOK_RECORDS_MAX,
			    .bytes_max = MAIL_BOOK_BYTES_MAX },
		.board_fd = -1,
		.records = { -1, -1 },
		.control = -1,
		.down_usec = boot_now_usec(),
	};
	int r = file_give_folder(options->log, "mail", 0700, options->uid, options->gid,
				 book->folder, sizeof(book->folder));
	if (r < 0)
		failure_set(failure, SK_MAIL_BOOK_BLOCKED, r, "%s/mail: %s", options->log,
			    strerror(-r));
	if (r == 0 && (r = mail_key_open(options->state_fd, &book->key)) < 0)
		failure_set(failure, SK_MAIL_BOOK_BLOCKED, r, "keys/mail.key: %s", strerror(-r));
	if (r == 0 && (r = start(book)) < 0)
		failure_set(failure, SK_MAIL_BOOK_BLOCKED, r, "the book of mail: %s", strerror(-r));
	if (r < 0) {
		mail_book_stop(book);
		return r;
	}
	*ret_book = book;
	return 0;
}

void mail_book_stop(struct mail_book *book)
{
	if (!book)
		return;
	book->options.changed = NULL;
	sd_event_source_disable_unref(book->timer);
	struct pollfd control = { .fd = book->control, .events = POLLIN };
	if (book->pid && say(book, MAIL_BOOK_END) == 0)
		poll(&control, 1, MAIL_BOOK_STOP_MS);
	become_gone(book);
	if (book->board) {
		tell_lost(book, true);
		munmap(book->board, MAIL_BOOK_BOARD_BYTES);
	}
	const int fds[] = { book->board_fd, book->records[0], book->records[1] };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	explicit_bzero(&book->key, sizeof(book->key));
	free(book);
}

int mail_book_writer_fd(const struct mail_book *book)
{
	return book->records[1];
}

void mail_book_count_lost(struct mail_book *book, uint64_t records)
{
	book->lost_before += records;
}

void mail_book_set_limits(struct mail_book *book, const struct mail_limits *limits)
{
	book->limits = *limits;
	if (book->control >= 0 && say(book, MAIL_BOOK_LIMITS) < 0)
		become_gone(book); // the next one gets them with its hello
}

int mail_book_error(const struct mail_book *book)
{
	return book->error;
}

void mail_book_numbers(const struct mail_book *book, struct mail_book_numbers *ret)
{
	const struct mail_board *board = book->board;
	*ret = (struct mail_book_numbers){
		.heard = board->heard,
		.written = board->written,
		.refused = board->refused,
		.lost = board->lost + book->lost_before,
		.records = board->records,
		.bytes = board->bytes,
		.restarts = book->restarts,
		.damaged = board->damaged,
		.pid = book->pid,
	};
}

const char *mail_book_folder(const struct mail_book *book)
{
	return book->folder;
}

const struct mail_key *mail_book_key(const struct mail_book *book)
{
	return &book->key;
}
