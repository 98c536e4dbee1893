import type { Result } from '../../../failures/src/result.ts';
import { failWith, succeed } from '../../../failures/src/result.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import { fieldsOf } from './access-fields.ts';
import { findingOfAccess } from './access-verdict.ts';
import { compileFormat } from './format-matcher.ts';
import type { CompiledFormat } from './format-matcher.ts';
import { formatText } from './format-text.ts';
import type { NginxProduct } from './product.ts';
import { rememberLast } from './remember-last.ts';

/**
 * A dialect for one `log_format` of nginx, given as text: the whole directive from the configuration, with quotes and
 * several parts, or the format alone. `escape=json` and `escape=none` are understood. Returns an error for people if the
 * text is no such format, or has no variable that shows a failure.
 */
export function nginxLogFormat(text: string): Result<Dialect, string> {
  const format = formatText(text);
  if (!format.ok) return format;
  const compiled = compileFormat(format.value.format);
  if (compiled.variables.size === 0) return failWith('The log format has no variables, such as `$status`.');
  if (!compiled.variables.has('status') && !compiled.variables.has('upstream_status')) {
    return failWith('The log format has no `$status`: its lines show no failures.');
  }
  const product = productOf(text);
  return succeed(dialectOf(product, `${product} access log (${format.value.name ?? 'log_format'})`, compiled, 2));
}

/** Variables that only one product has. Fixes are then written for that product. */
function productOf(text: string): NginxProduct {
  if (/\$\{?proxy_(?:alternative_)?upstream_name|\$\{?ingress_name/.test(text)) return 'ingress-nginx';
  if (/\$\{?kong_/.test(text)) return 'kong';
  return /\$\{?apisix_/.test(text) ? 'apisix' : 'nginx';
}

/** A dialect for a compiled format; `certainty` is its answer for a line that matches. */
export function dialectOf(product: NginxProduct, name: string, compiled: CompiledFormat, certainty: 1 | 2): Dialect {
  const match = rememberLast((line) => compiled.match(line));
  return dialect(
    product,
    name,
    (line) => (match(line) === null ? 0 : certainty),
    (line) => {
      const values = match(line);
      return values === null ? null : findingOfAccess(fieldsOf(product, name, values));
    },
  );
}
