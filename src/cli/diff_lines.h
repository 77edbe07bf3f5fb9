// Differences of two policies as lines of text, whether they come from plans at hand or from the
// daemon; printed for people and as JSON.
#ifndef SEKISHO_CLI_DIFF_LINES_H
#define SEKISHO_CLI_DIFF_LINES_H

#include <json-c/json.h>

#include "control/client.h"
#include "plan/diff.h"

struct diff_line { // "" or 0: not said; texts stay whose they are
	const char *kind, *weight, *reason, *subject, *flow, *owner, *what;
	const char *from, *to;
	const char *sources, *destinations, *services; // in words
	bool inexact;
	uint64_t more; // further parts without a line
	const char *file;
	uint64_t line;
};

struct diff_lines {
	struct diff_line *v;
	size_t n;
	uint64_t omitted; // lines that are not among them
	const char *weight;
	bool same_text;
};

void diff_lines_of_plans(const struct plan_diff *diff, struct diff_lines *ret);
void diff_lines_of_reply(const struct control_reply *reply, struct diff_lines *ret);
void diff_lines_done(struct diff_lines *lines);

// Does anything open, close or change?  (Words alone do not count.)
bool diff_lines_differ(const struct diff_lines *lines);
void diff_lines_print(const struct diff_lines *lines);
struct json_object *diff_lines_json(const struct diff_lines *lines);

#endif
