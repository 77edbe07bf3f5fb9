// A message that is held, as the engine sees it: what the vault is given however the bytes are cut,
// every answer of its, what refuses a message all the same, and that the server gets nothing more
// once it is known that the message is held.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "event/held_wire.h"
#include "inspect/hold.h"
#include "inspect/scan.h"
#include "message_bed.h"

static struct {
	struct bed_bytes got, envelope;
	bool open, ended, dropped, none, behind;
	unsigned begun;
} vault;
static bool scanner_open;

static bool on_begin(void *arg)
{
	(void)arg;
	assert_false(vault.open);
	vault.begun++;
	vault.open = !vault.none;
	vault.ended = vault.dropped = false;
	vault.got.n = 0;
	return !vault.none;
}

static bool on_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	(void)arg;
	assert_true(vault.open && !vault.ended && n > 0);
	bed_add(&vault.got, bytes, n);
	return !vault.behind;
}

static void on_end(void *arg, const uint8_t *envelope, size_t n)
{
	(void)arg;
	assert_true(vault.open && !vault.ended);
	vault.ended = true;
	vault.envelope.n = 0;
	bed_add(&vault.envelope, envelope, n);
}

static void on_drop(void *arg)
{
	(void)arg;
	assert_true(vault.open);
	vault.open = false;
	vault.dropped = true;
}

static bool on_scan_begin(void *arg, uint32_t seconds)
{
	(void)arg, (void)seconds;
	scanner_open = true;
	return true;
}
static bool on_scan_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	(void)arg, (void)bytes, (void)n;
	return true;
}
static void on_scan_over(void *arg)
{
	(void)arg;
}

static const struct hold_host hold_host = { on_begin, on_bytes, on_end, on_drop };
static const struct scan_host scan_host = { on_scan_begin, on_scan_bytes, on_scan_over,
					    on_scan_over };

static const char *const secret[] = { "*.secret" }, *const program[] = { "*.exe" };
static const struct profile_attachment rules[] = {
	{ .names = secret,
	  .n_names = 1,
	  .whose.only_out = true,
	  .action = PROFILE_HOLD,
	  .clause = "第17条" },
	{ .names = program, .n_names = 1, .action = PROFILE_REFUSE, .clause = "" },
	{ .number_over = 3, .action = PROFILE_HOLD, .clause = "" },
};
static const struct profile_size size_row = { .max = 100000 };
static struct profile profile;
static struct profile_flow flow = { .mark = 1, .id = "f", .clause = "", .profile = &profile };

static void begin(struct bed *bed)
{
	free(vault.got.v);
	free(vault.envelope.v);
	memset(&vault, 0, sizeof(vault));
	bed_add(&vault.got, NULL, 0);
	bed_add(&vault.envelope, NULL, 0);
	profile = (struct profile){ .guard = "g",
				    .domains = message_domains,
				    .n_domains = 1,
				    .senders = { message_client, 1 },
				    .sizes = &size_row,
				    .n_sizes = 1,
				    .attachments = rules,
				    .n_attachments = 3,
				    .hold = { .any = true,
					      .keep_seconds = 604800,
					      .persons = 2,
					      .messages_max = 10,
					      .bytes_max = 1000000 } };
	message_begin(bed, &flow, (struct engine_host){ .scan = &scan_host, .hold = &hold_host });
}

static void greet_to(struct bed *bed, const char *to)
{
	char line[80];
	say(bed, ENGINE_SERVER, "220 mx\r\n");
	say(bed, ENGINE_CLIENT, "EHLO c\r\n");
	say(bed, ENGINE_SERVER, "250 DSN\r\n");
	say(bed, ENGINE_CLIENT, "MAIL FROM: <A@city.example.jp> BODY=8BITMIME RET=HDRS\r\n");
	say(bed, ENGINE_SERVER, "250 ok\r\n");
	snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", to);
	say(bed, ENGINE_CLIENT, line);
	say(bed, ENGINE_SERVER, "250 ok\r\n");
	say(bed, ENGINE_CLIENT, "RCPT TO:<y@other.example>\r\n");
	say(bed, ENGINE_SERVER, "550 no\r\n");
	say(bed, ENGINE_CLIENT, "RCPT TO:<Z@other.example> NOTIFY=NEVER\r\n");
	say(bed, ENGINE_SERVER, "250 ok\r\n");
	say(bed, ENGINE_CLIENT, "DATA\r\n");
	say(bed, ENGINE_SERVER, "354 go on\r\n");
}

static void greet(struct bed *bed)
{
	greet_to(bed, "x@other.example");
}

