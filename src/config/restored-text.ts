import { isPair, isScalar, isSeq, parseDocument, type Scalar, visit } from 'yaml';
import { replaceSpans, type Span } from '../redact/span.ts';
import { hideInPath } from '../schema/hide-secrets.ts';
import type { Path } from '../schema/findings.ts';
import { pathText } from './position-index.ts';

/** A configuration as it is kept: with `***` for what is hidden, and a number for each value of a key. */
interface KeptText {
  readonly text: string;
  readonly unshown: readonly { readonly key: string; readonly version: number }[] | null;
}

/** `lost`: keys of hidden values that are not those of the file any more, and are kept nowhere. */
interface RestoredText {
  readonly text: string;
  readonly lost: readonly string[];
}

/**
 * The text of an earlier configuration with the hidden values of `file`, the one that is active. A value is taken only where both
 * configurations had the same one.
 */
export function restoredText(earlier: KeptText, active: Pick<KeptText, 'unshown'>, file: string): RestoredText {
  const present = parseDocument(file);
  const [then, now] = [versionsOf(earlier), versionsOf(active)];
  const spans: (Span & { readonly value: string })[] = [];
  const lost: string[] = [];
  visit(parseDocument(earlier.text), {
    Scalar(at, node, ancestors) {
      if (at === 'key' || !String(node.value).includes('***') || node.range == null) return;
      const path = pathOf(at, ancestors);
      const key = hideInPath(pathText(path));
      const found: unknown = present.getIn(path, true);
      const isSame = then.get(key) !== undefined && then.get(key) === now.get(key);
      if (!isSame || !isScalar(found)) return void lost.push(key);
      const [start, end] = node.range;
      spans.push({ start, end, value: writtenOf(found, file) });
    },
  });
  let next = 0;
  return { text: replaceSpans(earlier.text, spans, () => spans[next++]?.value ?? ''), lost };
}

const versionsOf = ({ unshown }: Pick<KeptText, 'unshown'>): ReadonlyMap<string, number> =>
  new Map(unshown?.map(({ key, version }) => [key, version]));

/** As it stands in the file, where that means the same at another indentation. */
function writtenOf({ range, value }: Scalar, file: string): string {
  const written = range == null ? '' : file.slice(range[0], range[1]);
  return written === '' || /[\n\r]/.test(written) ? JSON.stringify(value) : written;
}

function pathOf(at: number | 'key' | 'value' | null, ancestors: readonly unknown[]): Path {
  const path: (string | number)[] = [];
  for (const [depth, node] of ancestors.entries()) {
    const child = ancestors[depth + 1];
    if (isPair(node)) path.push(String(isScalar(node.key) ? node.key.value : node.key));
    else if (isSeq(node)) path.push(child === undefined ? Number(at) : node.items.indexOf(child));
  }
  return path;
}
