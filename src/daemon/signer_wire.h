// What the gate, the signer and the inspectors say to one another, over socket pairs of whole
// messages.  The signer believes no inspector: what those say is of one size and checked.
#ifndef SEKISHO_DAEMON_SIGNER_WIRE_H
#define SEKISHO_DAEMON_SIGNER_WIRE_H

#include <stdint.h>

#include "tls/chain.h"
#include "tls/sign.h"

enum {
	SIGNER_SOCKET = 3,
	SIGNER_NAME_MAX = 64,
	SIGNER_ASKERS_MAX = 8, // inspectors
	SIGNER_WAIT_MS = 1000, // that an inspector waits for a signature
};

// --- gate to signer

enum signer_order_word {
	SIGNER_HELLO, // whom to become
	SIGNER_KEY,   // index: descriptors of a key's file and of its certificates'
	SIGNER_SEAL,  // those were all: nothing is opened any more
	SIGNER_ASKER, // index: the signer's end of an inspector's socket, in place of the one
		      // before
	SIGNER_PING,
};
struct signer_order {
	uint32_t word, index, uid, gid;
};

// --- signer to gate

enum signer_word_kind {
	SIGNER_KNOWS, // a key: or error and why
	SIGNER_READY, // sealed; or error and why
	SIGNER_PONG,
};
struct signer_numbers { // since it began
	uint64_t signatures;
	uint64_t refused; // what was asked for is no handshake's, or not that key's
	uint64_t busy;	  // one asked for too many
};
struct signer_word {
	uint32_t word, index;
	int32_t error;
	uint32_t zero;
	int64_t from, until; // the certificate counts, seconds since 1970
	char name[TLS_NAME_MAX], why[TLS_FAULT_MAX];
	struct signer_numbers numbers;
};

// --- inspector to signer, and back

struct signer_question {
	uint64_t serial;
	struct tls_sign_request request;
};
struct signer_answer {
	uint64_t serial;
	int32_t error; // -EAGAIN: too many were asked for; or as tls_key_sign()
	uint32_t n;
	uint8_t signature[TLS_SIGNATURE_MAX];
};

#endif
