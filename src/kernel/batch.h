// One nf_tables transaction being written: netlink messages in one growable buffer, and for each
// what it is about, so that an answer's sequence number leads back to the ruleset.
#ifndef SEKISHO_KERNEL_BATCH_H
#define SEKISHO_KERNEL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "base/vec.h"

// What a message is about: an index into the array of the ruleset that `what` names, or RS_NONE.
enum batch_what {
	BATCH_TABLE,
	BATCH_CHAIN,
	BATCH_RULE,
	BATCH_SET,
	BATCH_ELEMS, // index: the set; elements from first on
	BATCH_OBJ,
	BATCH_OLD, // something that goes away
};

struct batch_mark {
	enum batch_what what;
	uint32_t index;
	uint32_t first; // BATCH_ELEMS: its first element, counted within the set
	size_t offset;	// of the message in the buffer; set by batch_message()
};

// One message never grows beyond this: attributes hold 64 kB at most.
enum { BATCH_MESSAGE_MAX = 2 * 65536 };

struct batch {
	char *bytes;
	size_t used, cap;
	struct nlmsghdr *open; // the message being written, at bytes + used
	uint32_t first_seq;    // of the message that opens the batch
	bool turns;	       // once committed, it counts as a transaction: something changes
	VEC(struct batch_mark) marks;
};

// genid: the transaction counter it must meet in the kernel (or the kernel answers -ERESTART);
// NULL: any.  The sequence numbers first_seq to first_seq + messages + 1 are used.
void batch_begin(struct batch *batch, uint32_t first_seq, const uint32_t *genid);
// Starts the next message; the pointer is good until the next call.
struct nlmsghdr *batch_message(struct batch *batch, uint16_t type, uint16_t flags,
			       struct batch_mark mark);
// commit false: the kernel checks all of it and then forgets it.
void batch_end(struct batch *batch, bool commit);
void batch_done(struct batch *batch);

// What message number seq was about, or NULL if it opened or closed the batch.
const struct batch_mark *batch_find(const struct batch *batch, uint32_t seq);

// A nested attribute in the form the kernel itself gives back (without NLA_F_NESTED), so that
// what was sent and what is read can be compared byte by byte.  Closed by mnl_attr_nest_end().
struct nlattr *batch_nest(struct nlmsghdr *nlh, uint16_t type);
// Attributes, padded with zeros (libmnl 1.0.4 leaves the padding as it is), again as the kernel
// does.
void batch_put(struct nlmsghdr *nlh, uint16_t type, size_t size, const void *value);
void batch_put_text(struct nlmsghdr *nlh, uint16_t type, const char *text);
void batch_put_u8(struct nlmsghdr *nlh, uint16_t type, uint8_t value);
void batch_put_be16(struct nlmsghdr *nlh, uint16_t type, uint16_t value);
void batch_put_be32(struct nlmsghdr *nlh, uint16_t type, uint32_t value);
void batch_put_be64(struct nlmsghdr *nlh, uint16_t type, uint64_t value);

#endif
