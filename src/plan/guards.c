// Guards, and the flows that have one: what the two together must not do, and the flows' numbers.
#include <stdlib.h>
#include <string.h>

#include "plan/mail_guard.h"

static int by_id(const void *a, const void *b)
{
	const struct plan_guard *x = a, *y = b;

	return strcmp(x->id, y->id);
}

void build_guards(struct build *b)
{
	struct plan *plan = b->plan;

	plan->guards = arena_array_of(b->arena, struct plan_guard, b->tree->n_guards);
	for (size_t i = 0; i < b->tree->n_guards; i++) {
		const struct pol_guard *source = &b->tree->guards[i];
		struct plan_guard *guard = &plan->guards[plan->n_guards];

		if (!source->id.s || names_get(&b->guard_names, source->id.s) != i)
			continue; // the reader has told why
		guard->id = build_text(b, &source->id);
		guard->title = build_text(b, &source->title);
		guard->protocol = build_text(b, &source->protocol);
		guard->at = build_place(b, source->id.at);
		if (strcmp(guard->protocol, "smtp") == 0)
			guard->mail = mail_guard_make(b, source);
		else
			mail_guard_refuse_keys(b, source);
		plan->n_guards++;
	}
	qsort(plan->guards, plan->n_guards, sizeof(*plan->guards), by_id);
}

const struct plan_guard *plan_guards(const struct plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_guards;
	return plan->guards;
}

const struct plan_guard *plan_find_guard(const struct plan *plan, const char *id)
{
	const struct plan_guard wanted = { .id = id };

	return id && plan->n_guards ? bsearch(&wanted, plan->guards, plan->n_guards,
					      sizeof(*plan->guards), by_id)
				    : NULL;
}

// --- guarded flows

static bool is_outside(enum plan_role role)
{
	return role == PLAN_UPLINK || role == PLAN_EXTERNAL || role == PLAN_PUBLIC;
}

// Where anybody may listen.
static bool is_open(enum plan_role role)
{
	return role == PLAN_EXTERNAL || role == PLAN_PUBLIC;
}

// The first zone outside that the flow comes from; NULL: none.
static const struct plan_zone *outside_of(const struct plan *plan, const struct plan_flow *flow)
{
	for (size_t i = 0; i < flow->n_terms; i++)
		if (is_outside(plan->zones[flow->terms[i].from].role))
			return &plan->zones[flow->terms[i].from];
	return NULL;
}

// Adds the addresses that a term comes from or leads to, of those that its zone has.
static void add_end(struct build *b, const struct plan_term *term, bool to, struct addr_set *ret)
{
	struct addr_set set = { 0 };

	for (size_t i = 0; i < term->n_rects; i++)
		addr_set_append(&set, to ? term->rects[i].destination : term->rects[i].source);
	addr_set_normalise(&set);
	build_clip(b, to ? term->to : term->from, &set);
	addr_set_union(ret, &set);
	addr_set_done(&set);
}

static bool leads_only_to(struct build *b, const struct plan_term *term,
			  const struct plan_places *places)
{
	const struct addr_set allowed = { .v = (struct addr_range *)(uintptr_t)places->ranges,
					  .n = places->n };
	struct addr_set rest = { 0 };
	bool is;

	add_end(b, term, true, &rest);
	addr_set_subtract(&rest, &allowed);
	is = rest.n == 0;
	addr_set_done(&rest);
	return is;
}

// A zone in which the flow's mail would travel in clear; NULL: none.
static const struct plan_zone *clear_in(struct build *b, const struct plan_flow *flow,
					const struct plan_mail *mail)
{
	for (size_t i = 0; i < flow->n_terms; i++) {
		const struct plan_term *term = &flow->terms[i];
		const struct plan_zone *from = &b->plan->zones[term->from];
		const struct plan_zone *to = &b->plan->zones[term->to];

		if (!is_open(from->role) && !is_open(to->role))
			continue;
		if (mail->tls == PLAN_TLS_INSPECT) // whoever can do TLS has it
			continue;
		if (mail->tls != PLAN_TLS_BLIND || !leads_only_to(b, term, &mail->tls_servers))
			return is_open(from->role) ? from : to;
	}
	return NULL;
}

