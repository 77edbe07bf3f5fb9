// One way down: user, capabilities, limits, system calls.
#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES = 32 };

static int become(uint32_t uid, uint32_t gid)
{
	if (geteuid() != 0) // nothing to give up: a test, or a daemon without root
		return 0;
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
		if (cap_drop_bound(cap) < 0)
			return -errno;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return setuid(0) == 0 ? -EPERM : 0;
}

static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int r = none && cap_set_proc(none) == 0 ? 0 : -errno;
	if (none)
		cap_free(none);
	if (r == 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		r = -errno;
	return r;
}

struct limit {
	int resource;
	rlim_t value;
};

static int set_limits(const struct limit *limits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rlimit limit = { limits[i].value, limits[i].value }, now;
		// Nobody here may have more than there is.
		if (getrlimit(limits[i].resource, &now) == 0 && now.rlim_max < limit.rlim_max)
			limit = (struct rlimit){ now.rlim_max, now.rlim_max };
		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

// What any process needs to live; then, for each kind of process, what its work needs.
static const int calls_common[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(close),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sysinfo),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};
static const int calls_keeper[] = {
	SCMP_SYS(recvfrom),	   SCMP_SYS(sendto),	    SCMP_SYS(poll),
	SCMP_SYS(ppoll),	   SCMP_SYS(pread64),	    SCMP_SYS(pwrite64),
	SCMP_SYS(openat),	   SCMP_SYS(unlinkat),	    SCMP_SYS(renameat),
	SCMP_SYS(renameat2),	   SCMP_SYS(fsync),	    SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),	   SCMP_SYS(fchmod),	    SCMP_SYS(getdents64),
	SCMP_SYS(fcntl),	   SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(fstatfs),
};

// Descriptors of new memory come by recvmsg(2).
static const int calls_ferry[] = {
	SCMP_SYS(recvmsg),     SCMP_SYS(recvmmsg),	  SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom),    SCMP_SYS(sendto),	  SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),	  SCMP_SYS(epoll_ctl),
	SCMP_SYS(fcntl),       SCMP_SYS(clock_nanosleep),
};
static const int calls_inspector[] = {
	SCMP_SYS(recvmsg),	   SCMP_SYS(poll),	SCMP_SYS(ppoll),      SCMP_SYS(recvfrom),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(shutdown),
};
static const int calls_porter[] = {
	SCMP_SYS(recvmsg),     SCMP_SYS(sendmsg),     SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),   SCMP_SYS(accept4),     SCMP_SYS(bind),	    SCMP_SYS(connect),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
};
static const int calls_signer[] = {
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(poll),
	SCMP_SYS(ppoll),   SCMP_SYS(sendto),  SCMP_SYS(recvfrom),
};
static const int calls_book[] = {
	SCMP_SYS(recvfrom), SCMP_SYS(poll),	SCMP_SYS(ppoll),      SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), SCMP_SYS(openat),	SCMP_SYS(unlink),     SCMP_SYS(unlinkat),
	SCMP_SYS(renameat), SCMP_SYS(fsync),	SCMP_SYS(fdatasync),  SCMP_SYS(ftruncate),
	SCMP_SYS(fchmod),   SCMP_SYS(fcntl),	SCMP_SYS(access),     SCMP_SYS(faccessat),
	SCMP_SYS(geteuid),  SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(stat),	    SCMP_SYS(lstat),	SCMP_SYS(fallocate),  SCMP_SYS(clock_nanosleep),
	SCMP_SYS(fstatfs),
};

static const int calls_vault[] = {
	SCMP_SYS(recvmsg),    SCMP_SYS(sendmsg),  SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(poll),	      SCMP_SYS(ppoll),	  SCMP_SYS(pread64),  SCMP_SYS(openat),
	SCMP_SYS(unlinkat),   SCMP_SYS(renameat), SCMP_SYS(fsync),    SCMP_SYS(fchmod),
	SCMP_SYS(getdents64), SCMP_SYS(fcntl),	  SCMP_SYS(fstatfs),  SCMP_SYS(clock_nanosleep),
};

// What becomes of who opens a file.
enum opens { OPENS_END, OPENS_READ, OPENS_REFUSED };
// Whose sockets come from others: it may tell them to end with a reset, and send, but not make one
// connect anew, to wherever it likes (MSG_FASTOPEN).
// Or: it makes sockets of TCP, and no other: with its capability one of netlink could change rules.
enum sockets { SOCKETS_NONE, SOCKETS_GIVEN, SOCKETS_OWN };

static int allow_given_sockets(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
				 SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, SOL_SOCKET),
				 SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, SO_LINGER));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
				     SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	return r;
}

