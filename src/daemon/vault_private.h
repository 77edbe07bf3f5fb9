// What the files of the gate's side of the vault share.
#ifndef SEKISHO_DAEMON_VAULT_PRIVATE_H
#define SEKISHO_DAEMON_VAULT_PRIVATE_H

#include "daemon/vault.h"

struct delivery; // daemon/delivery.h

struct vault_waiting {
	uint64_t token;
	vault_answered *done;
	void *arg;
};

struct vault {
	struct gate *gate;
	sd_event *event;
	sd_event_source *readable, *timer;
	bool wanted, ready;
	pid_t pid; // 0: none
	int socket;
	uint64_t started_ms, heard_ms, ended_ms, restarts, tokens;
	struct vault_waiting waiting[VAULT_WAITING_MAX];
	size_t n_waiting;
	uint64_t held, bytes, damaged;
	uint64_t undecided, oldest_us, first_until_us, ending; // vault_word: waiting ...
	char why[160];					       // it is not at work
	struct delivery *delivery;
};

// --- daemon/vault_news.c: what became of a message, as an event and a mail record; actor NULL: by
// itself
void vault_tell(struct gate *gate, const struct vault_word *word, const struct control_peer *actor,
		const char *reason);
// The mail record that follows a word.
void vault_record(struct gate *gate, const struct vault_word *word);

// --- daemon/delivery.c
int delivery_open(struct vault *vault); // 0 or -ENOMEM
void delivery_close(struct vault *vault);
void delivery_due(struct vault *vault, const struct vault_word *word);
void delivery_cancel(struct vault *vault); // the vault is gone
void delivery_tend(struct vault *vault);   // now and then

#endif
