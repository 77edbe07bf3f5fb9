// A record: its prefix says why it was logged, its interfaces which zones, its bytes who and what.
#include "daemon/packets.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/countries.h"
#include "daemon/links.h"
#include "event/limit.h"
#include "event/prefix.h"
#include "event/sums.h"
#include "kernel/nflog.h"
#include "proto/header.h"

enum { READ_AT_ONCE = 512, DRAIN_AT_ONCE = 8192, SUMMARY_SECONDS = 10 };

struct packets {
	struct gate *gate;
	struct nflog *nflog;
	sd_event_source *readable, *timer;
	struct event_limit limit;
	struct event_sums sums; // of what is not written
	uint64_t received, suppressed, lost;
};

// The zone of an interface: one that names it beats one whose pattern fits.
static const char *zone_of(const struct gate *gate, const char *name)
{
	const struct control_rows *zones = &gate->current.report.zones;
	const char *by_pattern = NULL;
	for (size_t z = 1; z < zones->n; z++) {
		const struct control_row *zone = &zones->v[z];
		for (size_t i = 0; i < zone->n; i++) {
			if (zone->v[i].tag != CTL_INTERFACE || !link_matches(zone->v[i].text, name))
				continue;
			if (!strcmp(zone->v[i].text, name))
				return control_text(zone, CTL_ID);
			by_pattern = control_text(zone, CTL_ID);
		}
	}
	return by_pattern;
}

static void put_side(struct event *event, const struct gate *gate, uint32_t index, bool is_self,
		     enum event_field zone, enum event_field interface, char name[IF_NAMESIZE])
{
	if (index && if_indextoname(index, name)) {
		event_text(event, interface, name);
		event_text(event, zone, zone_of(gate, name));
	} else if (is_self) {
		event_text(event, zone, "self");
	}
}

struct texts { // that an event borrows
	char in[IF_NAMESIZE], out[IF_NAMESIZE];
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	char protocol[8];
};

static void put_header(struct event *event, const struct gate *gate,
		       const struct nflog_record *record, struct texts *texts)
{
	struct header header;
	if (header_parse(record->packet, record->packet_size, &header) < 0)
		return;
	event_text(event, EVENT_SOURCE, addr_text(&header.source, texts->source));
	event_text(event, EVENT_DESTINATION, addr_text(&header.destination, texts->destination));
	event_text(event, EVENT_PROTOCOL, header_protocol(header.protocol, texts->protocol));
	event_text(event, EVENT_SOURCE_COUNTRY, countries_code(gate, &header.source));
	event_text(event, EVENT_DESTINATION_COUNTRY, countries_code(gate, &header.destination));
	event_number(event, EVENT_LENGTH, header.length);
	if (header.has_ports)
		event_number(event, EVENT_SOURCE_PORT, header.sport);
	if (header.has_ports || header.has_type)
		event_number(event, EVENT_DESTINATION_PORT, header.port);
}

static void write_record(struct packets *packets, const struct nflog_record *record,
			 const struct event_prefix *prefix)
{
	struct event event;
	struct texts texts;
	event_init(&event, prefix->kind, record->time_us);
	event_number(&event, EVENT_GENERATION, packets->gate->current.about.number);
	if (prefix->kind == EVENT_PACKET_ALLOWED)
		event_text(&event, EVENT_FLOW, prefix->id);
	put_side(&event, packets->gate, record->in, record->hook == NF_INET_LOCAL_OUT, EVENT_FROM,
		 EVENT_INPUT, texts.in);
	put_side(&event, packets->gate, record->out, record->hook == NF_INET_LOCAL_IN, EVENT_TO,
		 EVENT_OUTPUT, texts.out);
	put_header(&event, packets->gate, record, &texts);
	journal_write(packets->gate->journal, &event);
}

// Where it comes from: what cannot be written one by one is often one country's.
static const char *country_of(const struct gate *gate, const struct nflog_record *record)
{
	struct header header;
	const char *code = NULL;
	if (header_parse(record->packet, record->packet_size, &header) == 0)
		code = countries_code(gate, &header.source);
	return code ? code : "";
}

static void on_record(const struct nflog_record *record, void *arg)
{
	struct packets *packets = arg;
	struct event_prefix prefix;
	if (event_prefix_parse(record->prefix, &prefix) < 0)
		return; // somebody else's rule logs to our group
	packets->received++;
	if (event_limit_take(&packets->limit, journal_now_usec())) {
		write_record(packets, record, &prefix);
		return;
	}
	bool has_flow = prefix.kind == EVENT_PACKET_ALLOWED;
	event_sums_add(&packets->sums, prefix.kind, has_flow ? prefix.id : "",
		       has_flow ? 0 : record->in, country_of(packets->gate, record));
	packets->suppressed++;
}

