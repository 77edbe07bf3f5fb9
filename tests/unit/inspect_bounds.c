// What an inspector holds, and for how long: half-open connections, idle ones, packets, bytes.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_model.h"
#include "stream_script.h"

enum { CLIENT_FIRST = 1001, SERVER_FIRST = 5001, MINUTE = 60 };

static struct inspector *inspector;
static uint64_t now_us;
static unsigned n_retired;
static const struct profiles *retired;

static void on_decided(void *arg, struct flight *flight)
{
	(void)arg;
	m_flight_free(flight);
}

static void on_retired(void *arg, const struct profiles *profiles)
{
	(void)arg;
	n_retired++;
	retired = profiles;
}

static void begin(uint32_t connections, uint64_t memory, uint32_t held)
{
	const struct inspector_options options = { .connections_max = connections,
						   .memory_max = memory,
						   .held_max = held,
						   .decided = on_decided };
	memset(&script, 0, sizeof(script));
	now_us = 1000000;
	assert_int_equal(inspector_new_with(&options, &script_kind, &inspector), 0);
	assert_int_equal(inspector_set_profiles(inspector, &script_profiles, NULL, NULL), 0);
}

static struct inspector_numbers numbers(void)
{
	struct inspector_numbers ret;
	inspector_numbers(inspector, &ret);
	return ret;
}

// What the packet before became, as far as tests look.
static struct {
	uint32_t seq, ack, size;
	uint8_t payload[8];
} last;

static void look(const struct flight *flight)
{
	struct m_view view;
	if (m_view(flight, &view))
		return;
	last.seq = view.seq;
	last.ack = view.ack;
	last.size = view.size;
	memcpy(last.payload, view.payload,
	       view.size < sizeof(last.payload) ? view.size : sizeof(last.payload));
}

static uint32_t mark = 1; // of packets

// One packet of connection `which`.
static enum flight_fate packet(uint32_t which, bool from_server, uint8_t flags, int32_t seq,
			       int32_t ack, const char *bytes, uint32_t size)
{
	uint8_t data[65000];
	struct m_segment segment = {
		.from_server = from_server,
		.seq = (from_server ? SERVER_FIRST : CLIENT_FIRST) + (uint32_t)seq,
		.ack = (from_server ? CLIENT_FIRST : SERVER_FIRST) + (uint32_t)ack,
		.flags = flags,
		.window = 65535,
		.payload = data,
		.size = size
	};
	for (uint32_t i = 0; i < size; i++)
		data[i] = (uint8_t)bytes[i % strlen(bytes)];
	struct flight *flight = m_flight(&segment);
	m_put(flight->bytes + (from_server ? 18 : 14), which >> 8, 2); // the client's address
	flight->bytes[from_server ? 22 : 20] = (uint8_t)which;	       // and port
	flight->sums_checked = true;
	flight->mark = mark;
	inspector_packet(inspector, flight, now_us);
	enum flight_fate fate = flight->fate;
	if (fate != FLIGHT_HOLD) {
		look(flight);
		m_flight_free(flight);
	}
	return fate;
}

static void open_connection(uint32_t which)
{
	assert_int_equal(packet(which, false, M_SYN, -1, 0, NULL, 0), FLIGHT_ACCEPT);
	assert_int_equal(packet(which, true, M_SYN | M_ACK, -1, 0, NULL, 0), FLIGHT_ACCEPT);
	assert_int_equal(packet(which, false, M_ACK, 0, 0, NULL, 0), FLIGHT_ACCEPT);
}

static void wait_seconds(unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		now_us += 1000000;
		inspector_tick(inspector, now_us);
	}
}

// Half-open ones make room for one another; those that are open stay, and new ones come through.
static void flood(void **state)
{
	(void)state;
	begin(1000, 64 << 20, 100);
	for (uint32_t i = 0; i < 100; i++)
		open_connection(i);
	for (uint32_t i = 0; i < 20000; i++)
		packet(1000 + i, false, M_SYN, -1, 0, NULL, 0);
	assert_int_equal(numbers().connections, 350);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(packet(i, false, M_ACK, 0, 0, "pab\n", 4), FLIGHT_ACCEPT);
	assert_int_equal(numbers().by_trouble[TROUBLE_STRAY], 0);
	open_connection(500);
	wait_seconds(25);
	assert_int_equal(numbers().connections, 101);
	inspector_free(inspector);
}

