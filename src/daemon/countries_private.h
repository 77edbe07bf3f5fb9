// The inside of daemon/countries.h, for the two files that are it.
#ifndef SEKISHO_DAEMON_COUNTRIES_PRIVATE_H
#define SEKISHO_DAEMON_COUNTRIES_PRIVATE_H

#include <sys/stat.h>

#include "daemon/child.h"
#include "daemon/compiler.h"
#include "daemon/countries.h"
#include "geo/known.h"

struct countries_table { // .bytes NULL: none
	uint8_t *bytes;
	size_t size;
	struct geo_table table;
};

struct countries_file { // what lay there when it was looked at last
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed, modified;
	int error; // why it could not be opened; 0: it could
};

struct countries {
	struct gate *gate;
	sd_event *event;
	sd_event_source *timer;
	bool looked;
	struct countries_file file;
	struct geo_known file_known;	// fault 0: the file is sound and fresh
	struct geo_head file_head;	// of the table that was read last
	struct countries_table running; // in force
	struct countries_table next;	// read from the file, to be put in force
	struct child *reader, *compiler;
	uint64_t compiling; // generation
	uint64_t
		failed_usec; // since the boot, when a change could not be put in force; 0: it could
	void (*waiter)(void *arg);
	void *waiter_arg;
};

static inline bool countries_busy(const struct countries *c)
{
	return c->reader || c->compiler;
}

void countries_table_done(struct countries_table *table);
// SHA-256 of the database, in hexadecimal digits; "": no table.
const char *countries_sum(const struct countries_table *table, char out[65]);
// That with which the running policy was compiled; "": it names no countries.
const char *countries_needed(const struct gate *gate);
// Calls who waits.
void countries_settle(struct countries *c);

// countries_swap.c
// Puts c->next in force, or compiles what runs with the table that runs; begins it if it can be
// now.
void countries_swap(struct countries *c);

#endif
