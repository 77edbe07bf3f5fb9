#include "daemon/live_record.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

struct kind {
	uint32_t flow;
	uint16_t from, to;
	uint64_t count;
};

struct live_record {
	struct journal *journal;
	const struct judge_answer *answer;
	uint64_t generation, cut;
	const char *cause;
	struct kind kinds[LIVE_KINDS_MAX]; // the last one: all that have no other place
	size_t n_kinds;
};

struct live_record *live_record_new(struct journal *journal, const struct judge_answer *answer,
				    uint64_t generation, const char *cause)
{
	struct live_record *record = calloc(1, sizeof(*record));
	if (!record)
		return NULL;
	record->journal = journal;
	record->answer = answer;
	record->generation = generation;
	record->cause = cause;
	return record;
}

void live_record_free(struct live_record *record)
{
	free(record);
}

struct live_cut live_cut_of(const struct judge_answer *answer, const struct conntrack_entry *entry,
			    const struct judge_verdict *verdict, struct live_words *storage)
{
	struct addr source = conntrack_addr(entry->family, entry->original.source);
	struct addr destination = conntrack_addr(entry->family, entry->original.destination);
	bool icmp = entry->protocol == IPPROTO_ICMP || entry->protocol == IPPROTO_ICMPV6;
	return (struct live_cut){
		.from = judge_zone_name(answer, verdict->from),
		.to = judge_zone_name(answer, verdict->to),
		.flow = judge_flow_name(answer, verdict->flow),
		.reason = judge_reason_word((enum judge_reason)verdict->reason),
		.protocol = conntrack_protocol(entry->protocol, storage->protocol),
		.source = addr_text(&source, storage->source),
		.destination = addr_text(&destination, storage->destination),
		.source_port = entry->original.source_port,
		.port = icmp ? entry->icmp_type : entry->original.destination_port,
	};
}

static void begin(const struct live_record *record, struct event *event, enum event_kind kind)
{
	event_init(event, kind, journal_now_usec());
	event_number(event, EVENT_GENERATION, record->generation);
	event_text(event, EVENT_CAUSE, record->cause);
}

static void write_one(struct live_record *record, const struct live_cut *cut)
{
	struct event event;
	begin(record, &event, EVENT_CONNECTION_CUT);
	event_text(&event, EVENT_FLOW, cut->flow);
	event_text(&event, EVENT_FROM, cut->from);
	event_text(&event, EVENT_TO, cut->to);
	event_text(&event, EVENT_PROTOCOL, cut->protocol);
	event_text(&event, EVENT_SOURCE, cut->source);
	event_text(&event, EVENT_DESTINATION, cut->destination);
	if (cut->source_port)
		event_number(&event, EVENT_SOURCE_PORT, cut->source_port);
	event_number(&event, EVENT_DESTINATION_PORT, cut->port);
	event_text(&event, EVENT_REASON, cut->reason);
	journal_write(record->journal, &event);
}

static void add(struct live_record *record, const struct judge_verdict *verdict)
{
	size_t i = 0;
	while (i < record->n_kinds &&
	       (record->kinds[i].flow != verdict->flow || record->kinds[i].from != verdict->from ||
		record->kinds[i].to != verdict->to))
		i++;
	if (i == record->n_kinds && i < LIVE_KINDS_MAX - 1)
		record->kinds[record->n_kinds++] =
			(struct kind){ verdict->flow, verdict->from, verdict->to, 0 };
	else if (i == record->n_kinds)
		record->kinds[i] =
			(struct kind){ PLAN_NONE, UINT16_MAX, UINT16_MAX, record->kinds[i].count };
	record->kinds[i].count++;
}

void live_record_cut(struct live_record *record, const struct conntrack_entry *entry,
		     const struct judge_verdict *verdict)
{
	struct live_words words;
	if (record->cut++ < LIVE_EVENTS_MAX) {
		struct live_cut cut = live_cut_of(record->answer, entry, verdict, &words);
		write_one(record, &cut);
	} else {
		add(record, verdict);
	}
}

void live_record_sums(struct live_record *record)
{
	struct event event;
	for (size_t i = 0; i < LIVE_KINDS_MAX; i++) {
		const struct kind *kind = &record->kinds[i];
		if (!kind->count)
			continue;
		begin(record, &event, EVENT_CONNECTIONS_CUT);
		event_text(&event, EVENT_FLOW, judge_flow_name(record->answer, kind->flow));
		event_text(&event, EVENT_FROM, judge_zone_name(record->answer, kind->from));
		event_text(&event, EVENT_TO, judge_zone_name(record->answer, kind->to));
		event_number(&event, EVENT_COUNT, kind->count);
		journal_write(record->journal, &event);
	}
	memset(record->kinds, 0, sizeof(record->kinds));
	record->n_kinds = 0;
}

void live_record_end(struct live_record *record, size_t judged, size_t kept, uint64_t ms)
{
	struct event event;
	live_record_sums(record);
	begin(record, &event, EVENT_CONNECTIONS_REVIEWED);
	event_number(&event, EVENT_COUNT, judged);
	event_number(&event, EVENT_CUT, record->cut);
	event_number(&event, EVENT_KEPT, kept);
	event_number(&event, EVENT_MS, ms);
	journal_write(record->journal, &event);
}
