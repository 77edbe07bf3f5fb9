// Reading the book of mail: a one-shot child without rights, as the book's user and in the book's
// folder.  The gate never opens the file.
//
// Its descriptors: 3 a struct mail_read_request, 4 its answer: fields (control/field.h), those of
// the method's reply.
#ifndef SEKISHO_DAEMON_MAIL_READ_H
#define SEKISHO_DAEMON_MAIL_READ_H

#include <stdint.h>

#include "daemon/child.h"
#include "daemon/mail_book_wire.h"

#define MAIL_READ_ARGUMENT "--mail-read"

enum {
	MAIL_READ_TIMEOUT_MS = 30 * 1000,
	MAIL_READ_BYTES_MAX = 32 * 1024 * 1024,
	MAIL_READ_LIMIT = 100,	  // records, unless another number is asked for
	MAIL_READ_RECIPIENTS = 3, // of each in a list; the number of all stands beside
};

struct mail_read_request {
	uint32_t uid, gid; // to become
	char folder[MAIL_BOOK_PATH_MAX];
	struct mail_key key;
	uint32_t month, last_month; // not 0: counts of these months, and nothing that follows
	uint64_t id;		    // 0: a list by what follows
	// Of a record only what is between the sender and the recipient that are named; with an id,
	// it is not told if it is of others.
	bool narrow;
	uint64_t since_us, until_us;
	char from[MAIL_ADDRESS_MAX], to[MAIL_ADDRESS_MAX]; // "": any
	char flow[MAIL_ID_MAX];				   // "": any
	char attachment[MAIL_FILE_NAME_MAX];		   // "": any
	char found[MAIL_FILE_FOUND_MAX];		   // "": any
	bool has_client;
	struct addr_range client;
	int32_t verdict; // -1: any
	uint32_t limit;
};

int mail_read_start(sd_event *event, const struct mail_read_request *request, child_done *done,
		    void *arg, struct child **ret_child);
int mail_read_main(void); // of the child

#endif
