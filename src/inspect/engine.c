// The two sides' bytes, and the orders about them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/mail_suite.h"
#include "inspect/smtp_relay.h"
#include "inspect/smtp_session.h"
#include "inspect/smtp_size.h"

static void order(struct engine *engine, struct engine_order order)
{
	struct smtp_side *side = order.side == ENGINE_CLIENT ? &engine->client : &engine->server;
	if (order.verb <= ENGINE_REPLACE || order.verb == ENGINE_SWALLOW)
		side->undecided -= order.size;
	engine->host.order(engine->host.arg, &order);
}

void smtp_order_pass(struct engine *engine, enum engine_side side, size_t size)
{
	if (size)
		order(engine,
		      (struct engine_order){ .verb = ENGINE_PASS, .side = side, .size = size });
}

void smtp_order_overwrite(struct engine *engine, enum engine_side side, const uint8_t *bytes,
			  size_t size)
{
	order(engine, (struct engine_order){ .verb = ENGINE_OVERWRITE,
					     .side = side,
					     .size = size,
					     .bytes = bytes,
					     .n_bytes = size });
}

void smtp_order_replace(struct engine *engine, size_t size, const char *text)
{
	order(engine, (struct engine_order){ .verb = ENGINE_REPLACE,
					     .side = ENGINE_SERVER,
					     .size = size,
					     .bytes = (const uint8_t *)text,
					     .n_bytes = strlen(text) });
}

void smtp_order_insert(struct engine *engine, const uint8_t *bytes, size_t n)
{
	order(engine,
	      (struct engine_order){
		      .verb = ENGINE_INSERT, .side = ENGINE_CLIENT, .bytes = bytes, .n_bytes = n });
}

void smtp_order_swallow(struct engine *engine, uint64_t size)
{
	if (size)
		order(engine, (struct engine_order){ .verb = ENGINE_SWALLOW,
						     .side = ENGINE_CLIENT,
						     .size = size });
}

static void drop_held(struct smtp_side *side)
{
	free(side->held);
	side->held = NULL;
	side->n_held = side->cap = 0;
}

// Nothing of the session is needed any more; the engine itself stays until it is freed.
static void done(struct engine *engine)
{
	engine->state = SMTP_DONE;
	smtp_scan_drop(engine);
	smtp_hold_drop(engine);
	smtp_mail_free(&engine->mail);
	free(engine->queue.v);
	engine->queue = (struct smtp_queue){ 0 };
	free(engine->helo);
	engine->helo = NULL;
	if (engine->limits)
		source_limits_leave(engine->limits, engine->source_slot);
	engine->source_slot = SOURCE_NONE;
}

static void record_end(struct engine *engine, enum smtp_reason reason, uint16_t code)
{
	// What comes after all is over is worth no record of its own.
	bool late = reason == SMTP_BROKEN_OFF || reason == SMTP_AFTER_END;
	// The server may have refused the transaction before it, or the client, went.
	if (engine->mail.open && reason == SMTP_BROKEN_OFF)
		smtp_mail_abandon(engine);
	else if (engine->mail.open)
		smtp_mail_done(engine, reason, code);
	else if (!late || !engine->recorded)
		smtp_mail_session(engine, reason, code);
}

void smtp_hang_up(struct engine *engine)
{
	char reply[SMTP_REASON_REPLY_MAX];
	smtp_reason_reply(engine->taken, engine->mail.utf8,
			  engine->taken == SMTP_MALWARE ? engine->mail.scan.result.name : "",
			  reply);
	order(engine, (struct engine_order){ .verb = ENGINE_REPLY,
					     .side = ENGINE_CLIENT,
					     .bytes = (const uint8_t *)reply,
					     .n_bytes = strlen(reply) });
	order(engine, (struct engine_order){ .verb = ENGINE_END, .side = ENGINE_CLIENT });
	record_end(engine, engine->taken, smtp_reason_code(engine->taken));
	done(engine);
}

void smtp_take(struct engine *engine)
{
	if (engine->took)
		return;
	order(engine, (struct engine_order){ .verb = ENGINE_TAKE, .side = ENGINE_CLIENT });
	engine->took = true;
	engine->taken_us = engine->now_us;
	engine->server.undecided = 0;
}

static void take_over(struct engine *engine, enum smtp_reason reason)
{
	bool body = engine->state == SMTP_BODY && !engine->client.closed;
	smtp_take(engine);
	engine->taken = reason;
	smtp_scan_drop(engine);
	smtp_hold_drop(engine);
	if (body) {
		engine->state = SMTP_TAKEN;
		engine->swallow_place = (uint8_t)engine->data.place;
		smtp_order_swallow(engine, engine->client.undecided - engine->client_rest);
		return;
	}
	smtp_order_swallow(engine, engine->client.undecided);
	smtp_hang_up(engine);
}

