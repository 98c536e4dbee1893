/** Whether the CAs that a listener names fit together. */
import type { AutomaticTlsRead } from './automatic-tls-schema.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from '../schema/error-detail.ts';
import { knownDirectories } from './format/acme-directory.ts';
import type { Path } from '../schema/findings.ts';
import { itemPath } from './wanted-files.ts';

export function isPublicDirectory(directory: string): boolean {
  return Object.values(knownDirectories).some((known) => known === directory);
}

/** `at`: of `auto`. */
export function reviewDirectories(settings: AutomaticTlsRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const { directory = knownDirectories.production, fallback = [], external_account } = settings;
  if (external_account !== undefined && isPublicDirectory(directory))
    collector.errorAtKey(
      [...at, 'external_account'],
      "Let's Encrypt, which is asked here, has no external accounts",
      'write as "directory" the URL that the CA of this account gives',
    );
  for (const [index, other] of fallback.entries()) {
    const key = itemPath(draft, [...at, 'fallback'], index);
    if (other === directory || fallback.indexOf(other) < index)
      collector.warnAtValue(key, 'this CA is asked already', 'write another CA, or remove it');
    else if (other === knownDirectories.staging)
      collector.warnAtValue(
        key,
        'certificates of staging are trusted by no browser: one would take the place of none',
        'write a CA that browsers trust, or remove it',
      );
  }
  for (const [index, name] of (settings.on_demand?.allow ?? []).entries())
    if (/^\*\.[^.]+$/.test(name) && isPublicDirectory(directory))
      collector.warnAtValue(
        itemPath(draft, [...at, 'on_demand', 'allow'], index),
        `${quoted(name)} has the domains of strangers too, who could have certificates ordered for them`,
        'write the names below a domain of yours, such as "*.example.org"',
      );
}
