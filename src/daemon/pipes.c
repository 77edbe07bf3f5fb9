#include "daemon/pipes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/inspection_wire.h"
#include "daemon/pair.h"
#include "daemon/porter_wire.h"

enum {
	EVENTS = 128, // taken at a time
	TURNS = 64,   // of pairs in a row
	ARRIVALS = 32,
	READ_TIGHT = 4096, // at a time, while memory is short
	DONE_MAX = 2 * PIPES_PAIRS_MAX,
	STARVED_MS = 10, // between two looks at who waits for memory
};

struct pipes {
	struct pipes_options options;
	int epoll, porter;
	uint64_t porters; // that there were
	struct pair *oldest, *newest;
	struct pair *first, *last; // with something to do
	struct pair *dead;	   // freed once no event can name them
	uint64_t *done;		   // serials that the porter is to be told
	uint32_t n, n_done;
	uint64_t now_ms, ticked_ms, fed_ms;
	bool starving; // some pair is
	struct inspector_numbers numbers;
	uint8_t scratch[PIPE_READ_MAX];
};

// Which side of a pair an event is of; NULL: the porter's socket.
static void *mark_of(struct pair *pair, enum engine_side side)
{
	return (char *)pair + side;
}

// --- lists

static void leave(struct pair *pair)
{
	struct pipes *pipes = pair->pipes;
	*(pair->older ? &pair->older->newer : &pipes->oldest) = pair->newer;
	*(pair->newer ? &pair->newer->older : &pipes->newest) = pair->older;
}

static void enter(struct pair *pair)
{
	struct pipes *pipes = pair->pipes;
	pair->older = pipes->newest;
	pair->newer = NULL;
	*(pipes->newest ? &pipes->newest->newer : &pipes->oldest) = pair;
	pipes->newest = pair;
}

static void queue(struct pair *pair)
{
	struct pipes *pipes = pair->pipes;
	if (pair->queued)
		return;
	pair->queued = true;
	pair->next = NULL;
	*(pipes->last ? &pipes->last->next : &pipes->first) = pair;
	pipes->last = pair;
}

static struct pair *unqueue(struct pipes *pipes)
{
	struct pair *pair = pipes->first;
	if (!pair)
		return NULL;
	pipes->first = pair->next;
	if (!pipes->first)
		pipes->last = NULL;
	pair->queued = false;
	return pair;
}

static void on_woken(void *arg)
{
	queue(arg);
}

// --- the porter

static void drop_porter(struct pipes *pipes)
{
	if (pipes->porter >= 0)
		close(pipes->porter);
	pipes->porter = -1;
	pipes->n_done = 0;
}

static void tell_done(struct pipes *pipes)
{
	while (pipes->n_done && pipes->porter >= 0) {
		struct porter_done done = { .word = PORTER_DONE };
		uint32_t n = pipes->n_done < PORTER_DONE_MAX ? pipes->n_done : PORTER_DONE_MAX;
		size_t size = offsetof(struct porter_done, serials) + n * sizeof(done.serials[0]);
		int r;
		done.n = n;
		memcpy(done.serials, pipes->done + pipes->n_done - n, n * sizeof(done.serials[0]));
		r = inspection_send(pipes->porter, &done, size, NULL, 0, NULL, 0);
		if (r == -EAGAIN)
			return;
		if (r < 0)
			drop_porter(pipes);
		else
			pipes->n_done -= n;
	}
}

static void is_done(struct pipes *pipes, uint64_t serial, uint64_t porter)
{
	if (porter == pipes->porters && pipes->porter >= 0 && pipes->n_done < DONE_MAX)
		pipes->done[pipes->n_done++] = serial;
}

