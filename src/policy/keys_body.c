// Keys of what is not about one flow: settings, and how the body decides, isolates and records.
#include "policy/keys_private.h"

#define STRUCT struct pol_default
static const struct key default_keys[] = {
	{ LIST("from", from), .about = "Zones; absent: all.", .example = "[office]" },
	{ LIST("to", to), .about = "Zones; absent: all.", .example = "[lgwan]" },
	{ TEXT("action", action), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("drop", "reject"), .about = "What happens to what is denied.",
	  .example = "reject" },
};
const struct key_table keys_default = {
	.noun = "default",
	.about = "How denied packets of a pair of zones are treated.",
	.has_at = true,
	TABLE(default_keys),
};
#undef STRUCT

#define STRUCT struct pol_settings
static const struct key settings_keys[] = {
	{ TEXT("default", default_action), .word = WORD_CHOICE,
	  .choices = CHOICES("drop", "reject"),
	  .about = "What happens to what is denied. Default: drop.", .example = "drop" },
	{ ENTRIES("defaults", defaults), .form = FORM_LIST, .table = &keys_default,
	  .about = "The same for pairs of zones.",
	  .example = "[{ from: [office], action: reject }]" },
	{ UINT("log-rate", log_rate_per_second), .max = 100000,
	  .about = "Log lines a second, at most, for what is denied. Default: 20.",
	  .example = "20" },
	{ UINT("log-burst", log_burst), .max = 100000,
	  .about = "Log lines at once before the rate counts. Default: 100.", .example = "100" },
	{ BOOL("log-denied", log_denied), .about = "Log what is denied. Default: true.",
	  .example = "true" },
	{ TEXT("fragments", fragments), .word = WORD_CHOICE, .choices = CHOICES("allow", "drop"),
	  .about =
		  "IP fragments: put together and judged as a whole (allow, the default), or dropped.",
	  .example = "allow" },
	{ TEXT("invalid-tcp", invalid_tcp), .word = WORD_CHOICE,
	  .choices = CHOICES("drop", "log-and-drop"),
	  .about = "TCP flags that cannot be. Default: drop.", .example = "log-and-drop" },
	{ LIST("icmp-errors", icmp_errors), .may_be_empty = true,
	  .about = "ICMP error types that may come back to a connection.",
	  .example = "[destination-unreachable, time-exceeded, parameter-problem]" },
	{ LIST("icmpv6-errors", icmpv6_errors), .may_be_empty = true, .about = "The same for IPv6.",
	  .example =
		  "[destination-unreachable, packet-too-big, time-exceeded, parameter-problem]" },
	{ LIST("hear-router-advertisements", router_advertisements), .may_be_empty = true,
	  .about = "Zones that the gateway hears IPv6 router advertisements from. Default: none.",
	  .example = "[internet]" },
	{ LIST("send-router-advertisements", send_router_advertisements), .may_be_empty = true,
	  .about = "Zones that the gateway sends them to. Default: none.", .example = "[office]" },
	{ LIST("extension-headers", extension_headers), .may_be_empty = true,
	  .about = "IPv6 extension headers let through. Default: fragment, esp, ah, destination.",
	  .example = "[fragment, esp, ah, destination]" },
};
const struct key_table keys_settings = {
	.noun = "settings",
	.about = "How the gateway treats what is denied, and the fine points of IP.",
	TABLE(settings_keys),
};
#undef STRUCT

#define STRUCT struct pol_approval_rule
static const struct key approval_rule_keys[] = {
	{ LIST("zones", zones), .about = "Zones that the change touches. Default: any.",
	  .example = "[internet, lgwan]" },
	{ TEXT("weight", weight), .word = WORD_CHOICE,
	  .choices = CHOICES("light", "normal", "heavy"),
	  .about = "Weight of the change, as diff tells it. Default: any.", .example = "light" },
	{ UINT("approvers", approvers), .max = 9, .required = true,
	  .about = "How many other persons must approve.", .example = "2" },
	{ LIST("groups", groups), .about = "Whose members may. Default: those of the section.",
	  .example = "[sekisho-approve]" },
};
const struct key_table keys_approval_rule = {
	.noun = "approval-rule",
	.about = "How many must approve what; of the rules that fit, the strictest counts.",
	.has_at = true,
	TABLE(approval_rule_keys),
};
#undef STRUCT

