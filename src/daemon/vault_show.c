#include "daemon/vault_show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	if (meta->state == HELD_WAITS && meta->asked.us)
		control_put_text(writer, CTL_ASKED_BY, meta->asked.name);
	if (meta->decided.us) {
		control_put_text(writer, CTL_ACTOR, meta->decided.name);
		control_put_text(writer, CTL_REASON, meta->decided.reason);
	}
	control_put_u64(writer, CTL_TRIES, meta->tries);
	control_put_time(writer, CTL_AT, meta->next_us);
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

static void put_files(struct control_writer *writer, const struct mail_record *record)
{
	for (size_t i = 0; i < record->n_files && i < MAIL_FILES_KEPT; i++) {
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_ATTACHMENT, record->files[i].name);
		control_put_text(writer, CTL_MEDIA_TYPE, record->files[i].type);
		control_put_u64(writer, CTL_SIZE, record->files[i].size);
		control_put_text(writer, CTL_FOUND, record->files[i].found);
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
