// Sources counted, caps chosen, bounds kept.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <malloc.h>
#include <cmocka.h>

#include "inspect/smtp_size.h"
#include "smtp_bed.h"
#include "smtp_profile.h"

static const uint64_t second = 1000000;

static void sessions_at_a_time(void **state)
{
	struct source_limits *limits;
	struct profile profile = { .guard = "mail", .limits.sessions = 2 };
	struct profile other = { .guard = "mail-2", .limits.sessions = 2 };
	struct addr one = town_addr("192.0.2.1"), two = town_addr("192.0.2.2");
	uint32_t slot[4];
	(void)state;
	assert_int_equal(source_limits_new(8, 7, &limits), 0);
	assert_int_equal(source_limits_enter(limits, &one, &profile, 0, &slot[0]), SOURCE_TAKEN);
	assert_int_equal(source_limits_enter(limits, &one, &profile, 0, &slot[1]), SOURCE_TAKEN);
	assert_int_equal(source_limits_enter(limits, &one, &profile, 0, &slot[2]), SOURCE_SESSIONS);
	assert_true(slot[2] == SOURCE_NONE);
	source_limits_leave(limits, slot[2]);
	assert_int_equal(source_limits_enter(limits, &one, &profile, 0, &slot[2]), SOURCE_SESSIONS);
	assert_int_equal(source_limits_enter(limits, &two, &profile, 0, &slot[2]), SOURCE_TAKEN);
	assert_int_equal(source_limits_enter(limits, &one, &other, 0, &slot[3]), SOURCE_TAKEN);
	source_limits_leave(limits, slot[0]);
	assert_int_equal(source_limits_enter(limits, &one, &profile, 0, &slot[0]), SOURCE_TAKEN);
	source_limits_free(limits);
}

// IPv6: a /64 is one source.
static void sources_of_ipv6(void **state)
{
	struct source_limits *limits;
	struct profile profile = { .guard = "mail", .limits.sessions = 1 };
	struct addr one = town_addr("2001:db8::1"), same = town_addr("2001:db8::ffff:1"),
		    other = town_addr("2001:db8:0:1::1");
	uint32_t slot;
	(void)state;
	assert_int_equal(source_limits_new(8, 7, &limits), 0);
	assert_int_equal(source_limits_enter(limits, &one, &profile, 0, &slot), SOURCE_TAKEN);
	assert_int_equal(source_limits_enter(limits, &same, &profile, 0, &slot), SOURCE_SESSIONS);
	assert_int_equal(source_limits_enter(limits, &other, &profile, 0, &slot), SOURCE_TAKEN);
	source_limits_free(limits);
}

// Never more than the rate in any stretch of the time; and over a long time about the rate.
static void rates(void **state)
{
	struct source_limits *limits;
	struct profile profile = { .guard = "mail",
				   .limits = { .session_rate = 10, .session_seconds = 60 } };
	struct addr source = town_addr("192.0.2.1");
	uint64_t times[1000];
	size_t taken = 0;
	(void)state;
	assert_int_equal(source_limits_new(8, 7, &limits), 0);
	for (uint64_t now = 0; now < 3600 * second; now += second) {
		uint32_t slot;
		if (source_limits_enter(limits, &source, &profile, now, &slot) == SOURCE_TAKEN) {
			assert_true(taken < 1000);
			times[taken++] = now;
			source_limits_leave(limits, slot);
		}
	}
	assert_true(taken >= 400 && taken <= 610);
	for (size_t i = 20; i < taken; i++)
		assert_true(times[i] - times[i - 20] >= 60 * second);
	source_limits_free(limits);
}

// A clock that is set back begins anew.
static void clock_set_back(void **state)
{
	struct source_limits *limits;
	struct profile profile = { .guard = "mail",
				   .limits = { .message_rate = 1, .message_seconds = 60 } };
	struct addr source = town_addr("192.0.2.1");
	uint32_t slot;
	(void)state;
	assert_int_equal(source_limits_new(8, 7, &limits), 0);
	source_limits_enter(limits, &source, &profile, 0, &slot);
	assert_true(source_limits_message(limits, slot, &profile, 1000 * second));
	assert_false(source_limits_message(limits, slot, &profile, 1001 * second));
	assert_true(source_limits_message(limits, slot, &profile, 10 * second));
	assert_true(source_limits_message(limits, SOURCE_NONE, &profile, 10 * second));
	source_limits_free(limits);
}

