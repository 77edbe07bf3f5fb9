// Words to everybody who is logged in, as wall(1) does: one bounded message, never waited for.
#ifndef SEKISHO_DAEMON_ANNOUNCE_H
#define SEKISHO_DAEMON_ANNOUNCE_H

enum { ANNOUNCE_TERMINALS_MAX = 64, ANNOUNCE_BYTES_MAX = 600 };

// To the terminals that utmp(5) and systemd-logind(8) know, each once.  Returns how many took it
// whole.
int announce(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
