// A session as smtp_bed.h plays it, through a pipe between two sockets of the test's own: what they
// got, and what was recorded, are to be the same as those of the engine alone.
#ifndef SEKISHO_TESTS_PIPE_BED_H
#define SEKISHO_TESTS_PIPE_BED_H

#include "inspect/pipe.h"
#include "smtp_bed.h"

enum pipe_taking { // how the sockets take what is sent
	TAKES_ALL,
	TAKES_BYTES, // one at a time
	TAKES_LATE,  // only when nothing else moves
	PIPE_TAKINGS,
};

struct pipe_bed {
	struct pipe pipe;
	struct sessions sessions;
	struct inspector_options options;
	enum pipe_taking taking;
	struct bed_bytes in[2]; // said, and not read
	bool said_all[2];	// FIN behind it
	struct bed told;	// records, and what the sockets got, as bed.on has it
	size_t kept_most;
	bool woken;
};

static inline void pipe_bed_woken(void *arg)
{
	((struct pipe_bed *)arg)->woken = true;
}

static inline void pipe_bed_record(void *arg, const struct mail_record *record)
{
	bed_record(&((struct pipe_bed *)arg)->told, record);
}

static inline bool pipe_bed_take(struct pipe_bed *bed, enum engine_side side, size_t most)
{
	struct iovec pieces[PIPE_PIECES];
	size_t taken = 0;
	if (bed->pipe.state == PIPE_RESET)
		return false;
	unsigned n = pipe_out(&bed->pipe, side, pieces);
	for (unsigned i = 0; i < n && taken < most; i++) {
		size_t some = pieces[i].iov_len < most - taken ? pieces[i].iov_len : most - taken;
		bed_add(&bed->told.on[!side], pieces[i].iov_base, some);
		taken += some;
	}
	if (taken)
		pipe_sent(&bed->pipe, side, taken);
	return taken;
}

static inline bool pipe_bed_take_both(struct pipe_bed *bed)
{
	const size_t most = bed->taking == TAKES_BYTES ? 1 : SIZE_MAX;
	bool moved = pipe_bed_take(bed, ENGINE_SERVER, most);
	return pipe_bed_take(bed, ENGINE_CLIENT, most) || moved;
}

static inline bool pipe_bed_read(struct pipe_bed *bed, enum engine_side side)
{
	size_t n = pipe_room(&bed->pipe, side);
	if (!n)
		return false;
	if (!bed->in[side].n) {
		if (!bed->said_all[side])
			return false;
		pipe_closed(&bed->pipe, side);
		return true;
	}
	n = bed->in[side].n < n ? bed->in[side].n : n;
	// Fresh memory of that very size, so that a reader that goes beyond is found.
	uint8_t *copy = malloc(n);
	memcpy(copy, bed->in[side].v, n);
	bed_drop(&bed->in[side], n);
	pipe_feed(&bed->pipe, side, copy, n);
	if (bed->taking != TAKES_LATE)
		pipe_bed_take_both(bed);
	pipe_keep(&bed->pipe);
	free(copy);
	return true;
}

static inline void pipe_bed_run(struct pipe_bed *bed)
{
	bool moved = true;
	while (moved) {
		moved = pipe_bed_read(bed, ENGINE_CLIENT);
		moved = pipe_bed_read(bed, ENGINE_SERVER) || moved;
		if (bed->taking != TAKES_LATE || !moved)
			moved = pipe_bed_take_both(bed) || moved;
		size_t kept = pipe_memory(&bed->pipe) - session_memory(&bed->pipe.session);
		bed->kept_most = kept > bed->kept_most ? kept : bed->kept_most;
		struct iovec pieces[PIPE_PIECES];
		if (pipe_wants_tls(&bed->pipe) && !pipe_out(&bed->pipe, ENGINE_CLIENT, pieces) &&
		    !pipe_out(&bed->pipe, ENGINE_SERVER, pieces)) {
			pipe_has_tls(&bed->pipe);
			moved = true;
		}
		if (bed->pipe.state == PIPE_TAKEN || bed->pipe.state == PIPE_ANSWERED)
			pipe_forget_server(&bed->pipe);
	}
}

static inline bool pipe_bed_tls(void *arg, const struct engine_peer *peer)
{
	(void)arg;
	(void)peer;
	return bed_can_tls;
}

static inline void pipe_bed_begin_with(struct pipe_bed *bed, const struct engine_peer *peer,
				       const struct engine_kind *kind)
{
	static struct profiles profiles;
	profiles = (struct profiles){ peer->flow, 1 };
	bed->options.record = pipe_bed_record;
	bed->options.arg = bed;
	sessions_init(&bed->sessions, &bed->options, kind);
	bed->sessions.wall_us = 1000000;
	bed->sessions.tls = pipe_bed_tls;
	bed_must(sessions_set_profiles(&bed->sessions, &profiles, NULL, NULL) == 0);
	for (int side = 0; side < 2; side++)
		bed_add(&bed->told.on[side], NULL, 0);
	bed_add(&bed->told.records, NULL, 0);
	bed_must(pipe_open(&bed->pipe, &bed->sessions, peer, peer->flow->mark, pipe_bed_woken,
			   bed) == 0);
	pipe_bed_run(bed);
}

