/** What becomes of a request that somebody asks about, before it is sent to an endpoint. */
import type { ClientFacts } from '../core/exchange.ts';
import { captureFinder } from '../core/path-match.ts';
import type { QueryEdits, RouteRewrite, RouteSpec } from '../core/route-spec.ts';
import type { VariableSource } from '../core/variables.ts';
import type { FlatSettings } from '../features/feature-words.ts';
import { cookieValue } from '../policy/cookie-value.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { hostOf } from '../wire/host.ts';
import { plainPath } from '../wire/plain-path.ts';
import { targetRewrite } from '../wire/target-rewrite.ts';
import type { RouteQuestion } from './route-question.ts';

/** What is not known of it is ''. */
export function askedRequest(question: RouteQuestion, { id, match }: RouteSpec): VariableSource {
  const { method, authority, target, headers, client } = question;
  const path = plainPath(target).replace(/\?.*/s, '');
  const finder = captureFinder(match);
  const eachHeader = (name: string, visit: (value: string) => void): void => {
    const value = headers.get(name);
    if (value !== undefined) visit(value);
  };
  return {
    ...{ id: '', method, authority, target, path, host: hostOf(authority), version: '', route: id, deployment: '' },
    startedWall: 0,
    client: { port: '', tls: null, ...client } as unknown as ClientFacts,
    header: (name) => headers.get(name) ?? null,
    cookie: (name) => cookieValue({ eachHeader }, name),
    capture: (name) => finder?.(path, name) ?? null,
  };
}

/** Values of parameters whose names mark secrets are not shown. */
export function rewriteOf({ match, rewrite }: RouteSpec, request: VariableSource): FlatSettings {
  const { host, pathPrefix, query } = rewrite;
  const shown: RouteRewrite = query === undefined ? rewrite : { ...rewrite, query: withoutSecrets(query) };
  const isTargetKept = pathPrefix === null && query === undefined;
  const all = {
    target: isTargetKept ? '' : targetRewrite(match, shown).target(request.target, request),
    host: host === 'client' ? '' : host,
  };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ''));
}

function withoutSecrets({ remove, set, add }: QueryEdits): QueryEdits {
  const hidden = ([name, value]: readonly [name: string, value: string]) =>
    [name, isSecretName(name) ? '***' : value] as const;
  return { remove, set: set.map(hidden), add: add.map(hidden) };
}
