// Any bytes as a policy file: read or refused, and what is read prints to what reads the same.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/box.h"
#include "policy/policy.h"
#include "policy/print.h"
#include "unit/policy_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pol_policy *read_text(const char *text, size_t size, struct diag *diag)
{
	struct pol_policy *policy = NULL, *partial = NULL;
	int r = policy_read_text("fuzz.yaml", text, size, diag, &policy, &partial);

	// Either a policy and no error, or errors and no policy; every place within the file.
	if ((r == 0) != (policy != NULL) || (r == 0) != (diag_errors(diag) == 0))
		abort();
	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->at.line > size + 2 ||
		    diag_at(diag, i)->at.column > diag_at(diag, i)->at.column_end)
			abort();
	policy_free(partial);
	return policy;
}

static char *print(const struct pol_policy *policy, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	policy_print(policy, out);
	fclose(out);
	return text;
}

static void check_print(const struct pol_policy *policy)
{
	struct diag *diag = diag_new();
	size_t size, size_again;
	char *text = print(policy, &size);
	struct pol_policy *again = read_text(text, size, diag);

	if (!again || !same_tree(policy, again)) {
		fprintf(stderr, "printed:\n%s", text);
		diag_print(diag, stderr);
		abort();
	}

	char *text_again = print(again, &size_again);

	if (size != size_again || memcmp(text, text_again, size))
		abort();
	free(text);
	free(text_again);
	policy_free(again);
	diag_free(diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag *diag = diag_new();
	struct diag *box_diag = diag_new();
	struct box_config *box = NULL;
	struct pol_policy *policy = read_text((const char *)data, size, diag);

	if (policy)
		check_print(policy);
	policy_free(policy);
	box_read_text("fuzz.yaml", (const char *)data, size, box_diag, &box);
	box_free(box);
	diag_free(diag);
	diag_free(box_diag);
	return 0;
}
