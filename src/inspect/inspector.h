// All guarded connections of one process: packets in, their fates out.  Pure but for memory: no
// clock, no socket, no file.
#ifndef SEKISHO_INSPECT_INSPECTOR_H
#define SEKISHO_INSPECT_INSPECTOR_H

#include "inspect/engine.h"
#include "inspect/flight.h"

struct inspector;

struct inspector_options {
	uint32_t connections_max; // beyond: new ones are dropped and counted
	uint64_t memory_max;	  // bytes of all connections, without the flights held
	uint32_t held_max;	  // flights held at a time
	// A flight that was held has its fate.
	void (*decided)(void *arg, struct flight *flight);
	void (*record)(void *arg, const struct mail_record *record);
	// Something that a peer did and that was stopped, in one word of inspector_trouble_names.
	void (*trouble)(void *arg, const char *word, const struct engine_peer *peer);
	void *arg;
};

struct inspector_numbers {
	uint64_t packets, accepted, changed, dropped, held;
	uint64_t connections_made, connections, connections_refused, released, ended;
	uint64_t bytes; // of memory
	uint64_t by_trouble[16];
};

int inspector_new(const struct inspector_options *options, struct inspector **ret_inspector);
void inspector_free(struct inspector *inspector);

// What counts for connections that begin from now on; those in hand keep what they began with.
// retire() is called once nobody uses profiles any more.
int inspector_set_profiles(struct inspector *inspector, const struct profiles *profiles,
			   void (*retire)(void *arg, const struct profiles *profiles), void *arg);

// Gives the flight a fate: at once, or HOLD and later decided().  A flight that is held has to stay
// where it is until then.
void inspector_packet(struct inspector *inspector, struct flight *flight, uint64_t now_us);
// Time-outs; at least once a second.
void inspector_tick(struct inspector *inspector, uint64_t now_us);
void inspector_numbers(const struct inspector *inspector, struct inspector_numbers *ret);

#endif
