// Words and numbers of persons in documents, archives and what lies in them: found as a reader of
// the document sees them, whatever runs, parts and character sets they are written in; and not
// found where nobody wrote them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <iconv.h>

#include "base/arena.h"
#include "base/terms.h"
#include "content_files.h"
#include "unpack/unpack.h"
#include "unpack_file.h"

enum form {
	PLAIN,	  // the file itself
	OOXML,	  // a part of such a document
	ODF,	  // likewise
	ZIP,	  // a file in a ZIP
	ZIP_2,	  // in a ZIP in a ZIP
	DOCX_ZIP, // word/document.xml of a document in a ZIP
	SAMPLE,	  // of tests/unpack/files
};

enum { I = 1, II = 2, SECRET = 4, TOP = 8 }; // 重要性Ⅰ, 重要性Ⅱ, 機密, top secret

struct row {
	const char *title;
	enum form form;
	const char *name;    // of the file or part
	const char *charset; // NULL: UTF-8
	const char *text;
	uint64_t words;
	uint32_t numbers;
	uint32_t kinds; // that must be told besides
};

#define W(body) "<?xml version=\"1.0\"?><w:document><w:body>" body "</w:body></w:document>"
#define R(text) "<w:r><w:t>" text "</w:t></w:r>"
#define DOC	"word/document.xml"
#define O(body)                                                                                    \
	"<?xml version=\"1.0\"?><office:document-content><office:body>" body                       \
	"</office:body></office:document-content>"
#define S(body)                                                                                    \
	"<?xml version=\"1.0\"?><worksheet><sheetData><row>" body "</row></sheetData></worksheet>"
#define NUMBER "123456789018"

// A page with one stream and one font F1, whose table of letters is the object 4.
#define LETTERS                                                                                    \
	"1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0001> <0001> "      \
	"<6a5f> endbfrange 2 beginbfchar <0002> <5bc6> <0003> <516c> endbfchar"
#define PDF(font, content)                                                                         \
	"%PDF-1.4\n1 0 obj<</Type/Page/Contents 2 0 R/Resources<</Font<</F1 3 0 R>>>>>>endobj\n"   \
	"2 0 obj<</Length 1>>stream\n" content "\nendstream endobj\n3 0 obj" font                  \
	"endobj\n4 0 obj<<>>stream\n" LETTERS "\nendstream endobj\n"
#define DESCENDANT(ordering)                                                                       \
	"/DescendantFonts[<</Subtype/CIDFontType2/CIDSystemInfo<</Ordering(" ordering ")>>>>]"
#define COMPOSITE(encoding, ordering, more)                                                        \
	"<</Type/Font/Subtype/Type0/Encoding/" encoding DESCENDANT(ordering) more ">>"
#define TYPE0	      COMPOSITE("Identity-H", "Identity", "/ToUnicode 4 0 R")
#define NOBODY	      COMPOSITE("Identity-H", "Identity", "")
#define CID(encoding) COMPOSITE(encoding, "Japan1", "")
#define LATIN	      "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
#define OWN	      "<</Type/Font/Subtype/TrueType/FontDescriptor<</Flags 4/FontFile2 9 0 R>>>>"

