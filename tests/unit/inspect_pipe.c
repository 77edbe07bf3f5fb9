// The engine between two sockets: what the tables of sessions (inspect_smtp.c, inspect_captures.c)
// do not say.  What waits for the scanner, what a session keeps, how it ends, orders that make no
// sense.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <malloc.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/pipe.h"
#include "pipe_bed.h"
#include "smtp_profile.h"

enum { IDLE = 10000 };

static struct town town;
static struct pipe_bed bed;

static struct {
	bool behind, ended, dropped;
	void *owner;
	size_t n;
} scanner;

static struct scan *on_scan_begin(void *arg, void *owner, uint32_t seconds)
{
	(void)arg;
	(void)seconds;
	memset(&scanner, 0, sizeof(scanner));
	scanner.owner = owner;
	return (struct scan *)&scanner;
}

static bool on_scan_bytes(struct scan *scan, const uint8_t *bytes, size_t n)
{
	(void)scan;
	(void)bytes;
	scanner.n += n;
	return !scanner.behind;
}

static void on_scan_end(struct scan *scan)
{
	(void)scan;
	scanner.ended = true;
}

static void on_scan_drop(struct scan *scan)
{
	(void)scan;
	scanner.dropped = true;
}

static const struct inspector_scans scans = {
	.begin = on_scan_begin, .bytes = on_scan_bytes, .end = on_scan_end, .drop = on_scan_drop
};

static void begin(void)
{
	memset(&bed, 0, sizeof(bed));
	town_init(&town);
	town.profile.malware = (struct profile_malware){ .in = true, .seconds = 60 };
	bed.options.scans = &scans;
	pipe_bed_begin_with(&bed, &town.outside, &pipe_bed_smtp);
}

static void over(void)
{
	pipe_bed_over(&bed);
	pipe_bed_done(&bed);
}

static void say(enum engine_side side, const char *text)
{
	pipe_bed_feed(&bed, side, text, strlen(text));
}

static void up_to_data(void)
{
	say(ENGINE_SERVER, "220 mx\r\n");
	say(ENGINE_CLIENT, "HELO c\r\n");
	say(ENGINE_SERVER, "250 mx\r\n");
	say(ENGINE_CLIENT, "MAIL FROM:<a@b.example>\r\n");
	say(ENGINE_SERVER, "250 ok\r\n");
	say(ENGINE_CLIENT, "RCPT TO:<b@city.example.jp>\r\n");
	say(ENGINE_SERVER, "250 ok\r\n");
	say(ENGINE_CLIENT, "DATA\r\n");
	say(ENGINE_SERVER, "354 go on\r\n");
	for (int side = 0; side < 2; side++) {
		bed.told.on[side].n = 0;
		bed.told.on[side].v[0] = '\0';
	}
}

static void got(enum engine_side side, const char *text)
{
	assert_string_equal(bed.told.on[!side].v, text);
	bed.told.on[!side].n = 0;
	bed.told.on[!side].v[0] = '\0';
}

// While the scanner is behind, the client is read no further than is kept.
static void scanner_is_behind(void **state)
{
	static char line[1001];
	(void)state;
	memset(line, 'x', 998);
	memcpy(line + 998, "\r\n", 3);
	begin();
	up_to_data();
	say(ENGINE_CLIENT, "first\r\n");
	got(ENGINE_SERVER, "first\r\n");
	scanner.behind = true;
	for (unsigned i = 0; i < 100; i++)
		say(ENGINE_CLIENT, line);
	assert_int_equal(pipe_room(&bed.pipe, ENGINE_CLIENT), 0);
	assert_int_equal(pipe_patience(&bed.pipe), 0);
	assert_int_equal(bed.told.on[0].n, 0);
	assert_int_equal(bed.in[0].n, 100 * 1000 - ENGINE_WAITING_MAX);
	assert_true(bed.kept_most <= 2 * ENGINE_WAITING_MAX);
	bed.woken = scanner.behind = false;
	session_scan_room(scanner.owner);
	assert_true(bed.woken);
	pipe_bed_run(&bed);
	assert_int_equal(bed.told.on[0].n, 100 * 1000);
	bed.told.on[0].n = 0;
	say(ENGINE_CLIENT, ".\r\nQUIT\r\n");
	assert_true(scanner.ended);
	assert_int_equal(bed.told.on[0].n, 0);
	bed.woken = false;
	session_scanned(scanner.owner, &(struct scan_result){ .verdict = SCAN_CLEAN });
	assert_true(bed.woken);
	pipe_bed_run(&bed);
	got(ENGINE_SERVER, ".\r\nQUIT\r\n");
	over();
}

