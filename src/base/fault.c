// The environment is read once, before there are threads that could change it.
#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAULTS_MAX = 8, FAULT_NAME_MAX = 48 };

struct fault {
	char name[FAULT_NAME_MAX];
	int error;    // 0: die
	unsigned nth; // 0: every time
	atomic_uint passed;
};

static struct fault faults[FAULTS_MAX];
static size_t n_faults;

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EIO", EIO },	      { "ENOSPC", ENOSPC }, { "ENOMEM", ENOMEM },
	{ "EACCES", EACCES }, { "EROFS", EROFS },   { "ETIMEDOUT", ETIMEDOUT },
};

static int error_of(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	return EIO;
}

// "name", "name:3", "name=EIO", "name:3=EIO"
static void take(char *text)
{
	struct fault *fault = &faults[n_faults];
	char *error = strchr(text, '='), *nth;
	if (error)
		*error++ = '\0';
	nth = strchr(text, ':');
	if (nth)
		*nth++ = '\0';
	if (!*text || strlen(text) >= FAULT_NAME_MAX || n_faults == FAULTS_MAX)
		return;
	strcpy(fault->name, text);
	fault->error = error ? error_of(error) : 0;
	fault->nth = nth ? (unsigned)strtoul(nth, NULL, 10) : 0;
	n_faults++;
}

__attribute__((constructor)) static void read_environment(void)
{
	const char *wanted = getenv("SEKISHO_FAULT");
	char copy[512], *next = copy, *word;
	if (!wanted)
		return;
	snprintf(copy, sizeof(copy), "%s", wanted);
	while ((word = strsep(&next, ",")))
		take(word);
}

static bool met(const char *name, bool dies, int *ret_error)
{
	for (size_t i = 0; i < n_faults; i++) {
		struct fault *fault = &faults[i];
		if (strcmp(fault->name, name) != 0 || (fault->error == 0) != dies)
			continue;
		unsigned now = atomic_fetch_add(&fault->passed, 1) + 1;
		if (fault->nth && fault->nth != now)
			continue;
		*ret_error = fault->error;
		return true;
	}
	return false;
}

void fault_point(const char *name)
{
	int error;
	if (n_faults && met(name, true, &error))
		kill(getpid(), SIGKILL);
}

int fault_error(const char *name)
{
	int error;
	return n_faults && met(name, false, &error) ? -error : 0;
}
