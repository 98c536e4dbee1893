import type { ApplicationSetup, Setup } from './setup.ts';

/** A configuration of the gateway. A file of YAML may be JSON. */
export type Configuration = Record<string, unknown> & {
  upstreams: Record<string, Record<string, unknown>>;
  applications: Record<string, Record<string, unknown>>;
  routes: Record<string, unknown>[];
};

interface LabAddresses {
  readonly listener: number;
  readonly socket: string;
  readonly dns: string | null;
  readonly authorityFile: string | null;
  /** Endpoints by the application, as the configuration has them. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
}

/** The configuration that a play begins with. */
export function configurationOf(
  setup: Setup,
  at: LabAddresses,
  command: (name: string) => {
    readonly command: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
  },
): Configuration {
  const upstreams: Configuration['upstreams'] = {};
  const applications: Configuration['applications'] = {};
  for (const [name, application] of Object.entries(setup.applications))
    if (application.by === 'candor') applications[name] = candorApplication(application, command(name));
    else upstreams[name] = upstream(application, at.endpoints[name] ?? [], at.authorityFile);
  return {
    listeners: { http: `127.0.0.1:${at.listener}` },
    admin: { socket: at.socket },
    workers: 1,
    ...(setup.hasStore === true ? { store: {} } : {}),
    ...(at.dns === null ? {} : { dns: { servers: [at.dns], allow: ['127.0.0.0/8'] } }),
    ...setup.keys,
    upstreams,
    applications,
    routes: setup.routes.map(({ id, path, to, keys }) => ({ id, path, to, ...keys })),
  };
}

/** What the gateway reads; a section without entries is left out. */
export function configurationText(configuration: Configuration): string {
  const { upstreams, applications, ...rest } = configuration;
  const sections = Object.entries({ upstreams, applications }).filter(([, one]) => Object.keys(one).length > 0);
  return JSON.stringify({ ...rest, ...Object.fromEntries(sections) }, null, 1);
}

function candorApplication(
  { instances, keys }: ApplicationSetup,
  started: { readonly command: readonly string[]; readonly environment: Readonly<Record<string, string>> },
): Record<string, unknown> {
  return { ...started, instances, readiness: '/healthz', ...keys };
}

function upstream(
  { tls, host, http2, keys }: ApplicationSetup,
  endpoints: readonly string[],
  authorityFile: string | null,
): Record<string, unknown> {
  const settings = { ca_file: authorityFile, ...(host === undefined ? { server_name: 'shop.internal' } : {}) };
  return {
    endpoints: tls === undefined ? endpoints : endpoints.map((one) => `https://${one}`),
    ...(tls === undefined ? {} : { tls: settings }),
    ...(http2 === true ? { http2 } : {}),
    check: { path: '/healthz' },
    ...keys,
  };
}
