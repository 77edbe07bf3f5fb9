#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/sysctl.h"

enum setting_rule {
	SETTING_ON,    // the gate's, while it forwards
	SETTING_KEPT,  // the gate's, once it was 0
	SETTING_ZERO,  // better 0
	SETTING_STEADY // whatever it is, it stays so
};

static const struct {
	const char *name; // below /proc/sys
	enum setting_rule rule;
	const char *means; // when it is not 0, or not as it was
} settings_table[] = {
	{ "net/ipv4/ip_forward", SETTING_ON, "" },
	{ "net/ipv6/conf/all/forwarding", SETTING_ON, "" },
	{ "net/netfilter/nf_conntrack_tcp_loose", SETTING_KEPT, "" },
	{ "net/ipv4/conf/all/rp_filter", SETTING_STEADY, "" },
	{ "net/ipv4/conf/all/accept_local", SETTING_ZERO,
	  "packets from outside with an address of this box are taken" },
	{ "net/ipv4/conf/all/route_localnet", SETTING_ZERO,
	  "127.0.0.0/8 can be reached from outside" },
	{ "net/ipv4/conf/all/accept_redirects", SETTING_ZERO, "others can change its routes" },
	{ "net/ipv4/conf/all/accept_source_route", SETTING_ZERO,
	  "senders can choose the way of their packets" },
};

// Of a link; the bit of those that are better 0.
static const struct {
	const char *name;
	bool zero;
	const char *means;
} link_settings[NETWORK_SETTINGS] = {
	[NETWORK_FORWARDING] = { "forwarding", false, "" },
	[NETWORK_RP_FILTER] = { "rp_filter", false, "" },
	[NETWORK_ACCEPT_LOCAL] = { "accept_local", true,
				   "packets from there with an address of this box are taken" },
	[NETWORK_ROUTE_LOCALNET] = { "route_localnet", true,
				     "127.0.0.0/8 can be reached from there" },
};

void settings_done(struct settings *settings)
{
	vec_done(&settings->seen);
}

// The value at the first look; of a setting that is better 0, the least since.
static uint32_t first_value(struct settings *settings, const char *name, uint32_t value, bool zero)
{
	for (size_t i = 0; i < settings->seen.n; i++) {
		struct setting_seen *seen = &settings->seen.v[i];
		if (strcmp(seen->name, name) != 0)
			continue;
		if (zero && !value)
			seen->value = 0;
		return seen->value;
	}
	struct setting_seen *seen = vec_add(&settings->seen);
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	seen->value = value;
	return value;
}

// What is not as it was weighs more than what somebody has meant before the gate began.
static void judge_value(const char *name, uint32_t first, uint32_t value, bool zero,
			const char *means, struct findings *findings)
{
	if (first != value)
		findings_add(findings, FINDING_SETTING, FINDING_WARNING, name,
			     "%s was %u at first and is %u now%s%s", name, first, value,
			     zero ? ": " : "", zero ? means : "");
	else if (zero && value)
		findings_add(findings, FINDING_SETTING, FINDING_NOTE, name, "%s is %u: %s", name,
			     value, means);
}

void settings_judge(struct settings *settings, bool forwards, settings_mend *mend, void *arg,
		    struct findings *findings)
{
	for (size_t i = 0; i < sizeof(settings_table) / sizeof(settings_table[0]); i++) {
		const char *name = settings_table[i].name;
		enum setting_rule rule = settings_table[i].rule;
		bool zero = rule == SETTING_ZERO || rule == SETTING_KEPT;
		uint32_t value;
		if (sysctl_get(name, &value) < 0) // not of this kernel
			continue;
		uint32_t first = first_value(settings, name, value, zero);
		if (rule == SETTING_ON && forwards && !value)
			mend(arg, &(struct setting_change){ name, value, 1, GATE_FORWARDING,
							    SK_FORWARDING_FAILED });
		else if (rule == SETTING_KEPT && value && !first)
			mend(arg, &(struct setting_change){ name, value, 0, GATE_TCP_LOOSE,
							    SK_TCP_LOOSE });
		else if (rule == SETTING_ZERO || rule == SETTING_STEADY)
			judge_value(name, first, value, zero, settings_table[i].means, findings);
	}
}

static void judge_link(struct settings *settings, bool forwards, const struct network_link *link,
		       struct findings *findings)
{
	for (size_t k = 0; k < NETWORK_SETTINGS; k++) {
		uint32_t value = link->settings[k];
		bool zero = link_settings[k].zero;
		char name[64];
		snprintf(name, sizeof(name), "net/ipv4/conf/%s/%s", link->name,
			 link_settings[k].name);
		uint32_t first = first_value(settings, name, value, zero);
		if (k != NETWORK_FORWARDING && first != value) // at first it is as for all links
			judge_value(name, first, value, zero, link_settings[k].means, findings);
		else if (k == NETWORK_FORWARDING && forwards && !value)
			findings_add(findings, FINDING_SETTING, FINDING_WARNING, name,
				     "%s is 0: it forwards nothing", name);
	}
}

void settings_judge_links(struct settings *settings, bool forwards, const struct network *network,
			  struct findings *findings)
{
	for (size_t i = 0; i < network->links.n; i++)
		if (network->links.v[i].has_settings && !network->links.v[i].loopback)
			judge_link(settings, forwards, &network->links.v[i], findings);
}
