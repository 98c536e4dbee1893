import { itemsOf, inside, type Located, textOf } from './located.ts';

export interface PublishedPort {
  readonly line: number;
  /** '' for every address. */
  readonly host: string;
  readonly outer: number;
  readonly inner: number;
}

/** `ports` of a service: '80:3000', '127.0.0.1:8080:80/tcp', or in keys. Ranges and ports that the system chooses are left out. */
export function publishedPorts(written: Located | undefined): readonly PublishedPort[] {
  return itemsOf(written).flatMap((one): readonly PublishedPort[] => {
    const { line } = one;
    if (one.kind === 'map') {
      const [inner, outer] = [textOf(inside(one, 'target')), textOf(inside(one, 'published'))];
      if (!/^\d+$/.test(inner ?? '') || !/^\d+$/.test(outer ?? '')) return [];
      return [{ line, host: textOf(inside(one, 'host_ip')) ?? '', outer: Number(outer), inner: Number(inner) }];
    }
    const text = (textOf(one) ?? '').replace(/\$\{\w+:?-(\d+)\}/g, '$1');
    const [, host = '', outer, inner] = /^(?:([\d.]+|\[[\da-f:]+\]):)?(\d+):(\d+)(?:\/tcp)?$/i.exec(text) ?? [];
    return outer === undefined || inner === undefined
      ? []
      : [{ line, host, outer: Number(outer), inner: Number(inner) }];
  });
}