void packets_drain(struct packets *packets)
{
	int r = packets ? nflog_read(packets->nflog, DRAIN_AT_ONCE, on_record, packets) : 0;
	if (r > 0)
		packets->lost += (uint64_t)r;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct packets *packets = arg;
	struct failure failure;
	(void)source;
	(void)fd;
	(void)events;
	int r = nflog_read(packets->nflog, READ_AT_ONCE, on_record, packets);
	if (r > 0) {
		packets->lost += (uint64_t)r;
	} else if (r < 0 && r != -EAGAIN && r != -EINTR) {
		failure_set(&failure, SK_PACKET_LOG_FAILED, r, "packet records: %s", strerror(-r));
		gate_set_problem(packets->gate, GATE_PACKET_LOG, &failure);
		sd_event_source_set_enabled(packets->readable, SD_EVENT_OFF);
	}
	return 0;
}

static void tell_sum(struct packets *packets, const struct event_sum *sum)
{
	struct event event;
	char name[IF_NAMESIZE];
	if (!sum->count)
		return;
	event_init(&event, EVENT_LOG_SUPPRESSED, journal_now_usec());
	event_number(&event, EVENT_COUNT, sum->count);
	if (sum->kind != EVENT_LOG_SUPPRESSED) // else all that has no row of its own
		event_text(&event, EVENT_OF, event_kind_info(sum->kind)->name);
	event_text(&event, EVENT_FLOW, sum->id);
	event_text(&event, EVENT_SOURCE_COUNTRY, sum->country);
	if (sum->index && if_indextoname(sum->index, name))
		event_text(&event, EVENT_FROM, zone_of(packets->gate, name));
	journal_write(packets->gate->journal, &event);
}

static void tell_sums(struct packets *packets)
{
	const struct event_sum others = { .kind = EVENT_LOG_SUPPRESSED,
					  .count = packets->sums.others };
	struct event event;
	for (size_t i = 0; i < packets->sums.n; i++)
		tell_sum(packets, &packets->sums.rows[i]);
	tell_sum(packets, &others);
	packets->sums = (struct event_sums){ 0 };
	if (packets->lost) {
		event_init(&event, EVENT_LOG_LOST, journal_now_usec());
		event_number(&event, EVENT_COUNT, packets->lost);
		journal_write(packets->gate->journal, &event);
	}
	packets->lost = 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct packets *packets = arg;
	(void)usec;
	tell_sums(packets);
	sd_event_source_set_time_relative(source, SUMMARY_SECONDS * 1000000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int packets_open(sd_event *event, struct gate *gate, struct failure *failure,
		 struct packets **ret_packets)
{
	struct packets *packets = calloc(1, sizeof(*packets));
	if (!packets)
		return failure_set(failure, SK_PACKET_LOG_FAILED, -ENOMEM, "no memory");
	packets->gate = gate;
	event_limit_init(&packets->limit, PACKETS_RATE, PACKETS_BURST, journal_now_usec());
	int r = nflog_open(gate->options->nflog_group, &packets->nflog);
	if (r >= 0)
		r = sd_event_add_io(event, &packets->readable, nflog_fd(packets->nflog), EPOLLIN,
				    on_readable, packets);
	if (r >= 0) // records may wait, clients may not
		r = sd_event_source_set_priority(packets->readable, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &packets->timer, CLOCK_MONOTONIC,
					       SUMMARY_SECONDS * 1000000ULL, 100000, on_timer,
					       packets);
	if (r < 0) {
		packets_close(packets);
		return failure_set(failure, SK_PACKET_LOG_FAILED, r,
				   "packet records (group %u): %s", gate->options->nflog_group,
				   strerror(-r));
	}
	gate->packets = packets;
	*ret_packets = packets;
	return 0;
}

void packets_close(struct packets *packets)
{
	if (!packets)
		return;
	tell_sums(packets);
	packets->gate->packets = NULL;
	sd_event_source_disable_unref(packets->readable);
	sd_event_source_disable_unref(packets->timer);
	nflog_close(packets->nflog);
	free(packets);
}

void packets_totals(const struct packets *packets, uint64_t *ret_received, uint64_t *ret_suppressed)
{
	*ret_received = packets->received;
	*ret_suppressed = packets->suppressed;
}