// More sources than places: those without a session make room; when all have one, newcomers are
// let in without being counted.
static void full_table(void **state)
{
	struct source_limits *limits;
	struct profile profile = { .guard = "mail", .limits.sessions = 1 };
	uint32_t slots[100], slot;
	size_t counted = 0;
	(void)state;
	assert_int_equal(source_limits_new(1, 7, &limits), 0);
	for (size_t i = 0; i < 100; i++) {
		struct addr source = { ADDR_V4, 100 + i };
		assert_int_equal(source_limits_enter(limits, &source, &profile, i, &slots[i]),
				 SOURCE_TAKEN);
		counted += slots[i] != SOURCE_NONE;
	}
	assert_int_equal(counted, 8);
	for (size_t i = 0; i < 100; i++)
		source_limits_leave(limits, slots[i]);
	struct addr late = { ADDR_V4, 999 };
	assert_int_equal(source_limits_enter(limits, &late, &profile, 200, &slot), SOURCE_TAKEN);
	assert_true(slot != SOURCE_NONE);
	assert_int_equal(source_limits_new((size_t)1 << 25, 7, &limits), -EINVAL);
	source_limits_free(limits);
}

// A session too many: its greeting becomes a 421, and nothing of it goes anywhere.
static void refused_session(void **state)
{
	struct town town;
	struct source_limits *limits;
	struct bed first, second_one;
	(void)state;
	town_init(&town);
	town.profile.limits.sessions = 1;
	assert_int_equal(source_limits_new(64, 1, &limits), 0);
	bed_begin(&first, &town.outside, limits);
	bed_begin(&second_one, &town.outside, limits);
	bed_feed(&first, ENGINE_SERVER, "220 mx\r\n", 8);
	bed_feed(&second_one, ENGINE_SERVER, "2", 1);
	assert_string_equal((char *)first.on[1].v, "220 mx\r\n");
	assert_string_equal((char *)second_one.on[1].v,
			    "421 4.7.0 Too many sessions from your address\r\n");
	assert_true(second_one.ended && second_one.taken);
	assert_string_equal((char *)second_one.records.v, "refused 421 <> sessions MAIL-02\n");
	bed_over(&first);
	bed_over(&second_one);
	bed_done(&second_one);
	bed_begin(&second_one, &town.outside, limits);
	bed_feed(&second_one, ENGINE_SERVER, "220 mx\r\n", 8);
	assert_false(second_one.ended);
	bed_over(&second_one);
	bed_done(&first);
	bed_done(&second_one);
	source_limits_free(limits);
}

// The rate is of the source, over sessions.
static void message_rate(void **state)
{
	struct town town;
	struct source_limits *limits;
	(void)state;
	town_init(&town);
	town.profile.limits = (struct profile_limits){ .message_rate = 2, .message_seconds = 60 };
	assert_int_equal(source_limits_new(64, 1, &limits), 0);
	for (int i = 0; i < 3; i++) {
		static const char hello[] = "220 mx\r\n", mail[] = "MAIL FROM:<a@b.example>\r\n";
		struct bed bed;
		bed_begin(&bed, &town.outside, limits);
		bed_feed(&bed, ENGINE_SERVER, hello, strlen(hello));
		bed_feed(&bed, ENGINE_CLIENT, mail, strlen(mail));
		bed_feed(&bed, ENGINE_SERVER, "250 ok\r\n", 8);
		assert_string_equal(
			(char *)bed.on[1].v,
			i < 2 ? "220 mx\r\n250 ok\r\n"
			      : "220 mx\r\n451 4.7.1 Too many messages, try again later\r\n");
		bed_over(&bed);
		bed_done(&bed);
	}
	source_limits_free(limits);
}

