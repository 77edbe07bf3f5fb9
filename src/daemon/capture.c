// The thread owns the listening socket; the ring is shared under a lock that is held for one
// datagram, or for a copy.
#include "daemon/capture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/netfilter.h>

#include "base/fault.h"
#include "base/file.h"
#include "daemon/ring.h"
#include "kernel/capture.h"
#include "kernel/nflog.h"

enum { READ_AT_ONCE = 64, NICE = 10 };

struct capture {
	struct kernel *kernel; // that owns the table
	struct nflog *nflog;
	int stop_fd;
	pthread_t thread;
	bool running;
	atomic_int failed; // why the thread hears nothing any more; 0: it does
	pthread_mutex_t lock;
	struct ring *ring;
	uint64_t lost;
	uint32_t snaplen;
	size_t bytes;
	char *interfaces[CAPTURE_INTERFACES_MAX];
	size_t n_interfaces;
};

// --- the thread

static void on_record(const struct nflog_record *record, void *arg)
{
	struct capture *capture = arg;
	bool leaving = record->hook == NF_INET_POST_ROUTING;
	size_t size = record->whole_size < capture->snaplen ? record->whole_size : capture->snaplen;
	pthread_mutex_lock(&capture->lock);
	ring_add(capture->ring, record->time_us, leaving ? record->out : record->in, leaving,
		 record->whole, size);
	pthread_mutex_unlock(&capture->lock);
}

static int hear(struct capture *capture)
{
	int r = fault_error("capture-read");
	return r < 0 ? r : nflog_read(capture->nflog, READ_AT_ONCE, on_record, capture);
}

static void *run(void *arg)
{
	struct capture *capture = arg;
	struct pollfd fds[] = { { .fd = nflog_fd(capture->nflog), .events = POLLIN },
				{ .fd = capture->stop_fd, .events = POLLIN } };
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); // of this thread alone
	for (;;) {
		int r = poll(fds, 2, -1) < 0 ? -errno : 0;
		if (r == 0 && fds[1].revents)
			return NULL;
		if (r == 0)
			r = hear(capture);
		if (r > 0) {
			pthread_mutex_lock(&capture->lock);
			capture->lost++;
			pthread_mutex_unlock(&capture->lock);
		} else if (r < 0 && r != -EAGAIN && r != -EINTR) {
			capture->failed = r;
			return NULL;
		}
	}
}

static int start_thread(struct capture *capture)
{
	sigset_t all, before;
	sigfillset(&all); // signals are the main thread's
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = -pthread_create(&capture->thread, NULL, run, capture);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	capture->running = r == 0;
	return r;
}

// --- start and stop

static void done(struct capture *capture)
{
	const uint64_t one = 1;
	if (!capture)
		return;
	if (capture->running && write(capture->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(capture->thread, NULL);
	if (capture->kernel) {
		kernel_capture_remove(capture->kernel);
		kernel_close(capture->kernel);
	}
	nflog_close(capture->nflog);
	if (capture->stop_fd >= 0)
		close(capture->stop_fd);
	ring_free(capture->ring);
	for (size_t i = 0; i < capture->n_interfaces; i++)
		free(capture->interfaces[i]);
	pthread_mutex_destroy(&capture->lock);
	free(capture);
}

static int take_interfaces(struct capture *capture, const struct control_row *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (wanted->v[i].tag != CTL_INTERFACE)
			continue;
		if (capture->n_interfaces == CAPTURE_INTERFACES_MAX)
			return -E2BIG;
		char *name = strdup(wanted->v[i].text);
		if (!name)
			return -ENOMEM;
		capture->interfaces[capture->n_interfaces++] = name;
	}
	return 0;
}

// The table comes last: no packet is copied before somebody listens.
static int start_parts(struct capture *capture, uint16_t group)
{
	// A short gathering, so that little is under way when an incident opens.
	const struct nflog_tuning tuning = { capture->snaplen, 5, 64 };
	capture->stop_fd = eventfd(0, EFD_CLOEXEC);
	int r = capture->stop_fd < 0 ? -errno : ring_new(capture->bytes, &capture->ring);
	if (r == 0)
		r = nflog_open_tuned(group, &tuning, &capture->nflog);
	if (r == 0)
		r = start_thread(capture);
	if (r == 0)
		r = kernel_open(-1, &capture->kernel);
	if (r < 0)
		return r;
	const struct kernel_capture rules = {
		.interfaces = (const char *const *)capture->interfaces,
		.n_interfaces = capture->n_interfaces,
		.group = group,
		.snaplen = capture->snaplen,
	};
	return kernel_capture_set(capture->kernel, &rules);
}

static int start(const struct gate *gate, const struct control_row *wanted,
		 struct capture **ret_capture)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	if (!capture)
		return -ENOMEM;
	pthread_mutex_init(&capture->lock, NULL);
	capture->stop_fd = -1;
	capture->bytes = control_u64(wanted, CTL_SIZE);
	capture->snaplen = (uint32_t)control_u64(wanted, CTL_SNAPLEN);
	int r = take_interfaces(capture, wanted);
	if (r == 0)
		r = start_parts(capture,
				(uint16_t)(gate->options->nflog_group + CAPTURE_GROUP_AFTER));
	if (r < 0)
		done(capture);
	else
		*ret_capture = capture;
	return r;
}

