// Names of domains and mail addresses as a policy has them: what mail carries, and nothing else.
#include "plan/mail_domain.h"

#include <stdbool.h>
#include <string.h>

enum {
	DOMAIN_BYTES_MAX = 253, // RFC 1035 2.3.4, without the dot at the end
	LABEL_BYTES_MAX = 63,
	LOCAL_BYTES_MAX = 64, // RFC 5321 4.5.3.1.1
};

static bool is_label(const char *label, size_t length)
{
	if (length == 0 || length > LABEL_BYTES_MAX || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = label[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return true;
}

const char *mail_domain_fault(const char *name)
{
	size_t length = strlen(name), labels = 0;
	const char *last = name;

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c >= 0x80)
			return "is written in letters that mail does not carry; write its A-label, "
			       "xn--..., as the registry shows it";
	if (length == 0 || length > DOMAIN_BYTES_MAX)
		return "is no domain name";
	if (name[length - 1] == '.')
		return "ends in a dot; take it away";
	for (const char *label = name; label;) {
		size_t n = strcspn(label, ".");

		if (!is_label(label, n))
			return "is no domain name: letters, digits and hyphens between dots";
		labels++;
		last = label;
		label = label[n] ? label + n + 1 : NULL;
	}
	if (labels < 2)
		return "is a whole branch of names; write a domain such as city.example.jp";
	if (strspn(last, "0123456789") == strlen(last))
		return "is an address; write a domain such as city.example.jp";
	return NULL;
}

const char *mail_recipient_fault(const char *text)
{
	const char *at = strrchr(text, '@');
	const char *fault;

	if (!at)
		return mail_domain_fault(text);
	if (at == text)
		return "has nothing before the @; write the domain alone for all of its addresses";
	if ((size_t)(at - text) > LOCAL_BYTES_MAX || memchr(text, '@', (size_t)(at - text)))
		return "is no mail address";
	fault = mail_domain_fault(at + 1);
	return fault ? "is no mail address: what stands after the @ is no domain" : NULL;
}
