// What a connection's packets look like after translation, so that they are known again where they
// leave and where their answers come in.
#ifndef SEKISHO_REPLAY_ALIASES_H
#define SEKISHO_REPLAY_ALIASES_H

#include "replay/replay.h"

enum { ALIASES_MAX = 8 }; // of one connection

// Of a connection that the answer permits, an index of the replay's tracks.
void aliases_add(struct replay *replay, uint32_t connection, const struct judge_answer *answer);

#endif
