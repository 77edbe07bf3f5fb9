// What is in a file that was kept whole: each entry is judged like a file of its own, and has a row
// in the record behind the file's.
#include "inspect/apart.h"
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

static void take_result(struct look *look, const struct unpack_result *result)
{
	struct content *content = look->content;
	struct content_facts *facts = &look->hand->facts;
	facts->kinds |= facts->file ? result->kinds : result->kinds & ~(uint32_t)OF_TEXT;
	facts->terms.words |= result->found.words;
	if (result->found.numbers > facts->terms.numbers)
		facts->terms.numbers = result->found.numbers;
	if (result->limit != UNPACK_WHOLE) {
		facts->unread = true;
		look->hand->limit = result->limit;
	}
	content->unpacked += least(look->size, CONTENT_UNPACK_BYTES - content->unpacked);
	content->n_unpacked +=
		(uint32_t)least(look->n, CONTENT_UNPACK_ENTRIES - content->n_unpacked);
	content_rows_order(&content->rows, &look->entries);
}

// As if nothing had been told.
static void take_back(struct look *look, size_t n_files, bool recorded)
{
	struct content_rows *rows = &look->content->rows;
	rows->n = look->entries.first;
	rows->n_files = n_files;
	look->content->recorded = recorded;
}

void content_unpack(struct content *content, struct hand *hand, const struct reading *reading,
		    uint32_t *ret_apart)
{
	const struct unpack_bounds bounds = {
		.depth = CONTENT_UNPACK_DEPTH,
		.entries = CONTENT_UNPACK_ENTRIES - content->n_unpacked,
		.output = CONTENT_UNPACK_BYTES - content->unpacked,
		.each = CONTENT_UNPACK_EACH,
		.memory = CONTENT_UNPACK_BYTES,
		.ratio = CONTENT_UNPACK_RATIO,
		.apart = content->apart,
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
	const size_t n_files = content->rows.n_files;
	const bool recorded = content->recorded;
	struct unpack_result result;
	if (!bounds.entries || !bounds.output) {
		hand->facts.unread = true;
		hand->limit = bounds.entries ? UNPACK_OUTPUT : UNPACK_ENTRIES;
		return;
	}
	unpack_look(&file, &bounds, &sink, &result);
	if (!result.apart || content_over(content)) {
		take_result(&look, &result);
		return;
	}
	take_back(&look, n_files, recorded);
	*ret_apart = content_apart_begin(content, hand, &file, &bounds);
	if (!*ret_apart)
		content->reason = SMTP_ATTACHMENT_BUSY;
}

static void move_row(struct hand *hands, uint32_t from, uint32_t to, uint32_t by)
{
	for (struct hand *hand = hands; hand; hand = hand->below)
		if (hand->row != CONTENT_NO_ROW && hand->row >= from && hand->row < to)
			hand->row += by;
}

// Entries that were told late go where they belong.
static void move_rows(struct content *content, uint32_t first)
{
	const uint32_t n = content->rows.n > first ? content->rows.n - first : 0;
	const uint32_t at = content_rows_gather(&content->rows, first);
	move_row(content->hands, at, first, n);
	move_row(content->waiting, at, first, n);
}

void content_unpacked(struct content *content, struct hand *hand, const struct apart_answer *answer)
{
	struct look look = { .content = content,
			     .hand = hand,
			     .entries = { .first = content->rows.n } };
	for (size_t i = 0; i < answer->n_entries; i++)
		on_entry(&look, &answer->entries[i]);
	take_result(&look, &answer->result);
	move_rows(content, look.entries.first);
}
