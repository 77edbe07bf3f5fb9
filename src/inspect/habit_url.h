// Where a link leads, and what host a text shows.
#ifndef SEKISHO_INSPECT_HABIT_URL_H
#define SEKISHO_INSPECT_HABIT_URL_H

#include "inspect/habit_domain.h"

// The host where one is hidden behind more than is looked at.
// What a host counts as that cannot be seen: it differs from all.
#define HABIT_HOST_HIDDEN "invalid"

// maps: how many names more may be mapped to ASCII (IDNA), which is counted down; when none may, a
// name that would have to be is HABIT_HOST_HIDDEN.  NULL: any number.

// The host of a link as browsers find it (WHATWG URL): without what they leave out, behind
// "user@", decoded, mapped.  False: it leads to no host (mailto:, a fragment, a path).
bool habit_url_host(const char *url, uint32_t *maps, char out[HABIT_DOMAIN_SIZE]);

// The host of a URL without its scheme, at `text`: up to what ends it in a text.
bool habit_url_authority(const char *text, uint32_t *maps, char out[HABIT_DOMAIN_SIZE]);

// Whether a script, or a page of its own, is in it (javascript:, vbscript:, data: but for
// pictures).
bool habit_url_is_active(const char *url);

// The next host that a text shows to whoever reads it; *text moves on.  That is behind http:// or
// https://, behind "www.", and the whole text if it is a host of a known suffix and no file name.
bool habit_url_shown(const char **text, bool *ret_first, uint32_t *maps,
		     char out[HABIT_DOMAIN_SIZE]);

#endif