static void full(void **state)
{
	(void)state;
	begin(200, 64 << 20, 100);
	for (uint32_t i = 0; i < 200; i++)
		open_connection(i);
	assert_int_equal(packet(200, false, M_SYN, -1, 0, NULL, 0), FLIGHT_DROP);
	assert_int_equal(numbers().connections_refused, 1);
	assert_int_equal(numbers().connections, 200);
	// One that is reset makes room at once.
	packet(7, false, M_RST, 0, 0, NULL, 0);
	open_connection(200);
	assert_int_equal(packet(201, false, M_SYN, -1, 0, NULL, 0), FLIGHT_DROP);
	// So does, after half a minute, the one that said nothing for longest.
	wait_seconds(31);
	packet(0, false, M_ACK, 0, 0, "pab\n", 4);
	open_connection(201);
	assert_int_equal(packet(0, false, M_ACK, 4, 0, "pab\n", 4), FLIGHT_ACCEPT);
	assert_int_equal(numbers().by_trouble[TROUBLE_STRAY], 0);
	packet(1, false, M_ACK, 0, 0, "pab\n", 4);
	assert_int_equal(numbers().by_trouble[TROUBLE_STRAY], 1);
	assert_int_equal(numbers().connections, 200);
	inspector_free(inspector);
}

// Connections that are over keep nobody out, however fast they come.
static void churn(void **state)
{
	(void)state;
	begin(200, 64 << 20, 100);
	open_connection(0);
	for (uint32_t i = 1; i < 5000; i++) {
		open_connection(i);
		packet(i, i & 1, M_RST, 0, 0, NULL, 0);
	}
	for (uint32_t i = 5000; i < 9000; i++) { // a server that takes nobody
		packet(i, false, M_SYN, -1, 0, NULL, 0);
		packet(i, true, M_RST | M_ACK, 0, 0, NULL, 0);
	}
	assert_int_equal(numbers().connections_refused, 0);
	assert_int_equal(packet(0, false, M_ACK, 0, 0, "pab\n", 4), FLIGHT_ACCEPT);
	inspector_free(inspector);
}

// What an idle connection costs, its engine apart.
static void idle_memory(void **state)
{
	enum { MANY = 50000 };
	(void)state;
	begin(60000, 1 << 30, 100);
	for (uint32_t i = 0; i < MANY; i++) {
		open_connection(i);
		packet(i, false, M_ACK, 0, 0, "pab\n", 400);
		packet(i, true, M_ACK, 0, 400, "pxy\n", 400);
		packet(i, false, M_ACK, 400, 400, NULL, 0);
	}
	assert_int_equal(numbers().connections, MANY);
	wait_seconds(3);
	uint64_t each = numbers().bytes / MANY - sizeof(struct engine);
	print_message("%lu bytes\n", (unsigned long)each);
	assert_true(each <= 700);
	inspector_free(inspector);
	assert_int_equal(script.made, MANY);
	assert_int_equal(script.freed, MANY);
}

static void idle_time(void **state)
{
	(void)state;
	begin(100, 64 << 20, 100);
	open_connection(1);
	wait_seconds(59 * MINUTE);
	packet(1, false, M_ACK, 0, 0, NULL, 0);
	wait_seconds(59 * MINUTE);
	assert_int_equal(numbers().connections, 1);
	now_us += 100ULL * 3600 * 1000000; // somebody sets the clock
	wait_seconds(1);
	assert_int_equal(numbers().connections, 1);
	wait_seconds(2 * MINUTE);
	assert_int_equal(numbers().connections, 0);
	assert_int_equal(script.freed, 1);
	inspector_free(inspector);
}

