// Reading the clocks.
#include "event/stamp.h"

#include <string.h>
#include <sys/timex.h>

#include "base/boot.h"

void stamp_clock_init(struct stamp_clock *clock)
{
	char id[BOOT_ID_MAX + 1] = "";
	*clock = (struct stamp_clock){ .boot = "unknown" };
	if (boot_id(id) == 0) {
		memcpy(clock->boot, id, sizeof(clock->boot) - 1);
		clock->boot[sizeof(clock->boot) - 1] = '\0';
	}
}

// Whether the kernel thinks the clock right (adjtimex(2)).
static enum event_clock sync_of_kernel(void)
{
	struct timex timex = { .modes = 0 };
	int state = adjtimex(&timex);
	if (state < 0)
		return EVENT_CLOCK_UNKNOWN;
	return state == TIME_ERROR || (timex.status & STA_UNSYNC) ? EVENT_CLOCK_UNSYNCED
								  : EVENT_CLOCK_SYNCED;
}

void stamp_now(struct stamp_clock *clock, struct event_stamp *ret)
{
	uint64_t now = boot_now_usec();
	if (!clock->asked_usec || now - clock->asked_usec >= STAMP_ASK_USEC) {
		clock->clock = sync_of_kernel();
		clock->asked_usec = now;
	}
	memcpy(ret->boot, clock->boot, sizeof(ret->boot));
	ret->since_usec = now;
	ret->clock = clock->clock;
}

int64_t stamp_look(struct stamp_clock *clock, uint64_t wall_usec, uint64_t since_usec)
{
	int64_t offset = (int64_t)(wall_usec - since_usec);
	int64_t shift = clock->known ? offset - clock->offset_usec : 0;
	clock->offset_usec = offset;
	clock->known = true;
	return shift >= STAMP_JUMP_USEC || shift <= -STAMP_JUMP_USEC ? shift : 0;
}
