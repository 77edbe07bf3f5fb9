// Domains that look like one of the body's own and are of somebody else.
//
// Domains are compared as the eye does: each is made a skeleton, in which letters that look alike
// are one (Cyrillic and Greek letters as the Latin ones that they resemble, 0 as o, 1 and i as l,
// rn as m, letters without their accents and at one width; A-labels decoded first).
//
//	own: city.example.jp
//	сity.example.jp (Cyrillic с), city.exarnple.jp	confusable: the same skeleton
//	city.example.jp.evil.com, city-example-jp.com	embedded: the own one within
//	city.example.com, city-example.net		other suffix
//	city.exmaple.jp, city.examples.jp		one letter more, less, other, or two swapped
//
// Under lg.jp, go.jp and city.….jp, where only public bodies can have names, the last two do not
// count: 大田区 is no likeness of 大分市.
#ifndef SEKISHO_INSPECT_HABIT_ALIKE_H
#define SEKISHO_INSPECT_HABIT_ALIKE_H

#include <stddef.h>
#include <stdint.h>

#include "inspect/profile.h"

enum habit_alike {
	HABIT_UNLIKE, // own, or far from it
	HABIT_CONFUSABLE,
	HABIT_EMBEDDED,
	HABIT_OTHER_SUFFIX,
	HABIT_ONE_EDIT,
};

// domain: as habit_domain_read() leaves it.  A name of less than five letters, without its suffix,
// is not compared by edits.
enum habit_alike habit_alike(const struct profile *profile, const char *domain);
// Whether an own domain, or what looks like one, stands in a text (a name as shown, UTF-8).
bool habit_alike_shown(const struct profile *profile, const char *text);

enum { HABIT_SKELETON_MAX = 1024 };
struct habit_skeleton {
	uint32_t v[HABIT_SKELETON_MAX];
	size_t n;
};
// Of UTF-8 text; labels of domains in it are decoded.  What is beyond HABIT_SKELETON_MAX is left
// out.
void habit_skeleton(const char *text, struct habit_skeleton *ret);

#endif
