// libfyaml's messages in plain words that say what to do.
#include "policy/yaml.h"

#include <string.h>

// The first row whose part is found in the message counts.
static const struct {
	const char *part;
	const char *words;
} rows[] = {
	{ "depth limit", "too many lists and maps stand within one another here" },
	{ "recursion depth", "too many lists and maps stand within one another here" },
	{ "cannot start with", "a value cannot begin with this sign; put the value in quotes" },
	{ "without a closing", "a list or map in brackets is opened above and never closed" },
	{ "without closing quote", "a quote is opened here and never closed" },
	{ "indented double-quoted",
	  "a quote is opened here and never closed, or its lines are not indented" },
	{ "indented single-quoted",
	  "a quote is opened here and never closed, or its lines are not indented" },
	{ "same line as a mapping key", "a list with hyphens begins on the line below its key" },
	{ "invalid value after mapping",
	  "this line does not fit those above; is its colon missing?" },
	{ "did not find expected key",
	  "this line does not fit those above; is it indented like its neighbours, with a colon after "
	  "its key?" },
	{ "could not find expected ':'",
	  "a colon is missing here; write a key, a colon and a space before each value" },
	{ "missing ':'",
	  "a colon is missing here; write a key, a colon and a space before each value" },
	{ "missing comma", "a comma is missing between two entries of this list or map" },
	{ "expected '-'",
	  "this line does not fit the list above it; begin it with \"- \", indented alike" },
	{ "end of block sequence",
	  "this line does not fit the list above it; begin it with \"- \"" },
	{ "sequence item", "this entry of a list is not indented like those above it" },
	{ "tab", "a tab stands where YAML takes only spaces" },
	{ "ndentation", "this line is not indented like its neighbours" },
	{ "ndendation", "this line is not indented like its neighbours" },
	{ "indented",
	  "this line is not indented enough, or an opening bracket or quote above is not closed" },
	{ "extra closing", "this closing bracket has no opening one" },
	{ "document-", "a quote is opened above and never closed" },
	{ "multiline plain key", "a key must stand on one line; is a colon missing after it?" },
	{ "in plain multiline",
	  "this line goes on with the value above; indent it like its neighbours, or put the value in quotes" },
	{ "on same line",
	  "two keys with colons stand on one line; put the second on a line of its own, or "
	  "the value in quotes" },
	{ "on the same line",
	  "two keys with colons stand on one line; put the second on a line of its own, "
	  "or the value in quotes" },
	{ "not allowed in this context",
	  "a list or key cannot begin here; put it on a line of its own, or the value in quotes" },
	{ "mapping value", "a colon cannot stand here; put the value in quotes if it holds one" },
	{ "placement of ':'",
	  "a colon cannot stand here; put the value in quotes if it holds one" },
	{ "value mark", "a colon cannot stand here; put the value in quotes if it holds one" },
	{ "trailing content",
	  "something stands after the closing quote; take it away or quote it too" },
	{ "escape",
	  "a backslash in double quotes begins no sign that YAML knows; write it twice or use "
	  "single quotes" },
	{ "invalid comment", "put a space before the # of a comment" },
	{ "block scalar", "the lines of this | or > text are not indented alike" },
	{ "block entry", "a hyphen cannot begin a list here; put it on a line of its own" },
	{ "expected node content", "a value is missing here" },
	{ "stream end", "a list or map is opened above and never closed" },
	{ "invalid character", "a value cannot begin with this sign; put it in quotes" },
	{ "tag", "a value cannot begin with \"!\"; put it in quotes" },
	{ "anchor", "a value cannot begin with \"&\" or \"*\"; put it in quotes" },
	{ "alias", "a value cannot begin with \"&\" or \"*\"; put it in quotes" },
	{ "directive", "a line that begins with % cannot stand here; take it away" },
	{ "flow",
	  "this list or map in brackets is not well formed; look for a missing comma, quote or "
	  "closing bracket" },
};

const char *yaml_words(const char *message)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(message, rows[i].part))
			return rows[i].words;
	return "the file is not well formed here; look for a missing colon, quote, bracket or space";
}
