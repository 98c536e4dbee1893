import { fail, type Failure } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterStage } from '../core/filter.ts';
import type { MaintenanceSetting } from '../core/overlay.ts';
import { hostOf } from '../wire/host.ts';

/** Refuses every request of a route that its operator has closed for a while: at run time, or as its action. */
export function maintenanceFilter(
  route: string,
  message: string,
  retryAfterS: number,
  stage: FilterStage = 'action',
): Filter {
  const failure = fail('maintenance', 'route', { route, message, retryAfterS });
  return { name: 'maintenance', stage, onRequestHead: () => failure };
}

/** The header, and the cookie, with which a request passes maintenance. */
const passName = 'candor-pass';

/** Who passes maintenance: whether an address does, or a token that a request shows. */
export interface MaintenancePasses {
  readonly isAllowed: (address: string) => boolean;
  readonly isPass: (token: string) => boolean;
}

const retryAfterMaxS = 86_400;

/** For a maintenance that ends at a time. */
export function retryAfterUntil(ends: number, now: number): number {
  return Math.min(retryAfterMaxS, Math.max(1, Math.ceil((ends - now) / 1000)));
}

/** It is for every request of its routes, until it is restored. */
export function isUnconditional({ host, since, until, allow, pass }: MaintenanceSetting): boolean {
  return [host, since, until, allow, pass].every((condition) => condition === undefined);
}

/** Maintenance that an operator has switched on at run time: perhaps for a host, a time or others than some. */
export function operatorMaintenance(route: string, setting: MaintenanceSetting, passes: MaintenancePasses): Filter {
  const { host, since, until, allow, pass, message, retryAfterS } = setting;
  if (isUnconditional(setting)) return maintenanceFilter(route, message, retryAfterS, 'maintenance');
  const [begins, ends] = [Date.parse(since ?? ''), Date.parse(until ?? '')];
  const isIn = ({ request, client, clock }: FilterContext): boolean => {
    const now = clock.wallTime();
    if (now < begins || now >= ends) return false; // A time that is not set is NaN, and neither.
    if (host !== undefined && hostOf(request.authority).toLowerCase() !== host) return false;
    if (allow !== undefined && passes.isAllowed(client.address)) return false;
    return pass === undefined || !tokensOf(request).some((token) => passes.isPass(token));
  };
  const refusal = (now: number): Failure => {
    const seconds = until === undefined ? retryAfterS : retryAfterUntil(ends, now);
    return fail('maintenance', 'route', { route, message, retryAfterS: seconds });
  };
  return {
    name: 'maintenance',
    stage: 'maintenance',
    onRequestHead(context) {
      // Endpoints do not get it: whoever reads their logs would have a pass.
      if (pass !== undefined) {
        context.removeRequestHeader(passName);
        context.removeRequestCookies((name) => name === passName);
      }
      return isIn(context) ? refusal(context.clock.wallTime()) : 'continue';
    },
  };
}

/** What the request shows as its pass: the header, and cookies of that name. */
function tokensOf({ headers }: FilterContext['request']): string[] {
  const cookies: string[] = [];
  headers.each((header, line) => {
    if (header !== 'cookie') return;
    for (const pair of line.split(';')) {
      const [name = '', value = ''] = pair.split('=', 2);
      if (name.trim() === passName) cookies.push(value.trim());
    }
  });
  const header = headers.get(passName);
  return header === null ? cookies : [header.trim(), ...cookies];
}
