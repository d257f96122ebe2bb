/** The names of the characters from U+00A0 on, in their order. */
const LATIN =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";
const GREEK =
  "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau Upsilon Phi Chi Psi Omega - - - - - - - alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega";
const OTHERS =
  "amp & lt < gt > quot \" apos ' OElig Œ oelig œ Scaron Š scaron š Yuml Ÿ fnof ƒ circ ˆ tilde ˜ ensp \u2002 emsp \u2003 thinsp \u2009 zwnj \u200C zwj \u200D ndash – mdash — lsquo ‘ rsquo ’ sbquo ‚ ldquo “ rdquo ” bdquo „ dagger † Dagger ‡ bull • hellip … permil ‰ prime ′ Prime ″ lsaquo ‹ rsaquo › euro € trade ™ larr ← uarr ↑ rarr → darr ↓ harr ↔ rArr ⇒ hArr ⇔ minus − infin ∞ asymp ≈ ne ≠ equiv ≡ le ≤ ge ≥ radic √ sum ∑ prod ∏ part ∂ int ∫ cap ∩ cup ∪ isin ∈ forall ∀ exist ∃ empty ∅ check ✓ star ☆ starf ★ num # lpar ( rpar ) lsqb [ rsqb ] lcub { rcub } colon : semi ; comma , period . sol / bsol \\ excl ! quest ? dollar $ percnt % ast * plus + equals = commat @ lowbar _ grave ` verbar | Tab \t NewLine \n numero №";

const inOrder = (names: string, from: number): [string, string][] =>
  names.split(" ").map((name, at) => [name, String.fromCodePoint(from + at)]);

const pairs = (list: string) => {
  const words = list.split(" ");
  return words.flatMap((name, at): [string, string][] => (at % 2 ? [] : [[name, words[at + 1]!]]));
};

const NAMED = new Map([...inOrder(LATIN, 0xa0), ...inOrder(GREEK, 0x391), ...pairs(OTHERS)]);

/** Numbers from 128 to 159 mean what Windows means by them, in pages that confuse the two. */
const WINDOWS = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8DŽ\x8F\x90‘’“”•–—˜™š›œ\x9DžŸ";

function character(code: number): string {
  if (code >= 128 && code < 160) return WINDOWS[code - 128]!;
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\uFFFD";
}

/** Decodes the character references of HTML 4 and XML. One it does not know stays as it is; none expands into another. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#x([\da-f]{1,6})|#(\d{1,7})|([a-z][a-z\d]{1,9}));?/gi,
    (whole, hexadecimal, decimal, name) => {
      if (hexadecimal) return character(Number.parseInt(hexadecimal as string, 16));
      if (decimal) return character(Number(decimal));
      return (whole.endsWith(";") && NAMED.get(name as string)) || whole;
    },
  );
}
