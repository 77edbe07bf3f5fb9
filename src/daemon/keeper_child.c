// The keeper's side: takes events, appends them, syncs, acknowledges.  It has one folder and one
// socket; it parses nothing of what it writes.
#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/clock.h"
#include "base/exit.h"
#include "base/fault.h"
#include "daemon/keeper_wire.h"
#include "daemon/sandbox.h"

enum {
	RETRY_MS = 200,
	DISPOSE_MS = 60 * 1000,
	GRACE_USEC = 3600U * 1000000U,
	// More than the gate may have in flight would be a fault of the gate.
	PENDING_MAX = KEEPER_FLIGHT_MAX + 2 * KEEPER_MESSAGE_MAX,
};

struct child {
	int dir_fd;
	struct key *key;
	struct audit *audit;
	struct audit_limits limits;
	struct stamp_clock clock;
	struct chain since;
	char pending[PENDING_MAX]; // bodies, a newline after each
	size_t n_pending;
	uint64_t token;
	bool resumes, is_up, asked, ends;
	uint64_t unsigned_since; // CLOCK_BOOTTIME; 0: all is signed
	uint64_t dispose_at, retry_at;
	struct keeper_answer answer;
};

// --- hearing and answering

static void say(struct child *child)
{
	struct keeper_answer *answer = &child->answer;
	if (child->audit) {
		answer->end = audit_end(child->audit);
		answer->checkpoint = audit_checkpoint(child->audit);
		audit_trouble(child->audit, answer->trouble);
	}
	answer->token = child->token;
	child->asked = false;
	child->is_up = true;
	// The gate reads whenever it can; if it is gone, there is nobody to write for.
	if (send(KEEPER_SOCKET, answer, sizeof(*answer), MSG_NOSIGNAL) < 0)
		_exit(EXIT_FINE);
	answer->is_ready = 0;
	answer->trouble[0] = '\0';
}

static bool take_events(struct child *child, const char *lines, size_t size)
{
	if (!size || lines[size - 1] != '\n' || size > PENDING_MAX - child->n_pending)
		return false;
	memcpy(child->pending + child->n_pending, lines, size);
	child->n_pending += size;
	return true;
}

static bool take_message(struct child *child, const char *bytes, size_t size)
{
	struct keeper_head head;
	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	bytes += sizeof(head);
	size -= sizeof(head);
	switch (head.word) {
	case KEEPER_EVENTS:
		return take_events(child, bytes, size);
	case KEEPER_LIMITS:
		if (size != sizeof(child->limits))
			return false;
		memcpy(&child->limits, bytes, size);
		child->limits.grace_usec = GRACE_USEC;
		if (child->audit)
			audit_set_limits(child->audit, &child->limits);
		child->dispose_at = 0;
		return true;
	case KEEPER_PROBE:
		child->token = head.token;
		child->asked = true;
		child->retry_at = 0;
		return size == 0;
	case KEEPER_END:
		child->ends = true;
		return size == 0;
	default:
		return false;
	}
}

// Everything that has arrived.  False: the gate is gone, or talks nonsense.
static bool hear(struct child *child)
{
	static char message[KEEPER_MESSAGE_MAX + sizeof(struct keeper_head)];
	for (;;) {
		ssize_t n = recv(KEEPER_SOCKET, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0 || (size_t)n > sizeof(message) ||
		    !take_message(child, message, (size_t)n))
			return false;
	}
}

// --- writing

static uint64_t count_lines(const char *bytes, size_t size)
{
	uint64_t n = 0;
	for (const char *at = bytes; (at = memchr(at, '\n', size - (size_t)(at - bytes))); at++)
		n++;
	return n;
}

static void drop(struct child *child, size_t bytes)
{
	child->answer.durable_events += count_lines(child->pending, bytes);
	child->n_pending -= bytes;
	memmove(child->pending, child->pending + bytes, child->n_pending);
}

