#include "bench/classify/peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/classify/peer_acl.h"

enum { ASK_CHOOSE = 'c', ASK_ROUND = 'r', STEP_MS = 120000 };

struct answer {
	int status;
	double build_ms;
	double ns[PEER_BEST];
	char name[PEER_BEST][PEER_NAME_MAX];
};

// --- the process

static void serve(struct peer_acl *acl, int ask, int answer)
{
	char what;

	while (read(ask, &what, 1) == 1) {
		struct answer out = { 0 };

		if (what == ASK_CHOOSE)
			peer_acl_choose(acl, out.name);
		else
			peer_acl_round(acl, out.ns);
		if (write(answer, &out, sizeof(out)) != sizeof(out))
			return;
	}
}

static void be_peer(const struct ruleset *set, const struct trace *trace, bool v6,
		    const struct peer_limits *limits, const struct peer *peer, int ask, int answer)
{
	rlim_t bytes = ((rlim_t)limits->build_mb + limits->heap_mb) << 20;
	struct answer out = { 0 };
	struct peer_acl *acl;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_AS, &(struct rlimit){ bytes, bytes });
	out.status =
		peer_acl_new(set, trace, v6, limits->heap_mb, peer->results, &out.build_ms, &acl);
	if (write(answer, &out, sizeof(out)) == sizeof(out) && out.status == 0)
		serve(acl, ask, answer);
	_exit(0);
}

// --- its owner

static int hear(struct peer *peer, int timeout_ms, struct answer *ret)
{
	struct pollfd ready = { .fd = peer->answer, .events = POLLIN };

	if (poll(&ready, 1, timeout_ms) != 1)
		return -ETIMEDOUT;
	if (read(peer->answer, ret, sizeof(*ret)) != sizeof(*ret))
		return -EPIPE; // it ended, as for want of memory
	return ret->status;
}

static int ask_for(struct peer *peer, char what, struct answer *ret)
{
	if (write(peer->ask, &what, 1) != 1)
		return -EPIPE;
	return hear(peer, STEP_MS, ret);
}

static void say_why(struct peer *peer, const struct peer_limits *limits, int r)
{
	if (r == -ENOSYS)
		snprintf(peer->why, sizeof(peer->why), "not built in");
	else if (r == -ETIMEDOUT)
		snprintf(peer->why, sizeof(peer->why), "not built within %u s", limits->build_s);
	else if (r == -EPIPE || r == -ENOMEM)
		snprintf(peer->why, sizeof(peer->why), "not built within %u MB of memory",
			 limits->build_mb + limits->heap_mb);
	else
		snprintf(peer->why, sizeof(peer->why), "%s", strerror(-r));
}

int peer_start(const struct ruleset *set, const struct trace *trace, bool v6,
	       const struct peer_limits *limits, struct peer *ret)
{
	struct peer peer = { .results_size = (trace->n + 1) * sizeof(uint32_t) };
	struct answer answer = { 0 };
	int ask[2], said[2];

	peer.results = mmap(NULL, peer.results_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (peer.results == MAP_FAILED || pipe(ask) < 0 || pipe(said) < 0)
		abort();
	signal(SIGPIPE, SIG_IGN);
	fflush(NULL);
	peer.pid = fork();
	if (peer.pid < 0)
		abort();
	if (peer.pid == 0) {
		close(ask[1]);
		close(said[0]);
		be_peer(set, trace, v6, limits, &peer, ask[0], said[1]);
	}
	close(ask[0]);
	close(said[1]);
	peer.ask = ask[1];
	peer.answer = said[0];
	int r = hear(&peer, (int)limits->build_s * 1000, &answer);

	peer.build_ms = answer.build_ms;
	if (r < 0) {
		say_why(&peer, limits, r);
		peer_stop(&peer);
	}
	*ret = peer;
	return r;
}

int peer_choose(struct peer *peer)
{
	struct answer answer;
	int r = ask_for(peer, ASK_CHOOSE, &answer);

	if (r == 0)
		memcpy(peer->name, answer.name, sizeof(peer->name));
	return r;
}

int peer_round(struct peer *peer, double ret_ns[PEER_BEST])
{
	struct answer answer;
	int r = ask_for(peer, ASK_ROUND, &answer);

	if (r == 0)
		memcpy(ret_ns, answer.ns, sizeof(answer.ns));
	return r;
}

void peer_stop(struct peer *peer)
{
	if (!peer->pid)
		return;
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	close(peer->ask);
	close(peer->answer);
	munmap(peer->results, peer->results_size);
	peer->pid = 0;
}
