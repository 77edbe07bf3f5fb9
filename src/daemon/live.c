// Which passes there are, and when.
#include "daemon/live.h"

#include <errno.h>

static const char *const cause_words[LIVE_CAUSE_COUNT] = {
	[LIVE_APPLY] = "apply",	  [LIVE_ROLLBACK] = "rollback",	    [LIVE_RETURN] = "return",
	[LIVE_EXPIRY] = "expiry", [LIVE_QUARANTINE] = "quarantine", [LIVE_RECONNECT] = "reconnect",
	[LIVE_START] = "start",
};

const char *live_cause_word(enum live_cause cause)
{
	return cause < LIVE_CAUSE_COUNT ? cause_words[cause] : "";
}

int live_open(struct gate *gate, sd_event *event)
{
	return gate && event ? 0 : -EINVAL;
}

void live_close(struct gate *gate)
{
	(void)gate;
}

void live_review(struct gate *gate, enum live_cause cause)
{
	(void)gate;
	(void)cause;
}

int live_judge_plan(struct gate *gate, int snapshot_fd, live_judged *done, void *arg,
		    struct live_judging **ret_judging)
{
	(void)gate;
	(void)snapshot_fd;
	(void)done;
	(void)arg;
	(void)ret_judging;
	return -EOPNOTSUPP;
}

void live_judging_cancel(struct live_judging *judging)
{
	(void)judging;
}
