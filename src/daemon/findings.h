// What is found around the policy and contradicts it, as it is at present: each with a weight and
// words.  A list is filled anew at each look; what is new in it and what is gone from it is told.
#ifndef SEKISHO_DAEMON_FINDINGS_H
#define SEKISHO_DAEMON_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/vec.h"
#include "event/event.h"

enum finding_kind {
	FINDING_FOREIGN, // a table of somebody else
	FINDING_UPLINK,	 // a way out that is not declared
	FINDING_ROUTE,
	FINDING_ADDRESS,
	FINDING_INTERFACE,
	FINDING_SETTING, // of the kernel
	FINDING_KINDS,
};

enum finding_weight {
	FINDING_NOTE,	 // to know of
	FINDING_WARNING, // the gate is degraded while it lasts
	FINDING_ALARM,	 // and packets may get around the policy
};

enum {
	FINDINGS_MAX = 256, // of a list; those beyond are counted
	FINDING_SUBJECT_MAX = 160,
	FINDING_WORDS_MAX = 320,
};

struct finding {
	enum finding_kind kind;
	enum finding_weight weight;
	uint64_t since_usec;
	char subject[FINDING_SUBJECT_MAX]; // tells it from others of its kind
	char words[FINDING_WORDS_MAX];
	bool seen;
};

struct findings {
	VEC(struct finding) list;
	uint64_t now_usec;
	unsigned beyond;
};

struct finding_info {
	const char *name; // "foreign-table"
	enum event_kind event;
	enum diag_code code;
};
const struct finding_info *finding_info(enum finding_kind kind);
const char *finding_weight_word(enum finding_weight weight); // "note", "warning", "alarm"

void findings_begin(struct findings *findings, uint64_t now_usec);
void findings_add(struct findings *findings, enum finding_kind kind, enum finding_weight weight,
		  const char *subject, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
// each(): new since the look before, also when only its words or its weight are; or gone.
typedef void findings_each(void *arg, const struct finding *finding, bool gone);
void findings_end(struct findings *findings, findings_each *each, void *arg);
void findings_done(struct findings *findings);

#endif
