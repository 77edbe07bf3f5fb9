// The words of verdicts.
#include "event/mail_record.h"

#include <string.h>

static const char *const words[MAIL_VERDICT_COUNT] = {
	[MAIL_PASSED] = "passed",     [MAIL_REFUSED] = "refused",
	[MAIL_REJECTED] = "rejected", [MAIL_BROKEN_OFF] = "broken-off",
	[MAIL_ENDED] = "ended",	      [MAIL_UNREAD] = "unread",
	[MAIL_HELD] = "held",
};

static const char *const actions[MAIL_FILE_ACTION_COUNT] = {
	[MAIL_FILE_PASSED] = "passed",	   [MAIL_FILE_ALLOWED] = "allowed",
	[MAIL_FILE_RECORDED] = "recorded", [MAIL_FILE_REFUSED] = "refused",
	[MAIL_FILE_HELD] = "held",
};

const char *mail_file_action_word(enum mail_file_action action)
{
	return actions[action];
}

const char *mail_verdict_word(enum mail_verdict verdict)
{
	return words[verdict];
}

int mail_verdict_find(const char *word)
{
	for (int i = 0; i < MAIL_VERDICT_COUNT; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}
