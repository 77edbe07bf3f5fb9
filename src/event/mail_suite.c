#include "event/mail_suite.h"

#include <stddef.h>

// Never to be reordered: records have the places.
static const struct {
	uint16_t number;
	const char *text;
} suites[] = {
	{ 0, "" },
	{ 0x1301, "TLS 1.3 TLS_AES_128_GCM_SHA256" },
	{ 0x1302, "TLS 1.3 TLS_AES_256_GCM_SHA384" },
	{ 0x1303, "TLS 1.3 TLS_CHACHA20_POLY1305_SHA256" },
	{ 0xc02b, "TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc02c, "TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc02f, "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc030, "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xcca9, "TLS 1.2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xcca8, "TLS 1.2 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
};
enum { N_SUITES = sizeof(suites) / sizeof(suites[0]) };
_Static_assert((int)N_SUITES <= (int)MAIL_SUITE_OTHER, "half a byte");

uint8_t mail_suite_of(uint16_t number)
{
	for (size_t i = 1; i < N_SUITES; i++)
		if (suites[i].number == number)
			return (uint8_t)i;
	return MAIL_SUITE_OTHER;
}

const char *mail_suite_text(uint8_t suite)
{
	return suite < N_SUITES ? suites[suite].text : "TLS, of a suite that is not known";
}
