// The name as code points, from its end: what is not seen is taken out first, then what Windows
// strips, then extensions are read.
//
//	"C:\work\予算.pdf     .exe. "   base 予算.pdf     .exe.    spaces, two extensions, stripped
//	"memo<RLO>fdp.exe"              turned around: shown as memoexe.pdf
//	"a.txt:b.exe"                   a stream of another name: both count
#include "unpack/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "unpack/extension.h"
#include "unpack/unpack.h"

enum { POINTS_MAX = 1024, SPACES_MAX = 5 };

struct points {
	uint32_t v[POINTS_MAX];
	size_t n;
	bool hidden; // letters that are not seen, or that turn others around
};

static const struct {
	uint32_t from, to;
} unseen[] = {
	{ 0x01, 0x1f },	    { 0x7f, 0x9f },	  { 0xad, 0xad },     { 0x61c, 0x61c },
	{ 0x115f, 0x1160 }, { 0x180b, 0x180e },	  { 0x200b, 0x200f }, { 0x202a, 0x202e },
	{ 0x2060, 0x206f }, { 0x3164, 0x3164 },	  { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
	{ 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
};

static bool is_unseen(uint32_t point)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (point >= unseen[i].from && point <= unseen[i].to)
			return true;
	return false;
}

static bool is_space(uint32_t point)
{
	return point == ' ' || point == '\t' || point == 0xa0 || point == 0x1680 ||
	       (point >= 0x2000 && point <= 0x200a) || point == 0x202f || point == 0x205f ||
	       point == 0x2800 || point == 0x3000;
}

// What looks like a full stop and is none.
static bool is_dot_like(uint32_t point)
{
	return point == 0x2024 || point == 0xff0e || point == 0xfe52 || point == 0x3002 ||
	       point == 0xff61 || point == 0xb7 || point == 0x30fb;
}

// Joiners hold emoji together, and no letter beside them is of ASCII then.
static bool is_joiner(uint32_t point)
{
	return point == 0x200c || point == 0x200d;
}

// The last part of the path; a separator empties what came before it.
static void read_points(const char *name, struct points *ret)
{
	uint32_t last = 0;
	ret->n = 0;
	ret->hidden = false;
	for (uint32_t point; (point = text_next(&name)) != 0; last = point) {
		if (is_joiner(last) && point < 0x80)
			ret->hidden = true;
		if (point == '/' || point == '\\') {
			if (*name)
				ret->n = 0;
			continue;
		}
		if (is_unseen(point)) {
			if (!is_joiner(point) || last < 0x80)
				ret->hidden = true;
			continue;
		}
		if (ret->n == POINTS_MAX) { // the end is what counts
			memmove(ret->v, ret->v + POINTS_MAX / 2,
				POINTS_MAX / 2 * sizeof(ret->v[0]));
			ret->n = POINTS_MAX / 2;
		}
		ret->v[ret->n++] = point;
	}
	if (is_joiner(last))
		ret->hidden = true;
}

// The extension that ends at end (exclusive), in lower case; *ret_dot: where its dot is.
static bool read_extension(const struct points *points, size_t end, bool like, char *out,
			   size_t *ret_dot)
{
	size_t at = end, n = 0;
	while (at > 0 && points->v[at - 1] != '.' && !(like && is_dot_like(points->v[at - 1])))
		at--;
	*out = '\0';
	if (at == 0)
		return false;
	*ret_dot = at - 1;
	while (end > at && is_space(points->v[end - 1]))
		end--;
	while (at < end && is_space(points->v[at]))
		at++;
	if (end - at >= NAME_EXTENSION_MAX)
		return true;
	for (; at < end; at++) {
		uint32_t point = points->v[at];
		if (point >= 0x80) {
			*out = '\0';
			return true;
		}
		out[n++] = (char)(point >= 'A' && point <= 'Z' ? point + 32 : point);
	}
	out[n] = '\0';
	return true;
}

static size_t longest_run_of_spaces(const struct points *points, size_t end)
{
	size_t longest = 0, run = 0;
	for (size_t i = 0; i < end; i++) {
		run = is_space(points->v[i]) ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

// Several may follow one another: a.pdf.txt.exe
static bool shows_another(const struct points *points, size_t dot)
{
	char text[NAME_EXTENSION_MAX];
	for (int i = 0; i < 4 && dot > 0 && read_extension(points, dot, true, text, &dot); i++) {
		const struct extension *extension = extension_find(text);
		if (extension && extension_shows(extension))
			return true;
	}
	return false;
}

// From one part of the name: all of it, or what stands on one side of a colon.
static void judge_part(const struct points *points, struct name_judged *ret)
{
	size_t end = points->n, dot = 0;
	char text[NAME_EXTENSION_MAX];
	while (end > 0 && (points->v[end - 1] == '.' || is_space(points->v[end - 1])))
		end--;
	ret->extension[0] = '\0';
	if (!read_extension(points, end, false, text, &dot))
		return;
	const struct extension *extension = extension_find(text);
	strcpy(ret->extension, text);
	if (!extension)
		return;
	bool runs = extension_runs(extension);
	ret->kinds |= extension->kinds;
	ret->says = extension->says;
	if (runs && (end < points->n || shows_another(points, dot) ||
		     longest_run_of_spaces(points, end) > SPACES_MAX ||
		     (dot > 0 && is_space(points->v[dot - 1]))))
		ret->kinds |= UNPACK_MISLEADING;
}

void name_judge(const char *name, struct name_judged *ret)
{
	struct points points, part = { .n = 0 };
	*ret = (struct name_judged){ 0 };
	read_points(name, &points);
	if (points.hidden)
		ret->kinds |= UNPACK_MISLEADING;
	size_t from = 0;
	for (size_t i = 0; i <= points.n; i++) {
		if (i < points.n && points.v[i] != ':')
			continue;
		part.n = i - from;
		memcpy(part.v, points.v + from, part.n * sizeof(part.v[0]));
		judge_part(&part, ret);
		if (i < points.n && (ret->kinds & ~(uint32_t)UNPACK_MISLEADING))
			ret->kinds |= UNPACK_MISLEADING; // "a.txt:b", "a.exe::$DATA"
		from = i + 1;
	}
}
