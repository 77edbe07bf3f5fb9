// Central directories first (there may be several that one program or the other would take), each
// entry with its local header; then what lies between the entries is searched for local headers
// that no central directory names.
//
//	[junk] L a  L b  L hidden  C a  C b  E        central: a, b; a stream: a, b, hidden
//
// Work is linear: entries are sorted by their place, gaps are searched once, data is not touched.
#include "unpack/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOCAL_SIZE = 30,
	CENTRAL_SIZE = 46,
	END_SIZE = 22,
	END64_SIZE = 56,
	LOCATOR_SIZE = 20,
	COMMENT_MAX = 65535,
	ENDS_MAX = 4, // directories that are read
};

static uint16_t le16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t le32(const uint8_t *bytes)
{
	return le16(bytes) | (uint32_t)le16(bytes + 2) << 16;
}

static uint64_t le64(const uint8_t *bytes)
{
	return le32(bytes) | (uint64_t)le32(bytes + 4) << 32;
}

static bool is_at(const struct zip *zip, uint64_t at, const char *signature, size_t size)
{
	return at <= zip->n && zip->n - at >= size && !memcmp(zip->bytes + at, signature, 4);
}

static struct zip_entry *add(struct zip *zip, uint32_t max)
{
	if (zip->n_entries >= max) {
		zip->more = true;
		return NULL;
	}
	if (zip->n_entries == zip->cap) {
		size_t cap = zip->cap ? zip->cap * 2 : 64;
		struct zip_entry *entries = realloc(zip->entries, cap * sizeof(*entries));
		if (!entries) {
			zip->more = true;
			return NULL;
		}
		zip->entries = entries;
		zip->cap = cap;
	}
	struct zip_entry *entry = &zip->entries[zip->n_entries++];
	*entry = (struct zip_entry){ 0 };
	return entry;
}

// ZIP64's sizes and place, in that order, each only where the old field is full; and Info-ZIP's
// name.  at: NULL in a local header, which has none.
static void read_extra(const uint8_t *extra, size_t n, struct zip_entry *entry, uint64_t *at)
{
	while (n >= 4) {
		uint16_t id = le16(extra), size = le16(extra + 2);
		const uint8_t *field = extra + 4;
		if (size > n - 4)
			return;
		if (id == 0x0001) {
			uint64_t *const wants[] = { &entry->size, &entry->packed, at };
			size_t used = 0;
			for (size_t i = 0; i < 3; i++)
				if (wants[i] && *wants[i] == UINT32_MAX && used + 8 <= size) {
					*wants[i] = le64(field + used);
					used += 8;
				}
		} else if (id == 0x7075 && size > 5 && field[0] == 1) {
			entry->unicode = field + 5;
			entry->n_unicode = (uint16_t)(size - 5);
		}
		extra += 4 + size;
		n -= 4U + size;
	}
}

// *ret, of the local header at .at; false: there is none.
static bool read_local(const struct zip *zip, uint64_t at, struct zip_entry *ret)
{
	if (!is_at(zip, at, "PK\3\4", LOCAL_SIZE))
		return false;
	const uint8_t *bytes = zip->bytes + at;
	uint16_t n_name = le16(bytes + 26), n_extra = le16(bytes + 28);
	if (zip->n - at - LOCAL_SIZE < (size_t)n_name + n_extra)
		return false;
	*ret = (struct zip_entry){
		.name = bytes + LOCAL_SIZE,
		.n_name = n_name,
		.flags = le16(bytes + 6),
		.method = le16(bytes + 8),
		.packed = le32(bytes + 18),
		.size = le32(bytes + 22),
		.at = at,
		.data = at + LOCAL_SIZE + n_name + n_extra,
	};
	read_extra(bytes + LOCAL_SIZE + n_name, n_extra, ret, NULL);
	return true;
}

static bool same_name(const struct zip_entry *a, const struct zip_entry *b)
{
	return a->n_name == b->n_name && !memcmp(a->name, b->name, a->n_name);
}