static int allow_own_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int r = 0;
	for (size_t i = 0; r == 0 && i < sizeof(families) / sizeof(families[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0),
				     SCMP_A1(SCMP_CMP_EQ,
					     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
				     SCMP_A2(SCMP_CMP_EQ, 0, 0));
	return r;
}

// Memory files to be given away, and nothing else of what makes or changes files.
static int allow_memory_files(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create), 1,
				 SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX,
					 MFD_CLOEXEC | MFD_ALLOW_SEALING));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, F_ADD_SEALS));
	return r;
}

static int filter_calls(const int *more, size_t n_more, enum opens opens, enum sockets sockets)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < sizeof(calls_common) / sizeof(calls_common[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls_common[i], 0);
	for (size_t i = 0; r == 0 && i < n_more; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, more[i], 0);
	if (r == 0 && opens == OPENS_READ)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, O_RDONLY | O_CLOEXEC));
	if (r == 0 && opens == OPENS_REFUSED)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
	if (r == 0 && sockets == SOCKETS_GIVEN)
		r = allow_given_sockets(filter);
	if (r == 0 && sockets == SOCKETS_OWN)
		r = allow_own_sockets(filter);
	if (r == 0 && sockets == SOCKETS_GIVEN)
		r = allow_memory_files(filter);
	// The C library asks of a stream that is a device whether it is a terminal.
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	if (r == 0)
		r = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return r;
}

// The death of the gate is this process's too.  Becoming another user makes the kernel forget that,
// so it is asked for afterwards; who was too late sees the gate's socket closed.
static int end_with_gate(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}

static int keep_only(cap_value_t kept)
{
	cap_t caps = cap_init();
	int r = caps && cap_set_flag(caps, CAP_PERMITTED, 1, &kept, CAP_SET) == 0 &&
				cap_set_flag(caps, CAP_EFFECTIVE, 1, &kept, CAP_SET) == 0 &&
				cap_set_proc(caps) == 0
			? 0
			: -errno;
	if (caps)
		cap_free(caps);
	return r;
}

int sandbox_become(uint32_t uid, uint32_t gid)
{
	int r = become(uid, gid);
	if (r == 0)
		r = drop_capabilities();
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	return r;
}

// Without Landlock in the kernel, what remains is the user that the keeper is.
// dir_fd -1: no folder at all.
static int only_folder(int dir_fd)
{
	const struct landlock_ruleset_attr all = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	};
	const struct landlock_path_beneath_attr folder = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				  LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				  LANDLOCK_ACCESS_FS_REMOVE_FILE,
		.parent_fd = dir_fd,
	};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	int r = 0;
	if ((dir_fd >= 0 &&
	     syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &folder, 0) < 0) ||
	    syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int enter(uint32_t uid, uint32_t gid, enum opens opens, uint32_t memory_mib,
		 uint32_t cpu_seconds)
{
	const struct limit limits[] = {
		{ RLIMIT_CPU, cpu_seconds },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, opens == OPENS_READ ? SANDBOX_READER_FILES : 0 },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_AS, (rlim_t)memory_mib << 20 },
	};
	int r = sandbox_become(uid, gid);
	if (r < 0 || SANDBOX_WITHOUT_FILTER)
		return r;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (opens != OPENS_END)
		r = only_folder(-1);
	if (r == 0)
		r = set_limits(limits, sizeof(limits) / sizeof(limits[0]));
	return r < 0 ? r : filter_calls(NULL, 0, opens, SOCKETS_NONE);
}

int sandbox_enter(uint32_t uid, uint32_t gid)
{
	return enter(uid, gid, OPENS_END, SANDBOX_MEMORY_MIB, SANDBOX_CPU_SECONDS);
}

int sandbox_enter_reader(uint32_t uid, uint32_t gid)
{
	return enter(uid, gid, OPENS_READ, SANDBOX_MEMORY_MIB, SANDBOX_CPU_SECONDS);
}

int sandbox_enter_extractor(uint32_t uid, uint32_t gid, uint32_t memory_mib, uint32_t cpu_seconds)
{
	return enter(uid, gid, OPENS_REFUSED, memory_mib, cpu_seconds);
}

static int seal(int dir_fd, unsigned files, const int *calls, size_t n_calls)
{
	const struct limit limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, files },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_AS, (rlim_t)SANDBOX_MEMORY_MIB << 20 },
	};
	if (SANDBOX_WITHOUT_FILTER)
		return 0;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	int r = only_folder(dir_fd);
	if (r == 0)
		r = set_limits(limits, sizeof(limits) / sizeof(limits[0]));
	if (r == 0)
		r = filter_calls(calls, n_calls, OPENS_END, SOCKETS_NONE);
	return r;
}

