#include "inspect/habit_page.h"

#include <stdio.h>
#include <string.h>

#include "inspect/habit_url.h"

enum { SCHEME_WHOLE = 8 };

// --- URLs in a text, which most programs make links of

static void end_url(struct habit_page *page)
{
	char host[HABIT_DOMAIN_SIZE];
	page->url[page->n_url] = '\0';
	if (page->n_url == HABIT_URL_MAX)
		page->sink.link(page->sink.arg, HABIT_HOST_HIDDEN, NULL);
	else if (page->n_url && habit_url_authority(page->url, page->maps, host))
		page->sink.link(page->sink.arg, host, NULL);
	page->n_scheme = 0;
	page->n_url = 0;
}

static bool ends_url(char byte)
{
	return (unsigned char)byte <= ' ' || strchr("/\\?#\"'<>", byte);
}

// How much of "http://" or "https://" is seen with this byte: 4 before the "s", 5 behind it.
static uint8_t next_of_scheme(uint8_t seen, char byte)
{
	char small = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
	if (seen < 4 && small == "http"[seen])
		return (uint8_t)(seen + 1);
	if (seen == 4 && small == 's')
		return 5;
	if ((seen == 4 || seen == 5) && small == ':')
		return 6;
	if ((seen == 6 || seen == 7) && small == '/')
		return (uint8_t)(seen + 1);
	return small == 'h';
}

static void scan(struct habit_page *page, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (page->n_scheme < SCHEME_WHOLE) {
			page->n_scheme = next_of_scheme(page->n_scheme, bytes[i]);
		} else if (ends_url(bytes[i]) || page->n_url == HABIT_URL_MAX) {
			end_url(page);
			page->n_scheme = next_of_scheme(0, bytes[i]);
		} else {
			page->url[page->n_url++] = bytes[i];
		}
	}
}

// --- links

static void fold_width(char *text)
{
	char *out = text;
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		if (at[0] == 0xef && at[1] == 0xbc && at[2] >= 0x81) { // U+FF01 to U+FF3F
			*out++ = (char)(at[2] - 0x81 + 0x21);
			at += 3;
		} else if (at[0] == 0xef && at[1] == 0xbd && at[2] >= 0x80 && at[2] <= 0x9e) {
			*out++ = (char)(at[2] - 0x80 + 0x60);
			at += 3;
		} else {
			*out++ = (char)*at++;
		}
	}
	*out = '\0';
}

static void end_link(struct habit_page *page)
{
	char shown[HABIT_DOMAIN_SIZE];
	const char *text = page->shown;
	bool first = true, differs = false;
	if (!page->in_link)
		return;
	page->in_link = false;
	if (!page->host[0])
		return;
	page->shown[page->n_shown] = '\0';
	fold_width(page->shown);
	while (!differs && habit_url_shown(&text, &first, page->maps, shown))
		differs = !habit_domain_same(shown, page->host);
	page->sink.link(page->sink.arg, page->host, differs ? shown : NULL);
}

static void begin_link(struct habit_page *page)
{
	end_link(page);
	page->in_link = true;
	page->n_shown = 0;
	page->host[0] = '\0';
}

void habit_page_text(struct habit_page *page, const char *bytes, size_t n)
{
	size_t room = HABIT_SHOWN_MAX - page->n_shown;
	scan(page, bytes, n);
	if (!page->in_link)
		return;
	n = n < room ? n : room;
	memcpy(page->shown + page->n_shown, bytes, n);
	page->n_shown = (uint16_t)(page->n_shown + n);
}

// --- what acts

static const char *const active_tags[] = { "script", "object",	 "embed", "applet", "iframe",
					   "frame",  "frameset", "form",  "portal", "fencedframe" };

static void tell_active(struct habit_page *page, const char *what)
{
	page->sink.active(page->sink.arg, what);
}

static bool is_url(const char *name)
{
	static const char *const urls[] = { "href",	  "src",	"action",
					    "formaction", "xlink:href", "data",
					    "background", "poster",	"srcdoc" };
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		if (strcmp(name, urls[i]) == 0)
			return true;
	return false;
}

static void look_at_attribute(struct habit_page *page, const char *tag, const char *name,
			      const char *value)
{
	if (strncmp(name, "on", 2) == 0 && name[2] >= 'a' && name[2] <= 'z')
		tell_active(page, name);
	else if (strcmp(tag, "meta") == 0 && strcmp(name, "http-equiv") == 0 &&
		 strcasestr(value, "refresh"))
		tell_active(page, "meta refresh");
	else if (is_url(name) && habit_url_is_active(value))
		tell_active(page, name);
}

void habit_page_tag(struct habit_page *page, const char *name, bool end)
{
	if (strcmp(name, "a") == 0 && end)
		end_link(page);
	else if (strcmp(name, "a") == 0)
		begin_link(page);
	for (size_t i = 0; !end && i < sizeof(active_tags) / sizeof(active_tags[0]); i++)
		if (strcmp(name, active_tags[i]) == 0)
			tell_active(page, name);
}

void habit_page_attribute(struct habit_page *page, const char *tag, const char *name,
			  const char *value)
{
	char host[HABIT_DOMAIN_SIZE];
	bool link = strcmp(name, "href") == 0 || strcmp(name, "xlink:href") == 0;
	look_at_attribute(page, tag, name, value);
	if (strcmp(tag, "a") == 0 && link && !page->host[0]) {
		if (!habit_url_host(value, page->maps, page->host)) {
			// A path belongs to the page's base; another scheme, or a fragment, not.
			bool path = value[strcspn(value, ":/?#")] != ':' && value[0] != '#';
			snprintf(page->host, sizeof(page->host), "%s", path ? page->base : "");
		}
	} else if (strcmp(tag, "base") == 0 && link && !page->base[0]) {
		if (!habit_url_host(value, page->maps, page->base))
			page->base[0] = '\0';
	} else if ((strcmp(tag, "area") == 0 && link) ||
		   (strcmp(tag, "form") == 0 && strcmp(name, "action") == 0) ||
		   strcmp(name, "formaction") == 0) {
		if (habit_url_host(value, page->maps, host))
			page->sink.link(page->sink.arg, host, NULL);
	}
}

void habit_page_end(struct habit_page *page)
{
	end_url(page);
	end_link(page);
}
