// A session written down as lines, played to an engine: what goes on, and what is recorded.
//
//   C: text   the client says text CRLF; it goes on as it is, unless the next line is
//   c: text   what goes on in its place, or
//   c-        nothing goes on
//   S: s: s-  the same of the server
//   R: text   the engine says text CRLF to a client that it took over
//   end       the session is ended (after R, or without a word)
//   release   the engine lets go
//   Kc Ks     the client, the server closes
//   M: text   a record, as bed_record() writes it
//
// In a text, \n \r \0 are those bytes, and a \ at its end leaves CRLF out.
#ifndef SEKISHO_TESTS_SMTP_BED_H
#define SEKISHO_TESTS_SMTP_BED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/mail_record.h"
#include "inspect/engine.h"
#include "inspect/source_limits.h"

struct bed_bytes {
	uint8_t *v;
	size_t n, cap;
};

static inline void bed_add(struct bed_bytes *bytes, const void *more, size_t n)
{
	if (bytes->n + n + 1 > bytes->cap) {
		bytes->cap = (bytes->n + n + 1) * 2;
		bytes->v = realloc(bytes->v, bytes->cap);
	}
	if (n)
		memcpy(bytes->v + bytes->n, more, n);
	bytes->n += n;
	bytes->v[bytes->n] = '\0';
}

struct bed {
	struct engine *engine;
	struct bed_bytes waiting[2]; // fed, undecided
	struct bed_bytes on[2];	     // by the side it came from; on[ENGINE_SERVER] with REPLY
	struct bed_bytes records;
	char helo[sizeof(((struct mail_record *)0)->helo)]; // of the last one
	bool taken, ended, released, replied, closed[2], tls;
	bool can_tls; // what the host says
	uint64_t swallowed, orders;
	uint64_t now_us;
	const struct profile_flow *renewed; // what counts from the next transaction on
	void (*after)(struct bed *bed, const struct engine_order *order); // or NULL
};

#define bed_must(condition)                                                                        \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline void bed_drop(struct bed_bytes *bytes, uint64_t n)
{
	bed_must(n <= bytes->n);
	if (n)
		memmove(bytes->v, bytes->v + n, bytes->n - n);
	bytes->n -= n;
}

static const struct mail_stops *bed_stops; // of all that begin
static bool bed_can_tls, bed_inserts;

static inline void bed_order(void *arg, const struct engine_order *order)
{
	struct bed *bed = arg;
	struct bed_bytes *waiting = &bed->waiting[order->side];
	bed->orders++;
	bed_must(!bed->ended && !bed->released);
	switch (order->verb) {
	case ENGINE_PASS:
		bed_must(!bed->taken && order->size && order->size <= waiting->n);
		bed_add(&bed->on[order->side], waiting->v, order->size);
		bed_drop(waiting, order->size);
		break;
	case ENGINE_OVERWRITE:
		bed_must(!bed->taken && order->size && order->size == order->n_bytes &&
			 order->n_bytes <= ENGINE_BYTES_MAX);
		bed_add(&bed->on[order->side], order->bytes, order->n_bytes);
		bed_drop(waiting, order->size);
		break;
	case ENGINE_REPLACE:
		bed_must(!bed->taken && order->side == ENGINE_SERVER && order->size &&
			 order->n_bytes <= ENGINE_BYTES_MAX);
		bed_add(&bed->on[order->side], order->bytes, order->n_bytes);
		bed_drop(waiting, order->size);
		break;
	case ENGINE_TAKE:
		bed_must(!bed->taken);
		bed->taken = true;
		break;
	case ENGINE_SWALLOW:
		bed_must(bed->taken && order->side == ENGINE_CLIENT && order->size);
		bed_drop(waiting, order->size);
		bed->swallowed += order->size;
		break;
	case ENGINE_REPLY:
		bed_must(bed->taken && !bed->replied && order->n_bytes);
		bed->replied = true;
		bed_add(&bed->on[ENGINE_SERVER], order->bytes, order->n_bytes);
		break;
	case ENGINE_END:
		bed_must(bed->taken == bed->replied);
		bed_must(!bed->taken || !bed->waiting[ENGINE_CLIENT].n);
		bed->ended = true;
		break;
	case ENGINE_INSERT:
		bed_must(bed_inserts && !bed->taken && order->side == ENGINE_CLIENT &&
			 order->n_bytes && order->n_bytes <= ENGINE_BYTES_MAX);
		bed_add(&bed->on[ENGINE_CLIENT], order->bytes, order->n_bytes);
		break;
	case ENGINE_TLS:
		bed_must(bed->can_tls && !bed->taken && !bed->tls);
		bed_must(!bed->waiting[0].n && !bed->waiting[1].n);
		bed->tls = true;
		break;
	case ENGINE_RELEASE:
		bed_must(!bed->taken);
		for (int side = 0; side < 2; side++) {
			bed_add(&bed->on[side], bed->waiting[side].v, bed->waiting[side].n);
			bed->waiting[side].n = 0;
		}
		bed->released = true;
		break;
	}
	if (bed->after)
		bed->after(bed, order);
}