// Whether a stream reads something else there than who came by the central directory.
static bool differs(const struct zip_entry *central, const struct zip_entry *local)
{
	bool sizes = !(local->flags & ZIP_DESCRIPTOR);
	return !same_name(central, local) || central->method != local->method ||
	       ((central->flags ^ local->flags) & ZIP_ENCRYPTED) ||
	       (sizes && (central->packed != local->packed || central->size != local->size));
}

// An entry of the central directory, and its local header where that says something else.
static void add_central(struct zip *zip, const struct zip_entry *found, uint32_t max)
{
	struct zip_entry local, *entry = add(zip, max);
	if (!entry)
		return;
	*entry = *found;
	if (found->flags & ZIP_MASKED)
		zip->masked = true;
	if (!read_local(zip, found->at, &local)) {
		zip->damaged = true;
		return;
	}
	entry->data = local.data;
	if ((found->flags & ZIP_MASKED) || (local.flags & ZIP_MASKED))
		return;
	if (!differs(found, &local))
		return;
	zip->ambiguous = true;
	if ((entry = add(zip, max)) != NULL) {
		if (local.flags & ZIP_DESCRIPTOR && !local.packed) {
			local.packed = found->packed;
			local.size = found->size;
		}
		*entry = local;
	}
}

// From at on; at most the bytes there are, whatever number the end says.
static void read_central(struct zip *zip, uint64_t at, uint64_t end, uint32_t max)
{
	while (is_at(zip, at, "PK\1\2", CENTRAL_SIZE) && at < end && !zip->more) {
		const uint8_t *bytes = zip->bytes + at;
		uint64_t local = le32(bytes + 42);
		size_t n_name = le16(bytes + 28), n_extra = le16(bytes + 30),
		       n_comment = le16(bytes + 32);
		if (zip->n - at - CENTRAL_SIZE < n_name + n_extra + n_comment) {
			zip->damaged = true;
			return;
		}
		struct zip_entry entry = {
			.name = bytes + CENTRAL_SIZE,
			.n_name = (uint16_t)n_name,
			.flags = le16(bytes + 8),
			.method = le16(bytes + 10),
			.packed = le32(bytes + 20),
			.size = le32(bytes + 24),
		};
		read_extra(bytes + CENTRAL_SIZE + n_name, n_extra, &entry, &local);
		entry.at = local > zip->n - zip->base ? zip->n : local + zip->base;
		add_central(zip, &entry, max);
		at += CENTRAL_SIZE + n_name + n_extra + n_comment;
	}
}

struct end {
	uint64_t at, central, base; // central: where it begins
	size_t after;		    // bytes behind the comment
	bool two;		    // ZIP64's record says another place than the old one
};

// Where the central directory of the end record at .at begins, as ZIP64 or the record says.
static bool read_end(const struct zip *zip, uint64_t at, struct end *ret)
{
	const uint8_t *bytes = zip->bytes + at;
	uint64_t size = le32(bytes + 12), offset = le32(bytes + 16), end = at;
	size_t comment = le16(bytes + 20), rest = zip->n - at - END_SIZE;
	bool two = false;
	if (at >= LOCATOR_SIZE && is_at(zip, at - LOCATOR_SIZE, "PK\6\7", LOCATOR_SIZE)) {
		uint64_t at64 = le64(zip->bytes + at - LOCATOR_SIZE + 8);
		if (!is_at(zip, at64, "PK\6\6", END64_SIZE) && at >= LOCATOR_SIZE + END64_SIZE)
			at64 = at - LOCATOR_SIZE - END64_SIZE; // with something before the archive
		if (is_at(zip, at64, "PK\6\6", END64_SIZE) && at64 < at) {
			two = offset != UINT32_MAX && offset != le64(zip->bytes + at64 + 48);
			size = le64(zip->bytes + at64 + 40);
			offset = le64(zip->bytes + at64 + 48);
			end = at64;
		}
	}
	if (size > end)
		return false;
	*ret = (struct end){
		.at = at,
		.after = comment <= rest ? rest - comment : 0,
		.two = two,
	};
	ret->central = end - size;
	if (offset <= ret->central)
		ret->base = ret->central - offset;
	if (!is_at(zip, ret->central, "PK\1\2", CENTRAL_SIZE) && size) {
		ret->base = 0; // its size is wrong, its place may be right
		ret->central = offset;
		return is_at(zip, offset, "PK\1\2", CENTRAL_SIZE);
	}
	return true;
}

