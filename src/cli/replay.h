// What the verb replay found out, for its two ways of telling.
#ifndef SEKISHO_CLI_REPLAY_H
#define SEKISHO_CLI_REPLAY_H

#include "cli/load.h"
#include "cli/verb.h"
#include "replay/groups.h"
#include "replay/propose.h"

struct replay_view {
	const struct cli *cli;
	const char *file, *dir;
	size_t size;			 // of the file, in bytes
	struct cli_policy loaded, other; // other: --diff
	struct capture capture;
	struct replay replay;
	struct groups groups;
	struct changes changes; // --diff
	struct proposal *proposal;
	bool *include; // flows of the proposal that the policy can take
	const char **note;
	char *notes; // storage of note
	size_t n_included;
};

const char *replay_zone_id(const struct plan *plan, uint16_t zone); // "?" if not known
const char *replay_flow_id(const struct plan *plan, uint32_t flow); // NULL: none
// "tcp/443", of the packet that opened it.
const char *replay_service(const struct plan_packet *packet, char *out, size_t size);

void replay_print(const struct replay_view *view);
void replay_print_connections(const struct replay_view *view);
void replay_print_json(const struct replay_view *view);

// Finds out which flows of a proposal the policy of the folder can take: view->include and note.
void replay_try_proposal(struct replay_view *view);

#endif
