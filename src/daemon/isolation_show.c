// What people are shown of what is isolated: status, list, and everybody who logs in.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/isolation.h"
#include "daemon/reviews.h"

enum { LINE_MAX_BYTES = 1024 };

static const char motd_name[] = "motd";

static void time_text(uint64_t usec, char out[40])
{
	time_t seconds = (time_t)(usec / 1000000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(out, 40, "%Y-%m-%d %H:%M:%S", &tm))
		out[0] = '\0';
}

static void put_line(const struct isolated *one, char *out)
{
	char words[ISOLATION_WORDS_MAX], since[40], until[48] = "", incident[40] = "";

	time_text(one->confirmed_usec, since);
	if (one->until.boot[0]) {
		memcpy(until, ", until ", 9);
		time_text(one->until_usec, until + strlen(until));
	}
	if (one->incident)
		snprintf(incident, sizeof(incident), ", incident %llu",
			 (unsigned long long)one->incident);
	snprintf(out, LINE_MAX_BYTES, "%s%s%s since %s%s by %s%s%s%s%s",
		 isolation_words(&one->cut, words), one->cut.quarantine ? " (quarantine)" : "",
		 one->cut.total ? " (total)" : "", since, until,
		 one->by_hand ? "hand at the box" : one->actor, one->reason[0] ? ": " : "",
		 one->reason, incident, one->asked_usec ? "; one of two asked to reconnect" : "");
}

static void each_line(struct gate *gate, void (*each)(void *arg, const char *line), void *arg)
{
	struct isolation_book *book = gate->book;
	char line[LINE_MAX_BYTES];

	if (!book)
		return;
	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->n; i++) {
		put_line(&book->v[i], line);
		each(arg, line);
	}
	pthread_mutex_unlock(&book->lock);
}

static void put_reply(void *arg, const char *line)
{
	control_put_text(arg, CTL_ISOLATED, line);
}

void isolation_put_lines(struct gate *gate, struct control_writer *reply)
{
	each_line(gate, put_reply, reply);
}

bool isolation_in_force(struct gate *gate)
{
	bool any;

	if (!gate->book)
		return false;
	pthread_mutex_lock(&gate->book->lock);
	any = gate->book->n > 0;
	pthread_mutex_unlock(&gate->book->lock);
	return any;
}

void isolation_put_rows(struct isolation_book *book, struct control_writer *reply)
{
	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->n; i++) {
		const struct isolated *one = &book->v[i];

		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_KIND, isolation_kind_word(one->cut.kind));
		control_put_text(reply, CTL_NAME, one->cut.name);
		control_put_bool(reply, CTL_QUARANTINED, one->cut.quarantine);
		control_put_bool(reply, CTL_TOTALLY, one->cut.total);
		control_put_time(reply, CTL_SINCE, one->confirmed_usec);
		control_put_text(reply, CTL_ACTOR, one->by_hand ? "by hand" : one->actor);
		control_put_text(reply, CTL_REASON, one->reason);
		control_put_text(reply, CTL_ORDERED_BY, one->ordered_by);
		if (one->until.boot[0])
			control_put_time(reply, CTL_UNTIL, one->until_usec);
		if (one->incident)
			control_put_u64(reply, CTL_INCIDENT, one->incident);
		if (one->asked_usec)
			control_put_text(reply, CTL_ASKED_BY, one->asked_by);
		for (size_t k = 0; k < one->cut.n_targets; k++)
			control_put_text(reply, CTL_TARGET, one->cut.targets[k].text);
	}
	pthread_mutex_unlock(&book->lock);
}

// --- login

static void put_motd(void *arg, const char *line)
{
	fprintf(arg, "*** 遮断中 / ISOLATED: %s\n", line);
}

void isolation_write_motd(struct gate *gate)
{
	char *text = NULL;
	size_t size;
	int fd;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	each_line(gate, put_motd, out);
	if (isolation_in_force(gate))
		fputs("*** 復旧 / to reconnect: sekisho reconnect NAME --reason ...   "
		      "状況 / details: sekisho status\n",
		      out);
	confirm_put_motd(gate, out);
	reviews_put_motd(gate, out);
	fclose(out);
	// A gate that only closes has no such folder.
	fd = gate->options->run ? open(gate->options->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	// One that not everybody may read is of no use.
	if (fd >= 0 && file_replace(fd, motd_name, text, size) == 0 &&
	    fchmodat(fd, motd_name, 0644, 0) < 0)
		unlinkat(fd, motd_name, 0);
	if (fd >= 0)
		close(fd);
	free(text);
}
