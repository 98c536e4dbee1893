/** What is wrong in a file of countries, found before it takes the place of the one in use. */
import { succeed, type Result } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import type { TextFile } from '../feature-keys.ts';
import type { DatabaseContents } from './country-database.ts';

/** What stands at the beginning of the last part of a file in MaxMind's format, which says what it has. */
const mark = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
const example = 'name one such as GeoLite2-Country.mmdb';
/** The beginning of files as they are downloaded, and what unpacks them. */
const packers = [
  ['\x1f\x8b', 'gunzip, or tar -xzf'],
  ['PK\x03\x04', 'unzip'],
] as const;
const again = 'copy it again, under another name, and rename it when it is whole';

/** Those with cities too have some 60 MiB. */
export const countryFile: TextFile = {
  what: 'a file of countries',
  bytesMax: 256 * 1024 * 1024,
  digest: digestOf,
};

/** The hash of the content, and which addresses it lacks. */
async function digestOf(content: Buffer, name: string): Promise<Result<string, ErrorDetail>> {
  const tool = packers.find(([beginning]) => content.subarray(0, 4).toString('latin1').startsWith(beginning))?.[1];
  if (tool !== undefined)
    return reject(`${quoted(name)} is packed`, `unpack it (${tool} ${name}), and name the .mmdb file in it`);
  if (!content.includes(mark))
    return name.endsWith('.mmdb')
      ? reject(`${quoted(name)} is no whole file in the format of MaxMind: its end is missing`, again)
      : reject(`${quoted(name)} is no file in the format of MaxMind, whose names end with .mmdb`, example);
  // Few configurations name one.
  const { contentHash, loadDatabaseLibrary, lookIntoDatabase } = await import('./country-database.ts');
  await loadDatabaseLibrary();
  let has: DatabaseContents;
  try {
    has = lookIntoDatabase(content);
  } catch {
    return reject(`${quoted(name)} is damaged: its parts do not fit together`, again);
  }
  if (!has.country) return reject(`${quoted(name)} is of the type ${quoted(has.type)}, and has no countries`, example);
  return succeed(`${contentHash(content)}${has.ipv4 ? '' : withoutIpv4}${has.ipv6 ? '' : withoutIpv6}`);
}

const [withoutIpv4, withoutIpv6] = [' without IPv4', ' without IPv6'];

export function reviewCountryFile(digest: string, at: Path, findings: Findings): void {
  for (const [lack, family] of [
    [withoutIpv4, 'IPv4'],
    [withoutIpv6, 'IPv6'],
  ] as const)
    if (digest.includes(lack))
      findings.warnAtValue(
        at,
        `it has no addresses of ${family}: the country of these clients is unknown`,
        'name a file with both',
      );
}
