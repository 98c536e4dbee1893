/** Lists of networks: in the configuration, and in files with one in each line. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { parseNetwork } from '../../schema/format/network.ts';
import type { LineFlaw } from '../content-lines.ts';
import { reviewLines, shownMax } from '../keys-lines.ts';
import { compareRanges, isInside, type NetworkRange, packRanges, rangeOf } from './network-ranges.ts';
import type { NetworkList } from './settings.ts';

export interface WrittenNetwork extends NetworkRange {
  readonly text: string;
  /** Where it stands: 'line 3 of "drop.txt"'; '' in the configuration. */
  readonly at: string;
}

interface NetworkFile {
  readonly networks: readonly WrittenNetwork[];
  readonly flaws: readonly LineFlaw[];
}

/** A file is read when it is reviewed, and again for each route that names it. */
const readMax = 16;
const filesRead = new Map<string, NetworkFile>();

/** One network in each line; what follows `#` or `;` is a remark, as in the lists that are published. */
function readNetworkFile(path: string, text: string): NetworkFile {
  const key = `${path}\0${text}`;
  const known = filesRead.get(key);
  if (known !== undefined) return known;
  const networks: WrittenNetwork[] = [];
  const flaws: LineFlaw[] = [];
  const name = quoted(basename(path));
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const written = line.replace(/[#;].*$/s, '').trim();
    if (written === '') continue;
    const parsed = parseNetwork(written);
    const range = parsed.ok ? rangeOf(parsed.value) : null;
    if (range !== null) networks.push({ ...range, text: written, at: `line ${index + 1} of ${name}` });
    else if (!parsed.ok) flaws.push({ ...parsed.failure, line: index + 1 });
  }
  const read = { networks, flaws };
  if (filesRead.size >= readMax) filesRead.clear();
  filesRead.set(key, read);
  return read;
}

export function networksIn(texts: readonly string[]): readonly WrittenNetwork[] {
  return texts.flatMap((text) => {
    const range = rangeOf(text);
    return range === null ? [] : [{ ...range, text, at: '' }];
  });
}

const namedMax = 8;
const versionDigits = 16;

/** Null: neither networks nor a file are written. */
export function networkList(
  written: readonly string[] | undefined,
  file: { readonly path: string; readonly text: string } | null,
): NetworkList | null {
  if (written === undefined && file === null) return null;
  const read = file === null ? null : readNetworkFile(file.path, file.text);
  if (read === null) return makeList(written ?? [], []);
  const lists = listsMade.get(read) ?? new Map<string, NetworkList>();
  listsMade.set(read, lists);
  const name = JSON.stringify(written ?? []);
  const list = lists.get(name) ?? makeList(written ?? [], read.networks, basename(file?.path ?? ''));
  lists.set(name, list);
  return list;
}

/** Routes that name the same file share what is made of it: a large list takes half a second. */
const listsMade = new WeakMap<NetworkFile, Map<string, NetworkList>>();

function makeList(
  written: readonly string[],
  ofFile: readonly WrittenNetwork[],
  file: string | null = null,
): NetworkList {
  const ranges = [...networksIn(written), ...ofFile];
  const more = written.length - namedMax;
  const shown = [
    ...written.slice(0, namedMax),
    ...(more > 0 ? [`and ${more} more`] : []),
    ...(file === null ? [] : [`${file} (${ofFile.length})`]),
  ];
  const packed = packRanges(ranges);
  const version = createHash('sha256').update(new Uint8Array(packed)).digest('hex').slice(0, versionDigits);
  return { shown: shown.join(' '), count: ranges.length, packed, version };
}

export function reviewNetworkFile(
  path: string,
  isAllow: boolean,
): (text: string, at: Path, findings: Findings) => void {
  return (text, at, findings) => {
    const { networks, flaws } = readNetworkFile(path, text);
    const isEmpty = isAllow && networks.length === 0;
    reviewLines(path, { flaws, isEmpty, what: 'network', add: 'such as 10.0.0.0/8' }, at, findings);
    for (const { one, within } of insideOthers(networks).slice(0, shownMax))
      findings.warnAtValue(at, `${one.text} in ${one.at} is within ${within.text}, in ${within.at}`, 'remove it');
  };
}

interface Inside {
  readonly one: WrittenNetwork;
  readonly within: WrittenNetwork;
}

/** Those that stand within another one of the same list. */
export function insideOthers(networks: readonly WrittenNetwork[]): readonly Inside[] {
  const found: Inside[] = [];
  let widest: WrittenNetwork | null = null;
  for (const one of networks.toSorted(compareRanges)) {
    if (widest !== null && isInside(one, widest)) found.push({ one, within: widest });
    else widest = one;
  }
  return found;
}

/** Those that stand within one of the other list. */
export function insideOf(networks: readonly WrittenNetwork[], others: readonly WrittenNetwork[]): readonly Inside[] {
  const found: Inside[] = [];
  const of = new Set(networks);
  let widest: WrittenNetwork | null = null;
  // A network that is in both lists is within the other one, whichever comes first.
  for (const one of [...others, ...networks].toSorted(compareRanges)) {
    if (of.has(one)) {
      if (widest !== null && isInside(one, widest)) found.push({ one, within: widest });
    } else if (widest === null || !isInside(one, widest)) widest = one;
  }
  return found;
}
