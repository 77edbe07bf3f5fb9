// A verb of the command line: what a row of the one table of verbs says and what its function gets.
#ifndef SEKISHO_CLI_VERB_H
#define SEKISHO_CLI_VERB_H

#include <stdbool.h>

// Options that verbs take; a verb's row names those that are its own.
enum cli_option {
	OPT_JSON = 1 << 0,
	OPT_SOCKET = 1 << 1,
	OPT_EXPECT = 1 << 2,
	OPT_SOURCE_PORT = 1 << 3,
};

struct cli {
	bool json;
	const char *socket; // control socket
	const char *expect; // "allow", "deny", or NULL
	const char *source_port;
	int argc; // words after the verb, options taken out
	char **argv;
};

struct cli_verb {
	const char *name;
	const char *arguments; // as the usage line shows them
	const char *summary;
	int args_min, args_max;
	unsigned options;		   // enum cli_option
	int (*run)(const struct cli *cli); // returns an enum exit_status
};

#define CLI_DIR "/etc/sekisho/rules"

int verb_check(const struct cli *cli);
int verb_print(const struct cli *cli);
int verb_show(const struct cli *cli);
int verb_query(const struct cli *cli);
int verb_explain(const struct cli *cli);
int verb_apply(const struct cli *cli);
int verb_status(const struct cli *cli);
int verb_flows(const struct cli *cli);
int verb_zones(const struct cli *cli);

#endif
