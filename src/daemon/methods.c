// One function a method, in a table; each fills a reply from the gate.
#include "daemon/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/countries.h"
#include "daemon/drift.h"
#include "daemon/incident_methods.h"
#include "daemon/inspection.h"
#include "daemon/certificates.h"
#include "daemon/scanner.h"
#include "daemon/vault.h"
#include "daemon/isolation.h"
#include "daemon/links.h"
#include "daemon/method_connections.h"
#include "daemon/record.h"
#include "daemon/mail.h"
#include "daemon/method_diff.h"
#include "daemon/mass.h"
#include "daemon/method_held.h"
#include "daemon/method_mail.h"
#include "daemon/method_mass.h"
#include "daemon/method_preview.h"
#include "daemon/changes.h"
#include "kernel/sysctl.h"

enum { REFUSALS_RATE = 5, REFUSALS_BURST = 50 }; // events a second, and at once

typedef void method(struct methods *methods, struct control_request *request);

void methods_send(struct methods *methods, struct control_token token, struct control_writer *reply)
{
	control_server_answer(methods->server, token, reply);
}

// --- ping and status

static void method_ping(struct methods *methods, struct control_request *request)
{
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_text(&reply, CTL_VERSION, SEKISHO_VERSION);
	control_put_u64(&reply, CTL_PID, (uint64_t)getpid());
	methods_send(methods, request->token, &reply);
}

