import * as z from 'zod';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { path } from '../../schema/leaves.ts';
import { key } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { applicationPagesName as name, type ApplicationPagesSpec } from './settings.ts';

const pagesKeys = {
  application_error_pages: key(
    z.record(z.string(), path),
    'HTML files in place of what applications answer with an error, by status (`404`) or class (`5xx`). Only where a browser asks for a page and the answer is text: APIs, streams and HEAD get what the application sends.',
  ),
};

type PagesRead = z.output<z.ZodObject<typeof pagesKeys>>;

export const applicationPages: FeatureKeys = featureKeys<PagesRead, object, PagesRead>({
  name,
  needsUpstream: true,
  routeKeys: pagesKeys,
  fileKeys: pagesKeys,
  forms: { [name]: { example: '{ 404: pages/404.html }', off: 'remove the key' } },
  filesOfRoute: filesIn,
  filesOfFile: filesIn,
  ofRoute(route, file, _, contentOf): ApplicationPagesSpec | null {
    const all = Object.entries({ ...file[name], ...route[name] });
    if (all.length === 0) return null;
    return { pages: Object.fromEntries(all.map(([status, from]) => [status.toLowerCase(), contentOf(from)])) };
  },
  review({ file, routes }, findings) {
    reviewStatuses(file.read, [], findings);
    for (const { path: at, read } of routes) reviewStatuses(read, at, findings);
  },
});

function filesIn(read: PagesRead) {
  return Object.entries(read[name] ?? {}).map(([status, from]) => ({
    ...{ kind: 'error_page' as const, path: from, at: [name, status] },
  }));
}

function reviewStatuses(read: PagesRead, at: Path, findings: Findings): void {
  for (const status of Object.keys(read[name] ?? {}))
    if (!/^(?:[45]\d\d|[45]xx)$/i.test(status))
      findings.errorAtKey(
        [...at, name, status],
        `${quoted(status)} is not the status of an error`,
        'write a status from 400 to 599, 4xx or 5xx',
      );
}
