// When did the login of a process begin?  What a confirm must show: a connection over a local
// socket proves nothing, a login that began after the apply proves that one still gets in.
//
// Where logins are numbered (/proc/PID/sessionid, which pam_loginuid(8) sets, ascending in a boot),
// the number decides; else the start of the leader of the process's session (setsid(2)).  The
// latter is the word of the process: setsid(1) and sudo(8) with a terminal of its own begin a
// session too.
#ifndef SEKISHO_DAEMON_SESSION_H
#define SEKISHO_DAEMON_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SESSION_NONE = UINT32_MAX };

struct session_mark {
	uint64_t highest; // number of a login so far; 0: none is numbered
	uint64_t usec;	  // CLOCK_BOOTTIME
};

// proc: "/proc".  Looks at every process once.
void session_mark_now(const char *proc, struct session_mark *ret);
// Did the login of pid begin after the mark?  If not, why says what was found, in words.
bool session_is_newer(const char *proc, int pid, const struct session_mark *mark, char *why,
		      size_t size);

#endif
