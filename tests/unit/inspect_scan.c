// A message at the scanner, as the engine sees it: every verdict at every moment, what the scanner
// is given, and that the server gets no end of a message without a verdict that lets it pass.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/scan.h"
#include "message_bed.h"

static struct {
	struct bed_bytes got;
	bool open, ended, dropped, none, behind;
	unsigned begun;
	uint32_t seconds;
} scanner;

static bool on_begin(void *arg, uint32_t seconds)
{
	(void)arg;
	assert_false(scanner.open);
	scanner.begun++;
	scanner.open = !scanner.none;
	scanner.ended = scanner.dropped = false;
	scanner.seconds = seconds;
	return !scanner.none;
}

static bool on_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	(void)arg;
	assert_true(scanner.open && !scanner.ended && n > 0);
	bed_add(&scanner.got, bytes, n);
	return !scanner.behind;
}

static void on_end(void *arg)
{
	(void)arg;
	assert_true(scanner.open && !scanner.ended);
	scanner.ended = true;
}

static void on_drop(void *arg)
{
	(void)arg;
	assert_true(scanner.open);
	scanner.open = false;
	scanner.dropped = true;
}

static const struct scan_host scan_host = { on_begin, on_bytes, on_end, on_drop };

static struct profile profile = { .guard = "g",
				  .domains = message_domains,
				  .n_domains = 1,
				  .senders = { message_client, 1 },
				  .malware = { .in = true, .out = true, .seconds = 60 } };
static struct profile_size size_row = { .max = 100000 };
static struct profile_flow flow = { .mark = 1, .id = "f", .clause = "", .profile = &profile };

static void begin(struct bed *bed)
{
	free(scanner.got.v);
	memset(&scanner, 0, sizeof(scanner));
	profile.sizes = &size_row;
	profile.n_sizes = 1;
	bed_add(&scanner.got, NULL, 0);
	message_begin(bed, &flow, (struct engine_host){ .scan = &scan_host });
}

static void greet(struct bed *bed, const char *to)
{
	message_greet(bed, "a@b.example", to);
}

static void tell(struct bed *bed, enum scan_verdict verdict, const char *name)
{
	struct scan_result result = { .verdict = verdict };
	snprintf(result.name, sizeof(result.name), "%s", name);
	scanner.open = false;
	if (!bed->ended)
		engine_scanned(bed->engine, &result, bed->now_us);
}

static void over(struct bed *bed)
{
	bed_over(bed);
	assert_false(scanner.open);
	bed_done(bed);
}

#define HEAD "Received: by sekisho\r\n"
#define WIRE "Subject: x\r\n\r\n..one\r\nt.wo\r\n..\r\n.\r\n"
static const char wire[] = WIRE;
#define SENT HEAD "Subject: x\r\n\r\n.one\r\nt.wo\r\n.\r\n"

static void however_it_is_cut_it_is_the_message(void **state)
{
	(void)state;
	for (size_t cut = 1; cut <= sizeof(WIRE) - 1; cut++) {
		struct bed bed;
		begin(&bed);
		greet(&bed, "x@city.example.jp");
		assert_int_equal(scanner.seconds, 60);
		bed_feed(&bed, ENGINE_CLIENT, WIRE, cut);
		bed_feed(&bed, ENGINE_CLIENT, wire + cut, sizeof(WIRE) - 1 - cut);
		assert_true(scanner.ended);
		assert_string_equal((char *)scanner.got.v, SENT);
		assert_false(server_has_end(&bed));
		tell(&bed, SCAN_CLEAN, "");
		assert_true(server_has_end(&bed));
		assert_int_equal(bed.waiting[ENGINE_CLIENT].n, 0);
		say(&bed, ENGINE_SERVER, "250 queued\r\n");
		assert_non_null(strstr((char *)bed.records.v, "passed 250"));
		assert_non_null(strstr((char *)bed.records.v, " scanned MAIL-09"));
		over(&bed);
	}
}

