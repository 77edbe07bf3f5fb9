// Files in memory become one tree: in name order, each through the reader, and a digest of all.
#include "policy/policy.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "policy/keys.h"
#include "policy/reader.h"

struct pol_policy {
	struct arena *arena;
	struct pol_tree tree;
};

void policy_free(struct pol_policy *policy)
{
	if (!policy)
		return;
	reader_release(&keys_policy, &policy->tree);
	arena_free(policy->arena);
}

const struct pol_tree *policy_tree(const struct pol_policy *policy)
{
	return &policy->tree;
}

static int by_name(const void *a, const void *b)
{
	const struct policy_source *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void digest_number(crypto_generichash_state *state, uint64_t number)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	crypto_generichash_update(state, bytes, sizeof(bytes));
}

// Names and bytes, each after its length, so that no two folders run together.
static void digest(const struct policy_source *sources, size_t n, uint8_t out[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	for (size_t i = 0; i < n; i++) {
		digest_number(&state, strlen(sources[i].name));
		crypto_generichash_update(&state, (const unsigned char *)sources[i].name,
					  strlen(sources[i].name));
		digest_number(&state, sources[i].size);
		crypto_generichash_update(&state, (const unsigned char *)sources[i].bytes,
					  sources[i].size);
	}
	crypto_generichash_final(&state, out, 32);
}

static struct pol_policy *policy_new(void)
{
	struct arena *arena = arena_new();
	struct pol_policy *policy = arena_new_of(arena, struct pol_policy);

	policy->arena = arena;
	return policy;
}

int policy_read_sources(const struct policy_source *sources, size_t n_sources, const char *dir_name,
			struct diag *diag, struct pol_policy **ret_policy,
			struct pol_policy **ret_partial)
{
	struct pol_policy *policy = policy_new();
	struct pol_tree *tree = &policy->tree;
	size_t errors = diag_errors(diag);
	struct policy_source *sorted;
	struct reader *reader;
	bool whole = true;

	sorted = arena_memdup(policy->arena, sources, n_sources * sizeof(*sources));
	qsort(sorted, n_sources, sizeof(*sorted), by_name);
	tree->files = arena_array_of(policy->arena, struct pol_file, n_sources);
	tree->n_files = n_sources;
	reader = reader_new(&keys_policy, tree, policy->arena, diag);
	for (size_t i = 0; i < n_sources; i++) {
		tree->files[i] = (struct pol_file){
			.name = arena_printf(policy->arena, "%s%s%s", dir_name,
					     *dir_name ? "/" : "", sorted[i].name),
			.size_bytes = sorted[i].size,
		};
		whole &= reader_file(reader, tree->files[i].name, sorted[i].bytes,
				     sorted[i].size) == 0;
	}
	reader_free(reader);
	digest(sorted, n_sources, tree->digest);
	if (whole && diag_errors(diag) == errors) {
		*ret_policy = policy;
		return 0;
	}
	if (whole && ret_partial)
		*ret_partial = policy;
	else
		policy_free(policy);
	return -EBADMSG;
}

int policy_read_text(const char *name, const char *bytes, size_t size, struct diag *diag,
		     struct pol_policy **ret_policy, struct pol_policy **ret_partial)
{
	struct policy_source source = { name, bytes, size };

	return policy_read_sources(&source, 1, "", diag, ret_policy, ret_partial);
}
