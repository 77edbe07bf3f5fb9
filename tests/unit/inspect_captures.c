// Sessions of real clients with real servers (captures/*.smtp, made by captures/record), played
// through the gate: to the engine, between two sockets, and as packets between two small TCPs.
// However their segments are cut or put together, the same bytes come out at both ends, the same is
// recorded, and what was sent is what arrives, but for what is taken out of answers to EHLO.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/inspector.h"
#include "pipe_bed.h"
#include "smtp_bed.h"
#include "smtp_profile.h"
#include "stream_model.h"

enum {
	TICKS_MAX = 200000,
	PIECE = 50, // bytes between two cuts of a segment
	SIZE_CAP = 100000,
};

enum outcome {
	HONEST,	   // all goes on
	RELEASED,  // let go unread after STARTTLS
	ENDED,	   // by the gate, or when nobody is left to answer
	OVERRULED, // a command is answered by the gate
};

static const struct capture {
	const char *name;
	enum outcome outcome;
	const char *records;
} captures[] = {
#include "captures.def"
};

// --- what is played

// Which bytes of a side are one segment, and what the other side had said before it was sent.
struct segment {
	uint32_t from, to;
	uint32_t heard; // lines of the other side
	bool fin, heard_fin;
};

static struct bed_script script;
static struct bed_bytes said[2]; // as captured
static uint32_t lines_said[2];
static struct segment segments[2][BED_STEPS_MAX];
static size_t n_segments[2];
static uint32_t largest; // segment
static bool fins[2];

static uint8_t hex(const char *digits)
{
	unsigned value = 0;
	assert_int_equal(sscanf(digits, "%2x", &value), 1);
	return (uint8_t)value;
}

// Text as bed_text() has it, and \xHH.
static void read_text(const char *at, size_t n, struct bed_bytes *out)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)at[i];
		if (byte == '\\' && i + 1 == n)
			return;
		if (byte == '\\' && at[i + 1] == 'x') {
			byte = hex(at + i + 2);
			i += 3;
		} else if (byte == '\\') {
			byte = (uint8_t)at[++i];
			byte = byte == 'n' ? '\n' : byte == 'r' ? '\r' : byte;
		}
		bed_add(out, &byte, 1);
	}
	bed_add(out, "\r\n", 2);
}

static void read_line(const char *line, size_t n)
{
	if (!n || line[0] == '#')
		return;
	if (line[0] == '+') {
		assert_true(script.n && n >= 2);
		read_text(line + 2, n - 2, &script.steps[script.n - 1].bytes);
		return;
	}
	assert_true(script.n < BED_STEPS_MAX && n >= 2);
	struct bed_step *step = &script.steps[script.n++];
	*step = (struct bed_step){ .verb = line[0] == 'K' ? line[1] : line[0] };
	assert_non_null(strchr("CScs", step->verb));
	if (line[0] != 'K')
		read_text(line + 3, n - 3, &step->bytes);
}

static uint32_t lines_in(const uint8_t *bytes, size_t n)
{
	uint32_t lines = 0;
	for (size_t i = 0; i < n; i++)
		lines += bytes[i] == '\n';
	return lines;
}

static void add_segment(const struct bed_step *step)
{
	bool server = step->verb == 'S' || step->verb == 's';
	struct segment segment = { .from = (uint32_t)said[server].n,
				   .heard = lines_said[!server],
				   .heard_fin = fins[!server] };

	bed_add(&said[server], step->bytes.v, step->bytes.n);
	segment.to = (uint32_t)said[server].n;
	lines_said[server] += lines_in(step->bytes.v, step->bytes.n);
	segment.fin = !step->bytes.n;
	fins[server] = fins[server] || segment.fin;
	segments[server][n_segments[server]++] = segment;
	if (step->bytes.n > largest)
		largest = (uint32_t)step->bytes.n;
}

static void read_capture(const char *name)
{
	char path[200], *line = NULL;
	size_t room = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "tests/unit/captures/%s.smtp", name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s cannot be read", path);
	memset(&script, 0, sizeof(script));
	while ((n = getline(&line, &room, file)) > 0)
		read_line(line, (size_t)n - (line[n - 1] == '\n'));
	free(line);
	fclose(file);
	largest = 0;
	for (int side = 0; side < 2; side++) {
		memset(&said[side], 0, sizeof(said[side]));
		n_segments[side] = lines_said[side] = 0;
		fins[side] = false;
	}
	for (size_t i = 0; i < script.n; i++)
		add_segment(&script.steps[i]);
	assert_true(said[0].n && said[1].n);
}

