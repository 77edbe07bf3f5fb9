// The message: counted, and its end let through only when all of it may pass; and the bytes of a
// client that was taken over.
#include "inspect/smtp_session.h"

#include <strings.h>

#include "inspect/habit.h"

static const enum smtp_reason stops[] = {
	[SMTP_DATA_MORE] = SMTP_REASON_NONE, [SMTP_DATA_END] = SMTP_REASON_NONE,
	[SMTP_DATA_BARE_CR] = SMTP_BARE_CR,  [SMTP_DATA_BARE_LF] = SMTP_BARE_LF,
	[SMTP_DATA_NUL] = SMTP_NUL,	     [SMTP_DATA_LONG] = SMTP_DATA_LINE_LONG,
};

// Whether the server took a recipient of this address.
static bool names(void *arg, const char *address)
{
	const struct engine *engine = arg;
	const struct smtp_mail *mail = &engine->mail;
	for (uint32_t i = 0; i < mail->n_kept; i++) {
		const struct smtp_recipient *recipient = &mail->recipients[i];
		if (recipient->address && recipient->code / 100 == 2 &&
		    strcasecmp(recipient->address, address) == 0)
			return true;
	}
	return false;
}

static int begin_content(struct engine *engine)
{
	const struct profile *profile = engine->profile;
	struct smtp_mail *mail = &engine->mail;
	const struct habit_envelope envelope = {
		.sender = mail->sender ? mail->sender : "",
		.inside = engine->sender,
		.marks = engine->host.inserts,
		.exempt = profile_holds(&profile->senders, &engine->peer.client) ||
			  profile_holds(&profile->own_sender_from, &engine->peer.client),
		.names = names,
		.arg = engine,
	};
	// Whoever decides about a held message sees its header and its files, whatever holds it.
	if (!profile->n_attachments && !profile->n_habits && !profile->hold.any)
		return 0;
	return content_new(profile, &mail->audience, &envelope, engine->host.budget,
			   &mail->content);
}

void smtp_body_begin(struct engine *engine)
{
	if (!engine->mail.n_accepted)
		engine->mail.cap = engine->size_most;
	engine->data = (struct smtp_data){ 0 };
	engine->body_passed = 0;
	engine->state = SMTP_BODY;
	if (begin_content(engine) < 0) {
		smtp_finish(engine, SMTP_MEMORY);
		return;
	}
	smtp_apart_begin(engine);
	smtp_scan_begin(engine);
	if (engine->state == SMTP_BODY)
		smtp_hold_begin(engine);
}

// Reads no further than one byte over the cap, so that the message is stopped at the same byte
// however it comes.
static size_t within_cap(const struct engine *engine, size_t n)
{
	uint64_t read = engine->data.size + smtp_data_held(&engine->data);
	uint64_t room = read < engine->mail.cap ? engine->mail.cap - read : 0;
	return n > room ? (size_t)room + 1 : n;
}

// n bytes of the message became certain: those held at the place before come first.
static enum smtp_reason read_content(struct content *content, enum smtp_data_place before,
				     const uint8_t *bytes, uint64_t n, bool end)
{
	size_t n_held;
	const uint8_t *held = smtp_data_held_bytes(before, &n_held);
	enum smtp_reason reason;
	if (n_held > n)
		n_held = (size_t)n;
	reason = content_feed(content, held, n_held);
	if (reason == SMTP_REASON_NONE || content_follows(content))
		reason = content_feed(content, bytes, (size_t)n - n_held);
	return end ? content_end(content) : reason;
}

static void look_for_body(struct engine *engine, const struct smtp_data *before,
			  const uint8_t *bytes, uint64_t n)
{
	size_t n_held;
	const uint8_t *held = smtp_data_held_bytes(before->place, &n_held);
	if (n_held > n)
		n_held = (size_t)n;
	smtp_notice_read(engine, before->size, held, n_held);
	smtp_notice_read(engine, before->size + n_held, bytes, n - n_held);
}

// To the scanner, and to the vault.
static void copy(struct engine *engine, enum smtp_data_place before, const uint8_t *bytes,
		 uint64_t n)
{
	size_t n_held;
	const uint8_t *held = smtp_data_held_bytes(before, &n_held);
	if (n_held > n)
		n_held = (size_t)n;
	smtp_scan_bytes(engine, held, n_held);
	smtp_scan_bytes(engine, bytes, (size_t)n - n_held);
	smtp_hold_bytes(engine, held, n_held);
	smtp_hold_bytes(engine, bytes, (size_t)n - n_held);
}

// Nothing more of the message goes on.  At its end the client has no more to say before our reply.
static void refuse(struct engine *engine, enum smtp_reason reason, bool end)
{
	struct smtp_mail *mail = &engine->mail;
	mail->size = engine->data.size + (engine->data.place == SMTP_DATA_CR);
	if (end)
		engine->state = SMTP_COMMANDS;
	smtp_finish(engine, reason);
}

static void decide(struct engine *engine, uint64_t to)
{
	if (!engine->took) {
		smtp_notice_pass(engine, to);
		return;
	}
	smtp_order_swallow(engine, to - engine->body_passed);
	engine->body_passed = to;
}

// While the scanner or the vault is behind nothing does; the client's TCP notices.
void smtp_body_pass(struct engine *engine)
{
	uint64_t size = engine->data.size, may = size < engine->mail.cap ? size : engine->mail.cap;
	if (!engine->mail.scan.behind && !engine->mail.hold.behind)
		decide(engine, may);
}

