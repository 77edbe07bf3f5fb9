// The book's side: takes records, checks them, writes them in batches, removes what is over the
// limits.  It has one folder and two sockets.
#include "daemon/mail_book.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/clock.h"
#include "base/exit.h"
#include "base/fault.h"
#include "daemon/mail_book_wire.h"
#include "daemon/sandbox.h"

enum {
	BATCH_RECORDS = 1000,
	BATCH_BYTES = 1024 * 1024,
	BATCH_USEC = 200 * 1000, // that a record waits for others
	NAP_MS = 20,		 // between two looks at the socket while records come
	RETRY_USEC = 200 * 1000,
	PRUNE_USEC = 1000 * 1000,
	IDLE_MS = 1000,
	END_USEC = 2 * 1000000, // for what waits, once the gate is gone
};

struct book {
	int dir_fd;
	char path[MAIL_BOOK_PATH_MAX + sizeof(MAIL_BOOK_FILE) + 1];
	struct mail_key key;
	struct mail_limits limits;
	struct mail_store *store; // NULL: it could not be opened
	struct mail_board *board;
	// Messages one after another, so that they can be written again after a failure.
	uint8_t batch[BATCH_BYTES + MAIL_WIRE_MAX];
	uint32_t sizes[BATCH_RECORDS];
	size_t n_batch, batch_bytes;
	uint64_t batch_usec, retry_usec, prune_usec, ends_usec; // 0: not
	bool ends, eof; // told to end; nobody can send records any more
};

// --- hearing

static bool is_full(const struct book *book)
{
	return book->n_batch == BATCH_RECORDS || book->batch_bytes >= BATCH_BYTES;
}

static void hear_records(struct book *book)
{
	while (!is_full(book)) {
		uint8_t *at = book->batch + book->batch_bytes;
		ssize_t n = recv(MAIL_BOOK_RECORDS, at, MAIL_WIRE_MAX, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			book->eof |= n == 0;
			return;
		}
		book->board->heard++;
		if (n > MAIL_WIRE_MAX) { // nobody honest sends it
			book->board->refused++;
			continue;
		}
		if (!book->n_batch)
			book->batch_usec = boot_now_usec();
		book->sizes[book->n_batch++] = (uint32_t)n;
		book->batch_bytes += (size_t)n;
	}
}

// False: the gate is gone, or talks nonsense.
static bool hear_gate(struct book *book)
{
	struct mail_book_message message;
	for (;;) {
		ssize_t n = recv(MAIL_BOOK_CONTROL, &message, sizeof(message),
				 MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n != (ssize_t)sizeof(message))
			return false;
		if (message.word == MAIL_BOOK_END)
			book->ends = true;
		else if (message.word == MAIL_BOOK_LIMITS)
			book->limits = message.limits;
		else
			return false;
		book->prune_usec = 0;
	}
}

// --- writing

static int add_batch(struct book *book, uint64_t *ret_refused)
{
	static struct mail_taken taken;
	const uint8_t *at = book->batch;
	uint64_t now_us = wall_us(), refused = 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < book->n_batch; at += book->sizes[i++]) {
		if (mail_wire_unpack(at, book->sizes[i], &taken) < 0)
			refused++;
		else
			r = mail_store_add(book->store, &taken.record, book->limits.hash_addresses,
					   now_us);
	}
	*ret_refused = refused;
	return r;
}

static int write_batch(struct book *book)
{
	uint64_t refused = 0;
	int r = fault_error("mail-write");
	if (r == 0)
		r = mail_store_begin(book->store);
	if (r < 0)
		return r;
	r = add_batch(book, &refused);
	if (r == 0)
		r = mail_store_commit(book->store);
	if (r < 0) {
		mail_store_rollback(book->store);
		return r;
	}
	book->board->refused += refused;
	book->board->written += book->n_batch - refused;
	book->n_batch = book->batch_bytes = 0;
	return 0;
}

static void show_numbers(struct book *book)
{
	struct mail_store_numbers numbers;
	if (mail_store_numbers(book->store, &numbers) < 0)
		return;
	book->board->records = numbers.records;
	book->board->bytes = numbers.bytes;
}

// What can be saved of a damaged file is a person's work; records go on in a new one.
static void put_aside(struct book *book)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	mail_store_close(book->store);
	book->store = NULL;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char from[32], to[96];
		snprintf(from, sizeof(from), MAIL_BOOK_FILE "%s", ends[i]);
		snprintf(to, sizeof(to), MAIL_BOOK_FILE ".damaged-%llu%s",
			 (unsigned long long)(wall_us() / 1000000), ends[i]);
		renameat(book->dir_fd, from, book->dir_fd, to);
	}
	book->board->damaged++;
}

