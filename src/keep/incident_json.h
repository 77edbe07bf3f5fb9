// Incidents as JSON: how the store's two files are written.
#ifndef SEKISHO_KEEP_INCIDENT_JSON_H
#define SEKISHO_KEEP_INCIDENT_JSON_H

#include "keep/incident.h"

// Objects of the caller's; times as RFC 3339 in local time and as "usec" since 1970.
struct json_object *incident_json_about(uint64_t number, const struct incident_what *what,
					const struct incident_box *box);
struct json_object *incident_json_step(const struct incident_step *step);

#endif
