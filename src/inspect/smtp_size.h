// How large a message may be.  A recipient has the cap of the first rule that fits client,
// direction and that recipient; a message has the least of its recipients'.
#ifndef SEKISHO_INSPECT_SMTP_SIZE_H
#define SEKISHO_INSPECT_SMTP_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/profile.h"
#include "proto/smtp_path.h"

enum {
	SMTP_SIZE_NO_RULE = UINT16_MAX,
	SMTP_SIZE_ADDRESS_MAX = SMTP_LOCAL_MAX + 1 + SMTP_DOMAIN_MAX + 1,
};

// As profiles have it: lower case.
void smtp_size_address(const struct smtp_path *recipient, char out[SMTP_SIZE_ADDRESS_MAX]);

// The most that any recipient could be sent by the client: what is offered in answer to EHLO, and
// beyond which MAIL is refused, when no recipient is known yet.  UINT64_MAX: no cap.
uint64_t smtp_size_most(const struct profile *profile, const struct addr *client, bool sender);
// The rule of a recipient, or SMTP_SIZE_NO_RULE.
uint16_t smtp_size_rule(const struct profile *profile, const struct addr *client, bool own,
			const struct smtp_path *recipient);
uint64_t smtp_size_max(const struct profile *profile, uint16_t rule);

#endif
