// Names of a part: every reading that a common client could show, each once.
#ifndef SEKISHO_MIME_MIME_NAME_H
#define SEKISHO_MIME_MIME_NAME_H

#include "mime/mime.h"
#include "mime/mime_param.h"

struct mime_names {
	struct mime_store *store;
	char *v[MIME_NAMES_MAX]; // of the store: strlen and one
	uint32_t n;
	uint32_t literal; // bits of v: told, but no reason for a doubt (undecoded words, percents)
	uint32_t doubts;  // bits of enum mime_doubt
};

// literal: only those readings, for a second round after all others.
void mime_name_params(struct mime_names *names, const struct mime_params *params, const char *name,
		      bool literal);
void mime_name_add(struct mime_names *names, struct mime_span value, bool literal);
// The doubt MIME_NAME, if the names end differently: what says which program opens them.
void mime_name_settle(struct mime_names *names);
void mime_name_done(struct mime_store *store, char **v, uint32_t n);

#endif
