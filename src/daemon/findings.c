#include "daemon/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct finding_info *finding_info(enum finding_kind kind)
{
	static const struct finding_info table[FINDING_KINDS] = {
		[FINDING_FOREIGN] = { "foreign-table", EVENT_FOREIGN_TABLE, SK_FOREIGN_TABLE },
		[FINDING_UPLINK] = { "uplink-undeclared", EVENT_UPLINK_UNDECLARED,
				     SK_UPLINK_UNDECLARED },
		[FINDING_ROUTE] = { "route-contradicts", EVENT_ROUTE_CONTRADICTS,
				    SK_NETWORK_CONTRADICTS },
		[FINDING_ADDRESS] = { "address-contradicts", EVENT_ADDRESS_CONTRADICTS,
				      SK_NETWORK_CONTRADICTS },
		[FINDING_INTERFACE] = { "interface", EVENT_INTERFACE, SK_INTERFACE },
		[FINDING_SETTING] = { "setting", EVENT_SETTING, SK_SETTING },
	};
	return &table[kind];
}

const char *finding_weight_word(enum finding_weight weight)
{
	static const char *const words[] = {
		[FINDING_NOTE] = "note",
		[FINDING_WARNING] = "warning",
		[FINDING_ALARM] = "alarm",
	};
	return words[weight];
}

void findings_begin(struct findings *findings, uint64_t now_usec)
{
	findings->now_usec = now_usec;
	findings->beyond = 0;
	for (size_t i = 0; i < findings->list.n; i++)
		findings->list.v[i].seen = false;
}

static struct finding *find(struct findings *findings, enum finding_kind kind, const char *subject)
{
	for (size_t i = 0; i < findings->list.n; i++)
		if (findings->list.v[i].kind == kind &&
		    !strcmp(findings->list.v[i].subject, subject))
			return &findings->list.v[i];
	return NULL;
}

void findings_add(struct findings *findings, enum finding_kind kind, enum finding_weight weight,
		  const char *subject, const char *format, ...)
{
	struct finding new = { .kind = kind, .weight = weight, .seen = true };
	va_list args;
	snprintf(new.subject, sizeof(new.subject), "%s", subject);
	va_start(args, format);
	vsnprintf(new.words, sizeof(new.words), format, args);
	va_end(args);
	struct finding *old = find(findings, kind, new.subject);
	if (!old && findings->list.n >= FINDINGS_MAX) {
		findings->beyond++;
		return;
	}
	if (old && old->seen) // twice in one look: the first is told
		return;
	if (old && old->weight == weight && !strcmp(old->words, new.words))
		new.since_usec = old->since_usec;
	if (old) // told of as a new one
		*old = new;
	else
		vec_push(&findings->list, new);
}

void findings_end(struct findings *findings, findings_each *each, void *arg)
{
	size_t kept = 0;
	for (size_t i = 0; i < findings->list.n; i++) {
		struct finding *finding = &findings->list.v[i];
		if (!finding->seen) {
			each(arg, finding, true);
			continue;
		}
		if (!finding->since_usec) {
			finding->since_usec = findings->now_usec;
			each(arg, finding, false);
		}
		findings->list.v[kept++] = *finding;
	}
	findings->list.n = kept;
}

void findings_done(struct findings *findings)
{
	vec_done(&findings->list);
}
