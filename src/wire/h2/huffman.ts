import { assert } from '../../core/assert.ts';

/**
 * The static Huffman code of HPACK (RFC 7541 §5.2, appendix B), which QPACK uses too.
 *
 * The code is canonical: codes of one length follow each other in the order of their symbols, and the next length goes on
 * where the last one ended. So the lengths alone determine it. The numbers are symbols, 256 is EOS.
 */
const symbolsByBits: Readonly<Record<number, string>> = {
  5: '48-50 97 99 101 105 111 115 116',
  6: '32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117',
  7: '58 66-87 89 106 107 113 118-122',
  8: '38 42 44 59 88 90',
  10: '33 34 40 41 63',
  11: '39 43 124',
  12: '35 62',
  13: '0 36 64 91 93 126',
  14: '94 125',
  15: '60 96 123',
  19: '92 195 208',
  20: '128 130 131 162 184 194 224 226',
  21: '153 161 167 172 176 177 179 209 216 217 227 229 230',
  22: '129 132-134 136 146 154 156 160 163 164 169 170 173 178 181 185-187 189 190 196 198 228 232 233',
  23: '1 135 137-141 143 147 149-152 155 157 158 165 166 168 174 175 180 182 183 188 191 197 231 239',
  24: '9 142 144 145 148 159 171 206 215 225 236 237',
  25: '199 207 234 235',
  26: '192 193 200-202 205 210 213 218 219 238 240 242 243 255',
  27: '203 204 211 212 214 221-223 241 244-248 250-254',
  28: '2-8 11 12 14-21 23-31 127 220 249',
  30: '10 13 22 256',
};

const endOfString = 256;
const codes = new Int32Array(257);
const codeBits = new Uint8Array(257);
fillCodes();

/**
 * The decoder reads half a byte at a time. Its state is the inner node of the code's tree that it has reached; a tree with
 * 257 leaves has 256 of them. The shortest code has 5 bits, so that half a byte completes one symbol at most.
 *
 * An entry has the next state in bits 0–7, the completed symbol in bits 8–15, and in bit 16 whether there is one.
 */
const steps = new Int32Array(256 * 16);
const completes = 1 << 16;
/** What the steps have that lead to EOS: RFC 7541 §5.2 makes EOS within a string an error. */
const forbidden = -1;
/** 1 for states in which a string may end: the bits since the last symbol are at most 7 and all ones. */
const mayEnd = new Uint8Array(256);
/** They are filled for the first string: most threads decode none. */
let areStepsFilled = false;

/** What `decodeHuffman` returns for a string that breaks RFC 7541 §5.2, and for one longer than allowed. */
export const huffmanInvalid = -1;
export const huffmanTooLong = -2;

/**
 * Decodes bytes [start, end) of `source` to `at`. Returns where the decoded string ends, at most `atMax`, or
 * `huffmanInvalid` or `huffmanTooLong`. Up to two bytes behind the end, also behind `atMax`, may be overwritten.
 */
export function decodeHuffman(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  atMax: number,
): number {
  if (!areStepsFilled) fillSteps();
  let to = at;
  let node = 0;
  for (let from = start; from < end; from++) {
    const byte = source[from] as number;
    // Without a branch: the symbol is written in any case, and the next one overwrites it unless it was complete.
    let step = steps[(node << 4) | (byte >> 4)] as number;
    if (step < 0) return huffmanInvalid;
    target[to] = step >> 8;
    to += step >> 16;
    step = steps[((step & 0xff) << 4) | (byte & 15)] as number;
    if (step < 0) return huffmanInvalid;
    target[to] = step >> 8;
    to += step >> 16;
    if (to > atMax) return huffmanTooLong;
    node = step & 0xff;
  }
  return mayEnd[node] === 1 ? to : huffmanInvalid;
}

/** How long the string in bytes [start, end) is once decoded, or `huffmanInvalid`. */
export function huffmanDecodedLength(source: Uint8Array, start: number, end: number): number {
  if (!areStepsFilled) fillSteps();
  let length = 0;
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = source[at] as number;
    let step = steps[(node << 4) | (byte >> 4)] as number;
    if (step < 0) return huffmanInvalid;
    length += step >> 16;
    step = steps[((step & 0xff) << 4) | (byte & 15)] as number;
    if (step < 0) return huffmanInvalid;
    length += step >> 16;
    node = step & 0xff;
  }
  return mayEnd[node] === 1 ? length : huffmanInvalid;
}

/** How many bytes `encodeHuffman` writes for bytes [start, end). */
export function huffmanLength(source: Uint8Array, start: number, end: number): number {
  let bits = 0;
  for (let at = start; at < end; at++) bits += codeBits[source[at] as number] as number;
  return Math.ceil(bits / 8);
}

/** Encodes bytes [start, end) of `source` to `at`; returns where the code ends. The caller makes sure that there is room. */
export function encodeHuffman(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  let to = at;
  let window = 0;
  let pending = 0;
  for (let from = start; from < end; from++) {
    const symbol = source[from] as number;
    const code = codes[symbol] as number;
    let bits = codeBits[symbol] as number;
    if (bits > 24) {
      // With the seven bits that may be pending, such a code does not fit into 32 bits: its upper bits go first.
      bits -= 16;
      window = (window << bits) | (code >> 16);
      for (pending += bits; pending >= 8; ) target[to++] = window >> (pending -= 8);
      bits = 16;
    }
    window = (window << bits) | (code & ((1 << bits) - 1));
    for (pending += bits; pending >= 8; ) target[to++] = window >> (pending -= 8);
  }
  if (pending > 0) target[to++] = (window << (8 - pending)) | (0xff >> pending);
  return to;
}

function fillCodes(): void {
  let code = 0;
  let bitsBefore = 0;
  for (const [key, ranges] of Object.entries(symbolsByBits)) {
    const bits = Number(key);
    code <<= bits - bitsBefore;
    bitsBefore = bits;
    for (const range of ranges.split(' ')) {
      const [first = 0, last = first] = range.split('-').map(Number);
      for (let symbol = first; symbol <= last; symbol++) {
        codes[symbol] = code++;
        codeBits[symbol] = bits;
      }
    }
  }
  assert(code === 1 << bitsBefore, 'the code is complete');
}

function fillSteps(): void {
  areStepsFilled = true;
  // Two entries per inner node, one for each bit: the number of the next inner node, or −1 − symbol.
  const tree = new Int32Array(512);
  let nodes = 1;
  for (let symbol = 0; symbol <= endOfString; symbol++) {
    let node = 0;
    const bits = codeBits[symbol] as number;
    for (let rest = bits - 1; rest >= 0; rest--) {
      const branch = node * 2 + (((codes[symbol] as number) >> rest) & 1);
      if (rest === 0) tree[branch] = -1 - symbol;
      else node = tree[branch] || (tree[branch] = nodes++);
    }
  }
  for (let node = 0; node < nodes; node++) {
    for (let half = 0; half < 16; half++) steps[node * 16 + half] = stepOf(tree, node, half);
  }
  for (let node = 0, ones = 0; ones < 8; ones++) {
    mayEnd[node] = 1;
    node = tree[node * 2 + 1] as number;
  }
}

function stepOf(tree: Int32Array, start: number, half: number): number {
  let node = start;
  let completed = 0;
  for (let rest = 3; rest >= 0; rest--) {
    node = tree[node * 2 + ((half >> rest) & 1)] as number;
    if (node >= 0) continue;
    const symbol = -1 - node;
    if (symbol === endOfString) return forbidden;
    completed = completes | (symbol << 8);
    node = 0;
  }
  return completed | node;
}
