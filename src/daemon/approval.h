// Who must approve a change, who may, and what is still missing: decisions only, from the rules of
// the policy that runs, the persons, and a clock that is handed in.  Nothing here reads a file or
// asks the system.
#ifndef SEKISHO_DAEMON_APPROVAL_H
#define SEKISHO_DAEMON_APPROVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/boot.h"
#include "control/field.h"
#include "control/peer.h"
#include "daemon/failure.h"
#include "plan/plan.h"

enum { APPROVALS_MAX = 16, APPROVAL_CODE_LENGTH = 8, APPROVAL_ZONES_MAX = 512 };

struct person {
	uint32_t uid, login_uid; // CONTROL_NO_LOGIN: none
	char name[CONTROL_PEER_NAME_MAX];
};
void person_of_peer(const struct control_peer *peer, struct person *ret);
bool person_differs(const struct person *a, const struct person *b);
// Root without a login, who is never a second person; the failure says what to do.
bool person_is_anybody(const struct person *person, struct failure *failure);

// When something happened, by both clocks: in one boot only the boot's clock counts, which nobody
// can set; over a reboot the wall clock does.
struct instant {
	struct boot_moment boot;
	uint64_t wall_usec;
};
int instant_now(struct instant *ret); // -errno when the boot is not known
// UINT64_MAX when the clock stands before the instant: then nobody knows, and it is old.
uint64_t instant_age_usec(const struct instant *instant, const struct instant *now);

struct approval {
	struct person by;
	struct instant when;
	char code[APPROVAL_CODE_LENGTH + 1]; // that was quoted
};

// What a change touches.  unknown: it could not be compared, so every rule fits it.
struct approval_change {
	bool unknown;
	bool rules; // the section approval itself changes
	enum plan_weight weight;
	const char *zones[APPROVAL_ZONES_MAX];
	size_t n_zones;
};

// The section as the report has it (daemon/report.h); NULL or empty: nothing was ever applied.
struct approval_need {
	unsigned approvers;
	const struct control_row *rule; // whose groups may
	uint64_t expires_usec;
};
// The strictest of the rules that fit, else the number of the section.  A change of the section
// itself needs what the strictest of all rules needs.
void approval_need(const struct control_rows *section, const struct approval_change *change,
		   struct approval_need *ret);

// How many are still missing.  An approval counts that quotes the code, has not expired, and is
// neither of the author nor of somebody who has approved already.
unsigned approval_missing(const struct approval_need *need, const struct person *author,
			  const char *code, const struct approval *given, size_t n_given,
			  const struct instant *now);

// The box's users and groups.
struct directory {
	void *arg;
	bool (*is_user)(void *arg, uint32_t uid, const char *user);
	bool (*is_member)(void *arg, uint32_t uid, const char *group);
	bool (*user_is_member)(void *arg, const char *user, const char *group);
};
extern const struct directory directory_of_box; // control/people.h

// May this person approve: root itself, a member of one of the groups, or, on its days, a deputy of
// a group or of a member.  today: "YYYY-MM-DD".
bool approval_may(const struct control_rows *section, const struct approval_need *need,
		  const struct person *person, const char *today,
		  const struct directory *directory);
// "sekisho-approve, kikaku"
const char *approval_groups(const struct control_rows *section, const struct approval_need *need,
			    char *out, size_t size);

// How long an apply waits for its confirm: 0 when it does not.
uint64_t approval_confirm_usec(const struct control_rows *section);
bool approval_emergency(const struct control_rows *section);
uint64_t approval_expires_usec(const struct control_rows *section);

#endif
