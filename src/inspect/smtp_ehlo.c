#include "inspect/smtp_ehlo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/smtp_command.h"

static const char *const known[] = {
	"PIPELINING", "8BITMIME", "DSN",  "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH",
	"ETRN",	      "VRFY",	  "EXPN", "HELP",     "DELIVERBY",	     "LIMITS",
};

static bool is_known(const struct smtp_text *keyword)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (smtp_text_is(keyword, known[i]))
			return true;
	return false;
}

static bool cross_out(uint8_t *line, size_t n)
{
	memset(line + 4, 'X', n - 4);
	return true;
}

static bool lower_size(uint8_t *line, size_t n, size_t keyword, uint64_t size)
{
	struct smtp_text number = { line + 4 + keyword, n - 4 - keyword };
	char digits[32];
	uint64_t offered;
	if (number.n && number.at[0] == ' ') {
		number.at++;
		number.n--;
	}
	while (number.n && number.at[number.n - 1] == ' ')
		number.n--;
	if (!number.n)
		return false;
	if (smtp_text_number(&number, &offered) < 0)
		return cross_out(line, n);
	if (offered <= size)
		return false;
	snprintf(digits, sizeof(digits), "%0*" PRIu64, (int)number.n, size);
	memcpy(line + (number.at - line), digits, number.n);
	return true;
}

static struct smtp_text keyword_of(const uint8_t *line, size_t n)
{
	struct smtp_text keyword = { line + 4, 0 };
	while (4 + keyword.n < n && line[4 + keyword.n] != ' ' && line[4 + keyword.n] != '=')
		keyword.n++;
	return keyword;
}

bool smtp_ehlo_is_tls(const uint8_t *line, size_t n)
{
	const struct smtp_text keyword = keyword_of(line, n > 4 ? n : 4);
	return smtp_text_is(&keyword, "STARTTLS");
}

bool smtp_ehlo_edit(uint8_t *line, size_t n, uint64_t size, bool starttls)
{
	if (n <= 4)
		return false;
	const struct smtp_text keyword = keyword_of(line, n);
	if (smtp_text_is(&keyword, "SIZE"))
		return lower_size(line, n, keyword.n, size);
	if (is_known(&keyword) || (starttls && smtp_text_is(&keyword, "STARTTLS")))
		return false;
	return cross_out(line, n);
}
