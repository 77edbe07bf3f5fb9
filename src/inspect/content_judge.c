// The strictest action that the rules of any recipient have for a file.
#include "inspect/content_private.h"

static const struct content_rules all_rules = { .v = { UINT64_MAX, UINT64_MAX, UINT64_MAX,
						       UINT64_MAX } };

// Of two actions the stricter one; their numbers are those of records that were kept.
static int strictness(enum mail_file_action action)
{
	return action == MAIL_FILE_REFUSED ? MAIL_FILE_ACTION_COUNT : (int)action;
}

struct judged content_judge(struct content *content, const struct content_rules *out,
			    const struct content_facts *facts)
{
	static const enum mail_file_action actions[] = {
		[PROFILE_ALLOW] = MAIL_FILE_ALLOWED, [PROFILE_RECORD] = MAIL_FILE_RECORDED,
		[PROFILE_MARK] = MAIL_FILE_RECORDED, [PROFILE_REFUSE] = MAIL_FILE_REFUSED,
		[PROFILE_HOLD] = MAIL_FILE_HELD,
	};
	const struct audience *audience = content->audience;
	struct judged judged = { MAIL_FILE_PASSED, CONTENT_NO_RULE };
	// Without a recipient that the server took, as strict as can be.
	uint32_t n = audience->taken ? audience->n : 1;
	for (uint32_t i = 0; i < n; i++) {
		const struct content_rules *set =
			audience->taken ? &audience->v[i].attachments : &all_rules;
		if (audience->taken && !(audience->taken >> i & 1))
			continue;
		int rule = content_rules_judge(content->profile, set, out, facts, &content->sums,
					       &content->armed);
		if (rule < 0)
			continue;
		enum mail_file_action action = actions[content->profile->attachments[rule].action];
		if (strictness(action) > strictness(judged.action)) {
			judged.action = action;
			judged.rule = rule;
		}
	}
	return judged;
}
