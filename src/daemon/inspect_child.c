#include "daemon/inspect_child.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/exit.h"
#include "daemon/aparts.h"
#include "daemon/asker.h"
#include "daemon/inspect_policy.h"
#include "daemon/inspection_wire.h"
#include "daemon/lane.h"
#include "daemon/linger.h"
#include "daemon/pipes.h"
#include "daemon/sandbox.h"
#include "daemon/scans.h"
#include "daemon/vault_answer.h"
#include "event/mail_wire.h"
#include "inspect/habit_domain.h"
#include "inspect/source_limits.h"
#include "mime/mime.h"
#include "unpack/unpack.h"

enum {
	TAKE_MAX = 64,
	TELL_MS = 500,
	LACK_MS = 10 * 1000,
	NEED_MS = 60 * 1000,
	SPARE_BYTES = 16 << 20,
	HEAR_US = 1000, // between two looks at the sockets, while packets come
};

struct child {
	struct lane *lane;
	struct inspector *inspector;
	struct inspect_planner *planner;
	struct flight flights[LANE_SLOTS]; // by slot
	const struct flight *current;	   // in inspector_packet()
	bool current_decided;
	uint64_t now_us, ticked_ms, told_ms, heard_us;
	uint64_t lost;
	struct scans *scans, *holds; // at the scanner, at the vault
	bool old;		     // the scanner's definitions are
	struct aparts *aparts;
	struct pipes *pipes;
	struct asker *asker;
	uint64_t lacked_ms;		 // when the gate was last told that a certificate is
	const struct profiles *profiles; // that count
	uint64_t needed_ms;		 // when the gate was last told what they need
	struct linger linger;
	bool ends;
	struct mail_stops stops;
};

// --- what the gate hears

static void say(struct child *child, const void *head, size_t head_size, const void *bytes,
		size_t size)
{
	// The gate may be busy; packets do not wait for it.
	if (inspection_send(INSPECTION_SOCKET, head, head_size, bytes, size, NULL, 0) < 0)
		child->lost++;
}

// What passed, and what was refused for good: what may come again is not counted twice.
static void tell_mass(struct child *child, const struct mail_record *record)
{
	const bool passed = record->verdict == MAIL_PASSED;
	struct inspect_word_mass word = {
		.word = INSPECT_MASS,
		.bits = (passed ? INSPECT_MASS_PASSED : 0) |
			(record->outward ? INSPECT_MASS_OUTWARD : 0),
		.n_own = record->n_own,
		.n_others = record->n_others,
		.sender = mail_sender_hash((const uint8_t *)record->sender, strlen(record->sender)),
		.client = record->client,
	};
	if (!passed && ((record->verdict != MAIL_REFUSED && record->verdict != MAIL_REJECTED) ||
			record->code < 500))
		return;
	snprintf(word.guard, sizeof(word.guard), "%s", record->guard);
	snprintf(word.zone, sizeof(word.zone), "%s", record->from_zone);
	say(child, &word, sizeof(word), NULL, 0);
}

static void on_record(void *arg, const struct mail_record *record)
{
	static uint8_t bytes[MAIL_WIRE_MAX];
	struct inspect_word_record head = {
		.word = INSPECT_RECORD,
		.size = (uint32_t)mail_wire_pack(record, bytes),
	};
	say(arg, &head, sizeof(head), bytes, head.size);
	if (record->counts)
		tell_mass(arg, record);
}

static void on_trouble(void *arg, const char *trouble, const struct engine_peer *peer)
{
	struct inspect_word_trouble word = { .word = INSPECT_TROUBLE };
	snprintf(word.trouble, sizeof(word.trouble), "%s", trouble);
	if (peer) {
		word.client = peer->client;
		word.server = peer->server;
		word.client_port = peer->client_port;
		word.server_port = peer->server_port;
		snprintf(word.flow, sizeof(word.flow), "%s", peer->flow ? peer->flow->id : "");
	}
	say(arg, &word, sizeof(word), NULL, 0);
}

static void tell_numbers(struct child *child)
{
	struct inspect_word_numbers word = { .word = INSPECT_NUMBERS, .lost = child->lost };
	inspector_numbers(child->inspector, &word.numbers);
	pipes_numbers(child->pipes, &word.numbers);
	inspection_send(INSPECTION_SOCKET, &word, sizeof(word), NULL, 0, NULL, 0);
}

// --- messages at the scanner