static void caps(void **state)
{
	struct town town;
	struct profile *profile;
	(void)state;
	town_init(&town);
	profile = &town.profile;
	assert_true(smtp_size_most(profile, &town.outside.client, false) == UINT64_MAX);
	profile->sizes = town.sizes;
	profile->n_sizes = 3;
	assert_int_equal(smtp_size_most(profile, &town.outside.client, false), 60);
	assert_int_equal(smtp_size_most(profile, &town.inside.client, true), 60);
	profile->n_sizes = 2; // none for mail that goes out
	assert_int_equal(smtp_size_most(profile, &town.outside.client, false), 60);
	assert_true(smtp_size_most(profile, &town.inside.client, true) == UINT64_MAX);
	profile->sizes++;
	profile->n_sizes = 1;
	assert_int_equal(smtp_size_most(profile, &town.outside.client, false), 40);
	struct profile_size by_client[] = {
		{ .whose.clients = &profile->senders, .max = 100 },
		{ .max = 20 },
		{ .max = 50 },
	};
	profile->sizes = by_client;
	profile->n_sizes = 3;
	assert_int_equal(smtp_size_most(profile, &town.outside.client, false), 20);
	assert_int_equal(smtp_size_most(profile, &town.inside.client, true), 100);
}

// A client may not make the gate keep more than this.
static void waiting_bytes(void **state)
{
	static const char hello[] = "220 mx\r\n", sync[] = "EHLO a\r\n", noop[] = "NOOP\r\n";
	struct town town;
	struct bed bed;
	(void)state;
	town_init(&town);
	for (int over = 0; over < 2; over++) {
		const size_t lines = (ENGINE_WAITING_MAX - 8) / 6;
		bed_begin(&bed, &town.outside, NULL);
		bed_feed(&bed, ENGINE_SERVER, hello, strlen(hello));
		bed_feed(&bed, ENGINE_CLIENT, sync, strlen(sync));
		for (size_t i = 0; i < lines; i++)
			bed_feed(&bed, ENGINE_CLIENT, noop, strlen(noop));
		assert_false(bed.ended);
		assert_int_equal(bed.on[0].n, strlen(sync));
		for (int i = 0; i < 4 && over; i++)
			bed_feed(&bed, ENGINE_CLIENT, noop, strlen(noop));
		assert_true(bed.ended == over);
		bed_feed(&bed, ENGINE_SERVER, "250 mx\r\n", 8);
		if (!over)
			assert_int_equal(bed.on[0].n, strlen(sync) + 1024 * 6);
		bed_over(&bed);
		bed_done(&bed);
	}
}

// The longest line of each kind goes on, one byte more ends the session.
static void line_limits(void **state)
{
	static const struct {
		enum engine_side side;
		const char *begin;
		size_t most;
	} rows[] = {
		{ ENGINE_CLIENT, "NOOP ", 2048 },
		{ ENGINE_CLIENT, "auth plain ", 12288 },
		{ ENGINE_CLIENT, "AUTHX PLAIN ", 2048 },
		{ ENGINE_CLIENT, "x", 12288 }, // an answer in a dialogue of AUTH
		{ ENGINE_SERVER, "250 ", 2048 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			struct town town;
			struct bed bed;
			char line[16384];
			size_t n = rows[i].most + over;
			town_init(&town);
			bed_begin(&bed, &town.outside, NULL);
			memset(line, 'a', n);
			memcpy(line, rows[i].begin, strlen(rows[i].begin));
			memcpy(line + n - 2, "\r\n", 2);
			bed_feed(&bed, ENGINE_SERVER, "220 mx\r\n", 8);
			if (rows[i].side == ENGINE_SERVER)
				bed_feed(&bed, ENGINE_CLIENT, "NOOP\r\n", 6);
			if (rows[i].begin[0] == 'x') {
				bed_feed(&bed, ENGINE_CLIENT, "AUTH PLAIN\r\n", 12);
				bed_feed(&bed, ENGINE_SERVER, "334 \r\n", 6);
			}
			bed_feed(&bed, rows[i].side, line, n);
			assert_true(bed.ended == over);
			assert_int_equal(bed.on[rows[i].side].n >= n, !over);
			bed_over(&bed);
			bed_done(&bed);
		}
	}
}