void smtp_finish(struct engine *engine, enum smtp_reason reason)
{
	if (engine->state == SMTP_TAKEN || engine->state == SMTP_DONE)
		return;
	if (engine->took) {
		take_over(engine, smtp_reason_row(reason)->reply ? reason : SMTP_HOLD_BROKEN);
		return;
	}
	// Towards a side that has closed nothing can be said any more.
	if (smtp_reason_row(reason)->reply && !engine->client.closed && !engine->server.closed) {
		take_over(engine, reason);
		return;
	}
	order(engine, (struct engine_order){ .verb = ENGINE_END, .side = ENGINE_CLIENT });
	record_end(engine, reason, 0);
	done(engine);
}

static bool may_finish(const struct engine *engine)
{
	const struct smtp_queue *queue = &engine->queue;
	return !queue->n || queue->v[queue->head].verb == SMTP_DATA ||
	       queue->v[queue->head].verb == SMTP_STARTTLS || engine->server.closed;
}

void smtp_end(struct engine *engine, enum smtp_reason reason)
{
	if (may_finish(engine))
		smtp_finish(engine, reason);
	else
		engine->ending = reason;
}

void smtp_release(struct engine *engine, enum smtp_reason reason)
{
	order(engine, (struct engine_order){ .verb = ENGINE_RELEASE, .side = ENGINE_CLIENT });
	smtp_mail_session(engine, reason, engine->last_code);
	done(engine);
}

void smtp_expect(struct engine *engine, struct smtp_wait wait)
{
	struct smtp_queue *queue = &engine->queue;
	if (queue->head && queue->head + queue->n == queue->cap) {
		memmove(queue->v, queue->v + queue->head, queue->n * sizeof(queue->v[0]));
		queue->head = 0;
	}
	if (queue->n == queue->cap) {
		size_t cap = queue->cap ? queue->cap * 2u : SMTP_QUEUE_FIRST;
		struct smtp_wait *v = realloc(queue->v, cap * sizeof(v[0]));
		if (!v) {
			smtp_finish(engine, SMTP_MEMORY);
			return;
		}
		queue->v = v;
		queue->cap = (uint16_t)cap;
	}
	queue->v[queue->head + queue->n++] = wait;
}

// Whether bytes of that side are not read any more.
static bool is_over(const struct engine *engine, const struct smtp_side *side)
{
	return engine->state == SMTP_DONE ||
	       (side == &engine->client ? engine->ending != SMTP_REASON_NONE : engine->took);
}

static void too_much(struct engine *engine, const struct smtp_side *side)
{
	smtp_finish(engine, side == &engine->client ? SMTP_TOO_MUCH_WAITING : SMTP_SERVER_LONG);
}

// Bytes that no reader wanted yet.
static void hold(struct engine *engine, struct smtp_side *side, const uint8_t *bytes, size_t n)
{
	size_t want = side->n_held + n, cap = side->cap ? side->cap : 64;
	if (want > ENGINE_WAITING_MAX) {
		too_much(engine, side);
		return;
	}
	while (cap < want)
		cap *= 2;
	if (cap > side->cap) {
		uint8_t *grown = realloc(side->held, cap);
		if (!grown) {
			smtp_finish(engine, SMTP_MEMORY);
			return;
		}
		side->held = grown;
		side->cap = (uint32_t)cap;
	}
	memcpy(side->held + side->n_held, bytes, n);
	side->n_held = (uint32_t)want;
}

static void go_on(struct engine *engine);

// later: bytes of the same call that come after these.
static size_t run(struct engine *engine, struct smtp_side *side, const uint8_t *bytes, size_t n,
		  size_t later)
{
	bool client = side == &engine->client;
	size_t at = 0, used = 1;
	while (at < n && (used || engine->state == SMTP_TAKEN) && !is_over(engine, side)) {
		if (client)
			engine->client_rest = n - at + later;
		used = client ? smtp_client_read(engine, bytes + at, n - at)
			      : smtp_server_read(engine, bytes + at, n - at);
		at += used;
		// A reply lets waiting commands go on before the next one is looked at.
		if (!client && used)
			go_on(engine);
	}
	if (client)
		engine->client_rest = 0;
	return at;
}

