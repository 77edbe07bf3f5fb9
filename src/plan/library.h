// The library of well-known services.
#ifndef SEKISHO_PLAN_LIBRARY_H
#define SEKISHO_PLAN_LIBRARY_H

#include <stddef.h>

struct library_service {
	const char *id;
	const char *title;
	const char
		*members; // as in a policy, separated by spaces; names stand anywhere in the table
	const char *source_ports; // one port or range, or NULL
};

const struct library_service *library_services(size_t *ret_n);

#endif
