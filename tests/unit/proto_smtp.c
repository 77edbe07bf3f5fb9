// Parsers of SMTP: commands, parameters, replies, domains, the end of data.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/smtp_command.h"
#include "proto/smtp_data.h"
#include "proto/smtp_domain.h"
#include "proto/smtp_reply.h"

static void commands(void **state)
{
	static const struct {
		const char *line;
		enum smtp_verb verb;
		const char *argument;
	} rows[] = {
		{ "EHLO a.example", SMTP_EHLO, "a.example" },
		{ "ehlo", SMTP_EHLO, "" },
		{ "Helo  a ", SMTP_HELO, "a" },
		{ "MAIL FROM:<a@b>", SMTP_MAIL, "FROM:<a@b>" },
		{ "rCpT tO:<a@b> X=1", SMTP_RCPT, "tO:<a@b> X=1" },
		{ "DATA", SMTP_DATA, "" },
		{ "DATA ", SMTP_DATA, "" },
		{ "DATAX", SMTP_UNKNOWN, "" },
		{ "DAT", SMTP_UNKNOWN, "" },
		{ " DATA", SMTP_UNKNOWN, "DATA" },
		{ "DATA\tx", SMTP_UNKNOWN, "" },
		{ "MAIL\vFROM:<a@b>", SMTP_UNKNOWN, "" },
		{ "STARTTLS", SMTP_STARTTLS, "" },
		{ "BDAT 5 LAST", SMTP_BDAT, "5 LAST" },
		{ "ATRN x", SMTP_TURN, "x" },
		{ "SAML FROM:<a>", SMTP_SEND, "FROM:<a>" },
		{ "GET / HTTP/1.1", SMTP_OTHER, "/ HTTP/1.1" },
		{ "", SMTP_UNKNOWN, "" },
		{ "   ", SMTP_UNKNOWN, "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_command command;
		smtp_command_read((const uint8_t *)rows[i].line, strlen(rows[i].line), &command);
		if (command.verb != rows[i].verb ||
		    command.argument.n != strlen(rows[i].argument) ||
		    memcmp(command.argument.at, rows[i].argument, command.argument.n) != 0)
			fail_msg("%s: %d", rows[i].line, command.verb);
	}
}

// "K=v K2 ..." written back, "!" where it is wrong.
static void parameters(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ " SIZE=1", "SIZE=1;" },
		{ "  SIZE=1  SMTPUTF8", "SIZE=1;SMTPUTF8;" },
		{ " AUTH=<>", "AUTH=<>;" },
		{ " ORCPT=rfc822;a+3Db=c@d", "ORCPT=rfc822;a+3Db=c@d;" },
		{ "SIZE=1", "!" },
		{ " SIZE=", "!" },
		{ " =1", "!" },
		{ " SIZE=1\tX", "SIZE=1;!" },
		{ " SIZE =1", "SIZE;!" },
		{ " SI/ZE=1", "SI;!" },
		{ " A=\xe7\x94\xba", "A=\xe7\x94\xba;" },
		{ " A=\x7f", "!" },
		{ " ", "!" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_text rest = { (const uint8_t *)rows[i][0], strlen(rows[i][0]) };
		struct smtp_parameter one;
		char out[128] = "";
		int r;
		while ((r = smtp_parameter_next(&rest, &one)) > 0) {
			strncat(out, (const char *)one.keyword.at, one.keyword.n);
			if (one.value.at)
				strcat(out, "=");
			if (one.value.at)
				strncat(out, (const char *)one.value.at, one.value.n);
			strcat(out, ";");
		}
		if (r < 0)
			strcat(out, "!");
		assert_string_equal(out, rows[i][1]);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t number;
	} rows[] = {
		{ "0", 0, 0 },
		{ "00010", 0, 10 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX },
		{ "99999999999999999999", 0, UINT64_MAX },
		{ "100000000000000000000", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct smtp_text text = { (const uint8_t *)rows[i].text,
						strlen(rows[i].text) };
		uint64_t number = 0;
		assert_int_equal(smtp_text_number(&text, &number), rows[i].r);
		assert_true(number == rows[i].number);
	}
}

static void replies(void **state)
{
	static const struct {
		const char *line;
		int code; // 0: none
		bool last;
		const char *enhanced;
	} rows[] = {
		{ "250 ok", 250, true, "" },
		{ "250-ok", 250, false, "" },
		{ "250", 250, true, "" },
		{ "250 ", 250, true, "" },
		{ "250-", 250, false, "" },
		{ "250 2.1.5 Ok", 250, true, "2.1.5" },
		{ "550 5.7.1", 550, true, "5.7.1" },
		{ "550-5.7.100 x", 550, false, "5.7.100" },
		{ "550 5.7.1000 x", 550, true, "" },
		{ "550 2.7.1 x", 550, true, "" },
		{ "550 5.7. x", 550, true, "" },
		{ "550 5.7.1x", 550, true, "" },
		{ "550 5..1", 550, true, "" },
		{ "220 8.8.8.8 hello", 220, true, "" },
		{ "25", 0, false, "" },
		{ "2500", 0, false, "" },
		{ "250_ok", 0, false, "" },
		{ "120 ok", 0, false, "" },
		{ "620 ok", 0, false, "" },
		{ "ok", 0, false, "" },
		{ " 250 ok", 0, false, "" },
		{ "250 o\rk", 0, false, "" },
		{ "", 0, false, "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_reply_line line = { 0 };
		char enhanced[32] = "";
		int r = smtp_reply_read((const uint8_t *)rows[i].line, strlen(rows[i].line), &line);
		if (line.has_enhanced)
			snprintf(enhanced, sizeof(enhanced), "%u.%u.%u", line.enhanced[0],
				 line.enhanced[1], line.enhanced[2]);
		if ((r == 0) != (rows[i].code != 0) || line.code != rows[i].code ||
		    line.last != rows[i].last || strcmp(enhanced, rows[i].enhanced) != 0)
			fail_msg("%s: %d %u %s", rows[i].line, r, line.code, enhanced);
	}
}

static void domains(void **state)
{
	static const struct {
		const char *text, *name; // NULL: none
	} rows[] = {
		{ "Example.COM", "example.com" },
		{ "市役所.jp", "xn--7sto6a74d.jp" },
		{ "Bücher.Example", "xn--bcher-kva.example" },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
		{ "日本語.city.example.jp", "xn--wgv71a119e.city.example.jp" },
		{ "a_b.example", "a_b.example" },
		{ "example.com.", NULL },
		{ ".example.com", NULL },
		{ "exa mple.com", NULL },
		{ "市役所。jp", NULL },
		{ "ＣＩＴＹ.jp", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[SMTP_DOMAIN_MAX + 1];
		int r = smtp_domain_read((const uint8_t *)rows[i].text, strlen(rows[i].text), true,
					 name);
		if ((r == 0) != (rows[i].name != NULL) || (r == 0 && strcmp(name, rows[i].name)))
			fail_msg("%s: %d %s", rows[i].text, r, r ? "" : name);
	}
}

// What stops it, how much was certain by then, and how much is held.
static const struct {
	const char *text;
	size_t n;
	enum smtp_data_stop stop;
	uint64_t size;
	unsigned held;
} endings[] = {
#define DATA(text) text, sizeof(text) - 1
	{ DATA(".\r\n"), SMTP_DATA_END, 0, 2 },
	{ DATA("a\r\n.\r\n"), SMTP_DATA_END, 3, 2 },
	{ DATA("\r\n.\r\n"), SMTP_DATA_END, 2, 2 },
	{ DATA("a\r\n..\r\n.\r\n"), SMTP_DATA_END, 7, 2 },
	{ DATA("a.\r\n"), SMTP_DATA_MORE, 4, 0 },
	{ DATA("a\r\n"), SMTP_DATA_MORE, 3, 0 },
	{ DATA("a\r\n."), SMTP_DATA_MORE, 3, 1 },
	{ DATA("a\r\n.\r"), SMTP_DATA_MORE, 3, 2 },
	{ DATA("a\r"), SMTP_DATA_MORE, 1, 1 },
	{ DATA("a\n.\r\n"), SMTP_DATA_BARE_LF, 1, 0 },
	{ DATA("a\r\n.\n"), SMTP_DATA_BARE_LF, 3, 1 },
	{ DATA("\n"), SMTP_DATA_BARE_LF, 0, 0 },
	{ DATA("a\r\n\n"), SMTP_DATA_BARE_LF, 3, 0 },
	{ DATA("a\r.\r\n"), SMTP_DATA_BARE_CR, 1, 1 },
	{ DATA("a\r\r\n"), SMTP_DATA_BARE_CR, 1, 1 },
	{ DATA("a\r\n.\r.\r\n"), SMTP_DATA_BARE_CR, 3, 2 },
	{ DATA("a\0b"), SMTP_DATA_NUL, 1, 0 },
	{ DATA("\r\n.\0"), SMTP_DATA_NUL, 2, 1 },
	{ DATA("\r\n\0.\r\n"), SMTP_DATA_NUL, 2, 0 },
#undef DATA
};

static void check_ending(size_t row, size_t piece)
{
	struct smtp_data data = { 0 };
	enum smtp_data_stop stop = SMTP_DATA_MORE;
	size_t at = 0;
	while (at < endings[row].n && stop == SMTP_DATA_MORE) {
		size_t left = endings[row].n - at, used;
		size_t n = left < piece ? left : piece;
		stop = smtp_data_read(&data, (const uint8_t *)endings[row].text + at, n, &used);
		assert_true(used <= n && (stop != SMTP_DATA_MORE || used == n));
		at += used;
	}
	if (stop != endings[row].stop || data.size != endings[row].size ||
	    smtp_data_held(&data) != endings[row].held)
		fail_msg("row %zu by %zu: %d %llu %u", row, piece, stop,
			 (unsigned long long)data.size, smtp_data_held(&data));
}

static void end_of_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		for (size_t piece = 1; piece <= endings[i].n; piece++)
			check_ending(i, piece);
}

static void long_lines(void **state)
{
	static const size_t pieces[] = { 1, 7, 4096, 1 << 20 };
	(void)state;
	for (size_t over = 0; over < 2; over++) {
		const size_t text = SMTP_DATA_LINE_MAX - 2 + over, n = text + 2;
		uint8_t *line = malloc(n);
		memset(line, 'x', text);
		memcpy(line + text, "\r\n", 2);
		for (size_t i = 0; i < 4; i++) {
			struct smtp_data data = { 0 };
			enum smtp_data_stop stop = SMTP_DATA_MORE;
			size_t at = 0, used;
			for (; at < n && stop == SMTP_DATA_MORE; at += used) {
				size_t left = n - at;
				stop = smtp_data_read(&data, line + at,
						      left < pieces[i] ? left : pieces[i], &used);
			}
			assert_int_equal(stop, over ? SMTP_DATA_LONG : SMTP_DATA_MORE);
			assert_int_equal(data.size, over ? text - 1 : n);
		}
		free(line);
	}
}

struct taken {
	char text[128];
	size_t n, runs;
};

static void take_run(void *arg, const uint8_t *bytes, size_t n)
{
	struct taken *taken = arg;
	assert_true(n && taken->n + n < sizeof(taken->text));
	memcpy(taken->text + taken->n, bytes, n);
	taken->n += n;
	taken->text[taken->n] = '\0';
	taken->runs++;
}

// Dots that were put at the beginnings of lines are gone, however the message is cut, and runs are
// as long as can be.
static void unstuffed(void **state)
{
	static const struct {
		const char *in, *out;
		size_t runs;
	} rows[] = {
		{ "a.b\r\n.c.\r\n", "a.b\r\nc.\r\n", 2 },
		{ "..\r\n...\r\n.", ".\r\n..\r\n", 2 },
		{ ".x", "x", 1 },
		{ "a\r\n\r\n..", "a\r\n\r\n.", 2 },
		{ "no dot at all\r\n", "no dot at all\r\n", 1 },
		{ "....", "...", 1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *in = (const uint8_t *)rows[i].in;
		size_t n = strlen(rows[i].in);
		for (size_t piece = 1; piece <= n; piece++) {
			struct smtp_unstuff unstuff = { 0 };
			struct taken taken = { .n = 0 };
			for (size_t at = 0; at < n; at += piece)
				smtp_unstuff(&unstuff, in + at, n - at < piece ? n - at : piece,
					     take_run, &taken);
			assert_string_equal(taken.text, rows[i].out);
			if (piece == n)
				assert_int_equal(taken.runs, rows[i].runs);
		}
	}
}

// What is held at a place, and what is certain, are together all that was read.
static void held_bytes(void **state)
{
	static const char text[] = "a\r\n.b\r\n.\r\n";
	struct smtp_data data = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof(text) - 2; i++) {
		size_t used, n;
		smtp_data_read(&data, (const uint8_t *)text + i, 1, &used);
		const uint8_t *held = smtp_data_held_bytes(data.place, &n);
		assert_int_equal(n, smtp_data_held(&data));
		assert_int_equal(data.size + n, i + 1);
		assert_memory_equal(held, text + i + 1 - n, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),   cmocka_unit_test(parameters),
		cmocka_unit_test(numbers),    cmocka_unit_test(replies),
		cmocka_unit_test(domains),    cmocka_unit_test(end_of_data),
		cmocka_unit_test(long_lines), cmocka_unit_test(unstuffed),
		cmocka_unit_test(held_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