static struct scan *on_scan_begin(void *arg, void *owner, uint32_t seconds)
{
	struct child *child = arg;
	return scans_begin(child->scans, owner, seconds, monotonic_ms());
}

static void on_scan_ask(void *arg, unsigned n)
{
	const struct inspect_word word = { .word = INSPECT_ASKS, .generation = n };
	say(arg, &word, sizeof(word), NULL, 0);
}

static void on_scan_verdict(void *arg, void *owner, const struct scan_result *result)
{
	struct child *child = arg;
	struct scan_result said = *result;
	said.old = child->old;
	inspector_scanned(child->inspector, owner, &said, child->now_us);
}

static void on_scan_room(void *arg, void *owner)
{
	struct child *child = arg;
	inspector_scan_room(child->inspector, owner, child->now_us);
}

static const struct inspector_scans scan_calls = { on_scan_begin, scans_bytes, scans_end,
						   scans_drop, scans_mark };

// --- messages at the vault

static struct scan *on_hold_begin(void *arg, void *owner, uint32_t seconds)
{
	struct child *child = arg;
	return scans_begin(child->holds, owner, seconds, monotonic_ms());
}

static void on_hold_ask(void *arg, unsigned n)
{
	const struct inspect_word word = { .word = INSPECT_ASKS_VAULT, .generation = n };
	say(arg, &word, sizeof(word), NULL, 0);
}

static void on_hold_verdict(void *arg, void *owner, const struct scan_result *result)
{
	struct child *child = arg;
	struct hold_result held;
	vault_answer_read(result, &held);
	inspector_held(child->inspector, owner, &held, child->now_us);
}

static void on_hold_room(void *arg, void *owner)
{
	struct child *child = arg;
	inspector_hold_room(child->inspector, owner, child->now_us);
}

static const struct inspector_scans hold_calls = { on_hold_begin, scans_bytes, scans_end,
						   scans_drop, scans_mark };

// --- files that extractors open

static bool on_apart_begin(void *arg, void *owner, const struct addr *client,
			   const struct apart_job *job)
{
	struct child *child = arg;
	return aparts_begin(child->aparts, owner, client, job, monotonic_ms());
}

static void on_apart_drop(void *arg, void *owner)
{
	struct child *child = arg;
	aparts_drop(child->aparts, owner);
}

static bool on_apart_send(void *arg, const struct inspect_word_opens *head, const void *bytes,
			  size_t size, int fd)
{
	(void)arg;
	return inspection_send(INSPECTION_SOCKET, head, sizeof(*head), bytes, size, &fd, 1) == 0;
}

static void on_apart_answer(void *arg, void *owner, const struct apart_answer *answer)
{
	struct child *child = arg;
	inspector_opened(child->inspector, owner, answer, child->now_us);
}

static const struct inspector_aparts apart_calls = { on_apart_begin, on_apart_drop };

// --- packets

static void answer(struct child *child, const struct flight *flight)
{
	const struct lane_answer said = {
		.slot = flight->slot,
		.fate = flight->fate,
		.size = flight->size,
		.bits = (flight->changed ? LANE_CHANGED : 0) | (flight->passed ? LANE_PASSED : 0) |
			(flight->liberal ? LANE_LIBERAL : 0),
	};
	lane_answer(child->lane, &said);
}

static void on_decided(void *arg, struct flight *flight)
{
	struct child *child = arg;
	if (flight == child->current)
		child->current_decided = true; // and answered when the call returns
	else
		answer(child, flight);
}

static void take_packet(struct child *child, const struct lane_task *task)
{
	struct flight *flight = &child->flights[task->slot];
	*flight = (struct flight){
		.bytes = lane_slot(child->lane, task->slot) + task->offset,
		.size = task->size,
		.room = LANE_SLOT_BYTES - task->offset,
		.mark = task->mark,
		.sums_not_ready = task->bits & LANE_SUMS_NOT_READY,
		.sums_checked = task->bits & LANE_SUMS_CHECKED,
		.gso = task->bits & LANE_GSO,
		.slot = task->slot,
	};
	child->current = flight;
	child->current_decided = false;
	inspector_packet(child->inspector, flight, child->now_us);
	child->current = NULL;
	answer(child, flight);
}

static bool take_packets(struct child *child)
{
	struct lane_task task;
	unsigned n = 0;
	while (n < TAKE_MAX && lane_take(child->lane, &task)) {
		take_packet(child, &task);
		n++;
	}
	lane_publish(child->lane);
	return n > 0;
}

