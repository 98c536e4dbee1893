import type { AdaptedApplication, Conversion } from './conversion.ts';

interface KnownService {
  /** The name that a dependency gets. */
  readonly name: string;
  readonly scheme: string;
  readonly port: number;
}

const services: readonly (readonly [image: RegExp, unit: RegExp, KnownService])[] = [
  [
    /(?:^|\/)(?:postgres|postgis|pgvector|timescaledb(?:-ha)?|postgresql)(?=[:@]|$)/,
    /^postgresql(?:@.*)?$/,
    { name: 'database', scheme: 'postgres', port: 5432 },
  ],
  [
    /(?:^|\/)(?:mysql|mariadb|percona)(?=[:@]|$)/,
    /^(?:mysqld?|mariadb)$/,
    { name: 'database', scheme: 'mysql', port: 3306 },
  ],
  [
    /(?:^|\/)(?:redis|valkey|keydb|dragonfly|redis-stack(?:-server)?)(?=[:@]|$)/,
    /^(?:redis|redis-server|valkey|valkey-server)$/,
    { name: 'cache', scheme: 'redis', port: 6379 },
  ],
  [/(?:^|\/)memcached(?=[:@]|$)/, /^memcached$/, { name: 'memcached', scheme: 'tcp', port: 11_211 }],
  [/(?:^|\/)rabbitmq(?=[:@]|$)/, /^rabbitmq-server$/, { name: 'queue', scheme: 'tcp', port: 5672 }],
  [/(?:^|\/)mongo(?:db)?(?=[:@]|$)/, /^mongod$/, { name: 'documents', scheme: 'tcp', port: 27_017 }],
  [/(?:^|\/)nats(?=[:@]|$)/, /^nats(?:-server)?$/, { name: 'messages', scheme: 'tcp', port: 4222 }],
  [
    /(?:^|\/)(?:elasticsearch|opensearch)(?=[:@]|$)/,
    /^(?:elasticsearch|opensearch)$/,
    { name: 'search', scheme: 'http', port: 9200 },
  ],
  [/(?:^|\/)meilisearch(?=[:@]|$)/, /^meilisearch$/, { name: 'search', scheme: 'http', port: 7700 }],
  [/(?:^|\/)minio(?=[:@]|$)/, /^minio$/, { name: 'objects', scheme: 'http', port: 9000 }],
];

export function serviceOfImage(image: string): KnownService | null {
  return services.find(([pattern]) => pattern.test(image))?.[2] ?? null;
}

export function serviceOfUnit(unit: string): KnownService | null {
  return services.find(([, pattern]) => pattern.test(unit.replace(/\.service$/, '')))?.[2] ?? null;
}

const gateways =
  /(?:^|\/)(?:nginx(?:-proxy|-unprivileged)?|jwilder\/nginx-proxy|traefik|caddy(?:-docker-proxy)?|haproxy|envoy|httpd|acme-companion|certbot)(?=[:@]|$)/;

export function isGatewayImage(image: string): boolean {
  return gateways.test(image);
}

/** The dependencies that addresses in variables name, such as `DATABASE_URL`, where no other part of the file has said more. */
export function noteDependencies(result: Conversion): void {
  for (const [name, application] of result.applications)
    for (const value of result.addressesOf(name)) {
      const found = dependencyOf(value);
      if (found !== null) addDependency(found.name, found.url, application, result);
    }
}

/** The same address has one name, and the longer form of it stays; another one gets a number. */
export function addDependency(name: string, url: string, application: AdaptedApplication, result: Conversion): void {
  let chosen = [...result.dependencies].find(([, known]) => isSame(known, url))?.[0] ?? name;
  for (let number = 2; !isSame(result.dependencies.get(chosen) ?? url, url); number += 1) chosen = `${name}-${number}`;
  const known = result.dependencies.get(chosen) ?? '';
  result.dependencies.set(chosen, known.length > url.length ? known : url);
  if (!application.depends_on.includes(chosen)) application.depends_on.push(chosen);
}

function isSame(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/** Of an address in a variable, without its user. */
function dependencyOf(value: string): { name: string; url: string } | null {
  const [, scheme = '', host = '', port, path = ''] =
    /^(postgres(?:ql)?|mysql2?|mariadb|rediss?|amqps?|mongodb):\/\/(?:[^@/\s]*@)?([\w.-]+)(?::(\d+))?(\/[\w-]*)?(?:\?\S*)?$/.exec(
      value,
    ) ?? [];
  if (scheme === '') return null;
  const host4 = host === 'localhost' ? '127.0.0.1' : host;
  const at = (usual: number): string => `${host4}:${port ?? usual}`;
  if (scheme.startsWith('postgres')) return { name: 'database', url: `postgres://${at(5432)}${path}` };
  if (scheme.startsWith('my') || scheme === 'mariadb') return { name: 'database', url: `mysql://${at(3306)}${path}` };
  if (scheme.startsWith('redis')) return { name: 'cache', url: `${scheme}://${at(6379)}` };
  return scheme === 'mongodb'
    ? { name: 'documents', url: `tcp://${at(27_017)}` }
    : { name: 'queue', url: `tcp://${at(scheme === 'amqps' ? 5671 : 5672)}` };
}
