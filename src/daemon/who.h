// Which process did something, as far as /proc still tells.
#ifndef SEKISHO_DAEMON_WHO_H
#define SEKISHO_DAEMON_WHO_H

#include <stdbool.h>
#include <stdint.h>

enum { WHO_NAME_MAX = 32, WHO_TEXT_MAX = 128, WHO_NO_LOGIN = UINT32_MAX };

struct who {
	uint32_t pid;		 // 0: nothing is known
	char name[WHO_NAME_MAX]; // "": not known
	bool found;		 // it was still there: uid and login_uid are known
	uint32_t uid, login_uid; // login_uid WHO_NO_LOGIN: nobody logged in
};

// name: what the kernel called it.  A process that ended, or whose number was given to another, is
// not found.
void who_find(uint32_t pid, const char *name, struct who *ret);
// "nft (pid 12, uid 0, login uid 1000)", "nft (pid 12, ended)", "an unknown process".
const char *who_text(const struct who *who, char out[WHO_TEXT_MAX]);
// Is it a thread of this process?
bool who_is_self(uint32_t pid);

#endif
