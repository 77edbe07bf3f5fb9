// Keys of what is permitted, and of what is demanded of that: flows, translations, assertions,
// tests.
#include "policy/keys_private.h"

#define STRUCT struct pol_except
static const struct key except_keys[] = {
	{ LIST("from", from), .about = "Part of the flow's from; absent: all of it.",
	  .example = "[office/guests]" },
	{ LIST("to", to), .about = "Part of the flow's to; absent: all of it.",
	  .example = "[dmz/mail-hub]" },
	{ LIST("services", services), .about = "Part of the flow's services; absent: all of them.",
	  .example = "[tcp/25]" },
};
const struct key_table keys_except = {
	.noun = "exception",
	.about = "A part of a flow that is not permitted.",
	.has_at = true,
	TABLE(except_keys),
};
#undef STRUCT

#define STRUCT struct pol_flow
static const struct key flow_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true,
	  .about =
		  "Name of the flow in logs, counters, reports and answers. Keep it when the flow changes.",
	  .example = "office-mail-out" },
	{ TITLE("職員メール送信") },
	{ LIST("from", from), .required = true,
	  .about = "Who may open connections: zones, zone/network, self.", .example = "[office]" },
	{ LIST("to", to), .required = true, .about = "Where to: zones, zone/network, self.",
	  .example = "[dmz/mail-hub]" },
	{ LIST("services", services), .required = true,
	  .about = "Services, by name or written as in a service's members.", .example = "[smtp]" },
	{ ENTRIES("except", except), .form = FORM_LIST, .table = &keys_except,
	  .about = "Parts that are not permitted: one mapping or a list of them.",
	  .example = "{ from: [office/guests] }" },
	{ TEXT("guard", guard), .word = WORD_NAME,
	  .about =
		  "Guard that the connections pass through; none says that a guarded flow overlaps this "
		  "one on purpose.",
	  .example = "mail" },
	{ WORDS("helpers", helpers), .word = WORD_CHOICE,
	  .choices = CHOICES("ftp", "tftp", "sip", "pptp"),
	  .about = "Connection helpers, which let in the second connections of these protocols.",
	  .example = "[sip]" },
	{ BOOL("log", log), .about = "Log every connection. Default: false.", .example = "true" },
	{ TEXT("owner", owner), .word = WORD_NAME, .about = "Owner who answers for the flow.",
	  .example = "soumu" },
	{ TEXT("need", need), .about = "Why it is needed.", .example = "職員の外部とのメール" },
	{ TEXT("request", request), .about = "Number of the application.",
	  .example = "総務情第123号" },
	{ WORDS("clause", clause), .word = WORD_FREE, .about = "Clauses that it rests on.",
	  .example = "[60-1, 60-3]" },
	{ TEXT("review", review), .word = WORD_DATE,
	  .about = "Day by which the need is looked at again.", .example = "2027-03-31" },
};
const struct key_table keys_flow = {
	.noun = "flow",
	.about =
		"One permission. What no flow permits is denied; the order of flows means nothing.",
	.id = "id",
	.has_at = true,
	TABLE(flow_keys),
};
#undef STRUCT

#define STRUCT struct pol_nat
static const struct key nat_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true, .about = "Name of the translation.",
	  .example = "office-out" },
	{ TITLE("インターネット接続の変換") },
	{ TEXT("kind", kind), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("masquerade", "source", "forward", "prefix"),
	  .about =
		  "masquerade (the gateway's own address), source (a given address), forward (a port into "
		  "a server zone) or prefix (IPv6 prefixes, RFC 6296).",
	  .example = "masquerade" },
	{ LIST("from", from), .about = "Zones or zone/network that the connections come from.",
	  .example = "[office]" },
	{ LIST("to", to),
	  .about = "masquerade, source and prefix: zones or zone/network that they leave to.",
	  .example = "[internet]" },
	{ WORDS("families", families), .word = WORD_CHOICE, .choices = CHOICES("ipv4", "ipv6"),
	  .about = "masquerade and source: what is translated. Default: ipv4.",
	  .example = "[ipv4]" },
	{ LIST("services", services),
	  .about = "forward: what is forwarded; masquerade and source: only these.",
	  .example = "[https]" },
	{ TEXT("address", at_address), .word = WORD_NAME,
	  .about = "forward: the address that the outside sees.", .example = "203.0.113.10" },
	{ TEXT("target", target), .word = WORD_NAME,
	  .about =
		  "forward: a zone/network of one address; source: an address or range; prefix: the "
		  "outside prefix.",
	  .example = "dmz/www" },
	{ TEXT("prefix", prefix), .word = WORD_NAME, .about = "prefix: the inside prefix.",
	  .example = "fd00:20::/48" },
	{ UINT("port", port), .min = 1, .max = 65535,
	  .about = "forward: the target's port where it differs.", .example = "8443" },
	{ BOOL("hairpin", hairpin),
	  .about = "forward: also for clients in the target's own zone. Default: false.",
	  .example = "true" },
};
const struct key_table keys_nat = {
	.noun = "translation",
	.about = "Address translation. It permits nothing: flows do.",
	.id = "id",
	.has_at = true,
	TABLE(nat_keys),
};
#undef STRUCT

#define NEVER	 __typeof__(((struct pol_assertion *)0)->never)
#define ONLY_VIA __typeof__(((struct pol_assertion *)0)->only_via)
#define AT_MOST	 __typeof__(((struct pol_assertion *)0)->at_most)

