#include "daemon/vault_decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/peer.h"

enum { SECOND = 1000000 };

static int refuse(struct vault_told *told, int error, const char *text)
{
	told->word.error = error;
	snprintf(told->word.text, sizeof(told->word.text), "%s", text);
	return error;
}

static const struct mail_taken *record_of(const struct held_meta *meta)
{
	static struct mail_taken taken; // of a process that does one thing at a time
	return mail_wire_unpack(meta->envelope.record, meta->envelope.record_size, &taken) < 0
		       ? NULL
		       : &taken;
}

// "held: kept inside until ...; attachment-words: a word that ..." (inspect/smtp_mail.c)
const char *vault_why(const char *reason)
{
	const char *why = strstr(reason, "; ");
	return why ? why + 2 : reason;
}

static void describe(const struct held_meta *meta, enum vault_outcome outcome,
		     struct vault_told *told)
{
	const struct mail_taken *taken = record_of(meta);
	struct vault_word *word = &told->word;
	word->number = meta->number;
	word->outcome = outcome;
	word->recipients = meta->envelope.n_lines - 1;
	snprintf(word->asked_by, sizeof(word->asked_by), "%s", meta->asked.name);
	if (!taken)
		return;
	word->server = taken->record.server;
	word->client = taken->record.client;
	word->server_port = taken->record.server_port;
	snprintf(word->flow, sizeof(word->flow), "%s", taken->record.flow);
	snprintf(word->guard, sizeof(word->guard), "%s", taken->record.guard);
	snprintf(word->clause, sizeof(word->clause), "%s", taken->record.clause);
	snprintf(word->text, sizeof(word->text), "%s", vault_why(taken->record.reason));
}

struct became {
	enum mail_verdict verdict;
	uint16_t code;
	const char *word, *words;
	const uint8_t *suite; // of the server that it went to; NULL: it went nowhere
};

// The record of what became of it stands beside the one of the day when it came.
static void add_record(const struct held_meta *meta, const struct became *became,
		       struct vault_told *told)
{
	const struct mail_taken *taken = record_of(meta);
	struct mail_record record;
	if (!taken)
		return;
	record = taken->record;
	record.ended_us = meta->ended_us;
	record.verdict = became->verdict;
	record.code = became->code;
	if (became->suite)
		record.server_suite = *became->suite;
	snprintf(record.reason, sizeof(record.reason), "%s: held message %llu, %s", became->word,
		 (unsigned long long)meta->number, became->words);
	told->word.record_size = (uint32_t)mail_wire_pack(&record, told->record);
}

static int write_meta(struct held_store *store, struct held_meta *meta, struct vault_told *told)
{
	int r = held_store_write(store, meta);
	return r < 0 ? refuse(told, r, strerror(-r)) : 0;
}

// One that waits for a decision.
static int begin(struct held_store *store, uint64_t number, struct held_meta *meta,
		 struct vault_told *told)
{
	char text[128];
	memset(&told->word, 0, sizeof(told->word));
	told->word.number = number;
	int r = held_store_read(store, number, meta);
	if (r == -ENOENT)
		return refuse(told, r, "there is no such held message (any more)");
	if (r < 0)
		return refuse(told, r, "its files are damaged");
	if (meta->state == HELD_WAITS)
		return 0;
	snprintf(text, sizeof(text), "it does not wait for a decision: it is %s",
		 held_state_word(meta->state));
	held_meta_done(meta);
	return refuse(told, -EALREADY, text);
}

static bool needs_second(const struct held_meta *meta, const struct held_person *person)
{
	const struct held_person *asked = &meta->asked;
	bool counts = asked->us && person->us - asked->us < (uint64_t)VAULT_ASKED_SECONDS * SECOND;
	return meta->envelope.persons > 1 &&
	       (!counts || !control_peers_differ(person->uid, person->login_uid, asked->uid,
						 asked->login_uid));
}

int vault_release(struct held_store *store, uint64_t number, const struct held_person *person,
		  struct vault_told *ret)
{
	struct held_meta meta;
	int r = begin(store, number, &meta, ret);
	if (r < 0)
		return r;
	bool asks = needs_second(&meta, person);
	if (asks) {
		meta.asked = *person;
	} else {
		meta.decided = *person;
		meta.state = HELD_RELEASED;
		meta.next_us = person->us;
	}
	r = write_meta(store, &meta, ret);
	if (r == 0)
		describe(&meta, asks ? VAULT_ASKED : VAULT_WAS_RELEASED, ret);
	held_meta_done(&meta);
	return r;
}

int vault_reject(struct held_store *store, uint64_t number, const struct held_person *person,
		 struct vault_told *ret)
{
	char words[HELD_NAME_MAX + HELD_REASON_MAX + 32];
	struct held_meta meta;
	int r = begin(store, number, &meta, ret);
	if (r < 0)
		return r;
	meta.decided = *person;
	meta.state = HELD_REJECTED;
	meta.ended_us = person->us;
	r = write_meta(store, &meta, ret);
	if (r == 0) {
		describe(&meta, VAULT_WAS_REJECTED, ret);
		snprintf(words, sizeof(words), "rejected by %s: %s", person->name, person->reason);
		add_record(&meta,
			   &(struct became){ MAIL_REFUSED, 550, "held-rejected", words, NULL },
			   ret);
	}
	held_meta_done(&meta);
	return r;
}

