// A released message on its way to the server that its client had wanted: one at a time.
//
//	vault: due --> connect --> vault: open, into memory --> deliverer --> vault: tried
//
// What the deliverer said is kept until the vault has it on its disk, and nothing else is delivered
// meanwhile: neither a vault that dies in between nor a disk that is full makes the server get the
// message twice.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/compile.h"
#include "daemon/child.h"
#include "daemon/deliver.h"
#include "daemon/vault_private.h"
#include "event/mail_suite.h"

enum { SECOND = 1000000, CONNECT_SECONDS = 60 };

struct delivery {
	struct vault *vault;
	uint64_t number; // 0: nothing is delivered
	int socket, message, job;
	sd_event_source *io, *timer;
	struct child *child;
	// What is to be said of the last one, until the vault has heard it.
	uint64_t said_number;
	int said;    // memory file of fates, or -1
	bool untold; // the vault had no ear for it
	char trouble[HELD_REPLY_MAX];
	uint8_t suite;
	uint64_t disagreed; // the message whose server offered TLS, and did not agree; 0: none
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void stop(struct delivery *delivery)
{
	delivery->io = sd_event_source_disable_unref(delivery->io);
	delivery->timer = sd_event_source_disable_unref(delivery->timer);
	child_cancel(delivery->child);
	delivery->child = NULL;
	close_fd(&delivery->socket);
	close_fd(&delivery->message);
	close_fd(&delivery->job);
	delivery->number = 0;
}

// --- its end

static void on_told(void *arg, const struct vault_word *word)
{
	struct delivery *delivery = arg;
	// It is told again when the next vault asks, or this one once it can write it down.
	if (!word || (word->error && word->error != -ENOENT && word->error != -EALREADY &&
		      word->error != -EBADMSG))
		return;
	close_fd(&delivery->said);
	delivery->said_number = 0;
	if (word->error == 0)
		vault_tell(delivery->vault->gate, word, NULL, "");
}

static void tell(struct delivery *delivery)
{
	struct vault_order order = {
		.word = VAULT_TRIED,
		.number = delivery->said_number,
		.suite = delivery->suite,
	};
	snprintf(order.text, sizeof(order.text), "%s", delivery->trouble);
	delivery->untold = vault_ask(delivery->vault->gate, &order, &delivery->said,
				     delivery->said >= 0, on_told, delivery) < 0;
}

void delivery_tend(struct vault *vault)
{
	if (vault->delivery && vault->delivery->untold)
		tell(vault->delivery);
}

static void over(struct delivery *delivery, const char *trouble, const void *fates, size_t size)
{
	delivery->said_number = delivery->number;
	close_fd(&delivery->said);
	if (size) {
		delivery->said = memfd_create("sekisho-fates", MFD_CLOEXEC);
		if (delivery->said >= 0 && file_write_all(delivery->said, fates, size) < 0)
			close_fd(&delivery->said);
	}
	snprintf(delivery->trouble, sizeof(delivery->trouble), "%s", trouble);
	stop(delivery);
	tell(delivery);
}

static void on_delivered(void *arg, uint8_t *bytes, size_t size, const struct failure *failure)
{
	struct delivery *delivery = arg;
	struct deliver_answer answer = { .n = 0 };
	delivery->child = NULL;
	if (bytes && size >= sizeof(answer))
		memcpy(&answer, bytes, sizeof(answer));
	answer.trouble[sizeof(answer.trouble) - 1] = '\0';
	delivery->suite = answer.suite <= MAIL_SUITE_OTHER ? answer.suite : MAIL_SUITE_OTHER;
	delivery->disagreed = answer.disagreed ? delivery->number : 0;
	if (!bytes)
		over(delivery, failure->text, NULL, 0);
	else if (size < sizeof(answer) || answer.n > HELD_RECIPIENTS_MAX ||
		 size != sizeof(answer) + answer.n * sizeof(struct vault_fate))
		over(delivery, "what the deliverer said made no sense", NULL, 0);
	else
		over(delivery, answer.trouble, bytes + sizeof(answer), size - sizeof(answer));
	free(bytes);
}

// --- the deliverer

static void name_of_this_box(char out[DELIVER_HELO_MAX])
{
	if (gethostname(out, DELIVER_HELO_MAX) < 0 || !out[0])
		snprintf(out, DELIVER_HELO_MAX, "localhost");
	out[DELIVER_HELO_MAX - 1] = '\0';
	for (char *at = out; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.",
			    *at))
			*at = '-';
}

static int make_request(const struct delivery *delivery)
{
	const struct gate_options *options = delivery->vault->gate->options;
	struct deliver_request request = {
		.uid = options->compiler_uid,
		.gid = options->compiler_gid,
		.without = delivery->disagreed == delivery->number,
	};
	char *roots = NULL;
	size_t n = 0;
	int fd = memfd_create("sekisho-deliver", MFD_CLOEXEC);
	name_of_this_box(request.helo);
	if (options->roots &&
	    file_read(AT_FDCWD, options->roots, DELIVER_ROOTS_MAX, &roots, &n) == 0)
		request.roots_size = (uint32_t)n;
	if (fd >= 0 && (file_write_all(fd, &request, sizeof(request)) < 0 ||
			file_write_all(fd, roots, request.roots_size) < 0))
		close_fd(&fd);
	free(roots);
	return fd;
}

static int set_patience(int fd)
{
	const struct timeval patience = { .tv_sec = DELIVER_REPLY_SECONDS };
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return 0;
}