static const struct row {
	enum scan_verdict verdict;
	const char *name;
	struct profile_malware malware; // in and out besides
	const char *reply;		// NULL: passes
	const char *record;
} rows[] = {
	{ SCAN_CLEAN, "", { 0 }, NULL, " scanned MAIL-09" },
	{ SCAN_INFECTED,
	  "Eicar-1",
	  { .infected = PROFILE_REFUSE },
	  "550 5.7.1 The message has malware in it (Eicar-1)\r\n",
	  " malware MAIL-09" },
	{ SCAN_INFECTED,
	  "Eicar-1",
	  { .infected = PROFILE_RECORD },
	  NULL,
	  " malware-recorded MAIL-09" },
	{ SCAN_ENCRYPTED,
	  "Heuristics.Encrypted.Zip",
	  { .encrypted = PROFILE_REFUSE },
	  "550 5.7.1 ",
	  " scan-encrypted MAIL-09" },
	{ SCAN_ENCRYPTED,
	  "Heuristics.Encrypted.Zip",
	  { .encrypted = PROFILE_RECORD },
	  NULL,
	  " scan-encrypted-recorded MAIL-09" },
	{ SCAN_ENCRYPTED,
	  "Heuristics.Encrypted.Zip",
	  { .encrypted = PROFILE_ALLOW },
	  NULL,
	  " scanned MAIL-09" },
	{ SCAN_TOO_BIG, "", { .too_big = PROFILE_REFUSE }, "552 5.3.4 ", " scan-too-big MAIL-09" },
	{ SCAN_TOO_BIG, "", { .too_big = PROFILE_RECORD }, NULL, " scan-too-big-recorded MAIL-09" },
	{ SCAN_DOWN, "", { 0 }, "451 4.7.1 ", " scanner-down MAIL-09" },
	{ SCAN_DOWN, "", { .down_refuses = true }, "550 5.7.1 ", " scanner-down-refused MAIL-09" },
	{ SCAN_DOWN, "", { .down_passes = true }, NULL, " unscanned MAIL-09" },
	{ SCAN_BUSY, "", { .down_passes = true }, "451 4.7.1 ", " scanner-busy MAIL-09" },
};

static void use(const struct row *row)
{
	profile.malware = row->malware;
	if (row->verdict != SCAN_ENCRYPTED)
		profile.malware.encrypted = PROFILE_REFUSE;
	profile.malware.in = profile.malware.out = true;
	profile.malware.seconds = 60;
}

static void judged(struct bed *bed, const struct row *row)
{
	const char *said = (char *)bed->on[ENGINE_SERVER].v;
	assert_int_equal(server_has_end(bed), !row->reply);
	if (row->reply) {
		assert_non_null(strstr(said, row->reply));
		assert_true(bed->ended && bed->taken);
	} else {
		assert_true(!bed->taken);
		say(bed, ENGINE_SERVER, "250 queued\r\n");
	}
	assert_non_null(strstr((char *)bed->records.v, row->record));
}

// After each byte of the message, and behind its end.
static void each_verdict_at_each_moment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		use(&rows[i]);
		for (size_t at = 0; at <= sizeof(WIRE) - 1; at++) {
			struct bed bed;
			begin(&bed);
			greet(&bed, "x@city.example.jp");
			bed_feed(&bed, ENGINE_CLIENT, WIRE, at);
			assert_false(server_has_end(&bed));
			tell(&bed, rows[i].verdict, rows[i].name);
			bed_feed(&bed, ENGINE_CLIENT, wire + at, sizeof(WIRE) - 1 - at);
			judged(&bed, &rows[i]);
			over(&bed);
		}
	}
	use(&rows[0]);
}

static void without_a_scanner_it_is_down(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	scanner.none = true;
	greet(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT, WIRE);
	judged(&bed, &rows[8]);
	over(&bed);
}