// "passed 250 <a@b> x@y=250 z@y=550 own-sender MAIL-01 size=12", and what is absent left out.
static inline void bed_record(void *arg, const struct mail_record *record)
{
	struct bed *bed = arg;
	char text[512];
	size_t word = strcspn(record->reason, ":");
	memcpy(bed->helo, record->helo, sizeof(bed->helo));
	snprintf(text, sizeof(text), "%s %u <%s>", mail_verdict_word(record->verdict), record->code,
		 record->sender);
	bed_add(&bed->records, text, strlen(text));
	for (size_t i = 0; i < record->n_recipients && i < MAIL_RECIPIENTS_KEPT; i++) {
		snprintf(text, sizeof(text), " %s=%u", record->recipients[i].address,
			 record->recipients[i].code);
		bed_add(&bed->records, text, strlen(text));
	}
	snprintf(text, sizeof(text), " %.*s%s%s%s%s", (int)word, record->reason,
		 record->control[0] ? " " : "", record->control, record->own_sender ? " own" : "",
		 record->tls ? " tls" : "");
	bed_add(&bed->records, text, strlen(text));
	if (record->size) {
		snprintf(text, sizeof(text), " size=%llu", (unsigned long long)record->size);
		bed_add(&bed->records, text, strlen(text));
	}
	bed_add(&bed->records, "\n", 1);
}

static inline const struct profile_flow *bed_renew(void *arg)
{
	return ((struct bed *)arg)->renewed;
}

static inline bool bed_tls(void *arg)
{
	return ((struct bed *)arg)->can_tls;
}

static inline void bed_begin(struct bed *bed, const struct engine_peer *peer,
			     struct source_limits *limits)
{
	const struct engine_host host = { .order = bed_order,
					  .record = bed_record,
					  .arg = bed,
					  .renew = bed_renew,
					  .stops = bed_stops,
					  .tls = bed_tls,
					  .inserts = bed_inserts };
	memset(bed, 0, sizeof(*bed));
	bed->can_tls = bed_can_tls;
	bed->now_us = 1000000;
	bed_must(engine_new(peer, &host, limits, bed->now_us, &bed->engine) == 0);
	for (int side = 0; side < 2; side++)
		bed_add(&bed->on[side], NULL, 0);
	bed_add(&bed->records, NULL, 0);
}

static inline void bed_feed(struct bed *bed, enum engine_side side, const void *bytes, size_t n)
{
	// As stream.h has it: a session that is over hears nothing more, nor does a server's side
	// once the client was taken over, nor does a side that closed say anything.
	if (bed->ended || bed->closed[side] || (bed->taken && side == ENGINE_SERVER) || !n)
		return;
	if (bed->released) {
		bed_add(&bed->on[side], bytes, n);
		return;
	}
	// Fresh memory of that very size, so that a reader that goes beyond is found.
	uint8_t *copy = malloc(n);
	memcpy(copy, bytes, n);
	bed_add(&bed->waiting[side], bytes, n);
	engine_feed(bed->engine, side, copy, n, bed->now_us);
	free(copy);
	bed_must(bed->ended || bed->waiting[side].n <= ENGINE_WAITING_MAX);
}

static inline void bed_close(struct bed *bed, enum engine_side side)
{
	bool again = bed->closed[side];
	bed->closed[side] = true;
	if (!bed->ended && !bed->released && !again)
		engine_closed(bed->engine, side, bed->now_us);
}

static inline void bed_over(struct bed *bed)
{
	engine_free(bed->engine, bed->now_us);
	bed->engine = NULL;
}

static inline void bed_done(struct bed *bed)
{
	for (int side = 0; side < 2; side++) {
		free(bed->waiting[side].v);
		free(bed->on[side].v);
	}
	free(bed->records.v);
}

struct bed_step {
	char verb; // C, S: bytes; c, s: closes
	struct bed_bytes bytes;
};

enum { BED_STEPS_MAX = 400 };

struct bed_script {
	struct bed_step steps[BED_STEPS_MAX];
	size_t n;
	struct bed_bytes on[2], records;
	bool ended, released;
};

