// The deliverer as a process of its own against a server on a real socket: in clear, by TLS, and
// what it does where the two do not agree.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/deliver.h"
#include "daemon/deliver_link.h"
#include "tls_bed.h"

static const char message[] = "Subject: a plan\r\n\r\n..a line with a dot\r\nthe end\r\n";

// --- the server: one session, said by a table

enum ways { // of the server with STARTTLS
	NO_OFFER,
	OFFERS,	    // and does it
	PUTS_OFF,   // 454
	BREAKS,	    // its handshake is nonsense
	ADDS,	    // a line in clear along with its 220
	FROM_FIRST, // TLS from the first byte
};

static struct server {
	enum ways ways;
	int fd;
	struct tls_context *context;
	struct deliver_link link;
	unsigned ehlos;
	bool quit, tls_at_mail;
	char mail[256], body[4096];
	size_t n_body;
} server;

static void say(const char *text)
{
	deliver_link_write(&server.link, text, strlen(text));
}

static void take_body(void)
{
	uint8_t line[SMTP_REPLY_LINE_MAX];
	size_t n;
	while (deliver_link_read(&server.link, line, &n) == 0) {
		if (n == 1 && line[0] == '.') {
			say("250 2.0.0 taken\r\n");
			return;
		}
		if (server.n_body + n + 2 > sizeof(server.body))
			return;
		memcpy(server.body + server.n_body, line, n);
		memcpy(server.body + server.n_body + n, "\r\n", 2);
		server.n_body += n + 2;
	}
}

static bool secure(void)
{
	char why[TLS_FAULT_MAX];
	return deliver_link_secure(&server.link, server.context, NULL, why) == 0;
}

static bool start_tls(void)
{
	if (server.ways == PUTS_OFF) {
		say("454 4.7.0 not now\r\n");
		return true;
	}
	say(server.ways == ADDS ? "220 go on\r\n250 in clear\r\n" : "220 go on\r\n");
	if (server.ways == BREAKS)
		say("this is no handshake at all, and never will be one\r\n");
	return server.ways == OFFERS && secure();
}

static bool obey(const char *line)
{
	if (strncmp(line, "EHLO", 4) == 0) {
		server.ehlos++;
		say(server.ways == NO_OFFER || server.link.tls
			    ? "250-sink\r\n250 8BITMIME\r\n"
			    : "250-sink\r\n250-STARTTLS\r\n250 8BITMIME\r\n");
	} else if (strcmp(line, "STARTTLS") == 0) {
		return start_tls();
	} else if (strncmp(line, "MAIL", 4) == 0) {
		snprintf(server.mail, sizeof(server.mail), "%s", line);
		server.tls_at_mail = server.link.tls;
		say("250 fine\r\n");
	} else if (strcmp(line, "DATA") == 0) {
		say("354 go on\r\n");
		take_body();
	} else if (strcmp(line, "QUIT") == 0) {
		server.quit = true;
		return false;
	} else {
		say("250 fine\r\n");
	}
	return true;
}

static void *serve(void *arg)
{
	uint8_t line[SMTP_REPLY_LINE_MAX + 1];
	size_t n;
	(void)arg;
	server.link = (struct deliver_link){ .fd = server.fd };
	if (server.ways != FROM_FIRST || secure()) {
		say("220 sink ESMTP\r\n");
		do {
			if (deliver_link_read(&server.link, line, &n) < 0)
				break;
			line[n] = '\0';
		} while (obey((char *)line));
	}
	deliver_link_close(&server.link);
	shutdown(server.fd, SHUT_RDWR);
	return NULL;
}

// --- the deliverer

static int file_of(const void *bytes, size_t n, const void *more, size_t n_more)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, bytes, n), 0);
	assert_int_equal(file_write_all(fd, more, n_more), 0);
	return fd;
}

static _Noreturn void become_deliverer(const int fds[5])
{
	int high[5];
	for (int i = 0; i < 5; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 100);
	for (int i = 0; i < 5; i++)
		dup2(high[i], 3 + i);
	for (int i = 0; i < 5; i++)
		close(high[i]);
	_exit(deliver_main());
}

struct row {
	const char *what;
	enum ways ways;
	enum held_tls tls;
	const char *name; // that the server has to prove
	bool roots, without;
	enum tls_version least;
	// What becomes of it.
	bool delivered, by_tls, disagreed;
	unsigned ehlos;
};

