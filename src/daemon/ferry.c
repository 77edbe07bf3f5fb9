#include "daemon/ferry.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/fault.h"
#include "compile/compile.h"
#include "daemon/cargo.h"
#include "daemon/inspection_wire.h"
#include "daemon/linger.h"
#include "daemon/sandbox.h"
#include "daemon/turns.h"
#include "kernel/liberal.h"
#include "proto/header.h"

enum {
	LOOK_MS = 50, // how often it is looked whether inspectors answer
	TELL_MS = 250,
	BIND_MS = 2000, // that long a ferry that was killed may take to be gone
	HELD_SOCKET_BYTES = 4 * 1024 * 1024,
	ANSWERS_MAX = 256, // of one inspector in a row
	BATCH_FIRST = 8,   // packets of one call, while it is not full
};

struct post {		     // one inspector's
	struct cargo *cargo; // NULL: it is not there
	uint64_t serial;
	int rings, hears;
};

struct ferry {
	struct queue *queue, *held;
	struct liberal *liberal;
	struct post posts[INSPECTION_INSPECTORS_MAX];
	uint32_t n;
	struct turns turns;
	// Held in this round, and still in the first queue.
	struct fresh {
		uint32_t post, slot;
	} fresh[INSPECTION_INSPECTORS_MAX * LANE_SLOTS];
	size_t n_fresh;
	size_t batch; // packets to ask for next
	struct ferry_numbers numbers;
	uint64_t clock_ms;			       // as it was last
	uint64_t now_ms, looked_ms, told_ms, heard_ms; // by look_at_clock()
	struct linger linger;
	int epoll;
	bool full; // no inspector's slot is free: what is in the queue stays there
	bool ends;
	uint8_t changed[QUEUE_PACKET_MAX];
	uint8_t scratch[QUEUE_BATCH][LANE_SLOT_BYTES];
};

// The cookie of a held packet: its inspector, its slot, and one that is always there.
enum { COOKIE = 0x53000000, COOKIE_SLOT_BITS = 16 };
_Static_assert((int)LANE_SLOTS <= 1 << COOKIE_SLOT_BITS, "a slot fits a cookie");

static void tell(const struct ferry *ferry, struct ferry_word *word)
{
	struct queue_numbers one, two;
	if (ferry->queue && ferry->held) {
		queue_numbers(ferry->queue, &one);
		queue_numbers(ferry->held, &two);
		word->numbers = ferry->numbers;
		word->numbers.overruns = one.overruns + two.overruns;
		word->numbers.too_late = one.refused + two.refused;
		for (uint32_t i = 0; i < ferry->n; i++)
			if (ferry->posts[i].cargo)
				word->numbers.held += cargo_held(ferry->posts[i].cargo);
	}
	// If the gate has no room it hears the next one; if it is gone, so is this soon.
	inspection_send(INSPECTION_SOCKET, word, sizeof(*word), NULL, 0, NULL, 0);
}

// --- verdicts

static int answer_queue(void *arg, const struct queue_answer *answer)
{
	return queue_answer(((struct ferry *)arg)->queue, answer);
}

static int accept_queue(void *arg, uint32_t id)
{
	return queue_accept_until(((struct ferry *)arg)->queue, id);
}

// A verdict that could not be sent leaves its packet in the kernel, where nobody passes it; the
// ferry cannot go on so.
static void need(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "<3>sekishod: the ferry: %s: %s\n", what, strerror(-r));
	_exit(EXIT_FAILED);
}

static void decide(struct ferry *ferry, const struct cargo_packet *packet,
		   struct queue_answer *answer)
{
	switch (packet->place) {
	case CARGO_WAITING:
	case CARGO_FRESH:
		need(turns_answer(&ferry->turns, packet->turn, answer), "a verdict");
		return;
	case CARGO_HELD: // whose own mark is a cookie there
		answer->id = packet->id;
		if (!answer->marks)
			answer->mark = packet->mark;
		answer->marks = true;
		need(queue_answer(ferry->held, answer), "a verdict");
		return;
	default: // the kernel has dropped it
		return;
	}
}

