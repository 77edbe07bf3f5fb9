// The gate's side of the certificates that the box file names: opens their files, starts the signer
// with the keys, hands inspectors the certificates and a way to it, and looks whether the files are
// others now.  It reads no key itself and parses no certificate: the signer does, before it is
// sealed.
//
//	new files are sound        another signer takes over; sessions in hand go on
//	new files are not          what was in use stays in use, and the status says why
//	signer ends or is silent   another is started; meanwhile nothing is signed
#ifndef SEKISHO_DAEMON_CERTIFICATES_H
#define SEKISHO_DAEMON_CERTIFICATES_H

#include "control/field.h"
#include "daemon/gate.h"

enum {
	CERTIFICATES_LOOK_SECONDS = 10,
	CERTIFICATES_SILENT_MS = 3000,
	CERTIFICATES_START_MS = 10 * 1000,     // until one knows its keys
	CERTIFICATES_LACK_MS = 10 * 60 * 1000, // that it is a problem of the status
	CERTIFICATES_AGAIN_MS = 1000, // between two times that one inspector lacks something
	CERTIFICATES_DAYS = 14,	      // before the end of one that the status tells of it
	CERTIFICATES_ROOTS_MAX = 4 * 1024 * 1024,
};

int certificates_open(struct gate *gate, sd_event *event); // 0 or -ENOMEM
void certificates_close(struct gate *gate);

// Gives an inspector what there is: by its number, over its socket.
void certificates_give(struct gate *gate, unsigned index, int socket);

// An inspector had none of this name for a guard, or, with "", no roots to hold a server to: it is
// given what there is once more, for a signer that did not answer it in time is not asked again;
// what is not there is a problem of the status.  Of the name SIGNER_NAME_MAX bytes are read at
// most.
void certificates_lack(struct gate *gate, unsigned index, int socket, const char *name);

void certificates_put_status(const struct gate *gate, struct control_writer *reply);

#endif