// After a failure some of what was thought lost may be there after all.
static void drop_survivors(struct child *child)
{
	size_t bytes = 0;
	for (uint64_t n = audit_survivors(child->audit); n && bytes < child->n_pending; n--) {
		const char *at = child->pending + bytes;
		bytes +=
			(size_t)((const char *)memchr(at, '\n', child->n_pending - bytes) - at) + 1;
	}
	drop(child, bytes);
}

static int open_log(struct child *child)
{
	int r = audit_open(child->dir_fd, child->key, &child->limits, &child->clock, &child->since,
			   &child->audit);
	if (r < 0 || !child->resumes)
		return r;
	// The gate learns it with the first answer; later, it has sent them again already.
	if (child->is_up)
		drop_survivors(child);
	else
		child->answer.survivors = audit_survivors(child->audit);
	return 0;
}

// What fits the writer's memory at once; *ret_bytes of pending.
static int add_pending(struct child *child, size_t *ret_bytes)
{
	size_t at = 0;
	int r = 0;
	while (r == 0 && at < child->n_pending) {
		const char *body = child->pending + at;
		const char *end = memchr(body, '\n', child->n_pending - at);
		r = audit_add(child->audit, body, (size_t)(end - body));
		if (r == -EMSGSIZE) // the gate never makes one; it must not stop all others
			r = 0;
		if (r == 0)
			at += (size_t)(end - body) + 1;
	}
	*ret_bytes = at;
	return r == -ENOBUFS ? 0 : r;
}

static bool wants_checkpoint(const struct child *child)
{
	return child->unsigned_since &&
	       (child->ends || boot_now_usec() - child->unsigned_since >= AUDIT_CHECKPOINT_USEC);
}

static int write_some(struct child *child, bool recovers)
{
	size_t bytes;
	int r = audit_begin(child->audit);
	if (r == 0 && recovers)
		drop_survivors(child);
	if (r == 0)
		r = add_pending(child, &bytes);
	if (r == 0 && wants_checkpoint(child))
		r = audit_add_checkpoint(child->audit);
	if (r == 0)
		r = audit_flush(child->audit);
	if (r == 0)
		drop(child, bytes);
	return r;
}

// Whether records would find room.
static int look_for_room(const struct child *child)
{
	enum { BLOCKS_MIN = 8 };
	struct statfs fs;
	int r = fault_error("audit-write");
	return r == 0 && fstatfs(child->dir_fd, &fs) == 0 && fs.f_bavail < BLOCKS_MIN ? -ENOSPC : r;
}

static void write_all(struct child *child)
{
	bool recovers = child->audit && child->answer.error;
	// Once blocked, it is until there is room for more than the next record.
	bool looks = child->answer.error || (child->asked && !child->n_pending);
	int r = looks ? look_for_room(child) : 0;
	if (r == 0 && !child->audit)
		r = open_log(child);
	do {
		if (r == 0)
			r = write_some(child, recovers);
		recovers = false;
	} while (r == 0 && child->n_pending);
	child->retry_at = r < 0 ? boot_now_usec() + RETRY_MS * 1000 : 0;
	child->answer.error = r;
	if (r == 0 && !audit_unsigned(child->audit))
		child->unsigned_since = 0;
	else if (!child->unsigned_since)
		child->unsigned_since = boot_now_usec();
}

static void dispose(struct child *child)
{
	uint64_t now = boot_now_usec();
	if (!child->audit || child->answer.error || now < child->dispose_at)
		return;
	// One at a time, so that events do not wait for it.
	int r = audit_dispose(child->audit, wall_us());
	child->dispose_at = r > 0 ? 0 : now + DISPOSE_MS * 1000;
	if (r > 0 && !child->unsigned_since)
		child->unsigned_since = now;
}

static int wait_ms(const struct child *child)
{
	uint64_t now = boot_now_usec(), until = child->dispose_at;
	if (child->retry_at)
		until = child->retry_at;
	else if (child->unsigned_since && child->unsigned_since + AUDIT_CHECKPOINT_USEC < until)
		until = child->unsigned_since + AUDIT_CHECKPOINT_USEC;
	return until <= now ? 0 : (int)((until - now) / 1000) + 1;
}

