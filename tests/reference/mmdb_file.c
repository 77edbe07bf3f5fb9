// A trie in memory, laid down as the format wants it.
#include "mmdb_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/vec.h"

enum { NOTHING = -1, CODES_MAX = 64, CODE_BYTES_MAX = 16 };

struct side {		// of a node
	int node, code; // NOTHING
};

struct node {
	struct side sides[2];
};

typedef VEC(uint8_t) byte_list;

struct mmdb_file {
	unsigned version, bits;
	uint64_t build_epoch;
	enum mmdb_file_style style;
	VEC(struct node) nodes;
	char codes[CODES_MAX][CODE_BYTES_MAX];
	int n_codes;
};

static void die(const char *what)
{
	fprintf(stderr, "mmdb_file: %s\n", what);
	exit(1);
}

static int add_node(struct mmdb_file *file, struct side fill)
{
	vec_push(&file->nodes, ((struct node){ { fill, fill } }));
	return (int)file->nodes.n - 1;
}

struct mmdb_file *mmdb_file_new(unsigned version, unsigned bits, uint64_t build_epoch,
				enum mmdb_file_style style)
{
	struct mmdb_file *file = calloc(1, sizeof(*file));
	if (!file)
		die("no memory");
	file->version = version;
	file->bits = bits;
	file->build_epoch = build_epoch;
	file->style = style;
	add_node(file, (struct side){ NOTHING, NOTHING });
	return file;
}

void mmdb_file_free(struct mmdb_file *file)
{
	vec_done(&file->nodes);
	free(file);
}

// Where the prefix hangs: the bits of the way, and how many.
static addr_bits way_of(const struct mmdb_file *file, const char *prefix, unsigned *ret_length)
{
	struct addr_range range;
	if (addr_range_parse(prefix, &range) < 0 || addr_range_prefix(&range) < 0)
		die(prefix);
	unsigned length = (unsigned)addr_range_prefix(&range);
	if (range.family == ADDR_V6 && file->version == 4)
		die(prefix);
	if (range.family == ADDR_V4 && file->version == 6)
		length += 96;
	*ret_length = length;
	return file->version == 4 ? range.lo << 96 : range.lo;
}

// The side that the way ends at; leaves on it are split.
static struct side *open_side(struct mmdb_file *file, addr_bits bits, unsigned length)
{
	int node = 0;
	if (length == 0)
		die("a prefix of no length");
	for (unsigned i = 0;; i++) {
		bool right = bits >> (127 - i) & 1;
		struct side *side = &file->nodes.v[node].sides[right];
		if (i + 1 == length)
			return side;
		if (side->node == NOTHING) {
			int made = add_node(file, *side);
			side = &file->nodes.v[node].sides[right]; // may have moved
			*side = (struct side){ made, NOTHING };
		}
		node = side->node;
	}
}

static int code_of(struct mmdb_file *file, const char *code)
{
	for (int i = 0; i < file->n_codes; i++)
		if (!strcmp(file->codes[i], code))
			return i;
	if (file->n_codes == CODES_MAX || strlen(code) >= CODE_BYTES_MAX)
		die("too many codes");
	snprintf(file->codes[file->n_codes], CODE_BYTES_MAX, "%s", code);
	return file->n_codes++;
}

void mmdb_file_add(struct mmdb_file *file, const char *prefix, const char *code)
{
	unsigned length;
	addr_bits bits = way_of(file, prefix, &length);
	int index = code_of(file, code);
	*open_side(file, bits, length) = (struct side){ NOTHING, index };
}

void mmdb_file_alias(struct mmdb_file *file, const char *prefix, const char *target)
{
	unsigned length;
	addr_bits bits = way_of(file, target, &length);
	struct side to = *open_side(file, bits, length);
	bits = way_of(file, prefix, &length);
	*open_side(file, bits, length) = to;
}

// --- bytes

static void put(byte_list *out, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		vec_push(out, ((const uint8_t *)bytes)[i]);
}

static void put_text(byte_list *out, const char *text)
{
	vec_push(out, (uint8_t)(2 << 5 | strlen(text))); // shorter than 29
	put(out, text, strlen(text));
}

static void put_map(byte_list *out, unsigned n)
{
	vec_push(out, (uint8_t)(7 << 5 | n));
}

