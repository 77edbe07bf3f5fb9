// The rings.  Positions only grow, and wrap at 2^32; how far writer and reader are apart is their
// difference.
#include "daemon/lane.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LANE_MAGIC = 0x534b4c31, LINE = 64 };

// Each word that one side writes has a line of the cache of its own.
struct mouth {
	_Alignas(LINE) _Atomic uint32_t written;
	_Alignas(LINE) _Atomic uint32_t sleeps; // the reader
};

struct shared {
	uint32_t magic;
	struct mouth tasks, answers;
	_Alignas(LINE) struct lane_task task[LANE_SLOTS];
	_Alignas(LINE) struct lane_answer answer[LANE_ANSWERS];
	_Alignas(4096) uint8_t slots[LANE_SLOTS][LANE_SLOT_BYTES];
};

_Static_assert((LANE_SLOTS & (LANE_SLOTS - 1)) == 0 && (LANE_ANSWERS & (LANE_ANSWERS - 1)) == 0,
	       "positions wrap");
_Static_assert(LANE_SLOT_BYTES % LINE == 0, "slots do not share lines");

struct lane {
	struct shared *shared;
	int rings, hears;
	bool ferry;
	uint32_t written, published,
		read; // the own positions; nobody else's word is taken for them
};

int lane_make(int *ret_fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	const uint32_t magic = LANE_MAGIC;
	int fd = memfd_create("sekisho-lane", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct shared)) < 0 ||
	    pwrite(fd, &magic, sizeof(magic), offsetof(struct shared, magic)) != sizeof(magic) ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int lane_open(int fd, int rings, int hears, bool ferry, struct lane **ret_lane)
{
	struct stat st;
	struct lane *lane;
	int seals = fcntl(fd, F_GET_SEALS);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != sizeof(struct shared) || seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EBADMSG;
	lane = calloc(1, sizeof(*lane));
	if (!lane)
		return -ENOMEM;
	*lane = (struct lane){ .rings = rings, .hears = hears, .ferry = ferry };
	lane->shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (lane->shared == MAP_FAILED) {
		int r = -errno;
		free(lane);
		return r;
	}
	if (lane->shared->magic != LANE_MAGIC) {
		lane_close(lane);
		return -EBADMSG;
	}
	*ret_lane = lane;
	return 0;
}

void lane_close(struct lane *lane)
{
	if (!lane)
		return;
	munmap(lane->shared, sizeof(struct shared));
	free(lane);
}

uint8_t *lane_slot(const struct lane *lane, uint32_t slot)
{
	return lane->shared->slots[slot % LANE_SLOTS];
}

static struct mouth *writes_to(const struct lane *lane)
{
	return lane->ferry ? &lane->shared->tasks : &lane->shared->answers;
}

static struct mouth *reads_from(const struct lane *lane)
{
	return lane->ferry ? &lane->shared->answers : &lane->shared->tasks;
}

void lane_give(struct lane *lane, const struct lane_task *task)
{
	lane->shared->task[lane->written++ % LANE_SLOTS] = *task;
}

void lane_answer(struct lane *lane, const struct lane_answer *answer)
{
	lane->shared->answer[lane->written++ % LANE_ANSWERS] = *answer;
}

// How many there are to read; more than the ring has, when the writer's word makes no sense.
static uint32_t waiting(const struct lane *lane)
{
	return atomic_load_explicit(&reads_from(lane)->written, memory_order_acquire) - lane->read;
}

int lane_hear(struct lane *lane, struct lane_answer *ret)
{
	uint32_t n = waiting(lane);
	if (n == 0)
		return 0;
	if (n > LANE_ANSWERS)
		return -EBADMSG;
	// A copy, so that what was checked cannot change.
	memcpy(ret, &lane->shared->answer[lane->read++ % LANE_ANSWERS], sizeof(*ret));
	atomic_signal_fence(memory_order_seq_cst);
	return 1;
}

bool lane_take(struct lane *lane, struct lane_task *ret)
{
	if (waiting(lane) == 0)
		return false;
	memcpy(ret, &lane->shared->task[lane->read++ % LANE_SLOTS], sizeof(*ret));
	return true;
}

void lane_publish(struct lane *lane)
{
	struct mouth *mouth = writes_to(lane);
	const uint64_t one = 1;
	if (lane->published == lane->written)
		return;
	lane->published = lane->written;
	atomic_store_explicit(&mouth->written, lane->written, memory_order_release);
	// Either the reader sees what was written before it sleeps, or this sees that it sleeps.
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&mouth->sleeps, memory_order_relaxed))
		return;
	atomic_store_explicit(&mouth->sleeps, 0, memory_order_relaxed);
	// A bell that rings already needs no second ring.
	if (write(lane->rings, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return;
}

bool lane_may_sleep(struct lane *lane)
{
	struct mouth *mouth = reads_from(lane);
	atomic_store_explicit(&mouth->sleeps, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (waiting(lane) == 0)
		return true;
	atomic_store_explicit(&mouth->sleeps, 0, memory_order_relaxed);
	return false;
}

void lane_wake(struct lane *lane)
{
	atomic_store_explicit(&reads_from(lane)->sleeps, 0, memory_order_relaxed);
}

void lane_still(struct lane *lane)
{
	uint64_t count;
	if (read(lane->hears, &count, sizeof(count)) < 0)
		return; // it does not ring any more
}
