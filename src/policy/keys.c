// The policy's own keys, in the order in which they are printed, and how any key is found.
#include "policy/keys.h"

#include <string.h>

#include "policy/keys_private.h"

#define STRUCT struct pol_tree
static const struct key policy_keys[] = {
	{ TEXT("version", version), .word = WORD_CHOICE, .choices = CHOICES("1"), .repeats = true,
	  .about = "Version of the language. Default: 1.", .example = "1" },
	{ TEXT("title", title), .about = "Name of the policy, once in all its files.",
	  .example = "みどり町 境界ポリシー" },
	{ ENTRIES("zones", zones), .table = &keys_zone, .about = "Parts of the network.",
	  .example = "{ office: { interfaces: [lan-office], networks: [10.20.0.0/16] } }" },
	{ ENTRIES("networks", networks), .table = &keys_network, .about = "Named addresses.",
	  .example = "{ dmz/mail-hub: [192.0.2.25] }" },
	{ ENTRIES("services", services), .table = &keys_service,
	  .about = "Named protocols and ports.", .example = "{ intra: [tcp/8080] }" },
	{ ENTRIES("owners", owners), .table = &keys_owner, .about = "Who answers for flows.",
	  .example = "{ soumu: { title: 総務課 } }" },
	{ ENTRIES("clauses", clauses), .form = FORM_EITHER, .table = &keys_clause,
	  .about = "Articles of the body's own rules.",
	  .example = "[{ id: 71-7, article: 第71条第7項 }]" },
	{ ENTRIES("guards", guards), .table = &keys_guard, .about = "Inspections.",
	  .example =
		  "{ mail: { protocol: smtp, domains: [town.example.jp], senders: [office] } }" },
	{ ENTRIES("flows", flows), .form = FORM_LIST, .table = &keys_flow, .about = "Permissions.",
	  .example = "[{ id: office-mail-out, from: office, to: dmz/mail-hub, services: smtp }]" },
	{ ENTRIES("nat", nat), .form = FORM_LIST, .table = &keys_nat,
	  .about = "Address translations.",
	  .example = "[{ id: out, kind: masquerade, from: office, to: internet }]" },
	{ ENTRIES("assertions", assertions), .form = FORM_LIST, .table = &keys_assertion,
	  .about = "What must hold of the whole policy.",
	  .example = "[{ id: wifi, never: { from: public-wifi, to: office } }]" },
	{ ENTRIES("tests", tests), .form = FORM_LIST, .table = &keys_test,
	  .about = "Packets and what must become of them.",
	  .example =
		  "[{ id: mail, from: office, to: dmz/mail-hub, services: smtp, expect: allow }]" },
	{ MAP("settings", settings), .table = &keys_settings,
	  .about = "What is not about one flow. Each key once in all files.",
	  .example = "{ default: reject }" },
	{ MAP("approval", approval), .table = &keys_approval,
	  .about = "Who must approve changes. Each key once in all files.",
	  .example = "{ approvers: 1 }" },
	{ MAP("isolation", isolation), .table = &keys_isolation,
	  .about = "Emergency isolation. Each key once in all files.",
	  .example = "{ lifelines: [phones] }" },
	{ MAP("evidence", evidence), .table = &keys_evidence,
	  .about = "What is kept ready for an incident. Each key once in all files.",
	  .example = "{ capture: { zones: [internet] } }" },
	{ ENTRIES("contacts", contacts), .form = FORM_LIST, .table = &keys_contact,
	  .about = "Whom to tell of an incident.",
	  .example = "[{ role: csirt, contact: 内線 2199 }]" },
	{ MAP("record", record), .table = &keys_record,
	  .about = "The audit log. Each key once in all files.", .example = "{ keep: 400d }" },
};
const struct key_table keys_policy = {
	.noun = "policy",
	.about = "A file of a policy. A section may stand in several files of the folder.",
	TABLE(policy_keys),
};
#undef STRUCT

const struct key *keys_find(const struct key_table *table, const char *name, size_t length)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const char *key = table->keys[i].name;

		if (length && key[0] == name[0] && !strncmp(key, name, length) && !key[length])
			return &table->keys[i];
	}
	return NULL;
}

// Every table of the policy, so that nobody need walk them.
static const struct key_table *const all_tables[] = {
	&keys_policy,	   &keys_zone,	      &keys_network,	   &keys_service,
	&keys_owner,	   &keys_clause,      &keys_guard,	   &keys_except,
	&keys_flow,	   &keys_nat,	      &keys_never,	   &keys_only_via,
	&keys_at_most,	   &keys_assertion,   &keys_test,	   &keys_default,
	&keys_settings,	   &keys_approval,    &keys_approval_rule, &keys_deputy,
	&keys_capture,	   &keys_evidence,    &keys_contact,	   &keys_record,
	&keys_isolation,   &keys_mail_record, &keys_mail_size,	   &keys_mail_attachment,
	&keys_mail_limits, &keys_mail_mass,   &keys_mail_malware,  &keys_mail_habit,
	&keys_mail_hold,   &keys_mail_verify,
};

bool keys_is_text(const char *name, size_t length)
{
	for (size_t i = 0; i < COUNT(all_tables); i++) {
		const struct key *key = keys_find(all_tables[i], name, length);

		if (key && key->kind == KEY_TEXT && key->word == WORD_FREE)
			return true;
	}
	return false;
}
