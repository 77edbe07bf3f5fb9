// One row for each way around an inspection, with what becomes of each packet.  Every row is tried
// with IPv4 and IPv6, and with sequence numbers that wrap in its middle.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_model.h"
#include "stream_script.h"

enum { C, S }; // who sends
enum special {
	PLAIN,
	BAD_SUM,
	BAD_SUM_NOT_READY, // but nobody has filled it in yet
	BAD_SUM_CHECKED,
	NO_STAMP,
	OLD_STAMP,
	SYN_OPTIONS,
	FAST_OPEN,
	MULTIPATH,
	SIGNATURE,
	OTHER_ISN,
	ZERO_WINDOW,
	HUGE_WINDOW,
};

enum what {
	NEVER, // no more steps
	SAME,  // goes on as it came
	OTHER, // goes on with the bytes of `out`
	ASKED, // goes on as an old segment of zeros
	RESET, // goes on as a reset
	HELD,
	GONE,
};

struct step {
	int side;
	uint8_t flags;
	int32_t seq, ack; // offsets
	const char *bytes;
	enum what what;
	int trouble; // -1: none
	enum special special;
	const char *out;
};

#define STEP(side_, flags_, seq_, ack_, bytes_, what_, trouble_, ...)                              \
	{                                                                                          \
		.side = side_, .flags = flags_, .seq = seq_, .ack = ack_, .bytes = bytes_,         \
		.what = what_, .trouble = trouble_, ##__VA_ARGS__                                  \
	}
#define NONE -1
#define SYN_ (M_SYN)
#define SA   (M_SYN | M_ACK)
#define A    (M_ACK)
#define FA   (M_FIN | M_ACK)
#define R    (M_RST)

