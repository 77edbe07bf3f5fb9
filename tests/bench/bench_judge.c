// The judge of mail alone, without sockets or packets: the end of data is looked for, the message
// is taken apart, its files are hashed and judged.  One JSON line a kind of message: the rate, the
// memory, and how the time of a message of four times the size compares with four times the time.
//
//   bench_judge [SIZE [ROUNDS [KIND]]]
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inspect/content.h"
#include "mime/mime.h"
#include "proto/smtp_data.h"
#include "unpack/unpack.h"

enum { PIECE = 64 * 1024 }; // as packets come that the kernel has joined

static const char *const names[] = { "*.exe", "*.scr" };
static const struct profile_attachment rules[] = {
	{ .kinds = UNPACK_EXECUTABLE | UNPACK_SCRIPT | UNPACK_MACRO | UNPACK_MISLEADING,
	  .action = PROFILE_REFUSE,
	  .clause = "" },
	{ .names = names, .n_names = 2, .action = PROFILE_REFUSE, .clause = "" },
	{ .total_over = UINT64_C(1) << 40, .action = PROFILE_REFUSE, .clause = "" },
};
static const struct profile profile = { .attachments = rules,
					.n_attachments = sizeof(rules) / sizeof(rules[0]) };

struct message {
	uint8_t *v;
	size_t n;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_judge: %s\n", what);
	exit(1);
}

// --- kinds of messages

static void add(struct message *message, const void *bytes, size_t n)
{
	memcpy(message->v + message->n, bytes, n);
	message->n += n;
}

static void add_text(struct message *message, const char *text)
{
	add(message, text, strlen(text));
}

static void add_file(struct message *message, const char *type, const char *encoding)
{
	add_text(message,
		 "From: a@b.example\r\nMIME-Version: 1.0\r\n"
		 "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\n\r\nHello.\r\n"
		 "--=_b\r\nContent-Type: ");
	add_text(message, type);
	add_text(message, "; name=\"measured.dat\"\r\nContent-Transfer-Encoding: ");
	add_text(message, encoding);
	add_text(message, "\r\n\r\n");
}

// Digits from a generator of which the same bytes come each time.
static void add_digits(struct message *message, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static uint32_t random = 1;
	for (size_t i = 0; i < n; i++) {
		random = random * 1103515245 + 12345;
		message->v[message->n++] = (uint8_t)digits[random >> 26];
	}
}

// A file of no kind that is known, which is kept and looked through as a whole.
static void begin_unknown(struct message *message)
{
	add_file(message, "application/octet-stream", "base64");
}

// A picture: known by its first bytes, only hashed.
static void begin_picture(struct message *message)
{
	add_file(message, "image/jpeg", "base64");
	add_text(message, "/9j/4AAQSkZJRgABAQEASABIAAD/2wBD/9j/4AAQSkZJRgABAQEASABIAAD/2wBD\r\n");
}

static void begin_base64_text(struct message *message)
{
	add_file(message, "text/plain; charset=utf-8", "base64");
}

static void begin_printable(struct message *message)
{
	add_file(message, "application/octet-stream", "quoted-printable");
}

static void begin_plain(struct message *message)
{
	add_file(message, "text/plain", "8bit");
}

static void begin_none(struct message *message)
{
	add_text(message, "From: a@b.example\r\n");
}

static void line_of_digits(struct message *message)
{
	add_digits(message, 76);
	add_text(message, "\r\n");
}

static void line_of_codes(struct message *message)
{
	for (int i = 0; i < 25; i++)
		add_text(message, "=F3");
	add_text(message, "=\r\n");
}

static void line_of_one(struct message *message)
{
	add_text(message, "A\r\n");
}

static void line_like_boundary(struct message *message)
{
	add_text(message, "--=_a\r\n");
}

static void line_of_boundary(struct message *message)
{
	add_text(message, "--=_b-\r\n");
}

static void line_of_dots(struct message *message)
{
	add_text(message, "..\r\n");
}

static void line_empty(struct message *message)
{
	add_text(message, "\r\n");
}

static void line_of_begin(struct message *message)
{
	add_text(message, "begin 644 a\r\nend\r\n");
}

static void line_of_header(struct message *message)
{
	add_text(message, "Subject: =?utf-8?q?a?= =?iso-2022-jp?b?GyRC?=\r\n");
}

