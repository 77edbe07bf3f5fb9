// What a verb was given.
#include "cli/verb.h"

#include <stddef.h>

int cli_option_place(cli_options option)
{
	return __builtin_ctzll(option);
}

const char *cli_value(const struct cli *cli, cli_options option)
{
	return cli->values[cli_option_place(option)];
}

bool cli_has(const struct cli *cli, cli_options option)
{
	return cli_value(cli, option) != NULL;
}
