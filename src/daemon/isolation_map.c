// What of the policy the switch needs, as lines of text (kernel/lifeline.h).
#include <stdio.h>
#include <stdlib.h>

#include "daemon/isolation.h"

static void put_management(FILE *out, const struct gate_options *options)
{
	char prefix[ADDR_TEXT_MAX];

	if (!options->management_interface[0])
		return;
	fprintf(out, "management %s %s %u\n", options->management_interface,
		addr_range_text(&options->management_prefix, prefix), options->management_port);
}

static void put_zone(FILE *out, const struct control_row *zone)
{
	for (size_t i = 0; i < zone->n; i++)
		if (zone->v[i].tag == CTL_INTERFACE)
			fprintf(out, "zone %s %s\n", control_text(zone, CTL_ID), zone->v[i].text);
}

char *isolation_map_text(const struct gate_options *options, const struct report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("# What sekisho-isolate(8) needs to know; sekishod writes it.\n", out);
	put_management(out, options);
	for (size_t i = 1; report && i < report->zones.n; i++)
		put_zone(out, &report->zones.v[i]);
	for (size_t i = 0; report && report->faults.n && i < report->faults.v[0].n; i++)
		if (report->faults.v[0].v[i].tag == CTL_SWITCH_LINE)
			fprintf(out, "%s\n", report->faults.v[0].v[i].text);
	fclose(out);
	return text;
}