// --- deliveries

static void take_fates(struct held_meta *meta, const struct vault_fate *fates, size_t n)
{
	size_t next = 0;
	for (uint32_t i = 0; i + 1 < meta->envelope.n_lines && next < n; i++) {
		struct held_fate *fate = &meta->fates[i];
		if (fate->done)
			continue;
		fate->done = fates[next].done;
		fate->code = (uint16_t)fates[next].code;
		snprintf(fate->reply, sizeof(fate->reply), "%.*s", HELD_REPLY_MAX - 1,
			 fates[next++].reply);
	}
}

static size_t count(const struct held_meta *meta, bool done, bool taken)
{
	size_t n = 0;
	for (uint32_t i = 0; i + 1 < meta->envelope.n_lines; i++)
		n += meta->fates[i].done == done &&
		     (!done || (meta->fates[i].code / 100 == 2) == taken);
	return n;
}

static uint64_t pause_us(uint32_t tries)
{
	uint64_t seconds = VAULT_PAUSE_FIRST;
	while (--tries && seconds < VAULT_PAUSE_MAX)
		seconds *= 2;
	return (seconds < VAULT_PAUSE_MAX ? seconds : VAULT_PAUSE_MAX) * SECOND;
}

static void end_delivery(struct held_meta *meta, uint8_t suite, struct vault_told *told)
{
	const size_t refused = count(meta, true, false), all = meta->envelope.n_lines - 1;
	char words[HELD_NAME_MAX + HELD_REPLY_MAX + 96];
	const char *reply = "";
	uint16_t code = 0;
	for (uint32_t i = 0; i < all; i++)
		if (!code || (meta->fates[i].code / 100 != 2) > (code / 100 != 2)) {
			code = meta->fates[i].code;
			reply = meta->fates[i].reply;
		}
	describe(meta, VAULT_WAS_DELIVERED, told);
	snprintf(words, sizeof(words), "released by %s, %zu of %zu refused: %s", meta->decided.name,
		 refused, all, reply);
	if (!refused)
		snprintf(words, sizeof(words), "released by %s: %s", meta->decided.name, reply);
	add_record(meta,
		   &(struct became){ refused < all ? MAIL_PASSED : MAIL_REJECTED, code,
				     "held-delivered", words, &suite },
		   told);
	snprintf(told->word.text, sizeof(told->word.text), "%zu of %zu recipients took it: %s",
		 all - refused, all, reply);
}

int vault_tried(struct held_store *store, const struct vault_try *try, uint64_t now_us,
		struct vault_told *ret)
{
	struct held_meta meta;
	memset(&ret->word, 0, sizeof(ret->word));
	int r = held_store_read(store, try->number, &meta);
	if (r < 0 || meta.state != HELD_RELEASED) {
		if (r == 0)
			held_meta_done(&meta);
		return r < 0 ? r : -EALREADY;
	}
	take_fates(&meta, try->fates, try->n);
	meta.tries++;
	meta.tried_us = now_us;
	snprintf(meta.trouble, sizeof(meta.trouble), "%.*s", HELD_REPLY_MAX - 1, try->trouble);
	if (count(&meta, false, false)) {
		meta.next_us = now_us + pause_us(meta.tries);
	} else {
		meta.next_us = 0;
		meta.state = HELD_DELIVERED;
		meta.ended_us = now_us;
	}
	r = write_meta(store, &meta, ret);
	if (r == 0 && meta.state == HELD_DELIVERED) {
		end_delivery(&meta, try->suite, ret);
	} else if (r == 0) {
		describe(&meta, VAULT_WAS_TRIED, ret);
		snprintf(ret->word.text, sizeof(ret->word.text), "try %u: %s", meta.tries,
			 *meta.trouble ? meta.trouble : "some recipients were put off");
	}
	held_meta_done(&meta);
	return r;
}

int vault_expire(struct held_store *store, uint64_t number, uint64_t now_us, struct vault_told *ret)
{
	struct held_meta meta;
	memset(&ret->word, 0, sizeof(ret->word));
	int r = held_store_read(store, number, &meta);
	if (r < 0)
		return r;
	const bool released = meta.state == HELD_RELEASED;
	meta.state = HELD_EXPIRED;
	meta.ended_us = now_us;
	meta.next_us = 0;
	r = write_meta(store, &meta, ret);
	if (r == 0) {
		describe(&meta, VAULT_WAS_EXPIRED, ret);
		const char *words = released ? "released, but its server took it in no try"
					     : "nobody has released it in time";
		add_record(&meta, &(struct became){ MAIL_REFUSED, 0, "held-expired", words, NULL },
			   ret);
	}
	held_meta_done(&meta);
	return r;
}

int vault_describe(struct held_store *store, uint64_t number, struct vault_told *ret)
{
	struct held_meta meta;
	memset(&ret->word, 0, sizeof(ret->word));
	int r = held_store_read(store, number, &meta);
	if (r < 0)
		return r;
	describe(&meta, VAULT_CAME, ret);
	held_meta_done(&meta);
	return 0;
}
