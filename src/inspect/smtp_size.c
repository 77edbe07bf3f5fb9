#include "inspect/smtp_size.h"

#include <stdio.h>
#include <string.h>

uint64_t smtp_size_most(const struct profile *profile, const struct addr *client, bool sender)
{
	uint64_t most = 0;
	bool in_covered = false, out_covered = !sender;
	for (size_t i = 0; i < profile->n_sizes; i++) {
		const struct profile_size *rule = &profile->sizes[i];
		const struct profile_whose *whose = &rule->whose;
		bool in = !whose->only_out && !in_covered, out = !whose->only_in && !out_covered;
		if ((whose->clients && !profile_holds(whose->clients, client)) || (!in && !out))
			continue;
		most = rule->max > most ? rule->max : most;
		if (!whose->n_recipients) {
			in_covered = in_covered || in;
			out_covered = out_covered || out;
		}
	}
	return in_covered && out_covered ? most : UINT64_MAX;
}

void smtp_size_address(const struct smtp_path *recipient, char out[SMTP_SIZE_ADDRESS_MAX])
{
	snprintf(out, SMTP_SIZE_ADDRESS_MAX, "%s%s%s", recipient->local,
		 recipient->domain[0] ? "@" : "", recipient->domain);
	for (char *at = out; *at; at++)
		*at = (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at);
}

uint16_t smtp_size_rule(const struct profile *profile, const struct addr *client, bool own,
			const struct smtp_path *recipient)
{
	char address[SMTP_SIZE_ADDRESS_MAX];
	smtp_size_address(recipient, address);
	for (size_t i = 0; i < profile->n_sizes && i < SMTP_SIZE_NO_RULE; i++) {
		if (profile_is_about(&profile->sizes[i].whose, client, own, address))
			return (uint16_t)i;
	}
	return SMTP_SIZE_NO_RULE;
}

uint64_t smtp_size_max(const struct profile *profile, uint16_t rule)
{
	return rule == SMTP_SIZE_NO_RULE ? UINT64_MAX : profile->sizes[rule].max;
}
