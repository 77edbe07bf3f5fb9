#include "daemon/who.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *open_of(uint32_t pid, const char *file)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	return fopen(path, "re");
}

static bool is_named(uint32_t pid, const char *name)
{
	char found[WHO_NAME_MAX] = "";
	FILE *in = open_of(pid, "comm");
	if (!in)
		return false;
	bool read = fgets(found, sizeof(found), in) != NULL;
	fclose(in);
	found[strcspn(found, "\n")] = '\0';
	return read && !strcmp(found, name);
}

static bool read_uid(uint32_t pid, uint32_t *ret)
{
	char line[256];
	bool read = false;
	FILE *in = open_of(pid, "status");
	while (in && !read && fgets(line, sizeof(line), in))
		read = sscanf(line, "Uid: %u", ret) == 1;
	if (in)
		fclose(in);
	return read;
}

static uint32_t login_uid_of(uint32_t pid)
{
	uint32_t uid = WHO_NO_LOGIN;
	FILE *in = open_of(pid, "loginuid");
	if (!in)
		return WHO_NO_LOGIN;
	if (fscanf(in, "%u", &uid) != 1)
		uid = WHO_NO_LOGIN;
	fclose(in);
	return uid;
}

void who_find(uint32_t pid, const char *name, struct who *ret)
{
	*ret = (struct who){ .pid = pid, .login_uid = WHO_NO_LOGIN };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->found = pid && is_named(pid, name) && read_uid(pid, &ret->uid);
	if (ret->found)
		ret->login_uid = login_uid_of(pid);
}

const char *who_text(const struct who *who, char out[WHO_TEXT_MAX])
{
	const char *name = who->name[0] ? who->name : "a process";
	if (!who->pid)
		snprintf(out, WHO_TEXT_MAX, "an unknown process");
	else if (!who->found)
		snprintf(out, WHO_TEXT_MAX, "%s (pid %u, ended)", name, who->pid);
	else if (who->login_uid == WHO_NO_LOGIN)
		snprintf(out, WHO_TEXT_MAX, "%s (pid %u, uid %u)", name, who->pid, who->uid);
	else
		snprintf(out, WHO_TEXT_MAX, "%s (pid %u, uid %u, login uid %u)", name, who->pid,
			 who->uid, who->login_uid);
	return out;
}

bool who_is_self(uint32_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/task/%u", pid);
	return pid && access(path, F_OK) == 0;
}
