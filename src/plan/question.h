// A question of the form FROM TO SERVICE, and the findings that answer it.  Endpoints may be whole
// zones and services may have many ports, so one question can have several findings; each is
// either one packet's answer or a part of the space asked for that one flow permits.
#ifndef SEKISHO_PLAN_QUESTION_H
#define SEKISHO_PLAN_QUESTION_H

#include "base/vec.h"
#include "plan/query.h"

enum { FINDINGS_MAX = 256, ENDPOINT_ZONES_MAX = 64 };

// ALLOW, DENY, INSPECT of one packet, or PARTLY of a space of which some is permitted.
enum finding_verdict { FIND_DENY, FIND_PARTLY, FIND_INSPECT, FIND_ALLOW };

struct finding {
	enum finding_verdict verdict; // never FIND_PARTLY
	uint16_t from, to;
	struct plan_rect rect; // before translation of the destination where destination_nat is set
	struct plan_atom atom;
	uint32_t flow; // permits, or is nearest; PLAN_NONE
	bool exact;    // one packet was asked: answer holds everything
	struct plan_answer answer;
};

struct question {
	VEC(struct finding) findings;
	enum finding_verdict verdict; // of all together, those beyond FINDINGS_MAX included
	size_t beyond;		      // findings that were left out
	bool wordless;		      // asked for: no nearest flow and no text of what is denied
	char error[256];	      // why it could not be asked
};

// Whether the word is an endpoint of this plan: 0, or -EINVAL with question->error.
int question_end(struct plan *plan, const char *word, struct question *question);
// Words as on the command line.  source_port NULL: any.  0, or -EINVAL with question->error.
int question_ask(struct plan *plan, const char *from, const char *to, const char *service,
		 const char *source_port, struct question *question);
void question_done(struct question *question);
const char *finding_verdict_text(enum finding_verdict verdict);

#endif
