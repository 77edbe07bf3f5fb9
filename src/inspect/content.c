// The parser's calls, the files in hand, and the verdict.
//
// A part is in hand from its beginning to its end: parts that hold others, their parts meanwhile, a
// text and a block found in it.  Of its bytes are kept: the first 4 KB, by which its kind is told;
// their hash; all, if it has to be unpacked.  Where the parser tells two readings of the bytes both
// are judged.
#include "inspect/content_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "inspect/content_hash.h"
#include "inspect/content_words.h"

void content_fail(struct content *content)
{
	if (!content_over(content))
		content->reason = SMTP_MEMORY;
}

// --- rows of the record

static struct mail_file *row_of(struct content *content, const struct hand *hand)
{
	return hand->row == CONTENT_NO_ROW ? NULL : &content->rows.v[hand->row];
}

static void begin_row(struct content *content, struct hand *hand)
{
	const struct mime_part *part = hand->part;
	hand->row = content_rows_add(&content->rows);
	if (hand->row == CONTENT_NO_ROW)
		return;
	struct mail_file *row = &content->rows.v[hand->row];
	row->part = (uint16_t)part->number;
	content_name(part->n_names ? part->names[0] : "", row->name);
	snprintf(row->type, sizeof(row->type), "%s", part->type);
}

// What is known now.  A file that is refused has a row, whatever the number of others.
static void write_row(struct content *content, struct hand *hand, enum mail_file_action action,
		      int rule)
{
	struct mail_file *row = row_of(content, hand);
	if (!row && (action == MAIL_FILE_REFUSED || action == MAIL_FILE_HELD)) {
		row = content_rows_late(&content->rows);
		row->part = (uint16_t)hand->part->number;
		content_name(hand->part->n_names ? hand->part->names[0] : "", row->name);
		snprintf(row->type, sizeof(row->type), "%s", hand->part->type);
	}
	if (!row)
		return;
	row->size = hand->facts.size;
	row->action = action;
	row->rule = (uint16_t)(rule + 1);
	content_found(&hand->facts, hand->limit, row->found);
}

static void write_hash(struct content *content, struct hand *hand)
{
	struct reading *first = hand->readings[MIME_FIRST];
	crypto_hash_sha256_state none;
	struct mail_file *row = row_of(content, hand);
	if (!row || hand->part->kind != MIME_LEAF)
		return;
	crypto_hash_sha256_init(&none);
	crypto_hash_sha256_final(first ? &first->hash : &none, row->sha256);
	row->has_sha256 = true;
}

// --- rules

// A file that is not over is read on, for whoever looks into the matter asks for its sum.
static void accuse(struct content *content, struct hand *hand)
{
	if (hand->row != CONTENT_NO_ROW && hand->part->kind == MIME_LEAF && !hand->facts.whole)
		content->guilty = hand;
}

void content_refuse(struct content *content, int rule, const struct content_facts *facts)
{
	content->rule = rule;
	content->reason = content_reason(&content->profile->attachments[rule], facts);
}

// The first reason is the one that is told.
void content_hold(struct content *content, int rule, enum smtp_reason reason)
{
	if (content->held != SMTP_REASON_NONE)
		return;
	content->held = reason;
	content->held_rule = rule;
}

// hand: the file with which the sums grew.
void content_look_at_sums(struct content *content, struct hand *hand)
{
	int rule = content_rules_sums(content->profile, &content->armed, &content->sums);
	enum smtp_reason reason;
	if (rule < 0 || content_over(content))
		return;
	reason = content->profile->attachments[rule].total_over ? SMTP_ATTACHMENT_TOTAL
								: SMTP_ATTACHMENT_NUMBER;
	if (content->profile->attachments[rule].action == PROFILE_HOLD) {
		content_hold(content, rule, reason);
		return;
	}
	write_row(content, hand, MAIL_FILE_REFUSED, rule);
	accuse(content, hand);
	content->rule = rule;
	content->reason = reason;
}

