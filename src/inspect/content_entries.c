// What is in a file that was kept whole: each entry is judged like a file of its own, and has a row
// in the record behind the file's.
#include "inspect/content_private.h"

#include <string.h>

#include "inspect/content_words.h"
#include "unpack/unpack.h"

struct look {
	struct content *content;
	struct hand *hand;
	struct content_entries entries;
	uint64_t size; // of all
	uint32_t n;    // read, told or not
};

static void entry_row(struct look *look, const struct unpack_entry *entry,
		      const struct content_facts *facts, const struct judged *judged)
{
	struct content *content = look->content;
	struct content_entries *entries = &look->entries;
	uint32_t at = content_rows_add(&content->rows);
	struct mail_file *row;
	if (at != CONTENT_NO_ROW) {
		row = &content->rows.v[at];
		entries->v[at - entries->first].number = entry->number;
		entries->v[at - entries->first].parent = entry->parent;
	} else if (judged->action == MAIL_FILE_REFUSED || judged->action == MAIL_FILE_HELD) {
		row = content_rows_late(&content->rows);
	} else {
		return;
	}
	row->part = (uint16_t)look->hand->part->number;
	row->depth = 1;
	row->size = entry->size;
	row->action = judged->action;
	row->rule = (uint16_t)(judged->rule + 1);
	content_name(entry->name, row->name);
	content_found(facts, entry->limit, row->found);
}

static void on_entry(void *arg, const struct unpack_entry *entry)
{
	struct look *look = arg;
	struct content *content = look->content;
	const char *names[] = { entry->name, entry->also };
	struct content_facts facts = {
		.kinds = entry->kinds,
		.unread = entry->limit != UNPACK_WHOLE,
		.file = true,
		.whole = true,
		.size = entry->size,
		.terms = entry->found,
	};
	struct judged judged = { MAIL_FILE_PASSED, CONTENT_NO_RULE };
	struct content_rules out;
	look->size += entry->size < CONTENT_UNPACK_BYTES ? entry->size : CONTENT_UNPACK_BYTES;
	look->n = entry->number > look->n ? entry->number : look->n;
	for (size_t i = 0; content->profile->terms && i < 2; i++)
		if (names[i])
			prose_string(content->profile->terms, names[i], &facts.terms);
	// When one was refused the others are still recorded: they tell where it lay.
	if (!content_over(content)) {
		content_rules_exclude(content->profile, names, entry->also ? 2 : 1, NULL, true,
				      &out);
		judged = content_judge(content, &out, &facts);
	}
	content->recorded |= judged.action == MAIL_FILE_RECORDED;
	entry_row(look, entry, &facts, &judged);
	if (judged.action == MAIL_FILE_HELD)
		content_hold(content, judged.rule,
			     content_reason(&content->profile->attachments[judged.rule], &facts));
	if (judged.action == MAIL_FILE_REFUSED)
		content_refuse(content, judged.rule, &facts);
	else
		content_look_at_sums(content, look->hand);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void content_unpack(struct content *content, struct hand *hand, const struct reading *reading)
{
	const struct unpack_bounds bounds = {
		.depth = CONTENT_UNPACK_DEPTH,
		.entries = CONTENT_UNPACK_ENTRIES - content->n_unpacked,
		.output = CONTENT_UNPACK_BYTES - content->unpacked,
		.each = CONTENT_UNPACK_EACH,
		.memory = CONTENT_UNPACK_BYTES,
		.ratio = CONTENT_UNPACK_RATIO,
	};
	const struct unpack_file file = {
		.name = hand->part->n_names ? hand->part->names[0] : "",
		.bytes = reading->kept,
		.size = reading->n_kept,
		.fd = -1,
	};
	struct look look = { .content = content,
			     .hand = hand,
			     .entries = { .first = content->rows.n } };
	const struct unpack_sink sink = { .entry = on_entry,
					  .terms = content->profile->terms,
					  .arg = &look };
	struct unpack_result result;
	if (!bounds.entries || !bounds.output) {
		hand->facts.unread = true;
		hand->limit = bounds.entries ? UNPACK_OUTPUT : UNPACK_ENTRIES;
		return;
	}
	unpack_look(&file, &bounds, &sink, &result);
	hand->facts.kinds |= hand->facts.file ? result.kinds : result.kinds & ~(uint32_t)OF_TEXT;
	hand->facts.terms.words |= result.found.words;
	if (result.found.numbers > hand->facts.terms.numbers)
		hand->facts.terms.numbers = result.found.numbers;
	if (result.limit != UNPACK_WHOLE) {
		hand->facts.unread = true;
		hand->limit = result.limit;
	}
	content->unpacked += least(look.size, bounds.output);
	content->n_unpacked += (uint32_t)least(look.n, bounds.entries);
	content_rows_order(&content->rows, &look.entries);
}
