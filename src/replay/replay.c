// The way of a packet: frame, header, key, connection.  Packets are taken in batches, so that the
// memory of each is on its way while others are worked on.
#include "replay/replay.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "replay/aliases.h"
#include "replay/fragments.h"

enum {
	SECOND_US = 1000000,
	BEGIN_US = 2 * SECOND_US, // answers so soon are to what was asked before the capture
	WELL_KNOWN = 1024,
};

// The kernel's (nf_conntrack_*_timeout), in seconds.
enum {
	TCP_OPEN = 432000,
	TCP_OPENING = 120,
	UDP_ALONE = 30,
	UDP_STREAM = 120,
	ICMP_QUERY = 30,
	OTHERS = 600
};

struct item {
	struct capture_packet packet;
	struct link_frame frame;
	struct header header;
	struct track_key key;
	uint64_t hash;
	uint32_t number;
	uint16_t spot;
	uint8_t way;
	bool good, from_b;
	const struct foreseen *foreseen; // NULL: nothing is
};

// The connection that a packet opens, if it opens one, and its judgement.
struct foreseen {
	struct connection opening;
	struct judge_answer *answer;
};

struct run {
	struct replay *replay;
	struct capture *capture;
	struct fragments fragments;
	struct item items[REPLAY_BATCH];
	struct foreseen foreseen[REPLAY_BATCH];
	const struct connection *openings[REPLAY_BATCH];
	struct judge_answer answers[REPLAY_BATCH];
};

static const struct {
	const char *word, *text;
} lefts[REPLAY_LEFT] = {
	[REPLAY_NOT_IP] = { "not-ip", "not IP" },
	[REPLAY_MALFORMED] = { "malformed", "cut off or malformed" },
	[REPLAY_LINK_KIND] = { "link-kind", "frames of an unknown kind" },
	[REPLAY_ESSENTIAL] = { "essential", "neighbour discovery and listener reports" },
	[REPLAY_COPY] = { "copy", "leaving, translated from an unknown connection" },
	[REPLAY_PIECE] = { "piece", "fragments without their first" },
	[REPLAY_BEYOND] = { "beyond", "no room for more connections" },
};

const char *replay_left_word(enum replay_left left)
{
	return lefts[left].word;
}

const char *replay_left_text(enum replay_left left)
{
	return lefts[left].text;
}

bool replay_is_alias(const struct connection *connection)
{
	return connection->ordinal == 0;
}

void replay_init(struct replay *replay, const struct replay_options *options)
{
	*replay = (struct replay){ .options = *options };
	track_init(&replay->tracks, options->seed);
	if (options->max && options->max < TRACK_MAX)
		replay->tracks.max = options->max;
	spots_init(&replay->spots, options->plan, options->rules, options->n_rules);
	replay->judge = (struct judge){
		.plan = options->plan,
		.finder = plan_finder_new(options->plan),
		.zones = replay->spots.zones,
		.self = options->self,
		.n_self = options->n_self,
	};
}

void replay_done(struct replay *replay)
{
	plan_finder_free(replay->judge.finder);
	track_done(&replay->tracks);
	spots_done(&replay->spots);
}

// --- keys

struct icmp_kind {
	uint8_t query;
	bool answer;
};

static struct icmp_kind icmp_kind(uint8_t protocol, uint8_t type)
{
	static const uint8_t answers[][3] = {
		{ IPPROTO_ICMP, 0, 8 },	  { IPPROTO_ICMP, 14, 13 },	{ IPPROTO_ICMP, 16, 15 },
		{ IPPROTO_ICMP, 18, 17 }, { IPPROTO_ICMPV6, 129, 128 },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i][0] == protocol && answers[i][1] == type)
			return (struct icmp_kind){ answers[i][2], true };
	return (struct icmp_kind){ type, false };
}

static bool make_key(const struct header *header, struct track_key *key)
{
	bool from_b;

	if (header->has_type) {
		uint16_t id = header->has_id ? header->sport : 0;

		from_b = track_make_key(key, &header->source, &header->destination,
					header->protocol, id, id);
		key->kind = icmp_kind(header->protocol, (uint8_t)header->port).query;
		return from_b;
	}
	return track_make_key(key, &header->source, &header->destination, header->protocol,
			      header->sport, header->port);
}

// --- from bytes to an item

static void leave(struct run *run, enum replay_left left)
{
	run->replay->totals.left[left]++;
}

static bool is_essential(const struct header *header)
{
	return header->has_type && header->protocol == IPPROTO_ICMPV6 &&
	       ((header->port >= 130 && header->port <= 136) || header->port == 143);
}

