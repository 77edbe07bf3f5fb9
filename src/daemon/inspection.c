#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/certificates.h"
#include "daemon/countries.h"
#include "daemon/differ.h"
#include "daemon/ferry.h"
#include "daemon/inspect_child.h"
#include "daemon/inspection_private.h"
#include "daemon/lane.h"
#include "daemon/mass.h"
#include "daemon/scanner.h"
#include "daemon/vault.h"

enum {
	TICK_MS = 100,
	NAP_USEC = 20 * 1000, // between two looks at what an inspector at work says
};

static bool has_guards(const struct ruleset *ruleset)
{
	for (size_t i = 0; ruleset && i < ruleset->n_stmts; i++)
		if (ruleset->stmts[i].kind == RS_QUEUE || ruleset->stmts[i].kind == RS_TPROXY)
			return true;
	return false;
}

static void fail(struct inspection *inspection, int error, const char *what)
{
	snprintf(inspection->why, sizeof(inspection->why), "%s: %s", what, strerror(-error));
}

static int listen_to(struct inspection *inspection, struct inspection_child *child,
		     sd_event_io_handler_t handler, void *arg)
{
	child->started_ms = child->heard_ms = monotonic_ms();
	child->ready = false;
	int r = sd_event_add_io(inspection->event, &child->readable, child->socket, EPOLLIN,
				handler, arg);
	return r < 0 ? r : 0;
}

// --- inspectors

