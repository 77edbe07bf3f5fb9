// The forms in which worlds go to the judge and answers come back; only for judge_*.c.
#ifndef SEKISHO_DAEMON_JUDGE_FORM_H
#define SEKISHO_DAEMON_JUDGE_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { JUDGE_WORLD_MAGIC = 0x4457474a, JUDGE_ANSWER_MAGIC = 0x5247474a };
enum { JUDGE_WORLD_ALIGN = 64, JUDGE_NAME_MAX = 64 };

// Then the arrays in this order, each at the next multiple of JUDGE_WORLD_ALIGN.
struct judge_world_head {
	uint32_t magic, zero;
	uint64_t n_entries, n_own, n_broadcasts, n_homes;
	char management_interface[16];
	struct addr_range management_prefix;
	uint16_t management_port;
};

// Then the verdicts, and the names of zones and flows, each with its NUL.
struct judge_answer_head {
	uint32_t magic, zero;
	uint64_t n_verdicts;
	size_t n_zones, n_flows;
	uint8_t digest[32];
};

#endif
