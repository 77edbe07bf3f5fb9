#include "daemon/vault_show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "daemon/vault_decide.h"

static void put_address(struct control_writer *writer, enum control_tag tag, const char *line)
{
	char text[CTL_NAME_MAX];
	size_t n = strcspn(line, ">");
	// Without the brackets, but for the null sender.
	if (n < 2)
		snprintf(text, sizeof(text), "<>");
	else
		snprintf(text, sizeof(text), "%.*s", (int)(n - 1), line + 1);
	control_put_text(writer, tag, text);
}

static void put_server(struct control_writer *writer, const struct mail_record *record)
{
	char text[ADDR_TEXT_MAX];
	control_put_text(writer, CTL_CLIENT, addr_text(&record->client, text));
	control_put_text(writer, CTL_SERVER, addr_text(&record->server, text));
}

static void put_short(struct control_writer *writer, const struct held_meta *meta,
		      const struct mail_taken *taken)
{
	control_put_u64(writer, CTL_HELD, meta->number);
	control_put_text(writer, CTL_STATE, held_state_word(meta->state));
	control_put_time(writer, CTL_SINCE, meta->held_us);
	control_put_time(writer, CTL_EXPIRES, meta->expires_us);
	control_put_u64(writer, CTL_SIZE, meta->sum.size);
	control_put_u64(writer, CTL_NEEDED, meta->envelope.persons);
	put_address(writer, CTL_SENDER, meta->envelope.lines);
	control_put_u64(writer, CTL_RECIPIENTS, meta->envelope.n_lines - 1);
	control_put_text(writer, CTL_FLOW, taken->record.flow);
	control_put_text(writer, CTL_GUARDED_BY, taken->record.guard);
	control_put_text(writer, CTL_CLAUSE, taken->record.clause);
	control_put_text(writer, CTL_WORDS, vault_why(taken->record.reason));
	put_server(writer, &taken->record);
	if (meta->state == HELD_WAITS && meta->asked.us) {
		control_put_text(writer, CTL_ASKED_BY, meta->asked.name);
		control_put_text(writer, CTL_REASON, meta->asked.reason);
	}
	if (meta->decided.us) {
		control_put_text(writer, CTL_ACTOR, meta->decided.name);
		control_put_text(writer, CTL_REASON, meta->decided.reason);
	}
	control_put_u64(writer, CTL_TRIES, meta->tries);
	control_put_time(writer, CTL_AT,
			 meta->state == HELD_WAITS ? meta->asked.us : meta->next_us);
	control_put_text(writer, CTL_DETAIL, meta->trouble);
}

static void put_recipients(struct control_writer *writer, const struct held_meta *meta)
{
	for (uint32_t i = 0; i + 1 < meta->envelope.n_lines; i++) {
		control_put_mark(writer, CTL_ROW);
		put_address(writer, CTL_RECIPIENT, held_meta_line(meta, i));
		control_put_text(writer, CTL_STATE, meta->fates[i].done ? "done" : "open");
		control_put_u64(writer, CTL_REPLY_CODE, meta->fates[i].code);
		control_put_text(writer, CTL_DETAIL, meta->fates[i].reply);
	}
}

static void put_heading(struct control_writer *writer, const struct held_envelope *envelope)
{
	for (size_t at = 0; at < envelope->heading_size; at += strlen(envelope->heading + at) + 1) {
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_HEADING, envelope->heading + at);
	}
}

static void put_sum(struct control_writer *writer, const struct mail_file *file)
{
	char hex[2 * MAIL_SHA256_BYTES + 1];
	if (!file->has_sha256)
		return;
	sodium_bin2hex(hex, sizeof(hex), file->sha256, sizeof(file->sha256));
	control_put_text(writer, CTL_SHA256, hex);
}

static void put_files(struct control_writer *writer, const struct mail_record *record)
{
	for (size_t i = 0; i < record->n_files && i < MAIL_FILES_KEPT; i++) {
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_ATTACHMENT, record->files[i].name);
		control_put_text(writer, CTL_MEDIA_TYPE, record->files[i].type);
		control_put_u64(writer, CTL_SIZE, record->files[i].size);
		control_put_text(writer, CTL_FOUND, record->files[i].found);
		if (record->files[i].rule)
			control_put_u64(writer, CTL_RULE, record->files[i].rule);
		put_sum(writer, &record->files[i]);
		control_put_text(writer, CTL_ACTION,
				 mail_file_action_word(record->files[i].action));
	}
}

static int put(struct held_store *store, uint64_t number, bool whole, struct control_writer *writer)
{
	static struct mail_taken taken;
	struct held_meta meta;
	int r = held_store_read(store, number, &meta);
	if (r < 0)
		return r;
	r = mail_wire_unpack(meta.envelope.record, meta.envelope.record_size, &taken);
	if (r == 0) {
		put_short(writer, &meta, &taken);
		for (uint32_t i = 0;
		     !whole && i + 1 < meta.envelope.n_lines && i < VAULT_SHOW_RECIPIENTS; i++)
			put_address(writer, CTL_RECIPIENT, held_meta_line(&meta, i));
		if (whole) {
			put_heading(writer, &meta.envelope);
			put_recipients(writer, &meta);
			put_files(writer, &taken.record);
		}
	}
	held_meta_done(&meta);
	return r < 0 ? r : writer->error;
}

int vault_show_list(struct held_store *store, bool all, struct control_writer *writer)
{
	size_t n;
	const struct held_entry *entries = held_store_entries(store, &n);
	for (size_t i = 0; i < n; i++) {
		if (!all && !held_has_body(entries[i].state))
			continue;
		control_put_mark(writer, CTL_ROW);
		int r = put(store, entries[i].number, false, writer);
		if (r < 0 && r != -EBADMSG)
			return r;
	}
	return writer->error;
}

int vault_show_one(struct held_store *store, uint64_t number, struct control_writer *writer)
{
	return put(store, number, true, writer);
}

// --- how many

static bool ends_soon(const struct held_entry *entry, uint64_t now_us)
{
	const uint64_t quarter = (entry->expires_us - entry->held_us) / 4;
	const uint64_t soon = VAULT_ENDING_SECONDS * UINT64_C(1000000);
	return entry->expires_us < now_us + (quarter < soon ? quarter : soon);
}

void vault_count(const struct held_store *store, uint64_t now_us, struct vault_word *word)
{
	size_t n;
	const struct held_entry *entries = held_store_entries(store, &n);
	word->held = word->bytes = word->waiting = word->ending = 0;
	word->oldest_us = word->first_until_us = 0;
	for (size_t i = 0; i < n; i++) {
		const struct held_entry *entry = &entries[i];
		if (!held_has_body(entry->state))
			continue;
		word->held++;
		word->bytes += entry->size;
		if (entry->state != HELD_WAITS)
			continue;
		if (!word->waiting || entry->held_us < word->oldest_us)
			word->oldest_us = entry->held_us;
		if (!word->waiting || entry->expires_us < word->first_until_us)
			word->first_until_us = entry->expires_us;
		word->waiting++;
		word->ending += ends_soon(entry, now_us);
	}
	word->damaged = held_store_damaged(store);
}
