import type { FilterContext } from '../../core/filter.ts';

/** The endpoint gets the cookies of the client without those of this name. */
export function withoutCookie(exchange: FilterContext, name: string): void {
  const kept: string[] = [];
  exchange.request.headers.each((header, value) => {
    if (header.toLowerCase() !== 'cookie') return;
    for (const pair of value.split(';')) {
      const [key = ''] = pair.split('=', 1);
      if (key.trim() !== name && pair.trim() !== '') kept.push(pair.trim());
    }
  });
  if (kept.length === 0) exchange.removeRequestHeader('cookie');
  else exchange.setRequestHeader('cookie', kept.join('; '));
}