static uint64_t resident_bytes(void)
{
	unsigned long long total, resident = 0;
	FILE *in = fopen("/proc/self/statm", "re");
	if (!in)
		return 0;
	if (fscanf(in, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	fclose(in);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static const char *guard_word(enum kernel_guard guard)
{
	static const char *const words[] = {
		[KERNEL_GUARD_ABSENT] = "absent",
		[KERNEL_GUARD_OPEN] = "open",
		[KERNEL_GUARD_CLOSED] = "closed",
	};
	return words[guard];
}

static uint64_t counter_of(const struct gate *gate, const char *kind, const char *id)
{
	char name[COUNTER_NAME_MAX + 1];
	snprintf(name, sizeof(name), "%s%s", kind, id);
	const struct counter *counter = counters_find(gate->counters, name);
	return counter ? counter->packets : 0;
}

void methods_put_generation(struct control_writer *reply, const struct generation *generation)
{
	const struct ruleset *ruleset = generation->report.ruleset;
	control_put_u64(reply, CTL_GENERATION, generation->about.number);
	control_put_text(reply, CTL_DIGEST, generation->about.digest);
	control_put_text(reply, CTL_TITLE,
			 control_text(&generation->report.faults.v[0], CTL_TITLE));
	control_put_u64(reply, CTL_FLOWS, generation->report.flows.n - 1);
	control_put_u64(reply, CTL_ZONES, generation->report.zones.n - 2); // nor self, as in check
	control_put_u64(reply, CTL_RULES, ruleset->n_rules);
	control_put_u64(reply, CTL_SETS, ruleset->n_sets);
	control_put_u64(reply, CTL_ELEMENTS, ruleset->n_elems);
}

static void put_denied(struct control_writer *reply, const struct gate *gate)
{
	const struct control_rows *zones = &gate->current.report.zones;
	uint64_t denied = counter_of(gate, "d_", "unknown"), spoofed = 0;
	for (size_t i = 1; i < zones->n; i++) {
		denied += counter_of(gate, "d_", control_text(&zones->v[i], CTL_ID));
		spoofed += counter_of(gate, "spoof_", control_text(&zones->v[i], CTL_ID));
	}
	control_put_u64(reply, CTL_DENIED, denied);
	control_put_u64(reply, CTL_SPOOFED, spoofed);
	control_put_u64(reply, CTL_INVALID, counter_of(gate, "invalid", ""));
	control_put_u64(reply, CTL_UNKNOWN, counter_of(gate, "d_", "unknown"));
}

static void put_record(struct control_writer *reply, const struct gate *gate)
{
	struct record_state record;
	record_state(gate, &record);
	control_put_text(reply, CTL_RECORD, record.word);
	control_put_u64(reply, CTL_RECORD_SEQ, record.seq);
	control_put_u64(reply, CTL_RECORD_CHECKPOINT, record.checkpoint);
	control_put_text(reply, CTL_RECORD_HASH, record.checkpoint_hash);
	control_put_u64(reply, CTL_RECORD_WAITING, record.waiting);
	control_put_u64(reply, CTL_RECORD_LOST, record.lost);
	control_put_u64(reply, CTL_RECORD_RESTARTS, record.restarts);
}

static void put_countries(struct control_writer *reply, const struct gate *gate)
{
	char day[16];
	if (!countries_day(gate, day))
		return;
	control_put_text(reply, CTL_COUNTRIES,
			 control_text(&gate->current.report.faults.v[0], CTL_COUNTRIES));
	control_put_text(reply, CTL_COUNTRIES_BUILT, day);
}

static void method_status(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	const struct generation_about *about = &gate->current.about;
	struct control_writer reply;
	uint64_t received = 0, suppressed = 0;
	control_writer_init(&reply, CTL_REPLY_MAX);
	record_look(gate);
	gate_look(gate);
	bool running = strcmp(gate_state(gate), "running") == 0;
	control_put_u64(&reply, CTL_EXIT,
			isolation_in_force(gate) ? EXIT_ISOLATED
			: running		 ? EXIT_FINE
						 : EXIT_DEGRADED);
	isolation_put_lines(gate, &reply);
	control_put_text(&reply, CTL_VERSION, SEKISHO_VERSION);
	control_put_u64(&reply, CTL_PID, (uint64_t)getpid());
	control_put_time(&reply, CTL_SINCE, gate->started_usec);
	control_put_text(&reply, CTL_STATE, gate_state(gate));
	for (size_t i = 0; i < GATE_PROBLEM_COUNT; i++)
		control_put_text(&reply, CTL_PROBLEM, gate->problems[i]);
	control_put_text(&reply, CTL_GUARD, guard_word(gate->guard));
	shut_put_lines(&gate->shut, &reply);
	control_put_bool(&reply, CTL_FORWARDING, sysctl_is_forwarding());
	if (about->number) {
		methods_put_generation(&reply, &gate->current);
		control_put_time(&reply, CTL_APPLIED, about->applied_usec);
		control_put_u64(&reply, CTL_APPLIED_BY, about->by.uid);
		control_put_text(&reply, CTL_ACTOR, about->by.name);
		control_put_text(&reply, CTL_DIRECTORY, about->directory);
	}
	changes_put_status(&reply, gate);
	put_denied(&reply, gate);
	if (methods->packets)
		packets_totals(methods->packets, &received, &suppressed);
	control_put_u64(&reply, CTL_LOG_EVENTS, received);
	control_put_u64(&reply, CTL_LOG_SUPPRESSED, suppressed);
	put_record(&reply, gate);
	put_countries(&reply, gate);
	inspection_put_status(gate, &reply);
	scanner_put_status(gate, &reply);
	certificates_put_status(gate, &reply);
	vault_put_status(gate, &reply);
	mail_put_status(&reply, gate);
	mass_put_lines(gate, &reply);
	control_put_u64(&reply, CTL_CLIENTS, control_server_clients(methods->server));
	control_put_u64(&reply, CTL_MEMORY, resident_bytes());
	methods_send(methods, request->token, &reply);
}

// --- flows and zones

static void put_row(struct control_writer *reply, const struct control_row *row)
{
	control_put_mark(reply, CTL_ROW);
	report_put_row(reply, row);
}

static void method_flows(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	const struct control_rows *flows = &gate->current.report.flows;
	const char *state = gate->guard == KERNEL_GUARD_OPEN ? "open" : "closed";
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	gate_look(gate);
	control_put_u64(&reply, CTL_GENERATION, gate->current.about.number);
	for (size_t i = 1; i < flows->n; i++) {
		char name[COUNTER_NAME_MAX + 1];
		put_row(&reply, &flows->v[i]);
		snprintf(name, sizeof(name), "f_%s", control_text(&flows->v[i], CTL_ID));
		const struct counter *counter = counters_find(gate->counters, name);
		control_put_text(&reply, CTL_STATE, state);
		control_put_u64(&reply, CTL_PACKETS, counter ? counter->packets : 0);
		control_put_time(&reply, CTL_LAST_HIT, counter ? counter->last_hit_usec : 0);
	}
	methods_send(methods, request->token, &reply);
}

struct zone_links {
	size_t up, down, missing;
};

// The interfaces of one entry of the policy; one that is there in no form is missing.
static void put_links(struct control_writer *reply, const char *pattern, const struct links *links,
		      struct zone_links *count)
{
	size_t found = 0;
	for (size_t i = 0; i < links->n; i++) {
		if (!link_matches(pattern, links->v[i].name))
			continue;
		found++;
		count->up += links->v[i].up;
		count->down += !links->v[i].up;
		control_put_text(reply, links->v[i].up ? CTL_INTERFACE_UP : CTL_INTERFACE_DOWN,
				 links->v[i].name);
	}
	if (found)
		return;
	count->missing++;
	control_put_text(reply, CTL_INTERFACE_MISSING, pattern);
}

static const char *link_word(const struct zone_links *count)
{
	if (count->up)
		return count->down || count->missing ? "partly-up" : "up";
	return count->down || count->missing ? "down" : "none";
}

static void put_zone(struct control_writer *reply, const struct gate *gate,
		     const struct control_row *zone, const struct links *links)
{
	const char *id = control_text(zone, CTL_ID);
	struct zone_links count = { 0 };
	put_row(reply, zone);
	for (size_t i = 0; i < zone->n; i++)
		if (zone->v[i].tag == CTL_INTERFACE)
			put_links(reply, zone->v[i].text, links, &count);
	bool self = strcmp(control_text(zone, CTL_ROLE), "gateway") == 0;
	control_put_text(reply, CTL_STATE, self ? "up" : link_word(&count));
	control_put_u64(reply, CTL_DENIED, counter_of(gate, "d_", id));
	control_put_u64(reply, CTL_SPOOFED, counter_of(gate, "spoof_", id));
}

static void method_zones(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	const struct control_rows *zones = &gate->current.report.zones;
	struct links links;
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	gate_look(gate);
	links_read(&links); // without it every interface shows as missing
	control_put_u64(&reply, CTL_GENERATION, gate->current.about.number);
	control_put_u64(&reply, CTL_INVALID, counter_of(gate, "invalid", ""));
	control_put_u64(&reply, CTL_UNKNOWN, counter_of(gate, "d_", "unknown"));
	for (size_t i = 1; i < zones->n; i++)
		put_zone(&reply, gate, &zones->v[i], &links);
	links_done(&links);
	methods_send(methods, request->token, &reply);
}

// --- features

static void put_feature(struct control_writer *reply, const char *name, bool present,
			const char *value)
{
	control_put_mark(reply, CTL_ROW);
	control_put_text(reply, CTL_NAME, name);
	control_put_bool(reply, CTL_PRESENT, present);
	control_put_text(reply, CTL_VALUE, value);
}

static void method_features(struct methods *methods, struct control_request *request)
{
	static const char *const queues[] = {
		[KERNEL_QUEUE_NONE] = "none",
		[KERNEL_QUEUE_NATIVE] = "native",
		[KERNEL_QUEUE_COMPAT] = "compat",
	};
	const struct kernel_features *features = kernel_features(methods->gate->kernel);
	const struct {
		const char *name;
		bool present;
		const char *value;
	} table[] = {
		{ "release", true, features->release },
		{ "owner", features->owner, NULL },
		{ "persist", features->persist, NULL },
		{ "queue", features->queue != KERNEL_QUEUE_NONE, queues[features->queue] },
		{ "netmap", features->netmap, NULL },
		{ "tproxy", features->tproxy, NULL },
		{ "helper-ftp", features->helper_ftp, NULL },
		{ "helper-tftp", features->helper_tftp, NULL },
		{ "helper-sip", features->helper_sip, NULL },
		{ "helper-pptp", features->helper_pptp, NULL },
		{ "conntrack-counters", features->conntrack_counters, NULL },
		{ "tcp-strict", sysctl_tcp_strict() == 1, NULL },
	};
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		put_feature(&reply, table[i].name, table[i].present, table[i].value);
	methods_send(methods, request->token, &reply);
}

// --- drift

static void method_drift(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	bool same = drift_look(gate->drift);
	control_put_u64(&reply, CTL_EXIT, same ? EXIT_FINE : EXIT_DEGRADED);
	control_put_u64(&reply, CTL_GENERATION, gate->current.about.number);
	control_put_text(&reply, CTL_GUARD, guard_word(gate->guard));
	drift_reply(gate->drift, &reply);
	methods_send(methods, request->token, &reply);
}

// --- isolation

static void method_isolations(struct methods *methods, struct control_request *request)
{
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	isolation_put_rows(methods->gate->book, &reply);
	methods_send(methods, request->token, &reply);
}

static void method_reconnect(struct methods *methods, struct control_request *request)
{
	isolation_reconnect(methods->gate, methods->server, request);
}

static void method_elsewhere(struct methods *methods, struct control_request *request)
{
	control_server_refuse(methods->server, request->token, EXIT_USAGE,
			      "\"%s\" is asked of switch.sock, beside this socket",
			      control_method_info(request->method)->name);
}

void methods_handle(void *arg, struct control_request *request)
{
	static method *const table[CTL_METHOD_END] = {
		[CTL_PING] = method_ping,
		[CTL_STATUS] = method_status,
		[CTL_FLOWS_LIST] = method_flows,
		[CTL_ZONES_LIST] = method_zones,
		[CTL_FEATURES] = method_features,
		[CTL_APPLY] = changes_apply,
		[CTL_RELOAD] = changes_reload,
		[CTL_CONFIRM_APPLY] = changes_confirm,
		[CTL_ROLLBACK] = changes_rollback,
		[CTL_HISTORY] = changes_history,
		[CTL_PROPOSE] = changes_propose,
		[CTL_PROPOSALS_LIST] = changes_proposals,
		[CTL_PROPOSAL_PAGE] = changes_proposal,
		[CTL_APPROVE] = changes_approve,
		[CTL_REJECT] = changes_reject,
		[CTL_REVIEW] = changes_review,
		[CTL_DRIFT] = method_drift,
		[CTL_DIFF] = method_diff,
		[CTL_CONNECTIONS] = method_connections,
		[CTL_INCIDENT_LIST] = method_incident_list,
		[CTL_INCIDENT_SHOW] = method_incident_show,
		[CTL_INCIDENT_OPEN] = method_incident_open,
		[CTL_INCIDENT_NOTE] = method_incident_note,
		[CTL_INCIDENT_CLOSE] = method_incident_close,
		[CTL_INCIDENT_EXPORT] = method_incident_export,
		[CTL_ISOLATE] = method_elsewhere,
		[CTL_QUARANTINE] = method_elsewhere,
		[CTL_ISOLATIONS] = method_isolations,
		[CTL_ISOLATE_PREVIEW] = method_preview,
		[CTL_QUARANTINE_PREVIEW] = method_preview,
		[CTL_RECONNECT] = method_reconnect,
		[CTL_MAIL_LIST] = method_mail_list,
		[CTL_MAIL_SHOW] = method_mail_show,
		[CTL_MAIL_COUNTS] = method_mail_counts,
		[CTL_MAIL_STATUS] = method_mail_status,
		[CTL_MAIL_STOP] = method_mail_stop,
		[CTL_MAIL_RESUME] = method_mail_resume,
		[CTL_MAIL_HELD] = method_mail_held,
		[CTL_MAIL_RELEASE] = method_mail_release,
		[CTL_MAIL_REJECT] = method_mail_reject,
	};
	table[request->method](arg, request);
}

// A stranger may knock as often as he likes: what is not written singly is counted in the next.
void methods_refused(void *arg, const struct control_peer *peer, unsigned which)
{
	struct methods *methods = arg;
	char name[CONTROL_PEER_NAME_MAX];
	struct event event;
	uint64_t now = journal_now_usec();
	if (!methods->refusals.rate)
		event_limit_init(&methods->refusals, REFUSALS_RATE, REFUSALS_BURST, now);
	if (!event_limit_take(&methods->refusals, now))
		return;
	event_init(&event, EVENT_CALL_REFUSED, now);
	event_text(&event, EVENT_METHOD, control_method_info(which)->name);
	control_event_actor(&event, peer, name);
	uint64_t before = event_limit_suppressed(&methods->refusals);
	if (before)
		event_number(&event, EVENT_COUNT, before);
	journal_write(methods->gate->journal, &event);
}
