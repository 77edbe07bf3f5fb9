// One line after another, against what must stand there.
#include "keep/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

const char *verify_fault_word(enum verify_fault fault)
{
	static const char *const words[VERIFY_FAULT_COUNT] = {
		[VERIFY_CHANGED] = "changed",	    [VERIFY_MISSING] = "missing",
		[VERIFY_INSERTED] = "out of place", [VERIFY_NO_RECORD] = "no record",
		[VERIFY_CUT] = "cut off",	    [VERIFY_SIGNATURE] = "signature",
	};
	return words[fault];
}

static void __attribute__((format(printf, 6, 7)))
tell_at(struct verify *verify, enum verify_fault fault, const char *file, uint64_t line,
	uint64_t seq, const char *format, ...)
{
	struct verify_finding finding = { fault, file, line, seq, "" };
	va_list args;
	va_start(args, format);
	vsnprintf(finding.text, sizeof(finding.text), format, args);
	va_end(args);
	verify->faults++;
	if (verify->each)
		verify->each(verify->arg, &finding);
}

#define tell(verify, fault, seq, ...)                                                              \
	tell_at(verify, fault, (verify)->file, (verify)->line, seq, __VA_ARGS__)

static unsigned long long n(uint64_t number)
{
	return number;
}

void verify_begin_file(struct verify *verify, const char *name)
{
	snprintf(verify->file, sizeof(verify->file), "%s", name);
	verify->line = 0;
	verify->segments++;
	verify->at_opening = true;
}

// --- what explains a gap

static void take_disposal(struct verify *verify, const char *line, size_t length)
{
	struct verify_disposal disposal = { .last = chain_number(line, length, "last") };
	const char *head;
	size_t size;
	verify->disposed++;
	if (!disposal.last || !chain_member(line, length, "head", &head, &size) ||
	    size != CHAIN_HASH_TEXT || verify->n_disposals == VERIFY_DISPOSALS_MAX)
		return;
	memcpy(disposal.head.text, head, size);
	if (verify->n_disposals == verify->disposals_room) {
		size_t room = verify->disposals_room ? 2 * verify->disposals_room : 64;
		struct verify_disposal *more = realloc(verify->disposals, room * sizeof(*more));
		if (!more)
			return;
		verify->disposals = more;
		verify->disposals_room = room;
	}
	verify->disposals[verify->n_disposals++] = disposal;
}

static bool is_explained(const struct verify *verify, uint64_t last, const struct chain_hash *head)
{
	for (size_t i = 0; i < verify->n_disposals; i++)
		if (verify->disposals[i].last == last &&
		    strcmp(verify->disposals[i].head.text, head->text) == 0)
			return true;
	return false;
}

// What disposed of the records stands later in the log than the gap.
static void keep_gap(struct verify *verify, uint64_t from, uint64_t to,
		     const struct chain_hash *before)
{
	if (verify->n_gaps == verify->gaps_room) {
		size_t room = verify->gaps_room ? 2 * verify->gaps_room : 16;
		void *more = realloc(verify->gaps, room * sizeof(*verify->gaps));
		if (!more || verify->n_gaps >= VERIFY_DISPOSALS_MAX) {
			tell(verify, VERIFY_MISSING, from, "records %llu to %llu are missing",
			     n(from), n(to));
			return;
		}
		verify->gaps = more;
		verify->gaps_room = room;
	}
	size_t at = verify->n_gaps++;
	snprintf(verify->gaps[at].file, sizeof(verify->gaps[at].file), "%s", verify->file);
	verify->gaps[at].line = verify->line;
	verify->gaps[at].from = from;
	verify->gaps[at].to = to;
	verify->gaps[at].before = *before;
}

// --- a record

static void check_signature(struct verify *verify, const struct chain_record *record)
{
	if (!record->is_signed) {
		tell(verify, VERIFY_SIGNATURE, record->seq, "record %llu must be signed and is not",
		     n(record->seq));
		return;
	}
	for (size_t i = 0; i < verify->n_keys; i++)
		if (chain_check_signature(record, &verify->keys[i]) == 0) {
			verify->signatures++;
			verify->n_unsigned = 0;
			return;
		}
	tell(verify, VERIFY_SIGNATURE, record->seq,
	     "the signature of record %llu is not by a key of this box: it, or any record since the "
	     "signature before, was made by somebody else",
	     n(record->seq));
	verify->n_unsigned = 0;
}

static void check_heads(struct verify *verify, const struct chain_record *record)
{
	for (size_t i = 0; i < verify->n_heads; i++) {
		struct verify_head *head = &verify->heads[i];
		if (head->seq != record->seq || head->seen)
			continue;
		head->seen = true;
		if (strcmp(head->hash.text, record->hash.text) != 0)
			tell(verify, VERIFY_CHANGED, record->seq,
			     "record %llu has another hash than it had when it was written",
			     n(record->seq));
	}
}

static void count_unsigned(struct verify *verify, const struct chain_record *record)
{
	if (++verify->n_unsigned == VERIFY_UNSIGNED_MAX + 1)
		tell(verify, VERIFY_SIGNATURE, record->seq,
		     "more than %d records up to here without a signature: the writer signs oftener",
		     VERIFY_UNSIGNED_MAX);
}

