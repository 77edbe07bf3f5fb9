#include "proto/smtp_command.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *word;
	enum smtp_verb verb;
} verbs[] = {
	{ "HELO", SMTP_HELO },	       { "EHLO", SMTP_EHLO },	   { "MAIL", SMTP_MAIL },
	{ "RCPT", SMTP_RCPT },	       { "DATA", SMTP_DATA },	   { "RSET", SMTP_RSET },
	{ "NOOP", SMTP_NOOP },	       { "QUIT", SMTP_QUIT },	   { "VRFY", SMTP_VRFY },
	{ "EXPN", SMTP_EXPN },	       { "HELP", SMTP_HELP },	   { "ETRN", SMTP_ETRN },
	{ "AUTH", SMTP_AUTH },	       { "BDAT", SMTP_BDAT },	   { "STARTTLS", SMTP_STARTTLS },
	{ "LHLO", SMTP_LHLO },	       { "TURN", SMTP_TURN },	   { "ATRN", SMTP_TURN },
	{ "SEND", SMTP_SEND },	       { "SOML", SMTP_SEND },	   { "SAML", SMTP_SEND },
	{ "XCLIENT", SMTP_XCLIENT },   { "GET", SMTP_OTHER },	   { "HEAD", SMTP_OTHER },
	{ "XFORWARD", SMTP_XFORWARD }, { "POST", SMTP_OTHER },	   { "PUT", SMTP_OTHER },
	{ "DELETE", SMTP_OTHER },      { "TRACE", SMTP_OTHER },	   { "PATCH", SMTP_OTHER },
	{ "OPTIONS", SMTP_OTHER },     { "PRI", SMTP_OTHER },	   { "INVITE", SMTP_OTHER },
	{ "CONNECT", SMTP_OTHER },     { "REGISTER", SMTP_OTHER },
};

bool smtp_text_is(const struct smtp_text *text, const char *word)
{
	return text->n == strlen(word) && strncasecmp((const char *)text->at, word, text->n) == 0;
}

void smtp_command_read(const uint8_t *line, size_t n, struct smtp_command *ret)
{
	struct smtp_text word = { line, 0 };
	while (n && line[n - 1] == ' ')
		n--;
	while (word.n < n && line[word.n] != ' ')
		word.n++;
	size_t begin = word.n;
	while (begin < n && line[begin] == ' ')
		begin++;
	*ret = (struct smtp_command){ SMTP_UNKNOWN, { line + begin, n - begin } };
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (smtp_text_is(&word, verbs[i].word))
			ret->verb = verbs[i].verb;
}

bool smtp_command_path(const struct smtp_command *command, const char *word, struct smtp_text *ret)
{
	size_t at = strlen(word);
	const struct smtp_text *argument = &command->argument;
	if (argument->n < at || strncasecmp((const char *)argument->at, word, at) != 0)
		return false;
	while (at < argument->n && argument->at[at] == ' ')
		at++;
	*ret = (struct smtp_text){ argument->at + at, argument->n - at };
	return ret->n && ret->at[0] == '<';
}

static bool is_keyword(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-';
}

int smtp_parameter_next(struct smtp_text *rest, struct smtp_parameter *ret)
{
	const uint8_t *at = rest->at, *end = at + rest->n;
	if (at == end)
		return 0;
	if (*at != ' ')
		return -EINVAL;
	while (at < end && *at == ' ')
		at++;
	struct smtp_parameter parameter = { .keyword.at = at };
	while (at < end && is_keyword(*at))
		at++;
	parameter.keyword.n = (size_t)(at - parameter.keyword.at);
	if (!parameter.keyword.n)
		return -EINVAL;
	if (at < end && *at == '=') {
		parameter.value.at = ++at;
		while (at<end && * at> ' ' && *at != 0x7f)
			at++;
		parameter.value.n = (size_t)(at - parameter.value.at);
		if (!parameter.value.n)
			return -EINVAL;
	}
	*rest = (struct smtp_text){ at, (size_t)(end - at) };
	*ret = parameter;
	return 1;
}

int smtp_text_number(const struct smtp_text *text, uint64_t *ret)
{
	uint64_t number = 0;
	if (!text->n || text->n > 20)
		return -EINVAL;
	for (size_t i = 0; i < text->n; i++) {
		uint8_t byte = text->at[i];
		if (byte < '0' || byte > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, byte - '0', &number))
			number = UINT64_MAX;
	}
	*ret = number;
	return 0;
}
