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

enum {
	KEPT_FIRST = 64 * 1024,
	// What may hold other files, or has to be read whole to know what it is.
	TO_UNPACK = UNPACK_ARCHIVE | UNPACK_OFFICE | UNPACK_PDF | UNPACK_DISK_IMAGE | UNPACK_MAIL |
		    UNPACK_ENCRYPTED | UNPACK_EXECUTABLE | UNPACK_AMBIGUOUS,
};

static void fail(struct content *content)
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
	if (!row && action == MAIL_FILE_REFUSED) {
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

static const struct content_rules all_rules = { .v = { UINT64_MAX, UINT64_MAX, UINT64_MAX,
						       UINT64_MAX } };

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

// hand: the file with which the sums grew.
void content_look_at_sums(struct content *content, struct hand *hand)
{
	int rule = content_rules_sums(content->profile, &content->armed, &content->sums);
	if (rule < 0 || content_over(content))
		return;
	write_row(content, hand, MAIL_FILE_REFUSED, rule);
	accuse(content, hand);
	content->rule = rule;
	content->reason = content->profile->attachments[rule].total_over ? SMTP_ATTACHMENT_TOTAL
									 : SMTP_ATTACHMENT_NUMBER;
}

struct judged content_judge(struct content *content, const struct content_rules *out,
			    const struct content_facts *facts)
{
	static const enum mail_file_action actions[] = {
		[PROFILE_ALLOW] = MAIL_FILE_ALLOWED,
		[PROFILE_RECORD] = MAIL_FILE_RECORDED,
		[PROFILE_REFUSE] = MAIL_FILE_REFUSED,
	};
	const struct audience *audience = content->audience;
	struct judged judged = { MAIL_FILE_PASSED, CONTENT_NO_RULE };
	// Without a recipient that the server took, as strict as can be.
	uint32_t n = audience->taken ? audience->n : 1;
	for (uint32_t i = 0; i < n; i++) {
		const struct content_rules *set = audience->taken ? &audience->v[i] : &all_rules;
		if (audience->taken && !(audience->taken >> i & 1))
			continue;
		int rule = content_rules_judge(content->profile, set, out, facts, &content->sums,
					       &content->armed);
		if (rule < 0)
			continue;
		enum mail_file_action action = actions[content->profile->attachments[rule].action];
		if (action > judged.action) {
			judged.action = action;
			judged.rule = rule;
		}
	}
	return judged;
}

// Once more, for something of the file in hand has changed.
static void judge_hand(struct content *content, struct hand *hand)
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
	if (hand->facts.whole) {
		content->recorded |= judged.action == MAIL_FILE_RECORDED;
		write_row(content, hand, judged.action, judged.rule);
	}
	content_look_at_sums(content, hand);
}

// --- bytes

static void drop_kept(struct content *content, struct reading *reading)
{
	free(reading->kept);
	content->kept -= reading->room;
	if (content->budget)
		content->budget->used -= reading->room;
	reading->kept = NULL;
	reading->n_kept = reading->room = 0;
	reading->keeps = false;
}

// False: no room, of the message's own or of the process's.
static bool make_room(struct content *content, struct reading *reading, size_t want)
{
	struct content_budget *budget = content->budget;
	size_t room = reading->room + reading->room / 2;
	room = room < KEPT_FIRST ? KEPT_FIRST : room;
	room = room < want ? want : room;
	size_t more = room - reading->room, left = CONTENT_KEPT_MAX - content->kept;
	if (more > left) {
		more = left;
		room = reading->room + more;
	}
	if (room < want) {
		reading->lost = true;
		return false;
	}
	uint8_t *kept = NULL;
	if (!budget || budget->used + more <= budget->most)
		kept = realloc(reading->kept, room);
	if (!kept) {
		content->reason = SMTP_ATTACHMENT_BUSY;
		return false;
	}
	reading->kept = kept;
	reading->room = room;
	content->kept += more;
	if (budget)
		budget->used += more;
	return true;
}