static void drop_all(struct ferry *ferry, struct post *post)
{
	for (uint32_t slot = 0; slot < LANE_SLOTS; slot++) {
		struct cargo_packet *packet = cargo_packet(post->cargo, slot);
		struct queue_answer answer = { .verdict = QUEUE_DROP };
		if (packet->place == CARGO_FREE)
			continue;
		decide(ferry, packet, &answer);
		packet->place = CARGO_FREE;
		ferry->numbers.no_inspector++;
	}
}

static void end_post(struct ferry *ferry, struct post *post)
{
	size_t n = 0;
	if (!post->cargo)
		return;
	drop_all(ferry, post);
	for (size_t i = 0; i < ferry->n_fresh; i++)
		if (ferry->fresh[i].post != (uint32_t)(post - ferry->posts))
			ferry->fresh[n++] = ferry->fresh[i];
	ferry->n_fresh = n;
	cargo_free(post->cargo);
	close(post->rings);
	close(post->hears);
	*post = (struct post){ .serial = post->serial };
}

static void fault(struct ferry *ferry, struct post *post, const char *what)
{
	struct ferry_word word = {
		.word = FERRY_FAULT,
		.index = (uint32_t)(post - ferry->posts),
		.serial = post->serial,
	};
	snprintf(word.text, sizeof(word.text), "%s", what);
	end_post(ferry, post);
	tell(ferry, &word);
}

// --- answers

static void make_liberal(struct ferry *ferry, const struct cargo_packet *packet)
{
	struct header header;
	int r = header_parse(packet->face, packet->n_face, &header);
	if (r == 0 && header.has_ports) {
		const struct liberal_peers peers = { header.source, header.destination,
						     header.sport, header.port };
		r = liberal_set(ferry->liberal, &peers);
	} else {
		r = -EBADMSG;
	}
	if (r < 0)
		ferry->numbers.liberal_failed++;
	else
		ferry->numbers.liberal++;
}

// In memory of our own first, so that what is checked is what is sent.
static bool put_changed(struct ferry *ferry, struct post *post, const struct lane_answer *said,
			const struct cargo_packet *packet, struct queue_answer *answer)
{
	const uint8_t *bytes = lane_slot(cargo_lane(post->cargo), said->slot) + packet->offset;
	memcpy(ferry->changed, bytes, said->size);
	answer->bytes = ferry->changed;
	answer->size = said->size;
	return cargo_is_same(packet, ferry->changed, said->size);
}

static bool accept_packet(struct ferry *ferry, struct post *post, const struct lane_answer *said)
{
	struct cargo_packet *packet = cargo_packet(post->cargo, said->slot);
	struct queue_answer answer = { .verdict = QUEUE_ACCEPT };
	bool fine = true;
	if (said->bits & LANE_LIBERAL)
		make_liberal(ferry, packet);
	if (said->bits & LANE_PASSED) {
		answer.marks = true;
		answer.mark = packet->mark | PACKET_PASSED;
		ferry->numbers.passed++;
	}
	if (said->bits & LANE_CHANGED) {
		fine = put_changed(ferry, post, said, packet, &answer);
		ferry->numbers.changed++;
	}
	if (!fine) {
		ferry->numbers.forged++;
		return false;
	}
	ferry->numbers.accepted++;
	if (packet->place == CARGO_WAITING && !answer.marks && !answer.bytes)
		turns_accept(&ferry->turns, packet->turn);
	else
		decide(ferry, packet, &answer);
	cargo_unload(post->cargo, said->slot);
	return true;
}