// From the end of the file backwards: the first is what nearly all programs take.
static size_t find_ends(const struct zip *zip, struct end ends[ENDS_MAX])
{
	size_t n = 0, least = zip->n > COMMENT_MAX + END_SIZE ? zip->n - COMMENT_MAX - END_SIZE : 0;
	for (size_t at = zip->n >= END_SIZE ? zip->n - END_SIZE + 1 : 0; at-- > least;)
		if (n < ENDS_MAX && !memcmp(zip->bytes + at, "PK\5\6", 4) &&
		    read_end(zip, at, &ends[n]))
			n++;
	return n;
}

// The central directory stands behind local headers, so its view of an entry comes first.
static int by_place(const void *a, const void *b)
{
	const struct zip_entry *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->name == y->name ? 0 : x->name > y->name ? -1 : 1;
}

static void sort(struct zip *zip)
{
	if (zip->n_entries)
		qsort(zip->entries, zip->n_entries, sizeof(zip->entries[0]), by_place);
}

// One directory's entry that another has too, in the same words.
static bool same(const struct zip_entry *a, const struct zip_entry *b)
{
	return a->at == b->at && a->method == b->method && a->packed == b->packed &&
	       a->size == b->size && same_name(a, b);
}

static void remove_repeats(struct zip *zip)
{
	size_t kept = 0;
	for (size_t i = 0; i < zip->n_entries; i++) {
		if (kept && same(&zip->entries[kept - 1], &zip->entries[i]))
			zip->ambiguous = true;
		else
			zip->entries[kept++] = zip->entries[i];
	}
	zip->n_entries = kept;
}

// Local headers that nobody named, in from to to.
static void search_gap(struct zip *zip, uint64_t from, uint64_t to, uint32_t max)
{
	while (to > from && to - from >= LOCAL_SIZE && !zip->more) {
		struct zip_entry local;
		const uint8_t *at = memmem(zip->bytes + from, to - from, "PK\3\4", 4);
		if (!at)
			return;
		from = (uint64_t)(at - zip->bytes);
		// Four bytes may be anything's; a header has a version, a method and a name too.
		if (!read_local(zip, from, &local) || local.method > ZIP_AES || !local.n_name ||
		    le16(at + 4) % 256 > 99 || local.data > to) {
			from += 4;
			continue;
		}
		struct zip_entry *entry = add(zip, max);
		if (!entry)
			return;
		*entry = local;
		zip->ambiguous = zip->ambiguous || zip->has_central;
		bool sized = !(local.flags & ZIP_DESCRIPTOR) && local.packed <= to - local.data;
		from = sized ? local.data + local.packed : local.data;
	}
}

static void set_ends(struct zip *zip)
{
	uint64_t next = zip->central;
	for (size_t i = zip->n_entries; i-- > 0;) {
		struct zip_entry *entry = &zip->entries[i];
		if (i + 1 < zip->n_entries && entry[1].at != entry->at)
			next = entry[1].at;
		entry->end = next > entry->data ? next : entry->data;
	}
}

static uint64_t end_of_data(const struct zip *zip, const struct zip_entry *entry)
{
	return entry->packed <= zip->n - entry->data ? entry->data + entry->packed : zip->n;
}

