import { variablesIn } from '../core/template.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { secretHeaders } from '../redact/text-redactor.ts';
import type { Path } from '../schema/findings.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';

/** Secrets never reach a record: not in lines of a format, and not in the values of a route. A query may have any secret. */
export function reviewRecordedVariables(draft: Draft, collector: ErrorCollector): void {
  const { format = 'json', secret_headers = [] } = draft.plain.log ?? {};
  const own = secret_headers.map((name) => name.toLowerCase());
  const isSecret = (written: string): boolean => {
    const [kind, name = ''] = written.toLowerCase().split(/\.(.*)/s);
    if (kind === 'header') return secretHeaders.includes(name) || own.includes(name) || isSecretName(name);
    return isSecretName(name);
  };
  const review = (text: string, path: Path, isRedacted: boolean): void => {
    const secret = variablesIn(text).find((written) => isSecret(written) || (written === 'query' && !isRedacted));
    if (secret !== undefined)
      collector.errorAtValue(path, `{${secret}} may carry secrets and is never recorded`, 'remove it');
  };
  review(format, ['log', 'format'], true);
  for (const [at, route] of draft.routes) {
    const { log } = route as { readonly log?: { readonly fields?: Readonly<Record<string, string>> } };
    for (const [name, text] of Object.entries(log?.fields ?? {}))
      review(text, ['routes', at, 'log', 'fields', name], false);
  }
}
