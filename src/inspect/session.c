#include "inspect/session.h"

#include <errno.h>
#include <stdlib.h>

static void use_drop(struct profile_use *use)
{
	if (!use || --use->n)
		return;
	if (use->retire)
		use->retire(use->arg, use->profiles);
	free(use);
}

void sessions_init(struct sessions *sessions, const struct inspector_options *options,
		   const struct engine_kind *kind)
{
	*sessions = (struct sessions){ .options = options, .kind = kind };
	sessions->budget.most = CONTENT_BUDGET_BYTES;
}

void sessions_done(struct sessions *sessions)
{
	use_drop(sessions->use);
	sessions->use = NULL;
}

int sessions_set_profiles(struct sessions *sessions, const struct profiles *profiles,
			  void (*retire)(void *arg, const struct profiles *profiles), void *arg)
{
	struct profile_use *use = calloc(1, sizeof(*use));

	if (!use)
		return -ENOMEM;
	*use = (struct profile_use){ profiles, retire, arg, 1 };
	use_drop(sessions->use);
	sessions->use = use;
	return 0;
}

int session_use(struct session *session, uint32_t mark)
{
	struct profile_use *use = session->sessions->use;
	const struct profile_flow *flow = use ? profiles_find(use->profiles, mark) : NULL;

	if (!flow)
		return -ENOENT;
	use->n++;
	session->use = use;
	session->peer.flow = flow;
	return 0;
}

void session_drop_use(struct session *session)
{
	use_drop(session->use);
	session->use = NULL;
}

// --- what an engine asks of its host

static void on_order(void *arg, const struct engine_order *order)
{
	struct session *session = arg;

	if (session->over)
		return;
	if (order->verb == ENGINE_END || order->verb == ENGINE_RELEASE)
		session->over = true;
	if (order->verb == ENGINE_RELEASE)
		session->began = false;
	session->calls->order(session, order);
	if (order->verb == ENGINE_TAKE)
		session->taken = true;
}

static void on_record(void *arg, const struct mail_record *record)
{
	const struct session *session = arg;
	const struct inspector_options *options = session->sessions->options;

	if (options->record)
		options->record(options->arg, record);
}

static const struct profile_flow *on_renew(void *arg)
{
	struct session *session = arg;
	struct profile_use *use = session->sessions->use;
	const struct profile_flow *flow = NULL;

	if (use && use != session->use)
		flow = profiles_follow(use->profiles, session->peer.flow, &session->peer.client,
				       &session->peer.server);
	if (!flow)
		return NULL;
	use->n++;
	use_drop(session->use);
	session->use = use;
	session->peer.flow = flow;
	return flow;
}

static bool on_scan_begin(void *arg, uint32_t seconds)
{
	struct session *session = arg;
	const struct inspector_options *options = session->sessions->options;

	session->scan =
		options->scans ? options->scans->begin(options->arg, session, seconds) : NULL;
	return session->scan != NULL;
}

static bool on_scan_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	struct session *session = arg;

	session->scan_waits = !session->sessions->options->scans->bytes(session->scan, bytes, n);
	return !session->scan_waits;
}

static void on_scan_end(void *arg)
{
	struct session *session = arg;

	session->scan_waits = true;
	session->sessions->options->scans->end(session->scan);
}

static void on_scan_drop(void *arg)
{
	struct session *session = arg;

	if (session->scan)
		session->sessions->options->scans->drop(session->scan);
	session->scan = NULL;
	session->scan_waits = false;
}

static const struct scan_host scan_host = { on_scan_begin, on_scan_bytes, on_scan_end,
					    on_scan_drop };

static bool on_tls(void *arg)
{
	const struct session *session = arg;
	const struct sessions *sessions = session->sessions;

	return sessions->tls && sessions->tls(sessions->tls_arg, &session->peer);
}

static bool on_hold_begin(void *arg)
{
	struct session *session = arg;
	const struct inspector_options *options = session->sessions->options;

	session->hold =
		options->holds ? options->holds->begin(options->arg, session, SESSION_VAULT_SECONDS)
			       : NULL;
	return session->hold != NULL;
}

static bool on_hold_bytes(void *arg, const uint8_t *bytes, size_t n)
{
	struct session *session = arg;

	session->hold_waits = !session->sessions->options->holds->bytes(session->hold, bytes, n);
	return !session->hold_waits;
}

static void on_hold_end(void *arg, const uint8_t *envelope, size_t n)
{
	struct session *session = arg;
	const struct inspector_scans *holds = session->sessions->options->holds;

	session->hold_waits = true;
	holds->mark(session->hold);
	holds->bytes(session->hold, envelope, n);
	holds->end(session->hold);
}