// A session that waits for its client: what it takes on the heap.
static void idle_memory(void **state)
{
	enum { SESSIONS = 1000 };
	static struct bed beds[SESSIONS];
	static const char hello[] = "220 mx.city.example.jp ESMTP\r\n",
			  ehlo[] = "EHLO mail.example.com\r\n",
			  answer[] = "250-mx\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
			  mail[] = "MAIL FROM:<somebody@example.com>\r\n",
			  rcpt[] = "RCPT TO:<somebody@city.example.jp>\r\n";
	struct town town;
	(void)state;
	town_init(&town);
	for (size_t i = 0; i < SESSIONS; i++) {
		bed_begin(&beds[i], &town.outside, NULL);
		bed_over(&beds[i]);
		bed_done(&beds[i]);
		memset(&beds[i], 0, sizeof(beds[i]));
	}
	struct mallinfo2 before = mallinfo2();
	for (size_t i = 0; i < SESSIONS; i++) {
		const struct engine_host host = { .order = bed_order,
						  .record = bed_record,
						  .arg = &beds[i] };
		assert_int_equal(engine_new(&town.outside, &host, NULL, 0, &beds[i].engine), 0);
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		bed_feed(&beds[i], ENGINE_SERVER, hello, strlen(hello));
		bed_feed(&beds[i], ENGINE_CLIENT, ehlo, strlen(ehlo));
		bed_feed(&beds[i], ENGINE_SERVER, answer, strlen(answer));
		bed_feed(&beds[i], ENGINE_CLIENT, mail, strlen(mail));
		bed_feed(&beds[i], ENGINE_SERVER, "250 ok\r\n", 8);
		bed_feed(&beds[i], ENGINE_CLIENT, rcpt, strlen(rcpt));
		bed_feed(&beds[i], ENGINE_SERVER, "250 ok\r\n", 8);
		for (int side = 0; side < 2; side++) {
			free(beds[i].on[side].v);
			free(beds[i].waiting[side].v);
			beds[i].on[side] = beds[i].waiting[side] = (struct bed_bytes){ 0 };
		}
	}
	struct mallinfo2 after = mallinfo2();
	size_t each = (after.uordblks - before.uordblks) / SESSIONS;
	printf("%zu bytes a session within a transaction\n", each);
	// Sanitizers have an allocator of their own, which tells nothing here.
	assert_true(after.uordblks < before.uordblks || each <= 2048);
	for (size_t i = 0; i < SESSIONS; i++) {
		bed_over(&beds[i]);
		bed_done(&beds[i]);
	}
}

static void say(struct bed *bed, const char *client, const char *server)
{
	bed_feed(bed, ENGINE_CLIENT, client, strlen(client));
	bed_feed(bed, ENGINE_SERVER, server, strlen(server));
}

static bool server_saw(const struct bed *bed, const char *text)
{
	const struct bed_bytes *on = &bed->on[ENGINE_CLIENT];
	return memmem(on->v, on->n, text, strlen(text));
}