static void note_totals(struct replay_totals *totals, const struct capture_packet *packet)
{
	totals->packets++;
	totals->bytes += packet->wire_size;
	if (totals->packets == 1)
		totals->first_us = totals->last_us = packet->time_us;
	if (packet->time_us < totals->first_us)
		totals->first_us = packet->time_us;
	if (packet->time_us > totals->last_us)
		totals->last_us = packet->time_us;
}

static void read_item(struct run *run, struct item *item)
{
	struct replay *replay = run->replay;
	uint32_t link_type = run->capture->interfaces[item->packet.interface].link_type;

	note_totals(&replay->totals, &item->packet);
	item->number = (uint32_t)replay->totals.packets;
	item->good = false;
	link_parse(link_type, item->packet.bytes, item->packet.size, &item->frame);
	if (!item->frame.ip) {
		leave(run, !link_known(link_type)  ? REPLAY_LINK_KIND
			   : item->frame.malformed ? REPLAY_MALFORMED
						   : REPLAY_NOT_IP);
		return;
	}
	if (header_parse(item->packet.bytes + item->frame.offset,
			 item->packet.size - item->frame.offset, &item->header) < 0) {
		leave(run, REPLAY_MALFORMED);
		return;
	}
	if (is_essential(&item->header)) {
		leave(run, REPLAY_ESSENTIAL);
		return;
	}
	item->spot = spots_find(&replay->spots, run->capture, &item->packet, &item->frame);
	item->way = (uint8_t)spots_way(&replay->spots, item->spot, &item->packet, &item->frame,
				       &item->header);
	if (item->way == LINK_COMING)
		replay->totals.known_ways++;
	else if (item->way == LINK_UNKNOWN)
		replay->totals.unknown_ways++;
	item->from_b = make_key(&item->header, &item->key);
	item->hash = track_hash(&replay->tracks, &item->key);
	track_prefetch(&replay->tracks, item->hash);
	item->good = true;
}

// --- a new connection

static void take_answer(struct connection *entry, const struct judge_answer *answer)
{
	entry->verdict = answer->verdict;
	entry->reason = answer->reason;
	entry->from = answer->from;
	entry->to = answer->to;
	entry->flow = answer->flow;
}

static void judge_entry(struct replay *replay, struct connection *entry,
			struct judge_answer *answer)
{
	judge_connection(&replay->judge, entry, answer);
	take_answer(entry, answer);
}

static bool permits(const struct judge_answer *answer)
{
	return answer->verdict == REPLAY_ALLOWED || answer->verdict == REPLAY_INSPECTED;
}

// Is this certainly, or perhaps, not the packet that opened the connection?
static unsigned middle_of(const struct replay *replay, const struct item *item)
{
	const struct header *header = &item->header;
	bool begin = item->packet.time_us - replay->totals.first_us < BEGIN_US;

	if (header->has_flags && header->tcp_flags & HEADER_ACK &&
	    !(header->tcp_flags & HEADER_RST))
		return header->tcp_flags & HEADER_SYN ? CONNECTION_MIDDLE
						      : CONNECTION_MIDDLE | CONNECTION_GUESSED;
	if (header->has_type && begin && icmp_kind(header->protocol, (uint8_t)header->port).answer)
		return CONNECTION_MIDDLE;
	if (header->protocol == IPPROTO_UDP && begin && header->sport < WELL_KNOWN &&
	    header->port >= WELL_KNOWN)
		return CONNECTION_MIDDLE | CONNECTION_GUESSED;
	return 0;
}

static void turn(struct connection *entry)
{
	entry->flags ^= CONNECTION_FROM_B;
	// What was seen of it came from the other end: where it came in says nothing of the opener.
	entry->slot = 0;
	entry->way = LINK_UNKNOWN;
}

// Of an entry that was judged as it was described.
static void judge_first(struct replay *replay, struct connection *entry, const struct item *item,
			struct judge_answer *answer)
{
	struct connection before = *entry;

	if (!(entry->flags & CONNECTION_GUESSED) || permits(answer))
		return;
	turn(entry);
	judge_entry(replay, entry, answer);
	// If neither way is permitted, the well-known port is the server's.
	if (permits(answer) || (item->header.sport < WELL_KNOWN && item->header.port >= WELL_KNOWN))
		return;
	*entry = before;
	judge_entry(replay, entry, answer);
}

// From which zone the packet came in, where that is known.
static uint16_t origin_of(const struct replay *replay, const struct item *item)
{
	return item->way == LINK_COMING ? replay->spots.zones[item->spot]
					: (uint16_t)TRACK_ANYWHERE;
}

