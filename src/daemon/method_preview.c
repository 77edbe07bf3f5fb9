#include "daemon/method_preview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/census.h"
#include "daemon/order.h"

struct preview {
	struct methods *methods;
	struct control_token token;
	struct order *order;
	struct census *census;
	struct preview *next;
};

static void take_out(struct preview *preview)
{
	struct preview **at = &preview->methods->previews;
	while (*at != preview)
		at = &(*at)->next;
	*at = preview->next;
	census_free(preview->census);
	order_free(preview->order);
	free(preview);
}

static void on_counted(void *arg, const struct census_result *connections)
{
	struct preview *preview = arg;
	struct control_writer reply;
	control_writer_init(&reply, CTL_REPLY_MAX);
	order_put_preview(preview->order, connections, &reply);
	control_server_answer(preview->methods->server, preview->token, &reply);
	take_out(preview);
}

static void add_range(struct addr_set *set, const char *text)
{
	struct addr_range range;
	if (addr_range_parse(text, &range) == 0)
		addr_set_append(set, range);
}

// The networks of each zone that has any of the interfaces.
static void add_networks(struct addr_set *set, const struct isolation *cut,
			 const struct control_row *zone)
{
	bool hit = false;
	for (size_t i = 0; i < zone->n; i++)
		for (size_t k = 0; zone->v[i].tag == CTL_INTERFACE && k < cut->n_targets; k++)
			hit |= strcmp(zone->v[i].text, cut->targets[k].text) == 0;
	for (size_t i = 0; hit && i < zone->n; i++)
		if (zone->v[i].tag == CTL_NETWORK)
			add_range(set, zone->v[i].text);
}

// Connections are told by addresses: of zones without networks nothing can be said.
static int start_census(struct preview *preview)
{
	const struct control_rows *zones = &preview->methods->gate->current.report.zones;
	const struct isolation *cut = order_cut(preview->order);
	struct addr_set touched = { 0 };
	for (size_t i = 0; i < cut->n_targets; i++)
		add_range(&touched, cut->targets[i].text);
	for (size_t i = 1; i < zones->n; i++)
		add_networks(&touched, cut, &zones->v[i]);
	addr_set_normalise(&touched);
	bool all = cut->kind == ISOLATION_ALL;
	int r = -ENOENT;
	if (all || touched.n)
		r = census_start(preview->methods->event, all ? NULL : &touched, &CENSUS_LIMITS,
				 on_counted, preview, &preview->census);
	addr_set_done(&touched);
	return r;
}

static size_t count(const struct preview *preview)
{
	size_t n = 0;
	for (; preview; preview = preview->next)
		n++;
	return n;
}

void method_preview(struct methods *methods, struct control_request *request)
{
	bool counts = count(methods->previews) < PREVIEWS_COUNTED_MAX;
	struct order *order = order_new(methods->gate->book, methods->server, request);
	struct preview *preview = order ? calloc(1, sizeof(*preview)) : NULL;
	if (!order) // refused
		return;
	if (!preview) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED, "no memory");
		order_free(order);
		return;
	}
	*preview = (struct preview){
		.methods = methods,
		.token = request->token,
		.order = order,
		.next = methods->previews,
	};
	methods->previews = preview;
	if (!counts || start_census(preview) < 0)
		on_counted(preview, &(struct census_result){ 0 });
}

void method_preview_cancel(struct methods *methods)
{
	while (methods->previews)
		take_out(methods->previews);
}