// --- TLS

// Its guard's mail goes on without TLS, or not at all: that has to be seen.
static void tell_lacking(struct child *child, const char *certificate)
{
	struct inspect_word word = { .word = INSPECT_LACKS };
	const uint64_t now = monotonic_ms();
	if (child->lacked_ms && now - child->lacked_ms < LACK_MS)
		return;
	child->lacked_ms = now;
	snprintf(word.text, sizeof(word.text), "%s", certificate);
	say(child, &word, sizeof(word), NULL, 0);
}

static const struct tls_context *on_tls(void *arg, const struct engine_peer *peer,
					enum engine_side side, const char **ret_name)
{
	struct child *child = arg;
	const struct profile_tls_inspect *inspect = &peer->flow->profile->tls_inspect;
	*ret_name = NULL;
	if (side == ENGINE_CLIENT) {
		const struct tls_context *context =
			asker_server(child->asker, inspect->certificate,
				     (enum tls_version)inspect->least_client);
		if (!context)
			tell_lacking(child, inspect->certificate);
		return context;
	}
	*ret_name = profile_tls_name(inspect, &peer->server);
	const struct tls_context *context = asker_client(child->asker, *ret_name != NULL,
							 (enum tls_version)inspect->least_server);
	if (!context)
		tell_lacking(child, "");
	return context;
}

// --- the policy

static void retire(void *arg, const struct profiles *profiles)
{
	(void)profiles;
	inspect_policy_free(arg);
}

// What the policy needs of the box is told before the first mail needs it, and as long as it does.
static void tell_needs(struct child *child, uint64_t now_ms)
{
	const struct inspect_word scanner = { .word = INSPECT_ASKS };
	bool scans = false;
	child->needed_ms = now_ms;
	for (size_t i = 0; child->profiles && i < child->profiles->n; i++) {
		const struct profile *profile = child->profiles->flows[i].profile;
		const struct profile_tls_inspect *inspect = &profile->tls_inspect;
		scans |= profile->malware.in || profile->malware.out;
		if (profile->tls == PROFILE_TLS_INSPECT &&
		    !asker_server(child->asker, inspect->certificate,
				  (enum tls_version)inspect->least_client))
			tell_lacking(child, inspect->certificate);
	}
	if (scans)
		say(child, &scanner, sizeof(scanner), NULL, 0);
}

static void take_policy(struct child *child)
{
	struct inspect_policy *policy = inspect_planner_take(child->planner);
	struct inspect_word word = { .word = INSPECT_HAS };
	if (!policy)
		return;
	word.generation = policy->generation;
	word.error = policy->error;
	memcpy(word.text, policy->why, sizeof(word.text));
	if (policy->error == 0)
		word.error =
			inspector_set_profiles(child->inspector, &policy->profiles, retire, policy);
	if (word.error < 0) // what counted before counts on
		inspect_policy_free(policy);
	else
		child->profiles = &policy->profiles;
	say(child, &word, sizeof(word), NULL, 0);
	tell_needs(child, monotonic_ms());
}

static void take_certificates(struct child *child, uint32_t bits, const int *fds, size_t n_fds)
{
	int given[INSPECTION_FDS_MAX];
	size_t at = 0;
	for (int i = 0; i < INSPECTION_FDS_MAX; i++)
		given[i] = bits & 1u << i && at < n_fds ? fds[at++] : -1;
	asker_give(child->asker, given[0], given[1], given[2]);
}