static void keep(struct content *content, struct reading *reading, const uint8_t *bytes, size_t n)
{
	if (reading->n_kept + n > reading->room &&
	    !make_room(content, reading, reading->n_kept + n)) {
		drop_kept(content, reading);
		return;
	}
	if (n) // else there may be no room yet
		memcpy(reading->kept + reading->n_kept, bytes, n);
	reading->n_kept += n;
}

// By the first bytes, under every name that it could have.
static uint32_t kinds_of(const struct hand *hand, const uint8_t *head, size_t n)
{
	const struct mime_part *part = hand->part;
	uint32_t kinds = part->n_names ? 0 : unpack_kinds("", head, n);
	for (uint32_t i = 0; i < part->n_names; i++)
		kinds |= unpack_kinds(part->names[i], head, n);
	return hand->facts.file ? kinds : kinds & ~(uint32_t)OF_TEXT;
}

// The first bytes are complete.
static void classify(struct content *content, struct hand *hand, struct reading *reading)
{
	uint32_t kinds = kinds_of(hand, reading->head, reading->n_head);
	hand->facts.kinds |= kinds;
	bool drawing = (kinds & UNPACK_TEXT) && (kinds & UNPACK_IMAGE); // SVG may be a page
	reading->keeps = (kinds & TO_UNPACK) || drawing || (hand->facts.file && !kinds);
	judge_hand(content, hand);
	if (reading->keeps && !content_over(content))
		keep(content, reading, reading->head, reading->n_head);
}

static struct reading *new_reading(struct content *content, const struct reading *like)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	if (!reading) {
		fail(content);
		return NULL;
	}
	crypto_hash_sha256_init(&reading->hash);
	if (!like)
		return reading;
	*reading = *like;
	reading->kept = NULL;
	reading->n_kept = reading->room = 0;
	if (like->n_kept)
		keep(content, reading, like->kept, like->n_kept);
	return reading;
}

// How many bytes go before something is to be judged, so that the verdict does not hang on how the
// message was cut.
static size_t next_step(const struct content *content, const struct hand *hand,
			const struct reading *reading, size_t n)
{
	uint64_t step = n;
	if (reading->n_head < CONTENT_HEAD && CONTENT_HEAD - reading->n_head < step)
		step = CONTENT_HEAD - reading->n_head;
	if (hand->next_size - reading->size < step && hand->next_size > reading->size)
		step = hand->next_size - reading->size;
	// As far as this reading is the longer one, the sum grows with it.
	uint64_t behind = hand->facts.size - reading->size;
	if (hand->facts.file && content->next_sum > content->sums.size &&
	    content->next_sum - content->sums.size + behind < step)
		step = content->next_sum - content->sums.size + behind;
	return (size_t)step;
}

static void grow(struct content *content, struct hand *hand, uint64_t size)
{
	if (size <= hand->facts.size)
		return;
	if (hand->facts.file)
		content->sums.size += size - hand->facts.size;
	hand->facts.size = size;
	bool judged = size >= hand->next_size || content->sums.size >= content->next_sum;
	if (size >= hand->next_size)
		hand->next_size = content_rules_next_size(content->profile, size);
	if (content->sums.size >= content->next_sum)
		content->next_sum = content_rules_next_sum(content->profile, content->sums.size);
	if (judged)
		judge_hand(content, hand);
}

static void take(struct content *content, struct hand *hand, struct reading *reading,
		 const uint8_t *bytes, size_t n)
{
	content_hash(&reading->hash, bytes, n);
	while (n && !content_over(content)) {
		size_t step = next_step(content, hand, reading, n);
		bool head = reading->n_head < CONTENT_HEAD;
		if (head) {
			memcpy(reading->head + reading->n_head, bytes, step);
			reading->n_head += (uint32_t)step;
		} else if (reading->keeps) {
			keep(content, reading, bytes, step);
		}
		reading->size += step;
		grow(content, hand, reading->size);
		if (head && reading->n_head == CONTENT_HEAD && !content_over(content))
			classify(content, hand, reading);
		bytes += step;
		n -= step;
	}
	reading->size += n; // of a file that was refused meanwhile
}

