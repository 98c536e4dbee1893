import { basename } from 'node:path';
import { quoted } from '../../schema/error-detail.ts';
import { count } from '../../schema/fallback.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { absent, locationIn, redirectKeys, type RedirectRead } from './keys-format.ts';
import { type MapLine, readRedirectMap, type RedirectMap } from './keys-map.ts';
import { reviewRedirects } from './keys-review.ts';
import { type RedirectMapSpec, redirectName, type RedirectSpec } from './settings.ts';

/** What says for which hosts a route is. */
interface HostsRead {
  readonly host?: unknown;
  readonly any?: unknown;
}

export const redirect: FeatureKeys = featureKeys<RedirectRead & HostsRead, object>({
  name: redirectName,
  isAction: true,
  routeKeys: redirectKeys,
  forms: { redirect: { example: 'https://example.org/new' } },
  standsBesideTo: (written) =>
    typeof written === 'object' && written !== null && 'map' in written && !('location' in written),
  ofRoute({ redirect: read, ...others }, _, { contentOf }): RedirectSpec | null {
    if (read === undefined) return null;
    const [location, map] = [locationIn({ redirect: read, ...others }), mapOf(read)];
    const status = count(typeof read === 'object' ? read.status : undefined, absent.status);
    return { status, location, ...(map === null ? {} : { map: mapSpec(map, contentOf(map), status) }) };
  },
  filesOfRoute({ redirect: read, host, any }) {
    const map = mapOf(read);
    if (map === null) return [];
    const isOfEveryHost = host === undefined && any === undefined;
    const review = (text: string, at: Path, findings: Findings): void =>
      reviewMap(basename(map), readRedirectMap(text, isOfEveryHost), at, findings);
    // Ten times ten thousand lines; each worker holds it.
    const kind = { what: 'a list of redirects', bytesMax: 8 * 1024 * 1024 };
    return [{ kind, path: map, at: ['redirect', 'map'], review }];
  },
  review: reviewRedirects,
});

function mapOf(read: RedirectRead['redirect']): string | null {
  return typeof read === 'object' ? (read.map ?? null) : null;
}

function mapSpec(path: string, text: string, status: number): RedirectMapSpec {
  const { lines } = readRedirectMap(text);
  const written = ({ from, to, status: own }: MapLine): string => `${from} ${own ?? status} ${to}`;
  return { name: basename(path), count: lines.length, lines: lines.map(written).join('\n') };
}

/** More are found when the first ones are corrected. */
const reportedMax = 5;

function reviewMap(name: string, { lines, errors, warnings }: RedirectMap, at: Path, findings: Findings): void {
  const more = (count: number): string => (count > reportedMax ? ` (and ${count - reportedMax} more lines)` : '');
  for (const [index, { line, message, suggestion }] of errors.slice(0, reportedMax).entries())
    findings.errorAtValue(
      at,
      `${quoted(name)} line ${line}: ${message}${index === reportedMax - 1 ? more(errors.length) : ''}`,
      suggestion,
    );
  for (const [index, { line, message, suggestion }] of warnings.slice(0, reportedMax).entries())
    findings.warnAtValue(
      at,
      `${quoted(name)} line ${line}: ${message}${index === reportedMax - 1 ? more(warnings.length) : ''}`,
      suggestion,
    );
  if (lines.length + errors.length === 0)
    findings.warnAtValue(at, `${quoted(name)} has no redirect`, 'write lines such as /old /new');
}
