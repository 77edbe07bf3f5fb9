// Fills structs from YAML by a table of keys.  Owns the stack of what is open; every fault of a
// file is reported in one go, and reading goes on with the next entry after each.
#ifndef SEKISHO_POLICY_READER_H
#define SEKISHO_POLICY_READER_H

#include "base/arena.h"
#include "base/diag.h"
#include "policy/keys.h"

struct reader;

// object is a zeroed struct of table; everything that it comes to point at lives in arena, but for
// the arrays of its own sections: reader_release() frees those.
struct reader *reader_new(const struct key_table *table, void *object, struct arena *arena,
			  struct diag *diag);
void reader_free(struct reader *reader);
void reader_release(const struct key_table *table, void *object);
// One file more into the same object.  name is kept in places.  0, perhaps with errors in diag;
// -EBADMSG when the file could not be read to its end, so that the object lacks part of it.
int reader_file(struct reader *reader, const char *name, const char *bytes, size_t size);

#endif
