// A policy folder as it was at one moment, in one sealed memory file: what the compiler child reads
// in place of the folder, and what is stored with the generation.  Nobody can change it any more,
// so what was checked is what is kept.
//
// The memory file: a job (what to compile it for), then each file's head, name and bytes.
#ifndef SEKISHO_DAEMON_SNAPSHOT_H
#define SEKISHO_DAEMON_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "daemon/failure.h"
#include "plan/plan.h"
#include "policy/policy.h"

enum {
	SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024, // all files together
	SNAPSHOT_NAME_MAX = 255,
	SNAPSHOT_DIRECTORY_MAX = 1024,
};

struct snapshot_job { // how to compile
	uint64_t generation;
	uint32_t uid, gid;			// of the child
	char directory[SNAPSHOT_DIRECTORY_MAX]; // what places begin with
	char management_interface[16];		// "": none
	struct addr_range management_prefix;
	uint16_t management_port;
	uint16_t nflog_group;
};

// Reads every policy file of the folder, by the names policy_read() would take, none by a link that
// leads out of it.  dir_fd stays the caller's.  0 with a descriptor of the memory file.
int snapshot_take(int dir_fd, const struct snapshot_job *job, struct failure *failure, int *ret_fd);

struct snapshot {
	struct snapshot_job job;
	struct policy_source *files;
	size_t n_files;
	void *map;
	size_t map_size;
};
int snapshot_map(int fd, struct snapshot *ret); // fd stays the caller's; may be closed after
// The plan of the files.  Its faults are added to diag.
int snapshot_plan(const struct snapshot *snapshot, const struct geo_known *countries,
		  struct diag *diag, struct plan **ret_plan);
void snapshot_done(struct snapshot *snapshot);

// Writes the files into the folder dir_fd, each flushed to the disk.
int snapshot_store(const struct snapshot *snapshot, int dir_fd);

#endif
