// JSON objects in files.
#include "daemon/stored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

int stored_read(int dir_fd, const char *name, struct json_object **ret_object)
{
	char *text;
	size_t size;
	int r = file_read(dir_fd, name, STORED_BYTES_MAX, &text, &size);
	if (r < 0)
		return r;
	struct json_object *object = json_tokener_parse(text);
	free(text);
	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return -EBADMSG;
	}
	*ret_object = object;
	return 0;
}

int stored_write(int dir_fd, const char *name, struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY);
	int r = text ? file_replace(dir_fd, name, text, strlen(text)) : -ENOMEM;
	json_object_put(object);
	return r;
}

int stored_remove(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

void stored_put_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

void stored_put_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

void stored_put_moment(struct json_object *object, const char *key,
		       const struct boot_moment *moment)
{
	char text[BOOT_TEXT_MAX + 1];
	boot_text(moment, text);
	stored_put_text(object, key, text);
}

void stored_put_person(struct json_object *object, const char *key, const struct person *person)
{
	struct json_object *inner = json_object_new_object();
	stored_put_text(inner, "name", person->name);
	stored_put_number(inner, "uid", person->uid);
	stored_put_number(inner, "login_uid", person->login_uid);
	json_object_object_add(object, key, inner);
}

void stored_put_instant(struct json_object *object, const char *key, const struct instant *instant)
{
	struct json_object *inner = json_object_new_object();
	stored_put_moment(inner, "boot", &instant->boot);
	stored_put_number(inner, "usec", instant->wall_usec);
	json_object_object_add(object, key, inner);
}

void stored_text(struct json_object *object, const char *key, char *out, size_t size)
{
	struct json_object *value;
	out[0] = '\0';
	if (json_object_object_get_ex(object, key, &value) &&
	    json_object_is_type(value, json_type_string))
		snprintf(out, size, "%s", json_object_get_string(value));
}

uint64_t stored_number(struct json_object *object, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(object, key, &value) &&
			       json_object_is_type(value, json_type_int)
		       ? json_object_get_uint64(value)
		       : 0;
}

void stored_moment(struct json_object *object, const char *key, struct boot_moment *ret)
{
	char text[BOOT_TEXT_MAX + 1];
	stored_text(object, key, text, sizeof(text));
	if (boot_parse(text, ret) < 0)
		*ret = (struct boot_moment){ 0 };
}

void stored_person(struct json_object *object, const char *key, struct person *ret)
{
	struct json_object *inner;
	*ret = (struct person){ .uid = CONTROL_NO_LOGIN, .login_uid = CONTROL_NO_LOGIN };
	if (!json_object_object_get_ex(object, key, &inner) ||
	    !json_object_is_type(inner, json_type_object))
		return;
	ret->uid = (uint32_t)stored_number(inner, "uid");
	ret->login_uid = (uint32_t)stored_number(inner, "login_uid");
	stored_text(inner, "name", ret->name, sizeof(ret->name));
}

void stored_instant(struct json_object *object, const char *key, struct instant *ret)
{
	struct json_object *inner;
	*ret = (struct instant){ 0 };
	if (!json_object_object_get_ex(object, key, &inner) ||
	    !json_object_is_type(inner, json_type_object))
		return;
	stored_moment(inner, "boot", &ret->boot);
	ret->wall_usec = stored_number(inner, "usec");
}
