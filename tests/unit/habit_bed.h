// A message judged by rules about habits: what came of it, in words, however it is cut.
#ifndef SEKISHO_TESTS_HABIT_BED_H
#define SEKISHO_TESTS_HABIT_BED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/content.h"
#include "inspect/habit.h"

static const struct profile_domain habit_domains[] = {
	{ "city.example.jp", false },
	{ "city.example.jp", true },
};

struct habit_case {
	const char *sender;    // of the envelope
	const char *recipient; // "b@city.example.jp" is own
	bool inside;
	const char *message; // lines end in \n
};

struct habit_outcome {
	char reason[32]; // "nothing", or its word
	char found[256]; // "look-alike=city.examp1e.jp;", a row each
	bool recorded;
	char notice[64];
};

static inline bool habit_bed_names(void *arg, const char *address)
{
	return strcmp(address, arg) == 0;
}

static inline char *habit_bed_wire(const char *message, size_t *ret_n)
{
	char *wire = malloc(strlen(message) * 2 + 3);
	size_t n = 0;
	for (const char *at = message; *at; at++) {
		if (*at == '\n')
			wire[n++] = '\r';
		wire[n++] = *at;
	}
	*ret_n = n;
	return wire;
}

// first: bytes of the first feed; step: of the others.
static inline void habit_bed_judge(const struct profile *profile, const struct habit_case *given,
				   size_t first, size_t step, struct habit_outcome *ret)
{
	static const struct addr client = { ADDR_V4, 1 };
	struct audience audience = { 0 };
	struct content *content;
	const struct mail_file *files;
	enum smtp_reason reason = SMTP_REASON_NONE;
	bool own = strstr(given->recipient, "city.example.jp");
	char to[128];
	size_t n;
	char *wire = habit_bed_wire(given->message, &n);
	snprintf(to, sizeof(to), "%s", given->recipient);
	const struct habit_envelope envelope = { given->sender, given->inside,	 given->inside,
						 true,		habit_bed_names, to };
	memset(ret, 0, sizeof(*ret));
	int set = audience_add(&audience, profile, &client, own, to);
	audience.taken = UINT64_C(1) << set;
	if (content_new(profile, &audience, &envelope, NULL, &content) < 0)
		abort();
	for (size_t at = 0; at < n && reason == SMTP_REASON_NONE;) {
		size_t piece = at ? step : first;
		piece = n - at < piece ? n - at : piece;
		uint8_t *copy = malloc(piece); // so that a reader that goes beyond is found
		memcpy(copy, wire + at, piece);
		reason = content_feed(content, copy, piece);
		free(copy);
		at += piece;
	}
	if (reason == SMTP_REASON_NONE)
		reason = content_end(content);
	snprintf(ret->reason, sizeof(ret->reason), "%s",
		 reason == SMTP_REASON_NONE ? "nothing" : smtp_reason_row(reason)->word);
	ret->recorded = content_habit(content) != SMTP_REASON_NONE;
	if (content_notice(content))
		snprintf(ret->notice, sizeof(ret->notice), "%s", content_notice(content));
	size_t n_files = content_files(content, &files);
	for (size_t i = 0; i < n_files && i < MAIL_FILES_KEPT; i++) {
		size_t used = strlen(ret->found);
		snprintf(ret->found + used, sizeof(ret->found) - used, "%s=%s;", files[i].found,
			 files[i].name);
	}
	content_free(content);
	audience_free(&audience);
	free(wire);
}

#endif