// What a client says in the wrong place may be what it authenticates with.
static void nothing_secret_is_recorded(void **state)
{
	static const struct {
		const char *line, *records;
	} rows[] = {
		{ "MAIL FROM:<a@b.example> AUTH=c2VjcmV0\r\n", "<a@b.example>" },
		{ "MAIL FROM:<a@b.example> PASS=secret\r\n", "<a@b.example>" },
		{ "MAIL FROM:a@b.example AUTH=secret\r\n", "<a@b.example>" },
		{ "MAIL FROM:<a@b.example AUTH=secret\r\n", "<a@b.example>" },
		{ "MAIL FROM:<@b.example> secret\r\n", "<@b.example>" },
		{ "MAIL FROM:c2VjcmV0\r\n", "<>" },
		{ "MAIL FROM:<secret word>\r\n", "<>" },
		{ "MAIL secret@word.example\r\n", "<>" },
		{ "MAIL secret\r\n", "<>" },
		{ "c2VjcmV0\r\n", "<>" },
		{ "AUTH PLAIN c2VjcmV0\r\n", "<>" },
		{ "EHLO client.example secret\r\n", "client.example" },
		{ "EHLO [IPv6:2001:db8::1]\r\n", "[IPv6:2001:db8::1]" },
		{ "EHLO PC_7-市\r\n", "PC_7-市" },
		{ "EHLO c2VjcmV0=\r\n", "" },
		{ "HELO user:secret@b.example\r\n", "" },
		{ "MAIL FROM:<a@b.example>\r\nRCPT TO:secret\r\n", "> =501 " },
		{ "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@city.example.jp> AUTH=secret\r\n",
		  "> c@city.example.jp=555 " },
		{ "MAIL FROM:<a@b.example>\r\nRCPT TO:c@city.example.jp secret\r\n",
		  "> c@city.example.jp=501 " },
	};
	struct town town;
	(void)state;
	town_init(&town);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bed bed;
		bed_begin(&bed, &town.outside, NULL);
		bed_feed(&bed, ENGINE_SERVER, "220 mx\r\n", 8);
		for (const char *line = rows[i].line; *line;) {
			size_t n = (size_t)(strchr(line, '\n') - line) + 1;
			bed_feed(&bed, ENGINE_CLIENT, line, n);
			bed_feed(&bed, ENGINE_SERVER, *line == 'M' ? "250 ok\r\n" : "500 no\r\n",
				 8);
			line += n;
		}
		bed_over(&bed);
		const struct bed_bytes *told = &bed.records;
		const char *wanted = rows[i].records;
		const bool named = strncmp(rows[i].line + 1, "HLO", 3) == 0 ||
				   strncmp(rows[i].line + 1, "ELO", 3) == 0;
		print_message("%.*s: helo \"%s\", %.*s", (int)strcspn(rows[i].line, "\r"),
			      rows[i].line, bed.helo, (int)told->n, (const char *)told->v);
		assert_null(memmem(told->v, told->n, "secret", 6));
		assert_null(memmem(told->v, told->n, "c2VjcmV0", 8));
		if (named)
			assert_string_equal(bed.helo, wanted);
		else
			assert_non_null(memmem(told->v, told->n, wanted, strlen(wanted)));
		bed_done(&bed);
	}
}

// A policy that is tightened counts from the next transaction of a session on, and never within
// one.
static void tightened(void **state)
{
	struct town town, tight;
	struct bed bed;
	(void)state;
	town_init(&town);
	town_init(&tight);
	tight.profile.guard = "strict";
	tight.profile.n_domains = 1; // no more those below it
	tight.sizes[1].max = 20;
	tight.profile.sizes = tight.sizes;
	tight.profile.n_sizes = 3;
	tight.profile.tls = PROFILE_TLS_CLEAR_ONLY;
	town.profile.tls = PROFILE_TLS_BLIND;
	bed_begin(&bed, &town.outside, NULL);
	bed_feed(&bed, ENGINE_SERVER, "220 mx\r\n", 8);
	say(&bed, "EHLO a.example\r\n", "250 mx\r\n");
	say(&bed, "MAIL FROM:<a@b.example>\r\n", "250 ok\r\n");
	say(&bed, "RCPT TO:<one@big.city.example.jp>\r\n", "250 ok\r\n");
	bed.renewed = &tight.flow;
	say(&bed, "RCPT TO:<two@low.city.example.jp>\r\n", "250 ok\r\n");
	say(&bed, "DATA\r\n", "354 ok\r\n");
	say(&bed, "thirty bytes that fit for now\r\n.\r\n", "250 ok\r\n");
	assert_true(server_saw(&bed, "two@low.city"));
	assert_true(server_saw(&bed, "for now\r\n.\r\n"));
	say(&bed, "MAIL FROM:<a@b.example>\r\n", "250 ok\r\n");
	memset(&town, 0, sizeof(town)); // what it had may be gone
	say(&bed, "RCPT TO:<three@low.city.example.jp>\r\n", "250 ok\r\n");
	assert_false(server_saw(&bed, "three@"));
	say(&bed, "RCPT TO:<four@city.example.jp>\r\n", "250 ok\r\n");
	assert_true(server_saw(&bed, "four@"));
	say(&bed, "RSET\r\n", "250 ok\r\n");
	say(&bed, "STARTTLS\r\n", "502 no\r\n");
	assert_false(server_saw(&bed, "STARTTLS"));
	say(&bed, "MAIL FROM:<a@b.example>\r\n", "250 ok\r\n");
	say(&bed, "RCPT TO:<five@city.example.jp>\r\n", "250 ok\r\n");
	say(&bed, "DATA\r\n", "354 ok\r\n");
	say(&bed, "thirty bytes that no longer fit\r\n.\r\n", "");
	assert_true(bed.taken);
	assert_false(server_saw(&bed, "longer fit"));
	bed_over(&bed);
	bed_done(&bed);
}

