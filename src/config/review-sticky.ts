import type { ErrorCollector } from './error-collector.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import type { Path } from '../schema/findings.ts';

/** Sticky sessions that browsers would not keep, or that end too early. */
export function reviewSticky(draft: Draft, collector: ErrorCollector): void {
  for (const [section, named] of [
    ['upstreams', draft.upstreams],
    ['applications', draft.applications],
  ] as const)
    for (const [name, read] of named) {
      const sticky = isMap(read) ? read.sticky : undefined;
      if (sticky === undefined || sticky === false) continue;
      reviewOne(sticky === true ? {} : sticky, [section, name, 'sticky'], draft, collector);
    }
}

interface Written {
  readonly name?: string | undefined;
  readonly same_site?: string | undefined;
  readonly secure?: boolean | 'auto' | undefined;
  readonly domain?: string | undefined;
  readonly path?: string | undefined;
  readonly draining?: string | undefined;
  readonly key_file?: string | undefined;
}

function reviewOne(written: Written, at: Path, draft: Draft, collector: ErrorCollector): void {
  const { name = '', same_site, secure = 'auto', domain, path = '/', draining, key_file } = written;
  if (same_site === 'none' && secure !== true)
    collector.errorAtValue(
      [...at, 'same_site'],
      'browsers drop a cookie with SameSite=None that is not Secure',
      'add "secure: true"',
    );
  if (/^__(?:Host|Secure)-/i.test(name) && secure !== true)
    collector.errorAtValue(
      [...at, 'name'],
      'browsers drop a cookie of such a name that is not Secure',
      'add "secure: true"',
    );
  if (/^__Host-/i.test(name) && (domain !== undefined || path !== '/'))
    collector.errorAtValue(
      [...at, 'name'],
      'a cookie with "__Host-" has no domain, and the path /',
      'remove "domain" and "path"',
    );
  if (draining === 'keep' && at[0] === 'applications')
    collector.errorAtValue(
      [...at, 'draining'],
      'an instance that drains is about to be stopped',
      'remove it; its sessions move',
    );
  if (key_file === undefined && draft.plain.state === null)
    collector.warnAtKey(
      at,
      'without a state folder sessions end with this process',
      'name a "key_file", or a folder with the key "state"',
    );
}
