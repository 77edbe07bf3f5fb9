// What is told of inspection: events, the problem and the numbers of the status.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "compile/compile.h"
#include "daemon/inspection_private.h"

enum { TROUBLES_RATE = 10, DROPS_TOLD_MS = 10 * 1000, MISSING_MS = 1500 };

void inspection_add_numbers(struct inspector_numbers *sum, const struct inspector_numbers *more)
{
	sum->packets += more->packets;
	sum->accepted += more->accepted;
	sum->changed += more->changed;
	sum->dropped += more->dropped;
	sum->held += more->held;
	sum->connections_made += more->connections_made;
	sum->connections_refused += more->connections_refused;
	sum->released += more->released;
	sum->ended += more->ended;
}

static struct inspector_numbers sum_of(const struct inspection *inspection)
{
	struct inspector_numbers sum = { 0 };
	for (uint32_t i = 0; i < inspection->n; i++) {
		const struct inspector_post *post = &inspection->posts[i];
		inspection_add_numbers(&sum, &post->before);
		inspection_add_numbers(&sum, &post->numbers);
		sum.connections += post->numbers.connections;
		sum.bytes += post->numbers.bytes;
	}
	return sum;
}

void inspection_tell_restart(struct inspection *inspection, const char *who, uint64_t restarts,
			     const char *why)
{
	struct event event;
	event_init(&event, EVENT_INSPECTION_RESTARTED, journal_now_usec());
	event_text(&event, EVENT_NAME, who);
	event_text(&event, EVENT_MESSAGE, why);
	event_number(&event, EVENT_COUNT, restarts);
	journal_write(inspection->gate->journal, &event);
}

// Strangers' files end extractors as often as strangers like.
void inspection_tell_extractor(struct inspection *inspection, const char *why)
{
	inspection->extractors_failed++;
	if (!inspection->troubles_left)
		return;
	inspection->troubles_left--;
	inspection_tell_restart(inspection, "an extractor", inspection->extractors_failed, why);
}

// Words and addresses of a process that reads what strangers send.
static bool is_clean(const char *text, size_t size)
{
	size_t n = strnlen(text, size);
	for (size_t i = 0; i < n; i++)
		if (text[i] < '!' || text[i] > '~')
			return false;
	return n < size;
}

static bool is_addr(const struct addr *addr)
{
	return (addr->family == ADDR_V4 && addr->bits <= addr_max(ADDR_V4)) ||
	       addr->family == ADDR_V6;
}

static void write_trouble(struct inspection *inspection, const struct inspect_word_trouble *word)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	struct event event;
	event_init(&event, EVENT_INSPECTION_TROUBLE, journal_now_usec());
	event_text(&event, EVENT_NAME, word->trouble);
	event_text(&event, EVENT_FLOW, word->flow);
	if (is_addr(&word->client) && is_addr(&word->server)) {
		event_text(&event, EVENT_SOURCE, addr_text(&word->client, source));
		event_text(&event, EVENT_DESTINATION, addr_text(&word->server, destination));
		event_number(&event, EVENT_SOURCE_PORT, word->client_port & 0xffff);
		event_number(&event, EVENT_DESTINATION_PORT, word->server_port & 0xffff);
	}
	journal_write(inspection->gate->journal, &event);
}

void inspection_tell_trouble(struct inspection *inspection, const struct inspect_word_trouble *word)
{
	inspection->troubles++;
	if (!is_clean(word->trouble, sizeof(word->trouble)) ||
	    !is_clean(word->flow, sizeof(word->flow)) || !inspection->troubles_left) {
		inspection->troubles_untold++;
		return;
	}
	inspection->troubles_left--;
	write_trouble(inspection, word);
}

static void look_at_troubles(struct inspection *inspection, uint64_t now_ms)
{
	struct event event;
	if (now_ms - inspection->troubles_ms < 1000)
		return;
	inspection->troubles_ms = now_ms;
	inspection->troubles_left = TROUBLES_RATE;
	if (!inspection->troubles_untold)
		return;
	event_init(&event, EVENT_INSPECTION_TROUBLE, journal_now_usec());
	event_number(&event, EVENT_COUNT, inspection->troubles_untold);
	inspection->troubles_untold = 0;
	journal_write(inspection->gate->journal, &event);
}

// --- queues

static uint64_t grown(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now; // another listener counts from zero
}

static uint64_t look_at_queue(uint16_t number, struct queue_state *state)
{
	struct queue_state now;
	uint64_t dropped;
	if (queue_state(number, &now) < 0)
		return 0;
	dropped = grown(state->dropped, now.dropped) + grown(state->user_dropped, now.user_dropped);
	*state = now;
	return dropped;
}

static void tell_dropped(struct inspection *inspection, uint64_t now_ms)
{
	struct event event;
	uint64_t untold = inspection->dropped - inspection->dropped_told;
	if (!untold || now_ms - inspection->told_ms < DROPS_TOLD_MS)
		return;
	inspection->told_ms = now_ms;
	inspection->dropped_told = inspection->dropped;
	event_init(&event, EVENT_INSPECTION_FULL, journal_now_usec());
	event_number(&event, EVENT_COUNT, untold);
	journal_write(inspection->gate->journal, &event);
}