static int watch(const struct pipes *pipes, int fd, void *mark, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = mark };
	return epoll_ctl(pipes->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void pipes_give_porter(struct pipes *pipes, int fd)
{
	drop_porter(pipes);
	pipes->porter = fd;
	pipes->porters++;
	if (watch(pipes, fd, NULL, EPOLLIN) < 0)
		drop_porter(pipes);
}

// --- pairs begin and end

static void count(struct pair *pair)
{
	uint32_t memory = (uint32_t)pair_memory(pair);
	pair->pipes->numbers.bytes += memory;
	pair->pipes->numbers.bytes -= pair->memory;
	pair->memory = memory;
}

static void tell(struct pipes *pipes, enum inspector_trouble trouble,
		 const struct engine_peer *peer)
{
	pipes->numbers.by_trouble[trouble]++;
	// That a session was ended is in its record.
	if (trouble != TROUBLE_ENDED && pipes->options.trouble)
		pipes->options.trouble(pipes->options.arg, inspector_trouble_names[trouble], peer);
}

// Its sockets are closed.
static void end(struct pair *pair)
{
	struct pipes *pipes = pair->pipes;
	if (pair->pipe.trouble != TROUBLES)
		tell(pipes, (enum inspector_trouble)pair->pipe.trouble, &pair->pipe.session.peer);
	pipes->numbers.released += pair->pipe.released;
	pipe_done(&pair->pipe);
	is_done(pipes, pair->serial, pair->porter);
	pipes->numbers.bytes -= pair->memory;
	pipes->numbers.connections--;
	pipes->n--;
	leave(pair);
	pair->next = pipes->dead;
	pair->queued = true; // and never comes to the queue again
	pipes->dead = pair;
}

static void bury(struct pipes *pipes)
{
	struct pair *pair;
	while ((pair = pipes->dead)) {
		pipes->dead = pair->next;
		free(pair);
	}
}

static void refuse(struct pair *pair, enum inspector_trouble trouble,
		   const struct engine_peer *peer)
{
	struct pipes *pipes = pair->pipes;
	tell(pipes, trouble, peer);
	pipes->numbers.connections_refused++;
	is_done(pipes, pair->serial, pair->porter);
	pair_reset(pair);
	free(pair);
}

static bool is_full(const struct pipes *pipes)
{
	return pipes->n >= pipes->options.pairs_max ||
	       pipes->numbers.bytes >= pipes->options.memory_max;
}

static void begin(struct pipes *pipes, const struct porter_pair *word, const int fds[2])
{
	const struct engine_peer peer = { .client = word->client,
					  .server = word->server,
					  .client_port = word->client_port,
					  .server_port = word->server_port };
	struct pair *pair = aligned_alloc(16, (sizeof(*pair) + 15) & ~(size_t)15);
	int r;
	if (!pair) {
		close(fds[0]);
		close(fds[1]);
		is_done(pipes, word->serial, pipes->porters);
		return;
	}
	*pair = (struct pair){ .pipes = pipes,
			       .wires = { { .fd = fds[0] }, { .fd = fds[1] } },
			       .serial = word->serial,
			       .porter = pipes->porters,
			       .moved_ms = pipes->now_ms };
	if (is_full(pipes)) {
		refuse(pair, TROUBLE_FULL, &peer);
		return;
	}
	r = pipe_open(&pair->pipe, pipes->options.sessions, &peer, word->mark, on_woken, pair);
	if (r < 0) {
		refuse(pair, TROUBLE_STRAY, &peer);
		return;
	}
	enter(pair);
	pipes->n++;
	pipes->numbers.connections++;
	pipes->numbers.connections_made++;
	for (unsigned side = 0; side < 2 && r == 0; side++)
		r = watch(pipes, fds[side], mark_of(pair, (enum engine_side)side),
			  EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	count(pair);
	if (r < 0) {
		pair_reset(pair);
		end(pair);
		return;
	}
	queue(pair); // the engine may have ended it
}

static void take_arrivals(struct pipes *pipes)
{
	for (unsigned i = 0; i < ARRIVALS && pipes->porter >= 0; i++) {
		int fds[INSPECTION_FDS_MAX];
		struct porter_pair word;
		size_t n_fds;
		int n = inspection_receive(pipes->porter, &word, sizeof(word), fds, &n_fds);
		if (n == -EAGAIN)
			return;
		if (n == (int)sizeof(word) && word.word == PORTER_PAIR &&
		    n_fds == PORTER_PAIR_FDS) {
			begin(pipes, &word, fds);
			continue;
		}
		for (size_t k = 0; n > 0 && k < n_fds; k++)
			close(fds[k]);
		drop_porter(pipes); // it is gone, or makes no sense
	}
}

// --- work

static void run(struct pair *pair)
{
	struct pipes *pipes = pair->pipes;
	const uint64_t memory = pipes->numbers.bytes, most = pipes->options.memory_max;
	const size_t read_most = memory >= most	      ? 0
				 : memory >= most / 4 ? READ_TIGHT
						      : PIPE_READ_MAX;
	enum pair_after after = pair_run(pair, pipes->scratch, read_most, pipes->now_ms);
	if (after == PAIR_OVER) {
		end(pair);
		return;
	}
	count(pair);
	pipes->starving = pipes->starving || pair->starved;
	if (pair->moved_ms == pipes->now_ms && pair->newer) {
		leave(pair);
		enter(pair);
	}
	if (after == PAIR_GOES_ON)
		queue(pair);
}

static bool hear(struct pipes *pipes)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(pipes->epoll, events, EVENTS, 0);
	for (int i = 0; i < n; i++) {
		uintptr_t mark = (uintptr_t)events[i].data.ptr;
		struct pair *pair = (struct pair *)(mark & ~(uintptr_t)15);
		if (!mark) {
			take_arrivals(pipes);
			continue;
		}
		if (pair->wires[mark & 1].fd < 0) // of a side that was closed meanwhile
			continue;
		pair_hear(pair, (enum engine_side)(mark & 1), events[i].events);
		queue(pair);
	}
	return n > 0;
}

// There is memory again.
static void feed_starved(struct pipes *pipes)
{
	const uint64_t most = pipes->options.memory_max;
	if (!pipes->starving || pipes->numbers.bytes >= most - most / 8 ||
	    pipes->now_ms - pipes->fed_ms < STARVED_MS)
		return;
	pipes->starving = false;
	pipes->fed_ms = pipes->now_ms;
	for (struct pair *pair = pipes->oldest; pair; pair = pair->newer)
		if (pair->starved)
			queue(pair);
}

bool pipes_work(struct pipes *pipes, uint64_t now_ms)
{
	struct pair *pair;
	unsigned turns = 0;
	bool heard;
	pipes->now_ms = now_ms;
	heard = hear(pipes);
	feed_starved(pipes);
	while (turns < TURNS && (pair = unqueue(pipes))) {
		run(pair);
		turns++;
	}
	bury(pipes);
	tell_done(pipes);
	return heard || turns;
}

bool pipes_are_busy(const struct pipes *pipes)
{
	return pipes->first != NULL;
}

uint32_t pipes_count(const struct pipes *pipes)
{
	return pipes->n;
}

const struct pipes_options *pipes_have(const struct pipes *pipes)
{
	return &pipes->options;
}

int pipes_fd(const struct pipes *pipes)
{
	return pipes->epoll;
}

// --- time

// Without memory nothing is read any more, so those that have been silent for longest make room.
static void make_room(struct pipes *pipes)
{
	struct pair *pair = pipes->oldest, *newer;
	for (; pair && pipes->numbers.bytes >= pipes->options.memory_max; pair = newer) {
		newer = pair->newer;
		if (pair->queued || pipes->now_ms - pair->moved_ms < PIPES_QUIET_MS)
			continue;
		pair_reset(pair);
		pair->pipe.trouble = TROUBLE_FULL;
		end(pair);
	}
}

void pipes_tick(struct pipes *pipes, uint64_t now_ms)
{
	struct pair *newer;
	pipes->now_ms = now_ms;
	tell_done(pipes);
	if (now_ms - pipes->ticked_ms < 1000)
		return;
	pipes->ticked_ms = now_ms;
	make_room(pipes);
	feed_starved(pipes);
	for (struct pair *pair = pipes->oldest; pair; pair = newer) {
		newer = pair->newer;
		if (pair_tick(pair, now_ms) == PAIR_GOES_ON)
			queue(pair);
	}
	bury(pipes);
}

void pipes_numbers(const struct pipes *pipes, struct inspector_numbers *sum)
{
	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "numbers alone");
	const uint64_t *more = (const uint64_t *)&pipes->numbers;
	uint64_t *to = (uint64_t *)sum;
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += more[i];
}