static void close_lane(struct inspector_post *post)
{
	int *const fds[] = { &post->lane, &post->bell, &post->ferry_bell };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static void tell_ferry(struct inspection *inspection, struct inspector_post *post,
		       enum ferry_order_word word, const int *fds, size_t n_fds)
{
	const struct ferry_order order = {
		.word = word,
		.index = (uint32_t)(post - inspection->posts),
		.serial = post->serial,
	};
	// A ferry that hears nothing is soon found to be silent.
	if (inspection->ferry.pid)
		inspection_send(inspection->ferry.socket, &order, sizeof(order), NULL, 0, fds,
				n_fds);
}

void inspection_end_inspector(struct inspector_post *post, const char *why)
{
	struct inspection *inspection = post->inspection;
	if (!post->child.pid)
		return;
	inspection_porter_part(post);
	if (post->at_work)
		tell_ferry(inspection, post, FERRY_END_LANE, NULL, 0);
	inspection_child_end(&post->child);
	inspection_apart_forget(post);
	close_lane(post);
	post->at_work = false;
	post->generation = 0;
	inspection_add_numbers(&post->before, &post->numbers);
	post->numbers = (struct inspector_numbers){ 0 };
	post->lost_before += post->lost;
	post->lost = 0;
	if (!why)
		return;
	post->child.restarts++;
	inspection_tell_restart(inspection, "an inspector", post->child.restarts, why);
}

// Its lane becomes the ferry's business once it knows what to inspect for.
static void put_to_work(struct inspector_post *post)
{
	struct inspection *inspection = post->inspection;
	const int fds[] = { post->lane, post->bell, post->ferry_bell };
	if (post->at_work || !post->generation || !inspection->ferry.ready)
		return;
	tell_ferry(inspection, post, FERRY_LANE, fds, 3);
	close_lane(post);
	post->at_work = true;
	inspection_porter_meet(post);
}

static void send_policy(struct inspector_post *post)
{
	struct inspection *inspection = post->inspection;
	const struct inspect_order order = { .word = INSPECT_POLICY,
					     .generation = inspection->generation };
	const int fds[] = { inspection->snapshot, inspection->countries };
	if (inspection->snapshot >= 0 &&
	    inspection_send(post->child.socket, &order, sizeof(order), NULL, 0, fds, 2) < 0)
		inspection_end_inspector(post, "it does not hear");
}

static void send_stops(struct inspector_post *post)
{
	const struct mail_stops *stops = post->inspection->stops;
	const struct inspect_order order = { .word = INSPECT_STOPS,
					     .n = stops ? (uint32_t)stops->n : 0 };

	post->stops_due =
		stops && inspection_send(post->child.socket, &order, sizeof(order), stops->v,
					 stops->n * sizeof(stops->v[0]), NULL, 0) < 0;
}

static void take_word(struct inspector_post *post, const struct inspect_word *word)
{
	struct inspection *inspection = post->inspection;
	if (word->error < 0) {
		snprintf(inspection->why, sizeof(inspection->why), "an inspector: %s", word->text);
		inspection_end_inspector(post, inspection->why);
	} else if (word->word == INSPECT_READY) {
		post->child.ready = true;
		send_stops(post); // before its lane, which waits for what it says of the policy
		certificates_give(inspection->gate, (unsigned)(post - inspection->posts),
				  post->child.socket);
		send_policy(post);
	} else {
		post->generation = word->generation;
		if (word->generation == inspection->generation)
			inspection->why[0] = '\0';
		put_to_work(post);
	}
}

// An inspector makes no descriptors itself.  One that hears nothing is soon found to be silent.
static void connect_to(struct inspector_post *post, enum inspect_order_word whom, uint64_t n)
{
	struct gate *gate = post->inspection->gate;
	if (whom == INSPECT_SCANNER)
		scanner_is_needed(gate);
	for (uint64_t i = 0; i < n && i < INSPECTION_ASK_MAX; i++) {
		struct inspect_order order = { .word = whom };
		int fd = -1;
		order.error = whom == INSPECT_VAULT ? vault_connect(gate, &fd)
						    : scanner_connect(gate, &fd);
		order.n = whom == INSPECT_SCANNER && scanner_is_old(gate);
		inspection_send(post->child.socket, &order, sizeof(order), NULL, 0, &fd,
				order.error == 0);
		if (fd >= 0)
			close(fd);
	}
}

// One message of an inspector, of any bytes: false when it makes no sense.
static bool take_message(struct inspector_post *post, const void *bytes, size_t size,
			 const int *fds, size_t n_fds)
{
	struct inspection *inspection = post->inspection;
	union {
		uint32_t word;
		struct inspect_word plain;
		struct inspect_word_numbers numbers;
		struct inspect_word_trouble trouble;
		struct inspect_word_mass mass;
		struct inspect_word_record record;
		struct inspect_word_opens opens;
	} head = { 0 };
	memcpy(&head, bytes, size < sizeof(head) ? size : sizeof(head));
	switch (head.word) {
	case INSPECT_READY:
	case INSPECT_HAS:
		if (size != sizeof(head.plain))
			return false;
		head.plain.text[sizeof(head.plain.text) - 1] = '\0';
		take_word(post, &head.plain);
		return true;
	case INSPECT_ASKS:
	case INSPECT_ASKS_VAULT:
	case INSPECT_LACKS:
		if (size != sizeof(head.plain))
			return false;
		if (head.word == INSPECT_LACKS)
			certificates_lack(inspection->gate, (unsigned)(post - inspection->posts),
					  post->child.socket, head.plain.text);
		else
			connect_to(post,
				   head.word == INSPECT_ASKS ? INSPECT_SCANNER : INSPECT_VAULT,
				   head.plain.generation);
		return true;
	case INSPECT_NUMBERS:
		if (size != sizeof(head.numbers))
			return false;
		post->numbers = head.numbers.numbers;
		post->lost = head.numbers.lost;
		return true;
	case INSPECT_TROUBLE:
		if (size != sizeof(head.trouble))
			return false;
		inspection_tell_trouble(inspection, &head.trouble);
		return true;
	case INSPECT_OPENS:
		return size > sizeof(head.opens) &&
		       inspection_apart_take(post, &head.opens,
					     (const char *)bytes + sizeof(head.opens),
					     size - sizeof(head.opens), fds, n_fds);
	case INSPECT_MASS:
		return size == sizeof(head.mass) && mass_take(inspection->gate, &head.mass);
	case INSPECT_RECORD:
		if (size - sizeof(head.record) != head.record.size)
			return false;
		if (inspection->taker)
			inspection->taker(inspection->taker_arg,
					  (const uint8_t *)bytes + sizeof(head.record),
					  head.record.size);
		return true;
	default:
		return false;
	}
}

enum { MESSAGES_MAX = 256 }; // of one inspector in a row

// Thousands of records a second, each waking this process, took a sixth of the processors' time
// from the mail itself: records come together.
static void nap(struct inspector_post *post)
{
	struct inspection *inspection = post->inspection;
	if (!post->child.readable ||
	    sd_event_source_set_enabled(post->child.readable, SD_EVENT_OFF) < 0)
		return;
	if (sd_event_source_set_time_relative(inspection->nap, NAP_USEC) < 0 ||
	    sd_event_source_set_enabled(inspection->nap, SD_EVENT_ONESHOT) < 0)
		sd_event_source_set_enabled(post->child.readable, SD_EVENT_ON);
}

static int on_nap_over(sd_event_source *source, uint64_t usec, void *arg)
{
	struct inspection *inspection = arg;
	(void)source;
	(void)usec;
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].child.readable)
			sd_event_source_set_enabled(inspection->posts[i].child.readable,
						    SD_EVENT_ON);
	return 0;
}