int sandbox_seal_keeper(int dir_fd)
{
	return seal(dir_fd, FILES, calls_keeper, sizeof(calls_keeper) / sizeof(calls_keeper[0]));
}

int sandbox_seal_book(int dir_fd)
{
	return seal(dir_fd, FILES, calls_book, sizeof(calls_book) / sizeof(calls_book[0]));
}

int sandbox_seal_vault(int dir_fd)
{
	return seal(dir_fd, SANDBOX_VAULT_FILES, calls_vault,
		    sizeof(calls_vault) / sizeof(calls_vault[0]));
}

// Another user, of all capabilities CAP_NET_ADMIN, without files, ends with the gate.
static int become_carrier(uint32_t uid, uint32_t gid)
{
	bool root = geteuid() == 0;
	int r = root && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = become(uid, gid);
	if (r == 0 && root)
		r = keep_only(CAP_NET_ADMIN);
	if (r == 0 && (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
		       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		r = -errno;
	if (r == 0)
		r = end_with_gate();
	return r < 0 || SANDBOX_WITHOUT_FILTER ? r : only_folder(-1);
}

static int limit_carrier(uint32_t files)
{
	const struct limit limits[] = {
		{ RLIMIT_CORE, 0 },	  { RLIMIT_FSIZE, 0 },
		{ RLIMIT_NOFILE, files }, { RLIMIT_NPROC, 0 },
		{ RLIMIT_MEMLOCK, 0 },	  { RLIMIT_AS, (rlim_t)SANDBOX_MEMORY_MIB << 20 },
	};
	return set_limits(limits, sizeof(limits) / sizeof(limits[0]));
}

int sandbox_seal_ferry(uint32_t uid, uint32_t gid)
{
	int r = become_carrier(uid, gid);
	if (r < 0 || SANDBOX_WITHOUT_FILTER)
		return r;
	r = limit_carrier(128);
	return r < 0 ? r
		     : filter_calls(calls_ferry, sizeof(calls_ferry) / sizeof(int), OPENS_END,
				    SOCKETS_NONE);
}

int sandbox_seal_porter(uint32_t uid, uint32_t gid)
{
	int r = become_carrier(uid, gid);
	if (r < 0 || SANDBOX_WITHOUT_FILTER)
		return r;
	r = limit_carrier(SANDBOX_PORTER_FILES);
	return r < 0 ? r
		     : filter_calls(calls_porter, sizeof(calls_porter) / sizeof(int), OPENS_END,
				    SOCKETS_OWN);
}

int sandbox_seal_signer(uint32_t uid, uint32_t gid)
{
	static const struct limit limits[] = {
		{ RLIMIT_CORE, 0 },  { RLIMIT_FSIZE, 0 },   { RLIMIT_NOFILE, SANDBOX_SIGNER_FILES },
		{ RLIMIT_NPROC, 0 }, { RLIMIT_MEMLOCK, 0 }, { RLIMIT_AS, (rlim_t)512 << 20 },
	};
	int r = sandbox_become(uid, gid);
	if (r == 0)
		r = end_with_gate();
	if (r < 0 || SANDBOX_WITHOUT_FILTER)
		return r;
	r = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : only_folder(-1);
	if (r == 0)
		r = set_limits(limits, sizeof(limits) / sizeof(limits[0]));
	return r < 0 ? r
		     : filter_calls(calls_signer, sizeof(calls_signer) / sizeof(int), OPENS_END,
				    SOCKETS_NONE);
}

int sandbox_become_inspector(uint32_t uid, uint32_t gid)
{
	int r = sandbox_become(uid, gid);
	if (r == 0)
		r = end_with_gate();
	if (r < 0 || SANDBOX_WITHOUT_FILTER)
		return r;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : only_folder(-1);
}

int sandbox_seal_inspector(uint32_t files)
{
	const struct limit limits[] = {
		{ RLIMIT_CORE, 0 },	  { RLIMIT_FSIZE, SANDBOX_INSPECTOR_FILE },
		{ RLIMIT_NOFILE, files }, { RLIMIT_NPROC, 0 },
		{ RLIMIT_MEMLOCK, 0 },	  { RLIMIT_AS, (rlim_t)SANDBOX_INSPECTOR_MIB << 20 },
	};
	if (SANDBOX_WITHOUT_FILTER)
		return 0;
	int r = set_limits(limits, sizeof(limits) / sizeof(limits[0]));
	return r < 0 ? r
		     : filter_calls(calls_inspector, sizeof(calls_inspector) / sizeof(int),
				    OPENS_END, SOCKETS_GIVEN);
}
