// Plan to ruleset: the order in which the table's parts are written, and the limits.
#include "compile/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/context.h"

static const struct place nowhere = { 0 };

static int check_options(const struct compile_options *options, struct diag *diag)
{
	const char *name = options->management_interface;

	if (!name || (*name && strlen(name) < 16))
		return 0;
	diag_add(diag, SK_MANAGEMENT_INTERFACE, nowhere,
		 "the management interface \"%s\" is no interface name: names have 1 to 15 bytes",
		 name);
	return -EBADMSG;
}

static int check_limits(const struct compiling *c, struct diag *diag)
{
	const char *name = rb_long_name(c->build);

	if (name) {
		diag_add(
			diag, SK_NAME_TOO_LONG, nowhere,
			"the generated name \"%.80s...\" is longer than the kernel takes: give the "
			"zones or the flow in it shorter ids",
			name);
		return -EBADMSG;
	}
	if (rb_elems(c->build) <= COMPILE_ELEMS_MAX)
		return 0;
	diag_add(
		diag, SK_RULESET_TOO_LARGE, nowhere,
		"the policy needs %zu set elements, and %d is the limit: use prefixes or ranges in "
		"place of many single addresses, or fewer interfaces in a zone",
		rb_elems(c->build), COMPILE_ELEMS_MAX);
	return -EBADMSG;
}

// An empty chain that says which policy runs.
static void marker_chain(struct compiling *c)
{
	char name[64];

	snprintf(name, sizeof(name), "generation_%llu", (unsigned long long)c->options->generation);
	rb_chain(c->build, name, RS_NONE);
}

static void begin(struct compiling *c)
{
	c->settings = plan_settings(c->plan);
	c->zones = plan_zones(c->plan, &c->n_zones);
	c->flows = plan_flows(c->plan, &c->n_flows);
	c->pairs = plan_pairs(c->plan, &c->n_pairs);
	c->arena = arena_new();
	c->build = rb_new();
}

static void done(struct compiling *c)
{
	countries_done(c);
	vec_done(&c->treatments);
	rb_free(c->build);
	arena_free(c->arena);
}

int compile(const struct plan *plan, const struct compile_options *options, struct diag *diag,
	    struct ruleset **ret_ruleset)
{
	struct compiling c = { .plan = plan, .options = options };
	int r = check_options(options, diag);

	if (r < 0)
		return r;
	begin(&c);
	countries_begin(&c);
	zones_begin(&c);
	treat_begin(&c);
	shared_chains(&c);
	divert_begin(&c);
	packet_chains(&c);
	spoof_chain(&c);
	divert_chains(&c);
	hook_chains(&c);
	nat_chains(&c);
	marker_chain(&c);
	r = check_limits(&c, diag);
	if (!r)
		r = rb_freeze(c.build, options->generation, plan_digest(plan), ret_ruleset);
	done(&c);
	return r;
}