static const struct row rows[] = {
	{ "docx: nothing of it", OOXML, DOC, NULL, W("<w:p>" R("明日の会議") "</w:p>"), 0, 0, 0 },
	{ "docx: a word", OOXML, DOC, NULL, W("<w:p>" R("これは重要性Ⅰです") "</w:p>"), I, 0, 0 },
	{ "docx: over runs", OOXML, DOC, NULL, W("<w:p>" R("重") R("要性") R("Ⅱ") "</w:p>"), II, 0,
	  0 },
	{ "docx: over runs with their properties", OOXML, DOC, NULL,
	  W("<w:p><w:r><w:rPr><w:rFonts w:hint=\"eastAsia\"/></w:rPr><w:t>機</w:t></w:r>"
	    "<w:proofErr w:type=\"spellStart\"/><w:r><w:rPr><w:b/></w:rPr><w:t xml:space="
	    "\"preserve\">密 </w:t></w:r></w:p>"),
	  SECRET, 0, 0 },
	{ "docx: letters of English over runs", OOXML, DOC, NULL,
	  W("<w:p>" R("To") R("p sec") R("ret") "</w:p>"), TOP, 0, 0 },
	{ "docx: English words of two paragraphs that are one", OOXML, DOC, NULL,
	  W("<w:p>" R("Top") "</w:p><w:p>" R("secretary") "</w:p>"), 0, 0, 0 },
	{ "docx: over a deleted run", OOXML, DOC, NULL,
	  W("<w:p>" R("機") "<w:del><w:r><w:delText>会</w:delText></w:r></w:del>" R("密") "</w:p>"),
	  SECRET, 0, 0 },
	{ "docx: in what was deleted", OOXML, DOC, NULL,
	  W("<w:p><w:del><w:r><w:delText>機密</w:delText></w:r></w:del></w:p>"), SECRET, 0, 0 },
	{ "docx: under readings", OOXML, DOC, NULL,
	  W("<w:p><w:r><w:ruby><w:rt>" R("き") "</w:rt><w:rubyBase>" R(
		  "機") "</w:rubyBase></w:ruby></w:r>"
			"<w:r><w:ruby><w:rt>" R("みつ") "</w:rt><w:rubyBase>" R(
				"密") "</w:rubyBase></w:ruby></w:r></w:p>"),
	  SECRET, 0, 0 },
	{ "docx: around a text box", OOXML, DOC, NULL,
	  W("<w:p>" R("機") "<w:r><w:pict><w:txbxContent><w:p>" R(
		  "箱") "</w:p></w:txbxContent></w:pict></w:r>" R("密") "</w:p>"),
	  SECRET, 0, 0 },
	{ "docx: in a text box, over runs", OOXML, DOC, NULL,
	  W("<w:p>" R("前") "<w:r><w:txbxContent><w:p>" R("機")
		    R("密") "</w:p></w:txbxContent></w:r>" R("後") "</w:p>"),
	  SECRET, 0, 0 },
	{ "docx: a comment of XML in a run", OOXML, DOC, NULL,
	  W("<w:p><w:t>機<!-- x -->密</w:t></w:p>"), SECRET, 0, 0 },
	{ "docx: a section of XML", OOXML, DOC, NULL, W("<w:p><w:t><![CDATA[機]]>密</w:t></w:p>"),
	  SECRET, 0, 0 },
	{ "docx: a comment of XML only", OOXML, DOC, NULL,
	  W("<w:p><!-- 機密 --><w:t>公開</w:t></w:p>"), 0, 0, 0 },
	{ "docx: references", OOXML, DOC, NULL, W("<w:p><w:t>&#x6a5f;&#23494;</w:t></w:p>"), SECRET,
	  0, 0 },
	{ "docx: UTF-16", OOXML, DOC, "UTF-16", W("<w:p>" R("機密") "</w:p>"), SECRET, 0, 0 },
	{ "docx: Shift_JIS", OOXML, DOC, "CP932",
	  "<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><w:document><w:p>" R(
		  "機密") "</w:p></w:document>",
	  SECRET, 0, 0 },
	{ "docx: in a header", OOXML, "word/header1.xml", NULL,
	  "<?xml version=\"1.0\"?><w:hdr><w:p>" R("重要性") R("Ⅰ") "</w:p></w:hdr>", I, 0, 0 },
	{ "docx: across the page", OOXML, "word/header2.xml", NULL,
	  "<?xml version=\"1.0\"?><w:hdr><v:shape><v:textpath style=\"a\" string=\"機密\"/></v:shape></w:hdr>",
	  SECRET, 0, 0 },
	{ "docx: in a footer", OOXML, "word/footer1.xml", NULL,
	  "<?xml version=\"1.0\"?><w:ftr><w:p>" R("機密") "</w:p></w:ftr>", SECRET, 0, 0 },
	{ "docx: in a comment", OOXML, "word/comments.xml", NULL,
	  "<?xml version=\"1.0\"?><w:comments><w:comment><w:p>" R("機")
		  R("密") "</w:p></w:comment></w:comments>",
	  SECRET, 0, 0 },
	{ "docx: in a note", OOXML, "word/footnotes.xml", NULL,
	  "<?xml version=\"1.0\"?><w:footnotes><w:p>" R("機密") "</w:p></w:footnotes>", SECRET, 0,
	  0 },
	{ "docx: a picture's other text", OOXML, DOC, NULL,
	  W("<w:drawing><wp:docPr id=\"1\" name=\"図\" descr=\"機密の印\"/></w:drawing>"), SECRET,
	  0, 0 },
	{ "docx: the title", OOXML, "docProps/core.xml", NULL,
	  "<?xml version=\"1.0\"?><cp:coreProperties><dc:title>機密</dc:title></cp:coreProperties>",
	  SECRET, 0, 0 },
	{ "docx: a label of its own", OOXML, "docProps/custom.xml", NULL,
	  "<?xml version=\"1.0\"?><Properties><property name=\"MSIP_Label_1_Name\"><vt:lpwstr>重要性Ⅱ"
	  "</vt:lpwstr></property></Properties>",
	  II, 0, 0 },
	{ "docx: the name of a style", OOXML, "word/styles.xml", NULL,
	  "<?xml version=\"1.0\"?><w:styles><w:style><w:name w:val=\"機密\"/></w:style></w:styles>",
	  0, 0, 0 },
	{ "docx: numbers of persons", OOXML, DOC, NULL,
	  W("<w:p>" R("1234 5678") R(" 9018") "</w:p><w:p>" R(
		  "1234") "<w:r><w:noBreakHyphen/></w:r>" R("5678-9018") "</w:p>"),
	  0, 2, 0 },
	{ "docx: places are no numbers", OOXML, DOC, NULL,
	  W("<w:p>" R("12345678") "<w:drawing><wp:posOffset>9018</wp:posOffset></w:drawing>" R(
		  "です") "</w:p>"),
	  0, 0, 0 },
	{ "docx: a box in two ways is one number", OOXML, DOC, NULL,
	  W("<mc:AlternateContent><mc:Choice><w:txbxContent><w:p>" R(
		  NUMBER) "</w:p></w:txbxContent></mc:Choice>"
			  "<mc:Fallback><w:txbxContent><w:p>" R(
				  NUMBER) "</w:p></w:txbxContent></mc:Fallback></mc:AlternateContent>"),
	  0, 1, 0 },
	{ "docx: names of its own for texts", OOXML, DOC, NULL,
	  "<!DOCTYPE x [<!ENTITY k \"機\">]><w:document><w:t>&k;密</w:t></w:document>", 0, 0,
	  UNPACK_ILLEGIBLE },
	{ "xlsx: a shared text", OOXML, "xl/sharedStrings.xml", NULL,
	  "<?xml version=\"1.0\"?><sst><si><t>名前</t></si><si><t>機密</t></si></sst>", SECRET, 0,
	  0 },
	{ "xlsx: over runs, with a reading", OOXML, "xl/sharedStrings.xml", NULL,
	  "<?xml version=\"1.0\"?><sst><si><r><t>機</t></r><rPh sb=\"0\" eb=\"1\"><t>キ</t></rPh><r><t>密</t></r></si></sst>",
	  SECRET, 0, 0 },
	{ "xlsx: a text in its cell", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  S("<c t=\"inlineStr\"><is><t>機密</t></is></c>"), SECRET, 0, 0 },
	{ "xlsx: what a formula makes", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  S("<c t=\"str\"><f>A1&amp;B1</f><v>重要性Ⅰ</v></c>"), I, 0, 0 },
	{ "xlsx: the name of a sheet", OOXML, "xl/workbook.xml", NULL,
	  "<?xml version=\"1.0\"?><workbook><sheets><sheet name=\"機密\" sheetId=\"1\"/></sheets></workbook>",
	  SECRET, 0, 0 },
	{ "xlsx: a header", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  "<?xml version=\"1.0\"?><worksheet><headerFooter><oddHeader>&amp;C機密</oddHeader></headerFooter></worksheet>",
	  SECRET, 0, 0 },
	{ "xlsx: a comment", OOXML, "xl/comments1.xml", NULL,
	  "<?xml version=\"1.0\"?><comments><comment><text><r><t>機</t></r><r><t>密</t></r></text></comment></comments>",
	  SECRET, 0, 0 },
	{ "xlsx: numbers", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  S("<c r=\"A1\"><v>" NUMBER "</v></c><c r=\"B1\"><v>1.23456789018E11</v></c>"), 0, 2, 0 },
	{ "xlsx: numbers as texts", OOXML, "xl/sharedStrings.xml", NULL,
	  "<?xml version=\"1.0\"?><sst><si><t>" NUMBER
	  "</t></si><si><t>1234-5678-9018</t></si></sst>",
	  0, 2, 0 },
	{ "xlsx: cells side by side are no number", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  S("<c><v>1234</v></c><c><v>5678</v></c><c><v>9018</v></c>"), 0, 0, 0 },
	{ "xlsx: other numbers", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  S("<c><v>123456789019</v></c><c><v>45123.123456789018</v></c>"), 0, 0, 0 },
	{ "xlsx: one digit in each cell, beside places of texts", OOXML, "xl/worksheets/sheet1.xml",
	  NULL,
	  S("<c t=\"inlineStr\"><is><t>個人番号</t></is></c><c t=\"s\"><v>9</v></c>"
	    "<c><v>1</v></c><c><v>2</v></c><c><v>3</v></c><c><v>4</v></c><c><v>5</v></c><c><v>6</v></c>"
	    "<c><v>7</v></c><c><v>8</v></c><c><v>9</v></c><c><v>0</v></c><c><v>1</v></c><c><v>8</v></c>"),
	  0, 1, 0 },
	{ "xlsx: places of texts are no numbers", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  S("<c t=\"s\"><v>" NUMBER "</v></c>"), 0, 0, 0 },
	{ "xlsx: groups in cells, of persons", OOXML, "xl/worksheets/sheet1.xml", NULL,
	  S("<c t=\"str\"><v>マイナンバー</v></c><c><v>1234</v></c><c><v>5678</v></c><c><v>9018</v></c>"),
	  0, 1, 0 },
	{ "xlsx: a form of numbers", OOXML, "xl/styles.xml", NULL,
	  "<?xml version=\"1.0\"?><styleSheet><numFmt numFmtId=\"164\" formatCode=\"&quot;機密&quot;0\"/></styleSheet>",
	  SECRET, 0, 0 },
	{ "xlsx: what a table remembers", OOXML, "xl/pivotCache/pivotCacheDefinition1.xml", NULL,
	  "<?xml version=\"1.0\"?><pivotCacheDefinition><s v=\"機密\"/><n v=\"" NUMBER
	  "\"/></pivotCacheDefinition>",
	  SECRET, 1, 0 },
	{ "pptx: over runs", OOXML, "ppt/slides/slide1.xml", NULL,
	  "<?xml version=\"1.0\"?><p:sld><a:p><a:r><a:t>重要</a:t></a:r><a:r><a:t>性Ⅰ</a:t></a:r></a:p></p:sld>",
	  I, 0, 0 },
	{ "pptx: notes", OOXML, "ppt/notesSlides/notesSlide1.xml", NULL,
	  "<?xml version=\"1.0\"?><p:notes><a:p><a:r><a:t>機密</a:t></a:r></a:p></p:notes>", SECRET,
	  0, 0 },
	{ "pptx: a comment", OOXML, "ppt/comments/comment1.xml", NULL,
	  "<?xml version=\"1.0\"?><p:cmLst><p:cm><p:text>機密です</p:text></p:cm></p:cmLst>",
	  SECRET, 0, 0 },
	{ "odt: over spans", ODF, "content.xml", NULL,
	  O("<text:p>重要<text:span text:style-name=\"T1\">性</text:span>Ⅱ</text:p>"), II, 0, 0 },
	{ "odt: under readings", ODF, "content.xml", NULL,
	  O("<text:p><text:ruby><text:ruby-base>機</text:ruby-base><text:ruby-text>き</text:ruby-text></text:ruby>密</text:p>"),
	  SECRET, 0, 0 },
	{ "odt: a note within", ODF, "content.xml", NULL,
	  O("<text:p>機<text:note><text:note-body><text:p>注</text:p></text:note-body></text:note>密</text:p>"),
	  SECRET, 0, 0 },
	{ "odt: in a note", ODF, "content.xml", NULL,
	  O("<text:p>あ<text:note><text:note-body><text:p>機<text:span>密</text:span></text:p></text:note-body></text:note>い</text:p>"),
	  SECRET, 0, 0 },
	{ "odt: in a header", ODF, "styles.xml", NULL,
	  "<?xml version=\"1.0\"?><office:document-styles><style:header><text:p>機密</text:p></style:header></office:document-styles>",
	  SECRET, 0, 0 },
	{ "odt: the subject", ODF, "meta.xml", NULL,
	  "<?xml version=\"1.0\"?><office:document-meta><dc:subject>機密</dc:subject></office:document-meta>",
	  SECRET, 0, 0 },
	{ "odt: English over spaces", ODF, "content.xml", NULL,
	  O("<text:p>top<text:s text:c=\"3\"/>secret</text:p>"), TOP, 0, 0 },
	{ "ods: a cell", ODF, "content.xml", NULL,
	  O("<table:table-cell office:value-type=\"string\"><text:p>機密</text:p></table:table-cell>"),
	  SECRET, 0, 0 },
	{ "ods: a number, shown as it is", ODF, "content.xml", NULL,
	  O("<table:table-cell office:value=\"" NUMBER "\"><text:p>" NUMBER
	    "</text:p></table:table-cell>"),
	  0, 1, 0 },
	{ "ods: a number, shown in another way", ODF, "content.xml", NULL,
	  O("<table:table-cell office:value=\"" NUMBER
	    "\"><text:p>1.23E+11</text:p></table:table-cell>"),
	  0, 1, 0 },
	{ "ods: the name of a sheet", ODF, "content.xml", NULL,
	  O("<table:table table:name=\"機密\"/>"), SECRET, 0, 0 },
	{ "fodt: one file", PLAIN, "a.fodt", NULL,
	  "<?xml version=\"1.0\"?><office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\">"
	  "<office:document-content><text:p>機<text:span>密</text:span></text:p></office:document-content></office:document>",
	  SECRET, 0, 0 },
	{ "Word's XML of 2003", PLAIN, "a.xml", NULL,
	  "<?xml version=\"1.0\"?><w:wordDocument><w:body><w:p>" R("機")
		  R("密") "</w:p></w:body></w:wordDocument>",
	  SECRET, 0, 0 },
	{ "rtf: CP932, in bytes", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansi\\ansicpg932\\deff0{\\fonttbl{\\f0\\fnil\\fcharset128 MS Mincho;}}\\f0 \\'8b@\\'96\\'a7\\par}",
	  SECRET, 0, 0 },
	{ "rtf: the font's character set", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f31505\\fcharset128 X;}}\\f0 a \\f31505 "
	  "\\'8b\\'40\\'96\\'a7}",
	  SECRET, 0, 0 },
	{ "rtf: a set that nobody declared", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansi \\'8b\\'40\\'96\\'a7}", SECRET, 0, 0 },
	{ "rtf: Unicode, with letters for old readers", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansi\\uc2\\u27231\\'8b\\'40\\u23494\\'96\\'a7}", SECRET, 0, 0 },
	{ "rtf: Unicode below zero", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\uc1\\u-28211?\\u-30335?\\u24615?\\u8544?}", I, 0, 0 },
	{ "rtf: over groups", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansicpg932 {\\b\\'8f\\'64\\'97\\'76}{\\i\\'90\\'ab}\\u8545?}", II, 0, 0 },
	{ "rtf: over a note", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansicpg932 \\'8b@{\\footnote \\'92\\'8d}\\'96\\'a7}", SECRET, 0, 0 },
	{ "rtf: in a header", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansicpg932{\\header \\'8b@\\'96\\'a7}x}", SECRET, 0, 0 },
	{ "rtf: the title", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansicpg932{\\info{\\title \\'8b@\\'96\\'a7}}x}", SECRET, 0, 0 },
	{ "rtf: in a shape", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansicpg932{\\shp{\\*\\shpinst{\\shptxt \\'8b@\\'96\\'a7}}}}", SECRET, 0, 0 },
	{ "rtf: a group nobody shows", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansicpg932{\\*\\xyz \\'8b@\\'96\\'a7}}", 0, 0, 0 },
	{ "rtf: what a picture is", PLAIN, "a.rtf", NULL,
	  "{\\rtf1\\ansicpg932{\\pict{\\*\\picprop{\\sp{\\sn wzDescription}{\\sv \\'8b@\\'96\\'a7}}}00ff}}",
	  SECRET, 0, 0 },
	{ "rtf: a number", PLAIN, "a.rtf", NULL,
	  "{\\rtf1 1234\\_5678\\_9018\\par 12345678\\cell 9018}", 0, 1, 0 },
	{ "zip: a text of Shift_JIS", ZIP, "メモ.txt", "CP932", "これは機密の文書です。", SECRET, 0,
	  0 },
	{ "zip: a text of EUC-JP", ZIP, "a.txt", "EUC-JP", "これは機密の文書です。", SECRET, 0, 0 },
	{ "zip: a text of ISO-2022-JP", ZIP, "a.txt", "ISO-2022-JP", "機密です", SECRET, 0, 0 },
	{ "zip: a text of UTF-16", ZIP, "a.txt", "UTF-16", "一行目\r\n機密\r\n", SECRET, 0, 0 },
	{ "zip: a list", ZIP, "a.csv", NULL,
	  "名前,番号\r\n山田,1234-5678-9018\r\n鈴木," NUMBER "\r\n", 0, 2, 0 },
	{ "zip: a page", ZIP, "a.html", NULL, "<html><body>機<b>密</b></body></html>", SECRET, 0,
	  0 },
	{ "zip: a message", ZIP, "a.eml", NULL,
	  "From: a@b.example\r\nSubject: =?iso-2022-jp?B?GyRCNSFMKRsoQg==?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nbody\r\n",
	  SECRET, 0, 0 },
	{ "zip: a message's text", ZIP, "a.eml", NULL,
	  "From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	  "Content-Transfer-Encoding: base64\r\n\r\n5qmf5a+G\r\n",
	  SECRET, 0, 0 },
	{ "zip: a name only", ZIP, "a.txt", NULL, "公開の文書です。", 0, 0, 0 },
	{ "zip in zip: a text", ZIP_2, "a.txt", NULL, "重要性Ⅰ", I, 0, 0 },
	{ "zip: a document over runs", DOCX_ZIP, "a.docx", NULL,
	  W("<w:p>" R("機") R("密") "</w:p>"), SECRET, 0, 0 },
	{ "zip: rtf", ZIP, "a.rtf", NULL, "{\\rtf1\\ansicpg932 \\'8b@\\'96\\'a7}", SECRET, 0, 0 },
	{ "a page", PLAIN, "a.mht.html", NULL, "<html><p>重要<b>性</b>&#8544;</p></html>", I, 0,
	  0 },
	{ "pdf: nothing of it", PLAIN, "a.pdf", NULL, PDF(TYPE0, "BT /F1 12 Tf <0003> Tj ET"), 0, 0,
	  0 },
	{ "pdf: a subset of a font", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0, "BT /F1 12 Tf 72 700 Td <00010002> Tj ET"), SECRET, 0, 0 },
	{ "pdf: letter by letter", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0, "BT /F1 12 Tf 72 700 Td <0001> Tj 12 0 Td <0002> Tj ET"), SECRET, 0, 0 },
	{ "pdf: letter by letter, each with its matrix", PLAIN, "a.pdf", NULL,
	  PDF(LATIN,
	      "BT /F1 12 Tf 1 0 0 1 72 700 Tm (t) Tj 1 0 0 1 78 700 Tm (o) Tj 1 0 0 1 84 700 Tm (p) Tj "
	      "1 0 0 1 96 700 Tm (secret) Tj ET"),
	  TOP, 0, 0 },
	{ "pdf: letters of one word far apart are two", PLAIN, "a.pdf", NULL,
	  PDF(LATIN, "BT /F1 12 Tf 72 700 Td (to) Tj 200 0 Td (p secret) Tj ET"), 0, 0, 0 },
	{ "pdf: kerning", PLAIN, "a.pdf", NULL,
	  PDF(LATIN, "BT /F1 12 Tf [(t) 20 (op) -400 (s) 10 (ecret)] TJ ET"), TOP, 0, 0 },
	{ "pdf: a number in strings", PLAIN, "a.pdf", NULL,
	  PDF(LATIN,
	      "BT /F1 12 Tf [(1234) -10 (5678) -300 (9018)] TJ T* ET BT 1 0 0 1 72 500 Tm (123456) Tj 36 0 Td (789018) Tj ET"),
	  0, 1, 0 },
	{ "pdf: numbers in two columns are none", PLAIN, "a.pdf", NULL,
	  PDF(LATIN, "BT /F1 12 Tf (1234) Tj 100 0 Td (5678) Tj 100 0 Td (9018) Tj ET"), 0, 0, 0 },
	{ "pdf: a number over two lines is none", PLAIN, "a.pdf", NULL,
	  PDF(LATIN, "BT /F1 12 Tf 14 TL (12345678) Tj T* (9018) Tj ET"), 0, 0, 0 },
	{ "pdf: under readings", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0,
	      "BT /F1 12 Tf 72 700 Td <0001> Tj /F1 5 Tf 0 12 Td <0003> Tj /F1 12 Tf 12 -12 Td <0002> Tj ET"),
	  SECRET, 0, 0 },
	{ "pdf: letters after a large title", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0,
	      "BT /F1 40 Tf 72 700 Td <0003> Tj /F1 10 Tf 0 -50 Td <0003> Tj <0003> Tj <0003> Tj <0003> Tj "
	      "<0003> Tj <0003> Tj <0003> Tj <0003> Tj <0003> Tj <0003> Tj <0001> Tj <0002> Tj <0003> Tj ET"),
	  SECRET, 0, 0 },
	{ "pdf: escapes", PLAIN, "a.pdf", NULL,
	  PDF(LATIN, "BT /F1 12 Tf (\\164o\\\np \\163ecret) Tj ET"), TOP, 0, 0 },
	{ "pdf: the next line's operators", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0, "BT /F1 12 Tf 12 TL <0001> ' 0 0 <0002> \" ET"), SECRET, 0, 0 },
	{ "pdf: a font that q keeps", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0, "/F1 12 Tf q /F9 9 Tf Q BT <00010002> Tj ET"), SECRET, 0, 0 },
	{ "pdf: behind a picture in the text", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0, "BI /W 1 /H 1 ID \x01(<<[ EI BT /F1 12 Tf <00010002> Tj ET"), SECRET, 0, 0 },
	{ "pdf: Shift_JIS", PLAIN, "a.pdf", NULL,
	  PDF(CID("90ms-RKSJ-H"), "BT /F1 12 Tf <8b4096a7> Tj ET"), SECRET, 0, 0 },
	{ "pdf: Shift_JIS with letters of one byte", PLAIN, "a.pdf", NULL,
	  PDF(CID("90msp-RKSJ-V"), "BT /F1 12 Tf (A\\213@\\226\\247) Tj ET"), SECRET, 0, 0 },
	{ "pdf: Unicode", PLAIN, "a.pdf", NULL,
	  PDF(CID("UniJIS-UCS2-H"), "BT /F1 12 Tf <6a5f5bc6> Tj ET"), SECRET, 0, 0 },
	{ "pdf: UTF-16", PLAIN, "a.pdf", NULL,
	  PDF(CID("UniJIS-UTF16-V"), "BT /F1 12 Tf <d842dfb76a5f5bc6> Tj ET"), SECRET, 0, 0 },
	{ "pdf: EUC", PLAIN, "a.pdf", NULL, PDF(CID("EUC-H"), "BT /F1 12 Tf <b5a1cca9> Tj ET"),
	  SECRET, 0, 0 },
	{ "pdf: JIS", PLAIN, "a.pdf", NULL, PDF(CID("H"), "BT /F1 12 Tf <35214c29> Tj ET"), SECRET,
	  0, 0 },
	{ "pdf: glyphs of Adobe-Japan1", PLAIN, "a.pdf", NULL,
	  PDF(CID("Identity-H"), "BT /F1 12 Tf <063b0eb5> Tj ET"), SECRET, 0, 0 },
	{ "pdf: Roman numbers of Adobe-Japan1", PLAIN, "a.pdf", NULL,
	  PDF(CID("Identity-H"), "BT /F1 12 Tf <094f0f410a511d97> Tj ET"), I, 0, 0 },
	{ "pdf: glyphs that nobody knows", PLAIN, "a.pdf", NULL,
	  PDF(NOBODY, "BT /F1 12 Tf <0001000200030004> Tj ET"), 0, 0, UNPACK_ILLEGIBLE },
	{ "pdf: an alphabet of its own", PLAIN, "a.pdf", NULL,
	  PDF(OWN, "BT /F1 12 Tf (abcd) Tj ET"), 0, 0, UNPACK_ILLEGIBLE },
	{ "pdf: names of letters", PLAIN, "a.pdf", NULL,
	  PDF("<</Type/Font/Subtype/Type1/Encoding<</Differences[1/t/o/p/space/s/e/c/r/uni6A5F/uni5BC6]>>>>",
	      "BT /F1 12 Tf <0102030405060708060109 0a> Tj ET"),
	  TOP | SECRET, 0, 0 },
	{ "pdf: a title", PLAIN, "a.pdf", NULL, PDF("<</Title<FEFF6A5F5BC6>>>", ""), SECRET, 0, 0 },
	{ "pdf: a title in Shift_JIS", PLAIN, "a.pdf", NULL,
	  PDF("<</Title(\\213@\\226\\247)>>", ""), SECRET, 0, 0 },
	{ "pdf: a note", PLAIN, "a.pdf", NULL,
	  PDF("<</Type/Annot/Subtype/Text/Contents(\\376\\377j_[\\306)>>", ""), SECRET, 0, 0 },
	{ "pdf: what stands for letters", PLAIN, "a.pdf", NULL,
	  PDF(LATIN, "/Span<</ActualText<FEFF6A5F5BC6>>>BDC BT /F1 12 Tf (x) Tj ET EMC"), SECRET, 0,
	  0 },
	{ "pdf: properties", PLAIN, "a.pdf", NULL,
	  PDF("<</Type/Metadata/Subtype/XML>>stream\n<?xpacket?><x:xmpmeta><dc:title><rdf:li>機密</rdf:li></dc:title></x:xmpmeta>\nendstream",
	      ""),
	  SECRET, 0, 0 },
	{ "pdf: a form, without fonts of its own", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0,
	      "BT /F1 12 Tf <0003> Tj ET /X1 Do") "6 0 obj<</Type/XObject/Subtype/Form>>stream\nBT /F1 12 Tf <00010002> Tj ET\nendstream endobj\n",
	  SECRET, 0, 0 },
	{ "pdf: several streams are one", PLAIN, "a.pdf", NULL,
	  "%PDF-1.4\n1 0 obj<</Type/Page/Parent 8 0 R/Contents[6 0 R 7 0 R]>>endobj\n"
	  "6 0 obj<<>>stream\nBT /F1 12 Tf <0001> Tj\nendstream endobj\n7 0 obj<<>>stream\n<0002> Tj ET\nendstream endobj\n"
	  "8 0 obj<</Type/Pages/Resources 9 0 R>>endobj\n9 0 obj<</Font 10 0 R>>endobj 10 0 obj<</F1 3 0 R>>endobj\n"
	  "3 0 obj" TYPE0 "endobj\n4 0 obj<<>>stream\n" LETTERS "\nendstream endobj\n",
	  SECRET, 0, 0 },
	{ "pdf: a page that was replaced", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0,
	      "BT /F1 12 Tf <00010002> Tj ET") "2 0 obj<<>>stream\nBT /F1 12 Tf <0003> Tj ET\nendstream endobj\n",
	  0, 0, 0 },
	{ "pdf: in a hexadecimal stream", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0,
	      "") "2 0 obj<</Filter/ASCIIHexDecode>>stream\n4254202f4631203132205466203c30303031303030323e20546a204554>\nendstream endobj\n",
	  SECRET, 0, 0 },
	{ "pdf: a filter that is not read", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0, "") "2 0 obj<</Filter/Crypt>>stream\nxxxxxxxx\nendstream endobj\n", 0, 0,
	  UNPACK_ILLEGIBLE },
	{ "pdf: encrypted", PLAIN, "a.pdf", NULL,
	  PDF(TYPE0, "BT /F1 12 Tf <00010002> Tj ET") "trailer<</Encrypt 9 0 R>>\n", 0, 0,
	  UNPACK_ENCRYPTED },
	{ "zip: a pdf", ZIP, "a.pdf", NULL, PDF(TYPE0, "BT /F1 12 Tf <00010002> Tj ET"), SECRET, 0,
	  0 },
	{ "pdf: deflated, in streams of objects", SAMPLE, "words.pdf", NULL, NULL, SECRET | I, 1,
	  0 },
	{ "doc: pieces, and a title", SAMPLE, "words.doc", NULL, NULL, SECRET | TOP | II, 0, 0 },
	{ "doc: over a link, and under readings", SAMPLE, "words-field.doc", NULL, NULL, SECRET | I,
	  0, 0 },
	{ "doc: of Word 95", SAMPLE, "words-95.doc", NULL, NULL, SECRET, 0, UNPACK_ILLEGIBLE },
	{ "xls: texts over records, numbers, a box, a sheet", SAMPLE, "words.xls", NULL, NULL,
	  SECRET | I | II, 1, 0 },
	{ "xls: of Excel 95", SAMPLE, "words-95.xls", NULL, NULL, SECRET, 0, 0 },
	{ "ppt: a comment, of later versions", SAMPLE, "words-comment.ppt", NULL, NULL, SECRET, 0,
	  0 },
	{ "ppt: slides", SAMPLE, "words.ppt", NULL, NULL, SECRET | TOP | I, 0, 0 },
	{ "msg: subject and text", SAMPLE, "words.msg", NULL, NULL, SECRET | TOP | I, 0, 0 },
	{ "tnef: subject, rich text, page", SAMPLE, "words.tnef", NULL, NULL, SECRET | TOP | I | II,
	  0, 0 },
	{ "tnef: subject and text before there were properties", SAMPLE, "words-old.tnef", NULL,
	  NULL, SECRET | TOP, 0, 0 },
	{ "msg: rich text alone", SAMPLE, "words-rtf.msg", NULL, NULL, SECRET | I, 0, 0 },
	{ "msg: a body in no form that is known", SAMPLE, "words-unknown.msg", NULL, NULL, 0, 0,
	  UNPACK_ILLEGIBLE },
	{ "Ichitaro: its text", SAMPLE, "words.jtd", NULL, NULL, SECRET, 0, 0 },
	{ "OneNote: between files", SAMPLE, "words.one", NULL, NULL, SECRET | TOP, 0, 0 },
	{ "a document of nobody known here", SAMPLE, "words-other.bin", NULL, NULL, 0, 0,
	  UNPACK_ILLEGIBLE },
	{ "DocuWorks", PLAIN, "a.xdw", NULL, "`\016xyz", 0, 0, UNPACK_ILLEGIBLE },
	{ "xlsb: a binary workbook", SAMPLE, "words.xlsb", NULL, NULL, SECRET | I | II, 1, 0 },
	{ "pdf: differences, of PNG and TIFF", SAMPLE, "words-predictor.pdf", NULL, NULL,
	  SECRET | TOP, 0, 0 },
	{ "pdf: ASCII85 and LZW", SAMPLE, "words-85.pdf", NULL, NULL, SECRET | TOP, 0, 0 },
};

