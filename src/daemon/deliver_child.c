// An SMTP client (RFC 5321) for one message: no pipelining, one server, one transaction.
#include "daemon/deliver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/file.h"
#include "daemon/child.h"
#include "daemon/deliver_link.h"
#include "daemon/sandbox.h"
#include "event/mail_suite.h"
#include "proto/smtp_reply.h"

enum {
	REQUEST_FD = CHILD_FD_FIRST,
	JOB_FD,
	MESSAGE_FD,
	SOCKET_FD,
	ANSWER_FD,
	LINES_MAX = 256,
	COMMAND_MAX = 4096,
};

enum { OFFERS_8BIT = 1, OFFERS_UTF8 = 2, OFFERS_DSN = 4, OFFERS_TLS = 8 };

struct reply {
	uint16_t code;
	char text[HELD_REPLY_MAX]; // its first line
};

struct client {
	struct deliver_request request;
	struct vault_job job;
	char *lines;
	struct vault_fate *fates;
	bool *taken; // by recipient
	unsigned offers;
	bool greets; // the reply says what it offers
	struct deliver_link link;
	struct tls_context *tls; // NULL: it is not to be
	struct deliver_answer answer;
};

// --- what the server says

static void keep_text(struct reply *reply, const uint8_t *line, size_t n)
{
	size_t room = sizeof(reply->text) - 1;
	n = n < room ? n : room;
	for (size_t i = 0; i < n; i++)
		reply->text[i] = line[i] >= ' ' && line[i] < 0x7f ? (char)line[i] : '?';
	reply->text[n] = '\0';
}

static void take_offer(struct client *client, const uint8_t *line, size_t n)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = {
		{ "8BITMIME", OFFERS_8BIT },
		{ "SMTPUTF8", OFFERS_UTF8 },
		{ "DSN", OFFERS_DSN },
		{ "STARTTLS", OFFERS_TLS },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].word);
		if (n >= 4 + length &&
		    strncasecmp((const char *)line + 4, words[i].word, length) == 0 &&
		    (n == 4 + length || line[4 + length] == ' '))
			client->offers |= words[i].bit;
	}
}

static int read_reply(struct client *client, struct reply *ret)
{
	uint8_t line[SMTP_REPLY_LINE_MAX];
	struct smtp_reply_line read;
	size_t n = 0;
	for (unsigned i = 0; i < LINES_MAX; i++) {
		int r = deliver_link_read(&client->link, line, &n);
		if (r < 0)
			return r;
		if (smtp_reply_read(line, n, &read) < 0 || (i && read.code != ret->code))
			return -EBADMSG;
		ret->code = read.code;
		if (i == 0)
			keep_text(ret, line, n);
		else if (client->greets)
			take_offer(client, line, n);
		if (read.last)
			return 0;
	}
	return -EMSGSIZE;
}

static int say(struct client *client, const char *command, struct reply *ret)
{
	int r = deliver_link_write(&client->link, command, strlen(command));
	return r < 0 ? r : read_reply(client, ret);
}

// --- the transaction

static void set_trouble(struct client *client, const char *where, int error,
			const struct reply *reply)
{
	snprintf(client->answer.trouble, sizeof(client->answer.trouble), "%s: %.200s", where,
		 error < 0 ? strerror(-error) : reply->text);
}

// Of one recipient: what is for good, and what may be otherwise the next time.
static void set_fate(struct client *client, uint32_t i, const struct reply *reply)
{
	struct vault_fate *fate = &client->fates[i];
	// 530, 538: only over TLS, or only for those who have logged in; that is its setting.
	bool again = reply->code / 100 == 4 || reply->code == 530 || reply->code == 538 ||
		     reply->code / 100 == 3;
	fate->code = reply->code;
	fate->done = !again;
	snprintf(fate->reply, sizeof(fate->reply), "%s", reply->text);
}

static void set_fates(struct client *client, const struct reply *reply)
{
	for (uint32_t i = 0; i < client->job.n_recipients; i++)
		if (client->taken[i])
			set_fate(client, i, reply);
}

static int say_ehlo(struct client *client)
{
	char command[DELIVER_HELO_MAX + 16];
	struct reply reply;
	int r;
	client->offers = 0;
	snprintf(command, sizeof(command), "EHLO %s\r\n", client->request.helo);
	client->greets = true;
	r = say(client, command, &reply);
	client->greets = false;
	if (r == 0 && reply.code / 100 == 5) {
		snprintf(command, sizeof(command), "HELO %s\r\n", client->request.helo);
		r = say(client, command, &reply);
		client->offers = 0;
	}
	if (r < 0 || reply.code / 100 != 2) {
		set_trouble(client, "EHLO", r, &reply);
		return -EIO;
	}
	return 0;
}

