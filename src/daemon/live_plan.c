// What a plan that is not applied would cut.
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "daemon/live.h"
#include "daemon/live_record.h"

struct live_judging {
	struct judging *judging;
	live_judged *done;
	void *arg;
	uint64_t started_us;
	struct live_cut cuts[LIVE_SHOWN_MAX];
	struct live_words words[LIVE_SHOWN_MAX];
};

void live_judging_cancel(struct live_judging *judging)
{
	if (!judging)
		return;
	judging_free(judging->judging);
	free(judging);
}

static void take_cuts(struct live_judging *judging, struct live_result *result)
{
	const struct judge_answer *answer = judging_answer(judging->judging);
	const struct conntrack_entry *entries = judging_entries(judging->judging, &result->judged);
	for (size_t i = 0; i < answer->n_verdicts; i++) {
		const struct judge_verdict *verdict = &answer->verdicts[i];
		if (verdict->outcome != JUDGE_CUT)
			continue;
		result->cut++;
		if (result->n_cuts == LIVE_SHOWN_MAX)
			continue;
		size_t at = result->n_cuts++;
		judging->cuts[at] = live_cut_of(answer, &entries[i], verdict, &judging->words[at]);
	}
	result->cuts = judging->cuts;
}

static void on_judged(void *arg, struct judging *of, const struct failure *failure)
{
	struct live_judging *judging = arg;
	struct live_result result = {
		.failure = failure,
		.us = monotonic_us() - judging->started_us,
	};
	(void)of;
	if (!failure)
		take_cuts(judging, &result);
	judging->done(judging->arg, &result);
	live_judging_cancel(judging);
}

int live_judge_plan(struct gate *gate, int snapshot_fd, live_judged *done, void *arg,
		    struct live_judging **ret_judging)
{
	struct failure failure;
	struct live_judging *judging = gate->live ? calloc(1, sizeof(*judging)) : NULL;
	if (!judging)
		return gate->live ? -ENOMEM : -EOPNOTSUPP;
	judging->done = done;
	judging->arg = arg;
	judging->started_us = monotonic_us();
	int r = judging_start(gate, live_event(gate), snapshot_fd, false, on_judged, judging,
			      &failure, &judging->judging);
	if (r < 0) {
		free(judging);
		return r;
	}
	*ret_judging = judging;
	return 0;
}

void live_put_cut(struct control_writer *writer, const struct live_cut *cut)
{
	control_put_text(writer, CTL_FLOW, cut->flow);
	control_put_text(writer, CTL_FROM, cut->from);
	control_put_text(writer, CTL_TO, cut->to);
	control_put_text(writer, CTL_TRANSPORT, cut->protocol);
	control_put_text(writer, CTL_SOURCE, cut->source);
	if (cut->source_port)
		control_put_u64(writer, CTL_SOURCE_PORT, cut->source_port);
	control_put_text(writer, CTL_DESTINATION, cut->destination);
	control_put_u64(writer, CTL_PORT, cut->port);
	control_put_text(writer, CTL_REASON, cut->reason);
}