static struct blob encode(const char *text, const char *charset)
{
	struct blob out = { 0 };
	char room[8192], *from = (char *)(uintptr_t)text, *to = room;
	size_t left = strlen(text), free_room = sizeof(room);
	iconv_t cd = iconv_open(charset ? charset : "UTF-8", "UTF-8");
	assert_true(cd != (iconv_t)-1);
	assert_true(iconv(cd, &from, &left, &to, &free_room) != (size_t)-1);
	assert_true(iconv(cd, NULL, NULL, &to, &free_room) != (size_t)-1);
	iconv_close(cd);
	blob_add(&out, room, sizeof(room) - free_room);
	return out;
}

static struct blob document(const char *part, struct blob content, bool odf)
{
	struct zip_file zip = { 0 };
	struct blob first = { 0 };
	blob_text(&first, odf ? "application/vnd.oasis.opendocument.text"
			      : "<?xml version=\"1.0\"?><Types/>");
	zip_add(&zip, odf ? "mimetype" : "[Content_Types].xml", first, false);
	zip_add(&zip, part, content, false);
	return zip_end(&zip);
}

static struct blob make(const struct row *row)
{
	if (row->form == SAMPLE) {
		struct blob file = { 0 };
		file.v = read_file(row->name, &file.n);
		return file;
	}
	struct blob content = encode(row->text, row->charset);
	switch (row->form) {
	case OOXML:
	case ODF:
		return document(row->name, content, row->form == ODF);
	case ZIP:
		return zip_of(row->name, content, false);
	case ZIP_2:
		return zip_of("b.zip", zip_of(row->name, content, false), false);
	case DOCX_ZIP:
		return zip_of(row->name, document(DOC, content, false), false);
	default:
		return content;
	}
}