static inline void bed_text(const char *at, size_t n, struct bed_bytes *out)
{
	bool line = true;
	for (size_t i = 0; i < n; i++) {
		char byte = at[i];
		if (byte == '\\' && i + 1 == n) {
			line = false;
			break;
		}
		if (byte == '\\' && strchr("nr0\\", at[i + 1])) {
			byte = at[++i];
			byte = byte == 'n' ? '\n' : byte == 'r' ? '\r' : byte == '0' ? '\0' : byte;
		}
		bed_add(out, &byte, 1);
	}
	if (line)
		bed_add(out, "\r\n", 2);
}

static inline void bed_script_line(struct bed_script *script, const char *at, size_t n)
{
	struct bed_step *last = script->n ? &script->steps[script->n - 1] : NULL;
	enum engine_side side = at[0] == 'C' || at[0] == 'c' ? ENGINE_CLIENT : ENGINE_SERVER;
	const char *text = at + 3;
	size_t length = n > 3 ? n - 3 : 0;
	if (strchr("CS", at[0]) && at[1] == ':') {
		bed_must(script->n < BED_STEPS_MAX);
		script->steps[script->n] = (struct bed_step){ .verb = at[0] };
		bed_text(text, length, &script->steps[script->n].bytes);
		bed_add(&script->on[side], script->steps[script->n].bytes.v,
			script->steps[script->n].bytes.n);
		script->n++;
	} else if (strchr("cs", at[0]) && (at[1] == ':' || at[1] == '-')) {
		bed_must(last && last->bytes.n <= script->on[side].n);
		script->on[side].n -= last->bytes.n;
		if (at[1] == ':')
			bed_text(text, length, &script->on[side]);
	} else if (at[0] == 'R') {
		bed_text(text, length, &script->on[ENGINE_SERVER]);
	} else if (at[0] == 'K') {
		script->steps[script->n++] = (struct bed_step){ .verb = at[1] };
	} else if (at[0] == 'M') {
		bed_add(&script->records, text, length);
		bed_add(&script->records, "\n", 1);
	} else {
		bed_must(strncmp(at, "end", n) == 0 || strncmp(at, "release", n) == 0);
		*(at[0] == 'e' ? &script->ended : &script->released) = true;
	}
}

static inline void bed_script_read(struct bed_script *script, const char *text)
{
	memset(script, 0, sizeof(*script));
	bed_add(&script->records, NULL, 0);
	for (int side = 0; side < 2; side++)
		bed_add(&script->on[side], NULL, 0);
	while (*text) {
		size_t n = strcspn(text, "\n");
		bed_script_line(script, text, n);
		text += n + (text[n] == '\n');
	}
}

static inline void bed_script_done(struct bed_script *script)
{
	for (size_t i = 0; i < script->n; i++)
		free(script->steps[i].bytes.v);
	for (int side = 0; side < 2; side++)
		free(script->on[side].v);
	free(script->records.v);
}

// The bytes of the step at *i, when joined with those of its neighbours of the same side, to which
// *i goes on.  False: that side closes.
static inline bool bed_step_bytes(const struct bed_script *script, size_t *i, bool joined,
				  enum engine_side *ret_side, struct bed_bytes *ret_all)
{
	const struct bed_step *at = &script->steps[*i];
	*ret_side = at->verb == 'C' || at->verb == 'c' ? ENGINE_CLIENT : ENGINE_SERVER;
	*ret_all = (struct bed_bytes){ 0 };
	if (at->verb == 'c' || at->verb == 's')
		return false;
	bed_add(ret_all, at->bytes.v, at->bytes.n);
	while (joined && *i + 1 < script->n && script->steps[*i + 1].verb == at->verb) {
		++*i;
		bed_add(ret_all, script->steps[*i].bytes.v, script->steps[*i].bytes.n);
	}
	return true;
}

// Step `step` in two at `cut`; cut 0: everything byte by byte; SIZE_MAX: neighbours of one side as
// one.  Not inlined: gcc 12 then sees a copy of SIZE_MAX bytes where there is none.
static __attribute__((noinline, unused)) void
bed_play(struct bed *bed, const struct bed_script *script, size_t step, size_t cut)
{
	for (size_t i = 0; i < script->n; i++) {
		enum engine_side side;
		struct bed_bytes all;
		if (!bed_step_bytes(script, &i, cut == SIZE_MAX, &side, &all)) {
			bed_close(bed, side);
			continue;
		}
		if (cut == 0) {
			for (size_t k = 0; k < all.n; k++)
				bed_feed(bed, side, all.v + k, 1);
		} else {
			size_t first = i == step && cut < all.n ? cut : all.n;
			bed_feed(bed, side, all.v, first);
			bed_feed(bed, side, all.v + first, all.n - first);
		}
		free(all.v);
	}
}

#endif
