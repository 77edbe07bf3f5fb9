#include "unpack/prose_page.h"

#include <ctype.h>
#include <string.h>

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}
#define IS_ONE_OF(word, words) is_one_of(word, words, sizeof(words) / sizeof((words)[0]))

bool prose_page_divides(const char *tag)
{
	static const char *const dividing[] = {
		"br",	 "p",	    "div",   "td",	 "th",	    "tr",      "table",
		"li",	 "ul",	    "ol",    "dl",	 "dt",	    "dd",      "h1",
		"h2",	 "h3",	    "h4",    "h5",	 "h6",	    "hr",      "title",
		"head",	 "body",    "pre",   "option",	 "caption", "section", "article",
		"aside", "header",  "nav",   "footer",	 "form",    "legend",  "fieldset",
		"main",	 "address", "label", "textarea", "center",  "details", "blockquote",
	};
	return IS_ONE_OF(tag, dividing);
}

bool prose_page_is_read(const char *name)
{
	static const char *const read[] = { "alt",   "title",	   "value",	 "placeholder",
					    "label", "aria-label", "content",	 "summary",
					    "abbr",  "download",   "data-title", "standby" };
	return IS_ONE_OF(name, read);
}

// A value without blanks, in small letters; cut.
static void squeeze(const char *value, char *out, size_t size)
{
	size_t n = 0;
	for (; *value && n + 1 < size; value++)
		if (!isspace((unsigned char)*value))
			out[n++] = (char)tolower((unsigned char)*value);
	out[n] = '\0';
}

// "font-size:0", but not "font-size:0.9em".
static bool is_zero(const char *value)
{
	for (; *value && *value != ';' && *value != '!'; value++)
		if (*value >= '1' && *value <= '9')
			return false;
	return true;
}

static bool style_hides(const char *value)
{
	static const struct {
		const char *property;
		bool zero;
	} hiding[] = { { "display:none", false },
		       { "visibility:hidden", false },
		       { "mso-hide:all", false },
		       { "font-size:0", true },
		       { "opacity:0", true } };
	char style[HTML_VALUE_MAX + 1];
	squeeze(value, style, sizeof(style));
	for (size_t i = 0; i < sizeof(hiding) / sizeof(hiding[0]); i++) {
		const char *at = strstr(style, hiding[i].property);
		if (at && (!hiding[i].zero || is_zero(at + strlen(hiding[i].property))))
			return true;
	}
	return false;
}

void prose_page_attribute(struct prose_page *page, const char *name, const char *value)
{
	page->hides |=
		strcmp(name, "hidden") == 0 || (strcmp(name, "style") == 0 && style_hides(value));
}

// Elements that hold nothing, and have no end.
static bool is_void(const char *tag)
{
	static const char *const empty[] = { "area",  "base",	"br",	 "col",	 "embed",
					     "hr",    "img",	"input", "link", "meta",
					     "param", "source", "track", "wbr" };
	return IS_ONE_OF(tag, empty);
}

void prose_page_over(struct prose_page *page, const char *tag, bool end)
{
	static const char *const readings[] = { "rt", "rp" };
	static const char *const over[] = { "rt", "rp", "rb", "rtc", "ruby" };
	if (!end && IS_ONE_OF(tag, readings))
		page->reading = true;
	else if (IS_ONE_OF(tag, over))
		page->reading = false;
	if (page->depth && strcmp(tag, page->hidden) == 0) {
		page->depth += end ? -1U : page->depth < UINT32_MAX;
	} else if (!page->depth && page->hides && !end && !is_void(tag)) {
		strcpy(page->hidden, tag);
		page->depth = 1;
	}
	page->hides = false;
}

bool prose_page_is_beside(const struct prose_page *page, const struct html *html)
{
	static const char *const raw[] = { "script", "style" };
	return page->reading || page->depth || html->comment || IS_ONE_OF(html->raw, raw);
}
