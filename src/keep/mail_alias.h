// Addresses of mail as they are compared, and the pseudonyms that may be kept in their place.
//
// A pseudonym is "#", 32 hexadecimal digits (BLAKE2b of the folded address under a key of the box)
// and "@domain": the domain stays, the person does not.  Who has the box can look for an address by
// typing it; who has only the records cannot try addresses out.
#ifndef SEKISHO_KEEP_MAIL_ALIAS_H
#define SEKISHO_KEEP_MAIL_ALIAS_H

#include <stdint.h>

#include "event/mail_record.h"

enum { MAIL_KEY_BYTES = 32 };

struct mail_key {
	uint8_t bytes[MAIL_KEY_BYTES];
};
// The key of the state folder, keys/mail.key; made when there is none.  0 or a negative errno:
// -EPERM (others may read it), -EBADMSG (it is no key).
int mail_key_open(int state_fd, struct mail_key *ret);

// ASCII letters small, "<" and ">" around it and a dot at its end gone.
void mail_address_fold(const char *address, char out[MAIL_ADDRESS_MAX]);
// Of a folded address: what follows its last "@"; "" when there is none.
const char *mail_address_domain(const char *folded);

// "" stays "": the null sender is nobody.
void mail_alias(const struct mail_key *key, const char *address, char out[MAIL_ADDRESS_MAX]);
// Of a file's name: "#" and digits as above, and the ending of the name, up to 8 letters and
// digits, for what kind of file it was is not personal.  "" stays "".
void mail_alias_name(const struct mail_key *key, const char *file, char out[MAIL_FILE_NAME_MAX]);
// A file's name as it is compared: what follows its last "/" or "\\", ASCII letters small.
void mail_name_fold(const char *file, char out[MAIL_FILE_NAME_MAX]);
// Words that hold an "@" become "(address)".
void mail_alias_words(const char *text, char *out, size_t size);

#endif
