// Small files of the state folder as JSON objects: who, when, what.  Written whole and flushed
// (daemon/file.h); what cannot be read is damaged, never guessed.
#ifndef SEKISHO_DAEMON_STORED_H
#define SEKISHO_DAEMON_STORED_H

#include <json-c/json.h>

#include "daemon/approval.h"

enum { STORED_BYTES_MAX = 256 * 1024 };

// -ENOENT: there is none; -EBADMSG: it is no JSON object.
int stored_read(int dir_fd, const char *name, struct json_object **ret_object);
// Takes the object over.
int stored_write(int dir_fd, const char *name, struct json_object *object);
// -errno; 0 also when there is none.  The folder is flushed.
int stored_remove(int dir_fd, const char *name);

void stored_put_text(struct json_object *object, const char *key, const char *text);
void stored_put_number(struct json_object *object, const char *key, uint64_t number);
void stored_put_person(struct json_object *object, const char *key, const struct person *person);
void stored_put_instant(struct json_object *object, const char *key, const struct instant *instant);
void stored_put_moment(struct json_object *object, const char *key,
		       const struct boot_moment *moment);

void stored_text(struct json_object *object, const char *key, char *out, size_t size);
uint64_t stored_number(struct json_object *object, const char *key);
void stored_person(struct json_object *object, const char *key, struct person *ret);
void stored_instant(struct json_object *object, const char *key, struct instant *ret);
// "" as its boot, so that it has passed, when it is absent or damaged.
void stored_moment(struct json_object *object, const char *key, struct boot_moment *ret);

#endif