static void tell(struct bed *bed, enum hold_verdict verdict, uint64_t number)
{
	const struct hold_result result = { verdict, number };
	vault.open = false;
	if (!bed->ended)
		engine_held(bed->engine, &result, bed->now_us);
}

static void over(struct bed *bed)
{
	bed_over(bed);
	assert_false(vault.open);
	bed_done(bed);
}

#define HEAD "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
#define FILE_OF(name)                                                                              \
	"--b\r\nContent-Type: application/octet-stream; name=\"" name "\"\r\n\r\nINSIDE\r\n"
#define MESSAGE HEAD FILE_OF("plan.secret") "..dots\r\n\r\n--b--\r\n"
#define END	".\r\n"

static bool client_heard(const struct bed *bed, const char *text)
{
	return strstr((char *)bed->on[ENGINE_SERVER].v, text);
}

static void however_it_is_cut_the_vault_gets_it(void **state)
{
	(void)state;
	const char *wire = MESSAGE END;
	const size_t n = strlen(wire);
	for (size_t cut = 1; cut <= n; cut++) {
		for (unsigned each = 0; each < 2; each++) { // in two pieces, and in equal ones
			struct bed bed;
			begin(&bed);
			greet(&bed);
			for (size_t at = 0; at < n;) {
				size_t piece = each ? cut : at ? n - at : cut;
				piece = piece < n - at ? piece : n - at;
				bed_feed(&bed, ENGINE_CLIENT, wire + at, piece);
				at += piece;
			}
			assert_true(vault.ended && !bed.replied);
			assert_int_equal(vault.got.n, strlen(MESSAGE));
			assert_memory_equal(vault.got.v, MESSAGE, vault.got.n);
			assert_false(server_has(&bed, END));
			if (each && cut == 1) // nothing behind the name that tells it
				assert_false(server_has(&bed, "INSIDE"));
			tell(&bed, HOLD_KEPT, 17);
			assert_true(bed.ended && client_heard(&bed, "\r\n250 2.0.0 "));
			assert_true(recorded(&bed, "held 250 <A@city.example.jp> "));
			assert_true(recorded(&bed, " held MAIL-05 "));
			assert_false(server_has(&bed, END));
			over(&bed);
		}
	}
}

static void the_envelope_is_what_the_server_took(void **state)
{
	(void)state;
	static struct mail_taken taken;
	struct held_envelope envelope;
	struct bed bed;
	static const char lines[] =
		"<A@city.example.jp> BODY=8BITMIME RET=HDRS\0<x@other.example>\0"
		"<Z@other.example> NOTIFY=NEVER";
	begin(&bed);
	greet(&bed);
	say(&bed, ENGINE_CLIENT, MESSAGE END);
	assert_int_equal(held_wire_unpack(vault.envelope.v, vault.envelope.n, &envelope), 0);
	assert_int_equal(envelope.n_lines, 3);
	assert_int_equal(envelope.lines_size, sizeof(lines));
	assert_memory_equal(envelope.lines, lines, sizeof(lines));
	assert_int_equal(envelope.persons, 2);
	assert_int_equal(envelope.keep_seconds, 604800);
	assert_int_equal(envelope.messages_max, 10);
	assert_int_equal(envelope.bytes_max, 1000000);
	assert_false(envelope.later);
	assert_int_equal(mail_wire_unpack(envelope.record, envelope.record_size, &taken), 0);
	assert_int_equal(taken.record.verdict, MAIL_HELD);
	assert_string_equal(taken.record.clause, "第17条");
	assert_int_equal(taken.record.size, strlen(MESSAGE));
	assert_int_equal(taken.record.n_files, 1);
	assert_int_equal(taken.record.files[0].action, MAIL_FILE_HELD);
	assert_non_null(strstr(taken.record.reason, "held: "));
	assert_non_null(strstr(taken.record.reason, "attachment-name"));
	tell(&bed, HOLD_KEPT, 17);
	over(&bed);
}

