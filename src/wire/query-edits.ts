/** Changes to the query of a target. Parameters that are not named keep their spelling and order. */
import type { QueryEdits } from '../core/route-spec.ts';
import { type CompiledText, compileTemplate, Template } from '../core/template.ts';
import { fillUrl } from '../core/url-text.ts';
import type { VariableSource } from '../core/variables.ts';

/** Gets a query without its `?`; returns one with it, or ''. */
type QueryEditor = (query: string, request: VariableSource) => string;

interface Parameter {
  /** Decoded. */
  readonly name: string;
  /** `name=value` */
  readonly written: (request: VariableSource) => string;
}

export function queryEditor({ remove, set, add }: QueryEdits): QueryEditor {
  const removed = removal(remove);
  const [settings, additions] = [set.map(parameter), add.map(parameter)];
  return (query, request) => {
    let kept = query === '' ? [] : query.split('&').filter((part) => !removed(nameOf(part)));
    for (const setting of settings) kept = withSetting(kept, setting, request);
    for (const { written } of additions) kept.push(written(request));
    return kept.length === 0 ? '' : `?${kept.join('&')}`;
  };
}

/** `utm_*` is every name that begins so. */
function removal(names: readonly string[]): (name: string) => boolean {
  const whole = new Set(names.filter((name) => !name.endsWith('*')));
  const beginnings = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => whole.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
}

/** In the place of the first of its name. */
function withSetting(parts: readonly string[], { name, written }: Parameter, request: VariableSource): string[] {
  const at = parts.findIndex((part) => nameOf(part) === name);
  if (at < 0) return [...parts, written(request)];
  return parts.flatMap((part, index) => (index === at ? written(request) : nameOf(part) === name ? [] : part));
}

function parameter([name, value]: readonly [name: string, value: string]): Parameter {
  const [text, beginning] = [compileTemplate(value), encodeURIComponent(name)];
  return { name, written: (request) => `${beginning}=${valueIn(text, request)}` };
}

function valueIn(text: CompiledText, request: VariableSource): string {
  if (!(text instanceof Template)) return encodeURIComponent(text);
  // Behind a question mark values are encoded as parts of a query.
  const [first = '', ...others] = text.texts.map(encodeURIComponent);
  return fillUrl(new Template([`?${first}`, ...others], text.variables), request).slice(1);
}

function nameOf(part: string): string {
  const end = part.indexOf('=');
  const written = end < 0 ? part : part.slice(0, end);
  if (!/[%+]/.test(written)) return written;
  try {
    return decodeURIComponent(written.replaceAll('+', ' '));
  } catch {
    return written;
  }
}