// What is known of a connection by the packet that opens it.
static void describe(const struct replay *replay, const struct item *item, bool again,
		     struct connection *ret)
{
	const struct header *header = &item->header;

	*ret = (struct connection){
		.key = item->key,
		.number = item->number,
		.first_us = item->packet.time_us,
		.last_us = item->packet.time_us,
		.slot = item->spot,
		.way = item->way,
		.type = header->has_type ? (uint8_t)header->port : header->tcp_flags,
		.extensions = header->extensions | (header->fragment ? HEADER_FRAGMENT : 0),
		.flags = item->from_b ? CONNECTION_FROM_B : 0,
	};
	if (!again)
		ret->flags |= (uint8_t)middle_of(replay, item);
	if (!(ret->flags & CONNECTION_MIDDLE) || ret->flags & CONNECTION_GUESSED)
		return;
	if (header->has_type)
		ret->type = (uint8_t)ret->key.kind;
	turn(ret);
}

static uint32_t open_connection(struct run *run, const struct item *item, uint32_t replaces)
{
	struct replay *replay = run->replay;
	uint32_t index = track_add(&replay->tracks, &item->key, item->hash, replaces);
	struct judge_answer own, *answer = &own;
	struct connection *entry;

	if (index == TRACK_NONE) {
		leave(run, REPLAY_BEYOND);
		return index;
	}
	entry = track_at(&replay->tracks, index);
	if (item->foreseen && replaces == TRACK_NONE) {
		*entry = item->foreseen->opening;
		answer = item->foreseen->answer;
		take_answer(entry, answer);
	} else {
		describe(replay, item, replaces != TRACK_NONE, entry);
		judge_entry(replay, entry, answer);
	}
	entry->ordinal = ++replay->connections;
	judge_first(replay, entry, item, answer);
	entry->origin = origin_of(replay, item);
	if (entry->origin != TRACK_ANYWHERE && entry->way == LINK_COMING)
		entry->flags |= CONNECTION_STRICT;
	if (permits(answer))
		aliases_add(replay, index, answer);
	return index;
}

// Judges together the connections that packets will open if nothing before them does.  An answer
// depends on nothing that other packets of the batch change, so it is the one that asking later
// would give.
static void foresee(struct run *run, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct item *item = &run->items[i];
		struct foreseen *foreseen = &run->foreseen[found];

		item->foreseen = NULL;
		if (!item->good || track_prefetch_entry(&run->replay->tracks, item->hash) ||
		    item->header.later)
			continue;
		describe(run->replay, item, false, &foreseen->opening);
		foreseen->answer = &run->answers[found];
		run->openings[found++] = &foreseen->opening;
		item->foreseen = foreseen;
	}
	judge_many(&run->replay->judge, run->openings, found, run->answers);
}

// --- packets of connections

static int64_t timeout_us(const struct connection *entry)
{
	bool answered = entry->flags & CONNECTION_ANSWERED;

	switch (entry->key.protocol) {
	case IPPROTO_TCP:
		return (int64_t)SECOND_US *
		       (answered && !(entry->flags & CONNECTION_CLOSED) ? TCP_OPEN : TCP_OPENING);
	case IPPROTO_UDP:
		return (int64_t)SECOND_US * (answered ? UDP_STREAM : UDP_ALONE);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return (int64_t)SECOND_US * ICMP_QUERY;
	}
	return (int64_t)SECOND_US * OTHERS;
}

static bool at_gateway(const struct connection *entry, const struct item *item)
{
	return entry->way == LINK_COMING && item->way == LINK_COMING && entry->copies == 0;
}

// Does the packet open another connection under the key of this one?
static bool opens_another(const struct connection *entry, const struct item *item, bool reply)
{
	const struct header *header = &item->header;
	bool syn =
		header->has_flags && (header->tcp_flags & (HEADER_SYN | HEADER_ACK)) == HEADER_SYN;

	// A TCP packet without SYN opens nothing, however late it is.
	if (item->packet.time_us - entry->last_us > timeout_us(entry) &&
	    (syn || header->protocol != IPPROTO_TCP))
		return true;
	if (syn && (entry->flags & CONNECTION_CLOSED))
		return true;
	// What the gateway denied, it does not remember.
	return reply && entry->verdict == REPLAY_DENIED &&
	       ((syn && item->way != LINK_LEAVING) || at_gateway(entry, item));
}

