// The judge: a process of its own, without rights, that compiles a policy and judges by it what the
// kernel's connection tracking holds.  What goes in (a memory file) and what comes out (bytes).
#ifndef SEKISHO_DAEMON_JUDGE_CHILD_H
#define SEKISHO_DAEMON_JUDGE_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/judge.h"

// The private argument with which sekishod runs itself; judge_main() is then all of main().
#define JUDGE_ARGUMENT "--judge"

// The child's main: the policy's snapshot on descriptor 3, the world on 4, countries on 5, its
// answer to 6.
int judge_main(void);

// The world as a sealed memory file: 0 with its descriptor, or a negative errno.
int judge_world_write(const struct judge_world *world, int *ret_fd);
// Maps it for the child; 0, or -EBADMSG and others.  The world points into the map.
int judge_world_map(int fd, struct judge_world *ret_world, void **ret_map, size_t *ret_size);

// What the judge answers, checked: every index is within names, every name ends and is clean.
struct judge_answer {
	char digest[65]; // of the policy that it judged by
	const struct judge_verdict *verdicts;
	size_t n_verdicts;
	const char **zones, **flows; // by the indexes of the verdicts
	size_t n_zones, n_flows;
	uint8_t *bytes; // owned
};
enum { JUDGE_ANSWER_MAX = 256 * 1024 * 1024 };
// n: of the entries that were asked about.  Takes bytes over on success only.
// 0, -EBADMSG, -ENOMEM.
int judge_answer_read(uint8_t *bytes, size_t size, size_t n, struct judge_answer *ret);
void judge_answer_done(struct judge_answer *answer);
const char *judge_zone_name(const struct judge_answer *answer, uint16_t zone); // "": none
const char *judge_flow_name(const struct judge_answer *answer, uint32_t flow);

#endif
