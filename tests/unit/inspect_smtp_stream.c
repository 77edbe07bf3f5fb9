// The engine of SMTP behind the stream, between two small TCPs on bad lines: a session with a
// recipient that the gate refuses, and one whose message is too large.  SEED=n repeats one run.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <malloc.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/inspector.h"
#include "inspect/source_limits.h"
#include "stream_model.h"

enum { RUNS = 60, TICKS_MAX = 300000, MESSAGE = 4000, SIZE_MAX_ = 5000, IDLE = 20000 };

// What each side says once it has seen so many lines of the other.
struct say {
	bool server;
	uint32_t lines;
	const char *text;
};

static const struct say opening[] = {
	{ true, 0, "220 mail.city.example.jp ESMTP\r\n" },
	{ false, 1, "EHLO client.example\r\n" },
	{ true, 1,
	  "250-mail.city.example.jp\r\n250-PIPELINING\r\n250-SIZE 20480000\r\n250 CHUNKING\r\n" },
	{ false, 5,
	  "MAIL FROM:<a@other.example>\r\nRCPT TO:<b@city.example.jp>\r\n"
	  "RCPT TO:<c@third.example>\r\nRCPT TO:<d@city.example.jp>\r\nDATA\r\n" },
	{ true, 2, "250 2.1.0 Ok\r\n" },
	{ true, 3, "250 2.1.5 Ok\r\n" },
	{ true, 4, "250 2.0.0 Ok\r\n" },
	{ true, 5, "250 2.1.5 Ok\r\n" },
	{ true, 6, "354 End data with <CR><LF>.<CR><LF>\r\n" },
};

static struct m_net net;
static uint64_t the_seed;
static uint8_t streams[2][M_STREAM_MAX];
static struct {
	uint32_t lines, to;
} gates[2][32];
static unsigned n_gates[2];
static unsigned n_records;

static void arrived(struct flight *flight, bool to_server)
{
	if (flight->fate == FLIGHT_ACCEPT)
		m_travel(&net, flight, to_server, true);
	else if (flight->fate == FLIGHT_DROP)
		m_flight_free(flight);
}

static void on_decided(void *arg, struct flight *flight)
{
	(void)arg;
	arrived(flight, m_get(flight->bytes + (net.v6 ? 40 : 20) + 2, 2) == 25);
}

static void on_record(void *arg, const struct mail_record *record)
{
	(void)arg, (void)record;
	n_records++;
}

static struct source_limits *limits; // NULL: nothing is counted

static struct inspector *make_inspector(uint32_t connections)
{
	static const struct profile_domain domains[] = { { "city.example.jp", false } };
	static const struct profile_size sizes[] = { { .max = SIZE_MAX_ } };
	static const struct profile profile = { .guard = "mail",
						.domains = domains,
						.n_domains = 1,
						.sizes = sizes,
						.n_sizes = 1,
						.limits.sessions = 1 };
	static const struct profile_flow flow = {
		.mark = 1, .id = "mail", .clause = "", .profile = &profile
	};
	static const struct profiles profiles = { &flow, 1 };
	const struct inspector_options options = { .connections_max = connections,
						   .memory_max = 1 << 30,
						   .held_max = 1000,
						   .decided = on_decided,
						   .record = on_record,
						   .limits = limits };
	struct inspector *inspector;
	assert_int_equal(inspector_new(&options, &inspector), 0);
	assert_int_equal(inspector_set_profiles(inspector, &profiles, NULL, NULL), 0);
	return inspector;
}

static void add(const struct say *say)
{
	struct m_end *end = &net.ends[say->server];
	memcpy(streams[say->server] + end->n_out, say->text, strlen(say->text));
	end->n_out += (uint32_t)strlen(say->text);
	gates[say->server][n_gates[say->server]].lines = say->lines;
	gates[say->server][n_gates[say->server]++].to = end->n_out;
}

static uint32_t lines_of(const struct m_end *end)
{
	uint32_t lines = 0;
	for (uint32_t i = 0; i < end->in_next; i++)
		lines += end->in[i] == '\n';
	return lines;
}

static void begin(uint64_t seed)
{
	the_seed = seed;
	m_random_state = seed * 2654435761U + 1;
	memset(&net, 0, sizeof(net));
	n_gates[0] = n_gates[1] = n_records = 0;
	net.v6 = m_chance(50);
	if (m_chance(70))
		net.config = (struct m_way_config){ m_random(15), m_random(10), m_random(40) };
	net.inspector = make_inspector(100);
	bool stamps = m_chance(70), sacks = m_chance(70);
	for (unsigned side = 0; side < 2; side++) {
		m_end_init(&net.ends[side], side, streams[side], 0);
		net.ends[side].stamps = stamps;
		net.ends[side].sacks = sacks;
		net.ends[side].gso = m_chance(40);
		net.ends[side].nagle = m_chance(30);
	}
	for (size_t i = 0; i < sizeof(opening) / sizeof(opening[0]); i++)
		add(&opening[i]);
	net.ends[0].state = M_SYN_SENT;
	net.ends[0].timer = 40;
}