static const struct engine_kind pipe_bed_smtp = {
	.make = engine_new,
	.free = engine_free,
	.feed = engine_feed,
	.closed = engine_closed,
	.memory = engine_memory,
	.scanned = engine_scanned,
	.scan_room = engine_scan_room,
	.failed = engine_failed,
	.late = engine_late,
	.patience = engine_patience,
};

static inline void pipe_bed_begin(struct pipe_bed *bed, const struct engine_peer *peer,
				  struct source_limits *limits, enum pipe_taking taking)
{
	memset(bed, 0, sizeof(*bed));
	bed->options.limits = limits;
	bed->taking = taking;
	pipe_bed_begin_with(bed, peer, &pipe_bed_smtp);
}

static inline void pipe_bed_feed(struct pipe_bed *bed, enum engine_side side, const void *bytes,
				 size_t n)
{
	if (bed->said_all[side])
		return;
	bed_add(&bed->in[side], bytes, n);
	pipe_bed_run(bed);
}

static inline void pipe_bed_close(struct pipe_bed *bed, enum engine_side side)
{
	bed->said_all[side] = true;
	pipe_bed_run(bed);
}

static inline void pipe_bed_over(struct pipe_bed *bed)
{
	pipe_done(&bed->pipe);
	sessions_done(&bed->sessions);
}

static inline void pipe_bed_done(struct pipe_bed *bed)
{
	for (int side = 0; side < 2; side++) {
		free(bed->in[side].v);
		free(bed->told.on[side].v);
	}
	free(bed->told.records.v);
}

static inline bool pipe_bed_same(const struct bed_bytes *a, const struct bed_bytes *b)
{
	return a->n == b->n && memcmp(a->v, b->v, a->n) == 0;
}

// Of what a socket did not take before its connection was reset, it gets nothing.
static inline bool pipe_bed_got(const struct bed_bytes *got, const struct bed_bytes *want, bool all)
{
	return all ? pipe_bed_same(got, want)
		   : got->n <= want->n && memcmp(got->v, want->v, got->n) == 0;
}

// What the sockets are to have got.
struct pipe_bed_want {
	const struct bed_bytes *on, *records;
	bool ended, released;
};

static inline void pipe_bed_judge(const struct pipe_bed *bed, const struct pipe_bed_want *want,
				  const char *name, size_t step, size_t cut)
{
	const bool reset = bed->pipe.state == PIPE_RESET, ended = bed->pipe.ended || reset;
	const bool at_once = bed->taking == TAKES_ALL;
	if (pipe_bed_got(&bed->told.on[0], &want->on[0], at_once || !ended) &&
	    pipe_bed_got(&bed->told.on[1], &want->on[1], !reset) &&
	    pipe_bed_same(&bed->told.records, want->records) && ended == want->ended &&
	    bed->pipe.released == want->released)
		return;
	fprintf(stderr,
		"%s through a pipe, step %zu cut at %zu, taking %d:\nto the server %zu (%zu): "
		"\"%s\"\nto the client %zu (%zu): \"%s\"\nrecords \"%s\" (\"%s\")\nended %d (%d), "
		"released %d\n",
		name, step, cut, bed->taking, bed->told.on[0].n, want->on[0].n, bed->told.on[0].v,
		bed->told.on[1].n, want->on[1].n, bed->told.on[1].v, bed->told.records.v,
		want->records->v, ended, want->ended, bed->pipe.released);
	abort();
}

// As bed_play(); step PIPE_BED_EACH: every step in two.
#define PIPE_BED_EACH (SIZE_MAX - 1)
static __attribute__((noinline, unused)) void
pipe_bed_play(struct pipe_bed *bed, const struct bed_script *script, size_t step, size_t cut)
{
	for (size_t i = 0; i < script->n; i++) {
		enum engine_side side;
		struct bed_bytes all;
		if (!bed_step_bytes(script, &i, cut == SIZE_MAX, &side, &all)) {
			pipe_bed_close(bed, side);
			continue;
		}
		bool here = i == step || step == PIPE_BED_EACH;
		size_t first = cut == 0 ? 1 : here && cut < all.n ? cut : all.n;
		for (size_t k = 0; k < all.n;) {
			size_t n = k == 0 || cut == 0 ? first : all.n - k;
			pipe_bed_feed(bed, side, all.v + k, n);
			k += n;
		}
		free(all.v);
	}
}

#endif
