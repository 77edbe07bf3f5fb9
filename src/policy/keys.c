// The table of the policy's keys, section by section, in the order in which they are printed.
#include "policy/keys.h"

#include <string.h>

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

#define STRUCT struct pol_zone
static const struct key zone_keys[] = {
	{ TEXT("id", id), .word = WORD_ZONE_ID, .required = true,
	  .about = "Name of the zone in flows, logs and commands.", .example = "office" },
	{ TITLE("LGWAN接続系") },
	{ TEXT("role", role), .word = WORD_CHOICE,
	  .choices = CHOICES("inside", "uplink", "external", "public", "server"),
	  .about =
		  "What the zone is to the body: inside (the default), uplink (LGWAN or another body's "
		  "network), external (the Internet), public (guests' Wi-Fi) or server (hosts that "
		  "offer something).",
	  .example = "uplink" },
	{ TEXT("class", class), .word = WORD_CHOICE, .choices = CHOICES("I", "II", "III", "IV"),
	  .about =
		  "Importance class of the zone's information, I (the weightiest, the default) to IV.",
	  .example = "II" },
	{ LIST("interfaces", interfaces), .required = true,
	  .about =
		  "Network interfaces of the gateway that lead to the zone; vlan* stands for all whose "
		  "names begin so.",
	  .example = "[lan-office]" },
	{ LIST("networks", networks),
	  .about =
		  "Addresses of the zone: prefixes or ranges, IPv4 and IPv6. Without it, every address "
		  "that belongs to no other zone, but for loopback, link-local, multicast and reserved "
		  "ones.",
	  .example = "[10.20.0.0/16, fd00:20::/32]" },
	{ BOOL("relay", relay),
	  .about =
		  "Whether hosts here may pass a connection on, which assertions follow. Default: true "
		  "for inside and server, false for the other roles.",
	  .example = "false" },
	{ TEXT("mss", mss), .word = WORD_CHOICE_OR_UINT, .choices = CHOICES("path-mtu"), .min = 536,
	  .max = 65495,
	  .about =
		  "Largest TCP segment let through to and from the zone, in bytes, or path-mtu to follow "
		  "the path.",
	  .example = "path-mtu" },
};
static const struct key_table zone_table = {
	.noun = "zone",
	.about =
		"Interfaces and networks that trust each other equally. The zone self is the gateway "
		"and needs no entry.",
	.id = "id",
	TABLE(zone_keys),
};
#undef STRUCT

#define STRUCT struct pol_network
static const struct key network_keys[] = {
	{ TEXT("id", id), .word = WORD_NETWORK_ID, .required = true,
	  .about =
		  "zone/name for addresses of that zone, which flows can name; a plain name for a group "
		  "to use in other networks.",
	  .example = "dmz/mail-hub" },
	{ TITLE("メール中継サーバ") },
	{ LIST("addresses", addresses),
	  .about =
		  "Addresses, prefixes, ranges, and names of other networks. Required unless countries "
		  "are given.",
	  .example = "[192.0.2.25, 192.0.2.32/28]" },
	{ LIST("country", countries),
	  .about =
		  "Countries by their codes (ISO 3166): their addresses by the box's database, in the "
		  "network's zone. Private and reserved addresses are of no country.",
	  .example = "[JP]" },
	{ LIST("continent", continents),
	  .about = "Every country of a continent: AF, AN, AS, EU, NA, OC or SA.",
	  .example = "[AS]" },
	{ LIST("not", not_countries),
	  .about = "Countries that are left out; without country and continent: every country but "
		   "these.",
	  .example = "[KP]" },
	{ LIST("except", except),
	  .about = "What is taken away from all of this, written as in addresses.",
	  .example = "[192.0.2.40]" },
	{ BOOL("relay", relay),
	  .about = "Whether these hosts may pass a connection on; goes before the zone's relay.",
	  .example = "true" },
};
static const struct key_table network_table = {
	.noun = "network",
	.about = "Named addresses. A bare list stands for addresses.",
	.id = "id",
	.short_form = "addresses",
	TABLE(network_keys),
};
#undef STRUCT

#define STRUCT struct pol_service
static const struct key service_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true,
	  .about = "Name of the service in flows.", .example = "intra-web" },
	{ TITLE("庁内ポータル") },
	{ LIST("members", members), .required = true,
	  .about =
		  "Protocols with ports or types (tcp/80, udp/5000-5010, icmp/echo-request, ip/esp, any) "
		  "and names of other services.",
	  .example = "[tcp/8080, tcp/8443]" },
	{ LIST("source-ports", source_ports),
	  .about =
		  "Source ports or ranges that are demanded besides; for tcp, udp and sctp members.",
	  .example = "[68]" },
};
static const struct key_table service_table = {
	.noun = "service",
	.about =
		"Named protocols and ports, besides those that Sekisho knows. A bare list stands for "
		"members.",
	.id = "id",
	.short_form = "members",
	TABLE(service_keys),
};
#undef STRUCT

