// Gives up everything a process does not need to turn bytes into bytes.
#ifndef SEKISHO_DAEMON_SANDBOX_H
#define SEKISHO_DAEMON_SANDBOX_H

#include <stdint.h>

// Address sanitizer maps terabytes and calls the system as it likes; it is only in builds for
// tests.
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_WITHOUT_FILTER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_WITHOUT_FILTER 1
#endif
#endif
#ifndef SANDBOX_WITHOUT_FILTER
#define SANDBOX_WITHOUT_FILTER 0
#endif

enum {
	SANDBOX_MEMORY_MIB = 3072,
	SANDBOX_CPU_SECONDS = 60,
	SANDBOX_READER_FILES = 16,
	SANDBOX_VAULT_FILES = 2600
};

// For the compiler child: another user, no capabilities, no new privileges, no new descriptors, no
// files to write, and only the system calls that memory and open descriptors need; any other ends
// the process.  0, or negative errno: the process must then end at once.
int sandbox_enter(uint32_t uid, uint32_t gid);

// The same for a child that a library makes open what is already open, by its name in
// /proc/self/fd: files may be opened to read, but (Landlock, where the kernel has it) none of any
// folder.
int sandbox_enter_reader(uint32_t uid, uint32_t gid);

// The same for the extractor, whose libraries may ask for files that they can do without: each is
// refused.  More memory or processor time than given ends it.
int sandbox_enter_extractor(uint32_t uid, uint32_t gid, uint32_t memory_mib, uint32_t cpu_seconds);

// For the keeper, in two steps: another user without capabilities and new privileges; then, with
// the folder of the log open, nothing but that folder (Landlock, where the kernel has it) and the
// system calls that writing there needs.
int sandbox_become(uint32_t uid, uint32_t gid);
int sandbox_seal_keeper(int dir_fd);
// The same with the calls of SQLite, for the book of mail and who reads it.
int sandbox_seal_book(int dir_fd);
// The same for the vault, which is given a descriptor for each message that comes.
int sandbox_seal_vault(int dir_fd);

// For the ferry: another user, of all capabilities CAP_NET_ADMIN, no files (Landlock), and the
// system calls of its loop.  Ends with the gate.
int sandbox_seal_ferry(uint32_t uid, uint32_t gid);

// For the porter: the same with the calls of its loop, among them sockets of TCP.
enum { SANDBOX_PORTER_FILES = 8192 }; // most of them in messages that no inspector has read yet
int sandbox_seal_porter(uint32_t uid, uint32_t gid);
// For the signer: another user without capabilities and new privileges, without files, and the
// system calls of its sockets.  Ends with the gate.
enum { SANDBOX_SIGNER_FILES = 32 };
int sandbox_seal_signer(uint32_t uid, uint32_t gid);

// For an inspector, in two steps: another user without capabilities and new privileges, without
// files, that ends with the gate; then, once its threads are there, no new one and only the system
// calls of their loops.
enum {
	SANDBOX_INSPECTOR_MIB = 1536,
	SANDBOX_INSPECTOR_FILE = 33 << 20, // a memory file that it gives away
};
// files: descriptors that it may have.
int sandbox_become_inspector(uint32_t uid, uint32_t gid);
int sandbox_seal_inspector(uint32_t files);

#endif