static void hear_gate(struct child *child)
{
	static struct {
		struct inspect_order order;
		_Alignas(struct mail_stop) struct mail_stop stops[MAIL_STOPS_MAX];
	} heard;
	_Static_assert(offsetof(__typeof__(heard), stops) == sizeof(struct inspect_order),
		       "what follows an order");
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	int n;
	while ((n = inspection_receive(INSPECTION_SOCKET, &heard, sizeof(heard), fds, &n_fds)) >=
	       (int)sizeof(heard.order)) {
		const struct inspect_order *order = &heard.order;
		if (order->word == INSPECT_POLICY && n_fds == 2) {
			inspect_planner_put(child->planner, order->generation, fds[0], fds[1]);
			continue;
		}
		if (order->word == INSPECT_CERTIFICATES) {
			take_certificates(child, order->n, fds, n_fds);
			continue;
		}
		if (order->word == INSPECT_STOPS && order->n <= MAIL_STOPS_MAX &&
		    (size_t)n == sizeof(*order) + order->n * sizeof(heard.stops[0])) {
			memcpy(child->stops.v, heard.stops, order->n * sizeof(heard.stops[0]));
			child->stops.n = order->n;
		}
		struct scans *scans = order->word == INSPECT_SCANNER ? child->scans
				      : order->word == INSPECT_VAULT ? child->holds
								     : NULL;
		if (order->word == INSPECT_SCANNER && order->error == 0)
			child->old = order->n;
		if (scans && n_fds == 1 && order->error == 0) {
			scans_give(scans, fds[0]);
			continue;
		}
		if (order->word == INSPECT_OPENED && n_fds <= 1) {
			aparts_take(child->aparts, order->generation, order->error,
				    n_fds ? fds[0] : -1, order->n);
			continue;
		}
		if (order->word == INSPECT_PORTER && n_fds == 1) {
			pipes_give_porter(child->pipes, fds[0]);
			continue;
		}
		if (scans && order->error < 0)
			scans_refuse(scans, order->error);
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
	}
	if (n != -EAGAIN)
		child->ends = true;
}

// --- the loop

// Whoever is refused memory would lose one connection after the other, and the next policy; another
// process has all that the limit allows.
static void look_at_memory(struct child *child)
{
	static const struct inspect_word word = { .word = INSPECT_HAS,
						  .error = -ENOMEM,
						  .text = "it ran out of memory" };
	void *spare = mmap(NULL, SPARE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (spare != MAP_FAILED) {
		munmap(spare, SPARE_BYTES);
		return;
	}
	say(child, &word, sizeof(word), NULL, 0);
	child->ends = true;
}

static void look_at_clock(struct child *child)
{
	uint64_t now = monotonic_ms();
	child->now_us = wall_us();
	if (now - child->ticked_ms >= INSPECT_TICK_MS) {
		child->ticked_ms = now;
		inspector_tick(child->inspector, child->now_us);
		pipes_tick(child->pipes, now);
		aparts_look(child->aparts, now);
		look_at_memory(child);
		if (now - child->needed_ms >= NEED_MS)
			tell_needs(child, now);
	}
	if (now - child->told_ms >= TELL_MS) {
		child->told_ms = now;
		tell_numbers(child);
	}
}

static bool work_pipes(struct child *child)
{
	inspector_clock(child->inspector, child->now_us);
	return pipes_work(child->pipes, monotonic_ms());
}

static bool may_sleep(const struct child *child)
{
	return !pipes_are_busy(child->pipes) && lane_may_sleep(child->lane);
}

static void hear(struct child *child, int wait_ms)
{
	struct pollfd fds[4 + 2 * SCANS_POLL_MAX] = {
		{ .fd = INSPECT_HEARS, .events = POLLIN },
		{ .fd = INSPECTION_SOCKET, .events = POLLIN },
		{ .fd = inspect_planner_fd(child->planner), .events = POLLIN },
		{ .fd = pipes_fd(child->pipes), .events = POLLIN },
	};
	size_t n = 4 + scans_poll(child->scans, fds + 4);
	n += scans_poll(child->holds, fds + n);
	if (poll(fds, n, wait_ms) < 0 && errno != EINTR)
		_exit(EXIT_FAILED);
	child->heard_us = child->now_us;
	lane_wake(child->lane);
	if (fds[0].revents)
		lane_still(child->lane);
	if (fds[1].revents)
		hear_gate(child);
	if (fds[2].revents)
		take_policy(child);
	if (fds[3].revents && !pipes_count(child->pipes))
		work_pipes(child); // the first of them
	scans_look(child->scans, monotonic_ms());
	scans_look(child->holds, monotonic_ms());
}

static void serve(struct child *child)
{
	while (!child->ends) {
		look_at_clock(child);
		bool busy = take_packets(child);
		if (pipes_count(child->pipes))
			busy = work_pipes(child) || busy;
		if (!linger(&child->linger, busy))
			hear(child, may_sleep(child) ? INSPECT_TICK_MS : 0);
		else if (child->now_us - child->heard_us > HEAR_US)
			hear(child, 0);
	}
}

// --- start

// Tables that are files, which cannot be opened later.  Without them names in old encodings, or
// kinds of files that are rare, are not known, and count as such; mail is inspected all the same.
static void load_tables(void)
{
	int r = mime_load_charsets();
	if (r < 0)
		fprintf(stderr, "sekishod: an inspector reads names of files in UTF-8 only: %s\n",
			strerror(-r));
	r = unpack_load();
	if (r < 0)
		fprintf(stderr, "sekishod: an inspector knows common kinds of files only: %s\n",
			strerror(-r));
	if (!habit_domain_ready())
		fputs("sekishod: libpsl has no list of public suffixes: links and senders are "
		      "compared by their last two labels\n",
		      stderr);
}

uint32_t inspect_pairs(uint32_t *ret_files)
{
	struct rlimit limit;
	uint32_t files = INSPECT_FILES + 2 * PIPES_PAIRS_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < files)
		files = (uint32_t)limit.rlim_max;
	*ret_files = files;
	return files > INSPECT_FILES ? (files - INSPECT_FILES) / 2 : 0;
}

