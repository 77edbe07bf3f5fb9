// A bucket of tokens.
#include "event/limit.h"

enum { TOKEN = 1000000 };

void event_limit_init(struct event_limit *limit, uint32_t rate, uint32_t burst, uint64_t now_usec)
{
	*limit = (struct event_limit){
		.rate = rate,
		.burst = burst,
		.tokens_micro = (uint64_t)burst * TOKEN,
		.last_usec = now_usec,
	};
}

bool event_limit_take(struct event_limit *limit, uint64_t now_usec)
{
	uint64_t full = (uint64_t)limit->burst * TOKEN;
	// A clock that goes back gives nothing; one that leaps gives a full bucket at most.
	uint64_t passed = now_usec > limit->last_usec ? now_usec - limit->last_usec : 0;
	if (limit->rate && passed > full / limit->rate)
		limit->tokens_micro = full;
	else
		limit->tokens_micro += passed * limit->rate;
	if (limit->tokens_micro > full)
		limit->tokens_micro = full;
	limit->last_usec = now_usec;
	if (limit->tokens_micro < TOKEN) {
		limit->suppressed++;
		return false;
	}
	limit->tokens_micro -= TOKEN;
	return true;
}

uint64_t event_limit_suppressed(struct event_limit *limit)
{
	uint64_t suppressed = limit->suppressed;
	limit->suppressed = 0;
	return suppressed;
}