static void forget_capture(void)
{
	bed_script_done(&script);
	free(said[0].v);
	free(said[1].v);
}

// --- by whose rules

static struct addr_range servers[2];
static const struct profile_domain domains[] = {
	{ "postfix.example", false }, { "exim.example", false },	{ "bsd.example", false },
	{ "sink.example", false },    { "pigeon.eyrie.af.mil", false },
};
static const struct profile_size sizes[] = { { .max = SIZE_CAP } };
static struct profile profile = {
	.guard = "mail",
	.domains = domains,
	.n_domains = sizeof(domains) / sizeof(domains[0]),
	.sizes = sizes,
	.n_sizes = 1,
	.tls_servers = { servers, 2 },
};
static const struct profile_flow flow = {
	.mark = 1, .id = "mail", .clause = "", .profile = &profile
};

// --- to the engine

static void bed_new(struct bed *bed)
{
	const struct engine_peer peer = { town_addr("10.20.0.9"), town_addr("192.0.2.25"), 40000,
					  25, &flow };
	bed_begin(bed, &peer, NULL);
}

// Every segment in two at byte k.
static void play_cut(struct bed *bed, uint32_t k)
{
	for (size_t i = 0; i < script.n; i++) {
		const struct bed_step *step = &script.steps[i];
		enum engine_side side =
			step->verb == 'C' || step->verb == 'c' ? ENGINE_CLIENT : ENGINE_SERVER;
		size_t n = step->bytes.n, first = k < n ? k : n;
		if (!n) {
			bed_close(bed, side);
			continue;
		}
		bed_feed(bed, side, step->bytes.v, first);
		bed_feed(bed, side, step->bytes.v + first, n - first);
	}
}

static void equal(const char *what, const char *how, size_t k, const struct bed_bytes *want,
		  const void *got, size_t n)
{
	if (n != want->n || (n && memcmp(want->v, got, n) != 0))
		fail_msg("%s, %s %zu: %zu bytes \"%.*s\", wanted %zu \"%.*s\"", what, how, k, n,
			 (int)n, (const char *)got, want->n, (int)want->n, want->v);
}

static void end_bed(struct bed *bed, const struct bed *first, const char *how, size_t k)
{
	bed_over(bed);
	if (first) {
		equal("to the server", how, k, &first->on[0], bed->on[0].v, bed->on[0].n);
		equal("to the client", how, k, &first->on[1], bed->on[1].v, bed->on[1].n);
		equal("records", how, k, &first->records, bed->records.v, bed->records.n);
		assert_int_equal(bed->ended, first->ended);
		assert_int_equal(bed->released, first->released);
		bed_done(bed);
	}
}

static void engine_in_all_ways(const struct bed *first)
{
	struct bed bed;

	bed_new(&bed);
	bed_play(&bed, &script, SIZE_MAX, 0);
	end_bed(&bed, first, "byte by byte", 0);
	bed_new(&bed);
	bed_play(&bed, &script, SIZE_MAX, SIZE_MAX);
	end_bed(&bed, first, "put together", 0);
	for (uint32_t k = 1; k < largest; k++) {
		bed_new(&bed);
		play_cut(&bed, k);
		end_bed(&bed, first, "each segment cut at", k);
	}
}

// --- between sockets

static void pipe_once(const struct capture *row, const struct bed *first, size_t step, size_t cut,
		      enum pipe_taking taking)
{
	const struct pipe_bed_want want = { first->on, &first->records, first->ended,
					    first->released };
	const struct engine_peer peer = { town_addr("10.20.0.9"), town_addr("192.0.2.25"), 40000,
					  25, &flow };
	static struct pipe_bed bed;

	pipe_bed_begin(&bed, &peer, NULL, taking);
	pipe_bed_play(&bed, &script, step, cut);
	pipe_bed_over(&bed);
	pipe_bed_judge(&bed, &want, row->name, step, cut);
	pipe_bed_done(&bed);
}

static void sockets_in_all_ways(const struct capture *row, const struct bed *first)
{
	for (int taking = 0; taking < PIPE_TAKINGS; taking++) {
		pipe_once(row, first, SIZE_MAX, 1, (enum pipe_taking)taking);
		pipe_once(row, first, SIZE_MAX, 0, (enum pipe_taking)taking);
		pipe_once(row, first, SIZE_MAX, SIZE_MAX, (enum pipe_taking)taking);
	}
	for (uint32_t k = 1; k < largest; k += 1 + k / 8)
		pipe_once(row, first, PIPE_BED_EACH, k, (enum pipe_taking)(k % PIPE_TAKINGS));
}