// What somebody who decides is shown of the header: decoded, cut, nothing that a terminal obeys,
// and no more of a name than two.
static void the_heading(void **state)
{
	(void)state;
	static char message[8192];
	struct held_envelope envelope;
	struct bed bed;
	static const char before[] = "From: =?utf-8?B?6Zye?= <a@city.example.jp>\r\n"
				     "Subject: =?utf-8?Q?=1B[2J?=\r\nX-Other: y\r\n"
				     "To: a@b\r\nTo: c@d\r\nTo: e@f\r\nTo: g@h\r\nDate: ";
	size_t n = (size_t)sprintf(message, "%s", before);
	memset(message + n, 'd', 2000);
	strcpy(message + n + 2000, "\r\n" MESSAGE);
	begin(&bed);
	greet(&bed);
	say(&bed, ENGINE_CLIENT, message);
	say(&bed, ENGINE_CLIENT, END);
	assert_int_equal(held_wire_unpack(vault.envelope.v, vault.envelope.n, &envelope), 0);
	const char *const lines[] = { "From: 霞 <a@city.example.jp>",
				      "Subject: <U+001B>[2J",
				      "To: a@b",
				      "To: c@d",
				      "To: (and more of these)",
				      "Date: ddd",
				      "Subject: x" };
	size_t at = 0;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_true(at < envelope.heading_size);
		assert_memory_equal(envelope.heading + at, lines[i], strlen(lines[i]));
		size_t length = strlen(envelope.heading + at);
		if (strncmp(lines[i], "Date", 4) == 0)
			assert_int_equal(length, strlen("Date: ...") + 512);
		else
			assert_int_equal(length, strlen(lines[i]));
		at += length + 1;
	}
	assert_int_equal(at, envelope.heading_size);
	tell(&bed, HOLD_KEPT, 17);
	over(&bed);
}

static void every_answer(void **state)
{
	(void)state;
	static const struct {
		enum hold_verdict verdict;
		bool later;
		const char *reply, *record;
	} rows[] = {
		{ HOLD_KEPT, false, "250 2.0.0 ", "held 250 " },
		{ HOLD_KEPT, true, "451 4.7.1 ", "held 451 " },
		{ HOLD_DELIVERED, true, "250 2.0.0 ", "held 250 " },
		{ HOLD_REJECTED, true, "550 5.7.1 ", "refused 550 " },
		{ HOLD_FULL, false, "451 4.3.1 ", "refused 451 " },
		{ HOLD_DOWN, false, "451 4.3.0 ", "refused 451 " },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned early = 0; early < 3;
		     early++) { // before, while and after it is known
			struct bed bed;
			begin(&bed);
			profile.hold.later = rows[i].later;
			greet(&bed);
			bool sound = early == 2 || rows[i].verdict == HOLD_FULL;
			if (early == 0)
				tell(&bed, rows[i].verdict, 17);
			say(&bed, ENGINE_CLIENT, HEAD FILE_OF("plan.secret") "..dots\r\n");
			if (early == 1)
				tell(&bed, rows[i].verdict, 17);
			say(&bed, ENGINE_CLIENT, "\r\n--b--\r\n" END);
			if (early == 2)
				tell(&bed, rows[i].verdict, 17);
			assert_true(bed.ended && bed.replied);
			assert_true(client_heard(&bed, sound ? rows[i].reply : "451 4.3.0 "));
			assert_true(recorded(&bed, sound ? rows[i].record : "refused 451 "));
			assert_false(server_has(&bed, END));
			over(&bed);
		}
	}
}

static void what_is_not_held_passes(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	greet(&bed);
	say(&bed, ENGINE_CLIENT, HEAD FILE_OF("plan.txt") "--b--\r\n" END);
	assert_int_equal(vault.begun, 1);
	assert_true(vault.dropped && server_has(&bed, "\r\n.\r\n"));
	say(&bed, ENGINE_SERVER, "250 queued\r\n");
	assert_true(recorded(&bed, "passed 250 "));
	over(&bed);
	begin(&bed); // the vault goes away, and is not needed
	greet(&bed);
	say(&bed, ENGINE_CLIENT, HEAD);
	tell(&bed, HOLD_DOWN, 0);
	say(&bed, ENGINE_CLIENT, FILE_OF("plan.txt") "--b--\r\n" END);
	assert_true(server_has(&bed, "\r\n.\r\n"));
	over(&bed);
	begin(&bed); // no rule holds for these recipients but the one of numbers
	greet_to(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT, HEAD FILE_OF("plan.txt") "--b--\r\n" END);
	assert_true(server_has(&bed, "\r\n.\r\n"));
	over(&bed);
}

static void without_a_vault_nothing_that_is_to_be_held_goes(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	vault.none = true;
	greet(&bed);
	say(&bed, ENGINE_CLIENT, MESSAGE END);
	assert_true(bed.ended && client_heard(&bed, "451 4.3.0 ") && !server_has(&bed, END));
	assert_true(recorded(&bed, "refused 451 ") && recorded(&bed, " hold-down "));
	over(&bed);
	begin(&bed);
	vault.none = true;
	greet(&bed);
	say(&bed, ENGINE_CLIENT, HEAD FILE_OF("plan.txt") "--b--\r\n" END);
	assert_true(server_has(&bed, "\r\n.\r\n"));
	over(&bed);
}

