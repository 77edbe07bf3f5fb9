// What the gate makes of its keeper's state.
#include "daemon/incident.h"
#include "daemon/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/boot.h"
#include "daemon/beacon.h"
#include "daemon/keeper.h"

enum {
	LOOK_WAIT_MS = 2000,   // at the start, for a keeper to be up
	SEND_USEC = 60000000U, // between two checkpoints that are sent elsewhere
};

struct record {
	struct gate *gate;
	sd_event *event;
	struct keeper *keeper; // NULL: it could not be started
	bool blocked, ends;
	uint64_t restarts, sent_usec;
	struct keeper_numbers numbers;
};

static const struct control_row *settings(const struct gate *gate)
{
	return gate->current.about.number ? gate->current.report.faults.v : NULL;
}

static bool policy_closes(const struct gate *gate)
{
	const struct control_row *row = settings(gate);
	return row && control_bool(row, CTL_RECORD_CLOSES);
}

// --- when it changes

static void shut(struct gate *gate)
{
	const struct record *record = gate->record;
	if (policy_closes(gate) && !(record && record->keeper && !record->blocked))
		gate_shut(gate, GATE_SHUT_RECORD);
}

static void resume(struct record *record)
{
	struct gate *gate = record->gate;
	struct event event;
	gate_set_problem(gate, GATE_RECORD, NULL);
	event_init(&event, EVENT_RECORD_RESUMED, journal_now_usec());
	journal_write(gate->journal, &event);
	if (gate->shut.bits & GATE_SHUT_RECORD)
		gate_let_through(gate, GATE_SHUT_RECORD);
}

static void tell_restart(struct record *record, uint64_t restarts)
{
	struct event event;
	event_init(&event, EVENT_KEEPER_RESTARTED, journal_now_usec());
	event_number(&event, EVENT_COUNT, restarts);
	journal_write(record->gate->journal, &event);
}

static void on_changed(void *arg)
{
	struct record *record = arg;
	struct keeper_numbers numbers;
	struct failure failure;
	int error = keeper_error(record->keeper);
	bool was_blocked = record->blocked;
	keeper_numbers(record->keeper, &numbers);
	record->blocked = error < 0;
	if (numbers.restarts != record->restarts)
		tell_restart(record, numbers.restarts);
	record->restarts = numbers.restarts;
	if (error < 0) {
		failure_set(&failure, SK_RECORD_BLOCKED, error, "the audit log: %s",
			    error == -EPIPE	  ? "its keeper does not run"
			    : error == -ETIMEDOUT ? "its keeper does not answer"
						  : strerror(-error));
		gate_set_problem(record->gate, GATE_RECORD, &failure);
		shut(record->gate);
	} else if (was_blocked) {
		resume(record);
	}
}

static void on_trouble(void *arg, const char *text)
{
	struct record *record = arg;
	struct failure failure;
	failure_set(&failure, SK_RECORD_DAMAGED, 0, "the audit log: %s", text);
	journal_failed(record->gate->journal, &failure);
}

static void on_signed(void *arg, const struct chain *checkpoint)
{
	struct record *record = arg;
	const struct control_row *row = settings(record->gate);
	uint64_t now = boot_now_usec();
	if (!row || (!record->ends && record->sent_usec && now - record->sent_usec < SEND_USEC))
		return;
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].tag == CTL_RECORD_TO) {
			beacon_send(row->v[i].text, checkpoint);
			record->sent_usec = now;
		}
}

// --- what the policy says

static void limits_of(const struct gate *gate, struct audit_limits *ret)
{
	const struct control_row *row = settings(gate);
	*ret = (struct audit_limits){ .segment_bytes = AUDIT_SEGMENT_BYTES };
	// First of them: whatever else is held, open incidents are.
	if (incidents_hold(gate, ret->holds[0].from)) {
		strcpy(ret->holds[0].until, "9999-12-31");
		ret->n_holds = 1;
	}
	if (!row)
		return;
	ret->keep_days = (uint32_t)control_u64(row, CTL_RECORD_KEEP_DAYS);
	if (control_u64(row, CTL_RECORD_ROTATE))
		ret->segment_bytes = control_u64(row, CTL_RECORD_ROTATE);
	for (size_t i = 0; i < row->n && ret->n_holds < AUDIT_HOLDS_MAX; i++) {
		struct audit_hold *hold = &ret->holds[ret->n_holds];
		// "2026-04-01..2026-06-30", as the plan checked it
		if (row->v[i].tag != CTL_RECORD_HOLD || strlen(row->v[i].text) != 22)
			continue;
		memcpy(hold->from, row->v[i].text, 10);
		memcpy(hold->until, row->v[i].text + 12, 10);
		ret->n_holds++;
	}
}

void record_settle(struct gate *gate)
{
	struct record *record = gate->record;
	struct audit_limits limits;
	if (record && record->keeper) {
		limits_of(gate, &limits);
		keeper_set_limits(record->keeper, &limits);
	}
	shut(gate);
}

// --- the keeper

static void start_keeper(struct record *record)
{
	struct gate *gate = record->gate;
	struct failure failure;
	const struct keeper_options options = {
		.folder = gate->options->log,
		.uid = gate->options->keeper_uid,
		.gid = gate->options->keeper_gid,
		.state_fd = gate->state_fd,
		.changed = on_changed,
		.trouble = on_trouble,
		.signed_ = on_signed,
		.arg = record,
	};
	int r = keeper_start(record->event, &options, &failure, &record->keeper);
	gate_set_problem(gate, GATE_RECORD, r < 0 ? &failure : NULL);
	if (r < 0) {
		shut(gate);
		return;
	}
	journal_keep(gate->journal, record->keeper);
	record_settle(gate);
	if (gate->shut.bits & GATE_SHUT_RECORD)
		gate_let_through(gate, GATE_SHUT_RECORD);
}

int record_open(sd_event *event, struct gate *gate)
{
	struct record *record = calloc(1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	record->gate = gate;
	record->event = event;
	gate->record = record;
	start_keeper(record);
	if (record->keeper) {
		// Whether the gate may open depends on it.
		journal_flush(gate->journal, LOOK_WAIT_MS);
		keeper_ask(record->keeper);
	}
	return 0;
}

void record_close(struct gate *gate)
{
	struct record *record = gate->record;
	if (!record)
		return;
	record->ends = true;
	journal_keep(gate->journal, NULL);
	keeper_stop(record->keeper);
	free(record);
	gate->record = NULL;
}

void record_tend(struct gate *gate)
{
	struct record *record = gate->record;
	if (record && !record->keeper)
		start_keeper(record);
}

void record_look(struct gate *gate)
{
	struct record *record = gate->record;
	record_tend(gate);
	if (!record || !record->keeper)
		return;
	keeper_ask(record->keeper);
	keeper_numbers(record->keeper, &record->numbers);
}

void record_state(const struct gate *gate, struct record_state *ret)
{
	const struct record *record = gate->record;
	*ret = (struct record_state){ .word = "none", .checkpoint_hash = "" };
	if (!record || !record->keeper)
		return;
	*ret = (struct record_state){
		.word = record->blocked ? "blocked" : "written",
		.seq = record->numbers.end.seq,
		.checkpoint = record->numbers.checkpoint.seq,
		.checkpoint_hash = record->numbers.checkpoint.hash.text,
		.waiting = record->numbers.waiting,
		.lost = record->numbers.lost,
		.restarts = record->numbers.restarts,
	};
}
