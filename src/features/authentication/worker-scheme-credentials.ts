import type { FilterContext } from '../../core/filter.ts';

/** Where the credentials of a scheme stand in requests. */
export interface SchemeCredentials {
  readonly position: string;
  /** Whether endpoints get those that have admitted a client. */
  readonly arePassed: boolean;
  /** Takes them out of what endpoints get. */
  withhold(exchange: FilterContext): void;
}

/** What else stands in that header, such as a token of the application's own, is none of the gateway's. */
export function inAuthorization(scheme: 'basic' | 'bearer', arePassed: boolean): SchemeCredentials {
  const name = 'authorization';
  const isOne = new RegExp(`(?:^|,)\\s*${scheme}(?:\\s|$)`, 'i');
  return {
    ...{ position: name, arePassed },
    withhold(exchange) {
      if (isOne.test(exchange.variables.header(name) ?? '')) exchange.removeRequestHeader(name);
    },
  };
}

export function inHeader(name: string, arePassed: boolean): SchemeCredentials {
  return { position: name.toLowerCase(), arePassed, withhold: (exchange) => exchange.removeRequestHeader(name) };
}

export function inCookies(name: string, arePassed: boolean, isOne: (name: string) => boolean): SchemeCredentials {
  return { position: `cookie ${name}`, arePassed, withhold: (exchange) => exchange.removeRequestCookies(isOne) };
}

/** A client may send credentials for several schemes. Those of the schemes that have not admitted it are secrets too, and nothing says whose. */
export function withholdCredentials(
  exchange: FilterContext,
  admittedBy: SchemeCredentials | undefined,
  all: readonly SchemeCredentials[],
): void {
  const passed = admittedBy?.arePassed === true ? admittedBy.position : null;
  for (const one of all) if (one.position !== passed) one.withhold(exchange);
}
