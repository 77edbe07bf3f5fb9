// Whole sessions: what goes on to either side, what the gate says in its own name, what is
// recorded. Each is played as written, with every line cut at every byte, byte by byte, and with
// neighbouring lines of a side as one: the outcome is the same.  And so it is between two sockets,
// however these take what is sent (pipe_bed.h).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pipe_bed.h"
#include "smtp_bed.h"
#include "smtp_profile.h"

enum {
	IN = 1,
	SIZES = 2,
	TLS_BLIND = 4,
	TLS_ELSEWHERE = 8, // blind, to another server
	TLS_REFUSE = 16,
	OWN_REFUSE = 32,
	OWN_MARK = 64,
	EXEMPT = 128,
	GREETING = 256,
	LIMITS = 512,
	SMART = 1024,	    // this server is a smart host
	SMART_OTHER = 2048, // another is
	TLS_INSPECT = 4096,
	TLS_REQUIRED = 8192,
	TLS_NOT_NOW = 16384, // there is no certificate
	TLS_AT_ONCE = 32768,
	TLS_NAMED = 65536, // the server has to prove who it is
	TLS_PORT = 131072, // to port 465
};

static const struct dialogue {
	const char *name;
	unsigned with;
	const char *script;
} dialogues[] = {
#include "smtp_rules.def"
#include "smtp_messages.def"
#include "smtp_commands.def"
#include "smtp_steps.def"
};

static void equip(struct town *town, unsigned with, struct engine_peer *peer)
{
	struct profile *profile = &town->profile;
	town_init(town);
	*peer = with & IN ? town->inside : town->outside;
	if (with & SIZES) {
		profile->sizes = town->sizes;
		profile->n_sizes = 3;
	}
	if (with & (TLS_BLIND | TLS_ELSEWHERE))
		profile->tls = PROFILE_TLS_BLIND;
	if (with & TLS_ELSEWHERE)
		town->server = town_range("10.1.1.26");
	if (with & (TLS_INSPECT | TLS_REQUIRED | TLS_AT_ONCE | TLS_NAMED | TLS_PORT))
		profile->tls = PROFILE_TLS_INSPECT;
	town->name = (struct profile_tls_name){ { &town->server, 1 }, "mx.example" };
	profile->tls_inspect.names = &town->name;
	profile->tls_inspect.n_names = with & TLS_NAMED ? 1 : 0;
	if (with & TLS_PORT)
		peer->server_port = 465;
	profile->tls_inspect.required = with & TLS_REQUIRED;
	profile->tls_inspect.at_once = with & TLS_AT_ONCE;
	bed_can_tls = !(with & TLS_NOT_NOW);
	if (with & TLS_REFUSE)
		profile->tls = PROFILE_TLS_REFUSE;
	if (with & OWN_REFUSE)
		profile->own_sender = PROFILE_OWN_REFUSE;
	if (with & OWN_MARK)
		profile->own_sender = PROFILE_OWN_MARK;
	if (with & EXEMPT)
		peer->client = town_addr("198.51.100.7");
	if (with & SMART)
		profile->smart_hosts = (struct profile_addrs){ &town->server, 1 };
	if (with & SMART_OTHER)
		profile->smart_hosts = (struct profile_addrs){ &town->exempt, 1 };
	profile->after_greeting = with & GREETING;
	if (with & LIMITS)
		profile->limits = (struct profile_limits){
			.recipients = 2,
			.invalid_recipients = 2,
			.transactions = 2,
			.sessions = 1,
			.message_rate = 2,
			.message_seconds = 60,
		};
}

static void show(const char *what, const struct bed_bytes *bytes)
{
	fprintf(stderr, "%s:\n", what);
	for (size_t i = 0; i < bytes->n; i++) {
		uint8_t byte = bytes->v[i];
		if (byte == '\n' || (byte >= ' ' && byte < 0x7f))
			fputc(byte, stderr);
		else if (byte == '\r')
			fputs("\\r", stderr);
		else
			fprintf(stderr, "\\x%02x", byte);
	}
	fputc('\n', stderr);
}

static bool same(const struct bed_bytes *a, const struct bed_bytes *b)
{
	return a->n == b->n && memcmp(a->v, b->v, a->n) == 0;
}

static void check_once(const struct dialogue *row, const struct bed_script *script, size_t step,
		       size_t cut)
{
	struct town town;
	struct engine_peer peer;
	struct source_limits *limits = NULL;
	struct bed bed;
	equip(&town, row->with, &peer);
	if (row->with & LIMITS)
		assert_int_equal(source_limits_new(64, 1, &limits), 0);
	bed_begin(&bed, &peer, limits);
	bed_play(&bed, script, step, cut);
	bed_over(&bed);
	bool right = same(&bed.on[0], &script->on[0]) && same(&bed.on[1], &script->on[1]) &&
		     same(&bed.records, &script->records) && bed.ended == script->ended &&
		     bed.released == script->released;
	if (!right) {
		show("to the server", &bed.on[0]);
		show("to the server, wanted", &script->on[0]);
		show("to the client", &bed.on[1]);
		show("to the client, wanted", &script->on[1]);
		show("records", &bed.records);
		show("records, wanted", &script->records);
		fail_msg("%s, step %zu cut at %zu: ended %d, released %d", row->name, step, cut,
			 bed.ended, bed.released);
	}
	bed_done(&bed);
	source_limits_free(limits);
}

static void check_pipe(const struct dialogue *row, const struct bed_script *script, size_t step,
		       size_t cut, enum pipe_taking taking)
{
	static struct pipe_bed bed;
	const struct pipe_bed_want want = { script->on, &script->records, script->ended,
					    script->released };
	struct town town;
	struct engine_peer peer;
	struct source_limits *limits = NULL;
	equip(&town, row->with, &peer);
	if (row->with & LIMITS)
		assert_int_equal(source_limits_new(64, 1, &limits), 0);
	pipe_bed_begin(&bed, &peer, limits, taking);
	pipe_bed_play(&bed, script, step, cut);
	pipe_bed_over(&bed);
	pipe_bed_judge(&bed, &want, row->name, step, cut);
	pipe_bed_done(&bed);
	source_limits_free(limits);
}

static void check(const struct dialogue *row, const struct bed_script *script, size_t step,
		  size_t cut)
{
	check_once(row, script, step, cut);
	for (int taking = 0; taking < PIPE_TAKINGS; taking++)
		check_pipe(row, script, step, cut, (enum pipe_taking)taking);
}

static void play(void **state)
{
	const struct dialogue *row = *state;
	struct bed_script script;
	bed_script_read(&script, row->script);
	check(row, &script, SIZE_MAX, 1);
	check(row, &script, SIZE_MAX, 0);
	check(row, &script, SIZE_MAX, SIZE_MAX);
	for (size_t step = 0; step < script.n; step++)
		for (size_t cut = 1; cut < script.steps[step].bytes.n; cut++)
			check(row, &script, step, cut);
	bed_script_done(&script);
}

enum { N_DIALOGUES = sizeof(dialogues) / sizeof(dialogues[0]) };

int main(void)
{
	static struct CMUnitTest tests[N_DIALOGUES];
	for (size_t i = 0; i < N_DIALOGUES; i++)
		tests[i] = (struct CMUnitTest){
			.name = dialogues[i].name,
			.test_func = play,
			.initial_state = (void *)(uintptr_t)&dialogues[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