static int on_inspector(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	static uint8_t bytes[INSPECTION_MESSAGE_MAX];
	struct inspector_post *post = arg;
	char how[INSPECTION_TEXT_MAX];
	int fds[INSPECTION_FDS_MAX], n = -EAGAIN;
	size_t n_fds;
	(void)source;
	(void)fd;
	(void)events;
	for (unsigned i = 0; i < MESSAGES_MAX && post->child.pid; i++) {
		n = inspection_receive(post->child.socket, bytes, sizeof(bytes), fds, &n_fds);
		if (n <= 0)
			break;
		post->child.heard_ms = monotonic_ms();
		bool sound = (size_t)n >= sizeof(uint32_t) &&
			     take_message(post, bytes, (size_t)n, fds, n_fds);
		for (size_t k = 0; k < n_fds; k++)
			close(fds[k]);
		if (!sound)
			inspection_end_inspector(post, "what it said made no sense");
	}
	if (post->child.pid && n <= 0 && n != -EAGAIN)
		inspection_end_inspector(post, inspection_child_how(&post->child, how));
	else if (post->at_work && n == -EAGAIN)
		nap(post);
	return 0;
}

static int make_lane(struct inspector_post *post)
{
	int r = lane_make(&post->lane);
	if (r < 0)
		return r;
	post->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	post->ferry_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return post->bell < 0 || post->ferry_bell < 0 ? -errno : 0;
}

static void start_inspector(struct inspector_post *post)
{
	struct inspection *inspection = post->inspection;
	const struct gate_options *options = inspection->gate->options;
	struct inspect_hello hello = { .order = { .word = INSPECT_HELLO,
						  .uid = options->inspector_uid,
						  .gid = options->inspector_gid } };
	int r = make_lane(post);
	if (options->scanner.icap)
		snprintf(hello.icap, sizeof(hello.icap), "%s", options->scanner.icap);
	if (r == 0) {
		const int fds[] = { post->lane, post->ferry_bell, post->bell };
		r = inspection_spawn(INSPECT_ARGUMENT, fds, 3, &post->child.pid,
				     &post->child.socket);
	}
	if (r < 0) {
		close_lane(post);
		post->child.ended_ms = monotonic_ms();
		fail(inspection, r, "an inspector");
		return;
	}
	post->serial = ++inspection->serials;
	r = listen_to(inspection, &post->child, on_inspector, post);
	if (r == 0)
		r = inspection_send(post->child.socket, &hello, sizeof(hello), NULL, 0, NULL, 0);
	if (r < 0)
		inspection_end_inspector(post, "it does not hear");
}

// --- the ferry

