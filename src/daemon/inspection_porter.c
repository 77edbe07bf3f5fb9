// The gate's side of the porter (daemon/porter.h): it is started while the policy has flows in
// proxy mode, and every inspector at work gets a socket to it.  The routes by which connections
// come to it (kernel/detour.h) are made before the rules need them, looked after, and taken away
// with the last such flow.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/certificates.h"
#include "daemon/inspect_child.h"
#include "daemon/inspection_private.h"
#include "daemon/pipes.h"
#include "daemon/porter.h"
#include "kernel/detour.h"

enum { LOOK_MS = 1000, SOCKET_BYTES = 1024 * 1024 };

bool inspection_has_proxies(const struct ruleset *ruleset)
{
	for (size_t i = 0; ruleset && i < ruleset->n_stmts; i++)
		if (ruleset->stmts[i].kind == RS_TPROXY)
			return true;
	return false;
}

void inspection_porter_init(struct inspection *inspection)
{
	inspection->porter.child.socket = -1;
}

static void add_numbers(struct porter_post *porter)
{
	_Static_assert(sizeof(porter->numbers) % sizeof(uint64_t) == 0, "numbers alone");
	const uint64_t *more = (const uint64_t *)&porter->numbers;
	uint64_t *sum = (uint64_t *)&porter->before;
	for (size_t i = 0; i < sizeof(porter->numbers) / sizeof(*sum); i++)
		sum[i] += more[i];
	porter->numbers = (struct porter_numbers){ 0 };
	porter->before.sessions = 0;
}

void inspection_porter_end(struct inspection *inspection, const char *why)
{
	struct porter_post *porter = &inspection->porter;
	if (!porter->child.pid)
		return;
	inspection_child_end(&porter->child);
	add_numbers(porter);
	for (uint32_t i = 0; i < inspection->n; i++)
		inspection->posts[i].porter_knows = false;
	if (!why)
		return;
	porter->child.restarts++;
	inspection_tell_restart(inspection, "the porter", porter->child.restarts, why);
}

// --- inspectors

// False: it did not hear.
static bool tell(const struct inspection *inspection, enum porter_order_word word, uint32_t index,
		 const int *fd)
{
	const struct porter_order order = { .word = word, .index = index };
	return inspection->porter.child.pid &&
	       inspection_send(inspection->porter.child.socket, &order, sizeof(order), NULL, 0, fd,
			       fd ? 1 : 0) == 0;
}