#define STRUCT struct pol_deputy
static const struct key deputy_keys[] = {
	{ TEXT("for", absent), .word = WORD_NAME, .required = true,
	  .about = "The user who is away, or the group.", .example = "suzuki" },
	{ TEXT("deputy", deputy), .word = WORD_NAME, .required = true,
	  .about = "The user who may approve in that place.", .example = "tanaka" },
	{ TEXT("from", from), .word = WORD_DATE, .required = true, .about = "First day.",
	  .example = "2026-12-01" },
	{ TEXT("until", until), .word = WORD_DATE, .required = true, .about = "Last day.",
	  .example = "2026-12-15" },
};
const struct key_table keys_deputy = {
	.noun = "deputy",
	.about = "Who stands in for an approver, and when.",
	.has_at = true,
	TABLE(deputy_keys),
};
#undef STRUCT

#define STRUCT struct pol_approval
static const struct key approval_keys[] = {
	{ UINT("approvers", approvers), .max = 9,
	  .about =
		  "How many other persons must approve a change. Default: 0, one person may apply.",
	  .example = "1" },
	{ LIST("groups", groups),
	  .about = "Unix groups whose members may approve. Default: sekisho-approve.",
	  .example = "[sekisho-approve]" },
	{ TEXT("expires", expires), .word = WORD_NAME,
	  .about = "How long a proposal, and an approval, counts. Default: 72h.",
	  .example = "72h" },
	{ TEXT("confirm", confirm), .word = WORD_NAME,
	  .about =
		  "How long an apply waits for its confirm before the generation before returns; off: "
		  "it does not wait. Default: 120s.",
	  .example = "120s" },
	{ BOOL("emergency", emergency),
	  .about = "Whether one person may apply alone in an emergency, to be reviewed afterwards. "
		   "Default: false.",
	  .example = "true" },
	{ ENTRIES("rules", rules), .form = FORM_LIST, .table = &keys_approval_rule,
	  .about = "Other numbers for certain zones and weights.",
	  .example = "[{ zones: [internet], approvers: 2 }, { weight: light, approvers: 0 }]" },
	{ ENTRIES("deputies", deputies), .form = FORM_LIST, .table = &keys_deputy,
	  .about = "Who stands in for whom.",
	  .example = "[{ for: suzuki, deputy: tanaka, from: 2026-12-01, until: 2026-12-15 }]" },
};
const struct key_table keys_approval = {
	.noun = "approval",
	.about = "Who must approve a change of the policy, and how an apply is made sure.",
	TABLE(approval_keys),
};
#undef STRUCT

#define STRUCT struct pol_capture
static const struct key capture_keys[] = {
	{ LIST("zones", zones),
	  .about = "Zones whose packets are kept. Default: those of class II to IV; zones of class "
		   "I, the weightiest, only when they are named.",
	  .example = "[office, internet]" },
	{ UINT("size", size), .min = 1, .max = 64,
	  .about = "Mebibytes of memory for them. Default: 16.", .example = "16" },
	{ UINT("snaplen", snaplen), .min = 64, .max = 2048,
	  .about = "Bytes kept of each packet, from its IP header on. Default: 256.",
	  .example = "256" },
};
const struct key_table keys_capture = {
	.noun = "capture",
	.about = "The last packets of some zones, kept in memory and saved with an incident. They "
		 "are copies: it costs each packet of those zones.",
	.has_at = true,
	TABLE(capture_keys),
};
#undef STRUCT

#define STRUCT struct pol_evidence
static const struct key evidence_keys[] = {
	{ MAP("capture", capture), .table = &keys_capture,
	  .about = "Packets. Default: none are kept.", .example = "{ zones: [internet] }" },
};
const struct key_table keys_evidence = {
	.noun = "evidence",
	.about = "What is kept ready for an incident.",
	TABLE(evidence_keys),
};
#undef STRUCT