static void directions(void **state)
{
	(void)state;
	static const struct {
		bool in, out;
		const char *to;
		unsigned begun;
	} cases[] = {
		{ true, false, "x@city.example.jp", 1 }, { true, false, "x@other.example", 0 },
		{ false, true, "x@city.example.jp", 0 }, { false, true, "x@other.example", 1 },
		{ false, false, "x@other.example", 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bed bed;
		begin(&bed);
		profile.malware.in = cases[i].in;
		profile.malware.out = cases[i].out;
		greet(&bed, cases[i].to);
		say(&bed, ENGINE_CLIENT, WIRE);
		assert_int_equal(scanner.begun, cases[i].begun);
		assert_int_equal(server_has_end(&bed), !cases[i].begun);
		over(&bed);
	}
	use(&rows[0]);
}

static void a_scanner_behind_makes_bytes_wait(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	greet(&bed, "x@city.example.jp");
	size_t before = bed.on[ENGINE_CLIENT].n;
	scanner.behind = true;
	say(&bed, ENGINE_CLIENT, "Subject: x\r\n\r\n");
	say(&bed, ENGINE_CLIENT, "one\r\n");
	assert_int_equal(bed.on[ENGINE_CLIENT].n, before);
	scanner.behind = false;
	engine_scan_room(bed.engine, bed.now_us);
	assert_int_equal(bed.on[ENGINE_CLIENT].n, before + 19);
	scanner.behind = true;
	say(&bed, ENGINE_CLIENT, "two\r\n");
	assert_int_equal(bed.on[ENGINE_CLIENT].n, before + 19);
	say(&bed, ENGINE_CLIENT, ".\r\n");
	assert_int_equal(bed.on[ENGINE_CLIENT].n, before + 19);
	tell(&bed, SCAN_CLEAN, "");
	assert_true(server_has_end(&bed));
	over(&bed);
}

static void what_comes_behind_the_end_waits(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed);
	greet(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT, WIRE "MAIL FROM:<b@b.example>\r\n");
	assert_null(strstr((char *)bed.on[ENGINE_CLIENT].v, "b@b"));
	tell(&bed, SCAN_CLEAN, "");
	say(&bed, ENGINE_SERVER, "250 queued\r\n");
	assert_non_null(strstr((char *)bed.on[ENGINE_CLIENT].v, "b@b"));
	over(&bed);
	begin(&bed);
	greet(&bed, "x@city.example.jp");
	profile.malware.infected = PROFILE_REFUSE;
	say(&bed, ENGINE_CLIENT, WIRE "QUIT\r\n");
	tell(&bed, SCAN_INFECTED, "X");
	assert_true(bed.ended);
	assert_null(strstr((char *)bed.on[ENGINE_CLIENT].v, "QUIT"));
	over(&bed);
}

static void whoever_goes_meanwhile(void **state)
{
	(void)state;
	struct bed bed;
	begin(&bed); // the server
	greet(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT, WIRE);
	say(&bed, ENGINE_SERVER, "421 bye\r\n");
	bed_close(&bed, ENGINE_SERVER);
	assert_true(scanner.dropped && !server_has_end(&bed));
	over(&bed);
	begin(&bed); // the server speaks out of turn
	greet(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT, WIRE);
	say(&bed, ENGINE_SERVER, "250 queued\r\n");
	assert_true(bed.ended && scanner.dropped && !server_has_end(&bed));
	over(&bed);
	begin(&bed); // the client sends no more, and hears the server all the same
	greet(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT, WIRE);
	bed_close(&bed, ENGINE_CLIENT);
	assert_false(bed.ended);
	tell(&bed, SCAN_CLEAN, "");
	assert_true(server_has_end(&bed));
	over(&bed);
	begin(&bed); // all are gone
	greet(&bed, "x@city.example.jp");
	say(&bed, ENGINE_CLIENT, WIRE);
	over(&bed);
	assert_true(scanner.dropped);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(however_it_is_cut_it_is_the_message),
		cmocka_unit_test(each_verdict_at_each_moment),
		cmocka_unit_test(without_a_scanner_it_is_down),
		cmocka_unit_test(directions),
		cmocka_unit_test(a_scanner_behind_makes_bytes_wait),
		cmocka_unit_test(what_comes_behind_the_end_waits),
		cmocka_unit_test(whoever_goes_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
