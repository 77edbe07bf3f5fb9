// Which passes there are, and when.
#include "daemon/live.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "base/clock.h"
#include "base/fault.h"
#include "daemon/live_intent.h"
#include "daemon/live_record.h"
#include "daemon/snapshot.h"
#include "kernel/conntrack.h"

static const char *const cause_words[LIVE_CAUSE_COUNT] = {
	[LIVE_COUNTRIES] = "countries", [LIVE_APPLY] = "apply",	  [LIVE_ROLLBACK] = "rollback",
	[LIVE_RETURN] = "return",	[LIVE_EXPIRY] = "expiry", [LIVE_QUARANTINE] = "quarantine",
	[LIVE_RECONNECT] = "reconnect", [LIVE_START] = "start",
};

struct live {
	struct gate *gate;
	sd_event *event;
	sd_event_source *retry; // after a pass that failed
	enum live_cause cause;	// of the pass under way, or of the one that failed
	bool told_left;		// what the daemon before left is recorded
	bool again;		// one more after it
	enum live_cause again_cause;

	// The pass under way: judging is set.
	struct judging *judging;
	uint64_t generation, started_us;
	sd_event_source *step; // of deletion
	struct conntrack *conntrack;
	uint32_t *cut; // indexes of entries
	size_t n_cut, n_tried, n_left;
	struct live_record *record;
	struct live_intent *intent; // NULL: nothing is cut, or the disk does not take it
};

static const char *cause_word(enum live_cause cause)
{
	return cause < LIVE_CAUSE_COUNT ? cause_words[cause] : "";
}

int live_open(struct gate *gate, sd_event *event)
{
	gate->live = calloc(1, sizeof(*gate->live));
	if (!gate->live)
		return -ENOMEM;
	gate->live->gate = gate;
	gate->live->event = event;
	return 0;
}

sd_event *live_event(struct gate *gate)
{
	return gate->live ? gate->live->event : NULL;
}

// The list of what may have been cut goes when the record has it all.
static void end_record(struct live *live)
{
	if (live->record)
		live_record_sums(live->record);
	bool recorded = live->intent && journal_flush(live->gate->journal, GATE_FLUSH_MS) == 0;
	if (live->intent)
		fault_point("live-recorded");
	live_intent_free(live->intent, recorded);
	live->intent = NULL;
	live_record_free(live->record);
	live->record = NULL;
}

static void end_pass(struct live *live)
{
	end_record(live); // its words are in the answer
	judging_free(live->judging);
	live->judging = NULL;
	live->step = sd_event_source_disable_unref(live->step);
	conntrack_close(live->conntrack);
	live->conntrack = NULL;
	free(live->cut);
	live->cut = NULL;
}

void live_close(struct gate *gate)
{
	struct live *live = gate->live;
	if (!live)
		return;
	end_pass(live);
	sd_event_source_disable_unref(live->retry);
	free(live);
	gate->live = NULL;
}