static void end_ferry(struct inspection *inspection, const char *why)
{
	if (!inspection->ferry.pid)
		return;
	inspection_child_end(&inspection->ferry);
	// Nobody knows any more which packets they have.
	for (uint32_t i = 0; i < inspection->n; i++)
		inspection_end_inspector(&inspection->posts[i], NULL);
	const uint64_t *more = (const uint64_t *)&inspection->numbers;
	uint64_t *sum = (uint64_t *)&inspection->numbers_before;
	for (size_t i = 0; i < sizeof(inspection->numbers) / sizeof(*sum); i++)
		sum[i] += more[i];
	inspection->numbers = (struct ferry_numbers){ 0 };
	inspection->numbers_before.held = 0;
	if (!why)
		return;
	inspection->ferry.restarts++;
	inspection_tell_restart(inspection, "the ferry", inspection->ferry.restarts, why);
}

static void take_fault(struct inspection *inspection, const struct ferry_word *word)
{
	struct inspector_post *post;
	if (word->index >= inspection->n)
		return;
	post = &inspection->posts[word->index];
	if (post->serial == word->serial && post->at_work) {
		post->at_work = false; // the ferry knows
		inspection_end_inspector(post, word->text);
	}
}

static void take_ferry_word(struct inspection *inspection, const struct ferry_word *word)
{
	inspection->numbers = word->numbers;
	if (word->word == FERRY_FAULT) {
		take_fault(inspection, word);
	} else if (word->word == FERRY_READY && word->error < 0) {
		fail(inspection, word->error,
		     word->error == -EBUSY ? "the queue of inspected packets has another listener"
					   : "the ferry cannot start");
		end_ferry(inspection, inspection->why);
	} else if (word->word == FERRY_READY) {
		inspection->ferry.ready = true;
		for (uint32_t i = 0; i < inspection->n; i++)
			put_to_work(&inspection->posts[i]);
	}
}

static int on_ferry(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct inspection *inspection = arg;
	struct inspection_child *ferry = &inspection->ferry;
	int fds[INSPECTION_FDS_MAX], n = -EAGAIN;
	struct ferry_word word;
	char how[INSPECTION_TEXT_MAX];
	size_t n_fds;
	(void)source;
	(void)fd;
	(void)events;
	while (ferry->pid && (n = inspection_receive(ferry->socket, &word, sizeof(word), fds,
						     &n_fds)) == (int)sizeof(word)) {
		ferry->heard_ms = monotonic_ms();
		word.text[sizeof(word.text) - 1] = '\0';
		take_ferry_word(inspection, &word);
	}
	if (ferry->pid && n != -EAGAIN && n != (int)sizeof(word))
		end_ferry(inspection, inspection_child_how(ferry, how));
	return 0;
}

static void start_ferry(struct inspection *inspection)
{
	const struct gate_options *options = inspection->gate->options;
	const struct ferry_order hello = {
		.word = FERRY_HELLO,
		.uid = options->ferry_uid,
		.gid = options->ferry_gid,
		.n = inspection->n,
	};
	struct inspection_child *ferry = &inspection->ferry;
	int r = inspection_spawn(FERRY_ARGUMENT, NULL, 0, &ferry->pid, &ferry->socket);
	if (r < 0) {
		ferry->ended_ms = monotonic_ms();
		fail(inspection, r, "the ferry");
		return;
	}
	r = listen_to(inspection, ferry, on_ferry, inspection);
	if (r == 0)
		r = inspection_send(ferry->socket, &hello, sizeof(hello), NULL, 0, NULL, 0);
	if (r < 0)
		end_ferry(inspection, "it does not hear");
}

// --- the policy

static void forget_policy(struct inspection *inspection)
{
	if (inspection->snapshot >= 0)
		close(inspection->snapshot);
	if (inspection->countries >= 0)
		close(inspection->countries);
	inspection->snapshot = inspection->countries = -1;
	inspection->generation = 0;
}