static bool demands_tls(const struct client *client)
{
	return client->job.tls != HELD_TLS_OFFERED;
}

static int secure(struct client *client)
{
	const char *name = *client->job.tls_name ? client->job.tls_name : NULL;
	char why[TLS_FAULT_MAX] = "";
	struct tls_about about;
	int r = deliver_link_secure(&client->link, client->tls, name, why);
	if (r < 0) {
		client->answer.disagreed = true;
		snprintf(client->answer.trouble, sizeof(client->answer.trouble), "TLS: %s",
			 *why ? why : strerror(-r));
		return -EIO;
	}
	tls_end_about(client->link.tls, &about);
	client->answer.suite = mail_suite_of(about.suite);
	return 0;
}

// Without TLS nothing is said to a server that has to have it.
static int start_tls(struct client *client)
{
	struct reply reply = { .text = "the server offers no TLS, which its guard demands" };
	int r = 0;
	if (client->offers & OFFERS_TLS) {
		r = say(client, "STARTTLS\r\n", &reply);
		if (r == 0 && reply.code == 220)
			return secure(client) < 0 ? -EIO : say_ehlo(client);
	}
	if (r < 0 || demands_tls(client)) {
		set_trouble(client, "TLS", r, &reply);
		return -EIO;
	}
	return 0;
}

static int greet(struct client *client)
{
	struct reply reply;
	int r;
	if (client->job.tls == HELD_TLS_AT_ONCE && secure(client) < 0)
		return -EIO;
	r = read_reply(client, &reply);
	if (r < 0 || reply.code != 220) {
		set_trouble(client, "its greeting", r, &reply);
		return -EIO;
	}
	r = say_ehlo(client);
	return r < 0 || client->link.tls || !client->tls ? r : start_tls(client);
}