static int start_child(struct delivery *delivery)
{
	struct child_command command = {
		.name = "the deliverer",
		.argument = DELIVER_ARGUMENT,
		.timeout_ms = DELIVER_TIMEOUT_MS,
		.bytes_max = DELIVER_ANSWER_MAX,
		.fds = { make_request(delivery), delivery->job, delivery->message,
			 delivery->socket },
		.n_fds = 4,
	};
	int r = command.fds[0] < 0 ? -ENOMEM : set_patience(delivery->socket);
	if (r == 0)
		r = child_start(delivery->vault->event, &command, on_delivered, delivery,
				&delivery->child);
	close_fd(&command.fds[0]);
	return r;
}

static void on_opened(void *arg, const struct vault_word *word)
{
	struct delivery *delivery = arg;
	int r;
	if (!word || !delivery->number)
		return;
	r = word->error;
	if (r == 0)
		r = file_seal(delivery->message);
	if (r == 0)
		r = file_seal(delivery->job);
	if (r == 0)
		r = start_child(delivery);
	if (r < 0)
		over(delivery, word->error ? word->text : strerror(-r), NULL, 0);
}

static void open_message(struct delivery *delivery)
{
	struct vault_order order = { .word = VAULT_OPEN, .number = delivery->number };
	int fds[2], r;
	delivery->message = memfd_create("sekisho-held", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	delivery->job = memfd_create("sekisho-job", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (delivery->message < 0 || delivery->job < 0) {
		over(delivery, strerror(errno), NULL, 0);
		return;
	}
	fds[0] = delivery->message;
	fds[1] = delivery->job;
	r = vault_ask(delivery->vault->gate, &order, fds, 2, on_opened, delivery);
	if (r < 0)
		over(delivery, strerror(-r), NULL, 0);
}

// --- the connection

static int on_connected(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct delivery *delivery = arg;
	int error = 0;
	socklen_t size = sizeof(error);
	char text[HELD_REPLY_MAX];
	(void)source;
	(void)events;
	delivery->io = sd_event_source_disable_unref(delivery->io);
	delivery->timer = sd_event_source_disable_unref(delivery->timer);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (!error) {
		open_message(delivery);
		return 0;
	}
	snprintf(text, sizeof(text), "no connection to its server: %s", strerror(error));
	over(delivery, text, NULL, 0);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source;
	(void)usec;
	over(arg, "no connection to its server: it does not answer", NULL, 0);
	return 0;
}

static socklen_t address_of(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	memset(ret, 0, sizeof(*ret));
	if (addr->family == ADDR_V4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		addr_to_bytes(ADDR_V4, addr->bits, (uint8_t *)&v4->sin_addr);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	addr_to_bytes(ADDR_V6, addr->bits, (uint8_t *)&v6->sin6_addr);
	return sizeof(*v6);
}

static int connect_to(struct delivery *delivery, const struct addr *addr, uint16_t port)
{
	struct sockaddr_storage to;
	const uint32_t mark = PACKET_DELIVERY;
	const socklen_t size = address_of(addr, port, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	delivery->socket = fd;
	// With it the rules let the gate's own connection out (compile/compile.h).
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS)
		return -errno;
	int r = sd_event_add_io(delivery->vault->event, &delivery->io, fd, EPOLLOUT, on_connected,
				delivery);
	if (r >= 0)
		r = sd_event_add_time_relative(delivery->vault->event, &delivery->timer,
					       CLOCK_MONOTONIC, CONNECT_SECONDS * SECOND, 0,
					       on_timeout, delivery);
	return r < 0 ? r : 0;
}

// What a person has released goes on as long as the policy has its way at all.
static bool is_permitted(const struct gate *gate, const char *flow)
{
	const struct control_rows *flows = &gate->current.report.flows;
	for (size_t i = 1; gate->current.about.number && i < flows->n; i++)
		if (strcmp(control_text(&flows->v[i], CTL_ID), flow) == 0)
			return true;
	return false;
}

void delivery_due(struct vault *vault, const struct vault_word *word)
{
	struct delivery *delivery = vault->delivery;
	char text[HELD_REPLY_MAX];
	int r;
	if (delivery->number)
		return;
	if (delivery->said_number) { // of this message, or of one before it
		tell(delivery);
		return;
	}
	delivery->number = word->number;
	if (!is_permitted(vault->gate, word->flow)) {
		over(delivery, "the running policy has its flow no more", NULL, 0);
		return;
	}
	r = word->server.family == ADDR_V4 || word->server.family == ADDR_V6
		    ? connect_to(delivery, &word->server, (uint16_t)word->server_port)
		    : -EAFNOSUPPORT;
	if (r < 0) {
		snprintf(text, sizeof(text), "no connection to its server: %s", strerror(-r));
		over(delivery, text, NULL, 0);
	}
}

// The deliverer goes on: what it says is for the next vault.
void delivery_cancel(struct vault *vault)
{
	if (vault->delivery && !vault->delivery->child)
		stop(vault->delivery);
}

int delivery_open(struct vault *vault)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	if (!delivery)
		return -ENOMEM;
	delivery->vault = vault;
	delivery->socket = delivery->message = delivery->job = delivery->said = -1;
	vault->delivery = delivery;
	return 0;
}

void delivery_close(struct vault *vault)
{
	struct delivery *delivery = vault->delivery;
	if (!delivery)
		return;
	stop(delivery);
	close_fd(&delivery->said);
	free(delivery);
	vault->delivery = NULL;
}
