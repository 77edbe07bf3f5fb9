#include "inspect/smtp_relay.h"

// What some servers read as another address than the one before the last "@".
enum {
	EVERYWHERE = SMTP_PATH_ROUTE | SMTP_PATH_DOUBLE_AT,
	FROM_OUTSIDE = EVERYWHERE | SMTP_PATH_PERCENT | SMTP_PATH_BANG | SMTP_PATH_QUOTED,
};

bool smtp_relay_is_sender(const struct engine_peer *peer)
{
	const struct profile *profile = peer->flow->profile;
	return profile_holds(&profile->senders, &peer->client) &&
	       (!profile->smart_hosts.n || profile_holds(&profile->smart_hosts, &peer->server));
}

bool smtp_relay_is_own(const struct profile *profile, const struct smtp_path *path)
{
	switch (path->kind) {
	case SMTP_PATH_POSTMASTER:
	case SMTP_PATH_BARE:
		return true;
	case SMTP_PATH_MAILBOX:
		return profile_owns(profile, path->domain);
	case SMTP_PATH_NULL:
	case SMTP_PATH_LITERAL:
		break;
	}
	return false;
}

enum smtp_reason smtp_relay_recipient(const struct profile *profile, bool sender,
				      const struct smtp_path *path)
{
	if (path->kind == SMTP_PATH_NULL)
		return SMTP_RECIPIENT_SYNTAX;
	if (path->flags & (sender ? EVERYWHERE : FROM_OUTSIDE))
		return SMTP_AMBIGUOUS;
	if (sender)
		return SMTP_REASON_NONE;
	if (path->kind == SMTP_PATH_BARE)
		return SMTP_AMBIGUOUS;
	return smtp_relay_is_own(profile, path) ? SMTP_REASON_NONE : SMTP_RELAY;
}

enum smtp_reason smtp_relay_sender(const struct engine_peer *peer, const struct smtp_path *path,
				   bool *ret_marked)
{
	const struct profile *profile = peer->flow->profile;
	*ret_marked = false;
	if (profile->own_sender == PROFILE_OWN_ALLOW || !smtp_relay_is_own(profile, path) ||
	    profile_holds(&profile->senders, &peer->client) ||
	    profile_holds(&profile->own_sender_from, &peer->client))
		return SMTP_REASON_NONE;
	*ret_marked = true;
	return profile->own_sender == PROFILE_OWN_REFUSE ? SMTP_OWN_SENDER : SMTP_REASON_NONE;
}