static void note_tcp(struct connection *entry, const struct item *item)
{
	uint8_t fin = item->from_b ? CONNECTION_FIN_B : CONNECTION_FIN_A;
	uint8_t both = CONNECTION_FIN_A | CONNECTION_FIN_B;

	if (!item->header.has_flags)
		return;
	if (item->header.tcp_flags & HEADER_FIN)
		entry->flags |= fin;
	if (item->header.tcp_flags & HEADER_RST || (entry->flags & both) == both)
		entry->flags |= CONNECTION_CLOSED;
}

static void tell(struct run *run, const struct item *item, uint32_t index,
		 const struct replay_sight *what)
{
	struct replay_sight sight = *what;

	if (!run->replay->options.each)
		return;
	sight.number = item->number;
	sight.connection = index;
	sight.time_us = item->packet.time_us;
	sight.wire_size = item->packet.wire_size;
	sight.header = &item->header;
	sight.spot = item->spot;
	sight.way = (enum link_way)item->way;
	run->replay->options.each(run->replay->options.arg, &sight);
}

// Now it is known where it went: what was ambiguous is judged again.
static void note_leaving(struct run *run, const struct item *item, uint32_t index)
{
	struct replay *replay = run->replay;
	struct connection *entry = track_at(&replay->tracks, index);
	struct judge_answer answer;

	entry->left = item->spot;
	if (entry->to != SPOT_NO_ZONE && entry->verdict != REPLAY_AMBIGUOUS)
		return;
	judge_entry(replay, entry, &answer);
	if (permits(&answer))
		aliases_add(replay, index, &answer);
}

// A packet is counted where the first of its direction was seen; elsewhere it is a copy.
static void count(struct run *run, const struct item *item, uint32_t index, bool reply, bool alias)
{
	struct connection *entry = track_at(&run->replay->tracks, index);
	uint16_t sight =
		(uint16_t)(1 + item->spot * 4 + (item->way == LINK_LEAVING ? 2 : 0) + alias);
	bool copy = entry->sights[reply] && entry->sights[reply] != sight;

	if (item->packet.time_us > entry->last_us)
		entry->last_us = item->packet.time_us;
	if (copy && !reply && item->way == LINK_LEAVING && !entry->left)
		note_leaving(run, item, index);
	entry = track_at(&run->replay->tracks, index);
	if (copy) {
		entry->copies += entry->copies < UINT32_MAX;
		run->replay->totals.copies++;
	} else {
		entry->sights[reply] = sight;
		entry->packets[reply]++;
		entry->bytes[reply] += item->packet.wire_size;
		note_tcp(entry, item);
		if (reply && !(item->header.has_flags && item->header.tcp_flags & HEADER_RST))
			entry->flags |= CONNECTION_ANSWERED; // a refusal is no answer
	}
	if (run->replay->options.each)
		tell(run, item, index, &(struct replay_sight){ .reply = reply, .copy = copy });
}

static bool error_may_come(const struct plan *plan, const struct header *header)
{
	const struct plan_settings *settings = plan_settings(plan);
	bool v6 = header->protocol == IPPROTO_ICMPV6;
	const uint8_t *types = v6 ? settings->icmpv6_errors : settings->icmp_errors;
	size_t n = v6 ? settings->n_icmpv6_errors : settings->n_icmp_errors;

	return n && memchr(types, header->port, n);
}

static uint32_t real_connection(const struct tracks *tracks, uint32_t index)
{
	if (index != TRACK_NONE && replay_is_alias(track_at(tracks, index)))
		return track_at(tracks, index)->alias_of;
	return index;
}

// An ICMP error about a connection that is known: true.
static bool take_error(struct run *run, const struct item *item)
{
	struct replay *replay = run->replay;
	size_t size = item->packet.size - item->frame.offset;
	size_t at = header_quoted(&item->header, size);
	struct header quoted;
	struct track_key key;
	uint32_t index;

	if (!at ||
	    header_parse(item->packet.bytes + item->frame.offset + at, size - at, &quoted) < 0)
		return false;
	bool from_b = make_key(&quoted, &key);

	index = track_find(&replay->tracks, &key, track_hash(&replay->tracks, &key), TRACK_ANYWHERE,
			   from_b);
	index = real_connection(&replay->tracks, index);
	if (index == TRACK_NONE)
		return false;
	struct connection *entry = track_at(&replay->tracks, index);

	entry->errors += entry->errors < UINT32_MAX;
	replay->totals.errors++;
	if (item->way != LINK_LEAVING && !error_may_come(replay->options.plan, &item->header))
		replay->totals.errors_refused++;
	if (replay->options.each)
		tell(run, item, index, &(struct replay_sight){ .error = true });
	return true;
}

