// The mailboxes of From, To and the like (RFC 5322 3.4), as clients read them, with what senders
// leave out and put in: names without quotes, addresses without brackets, brackets twice.
//
//	"=?utf-8?B?5biC6ZW3?=" <mayor@city.example.jp>, kikaku@city.example.jp (Kikaku)
//	市長 mayor@city.example.jp                      (none), Kikaku kikaku@city.example.jp
#ifndef SEKISHO_MIME_MIME_ADDRESS_H
#define SEKISHO_MIME_MIME_ADDRESS_H

#include "mime/mime_text.h"

struct mime_mailbox {
	const char *address; // as it stands, without brackets, spaces, comments; "": only a name
	const char *name;    // UTF-8, without its quotes; with comments; or ""
};

// raw and shown: the field as struct mime_sink has it.  A mailbox lives until each() returns.
// False: no memory, and not all were told.  A name in brackets of nothing is told with "", a group
// with its name as that of its first mailbox; quotes, comments and brackets that do not end are
// letters.
bool mime_addresses_read(struct mime_store *store, const char *raw, const char *shown,
			 void (*each)(void *arg, const struct mime_mailbox *mailbox), void *arg);

#endif
