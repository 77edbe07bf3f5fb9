// The database of countries: watched, read by a child without rights (daemon/countries_child.h),
// kept as a table, and put in force when it changes.
//
// The file of the box file is looked at every second.  Another file → a copy → the child → a
// table, which is checked.  If the running policy names countries, it is compiled with the new
// table in the usual child, and the difference, a few sets, is committed and read back; the
// generation stays, with its compiled form stored anew.  Then the table is stored
// (state/countries), connections are judged again, and an event tells of it.  Whatever fails leaves
// what runs, with an alarm.
//
// A generation that was compiled with another table (one that returned, a proposal that waited) is
// compiled with the running one as soon as it runs.
//
// Fault points: countries-committed (the kernel has the new sets, nothing is stored),
// countries-compiled and countries-about (daemon/generation.c), countries-stored.  Killed at any of
// them, the next daemon comes to the same end.
#ifndef SEKISHO_DAEMON_COUNTRIES_H
#define SEKISHO_DAEMON_COUNTRIES_H

#include "daemon/gate.h"

enum { COUNTRIES_LOOK_SECONDS = 1, COUNTRIES_RETRY_SECONDS = 60 };

// Reads the stored table and begins to watch.  0 or -ENOMEM.
int countries_open(struct gate *gate, sd_event *event);
void countries_close(struct gate *gate);

// Looks now: at the file, and whether what runs was compiled with the table that runs.
void countries_look(struct gate *gate);

// For a child that plans a policy that is to be applied: the table, or what is wrong with the file
// that lies there now.  0 with a descriptor of the caller's, or a negative errno.
int countries_for_apply(struct gate *gate, int *ret_fd);
// For one that plans a policy that runs, or compares: the table that runs, whatever its age.
int countries_running(struct gate *gate, int *ret_fd);

// True: a new file is being read or put in force, and done is called (once) when that is over.
bool countries_wait(struct gate *gate, void (*done)(void *arg), void *arg);
void countries_wait_no_more(struct gate *gate, const void *arg);

// "JP", or NULL: of no country, or nothing is known.
const char *countries_code(const struct gate *gate, const struct addr *addr);
// When the table that runs was made, "2026-06-17", if the running policy names countries; else
// NULL.
const char *countries_day(const struct gate *gate, char out[16]);

#endif