// A packet that leaves and belongs to nothing: the gateway's own, or translated.
static bool is_unknown_copy(const struct run *run, const struct item *item)
{
	const struct replay *replay = run->replay;
	const struct plan *plan = replay->options.plan;
	uint16_t zone = replay->spots.zones[item->spot];
	size_t n;
	const struct plan_zone *zones = plan_zones(plan, &n);
	bool own = judge_is_self(&replay->judge, &item->header.source) ||
		   (zone < n && !zones[zone].elsewhere &&
		    plan_zone_has(plan, zone, &item->header.source));

	return item->way == LINK_LEAVING && !own && replay->totals.known_ways > 0;
}

static void join_pieces(struct run *run, const struct item *item, uint32_t index, bool reply)
{
	struct fragment *fragment = fragments_find(&run->fragments, &item->header);
	struct connection *entry = track_at(&run->replay->tracks, index);

	fragment->connection = index;
	fragment->reply = reply;
	entry->packets[reply] += fragment->packets;
	entry->bytes[reply] += fragment->bytes;
	fragment->packets = 0;
	fragment->bytes = 0;
}

static void take_piece(struct run *run, const struct item *item)
{
	struct fragment *fragment = fragments_find(&run->fragments, &item->header);

	if (fragment->connection != FRAGMENTS_NONE) {
		count(run, item, fragment->connection, fragment->reply, false);
		return;
	}
	fragment->packets++;
	fragment->bytes += item->packet.wire_size;
}

static void take_item(struct run *run, const struct item *item)
{
	struct replay *replay = run->replay;
	struct tracks *tracks = &replay->tracks;
	uint32_t found, index;
	bool reply = false, alias;

	if (item->header.later) {
		take_piece(run, item);
		return;
	}
	found = track_find(tracks, &item->key, item->hash, origin_of(replay, item), item->from_b);
	index = real_connection(tracks, found);
	alias = index != found;
	if (found != TRACK_NONE)
		reply = item->from_b != ((track_at(tracks, found)->flags & CONNECTION_FROM_B) != 0);
	if (found != TRACK_NONE && !alias && opens_another(track_at(tracks, index), item, reply)) {
		index = open_connection(run, item, found);
		reply = false;
	} else if (found == TRACK_NONE) {
		if (take_error(run, item))
			return;
		if (is_unknown_copy(run, item)) {
			leave(run, REPLAY_COPY);
			return;
		}
		index = open_connection(run, item, TRACK_NONE);
		if (index != TRACK_NONE)
			reply = item->from_b !=
				((track_at(tracks, index)->flags & CONNECTION_FROM_B) != 0);
	}
	if (index == TRACK_NONE)
		return;
	count(run, item, index, reply, alias);
	if (item->header.fragment)
		join_pieces(run, item, index, reply);
}

void replay_run(struct replay *replay, struct capture *capture)
{
	struct run *run = calloc(1, sizeof(*run));
	size_t n;

	if (!run)
		abort();
	run->replay = replay;
	run->capture = capture;
	fragments_init(&run->fragments);
	do {
		for (n = 0; n < REPLAY_BATCH && capture_next(capture, &run->items[n].packet); n++)
			read_item(run, &run->items[n]);
		foresee(run, n);
		for (size_t i = 0; i < n; i++)
			if (run->items[i].good)
				take_item(run, &run->items[i]);
	} while (n == REPLAY_BATCH);
	fragments_done(&run->fragments);
	replay->totals.left[REPLAY_PIECE] += run->fragments.lost;
	free(run);
}

void replay_judge_again(const struct replay *replay, const struct plan *plan, struct fate *fates)
{
	struct judge judge = replay->judge;
	uint16_t *zones = spots_zones(&replay->spots, plan);
	const struct connection *some[JUDGE_MANY] = { NULL };
	struct judge_answer answers[JUDGE_MANY];
	uint32_t index[JUDGE_MANY];
	size_t n = 0;

	judge.plan = plan;
	judge.finder = plan_finder_new(plan);
	judge.zones = zones;
	plan_finder_expect(judge.finder, replay->connections);
	for (size_t i = 0; i < replay->tracks.n; i++) {
		if (!replay_is_alias(track_at(&replay->tracks, i))) {
			some[n] = track_at(&replay->tracks, i);
			index[n++] = (uint32_t)i;
		}
		if (n < JUDGE_MANY && i + 1 < replay->tracks.n)
			continue;
		judge_many(&judge, some, n, answers);
		for (size_t k = 0; k < n; k++)
			fates[index[k]] = judge_fate(&answers[k]);
		n = 0;
	}
	plan_finder_free(judge.finder);
	free(zones);
}