int live_policy(struct gate *gate, struct failure *failure, int *ret_fd)
{
	const struct gate_options *options = gate->options;
	struct snapshot_job job = {
		.generation = gate->current.about.number,
		.uid = options->compiler_uid,
		.gid = options->compiler_gid,
	};
	char path[64];
	snprintf(path, sizeof(path), "generations/%llu/rules",
		 (unsigned long long)gate->current.about.number);
	int fd = openat(gate->state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failure_set(failure, SK_LIVE_FAILED, -errno,
				   "live connections were not judged: %s: %s", path,
				   strerror(errno));
	int r = snapshot_take(fd, &job, failure, ret_fd);
	close(fd);
	return r;
}

// --- a pass

static void begin_pass(struct live *live, enum live_cause cause);

static int on_retry(sd_event_source *source, uint64_t usec, void *arg)
{
	struct live *live = arg;
	(void)source;
	(void)usec;
	live_review(live->gate, live->cause);
	return 0;
}

static void pass_failed(struct live *live, const struct failure *failure)
{
	end_pass(live);
	gate_set_problem(live->gate, GATE_LIVE, failure);
	live->again = false;
	live->retry = sd_event_source_disable_unref(live->retry);
	sd_event_add_time_relative(live->event, &live->retry, CLOCK_MONOTONIC,
				   LIVE_RETRY_SECONDS * 1000000ULL, 0, on_retry, live);
}

static void pass_done(struct live *live)
{
	size_t n;
	judging_entries(live->judging, &n);
	live_record_end(live->record, n, n - live->n_cut + live->n_left,
			(monotonic_us() - live->started_us) / 1000);
	end_pass(live);
	malloc_trim(0); // a big table came and went
	gate_set_problem(live->gate, GATE_LIVE, NULL);
	if (live->again)
		begin_pass(live, live->again_cause);
}

// What cannot be written down beforehand is cut all the same.
static void intend(struct live *live, const struct conntrack_entry *const *some, size_t n)
{
	const struct judge_answer *answer = judging_answer(live->judging);
	const struct judge_verdict *verdicts[LIVE_DELETED_STEP];
	struct failure failure;
	if (!live->intent)
		return;
	for (size_t i = 0; i < n; i++)
		verdicts[i] = &answer->verdicts[live->cut[live->n_tried + i]];
	int r = live_intent_add(live->intent, some, verdicts, n);
	if (r == 0)
		return;
	failure_set(&failure, SK_STATE_UNWRITABLE, r, "the list of connections to cut: %s",
		    strerror(-r));
	journal_failed(live->gate->journal, &failure);
	live_intent_free(live->intent, false);
	live->intent = NULL;
}

static int delete_some(struct live *live)
{
	const struct conntrack_entry *some[LIVE_DELETED_STEP];
	bool deleted[LIVE_DELETED_STEP];
	size_t n_entries, first = live->n_tried, n = live->n_cut - first;
	const struct conntrack_entry *entries = judging_entries(live->judging, &n_entries);
	const struct judge_answer *answer = judging_answer(live->judging);
	n = n < LIVE_DELETED_STEP ? n : LIVE_DELETED_STEP;
	for (size_t i = 0; i < n; i++)
		some[i] = &entries[live->cut[first + i]];
	intend(live, some, n);
	int r = conntrack_delete(live->conntrack, some, n, deleted);
	fault_point("live-cut");
	for (size_t i = 0; i < n; i++)
		if (deleted[i])
			live_record_cut(live->record, some[i],
					&answer->verdicts[live->cut[first + i]]);
	live->n_tried += n;
	return r;
}

static int on_delete(sd_event_source *source, void *arg)
{
	struct live *live = arg;
	struct failure failure;
	int r = live->n_tried < live->n_cut ? delete_some(live) : 0;
	if (r < 0) {
		failure_set(&failure, SK_LIVE_FAILED, r, "connections were not cut: %s",
			    strerror(-r));
		pass_failed(live, &failure);
		return 0;
	}
	if (live->n_tried < live->n_cut)
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	pass_done(live);
	return 0;
}

static int start_deleting(struct live *live)
{
	const struct judge_answer *answer = judging_answer(live->judging);
	live->cut = calloc(answer->n_verdicts + 1, sizeof(*live->cut));
	live->record = live_record_new(live->gate->journal, answer, live->generation,
				       cause_word(live->cause));
	if (!live->cut || !live->record)
		return -ENOMEM;
	live->n_cut = live->n_tried = live->n_left = 0;
	for (size_t i = 0; i < answer->n_verdicts; i++)
		if (answer->verdicts[i].outcome == JUDGE_CUT)
			live->cut[live->n_cut++] = (uint32_t)i;
	if (live->n_cut)
		live_intent_new(live->gate->state_fd, answer, live->generation,
				cause_word(live->cause), &live->intent);
	int r = conntrack_open(&live->conntrack);
	if (r == 0)
		r = sd_event_add_defer(live->event, &live->step, on_delete, live);
	return r < 0 ? r : 0;
}

static void on_judged(void *arg, struct judging *judging, const struct failure *failed)
{
	struct live *live = arg;
	struct failure failure;
	(void)judging;
	if (failed) {
		pass_failed(live, failed);
		return;
	}
	size_t n;
	const struct conntrack_entry *entries = judging_entries(live->judging, &n);
	if (!live->told_left)
		live_intent_tell(live->gate, entries, n);
	live->told_left = true;
	fault_point("live-judged");
	int r = strcmp(judging_answer(live->judging)->digest, live->gate->current.about.digest)
			? -ESTALE
			: start_deleting(live);
	if (r < 0) {
		failure_set(&failure, SK_LIVE_FAILED, r, "live connections were not judged: %s",
			    r == -ESTALE ? "the stored policy is not the one that runs"
					 : strerror(-r));
		pass_failed(live, &failure);
	}
}

// Until every packet that met the old rules has gone its way: a grace period of the kernel's
// read-copy-update, within which packets are looked at.
static void wait_for_packets(void)
{
	enum { MUCH_LONGER_THAN_A_PACKET_US = 20000 };
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0) // a kernel without it
		usleep(MUCH_LONGER_THAN_A_PACKET_US);
}

static void begin_pass(struct live *live, enum live_cause cause)
{
	struct failure failure;
	int policy = -1;
	live->again = false;
	live->retry = sd_event_source_disable_unref(live->retry);
	live->cause = cause;
	live->generation = live->gate->current.about.number;
	live->started_us = monotonic_us();
	fault_point("live-begun");
	wait_for_packets();
	int r = live_policy(live->gate, &failure, &policy);
	if (r == 0)
		r = judging_start(live->gate, live->event, policy, true, on_judged, live, &failure,
				  &live->judging);
	if (policy >= 0)
		close(policy);
	if (r < 0)
		pass_failed(live, &failure);
}

void live_review(struct gate *gate, enum live_cause cause)
{
	struct live *live = gate->live;
	if (!live || !gate->current.about.number)
		return;
	if (live->judging && live->generation == gate->current.about.number) {
		live->again = true;
		live->again_cause = cause;
		return;
	}
	end_pass(live); // one by a plan that runs no longer would cut what is allowed now
	begin_pass(live, cause);
}
