// What a sender is told of packets behind a gap, and how: step by step.  That it comes of it what
// should is in inspect_stream.c, and with real senders in tests/lab/t_mail_loss.sh.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_model.h"
#include "stream_script.h"

enum { CLIENT_FIRST = 1001, SERVER_FIRST = 5001, LINE = 10 };

static struct inspector *inspector;
static uint64_t now_us;
static bool sacks, stamps;
static struct m_view last; // of the packet before, as it goes on
static unsigned n_decided;

static void on_decided(void *arg, struct flight *flight)
{
	(void)arg;
	n_decided += flight->fate == FLIGHT_ACCEPT;
	m_flight_free(flight);
}

static void put_sacks(struct m_segment *segment, const uint32_t *blocks, unsigned n)
{
	uint8_t *at = segment->options + segment->n_options;

	if (!n)
		return;
	memcpy(at, (const uint8_t[]){ 1, 1, 5, (uint8_t)(2 + 8 * n) }, 4);
	for (unsigned i = 0; i < 2 * n; i++)
		m_put(at + 4 + 4 * i, CLIENT_FIRST + blocks[i], 4);
	segment->n_options += (uint8_t)(4 + 8 * n);
}

static enum flight_fate send_packet(struct m_segment segment)
{
	segment.window = 65535;
	if (stamps)
		m_option_stamp(&segment, now_us / 1000, 0);
	if (segment.flags & M_SYN && sacks) {
		memcpy(segment.options + segment.n_options, (const uint8_t[]){ 4, 2, 1, 1 }, 4);
		segment.n_options += 4;
	}
	struct flight *flight = m_flight(&segment);
	flight->sums_checked = true;
	inspector_packet(inspector, flight, now_us += 1000);
	enum flight_fate fate = flight->fate;
	if (fate == FLIGHT_ACCEPT)
		assert_null(m_view(flight, &last));
	if (fate != FLIGHT_HOLD)
		m_flight_free(flight);
	return fate;
}

// A line of the client at `offset`.
static enum flight_fate client(int32_t offset)
{
	return send_packet((struct m_segment){ .seq = CLIENT_FIRST + (uint32_t)offset,
					       .ack = SERVER_FIRST,
					       .flags = M_ACK,
					       .payload = (const uint8_t *)"pabcdefgh\n",
					       .size = LINE });
}

// The server acknowledges all before `ack`, and says that it has got these blocks, and these bytes.
static void server(int32_t ack, const uint32_t *blocks, unsigned n, const char *bytes)
{
	struct m_segment segment = { .from_server = true,
				     .seq = SERVER_FIRST,
				     .ack = CLIENT_FIRST + (uint32_t)ack,
				     .flags = M_ACK,
				     .payload = (const uint8_t *)bytes,
				     .size = (uint32_t)strlen(bytes) };
	if (stamps)
		m_option_stamp(&segment, now_us / 1000, 0);
	put_sacks(&segment, blocks, n);
	bool was = stamps;
	stamps = false; // it has them
	assert_int_equal(send_packet(segment), FLIGHT_ACCEPT);
	stamps = was;
	assert_int_equal(last.ack, CLIENT_FIRST + (uint32_t)ack);
}

static void asked(int32_t end)
{
	assert_int_equal(last.seq, CLIENT_FIRST + (uint32_t)end - 1);
	assert_int_equal(last.size, 1);
	assert_int_equal(last.flags, M_ACK);
}

// What the client is told, up to -1.
static void told(const int32_t *blocks)
{
	unsigned n = 0;
	for (; blocks[n] >= 0; n++) {
		assert_true(n < last.n_sacks);
		assert_int_equal(last.sacks[n], CLIENT_FIRST + (uint32_t)blocks[n]);
	}
	assert_int_equal(last.n_sacks, n);
}
#define TOLD(...) told((const int32_t[]){ __VA_ARGS__, -1 })

