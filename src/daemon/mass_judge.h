// Which mail is mass mail: counts what passed by the rows of the policy, over all inspectors, and
// says when a limit is reached.  Pure but for memory: no clock, no socket.
//
// What was refused counts against its source alone.  Where a row has sources, each network (an IPv4
// /24, an IPv6 /48) counts for its share at most, the limit divided by sources, so that whoever has
// few addresses cannot reach a limit of many however much he sends.
#ifndef SEKISHO_DAEMON_MASS_JUDGE_H
#define SEKISHO_DAEMON_MASS_JUDGE_H

#include <stdbool.h>

#include "daemon/mass_book.h"
#include "daemon/mass_rule.h"

enum { MASS_SOURCES = 32768, MASS_WIDE = 1024 }; // remembered

struct mass_judge;

struct mass_message {
	const char *guard, *zone; // zone of the client, "" if not known
	struct addr client;
	uint64_t sender;	  // mail_sender_hash()
	uint32_t n_own, n_others; // recipients that the server took
	bool passed;		  // else it was refused for good, by the gate or the server
	bool outward;		  // of a refused one: its client may send to any domain
};

struct mass_finding { // a limit is reached; counting of it begins anew
	const struct mass_rule *rule;
	const struct mass_message *message; // that reached it
	uint32_t count, limit;
	struct mass_stop stop; // what is to stop, without times; or what was counted
};
typedef void mass_found(void *arg, const struct mass_finding *finding);

int mass_judge_new(struct mass_judge **ret_judge); // 0, -ENOMEM
void mass_judge_free(struct mass_judge *judge);	   // NULL is fine
// Takes the rules over (from malloc()).  A row that stays as it was goes on counting.
void mass_judge_set(struct mass_judge *judge, struct mass_rule *rules, size_t n);
const struct mass_rule *mass_judge_rules(const struct mass_judge *judge, size_t *ret_n);
void mass_judge_take(struct mass_judge *judge, const struct mass_message *message, uint64_t now_us,
		     mass_found *found, void *arg);

// What is usual, in the state folder (mass_usual.h).
int mass_judge_read(struct mass_judge *judge, int state_fd);
int mass_judge_write(const struct mass_judge *judge, int state_fd);

#endif