static void deliver(const struct row *row, struct deliver_answer *answer, struct vault_fate *fate)
{
	static const char lines[] = "<a@city.example.jp> BODY=8BITMIME\0<b@o.example>";
	const struct made *roots = &made[MADE_P256];
	const struct timeval patience = { .tv_sec = 20 };
	struct deliver_request request = {
		.uid = 65534,
		.gid = 65534,
		.roots_size = row->roots ? (uint32_t)roots->n_chain : 0,
		.without = row->without,
		.helo = "gate.example.jp",
	};
	struct vault_job job = {
		.n_recipients = 1,
		.lines_size = sizeof(lines),
		.size = sizeof(message) - 1,
		.tls = row->tls,
		.tls_least = row->least,
	};
	int pair[2], out[2], status;
	pthread_t thread;
	snprintf(job.tls_name, sizeof(job.tls_name), "%s", row->name ? row->name : "");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	const int fds[] = { file_of(&request, sizeof(request), roots->chain, request.roots_size),
			    file_of(&job, sizeof(job), lines, sizeof(lines)),
			    file_of(message, sizeof(message) - 1, NULL, 0), pair[0], out[1] };
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become_deliverer(fds);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	server.fd = pair[1];
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	assert_int_equal(read(out[0], answer, sizeof(*answer)), sizeof(*answer));
	assert_int_equal(read(out[0], fate, sizeof(*fate)), sizeof(*fate));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pthread_join(thread, NULL);
	close(pair[1]);
	close(out[0]);
}

#define NAMED "mail.example.jp", true

static const struct row rows[] = {
	{ "in clear", NO_OFFER, HELD_TLS_OFFERED, NULL, false, false, TLS_1_2, true, false, false,
	  1 },
	{ "by TLS where it is offered", OFFERS, HELD_TLS_OFFERED, NULL, false, false, TLS_1_2, true,
	  true, false, 2 },
	{ "without it once it came to nothing", OFFERS, HELD_TLS_OFFERED, NULL, false, true,
	  TLS_1_2, true, false, false, 1 },
	{ "a server that puts it off", PUTS_OFF, HELD_TLS_OFFERED, NULL, false, false, TLS_1_2,
	  true, false, false, 1 },
	{ "a handshake of nonsense", BREAKS, HELD_TLS_OFFERED, NULL, false, false, TLS_1_2, false,
	  false, true, 1 },
	{ "a line in clear behind 220", ADDS, HELD_TLS_OFFERED, NULL, false, false, TLS_1_2, false,
	  false, true, 1 },
	{ "required", OFFERS, HELD_TLS_REQUIRED, NULL, false, true, TLS_1_3, true, true, false, 2 },
	{ "required and not offered", NO_OFFER, HELD_TLS_REQUIRED, NULL, false, false, TLS_1_2,
	  false, false, false, 1 },
	{ "required and put off", PUTS_OFF, HELD_TLS_REQUIRED, NULL, false, false, TLS_1_2, false,
	  false, false, 1 },
	{ "the right name", OFFERS, HELD_TLS_REQUIRED, NAMED, false, TLS_1_2, true, true, false,
	  2 },
	{ "another's name", OFFERS, HELD_TLS_REQUIRED, "mail.other.example", true, false, TLS_1_2,
	  false, false, true, 1 },
	{ "a name and no roots", OFFERS, HELD_TLS_REQUIRED, "mail.example.jp", false, false,
	  TLS_1_2, false, false, true, 1 },
	{ "from the first byte", FROM_FIRST, HELD_TLS_AT_ONCE, NAMED, false, TLS_1_2, true, true,
	  false, 1 },
	{ "from the first byte, to one in clear", NO_OFFER, HELD_TLS_AT_ONCE, NULL, false, false,
	  TLS_1_2, false, false, true, 0 },
};

static void every_server(void **state)
{
	(void)state;
	char why[TLS_FAULT_MAX];
	struct tls_signer signer = { sign, keys[MADE_P256] };
	struct tls_chain *chain;
	struct tls_context *context;
	assert_int_equal(
		tls_chain_read(made[MADE_P256].chain, made[MADE_P256].n_chain, &chain, why), 0);
	assert_int_equal(tls_server_new(chain, &signer, 0, TLS_1_2, &context, why), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct deliver_answer answer = { 0 };
		struct vault_fate fate = { 0 };
		server = (struct server){ .ways = rows[i].ways, .context = context };
		deliver(&rows[i], &answer, &fate);
		if ((fate.done && fate.code == 250) != rows[i].delivered ||
		    (answer.suite != 0) != rows[i].by_tls ||
		    answer.disagreed != rows[i].disagreed || server.ehlos != rows[i].ehlos ||
		    (server.n_body != 0) != rows[i].delivered ||
		    (!*answer.trouble) != rows[i].delivered || server.tls_at_mail != rows[i].by_tls)
			fail_msg("%s: code %u, suite %u, disagreed %d, EHLO %u, \"%s\"",
				 rows[i].what, fate.code, answer.suite, answer.disagreed,
				 server.ehlos, answer.trouble);
		if (!rows[i].delivered) {
			assert_string_equal(server.mail, ""); // nothing of it was said
			continue;
		}
		assert_string_equal(server.mail, "MAIL FROM:<a@city.example.jp> BODY=8BITMIME");
		assert_int_equal(server.n_body, sizeof(message) - 1);
		assert_memory_equal(server.body, message, sizeof(message) - 1);
		assert_true(server.quit);
	}
	tls_context_free(context);
	tls_chain_free(chain);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_server),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
