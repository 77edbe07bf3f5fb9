// What was found in a file, in words: for its record, and for the reply to whoever sent it.
#ifndef SEKISHO_INSPECT_CONTENT_WORDS_H
#define SEKISHO_INSPECT_CONTENT_WORDS_H

#include "event/mail_record.h"
#include "inspect/content_rule.h"
#include "inspect/smtp_reason.h"
#include "unpack/unpack.h"

// Which words to say of a file that a rule refuses.
enum smtp_reason content_reason(const struct profile_attachment *rule,
				const struct content_facts *facts);
// Kinds, doubts and why it was not read (UNPACK_LIMITS: no room to hold it), as far as they fit.
void content_found(const struct content_facts *facts, enum unpack_limit limit,
		   char out[MAIL_FILE_FOUND_MAX]);
// A name as records have it: control characters, signs of direction and others that are not seen
// become <U+202E>.
void content_name(const char *name, char out[MAIL_FILE_NAME_MAX]);

#endif
