// The vault's side: takes messages in, keeps them, says when one is due or over, and does what the
// gate orders.  It has one folder, its key, and the sockets that it is given.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/file.h"
#include "daemon/inspection_wire.h"
#include "daemon/sandbox.h"
#include "daemon/vault.h"
#include "daemon/vault_decide.h"
#include "daemon/vault_show.h"
#include "daemon/vault_stream.h"

enum { TICK_MS = 500, FORGET_MS = 60 * 1000 };

struct vault {
	struct held_store *store;
	struct vault_streams *streams;
	uint64_t ticked_ms, alive_ms, forgot_ms;
	uint64_t delivering; // a message that the gate delivers; 0: none
	bool ends;
};

// --- what the gate hears

// It waits for room: the gate is there, or this process ends with it.
static void say(struct vault *vault, struct vault_told *told)
{
	struct iovec parts[] = { { &told->word, sizeof(told->word) },
				 { told->record, told->word.record_size } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = told->word.record_size ? 2 : 1 };
	vault_count(vault->store, wall_us(), &told->word);
	while (sendmsg(VAULT_CONTROL, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR) {
			vault->ends = true;
			return;
		}
}

static void say_news(struct vault *vault, struct vault_told *told)
{
	told->word.word = VAULT_NEWS;
	say(vault, told);
}

static void on_kept(void *arg, uint64_t number)
{
	static struct vault_told told;
	struct vault *vault = arg;
	if (vault_describe(vault->store, number, &told) == 0)
		say_news(vault, &told);
}

// --- orders

static int list(struct vault *vault, const struct vault_order *order, int to)
{
	struct control_writer writer;
	control_writer_init(&writer, VAULT_SHOW_BYTES);
	int r = order->number ? vault_show_one(vault->store, order->number, &writer)
			      : vault_show_list(vault->store, order->all, &writer);
	if (r == 0)
		r = file_write_all(to, writer.bytes, writer.size);
	control_writer_done(&writer);
	return r;
}

static int write_job(const struct held_meta *meta, int to)
{
	struct vault_job job = {
		.size = meta->sum.size,
		.tls = meta->envelope.tls,
		.tls_least = meta->envelope.tls_least,
	};
	const char *from = meta->envelope.lines;
	snprintf(job.tls_name, sizeof(job.tls_name), "%s", meta->envelope.tls_name);
	job.lines_size = (uint32_t)strlen(from) + 1;
	for (uint32_t i = 0; i + 1 < meta->envelope.n_lines; i++) {
		if (meta->fates[i].done)
			continue;
		job.n_recipients++;
		job.lines_size += (uint32_t)strlen(held_meta_line(meta, i)) + 1;
	}
	int r = file_write_all(to, &job, sizeof(job));
	if (r == 0)
		r = file_write_all(to, from, strlen(from) + 1);
	for (uint32_t i = 0; r == 0 && i + 1 < meta->envelope.n_lines; i++) {
		const char *line = held_meta_line(meta, i);
		if (!meta->fates[i].done)
			r = file_write_all(to, line, strlen(line) + 1);
	}
	return r;
}

static int open_message(struct vault *vault, const struct vault_order *order, const int *fds)
{
	struct held_meta meta;
	int r = held_store_read(vault->store, order->number, &meta);
	if (r < 0)
		return r;
	r = meta.state == HELD_RELEASED ? held_store_copy(vault->store, &meta, fds[0]) : -EALREADY;
	if (r == 0)
		r = write_job(&meta, fds[1]);
	held_meta_done(&meta);
	return r;
}

static int take_tried(struct vault *vault, const struct vault_order *order, const int *fds,
		      size_t n_fds, struct vault_told *told)
{
	const struct vault_fate *fates = NULL;
	uint8_t *bytes = NULL;
	struct stat st;
	size_t n = 0;
	vault->delivering = 0;
	if (n_fds && fstat(fds[0], &st) == 0 && st.st_size > 0 &&
	    (size_t)st.st_size <= HELD_RECIPIENTS_MAX * sizeof(*fates) &&
	    st.st_size % (off_t)sizeof(*fates) == 0 && (bytes = malloc((size_t)st.st_size)) &&
	    pread(fds[0], bytes, (size_t)st.st_size, 0) == (ssize_t)st.st_size) {
		fates = (const struct vault_fate *)(void *)bytes;
		n = (size_t)st.st_size / sizeof(*fates);
	}
	const struct vault_try try = {
		.number = order->number,
		.fates = fates,
		.n = n,
		.trouble = order->text,
		.suite = (uint8_t)order->suite,
	};
	int r = vault_tried(vault->store, &try, wall_us(), told);
	free(bytes);
	return r;
}

static int obey(struct vault *vault, const struct vault_order *order, const int *fds, size_t n_fds,
		struct vault_told *told)
{
	memset(&told->word, 0, sizeof(told->word));
	switch (order->word) {
	case VAULT_LIST:
		return n_fds == 1 ? list(vault, order, fds[0]) : -EBADMSG;
	case VAULT_RELEASE:
		return vault_release(vault->store, order->number, &order->person, told);
	case VAULT_REJECT:
		return vault_reject(vault->store, order->number, &order->person, told);
	case VAULT_OPEN:
		return n_fds == 2 ? open_message(vault, order, fds) : -EBADMSG;
	case VAULT_TRIED:
		return take_tried(vault, order, fds, n_fds, told);
	default:
		return -EBADMSG;
	}
}

static void take_order(struct vault *vault, const struct vault_order *order, const int *fds,
		       size_t n_fds)
{
	static struct vault_told told;
	if (order->word == VAULT_END) {
		vault->ends = true;
	} else if (order->word == VAULT_CONNECT && n_fds == 1) {
		vault_streams_add(vault->streams, fds[0]);
		return;
	} else {
		int r = obey(vault, order, fds, n_fds, &told);
		told.word.word = VAULT_ANSWER;
		told.word.token = order->token;
		told.word.error = r;
		if (r < 0 && !told.word.text[0])
			snprintf(told.word.text, sizeof(told.word.text), "%s",
				 r == -ENOENT	 ? "there is no such held message (any more)"
				 : r == -EBADMSG ? "its files are damaged"
						 : strerror(-r));
		say(vault, &told);
	}
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

static void hear_gate(struct vault *vault)
{
	struct vault_order order;
	int fds[INSPECTION_FDS_MAX], n;
	size_t n_fds;
	while ((n = inspection_receive(VAULT_CONTROL, &order, sizeof(order), fds, &n_fds)) ==
	       (int)sizeof(order)) {
		order.text[sizeof(order.text) - 1] = '\0';
		order.person.name[HELD_NAME_MAX - 1] = '\0';
		order.person.reason[HELD_REASON_MAX - 1] = '\0';
		take_order(vault, &order, fds, n_fds);
	}
	if (n != -EAGAIN)
		vault->ends = true;
}

// --- what time brings

static void expire(struct vault *vault, uint64_t now_us)
{
	static struct vault_told told;
	uint64_t number = 0;
	// One that cannot go now, damaged or being delivered, must not keep the others.
	while ((number = held_store_expired(vault->store, number, now_us)))
		if (number != vault->delivering &&
		    vault_expire(vault->store, number, now_us, &told) == 0)
			say_news(vault, &told);
}

// One at a time: a message that is delivered lies in memory.
static void deliver(struct vault *vault, uint64_t now_us)
{
	static struct vault_told told;
	size_t n;
	const struct held_entry *entries = held_store_entries(vault->store, &n);
	for (size_t i = 0; i < n && !vault->delivering; i++) {
		if (entries[i].state != HELD_RELEASED || entries[i].next_us > now_us)
			continue;
		// One whose files are damaged must not stand in the way of the others.
		if (vault_describe(vault->store, entries[i].number, &told) < 0)
			continue;
		vault->delivering = entries[i].number;
		told.word.word = VAULT_DUE;
		say(vault, &told);
	}
}

static void tick(struct vault *vault)
{
	static struct vault_told told;
	const uint64_t now_ms = monotonic_ms();
	if (now_ms - vault->ticked_ms >= TICK_MS) {
		vault->ticked_ms = now_ms;
		expire(vault, wall_us());
		deliver(vault, wall_us());
	}
	if (now_ms - vault->forgot_ms >= FORGET_MS) {
		vault->forgot_ms = now_ms;
		held_store_forget(vault->store, wall_us());
	}
	if (now_ms - vault->alive_ms >= VAULT_ALIVE_MS) {
		vault->alive_ms = now_ms;
		memset(&told.word, 0, sizeof(told.word));
		told.word.word = VAULT_ALIVE;
		say(vault, &told);
	}
}

static void serve(struct vault *vault)
{
	static struct pollfd fds[1 + VAULT_STREAMS_MAX];
	while (!vault->ends) {
		size_t n = vault_streams_poll(vault->streams, fds + 1);
		fds[0] = (struct pollfd){ .fd = VAULT_CONTROL, .events = POLLIN };
		if (poll(fds, 1 + n, TICK_MS) < 0 && errno != EINTR)
			_exit(EXIT_FAILED);
		vault_streams_look(vault->streams, fds + 1, n, wall_us());
		if (fds[0].revents)
			hear_gate(vault);
		tick(vault);
	}
}

// --- start

static int start(struct vault *vault)
{
	struct vault_order hello;
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	int r = inspection_await(VAULT_CONTROL, &hello, sizeof(hello), fds, &n_fds);
	umask(077);
	tzset(); // it reads a file, which is not possible later
	if (r != (int)sizeof(hello) || hello.word != VAULT_HELLO || n_fds)
		return -EBADMSG;
	r = sandbox_become(hello.uid, hello.gid);
	if (r == 0) // one whose gate was killed may still be writing what it had
		r = file_lock_folder(VAULT_FOLDER, VAULT_STOP_MS);
	if (r == 0)
		r = sandbox_seal_vault(VAULT_FOLDER);
	if (r == 0)
		r = held_store_open(VAULT_FOLDER, &hello.key, &vault->store);
	explicit_bzero(&hello.key, sizeof(hello.key));
	return r < 0 ? r : vault_streams_new(vault->store, on_kept, vault, &vault->streams);
}

int vault_main(void)
{
	static struct vault vault;
	static struct vault_told told;
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	int r = start(&vault);
	told.word.word = VAULT_READY;
	told.word.error = r;
	if (r < 0) {
		send(VAULT_CONTROL, &told.word, sizeof(told.word), MSG_NOSIGNAL);
		return EXIT_FAILED;
	}
	say(&vault, &told);
	serve(&vault);
	vault_streams_free(vault.streams);
	held_store_close(vault.store);
	return EXIT_FINE;
}