// --- as packets

enum cutting { OWN, TOGETHER, BYTES, CUT };

static struct m_net net;
static enum cutting cutting;
static uint32_t cut_at;
static struct bed told; // records only
static uint32_t lines_got[2], counted[2];
static uint32_t lines_on; // a server that is not given more answers all the same

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
	(void)arg;
	bed_record(&told, record);
}

// The segment of the capture that the next byte belongs to, cut as this run has it: at bytes
// cut_at, cut_at + PIECE and so on, so that PIECE runs cut at every byte.
static uint32_t piece(const struct m_end *end)
{
	const struct segment *at = segments[end->server];

	if (cutting == TOGETHER)
		return 40000;
	if (cutting == BYTES)
		return 1;
	while (at->to <= end->nxt && at < segments[end->server] + n_segments[end->server] - 1)
		at++;
	uint32_t left = at->to > end->nxt ? at->to - end->nxt : 1;
	uint32_t to_cut = PIECE - (end->nxt - at->from + PIECE - cut_at) % PIECE;
	return cutting == CUT && to_cut < left ? to_cut : left;
}

static void begin(uint64_t seed)
{
	static const struct profiles profiles = { &flow, 1 };
	const struct inspector_options options = { .connections_max = 10,
						   .memory_max = 1 << 30,
						   .held_max = 1000,
						   .decided = on_decided,
						   .record = on_record };
	m_random_state = seed * 2654435761U + 1;
	memset(&net, 0, sizeof(net));
	memset(&told, 0, sizeof(told));
	memset(lines_got, 0, sizeof(lines_got));
	memset(counted, 0, sizeof(counted));
	bed_add(&told.records, NULL, 0);
	net.v6 = seed & 1;
	assert_int_equal(inspector_new(&options, &net.inspector), 0);
	assert_int_equal(inspector_set_profiles(net.inspector, &profiles, NULL, NULL), 0);
	for (unsigned side = 0; side < 2; side++) {
		struct m_end *end = &net.ends[side];
		m_end_init(end, side, said[side].v, (uint32_t)said[side].n);
		end->stamps = true;
		end->mss = 1460;
		end->cwnd = M_STREAM_MAX;
		end->window = 65535;
		end->written = 0;
		end->closing = false;
		end->piece = piece;
	}
	net.ends[0].state = M_SYN_SENT;
	net.ends[0].timer = 40;
}

static void write_more(struct m_end *end)
{
	uint32_t *lines = &lines_got[end->server], *at_byte = &counted[end->server];
	const struct m_end *other = &net.ends[!end->server];
	const struct segment *at = segments[end->server];

	*lines += lines_in(end->in + *at_byte, end->in_next - *at_byte);
	*at_byte = end->in_next;
	for (size_t i = 0; i < n_segments[end->server]; i++) {
		bool heard = at[i].heard <= *lines &&
			     (!at[i].heard_fin || end->fin_in || other->was_reset);
		if (!heard && (!end->server || *lines < lines_on))
			break;
		end->written = at[i].to;
		end->closing = end->closing || at[i].fin;
	}
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
		// In order, as the line had it.
		memmove(&net.way[i], &net.way[i + 1], (net.n - i - 1) * sizeof(net.way[0]));
		net.n--;
		if (judged) {
			m_receive(&net, &net.ends[to_server], flight);
			m_flight_free(flight);
		} else {
			inspector_packet(net.inspector, flight, 1000000000 + net.now * 1000);
			arrived(flight, to_server);
		}
	}
	for (unsigned side = 0; side < 2; side++) {
		write_more(&net.ends[side]);
		m_tick_end(&net, &net.ends[side]);
		if (net.ends[side].fault)
			fail_msg("the %s got %s", side ? "server" : "client", net.ends[side].fault);
	}
	if (net.now % 500 == 0)
		inspector_tick(net.inspector, 1000000000 + net.now * 1000);
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

// Each end has all that it is to get, and its peer's FIN where the capture has one.  A session that
// the gate ends is over with its record.
static bool all_there(const struct bed *first, enum outcome outcome)
{
	if (outcome == ENDED)
		return told.records.n;
	for (unsigned side = 0; side < 2; side++) {
		if (net.ends[side].in_next < first->on[!side].n ||
		    (fins[!side] && !net.ends[side].fin_in))
			return false;
	}
	return true;
}

// What came before the end of a session that the gate ended is a beginning of what the engine let
// go: the reset may overtake it.
static void beginning(const struct bed_bytes *of, const struct m_end *end)
{
	assert_true(end->in_next <= of->n);
	assert_memory_equal(end->in, of->v, end->in_next);
}