static void take_answer(struct ferry *ferry, struct post *post, const struct lane_answer *said)
{
	struct queue_answer drop = { .verdict = QUEUE_DROP };
	uint32_t index = (uint32_t)(post - ferry->posts);
	switch (said->fate) {
	case FLIGHT_HOLD:
		ferry->fresh[ferry->n_fresh++] = (struct fresh){ index, said->slot };
		return;
	case FLIGHT_ACCEPT:
		if (!accept_packet(ferry, post, said))
			fault(ferry, post, "it made another connection's packet of one");
		return;
	default:
		decide(ferry, cargo_packet(post->cargo, said->slot), &drop);
		ferry->numbers.dropped++;
		cargo_unload(post->cargo, said->slot);
	}
}

static bool hear_answers(struct ferry *ferry, struct post *post)
{
	struct lane_answer said;
	unsigned n = 0;
	int r = 0;
	while (post->cargo && n < ANSWERS_MAX && (r = cargo_hear(post->cargo, &said)) > 0) {
		take_answer(ferry, post, &said);
		n++;
	}
	if (r < 0)
		fault(ferry, post, "its answers make no sense");
	return n > 0;
}

// --- held packets

static void take_held(struct ferry *ferry, const struct queue_packet *packet)
{
	uint32_t cookie = packet->mark ^ COOKIE;
	uint32_t index = cookie >> COOKIE_SLOT_BITS, slot = cookie & ((1 << COOKIE_SLOT_BITS) - 1);
	struct queue_answer drop = { .id = packet->id, .verdict = QUEUE_DROP };
	if (index < ferry->n && slot < LANE_SLOTS && ferry->posts[index].cargo) {
		struct cargo_packet *own = cargo_packet(ferry->posts[index].cargo, slot);
		if (own->place == CARGO_GONE) {
			own->place = CARGO_HELD;
			own->id = packet->id;
			return;
		}
	}
	need(queue_answer(ferry->held, &drop), "a verdict"); // nobody's
}

// What was moved is there as soon as the verdict that moved it is sent.
static void receive_held(struct ferry *ferry)
{
	struct queue_room rooms[QUEUE_BATCH];
	struct queue_packet packets[QUEUE_BATCH];
	int n;
	for (unsigned i = 0; i < QUEUE_BATCH; i++)
		rooms[i] =
			(struct queue_room){ .bytes = ferry->scratch[i], .size = LANE_SLOT_BYTES };
	do {
		n = queue_receive(ferry->held, rooms, QUEUE_BATCH, packets);
		for (int i = 0; i < n; i++)
			if (rooms[i].used)
				take_held(ferry, &packets[i]);
	} while (n > 0 || n == -ENOBUFS);
	need(n, "the queue of held packets");
}

static void move_fresh(struct ferry *ferry)
{
	size_t n = 0;
	for (size_t i = 0; i < ferry->n_fresh; i++) {
		const struct fresh *fresh = &ferry->fresh[i];
		struct cargo_packet *packet =
			cargo_packet(ferry->posts[fresh->post].cargo, fresh->slot);
		struct queue_answer move = {
			.verdict = QUEUE_MOVE,
			.to = QUEUE_HELD,
			.marks = true,
			.mark = COOKIE ^ (fresh->post << COOKIE_SLOT_BITS | fresh->slot),
		};
		if (packet->place != CARGO_FRESH) // decided meanwhile
			continue;
		need(turns_answer(&ferry->turns, packet->turn, &move), "a verdict");
		packet->place = CARGO_GONE; // until it is seen there
		ferry->fresh[n++] = *fresh;
	}
	ferry->n_fresh = n;
}

static void settle_held(struct ferry *ferry)
{
	size_t lost = 0;
	receive_held(ferry);
	for (size_t i = 0; i < ferry->n_fresh; i++)
		if (cargo_packet(ferry->posts[ferry->fresh[i].post].cargo, ferry->fresh[i].slot)
			    ->place == CARGO_GONE)
			lost++;
	ferry->numbers.moved += ferry->n_fresh - lost;
	ferry->numbers.moved_lost += lost;
	ferry->n_fresh = 0;
}

static void send_verdicts(struct ferry *ferry)
{
	move_fresh(ferry);
	need(turns_flush(&ferry->turns), "verdicts");
	need(queue_send(ferry->queue), "verdicts");
	if (ferry->n_fresh)
		settle_held(ferry);
	need(queue_send(ferry->held), "verdicts");
}