#define STRUCT struct pol_owner
static const struct key owner_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true, .about = "Name of the owner in flows.",
	  .example = "soumu" },
	{ TITLE("総務課") },
	{ TEXT("office", office), .about = "Office or section.", .example = "総務部総務課情報係" },
	{ TEXT("contact", contact), .about = "Telephone or mail address.", .example = "内線 2145" },
	{ TEXT("successor", successor), .word = WORD_NAME,
	  .about = "Owner who takes over when this one is dissolved.", .example = "jouhou" },
};
static const struct key_table owner_table = {
	.noun = "owner",
	.about = "Who answers for flows. A bare text stands for title.",
	.id = "id",
	.short_form = "title",
	TABLE(owner_keys),
};
#undef STRUCT

#define STRUCT struct pol_clause
static const struct key clause_keys[] = {
	{ TEXT("id", id), .required = true,
	  .about = "Number by which flows and assertions cite it.", .example = "71-7" },
	{ TEXT("article", article), .about = "Article of the body's rules.",
	  .example = "第71条第7項" },
	{ TEXT("text", text), .about = "What it says.",
	  .example = "公衆通信回線から庁内ネットワークへ接続させない。" },
	{ LIST("controls", controls), .about = "Controls that answer it.", .example = "[NET-01]" },
};
static const struct key_table clause_table = {
	.noun = "clause",
	.about = "The body's own table of articles, for citing.",
	.id = "id",
	TABLE(clause_keys),
};
#undef STRUCT

#define STRUCT struct pol_guard
static const struct key guard_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true, .about = "Name of the guard in flows.",
	  .example = "mail" },
	{ TITLE("メール検査") },
	{ TEXT("protocol", protocol), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("smtp", "http", "dns"), .about = "What is inspected.",
	  .example = "smtp" },
};
static const struct key_table guard_table = {
	.noun = "guard",
	.about = "Inspection that a flow passes through. A bare word stands for protocol.",
	.id = "id",
	.short_form = "protocol",
	TABLE(guard_keys),
};
#undef STRUCT