// After it is known that the message is held.
static void what_refuses_it_all_the_same(void **state)
{
	(void)state;
	static const struct {
		const char *rest, *reply, *record;
	} rows[] = {
		{ FILE_OF("a.exe") "--b--\r\n" END, "550 5.7.1 ", "refused 550 " },
		{ "a\nb\r\n" END, "550 5.5.2 ", "ended 550 " },
		{ "a\rb\r\n" END, "550 5.5.2 ", "ended 550 " },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 1; cut < strlen(rows[i].rest); cut++) {
			struct bed bed;
			begin(&bed);
			greet(&bed);
			say(&bed, ENGINE_CLIENT, HEAD FILE_OF("plan.secret"));
			assert_true(bed.taken && !bed.ended);
			bed_feed(&bed, ENGINE_CLIENT, rows[i].rest, cut);
			say(&bed, ENGINE_CLIENT, rows[i].rest + cut);
			assert_true(bed.ended && vault.dropped);
			assert_true(client_heard(&bed, rows[i].reply));
			assert_true(recorded(&bed, rows[i].record));
			over(&bed);
		}
	}
}

static void a_sum_holds(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	greet_to(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT,
	    HEAD FILE_OF("1") FILE_OF("2") FILE_OF("3") FILE_OF("4") "--b--\r\n" END);
	assert_true(vault.ended && bed.taken && !server_has(&bed, END));
	tell(&bed, HOLD_KEPT, 1);
	assert_true(recorded(&bed, "held 250 "));
	over(&bed);
}

static void a_vault_behind_makes_bytes_wait(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	greet(&bed);
	size_t before = bed.on[ENGINE_CLIENT].n;
	vault.behind = true;
	say(&bed, ENGINE_CLIENT, HEAD);
	assert_int_equal(bed.on[ENGINE_CLIENT].n, before);
	vault.behind = false;
	engine_hold_room(bed.engine, bed.now_us);
	assert_int_equal(bed.on[ENGINE_CLIENT].n, before + strlen(HEAD));
	say(&bed, ENGINE_CLIENT, FILE_OF("plan.secret"));
	assert_true(bed.taken);
	uint64_t swallowed = bed.swallowed;
	vault.behind = true;
	say(&bed, ENGINE_CLIENT, "more\r\n");
	assert_int_equal(bed.swallowed, swallowed);
	vault.behind = false;
	engine_hold_room(bed.engine, bed.now_us);
	assert_int_equal(bed.swallowed, swallowed + 6);
	say(&bed, ENGINE_CLIENT, "--b--\r\n" END);
	tell(&bed, HOLD_KEPT, 1);
	assert_true(bed.ended && client_heard(&bed, "\r\n250 2.0.0 "));
	over(&bed);
}

static void whoever_goes_meanwhile(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed); // the client, in the middle
	greet(&bed);
	say(&bed, ENGINE_CLIENT, HEAD FILE_OF("plan.secret"));
	bed_close(&bed, ENGINE_CLIENT);
	assert_true(bed.ended && vault.dropped && recorded(&bed, "broken-off "));
	over(&bed);
	begin(&bed); // it only says no more, behind the end
	greet(&bed);
	say(&bed, ENGINE_CLIENT, MESSAGE END);
	bed_close(&bed, ENGINE_CLIENT);
	assert_false(bed.ended);
	tell(&bed, HOLD_KEPT, 1);
	assert_true(bed.ended && client_heard(&bed, "\r\n250 2.0.0 "));
	over(&bed);
	begin(&bed); // the server, when it is out of it
	greet(&bed);
	say(&bed, ENGINE_CLIENT, HEAD FILE_OF("plan.secret"));
	bed_close(&bed, ENGINE_SERVER);
	say(&bed, ENGINE_CLIENT, "--b--\r\n" END);
	tell(&bed, HOLD_KEPT, 1);
	assert_true(client_heard(&bed, "\r\n250 2.0.0 "));
	over(&bed);
	begin(&bed); // all of them, before the vault has answered
	greet(&bed);
	say(&bed, ENGINE_CLIENT, MESSAGE END);
	over(&bed);
	assert_true(vault.dropped);
}

static void what_comes_behind_the_end_is_nobodys(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	greet(&bed);
	say(&bed, ENGINE_CLIENT, MESSAGE END "QUIT\r\n");
	tell(&bed, HOLD_KEPT, 1);
	assert_true(bed.ended && client_heard(&bed, "\r\n250 2.0.0 "));
	assert_false(server_has(&bed, "QUIT"));
	over(&bed);
}