static const char *missing(const struct inspection *inspection, uint64_t now_ms)
{
	const struct inspection_child *ferry = &inspection->ferry;
	if (!ferry->ready &&
	    now_ms - (ferry->pid ? ferry->started_ms : ferry->ended_ms) > MISSING_MS)
		return "the ferry is not at work";
	for (uint32_t i = 0; i < inspection->n; i++) {
		const struct inspection_child *child = &inspection->posts[i].child;
		if (!inspection->posts[i].at_work &&
		    now_ms - (child->pid ? child->started_ms : child->ended_ms) > MISSING_MS)
			return "an inspector is not at work";
	}
	return inspection_porter_lacks(inspection, now_ms, MISSING_MS);
}

static void set_problem(struct inspection *inspection, uint64_t now_ms)
{
	struct gate *gate = inspection->gate;
	const char *what = inspection->wanted ? missing(inspection, now_ms) : NULL;
	char text[400] = "";
	if (what) {
		snprintf(text, sizeof(text), "%s, so what has a guard does not pass%s%s", what,
			 inspection->why[0] ? ": " : "", inspection->why);
		gate_show_problem(gate, GATE_INSPECTION, SK_INSPECTION_FAILED, text);
		return;
	}
	if (inspection->full_ms && now_ms - inspection->full_ms < INSPECTION_ALARM_MS)
		snprintf(text, sizeof(text),
			 "the queue of inspected packets was full; %" PRIu64
			 " packets were dropped since the daemon began",
			 inspection->dropped);
	gate_show_problem(gate, GATE_INSPECTION, SK_INSPECTION_FULL, text);
}

void inspection_look(struct inspection *inspection, uint64_t now_ms)
{
	uint64_t dropped = 0;
	if (inspection->ferry.ready)
		dropped = look_at_queue(QUEUE_FIRST, &inspection->queue) +
			  look_at_queue(QUEUE_HELD, &inspection->held);
	inspection->dropped += dropped;
	if (dropped)
		inspection->full_ms = now_ms;
	tell_dropped(inspection, now_ms);
	look_at_troubles(inspection, now_ms);
	set_problem(inspection, now_ms);
}

// --- the status

void inspection_put_status(const struct gate *gate, struct control_writer *reply)
{
	const struct inspection *inspection = gate->inspection;
	struct inspector_numbers sum;
	uint64_t restarts, at_work = 0, lost = 0;
	if (!inspection || !inspection->wanted)
		return;
	sum = sum_of(inspection);
	restarts = inspection->ferry.restarts + inspection->porter.child.restarts;
	for (uint32_t i = 0; i < inspection->n; i++) {
		restarts += inspection->posts[i].child.restarts;
		at_work += inspection->posts[i].at_work;
		lost += inspection->posts[i].lost + inspection->posts[i].lost_before;
	}
	const struct ferry_numbers *one = &inspection->numbers, *two = &inspection->numbers_before;
	control_put_u64(reply, CTL_INSPECTORS, at_work);
	control_put_u64(reply, CTL_INSPECTED, one->packets + two->packets);
	control_put_u64(reply, CTL_INSPECT_DROPPED,
			one->dropped + two->dropped + one->cut + two->cut + one->forged +
				two->forged);
	control_put_u64(reply, CTL_INSPECT_CONNECTIONS, sum.connections);
	control_put_u64(reply, CTL_INSPECT_MADE, sum.connections_made);
	control_put_u64(reply, CTL_INSPECT_PASSED, one->passed + two->passed);
	control_put_u64(reply, CTL_INSPECT_HELD, one->held);
	control_put_u64(reply, CTL_INSPECT_QUEUED, inspection->queue.waiting);
	control_put_u64(reply, CTL_INSPECT_FULL, inspection->dropped);
	control_put_u64(reply, CTL_INSPECT_UNANSWERED,
			one->no_inspector + two->no_inspector + one->no_room + two->no_room);
	control_put_u64(reply, CTL_INSPECT_CHANGED, one->changed + two->changed);
	control_put_u64(reply, CTL_INSPECT_MOVED, one->moved + two->moved);
	control_put_u64(reply, CTL_INSPECT_MOVED_LOST, one->moved_lost + two->moved_lost);
	control_put_u64(reply, CTL_INSPECT_LIBERAL, one->liberal + two->liberal);
	control_put_u64(reply, CTL_INSPECT_LIBERAL_FAILED,
			one->liberal_failed + two->liberal_failed);
	control_put_u64(reply, CTL_INSPECT_TROUBLES, inspection->troubles);
	control_put_u64(reply, CTL_INSPECT_LOST, lost);
	control_put_u64(reply, CTL_INSPECT_RESTARTS, restarts);
	inspection_porter_put_status(inspection, reply);
}