static int open_store(struct book *book)
{
	int r = mail_store_open(book->path, &book->key, &book->store);
	if (r == -EUCLEAN) {
		put_aside(book);
		r = mail_store_open(book->path, &book->key, &book->store);
	}
	return r;
}

static void write_some(struct book *book)
{
	int r = book->store ? 0 : open_store(book);
	if (r == 0 && book->n_batch)
		r = write_batch(book);
	if (r == -EUCLEAN)
		put_aside(book); // and again in a moment
	if (r == 0)
		show_numbers(book);
	book->retry_usec = r < 0 ? boot_now_usec() + RETRY_USEC : 0;
	book->board->error = r;
}

static void prune(struct book *book)
{
	int r = mail_store_prune(book->store, &book->limits, wall_us());
	if (r > 0)
		show_numbers(book);
	// Some at a time, so that records do not wait for it.
	book->prune_usec = r > 0 ? 0 : boot_now_usec() + PRUNE_USEC;
	if (r == -EUCLEAN)
		put_aside(book);
}

// --- the loop

static bool is_due(const struct book *book, uint64_t now)
{
	if (book->retry_usec)
		return now >= book->retry_usec || book->ends;
	return !book->store || is_full(book) ||
	       (book->n_batch && (book->ends || now - book->batch_usec >= BATCH_USEC));
}

static int wait_ms(const struct book *book)
{
	uint64_t now = boot_now_usec(), until = now + IDLE_MS * 1000;
	if (book->retry_usec)
		until = book->retry_usec;
	else if (book->n_batch)
		until = book->batch_usec + BATCH_USEC;
	else if (book->prune_usec < until)
		until = book->prune_usec;
	int ms = until <= now ? 0 : (int)((until - now) / 1000) + 1;
	return ms > NAP_MS && book->n_batch && !book->retry_usec ? NAP_MS : ms;
}

static bool has_finished(struct book *book)
{
	uint64_t now = boot_now_usec();
	if (!book->ends)
		return false;
	if (!book->ends_usec)
		book->ends_usec = now;
	return !book->n_batch || book->retry_usec || now - book->ends_usec > END_USEC;
}

static int serve(struct book *book)
{
	struct pollfd sockets[] = { { .fd = MAIL_BOOK_CONTROL, .events = POLLIN },
				    { .fd = MAIL_BOOK_RECORDS, .events = POLLIN } };
	write_some(book);
	for (;;) {
		book->board->alive_usec = boot_now_usec();
		// What cannot be taken is not waited for; what is on its way comes together.
		sockets[1].fd = book->n_batch || book->eof ? -1 : MAIL_BOOK_RECORDS;
		if (poll(sockets, 2, book->ends ? 0 : wait_ms(book)) < 0 && errno != EINTR)
			return EXIT_FAILED;
		hear_records(book);
		if (!hear_gate(book))
			book->ends = true;
		if (is_due(book, boot_now_usec()))
			write_some(book);
		if (book->store && !book->retry_usec && boot_now_usec() >= book->prune_usec)
			prune(book);
		hear_records(book);
		if (has_finished(book))
			return book->n_batch ? EXIT_FAILED : EXIT_FINE;
	}
}

// --- start

static int start(struct book *book)
{
	struct mail_book_message hello;
	ssize_t n = recv(MAIL_BOOK_CONTROL, &hello, sizeof(hello), MSG_TRUNC);
	umask(077);
	tzset(); // it reads a file, which is not possible later
	if (n != (ssize_t)sizeof(hello) || hello.word != MAIL_BOOK_HELLO)
		return -EBADMSG;
	hello.folder[sizeof(hello.folder) - 1] = '\0';
	snprintf(book->path, sizeof(book->path), "%s/%s", hello.folder, MAIL_BOOK_FILE);
	book->key = hello.key;
	book->limits = hello.limits;
	explicit_bzero(&hello.key, sizeof(hello.key));
	int r = sandbox_become(hello.uid, hello.gid);
	if (r < 0)
		return r;
	book->dir_fd = open(hello.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (book->dir_fd < 0)
		return -errno;
	// A book whose gate was killed may still be writing what it had.
	while (flock(book->dir_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return sandbox_seal_book(book->dir_fd);
}

int mail_book_main(void)
{
	static struct book book;
	// It ends with the gate: who stops the service stops the gate, and the gate waits for this.
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	void *page = mmap(NULL, MAIL_BOOK_BOARD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			  MAIL_BOOK_BOARD, 0);
	if (page == MAP_FAILED)
		return EXIT_FAILED;
	close(MAIL_BOOK_BOARD);
	book.board = page;
	int r = start(&book);
	if (r < 0) {
		book.board->error = r;
		return EXIT_FAILED;
	}
	r = serve(&book);
	mail_store_close(book.store);
	return r;
}