static const struct {
	const char *name;
	bool alone; // without the handshake before it
	struct step steps[8];
} rows[] = {
	{ "bytes pass",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE), STEP(S, A, 0, 4, "pxy\n", SAME, NONE) } },
	{ "repeated as they were",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE), STEP(C, A, 0, 0, "pab\n", SAME, NONE) } },
	{ "repeated otherwise",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE),
	    STEP(C, A, 0, 0, "pxx\n", GONE, TROUBLE_OVERLAP) } },
	{ "repeated otherwise, with new bytes behind",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE),
	    STEP(C, A, 2, 0, "x\npcd\n", GONE, TROUBLE_OVERLAP),
	    STEP(C, A, 2, 0, "b\npcd\n", SAME, NONE) } },
	{ "repeated otherwise while it is held",
	  false,
	  { STEP(C, A, 0, 0, "pab", HELD, NONE), STEP(C, A, 0, 0, "pxx", GONE, TROUBLE_OVERLAP),
	    STEP(C, A, 0, 0, "pab", ASKED, NONE) } },
	{ "other bytes behind a gap, sent first",
	  false,
	  { STEP(C, A, 4, 0, "pcd\n", HELD, NONE), STEP(C, A, 4, 0, "xxxx", ASKED, NONE),
	    STEP(C, A, 0, 0, "pab\n", SAME, NONE),
	    STEP(C, A, 4, 0, "xxxx", GONE, TROUBLE_OVERLAP) } },
	{ "overlapping what is behind a gap",
	  false,
	  { STEP(C, A, 2, 0, "b\npcd\n", HELD, NONE),
	    STEP(C, A, 0, 0, "paxx", HELD, TROUBLE_OVERLAP), // what was behind it is dropped
	    STEP(C, A, 2, 0, "b\npcd\n", GONE, TROUBLE_OVERLAP) } },
	{ "acknowledged bytes repeated otherwise",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE), STEP(S, A, 0, 4, NULL, SAME, NONE),
	    STEP(C, A, 0, 0, "evil", ASKED, NONE) } },
	{ "acknowledged and new bytes in one segment",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE), STEP(S, A, 0, 4, NULL, SAME, NONE),
	    STEP(C, A, 0, 0, "evilpcd\n", OTHER, NONE, .special = PLAIN,
		 .out = "\0\0\0\0pcd\n") } },
	{ "an edit repeated",
	  false,
	  { STEP(C, A, 0, 0, "oab\n", OTHER, NONE, .special = PLAIN, .out = "OAB\n"),
	    STEP(C, A, 0, 0, "oab\n", OTHER, NONE, .special = PLAIN, .out = "OAB\n"),
	    STEP(C, A, 1, 0, "ab\n", OTHER, NONE, .special = PLAIN, .out = "AB\n") } },
	{ "beyond the window", false, { STEP(C, A, 70000000, 0, "p\n", GONE, TROUBLE_SEQUENCE) } },
	{ "across the window's edge",
	  false,
	  { STEP(S, A, 0, 0, NULL, SAME, NONE, .special = ZERO_WINDOW),
	    STEP(C, A, 65000, 0, "far behind, but in the window of the handshake", HELD, NONE),
	    STEP(C, A, 65530, 0, "across its edge", GONE, TROUBLE_SEQUENCE) } },
	{ "long past", false, { STEP(C, A, -20000000, 0, "p\n", GONE, TROUBLE_SEQUENCE) } },
	{ "a wrong sum",
	  false,
	  { STEP(C, A, 0, 0, "p\n", GONE, TROUBLE_SUM, .special = BAD_SUM) } },
	{ "a sum that nobody filled in",
	  false,
	  { STEP(C, A, 0, 0, "p\n", SAME, NONE, .special = BAD_SUM_NOT_READY) } },
	{ "a sum that the card found right",
	  false,
	  { STEP(C, A, 0, 0, "p\n", SAME, NONE, .special = BAD_SUM_CHECKED) } },
	{ "no flags", false, { STEP(C, 0, 0, 0, "p\n", GONE, TROUBLE_FLAGS) } },
	{ "SYN and FIN", true, { STEP(C, M_SYN | M_FIN, -1, 0, NULL, GONE, TROUBLE_FLAGS) } },
	{ "SYN and RST", true, { STEP(C, M_SYN | M_RST, -1, 0, NULL, GONE, TROUBLE_FLAGS) } },
	{ "FIN without ACK", false, { STEP(C, M_FIN, 0, 0, NULL, GONE, TROUBLE_FLAGS) } },
	{ "FIN and RST",
	  false,
	  { STEP(C, M_FIN | M_RST | M_ACK, 0, 0, NULL, GONE, TROUBLE_FLAGS) } },
	{ "all flags", false, { STEP(C, 0x3f, 0, 0, "p\n", GONE, TROUBLE_FLAGS) } },
	{ "urgent", false, { STEP(C, M_URG | M_ACK, 0, 0, "p\n", GONE, TROUBLE_URGENT) } },
	{ "data in SYN", true, { STEP(C, SYN_, -1, 0, "p\n", GONE, TROUBLE_HANDSHAKE) } },
	{ "TCP Fast Open loses its option",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, OTHER, NONE, .special = FAST_OPEN, .out = ""),
	    STEP(C, SYN_, -1, 0, "p\n", GONE, TROUBLE_HANDSHAKE, .special = FAST_OPEN) } },
	{ "Multipath TCP loses its option",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, OTHER, NONE, .special = MULTIPATH, .out = "") } },
	{ "signed segments",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, GONE, TROUBLE_HANDSHAKE, .special = SIGNATURE) } },
	{ "a split handshake: an acknowledgement alone",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, A, 0, 0, NULL, GONE, TROUBLE_HANDSHAKE),
	    STEP(S, SYN_, -1, 0, NULL, GONE, TROUBLE_HANDSHAKE) } },
	{ "both begin",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, SYN_, -1, 0, NULL, GONE, TROUBLE_HANDSHAKE, .special = SYN_OPTIONS) } },
	{ "an answer to another SYN",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, SA, -1, 77, NULL, GONE, TROUBLE_HANDSHAKE, .special = SYN_OPTIONS) } },
	{ "a second, other answer",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, SA, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, SA, 99, 0, NULL, GONE, TROUBLE_HANDSHAKE, .special = SYN_OPTIONS),
	    STEP(S, SA, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS) } },
	{ "data with the answer",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, SA, -1, 0, "p\n", GONE, TROUBLE_HANDSHAKE, .special = SYN_OPTIONS) } },
	{ "data before the answer",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(C, A, 0, 0, "p\n", GONE, TROUBLE_HANDSHAKE) } },
	{ "the server speaks before the handshake's end",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, SA, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, A, 0, 0, "p\n", GONE, TROUBLE_HANDSHAKE),
	    STEP(C, A, 0, 0, "pab\n", SAME, NONE) } },
	{ "an acknowledgement of the wrong answer",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, SA, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(C, A, 0, 5, NULL, GONE, TROUBLE_HANDSHAKE) } },
	{ "refused by the server",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, M_RST | M_ACK, -1, 0, NULL, SAME, NONE) } },
	{ "refused by somebody who does not know the SYN",
	  true,
	  { STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
	    STEP(S, M_RST | M_ACK, -1, 9, NULL, GONE, TROUBLE_HANDSHAKE) } },
	{ "SYN in an open connection",
	  false,
	  { STEP(C, SYN_, 7777, 0, NULL, ASKED, TROUBLE_HANDSHAKE),
	    STEP(C, A, 0, 0, "pab\n", SAME, NONE) } },
	{ "the answer to SYN once more",
	  false,
	  { STEP(S, SA, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS) } },
	{ "without its timestamp",
	  false,
	  { STEP(C, A, 0, 0, "p\n", GONE, TROUBLE_STAMP, .special = NO_STAMP) } },
	{ "with an old timestamp",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE),
	    STEP(C, A, 4, 0, "pcd\n", GONE, TROUBLE_STAMP, .special = OLD_STAMP) } },
	{ "acknowledges what was never sent",
	  false,
	  { STEP(C, A, 0, 5, NULL, GONE, TROUBLE_ACK) } },
	{ "acknowledges what is held",
	  false,
	  { STEP(C, A, 0, 0, "pab", HELD, NONE), STEP(S, A, 0, 3, NULL, GONE, TROUBLE_ACK) } },
	{ "reset where the receiver stands",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE), STEP(C, R, 4, 0, NULL, RESET, NONE) } },
	{ "reset somewhere in the window",
	  false,
	  { STEP(C, R, 9, 0, NULL, ASKED, TROUBLE_RESET), STEP(C, A, 0, 0, "pab\n", SAME, NONE) } },
	{ "reset outside the window",
	  false,
	  { STEP(C, R, 900000, 0, NULL, GONE, TROUBLE_RESET),
	    STEP(S, R, -5, 0, NULL, GONE, TROUBLE_RESET) } },
	{ "FIN injected before bytes that were seen",
	  false,
	  { STEP(C, A, 0, 0, "pab\npcd\n", SAME, NONE),
	    STEP(C, FA, 4, 0, NULL, GONE, TROUBLE_FIN) } },
	{ "bytes behind FIN",
	  false,
	  { STEP(C, FA, 0, 0, "pab\n", SAME, NONE),
	    STEP(C, A, 4, 0, "pcd\n", GONE, TROUBLE_FIN) } },
	{ "another FIN",
	  false,
	  { STEP(C, FA, 0, 0, "pab\n", SAME, NONE), STEP(C, FA, 5, 0, NULL, GONE, TROUBLE_FIN),
	    STEP(C, FA, 4, 0, NULL, SAME, NONE) } },
	{ "FIN while bytes before it are not decided",
	  false,
	  { STEP(C, A, 0, 0, "hab\n", HELD, NONE), STEP(C, A, 4, 0, "p", HELD, NONE) } },
	{ "keep-alive with and without a byte",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE), STEP(S, A, 0, 4, NULL, SAME, NONE),
	    STEP(C, A, 3, 0, NULL, SAME, NONE), STEP(C, A, 3, 0, "?", ASKED, NONE) } },
	{ "a byte beyond a closed window",
	  false,
	  { STEP(C, A, 0, 0, "pab\n", SAME, NONE),
	    STEP(S, A, 0, 4, NULL, SAME, NONE, .special = ZERO_WINDOW),
	    STEP(C, A, 65535, 0, "?", ASKED, NONE) } },
	{ "a window too large for what is kept",
	  false,
	  { STEP(S, A, 0, 0, NULL, OTHER, NONE, .special = HUGE_WINDOW, .out = "") } },
	{ "the engine ends it",
	  false,
	  { STEP(C, A, 0, 0, "xxx\n", RESET, TROUBLE_ENDED), STEP(S, A, 0, 0, NULL, RESET, NONE),
	    STEP(C, A, 0, 0, "xxx\n", ASKED, NONE), STEP(S, R, 0, 0, NULL, RESET, NONE) } },
	{ "of no known connection",
	  true,
	  { STEP(C, A, 0, 0, "p\n", RESET, TROUBLE_STRAY), STEP(S, A, 0, 0, NULL, RESET, NONE) } },
	{ "a reset of no known connection", true, { STEP(C, R, 0, 0, NULL, GONE, TROUBLE_STRAY) } },
};