static void scanner_found_something(void **state)
{
	struct scan_result infected = { .verdict = SCAN_INFECTED, .name = "Eicar" };
	(void)state;
	begin();
	town.profile.malware.infected = PROFILE_REFUSE;
	up_to_data();
	say(ENGINE_CLIENT, "first\r\n");
	say(ENGINE_CLIENT, ".\r\n");
	got(ENGINE_SERVER, "first\r\n");
	session_scanned(scanner.owner, &infected);
	pipe_bed_run(&bed);
	got(ENGINE_CLIENT, "550 5.7.1 The message has malware in it (Eicar)\r\n");
	assert_int_equal(bed.pipe.state, PIPE_ANSWERED);
	assert_true(pipe_ends(&bed.pipe, ENGINE_CLIENT));
	over();
}

static void nobody_waits_for_a_session_that_is_gone(void **state)
{
	(void)state;
	begin();
	up_to_data();
	say(ENGINE_CLIENT, "first\r\n.\r\n");
	pipe_bed_over(&bed);
	assert_true(scanner.dropped);
	pipe_bed_done(&bed);
}

static void who_waits_for_how_long(void **state)
{
	static const struct {
		enum engine_side side;
		const char *text;
		unsigned seconds; // afterwards
	} steps[] = {
		{ ENGINE_SERVER, "220 mx\r\n", 330 },
		{ ENGINE_CLIENT, "HELO c\r\n", 330 },
		{ ENGINE_SERVER, "250 mx\r\n", 330 },
		{ ENGINE_CLIENT, "MAIL FROM:<a@b.example>\r\n", 330 },
		{ ENGINE_SERVER, "250 ok\r\n", 330 },
		{ ENGINE_CLIENT, "RCPT TO:<b@city.example.jp>\r\n", 330 },
		{ ENGINE_SERVER, "250 ok\r\n", 330 },
		{ ENGINE_CLIENT, "DATA\r\n", 150 },
		{ ENGINE_SERVER, "354 go on\r\n", 330 },
		{ ENGINE_CLIENT, "x\r\n", 330 },
		{ ENGINE_CLIENT, ".\r\n", 630 },
		{ ENGINE_SERVER, "250 ok\r\n", 330 },
		{ ENGINE_CLIENT, "QUIT\r\n", 330 },
		{ ENGINE_SERVER, "221 ok\r\n", 60 },
	};
	(void)state;
	memset(&bed, 0, sizeof(bed));
	town_init(&town);
	pipe_bed_begin(&bed, &town.outside, NULL, TAKES_ALL);
	assert_int_equal(pipe_patience(&bed.pipe), 330);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		say(steps[i].side, steps[i].text);
		assert_int_equal(pipe_patience(&bed.pipe), steps[i].seconds);
	}
	pipe_late(&bed.pipe);
	assert_int_equal(bed.pipe.state, PIPE_RESET);
	assert_int_equal(bed.told.records.n,
			 strlen("passed 250 <a@b.example> b@city.example.jp=250 passed size=3\n"));
	over();
}

// The server takes no more of the message: it is the one who is late.
static void a_server_that_is_full(void **state)
{
	static char line[1001];
	(void)state;
	memset(line, 'x', 998);
	memcpy(line + 998, "\r\n", 3);
	begin();
	up_to_data();
	pipe_feed(&bed.pipe, ENGINE_CLIENT, (const uint8_t *)line, 1000);
	pipe_keep(&bed.pipe);
	pipe_late(&bed.pipe);
	assert_int_equal(bed.pipe.state, PIPE_TAKEN);
	pipe_bed_feed(&bed, ENGINE_CLIENT, ".\r\n", 3);
	pipe_bed_run(&bed);
	got(ENGINE_CLIENT, "421 4.4.2 Server gave no reply, try again later\r\n");
	assert_non_null(strstr((const char *)bed.told.records.v, "server-late"));
	over();
}

// --- orders that make no sense

static struct engine_order nonsense[3];

static void give(struct engine *engine, enum engine_side side, const uint8_t *bytes, size_t n,
		 uint64_t now_us)
{
	const struct engine_host *host = (const struct engine_host *)engine;
	(void)side;
	(void)bytes;
	(void)n;
	(void)now_us;
	for (size_t i = 0; i < 3; i++)
		host->order(host->arg, &nonsense[i]);
}

static int make(const struct engine_peer *peer, const struct engine_host *host,
		struct source_limits *limits, uint64_t now_us, struct engine **ret)
{
	(void)peer;
	(void)limits;
	(void)now_us;
	*ret = malloc(sizeof(*host));
	memcpy(*ret, host, sizeof(*host));
	return 0;
}

static void forget(struct engine *engine, uint64_t now_us)
{
	(void)now_us;
	free(engine);
}

static size_t no_memory(const struct engine *engine)
{
	(void)engine;
	return 0;
}