#define STRUCT struct pol_isolation
static const struct key isolation_keys[] = {
	{ LIST("lifelines", lifelines),
	  .about = "Zones, networks of zones and flows that stay up when everything is isolated, "
		   "unless it is total: telephones, disaster systems. At most 256 rules.",
	  .example = "[phones, dmz/disaster, bousai-out]" },
	{ TEXT("time-limit", time_limit), .word = WORD_NAME,
	  .about = "For how long an isolation may be ordered at most with --for. Default: none "
		   "may be limited.",
	  .example = "8h" },
	{ BOOL("second-person-to-reconnect", second_person),
	  .about = "Whether two persons are needed to reconnect. Default: false.",
	  .example = "true" },
};
const struct key_table keys_isolation = {
	.noun = "isolation",
	.about = "What an emergency cuts off, and how it ends.",
	TABLE(isolation_keys),
};
#undef STRUCT

#define STRUCT struct pol_contact
static const struct key contact_keys[] = {
	{ TEXT("role", role), .word = WORD_CHOICE, .required = true,
	  .choices =
		  CHOICES("ciso", "csirt", "system", "network", "department", "vendor", "outside"),
	  .about =
		  "What they are to the body: ciso, csirt, system (who runs the systems), network, "
		  "department, vendor, or outside (police, prefecture, IPA).",
	  .example = "csirt" },
	{ TITLE("情報セキュリティ委員会 CSIRT") },
	{ TEXT("contact", contact), .required = true, .about = "Telephone or mail address.",
	  .example = "内線 2199" },
	{ TEXT("hours", hours), .about = "When they can be reached.", .example = "24時間" },
};
const struct key_table keys_contact = {
	.noun = "contact",
	.about = "Whom to tell of an incident; shown with it and exported with it.",
	.has_at = true,
	TABLE(contact_keys),
};
#undef STRUCT

#define STRUCT struct pol_mail_record
static const struct key mail_record_keys[] = {
	{ TEXT("keep", keep), .word = WORD_NAME,
	  .about = "How long, in days (d) or years (y). Default: as the audit log.",
	  .example = "90d" },
	{ BOOL("hash-addresses", hash_addresses),
	  .about = "Whether addresses are kept only as a keyed hash, by which a known address is "
		   "found, but none can be read. Default: false.",
	  .example = "true" },
};
const struct key_table keys_mail_record = {
	.noun = "mail-record",
	.about = "What is kept of each message that a guard for smtp saw: when, who, to whom, how "
		 "large, what became of it and why; never what it said.",
	.has_at = true,
	TABLE(mail_record_keys),
};
#undef STRUCT

#define STRUCT struct pol_record
static const struct key record_keys[] = {
	{ TEXT("keep", keep), .word = WORD_NAME,
	  .about =
		  "How long the audit log is kept, in days (d) or years (y). The body has to say it; "
		  "without it nothing is removed, and check warns.",
	  .example = "400d" },
	{ TEXT("rotate", rotate), .word = WORD_NAME,
	  .about =
		  "Size at which a file of the audit log is closed, in K, M or G; at midnight it is "
		  "closed in any case. Default: 64M.",
	  .example = "64M" },
	{ TEXT("when-full", when_full), .word = WORD_CHOICE,
	  .choices = CHOICES("continue", "close"),
	  .about =
		  "What happens when the audit log cannot be written. continue: alarm, events wait in "
		  "memory, what it does not hold is counted. close: the gate is closed until it can. "
		  "Default: continue.",
	  .example = "close" },
	{ LIST("checkpoint-to", checkpoint_to),
	  .about = "Where signed checkpoints are sent, so that an end that was cut off is noticed: "
		   "syslog, or file: and an absolute path.",
	  .example = "[syslog, \"file:/mnt/worm/checkpoints\"]" },
	{ LIST("hold", hold), .about = "Days whose records are not removed, however old: evidence.",
	  .example = "[2026-04-01..2026-06-30]" },
	{ MAP("mail", mail), .table = &keys_mail_record, .about = "The records of mail.",
	  .example = "{ keep: 90d, hash-addresses: true }" },
};
const struct key_table keys_record = {
	.noun = "record",
	.about = "The audit log.",
	.has_at = true,
	TABLE(record_keys),
};
#undef STRUCT