// Once more, for something of the file in hand has changed.
void content_judge_hand(struct content *content, struct hand *hand)
{
	if (content_over(content))
		return;
	struct judged judged = content_judge(content, &hand->out, &hand->facts);
	if (judged.action == MAIL_FILE_REFUSED) {
		write_row(content, hand, judged.action, judged.rule);
		accuse(content, hand);
		content_refuse(content, judged.rule, &hand->facts);
		return;
	}
	if (judged.action == MAIL_FILE_HELD) {
		if (hand->row == CONTENT_NO_ROW)
			begin_row(content, hand);
		write_row(content, hand, judged.action, judged.rule);
		content_hold(content, judged.rule,
			     content_reason(&content->profile->attachments[judged.rule],
					    &hand->facts));
	} else if (hand->facts.whole) {
		content->recorded |= judged.action == MAIL_FILE_RECORDED;
		write_row(content, hand, judged.action, judged.rule);
	}
	content_look_at_sums(content, hand);
}

// --- the parser's calls

static struct hand *find_number(const struct content *content, uint32_t number)
{
	struct hand *hand = content->hands;
	while (hand && hand->part->number != number)
		hand = hand->below;
	return hand;
}

static struct hand *find_hand(const struct content *content, const struct mime_part *part)
{
	return find_number(content, part->number);
}

static bool is_text(const struct mime_part *part)
{
	return part->kind == MIME_LEAF && !part->n_names && !part->attachment &&
	       !part->inline_block && strncmp(part->type, "text/", 5) == 0;
}

// The message itself and parts that only hold others are none, nor is a text to be read.
static bool is_file(const struct mime_part *part)
{
	if (part->kind == MIME_LEAF)
		return !is_text(part);
	return part->kind == MIME_MESSAGE &&
	       (part->number != 0 || strcmp(part->type, "message/rfc822") != 0);
}

// By its type or a name: what lists are called is often application/vnd.ms-excel.
static bool may_be_text(const struct mime_part *part)
{
	bool text = strncmp(part->type, "text/", 5) == 0;
	for (uint32_t i = 0; i < part->n_names && !text; i++)
		text = unpack_kinds(part->names[i], NULL, 0) & (UNPACK_TEXT | UNPACK_HTML);
	return text;
}

// What mail programs show as the message itself.
static bool is_body(const struct mime_part *part)
{
	return !part->attachment && !part->inline_block &&
	       (strncmp(part->type, "text/", 5) == 0 ||
		strcmp(part->type, "application/xhtml+xml") == 0);
}

static void on_text(void *arg, unsigned reading, const char *bytes, size_t n)
{
	habit_page_text((struct habit_page *)arg + reading, bytes, n);
}

static void on_tag(void *arg, unsigned reading, const char *name, bool end)
{
	habit_page_tag((struct habit_page *)arg + reading, name, end);
}

static void on_attribute(void *arg, unsigned reading, const char *tag, const char *name,
			 const char *value)
{
	habit_page_attribute((struct habit_page *)arg + reading, tag, name, value);
}

static void on_part(void *arg)
{
	struct habit_page *pages = arg;
	pages[1] = pages[0];
}

static void begin_pages(struct content *content, struct hand *hand)
{
	hand->pages = calloc(PROSE_READINGS, sizeof(*hand->pages));
	if (!hand->pages) {
		content_fail(content);
		return;
	}
	for (size_t i = 0; i < PROSE_READINGS; i++)
		habit_page_begin(content->habit, hand->part->number, &hand->pages[i]);
	const struct prose_eye eye = { on_text, on_tag, on_attribute, on_part, hand->pages };
	prose_watch(hand->text, &eye);
}

// By its type, or to whoever saves it and opens it.
static bool is_page(const struct mime_part *part)
{
	bool page = prose_is_html(part->type);
	for (uint32_t i = 0; i < part->n_names && !page; i++)
		page = unpack_kinds(part->names[i], NULL, 0) & UNPACK_HTML;
	return page;
}

