import type { Configuration } from '../core/configuration.ts';

const parts = [
  'deployment',
  'member',
  'drainMs',
  'listeners',
  'routes',
  'unrouted',
  'upstreams',
  'applications',
  'trustedPeers',
  'client',
  'dns',
  'admin',
  'log',
] as const;

/** Which parts of a configuration differ, by the names of what they hold: 'routes: /api', 'listeners'. */
export function changesBetween(before: Configuration, now: Configuration): readonly string[] {
  return parts.flatMap((part) => {
    const [old, current] = [before[part], now[part]];
    if (JSON.stringify(old) === JSON.stringify(current)) return [];
    return [`${part}${namesOf(old, current)}`];
  });
}

function namesOf(before: unknown, now: unknown): string {
  if (!Array.isArray(before) || !Array.isArray(now)) return '';
  const texts = new Map<string, string>();
  for (const item of before) if (hasId(item)) texts.set(item.id, JSON.stringify(item));
  const changed: string[] = [];
  for (const item of now) {
    if (!hasId(item)) continue;
    if (texts.get(item.id) !== JSON.stringify(item)) changed.push(item.id);
    texts.delete(item.id);
  }
  const names = [...changed, ...texts.keys()];
  return names.length === 0 ? '' : `: ${names.join(', ')}`;
}

function hasId(item: unknown): item is { readonly id: string } {
  return typeof item === 'object' && item !== null && 'id' in item && typeof item.id === 'string';
}
