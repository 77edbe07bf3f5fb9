// How many mails there were, by month: what reports ask for.  No persons stand in it, so it stays
// when the records have gone.
//
// A month is that of the local time in which a record was written, as 202611.
#ifndef SEKISHO_KEEP_MAIL_MONTHS_H
#define SEKISHO_KEEP_MAIL_MONTHS_H

#include "keep/mail_store.h"

// Numbers that stand in SQL, too.
#define MAIL_MONTHS_KEPT 120 // the newest that have any
#define MAIL_MONTH_ROWS_MAX                                                                        \
	8192 // of a month, and again of its findings; what else comes counts as:
#define MAIL_MONTH_OTHERS "others"

enum { MAIL_MONTH_WORD_MAX = 48 };

uint32_t mail_month_of(uint64_t unix_us);
// Whether it is one: 197001 to 999912.
bool mail_month_valid(uint64_t month);

// Transactions, and sessions without one.
struct mail_month {
	uint32_t month;
	char guard[MAIL_ID_MAX], flow[MAIL_ID_MAX], control[MAIL_ID_MAX];
	enum mail_verdict verdict;
	char reason[MAIL_MONTH_WORD_MAX]; // the word of the record's reason
	uint64_t n, bytes, recipients;
};
// Files in which something was found.
struct mail_month_finding {
	uint32_t month;
	char guard[MAIL_ID_MAX];
	char word[MAIL_MONTH_WORD_MAX];
	enum mail_file_action action;
	uint64_t n;
};

struct mail_months {
	// What they return other than 0 ends it and is returned.
	int (*month)(void *arg, const struct mail_month *month);
	int (*finding)(void *arg, const struct mail_month_finding *finding);
	void *arg;
};
// Of the months from first to last, in order; first those of records, then what was found.  0 or a
// negative errno as in mail_store.h.
int mail_months_read(struct mail_store *store, uint32_t first, uint32_t last,
		     const struct mail_months *each);

#endif