static void check_mail(struct build *b, const struct plan_flow *flow, const struct pol_flow *source,
		       const struct plan_guard *guard)
{
	const struct plan_mail *mail = guard->mail;
	const struct plan_zone *outside = outside_of(b->plan, flow);
	const struct plan_zone *clear = clear_in(b, flow, mail);

	if (outside && mail->after_greeting)
		diag_add(b->diag, SK_GUARD_UNREAD, source->guard.at,
			 "flow \"%s\" comes from %s, and guard \"%s\" looks at nothing after the "
			 "greeting; take after-greeting away, or give the flow another guard",
			 flow->id, outside->id, guard->id);
	else if (outside && !mail->n_domains)
		diag_add(b->diag, SK_GUARD_NO_DOMAINS, source->guard.at,
			 "flow \"%s\" comes from %s, and guard \"%s\" does not say which domains "
			 "are the body's own; write its domains",
			 flow->id, outside->id, guard->id);
	if (clear && !*mail->tls_reason)
		diag_add(b->diag, SK_GUARD_CLEAR, source->guard.at,
			 "flow \"%s\" would carry mail in clear through %s, since guard \"%s\" %s; "
			 "let TLS through to servers that keep the rules themselves and inspect "
			 "behind them, or say why with tls-reason",
			 flow->id, clear->id, guard->id,
			 mail->tls == PLAN_TLS_BLIND ? "lets TLS through to other servers only"
						     : "lets no TLS through");
}

// The gate's own packets are nobody's to accept: it would connect to itself.
static void check_proxy(struct build *b, const struct plan_flow *flow,
			const struct pol_flow *source)
{
	for (size_t i = 0; i < flow->n_terms; i++) {
		const struct plan_term *term = &flow->terms[i];

		if (term->from != PLAN_SELF && term->to != PLAN_SELF)
			continue;
		diag_add(b->diag, SK_GUARD_PROXY_SELF, source->guard.at,
			 "flow \"%s\" %s the gate itself, and guard \"%s\" has mode proxy, which "
			 "is for what passes through; give the flow a guard with mode flow",
			 flow->id, term->from == PLAN_SELF ? "comes from" : "leads to",
			 flow->guard);
		return;
	}
}

// --- what never counts

struct ends { // of all flows of a guard
	struct addr_set from, to;
	bool any;
};

static void add_ends(struct build *b, const struct plan_flow *flow, struct ends *ends)
{
	ends->any = true;
	for (size_t i = 0; i < flow->n_terms; i++) {
		add_end(b, &flow->terms[i], false, &ends->from);
		add_end(b, &flow->terms[i], true, &ends->to);
	}
}

static bool meets(const struct plan *plan, const struct endpoint *end, const struct addr_set *set)
{
	struct addr_set place = { 0 };
	bool does = false;

	mail_guard_place(plan, end, &place);
	for (size_t i = 0; i < place.n && !does; i++)
		does = addr_set_find(set, &place.v[i]) != NULL;
	addr_set_done(&place);
	return does;
}

static void warn_idle(struct build *b, const struct pol_guard *source, const char *key,
		      const struct pol_list *list, const struct addr_set *ends, const char *words)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct addr_range *ranges;
		struct endpoint end;
		uint32_t zone;
		size_t n;

		// One that is no place has been told.
		if (plan_endpoint(b->plan, list->v[i].s, &zone, &ranges, &n) < 0 ||
		    build_endpoint(b, &list->v[i], &end) < 0 ||
		    (end.zone == PLAN_SELF && !end.network) || meets(b->plan, &end, ends))
			continue;
		diag_add(b->diag, SK_GUARD_IDLE, list->v[i].at,
			 "guard \"%s\": no flow with this guard %s %s, so that %s never asks for "
			 "it; mend the name or take it away",
			 source->id.s, words, list->v[i].s, key);
	}
}

