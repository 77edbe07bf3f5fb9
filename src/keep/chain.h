// The chain of records: one JSON object a line, each with the hash of itself and all before it.
//
//	{"seq":7,"time":...,"event":"applied",...,"hash":"HASH"}
//	{"seq":8,"time":...,"event":"checkpoint",...,"hash":"HASH","signature":"SIGNATURE"}
//
// HASH is the BLAKE2b-256 (RFC 7693; b2sum -l 256), 64 hexadecimal digits, of
//	the hash of the record before, a newline, and the line without ,"hash":... up to its brace
// so that for record 7 it is made of  HASH-OF-6 \n {"seq":7,"time":...,"event":"applied",...}
// Before the very first record stand 64 zeros.  SIGNATURE, of the records that are signed
// (checkpoint, segment-closed), is the Ed25519 signature (128 digits) of the text
//	sekisho-audit SEQ HASH
// Nothing here reads or writes files; what is read is not trusted.
#ifndef SEKISHO_KEEP_CHAIN_H
#define SEKISHO_KEEP_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/key.h"

enum {
	CHAIN_HASH_TEXT = 64,
	CHAIN_SIGNATURE_TEXT = 128,
	CHAIN_BODY_MAX = 16384, // of a record, between its number and its hash
	CHAIN_LINE_MAX = CHAIN_BODY_MAX + 512,
};

struct chain_hash {
	char text[CHAIN_HASH_TEXT + 1];
};
extern const struct chain_hash chain_first; // the zeros

// Where a chain stands: its newest record.
struct chain {
	uint64_t seq; // 0: there is none yet
	struct chain_hash hash;
};

// The next record of the chain, a newline after it.  body is what event_write_record() writes:
// from the first member to the closing brace.  key not NULL: signed.  Returns the length, 0 when
// it does not fit out; the chain then stays where it was.
size_t chain_append(struct chain *chain, const char *body, size_t size, const struct key *key,
		    char *out, size_t out_size);

// A line taken apart; the pointers are into the line.
struct chain_record {
	uint64_t seq;
	struct chain_hash hash; // as the line says
	size_t content_length;	// of what is hashed, without its closing brace
	bool is_signed;
	uint8_t signature[KEY_SIGNATURE_BYTES];
	const char *event, *time; // not NUL-terminated
	size_t event_length, time_length;
};
// line without its newline.  -EBADMSG: it is not shaped as a record.
int chain_parse(const char *line, size_t length, struct chain_record *ret);
// Whether the hash that the line says is the one it must have after `previous`.
bool chain_follows(const struct chain_hash *previous, const char *line,
		   const struct chain_record *record);
// The hash that it must have.
void chain_hash_of(const struct chain_hash *previous, const char *line,
		   const struct chain_record *record, struct chain_hash *ret);
// 0, or -EBADMSG: not signed by that key.
int chain_check_signature(const struct chain_record *record, const struct key_public *key);

// The value of a member of a record's line, as it stands there (texts without their quotes); false
// when there is none.  Only for members whose values hold no escapes: numbers, hashes, ids.
bool chain_member(const char *line, size_t length, const char *name, const char **ret_value,
		  size_t *ret_length);
uint64_t chain_number(const char *line, size_t length, const char *name); // 0: none

#endif
