import { assert } from '../core/assert.ts';
import type { RequestHead } from '../core/message.ts';
import { cookiesWithout } from '../policy/cookie-value.ts';

// oxlint-disable-next-line no-control-regex -- these are what no value may have (RFC 9110 §5.5)
const controlCharacter = /[\0-\x08\x0a-\x1f\x7f]/;

/** What the filters of an exchange have changed in the headers of its request. */
export abstract class RequestHeaderChanges {
  /** In lower case. Null: the filters have removed none. */
  requestHeadersRemoved: Set<string> | null = null;
  /** By name in lower case. Null: the filters have set none. */
  requestHeadersSet: Map<string, string> | null = null;

  abstract get request(): RequestHead;

  removeRequestHeader(name: string): void {
    (this.requestHeadersRemoved ??= new Set()).add(name.toLowerCase());
    this.requestHeadersSet?.delete(name.toLowerCase());
  }

  setRequestHeader(name: string, value: string): void {
    assert(!controlCharacter.test(value), `a value that a filter sets for ${name} has no control characters`);
    this.removeRequestHeader(name);
    (this.requestHeadersSet ??= new Map()).set(name.toLowerCase(), value);
  }

  /** An earlier filter may have removed other cookies: they stay removed. */
  removeRequestCookies(isRemoved: (name: string) => boolean): void {
    const set = this.requestHeadersSet?.get('cookie');
    if (set === undefined && this.requestHeadersRemoved?.has('cookie') === true) return;
    const eachHeader = (wanted: string, visit: (value: string) => void): void =>
      set === undefined
        ? this.request.headers.each((name, value) => void (name === wanted && visit(value)))
        : visit(set);
    const kept = cookiesWithout({ eachHeader }, isRemoved);
    if (kept === '') this.removeRequestHeader('cookie');
    else if (kept !== null) this.setRequestHeader('cookie', kept);
  }
}