// "." CR LF, of which up to two bytes may have been held.  Of a message that is held they wait for
// the vault, so that there is a packet to answer with.
void smtp_body_end(struct engine *engine)
{
	enum smtp_reason holds = smtp_scan_holds(engine);
	if (holds == SMTP_REASON_NONE && engine->mail.content)
		holds = content_held(engine->mail.content); // by what was opened elsewhere
	engine->mail.scan.behind = engine->mail.hold.behind = false;
	if (holds != SMTP_REASON_NONE || engine->took) {
		engine->state = SMTP_HOLD_AHEAD;
		if (holds != SMTP_REASON_NONE)
			smtp_hold_want(engine, holds);
		if (engine->state != SMTP_HOLD_AHEAD)
			return;
		decide(engine, engine->data.size);
		smtp_hold_end(engine);
		return;
	}
	smtp_hold_drop(engine);
	decide(engine, engine->data.size);
	smtp_notice_end(engine);
	smtp_order_pass(engine, ENGINE_CLIENT, 3);
	engine->state = SMTP_COMMANDS;
	smtp_expect(engine, (struct smtp_wait){ .verb = SMTP_END_OF_DATA });
}

// All was read, and nothing in it speaks against it.
static void end_body(struct engine *engine)
{
	const enum smtp_reason refused = smtp_scan_refusal(engine);
	smtp_scan_end(engine);
	if (refused != SMTP_REASON_NONE)
		refuse(engine, refused, true);
	else if (engine->mail.scan.state == SMTP_SCAN_ENDED || smtp_apart_waits(engine))
		engine->state = SMTP_SCAN_AHEAD;
	else
		smtp_body_end(engine);
}

size_t smtp_body_read(struct engine *engine, const uint8_t *bytes, size_t n)
{
	struct smtp_mail *mail = &engine->mail;
	const struct smtp_data before = engine->data;
	size_t used;
	enum smtp_data_stop stop =
		smtp_data_read(&engine->data, bytes, within_cap(engine, n), &used);
	uint64_t size = engine->data.size, may = size < mail->cap ? size : mail->cap;
	bool end = stop == SMTP_DATA_END;
	enum smtp_reason refused = SMTP_REASON_NONE;
	mail->size = size;
	engine->client_rest -= used;
	copy(engine, before.place, bytes, may - before.size);
	if (mail->content)
		look_for_body(engine, &before, bytes, may - before.size);
	if (mail->content)
		refused = read_content(mail->content, before.place, bytes, may - before.size, end);
	if (refused != SMTP_REASON_NONE) {
		refuse(engine, refused, end);
		return used;
	}
	if (mail->content && content_held(mail->content) != SMTP_REASON_NONE) {
		if (end) // nothing more of the body comes, if the vault does not take it
			engine->state = SMTP_HOLD_AHEAD;
		smtp_hold_want(engine, content_held(mail->content));
		if (engine->state != SMTP_BODY && engine->state != SMTP_HOLD_AHEAD)
			return used;
	}
	if (size <= mail->cap && end) {
		end_body(engine);
		return used;
	}
	smtp_body_pass(engine);
	if (size > mail->cap) {
		smtp_finish(engine, SMTP_SIZE);
	} else if (stops[stop] != SMTP_REASON_NONE) {
		smtp_finish(engine, stops[stop]);
	}
	return used;
}

// Any end of a line counts here: nothing of it goes to the server, and a client that ends lines in
// its own way is to hear our reply too.  True: the message is over.
static bool swallow_byte(struct engine *engine, uint8_t byte)
{
	bool cr = byte == '\r', lf = byte == '\n';
	switch ((enum smtp_data_place)engine->swallow_place) {
	case SMTP_DATA_DOT_CR:
		return true;
	case SMTP_DATA_DOT:
		if (lf)
			return true;
		engine->swallow_place = cr ? SMTP_DATA_DOT_CR : SMTP_DATA_WITHIN;
		engine->mail.size += cr ? 0 : 2;
		return false;
	case SMTP_DATA_CR:
	case SMTP_DATA_BEGIN:
		if (byte == '.') {
			engine->swallow_place = SMTP_DATA_DOT;
			return false;
		}
		break;
	case SMTP_DATA_WITHIN:
		break;
	}
	engine->mail.size++;
	engine->swallow_place = cr ? SMTP_DATA_CR : lf ? SMTP_DATA_BEGIN : SMTP_DATA_WITHIN;
	return false;
}

// Of a file that was refused the record is to have the sum.
static void follow(struct engine *engine, const uint8_t *bytes, size_t n)
{
	struct content *content = engine->mail.content;
	const struct smtp_data before = engine->data;
	size_t used;
	if (!content || !content_follows(content))
		return;
	enum smtp_data_stop stop = smtp_data_read(&engine->data, bytes, n, &used);
	read_content(content, before.place, bytes, engine->data.size - before.size, false);
	if (stop == SMTP_DATA_END)
		content_end(content);
	else if (stop != SMTP_DATA_MORE)
		content_leave(content);
}

size_t smtp_body_swallow(struct engine *engine, const uint8_t *bytes, size_t n)
{
	const uint64_t most_us = (uint64_t)SMTP_SWALLOW_SECONDS_MAX * 1000000;
	bool over = engine->now_us > engine->taken_us + most_us;
	follow(engine, bytes, n);
	for (size_t i = 0; i < n && !over; i++)
		over = swallow_byte(engine, bytes[i]);
	smtp_order_swallow(engine, over ? engine->client.undecided : n);
	if (over)
		smtp_hang_up(engine);
	return n;
}