// --- packets

// Both directions of a connection show the same two addresses.
static uint32_t choose(const struct ferry *ferry, const uint8_t *first, uint32_t n)
{
	uint64_t sum = 0;
	size_t at = 12, size = 4;
	if (ferry->n == 1 || !n)
		return 0;
	if (first[0] >> 4 == 6) {
		at = 8;
		size = 16;
	}
	for (size_t i = 0; i + 4 <= size && at + 2 * size <= n; i += 4) {
		uint32_t one, two;
		memcpy(&one, first + at + i, sizeof(one));
		memcpy(&two, first + at + size + i, sizeof(two));
		sum = sum * 0x9e3779b97f4a7c15 + (uint64_t)(one ^ two) +
		      ((uint64_t)one + two) * 0xff51afd7ed558ccd;
	}
	return (uint32_t)((sum ^ sum >> 29) * 0xbf58476d1ce4e5b9 >> 40) % ferry->n;
}

static void drop(struct ferry *ferry, uint32_t turn, uint64_t *count)
{
	struct queue_answer answer = { .verdict = QUEUE_DROP };
	need(turns_answer(&ferry->turns, turn, &answer), "a verdict");
	++*count;
}

// The packet lies in `room`; direct: that is its inspector's slot `slot` already.
// True: the slot is used.
static bool load(struct ferry *ferry, const struct queue_packet *packet, const uint8_t *room,
		 bool direct, uint32_t slot)
{
	struct post *post = &ferry->posts[choose(ferry, packet->first, packet->n_first)];
	uint32_t turn = turns_arrive(&ferry->turns, packet->id);
	ferry->numbers.packets++;
	if (packet->whole > packet->size || !packet->size) {
		drop(ferry, turn, &ferry->numbers.cut);
		return false;
	}
	if (!post->cargo) {
		drop(ferry, turn, &ferry->numbers.no_inspector);
		return false;
	}
	if (!direct && !cargo_room(post->cargo)) {
		drop(ferry, turn, &ferry->numbers.no_room);
		return false;
	}
	if (!direct) {
		slot = cargo_reserve(post->cargo);
		memcpy(lane_slot(cargo_lane(post->cargo), slot) + packet->offset,
		       room + packet->offset, packet->size);
	}
	cargo_load(post->cargo, slot, packet, turn, ferry->now_ms);
	return true;
}

enum { WATCH_GATE = 100, WATCH_QUEUE, WATCH_HELD }; // below: a post's bell

// A queue that is not to be read yet must not wake.
static void mind_queue(struct ferry *ferry, bool full)
{
	struct epoll_event event = { .events = full ? 0 : EPOLLIN, .data.u64 = WATCH_QUEUE };
	if (ferry->full == full)
		return;
	ferry->full = full;
	if (epoll_ctl(ferry->epoll, EPOLL_CTL_MOD, queue_fd(ferry->queue), &event) < 0)
		need(-errno, "the queue");
}

// With one inspector, packets go straight to its slots, and stay in the kernel while it has none
// that is free; with several, nobody knows yet whose a packet is.
static bool receive(struct ferry *ferry)
{
	struct cargo *only = ferry->n == 1 ? ferry->posts[0].cargo : NULL;
	struct queue_room rooms[QUEUE_BATCH];
	struct queue_packet packets[QUEUE_BATCH];
	uint32_t slots[QUEUE_BATCH];
	size_t n = ferry->batch;
	if (only && cargo_room(only) < n)
		n = cargo_room(only);
	if (turns_waiting(&ferry->turns) > TURNS_MAX - QUEUE_BATCH)
		n = 0;
	mind_queue(ferry, n == 0);
	for (size_t i = 0; i < n; i++) {
		slots[i] = only ? cargo_reserve(only) : 0;
		rooms[i].bytes = only ? lane_slot(cargo_lane(only), slots[i]) : ferry->scratch[i];
		rooms[i].size = LANE_SLOT_BYTES;
		rooms[i].used = false;
	}
	int got = n ? queue_receive(ferry->queue, rooms, (unsigned)n, packets) : 0;
	ferry->batch = got == (int)ferry->batch ? QUEUE_BATCH : BATCH_FIRST;
	for (size_t i = n; i-- > 0;)
		if (only && ((int)i >= got || !rooms[i].used))
			cargo_put_back(only, slots[i]);
	for (int i = 0; i < got; i++)
		if (rooms[i].used &&
		    !load(ferry, &packets[i], rooms[i].bytes, only != NULL, slots[i]) && only)
			cargo_put_back(only, slots[i]);
	if (got < 0 && got != -ENOBUFS)
		need(got, "the queue");
	return got != 0;
}