static int start(struct child *child)
{
	struct pipes_options pipes = { .memory_max = (uint64_t)PIPES_MEMORY_MIB << 20,
				       .trouble = on_trouble,
				       .tls = on_tls,
				       .arg = child };
	struct inspector_options options = {
		.connections_max = INSPECT_CONNECTIONS_MAX,
		.memory_max = (uint64_t)INSPECT_MEMORY_MIB << 20,
		.held_max = LANE_HELD_MAX,
		.decided = on_decided,
		.record = on_record,
		.trouble = on_trouble,
		.stops = &child->stops,
		.scans = &scan_calls,
		.holds = &hold_calls,
		.aparts = &apart_calls,
		.arg = child,
	};
	static struct inspect_hello hello;
	const struct scans_options holds = {
		.words = &vault_words,
		.ask = on_hold_ask,
		.verdict = on_hold_verdict,
		.room = on_hold_room,
		.arg = child,
	};
	uint32_t files;
	uint64_t secret;
	int fds[INSPECTION_FDS_MAX];
	size_t n_fds;
	int r = inspection_await(INSPECTION_SOCKET, &hello, sizeof(hello), fds, &n_fds);
	if (r != (int)sizeof(hello) || hello.order.word != INSPECT_HELLO || n_fds ||
	    hello.icap[sizeof(hello.icap) - 1])
		return -EBADMSG;
	tzset();		 // reads a file, which is not possible later
	mallopt(M_ARENA_MAX, 1); // each would take room from the limit of memory
	// What a connection keeps of its stream goes from one to the next: taken from the kernel
	// anew each time, its pages cost a tenth of the time of a large message.
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
	load_tables();
	pipes.pairs_max = inspect_pairs(&files);
	pipes.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (pipes.epoll < 0)
		return -errno;
	r = asker_new(&child->asker);
	if (r == 0)
		r = lane_open(INSPECT_LANE, INSPECT_RINGS, INSPECT_HEARS, false, &child->lane);
	if (r == 0)
		r = sandbox_become_inspector(hello.order.uid, hello.order.gid);
	if (r == 0)
		r = inspect_planner_start(&child->planner);
	if (r == 0)
		r = sandbox_seal_inspector(files);
	// Before any packet, and with bytes that strangers cannot know.
	if (r == 0 && getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
		r = -errno;
	if (r == 0)
		r = source_limits_new(INSPECT_SOURCES, secret, &options.limits);
	const struct scans_options scans = { .words = *hello.icap ? &icap_words : &clamd_words,
					     .service = hello.icap,
					     .ask = on_scan_ask,
					     .verdict = on_scan_verdict,
					     .room = on_scan_room,
					     .arg = child };
	if (r == 0)
		r = scans_new(&scans, &child->scans);
	const struct aparts_options aparts = { on_apart_send, on_apart_answer, child };
	if (r == 0)
		r = aparts_new(&aparts, &child->aparts);
	if (r == 0)
		r = scans_new(&holds, &child->holds);
	if (r == 0)
		r = inspector_new(&options, &child->inspector);
	if (r < 0)
		return r;
	pipes.sessions = inspector_sessions(child->inspector);
	return pipes_new(&pipes, &child->pipes);
}

int inspect_main(void)
{
	static struct child child;
	struct inspect_word word = { .word = INSPECT_READY };
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	word.error = start(&child);
	if (word.error < 0)
		snprintf(word.text, sizeof(word.text), "it cannot start: %s",
			 strerror(-word.error));
	say(&child, &word, sizeof(word), NULL, 0);
	if (word.error < 0)
		return EXIT_FAILED;
	serve(&child);
	return EXIT_FINE;
}
