// The book of mail: records in one SQLite file (WAL), which one process writes and others may read
// at the same time.  Its schema has a version (PRAGMA user_version).
// A file of an older version is brought up to it by its writer.
//
// When a record was written is the writer's own time; what the record says of times is its maker's.
// Retention and the order of records go by the former.
#ifndef SEKISHO_KEEP_MAIL_STORE_H
#define SEKISHO_KEEP_MAIL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "event/mail_wire.h"
#include "keep/mail_alias.h"

enum {
	MAIL_STORE_VERSION = 3,
	MAIL_STORE_PRUNE_MAX = 500, // records that one mail_store_prune() removes
	MAIL_STORE_WAIT_MS = 2000,  // for the lock of another process
	MAIL_FIND_MAX = 10000,
};

struct mail_limits {
	uint32_t keep_days; // 0: no limit, and so the others
	uint32_t hash_addresses;
	uint64_t records_max, bytes_max; // bytes of the file
};

struct mail_store;

// All return 0 or a negative errno: -ENOSPC; -EUCLEAN (the file is damaged, or no such book);
// -EPROTO (a newer Sekisho made it); -EBUSY (another process has had it for MAIL_STORE_WAIT_MS).

// For writing; the file is made when missing.  key stays the caller's.
int mail_store_open(const char *path, const struct mail_key *key, struct mail_store **ret_store);
// For reading; -ENOENT: there is none yet.
int mail_store_open_read(const char *path, const struct mail_key *key,
			 struct mail_store **ret_store);
void mail_store_close(struct mail_store *store); // NULL is fine

// Records that are added between begin and commit are durable after it, all or none of them.
int mail_store_begin(struct mail_store *store);
int mail_store_add(struct mail_store *store, const struct mail_record *record, bool hash_addresses,
		   uint64_t written_us);
int mail_store_commit(struct mail_store *store);
void mail_store_rollback(struct mail_store *store);

// Removes the oldest of what is over the limits; how many there were, MAIL_STORE_PRUNE_MAX at most.
int mail_store_prune(struct mail_store *store, const struct mail_limits *limits, uint64_t now_us);

struct mail_store_numbers {
	uint64_t records, bytes;
};
int mail_store_numbers(struct mail_store *store, struct mail_store_numbers *ret);

// --- reading

struct mail_stored {
	uint64_t id, written_us;
	bool hashed; // addresses and names of files are pseudonyms
	struct mail_taken taken;
};

struct mail_query {
	uint64_t since_us, until_us; // written in [since, until); 0: whenever
	const char *from, *to;	     // an address, "@domain", "<>" (no sender); NULL: any
	const struct addr_range *client;
	const char *flow;
	// The name of a file, "*" and "?" standing for any letters or one, or 64 hexadecimal
	// digits: the SHA-256 of its bytes; NULL: any.
	const char *attachment;
	const char *found; // one of the words that tell what was found; NULL: any
	int verdict;	   // -1: any
	uint32_t limit;
};

typedef int mail_each(void *arg, const struct mail_stored *stored);

// Without their files.  The newest first, limit at most (MAIL_FIND_MAX, and that for 0).  What
// each() returns other than 0 ends it and is returned.
int mail_store_find(struct mail_store *store, const struct mail_query *query, mail_each *each,
		    void *arg);
// With its files.  -ENOENT: there is none of that number (any more).
int mail_store_get(struct mail_store *store, uint64_t id, struct mail_stored *ret);

#endif