static struct inspector *inspector;
static bool v6;
static uint32_t firsts[2];
static uint32_t clock_us;
static int told;

static void on_decided(void *arg, struct flight *flight)
{
	(void)arg;
	m_flight_free(flight);
}

static void on_trouble(void *arg, const char *word, const struct engine_peer *peer)
{
	(void)arg, (void)peer;
	for (int i = 0; i < TROUBLES; i++) {
		if (strcmp(word, inspector_trouble_names[i]) == 0)
			told = i;
	}
}

static void put_options(struct m_segment *segment, const struct step *step)
{
	static const uint8_t syn[] = { 2, 4, 5, 180, 3, 3, 7, 1, 4, 2, 1, 1 };
	static const uint8_t fast_open[] = { 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1 };
	static const uint8_t multipath[] = { 30, 12, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t signature[] = { 19, 18, 1, 1, 1, 1, 1, 1, 1, 1,
					     1,	 1,  1, 1, 1, 1, 1, 1, 1, 1 };

	if (step->special == SYN_OPTIONS)
		memcpy(segment->options, syn, segment->n_options = sizeof(syn));
	if (step->special == FAST_OPEN)
		memcpy(segment->options, fast_open, segment->n_options = sizeof(fast_open));
	if (step->special == MULTIPATH)
		memcpy(segment->options, multipath, segment->n_options = sizeof(multipath));
	if (step->special == SIGNATURE) {
		memcpy(segment->options, signature, segment->n_options = sizeof(signature));
		return;
	}
	if (step->special != NO_STAMP && !(step->flags & M_RST))
		m_option_stamp(segment, step->special == OLD_STAMP ? 1 : clock_us / 1000, 7);
}

static struct flight *make(const struct step *step)
{
	struct m_segment segment = { .v6 = v6,
				     .from_server = step->side == S,
				     .seq = firsts[step->side] + (uint32_t)step->seq,
				     .ack = step->flags & M_ACK
						    ? firsts[!step->side] + (uint32_t)step->ack
						    : 0,
				     .flags = step->flags,
				     .window = 511,
				     .payload = (const uint8_t *)step->bytes,
				     .size = step->bytes ? (uint32_t)strlen(step->bytes) : 0 };
	if (step->flags & M_SYN)
		segment.window = 65535;
	if (step->special == ZERO_WINDOW)
		segment.window = 0;
	if (step->special == HUGE_WINDOW)
		segment.window = 65535;
	put_options(&segment, step);
	struct flight *flight = m_flight(&segment);
	if (step->special == BAD_SUM || step->special == BAD_SUM_NOT_READY ||
	    step->special == BAD_SUM_CHECKED)
		flight->bytes[(v6 ? 40 : 20) + 16] ^= 0x55;
	flight->sums_not_ready = step->special == BAD_SUM_NOT_READY;
	flight->sums_checked = step->special == BAD_SUM_CHECKED;
	return flight;
}

static bool all_zero(const struct m_view *view)
{
	for (uint32_t i = 0; i < view->size; i++) {
		if (view->payload[i])
			return false;
	}
	return view->size > 0;
}

// What became of it, as a `what` that it can be; step->what decides between what looks the same.
static bool became(const struct step *step, const struct flight *flight,
		   const struct flight *before)
{
	const char *out = step->out;
	struct m_view view;

	if (step->what == HELD || step->what == GONE)
		return flight->fate == (step->what == HELD ? FLIGHT_HOLD : FLIGHT_DROP);
	if (flight->fate != FLIGHT_ACCEPT)
		return false;
	if (step->what == SAME)
		return flight->size == before->size &&
		       memcmp(flight->bytes, before->bytes, flight->size) == 0 && !flight->changed;
	if (m_view(flight, &view) || !flight->changed)
		return false;
	if (step->what == RESET)
		return view.flags == (M_RST | M_ACK) && !view.size;
	if (step->what == ASKED)
		return view.flags == M_ACK && all_zero(&view);
	// What is written here ends at a NUL only where it does not begin with one.
	size_t n = out[0] || !step->bytes ? strlen(out) : strlen(step->bytes);
	return view.size == n && memcmp(view.payload, out, n) == 0;
}

static void do_step(const char *name, size_t i, const struct step *step)
{
	struct flight *flight = make(step), *before = m_copy(flight);

	clock_us += 1000;
	told = NONE;
	inspector_packet(inspector, flight, 1000000 + clock_us);
	if (!became(step, flight, before))
		fail_msg("%s, IPv%d, from %u: step %zu: fate %d, changed %d, %s", name, v6 ? 6 : 4,
			 firsts[0], i, flight->fate, flight->changed,
			 told < 0 ? "no trouble" : inspector_trouble_names[told]);
	if (told != step->trouble && !(step->trouble == TROUBLE_ENDED && told == NONE))
		fail_msg("%s, IPv%d: step %zu: %s", name, v6 ? 6 : 4, i,
			 told < 0 ? "no trouble" : inspector_trouble_names[told]);
	m_flight_free(before);
	if (flight->fate != FLIGHT_HOLD)
		m_flight_free(flight);
}

static void one_row(size_t row)
{
	static const struct step handshake[] = {
		STEP(C, SYN_, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
		STEP(S, SA, -1, 0, NULL, SAME, NONE, .special = SYN_OPTIONS),
		STEP(C, A, 0, 0, NULL, SAME, NONE),
	};
	const struct inspector_options options = { .connections_max = 100,
						   .memory_max = 64 << 20,
						   .held_max = 1000,
						   .decided = on_decided,
						   .trouble = on_trouble };

	memset(&script, 0, sizeof(script));
	assert_int_equal(inspector_new_with(&options, &script_kind, &inspector), 0);
	assert_int_equal(inspector_set_profiles(inspector, &script_profiles, NULL, NULL), 0);
	for (size_t i = 0; i < 3 && !rows[row].alone; i++)
		do_step(rows[row].name, i, &handshake[i]);
	for (size_t i = 0; i < 8 && rows[row].steps[i].what; i++)
		do_step(rows[row].name, i, &rows[row].steps[i]);
	inspector_free(inspector);
	assert_int_equal(script.made, script.freed);
}

static void attacks(void **state)
{
	static const uint32_t beginnings[][2] = {
		{ 1001, 5001 }, { 0xfffffffe, 3 }, { 2, 0xfffffffd }, { 0x7ffffffe, 0x80000001 }
	};
	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		for (unsigned i = 0; i < 8; i++) {
			v6 = i & 1;
			memcpy(firsts, beginnings[i / 2], sizeof(firsts));
			one_row(row);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(attacks) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
