// The part of the reference evaluator that reads services.
#ifndef SEKISHO_TESTS_REFERENCE_SERVICES_H
#define SEKISHO_TESTS_REFERENCE_SERVICES_H

#include "reference/reference.h"

// A member ("tcp/80") or the name of a service, of the policy before the library's.
bool reference_service_means(const struct pol_tree *tree, const char *service,
			     const struct reference_packet *packet);
// Calls back for each part of a service: protocol (-1: any), ports or types.
void reference_each_part(const struct pol_tree *tree, const char *service,
			 void (*each)(void *arg, int protocol, unsigned lo, unsigned hi),
			 void *arg);

#endif