// Names are looked through at once, texts as they come.
static void begin_text(struct content *content, struct hand *hand)
{
	const struct terms *terms = content->profile->terms;
	const struct mime_part *part = hand->part;
	bool pages = content->habit && habit_reads(content->profile) && is_body(part);
	for (uint32_t i = 0; terms && i < part->n_names; i++)
		prose_string(terms, part->names[i], &hand->facts.terms);
	if (part->kind != MIME_LEAF || !((terms && may_be_text(part)) || pages))
		return;
	hand->text = prose_new(terms, is_page(part));
	if (!hand->text)
		content_fail(content);
	else if (pages)
		begin_pages(content, hand);
}

// --- habits

static void look_at_habits(struct content *content)
{
	if (!content->habit || content_over(content))
		return;
	content->reason = habit_reason(content->habit);
}

// The first of what comes after the message's header.
static void end_header(struct content *content)
{
	if (!content->habit || content->headed || content_over(content))
		return;
	content->headed = true;
	habit_header_end(content->habit);
	look_at_habits(content);
}

static void on_begin(void *arg, const struct mime_part *part)
{
	struct content *content = arg;
	if (part->number)
		end_header(content);
	if (content_over(content))
		return;
	struct hand *above = part->number ? find_number(content, part->parent) : NULL;
	if (above && above->part->kind == MIME_LEAF && !part->inline_block)
		above->read = true;
	struct hand *hand = calloc(1, sizeof(*hand));
	if (!hand) {
		content_fail(content);
		return;
	}
	hand->below = content->hands;
	hand->part = part;
	hand->row = CONTENT_NO_ROW;
	hand->facts.file = is_file(part);
	hand->facts.doubts = content->early;
	hand->next_size = content_rules_next_size(content->profile, 0);
	content->hands = hand;
	content->n_hands++;
	content->early = 0;
	content_rules_exclude(content->profile, (const char *const *)part->names, part->n_names,
			      part->type, hand->facts.file, &hand->out);
	if (part->kind == MIME_LEAF && part->n_names)
		hand->facts.kinds = content_kinds_of(hand, NULL, 0);
	else if (part->kind == MIME_LEAF)
		hand->facts.kinds = unpack_type_kinds(part->type);
	else if (part->kind == MIME_MESSAGE && part->number)
		hand->facts.kinds = UNPACK_MAIL;
	if (hand->facts.file) {
		content->sums.number++;
		begin_row(content, hand);
	}
	begin_text(content, hand);
	content_judge_hand(content, hand);
}

static void on_field(void *arg, const struct mime_part *part, const char *name, const char *raw,
		     const char *shown)
{
	struct content *content = arg;
	struct hand *hand = content_over(content) ? NULL : find_hand(content, part);
	if (!hand)
		return;
	if (content->habit && !part->number)
		habit_field(content->habit, name, raw, shown);
	if (content->profile->hold.any && !part->number)
		content_heading_field(&content->heading, name, shown);
	if (hand->text && strcasecmp(name, "content-type") == 0)
		prose_type(hand->text, raw);
	if (strcasecmp(name, "subject") != 0 && strcasecmp(name, "keywords") != 0 &&
	    strcasecmp(name, "comments") != 0)
		return;
	if (!content->profile->terms)
		return;
	prose_string(content->profile->terms, shown, &hand->facts.terms);
	content_judge_hand(content, hand);
}

// Both readings of the bytes go there: what is found in either counts.
static void read_text(struct content *content, struct hand *hand, const uint8_t *bytes, size_t n)
{
	if (!hand->text || content_over(content))
		return;
	if (!prose_read(hand->text, bytes, n))
		content_fail(content);
	prose_found(hand->text, &hand->facts.terms);
	look_at_habits(content);
}