static void tick(void)
{
	net.now++;
	for (unsigned i = 0; i < net.n;) {
		struct flight *flight = net.way[i].flight;
		bool to_server = net.way[i].to_server, judged = net.way[i].judged;
		if (net.way[i].at > net.now) {
			i++;
			continue;
		}
		net.way[i] = net.way[--net.n];
		if (judged) {
			m_receive(&net, &net.ends[to_server], flight);
			m_flight_free(flight);
		} else {
			inspector_packet(net.inspector, flight, 1000000000 + net.now * 1000);
			arrived(flight, to_server);
		}
	}
	for (unsigned side = 0; side < 2; side++) {
		struct m_end *end = &net.ends[side];
		uint32_t lines = lines_of(end);
		end->written = 0;
		for (unsigned i = 0; i < n_gates[side] && gates[side][i].lines <= lines; i++)
			end->written = gates[side][i].to;
		m_tick_end(&net, end);
		if (end->fault)
			fail_msg("seed %lu: the %s got %s", (unsigned long)the_seed,
				 side ? "server" : "client", end->fault);
	}
	if (net.now % 500 == 0)
		inspector_tick(net.inspector, 1000000000 + net.now * 1000);
}

static bool is_over(const struct m_end *end)
{
	return end->was_reset || (end->fin_in && end->una == end->n_out + 1);
}

static void run(bool server_too)
{
	m_send(&net, &net.ends[0], M_SYN, 0, 0);
	for (unsigned i = 0; i < TICKS_MAX; i++) {
		tick();
		if (is_over(&net.ends[0]) && (!server_too || is_over(&net.ends[1])))
			return;
	}
	fail_msg("seed %lu: it does not end: the client got \"%.*s\", the server \"%.*s\"",
		 (unsigned long)the_seed, (int)net.ends[0].in_next, net.ends[0].in,
		 (int)net.ends[1].in_next, net.ends[1].in);
}

static void finish(void)
{
	for (unsigned i = 0; i < net.n; i++)
		m_flight_free(net.way[i].flight);
	net.n = 0;
	inspector_free(net.inspector);
	for (unsigned i = 0; i < net.n; i++)
		m_flight_free(net.way[i].flight);
	m_end_done(&net.ends[0]);
	m_end_done(&net.ends[1]);
}

static const char *message(uint32_t size)
{
	static char text[20000];
	uint32_t n = 0;
	while (n + 72 <= size) {
		memset(text + n, 'x', 70);
		memcpy(text + n + 70, "\r\n", 3);
		n += 72;
	}
	strcpy(text + n, ".\r\n");
	return text;
}

static void has(unsigned side, const char *text)
{
	const struct m_end *end = &net.ends[side];
	if (!memmem(end->in, end->in_next, text, strlen(text)))
		fail_msg("seed %lu: the %s did not get \"%s\"", (unsigned long)the_seed,
			 side ? "server" : "client", text);
}

static void has_not(unsigned side, const char *text)
{
	const struct m_end *end = &net.ends[side];
	if (memmem(end->in, end->in_next, text, strlen(text)))
		fail_msg("seed %lu: the %s got \"%s\"", (unsigned long)the_seed,
			 side ? "server" : "client", text);
}

static void each_seed(void (*one)(uint64_t seed))
{
	if (getenv("SEED")) {
		one(strtoul(getenv("SEED"), NULL, 0));
		return;
	}
	for (uint64_t i = 1; i <= RUNS; i++)
		one(i);
}

static void one_mail(uint64_t seed)
{
	begin(seed);
	add(&(struct say){ false, 10, message(MESSAGE) });
	add(&(struct say){ true, 7 + MESSAGE / 72, "250 2.0.0 Ok: queued\r\n" });
	add(&(struct say){ false, 11, "QUIT\r\n" });
	add(&(struct say){ true, 8 + MESSAGE / 72, "221 2.0.0 Bye\r\n" });
	net.ends[0].closing = net.ends[1].closing = true;
	run(true);
	assert_false(net.ends[0].was_reset || net.ends[1].was_reset);
	has(0, "250-SIZE ");
	has_not(0, "20480000");
	has_not(0, "CHUNKING");
	has(0, "250 2.1.5 Ok\r\n550 5.7.1");
	has(0, "221 2.0.0 Bye\r\n");
	has_not(1, "third.example");
	has(1, message(MESSAGE));
	finish();
	assert_int_equal(n_records, 1);
}

static void mails(void **state)
{
	(void)state;
	each_seed(one_mail);
}

static void one_too_large(uint64_t seed)
{
	begin(seed);
	add(&(struct say){ false, 10, message(SIZE_MAX_ * 2) });
	net.ends[0].closing = true;
	net.ends[1].closing = false;
	run(false);
	assert_false(net.ends[0].was_reset);
	has(0, "552 5.3.4");
	has_not(1, "\r\n.\r\n");
	finish();
	assert_int_equal(n_records, 1);
}

static void too_large(void **state)
{
	(void)state;
	each_seed(one_too_large);
}