// Marks those whose data is another's.  Two views of one local header are two readings of it, and
// no more than two.
static void mark_overlaps(struct zip *zip)
{
	uint64_t taken = 0;
	for (size_t i = 0; i < zip->n_entries; i++) {
		struct zip_entry *entry = &zip->entries[i];
		bool twin = i && entry->at == entry[-1].at;
		if (!entry->data)
			continue;
		entry->unread = twin ? entry[-1].unread || (i > 1 && entry->at == entry[-2].at)
				     : entry->at < taken;
		if (entry->unread)
			zip->ambiguous = true;
		else if (end_of_data(zip, entry) > taken)
			taken = end_of_data(zip, entry);
	}
}

// Of two views of one local header the one with less data counts: behind it a stream goes on.
static uint64_t least_end(const struct zip *zip, size_t *i)
{
	uint64_t end = end_of_data(zip, &zip->entries[*i]);
	while (*i + 1 < zip->n_entries && zip->entries[*i + 1].at == zip->entries[*i].at) {
		uint64_t other = end_of_data(zip, &zip->entries[++*i]);
		if (other < end)
			end = other;
	}
	return end;
}

static void search_gaps(struct zip *zip, uint64_t last, uint32_t max)
{
	size_t known = zip->n_entries;
	uint64_t from = 0;
	for (size_t i = 0; i < known; i++) {
		uint64_t at = zip->entries[i].at;
		if (!zip->entries[i].data)
			continue;
		if (at > from)
			search_gap(zip, from, at, max);
		uint64_t end = least_end(zip, &i);
		if (end > from)
			from = end;
	}
	search_gap(zip, from, zip->central, max);
	search_gap(zip, last, zip->n, max); // behind the end record
	sort(zip);
}

// What mail programs and file systems append.
static bool is_blank(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] && bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != ' ' &&
		    bytes[i] != 0x1a)
			return false;
	return true;
}

// A ZIP that is stored in this one has its own end.
static bool in_data(const struct zip *zip, uint64_t at)
{
	for (size_t i = 0; i < zip->n_entries; i++)
		if (zip->entries[i].data && at >= zip->entries[i].at &&
		    at < end_of_data(zip, &zip->entries[i]))
			return true;
	return false;
}

int zip_read(const uint8_t *bytes, size_t n, uint32_t max, struct zip *ret)
{
	struct end ends[ENDS_MAX];
	*ret = (struct zip){ .bytes = bytes, .n = n, .central = n };
	size_t n_ends = find_ends(ret, ends);
	uint64_t last = n;
	ret->has_central = n_ends > 0;
	for (size_t i = 0; i < n_ends; i++) {
		if (in_data(ret, ends[i].at))
			continue;
		ret->ambiguous = ret->ambiguous || i > 0 || ends[i].two;
		ret->base = ends[i].base;
		read_central(ret, ends[i].central, ends[i].at, max);
	}
	if (n_ends) {
		const struct end *end = &ends[0];
		ret->base = end->base;
		ret->central = end->central;
		last = end->at + END_SIZE;
		ret->behind = !is_blank(bytes + n - end->after, end->after);
	} else {
		ret->damaged = true;
	}
	sort(ret);
	remove_repeats(ret);
	search_gaps(ret, last, max);
	set_ends(ret);
	mark_overlaps(ret);
	return ret->more && ret->n_entries < max ? -ENOMEM : 0;
}

void zip_done(struct zip *zip)
{
	free(zip->entries);
	zip->entries = NULL;
}

bool zip_at_end(const uint8_t *bytes, size_t n, bool last)
{
	const struct zip zip = { .bytes = bytes, .n = n };
	struct end ends[ENDS_MAX];
	size_t found = find_ends(&zip, ends);
	for (size_t i = 0; i < found; i++)
		if (is_at(&zip, ends[i].central, "PK\1\2", CENTRAL_SIZE) &&
		    (!last || ends[i].after == 0))
			return true;
	return false;
}