static bool may_say(const struct client *client, const char *parameter, size_t n)
{
	static const struct {
		const char *word;
		unsigned needs;
	} words[] = {
		{ "BODY=", OFFERS_8BIT }, { "SMTPUTF8", OFFERS_UTF8 }, { "RET=", OFFERS_DSN },
		{ "ENVID=", OFFERS_DSN }, { "NOTIFY=", OFFERS_DSN },   { "ORCPT=", OFFERS_DSN },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (n >= strlen(words[i].word) &&
		    strncasecmp(parameter, words[i].word, strlen(words[i].word)) == 0)
			return client->offers & words[i].needs;
	return false; // SIZE, AUTH, BY: of the session that is over
}

// The address, and of its parameters those that the server knows.
static void make_command(const struct client *client, const char *verb, const char *line,
			 char out[COMMAND_MAX])
{
	const char *end = strchr(line, '>');
	size_t path = end ? (size_t)(end - line) + 1 : strlen(line);
	int n = snprintf(out, COMMAND_MAX - 2, "%s:%.*s", verb, (int)path, line);
	const char *at = line + path;
	while (n > 0 && n < COMMAND_MAX - 2 && *(at += strspn(at, " "))) {
		size_t word = strcspn(at, " ");
		if (may_say(client, at, word))
			n += snprintf(out + n, (size_t)(COMMAND_MAX - 2 - n), " %.*s", (int)word,
				      at);
		at += word;
	}
	strcat(out, "\r\n");
}

static bool is_quoted_path(const char *line)
{
	// An address with ">" in quotes is not worth a parser of its own.
	const char *end = strchr(line, '>');
	return !end || memchr(line, '"', (size_t)(end - line));
}

static const char *next_line(const char *line)
{
	return line + strlen(line) + 1;
}

static int name_recipients(struct client *client, uint32_t *ret_n)
{
	const char *line = client->lines;
	char command[COMMAND_MAX];
	struct reply reply;
	*ret_n = 0;
	for (uint32_t i = 0; i < client->job.n_recipients; i++) {
		line = next_line(line);
		if (is_quoted_path(line)) {
			reply = (struct reply){ .code = 553,
						.text = "553 5.1.3 not delivered by the gate" };
		} else {
			make_command(client, "RCPT TO", line, command);
			int r = say(client, command, &reply);
			if (r < 0) {
				set_trouble(client, "RCPT", r, NULL);
				return r;
			}
		}
		client->taken[i] = reply.code / 100 == 2;
		*ret_n += client->taken[i];
		if (!client->taken[i])
			set_fate(client, i, &reply);
	}
	return 0;
}

static int send_message(struct client *client)
{
	static uint8_t bytes[64 * 1024];
	uint64_t left = client->job.size;
	while (left) {
		ssize_t n = read(MESSAGE_FD, bytes, left < sizeof(bytes) ? left : sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		int r = deliver_link_write(&client->link, bytes, (size_t)n);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return 0;
}

static void give_data(struct client *client)
{
	struct reply reply;
	int r = say(client, "DATA\r\n", &reply);
	if (r == 0 && reply.code != 354) {
		set_fates(client, &reply);
		return;
	}
	if (r == 0)
		r = send_message(client);
	if (r == 0)
		r = say(client, ".\r\n", &reply);
	if (r < 0)
		set_trouble(client, "DATA", r, NULL);
	else
		set_fates(client, &reply);
}

static void deliver(struct client *client)
{
	char command[COMMAND_MAX];
	struct reply reply;
	uint32_t n;
	if (greet(client) < 0)
		return;
	make_command(client, "MAIL FROM", client->lines, command);
	int r = say(client, command, &reply);
	if (r < 0) {
		set_trouble(client, "MAIL", r, NULL);
	} else if (reply.code / 100 != 2) {
		memset(client->taken, true, client->job.n_recipients);
		set_fates(client, &reply);
	} else if (name_recipients(client, &n) == 0 && n) {
		give_data(client);
	}
	deliver_link_write(&client->link, "QUIT\r\n", 6); // whatever it says to that
}

// --- start

static int read_all(int fd, void *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, (uint8_t *)bytes + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		at += (size_t)n;
	}
	return 0;
}

// What TLS needs, before files are out of reach.
static int make_tls(struct client *client)
{
	const struct deliver_request *request = &client->request;
	char why[TLS_FAULT_MAX], *roots = NULL;
	int r = -EBADMSG;
	if (request->roots_size <= DELIVER_ROOTS_MAX)
		r = tls_load();
	if (r == 0 && request->roots_size) {
		roots = malloc(request->roots_size);
		r = roots ? read_all(REQUEST_FD, roots, request->roots_size) : -ENOMEM;
	}
	if (r == 0 && (demands_tls(client) || !request->without))
		r = tls_client_new(roots, request->roots_size,
				   (enum tls_version)client->job.tls_least, &client->tls, why);
	free(roots);
	return r;
}

static int start(struct client *client)
{
	int r = read_all(REQUEST_FD, &client->request, sizeof(client->request));
	if (r == 0)
		r = read_all(JOB_FD, &client->job, sizeof(client->job));
	if (r == 0 &&
	    (!client->job.n_recipients || client->job.n_recipients > HELD_RECIPIENTS_MAX ||
	     !client->job.lines_size || client->job.lines_size > HELD_LINES_MAX ||
	     client->job.tls >= HELD_TLS_COUNT ||
	     (client->job.tls_least != TLS_1_2 && client->job.tls_least != TLS_1_3)))
		r = -EBADMSG;
	if (r < 0)
		return r;
	client->request.helo[DELIVER_HELO_MAX - 1] = '\0';
	client->job.tls_name[HELD_TLS_NAME_MAX - 1] = '\0';
	client->link.fd = SOCKET_FD;
	client->lines = malloc(client->job.lines_size);
	client->fates = calloc(client->job.n_recipients, sizeof(*client->fates));
	client->taken = calloc(client->job.n_recipients, sizeof(*client->taken));
	if (!client->lines || !client->fates || !client->taken)
		return -ENOMEM;
	r = read_all(JOB_FD, client->lines, client->job.lines_size);
	uint32_t n = 0;
	for (uint32_t i = 0; r == 0 && i < client->job.lines_size; i++)
		n += client->lines[i] == '\0';
	if (r == 0 && (n != client->job.n_recipients + 1 ||
		       client->lines[client->job.lines_size - 1] != '\0'))
		r = -EBADMSG;
	if (r == 0)
		r = make_tls(client);
	return r < 0 ? r : sandbox_enter(client->request.uid, client->request.gid);
}

int deliver_main(void)
{
	static struct client client;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	if (lseek(REQUEST_FD, 0, SEEK_SET) < 0 || lseek(JOB_FD, 0, SEEK_SET) < 0 ||
	    lseek(MESSAGE_FD, 0, SEEK_SET) < 0 || start(&client) < 0)
		return EXIT_FAILED;
	client.answer.n = client.job.n_recipients;
	deliver(&client);
	deliver_link_close(&client.link);
	int r = file_write_all(ANSWER_FD, &client.answer, sizeof(client.answer));
	if (r == 0)
		r = file_write_all(ANSWER_FD, client.fates,
				   client.job.n_recipients * sizeof(*client.fates));
	return r < 0 ? EXIT_FAILED : EXIT_FINE;
}