// What there is to record of a connection is told when both have said all, or one is gone.
static void ends_at_once(void **state)
{
	(void)state;
	begin(100, 64 << 20, 100);
	open_connection(1);
	assert_int_equal(packet(1, false, M_FIN | M_ACK, 0, 0, NULL, 0), FLIGHT_ACCEPT);
	assert_int_equal(script.freed, 0);
	assert_int_equal(packet(1, true, M_FIN | M_ACK, 0, 1, NULL, 0), FLIGHT_ACCEPT);
	assert_int_equal(script.freed, 1);
	assert_int_equal(numbers().ended, 1);
	// What gets lost now is repeated all the same.
	assert_int_equal(packet(1, true, M_FIN | M_ACK, 0, 1, NULL, 0), FLIGHT_ACCEPT);
	assert_int_equal(packet(1, false, M_ACK, 1, 1, NULL, 0), FLIGHT_ACCEPT);
	open_connection(2);
	assert_int_equal(packet(2, false, M_RST, 0, 0, NULL, 0), FLIGHT_ACCEPT);
	assert_int_equal(script.freed, 2);
	wait_seconds(MINUTE + 2);
	assert_int_equal(numbers().connections, 0);
	assert_int_equal(script.freed, 2);
	inspector_free(inspector);
}

// Packets behind a gap, until so many are held; a few ask.
static void fill(uint32_t which, uint64_t n)
{
	uint64_t before = numbers().held;
	for (int32_t i = 0; numbers().held < before + n; i++)
		packet(which, false, M_ACK, 10 + 2 * i, 0, "p", 2);
	assert_int_equal(numbers().by_trouble[TROUBLE_FULL], which - 1);
}

// One more asks as well.
static void full_of(uint32_t which)
{
	assert_int_equal(packet(which, false, M_ACK, 9000, 0, "p", 2), FLIGHT_ACCEPT);
	assert_int_equal(last.seq, CLIENT_FIRST - 1);
	assert_int_equal(last.size, 1);
	assert_int_equal(last.payload[0], 0);
}

static void held_packets(void **state)
{
	(void)state;
	begin(100, 64 << 20, STREAM_HELD_MAX + 12);
	open_connection(1);
	open_connection(2);
	fill(1, STREAM_HELD_MAX);
	full_of(1); // one way
	fill(2, 12);
	full_of(2); // all
	assert_int_equal(numbers().by_trouble[TROUBLE_FULL], 2);
	wait_seconds(STREAM_GAP_SECONDS + 2);
	assert_int_equal(packet(2, false, M_ACK, 900, 0, "p", 2), FLIGHT_HOLD);
	// For the engine they wait longer, and then the connection is over.
	assert_int_equal(packet(1, false, M_ACK, 0, 0, "pab", 3), FLIGHT_HOLD);
	wait_seconds(STREAM_HELD_SECONDS - 2);
	assert_int_equal(script.freed, 0);
	wait_seconds(4);
	assert_int_equal(script.freed, 1);
	inspector_free(inspector);
}

// Others' packets take all the room: half a line is acknowledged, and goes with the other half.
static void no_room(void **state)
{
	(void)state;
	begin(100, 64 << 20, STREAM_HELD_MAX);
	open_connection(1);
	open_connection(2);
	fill(1, STREAM_HELD_MAX);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(packet(2, false, M_ACK, 0, 0, "pa", 2), FLIGHT_ACCEPT);
		assert_memory_equal(last.payload, "\0\0", 2);
		assert_int_equal(last.seq, CLIENT_FIRST - 2);
	}
	assert_int_equal(packet(2, true, M_ACK, 0, 0, NULL, 0), FLIGHT_ACCEPT);
	assert_int_equal(last.ack, CLIENT_FIRST + 2);
	assert_int_equal(packet(2, false, M_ACK, 2, 0, "b\n", 2), FLIGHT_ACCEPT);
	assert_int_equal(last.size, 4);
	assert_memory_equal(last.payload, "pab\n", 4);
	inspector_free(inspector);
}