static bool is_as_wanted(const struct capture *capture, const struct control_row *wanted)
{
	size_t n = 0;
	if (capture->bytes != control_u64(wanted, CTL_SIZE) ||
	    capture->snaplen != control_u64(wanted, CTL_SNAPLEN))
		return false;
	for (size_t i = 0; i < wanted->n; i++) {
		if (wanted->v[i].tag != CTL_INTERFACE)
			continue;
		if (n == capture->n_interfaces || strcmp(capture->interfaces[n], wanted->v[i].text))
			return false;
		n++;
	}
	return n == capture->n_interfaces;
}

void capture_stop(struct gate *gate)
{
	done(gate->capture);
	gate->capture = NULL;
}

void capture_follow(struct gate *gate)
{
	const struct control_rows *rows = &gate->current.report.evidence;
	const struct control_row *wanted =
		rows->n && control_find(&rows->v[0], CTL_INTERFACE) ? &rows->v[0] : NULL;
	struct failure failure;
	int r = 0, failed = gate->capture ? gate->capture->failed : 0;
	if (gate->capture && wanted && !failed && is_as_wanted(gate->capture, wanted))
		return;
	if (failed) {
		failure_set(&failure, SK_CAPTURE_FAILED, failed,
			    "the capture of packets ended and is started again: %s",
			    strerror(-failed));
		gate_set_problem(gate, GATE_CAPTURE, &failure);
	}
	capture_stop(gate);
	if (wanted)
		r = start(gate, wanted, &gate->capture);
	if (r < 0)
		failure_set(&failure, SK_CAPTURE_FAILED, r, "the capture of packets (group %u): %s",
			    gate->options->nflog_group + CAPTURE_GROUP_AFTER, strerror(-r));
	gate_set_problem(gate, GATE_CAPTURE, r < 0 ? &failure : NULL);
}

// --- a copy

int capture_copy(const struct gate *gate, int fd)
{
	struct capture *capture = gate->capture;
	if (!capture)
		return -ENOENT;
	pthread_mutex_lock(&capture->lock);
	size_t size = ring_copy_size(capture->ring);
	const struct capture_head head = {
		.magic = CAPTURE_MAGIC,
		.snaplen = capture->snaplen,
		.packets = ring_count(capture->ring),
		.pushed = ring_pushed(capture->ring),
		.lost = capture->lost,
	};
	uint8_t *copy = malloc(size ? size : 1);
	if (copy)
		ring_copy(capture->ring, copy);
	pthread_mutex_unlock(&capture->lock);
	int r = copy ? file_write_all(fd, &head, sizeof(head)) : -ENOMEM;
	if (r == 0)
		r = file_write_all(fd, copy, size);
	free(copy);
	return r;
}
