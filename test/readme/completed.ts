/** A fragment as it would stand in a whole file: with a route around it, and with the upstream that it needs. */
export function completed(fragment: Record<string, unknown>): Record<string, unknown> {
  const outermost = [
    'dependencies',
    'prices',
    'upstreams',
    'applications',
    'listeners',
    'trusted_peers',
    'client_address_header',
    'client',
    'workers',
    'drain',
    'state',
    'store',
    'alerts',
    'otlp',
    'prices',
    'timeouts',
    'websocket',
    'dns',
    'routes',
    'error_pages',
    'replace_errors',
    'compress',
    'decompress_requests',
    'request_headers',
    'response_headers',
    'security_headers',
    'cors',
    'access',
    'authentication',
    'country_file',
    'signed_links',
    'rate_limits',
    'response_cookies',
    'admin',
    'log',
  ];
  if (Object.keys(fragment).every((key) => outermost.includes(key) || key.startsWith('x-')))
    return withTargets(fragment);
  if ('check' in fragment) return { upstreams: { app: { endpoints: '127.0.0.1:3000', ...fragment } } };
  const acts = ['respond', 'redirect', 'maintenance'].some((key) => key in fragment);
  return withTargets({ routes: [acts ? fragment : { ...fragment, to: 'app' }] });
}

/** With an upstream for every route, or a route for every upstream. */
function withTargets(file: Record<string, unknown>): Record<string, unknown> {
  const routes = file['routes'] as readonly { to?: string | object }[] | undefined;
  const upstreams = (file['upstreams'] ?? {}) as object;
  if (routes !== undefined || (!('upstreams' in file) && !('applications' in file))) {
    const targets = (routes ?? [{ to: 'app' }]).flatMap(({ to }) => {
      if (to === undefined) return [];
      return typeof to === 'string' ? [to] : Object.keys(to);
    });
    const own = (file['applications'] ?? {}) as object;
    const missing = targets
      .filter((name) => !(name in own))
      .map((name) => [name, ['127.0.0.1:3000', '127.0.0.1:3001']]);
    if (missing.length === 0) return file;
    return { ...file, upstreams: { ...Object.fromEntries(missing), ...upstreams } };
  }
  const names = [...Object.keys(upstreams), ...Object.keys((file['applications'] ?? {}) as object)];
  return names.length < 2 ? file : { ...file, routes: names.map((to) => ({ path: `/${to}`, to })) };
}
