// A terminal that is stopped, gone or no terminal costs nothing but its message.
#include "daemon/announce.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utmpx.h>

#include <systemd/sd-login.h>

enum { LINE_MAX_BYTES = 32 };

struct terminals {
	char line[ANNOUNCE_TERMINALS_MAX][LINE_MAX_BYTES + 1]; // "pts/3"
	int n;
};

static void add(struct terminals *terminals, const char *line)
{
	if (terminals->n == ANNOUNCE_TERMINALS_MAX || !*line || strlen(line) > LINE_MAX_BYTES ||
	    line[0] == '/' || strstr(line, ".."))
		return;
	for (int i = 0; i < terminals->n; i++)
		if (!strcmp(terminals->line[i], line))
			return;
	strcpy(terminals->line[terminals->n++], line);
}

static void add_utmp(struct terminals *terminals)
{
	struct utmpx *entry;
	setutxent();
	while ((entry = getutxent())) {
		char line[sizeof(entry->ut_line) + 1] = "";
		memcpy(line, entry->ut_line, sizeof(entry->ut_line));
		if (entry->ut_type == USER_PROCESS)
			add(terminals, line);
	}
	endutxent();
}

static void add_sessions(struct terminals *terminals)
{
	char **sessions = NULL;
	int n = sd_get_sessions(&sessions);
	for (int i = 0; i < n; i++) {
		char *line = NULL;
		if (sd_session_get_tty(sessions[i], &line) >= 0 && line)
			add(terminals, line);
		free(line);
		free(sessions[i]);
	}
	free(sessions);
}

static bool tell(const char *line, const char *text, size_t length)
{
	char path[LINE_MAX_BYTES + 8];
	struct stat st;
	snprintf(path, sizeof(path), "/dev/%s", line);
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool told = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && isatty(fd) &&
		    write(fd, text, length) == (ssize_t)length;
	close(fd);
	return told;
}

int announce(const char *format, ...)
{
	char words[ANNOUNCE_BYTES_MAX - 64], text[ANNOUNCE_BYTES_MAX], when[16];
	struct terminals terminals = { .n = 0 };
	time_t now = time(NULL);
	struct tm tm;
	va_list args;
	int told = 0;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	int n = snprintf(text, sizeof(text), "\r\n\aSekisho %s: %s\r\n", when, words);
	add_utmp(&terminals);
	add_sessions(&terminals);
	for (int i = 0; i < terminals.n; i++)
		told += tell(terminals.line[i], text, (size_t)n);
	return told;
}
