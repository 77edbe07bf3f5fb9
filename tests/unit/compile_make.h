// From a policy's text to its ruleset, for the tests of this room.
#ifndef SEKISHO_TESTS_COMPILE_MAKE_H
#define SEKISHO_TESTS_COMPILE_MAKE_H

#include <stdlib.h>
#include <string.h>

#include "compile/compile.h"
#include "countries_make.h"

struct made {
	struct diag *diag;
	struct pol_policy *policy;
	struct plan *plan;
	struct ruleset *ruleset;
};

static inline int make_text(const char *yaml, const struct compile_options *options,
			    struct made *ret_made)
{
	struct made made = { .diag = diag_new() };
	int r = policy_read_text("policy.yaml", yaml, strlen(yaml), made.diag, &made.policy, NULL);

	if (!r)
		r = plan_make_with(made.policy, test_countries(), made.diag, &made.plan, NULL);
	if (!r)
		r = compile(made.plan, options, made.diag, &made.ruleset);
	if (r)
		diag_print(made.diag, stderr);
	*ret_made = made;
	return r;
}

static inline void made_done(struct made *made)
{
	ruleset_free(made->ruleset);
	plan_free(made->plan);
	policy_free(made->policy);
	diag_free(made->diag);
}

static inline char *file_text(const char *path)
{
	FILE *in = fopen(path, "r"), *memory;
	char chunk[4096], *text = NULL;
	size_t size = 0, got;

	if (!in)
		return NULL;
	memory = open_memstream(&text, &size);
	while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0)
		fwrite(chunk, 1, got, memory);
	fclose(memory);
	fclose(in);
	return text;
}

static inline char *image_of(const struct ruleset *ruleset, size_t *ret_size)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, ret_size);
	int r = ruleset_image_write(ruleset, out);

	fclose(out);
	if (r < 0)
		abort();
	return bytes;
}

static inline char *print_of(const struct ruleset *ruleset)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ruleset_print(ruleset, out);
	fclose(out);
	return text;
}

#endif