static void take_record(struct verify *verify, const struct chain_record *record, const char *line,
			size_t length)
{
	int kind = event_kind_find(record->event, record->event_length);
	size_t time = record->time_length < 39 ? record->time_length : 39;
	if (!verify->records) {
		memcpy(verify->first_time, record->time, time);
		verify->first = record->seq;
	}
	memcpy(verify->last_time, record->time, time);
	verify->last_time[time] = '\0';
	verify->records++;
	verify->end = (struct chain){ record->seq, record->hash };
	verify->sealed = kind == EVENT_SEGMENT_CLOSED;
	if (kind == EVENT_RECORD_DISPOSED)
		take_disposal(verify, line, length);
	count_unsigned(verify, record);
	if (record->is_signed || kind == EVENT_CHECKPOINT || kind == EVENT_SEGMENT_CLOSED)
		check_signature(verify, record);
	check_heads(verify, record);
}

// The first record of a file says what it is chained to; true with that.
static bool take_opening(const char *line, size_t length, const struct chain_record *record,
			 struct chain_hash *ret_previous)
{
	const char *previous;
	size_t size;
	if (event_kind_find(record->event, record->event_length) != EVENT_SEGMENT_OPENED ||
	    !chain_member(line, length, "previous", &previous, &size) || size != CHAIN_HASH_TEXT)
		return false;
	memcpy(ret_previous->text, previous, size);
	ret_previous->text[size] = '\0';
	return true;
}

static bool is_same(const struct chain_hash *a, const struct chain_hash *b)
{
	return memcmp(a->text, b->text, CHAIN_HASH_TEXT) == 0;
}

// Whether the record is to be judged by `previous`, and tells of what is missing before it.
static bool find_previous(struct verify *verify, const char *line, size_t length,
			  const struct chain_record *record, struct chain_hash *previous)
{
	uint64_t expected = verify->end.seq + 1;
	bool opens = verify->at_opening && take_opening(line, length, record, previous);
	if (verify->at_opening && !opens)
		tell(verify, VERIFY_MISSING, record->seq,
		     "the file does not begin with the record that opens it");
	if (opens && (record->seq > expected || !verify->records)) {
		if (record->seq > 1)
			keep_gap(verify, expected, record->seq - 1, previous);
		else if (!is_same(previous, &chain_first))
			tell(verify, VERIFY_CHANGED, 1, "the first record follows another");
		return true;
	}
	if (record->seq > expected) {
		tell(verify, VERIFY_MISSING, expected,
		     record->seq - 1 == expected ? "record %llu is missing"
						 : "records %llu to %llu are missing",
		     n(expected), n(record->seq - 1));
		return false;
	}
	*previous = verify->end.seq ? verify->end.hash : chain_first;
	return true;
}

void verify_line(struct verify *verify, const char *line, size_t length, bool whole)
{
	struct chain_record record;
	struct chain_hash previous = chain_first, now;
	verify->line++;
	if (!whole || chain_parse(line, length, &record) < 0) {
		if (!whole)
			tell(verify, VERIFY_CUT, 0, "the last line is cut off");
		else
			tell(verify, VERIFY_NO_RECORD, 0, "the line is no record of this log");
		verify->broken = true;
		verify->at_opening = false;
		return;
	}
	if (record.seq <= verify->end.seq) {
		tell(verify, VERIFY_INSERTED, record.seq,
		     "record %llu stands here after record %llu: it was moved, or inserted",
		     n(record.seq), n(verify->end.seq));
		verify->at_opening = false;
		return;
	}
	// A line that is no record was this very record: it has been told of.
	bool judged = !(verify->broken && record.seq == verify->end.seq + 2) &&
		      find_previous(verify, line, length, &record, &previous);
	chain_hash_of(&previous, line, &record, &now);
	// Where only the hash before was changed, what it ought to be still leads here.
	if (judged && !is_same(&now, &record.hash) && !chain_follows(&verify->made, line, &record))
		tell(verify, VERIFY_CHANGED, record.seq,
		     "record %llu, or the hash of the record before it, was changed",
		     n(record.seq));
	verify->made = now;
	verify->broken = false;
	verify->at_opening = false;
	take_record(verify, &record, line, length);
}

// --- the end

static void end_gaps(struct verify *verify)
{
	for (size_t i = 0; i < verify->n_gaps; i++) {
		uint64_t from = verify->gaps[i].from, to = verify->gaps[i].to;
		if (!is_explained(verify, to, &verify->gaps[i].before))
			tell_at(verify, VERIFY_MISSING, verify->gaps[i].file, verify->gaps[i].line,
				from, "records %llu to %llu are missing, and no record says why",
				n(from), n(to));
	}
}

static void end_heads(struct verify *verify)
{
	for (size_t i = 0; i < verify->n_heads; i++)
		if (!verify->heads[i].seen && verify->heads[i].seq > verify->end.seq)
			tell_at(verify, VERIFY_CUT, verify->file, 0, verify->heads[i].seq,
				"record %llu was written and is not there: the log ends with "
				"record %llu",
				n(verify->heads[i].seq), n(verify->end.seq));
}

uint64_t verify_end(struct verify *verify)
{
	if (verify->sealed)
		tell_at(verify, VERIFY_CUT, verify->file, 0, verify->end.seq + 1,
			"the last file is closed, and the one that must follow it is not there");
	end_gaps(verify);
	end_heads(verify);
	free(verify->disposals);
	free(verify->gaps);
	verify->disposals = NULL;
	verify->gaps = NULL;
	return verify->faults;
}