static const struct unpack_bounds usual = {
	.depth = 8,
	.entries = 1000,
	.output = 64 << 20,
	.each = 32 << 20,
	.memory = 64 << 20,
};

struct last { // told
	struct unpack_terms found;
	uint32_t kinds, n;
};

static void on_entry(void *arg, const struct unpack_entry *entry)
{
	struct last *last = arg;
	last->found = entry->found;
	last->kinds |= entry->kinds;
	last->n++;
}

static struct unpack_sink sink = { .entry = on_entry };

static void look(const struct row *row, const struct blob *file)
{
	static const char *const names[] = {
		[PLAIN] = NULL,	 [OOXML] = "a.docx", [ODF] = "a.odt",
		[ZIP] = "a.zip", [ZIP_2] = "a.zip",  [DOCX_ZIP] = "a.zip",
	};
	struct last last = { 0 };
	struct unpack_result result;
	const struct unpack_file is = { .name = names[row->form % (DOCX_ZIP + 1)] &&
								row->form != SAMPLE
							? names[row->form]
							: row->name,
					.bytes = file->v,
					.size = file->n,
					.fd = -1 };
	sink.arg = &last;
	unpack_look(&is, &usual, &sink, &result);
	uint32_t kinds = result.kinds | last.kinds;
	if (result.found.words != row->words || result.found.numbers != row->numbers ||
	    (kinds & UNPACK_ILLEGIBLE) != (row->kinds & UNPACK_ILLEGIBLE) ||
	    (kinds & row->kinds) != row->kinds || result.limit != UNPACK_WHOLE)
		fail_msg("%s: words %llx, %u numbers, kinds %x, %s", row->title,
			 (unsigned long long)result.found.words, result.found.numbers, kinds,
			 unpack_limit_names[result.limit]);
	// What was found in an archive was found in its entry, too.
	if (row->form >= ZIP && row->form <= DOCX_ZIP && last.found.words != row->words)
		fail_msg("%s: the entry has words %llx", row->title,
			 (unsigned long long)last.found.words);
}