static int take_policy(struct inspection *inspection, uint64_t generation)
{
	struct failure failure;
	int snapshot, countries;
	int r = differ_snapshot_generation(inspection->gate, generation, &failure, &snapshot);
	if (r < 0) {
		snprintf(inspection->why, sizeof(inspection->why), "%.150s", failure.text);
		return r;
	}
	r = countries_running(inspection->gate, &countries);
	if (r < 0) {
		close(snapshot);
		fail(inspection, r, "the table of countries");
		return r;
	}
	forget_policy(inspection);
	inspection->snapshot = snapshot;
	inspection->countries = countries;
	inspection->generation = generation;
	inspection->stale = false;
	return 0;
}

bool inspection_may_start(const struct inspection_child *child, uint64_t now_ms)
{
	// At once after a long life; a row of short ones makes longer pauses.
	uint64_t pause_ms = child->short_lives ? 50ULL << child->short_lives : 0;
	if (pause_ms > INSPECTION_PAUSE_MS)
		pause_ms = INSPECTION_PAUSE_MS;
	return !child->pid && (!child->ended_ms || now_ms - child->ended_ms >= pause_ms);
}

static void start_missing(struct inspection *inspection, uint64_t now_ms)
{
	if (inspection->snapshot < 0)
		return;
	if (inspection_may_start(&inspection->ferry, now_ms))
		start_ferry(inspection);
	for (uint32_t i = 0; inspection->ferry.pid && i < inspection->n; i++)
		if (inspection_may_start(&inspection->posts[i].child, now_ms))
			start_inspector(&inspection->posts[i]);
}

static void give_policy(struct inspection *inspection)
{
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].child.ready)
			send_policy(&inspection->posts[i]);
}

static bool all_know(const struct inspection *inspection)
{
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].generation != inspection->generation ||
		    !inspection->posts[i].at_work)
			return false;
	return inspection->ferry.ready && inspection_porter_is_ready(inspection);
}

// Hears all of them, and waits for that a little while.
static void hear_all(struct inspection *inspection, int wait_ms)
{
	struct pollfd fds[INSPECTION_INSPECTORS_MAX + 2];
	nfds_t n = 0;
	if (inspection->porter.child.pid)
		fds[n++] =
			(struct pollfd){ .fd = inspection->porter.child.socket, .events = POLLIN };
	if (inspection->ferry.pid)
		fds[n++] = (struct pollfd){ .fd = inspection->ferry.socket, .events = POLLIN };
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].child.pid)
			fds[n++] = (struct pollfd){ .fd = inspection->posts[i].child.socket,
						    .events = POLLIN };
	if (poll(fds, n, wait_ms) <= 0)
		return;
	inspection_porter_hear(inspection);
	if (inspection->ferry.pid)
		on_ferry(NULL, -1, 0, inspection);
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].child.pid)
			on_inspector(NULL, -1, 0, &inspection->posts[i]);
}

static void await_all(struct inspection *inspection)
{
	uint64_t now = monotonic_ms(), until = now + INSPECTION_PREPARE_MS;
	while (!all_know(inspection) && now < until) {
		start_missing(inspection, now);
		hear_all(inspection, TICK_MS);
		now = monotonic_ms();
	}
	// Whoever does not know the new policy must not go on by the old one.
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].generation &&
		    inspection->posts[i].generation != inspection->generation)
			inspection_end_inspector(&inspection->posts[i],
						 "it did not take the new policy");
}

void inspection_prepare(struct gate *gate, const struct ruleset *next)
{
	struct inspection *inspection = gate->inspection;
	if (!inspection || !has_guards(next))
		return;
	inspection->wanted = true;
	if (take_policy(inspection, next->generation) < 0)
		return;
	give_policy(inspection);
	if (inspection_has_proxies(next))
		inspection_porter_prepare(inspection);
	await_all(inspection);
}

void inspection_refresh(struct gate *gate)
{
	if (gate->inspection)
		gate->inspection->stale = true;
}

// --- looking after them

