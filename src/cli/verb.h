// A verb of the command line: what a row of the one table of verbs says and what its function gets.
#ifndef SEKISHO_CLI_VERB_H
#define SEKISHO_CLI_VERB_H

#include <stdbool.h>
#include <stdint.h>

// Options that verbs take, as bits; a verb's row names those that are its own.  What they are
// called and whether they take a value is the table in sekisho.c.
typedef uint64_t cli_options;
#define OPT(n)		(UINT64_C(1) << (n))
#define OPT_JSON	OPT(0)
#define OPT_SOCKET	OPT(1)
#define OPT_EXPECT	OPT(2)
#define OPT_SOURCE_PORT OPT(3)
#define OPT_GENERATION	OPT(40)
#define OPT_REASON	OPT(4)
#define OPT_PREVENTION	OPT(5)
#define OPT_SOURCE	OPT(6)
#define OPT_MASK	OPT(7)
#define OPT_ZONE	OPT(16)
#define OPT_REQUEST	OPT(11)
#define OPT_CONFIRM	OPT(12)
#define OPT_AT		OPT(13)
#define OPT_EMERGENCY	OPT(14)
#define OPT_WAIT	OPT(15)
#define OPT_ORDERED_BY	OPT(21)
#define OPT_OWN_MIND	OPT(22)
#define OPT_TOTAL	OPT(23)
#define OPT_LINK_DOWN	OPT(24)
#define OPT_FOR		OPT(25)
#define OPT_PREVIEW	OPT(26)
#define OPT_YES		OPT(27)
#define OPT_SINCE	OPT(28)
#define OPT_UNTIL	OPT(29)
#define OPT_TYPE	OPT(30)
#define OPT_FLOW	OPT(31)
#define OPT_ACTOR	OPT(32)
#define OPT_FOLLOW	OPT(33)
#define OPT_LINES	OPT(34)
#define OPT_LOG_DIR	OPT(35)
#define OPT_HEADS	OPT(36)
#define OPT_KEY		OPT(37)
#define OPT_COUNTRIES	OPT(38)
#define OPT_COUNTRY	OPT(39)
#define OPT_INTERFACE	OPT(48)
#define OPT_SELF	OPT(49)
#define OPT_PACKETS	OPT(50)
#define OPT_DIFF	OPT(51)
#define OPT_PROPOSE	OPT(52)
#define OPT_CONNECTIONS OPT(53)
#define OPT_ATTACHMENT	OPT(54)
#define OPT_FOUND	OPT(55)
#define OPT_FROM	OPT(56)
#define OPT_TO		OPT(57)
#define OPT_CLIENT	OPT(58)
#define OPT_VERDICT	OPT(59)
#define OPT_LIMIT	OPT(60)
enum { CLI_OPTIONS_MAX = 64 };

struct cli {
	bool json;
	const char *values[CLI_OPTIONS_MAX]; // by bit; see cli_value()
	int argc;			     // words after the verb, options taken out
	char **argv;
};

struct cli_verb {
	const char *name;
	const char *arguments; // as the usage line shows them
	const char *summary;
	int args_min, args_max;
	cli_options options;
	int (*run)(const struct cli *cli); // returns an enum exit_status
};

// What an option was given: NULL when it was not, "" for one that takes no value.
const char *cli_value(const struct cli *cli, cli_options option);
bool cli_has(const struct cli *cli, cli_options option);
int cli_option_place(cli_options option); // of one option, in values

#define CLI_DIR "/etc/sekisho/rules"

int verb_check(const struct cli *cli);
int verb_print(const struct cli *cli);
int verb_show(const struct cli *cli);
int verb_query(const struct cli *cli);
int verb_diff(const struct cli *cli);
int verb_replay(const struct cli *cli);
int verb_explain(const struct cli *cli);
int verb_apply(const struct cli *cli);
int verb_confirm(const struct cli *cli);
int verb_rollback(const struct cli *cli);
int verb_propose(const struct cli *cli);
int verb_proposals(const struct cli *cli);
int verb_proposal(const struct cli *cli);
int verb_approve(const struct cli *cli);
int verb_reject(const struct cli *cli);
int verb_review(const struct cli *cli);
int verb_history(const struct cli *cli);
int verb_status(const struct cli *cli);
int verb_flows(const struct cli *cli);
int verb_zones(const struct cli *cli);
int verb_geo(const struct cli *cli);
int verb_drift(const struct cli *cli);
int verb_connections(const struct cli *cli);
int verb_incident(const struct cli *cli);
int verb_log(const struct cli *cli);
int verb_mail(const struct cli *cli);
// Before the words of an order are looked at: the daemon makes itself ready meanwhile, if the order
// is one that nobody is asked about.
void isolate_dial(int argc, char **argv);
int verb_isolate(const struct cli *cli);
int verb_quarantine(const struct cli *cli);
int verb_reconnect(const struct cli *cli);

#endif
