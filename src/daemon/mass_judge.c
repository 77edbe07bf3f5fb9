#include "daemon/mass_judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/file.h"
#include "daemon/mass_count.h"
#include "daemon/mass_usual.h"

_Static_assert(crypto_shorthash_KEYBYTES == 16, "the secret of what is usual is its key");

struct mass_judge {
	uint8_t secret[crypto_shorthash_KEYBYTES];
	struct mass_counts *sources, *wide; // wide: zones and directions, which no flood pushes out
	struct mass_usual *usual;
	struct mass_rule *rules;
	size_t n;
};

struct step { // one row meets one message
	struct mass_judge *judge;
	const struct mass_rule *rule;
	const struct mass_message *message;
	unsigned directions; // that the message has, of the row's
	uint64_t now_us;
};

int mass_judge_new(struct mass_judge **ret_judge)
{
	struct mass_judge *judge = calloc(1, sizeof(*judge));
	int r = judge ? mass_counts_new(MASS_SOURCES, &judge->sources) : -ENOMEM;

	if (r == 0)
		r = mass_counts_new(MASS_WIDE, &judge->wide);
	if (r == 0)
		r = mass_usual_new(&judge->usual);
	if (r < 0) {
		mass_judge_free(judge);
		return r;
	}
	randombytes_buf(judge->secret, sizeof(judge->secret));
	*ret_judge = judge;
	return 0;
}

void mass_judge_free(struct mass_judge *judge)
{
	if (!judge)
		return;
	mass_counts_free(judge->sources);
	mass_counts_free(judge->wide);
	mass_usual_free(judge->usual);
	free(judge->rules);
	free(judge);
}

void mass_judge_set(struct mass_judge *judge, struct mass_rule *rules, size_t n)
{
	free(judge->rules);
	judge->rules = rules;
	judge->n = n;
}

const struct mass_rule *mass_judge_rules(const struct mass_judge *judge, size_t *ret_n)
{
	*ret_n = judge->n;
	return judge->rules;
}

int mass_judge_read(struct mass_judge *judge, int state_fd)
{
	return mass_usual_read(judge->usual, judge->secret, state_fd);
}

int mass_judge_write(const struct mass_judge *judge, int state_fd)
{
	return mass_usual_write(judge->usual, judge->secret, state_fd);
}

// --- what is counted

static uint64_t prefix_of(const struct addr *addr, unsigned bits_4, unsigned bits_6)
{
	if (addr->family == ADDR_V4)
		return (uint64_t)(addr->bits >> (32 - bits_4)) | UINT64_C(1) << 63;
	return (uint64_t)(addr->bits >> 64) >> (64 - bits_6);
}

enum part { OF_ALL, OF_NETWORK };

static uint64_t key_of(const struct step *step, enum part part)
{
	const struct mass_message *message = step->message;
	struct {
		uint64_t rule, part, what, v4, network;
	} of = { .rule = step->rule->hash, .part = part };
	uint64_t key;

	switch (step->rule->limit.by) {
	case PLAN_MASS_SENDER:
		of.what = message->sender;
		break;
	case PLAN_MASS_ZONE:
		of.what = file_sum(message->zone, strlen(message->zone));
		break;
	case PLAN_MASS_DIRECTION:
		of.what = step->directions;
		break;
	default:
		of.v4 = message->client.family == ADDR_V4;
		of.what = of.v4 ? (uint64_t)message->client.bits
				: (uint64_t)(message->client.bits >> 64);
	}
	if (part == OF_NETWORK)
		of.network = prefix_of(&message->client, 24, 48);
	crypto_shorthash((uint8_t *)&key, (const uint8_t *)&of, sizeof(of), step->judge->secret);
	return key ? key : 1;
}

static struct mass_counts *counts_of(const struct step *step)
{
	return step->rule->limit.by >= PLAN_MASS_ZONE ? step->judge->wide : step->judge->sources;
}

static uint32_t weight_of(const struct step *step)
{
	const struct mass_message *message = step->message;

	if (!step->rule->limit.recipients || !message->passed)
		return 1;
	return (step->directions & MAIL_IN ? message->n_own : 0) +
	       (step->directions & MAIL_OUT ? message->n_others : 0);
}

static uint32_t limit_of(const struct step *step, uint64_t key)
{
	const struct plan_mail_mass *limit = &step->rule->limit;
	uint64_t usual;

	if (limit->over)
		return limit->over;
	usual = (uint64_t)mass_usual_most(step->judge->usual, key, step->now_us) * limit->times;
	usual = usual > limit->at_least ? usual : limit->at_least;
	return usual > UINT32_MAX ? UINT32_MAX : (uint32_t)usual;
}

