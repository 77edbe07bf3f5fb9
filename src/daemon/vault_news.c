#include <stdio.h>
#include <string.h>

#include "daemon/mail.h"
#include "daemon/vault_private.h"

static const struct {
	enum event_kind kind;
	const char *words;
} outcomes[] = {
	[VAULT_CAME] = { EVENT_MAIL_HELD, "" },
	[VAULT_ASKED] = { EVENT_MAIL_RELEASE_ASKED, "" },
	[VAULT_WAS_RELEASED] = { EVENT_MAIL_RELEASED, "" },
	[VAULT_WAS_REJECTED] = { EVENT_MAIL_DECIDED, "rejected: " },
	[VAULT_WAS_DELIVERED] = { EVENT_MAIL_DECIDED, "delivered: " },
	[VAULT_WAS_TRIED] = { EVENT_MAIL_DECIDED, "not delivered yet: " },
	[VAULT_WAS_EXPIRED] = { EVENT_MAIL_DECIDED, "its time is over: " },
};

void vault_record(struct gate *gate, const struct vault_word *word)
{
	mail_give_record(gate, word + 1, word->record_size);
}

// No address of anybody: that is for those who may read mail records.
void vault_tell(struct gate *gate, const struct vault_word *word, const struct control_peer *actor,
		const char *reason)
{
	char name[32], text[VAULT_TEXT_MAX + 32], who[CONTROL_PEER_NAME_MAX];
	struct event event;
	if (word->outcome == VAULT_NOTHING)
		return;
	event_init(&event, outcomes[word->outcome].kind, journal_now_usec());
	snprintf(name, sizeof(name), "%llu", (unsigned long long)word->number);
	snprintf(text, sizeof(text), "%s%s", outcomes[word->outcome].words, word->text);
	event_text(&event, EVENT_NAME, name);
	event_text(&event, EVENT_FLOW, word->flow);
	event_text(&event, EVENT_MESSAGE, text);
	if (actor) {
		control_event_actor(&event, actor, who);
		event_text(&event, EVENT_REASON, reason);
	}
	if (actor && word->outcome == VAULT_WAS_RELEASED && *word->asked_by)
		event_text(&event, EVENT_ORDERED_BY, word->asked_by);
	journal_write(gate->journal, &event);
	if (actor)
		gate_flush(gate);
}
