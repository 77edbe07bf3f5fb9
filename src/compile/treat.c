// The chains f_<flow>: what happens to the first packet of a connection that is not plain, and the
// helper objects they use.  A flow has one for its own treatment, and one more for each stricter
// treatment that an overlapping flow brings with it.
#include "compile/context.h"

#include <netinet/in.h>
#include <stdio.h>

static const struct helper_row {
	unsigned bit;
	const char *name, *helper;
	uint8_t protocol;
} helpers[] = {
	{ PLAN_FTP, "h_ftp", "ftp", IPPROTO_TCP },
	{ PLAN_TFTP, "h_tftp", "tftp", IPPROTO_UDP },
	{ PLAN_SIP, "h_sip_udp", "sip", IPPROTO_UDP },
	{ PLAN_SIP, "h_sip_tcp", "sip", IPPROTO_TCP },
	{ PLAN_PPTP, "h_pptp", "pptp", IPPROTO_TCP },
};
enum { HELPERS = sizeof(helpers) / sizeof(*helpers) };

static void begin_flow(struct compiling *c, size_t index)
{
	const struct plan_flow *flow = &c->flows[index];
	struct flow_state *state = &c->flow[index];
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "f_%s", flow->id);
	state->origin = rb_origin(c->build, flow->id, &flow->at);
	state->counter = rb_counter(c->build, name, state->origin);
	state->first = RS_NONE;
}

static void note_cells(struct compiling *c, const struct plan_class *class, unsigned *used)
{
	for (size_t i = 0; i < class->n_cells; i++) {
		*used |= class->cells[i].helpers;
		c->guarded |= (class->cells[i].treatment & PLAN_GUARD) != 0;
	}
}

void treat_begin(struct compiling *c)
{
	unsigned used = 0;

	c->flow = arena_array_of(c->arena, struct flow_state, c->n_flows);
	for (size_t i = 0; i < c->n_flows; i++)
		begin_flow(c, i);
	for (size_t p = 0; p < c->n_pairs; p++)
		for (size_t i = 0; i < c->pairs[p].n_classes; i++)
			note_cells(c, &c->pairs[p].classes[i], &used);
	c->helped = used != 0;
	for (size_t i = 0; i < HELPERS; i++)
		c->helper[i] = used & helpers[i].bit
				       ? rb_helper(c->build, helpers[i].name, helpers[i].helper,
						   helpers[i].protocol)
				       : RS_NONE;
}

static uint32_t new_chain(struct compiling *c, const struct plan_cell *cell, unsigned variant)
{
	const struct plan_flow *flow = &c->flows[cell->flow];
	const struct flow_state *state = &c->flow[cell->flow];
	char name[NAME_MAX_BYTES];
	uint32_t chain;

	if (variant)
		snprintf(name, sizeof(name), "f_%s_%u", flow->id, variant);
	else
		snprintf(name, sizeof(name), "f_%s", flow->id);
	chain = rb_chain(c->build, name, state->origin);
	rule(c->build, chain, state->origin);
	rule_count(c->build, state->counter);
	snprintf(name, sizeof(name), "allow %s", flow->id);
	if (cell->treatment & PLAN_LOG)
		log_rule(c, chain, state->origin, name, NULL);
	for (size_t i = 0; i < HELPERS; i++) {
		if (!(cell->helpers & helpers[i].bit))
			continue;
		rule(c->build, chain, state->origin);
		rule_helper(c->build, c->helper[i]); // only touches connections of its own protocol
	}
	rule(c->build, chain, state->origin);
	if (cell->treatment & PLAN_GUARD) {
		rule_set_ct_mark(c->build, ~(uint32_t)(MARK_INSPECT | MARK_PASSED), MARK_INSPECT);
		rule_set_meta_mark(c->build, c->flows[cell->guard_flow].guard_mark);
		rule_queue(c->build, QUEUE_FIRST, QUEUE_COUNT);
	} else {
		rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	}
	return chain;
}

static bool own_treatment(const struct compiling *c, const struct plan_cell *cell)
{
	const struct plan_flow *flow = &c->flows[cell->flow];

	return cell->treatment == flow->treatment && cell->helpers == flow->helpers &&
	       (cell->guard_flow == PLAN_NONE || cell->guard_flow == cell->flow);
}

uint32_t treat_chain(struct compiling *c, const struct plan_cell *cell)
{
	struct flow_state *state = &c->flow[cell->flow];
	struct treatment *made;
	uint32_t chain;

	for (uint32_t i = state->first; i != RS_NONE; i = c->treatments.v[i].next) {
		const struct treatment *it = &c->treatments.v[i];

		if (it->bits == cell->treatment && it->helpers == cell->helpers &&
		    it->guard_flow == cell->guard_flow)
			return it->chain;
	}
	chain = new_chain(c, cell, own_treatment(c, cell) ? 0 : ++state->variants);
	made = vec_add(&c->treatments);
	made->bits = cell->treatment;
	made->helpers = cell->helpers;
	made->guard_flow = cell->guard_flow;
	made->chain = chain;
	made->next = state->first;
	state->first = c->treatments.n - 1;
	return chain;
}
