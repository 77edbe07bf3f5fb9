// Putting a table in force: the running policy compiled with it, and the difference committed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "daemon/countries_input.h"
#include "daemon/countries_private.h"
#include "daemon/inspection.h"
#include "daemon/isolation.h"
#include "daemon/live.h"

static const char stored_name[] = "countries";

static void swap_failed(struct countries *c, const struct failure *failure)
{
	sd_event_now(c->event, CLOCK_MONOTONIC, &c->failed_usec);
	countries_table_done(&c->next);
	gate_set_problem(c->gate, GATE_COUNTRIES, failure);
}

static void tell(struct countries *c, const struct control_row *before)
{
	const struct control_row *after = &c->gate->current.report.faults.v[0];
	const struct geo_head *head = c->running.table.head;
	uint64_t was[2] = { control_u64(before, CTL_COUNTRY_RANGES_4),
			    control_u64(before, CTL_COUNTRY_RANGES_6) };
	uint64_t is[2] = { control_u64(after, CTL_COUNTRY_RANGES_4),
			   control_u64(after, CTL_COUNTRY_RANGES_6) };
	struct event event;
	char text[200], day[16], sum[65];
	geo_day(head->build_epoch, day);
	snprintf(text, sizeof(text), "ranges of IPv4 %llu, were %llu; of IPv6 %llu, were %llu",
		 (unsigned long long)is[0], (unsigned long long)was[0], (unsigned long long)is[1],
		 (unsigned long long)was[1]);
	event_init(&event, EVENT_COUNTRIES_CHANGED, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, text);
	event_number(&event, EVENT_GENERATION, c->gate->current.about.number);
	event_text(&event, EVENT_BUILT, day);
	event_text(&event, EVENT_SHA256, countries_sum(&c->running, sum));
	event_number(&event, EVENT_RANGES_BEFORE, was[0] + was[1]);
	event_number(&event, EVENT_RANGES, is[0] + is[1]);
	journal_write(c->gate->journal, &event);
}

// The next table is the running one from here on.
static void adopt(struct countries *c)
{
	struct failure failure;
	if (!c->next.bytes)
		return;
	countries_table_done(&c->running);
	c->running = c->next;
	c->next = (struct countries_table){ 0 };
	int r = file_replace(c->gate->state_fd, stored_name, c->running.bytes, c->running.size);
	if (r < 0)
		failure_set(&failure, SK_STATE_UNWRITABLE, r, "state/countries: %s", strerror(-r));
	gate_set_problem(c->gate, GATE_STATE, r < 0 ? &failure : NULL);
	fault_point("countries-stored");
}

static void install(struct countries *c, struct report *report, const uint8_t *bytes, size_t size)
{
	struct gate *gate = c->gate;
	struct report before = gate->current.report;
	struct failure failure;
	int r = generation_store_compiled(gate->state_fd, &gate->current.about, bytes, size,
					  &failure);
	gate_set_problem(gate, GATE_STATE, r < 0 ? &failure : NULL);
	gate->current.report = *report;
	adopt(c);
	c->failed_usec = 0;
	gate_set_problem(gate, GATE_COUNTRIES, NULL);
	tell(c, &before.faults.v[0]);
	report_done(&before);
	gate_look(gate);
	live_review(gate, LIVE_COUNTRIES);
	inspection_refresh(gate);
}

// The first error of a policy that has faults with the new table.
static void say_fault(const struct report *report, struct failure *failure)
{
	const char *text = "the policy has faults with it";
	uint64_t code = 0;
	for (size_t i = 1; i < report->faults.n; i++)
		if (!strcmp(control_text(&report->faults.v[i], CTL_SEVERITY), "error")) {
			code = control_u64(&report->faults.v[i], CTL_CODE);
			text = control_text(&report->faults.v[i], CTL_MESSAGE);
			break;
		}
	failure_set(failure, SK_COUNTRIES_FAILED, -EBADMSG,
		    "the new database of countries cannot be put in force: SK%03llu %.400s",
		    (unsigned long long)code, text);
}

static int commit(struct countries *c, struct report *report, struct failure *failure)
{
	struct gate_times times;
	if (!report->ruleset) {
		say_fault(report, failure);
		return -EBADMSG;
	}
	// The same policy, of this very generation.
	if (report->ruleset->generation != c->compiling ||
	    strcmp(control_text(&report->faults.v[0], CTL_DIGEST), c->gate->current.about.digest))
		return failure_set(failure, SK_COUNTRIES_FAILED, -EBADMSG,
				   "the stored policy of generation %llu is not what runs",
				   (unsigned long long)c->compiling);
	int r = isolation_precede(c->gate, report, failure);
	if (r == 0)
		r = gate_commit(c->gate, report->ruleset, failure, &times);
	fault_point("countries-committed");
	return r;
}

// An apply that does not wait for this goes first.
static bool may_commit(const struct countries *c)
{
	return c->gate->current.about.number == c->compiling && (!c->gate->apply || c->waiter);
}

static void on_compiled(void *arg, uint8_t *bytes, size_t size, const struct failure *failed)
{
	struct countries *c = arg;
	struct report report;
	struct failure failure;
	c->compiler = NULL;
	if (failed) {
		swap_failed(c, failed);
	} else if (!may_commit(c)) { // again when it is looked at next
	} else if (report_read(bytes, size, &report) < 0) {
		failure_set(&failure, SK_COUNTRIES_FAILED, 0,
			    "the policy compiler's report makes no sense");
		swap_failed(c, &failure);
	} else if (commit(c, &report, &failure) < 0) {
		report_done(&report);
		swap_failed(c, &failure);
	} else {
		install(c, &report, bytes, size);
	}
	free(bytes);
	countries_settle(c);
}

static int start(struct countries *c, const struct countries_table *with, struct failure *failure)
{
	struct gate *gate = c->gate;
	const struct geo_known fine = { 0 };
	uint64_t number = gate->current.about.number;
	struct snapshot_job job =
		compiler_job(gate->options, number, gate->current.about.directory);
	int snapshot = -1, countries = -1;
	int rules = generation_open_rules(gate->state_fd, number);
	int r = rules < 0 ? failure_set(failure, SK_COUNTRIES_FAILED, rules,
					"the policy of generation %llu: %s",
					(unsigned long long)number, strerror(-rules))
			  : snapshot_take(rules, &job, failure, &snapshot);
	if (rules >= 0)
		close(rules);
	if (r < 0)
		return r;
	r = countries_input_write(&fine, with->bytes, with->size, &countries);
	if (r == 0) {
		r = compiler_start(c->event, snapshot, countries, NULL, on_compiled, c,
				   &c->compiler);
		close(countries);
	}
	close(snapshot);
	c->compiling = number;
	return r < 0 ? failure_set(failure, SK_COUNTRIES_FAILED, r, "the policy compiler: %s",
				   strerror(-r))
		     : 0;
}

void countries_swap(struct countries *c)
{
	const struct countries_table *with = c->next.bytes ? &c->next : &c->running;
	const char *needed = countries_needed(c->gate);
	struct failure failure;
	char sum[65];
	if (countries_busy(c) || c->failed_usec || !with->bytes)
		return;
	if (!*needed) { // nothing that runs depends on it
		adopt(c);
		return;
	}
	if (strcmp(needed, countries_sum(with, sum)) == 0) {
		adopt(c);
		return;
	}
	if (c->gate->apply && !c->waiter)
		return;
	if (start(c, with, &failure) < 0)
		swap_failed(c, &failure);
}
