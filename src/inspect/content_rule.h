// Which rule about attachments decides about a file.  A recipient has those rules that fit client,
// direction and that recipient; a message is refused if the rules of any of its recipients refuse
// any of its files.
//
// Files are judged while they come, so a rule fits, fits not, or may come to fit: names and types
// are known when a file begins, all else only grows.  A refusal is certain as soon as its rule fits
// and no rule before it could still let the file pass.
#ifndef SEKISHO_INSPECT_CONTENT_RULE_H
#define SEKISHO_INSPECT_CONTENT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unpack/unpack.h"
#include "inspect/profile.h"

struct content_rules { // a set of them, by index
	uint64_t v[PROFILE_ATTACHMENTS_MAX / 64];
};

enum { AUDIENCE_SETS_MAX = 64 };

// The rules that a recipient has, about attachments and about habits.
struct audience_set {
	struct content_rules attachments;
	uint64_t habits;
	uint64_t out; // 1: he is of no own domain; else 0, also where no habit is asked for
};

// The sets of rules that recipients of one transaction have, each once.
struct audience {
	struct audience_set *v;
	uint32_t n, room;
	uint64_t taken; // bits: of recipients that the server took
};

// The set of a recipient (address: lower case), or -ENOMEM, or -E2BIG: no room for another set.
int audience_add(struct audience *audience, const struct profile *profile,
		 const struct addr *client, bool own, const char *address);
void audience_free(struct audience *audience);

// What is known of a file.
struct content_facts {
	uint32_t kinds, doubts; // bits of enum unpack_kind, 1 << enum mime_doubt
	bool unread;
	struct unpack_terms terms; // in its names, subject and text
	bool file;  // an attachment or an entry; else a text or a part that holds others, which
		    // only rules about kinds, doubts, names or what is unread can fit
	bool whole; // it is over, and nothing of this changes any more
	uint64_t size;
};

struct content_sums { // of all attachments so far
	uint64_t size;
	uint32_t number;
};

// Rules that never fit a file of these names and this type (NULL: an entry has none) go to *out.
void content_rules_exclude(const struct profile *profile, const char *const *names, size_t n_names,
			   const char *type, bool file, struct content_rules *out);

enum { CONTENT_NO_RULE = -1, CONTENT_OPEN = -2 };

// The rule of `set` that decides; CONTENT_NO_RULE: none fits; CONTENT_OPEN: not known yet.  Of a
// whole file rules that refuse or hold once the sums have grown go to *armed, and count as not
// fitting.
int content_rules_judge(const struct profile *profile, const struct content_rules *set,
			const struct content_rules *out, const struct content_facts *facts,
			const struct content_sums *sums, struct content_rules *armed);
// The first of the armed rules that refuses and that the sums make fit, else the first that holds,
// or CONTENT_NO_RULE.
int content_rules_sums(const struct profile *profile, const struct content_rules *armed,
		       const struct content_sums *sums);
// Whether any rule of those recipients holds.
bool content_rules_hold(const struct profile *profile, const struct audience *audience);
// The least size above `size` at which another rule begins to fit; of all files' sum likewise.
uint64_t content_rules_next_size(const struct profile *profile, uint64_t size);
uint64_t content_rules_next_sum(const struct profile *profile, uint64_t size);

// name: UTF-8; pattern: lower case, "*" any characters, "?" one.  ASCII letters of name count as
// small.
bool content_name_fits(const char *pattern, const char *name);

#endif
