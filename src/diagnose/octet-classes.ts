/** What the fast path wants to know of an octet. */
export const octetClass = {
  /** Printable ASCII that means nothing to it. */
  ordinary: 0,
  space: 1,
  quote: 2,
  /** Ends a line, or is no octet that a gateway writes without escaping it: the slow path knows better. */
  special: 3,
} as const;

const isToken = (octet: number): boolean => isNumeral(octet) || isLetter(octet) || octet === 0x5f;

/** Of numbers, addresses and times: digits, `.` and `:`. */
function isNumeral(octet: number): boolean {
  return (octet >= 0x30 && octet <= 0x3a) || octet === 0x2e;
}

function isLetter(octet: number): boolean {
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isHex(octet: number): boolean {
  const lower = octet | 0x20;
  return (octet >= 0x30 && octet <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

function table(value: (octet: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => value(octet));
}

export const classes = table((octet) => {
  if (octet === 0x20) return octetClass.space;
  if (octet === 0x22) return octetClass.quote;
  return octet < 0x20 || octet > 0x7e || octet === 0x5c ? octetClass.special : octetClass.ordinary;
});

/** What may stand within quotes. */
export const textOctets = table((octet) => ((classes[octet] as number) <= octetClass.space ? 1 : 0));

export const digits = table((octet) => (octet >= 0x30 && octet <= 0x39 ? 1 : 0));
export const numerals = table((octet) => (isNumeral(octet) ? 1 : 0));
export const tokens = table((octet) => (isToken(octet) ? 1 : 0));
export const hexDigits = table((octet) => (isHex(octet) ? 1 : 0));
/** Of an address as nginx writes `$remote_addr`: hexadecimal digits, `.` and `:`. */
export const addressOctets = table((octet) => (isHex(octet) || isNumeral(octet) ? 1 : 0));
/** Of a user's name that no format could take for a field with a name. */
export const userOctets = table((octet) =>
  (isToken(octet) && octet !== 0x3a) || octet === 0x2d || octet === 0x40 ? 1 : 0,
);
