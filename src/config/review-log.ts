import { variablesIn } from '../core/template.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { secretHeaders } from '../redact/text-redactor.ts';
import { quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import { type Draft, isMap } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { reviewPatterns } from './review-headers.ts';

/** Secrets never reach a record: not in lines of a format, and not in the values of a route. A query may have any secret. */
export function reviewRecordedVariables(draft: Draft, collector: ErrorCollector): void {
  const { secret_headers = [] } = draft.plain.log ?? {};
  const own = secret_headers.map((name) => name.toLowerCase());
  const isSecret = (written: string): boolean => {
    const [kind, name = ''] = written.toLowerCase().split(/\.(.*)/s);
    if (kind === 'header') return secretHeaders.includes(name) || own.includes(name) || isSecretName(name);
    return isSecretName(name);
  };
  const review = (text: string, path: Path, isRedacted: boolean): void => {
    for (const secret of variablesIn(text).filter((one) => isSecret(one) || (one === 'query' && !isRedacted)))
      collector.errorAtValue(path, `{${secret}} may carry secrets and is never recorded`, 'remove it');
  };
  // Also beside what else is wrong with it.
  const { format } = isMap(draft.raw['log']) ? draft.raw['log'] : {};
  if (typeof format === 'string') review(format, ['log', 'format'], true);
  for (const { fields, path } of fieldsOf(draft))
    for (const [name, text] of Object.entries(fields)) review(text, [...path, name], false);
}

/** Lists of names in which others have patterns. */
export function reviewRecordedNames({ plain }: Draft, collector: ErrorCollector): void {
  for (const key of ['headers', 'secret_headers', 'query_allowed'] as const)
    reviewPatterns(plain.log?.[key] ?? [], ['log', key], collector);
}

/** Values that routes name for records, and lines of the log that have others. */
export function reviewRecordedFields(draft: Draft, collector: ErrorCollector): void {
  const { log: { format = 'json' } = {}, store = 'none', otlp } = draft.plain;
  const inLine = new Set(variablesIn(format).flatMap((written) => /^field\.(.+)$/s.exec(written)?.[1] ?? []));
  const named = fieldsOf(draft);
  for (const name of inLine)
    if (!named.some(({ fields }) => Object.hasOwn(fields, name)))
      collector.warnAtValue(
        ['log', 'format'],
        `{field.${name}} is always "-": no route has ${quoted(name)} in "log.fields"`,
        `add log: { fields: { ${name}: … } } to a route, or remove it`,
      );
  if (format === 'json' || store !== 'none' || otlp !== undefined) return;
  for (const { fields, path } of named)
    for (const name of Object.keys(fields).filter((one) => !inLine.has(one)))
      collector.warnAtKey(
        [...path, name],
        `${quoted(name)} has no effect: the lines of "log.format" do not have it`,
        format === 'combined'
          ? 'remove it, or write another format'
          : `add {field.${name}} to "log.format", or remove it`,
      );
}

interface NamedFields {
  readonly path: Path;
  readonly fields: Readonly<Record<string, string>>;
}

function fieldsOf(draft: Draft): readonly NamedFields[] {
  return [...draft.routes].map(([at, route]) => {
    const { log } = route as { readonly log?: { readonly fields?: NamedFields['fields'] } };
    return { path: ['routes', at, 'log', 'fields'], fields: log?.fields ?? {} };
  });
}