static void orders(void **state)
{
	static const struct engine_kind kind = {
		.make = make, .free = forget, .feed = give, .memory = no_memory
	};
	static const struct engine_order rows[][3] = {
		{ { .verb = ENGINE_PASS, .side = ENGINE_CLIENT, .size = 5 } },
		{ { .verb = ENGINE_PASS, .side = ENGINE_SERVER, .size = 1 } },
		{ { .verb = ENGINE_SWALLOW, .side = ENGINE_CLIENT, .size = 1 } },
		{ { .verb = ENGINE_REPLY, .bytes = (const uint8_t *)"x", .n_bytes = 1 } },
		{ { .verb = ENGINE_REPLACE,
		    .side = ENGINE_CLIENT,
		    .size = 1,
		    .bytes = (const uint8_t *)"x",
		    .n_bytes = 1 } },
		{ { .verb = ENGINE_INSERT,
		    .side = ENGINE_SERVER,
		    .bytes = (const uint8_t *)"x",
		    .n_bytes = 1 } },
		{ { .verb = ENGINE_INSERT, .side = ENGINE_CLIENT } },
		{ { .verb = ENGINE_OVERWRITE, .side = ENGINE_CLIENT } },
		{ { .verb = ENGINE_TAKE, .side = ENGINE_SERVER } },
		{ { .verb = ENGINE_TAKE, .side = ENGINE_CLIENT },
		  { .verb = ENGINE_TAKE, .side = ENGINE_CLIENT } },
		{ { .verb = ENGINE_TAKE, .side = ENGINE_CLIENT },
		  { .verb = ENGINE_PASS, .side = ENGINE_CLIENT, .size = 1 } },
		{ { .verb = ENGINE_TAKE, .side = ENGINE_CLIENT }, { .verb = ENGINE_RELEASE } },
		{ { .verb = (enum engine_verb)77 } },
	};
	(void)state;
	town_init(&town);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(nonsense, rows[i], sizeof(nonsense));
		for (size_t k = 1; k < 3; k++)
			if (!rows[i][k].size && rows[i][k].verb == ENGINE_PASS)
				nonsense[k].verb = ENGINE_PASS; // of nothing
		memset(&bed, 0, sizeof(bed));
		pipe_bed_begin_with(&bed, &town.outside, &kind);
		say(ENGINE_CLIENT, "abc\n");
		if (bed.pipe.state != PIPE_RESET || bed.pipe.trouble != TROUBLE_ENGINE)
			fail_msg("row %zu: state %d, trouble %d", i, bed.pipe.state,
				 bed.pipe.trouble);
		assert_int_equal(bed.told.on[0].n, 0);
		over();
	}
}

// --- memory

static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

static void idle_memory(void **state)
{
	static struct pipe pipes[IDLE];
	static const struct {
		enum engine_side side;
		const char *text;
	} talk[] = {
		{ ENGINE_SERVER, "220 mx\r\n" },
		{ ENGINE_CLIENT, "EHLO client.example\r\n" },
		{ ENGINE_SERVER, "250-mx\r\n250 SIZE 20480000\r\n" },
	};
	struct inspector_options options = { .arg = &bed };
	struct profiles profiles;
	struct sessions sessions;
	size_t before = heap(), each;
	(void)state;
	town_init(&town);
	profiles = (struct profiles){ &town.flow, 1 };
	sessions_init(&sessions, &options, &pipe_bed_smtp);
	assert_int_equal(sessions_set_profiles(&sessions, &profiles, NULL, NULL), 0);
	for (size_t i = 0; i < IDLE; i++) {
		assert_int_equal(
			pipe_open(&pipes[i], &sessions, &town.outside, 1, pipe_bed_woken, &bed), 0);
		for (size_t k = 0; k < sizeof(talk) / sizeof(talk[0]); k++) {
			struct iovec pieces[PIPE_PIECES];
			pipe_feed(&pipes[i], talk[k].side, (const uint8_t *)talk[k].text,
				  strlen(talk[k].text));
			pipe_keep(&pipes[i]);
			while (pipe_out(&pipes[i], (enum engine_side) !talk[k].side, pieces))
				pipe_sent(&pipes[i], (enum engine_side) !talk[k].side,
					  pieces[0].iov_len);
		}
		assert_int_equal(pipe_memory(&pipes[i]), session_memory(&pipes[i].session));
	}
	each = (heap() - before) / IDLE + sizeof(struct pipe);
	print_message("%zu bytes a session\n", each);
	assert_true(each <= 2048);
	for (size_t i = 0; i < IDLE; i++)
		pipe_done(&pipes[i]);
	sessions_done(&sessions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scanner_is_behind),
		cmocka_unit_test(scanner_found_something),
		cmocka_unit_test(nobody_waits_for_a_session_that_is_gone),
		cmocka_unit_test(who_waits_for_how_long),
		cmocka_unit_test(a_server_that_is_full),
		cmocka_unit_test(orders),
		cmocka_unit_test(idle_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
