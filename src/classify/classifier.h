// The classifier: rules that change while packets are matched.
//
// Rules live in up to three levels, each immutable: a large image, a middle one of the rules that
// came since, and a list of the newest few, which is rebuilt at every insertion.  A full list goes
// into the middle image; classifier_settle() merges all into the large one.  Deleting clears a bit
// in a copy of a level's live bits, or takes the rule out of the list; what it hid comes back in
// the list or a middle image.  A reader sees the rules as they were between two changes.
//
// One writer at a time (the caller's concern), any number of readers, and no reader ever waits: it
// pins the levels that it found, and what a writer replaced is freed when no reader has it pinned.
#ifndef SEKISHO_CLASSIFY_CLASSIFIER_H
#define SEKISHO_CLASSIFY_CLASSIFIER_H

#include "classify/rule.h"

enum { CLASSIFIER_READERS_MAX = 64 };

struct classifier;
struct classifier_reader;

// With the n rules of the array, of ids 0 to n - 1.  0; -EINVAL: a rule is not valid; -E2BIG,
// -EFBIG as build_image().
int classifier_new(const struct classify_rule *rules, size_t n, struct classifier **ret);
void classifier_free(struct classifier *classifier); // NULL is fine; no reader may be left

// Adds a rule; of equal priorities the one that was given first answers.  0, or an error as above.
int classifier_insert(struct classifier *classifier, const struct classify_rule *rule,
		      uint32_t *ret_id);
// 0, -ENOENT, or an error as above.  Rules that only this one hid are put elsewhere; if they are
// hundreds, all levels are merged, as by classifier_settle().
int classifier_delete(struct classifier *classifier, uint32_t id);
// Merges the levels.  Takes as long as building all rules takes; readers go on meanwhile.
int classifier_settle(struct classifier *classifier);

// A reader belongs to one thread at a time.  NULL: there are CLASSIFIER_READERS_MAX already.
struct classifier_reader *classifier_reader_new(struct classifier *classifier);
void classifier_reader_free(struct classifier_reader *reader); // NULL is fine

// ret_result[i]: the result of the rule that answers for keys[i], or CLASSIFY_NONE.
void classifier_match_v4(struct classifier_reader *reader, const struct classify_v4 *keys, size_t n,
			 uint32_t *ret_result);
void classifier_match_v6(struct classifier_reader *reader, const struct classify_v6 *keys, size_t n,
			 uint32_t *ret_result);

#endif
