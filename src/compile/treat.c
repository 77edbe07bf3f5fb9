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
enum { STATE_ESTABLISHED = 2 }; // bit of the kernel's
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
		if (divert_has(c, &class->cells[i]))
			c->proxied = true;
		else
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

// The kernel gives the connection to the porter, or, when that does not listen, nobody gets it.
// Packets of the same connection come here again when no socket has it yet.
static uint32_t divert_chain(struct compiling *c, const struct plan_cell *cell, const char *name)
{
	const struct flow_state *state = &c->flow[cell->flow];
	uint32_t chain = rb_chain(c->build, name, state->origin);
	uint32_t taken =
		rb_chain(c->build, arena_printf(c->arena, "%s_taken", name), state->origin);

	rule(c->build, chain, state->origin);
	rule_tproxy(c->build, PORTER_PORT);
	rule_set_ct_mark(c->build, ~(uint32_t)(MARK_INSPECT | MARK_PASSED), MARK_PROXY);
	rule_set_meta_mark(c->build, PACKET_DIVERTED | c->flows[cell->guard_flow].guard_mark);
	rule_verdict(c->build, RS_GOTO, taken);
	rule(c->build, chain, state->origin);
	rule_verdict(c->build, RS_GOTO, c->undiverted);
	rule(c->build, taken, state->origin);
	rule_u32(c->build, RS_CT_STATE, RS_EQ, STATE_ESTABLISHED);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	rule(c->build, taken, state->origin);
	rule_count(c->build, state->counter);
	if (cell->treatment & PLAN_LOG)
		log_rule(c, taken, state->origin,
			 arena_printf(c->arena, "allow %s", c->flows[cell->flow].id), NULL);
	rule(c->build, taken, state->origin);
	rule_verdict(c->build, RS_ACCEPT, RS_NONE);
	return chain;
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
	if (c->diverting)
		return divert_chain(c, cell, name);
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

	if (divert_has(c, cell) && !c->diverting)
		return c->undiverted;
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
