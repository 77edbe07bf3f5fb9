// Events as JSON: a line of its own, or the body of a record of the audit log.
#ifndef SEKISHO_EVENT_JSON_H
#define SEKISHO_EVENT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

enum event_clock { EVENT_CLOCK_UNKNOWN, EVENT_CLOCK_SYNCED, EVENT_CLOCK_UNSYNCED };
const char *event_clock_word(enum event_clock clock);

// When something was recorded, besides the time of day, which may be set.
struct event_stamp {
	char boot[9];	     // the first 8 digits of the boot's id
	uint64_t since_usec; // since that boot (CLOCK_BOOTTIME)
	enum event_clock clock;
};

// One line without its newline; "" when it does not fit.  Text of others cannot break it: control
// characters are escaped, and bytes that are no UTF-8 become '?'.  Both return the length.
//	{"time":"2026-11-26T05:00:00.123456Z","event":"packet-denied","flow":"office-mail-out"}
size_t event_write_json(const struct event *event, char *out, size_t size);
// The same in local time with its offset, and with the stamp; the brace that opens it is left to
// the one who knows the number of the record:
//	"time":"2026-11-26T14:00:00.123456+09:00","boot":"0c5e2f11","since":12.000345,
//	"clock":"synced","event":"packet-denied","flow":"office-mail-out"}
size_t event_write_record(const struct event *event, const struct event_stamp *stamp, char *out,
			  size_t size);

// "2026-11-26T14:00:00.123456+09:00"; out at least 40 bytes.
void event_local_time(uint64_t time_usec, char out[40]);
// The same read again.  -EINVAL: it is not that.
int event_parse_time(const char *text, size_t length, uint64_t *ret_usec);

#endif
