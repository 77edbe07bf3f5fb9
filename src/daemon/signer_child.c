#include "daemon/signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "daemon/inspection_wire.h"
#include "daemon/sandbox.h"
#include "daemon/signer_desk.h"

enum { QUESTIONS_MAX = 16 }; // of one asker, before the next

struct child {
	struct signer_desk desk;
	int askers[SIGNER_ASKERS_MAX]; // -1: none
	uint32_t uid, gid;
	bool sealed, ends;
};

static void say(const struct child *child, struct signer_word *word)
{
	word->numbers = child->desk.numbers;
	inspection_send(SIGNER_SOCKET, word, sizeof(*word), NULL, 0, NULL, 0);
}

// --- keys, before it is sealed

// All of a file, with what is too much of it, so that the reader can tell.
static ssize_t read_file(int fd, char *bytes, size_t room)
{
	size_t n = 0;
	while (n < room) {
		ssize_t got = pread(fd, bytes + n, room - n, (off_t)n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static int read_key(int fd, struct tls_key **ret_key, char why[TLS_FAULT_MAX])
{
	static char bytes[TLS_KEY_BYTES_MAX + 1];
	ssize_t n = read_file(fd, bytes, sizeof(bytes));
	int r = n < 0 ? (int)n : tls_key_read(bytes, (size_t)n, ret_key, why);
	explicit_bzero(bytes, sizeof(bytes));
	return r;
}

static int read_chain(int fd, struct tls_chain **ret_chain, char why[TLS_FAULT_MAX])
{
	static char bytes[TLS_CHAIN_BYTES_MAX + 1];
	ssize_t n = read_file(fd, bytes, sizeof(bytes));
	return n < 0 ? (int)n : tls_chain_read(bytes, (size_t)n, ret_chain, why);
}

static void take_key(struct child *child, uint32_t index, const int fds[2])
{
	struct signer_word word = { .word = SIGNER_KNOWS, .index = index };
	struct tls_chain *chain = NULL;
	struct tls_key *key = NULL;
	char why[TLS_FAULT_MAX] = "";
	const char *which = "certificate";
	word.error = read_chain(fds[1], &chain, why);
	if (word.error == 0) {
		which = "key";
		word.error = read_key(fds[0], &key, why);
	}
	if (word.error == 0 && !tls_key_fits(key, chain)) {
		word.error = -EBADMSG;
		snprintf(why, sizeof(why), "it is not the certificate's");
	}
	if (word.error < 0) {
		snprintf(word.why, sizeof(word.why), "%s: %.100s", which,
			 why[0] ? why : strerror(-word.error));
		tls_key_free(key);
	} else {
		child->desk.keys[index] = key;
		word.from = chain->from;
		word.until = chain->until;
		memcpy(word.name, chain->name, sizeof(word.name));
	}
	tls_chain_free(chain);
	say(child, &word);
}

static void seal(struct child *child)
{
	struct signer_word word = { .word = SIGNER_READY };
	word.error = sandbox_seal_signer(child->uid, child->gid);
	if (word.error < 0)
		snprintf(word.why, sizeof(word.why), "it cannot be sealed: %s",
			 strerror(-word.error));
	say(child, &word);
	child->sealed = word.error == 0;
	child->ends = word.error < 0;
}

// --- orders

// Whether it used the descriptors up.
static bool take_order(struct child *child, const struct signer_order *order, const int *fds,
		       size_t n_fds)
{
	switch (order->word) {
	case SIGNER_HELLO:
		child->uid = order->uid;
		child->gid = order->gid;
		return false;
	case SIGNER_KEY:
		if (n_fds == 2 && !child->sealed && order->index < TLS_KEYS_MAX &&
		    !child->desk.keys[order->index])
			take_key(child, order->index, fds);
		return false;
	case SIGNER_SEAL:
		if (!child->sealed)
			seal(child);
		return false;
	case SIGNER_ASKER:
		if (n_fds != 1 || !child->sealed || order->index >= SIGNER_ASKERS_MAX)
			return false;
		if (child->askers[order->index] >= 0)
			close(child->askers[order->index]);
		child->askers[order->index] = fds[0];
		return true;
	case SIGNER_PING:
		say(child, &(struct signer_word){ .word = SIGNER_PONG });
		return false;
	default:
		child->ends = true;
		return false;
	}
}

static void hear_gate(struct child *child)
{
	struct signer_order order;
	int fds[INSPECTION_FDS_MAX], n = 0;
	size_t n_fds;
	while (!child->ends && (n = inspection_receive(SIGNER_SOCKET, &order, sizeof(order), fds,
						       &n_fds)) == (int)sizeof(order)) {
		if (!take_order(child, &order, fds, n_fds))
			for (size_t i = 0; i < n_fds; i++)
				close(fds[i]);
	}
	if (n != -EAGAIN && n != (int)sizeof(order))
		child->ends = true;
}

// --- questions

static void hang_up(struct child *child, unsigned asker)
{
	close(child->askers[asker]);
	child->askers[asker] = -1;
}

// Of this process: what others do meanwhile is not the asker's.
static uint64_t worked_us(void)
{
	struct timespec now;
	return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0
		       ? 0
		       : (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void hear_asker(struct child *child, unsigned asker)
{
	uint8_t bytes[sizeof(struct signer_question) + 1];
	struct signer_answer answer;
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		const uint64_t before_us = worked_us();
		ssize_t n = recv(child->askers[asker], bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 ||
		    !signer_desk_answer(&child->desk, asker, bytes, (size_t)n, monotonic_us(),
					&answer) ||
		    send(child->askers[asker], &answer, sizeof(answer),
			 MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof(answer)) {
			hang_up(child, asker); // it asks for no more than it reads
			return;
		}
		signer_desk_spent(&child->desk, asker, worked_us() - before_us + 1);
	}
}

static void serve(struct child *child)
{
	while (!child->ends) {
		struct pollfd fds[1 + SIGNER_ASKERS_MAX] = {
			{ .fd = SIGNER_SOCKET, .events = POLLIN },
		};
		for (unsigned i = 0; i < SIGNER_ASKERS_MAX; i++)
			fds[1 + i] = (struct pollfd){ .fd = child->askers[i], .events = POLLIN };
		if (poll(fds, 1 + SIGNER_ASKERS_MAX, -1) < 0 && errno != EINTR)
			return;
		for (unsigned i = 0; i < SIGNER_ASKERS_MAX; i++)
			if (fds[1 + i].revents && child->askers[i] == fds[1 + i].fd)
				hear_asker(child, i);
		if (fds[0].revents)
			hear_gate(child);
	}
}

int signer_main(void)
{
	static struct child child;
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (size_t i = 0; i < SIGNER_ASKERS_MAX; i++)
		child.askers[i] = -1;
	if (tls_load() < 0)
		return EXIT_FAILED;
	serve(&child);
	for (size_t i = 0; i < TLS_KEYS_MAX; i++)
		tls_key_free(child.desk.keys[i]);
	return EXIT_FINE;
}
