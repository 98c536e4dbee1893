import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';

interface ConditionsRead {
  readonly headers?: Readonly<Record<string, unknown>>;
}

interface MatchRead extends ConditionsRead {
  readonly not?: ConditionsRead;
  readonly any?: readonly ConditionsRead[];
}

/**
 * Routes are chosen by what clients send, before anybody knows who they are: whoever writes a condition on a header that `authentication` sets
 * takes it for what applications get. `reserved`: names in lower case.
 */
export function reviewConditions(read: object, path: Path, reserved: ReadonlySet<string>, findings: Findings): void {
  const route = read as MatchRead;
  const blocks: readonly (readonly [Path, ConditionsRead | undefined])[] = [
    [path, route],
    [[...path, 'not'], route.not],
    ...(route.any ?? []).map((block, index) => [[...path, 'any', index], block] as const),
  ];
  for (const [at, block] of blocks)
    for (const name of Object.keys(block?.headers ?? {}))
      if (reserved.has(name.toLowerCase()))
        findings.warnAtKey(
          [...at, 'headers', name],
          `it is what clients send, who may write any name: "authentication" sets ${quoted(name)} after the route is found`,
          'let the route ask who they are, by "require" of "authentication"',
        );
}