static void put_number(byte_list *out, unsigned type, uint64_t value)
{
	unsigned size = 0;
	while (size < 8 && value >> 8 * size)
		size++;
	if (type > 7) {
		vec_push(out, (uint8_t)size);
		vec_push(out, (uint8_t)(type - 7));
	} else {
		vec_push(out, (uint8_t)(type << 5 | size));
	}
	while (size--)
		vec_push(out, (uint8_t)(value >> 8 * size));
}

static void put_record(const struct mmdb_file *file, byte_list *out, const char *code)
{
	switch (file->style) {
	case MMDB_FILE_ISO_CODE:
		put_map(out, 2);
		put_text(out, "names");
		put_map(out, 1);
		put_text(out, "en");
		put_text(out, "a country");
		put_text(out, "country");
		put_map(out, 1);
		put_text(out, "iso_code");
		break;
	case MMDB_FILE_COUNTRY_CODE:
		put_map(out, 1);
		put_text(out, "country_code");
		break;
	case MMDB_FILE_COUNTRY:
		put_map(out, 1);
		put_text(out, "country");
		break;
	}
	put_text(out, code);
}

static uint32_t value_of(const struct mmdb_file *file, const struct side *side,
			 const uint32_t *records)
{
	if (side->node != NOTHING)
		return (uint32_t)side->node;
	if (side->code != NOTHING) // behind the nodes and 16 bytes of nothing
		return (uint32_t)file->nodes.n + 16 + records[side->code];
	return (uint32_t)file->nodes.n;
}

static void put_node(const struct mmdb_file *file, byte_list *out, const struct node *node,
		     const uint32_t *records)
{
	uint32_t left = value_of(file, &node->sides[0], records);
	uint32_t right = value_of(file, &node->sides[1], records);
	uint8_t bytes[8] = { 0 };
	if (file->bits == 32) {
		for (int i = 0; i < 4; i++) {
			bytes[i] = (uint8_t)(left >> (24 - 8 * i));
			bytes[4 + i] = (uint8_t)(right >> (24 - 8 * i));
		}
	} else {
		for (int i = 0; i < 3; i++) {
			bytes[i] = (uint8_t)(left >> (16 - 8 * i));
			bytes[(file->bits == 28 ? 4 : 3) + i] = (uint8_t)(right >> (16 - 8 * i));
		}
		if (file->bits == 28)
			bytes[3] = (uint8_t)((left >> 24) << 4 | right >> 24);
	}
	put(out, bytes, file->bits / 4);
}

static void put_metadata(const struct mmdb_file *file, byte_list *out)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	put(out, marker, sizeof(marker) - 1);
	put_map(out, 9);
	put_text(out, "binary_format_major_version");
	put_number(out, 5, 2);
	put_text(out, "binary_format_minor_version");
	put_number(out, 5, 0);
	put_text(out, "build_epoch");
	put_number(out, 9, file->build_epoch);
	put_text(out, "database_type");
	put_text(out, "Test-Country");
	put_text(out, "description");
	put_map(out, 0);
	put_text(out, "ip_version");
	put_number(out, 5, file->version);
	put_text(out, "languages");
	vec_push(out, 0); // an array of none
	vec_push(out, 4);
	put_text(out, "node_count");
	put_number(out, 6, file->nodes.n);
	put_text(out, "record_size");
	put_number(out, 5, file->bits);
}

uint8_t *mmdb_file_bytes(struct mmdb_file *file, size_t *ret_size)
{
	byte_list data = { 0 }, out = { 0 };
	uint32_t records[CODES_MAX] = { 0 };
	static const uint8_t gap[16];
	for (int i = 0; i < file->n_codes; i++) {
		records[i] = (uint32_t)data.n;
		put_record(file, &data, file->codes[i]);
	}
	for (size_t i = 0; i < file->nodes.n; i++)
		put_node(file, &out, &file->nodes.v[i], records);
	put(&out, gap, sizeof(gap));
	put(&out, data.v, data.n);
	put_metadata(file, &out);
	vec_done(&data);
	*ret_size = out.n;
	return out.v;
}

void mmdb_file_write(struct mmdb_file *file, const char *path)
{
	char beside[4096];
	size_t size;
	uint8_t *bytes = mmdb_file_bytes(file, &size);
	snprintf(beside, sizeof(beside), "%s.new", path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) < 0 ||
	    rename(beside, path) < 0)
		die(path);
	free(bytes);
}