static void warn_of_guard(struct build *b, const struct pol_guard *source, struct ends *ends)
{
	const struct plan_guard *guard = plan_find_guard(b->plan, source->id.s);

	if (ends->any && guard && !guard->mail)
		diag_add(
			b->diag, SK_GUARD_UNREADABLE, source->protocol.at,
			"guard \"%s\": this version has no inspector of %s, so that what its flows "
			"permit does not pass; take the guard away from them, or the flows",
			guard->id, guard->protocol);
	if (!ends->any || !guard || !guard->mail)
		return;
	if (!source->domains.at.file && !source->senders.at.file && !guard->mail->after_greeting &&
	    guard->mail->tls != PLAN_TLS_BLIND)
		diag_add(b->diag, SK_GUARD_NOTHING, source->id.at,
			 "guard \"%s\" lets no message pass: there are neither domains, to which "
			 "everybody may send, nor senders, who may send to any",
			 guard->id);
	warn_idle(b, source, "senders", &source->senders, &ends->from, "comes from");
	warn_idle(b, source, "own-sender-from", &source->own_sender_from, &ends->from,
		  "comes from");
	for (size_t i = 0; i < source->n_sizes; i++)
		warn_idle(b, source, "this size", &source->sizes[i].from, &ends->from,
			  "comes from");
	for (size_t i = 0; i < source->n_attachments; i++)
		warn_idle(b, source, "these attachments", &source->attachments[i].from, &ends->from,
			  "comes from");
	warn_idle(b, source, "smart-hosts", &source->smart_hosts, &ends->to, "leads to");
	warn_idle(b, source, "tls-servers", &source->tls_servers, &ends->to, "leads to");
	for (size_t i = 0; i < source->n_tls_verify; i++)
		warn_idle(b, source, "tls-verify", &source->tls_verify[i].servers, &ends->to,
			  "leads to");
}

// --- numbers

// A flow keeps its number when others come and go, so that rules stay as they are: it is a hash of
// the id.  Where two ids meet, the later one in order takes the next free number, and only such a
// one can ever change.
//
// The stamp says whose guard's the number was when the rules were made: for a moment an inspector
// knows another policy than the kernel has, and there the number may be another flow's, or the flow
// may have another guard.
//
// FNV-1a; never to be changed, for rules outlive the daemon.
enum { FNV_START = 2166136261u };

static uint32_t hash_on(uint32_t hash, const char *text)
{
	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return hash;
}

static uint32_t folded(uint32_t hash)
{
	return hash ^ hash >> 16;
}

static uint32_t stamp_of(const struct plan_flow *flow)
{
	uint32_t hash = hash_on(hash_on(hash_on(FNV_START, flow->id), "/"), flow->guard);
	uint32_t stamp = folded(hash) << 12 & PLAN_GUARD_STAMP;

	return stamp ? stamp : PLAN_GUARD_STAMP;
}

static void number_flows(struct build *b)
{
	bool *taken = arena_array_of(b->arena, bool, PLAN_GUARDED_MAX);
	size_t n = 0;

	for (size_t i = 0; i < b->plan->n_flows; i++) {
		struct plan_flow *flow = &b->plan->flows[i];
		uint32_t slot;

		if (!flow->guard)
			continue;
		if (n++ == PLAN_GUARDED_MAX) {
			diag_add(b->diag, SK_GUARDED_TOO_MANY, flow->at,
				 "flow \"%s\" is one more than the %d with a guard that a policy "
				 "may have; join some of them",
				 flow->id, PLAN_GUARDED_MAX);
			return;
		}
		for (slot = folded(hash_on(FNV_START, flow->id)) % PLAN_GUARDED_MAX; taken[slot];)
			slot = (slot + 1) % PLAN_GUARDED_MAX;
		taken[slot] = true;
		flow->guard_mark = (slot + 1) | stamp_of(flow);
	}
}

static void set_mail_clauses(struct build *b, struct plan_flow *flow)
{
	const char **clauses = arena_array_of(b->arena, const char *, PLAN_MAIL_CONTROLS);
	char control[16];

	clauses[0] = "";
	for (unsigned i = 1; i < PLAN_MAIL_CONTROLS; i++) {
		snprintf(control, sizeof(control), "MAIL-%02u", i);
		clauses[i] = build_answer(b, flow, control);
	}
	flow->mail_clauses = clauses;
}

void build_guarded(struct build *b)
{
	struct ends *ends = vec_zeroed(b->tree->n_guards, sizeof(*ends));

	number_flows(b);
	for (size_t i = 0; i < b->plan->n_flows; i++) {
		struct plan_flow *flow = &b->plan->flows[i];
		const struct plan_guard *guard = plan_find_guard(b->plan, flow->guard);

		if (!guard)
			continue;
		if (guard->mail)
			set_mail_clauses(b, flow);
		if (guard->mail)
			check_mail(b, flow, b->flow_sources[i], guard);
		if (flow->proxy)
			check_proxy(b, flow, b->flow_sources[i]);
		add_ends(b, flow, &ends[names_get(&b->guard_names, guard->id)]);
	}
	for (size_t i = 0; i < b->tree->n_guards; i++) {
		if (b->tree->guards[i].id.s)
			warn_of_guard(b, &b->tree->guards[i], &ends[i]);
		addr_set_done(&ends[i].from);
		addr_set_done(&ends[i].to);
	}
	free(ends);
}