static int serve(struct child *child)
{
	struct pollfd socket = { .fd = KEEPER_SOCKET, .events = POLLIN };
	write_all(child);
	child->answer.is_ready = 1;
	say(child);
	for (;;) {
		if (poll(&socket, 1, wait_ms(child)) < 0 && errno != EINTR)
			return EXIT_FAILED;
		bool heard = hear(child);
		if (!heard)
			child->ends = true;
		int before = child->answer.error;
		uint64_t durable = child->answer.durable_events;
		bool due = child->retry_at
				   ? boot_now_usec() >= child->retry_at
				   : child->n_pending || child->asked || wants_checkpoint(child);
		if (due)
			write_all(child);
		dispose(child);
		if (heard && (child->asked || child->answer.error != before ||
			      child->answer.durable_events != durable || due))
			say(child);
		if (child->ends)
			return child->answer.error ? EXIT_FAILED : EXIT_FINE;
	}
}

// --- start

static int take_hello(struct child *child, struct keeper_hello *hello)
{
	char message[sizeof(struct keeper_head) + sizeof(*hello)];
	struct keeper_head head;
	ssize_t n = recv(KEEPER_SOCKET, message, sizeof(message), MSG_TRUNC);
	if (n != (ssize_t)sizeof(message))
		return -EBADMSG;
	memcpy(&head, message, sizeof(head));
	memcpy(hello, message + sizeof(head), sizeof(*hello));
	explicit_bzero(message, sizeof(message));
	hello->folder[sizeof(hello->folder) - 1] = '\0';
	child->since = hello->since;
	child->resumes = hello->resumes != 0;
	child->limits = hello->limits;
	child->limits.grace_usec = GRACE_USEC;
	int r = head.word == KEEPER_HELLO ? key_from_secret(hello->secret, &child->key) : -EBADMSG;
	explicit_bzero(hello->secret, sizeof(hello->secret));
	return r;
}

// The public key lies with the log, for whoever reads it.
static void put_public_key(const struct child *child)
{
	char pem[KEY_PEM_MAX], there[KEY_PEM_MAX] = "", name[64], id[KEY_ID_MAX];
	struct key_public old;
	key_public_pem(key_public(child->key), pem);
	int fd = openat(child->dir_fd, "audit.pub", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, there, sizeof(there));
	if (fd >= 0)
		close(fd);
	if (n == (ssize_t)strlen(pem) && memcmp(pem, there, (size_t)n) == 0)
		return;
	if (n > 0 && key_parse_public_pem(there, (size_t)n, &old) == 0) {
		key_public_id(&old, id);
		snprintf(name, sizeof(name), "audit.pub.%s", id);
		renameat(child->dir_fd, "audit.pub", child->dir_fd, name);
	}
	fd = openat(child->dir_fd, "audit.pub",
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return;
	// If that fails, the next start tries again; the log does not need it.
	if (write(fd, pem, strlen(pem)) < 0 || fsync(fd) < 0)
		unlinkat(child->dir_fd, "audit.pub", 0);
	close(fd);
}

static int start(struct child *child)
{
	struct keeper_hello hello;
	int r = take_hello(child, &hello);
	umask(0);
	// Both read files, which is not possible later.
	tzset();
	stamp_clock_init(&child->clock);
	if (r == 0)
		r = sandbox_become(hello.uid, hello.gid);
	if (r < 0)
		return r;
	child->dir_fd = open(hello.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (child->dir_fd < 0)
		return -errno;
	// A keeper whose gate was killed may still be writing what it was given.
	while (flock(child->dir_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	put_public_key(child);
	return sandbox_seal_keeper(child->dir_fd);
}

int keeper_main(void)
{
	static struct child child;
	// It ends with the gate: who stops the service stops the gate, and the gate waits for this.
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	int r = start(&child);
	if (r < 0) {
		child.answer.error = r;
		child.answer.is_ready = 1;
		say(&child);
		return EXIT_FAILED;
	}
	r = serve(&child);
	audit_close(child.audit);
	key_free(child.key);
	return r;
}