static void look_for_silence(struct inspection *inspection, uint64_t now)
{
	struct inspection_child *ferry = &inspection->ferry;
	uint64_t patience = ferry->ready ? INSPECTION_SILENT_MS : INSPECTION_START_MS;
	if (ferry->pid && now - ferry->heard_ms > patience)
		end_ferry(inspection, "it was silent");
	for (uint32_t i = 0; i < inspection->n; i++) {
		struct inspector_post *post = &inspection->posts[i];
		if (!post->child.pid)
			continue;
		if (post->generation != inspection->generation &&
		    now - post->child.started_ms > INSPECTION_START_MS && !post->generation)
			inspection_end_inspector(post, "it did not take the policy");
		else if (post->at_work && now - post->child.heard_ms > INSPECTION_SILENT_MS)
			inspection_end_inspector(post, "it was silent");
	}
}

static void follow(struct inspection *inspection)
{
	const struct gate *gate = inspection->gate;
	const struct ruleset *ruleset = gate->current.report.ruleset;
	inspection->wanted = gate->current.about.number && has_guards(ruleset);
	inspection_porter_follow(inspection, inspection->wanted && inspection_has_proxies(ruleset),
				 monotonic_ms());
	if (!inspection->wanted) {
		end_ferry(inspection, NULL);
		forget_policy(inspection);
		inspection->why[0] = '\0';
		return;
	}
	if ((inspection->generation != ruleset->generation || inspection->stale) &&
	    take_policy(inspection, ruleset->generation) == 0)
		give_policy(inspection);
	start_missing(inspection, monotonic_ms());
}

static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct inspection *inspection = arg;
	uint64_t now;
	(void)usec;
	// What they said while this process was busy is heard before they are called silent.
	hear_all(inspection, 0);
	now = monotonic_ms();
	look_for_silence(inspection, now);
	follow(inspection);
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].child.pid && inspection->posts[i].stops_due)
			send_stops(&inspection->posts[i]);
	inspection_look(inspection, now);
	sd_event_source_set_time_relative(source, TICK_MS * 1000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// --- the whole

int inspection_open(struct gate *gate, sd_event *event)
{
	struct inspection *inspection = calloc(1, sizeof(*inspection));
	if (!inspection)
		return -ENOMEM;
	*inspection = (struct inspection){
		.gate = gate,
		.event = event,
		.ferry = { .socket = -1 },
		.n = gate->options->inspectors,
		.snapshot = -1,
		.countries = -1,
	};
	inspection_porter_init(inspection);
	for (uint32_t i = 0; i < INSPECTION_INSPECTORS_MAX; i++) {
		struct inspector_post *post = &inspection->posts[i];
		post->inspection = inspection;
		post->child.socket = post->lane = post->bell = post->ferry_bell = -1;
	}
	int r = sd_event_add_time_relative(event, &inspection->timer, CLOCK_MONOTONIC, 0, 0,
					   on_tick, inspection);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &inspection->nap, CLOCK_MONOTONIC, NAP_USEC,
					       0, on_nap_over, inspection);
	if (r < 0) {
		sd_event_source_disable_unref(inspection->timer);
		free(inspection);
		return r;
	}
	gate->inspection = inspection;
	return 0;
}

void inspection_close(struct gate *gate)
{
	struct inspection *inspection = gate->inspection;
	if (!inspection)
		return;
	sd_event_source_disable_unref(inspection->timer);
	hear_all(inspection, 0); // what they have said until now, which may want a nap
	inspection_porter_end(inspection, NULL);
	end_ferry(inspection, NULL);
	sd_event_source_disable_unref(inspection->nap);
	forget_policy(inspection);
	free(inspection);
	gate->inspection = NULL;
}

void inspection_give_stops(struct gate *gate, const struct mail_stops *stops)
{
	struct inspection *inspection = gate->inspection;
	if (!inspection)
		return;
	inspection->stops = stops;
	for (uint32_t i = 0; i < inspection->n; i++)
		if (inspection->posts[i].child.ready)
			send_stops(&inspection->posts[i]);
}

void inspection_give_records(struct gate *gate, inspection_taker *taker, void *arg)
{
	if (!gate->inspection)
		return;
	gate->inspection->taker = taker;
	gate->inspection->taker_arg = arg;
}
