// What is recorded of the connections that a pass has cut: one event each up to LIVE_EVENTS_MAX,
// then one for all of the same flow and zones.
#ifndef SEKISHO_DAEMON_LIVE_RECORD_H
#define SEKISHO_DAEMON_LIVE_RECORD_H

#include "daemon/journal.h"
#include "daemon/judging.h"
#include "daemon/live.h"

struct live_record;

// All of them live as long as the record.
struct live_record *live_record_new(struct journal *journal, const struct judge_answer *answer,
				    uint64_t generation, const char *cause);
void live_record_cut(struct live_record *record, const struct conntrack_entry *entry,
		     const struct judge_verdict *verdict);
// Writes the sums; of a pass that ends before its end too.
void live_record_sums(struct live_record *record);
// Writes the sums, and the end of the pass.
void live_record_end(struct live_record *record, size_t judged, size_t kept, uint64_t ms);
void live_record_free(struct live_record *record); // NULL is fine

// A cut connection in words; the texts are in storage.
struct live_words {
	char protocol[8], source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
};
struct live_cut live_cut_of(const struct judge_answer *answer, const struct conntrack_entry *entry,
			    const struct judge_verdict *verdict, struct live_words *storage);

#endif