static void run_held(struct engine *engine, struct smtp_side *side, size_t later)
{
	if (!side->n_held || is_over(engine, side))
		return;
	size_t used = run(engine, side, side->held, side->n_held, later);
	if (is_over(engine, side) || used == side->n_held) {
		drop_held(side);
		return;
	}
	memmove(side->held, side->held + used, side->n_held - used);
	side->n_held -= (uint32_t)used;
}

// What is held comes first; once it is used up, bytes are read from where they are.
static void take_in(struct engine *engine, struct smtp_side *side, const uint8_t *bytes, size_t n)
{
	while (n && side->n_held && !is_over(engine, side)) {
		size_t room = ENGINE_WAITING_MAX - side->n_held;
		size_t piece = n < room ? n : room;
		if (!piece) {
			too_much(engine, side);
			return;
		}
		hold(engine, side, bytes, piece);
		bytes += piece;
		n -= piece;
		run_held(engine, side, n);
	}
	if (!n || is_over(engine, side))
		return;
	size_t used = run(engine, side, bytes, n, 0);
	if (used < n && !is_over(engine, side))
		hold(engine, side, bytes + used, n - used);
}

// What a reply, or a side's going, made possible or impossible.
static void go_on(struct engine *engine)
{
	const struct smtp_side *client = &engine->client, *server = &engine->server;
	run_held(engine, &engine->client, 0);
	if (engine->state == SMTP_DONE || engine->state == SMTP_TAKEN)
		return;
	if (engine->ending != SMTP_REASON_NONE) {
		drop_held(&engine->client);
		if (may_finish(engine) || client->undecided > ENGINE_WAITING_MAX)
			smtp_finish(engine, engine->ending);
	} else if ((server->closed && (client->undecided || server->undecided)) ||
		   (client->closed && (client->undecided || engine->took) && !engine->queue.n &&
		    engine->state != SMTP_SCAN_AHEAD && engine->state != SMTP_HOLD_AHEAD)) {
		smtp_finish(engine, SMTP_BROKEN_OFF);
	}
}

void engine_feed(struct engine *engine, enum engine_side which, const uint8_t *bytes, size_t size,
		 uint64_t now_us)
{
	struct smtp_side *side = which == ENGINE_CLIENT ? &engine->client : &engine->server;
	if (engine->state == SMTP_DONE || !size || (engine->took && which == ENGINE_SERVER))
		return;
	engine->now_us = now_us;
	side->undecided += size;
	// What nobody will answer does not go on.
	if (which == ENGINE_CLIENT && engine->server.closed) {
		smtp_finish(engine, SMTP_BROKEN_OFF);
		return;
	}
	take_in(engine, side, bytes, size);
	go_on(engine);
}

void engine_closed(struct engine *engine, enum engine_side which, uint64_t now_us)
{
	if (engine->state == SMTP_DONE)
		return;
	engine->now_us = now_us;
	if (engine->state == SMTP_TAKEN && which == ENGINE_CLIENT)
		smtp_hang_up(engine);
	if (engine->state == SMTP_DONE || (engine->took && which == ENGINE_SERVER))
		return;
	*(which == ENGINE_CLIENT ? &engine->client.closed : &engine->server.closed) = true;
	go_on(engine);
}

void engine_scanned(struct engine *engine, const struct scan_result *result, uint64_t now_us)
{
	engine->now_us = now_us;
	smtp_scan_take(engine, result);
	if (engine->state != SMTP_DONE)
		go_on(engine);
}

void engine_scan_room(struct engine *engine, uint64_t now_us)
{
	engine->now_us = now_us;
	smtp_scan_room(engine);
	if (engine->state != SMTP_DONE)
		go_on(engine);
}

void engine_agreed(struct engine *engine, enum engine_side side, uint16_t suite)
{
	engine->suites[side] = mail_suite_of(suite);
}

static bool lets_tls(const struct engine *engine)
{
	const struct profile *profile = engine->profile;
	const struct engine_host *host = &engine->host;
	if (profile->tls == PROFILE_TLS_BLIND)
		return profile_holds(&profile->tls_servers, &engine->peer.server);
	return profile->tls == PROFILE_TLS_INSPECT && !engine->tls && host->tls &&
	       host->tls(host->arg);
}

void smtp_begin_tls(struct engine *engine)
{
	order(engine, (struct engine_order){ .verb = ENGINE_TLS, .side = ENGINE_CLIENT });
	engine->tls = true;
	engine->lets_tls = engine->tls_offered = false;
	free(engine->helo);
	engine->helo = NULL;
}