static void begin(bool with_sacks, bool with_stamps)
{
	const struct inspector_options options = { .connections_max = 10,
						   .memory_max = 64 << 20,
						   .held_max = 1000,
						   .decided = on_decided };
	memset(&script, 0, sizeof(script));
	now_us = 1000000;
	sacks = with_sacks;
	stamps = with_stamps;
	assert_int_equal(inspector_new_with(&options, &script_kind, &inspector), 0);
	assert_int_equal(inspector_set_profiles(inspector, &script_profiles, NULL, NULL), 0);
	assert_int_equal(send_packet((struct m_segment){ .seq = CLIENT_FIRST - 1, .flags = M_SYN }),
			 FLIGHT_ACCEPT);
	assert_int_equal(send_packet((struct m_segment){ .from_server = true,
							 .seq = SERVER_FIRST - 1,
							 .ack = CLIENT_FIRST,
							 .flags = M_SYN | M_ACK }),
			 FLIGHT_ACCEPT);
	assert_int_equal(client(0), FLIGHT_ACCEPT);
	server(10, NULL, 0, "");
	assert_int_equal(last.n_sacks, 0);
}

static void tells(void **state)
{
	(void)state;
	begin(true, false);
	assert_int_equal(client(20), FLIGHT_HOLD);
	assert_int_equal(client(30), FLIGHT_ACCEPT);
	asked(10);
	// The answer, and that the server got a byte twice, which is no affair of the client's.
	server(10, (const uint32_t[]){ 9, 10 }, 1, "");
	TOLD(20, 30);
	assert_int_equal(client(20), FLIGHT_ACCEPT); // a copy
	asked(10);
	server(10, NULL, 0, "");
	TOLD(20, 30);
	assert_int_equal(client(50), FLIGHT_HOLD);
	assert_int_equal(client(60), FLIGHT_HOLD);
	assert_int_equal(client(70), FLIGHT_ACCEPT);
	asked(10);
	server(10, (const uint32_t[]){ 9, 10 }, 1, "");
	TOLD(50, 70, 20, 30);
	// A segment with bytes does not grow.
	server(10, NULL, 0, "pxyz\n");
	assert_int_equal(last.n_sacks, 0);
	server(10, (const uint32_t[]){ 9, 10 }, 1, "pxyz\n");
	TOLD(50, 70);
	assert_int_equal(script.fed[ENGINE_CLIENT], 10);
	n_decided = 0;
	assert_int_equal(client(10), FLIGHT_ACCEPT);
	assert_int_equal(n_decided, 1);
	assert_int_equal(script.fed[ENGINE_CLIENT], 30);
	// The server has not yet got what was let go: nothing behind it is told before.
	server(10, NULL, 0, "");
	assert_int_equal(last.n_sacks, 0);
	server(30, NULL, 0, "");
	TOLD(50, 70);
	// None has to ask now, and what the server itself has got is told as well.
	assert_int_equal(client(90), FLIGHT_HOLD);
	assert_int_equal(client(110), FLIGHT_HOLD);
	assert_int_equal(client(30), FLIGHT_ACCEPT);
	server(20, (const uint32_t[]){ 30, 40 }, 1, "");
	TOLD(30, 40);
	inspector_free(inspector);
}

static void does_not_tell(void **state)
{
	(void)state;
	begin(false, false);
	assert_int_equal(client(20), FLIGHT_HOLD);
	for (int32_t i = 3; i < 6; i++) {
		assert_int_equal(client(10 * i), FLIGHT_ACCEPT);
		asked(10);
		server(10, NULL, 0, "");
		assert_int_equal(last.n_sacks, 0);
	}
	assert_int_equal(client(60), FLIGHT_HOLD);
	inspector_free(inspector);
}

// As many blocks as there is room for, the latest first.
static void room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		begin(true, i);
		for (int32_t at = 20; at <= 200; at += 20)
			client(at);
		server(10, NULL, 0, "");
		if (i)
			TOLD(200, 210, 180, 190, 160, 170);
		else
			TOLD(200, 210, 180, 190, 160, 170, 140, 150);
		assert_int_equal(client(30), FLIGHT_HOLD);
		server(10, NULL, 0, "");
		assert_int_equal(last.sacks[0], CLIENT_FIRST + 20);
		assert_int_equal(last.sacks[1], CLIENT_FIRST + 40);
		inspector_free(inspector);
	}
}

// However many come, each is held or asks once, and few of those that could be held ask.
static void costs(void **state)
{
	unsigned n = 0;
	(void)state;
	begin(true, false);
	for (int32_t i = 2; i < 122; i++)
		n += client(10 * i) == FLIGHT_ACCEPT;
	assert_int_equal(n, 5);
	inspector_free(inspector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells),
		cmocka_unit_test(does_not_tell),
		cmocka_unit_test(room),
		cmocka_unit_test(costs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
