// What the reader says when a file is not as it should be.  Internal to the reader.
#ifndef SEKISHO_POLICY_FAULTS_H
#define SEKISHO_POLICY_FAULTS_H

#include "policy/frames.h"
#include "policy/value.h"
#include "policy/yaml.h"

const char *faults_subject(const struct reader *reader);
const char *faults_given(const struct yaml_event *event);
void faults_value(struct reader *reader, const struct value_fault *fault, struct place otherwise);
void faults_kind(struct reader *reader, const struct key *key, const struct yaml_event *event,
		 struct place otherwise);
void faults_entry_kind(struct reader *reader, const struct key *key, const struct yaml_event *event,
		       struct place otherwise);
void faults_unknown_key(struct reader *reader, const struct frame *frame,
			const struct yaml_event *event);
void faults_alias(struct reader *reader, struct place at);
bool faults_duplicate(struct reader *reader, struct seen *seen, const struct key *key, size_t i,
		      struct place at);
void faults_missing(struct reader *reader, struct frame *frame);
void faults_decoration(struct reader *reader, const struct yaml_event *event);
void faults_syntax(struct reader *reader, const struct yaml_event *event);

#endif