static void what_the_scanner_says_holds(void **state)
{
	(void)state;
	static const enum scan_verdict verdicts[] = { SCAN_ENCRYPTED, SCAN_TOO_BIG, SCAN_DOWN };
	for (size_t i = 0; i < 3; i++) {
		for (unsigned early = 0; early < 2; early++) {
			const struct scan_result result = { .verdict = verdicts[i] };
			struct bed bed;
			begin(&bed);
			profile.n_attachments = 0;
			profile.malware = (struct profile_malware){ .out = true,
								    .encrypted = PROFILE_HOLD,
								    .too_big = PROFILE_HOLD,
								    .down_holds = true };
			greet(&bed);
			say(&bed, ENGINE_CLIENT, HEAD);
			if (early)
				engine_scanned(bed.engine, &result, bed.now_us);
			say(&bed, ENGINE_CLIENT, "text\r\n" END);
			if (!early) {
				assert_false(bed.taken || vault.ended);
				engine_scanned(bed.engine, &result, bed.now_us);
			}
			assert_true(bed.taken && vault.ended && !server_has(&bed, "\r\n.\r\n"));
			assert_int_equal(vault.got.n, strlen(HEAD "text\r\n"));
			tell(&bed, HOLD_KEPT, 1);
			assert_true(bed.ended && recorded(&bed, " held MAIL-0"));
			over(&bed);
		}
	}
}

static void old_definitions(void **state)
{
	(void)state;
	static const struct {
		bool old, holds, waits;
		const char *record; // NULL: it passes
	} rows[] = {
		{ false, true, false, NULL },
		{ true, false, false, NULL },
		{ true, true, false, "held 250 " },
		{ true, false, true, "refused 451 " },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct scan_result result = { .verdict = SCAN_CLEAN, .old = rows[i].old };
		struct bed bed;
		begin(&bed);
		profile.n_attachments = 0;
		profile.malware = (struct profile_malware){ .out = true,
							    .old_holds = rows[i].holds,
							    .old_waits = rows[i].waits };
		greet(&bed);
		say(&bed, ENGINE_CLIENT, HEAD "text\r\n" END);
		engine_scanned(bed.engine, &result, bed.now_us);
		assert_int_equal(server_has(&bed, "\r\n.\r\n"), !rows[i].record);
		if (rows[i].holds && rows[i].old)
			tell(&bed, HOLD_KEPT, 1);
		if (rows[i].record)
			assert_true(recorded(&bed, rows[i].record) && recorded(&bed, " MAIL-10 "));
		over(&bed);
	}
}

static void no_envelope_can_steer_a_server(void **state)
{
	(void)state;
	static const uint8_t record[] = "r";
	static const struct {
		const char *lines;
		size_t size;
		uint32_t n;
		bool sound;
	} rows[] = {
		{ "<a>\0<b>", 8, 2, true },	   { "<a>\0<b>", 8, 3, false },
		{ "<a>\0<b>\r\nX", 11, 2, false }, { "<a>\0b>", 7, 2, false },
		{ "<a>\0<b>\x7f", 9, 2, false },   { "<a>", 4, 1, false },
		{ "<a>\0<b", 6, 2, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static uint8_t wire[HELD_WIRE_MAX];
		const struct held_envelope envelope = { .persons = 1,
							.record = record,
							.record_size = 1,
							.lines = rows[i].lines,
							.lines_size = rows[i].size,
							.n_lines = rows[i].n };
		struct held_envelope read;
		size_t n = held_wire_pack(&envelope, wire, sizeof(wire));
		assert_int_equal(n && held_wire_unpack(wire, n, &read) == 0, rows[i].sound);
		for (size_t cut = 0; cut < n && rows[i].sound; cut++)
			assert_int_equal(held_wire_unpack(wire, cut, &read), -EBADMSG);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(however_it_is_cut_the_vault_gets_it),
		cmocka_unit_test(the_envelope_is_what_the_server_took),
		cmocka_unit_test(the_heading),
		cmocka_unit_test(every_answer),
		cmocka_unit_test(what_is_not_held_passes),
		cmocka_unit_test(without_a_vault_nothing_that_is_to_be_held_goes),
		cmocka_unit_test(what_refuses_it_all_the_same),
		cmocka_unit_test(a_sum_holds),
		cmocka_unit_test(a_vault_behind_makes_bytes_wait),
		cmocka_unit_test(whoever_goes_meanwhile),
		cmocka_unit_test(what_comes_behind_the_end_is_nobodys),
		cmocka_unit_test(what_the_scanner_says_holds),
		cmocka_unit_test(old_definitions),
		cmocka_unit_test(no_envelope_can_steer_a_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