static void on_hold_drop(void *arg)
{
	struct session *session = arg;

	if (session->hold)
		session->sessions->options->holds->drop(session->hold);
	session->hold = NULL;
	session->hold_waits = false;
}

static const struct hold_host hold_host = { on_hold_begin, on_hold_bytes, on_hold_end,
					    on_hold_drop };

static bool on_apart_begin(void *arg, const struct apart_job *job)
{
	struct session *session = arg;
	const struct inspector_options *options = session->sessions->options;

	session->apart = true;
	return options->aparts->begin(options->arg, session, &session->peer.client, job);
}

static void on_apart_wait(void *arg)
{
	struct session *session = arg;

	session->apart_waits = true;
}

static void on_apart_drop(void *arg)
{
	struct session *session = arg;

	if (session->apart)
		session->sessions->options->aparts->drop(session->sessions->options->arg, session);
	session->apart = session->apart_waits = false;
}

static const struct apart_host apart_host = { on_apart_begin, on_apart_wait, on_apart_drop };

// --- the engine

int session_begin(struct session *session)
{
	struct sessions *sessions = session->sessions;
	struct engine_host host = { .order = on_order,
				    .record = on_record,
				    .arg = session,
				    .scan = &scan_host,
				    .hold = &hold_host,
				    .apart = sessions->options->aparts ? &apart_host : NULL,
				    .renew = on_renew,
				    .budget = &sessions->budget,
				    .stops = sessions->options->stops,
				    .inserts = session->calls->inserts,
				    .tls = session->calls->tls ? on_tls : NULL };

	session->began = true;
	return sessions->kind->make(&session->peer, &host, sessions->options->limits,
				    sessions->wall_us, &session->engine);
}

void session_end(struct session *session)
{
	struct sessions *sessions = session->sessions;

	if (session->engine)
		sessions->kind->free(session->engine, sessions->wall_us);
	if (session->began)
		sessions->ended++;
	on_scan_drop(session);
	on_hold_drop(session);
	on_apart_drop(session);
	session->began = false;
	session->engine = NULL;
}

bool session_hears(const struct session *session, enum engine_side side)
{
	return session->engine && !session->over && !(session->taken && side == ENGINE_SERVER);
}

void session_feed(struct session *session, enum engine_side side, const uint8_t *bytes, size_t n)
{
	const struct sessions *sessions = session->sessions;

	sessions->kind->feed(session->engine, side, bytes, n, sessions->wall_us);
}

void session_closed(struct session *session, enum engine_side side)
{
	const struct sessions *sessions = session->sessions;

	sessions->kind->closed(session->engine, side, sessions->wall_us);
}

void session_scanned(struct session *session, const struct scan_result *result)
{
	const struct sessions *sessions = session->sessions;

	session->scan = NULL;
	session->scan_waits = false;
	if (!session_hears(session, ENGINE_CLIENT))
		return;
	sessions->kind->scanned(session->engine, result, sessions->wall_us);
	session->calls->go_on(session);
}

void session_scan_room(struct session *session)
{
	const struct sessions *sessions = session->sessions;

	session->scan_waits = false;
	if (!session_hears(session, ENGINE_CLIENT))
		return;
	sessions->kind->scan_room(session->engine, sessions->wall_us);
	session->calls->go_on(session);
}

void session_held(struct session *session, const struct hold_result *result)
{
	const struct sessions *sessions = session->sessions;

	session->hold = NULL;
	session->hold_waits = false;
	if (!session_hears(session, ENGINE_CLIENT))
		return;
	sessions->kind->held(session->engine, result, sessions->wall_us);
	session->calls->go_on(session);
}

void session_hold_room(struct session *session)
{
	const struct sessions *sessions = session->sessions;

	session->hold_waits = false;
	if (!session_hears(session, ENGINE_CLIENT))
		return;
	sessions->kind->hold_room(session->engine, sessions->wall_us);
	session->calls->go_on(session);
}

void session_opened(struct session *session, const struct apart_answer *answer)
{
	const struct sessions *sessions = session->sessions;

	session->apart_waits = false;
	if (!session_hears(session, ENGINE_CLIENT))
		return;
	sessions->kind->opened(session->engine, answer, sessions->wall_us);
	session->calls->go_on(session);
}

size_t session_memory(const struct session *session)
{
	return session->engine ? session->sessions->kind->memory(session->engine) : 0;
}