#define STRUCT struct pol_except
static const struct key except_keys[] = {
	{ LIST("from", from), .about = "Part of the flow's from; absent: all of it.",
	  .example = "[office/guests]" },
	{ LIST("to", to), .about = "Part of the flow's to; absent: all of it.",
	  .example = "[dmz/mail-hub]" },
	{ LIST("services", services), .about = "Part of the flow's services; absent: all of them.",
	  .example = "[tcp/25]" },
};
static const struct key_table except_table = {
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
	{ ENTRIES("except", except), .form = FORM_LIST, .table = &except_table,
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
static const struct key_table flow_table = {
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
static const struct key_table nat_table = {
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
static const struct key_table never_table = {
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
static const struct key_table only_via_table = {
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
static const struct key_table at_most_table = {
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
	{ MAP("never", never), .table = &never_table, .one_of = true,
	  .about = "What must not be reachable.",
	  .example = "{ from: public-wifi, to: [office, lgwan] }" },
	{ MAP("only-via", only_via), .table = &only_via_table, .one_of = true,
	  .about = "What every path must pass through.",
	  .example = "{ from: office, via: lgwan }" },
	{ MAP("at-most", at_most), .table = &at_most_table, .one_of = true,
	  .about = "What is counted.", .example = "{ connection-points: 2 }" },
};
static const struct key_table assertion_table = {
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
static const struct key_table test_table = {
	.noun = "test",
	.about = "Packets and what becomes of them; tried at every check and before anything is "
		 "applied.",
	.id = "id",
	.has_at = true,
	TABLE(test_keys),
};
#undef STRUCT

#define STRUCT struct pol_default
static const struct key default_keys[] = {
	{ LIST("from", from), .about = "Zones; absent: all.", .example = "[office]" },
	{ LIST("to", to), .about = "Zones; absent: all.", .example = "[lgwan]" },
	{ TEXT("action", action), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("drop", "reject"), .about = "What happens to what is denied.",
	  .example = "reject" },
};
static const struct key_table default_table = {
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
	{ ENTRIES("defaults", defaults), .form = FORM_LIST, .table = &default_table,
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
static const struct key_table settings_table = {
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
static const struct key_table approval_rule_table = {
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
static const struct key_table deputy_table = {
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
	{ ENTRIES("rules", rules), .form = FORM_LIST, .table = &approval_rule_table,
	  .about = "Other numbers for certain zones and weights.",
	  .example = "[{ zones: [internet], approvers: 2 }, { weight: light, approvers: 0 }]" },
	{ ENTRIES("deputies", deputies), .form = FORM_LIST, .table = &deputy_table,
	  .about = "Who stands in for whom.",
	  .example = "[{ for: suzuki, deputy: tanaka, from: 2026-12-01, until: 2026-12-15 }]" },
};
static const struct key_table approval_table = {
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
static const struct key_table capture_table = {
	.noun = "capture",
	.about = "The last packets of some zones, kept in memory and saved with an incident. They "
		 "are copies: it costs each packet of those zones.",
	.has_at = true,
	TABLE(capture_keys),
};
#undef STRUCT

#define STRUCT struct pol_evidence
static const struct key evidence_keys[] = {
	{ MAP("capture", capture), .table = &capture_table,
	  .about = "Packets. Default: none are kept.", .example = "{ zones: [internet] }" },
};
static const struct key_table evidence_table = {
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
static const struct key_table isolation_table = {
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
static const struct key_table contact_table = {
	.noun = "contact",
	.about = "Whom to tell of an incident; shown with it and exported with it.",
	.has_at = true,
	TABLE(contact_keys),
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
};
static const struct key_table record_table = {
	.noun = "record",
	.about = "The audit log.",
	.has_at = true,
	TABLE(record_keys),
};
#undef STRUCT

#define STRUCT struct pol_tree
static const struct key policy_keys[] = {
	{ TEXT("version", version), .word = WORD_CHOICE, .choices = CHOICES("1"), .repeats = true,
	  .about = "Version of the language. Default: 1.", .example = "1" },
	{ TEXT("title", title), .about = "Name of the policy, once in all its files.",
	  .example = "みどり町 境界ポリシー" },
	{ ENTRIES("zones", zones), .table = &zone_table, .about = "Parts of the network.",
	  .example = "{ office: { interfaces: [lan-office], networks: [10.20.0.0/16] } }" },
	{ ENTRIES("networks", networks), .table = &network_table, .about = "Named addresses.",
	  .example = "{ dmz/mail-hub: [192.0.2.25] }" },
	{ ENTRIES("services", services), .table = &service_table,
	  .about = "Named protocols and ports.", .example = "{ intra: [tcp/8080] }" },
	{ ENTRIES("owners", owners), .table = &owner_table, .about = "Who answers for flows.",
	  .example = "{ soumu: { title: 総務課 } }" },
	{ ENTRIES("clauses", clauses), .form = FORM_EITHER, .table = &clause_table,
	  .about = "Articles of the body's own rules.",
	  .example = "[{ id: 71-7, article: 第71条第7項 }]" },
	{ ENTRIES("guards", guards), .table = &guard_table, .about = "Inspections.",
	  .example = "{ mail: { protocol: smtp } }" },
	{ ENTRIES("flows", flows), .form = FORM_LIST, .table = &flow_table, .about = "Permissions.",
	  .example = "[{ id: office-mail-out, from: office, to: dmz/mail-hub, services: smtp }]" },
	{ ENTRIES("nat", nat), .form = FORM_LIST, .table = &nat_table,
	  .about = "Address translations.",
	  .example = "[{ id: out, kind: masquerade, from: office, to: internet }]" },
	{ ENTRIES("assertions", assertions), .form = FORM_LIST, .table = &assertion_table,
	  .about = "What must hold of the whole policy.",
	  .example = "[{ id: wifi, never: { from: public-wifi, to: office } }]" },
	{ ENTRIES("tests", tests), .form = FORM_LIST, .table = &test_table,
	  .about = "Packets and what must become of them.",
	  .example =
		  "[{ id: mail, from: office, to: dmz/mail-hub, services: smtp, expect: allow }]" },
	{ MAP("settings", settings), .table = &settings_table,
	  .about = "What is not about one flow. Each key once in all files.",
	  .example = "{ default: reject }" },
	{ MAP("approval", approval), .table = &approval_table,
	  .about = "Who must approve changes. Each key once in all files.",
	  .example = "{ approvers: 1 }" },
	{ MAP("isolation", isolation), .table = &isolation_table,
	  .about = "Emergency isolation. Each key once in all files.",
	  .example = "{ lifelines: [phones] }" },
	{ MAP("evidence", evidence), .table = &evidence_table,
	  .about = "What is kept ready for an incident. Each key once in all files.",
	  .example = "{ capture: { zones: [internet] } }" },
	{ ENTRIES("contacts", contacts), .form = FORM_LIST, .table = &contact_table,
	  .about = "Whom to tell of an incident.",
	  .example = "[{ role: csirt, contact: 内線 2199 }]" },
	{ MAP("record", record), .table = &record_table,
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
	&keys_policy,	&zone_table,	 &network_table,  &service_table,	&owner_table,
	&clause_table,	&guard_table,	 &except_table,	  &flow_table,		&nat_table,
	&never_table,	&only_via_table, &at_most_table,  &assertion_table,	&test_table,
	&default_table, &settings_table, &approval_table, &approval_rule_table, &deputy_table,
	&capture_table, &evidence_table, &contact_table,  &record_table,	&isolation_table,
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
