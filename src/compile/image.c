// A ruleset as one flat image: a head, then the arrays as they lie in memory, each padded to 8.
// Reading copies first, so that nothing is checked that can still change.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/image.h"
#include "compile/storage.h"

struct image_head {
	char magic[8];
	uint64_t layout; // sizes of the structs: an image of another build is refused
	uint64_t generation;
	uint64_t counts[RS_PARTS];
	uint64_t body_bytes;
	uint32_t table;
	uint8_t digest[32];
	uint32_t zero;
};

static const char image_magic[8] = "SKRULES";

static uint64_t layout(const struct ruleset_part parts[RS_PARTS])
{
	uint64_t all = RS_KEY_COUNT * 1000 + RS_STMT_KINDS;

	for (size_t i = 0; i < RS_PARTS; i++)
		all = all * 131 + parts[i].item_size;
	return all;
}

static size_t padding(size_t size)
{
	return (8 - size % 8) % 8;
}

int ruleset_image_write(const struct ruleset *ruleset, FILE *out)
{
	static const char zeros[8];
	struct ruleset_part parts[RS_PARTS];
	struct image_head head;

	memset(&head, 0, sizeof(head));
	memcpy(head.magic, image_magic, sizeof(head.magic));
	head.body_bytes = ruleset_parts(ruleset, parts);
	head.layout = layout(parts);
	head.generation = ruleset->generation;
	head.table = ruleset->table;
	memcpy(head.digest, ruleset->digest, sizeof(head.digest));
	for (size_t i = 0; i < RS_PARTS; i++)
		head.counts[i] = parts[i].n;
	if (fwrite(&head, sizeof(head), 1, out) != 1)
		return -EIO;
	for (size_t i = 0; i < RS_PARTS; i++) {
		size_t size = parts[i].n * parts[i].item_size;

		if (size && fwrite(parts[i].at, size, 1, out) != 1)
			return -EIO;
		if (padding(size) && fwrite(zeros, padding(size), 1, out) != 1)
			return -EIO;
	}
	return fflush(out) ? -EIO : 0;
}

static int read_head(const void *bytes, size_t size, struct image_head *ret_head)
{
	struct ruleset_part parts[RS_PARTS];
	const struct ruleset none = { 0 };
	uint64_t left;

	if (size < sizeof(*ret_head))
		return -EBADMSG;
	memcpy(ret_head, bytes, sizeof(*ret_head));
	ruleset_parts(&none, parts);
	left = size - sizeof(*ret_head);
	if (memcmp(ret_head->magic, image_magic, sizeof(image_magic)) ||
	    ret_head->layout != layout(parts) || ret_head->body_bytes != left)
		return -EBADMSG;
	for (size_t i = 0; i < RS_PARTS; i++) {
		uint64_t room = left / parts[i].item_size, part;

		if (ret_head->counts[i] > room || ret_head->counts[i] >= RS_NONE)
			return -EBADMSG;
		part = ret_head->counts[i] * parts[i].item_size;
		part += padding(part);
		if (part > left)
			return -EBADMSG;
		left -= part;
	}
	return left ? -EBADMSG : 0;
}

int ruleset_image_read(const void *bytes, size_t size, struct ruleset **ret_ruleset)
{
	struct ruleset_part parts[RS_PARTS];
	struct image_head head;
	struct ruleset counts = { 0 }, *made;
	int r = read_head(bytes, size, &head);

	if (r < 0)
		return r;
	counts.generation = head.generation;
	counts.table = head.table;
	memcpy(counts.digest, head.digest, sizeof(counts.digest));
	counts.n_chains = head.counts[0];
	counts.n_rules = head.counts[1];
	counts.n_stmts = head.counts[2];
	counts.n_sets = head.counts[3];
	counts.n_elems = head.counts[4];
	counts.n_objs = head.counts[5];
	counts.n_origins = head.counts[6];
	counts.pool_size = head.counts[7];
	counts.strings_size = head.counts[8];
	made = ruleset_alloc(&counts);
	if (!made)
		return -ENOMEM;
	ruleset_parts(made, parts);
	memcpy((void *)parts[0].at, (const char *)bytes + sizeof(head), head.body_bytes);
	r = ruleset_check(made);
	if (r < 0)
		ruleset_free(made);
	else
		*ret_ruleset = made;
	return r;
}