// Bytes that nobody acknowledges stop at the bound of the window, and of all memory.
static void bytes_kept(void **state)
{
	(void)state;
	begin(100, 64 << 20, 100);
	open_connection(1);
	int32_t at = 0;
	while (packet(1, false, M_ACK, at, 0, "pab\n", 4000) == FLIGHT_ACCEPT)
		at += 4000;
	assert_int_equal(at, 64000); // what the server said that it takes
	assert_true(numbers().bytes < 200000);
	inspector_free(inspector);

	begin(100, 100000, 100);
	for (uint32_t i = 0; i < 20; i++)
		open_connection(i);
	unsigned dropped = 0;
	for (uint32_t i = 0; i < 20; i++)
		dropped += packet(i, false, M_ACK, 0, 0, "pab\n", 40000) == FLIGHT_DROP;
	assert_in_range(dropped, 15, 19);
	assert_true(numbers().bytes < 250000);
	// One that was silent for half a minute makes room for one that is not.
	wait_seconds(31);
	packet(19, false, M_ACK, 0, 0, NULL, 0);
	packet(0, true, M_ACK, 0, 40000, NULL, 0);
	assert_int_equal(packet(19, false, M_ACK, 0, 0, "pab\n", 40000), FLIGHT_ACCEPT);
	assert_true(numbers().connections < 20);
	inspector_free(inspector);

	begin(100, 100000, 100);
	for (uint32_t i = 0; i < 20; i++)
		open_connection(i);
	for (uint32_t i = 0; i < 20; i++)
		packet(i, false, M_ACK, 0, 0, "pab\n", 40000);
	// Those that were acknowledged make room.
	for (uint32_t i = 0; i < 20; i++)
		packet(i, true, M_ACK, 0, 40000, NULL, 0);
	wait_seconds(3);
	assert_int_equal(packet(19, false, M_ACK, 0, 0, "pab\n", 40000), FLIGHT_ACCEPT);
	inspector_free(inspector);
}

static void profiles(void **state)
{
	static const struct profile_flow flow = { .mark = 1, .id = "other" };
	static const struct profile_flow stamped = { .mark = 1 | 0x4000, .id = "other" };
	static const struct profiles first = { &flow, 1 }, second = { &flow, 1 },
				     elsewhere = { &stamped, 1 }, none = { NULL, 0 };
	(void)state;
	n_retired = 0;
	begin(100, 64 << 20, 100);
	inspector_set_profiles(inspector, &first, on_retired, NULL);
	open_connection(1);
	inspector_set_profiles(inspector, &second, on_retired, NULL);
	assert_int_equal(n_retired, 0); // still used by the connection
	open_connection(2);
	packet(1, false, M_RST, 0, 0, NULL, 0);
	wait_seconds(MINUTE + 2);
	assert_int_equal(n_retired, 1);
	assert_ptr_equal(retired, &first);
	inspector_set_profiles(inspector, &elsewhere, on_retired, NULL);
	assert_int_equal(packet(3, false, M_SYN, -1, 0, NULL, 0), FLIGHT_ACCEPT);
	// The packet's mark is of a policy in which the number was another's.
	mark = 1 | 0x5000;
	assert_int_equal(packet(4, false, M_SYN, -1, 0, NULL, 0), FLIGHT_DROP);
	mark = 1 | 0x4000;
	assert_int_equal(packet(4, false, M_SYN, -1, 0, NULL, 0), FLIGHT_ACCEPT);
	mark = 1;
	inspector_set_profiles(inspector, &none, on_retired, NULL);
	assert_int_equal(packet(5, false, M_SYN, -1, 0, NULL, 0), FLIGHT_DROP);
	assert_int_equal(packet(2, false, M_ACK, 0, 0, "pab\n", 4), FLIGHT_ACCEPT);
	inspector_free(inspector);
	assert_int_equal(n_retired, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flood),	cmocka_unit_test(full),
		cmocka_unit_test(churn),	cmocka_unit_test(idle_memory),
		cmocka_unit_test(idle_time),	cmocka_unit_test(ends_at_once),
		cmocka_unit_test(held_packets), cmocka_unit_test(bytes_kept),
		cmocka_unit_test(no_room),	cmocka_unit_test(profiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
