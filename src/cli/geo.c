// geo: where an address lies, and how large countries are, by the database that policies use.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "cli/countries.h"
#include "cli/load.h"
#include "cli/table.h"

static void hex_of(const uint8_t *bytes, char out[2 * GEO_SHA256_BYTES + 1])
{
	for (size_t i = 0; i < GEO_SHA256_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void add_database(struct json_object *object, const struct cli_countries *countries)
{
	const struct geo_head *head = countries->known.table.head;
	struct json_object *database = json_object_new_object();
	char sum[2 * GEO_SHA256_BYTES + 1];
	char day[16];

	geo_day(head->build_epoch, day);
	hex_of(head->sha256, sum);
	cli_json_text(database, "path", countries->path);
	cli_json_text(database, "type", head->type);
	cli_json_text(database, "built", day);
	cli_json_number(database, "build_epoch", head->build_epoch);
	cli_json_text(database, "sha256", sum);
	cli_json_text(database, "problem", countries->known.why);
	json_object_object_add(object, "database", database);
}

static void print_database(const struct cli_countries *countries)
{
	const struct geo_head *head = countries->known.table.head;
	char day[16];

	geo_day(head->build_epoch, day);
	printf("database   %s\n", countries->path);
	printf("built      %s%s%s\n", day, *head->type ? "  " : "", head->type);
	if (countries->known.fault)
		printf("problem    SK%03d %s\n", (int)countries->known.fault, countries->known.why);
}

// --- an address

struct around { // the prefix of a range that an address is in
	const struct addr *addr;
	struct addr_range prefix;
};

static void find_prefix(void *arg, addr_bits bits, unsigned length)
{
	struct around *around = arg;
	unsigned width = addr_width(around->addr->family);
	addr_bits below = length < width ? addr_max(around->addr->family) >> length : 0;

	if (around->addr->bits >= bits && around->addr->bits <= (bits | below))
		around->prefix = (struct addr_range){ around->addr->family, bits, bits | below };
}

static int show_address(const struct cli *cli, const struct cli_countries *countries,
			const struct addr *addr)
{
	const struct geo_table *table = &countries->known.table;
	struct around around = { .addr = addr };
	struct json_object *object;
	char text[ADDR_TEXT_MAX], prefix[ADDR_TEXT_MAX] = "";
	struct geo_hit hit;
	bool found = geo_find(table, addr, &hit);
	const char *continent = found ? country_continent(hit.country) : "";

	if (found) {
		addr_range_prefixes(&hit.range, find_prefix, &around);
		addr_range_text(&around.prefix, prefix);
	}
	if (cli->json) {
		object = json_object_new_object();
		cli_json_text(object, "address", addr_text(addr, text));
		cli_json_text(object, "country", found ? country_code(hit.country) : NULL);
		cli_json_text(object, "name", found ? country_name(hit.country) : NULL);
		cli_json_text(object, "continent", continent);
		cli_json_text(object, "prefix", prefix);
		add_database(object, countries);
		cli_json_print(object);
		return EXIT_FINE;
	}
	printf("address    %s\n", addr_text(addr, text));
	if (found)
		printf("country    %s  %s\ncontinent  %s  %s\nprefix     %s\n",
		       country_code(hit.country), country_name(hit.country), continent,
		       continent_name(continent), prefix);
	else
		printf("country    none (reserved, or not in the database)\n");
	print_database(countries);
	return EXIT_FINE;
}

// --- countries

struct shown { // of one country
	int country;
	struct geo_sizes sizes;
};

static struct json_object *country_json(const struct shown *shown)
{
	struct json_object *object = json_object_new_object();

	cli_json_text(object, "country", country_code(shown->country));
	cli_json_text(object, "name", country_name(shown->country));
	cli_json_text(object, "continent", country_continent(shown->country));
	cli_json_number(object, "ipv4_prefixes", shown->sizes.prefixes[0]);
	cli_json_number(object, "ipv4_addresses", shown->sizes.v4_addresses);
	cli_json_number(object, "ipv6_prefixes", shown->sizes.prefixes[1]);
	cli_json_number(object, "ipv6_networks", shown->sizes.v6_networks);
	return object;
}

static void show_countries(const struct cli *cli, const struct cli_countries *countries,
			   const struct shown *shown, size_t n)
{
	static const char *const heads[] = { "COUNTRY",	   "NAME",	     ">IPV4 PREFIXES",
					     ">ADDRESSES", ">IPV6 PREFIXES", ">NETWORKS (/64)" };
	struct table *table;

	if (cli->json) {
		struct json_object *object = json_object_new_object();
		struct json_object *array = json_object_new_array();

		for (size_t i = 0; i < n; i++)
			json_object_array_add(array, country_json(&shown[i]));
		json_object_object_add(object, "countries", array);
		add_database(object, countries);
		cli_json_print(object);
		return;
	}
	table = table_new(heads, 6);
	for (size_t i = 0; i < n; i++) {
		table_add(table, country_code(shown[i].country));
		table_add(table, country_name(shown[i].country));
		table_add_number(table, shown[i].sizes.prefixes[0]);
		table_add_number(table, shown[i].sizes.v4_addresses);
		table_add_number(table, shown[i].sizes.prefixes[1]);
		table_add_number(table, shown[i].sizes.v6_networks);
	}
	table_print(table);
	table_free(table);
	print_database(countries);
}

// "JP", or "JP,KR"; "all".
static int show_named(const struct cli *cli, const struct cli_countries *countries,
		      const char *names)
{
	struct geo_sizes sizes[COUNTRY_COUNT_MAX];
	struct shown shown[COUNTRY_COUNT_MAX];
	size_t n = 0;

	geo_measure(&countries->known.table, sizes);
	if (strcmp(names, "all") == 0) {
		for (int i = 0; i < (int)country_count(); i++)
			if (sizes[i].ranges[0] + sizes[i].ranges[1] > 0)
				shown[n++] = (struct shown){ i, sizes[i] };
		show_countries(cli, countries, shown, n);
		return EXIT_FINE;
	}
	for (const char *at = names; *at && n < COUNTRY_COUNT_MAX;) {
		size_t length = strcspn(at, ",");
		int country = country_find(at, length);

		if (country == COUNTRY_NONE) {
			fprintf(stderr,
				"sekisho geo: \"%.*s\" is no country; write two capital letters, "
				"as in JP\n",
				(int)length, at);
			return EXIT_USAGE;
		}
		shown[n++] = (struct shown){ country, sizes[country] };
		at += length + (at[length] == ',');
	}
	show_countries(cli, countries, shown, n);
	return EXIT_FINE;
}

int verb_geo(const struct cli *cli)
{
	const char *names = cli_value(cli, OPT_COUNTRY);
	struct cli_countries countries;
	struct addr addr;
	int status;

	if ((cli->argc == 1) == (names != NULL)) {
		fprintf(stderr, "sekisho geo: give an address, or --country JP\n");
		return EXIT_USAGE;
	}
	if (!names && addr_parse(cli->argv[0], &addr) < 0) {
		fprintf(stderr, "sekisho geo: \"%s\" is no address\n", cli->argv[0]);
		return EXIT_USAGE;
	}
	cli_countries_load(&countries);
	if (!countries.bytes) {
		fprintf(stderr, "sekisho geo: SK%03d %s\n", (int)countries.known.fault,
			countries.known.why);
		status = EXIT_FAILED;
	} else if (names) {
		status = show_named(cli, &countries, names);
	} else {
		status = show_address(cli, &countries, &addr);
	}
	cli_countries_done(&countries);
	return status;
}