// A file named like a message, whose parts were told.
static bool was_read(const struct hand *hand, const struct reading *reading)
{
	return hand->read && reading == hand->readings[MIME_FIRST] &&
	       !(hand->facts.kinds & TO_UNPACK & ~(uint32_t)UNPACK_MAIL);
}

static void finish_reading(struct content *content, struct hand *hand, struct reading *reading)
{
	if (reading->n_head < CONTENT_HEAD)
		classify(content, hand, reading);
	if (reading->lost) {
		hand->facts.unread = true;
		hand->limit = UNPACK_LIMITS;
	} else if (reading->keeps && reading->n_kept && !content_over(content) &&
		   !was_read(hand, reading)) {
		content_unpack(content, hand, reading);
	}
	drop_kept(content, reading);
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

// Names are looked through at once, texts as they come.
static void begin_terms(struct content *content, struct hand *hand)
{
	const struct terms *terms = content->profile->terms;
	const struct mime_part *part = hand->part;
	if (!terms)
		return;
	for (uint32_t i = 0; i < part->n_names; i++)
		prose_string(terms, part->names[i], &hand->facts.terms);
	if (part->kind != MIME_LEAF || !may_be_text(part))
		return;
	hand->text = prose_new(terms, prose_is_html(part->type));
	if (!hand->text)
		fail(content);
}

static void on_begin(void *arg, const struct mime_part *part)
{
	struct content *content = arg;
	if (content_over(content))
		return;
	struct hand *above = part->number ? find_number(content, part->parent) : NULL;
	if (above && above->part->kind == MIME_LEAF && !part->inline_block)
		above->read = true;
	struct hand *hand = calloc(1, sizeof(*hand));
	if (!hand) {
		fail(content);
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
		hand->facts.kinds = kinds_of(hand, NULL, 0);
	else if (part->kind == MIME_LEAF)
		hand->facts.kinds = unpack_type_kinds(part->type);
	else if (part->kind == MIME_MESSAGE && part->number)
		hand->facts.kinds = UNPACK_MAIL;
	if (hand->facts.file) {
		content->sums.number++;
		begin_row(content, hand);
	}
	begin_terms(content, hand);
	judge_hand(content, hand);
}

static void on_field(void *arg, const struct mime_part *part, const char *name, const char *raw,
		     const char *shown)
{
	struct content *content = arg;
	struct hand *hand = content_over(content) ? NULL : find_hand(content, part);
	if (!hand || !content->profile->terms)
		return;
	if (hand->text && strcasecmp(name, "content-type") == 0)
		prose_type(hand->text, raw);
	if (strcasecmp(name, "subject") != 0 && strcasecmp(name, "keywords") != 0 &&
	    strcasecmp(name, "comments") != 0)
		return;
	prose_string(content->profile->terms, shown, &hand->facts.terms);
	judge_hand(content, hand);
}

// Both readings of the bytes go there: what is found in either counts.
static void read_text(struct content *content, struct hand *hand, const uint8_t *bytes, size_t n)
{
	if (!hand->text || content_over(content))
		return;
	if (!prose_read(hand->text, bytes, n))
		fail(content);
	prose_found(hand->text, &hand->facts.terms);
}

static void follow(struct content *content, const struct mime_part *part, enum mime_reading which,
		   const uint8_t *bytes, size_t n)
{
	struct hand *hand = content->guilty;
	if (!hand || which != MIME_FIRST || part->number != hand->part->number)
		return;
	if (!hand->readings[MIME_FIRST])
		hand->readings[MIME_FIRST] = new_reading(content, NULL);
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
	struct hand *hand = content_over(content) ? NULL : find_hand(content, part);
	if (!hand) {
		follow(content, part, which, bytes, n);
		return;
	}
	struct reading **reading = &hand->readings[which];
	if (!*reading)
		*reading = new_reading(content,
				       which == MIME_SECOND ? hand->readings[MIME_FIRST] : NULL);
	if (*reading && n)
		take(content, hand, *reading, bytes, n);
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
	judge_hand(content, hand);
}

static void free_hand(struct content *content, struct hand *hand)
{
	struct hand **at = &content->hands;
	while (*at != hand)
		at = &(*at)->below;
	*at = hand->below;
	content->n_hands--;
	for (size_t i = 0; i < READINGS; i++)
		if (hand->readings[i]) {
			drop_kept(content, hand->readings[i]);
			free(hand->readings[i]);
		}
	prose_free(hand->text);
	free(hand);
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
		fail(content);
	prose_found(hand->text, &hand->facts.terms);
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

static void on_end(void *arg, const struct mime_part *part)
{
	struct content *content = arg;
	struct hand *hand = content_over(content) ? NULL : find_hand(content, part);
	if (!hand) {
		end_guilty(content, part);
		return;
	}
	for (size_t i = 0; i < READINGS; i++)
		if (hand->readings[i])
			finish_reading(content, hand, hand->readings[i]);
	end_text(content, hand);
	hand->facts.whole = true;
	if (is_worth_a_row(hand))
		begin_row(content, hand);
	write_hash(content, hand);
	judge_hand(content, hand);
	content->guilty = NULL;
	// Otherwise it stays for the record to be completed.
	if (!content_over(content))
		free_hand(content, hand);
}

// --- the message

int content_new(const struct profile *profile, const struct audience *audience,
		struct content_budget *budget, struct content **ret_content)
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
	content->rule = CONTENT_NO_RULE;
	int r = mime_new(&sink, &content->mime);
	if (r < 0)
		free(content);
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
		if (row && row->action != MAIL_FILE_REFUSED)
			write_row(content, hand, MAIL_FILE_PASSED, CONTENT_NO_RULE);
		for (size_t i = 0; i < READINGS; i++)
			if (hand->readings[i])
				drop_kept(content, hand->readings[i]);
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
	content_rows_free(&content->rows);
	free(content);
}

static void take_run(void *arg, const uint8_t *bytes, size_t n)
{
	struct content *content = arg;
	if (content_over(content) && !content->guilty)
		return;
	if (mime_feed(content->mime, bytes, n) < 0) {
		content->guilty = NULL;
		fail(content);
	}
}

enum smtp_reason content_feed(struct content *content, const uint8_t *bytes, size_t n)
{
	if (content->mime)
		smtp_unstuff(&content->unstuff, bytes, n, take_run, content);
	if (content_over(content))
		close_down(content);
	return content->reason;
}

enum smtp_reason content_end(struct content *content)
{
	if (content->mime && (!content_over(content) || content->guilty) &&
	    mime_end(content->mime) < 0)
		fail(content);
	content_leave(content);
	return content->reason;
}

size_t content_memory(const struct content *content)
{
	size_t n = sizeof(*content) + content->rows.room * sizeof(content->rows.v[0]) +
		   content->kept + content->n_hands * sizeof(struct hand) +
		   (content->mime ? mime_memory(content->mime) : 0);
	for (const struct hand *hand = content->hands; hand; hand = hand->below)
		n += (hand->readings[0] ? sizeof(struct reading) : 0) +
		     (hand->readings[1] ? sizeof(struct reading) : 0) +
		     (hand->text ? prose_memory(hand->text) : 0);
	return n;
}

size_t content_files(struct content *content, const struct mail_file **ret_files)
{
	return content_rows_done(&content->rows, ret_files);
}

const char *content_clause(const struct content *content)
{
	return content->rule >= 0 ? content->profile->attachments[content->rule].clause : "";
}

bool content_recorded(const struct content *content)
{
	return content->recorded;
}