static void line_folded(struct message *message)
{
	add_text(message, " =?utf-8?q?=F3=81?=\r\n");
}

static void line_of_part(struct message *message)
{
	add_text(message, "--=_b\r\n\r\n");
}

static void line_of_message(struct message *message)
{
	add_text(message, "--=_b\r\nContent-Type: message/rfc822\r\n\r\n"
			  "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n");
}

static void line_of_padding(struct message *message)
{
	add_text(message, "QQ==QQ==QQ==QQ==QQ==\r\n");
}

static const struct kind {
	const char *name;
	void (*begin)(struct message *message);
	void (*line)(struct message *message);
} kinds[] = {
	{ "file of no kind", begin_unknown, line_of_digits },
	{ "picture", begin_picture, line_of_digits },
	{ "text in Base64", begin_base64_text, line_of_digits },
	{ "text", begin_plain, line_of_digits },
	{ "quoted-printable", begin_printable, line_of_codes },
	{ "lines of one digit", begin_unknown, line_of_one },
	{ "no boundaries", begin_unknown, line_like_boundary },
	{ "boundaries but for their end", begin_unknown, line_of_boundary },
	{ "dots", begin_plain, line_of_dots },
	{ "empty lines", begin_unknown, line_empty },
	{ "begun and ended", begin_plain, line_of_begin },
	{ "ended and padded", begin_unknown, line_of_padding },
	{ "fields", begin_none, line_of_header },
	{ "one field, folded", begin_none, line_folded },
	{ "empty parts", begin_unknown, line_of_part },
	{ "messages within", begin_unknown, line_of_message },
};

static struct message make(const struct kind *kind, size_t size)
{
	struct message message = { malloc(size + 4096), 0 };
	if (!message.v)
		fail("memory");
	kind->begin(&message);
	while (message.n < size)
		kind->line(&message);
	add_text(&message, "\r\n--=_b--\r\n.\r\n");
	return message;
}

// --- judging

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Seconds of processor time for one message.
static double judge(const struct message *message, size_t *ret_memory)
{
	static const struct addr client = { ADDR_V4, 1 };
	struct content_budget budget = { .most = CONTENT_BUDGET_BYTES };
	struct audience audience = { 0 };
	struct content *content;
	struct smtp_data data = { 0 };
	double began = now();
	*ret_memory = 0;
	int set = audience_add(&audience, &profile, &client, true, "b@city.example.jp");
	audience.taken = UINT64_C(1) << set;
	if (content_new(&profile, &audience, NULL, &budget, &content) < 0)
		fail("memory");
	for (size_t at = 0; at < message->n;) {
		size_t n = message->n - at < PIECE ? message->n - at : PIECE, used;
		enum smtp_data_stop stop = smtp_data_read(&data, message->v + at, n, &used);
		content_feed(content, message->v + at, used);
		size_t memory = content_memory(content);
		*ret_memory = memory > *ret_memory ? memory : *ret_memory;
		at += used;
		if (stop != SMTP_DATA_MORE && (stop != SMTP_DATA_END || at < message->n))
			fail("the message ended early");
	}
	content_end(content);
	content_free(content);
	audience_free(&audience);
	return now() - began;
}

static double least(const struct kind *kind, size_t size, int rounds, size_t *ret_memory)
{
	struct message message = make(kind, size);
	double best = 0;
	for (int i = 0; i < rounds; i++) {
		double took = judge(&message, ret_memory);
		best = i && best < took ? best : took;
	}
	free(message.v);
	return best;
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	// As inspectors have it: what one message gave back the next one finds.
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
	if (size < 2048 || rounds < 1 || mime_load_charsets() < 0 || unpack_load() < 0)
		fail("SIZE is 2048 at least, ROUNDS 1; and there has to be a table of libmagic");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t memory, of_quarter;
		if (argc > 3 && strcmp(argv[3], kinds[i].name) != 0)
			continue;
		double quarter = least(&kinds[i], size / 4, rounds, &of_quarter);
		double whole = least(&kinds[i], size, rounds, &memory);
		printf("{\"what\":\"judge: %s\",\"value\":%.0f,\"unit\":\"MB/s\",\"ms\":%.2f,\"memory\":%zu,"
		       "\"of_linear\":%.2f}\n",
		       kinds[i].name, (double)size / 1e6 / whole, whole * 1e3, memory,
		       whole / (4 * quarter));
	}
	return 0;
}
