// What README.txt of an exported incident says.
#ifndef SEKISHO_KEEP_BUNDLE_TEXT_H
#define SEKISHO_KEEP_BUNDLE_TEXT_H

extern const char bundle_readme[];
extern const char bundle_readme_masked[];  // added when addresses were replaced
extern const char bundle_readme_altered[]; // added, and the names after it, when evidence was

#endif