#define STRUCT NEVER
static const struct key never_keys[] = {
	{ LIST("from", from), .required = true,
	  .about = "Zones or zone/network that packets come from.", .example = "[public-wifi]" },
	{ LIST("to", to), .required = true,
	  .about = "Zones or zone/network that they must not reach.",
	  .example = "[office, lgwan]" },
	{ LIST("services", services), .about = "Only these services; absent: all.",
	  .example = "[smb]" },
	{ BOOL("direct", direct),
	  .about =
		  "true: only what flows permit themselves, without hosts that pass connections on. "
		  "Default: false.",
	  .example = "true" },
};
const struct key_table keys_never = {
	.noun = "never",
	.about =
		"No packet gets from here to there, not through translations and relaying hosts either.",
	.has_at = true,
	TABLE(never_keys),
};
#undef STRUCT

#define STRUCT ONLY_VIA
static const struct key only_via_keys[] = {
	{ LIST("from", from), .required = true, .about = "Zones or zone/network where paths begin.",
	  .example = "[office]" },
	{ LIST("to", to),
	  .about = "Where paths end; absent: every uplink, external and public zone.",
	  .example = "[internet]" },
	{ LIST("via", via), .required = true,
	  .about = "Zones or zone/network; every path passes one.", .example = "[lgwan]" },
};
const struct key_table keys_only_via = {
	.noun = "only-via",
	.about = "Every path from here to there passes through one of these.",
	.has_at = true,
	TABLE(only_via_keys),
};
#undef STRUCT

#define STRUCT AT_MOST
static const struct key at_most_keys[] = {
	{ UINT("connection-points", connection_points), .max = UINT32_MAX,
	  .about = "Interfaces of uplink and external zones.", .example = "2" },
	{ UINT("flows", flows), .max = UINT32_MAX, .about = "Flows from from to to.",
	  .example = "10" },
	{ LIST("from", from), .about = "For flows: where they begin; absent: anywhere.",
	  .example = "[internet]" },
	{ LIST("to", to), .about = "For flows: where they end; absent: anywhere.",
	  .example = "[dmz]" },
};
const struct key_table keys_at_most = {
	.noun = "at-most",
	.about = "Counts that must not be passed.",
	.has_at = true,
	TABLE(at_most_keys),
};
#undef STRUCT

#define STRUCT struct pol_assertion
static const struct key assertion_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true, .about = "Name of the assertion.",
	  .example = "no-public-wifi-inside" },
	{ TITLE("公衆無線LANから庁内へ入れない") },
	{ WORDS("clause", clause), .word = WORD_FREE, .about = "Clauses that demand it.",
	  .example = "[71-7]" },
	{ MAP("never", never), .table = &keys_never, .one_of = true,
	  .about = "What must not be reachable.",
	  .example = "{ from: public-wifi, to: [office, lgwan] }" },
	{ MAP("only-via", only_via), .table = &keys_only_via, .one_of = true,
	  .about = "What every path must pass through.",
	  .example = "{ from: office, via: lgwan }" },
	{ MAP("at-most", at_most), .table = &keys_at_most, .one_of = true,
	  .about = "What is counted.", .example = "{ connection-points: 2 }" },
};
const struct key_table keys_assertion = {
	.noun = "assertion",
	.about = "What must hold of the whole policy; checked before anything is applied.",
	.id = "id",
	.has_at = true,
	TABLE(assertion_keys),
};
#undef STRUCT

#define STRUCT struct pol_test
static const struct key test_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true, .about = "Name of the test.",
	  .example = "office-mail" },
	{ TITLE("職員はメールを送れる") },
	{ WORDS("clause", clause), .word = WORD_FREE, .about = "Clauses that demand it.",
	  .example = "[60-1]" },
	{ LIST("from", from), .required = true,
	  .about =
		  "Where the packets come from: zones, zone/network, zone/ADDRESS, an address (its "
		  "zone is then the one that has it), self. A prefix or a zone stands for all of its "
		  "addresses.",
	  .example = "[office/10.20.1.5]" },
	{ LIST("to", to), .required = true,
	  .about = "Where they go, written the same way, before any translation.",
	  .example = "[dmz/mail-hub]" },
	{ LIST("services", services), .required = true,
	  .about = "Services, by name or written as in a service's members.", .example = "[smtp]" },
	{ UINT("source-port", source_port), .max = 65535,
	  .about = "Source port of the packets. Default: any.", .example = "68" },
	{ TEXT("expect", expect), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("allow", "deny", "inspect"),
	  .about = "What becomes of every one of them: allow (it gets through, with or without a "
		   "guard), inspect (through a guard) or deny.",
	  .example = "allow" },
	{ TEXT("flow", flow), .word = WORD_NAME,
	  .about = "allow and inspect: the flow that permits them and counts them.",
	  .example = "office-mail-out" },
	{ TEXT("nat", translation), .word = WORD_NAME,
	  .about = "allow and inspect: the translation that applies to them, or none if none does.",
	  .example = "mail-source" },
};
const struct key_table keys_test = {
	.noun = "test",
	.about = "Packets and what becomes of them; tried at every check and before anything is "
		 "applied.",
	.id = "id",
	.has_at = true,
	TABLE(test_keys),
};
#undef STRUCT
