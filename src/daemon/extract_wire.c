// The report, checked: every size, every number, every letter of a name.
#include "daemon/extract_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct reader {
	const uint8_t *at, *end;
	const struct unpack_bounds *bounds;
	uint8_t *seen; // by number of an entry
	char *name;    // where the next one goes
	struct extract_report *report;
};

static bool take(struct reader *reader, void *out, size_t n)
{
	if ((size_t)(reader->end - reader->at) < n)
		return false;
	memcpy(out, reader->at, n);
	reader->at += n;
	return true;
}

// A name, with its NUL, into the room for all of them: each has been counted in the report's size.
static bool take_name(struct reader *reader, size_t n, const char **ret)
{
	char *name = reader->name;
	size_t bad;
	if (n > UNPACK_NAME_MAX || !take(reader, name, n))
		return false;
	name[n] = '\0';
	*ret = name;
	reader->name += n + 1;
	return !memchr(name, 0, n) && text_is_utf8(name, n, &bad);
}

static bool check_head(struct reader *reader, const struct extract_entry_head *head)
{
	uint32_t number = head->number;
	if (number == 0 || number > reader->bounds->entries || head->parent >= number ||
	    head->kinds >> UNPACK_KINDS || head->limit >= UNPACK_LIMITS || head->zero ||
	    reader->seen[number])
		return false;
	reader->seen[number] = 1;
	return true;
}

static bool take_entry(struct reader *reader)
{
	struct extract_entry_head head;
	struct extract_report *report = reader->report;
	struct unpack_entry *entry = &report->entries[report->n_entries];
	if (!take(reader, &head, sizeof(head)) || !check_head(reader, &head))
		return false;
	*entry = (struct unpack_entry){
		.number = head.number,
		.parent = head.parent,
		.size = head.size,
		.kinds = head.kinds,
		.limit = head.limit,
		.found = { head.words, head.numbers },
	};
	report->n_entries++;
	return take_name(reader, head.n_name, &entry->name) &&
	       (!head.n_also || take_name(reader, head.n_also, &entry->also));
}

static bool take_end(struct reader *reader)
{
	struct extract_end end;
	if (!take(reader, &end, sizeof(end)) || reader->at != reader->end ||
	    end.kinds >> UNPACK_KINDS || end.limit >= UNPACK_LIMITS || end.zero ||
	    end.n_entries != reader->report->n_entries)
		return false;
	reader->report->kinds = end.kinds;
	reader->report->limit = end.limit;
	reader->report->found = (struct unpack_terms){ end.words, end.numbers };
	return true;
}

static bool read_all(struct reader *reader)
{
	uint32_t magic;
	while ((size_t)(reader->end - reader->at) >= sizeof(magic)) {
		memcpy(&magic, reader->at, sizeof(magic));
		if (magic == EXTRACT_END_MAGIC)
			return take_end(reader);
		if (magic != EXTRACT_ENTRY_MAGIC || !take_entry(reader))
			return false;
	}
	return false;
}

int extract_report_read(const uint8_t *bytes, size_t n, const struct unpack_bounds *bounds,
			struct extract_report *ret)
{
	size_t most = n / sizeof(struct extract_entry_head) + 1;
	*ret = (struct extract_report){
		.entries = calloc(most, sizeof(*ret->entries)),
		.names = malloc(n + 2 * most),
	};
	struct reader reader = {
		.at = bytes,
		.end = bytes + n,
		.bounds = bounds,
		.seen = calloc((size_t)bounds->entries + 1, 1),
		.name = ret->names,
		.report = ret,
	};
	int r = ret->entries && ret->names && reader.seen ? 0 : -ENOMEM;
	if (r == 0 && !read_all(&reader))
		r = -EINVAL;
	free(reader.seen);
	if (r < 0)
		extract_report_done(ret);
	return r;
}

void extract_report_done(struct extract_report *report)
{
	free(report->entries);
	free(report->names);
	*report = (struct extract_report){ 0 };
}
