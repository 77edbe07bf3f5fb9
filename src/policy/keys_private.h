// How a table of the policy's keys is written, and the tables of its sections, for the files that
// hold them (policy/keys*.c).
#ifndef SEKISHO_POLICY_KEYS_PRIVATE_H
#define SEKISHO_POLICY_KEYS_PRIVATE_H

#include "policy/keys.h"
#include "policy/policy.h"

#define COUNT(array)	  (sizeof(array) / sizeof(*(array)))
#define CHOICES(...)	  ((const char *const[]){ __VA_ARGS__, NULL })
#define AT(field)	  .offset = offsetof(STRUCT, field)
#define TEXT(key, field)  .name = (key), .kind = KEY_TEXT, AT(field)
#define WORDS(key, field) .name = (key), .kind = KEY_LIST, AT(field)
#define LIST(key, field)  WORDS(key, field), .word = WORD_NAME
#define BOOL(key, field)  .name = (key), .kind = KEY_BOOL, AT(field)
#define UINT(key, field)  .name = (key), .kind = KEY_UINT, AT(field)
#define MAP(key, field)	  .name = (key), .kind = KEY_MAP, AT(field)
#define ENTRIES(key, field)                                                                        \
	.name = (key), .kind = KEY_ENTRIES, AT(field), .offset_n = offsetof(STRUCT, n_##field)
#define TITLE(text)                                                                                \
	TEXT("title", title), .about = "Name for people, in any language.", .example = text
#define TABLE(array) .keys = (array), .n_keys = COUNT(array), .size = sizeof(STRUCT)

extern const struct key_table keys_zone, keys_network, keys_service, keys_owner, keys_clause,
	keys_guard, keys_except, keys_flow, keys_nat, keys_never, keys_only_via, keys_at_most,
	keys_assertion, keys_test, keys_default, keys_settings, keys_approval_rule, keys_deputy,
	keys_approval, keys_capture, keys_evidence, keys_isolation, keys_contact, keys_record,
	keys_mail_record, keys_mail_size, keys_mail_attachment, keys_mail_limits, keys_mail_mass,
	keys_mail_malware, keys_mail_habit, keys_mail_hold, keys_mail_verify;

#endif
