// Finding and reading it.
#include "cli/countries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "geo/mmdb.h"
#include "policy/box.h"

static const char *chosen; // of --countries; NULL: as the box has it

void cli_countries_choose(const struct cli *cli)
{
	chosen = cli_value(cli, OPT_COUNTRIES);
}

static void find(struct cli_countries *countries)
{
	struct diag *diag = diag_new();
	struct box_config *box = NULL;
	const char *path = BOX_COUNTRIES_PATH;

	countries->max_age_days = GEO_AGE_DAYS;
	if (access(BOX_PATH, R_OK) == 0 && box_read(BOX_PATH, diag, &box) == 0) {
		path = box->countries.database;
		countries->max_age_days = box->countries.max_age_days;
	}
	snprintf(countries->path, sizeof(countries->path), "%s", chosen ? chosen : path);
	box_free(box);
	diag_free(diag);
}

static int read_table(struct cli_countries *countries, char why[MMDB_WHY_MAX],
		      struct geo_table *ret)
{
	int file = open(countries->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int copy = -1;
	size_t size;
	int r;

	if (file < 0) {
		r = -errno;
		snprintf(why, MMDB_WHY_MAX, "%s", strerror(errno));
		return r;
	}
	r = mmdb_copy(file, &copy, why);
	close(file);
	if (r == 0) {
		r = mmdb_read(copy, &countries->bytes, &size, why);
		close(copy);
	}
	return r == 0 ? geo_table_open(countries->bytes, size, ret) : r;
}

void cli_countries_load(struct cli_countries *ret)
{
	char why[MMDB_WHY_MAX] = "it makes no sense";
	struct geo_table table;

	*ret = (struct cli_countries){ 0 };
	find(ret);
	if (read_table(ret, why, &table) < 0)
		geo_known_none(&ret->known, ret->path, why);
	else
		geo_known_set(&ret->known, ret->path, &table, (uint64_t)time(NULL),
			      ret->max_age_days);
}

void cli_countries_done(struct cli_countries *countries)
{
	free(countries->bytes);
	countries->bytes = NULL;
}

const char *cli_country_text(const struct cli_countries *countries, const struct addr *addr,
			     char *out, size_t size)
{
	struct geo_hit hit;

	out[0] = '\0';
	if (countries->bytes && geo_find(&countries->known.table, addr, &hit))
		snprintf(out, size, "%s %s", country_code(hit.country), country_name(hit.country));
	return out;
}