static void follow(struct content *content, const struct mime_part *part, enum mime_reading which,
		   const uint8_t *bytes, size_t n)
{
	struct hand *hand = content->guilty;
	if (!hand || which != MIME_FIRST || part->number != hand->part->number)
		return;
	if (!hand->readings[MIME_FIRST])
		hand->readings[MIME_FIRST] = content_new_reading(content, NULL);
	if (!hand->readings[MIME_FIRST]) {
		content->guilty = NULL;
		return;
	}
	content_hash(&hand->readings[MIME_FIRST]->hash, bytes, n);
	hand->readings[MIME_FIRST]->size += n;
}

static void on_bytes(void *arg, const struct mime_part *part, enum mime_reading which,
		     const uint8_t *bytes, size_t n)
{
	struct content *content = arg;
	end_header(content);
	struct hand *hand = content_over(content) ? NULL : find_hand(content, part);
	if (!hand) {
		follow(content, part, which, bytes, n);
		return;
	}
	struct reading **reading = &hand->readings[which];
	if (!*reading)
		*reading = content_new_reading(
			content, which == MIME_SECOND ? hand->readings[MIME_FIRST] : NULL);
	if (*reading && n)
		content_take(content, hand, *reading, bytes, n);
	read_text(content, hand, bytes, n);
}

static void on_doubt(void *arg, const struct mime_part *part, enum mime_doubt doubt)
{
	struct content *content = arg;
	struct hand *hand = content_over(content) ? NULL : find_hand(content, part);
	if (!hand) {
		content->early |= 1u << doubt;
		return;
	}
	hand->facts.doubts |= 1u << doubt;
	content_judge_hand(content, hand);
}

void content_free_hand(struct content *content, struct hand *hand)
{
	content->n_hands--;
	for (size_t i = 0; i < READINGS; i++)
		if (hand->readings[i]) {
			content_drop_kept(content, hand->readings[i]);
			free(hand->readings[i]);
		}
	prose_free(hand->text);
	free(hand->pages);
	if (hand->own)
		free(hand->own->names[0]);
	free(hand->own);
	free(hand);
}

static void free_hand(struct content *content, struct hand *hand)
{
	struct hand **at = &content->hands;
	while (*at != hand)
		at = &(*at)->below;
	*at = hand->below;
	content_free_hand(content, hand);
}

// Something that is no file is recorded only for what was found in it.
static bool is_worth_a_row(const struct hand *hand)
{
	const struct content_facts *facts = &hand->facts;
	return !facts->file && (facts->kinds || facts->doubts || facts->unread ||
				facts->terms.words || facts->terms.numbers);
}

static void end_text(struct content *content, struct hand *hand)
{
	if (!hand->text)
		return;
	if (!prose_end(hand->text))
		content_fail(content);
	for (size_t i = 0; hand->pages && i < PROSE_READINGS; i++)
		habit_page_end(&hand->pages[i]);
	prose_found(hand->text, &hand->facts.terms);
	look_at_habits(content);
}

static void end_guilty(struct content *content, const struct mime_part *part)
{
	struct hand *hand = content->guilty;
	if (!hand || part->number != hand->part->number)
		return;
	if (hand->readings[MIME_FIRST])
		row_of(content, hand)->size = hand->readings[MIME_FIRST]->size;
	write_hash(content, hand);
	content->guilty = NULL;
}

bool content_finish_hand(struct content *content, struct hand *hand)
{
	hand->facts.whole = true;
	if (is_worth_a_row(hand) && hand->row == CONTENT_NO_ROW)
		begin_row(content, hand);
	if (!hand->own) // else it has its sum
		write_hash(content, hand);
	content_judge_hand(content, hand);
	content->guilty = NULL;
	return !content_over(content);
}

