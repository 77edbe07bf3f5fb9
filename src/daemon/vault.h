// The vault: the process that keeps held messages, without rights, and the gate's side of it.
//
//	inspector --- message, envelope ---> vault --- encrypted ---> log/vault
//	    ^                                  |
//	    +---- descriptors of both ----- gate --- release, reject ---> vault
//	                                       |
//	                                       +--- message, socket ---> deliverer
//(daemon/deliver.h)
//
// It is started when it is first needed, or when there is something to keep from before.
#ifndef SEKISHO_DAEMON_VAULT_H
#define SEKISHO_DAEMON_VAULT_H

#include "control/field.h"
#include "daemon/gate.h"
#include "daemon/vault_wire.h"

enum {
	VAULT_HANG_MS = 30 * 1000, // without a sign of life, it is ended
	VAULT_ALIVE_MS = 1000,
	VAULT_STOP_MS = 2000,
	VAULT_RESTART_MS = 200,
	VAULT_WAITING_MAX = 32, // orders without an answer
};

// The private argument with which sekishod runs itself.
#define VAULT_ARGUMENT "--vault"
int vault_main(void);

int vault_open(struct gate *gate, sd_event *event); // 0 or -ENOMEM
void vault_close(struct gate *gate);

// A stream for a message that may have to be held.  -EAGAIN: not at the moment; or another negative
// errno.
int vault_connect(struct gate *gate, int *ret_fd);

// The answer is the handler's until it returns; NULL: the vault is gone.
typedef void vault_answered(void *arg, const struct vault_word *word);
// Descriptors stay the caller's.  0, -EAGAIN (it is not there), -EBUSY (too many wait).
int vault_ask(struct gate *gate, struct vault_order *order, const int *fds, size_t n_fds,
	      vault_answered *done, void *arg);

void vault_put_status(const struct gate *gate, struct control_writer *reply);

#endif