void inspection_porter_meet(struct inspector_post *post)
{
	struct inspection *inspection = post->inspection;
	const struct inspect_order order = { .word = INSPECT_PORTER };
	const int bytes = SOCKET_BYTES;
	int pair[2];
	if (!inspection->porter.child.ready || !post->at_work || post->porter_knows ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (inspection_send(post->child.socket, &order, sizeof(order), NULL, 0, &pair[1], 1) == 0)
		post->porter_knows = tell(inspection, PORTER_INSPECTOR,
					  (uint32_t)(post - inspection->posts), &pair[0]);
	close(pair[0]);
	close(pair[1]);
}

void inspection_porter_part(struct inspector_post *post)
{
	struct inspection *inspection = post->inspection;
	if (post->porter_knows)
		tell(inspection, PORTER_END_INSPECTOR, (uint32_t)(post - inspection->posts), NULL);
	post->porter_knows = false;
}

static void meet_all(struct inspection *inspection)
{
	for (uint32_t i = 0; i < inspection->n; i++)
		inspection_porter_meet(&inspection->posts[i]);
}

// --- what it says

static void take_word(struct inspection *inspection, const struct porter_word *word)
{
	struct porter_post *porter = &inspection->porter;
	porter->numbers = word->numbers;
	if (word->word == PORTER_READY && word->error < 0) {
		snprintf(inspection->why, sizeof(inspection->why), "the porter cannot start: %s",
			 strerror(-word->error));
		inspection_porter_end(inspection, inspection->why);
	} else if (word->word == PORTER_READY) {
		porter->child.ready = true;
		meet_all(inspection);
	} else if (word->word == PORTER_FAULT && word->index < inspection->n &&
		   inspection->posts[word->index].porter_knows) {
		inspection_end_inspector(&inspection->posts[word->index],
					 "what it said of its connections made no sense");
	} else if (word->word == PORTER_ALONE && word->index < inspection->n) {
		inspection->posts[word->index].porter_knows = false; // they meet anew
	}
}

void inspection_porter_hear(struct inspection *inspection)
{
	struct inspection_child *child = &inspection->porter.child;
	int fds[INSPECTION_FDS_MAX], n = -EAGAIN;
	char how[INSPECTION_TEXT_MAX];
	struct porter_word word;
	size_t n_fds;
	while (child->pid && (n = inspection_receive(child->socket, &word, sizeof(word), fds,
						     &n_fds)) == (int)sizeof(word)) {
		child->heard_ms = monotonic_ms();
		for (size_t i = 0; i < n_fds; i++) // it has nothing to give
			close(fds[i]);
		take_word(inspection, &word);
	}
	if (child->pid && n != -EAGAIN)
		inspection_porter_end(inspection, inspection_child_how(child, how));
}

static int on_porter(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	inspection_porter_hear(arg);
	return 0;
}

// Of what an inspector may hold: *ret_files is what it would take.
static bool lacks_descriptors(uint32_t *ret_files)
{
	uint32_t files;
	*ret_files = INSPECT_FILES + 2 * PIPES_PAIRS_MAX;
	return inspect_pairs(&files) < PIPES_PAIRS_MAX;
}

static void tell_limit(void)
{
	uint32_t wanted, files;
	if (lacks_descriptors(&wanted))
		fprintf(stderr,
			"sekishod: an inspector holds %u sessions in proxy mode instead of %d: the hard "
			"limit of descriptors would have to be %u (LimitNOFILE=)\n",
			inspect_pairs(&files), PIPES_PAIRS_MAX, wanted);
}

static void start(struct inspection *inspection)
{
	const struct gate_options *options = inspection->gate->options;
	const struct porter_order hello = { .word = PORTER_HELLO,
					    .uid = options->porter_uid,
					    .gid = options->porter_gid,
					    .n = inspection->n };
	struct inspection_child *child = &inspection->porter.child;
	int r = inspection_spawn(PORTER_ARGUMENT, NULL, 0, &child->pid, &child->socket);
	if (r < 0) {
		child->ended_ms = monotonic_ms();
		snprintf(inspection->why, sizeof(inspection->why), "the porter: %s", strerror(-r));
		return;
	}
	child->started_ms = child->heard_ms = monotonic_ms();
	child->ready = false;
	r = sd_event_add_io(inspection->event, &child->readable, child->socket, EPOLLIN, on_porter,
			    inspection);
	if (r >= 0)
		r = inspection_send(child->socket, &hello, sizeof(hello), NULL, 0, NULL, 0);
	if (r < 0)
		inspection_porter_end(inspection, "it does not hear");
}

// --- routes

static void route(struct inspection *inspection)
{
	struct porter_post *porter = &inspection->porter;
	bool made = false;
	porter->error = detour_make(&made);
	porter->looked_ms = monotonic_ms();
	if (porter->error < 0)
		return;
	if (made && porter->routed)
		inspection_tell_restart(inspection, "the routes of proxy mode", ++porter->mended,
					"they were not as they have to be");
	porter->routed = true;
	porter->unrouted = false;
}

// --- what is needed

void inspection_porter_prepare(struct inspection *inspection)
{
	struct porter_post *porter = &inspection->porter;
	porter->wanted = true;
	route(inspection);
	if (inspection_may_start(&porter->child, monotonic_ms()))
		start(inspection);
}

bool inspection_porter_is_ready(const struct inspection *inspection)
{
	const struct porter_post *porter = &inspection->porter;
	if (!porter->wanted || porter->error < 0) // waiting does not help
		return true;
	for (uint32_t i = 0; i < inspection->n; i++)
		if (!inspection->posts[i].porter_knows)
			return false;
	return porter->child.ready;
}

static void look_after(struct inspection *inspection, uint64_t now_ms)
{
	struct porter_post *porter = &inspection->porter;
	const struct inspection_child *child = &porter->child;
	const uint64_t patience = child->ready ? INSPECTION_SILENT_MS : INSPECTION_START_MS;
	if (!porter->routed || now_ms - porter->looked_ms >= LOOK_MS)
		route(inspection);
	if (child->pid && now_ms - child->heard_ms > patience)
		inspection_porter_end(inspection, "it was silent");
	if (inspection_may_start(child, now_ms))
		start(inspection);
	meet_all(inspection);
}

void inspection_porter_follow(struct inspection *inspection, bool wanted, uint64_t now_ms)
{
	struct porter_post *porter = &inspection->porter;
	porter->wanted = wanted;
	if (wanted) {
		if (!porter->limit_told)
			tell_limit();
		porter->limit_told = true;
		look_after(inspection, now_ms);
		return;
	}
	inspection_porter_end(inspection, NULL);
	porter->error = 0;
	porter->routed = false;
	// Of one that was there before this daemon too.
	if (!porter->unrouted && now_ms - porter->looked_ms >= LOOK_MS) {
		porter->looked_ms = now_ms;
		porter->unrouted = detour_remove() == 0;
	}
}

const char *inspection_porter_lacks(const struct inspection *inspection, uint64_t now_ms,
				    uint64_t patience_ms)
{
	const struct porter_post *porter = &inspection->porter;
	const struct inspection_child *child = &porter->child;
	if (!porter->wanted)
		return NULL;
	if (porter->error < 0)
		return porter->error == -ENOENT
			       ? "the kernel does not give marks to accepted sockets "
				 "(tcp_fwmark_accept)"
			       : "the routes of proxy mode cannot be made";
	if (!child->ready &&
	    now_ms - (child->pid ? child->started_ms : child->ended_ms) > patience_ms)
		return "the porter is not at work";
	return NULL;
}

// Sessions of all inspectors together.
static uint32_t room(const struct inspection *inspection)
{
	uint32_t files, pairs = inspection->n * inspect_pairs(&files);
	return pairs < PORTER_SESSIONS_MAX ? pairs : PORTER_SESSIONS_MAX;
}

void inspection_porter_put_status(const struct inspection *inspection, struct control_writer *reply)
{
	const struct porter_post *porter = &inspection->porter;
	const struct porter_numbers *one = &porter->numbers, *two = &porter->before;
	uint32_t files;
	if (!porter->wanted)
		return;
	control_put_u64(reply, CTL_PROXY_ACCEPTED, one->accepted + two->accepted);
	control_put_u64(reply, CTL_PROXY_GIVEN, one->given + two->given);
	control_put_u64(reply, CTL_PROXY_SESSIONS, one->sessions);
	control_put_u64(reply, CTL_PROXY_ROOM, room(inspection));
	if (lacks_descriptors(&files))
		control_put_u64(reply, CTL_PROXY_FILES, files);
	control_put_u64(reply, CTL_PROXY_STRANGERS, one->strangers + two->strangers);
	control_put_u64(reply, CTL_PROXY_FULL, one->full + two->full);
	control_put_u64(reply, CTL_PROXY_UNSERVED, one->no_inspector + two->no_inspector);
	control_put_u64(reply, CTL_PROXY_FAILED, one->failed + two->failed);
}

void inspection_give_certificates(struct gate *gate)
{
	struct inspection *inspection = gate->inspection;
	for (uint32_t i = 0; inspection && i < inspection->n; i++)
		if (inspection->posts[i].child.ready)
			certificates_give(gate, i, inspection->posts[i].child.socket);
}