static void check_row(void **state)
{
	const struct row *row = *state;
	struct blob file = make(row);
	look(row, &file);
	blob_done(&file);
}

static struct arena *arena;

static int setup(void **state)
{
	static const char *const words[] = { "重要性Ⅰ", "重要性Ⅱ", "機密", "top secret" };
	(void)state;
	arena = arena_new();
	sink.terms = terms_new(arena, words, 4);
	return unpack_load();
}

static int teardown(void **state)
{
	(void)state;
	unpack_unload();
	arena_free(arena);
	return 0;
}

// Without words that somebody looks for none is read, and nothing is illegible.
static void looks_for_nothing(void **state)
{
	const struct unpack_sink none = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct unpack_result result;
		struct blob file = make(&rows[i]);
		const struct unpack_file is = {
			.name = "a", .bytes = file.v, .size = file.n, .fd = -1
		};
		unpack_look(&is, &usual, &none, &result);
		assert_int_equal(result.found.words, 0);
		assert_int_equal(result.found.numbers, 0);
		assert_int_equal(result.kinds & UNPACK_ILLEGIBLE, 0);
		blob_done(&file);
	}
}

enum { N = sizeof(rows) / sizeof(rows[0]) };

int main(void)
{
	struct CMUnitTest tests[N + 1];
	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ rows[i].title, check_row, NULL, NULL,
						(void *)&rows[i] };
	tests[N] = (struct CMUnitTest)cmocka_unit_test(looks_for_nothing);
	return _cmocka_run_group_tests("unpack_words", tests, N + 1, setup, teardown);
}