static void on_end(void *arg, const struct mime_part *part)
{
	struct content *content = arg;
	end_header(content);
	struct hand *hand = content_over(content) ? NULL : find_hand(content, part);
	if (!hand) {
		end_guilty(content, part);
		return;
	}
	for (size_t i = 0; i < READINGS; i++)
		if (hand->readings[i])
			content_finish_reading(content, hand, hand->readings[i]);
	end_text(content, hand);
	if (!content_over(content) && (hand->apart[0] || hand->apart[1])) {
		write_row(content, hand, MAIL_FILE_PASSED, CONTENT_NO_RULE);
		write_hash(content, hand);
		if (!content_apart_keep(content, hand))
			content_fail(content);
	} else if (content_finish_hand(content, hand)) {
		// Otherwise it stays for the record to be completed.
		free_hand(content, hand);
	}
}

// --- the message

int content_new(const struct profile *profile, const struct audience *audience,
		const struct habit_envelope *envelope, struct content_budget *budget,
		struct content **ret_content)
{
	struct content *content;
	if (profile->n_attachments > PROFILE_ATTACHMENTS_MAX)
		return -E2BIG;
	content = calloc(1, sizeof(*content));
	if (!content)
		return -ENOMEM;
	const struct mime_sink sink = { .begin = on_begin,
					.field = on_field,
					.bytes = on_bytes,
					.end = on_end,
					.doubt = on_doubt,
					.arg = content };
	content->profile = profile;
	content->audience = audience;
	content->budget = budget;
	content->next_sum = content_rules_next_sum(profile, 0);
	content->rule = content->held_rule = CONTENT_NO_RULE;
	int r = mime_new(&sink, &content->mime);
	if (r == 0 && profile->n_habits && envelope)
		r = habit_new(profile, audience, envelope, &content->habit);
	if (r < 0)
		content_free(content);
	else
		*ret_content = content;
	return r;
}

// All but what the record is made of, and the file that is read on.  Files that were in hand are
// recorded as far as they came.
static void close_down(struct content *content)
{
	for (struct hand *hand = content->hands, *below; hand; hand = below) {
		struct mail_file *row = row_of(content, hand);
		below = hand->below;
		if (row && row->action != MAIL_FILE_REFUSED && row->action != MAIL_FILE_HELD)
			write_row(content, hand, MAIL_FILE_PASSED, CONTENT_NO_RULE);
		for (size_t i = 0; i < READINGS; i++)
			if (hand->readings[i])
				content_drop_kept(content, hand->readings[i]);
		if (hand != content->guilty)
			free_hand(content, hand);
	}
	if (content->guilty)
		return;
	mime_free(content->mime);
	content->mime = NULL;
}

void content_leave(struct content *content)
{
	content->guilty = NULL;
	close_down(content);
}

bool content_follows(const struct content *content)
{
	return content->guilty;
}

void content_free(struct content *content)
{
	if (!content)
		return;
	content_leave(content);
	content_apart_leave(content);
	content_rows_free(&content->rows);
	habit_free(content->habit);
	content_heading_free(&content->heading);
	free(content);
}

static void take_run(void *arg, const uint8_t *bytes, size_t n)
{
	struct content *content = arg;
	if (content_over(content) && !content->guilty)
		return;
	if (mime_feed(content->mime, bytes, n) < 0) {
		content->guilty = NULL;
		content_fail(content);
	} else if (content->hands) { // the message has begun: its fields were all told
		end_header(content);
	}
}

enum smtp_reason content_feed(struct content *content, const uint8_t *bytes, size_t n)
{
	if (content->mime)
		smtp_unstuff(&content->unstuff, bytes, n, take_run, content);
	if (content_over(content)) {
		close_down(content);
		content_apart_leave(content);
	}
	return content->reason;
}

enum smtp_reason content_end(struct content *content)
{
	if (content->mime && (!content_over(content) || content->guilty) &&
	    mime_end(content->mime) < 0)
		content_fail(content);
	content_leave(content);
	return content->reason;
}