// What a session goes on under when the policy is another.
static void followed(void **state)
{
	struct town town, now;
	struct profile_flow flows[2];
	const struct profiles profiles = { flows, 2 };
	const struct engine_peer *peer = &town.outside;
	(void)state;
	town_init(&town);
	town_init(&now);
	now.from.addrs = (struct profile_addrs){ &now.senders, 1 }; // not where the client is
	flows[0] = flows[1] = now.flow;
	flows[0].id = "first";
	flows[1].mark = 2;
	assert_ptr_equal(profiles_follow(&profiles, &town.flow, &peer->client, &peer->server),
			 &flows[1]); // of its id
	now.profile.guard = "another";
	assert_ptr_equal(profiles_follow(&profiles, &town.flow, &peer->client, &peer->server),
			 &flows[1]);
	flows[1].id = "second";
	assert_null(profiles_follow(&profiles, &town.flow, &peer->client, &peer->server));
	now.profile.guard = "mail";
	assert_null(profiles_follow(&profiles, &town.flow, &peer->client, &peer->server));
	now.senders = town_range("203.0.113.0/24");
	assert_ptr_equal(profiles_follow(&profiles, &town.flow, &peer->client, &peer->server),
			 &flows[0]); // of its guard, between its zones
}

// A client that was taken over and never ends its message is heard out for ten minutes.
static void endless_message(void **state)
{
	static const char begin[] = "MAIL FROM:<a@b.example>\r\n";
	struct town town;
	struct bed bed;
	(void)state;
	town_init(&town);
	bed_begin(&bed, &town.outside, NULL);
	bed_feed(&bed, ENGINE_SERVER, "220 mx\r\n", 8);
	bed_feed(&bed, ENGINE_CLIENT, begin, strlen(begin));
	bed_feed(&bed, ENGINE_SERVER, "250 ok\r\n", 8);
	bed_feed(&bed, ENGINE_CLIENT, "DATA\r\n", 6);
	bed_feed(&bed, ENGINE_SERVER, "354 ok\r\n", 8);
	bed_feed(&bed, ENGINE_CLIENT, "x\ny", 3);
	assert_true(bed.taken && !bed.ended);
	bed.now_us += 600 * second;
	bed_feed(&bed, ENGINE_CLIENT, "more", 4);
	assert_false(bed.ended);
	bed.now_us += 1;
	bed_feed(&bed, ENGINE_CLIENT, "more", 4);
	assert_true(bed.ended);
	assert_int_equal(bed.swallowed, 2 + 4 + 4);
	bed_over(&bed);
	bed_done(&bed);
}

// --- mail that is stopped

static void say_line(struct bed *bed, enum engine_side side, const char *line)
{
	bed_feed(bed, side, line, strlen(line));
}

// A command that goes on gets 250 of the server, in place of which the client may hear another.
static void say_both(struct bed *bed, const char *command, const char *expected)
{
	size_t before = bed->on[ENGINE_SERVER].n;
	say_line(bed, ENGINE_CLIENT, command);
	say_line(bed, ENGINE_SERVER, "250 ok\r\n");
	assert_true(bed->on[ENGINE_SERVER].n >= before + strlen(expected));
	assert_memory_equal(bed->on[ENGINE_SERVER].v + before, expected, strlen(expected));
}

static void greet(struct bed *bed, const struct engine_peer *peer)
{
	bed_begin(bed, peer, NULL);
	say_line(bed, ENGINE_SERVER, "220 mx\r\n");
	say_both(bed, "EHLO x\r\n", "250");
}

static void over(struct bed *bed)
{
	bed_over(bed);
	bed_done(bed);
}