// What is left of the network's share.
static uint32_t share_of(const struct step *step, uint32_t most, uint32_t weight)
{
	const struct plan_mail_mass *limit = &step->rule->limit;
	struct mass_counts *counts = step->judge->sources;
	uint32_t share, used;
	uint64_t key;

	if (!limit->sources)
		return weight;
	key = key_of(step, OF_NETWORK);
	share = most / limit->sources ? most / limit->sources : 1;
	used = mass_counts_get(counts, key, limit->seconds, step->now_us);
	weight = used >= share ? 0 : weight < share - used ? weight : share - used;
	if (weight)
		mass_counts_add(counts, key, weight, limit->seconds, step->now_us);
	return weight;
}

// --- what is to stop

static void name_source(const struct mass_message *message, struct mass_stop *stop)
{
	const struct addr *client = &message->client;
	addr_bits below = client->family == ADDR_V6 ? ((addr_bits)1 << 64) - 1 : 0;
	char text[ADDR_TEXT_MAX];

	stop->stop.source =
		(struct addr_range){ client->family, client->bits & ~below, client->bits | below };
	snprintf(stop->name, sizeof(stop->name), "%s", addr_range_text(&stop->stop.source, text));
}

static struct mass_stop stop_of(const struct step *step, enum plan_mass what)
{
	const struct mass_message *message = step->message;
	const bool by_direction = step->rule->limit.by == PLAN_MASS_DIRECTION;
	struct mass_stop stop = { .stop.directions = by_direction ? step->directions
								  : step->rule->directions };

	switch (what) {
	case PLAN_MASS_SOURCE:
		stop.stop.kind = MAIL_STOP_SOURCE;
		name_source(message, &stop);
		break;
	case PLAN_MASS_SENDER:
		stop.stop.kind = MAIL_STOP_SENDER;
		stop.stop.sender = message->sender;
		snprintf(stop.name, sizeof(stop.name), "#%016llx",
			 (unsigned long long)message->sender);
		break;
	case PLAN_MASS_ZONE:
		stop.stop.kind = MAIL_STOP_ZONE;
		snprintf(stop.stop.zone, sizeof(stop.stop.zone), "%s", message->zone);
		snprintf(stop.name, sizeof(stop.name), "%s", message->zone);
		break;
	case PLAN_MASS_DIRECTION:
		stop.stop.kind = MAIL_STOP_ALL;
		snprintf(stop.name, sizeof(stop.name), "%s",
			 stop.stop.directions == MAIL_IN ? "in" : "out");
		break;
	case PLAN_MASS_ALL:
		stop.stop.kind = MAIL_STOP_ALL;
		stop.stop.directions = MAIL_BOTH_WAYS;
		break;
	}
	return stop;
}

// --- a message

static void count(const struct step *step, mass_found *found, void *arg)
{
	const struct plan_mail_mass *limit = &step->rule->limit;
	struct mass_counts *counts = counts_of(step);
	uint64_t key = key_of(step, OF_ALL);
	uint32_t most = limit_of(step, key);
	uint32_t weight = share_of(step, most, weight_of(step));

	if (!weight)
		return;
	mass_counts_add(counts, key, weight, limit->seconds, step->now_us);
	if (!limit->over)
		mass_usual_add(step->judge->usual, key, weight, step->now_us);
	const struct mass_finding finding = {
		.rule = step->rule,
		.message = step->message,
		.count = mass_counts_get(counts, key, limit->seconds, step->now_us),
		.limit = most,
		.stop = stop_of(step, limit->alarm ? limit->by : limit->stops),
	};

	if (finding.count <= most)
		return;
	mass_counts_forget(counts, key);
	if (!limit->over)
		mass_usual_void(step->judge->usual, key, step->now_us);
	found(arg, &finding);
}

static unsigned directions_of(const struct mass_message *message)
{
	if (!message->passed)
		return message->outward ? MAIL_OUT : MAIL_IN;
	return (message->n_own ? MAIL_IN : 0) | (message->n_others ? MAIL_OUT : 0);
}

static bool is_counted(const struct step *step)
{
	const struct plan_mail_mass *limit = &step->rule->limit;
	const struct mass_message *message = step->message;

	if (!step->directions || strcmp(step->rule->guard, message->guard) != 0)
		return false;
	if (!message->passed && (limit->by != PLAN_MASS_SOURCE || limit->stops != PLAN_MASS_SOURCE))
		return false;
	return (limit->by != PLAN_MASS_SENDER || message->sender) &&
	       (limit->by != PLAN_MASS_ZONE || *message->zone);
}

void mass_judge_take(struct mass_judge *judge, const struct mass_message *message, uint64_t now_us,
		     mass_found *found, void *arg)
{
	for (size_t i = 0; i < judge->n; i++) {
		struct step step = {
			.judge = judge,
			.rule = &judge->rules[i],
			.message = message,
			.directions = directions_of(message) & judge->rules[i].directions,
			.now_us = now_us,
		};
		const unsigned all = step.directions;

		if (!is_counted(&step))
			continue;
		if (step.rule->limit.by != PLAN_MASS_DIRECTION) {
			count(&step, found, arg);
			continue;
		}
		for (unsigned one = MAIL_IN; one <= MAIL_OUT; one <<= 1) {
			step.directions = one;
			if (all & one)
				count(&step, found, arg);
		}
	}
}