// A client that has a session already is told so; its server never takes this one up.
static void one_too_many(uint64_t seed)
{
	const struct profile same = { .guard = "mail", .limits.sessions = 1 };
	static const char *const clients[] = { "10.20.0.9", "fd00:20::9" };
	uint32_t slot;
	assert_int_equal(source_limits_new(64, seed, &limits), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct addr client;
		assert_int_equal(addr_parse(clients[i], &client), 0);
		assert_int_equal(source_limits_enter(limits, &client, &same, 1000000000, &slot),
				 SOURCE_TAKEN);
	}
	begin(seed);
	net.ends[0].n_out = net.ends[0].written = n_gates[0] = 0; // it waits for the greeting
	net.ends[0].closing = true;
	net.ends[1].closing = false;
	run(false);
	assert_false(net.ends[0].was_reset);
	has(0, "421 4.7.0");
	has_not(0, "220 ");
	assert_int_not_equal(net.ends[1].state, M_OPEN);
	finish();
	assert_int_equal(n_records, 1);
	source_limits_free(limits);
	limits = NULL;
}

static void too_many(void **state)
{
	(void)state;
	each_seed(one_too_many);
}

// One packet of a connection from another port each.
static void idle_packet(struct inspector *inspector, uint32_t which, struct m_segment segment)
{
	segment.seq += segment.from_server ? 5001 : 1001;
	segment.ack += segment.from_server ? 1001 : 5001;
	segment.window = 65535;
	if (segment.payload)
		segment.size = (uint32_t)strlen((const char *)segment.payload);
	struct flight *flight = m_flight(&segment);
	m_put(flight->bytes + (segment.from_server ? 18 : 14), which >> 8, 2);
	flight->bytes[segment.from_server ? 22 : 20] = (uint8_t)which;
	flight->sums_checked = true;
	inspector_packet(inspector, flight, 1000000000);
	assert_int_not_equal(flight->fate, FLIGHT_DROP);
	if (flight->fate != FLIGHT_HOLD)
		m_flight_free(flight);
}

static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

// Connections that said hello and wait, as the heap sees them.
static void idle_memory(void **state)
{
	static const uint8_t hello[] = "EHLO client.example\r\n", banner[] = "220 mail ESMTP\r\n";
	static const uint8_t answer[] = "250-mail\r\n250 SIZE 20480000\r\n";
	const int32_t b = sizeof(banner) - 1, h = sizeof(hello) - 1, a = sizeof(answer) - 1;
	struct inspector *inspector = make_inspector(IDLE + 1);
	size_t before = heap();

	(void)state;
	for (uint32_t i = 0; i < IDLE; i++) {
		const struct m_segment talk[] = {
			{ .seq = -1U, .flags = M_SYN },
			{ .from_server = true, .seq = -1U, .flags = M_SYN | M_ACK },
			{ .flags = M_ACK },
			{ .from_server = true, .flags = M_ACK, .payload = banner },
			{ .flags = M_ACK, .ack = b, .payload = hello },
			{ .from_server = true,
			  .seq = b,
			  .ack = h,
			  .flags = M_ACK,
			  .payload = answer },
			{ .seq = h, .ack = b + a, .flags = M_ACK },
		};
		for (size_t j = 0; j < sizeof(talk) / sizeof(talk[0]); j++)
			idle_packet(inspector, i, talk[j]);
	}
	for (unsigned i = 1; i <= 3; i++)
		inspector_tick(inspector, 1000000000 + i * 1000000);
	size_t each = (heap() - before) / IDLE;
	print_message("%zu bytes a connection\n", each);
	assert_true(each <= 4096);
	inspector_free(inspector);
}

// Half a line of AUTH, which may be long: what it takes is counted, so that the bound of memory
// holds.
static void half_lines(void **state)
{
	static uint8_t half[12001]; // ends like a string
	static const uint8_t banner[] = "220 mail ESMTP\r\n";
	const int32_t b = sizeof(banner) - 1;
	struct inspector *inspector = make_inspector(1000);
	struct inspector_numbers numbers;
	size_t before = heap();

	(void)state;
	memset(half, 'A', sizeof(half) - 1);
	memcpy(half, "AUTH PLAIN ", 11);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct m_segment talk[] = {
			{ .seq = -1U, .flags = M_SYN },
			{ .from_server = true, .seq = -1U, .flags = M_SYN | M_ACK },
			{ .flags = M_ACK },
			{ .from_server = true, .flags = M_ACK, .payload = banner },
		};
		for (size_t j = 0; j < sizeof(talk) / sizeof(talk[0]); j++)
			idle_packet(inspector, i, talk[j]);
		idle_packet(inspector, i,
			    (struct m_segment){ .ack = b, .flags = M_ACK, .payload = half });
	}
	inspector_numbers(inspector, &numbers);
	print_message("%zu bytes, counted as %zu\n", (heap() - before) / 1000,
		      (size_t)numbers.bytes / 1000);
	assert_true(numbers.bytes > 24 * 1000 * 1000);
	inspector_free(inspector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mails),      cmocka_unit_test(too_large),
		cmocka_unit_test(too_many),   cmocka_unit_test(idle_memory),
		cmocka_unit_test(half_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