static void packets(const struct capture *row, const struct bed *first, enum cutting how,
		    uint32_t k)
{
	static const char *const names[] = { "own segments", "put together", "byte by byte",
					     "packets cut at" };
	struct inspector_numbers numbers;

	cutting = how;
	cut_at = k;
	lines_on = row->outcome == ENDED ? lines_in(first->on[0].v, first->on[0].n) : UINT32_MAX;
	begin(k + 1);
	m_send(&net, &net.ends[0], M_SYN, 0, 0);
	for (unsigned i = 0; i < TICKS_MAX && !all_there(first, row->outcome); i++)
		tick();
	for (unsigned i = 0; i < 100; i++) // nothing more comes
		tick();
	inspector_numbers(net.inspector, &numbers);
	for (int i = 0; i < TROUBLES; i++) {
		// A line may have more bytes than packets are held.
		bool may = row->outcome == ENDED || (how == BYTES && i == TROUBLE_FULL);
		if (numbers.by_trouble[i] && !may)
			fail_msg("%s, %s %u: trouble \"%s\"", row->name, names[how], k,
				 inspector_trouble_names[i]);
	}
	for (unsigned side = 0; side < 2; side++) {
		if (row->outcome == ENDED)
			beginning(&first->on[!side], &net.ends[side]);
		else
			equal(side ? "to the server" : "to the client", names[how], k,
			      &first->on[!side], net.ends[side].in, net.ends[side].in_next);
	}
	finish();
	equal("records", names[how], k, &first->records, told.records.v, told.records.n);
	free(told.records.v);
}

static void packets_in_all_ways(const struct capture *row, const struct bed *first)
{
	packets(row, first, OWN, 0);
	packets(row, first, TOGETHER, 0);
	packets(row, first, BYTES, 0);
	for (uint32_t k = 0; k < PIECE && k < largest; k++)
		packets(row, first, CUT, k);
}

// --- what is demanded

// Lines of an answer to EHLO may lose their word or have a lower SIZE; all else is as it was said.
static void unchanged(const struct bed_bytes *was, const struct bed_bytes *is)
{
	assert_int_equal(was->n, is->n);
	for (size_t at = 0; at < was->n;) {
		const char *a = (const char *)was->v + at, *b = (const char *)is->v + at;
		const char *lf = memchr(a, '\n', was->n - at);
		size_t n = lf ? (size_t)(lf - a) + 1 : was->n - at;
		at += n;
		if (memcmp(a, b, n) == 0)
			continue;
		bool hello = n > 6 && memcmp(b, "250", 3) == 0 && a[3] == b[3];
		bool gone = hello && strspn(b + 4, "X") == n - 6;
		bool size = hello && memcmp(b + 4, "SIZE ", 5) == 0 &&
			    strtoul(b + 9, NULL, 10) == SIZE_CAP;
		if (!gone && !size)
			fail_msg("\"%.*s\" became \"%.*s\"", (int)n, a, (int)n, b);
	}
}

static void play(void **state)
{
	const struct capture *row = *state;
	struct bed first;

	servers[0] = town_range("192.0.2.25");
	servers[1] = town_range("fd00::/16");
	profile.tls = row->outcome == RELEASED ? PROFILE_TLS_BLIND : PROFILE_TLS_CLEAR_ONLY;
	read_capture(row->name);
	bed_new(&first);
	bed_play(&first, &script, SIZE_MAX, 1);
	end_bed(&first, NULL, "", 0);
	if (strcmp((const char *)first.records.v, row->records) != 0)
		fail_msg("records \"%s\", wanted \"%s\"", first.records.v, row->records);
	assert_int_equal(first.ended, row->outcome == ENDED);
	assert_int_equal(first.released, row->outcome == RELEASED);
	if (row->outcome == HONEST || row->outcome == RELEASED) {
		equal("to the server", "as captured", 0, &said[0], first.on[0].v, first.on[0].n);
		unchanged(&said[1], &first.on[1]);
	}
	engine_in_all_ways(&first);
	sockets_in_all_ways(row, &first);
	packets_in_all_ways(row, &first);
	bed_done(&first);
	forget_capture();
}

enum { N_CAPTURES = sizeof(captures) / sizeof(captures[0]) };

int main(void)
{
	static struct CMUnitTest tests[N_CAPTURES];
	for (size_t i = 0; i < N_CAPTURES; i++)
		tests[i] = (struct CMUnitTest){
			.name = captures[i].name,
			.test_func = play,
			.initial_state = (void *)(uintptr_t)&captures[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