void engine_held(struct engine *engine, const struct hold_result *result, uint64_t now_us)
{
	engine->now_us = now_us;
	smtp_hold_take(engine, result);
	if (engine->state != SMTP_DONE)
		go_on(engine);
}

void engine_hold_room(struct engine *engine, uint64_t now_us)
{
	engine->now_us = now_us;
	smtp_hold_room(engine);
	if (engine->state != SMTP_DONE)
		go_on(engine);
}

void engine_opened(struct engine *engine, const struct apart_answer *answer, uint64_t now_us)
{
	engine->now_us = now_us;
	if (engine->state == SMTP_DONE)
		return;
	smtp_apart_take(engine, answer);
	if (engine->state != SMTP_DONE)
		go_on(engine);
}

static void take_flow(struct engine *engine, const struct profile_flow *flow)
{
	const struct profile *profile = flow->profile;
	engine->peer.flow = flow;
	engine->profile = profile;
	engine->sender = smtp_relay_is_sender(&engine->peer);
	engine->lets_tls = lets_tls(engine);
	engine->size_most = smtp_size_most(profile, &engine->peer.client, engine->sender);
}

void smtp_renew(struct engine *engine)
{
	const struct profile_flow *flow =
		engine->host.renew ? engine->host.renew(engine->host.arg) : NULL;
	if (flow)
		take_flow(engine, flow);
}

bool smtp_begins_with_tls(const struct engine *engine)
{
	enum { SUBMISSIONS = 465 }; // RFC 8314 3.3
	const struct profile *profile = engine->profile;
	return profile->tls == PROFILE_TLS_INSPECT &&
	       (profile->tls_inspect.at_once || engine->peer.server_port == SUBMISSIONS);
}

int engine_new(const struct engine_peer *peer, const struct engine_host *host,
	       struct source_limits *limits, uint64_t now_us, struct engine **ret_engine)
{
	static const enum smtp_reason reasons[] = {
		[SOURCE_TAKEN] = SMTP_REASON_NONE,
		[SOURCE_SESSIONS] = SMTP_SESSIONS,
		[SOURCE_SESSION_RATE] = SMTP_SESSION_RATE,
	};
	enum smtp_reason refused = SMTP_REASON_NONE;
	struct engine *engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;
	engine->peer = *peer;
	engine->host = *host;
	engine->limits = limits;
	engine->source_slot = SOURCE_NONE;
	engine->began_us = engine->now_us = now_us;
	take_flow(engine, peer->flow);
	*ret_engine = engine;
	if (limits)
		refused = reasons[source_limits_enter(limits, &peer->client, engine->profile,
						      now_us, &engine->source_slot)];
	if (refused == SMTP_REASON_NONE && smtp_begins_with_tls(engine) && !engine->lets_tls)
		refused = SMTP_TLS_CLIENT;
	else if (refused == SMTP_REASON_NONE && smtp_begins_with_tls(engine))
		smtp_begin_tls(engine);
	// Before the server knows of the connection, so that whoever does not even acknowledge the
	// reply takes none of the server's.
	if (refused != SMTP_REASON_NONE)
		smtp_finish(engine, refused);
	return 0;
}

// A session's heap: what waits of both sides, commands without a reply, and the transaction in
// hand with what is kept of its message.
size_t engine_memory(const struct engine *engine)
{
	const struct smtp_mail *mail = &engine->mail;

	return sizeof(*engine) + engine->client.cap + engine->server.cap +
	       engine->queue.cap * sizeof(engine->queue.v[0]) +
	       mail->cap_kept * sizeof(mail->recipients[0]) + mail->kept_bytes +
	       mail->audience.room * sizeof(mail->audience.v[0]) + smtp_hold_memory(&mail->hold) +
	       (mail->content ? content_memory(mail->content) : 0);
}

void engine_free(struct engine *engine, uint64_t now_us)
{
	if (!engine)
		return;
	if (engine->state != SMTP_DONE) {
		engine->now_us = now_us;
		if (engine->state == SMTP_TAKEN)
			record_end(engine, engine->taken, 0);
		else if (engine->ending != SMTP_REASON_NONE)
			record_end(engine, engine->ending, 0);
		else if (engine->mail.open)
			smtp_mail_abandon(engine);
		else if (!engine->recorded && engine->refused != SMTP_REASON_NONE)
			smtp_mail_session(engine, engine->refused,
					  smtp_reason_code(engine->refused));
		else if (!engine->recorded)
			smtp_mail_session(engine, SMTP_NO_MAIL, engine->last_code);
		done(engine);
	}
	drop_held(&engine->client);
	drop_held(&engine->server);
	free(engine);
}
