import type { ComposeService } from './compose-service.ts';
import type { Conversion } from './conversion.ts';
import { type LocatedMap, textOf, textsOf } from './located.ts';

/** The gateway listens where services did, and sends by the hosts and paths of their labels, if they have some. */
export function addComposeRoutes(services: readonly ComposeService[], result: Conversion): void {
  const targets = services.filter(
    ({ kind, application }) =>
      kind === 'upstream' || (kind === 'web' && result.applications.get(application)?.command !== undefined),
  );
  const labelled = new Set<ComposeService>();
  for (const service of targets)
    for (const { host, path } of rulesOf(service.map)) {
      labelled.add(service);
      result.routes.push({
        ...(host === undefined ? {} : { host }),
        ...(path === undefined ? {} : { path }),
        to: service.application,
      });
    }
  const gateway = services.find(({ kind, published }) => kind === 'gateway' && published.length > 0);
  if (gateway !== undefined)
    for (const { host, outer } of gateway.published)
      if (outer !== 443)
        result.listeners.set(result.listeners.has('http') ? `http-${outer}` : 'http', `${host}:${outer}`);
      else result.changed(gateway.line, 'its port 443 needs a listener with `tls`');
  const others = targets.filter((service) => !labelled.has(service));
  const open = others.filter(({ published, kind }) => published.length > 0 && kind === 'web');
  if (gateway === undefined)
    for (const service of open) {
      const [{ host, outer }] = [service.published[0]!];
      const name = open.length === 1 && others.length === 1 ? 'http' : service.application;
      result.listeners.set(name, `${host}:${outer}`);
      if (others.length > 1 || labelled.size > 0) result.routes.push({ listener: name, to: service.application });
    }
  const rest = others.filter((service) => gateway !== undefined || !open.includes(service));
  if (targets.length < 2 && labelled.size === 0) return;
  const main =
    labelled.size > 0
      ? undefined
      : (rest.find(({ name }) => /^(?:web|www|site|frontend|app|client)$/.test(name)) ?? rest.at(-1));
  for (const service of rest) {
    const { application, line } = service;
    if (service !== main) result.routes.push({ host: `${application.toLowerCase()}.localhost`, to: application });
    const text = `nothing says which requests ${application} gets: write the host or path of its route`;
    result.changed(line, text, result.applications.has(application) ? application : null);
  }
  if (main !== undefined) result.routes.push({ to: main.application });
  result.routes.sort((one, other) => rankOf(one) - rankOf(other));
}

/** The first route that matches is taken, so that those with more conditions come first. */
function rankOf({ host, path, listener }: Conversion['routes'][number]): number {
  if (path !== undefined) return host === undefined ? 1 : 0;
  return host === undefined ? (listener === undefined ? 4 : 3) : 2;
}

interface Rule {
  readonly host?: string | string[];
  readonly path?: string | string[];
}

/** Hosts and paths of `traefik.http.routers.NAME.rule`. Rules with anything else are left to people. */
function rulesOf(map: LocatedMap): readonly Rule[] {
  const labels = map.entries.get('labels');
  const texts =
    labels?.kind === 'map'
      ? [...labels.entries].map(([name, value]) => `${name}=${textOf(value) ?? ''}`)
      : textsOf(labels);
  return texts.flatMap((text): readonly Rule[] => {
    const rule = /^traefik\.http\.routers\.[\w-]+\.rule=(.*)$/.exec(text)?.[1];
    if (rule === undefined) return [];
    const known = rule.replace(/(?:Host|PathPrefix|Path)\((?:\s*`[^`]*`\s*,?)+\)|&&|\|\||[\s()]/g, '');
    if (known !== '') return [];
    const of = (name: string): string[] =>
      [...rule.matchAll(new RegExp(`\\b${name}\\(([^)]*)\\)`, 'g'))].flatMap(([, list = '']) =>
        [...list.matchAll(/`([^`]*)`/g)].map(([, one]) => one!),
      );
    const hosts = of('Host');
    const paths = [...of('PathPrefix'), ...of('Path').map((path) => `= ${path}`)];
    const oneOrMany = (list: string[]): string | string[] => (list.length === 1 ? list[0]! : list);
    return [
      {
        ...(hosts.length === 0 ? {} : { host: oneOrMany(hosts) }),
        ...(paths.length === 0 ? {} : { path: oneOrMany(paths) }),
      },
    ];
  });
}
