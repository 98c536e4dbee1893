import { createHmac, createSecretKey } from 'node:crypto';
import { SessionTokens } from '../../policy/session-tokens.ts';
import { StickyBalancer, type StickySessions, sessionOf, type StickySpec } from '../../policy/sticky-sessions.ts';
import { type FeatureHooks, type FeaturePart, workerFeature } from '../worker-feature.ts';
import { stickyName, type StickySettings } from './settings.ts';
import type { Filter, FilterContext, FilterResponseHead } from '../../core/filter.ts';

/**
 * Tells the client by a cookie which endpoint has answered it, so that its next requests go there (`policy/sticky-sessions.ts`). A response gets the cookie only if the request
 * had none for this endpoint, or an old one.
 */
function stickySessionFilter(sessions: StickySessions): Filter {
  const attributes = attributesOf(sessions.spec);
  const secureByScheme = sessions.spec.secure === 'auto';
  const tell = (exchange: FilterContext, head: FilterResponseHead): void => {
    const { endpoint } = exchange;
    if (endpoint === null || exchange.isOfPrevious) return;
    const tag = sessions.tokens.tagOf(endpoint);
    const session = sessionOf(sessions, { eachHeader: (name, visit) => eachLine(exchange, name, visit) });
    const isKept = session?.tag === tag;
    if (!isKept) exchange.noteSession(session === null ? 'new' : 'moved');
    if ((isKept && !sessions.tokens.isDue(session)) || isShared(head.get('Cache-Control'))) return;
    const secure = secureByScheme && exchange.client.scheme === 'https' ? '; Secure' : '';
    const value = sessions.tokens.issue(tag, sessions.wallTime());
    head.add('Set-Cookie', `${sessions.spec.cookie}=${value}${attributes}${secure}`);
  };
  // RFC 6455 §4.1 step 5, §11.3: the response to a WebSocket handshake may set cookies, and browsers keep them.
  return { name: 'sticky', stage: 'rewrite', onResponseHead: tell, onSwitchHead: tell };
}

/** RFC 9111 §3.5, §5.2.2.9: caches may give such a response to other clients, who would all go to this endpoint. */
function isShared(cacheControl: string | null): boolean {
  return cacheControl !== null && /\b(?:public|s-maxage|immutable)\b/i.test(cacheControl);
}

function eachLine({ request }: FilterContext, wanted: string, visit: (value: string) => void): void {
  request.headers.each((name, value) => {
    if (name === wanted) visit(value);
  });
}

const sameSiteNames = { lax: 'Lax', strict: 'Strict', none: 'None' } as const;

function attributesOf({ path, domain, cookieLifetimeMs, httpOnly, sameSite, secure }: StickySpec): string {
  return [
    `; Path=${path}`,
    ...(domain === null ? [] : [`; Domain=${domain}`]),
    ...(cookieLifetimeMs === null ? [] : [`; Max-Age=${Math.round(cookieLifetimeMs / 1000)}`]),
    ...(httpOnly ? ['; HttpOnly'] : []),
    `; SameSite=${sameSiteNames[sameSite]}`,
    ...(secure === true ? ['; Secure'] : []),
  ].join('');
}

/** Without a lifetime of its own a cookie goes with the browser, which may be open for days. */
const lifetimeOfOpenBrowserMs = 24 * 3_600_000;

export function sessionsOf(upstream: string, spec: StickySettings, wallTime: () => number): StickySessions {
  const secret = createHmac('sha256', spec.key ?? '')
    .update(`candor session ${upstream}`)
    .digest();
  const key = createSecretKey(secret);
  const tokens = new SessionTokens(
    (text) => createHmac('sha256', key).update(text).digest('base64url'),
    spec.cookieLifetimeMs ?? lifetimeOfOpenBrowserMs,
  );
  return { spec, tokens, wallTime };
}

/** The filter tells clients by a cookie which endpoint has answered, and the balancer sends them there. */
export function stickyHooks(sessions: StickySessions): FeatureHooks {
  return {
    filters: [stickySessionFilter(sessions)],
    balancer: {
      around: (inner) => new StickyBalancer(inner, sessions),
      keepsDraining: sessions.spec.keepsDraining,
    },
  };
}

interface StickyPart extends FeaturePart {
  readonly settings: string;
}

export const sticky = workerFeature<StickySettings, StickyPart>({
  name: stickyName,
  prepare({ id }, spec, { clock }, previous) {
    const settings = JSON.stringify(spec);
    // Another balancer would have to learn its sessions anew.
    if (previous?.settings === settings) return previous;
    return { settings, hooks: stickyHooks(sessionsOf(id, spec, () => clock.wallTime())) };
  },
});