// --- the gate

static int watch(struct ferry *ferry, int fd, uint64_t what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = what };
	return epoll_ctl(ferry->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void begin_post(struct ferry *ferry, const struct ferry_order *order, const int fds[3])
{
	struct post *post = &ferry->posts[order->index];
	struct lane *lane;
	int r = lane_open(fds[0], fds[1], fds[2], true, &lane);
	close(fds[0]);
	*post = (struct post){ .serial = order->serial, .rings = fds[1], .hears = fds[2] };
	if (r == 0) {
		r = cargo_new(lane, &post->cargo);
		if (r < 0)
			lane_close(lane);
	}
	if (r == 0 && (r = watch(ferry, post->hears, order->index)) < 0)
		end_post(ferry, post);
	need(r, "the memory of an inspector");
}

static void take_order(struct ferry *ferry, const struct ferry_order *order, const int *fds,
		       size_t n_fds)
{
	if (order->index < ferry->n && order->word == FERRY_LANE && n_fds == 3) {
		end_post(ferry, &ferry->posts[order->index]);
		begin_post(ferry, order, fds);
		return;
	}
	if (order->index < ferry->n && order->word == FERRY_END_LANE &&
	    ferry->posts[order->index].serial == order->serial)
		end_post(ferry, &ferry->posts[order->index]);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

static void hear_gate(struct ferry *ferry)
{
	struct ferry_order order;
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	int n;
	while ((n = inspection_receive(INSPECTION_SOCKET, &order, sizeof(order), fds, &n_fds)) ==
	       (int)sizeof(order))
		take_order(ferry, &order, fds, n_fds);
	if (n != -EAGAIN) // gone, or it talks nonsense
		ferry->ends = true;
}

static void look(struct ferry *ferry)
{
	if (ferry->now_ms - ferry->looked_ms >= LOOK_MS) {
		ferry->looked_ms = ferry->now_ms;
		for (uint32_t i = 0; i < ferry->n; i++) {
			struct post *post = &ferry->posts[i];
			const char *why =
				post->cargo ? cargo_overdue(post->cargo, ferry->now_ms) : NULL;
			if (why)
				fault(ferry, post, why);
		}
	}
	if (ferry->now_ms - ferry->told_ms >= TELL_MS) {
		ferry->told_ms = ferry->now_ms;
		tell(ferry, &(struct ferry_word){ .word = FERRY_NUMBERS });
	}
}

// --- the loop

static bool may_sleep(struct ferry *ferry)
{
	bool may = true;
	for (uint32_t i = 0; i < ferry->n; i++)
		if (ferry->posts[i].cargo && !lane_may_sleep(cargo_lane(ferry->posts[i].cargo)))
			may = false;
	return may;
}

static void hear(struct ferry *ferry, int wait_ms)
{
	struct epoll_event events[16];
	int n = epoll_wait(ferry->epoll, events, 16, wait_ms);
	if (n < 0 && errno != EINTR)
		need(-errno, "waiting");
	ferry->heard_ms = ferry->now_ms;
	for (int i = 0; i < n; i++) {
		uint64_t what = events[i].data.u64;
		if (what == WATCH_GATE)
			hear_gate(ferry);
		else if (what == WATCH_HELD)
			receive_held(ferry);
		else if (what < ferry->n && ferry->posts[what].cargo)
			lane_still(cargo_lane(ferry->posts[what].cargo));
	}
}

static void sleep_until_called(struct ferry *ferry)
{
	hear(ferry, may_sleep(ferry) ? LOOK_MS : 0);
	for (uint32_t i = 0; i < ferry->n; i++)
		if (ferry->posts[i].cargo)
			lane_wake(cargo_lane(ferry->posts[i].cargo));
}

// Time in which this process had no processor counts for nobody: on a box that is busy elsewhere
// inspectors had none either.
static void look_at_clock(struct ferry *ferry)
{
	uint64_t now = monotonic_ms(), passed = now - ferry->clock_ms;
	ferry->clock_ms = now;
	ferry->now_ms += passed < 2 * LOOK_MS ? passed : 2 * LOOK_MS;
}

static void serve(struct ferry *ferry)
{
	while (!ferry->ends) {
		bool busy = false;
		look_at_clock(ferry);
		for (uint32_t i = 0; i < ferry->n; i++)
			busy |= hear_answers(ferry, &ferry->posts[i]);
		send_verdicts(ferry);
		busy |= receive(ferry);
		for (uint32_t i = 0; i < ferry->n; i++)
			if (ferry->posts[i].cargo)
				lane_publish(cargo_lane(ferry->posts[i].cargo));
		look(ferry);
		send_verdicts(ferry);
		if (!linger(&ferry->linger, busy))
			sleep_until_called(ferry);
		else if (ferry->now_ms != ferry->heard_ms)
			hear(ferry, 0);
	}
}

// --- start

static int open_queue(uint16_t number, bool whole, uint32_t socket_bytes, struct queue **ret)
{
	const struct queue_options options = { number, FERRY_QUEUE_LENGTH, whole, socket_bytes };
	uint64_t until = monotonic_ms() + BIND_MS;
	int r = queue_open(&options, ret);
	while (r == -EBUSY && monotonic_ms() < until) {
		poll(NULL, 0, 20);
		r = queue_open(&options, ret);
	}
	return r;
}

static int start(struct ferry *ferry)
{
	struct ferry_order hello;
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	int r = inspection_await(INSPECTION_SOCKET, &hello, sizeof(hello), fds, &n_fds);
	if (r != (int)sizeof(hello) || hello.word != FERRY_HELLO || n_fds || !hello.n ||
	    hello.n > INSPECTION_INSPECTORS_MAX)
		return -EBADMSG;
	ferry->n = hello.n;
	ferry->batch = BATCH_FIRST;
	ferry->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = ferry->epoll < 0 ? -errno : 0;
	// The queue of held packets first: nothing is moved to one that nobody listens to.
	if (r == 0)
		r = open_queue(QUEUE_HELD, false, HELD_SOCKET_BYTES, &ferry->held);
	if (r == 0)
		r = open_queue(QUEUE_FIRST, true, FERRY_SOCKET_BYTES, &ferry->queue);
	if (r == 0)
		r = liberal_open(&ferry->liberal);
	if (r == 0)
		r = watch(ferry, INSPECTION_SOCKET, WATCH_GATE);
	if (r == 0)
		r = watch(ferry, queue_fd(ferry->queue), WATCH_QUEUE);
	if (r == 0)
		r = watch(ferry, queue_fd(ferry->held), WATCH_HELD);
	return r < 0 ? r : sandbox_seal_ferry(hello.uid, hello.gid);
}

int ferry_main(void)
{
	static struct ferry ferry;
	const struct turns_queue queue = { answer_queue, accept_queue, &ferry };
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	turns_init(&ferry.turns, &queue);
	int r = start(&ferry);
	tell(&ferry, &(struct ferry_word){ .word = FERRY_READY, .error = r });
	if (r < 0)
		return EXIT_FAILED;
	serve(&ferry);
	return EXIT_FINE;
}
