// Numbers of persons (個人番号): twelve digits, the last of which is made of the others (order of
// the Ministry of Internal Affairs no. 85 of 2014, article 5).  Found in a stream of letters.
//
// Sure are twelve digits that stand together, and three groups of four on one line, divided by a
// space, a hyphen or a dot, with or without spaces around:
//
//	123456789018	１２３４－５６７８－９０１８	1234 ・ 5678 ・ 9018
//
// As other numbers look like it too often, these count only in a text that says 個人番号 or
// マイナンバー somewhere: the groups over lines or cells, one digit in each box or cell, a number
// that a line's end cuts, and eleven digits, whose first zero a spreadsheet left away.
//
// Nothing counts within longer numbers: behind or before a hyphen and more digits, or as three of
// four or more groups of four, as cards of banks have.
#ifndef SEKISHO_BASE_PERSON_H
#define SEKISHO_BASE_PERSON_H

#include <stdbool.h>
#include <stdint.h>

enum { PERSON_DIGITS = 12, PERSON_RUNS = 4 };

// All zero: at the beginning of a text.
struct person_reader {
	uint32_t sure;
	uint32_t likely; // count where persons' numbers are spoken of
	bool labelled;	 // they are
	// The rest is its own.
	uint8_t label[2];	       // letters of each label that were read
	bool open;		       // digits came, and nothing that ends them all
	uint8_t digits[PERSON_DIGITS]; // the last ones
	struct {
		uint8_t n;	       // digits; 0: there was none
		uint8_t link;	       // to the one before it
	} runs[PERSON_RUNS];	       // the last first
	uint8_t singles;	       // runs of one digit, one after the other
	uint8_t n;		       // digits of the run that is being read
	uint8_t link;		       // what came before it
	uint8_t spaces, dashes, lines; // behind the last run
	uint8_t found;		       // what the last run made, if what follows lets it be
};

// A code point as it stands in the text.
void person_read(struct person_reader *reader, uint32_t c);
// A letter as it is folded (base/fold.h), for the labels.
void person_read_label(struct person_reader *reader, uint32_t letter);
// Nothing follows.
void person_end(struct person_reader *reader);
// Another text begins; what was counted stays.
void person_begin_again(struct person_reader *reader);

#endif