// --- the whole

static bool can_tls(void *arg, const struct engine_peer *peer)
{
	const struct pipes_options *options = &((struct pipes *)arg)->options;
	const char *name;
	return options->tls(options->arg, peer, ENGINE_CLIENT, &name) &&
	       options->tls(options->arg, peer, ENGINE_SERVER, &name);
}

int pipes_new(const struct pipes_options *options, struct pipes **ret_pipes)
{
	struct pipes *pipes = calloc(1, sizeof(*pipes));
	if (!pipes)
		return -ENOMEM;
	pipes->options = *options;
	if (options->tls) {
		options->sessions->tls = can_tls;
		options->sessions->tls_arg = pipes;
	}
	pipes->epoll = options->epoll;
	pipes->porter = -1;
	pipes->done = calloc(DONE_MAX, sizeof(pipes->done[0]));
	if (!pipes->done) {
		free(pipes);
		return -ENOMEM;
	}
	*ret_pipes = pipes;
	return 0;
}

void pipes_free(struct pipes *pipes)
{
	if (!pipes)
		return;
	while (pipes->oldest) {
		pair_reset(pipes->oldest);
		end(pipes->oldest);
	}
	bury(pipes);
	drop_porter(pipes);
	close(pipes->epoll);
	free(pipes->done);
	free(pipes);
}