#define STOPPED "451 4.7.1 Mail is stopped"
#define FROM	"MAIL FROM:<a@far.example>\r\n"
#define TO_OWN	"RCPT TO:<b@city.example.jp>\r\n"
#define TO_FAR	"RCPT TO:<b@other.example>\r\n"

static struct mail_stops stop_now(struct mail_stop stop)
{
	return (struct mail_stops){ .n = 1, .v = { stop } };
}

static void stops_of_all_kinds(void **state)
{
	static struct mail_stops stops;
	const struct addr_range outside = { ADDR_V4, 0, 0xffffffff };
	struct town town;
	struct bed bed;
	(void)state;
	town_init(&town);
	const struct {
		struct mail_stop stop;
		bool counts;
	} rows[] = {
		{ { .kind = MAIL_STOP_ALL, .directions = MAIL_BOTH_WAYS }, true },
		{ { .kind = MAIL_STOP_ALL, .directions = MAIL_IN }, true },
		{ { .kind = MAIL_STOP_ALL, .directions = MAIL_OUT }, false },
		{ { .kind = MAIL_STOP_ALL, .directions = MAIL_IN, .until_us = 1000001 }, true },
		{ { .kind = MAIL_STOP_ALL, .directions = MAIL_IN, .until_us = 1000000 }, false },
		{ { .kind = MAIL_STOP_SOURCE, .directions = MAIL_IN, .source = outside }, true },
		{ { .kind = MAIL_STOP_SOURCE, .directions = MAIL_IN, .source = { ADDR_V4, 1, 1 } },
		  false },
		{ { .kind = MAIL_STOP_SENDER,
		    .directions = MAIL_IN,
		    .sender = mail_sender_hash((const uint8_t *)"A@far.EXAMPLE", 13) },
		  true },
		{ { .kind = MAIL_STOP_SENDER, .directions = MAIL_IN, .sender = 1 }, false },
		{ { .kind = MAIL_STOP_ZONE, .directions = MAIL_IN, .zone = "elsewhere" }, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stops = stop_now(rows[i].stop);
		bed_stops = &stops;
		greet(&bed, &town.outside);
		say_both(&bed, FROM, rows[i].counts ? STOPPED : "250");
		if (rows[i].counts) {
			assert_non_null(strstr((char *)bed.records.v, " stopped MAIL-02"));
			stops.n = 0; // and a session that was open goes on when it is resumed
			say_both(&bed, FROM, "250");
		}
		over(&bed);
	}
	bed_stops = NULL;
}

// Who may send anywhere hears it of the recipient that is stopped, and sends to others.
static void one_direction_of_a_sender(void **state)
{
	static struct mail_stops stops;
	struct town town;
	struct bed bed;
	(void)state;
	town_init(&town);
	bed_stops = &stops;
	stops = stop_now((struct mail_stop){ .kind = MAIL_STOP_ALL, .directions = MAIL_OUT });
	greet(&bed, &town.inside);
	say_both(&bed, FROM, "250");
	say_both(&bed, TO_FAR, STOPPED);
	say_both(&bed, TO_OWN, "250");
	over(&bed);
	stops.v[0].directions = MAIL_IN;
	greet(&bed, &town.inside);
	say_both(&bed, FROM, "250");
	say_both(&bed, TO_OWN, STOPPED);
	say_both(&bed, TO_FAR, "250");
	over(&bed);
	bed_stops = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_at_a_time),
		cmocka_unit_test(sources_of_ipv6),
		cmocka_unit_test(rates),
		cmocka_unit_test(clock_set_back),
		cmocka_unit_test(full_table),
		cmocka_unit_test(refused_session),
		cmocka_unit_test(message_rate),
		cmocka_unit_test(caps),
		cmocka_unit_test(waiting_bytes),
		cmocka_unit_test(line_limits),
		cmocka_unit_test(idle_memory),
		cmocka_unit_test(nothing_secret_is_recorded),
		cmocka_unit_test(tightened),
		cmocka_unit_test(followed),
		cmocka_unit_test(endless_message),
		cmocka_unit_test(stops_of_all_kinds),
		cmocka_unit_test(one_direction_of_a_sender),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
