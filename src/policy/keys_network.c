// Keys of what flows are made of: zones, networks, services, owners, clauses.
#include "policy/keys_private.h"

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
const struct key_table keys_zone = {
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
const struct key_table keys_network = {
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
const struct key_table keys_service = {
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
const struct key_table keys_owner = {
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
const struct key_table keys_clause = {
	.noun = "clause",
	.about = "The body's own table of articles, for citing.",
	.id = "id",
	TABLE(clause_keys),
};
#undef STRUCT
