import { open } from 'node:fs/promises';

/** The format of a file, by its first bytes. */
export type ByteKind =
  /** `skip`: bytes before the text that are no part of it. */
  | { readonly is: 'text'; readonly skip: number }
  | { readonly is: 'utf-16'; readonly encoding: 'utf-16le' | 'utf-16be' }
  | { readonly is: 'archive'; readonly archive: 'gzip' | 'zstd' }
  | { readonly is: 'other'; readonly why: string };

/** The number of bytes that tells all formats apart. */
export const magicBytes = 6;

const through = (tool: string): ByteKind => ({
  is: 'other',
  why: `it is compressed with ${tool}, which Candor does not read; use \`${tool} -dc FILE | candor explain -\``,
});
const no = (what: string): ByteKind => ({ is: 'other', why: `it is ${what}, not a log` });

/** Signatures in hexadecimal, each with its format. */
const magics: readonly (readonly [RegExp, ByteKind])[] = [
  [/^1f8b/, { is: 'archive', archive: 'gzip' }],
  // RFC 8878 §3.1.1: a frame; §3.1.2: a skippable frame, with which some tools begin.
  [/^28b52ffd/, { is: 'archive', archive: 'zstd' }],
  [/^5[0-9a-f]2a4d18/, { is: 'archive', archive: 'zstd' }],
  [/^efbbbf/, { is: 'text', skip: 3 }],
  [/^fffe/, { is: 'utf-16', encoding: 'utf-16le' }],
  [/^feff/, { is: 'utf-16', encoding: 'utf-16be' }],
  [/^fd377a585a00/, through('xz')],
  [/^425a683[1-9](?:31|17)/, through('bzip2')],
  [/^04224d18/, through('lz4')],
  [/^504b0304/, { is: 'other', why: 'it is a zip archive; use `unzip -p FILE | candor explain -`' }],
  [/^7f454c46/, no('a program')],
  [/^89504e47/, no('a picture')],
  [/^ffd8ff/, no('a picture')],
  [/^25504446/, no('a PDF document')],
  [/^53514c697465/, no('a database of SQLite')],
];

export function kindOfBytes(bytes: Uint8Array): ByteKind {
  const first = Buffer.from(bytes.subarray(0, magicBytes)).toString('hex');
  return magics.find(([magic]) => magic.test(first))?.[1] ?? { is: 'text', skip: 0 };
}

/** Where the text of a file begins; null if the bytes have to be decoded first. */
export async function textStartOf(path: string): Promise<number | null> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magicBytes), 0, magicBytes, 0);
    const kind = kindOfBytes(buffer.subarray(0, bytesRead));
    return kind.is === 'text' ? kind.skip : null;
  } finally {
    await file.close();
  }
}
